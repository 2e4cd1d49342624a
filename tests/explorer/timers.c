/*
 * timers.c - the clock and the timers of the port: a list in the order in which they were armed.
 */
#include "engine.h"

#include <string.h>

#include "base/port.h"

/*
 * Accesses the wheel as a list under a lock. `what` names the operation on the timer; NULL stands
 * for the first timer.
 */
static void wheel_touch(bide_timer *timer, const char *what)
{
	int index;

	if (!engine.running)
		return;
	schedule_point(OP_WRITE, engine.wheel);
	index = memory_place_of(engine.wheel, 1);
	memory_read(index, 0, __ATOMIC_ACQ_REL);
	if (!timer && engine.wheel_count > 0)
		timer = engine.wheel[0];
	if (timer) {
		race_plain(&timer->next, sizeof timer->next, true);
		report_note(what, timer, 0, 0, NULL);
	}
	memory_append(index, 0, true, false,
	              &engine.places[index].history[engine.places[index].count - 1]);
}

static bide_timer *wheel_take(unsigned index)
{
	bide_timer *timer = engine.wheel[index];

	memmove(&engine.wheel[index], &engine.wheel[index + 1],
	        (--engine.wheel_count - index) * sizeof(bide_timer *));
	return timer;
}

void bide_port_arm_(bide_timer *timer)
{
	wheel_touch(timer, "arms");
	for (unsigned i = 0; i < engine.wheel_count; i++)
		if (engine.wheel[i] == timer)
			explore_fail("a timer is armed twice");
	if (engine.wheel_count == WHEEL_MAX)
		explore_fail("the wheel is full");
	engine.wheel[engine.wheel_count++] = timer;
}

bool bide_port_disarm_(bide_timer *timer)
{
	wheel_touch(timer, "disarms");
	for (unsigned i = 0; i < engine.wheel_count; i++)
		if (engine.wheel[i] == timer) {
			(void)wheel_take(i);
			return true;
		}
	return false;
}

int64_t bide_port_now_(void)
{
	/* A place that no thread writes would only add scheduling points. */
	return engine.scenario->has_clock ? BIDE_LOAD(&engine.clock_ns, SEQ_CST) : 0;
}

/* Returns the timer that was armed first of those that are due, or NULL. */
static bide_timer *wheel_take_due(void)
{
	wheel_touch(NULL, "is looked at");
	for (unsigned i = 0; i < engine.wheel_count; i++)
		if (engine.wheel[i]->source.payload.i <= engine.clock_ns)
			return wheel_take(i);
	return NULL;
}

bool explore_pass(int64_t passed_ns)
{
	bide_timer *timer;
	bool any = false;

	EXPLORE_CHECK(engine.scenario->has_clock);
	if (passed_ns > 0)
		(void)BIDE_ADD(&engine.clock_ns, passed_ns, SEQ_CST);
	for (; (timer = wheel_take_due()) != NULL; any = true)
		bide_timer_due_(timer);
	return any;
}

bool explore_expire(void)
{
	bide_timer *timer;

	wheel_touch(NULL, "is due");
	if (engine.wheel_count == 0)
		return false;
	timer = wheel_take(0);
	bide_timer_due_(timer);
	return true;
}
