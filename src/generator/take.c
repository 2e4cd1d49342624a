/*
 * take.c - an operator takes its generators. See operators.h.
 */
#include "base/misuse.h"
#include "generator/operators.h"

/* Returns the index of the first element that is the same generator: i itself, or one before. */
static size_t first_of(bide_generator *const *from, size_t i)
{
	size_t first = 0;

	while (from[first] != from[i])
		first++;
	return first;
}

/* Takes one. Returns false after it has reported misuse, or if it is NULL. */
static bool take(bide_generator *const *from, size_t i, const char *operator_name,
                 const bide_place *place)
{
	bide_thread_head *head = bide_current_thread_;
	bide_generator *g = from[i];
	char why[300];

	if (!g || !bide_thread_())
		return false;
	if (bide_generator_was_ended_(g)) {
		bide_generator_report_ended_(g, operator_name);
	} else if (g->taken && first_of(from, i) < i) {
		bide_misuse_("%s: generators[%zu] and generators[%zu] are the same; a generator has one "
		             "consumer",
		             operator_name, first_of(from, i), i);
	} else if (g->taken) {
		bide_generator_put_taken_(g, why, sizeof why);
		bide_misuse_("%s: %s; it has one consumer", operator_name, why);
	} else if (head && &g->frame == head->current) {
		bide_misuse_("%s: the body of a generator may not give itself to an operator",
		             operator_name);
	} else {
		g->taken = place;
		return true;
	}
	return false;
}

static bool is_free(const bide_generator *g)
{
	bide_thread_head *head = bide_current_thread_;

	return g && !bide_generator_was_ended_(g) && !g->taken && !(head && &g->frame == head->current);
}

/*
 * Ends each that has no consumer, once. The end of one may free another one, which it consumes; so
 * all are chosen before the first one ends. They form a list meanwhile, whose last is its own next.
 */
static BIDE_COLD void end_free(bide_generator *const *from, size_t count)
{
	bide_generator *first = NULL, *next;

	for (size_t i = 0; i < count; i++) {
		if (!is_free(from[i]))
			continue;
		from[i]->taken = (const bide_place *)(const void *)(first ? first : from[i]);
		first = from[i];
	}
	for (; first; first = next) {
		next = (bide_generator *)(uintptr_t)first->taken;
		if (next == first)
			next = NULL;
		bide_generator_drop_(first);
	}
}

bool bide_generators_take_(bide_generator *const *from, size_t count, const char *operator_name)
{
	static const bide_place unknown = { "", 0, "" };
	const bide_place *place = bide_called_at_(operator_name);
	size_t taken = 0;

	while (taken < count && take(from, taken, operator_name, place ? place : &unknown))
		taken++;
	if (taken == count)
		return true;
	while (taken > 0)
		from[--taken]->taken = NULL;
	end_free(from, count);
	return false;
}

bide_value_task bide_generator_end_taken_(bide_generator *g)
{
	g->taken = NULL;
	return bide_generator_end(g);
}

void bide_generator_drop_(bide_generator *g)
{
	bide_value_task_forget(bide_generator_end_taken_(g));
}
