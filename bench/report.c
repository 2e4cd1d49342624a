/* The table and the result file; see report.h. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "counts.h"
#include "targets.h"

enum { CELL_BYTES = REPORT_NUMBER_BYTES, BEST_COUNT = 3 };

static const char about_workers[] = "The scheduler; the name ends in the number of workers:";

const struct row_info row_infos[ROW_COUNT] = {
#define BENCH_ROW_INFO(id, name, group, unit, decimals, workers) \
	{ name, group, unit, decimals, workers },
	BENCH_ROWS(BENCH_ROW_INFO)
#undef BENCH_ROW_INFO
};

const char *const who_names[WHO_COUNT] = {
#define BENCH_WHO_NAME(id, name, label) name,
	BENCH_WHO(BENCH_WHO_NAME)
#undef BENCH_WHO_NAME
};

const char *const who_labels[WHO_COUNT] = {
#define BENCH_WHO_LABEL(id, name, label) label,
	BENCH_WHO(BENCH_WHO_LABEL)
#undef BENCH_WHO_LABEL
};

const struct count_info count_infos[COUNT_COUNT] = {
#define BENCH_COUNT_INFO(id, name, label, words) { name, label, words },
	BENCH_COUNTS(BENCH_COUNT_INFO)
#undef BENCH_COUNT_INFO
};

void report_init(struct results *results)
{
	memset(results, 0, sizeof *results);
	for (int row = 0; row < ROW_COUNT; row++)
		for (int who = 0; who < WHO_COUNT; who++)
			results->allocs[row][who] = results->bytes[row][who] = NAN;
}

void report_add(struct results *results, enum row row, enum who who, double value)
{
	int *count = &results->counts[row][who];

	if (*count < ROUNDS_MAX)
		results->values[row][who][(*count)++] = value;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

bool report_measured(const struct results *results, enum row row)
{
	for (int who = 0; who < WHO_COUNT; who++)
		if (results->counts[row][who] > 0)
			return true;
	return false;
}

static double median(const double *values, int count)
{
	double sorted[ROUNDS_MAX];

	if (count == 0)
		return NAN;
	memcpy(sorted, values, (size_t)count * sizeof *sorted);
	qsort(sorted, (size_t)count, sizeof *sorted, by_value);
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double report_median(const struct results *results, enum row row, enum who who)
{
	return median(results->values[row][who], results->counts[row][who]);
}

void report_add_counts(struct results *results, enum row row, const double counts[COUNT_COUNT])
{
	int *rounds = &results->counted_rounds[row];

	if (*rounds == ROUNDS_MAX)
		return;
	for (int count = 0; count < COUNT_COUNT; count++)
		results->counted[row][count][*rounds] = counts[count];
	(*rounds)++;
}

double report_counted(const struct results *results, enum row row, enum count count)
{
	return median(results->counted[row][count], results->counted_rounds[row]);
}

/* Prints missing values as a dash, whole numbers without decimals, and noise around 0 as 0. */
const char *report_number(char out[CELL_BYTES], double value, int decimals)
{
	if (isnan(value))
		return strcpy(out, "-");
	if (fabs(value) < 0.0005)
		value = 0;
	if (decimals < 0 && fabs(value - round(value)) < 0.0005)
		decimals = 0;
	snprintf(out, CELL_BYTES, "%.*f", decimals < 0 ? 3 : decimals, value);
	return out;
}

void report_head(bool workers)
{
	static bool said[2];

	if (said[workers])
		return;
	said[workers] = true;
	printf("\n%s%s", workers ? about_workers : "", workers ? "\n" : "");
	printf("%-19s %-7s %9s %7s   %-17s %9s %7s %7s %8s   %s\n", "bench", "unit", "bide", "allocs",
	       "peer", "value", "allocs", "bytes", "ratio", "target for bide");
}

/* Prints the left half for the first line of a row only. `who` is WHO_COUNT if no peer answered. */
static void print_line(const struct results *results, enum row row, int who, bool first)
{
	const struct row_info *info = &row_infos[row];
	double bide = report_median(results, row, WHO_BIDE), value = NAN, allocs = NAN, bytes = NAN;
	char cells[6][CELL_BYTES], verdict[TARGET_TEXT_BYTES];

	if (who != WHO_COUNT) {
		value = report_median(results, row, (enum who)who);
		allocs = results->allocs[row][who];
		bytes = results->bytes[row][who];
	}
	printf("%-19s %-7s %9s %7s   %-17s %9s %7s %7s %8s", first ? info->name : "",
	       first ? info->unit : "", first ? report_number(cells[0], bide, info->decimals) : "",
	       first ? report_number(cells[1], results->allocs[row][WHO_BIDE], -1) : "",
	       who != WHO_COUNT ? who_names[who] : "-", report_number(cells[2], value, info->decimals),
	       report_number(cells[3], allocs, -1), report_number(cells[4], bytes, 0),
	       report_number(cells[5], value / bide, 2));
	if (first && target_verdict(verdict, results, row)[0] != '\0')
		printf("   %s", verdict);
	putchar('\n');
}

void report_row(const struct results *results, enum row row)
{
	bool first = true;

	for (int who = 0; who < WHO_COUNT; who++) {
		if (who == WHO_BIDE || results->counts[row][who] == 0)
			continue;
		print_line(results, row, who, first);
		first = false;
	}
	if (first)
		print_line(results, row, WHO_COUNT, true);
	fflush(stdout);
}

void report_make_folders(const char *path)
{
	char folder[4096];

	snprintf(folder, sizeof folder, "%s", path);
	for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(folder, 0777); /* a failure shows when the file is opened */
		*slash = '/';
	}
}

