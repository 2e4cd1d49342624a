/*
 * leak.c - names what bide_shutdown finds in the pools. Nothing runs any more.
 */
#include <stdio.h>
#include <string.h>

#include "leak.h"

typedef struct leaks {
	size_t count;
	bool quiet;
} leaks;

/* The trace has several lines; the hook gets one at a time. */
static void report_failure(const bide_source *source)
{
	char text[2048], line[512];
	char *at = text, *end;

	snprintf(line, sizeof line, "  it failed with error %d (%s)", source->error,
	         bide_strerror(source->error));
	bide_report_("leak", line);
	bide_trace_format(source->payload.trace, text, sizeof text);
	for (; *at; at = end) {
		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = '\0';
		snprintf(line, sizeof line, "  %s", at);
		bide_report_("leak", line);
	}
}

static void leak(bide_source *source, void *argument)
{
	const bide_frame *frame = (const bide_frame *)(const void *)source;
	leaks *l = argument;
	const bide_place *place;
	char text[512], started[256] = "", where[64] = "";
	bool done;

	if (source->kind >= BIDE_KIND_TIMER_)
		return;
	l->count++;
	if (l->quiet)
		return;
	done = bide_is_done_(source);
	place = bide_started_at_(frame);
	if (place)
		snprintf(started, sizeof started, "started at %s:%u in %s", place->file,
		         (unsigned)place->line, place->function);
	else
		snprintf(started, sizeof started,
		         "defined at %s:%u (BIDE_DEBUG=1 tells where it was started)", frame->async->file,
		         (unsigned)frame->async->line);
	if (!done && frame->async->points_are_lines)
		snprintf(where, sizeof where, " at line %u", bide_line_(source));
	snprintf(text, sizeof text, "async function %s, %s: %s%s", frame->async->name, started,
	         !done ? "still waiting"
	         : source->generation >= BIDE_COUNT_BASE_
	             ? "finished, a task that has references still"
	             : "finished, and nobody consumed its value task (await, forget)",
	         where);
	bide_report_("leak", text);
	if (done && source->error)
		report_failure(source);
}

size_t bide_leaks_report_(bool quiet)
{
	leaks l = { .quiet = quiet };

	bide_pools_visit_(leak, &l);
	return l.count;
}
