/*
 * The chart of a run; see plot.h. This file places the bars, and plot.gnuplot draws them.
 *
 * The data file has three blocks: bars (place, `who`, value, text), names of the benches (place,
 * text) and targets (place, value).
 */
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "targets.h"

enum { PLOT_PATH_BYTES = 4096, LIMIT_S = 30, NOT_FOUND = 127 };

static const double gap = 1.4; /* between two benches, in widths of a bar */

/*
 * Calls `put` for each measured bench of one table, with the place of its first bar and the number
 * of its bars. Returns the number of benches.
 */
static int each_bench(FILE *file, const struct results *results, bool workers,
                      void (*put)(FILE *, const struct results *, enum row, double, int))
{
	double at = 0;
	int benches = 0;

	for (int row = 0; row < ROW_COUNT; row++) {
		int bars = 0;

		if ((row_infos[row].workers > 0) != workers)
			continue;
		for (int who = 0; who < WHO_COUNT; who++)
			bars += results->counts[row][who] > 0;
		if (bars == 0)
			continue;
		put(file, results, (enum row)row, at, bars);
		at += bars + gap;
		benches++;
	}
	fprintf(file, "\n\n");
	return benches;
}

static void put_bars(FILE *file, const struct results *results, enum row row, double at, int bars)
{
	char number[REPORT_NUMBER_BYTES];

	(void)bars;
	for (int who = 0; who < WHO_COUNT; who++) {
		double value = report_median(results, row, (enum who)who);

		if (isnan(value))
			continue;
		report_number(number, value, value < 10 ? 2 : value < 100 ? 1 : 0);
		fprintf(file, "%.2f %d %.4f %s\n", at++, who, value > 0 ? value : 0.01, number);
	}
}

static void put_name(FILE *file, const struct results *results, enum row row, double at, int bars)
{
	(void)results;
	fprintf(file, "%.2f %s\n", at + (bars - 1) / 2.0, row_infos[row].name);
}

static void put_target(FILE *file, const struct results *results, enum row row, double at, int bars)
{
	double limit = target_limit(results, row);

	(void)bars;
	if (!isnan(limit) && results->counts[row][WHO_BIDE] > 0)
		fprintf(file, "%.2f %.4f\n", at, limit);
}

/* Returns the number of benches in the file, or -1, with a message, if it was not written. */
static int write_data(const struct results *results, bool workers, const char *path)
{
	FILE *file = fopen(path, "w");
	int benches = 0;
	bool whole;

	if (file != NULL) {
		benches = each_bench(file, results, workers, put_bars);
		each_bench(file, results, workers, put_name);
		each_bench(file, results, workers, put_target);
		whole = !ferror(file);
		if (fclose(file) == 0 && whole)
			return benches;
	}
	fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
	return -1;
}

void plot_labels(char *out, size_t size)
{
	size_t used = 0;

	for (int who = 0; who < WHO_COUNT && used < size; who++)
		used += (size_t)snprintf(out + used, size - used, "\"%s\" ", who_labels[who]);
}

/* Returns true if gnuplot ended with 0; otherwise `reason` says how it ended. */
static bool run_gnuplot(char *const argv[], char *reason, size_t size)
{
	struct process process;
	char line[LINE_BYTES];
	int64_t deadline_ns = process_now_ns() + (int64_t)LIMIT_S * 1000000000;
	enum process_read got;

	if (!process_start(&process, argv, NULL)) {
		snprintf(reason, size, "%s", strerror(errno));
		return false;
	}
	do
		got = process_read_line(&process, line, sizeof line, deadline_ns);
	while (got == PROCESS_LINE);
	return process_stop(&process, got == PROCESS_LATE, reason, size);
}

bool plot_draw(char *const arguments[], const char *chart)
{
	char reason[REASON_BYTES], not_found[32];
	char env[] = "/usr/bin/env", gnuplot[] = "gnuplot", call[] = "-c";
	char *argv[16] = { env, gnuplot, call };

	for (int i = 0; arguments[i] != NULL && i < 12; i++)
		argv[3 + i] = arguments[i];
	(void)unlink(chart); /* removes the chart of another run */
	if (run_gnuplot(argv, reason, sizeof reason)) {
		printf("chart: %s\n", chart);
		return true;
	}
	snprintf(not_found, sizeof not_found, "ended with status %d", NOT_FOUND);
	if (strncmp(reason, not_found, strlen(not_found)) == 0) {
		printf("chart: skipped, gnuplot is not installed (Debian: gnuplot-nox)\n");
		return true;
	}
	fprintf(stderr, "bench: no chart: gnuplot %s\n", reason);
	return false;
}

static bool draw_table(const struct results *results, bool workers, const char *results_path,
                       const char *machine)
{
	char data[PLOT_PATH_BYTES], chart[PLOT_PATH_BYTES], labels[512], about[512];
	char script[] = BENCH_PLOT, one[] = "nanoseconds an operation (sleepers_bytes: bytes)";
	char many[] = "nanoseconds an operation (idle_cpu: us a second; hidden_run: us; _overlap, "
				  "_leaf: times the ideal)";
	char *arguments[] = { script, data, chart, about, labels, workers ? many : one, NULL };
	int benches;

	report_path(data, sizeof data, results_path, workers ? "_workers.dat" : ".dat");
	report_path(chart, sizeof chart, results_path, workers ? "_workers.svg" : ".svg");
	snprintf(about, sizeof about, "%.*s", (int)strcspn(machine, ";"), machine);
	plot_labels(labels, sizeof labels);
	benches = write_data(results, workers, data);
	if (benches > 0)
		return plot_draw(arguments, chart);
	(void)unlink(chart);
	(void)unlink(data);
	return benches == 0;
}

bool plot_write(const struct results *results, const char *results_path, const char *machine)
{
	bool one = draw_table(results, false, results_path, machine);

	return draw_table(results, true, results_path, machine) && one;
}