/* Opens the file for more lines. Returns NULL, with a message, on failure. */
static FILE *open_results(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (file == NULL)
		fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
	return file;
}

/* Returns whether everything was written; otherwise with a message. */
static bool close_results(FILE *file, const char *path)
{
	bool whole = !ferror(file);

	if (fclose(file) == 0 && whole)
		return true;
	fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

bool report_append_host(const struct host *host, const char *path)
{
	FILE *file;

	report_make_folders(path);
	file = open_results(path, "a");
	if (file == NULL)
		return false;
#define APPEND_COST(field, name)                                                                 \
	fprintf(file,                                                                                \
	        "{\"bench\":\"host_%s\",\"who\":\"host\",\"value\":%.0f,\"unit\":\"ns\",\"allocs\":" \
	        "null}\n",                                                                           \
	        name, host->field);
	HOST_COSTS(APPEND_COST)
#undef APPEND_COST
	return close_results(file, path);
}

bool report_append(const struct results *results, enum row row, const char *path)
{
	char number[CELL_BYTES];
	FILE *file;

	report_make_folders(path);
	file = open_results(path, "a");
	if (file == NULL)
		return false;
	for (int who = 0; who < WHO_COUNT; who++) {
		double value = report_median(results, row, (enum who)who);
		double allocs = results->allocs[row][who], bytes = results->bytes[row][who];

		if (isnan(value))
			continue;
		fprintf(file, "{\"bench\":\"%s\",\"who\":\"%s\",\"value\":%s,\"unit\":\"%s\",\"allocs\":%s",
		        row_infos[row].name, who_names[who], report_number(number, value, 2),
		        row_infos[row].unit, isnan(allocs) ? "null" : "");
		if (!isnan(allocs))
			fprintf(file, "%s", report_number(number, allocs, -1));
		if (!isnan(bytes))
			fprintf(file, ",\"bytes\":%s", report_number(number, bytes, 1));
		if (who == WHO_BIDE)
			counts_append(file, results, row);
		fprintf(file, "}\n");
	}
	return close_results(file, path);
}

void report_path(char *out, size_t size, const char *results_path, const char *ending)
{
	const char *name = strrchr(results_path, '/');
	const char *dot = strrchr(name ? name : results_path, '.');
	size_t stem = dot != NULL ? (size_t)(dot - results_path) : strlen(results_path);

	snprintf(out, size, "%.*s%s", (int)stem, results_path, ending);
}

/* Finds up to BEST_COUNT peers, the best first, without the floors (a call, malloc). */
static int best_peers(const struct results *results, enum row row, enum who best[BEST_COUNT])
{
	int count = 0;

	for (int who = WHO_FLOOR + 1; who < WHO_COUNT; who++) {
		double value = report_median(results, row, (enum who)who);
		int at = count;

		if (isnan(value))
			continue;
		while (at > 0 && report_median(results, row, best[at - 1]) > value)
			at--;
		if (at == BEST_COUNT)
			continue;
		count += count < BEST_COUNT;
		for (int i = count - 1; i > at; i--)
			best[i] = best[i - 1];
		best[at] = (enum who)who;
	}
	return count;
}

static void markdown_row(FILE *file, const struct results *results, enum row row)
{
	const struct row_info *info = &row_infos[row];
	double bide = report_median(results, row, WHO_BIDE), allocs = results->allocs[row][WHO_BIDE];
	char number[CELL_BYTES], verdict[TARGET_TEXT_BYTES];
	enum who best[BEST_COUNT];
	int count = best_peers(results, row, best);

	fprintf(file, "| `%s` | %s", info->name, report_number(number, bide, info->decimals));
	if (!isnan(bide))
		fprintf(file, " %s", info->unit);
	if (!isnan(allocs))
		fprintf(file, ", %s alloc", report_number(number, allocs, -1));
	fprintf(file, " | %s", count ? "" : "-");
	for (int i = 0; i < count; i++)
		fprintf(file, "%s%s %s", i ? ", " : "", who_labels[best[i]],
		        report_number(number, report_median(results, row, best[i]), info->decimals));
	fprintf(file, " | %s",
	        report_number(number, count ? report_median(results, row, best[0]) / bide : NAN, 2));
	fprintf(file, " | %s |\n", target_verdict(verdict, results, row));
}

/* Writes nothing if no row was measured. */
static void markdown_table(FILE *file, const struct results *results, bool workers)
{
	bool headed = false;

	for (int row = 0; row < ROW_COUNT; row++) {
		if ((row_infos[row].workers > 0) != workers || !report_measured(results, (enum row)row))
			continue;
		if (!headed && workers)
			fprintf(file, "%s%s\n\n", ftell(file) > 0 ? "\n" : "", about_workers);
		if (!headed)
			fprintf(file,
			        "| bench | bide | best peers | ratio | target |\n|---|---|---|---|---|\n");
		headed = true;
		markdown_row(file, results, (enum row)row);
	}
}

bool report_markdown(const struct results *results, const char *results_path, const char *machine,
                     const char *host)
{
	char path[4096];
	FILE *file;

	report_path(path, sizeof path, results_path, ".md");
	file = open_results(path, "w");
	if (file == NULL)
		return false;
	markdown_table(file, results, false);
	markdown_table(file, results, true);
	counts_markdown(file, results);
	fprintf(file, "\n%s. Host: %s.\n", machine, host);
	if (!close_results(file, path))
		return false;
	printf("table: %s\n", path);
	return true;
}
