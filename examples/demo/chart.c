/*
 * chart.c - the results as a chart, drawn by gnuplot.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "report.h"

/* Writes the text in gnuplot's single quotes, in which a quote is doubled. */
static void write_quoted(FILE *gnuplot, const char *text)
{
	putc('\'', gnuplot);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', gnuplot);
		putc(*text, gnuplot);
	}
	putc('\'', gnuplot);
}

static void write_data(FILE *gnuplot, const struct ratio ratios[RATIO_COUNT])
{
	fprintf(gnuplot, "$figures << END\n");
	for (int i = 0; i < RATIO_COUNT; i++) {
		const struct figures *t = &ratios[i].form[FORM_TASK];
		const struct figures *v = &ratios[i].form[FORM_VALUE_TASK];

		fprintf(gnuplot, "\"%d %%\" %g %g %g %g\n", ratios[i].hit_percent, t->mean_ns, v->mean_ns,
		        t->bytes, v->bytes);
	}
	fprintf(gnuplot, "END\n");
}

static void write_script(FILE *gnuplot, const struct ratio ratios[RATIO_COUNT], const char *path)
{
	write_data(gnuplot, ratios);
	fprintf(gnuplot,
	        "set terminal svg size 960,420 enhanced font 'sans-serif,13' background 'white'\n"
	        "set output ");
	write_quoted(gnuplot, path);
	fprintf(gnuplot, "\nset multiplot layout 1,2\n"
	                 "set style data histograms\n"
	                 "set style histogram clustered gap 1\n"
	                 "set style fill solid 0.9 noborder\n"
	                 "set grid ytics lc rgb '#dddddd'\n"
	                 "set border 3\n"
	                 "set tics nomirror\n"
	                 "set xlabel 'look-ups that are hits'\n"
	                 "set key top right\n"
	                 "set title 'Time of a look-up (mean)'\n"
	                 "set ylabel 'nanoseconds (logarithmic)'\n"
	                 "set logscale y\n"
	                 "set yrange [1:*]\n"
	                 "set format y '%%.0f'\n"
	                 "plot $figures using 2:xtic(1) title 'task' lc rgb '#d1793b', "
	                 "'' using 3 title 'value\\_task' lc rgb '#2f6f9f'\n"
	                 "set title 'Allocated by a look-up'\n"
	                 "set ylabel 'bytes'\n"
	                 "unset logscale y\n"
	                 "set yrange [0:*]\n"
	                 "set key top left\n"
	                 "plot $figures using 4:xtic(1) title 'task' lc rgb '#d1793b', "
	                 "'' using 5 title 'value\\_task' lc rgb '#2f6f9f'\n"
	                 "unset multiplot\n"
	                 "unset output\n");
}

/* Finds the place beside the program, which is in a build folder. */
static int path_beside_program(char *path, size_t size)
{
	static const char name[] = "lookups.svg";
	ssize_t length = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (length <= 0 || (size_t)length >= size - sizeof name)
		return ENOENT;
	path[length] = '\0';
	slash = strrchr(path, '/');
	memcpy(slash + 1, name, sizeof name);
	return 0;
}

/* Shortens a path below the current folder. */
static const char *shortened(const char *path)
{
	static char here[PATH_MAX];
	size_t length;

	if (!getcwd(here, sizeof here))
		return path;
	length = strlen(here);
	return strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1 : path;
}

void report_chart(const struct ratio ratios[RATIO_COUNT], const char *path)
{
	char beside[PATH_MAX];
	FILE *gnuplot;

	if (!path) {
		if (path_beside_program(beside, sizeof beside) != 0) {
			printf("\n  No chart: where to put it? --chart FILE says it.\n");
			return;
		}
		path = beside;
	}
	if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
		printf("\n  No chart: gnuplot is not installed (Debian: gnuplot-nox).\n");
		return;
	}
	gnuplot = popen("gnuplot", "w"); /* its messages go to standard error */
	if (gnuplot)
		write_script(gnuplot, ratios, path);
	if (!gnuplot || pclose(gnuplot) != 0)
		printf("\n  No chart: gnuplot could not draw it.\n");
	else
		printf("\n  Chart: %s\n", shortened(path));
}
