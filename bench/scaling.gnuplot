# The curves of `bench --scaling`, which calls this; scaling.c says what the data file holds.
#   gnuplot -c bench/scaling.gnuplot time scaling.dat out.svg "the machine" "who ..." "workers ..."
#   gnuplot -c bench/scaling.gnuplot speedup scaling.dat out.svg "the machine" "who ..." "skipped ..."
# who: a number for each curve that selects its colour; skipped: a word for each block before.

what = ARG1
data = ARG2
who = ARG5
curves = words(who)

set terminal svg size 1100,760 dynamic noenhanced background rgb "white" font "sans-serif,13"
set output ARG3
set grid lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside right top samplen 3

array colours[14] = ["#c1272d", "#9a9a9a", "#d0d0d0", "#b8b2a0", "#8f9aa6", "#6e6e6e", "#0b5fa5", "#8a5a2b", "#d6568c", \
	"#7b5ea7", "#b39ddb", "#17a2b8", "#e08e0b", "#4c9a2a"]
colour(i) = colours[int(word(who, i + 1)) % 14 + 1]

if (what eq "time") {
	workers = ARG6
	set title "skynet: time against leaves (name, workers); less is better.\n" . ARG4
	set logscale xy 10
	set xrange [700:1400000]
	set xlabel "leaves (tasks: 1.11 x as many)"
	set ylabel "milliseconds for all"
	set format x "%.0f"
	set format y "%g"
	plot for [i = 0:curves - 1] data index i using 1:2 with linespoints lw 2 pt 7 ps 0.6 \
		dt int(word(workers, i + 1)) lc rgb colour(i) title columnheader(1)
} else {
	before = words(ARG6)
	stats data index before using 1 every ::1 name "workers" nooutput
	set title "skynet, 1000000 leaves: speed-up against workers; more is better.\n" . ARG4
	set logscale xy 2
	set xlabel "workers"
	set ylabel "time with one worker / time"
	set xrange [1:workers_max * 1.1]
	set yrange [0.25:workers_max * 1.25]
	plot x with lines lw 1 dt 3 lc rgb "black" title "ideal", \
		for [i = 0:curves - 1] data index before + i using 1:2 with linespoints lw 2 pt 7 ps 0.6 \
		lc rgb colour(i) title columnheader(1)
}
