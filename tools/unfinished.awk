# Reads what ctest prints; prints a line for each test that ran when ctest was ended.

$1 == "Start" { running[$NF] = 1 }
/^ *[0-9]+\/[0-9]+ +Test +#/ { sub(/^.*: /, ""); delete running[$1] }
END {
	print "FAILED " tier ": the time was over, and not all of it was run"
	for (name in running)
		print "FAILED " name ": it ran when the time was over"
}
