/*
 * report.c - the table and the advice.
 */
#include "report.h"

#include <stdio.h>

#include "demo.h"

static const char *const names[FORM_COUNT] = { "task", "value_task" };

/*
 * Returns a negative number if the value task is faster, a positive one if the task is, and 0
 * without a clear difference. A difference is clear if it is above 2 % and at most one round in
 * nine disagrees (by chance that happens once in fifty times).
 */
static int compare_forms(const struct ratio *ratio)
{
	int slower_count = ratio->round_count - ratio->faster_count;

	if (slower_count * 9 <= ratio->round_count && ratio->times_as_fast > 1.02)
		return -1;
	return ratio->faster_count * 9 <= ratio->round_count && ratio->times_as_fast < 0.98 ? 1 : 0;
}

static void print_verdict(const struct ratio *ratio)
{
	double times = ratio->times_as_fast;

	switch (compare_forms(ratio)) {
	case -1:
		printf("   %.*f times as fast", times < 1.95 ? 2 : 1, times);
		break;
	case 1:
		printf("   slower: %.2f times the time", 1 / times);
		break;
	default:
		printf("   no clear difference");
		break;
	}
}

static void print_line(const struct ratio *ratio, int form, int64_t least_ns)
{
	const struct figures *f = &ratio->form[form];

	if (form == FORM_TASK)
		printf("  %3d %%", ratio->hit_percent);
	else
		printf("       ");
	printf("   %-10s %10s %10s %10s %7s %6s", names[form], text_duration(f->mean_ns),
	       text_sample(f->p50_ns, least_ns), text_sample(f->p99_ns, least_ns),
	       text_each(f->allocations), text_each(f->bytes));
	if (form == FORM_VALUE_TASK)
		print_verdict(ratio);
	printf("\n");
}

void report_table(const struct ratio ratios[RATIO_COUNT])
{
	int64_t reading_ns = clock_cost_ns();
	int64_t least_ns = reading_ns / 2 + 1; /* a single timing below that means nothing */

	printf("\n                              one look-up             allocator\n"
	       "   hits   form            mean        p50        p99    calls  bytes\n");
	for (int i = 0; i < RATIO_COUNT; i++)
		for (int form = 0; form < FORM_COUNT; form++)
			print_line(&ratios[i], form, least_ns);
	printf("\n"
	       "  One caller, one look-up after the other, each with its await. mean: of a run, the\n"
	       "  median of %d runs. p50, p99: half of the look-ups, and 99 of 100, took at most so\n"
	       "  long; timed one by one, less the %d ns that reading the clock takes. allocator:\n"
	       "  calls, and bytes asked for, by a look-up. On the right: value_task compared with\n"
	       "  task, if the runs agree on a difference.\n",
	       ratios[0].round_count, (int)reading_ns);
}

/*
 * Returns the lowest hit ratio from which on the value task is clearly faster, by a tenth; or -1 if
 * there is none.
 */
static int first_worth_it(const struct ratio ratios[RATIO_COUNT])
{
	int first = -1;

	for (int i = RATIO_COUNT - 1; i >= 0; i--) {
		if (compare_forms(&ratios[i]) >= 0 || ratios[i].times_as_fast < 1.1)
			break;
		first = i;
	}
	return first;
}

void report_advice(const struct ratio ratios[RATIO_COUNT])
{
	const struct ratio *hits = &ratios[RATIO_COUNT - 1];
	const struct figures *t = &hits->form[FORM_TASK], *v = &hits->form[FORM_VALUE_TASK];
	int first = first_worth_it(ratios);
	const char *miss = text_duration(ratios[0].form[FORM_VALUE_TASK].mean_ns);

	printf("\n  Advice from these figures: ");
	if (first < 0) {
		printf("either form; value_task is not clearly faster here, but a hit makes %s allocations "
		       "less.\n",
		       text_each(t->allocations - v->allocations));
		return;
	}
	printf("return value_task: a hit takes %s, not %s, and %s allocations, not %s; ",
	       text_duration(v->mean_ns), text_duration(t->mean_ns), text_each(v->allocations),
	       text_each(t->allocations));
	if (first == 0)
		printf("it is faster at every hit ratio.\n");
	else if (first < RATIO_COUNT - 1)
		printf("that shows from %d %% hits on; below, misses (%s each) hide it.\n",
		       ratios[first].hit_percent, miss);
	else
		printf("at %d %% hits and below, misses (%s each) hide the time.\n",
		       ratios[first - 1].hit_percent, miss);
}
