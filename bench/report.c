/* The table and the result file; see report.h. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CELL_BYTES = REPORT_NUMBER_BYTES, BEST_COUNT = 3 };

const struct row_info row_infos[ROW_COUNT] = {
#define BENCH_ROW_INFO(id, name, group, unit, decimals, target, of, workers) \
	{ name, group, unit, decimals, target, of, workers },
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

double report_median(const struct results *results, enum row row, enum who who)
{
	double sorted[ROUNDS_MAX];
	int count = results->counts[row][who];

	if (count == 0)
		return NAN;
	memcpy(sorted, results->values[row][who], (size_t)count * sizeof *sorted);
	qsort(sorted, (size_t)count, sizeof *sorted, by_value);
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
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
	printf("%s", workers ? "\nThe scheduler; the name ends in the number of workers:\n" : "\n");
	printf("%-19s %-5s %9s %7s   %-17s %9s %7s %7s %8s   %s\n", "bench", "unit", "bide", "allocs",
	       "peer", "value", "allocs", "bytes", "ratio", "target for bide");
}

double report_limit(const struct results *results, enum row row)
{
	const struct row_info *info = &row_infos[row];

	if (info->target <= 0)
		return NAN;
	if (info->target_of == WHO_COUNT)
		return info->target;
	return info->target * report_median(results, row, info->target_of);
}

/* Writes "15 ns: met" or the like, or nothing if there is no target. */
static const char *verdict(char out[CELL_BYTES], const struct results *results, enum row row)
{
	const struct row_info *info = &row_infos[row];
	double bide = report_median(results, row, WHO_BIDE), limit = report_limit(results, row);
	char target[CELL_BYTES / 2];

	out[0] = '\0';
	if (info->target <= 0)
		return out;
	if (info->target_of != WHO_COUNT)
		snprintf(target, sizeof target, "%.2f x %s", info->target, who_names[info->target_of]);
	else
		snprintf(target, sizeof target, "%g %s", limit, info->unit);
	if (isnan(bide) || isnan(limit))
		snprintf(out, CELL_BYTES, "%s", target);
	else if (bide <= limit)
		snprintf(out, CELL_BYTES, "%s: met", target);
	else
		snprintf(out, CELL_BYTES, "%s: missed by %.*fx", target, bide / limit < 1.01 ? 3 : 2,
		         bide / limit);
	return out;
}

/* Prints the left half for the first line of a row only. `who` is WHO_COUNT if no peer answered. */
static void print_line(const struct results *results, enum row row, int who, bool first)
{
	const struct row_info *info = &row_infos[row];
	double bide = report_median(results, row, WHO_BIDE), value = NAN, allocs = NAN, bytes = NAN;
	char cells[6][CELL_BYTES];

	if (who != WHO_COUNT) {
		value = report_median(results, row, (enum who)who);
		allocs = results->allocs[row][who];
		bytes = results->bytes[row][who];
	}
	printf("%-19s %-5s %9s %7s   %-17s %9s %7s %7s %8s", first ? info->name : "",
	       first ? info->unit : "", first ? report_number(cells[0], bide, info->decimals) : "",
	       first ? report_number(cells[1], results->allocs[row][WHO_BIDE], -1) : "",
	       who != WHO_COUNT ? who_names[who] : "-", report_number(cells[2], value, info->decimals),
	       report_number(cells[3], allocs, -1), report_number(cells[4], bytes, 0),
	       report_number(cells[5], value / bide, 2));
	if (first && info->target > 0)
		printf("   %s", verdict(cells[0], results, row));
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

bool report_append(const struct results *results, enum row row, const char *path)
{
	char number[CELL_BYTES];
	FILE *file;
	bool whole;

	report_make_folders(path);
	file = fopen(path, "a");
	if (file == NULL) {
		fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
		return false;
	}
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
		fprintf(file, "}\n");
	}
	whole = !ferror(file);
	if (fclose(file) != 0 || !whole) {
		fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
		return false;
	}
	return true;
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
	char number[CELL_BYTES];
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
	fprintf(file, " | %s |\n", verdict(number, results, row));
}

/* Writes nothing if no row was measured. */
static void markdown_table(FILE *file, const struct results *results, bool workers)
{
	bool headed = false;

	for (int row = 0; row < ROW_COUNT; row++) {
		if ((row_infos[row].workers > 0) != workers || !report_measured(results, (enum row)row))
			continue;
		if (!headed && workers && ftell(file) > 0)
			fputc('\n', file);
		if (!headed)
			fprintf(file,
			        "| bench | bide | best peers | ratio | target |\n|---|---|---|---|---|\n");
		headed = true;
		markdown_row(file, results, (enum row)row);
	}
}

bool report_markdown(const struct results *results, const char *results_path, const char *machine)
{
	char path[4096];
	FILE *file;
	bool whole;

	report_path(path, sizeof path, results_path, ".md");
	file = fopen(path, "w");
	if (file == NULL) {
		fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
		return false;
	}
	markdown_table(file, results, false);
	markdown_table(file, results, true);
	fprintf(file, "\n%s.\n", machine);
	whole = !ferror(file);
	if (fclose(file) != 0 || !whole) {
		fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
		return false;
	}
	printf("table: %s\n", path);
	return true;
}
