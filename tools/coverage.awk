# Reads gcovr's csv; prints one line a file, and a total.
NR > 1 {
	printf "%-40s %5d of %5d lines %6.1f %%\n", $1, $3, $2, $2 ? 100 * $3 / $2 : 100
	lines += $2; covered += $3
}
END { printf "%-40s %5d of %5d lines %6.1f %%\n", "src/ in all", covered, lines, \
	lines ? 100 * covered / lines : 0 }
