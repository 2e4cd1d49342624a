/* The table; see report.h. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NUMBER_BYTES = 64, VERDICT_BYTES = 256 };

void io_report_init(struct io_results *results)
{
	memset(results, 0, sizeof *results);
	for (int row = 0; row < IO_ROWS_MAX; row++)
		for (int who = 0; who < IO_WHO_COUNT; who++)
			results->cells[row][who].allocations = results->cells[row][who].calls = NAN;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double io_report_median(const struct cell *cell)
{
	double sorted[IO_ROUNDS_MAX];

	if (cell->count == 0)
		return NAN;
	memcpy(sorted, cell->values, (size_t)cell->count * sizeof *sorted);
	qsort(sorted, (size_t)cell->count, sizeof *sorted, by_value);
	return cell->count % 2 ? sorted[cell->count / 2]
	                       : (sorted[cell->count / 2 - 1] + sorted[cell->count / 2]) / 2;
}

static const char *number(char out[NUMBER_BYTES], double value, int decimals)
{
	if (isnan(value))
		return "-";
	snprintf(out, NUMBER_BYTES, "%.*f", decimals, fabs(value) < 0.0005 ? 0 : value);
	return out;
}

static bool measures_cpu(const struct io_row *row)
{
	return row->kind == KIND_TURNS || row->kind == KIND_ACCEPT || row->kind == KIND_TRICKLE;
}

/* The part of the value that is user time, by the ticks. */
static double user_part(const struct io_row *row, const struct cell *cell)
{
	if (!measures_cpu(row) || cell->user + cell->system == 0)
		return NAN;
	return io_report_median(cell) * (double)cell->user / (double)(cell->user + cell->system);
}

/* ---- targets */

struct verdict {
	bool wanted, known, met;
	char text[VERDICT_BYTES];
};

static void add_part(struct verdict *verdict, bool met, const char *text)
{
	size_t used = strlen(verdict->text);

	verdict->known = true;
	verdict->met = verdict->met && met;
	snprintf(verdict->text + used, sizeof verdict->text - used, "%s%.100s: %s",
	         used > 0 ? "; " : "", text, met ? "met" : "MISSED");
}

static void judge_ahead(const struct io_results *results, int row, double mine,
                        struct verdict *verdict)
{
	char text[VERDICT_BYTES] = "ahead of all";
	bool any = false, met = true;

	for (int who = IO_LIBUV; who < IO_WHO_COUNT; who++) {
		double value = io_report_median(&results->cells[row][who]);

		any = any || !isnan(value);
		if (isnan(value) || value >= mine)
			continue;
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", met ? ", not " : ", ",
		         io_whos[who].label);
		met = false;
	}
	if (any)
		add_part(verdict, met, text);
}

/* Nothing is said where the other row was not measured. */
static void judge_own(const struct io_results *results, const struct io_row *info, double mine,
                      struct verdict *verdict)
{
	char text[VERDICT_BYTES];

	for (int row = 0; row < io_row_count; row++) {
		double other = io_report_median(&results->cells[row][IO_BIDE]);

		if (strcmp(io_rows[row].name, info->own) != 0 || isnan(other))
			continue;
		snprintf(text, sizeof text, "%.2f x its %s (%.*f)", info->own_factor, info->own,
		         info->decimals, other);
		add_part(verdict, mine <= info->own_factor * other, text);
	}
}

static struct verdict judge(const struct io_results *results, int row)
{
	const struct io_row *info = &io_rows[row];
	const struct cell *cell = &results->cells[row][IO_BIDE];
	struct verdict verdict = { .met = true };
	double mine = io_report_median(cell);
	char text[VERDICT_BYTES];

	verdict.wanted = info->factor > 0 || info->most > 0 || info->ahead || info->own != NULL;
	if (isnan(mine))
		return verdict;
	if (info->factor > 0) {
		double limit = info->factor * io_report_median(&results->cells[row][info->of]);

		snprintf(text, sizeof text, "%.2f x %s", info->factor, io_whos[info->of].label);
		if (!isnan(limit))
			add_part(&verdict, mine <= limit, text);
	}
	if (info->most > 0) {
		snprintf(text, sizeof text, "%.0f %s", info->most, info->unit);
		add_part(&verdict, mine <= info->most, text);
	}
	if (info->own != NULL)
		judge_own(results, info, mine, &verdict);
	if (info->ahead)
		judge_ahead(results, row, mine, &verdict);
	/* http: the example's own; tls: those of OpenSSL */
	if (!isnan(cell->allocations) && info->request_bytes > 0 && !info->tls)
		add_part(&verdict, cell->allocations < 0.01, "0 allocations");
	return verdict;
}

void io_report_targets(const struct io_results *results)
{
	int met = 0, missed = 0;

	for (int row = 0; row < io_row_count; row++) {
		struct verdict verdict = judge(results, row);

		met += verdict.known && verdict.met;
		missed += verdict.known && !verdict.met;
	}
	printf("\nTargets: %d rows met, %d missed.\n", met, missed);
	for (int row = 0; row < io_row_count; row++) {
		struct verdict verdict = judge(results, row);

		if (verdict.known && !verdict.met)
			printf("  missed: %-18s %s\n", io_rows[row].name, verdict.text);
	}
}

