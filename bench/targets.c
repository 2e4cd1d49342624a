/* The targets; see targets.h. */
#include "targets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PART_BYTES = 96 };

const struct target targets[TARGET_COUNT_ALL] = {
#define BENCH_TARGET(row, kind, bound, of) { ROW_##row, TARGET_##kind, bound, (int)(of) },
	BENCH_TARGETS(BENCH_TARGET)
#undef BENCH_TARGET
};

/* One target against what was measured. */
struct judged {
	char wanted[PART_BYTES];  /* in words, without the outcome */
	char missing[PART_BYTES]; /* why it decides nothing; empty if it does */
	double value, limit;      /* NAN if unknown */
};

static struct judged judge_times(const struct results *results, const struct target *target)
{
	struct judged judged = { .value = report_median(results, target->row, WHO_BIDE) };
	double base = report_median(results, target->row, (enum who)target->of);

	snprintf(judged.wanted, PART_BYTES, "%.2f x %s", target->bound, who_names[target->of]);
	judged.limit = target->bound * base;
	if (!isnan(base))
		snprintf(judged.wanted, PART_BYTES, "%.2f x %s (%.*f)", target->bound,
		         who_names[target->of], row_infos[target->row].decimals, base);
	else
		snprintf(judged.missing, PART_BYTES, "no %s", who_names[target->of]);
	return judged;
}

static struct judged judge_speedup(const struct results *results, const struct target *target)
{
	struct judged judged = { .value = report_median(results, target->row, WHO_BIDE) };
	double base = report_median(results, (enum row)target->of, WHO_BIDE);

	snprintf(judged.wanted, PART_BYTES, "speed-up %.2f", target->bound);
	judged.limit = base / target->bound;
	if (isnan(base))
		snprintf(judged.missing, PART_BYTES, "%s did not run", row_infos[target->of].name);
	return judged;
}

/* Bare threads that miss the bound themselves show that other programs had the CPUs. */
static struct judged judge_value(const struct results *results, const struct target *target)
{
	const struct row_info *info = &row_infos[target->row];
	struct judged judged = { .value = report_median(results, target->row, WHO_BIDE),
		                     .limit = target->bound };
	double bare = report_median(results, target->row, WHO_BARE);

	snprintf(judged.wanted, PART_BYTES, "%.2f %s", target->bound, info->unit);
	if (bare > target->bound)
		snprintf(judged.missing, PART_BYTES, "the machine is busy: bare took %.*f", info->decimals,
		         bare);
	return judged;
}

static struct judged judge_count(const struct results *results, const struct target *target)
{
	struct judged judged = { .value = report_counted(results, target->row, (enum count)target->of),
		                     .limit = target->bound };

	snprintf(judged.wanted, PART_BYTES, "%g %s", target->bound, count_infos[target->of].words);
	return judged;
}

static struct judged judge(const struct results *results, const struct target *target)
{
	switch (target->kind) {
	case TARGET_SPEEDUP:
		return judge_speedup(results, target);
	case TARGET_COUNT:
		return judge_count(results, target);
	case TARGET_VALUE:
		return judge_value(results, target);
	default:
		return judge_times(results, target);
	}
}

/* A second choice does not apply if the target before it has its participant. */
static bool applies(const struct results *results, const struct target *target)
{
	if (target->kind != TARGET_ELSE)
		return true;
	return isnan(report_median(results, target->row, (enum who)target[-1].of));
}

/* A first choice whose participant is missing is not named if a second choice applies. */
static bool replaced(const struct results *results, const struct target *target)
{
	const struct target *next = target + 1;

	return target->kind == TARGET_TIMES && next < targets + TARGET_COUNT_ALL &&
	       next->row == target->row && next->kind == TARGET_ELSE &&
	       judge(results, target).missing[0] != '\0' && judge(results, next).missing[0] == '\0';
}

