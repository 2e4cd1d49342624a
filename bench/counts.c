/* The scheduler's counts; see counts.h. */
#include "counts.h"

#include <math.h>
#include <string.h>

#include "program.h"
#include "targets.h"

static const char about[] =
	"What bide's scheduler counted for a million operations; its peers have no such counts:";

bool counts_read(const char *line, double counts[COUNT_COUNT])
{
	for (int count = 0; count < COUNT_COUNT; count++) {
		counts[count] = field_number(line, count_infos[count].name);
		if (isnan(counts[count]))
			return false;
	}
	return true;
}

/* With one worker there is no other one to wake or to steal from. */
static bool has_counts(const struct results *results, int row)
{
	return row_infos[row].workers > 1 && results->counted_rounds[row] > 0;
}

/* Small counts need a decimal: a target may be 10. */
static const char *count_text(char out[REPORT_NUMBER_BYTES], const struct results *results, int row,
                              int count)
{
	double value = report_counted(results, (enum row)row, (enum count)count);

	return report_number(out, value, value < 99.95 && fabs(value - round(value)) >= 0.05 ? 1 : 0);
}

void counts_print(const struct results *results)
{
	char text[REPORT_NUMBER_BYTES], verdict[TARGET_TEXT_BYTES];
	bool headed = false;

	for (int row = 0; row < ROW_COUNT; row++) {
		if (!has_counts(results, row))
			continue;
		if (!headed) {
			printf("\n%s\n%-19s", about, "bench");
			for (int count = 0; count < COUNT_COUNT; count++)
				printf(" %9s", count_infos[count].label);
			printf("   target\n");
		}
		headed = true;
		printf("%-19s", row_infos[row].name);
		for (int count = 0; count < COUNT_COUNT; count++)
			printf(" %9s", count_text(text, results, row, count));
		printf("   %s\n", target_count_verdict(verdict, results, (enum row)row));
	}
}

void counts_markdown(FILE *file, const struct results *results)
{
	char text[REPORT_NUMBER_BYTES];
	bool headed = false;

	for (int row = 0; row < ROW_COUNT; row++) {
		if (!has_counts(results, row))
			continue;
		if (!headed) {
			fprintf(file, "\n%s\n\n| bench |", about);
			for (int count = 0; count < COUNT_COUNT; count++)
				fprintf(file, " %s |", count_infos[count].words);
			fprintf(file, "\n|---|");
			for (int count = 0; count < COUNT_COUNT; count++)
				fprintf(file, "---|");
			fprintf(file, "\n");
		}
		headed = true;
		fprintf(file, "| `%s` |", row_infos[row].name);
		for (int count = 0; count < COUNT_COUNT; count++)
			fprintf(file, " %s |", count_text(text, results, row, count));
		fprintf(file, "\n");
	}
}

void counts_append(FILE *file, const struct results *results, enum row row)
{
	char text[REPORT_NUMBER_BYTES];

	if (results->counted_rounds[row] == 0)
		return;
	for (int count = 0; count < COUNT_COUNT; count++)
		fprintf(file, ",\"%s\":%s", count_infos[count].name,
		        report_number(text, report_counted(results, row, (enum count)count), 1));
}
