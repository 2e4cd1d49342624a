# Reads ctest's LastTest.log; prints "PASSED FAILED SKIPPED". Into the file named by `details` go
# the lines of skipped tests and the output of those that failed.
#
# A test is counted by its summary line. One without it has crashed or was stopped by ctest, unless
# it was added without tests/support/run.sh: then ctest's word counts.

function finish(ctest_passed,    i, first) {
	if (ctest_passed && !summary)
		n_passed = 1
	if (!ctest_passed && n_failed == 0)
		n_failed = 1
	passed += n_passed; failed += n_failed; skipped += n_skipped
	if (!n_failed) {
		for (i = 1; i <= n_lines; i++)
			if (lines[i] ~ /^SKIPPED /)
				print lines[i] >>details
		return
	}
	print "---- " name (summary ? "" : " crashed, or took too long") >>details
	first = n_lines > 200 ? n_lines - 199 : 1
	for (i = first; i <= n_lines; i++)
		print lines[i] >>details
}

/^[0-9]+\/[0-9]+ Testing: / {
	name = $3; summary = inside = ended = 0
	n_lines = n_passed = n_failed = n_skipped = 0
	next
}
/^Output:$/ && !inside { inside = 1; next }
inside && /^<end of output>$/ { inside = 0; ended = 1; next }
ended && /^Test (Passed|Failed)/ { finish(/Passed/); ended = 0; next }
inside {
	lines[++n_lines] = $0
	if ($0 ~ /^[A-Za-z0-9_.-]+: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/) {
		summary = 1
		n_passed += $2; n_failed += $4; n_skipped += $6
	}
}
END { print passed + 0, failed + 0, skipped + 0 }