/* ---- the table */

void io_report_head(void)
{
	printf("\n%-18s %-6s %-10s %9s %8s %8s %7s %7s %7s   %s\n", "row", "unit", "who", "value",
	       "user", "system", "calls", "allocs", "ratio", "targets of bide");
}

void io_report_row(const struct io_results *results, int row)
{
	const struct io_row *info = &io_rows[row];
	double mine = io_report_median(&results->cells[row][IO_BIDE]);
	struct verdict verdict = judge(results, row);
	bool first = true;

	for (int who = 0; who < IO_WHO_COUNT; who++) {
		const struct cell *cell = &results->cells[row][who];
		double value = io_report_median(cell), user = user_part(info, cell);
		char texts[6][NUMBER_BYTES];

		if (isnan(value))
			continue;
		printf("%-18s %-6s %-10s %9s %8s %8s %7s %7s %7s   %s\n", first ? info->name : "",
		       first ? info->unit : "", io_whos[who].label, number(texts[0], value, info->decimals),
		       number(texts[1], user, info->decimals),
		       number(texts[2], value - user, info->decimals), number(texts[3], cell->calls, 2),
		       number(texts[4], cell->allocations, 3),
		       who == IO_BIDE ? "" : number(texts[5], value / mine, 2),
		       who == IO_BIDE ? verdict.text : "");
		first = false;
	}
	fflush(stdout);
}

/* ---- files */

static FILE *open_file(const char *path, const char *how)
{
	char folder[4096];
	FILE *file;

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		mkdir(folder, 0777);
	}
	file = fopen(path, how);
	if (file == NULL)
		fprintf(stderr, "bench_io: cannot write %s: %s\n", path, strerror(errno));
	return file;
}

static void json_number(FILE *out, const char *key, double value)
{
	if (!isnan(value))
		fprintf(out, ",\"%s\":%.4f", key, value);
}

bool io_report_append(const struct io_results *results, int row, const char *path)
{
	const struct io_row *info = &io_rows[row];
	FILE *out = open_file(path, "a");

	if (out == NULL)
		return false;
	for (int who = 0; who < IO_WHO_COUNT; who++) {
		const struct cell *cell = &results->cells[row][who];

		if (cell->count == 0)
			continue;
		fprintf(out, "{\"bench\":\"%s\",\"who\":\"%s\",\"unit\":\"%s\"", info->name,
		        io_whos[who].name, info->unit);
		json_number(out, "value", io_report_median(cell));
		json_number(out, "user", user_part(info, cell));
		json_number(out, "calls", cell->calls);
		json_number(out, "allocs", cell->allocations);
		fputs("}\n", out);
	}
	return fclose(out) == 0;
}

static void markdown_row(FILE *out, const struct io_results *results, int row)
{
	const struct io_row *info = &io_rows[row];
	const struct cell *cell = &results->cells[row][IO_BIDE];
	double mine = io_report_median(cell), user = user_part(info, cell);
	struct verdict verdict = judge(results, row);
	char texts[3][NUMBER_BYTES];

	fprintf(out, "| `%s` | %s %s | %s | %s | ", info->name, number(texts[0], mine, info->decimals),
	        info->unit, number(texts[1], cell->calls, 2), number(texts[2], user, info->decimals));
	for (int who = IO_BIDE + 1, printed = 0; who < IO_WHO_COUNT; who++) {
		double value = io_report_median(&results->cells[row][who]);

		if (isnan(value))
			continue;
		fprintf(out, "%s%s %s (%s)", printed++ > 0 ? ", " : "", io_whos[who].label,
		        number(texts[0], value, info->decimals), number(texts[1], value / mine, 2));
	}
	fprintf(out, " | %s |\n", verdict.text);
}

bool io_report_markdown(const struct io_results *results, const char *results_path,
                        const char *machine, const char *host)
{
	char path[4096];
	size_t length = strlen(results_path);
	FILE *out;

	if (length > 6 && strcmp(results_path + length - 6, ".jsonl") == 0)
		length -= 6;
	snprintf(path, sizeof path, "%.*s.md", (int)length, results_path);
	out = open_file(path, "w");
	if (out == NULL)
		return false;
	fputs("| row | bide | calls | user | peers (ratio) | targets |\n|---|---|---|---|---|---|\n",
	      out);
	for (int row = 0; row < io_row_count; row++)
		for (int who = 0; who < IO_WHO_COUNT; who++)
			if (results->cells[row][who].count > 0) {
				markdown_row(out, results, row);
				break;
			}
	fprintf(out, "\n%s. Host: %s.\n", machine, host);
	if (fclose(out) != 0)
		return false;
	printf("table: %s\n", path);
	return true;
}
