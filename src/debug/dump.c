/*
 * dump.c - lists what is pending, and what it waits for. It reads the memory of the pools and
 * static data only, and follows no pointer of the user's.
 *
 * As many lines as fit are put together under the lock of the pools, and written without it: the
 * hook may be slow, and the program goes on meanwhile.
 */
#include "debug/dump.h"

#include "base/count.h"
#include "base/misuse.h"
#include "base/own.h"
#include "base/settings.h"
#include "context/context.h"
#include "debug/describe.h"
#include "memory/pool.h"
#include "tasks/task_list.h"

enum { LINE_BYTES = 768, LINES_BYTES = 8 * LINE_BYTES };

typedef struct dump {
	bide_report_hook *write;
	void *argument;
	size_t count;
	/* The three that follow are for the dump of a group. */
	const bide_group *group;
	const bide_context *context;
	bide_body_result (*but)(bide_frame *frame); /* the body of functions that are left out */
	size_t length;
	char lines[LINES_BYTES]; /* each ends with '\0' */
} dump;

static void name_function(dump *d, const bide_snapshot *s)
{
	bide_text text = { d->lines + d->length, LINE_BYTES, 0 };

	if (s->own && s->own->kind == BIDE_OWN_BODY_)
		bide_text_add_(&text, "%s: a body waits for ", s->own->name);
	else if (s->own && s->own->describe)
		bide_describe_(&text, s);
	else if (s->own) {
		bide_describe_(&text, s);
		bide_text_add_(&text, ": waiting for ");
	} else if (s->line == 0)
		bide_text_add_(&text, "%s: not started yet, for ", s->async->name);
	else if (s->async->points_are_lines)
		bide_text_add_(&text, "%s: awaiting at %s:%u, for ", s->async->name, s->async->file,
		               (unsigned)s->line);
	else
		bide_text_add_(&text, "%s: awaiting, defined at %s:%u, for ", s->async->name,
		               s->async->file, (unsigned)s->async->line);
	if (!s->own || s->own->kind == BIDE_OWN_BODY_ || !s->own->describe)
		bide_describe_awaited_(&text, s);
	d->length += text.length + 1;
	d->count++;
}

static bool is_full(const dump *d)
{
	return d->length + LINE_BYTES > sizeof d->lines;
}

static void write_lines(dump *d)
{
	size_t at = 0;

	while (at < d->length) {
		const char *line = d->lines + at;

		while (d->lines[at++] != '\0')
			;
		d->write(line, d->argument);
	}
	d->length = 0;
}

static void walk(dump *d, bool (*visit)(bide_source *source, void *argument))
{
	bide_pools_walk walk = { .visit = visit, .argument = d };
	bide_pools_walked walked;

	do {
		walked = bide_pools_walk_(&walk);
		write_lines(d);
	} while (walked == BIDE_POOLS_PAUSED_);
	if (walked == BIDE_POOLS_LOCKED_)
		d->write("a thread that does not run holds the lock of the pools: nothing can be named",
		         d->argument);
}

static bool one(bide_source *source, void *argument)
{
	dump *d = argument;
	bide_snapshot s;

	if (is_full(d))
		return false;
	if (bide_snapshot_take_(&s, source) && s.async && !s.is_done && bide_is_shown_(&s))
		name_function(d, &s);
	return true;
}

/*
 * Names a function that was started in the group, or by such a function; and anything else that was
 * added to the group.
 */
static bool one_of_group(bide_source *source, void *argument)
{
	dump *d = argument;
	bide_snapshot s;
	bool added;

	if (is_full(d))
		return false;
	if (!bide_snapshot_take_(&s, source) || s.is_done)
		return true;
	added = s.copy.source.word == ((uintptr_t)&d->group->listener_ | BIDE_WORD_LISTENER_);
	if (s.async && (added || bide_context_is_below_(s.copy.frame.context, d->context))) {
		if (s.async->resume != d->but && bide_is_shown_(&s))
			name_function(d, &s);
	} else if (added) {
		bide_text text = { d->lines + d->length, LINE_BYTES, 0 };

		bide_describe_(&text, &s);
		bide_text_add_(&text, ", added to the group");
		d->length += text.length + 1;
		d->count++;
	}
	return true;
}

/* --- completion sources --- */

static void name_tasks(dump *d)
{
	bide_task_walk walk = { 0 };
	bide_task_seen seen;
	char line[LINE_BYTES];
	bide_text text = { line, sizeof line, 0 };

	while (bide_task_list_next_(&walk, &seen)) {
		if (!seen.pending)
			continue;
		text.length = 0;
		bide_text_add_(&text, "task %p (created", seen.task);
		bide_text_place_(&text, seen.created);
		bide_text_add_(&text, ", %llu reference%s): pending, %s",
		               (unsigned long long)seen.references, seen.references == 1 ? "" : "s",
		               seen.awaited ? "awaited" : "and nothing awaits it");
		d->write(line, d->argument);
	}
}

/* Without debug mode there is no task list, so tasks are only counted. */
static void count_tasks(const dump *d)
{
	unsigned long long count = bide_counted_(BIDE_COUNT_TASKS_);
	char line[LINE_BYTES];
	bide_text text = { line, sizeof line, 0 };

	if (count == 0)
		return;
	bide_text_add_(&text,
	               "%llu task%s made without an async function, pending or over "
	               "(BIDE_DEBUG=1 names those that are pending)",
	               count, count == 1 ? "" : "s");
	d->write(line, d->argument);
}

/* --- the dumps --- */

static void report_line(const char *line, void *argument)
{
	(void)argument;
	bide_report_("dump", line);
}

size_t bide_dump(bide_report_hook *write, void *argument)
{
	dump d = { .write = write ? write : report_line, .argument = argument };

	walk(&d, one);
	name_tasks(&d);
	if (!bide_debug_)
		count_tasks(&d);
	return d.count;
}

size_t bide_dump_group_(const bide_group *group, const bide_context *context,
                        bide_body_result (*but)(bide_frame *frame), bide_report_hook *write,
                        void *argument)
{
	dump d = {
		.write = write, .argument = argument, .group = group, .context = context, .but = but
	};

	walk(&d, one_of_group);
	return d.count;
}
