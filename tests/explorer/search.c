/*
 * search.c - chooses the next order: depth first, over a trail of choices.
 *
 * An execution replays the trail and appends to it. The next execution differs in the last choice
 * that has another option. Sleep sets leave out orders that differ only in the succession of
 * independent accesses.
 */
#include "engine.h"

/*
 * Returns whether the fence shares views with the other operation, which must be another fence or a
 * sequentially consistent access.
 */
static bool fences_meet(operation fence, operation other)
{
	switch (fence.kind) {
	case OP_LIGHT:
		return other.kind == OP_HEAVY;
	case OP_FENCE:
	case OP_HEAVY:
		return other.kind == OP_FENCE || other.kind == OP_HEAVY || other.sequential;
	default:
		return false;
	}
}

static bool dependent(operation a, operation b)
{
	if (a.kind >= OP_LIGHT || b.kind >= OP_LIGHT)
		return fences_meet(a, b) || fences_meet(b, a);
	if (a.kind == OP_SLEEP || b.kind == OP_SLEEP)
		return a.at == b.at;
	if (a.kind == OP_WAIT || b.kind == OP_WAIT)
		return a.kind == OP_WRITE || b.kind == OP_WRITE;
	return a.at == b.at && (a.kind == OP_WRITE || b.kind == OP_WRITE);
}

static decision *decide(bool is_read, unsigned options)
{
	decision *d = &engine.trail[engine.trail_at];

	if (engine.trail_at < engine.trail_length) {
		if (d->is_read != is_read || d->options != options)
			explore_fail("the scenario is not deterministic");
		engine.trail_at++;
		return d;
	}
	if (engine.trail_length == TRAIL_MAX)
		explore_fail("the trail is too long");
	engine.trail_length = ++engine.trail_at;
	*d = (decision){ is_read, 0, (uint8_t)options, engine.asleep };
	return NULL;
}

/* Returns the age of the value to read, below `options`; 0 is the newest. */
unsigned search_choose_value(unsigned options)
{
	decision *d;

	if (options == 1 || engine.redundant || engine.over)
		return 0;
	d = decide(true, options);
	return d ? d->chosen : 0;
}

static bool is_enabled(const logical *t)
{
	if (t->finished || !t->body)
		return false;
	if (t->next.kind == OP_SLEEP)
		return !t->asleep_on;
	return t->next.kind != OP_WAIT || engine.places[t->last_place].writes != t->last_writes;
}

int search_choose_thread(void)
{
	unsigned enabled = 0, candidates;
	decision *d;
	int chosen;

	for (int i = 0; i < engine.count; i++)
		if (is_enabled(&engine.threads[i]))
			enabled |= 1u << i;
	if (!enabled)
		return NOBODY;
	if (engine.scenario->switches_max && engine.current != NOBODY &&
	    enabled >> engine.current & 1 && engine.switches == engine.scenario->switches_max)
		return engine.current;
	candidates = engine.redundant ? enabled : enabled & ~(unsigned)engine.asleep;
	if (!candidates) {
		engine.redundant = true;
		candidates = enabled;
	}
	chosen = candidates >> engine.current & 1 ? engine.current : __builtin_ctz(candidates);
	if (!engine.redundant && !engine.over && (enabled & (enabled - 1))) {
		d = decide(false, enabled);
		if (d) {
			chosen = d->chosen;
			/* With a bound, the order that is equal may have been cut off. */
			if (!engine.scenario->switches_max)
				engine.asleep = d->asleep;
		} else {
			engine.trail[engine.trail_at - 1].chosen = (uint8_t)chosen;
		}
	}
	engine.switches +=
		engine.current != NOBODY && chosen != engine.current && enabled >> engine.current & 1;
	for (int i = 0; i < engine.count; i++)
		if (engine.asleep >> i & 1 &&
		    dependent(engine.threads[i].next, engine.threads[chosen].next))
			engine.asleep &= (uint8_t) ~(1u << i);
	return chosen;
}

/* Returns false if all orders have been explored. */
bool search_next(void)
{
	while (engine.trail_length > 0) {
		decision *d = &engine.trail[engine.trail_length - 1];
		unsigned candidates;

		if (d->is_read && d->chosen + 1 < d->options) {
			d->chosen++;
			return true;
		}
		if (!d->is_read) {
			d->asleep |= (uint8_t)(1u << d->chosen);
			candidates = d->options & ~(unsigned)d->asleep;
			if (candidates) {
				d->chosen = (uint8_t)__builtin_ctz(candidates);
				return true;
			}
		}
		engine.trail_length--;
	}
	return false;
}
