/* The table and the result file; see report.h. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CELL_BYTES = 64 };

const struct row_info row_infos[ROW_COUNT] = {
#define BENCH_ROW_INFO(id, name, group, unit, decimals, target, of) \
	{ name, group, unit, decimals, target, of },
	BENCH_ROWS(BENCH_ROW_INFO)
#undef BENCH_ROW_INFO
};

const char *const who_names[WHO_COUNT] = {
#define BENCH_WHO_NAME(id, name) name,
	BENCH_WHO(BENCH_WHO_NAME)
#undef BENCH_WHO_NAME
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

/* What is not there is a dash; a whole number has no decimals; noise around 0 is 0. */
static const char *cell(char *out, double value, int decimals)
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

void report_head(void)
{
	printf("%-16s %-5s %9s %7s   %-17s %9s %7s %7s %8s   %s\n", "bench", "unit", "bide", "allocs",
	       "peer", "value", "allocs", "bytes", "ratio", "target for bide");
}

static void print_target(const struct results *results, enum row row)
{
	const struct row_info *info = &row_infos[row];
	double bide = report_median(results, row, WHO_BIDE), limit = info->target;
	char number[CELL_BYTES];

	if (info->target <= 0)
		return;
	if (info->target_of != WHO_COUNT) {
		limit *= report_median(results, row, info->target_of);
		printf("   %.2f x %s", info->target, who_names[info->target_of]);
	} else {
		printf("   %s %s", cell(number, limit, -1), info->unit);
	}
	if (isnan(bide) || isnan(limit))
		return;
	if (bide <= limit)
		printf(": met");
	else
		printf(": missed by %.*fx", bide / limit < 1.01 ? 3 : 2, bide / limit);
}

/* The left half stands on a row's first line only. `who`: WHO_COUNT where no peer answered. */
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
	printf("%-16s %-5s %9s %7s   %-17s %9s %7s %7s %8s", first ? info->name : "",
	       first ? info->unit : "", first ? cell(cells[0], bide, info->decimals) : "",
	       first ? cell(cells[1], results->allocs[row][WHO_BIDE], -1) : "",
	       who != WHO_COUNT ? who_names[who] : "-", cell(cells[2], value, info->decimals),
	       cell(cells[3], allocs, -1), cell(cells[4], bytes, 0), cell(cells[5], value / bide, 2));
	if (first)
		print_target(results, row);
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

static void make_folders(const char *path)
{
	char folder[4096];

	snprintf(folder, sizeof folder, "%s", path);
	for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(folder, 0777); /* what can not be made shows when the file is opened */
		*slash = '/';
	}
}

bool report_append(const struct results *results, enum row row, const char *path)
{
	char number[CELL_BYTES];
	FILE *file;
	bool whole;

	make_folders(path);
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
		        row_infos[row].name, who_names[who], cell(number, value, 2), row_infos[row].unit,
		        isnan(allocs) ? "null" : "");
		if (!isnan(allocs))
			fprintf(file, "%s", cell(number, allocs, -1));
		if (!isnan(bytes))
			fprintf(file, ",\"bytes\":%s", cell(number, bytes, 1));
		fprintf(file, "}\n");
	}
	whole = !ferror(file);
	if (fclose(file) != 0 || !whole) {
		fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
		return false;
	}
	return true;
}