static const struct target *next_target(const struct results *results, enum row row,
                                        const struct target *target)
{
	target = target == NULL ? targets : target + 1;
	for (; target < targets + TARGET_COUNT_ALL; target++)
		if (target->row == row && applies(results, target) && !replaced(results, target))
			return target;
	return NULL;
}

/* Writes the outcome of a target: "met" or the like. Returns whether it is missed. */
static bool say(char out[PART_BYTES], const struct target *target, const struct judged *judged)
{
	bool missed = judged->missing[0] == '\0' && judged->value > judged->limit; /* false for NAN */
	double by = judged->value / judged->limit;

	if (judged->missing[0] != '\0')
		snprintf(out, PART_BYTES, "no target here, %.70s", judged->missing);
	else if (isnan(judged->value))
		snprintf(out, PART_BYTES, "not measured");
	else if (target->kind == TARGET_SPEEDUP)
		snprintf(out, PART_BYTES, "%s, %.2f", missed ? "missed" : "met", target->bound / by);
	else if (target->kind == TARGET_COUNT)
		snprintf(out, PART_BYTES, "%s, %.0f", missed ? "missed" : "met", judged->value);
	else if (!missed)
		snprintf(out, PART_BYTES, "met");
	else
		snprintf(out, PART_BYTES, "missed by %.*fx", by < 1.01 ? 3 : 2, by);
	return missed;
}

static const char *verdict(char out[TARGET_TEXT_BYTES], const struct results *results, enum row row,
                           bool counts_only)
{
	const struct target *target = NULL;
	char outcome[PART_BYTES];
	size_t used = 0;

	out[0] = '\0';
	while ((target = next_target(results, row, target)) != NULL && used < TARGET_TEXT_BYTES) {
		struct judged judged = judge(results, target);

		if (counts_only && target->kind != TARGET_COUNT)
			continue;
		(void)say(outcome, target, &judged);
		used += (size_t)snprintf(out + used, TARGET_TEXT_BYTES - used, "%s%s: %s",
		                         used > 0 ? "; " : "", judged.wanted, outcome);
	}
	return out;
}

double target_limit(const struct results *results, enum row row)
{
	const struct target *target = NULL;
	double lowest = NAN;

	while ((target = next_target(results, row, target)) != NULL) {
		double limit = judge(results, target).limit;

		if (target->kind != TARGET_COUNT && !(limit >= lowest) && !isnan(limit))
			lowest = limit;
	}
	return lowest;
}

const char *target_verdict(char out[TARGET_TEXT_BYTES], const struct results *results, enum row row)
{
	return verdict(out, results, row, false);
}

const char *target_count_verdict(char out[TARGET_TEXT_BYTES], const struct results *results,
                                 enum row row)
{
	return verdict(out, results, row, true);
}

static void count_outcomes(const struct results *results, enum row row, int outcomes[3])
{
	const struct target *target = NULL;

	while ((target = next_target(results, row, target)) != NULL) {
		struct judged judged = judge(results, target);
		bool open = judged.missing[0] != '\0' || isnan(judged.limit) || isnan(judged.value);

		outcomes[open ? 2 : judged.value > judged.limit]++;
	}
}

static void print_missed(const struct results *results, enum row row)
{
	const struct target *target = NULL;
	char outcome[PART_BYTES];

	while ((target = next_target(results, row, target)) != NULL) {
		struct judged judged = judge(results, target);

		if (say(outcome, target, &judged))
			printf("  missed: %s: %s: %s\n", row_infos[row].name, judged.wanted, outcome);
	}
}

void target_print_summary(const struct results *results)
{
	int outcomes[3] = { 0 }; /* met, missed, not decided */

	for (int row = 0; row < ROW_COUNT; row++)
		if (report_measured(results, (enum row)row))
			count_outcomes(results, (enum row)row, outcomes);
	printf("\nTargets: %d met, %d missed, %d not decided.\n", outcomes[0], outcomes[1],
	       outcomes[2]);
	for (int row = 0; row < ROW_COUNT; row++)
		if (report_measured(results, (enum row)row))
			print_missed(results, (enum row)row);
}
