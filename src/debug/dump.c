/*
 * dump.c - who is waiting, and for what. Reads pool memory and static data only, never a pointer of
 * the user's.
 */
#include <stdio.h>

#include "dump.h"

typedef struct dump {
	bide_report_hook *write;
	void *argument;
	size_t count;
	/* of a group only */
	const bide_group *group;
	const bide_context *context;
	bide_step (*but)(bide_frame *frame);
} dump;

/*
 * With many workers all of this may change while it is read. A copy counts if the generation was
 * the same before and after: then the object was the same, and what it points to in static data is
 * right. What it awaits is followed only into pool memory, which stays what it is.
 */
typedef struct snapshot {
	uintptr_t word;
	const bide_async *async;         /* of a frame */
	const bide_operation_type *type; /* of an operation */
	const bide_source *awaiting;
	uintptr_t context;
	uint32_t line;
	uint8_t kind, flags;
} snapshot;

#define READ(member) (*(volatile const __typeof__(member) *)&(member))

/* false: it was being given back, or taken anew. */
__attribute__((no_sanitize_thread)) static bool take(snapshot *s, const bide_source *source)
{
	const bide_frame *frame = (const bide_frame *)(const void *)source;
	uint64_t generation = READ(source->generation);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	s->kind = READ(source->kind);
	s->flags = READ(source->flags);
	s->word = READ(source->word);
	s->line = READ(source->line) & 0x3fffffffu;
	s->async = NULL;
	s->type = NULL;
	s->awaiting = NULL;
	s->context = 0;
	if (s->kind < BIDE_KIND_TIMER_) {
		s->async = READ(frame->async);
		s->awaiting = READ(frame->awaiting);
		s->context = READ(frame->context);
	} else if ((s->kind & 0xE0u) == BIDE_KIND_OPERATION_) {
		s->type = READ(((const bide_operation *)(const void *)source)->type);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return READ(source->generation) == generation && generation >> 48 != 0;
}

static bool is_done(const snapshot *s)
{
	return (s->word & BIDE_WORD_TAGS_) == BIDE_WORD_DONE_;
}

static void place_of(char *text, size_t size, const snapshot *s)
{
	if (s->line == 0)
		snprintf(text, size, "not started yet");
	else if (s->async->points_are_lines)
		snprintf(text, size, "awaiting at %s:%u", s->async->file, (unsigned)s->line);
	else
		snprintf(text, size, "awaiting, defined at %s:%u", s->async->file,
		         (unsigned)s->async->line);
}

static const char *awaited_name(const snapshot *waiting)
{
	const bide_source *source = waiting->awaiting;
	snapshot s;

	if (!source || waiting->flags & BIDE_FLAG_SELF_LINKED_)
		return "its turn";
	if (!bide_shared_ && bide_is_done_(source))
		return "its turn (the result is there)";
	if (!bide_pools_hold_(source))
		return "a source of the program's own";
	if (!take(&s, source))
		return (READ(source->kind) & 0xE0u) == BIDE_KIND_FORK_ ? "a fork that another worker has"
		                                                       : "its turn";
	if (is_done(&s))
		return "its turn (the result is there)";
	if (s.async)
		return s.async->name;
	return s.type ? s.type->name : "a delay";
}

static void name_function(dump *d, const snapshot *s)
{
	char text[512], place[256];

	place_of(place, sizeof place, s);
	snprintf(text, sizeof text, "%s: %s, for %s", s->async->name, place, awaited_name(s));
	d->write(text, d->argument);
	d->count++;
}

static void one(bide_source *source, void *argument)
{
	dump *d = argument;
	snapshot s;

	if (take(&s, source) && s.async && !is_done(&s))
		name_function(d, &s);
}

/* A function that was started in the group, or by one that was; or whatever was added to it. */
static void one_of_group(bide_source *source, void *argument)
{
	dump *d = argument;
	char text[128];
	bool added;
	snapshot s;

	if (!take(&s, source) || is_done(&s))
		return;
	added = s.word == ((uintptr_t)&d->group->notify_ | BIDE_WORD_NOTIFY_);
	if (s.async && (added || bide_context_is_below_(s.context, d->context))) {
		if (s.async->resume != d->but)
			name_function(d, &s);
	} else if (added) {
		snprintf(text, sizeof text, "%s, added to the group", s.type ? s.type->name : "a delay");
		d->write(text, d->argument);
		d->count++;
	}
}

static void report_line(const char *line, void *argument)
{
	(void)argument;
	bide_report_("dump", line);
}

size_t bide_dump(bide_report_hook *write, void *argument)
{
	dump d = { .write = write ? write : report_line, .argument = argument };

	bide_pools_visit_(one, &d);
	return d.count;
}

size_t bide_dump_group_(const bide_group *group, const bide_context *context,
                        bide_step (*but)(bide_frame *frame), bide_report_hook *write,
                        void *argument)
{
	dump d = { write, argument, 0, group, context, but };

	bide_pools_visit_(one_of_group, &d);
	return d.count;
}
