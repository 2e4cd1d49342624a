# The chart of a run, bars on a logarithmic scale. The harness calls it; by hand:
#   gnuplot -c bench/plot.gnuplot results.dat results.svg "the machine" '"label" "label" ...' "unit"
# plot.c says what the data file holds.

data = ARG1
labels = ARG4

stats data index 0 using 3 name "value" nooutput
stats data index 0 using 1 name "place" nooutput

set terminal svg size 1600,720 dynamic noenhanced background rgb "white" font "sans-serif,13"
set output ARG2
set title "bide and its peers; less is better. " . ARG3 font ",15"
set logscale y 10
set yrange [10 ** floor(log10(value_min * 0.5)):10 ** ceil(log10(value_max * 2.5))]
set xrange [place_min - 1.3:place_max + 1]
set ylabel ARG5
set format y "%g"
set grid ytics lc rgb "#dddddd"
set border 3
set xtics nomirror scale 0 font ",12"
set ytics nomirror
set key above horizontal center samplen 1.5
set boxwidth 0.92
set style fill solid noborder

array colours[14] = ["#c1272d", "#9a9a9a", "#d0d0d0", "#b8b2a0", "#8f9aa6", "#6e6e6e", "#0b5fa5", "#8a5a2b", "#d6568c", \
	"#7b5ea7", "#b39ddb", "#17a2b8", "#e08e0b", "#4c9a2a"]

plot for [i = 0:words(labels) - 1] data index 0 using ($2 == i ? $1 : NaN):3 with boxes \
		lc rgb colours[i % 14 + 1] title word(labels, i + 1), \
	data index 0 using 1:3:4 with labels rotate by 90 left offset 0,0.35 font ",10" notitle, \
	data index 1 using 1:(NaN):xticlabels(2) with points notitle, \
	data index 2 using ($1 - 0.95):2:(0.68):(0) with vectors nohead lw 2.5 lc rgb "black" \
		title "target for bide"
