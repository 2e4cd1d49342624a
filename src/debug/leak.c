/*
 * leak.c - names what is left in the pools. It only reads, follows what a dump follows, and holds
 * no lock while it reports.
 */
#include "debug/leak.h"

#include <string.h>

#include "base/assert.h"
#include "base/generation.h"
#include "base/misuse.h"
#include "base/own.h"
#include "base/port.h"
#include "debug/describe.h"
#include "memory/pool.h"
#include "ops/group.h"
#include "tasks/task_list.h"

enum { LINE_BYTES = 900, FAILURE_BYTES = 2048 };

typedef struct leaks {
	size_t count;
	bool at_exit;
	bool is_named; /* the texts below are those of a leak that was not reported yet */
	char line[LINE_BYTES], failure[FAILURE_BYTES];
} leaks;

static void describe_failure(leaks *l, const bide_source *source)
{
	bide_text text = { l->failure, sizeof l->failure, 0 };

	bide_text_add_(&text, "it failed with error %d (%s)\n", source->error,
	               bide_strerror(source->error));
	bide_trace_format(source->payload.trace, text.to + text.length, text.size_bytes - text.length);
}

static void describe_state(bide_text *text, const bide_snapshot *s)
{
	if (s->is_done && s->copy.source.generation >= BIDE_COUNT_BASE_)
		bide_text_add_(text, "finished, a task that has references still");
	else if (s->is_done)
		bide_text_add_(text, "over, but its value task was not consumed: await or forget it");
	else {
		bide_text_add_(text, "still waiting");
		if (!s->own && s->line && s->async->points_are_lines)
			bide_text_add_(text, " at line %u", (unsigned)s->line);
		if (!s->own || !s->own->describe) {
			bide_text_add_(text, ", for ");
			bide_describe_awaited_(text, s);
		}
	}
}

static void describe_leak(leaks *l, const bide_snapshot *s)
{
	bide_text text = { l->line, sizeof l->line, 0 };
	const bide_place *place = bide_started_at_((const bide_frame *)(const void *)s->at);

	if (s->type) {
		bide_describe_(&text, s);
		bide_text_add_(&text, ": never waited for (bide_group_wait)");
	} else if (s->own) {
		bide_describe_(&text, s);
		bide_text_add_(&text, ": ");
	} else if (place) {
		bide_text_add_(&text, "async function %s, started", s->async->name);
		bide_text_place_(&text, place);
		bide_text_add_(&text, ": ");
	} else {
		bide_text_add_(&text,
		               "async function %s, defined at %s:%u (BIDE_DEBUG=1 tells where it was "
		               "started): ",
		               s->async->name, s->async->file, (unsigned)s->async->line);
	}
	if (!s->type)
		describe_state(&text, s);
	l->failure[0] = '\0';
	if (s->is_done && s->copy.source.error)
		describe_failure(l, &s->copy.source);
	l->is_named = true;
}

/* A function of the library's own counts as the call that it stands for, if it is shown. */
static bool is_leak(const bide_snapshot *s)
{
	if (s->type)
		return s->type == &bide_group_open_type_;
	return s->async && (!s->own || (s->own->kind == BIDE_OWN_CALL_ && bide_is_shown_(s)));
}

static bool leak(bide_source *source, void *argument)
{
	leaks *l = argument;
	bide_snapshot s;

	if (l->is_named) /* the previous leak has to be reported first */
		return false;
	if (!bide_snapshot_take_(&s, source) || !is_leak(&s))
		return true;
	l->count++;
	describe_leak(l, &s);
	return true;
}

/* At the exit the hook is not called: its argument may be gone, as the stack of main is. */
static void write_line(const leaks *l, const char *line)
{
	if (!l->at_exit) {
		bide_report_("leak", line);
		return;
	}
	bide_port_print_("bide: leak: ");
	bide_port_print_(line);
	bide_port_print_("\n");
}

/* The trace has several lines, and the hook takes one at a time. */
static void report(leaks *l)
{
	char *at = l->failure, *end;

	if (!l->is_named)
		return;
	if (l->at_exit && l->count == 1)
		write_line(l,
		           "the process ends without bide_shutdown; these are not over, or not consumed:");
	write_line(l, l->line);
	for (; *at; at = end) {
		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = '\0';
		bide_text text = { l->line, sizeof l->line, 0 };
		bide_text_add_(&text, "  %s", at);
		write_line(l, l->line);
	}
	l->is_named = false;
}

static size_t report_all(leaks *l)
{
	bide_pools_walk walk = { .visit = leak, .argument = l };
	bide_pools_walked walked;

	do {
		walked = bide_pools_walk_(&walk);
		report(l);
	} while (walked == BIDE_POOLS_PAUSED_);
	return l->count;
}

size_t bide_leaks_report_(void)
{
	leaks l = { .at_exit = false };

	BIDE_ASSERT_IN_DEBUG_(bide_task_list_is_valid_());
	return report_all(&l);
}

void bide_leaks_at_exit_(void)
{
	leaks l = { .at_exit = true };

	(void)report_all(&l);
}
