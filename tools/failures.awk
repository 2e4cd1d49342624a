# Reads what a tier has to say; prints each test that failed, with the end of what it printed.

function flush_block(    i) {
	if (header == "")
		return
	print tier ": " header
	for (i = n > most ? n - most + 1 : 1; i <= n; i++)
		print "    " lines[i]
	header = ""
	n = 0
}

BEGIN { most = 25 }
/^---- [^ ]+( crashed, or took too long)?$/ { flush_block(); header = $0; next }
/^the build failed; / { flush_block(); header = $0; next }
/^SKIPPED / { next }
header != "" { lines[++n] = $0 }
END { flush_block() }
