/*
 * dump.c - who is waiting, and for what. Reads pool memory and static data only, never a pointer of
 * the user's.
 */
#include <stdio.h>

#include "../core/core.h"

typedef struct dump {
	void (*write)(const char *line, void *argument);
	void *argument;
	size_t count;
} dump;

static void place_of(char *text, size_t size, const bide_frame *frame)
{
	if (frame->source.line == 0)
		snprintf(text, size, "not started yet");
	else if (frame->async->points_are_lines)
		snprintf(text, size, "awaiting at %s:%u", frame->async->file, bide_line_(&frame->source));
	else
		snprintf(text, size, "awaiting, defined at %s:%u", frame->async->file,
		         (unsigned)frame->async->line);
}

static const char *awaited_name(const bide_frame *frame)
{
	const bide_source *source = frame->awaiting;

	if (!source || frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		return "its turn";
	if (bide_is_done_(source))
		return "its turn (the result is there)";
	switch (source->kind & 0xE0u) {
	case BIDE_KIND_FRAME_:
		return ((const bide_frame *)(const void *)source)->async->name;
	case BIDE_KIND_TIMER_:
		return "a delay";
	case BIDE_KIND_OPERATION_:
		return ((const bide_operation *)(const void *)source)->type->name;
	case BIDE_KIND_FORK_:
		return "a fork that another worker has";
	default:
		return "a source of the program's own";
	}
}

static void one(bide_source *source, void *argument)
{
	const bide_frame *frame = (const bide_frame *)(const void *)source;
	dump *d = argument;
	char text[512], place[256];

	if (source->kind >= BIDE_KIND_TIMER_ || bide_is_done_(source))
		return;
	place_of(place, sizeof place, frame);
	snprintf(text, sizeof text, "%s: %s, for %s", frame->async->name, place, awaited_name(frame));
	d->write(text, d->argument);
	d->count++;
}

size_t bide_dump(void (*write)(const char *line, void *argument), void *argument)
{
	dump d = { write, argument, 0 };

	if (!write) {
		bide_misuse_("bide_dump: write is NULL");
		return 0;
	}
	bide_pools_visit_(one, &d);
	return d.count;
}
