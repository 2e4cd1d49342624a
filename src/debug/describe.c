/*
 * describe.c - see describe.h.
 */
#include "debug/describe.h"

#include <stdio.h>

#include "base/own.h"
#include "base/port.h"
#include "base/text.h"
#include "generator/generator.h"
#include "memory/pool.h"
#include "source/source.h"
#include "tasks/task.h"
#include "tasks/task_list.h"

enum { DEPTH_MAX = 4 }; /* calls of the library that wait for one another */
#define TEN_SECONDS_NS INT64_C(10000000000)

void bide_text_add_(bide_text *text, const char *format, ...)
{
	size_t left = text->size_bytes - text->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->to + text->length, left, format, arguments);
	va_end(arguments);
	if (length > 0)
		text->length += (size_t)length < left ? (size_t)length : left - 1;
}

void bide_text_place_(bide_text *text, const bide_place *place)
{
	bide_text_add_(text, " at %s:%u in %.*s", place->file, (unsigned)place->line,
	               bide_name_length_(place->function), place->function);
}

/* --- snapshots --- */

static size_t bytes_of(uint8_t kind)
{
	unsigned size_class = bide_kind_class_(kind);
	size_t size_bytes = BIDE_COPY_BYTES_;

	if (!bide_kind_is_pooled_(kind))
		return sizeof(bide_source);
	if (size_class < BIDE_CLASS_COUNT_)
		size_bytes = bide_class_bytes_(size_class);
	return size_bytes < BIDE_COPY_BYTES_ ? size_bytes : BIDE_COPY_BYTES_;
}

BIDE_UNCHECKED_ bool bide_snapshot_take_(bide_snapshot *s, const bide_source *source)
{
	const volatile uint64_t *from = (const volatile uint64_t *)(const volatile void *)source;
	uint64_t generation = *(const volatile uint64_t *)&source->generation;
	size_t count;

	if (generation >> 48 == 0)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	count = bytes_of(*(const volatile uint8_t *)&source->kind) / sizeof *from;
	for (size_t i = 0; i < sizeof s->copy / sizeof *from; i++)
		s->copy.words[i] = i < count ? from[i] : 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (*(const volatile uint64_t *)&source->generation != generation ||
	    s->copy.source.generation != generation)
		return false;
	s->at = source;
	s->async = NULL;
	s->own = NULL;
	s->type = NULL;
	s->line = bide_line_(&s->copy.source);
	s->is_done = bide_word_is_done_(s->copy.source.word);
	if (bide_kind_is_frame_(s->copy.source.kind)) {
		s->async = s->copy.frame.async;
		s->own = s->async ? s->async->own : NULL;
	} else if (bide_kind_of_(s->copy.source.kind) == BIDE_KIND_OPERATION_) {
		s->type = s->copy.operation.type;
	}
	return s->async || s->type || !bide_kind_is_frame_(s->copy.source.kind);
}

/* --- words for an object --- */

static void describe_delay(bide_text *text, const bide_snapshot *s)
{
	int64_t deadline_ns = s->copy.source.payload.i, left_ns = deadline_ns - bide_port_now_();

	bide_text_add_(text, "a delay");
	if (deadline_ns == BIDE_FOREVER)
		bide_text_add_(text, " without end");
	else if (left_ns <= 0)
		bide_text_add_(text, " that is due");
	else if (left_ns < TEN_SECONDS_NS)
		bide_text_add_(text, " (%lld ms left)", (long long)(left_ns / 1000000));
	else
		bide_text_add_(text, " (%lld s left)", (long long)(left_ns / 1000000000));
}

/*
 * A task that is a frame lies in the pools. Another one can be looked at only if it is in the task
 * list.
 */
static void describe_task(bide_text *text, const bide_source *task)
{
	bide_task_seen seen;
	bide_snapshot s;
	uint64_t references;

	bide_text_add_(text, "task %p", (const void *)task);
	if (bide_task_list_find_(task, &seen)) {
		bide_text_add_(text, " (created");
		bide_text_place_(text, seen.created);
		bide_text_add_(text, ", %llu reference%s)", (unsigned long long)seen.references,
		               seen.references == 1 ? "" : "s");
	} else if (bide_pools_hold_(task) && bide_snapshot_take_(&s, task) && s.async) {
		references = bide_task_references_(s.copy.source.generation);
		references -= references > 0; /* one is that of the function */
		bide_text_add_(text, " (of %s, %llu reference%s)", s.own ? s.own->name : s.async->name,
		               (unsigned long long)references, references == 1 ? "" : "s");
	}
}

static void describe(bide_text *text, const bide_snapshot *s, unsigned depth);

/* The strand or loop is that of the function, if it has one. */
static const char *turn_of(const bide_snapshot *s)
{
	if (s->copy.frame.context & BIDE_CONTEXT_EXECUTOR_)
		return "its turn on its strand or loop";
	return "its turn";
}

/* Returns what the consumer of a generator calls next, or NULL: the generator runs, or waits. */
static const char *next_call_of(const bide_snapshot *s)
{
	const bide_generator *g = (const bide_generator *)(const void *)s->copy.words;

	if (!s->async->generates)
		return NULL;
	switch (bide_generator_tag_(g->state)) {
	case BIDE_GENERATOR_IDLE_:
	case BIDE_GENERATOR_ELEMENT_:
		return "a call of bide_generator_next";
	case BIDE_GENERATOR_ENDED_:
		return "a call of bide_generator_end";
	default:
		return NULL;
	}
}

static void awaited(bide_text *text, const bide_snapshot *waiting, unsigned depth)
{
	const bide_source *source = waiting->copy.frame.awaiting;
	const char *call = next_call_of(waiting);
	bide_snapshot s;

	if (call) {
		bide_text_add_(text, "%s", call);
		return;
	}
	if (waiting->copy.source.flags & BIDE_FLAG_SELF_LINKED_)
		source = NULL;
	if (source && !bide_pools_hold_(source)) {
		bide_text_add_(text, "a source of the program's own");
		return;
	}
	if (!source || !bide_snapshot_take_(&s, source))
		bide_text_add_(text, "%s", turn_of(waiting));
	else if (s.is_done)
		bide_text_add_(text, "%s (the result is there)", turn_of(waiting));
	else if (bide_kind_of_(s.copy.source.kind) == BIDE_KIND_FORK_)
		bide_text_add_(text, "a fork that another worker has");
	else if (!bide_kind_is_pooled_(s.copy.source.kind))
		bide_text_add_(text, "a source of the program's own");
	else
		describe(text, &s, depth);
}

static void describe_by(bide_text *text, bide_describe_function_ *describes, const bide_snapshot *s)
{
	char words[512] = "";

	describes(s->copy.words, words, sizeof words);
	bide_text_add_(text, "%s", words);
}

static void add_call(bide_text *text, const bide_snapshot *s)
{
	const bide_place *place = NULL;

	if (s->own->is_placed)
		place = bide_started_at_((const bide_frame *)(const void *)s->at);
	if (place)
		bide_text_place_(text, place);
}

static void describe(bide_text *text, const bide_snapshot *s, unsigned depth)
{
	const bide_source *task = NULL;

	if (s->type && s->type->task_at)
		task = (const bide_source *)(uintptr_t)s->copy.words[s->type->task_at / sizeof(uint64_t)];
	if (task)
		describe_task(text, task);
	else if (s->type && s->type->describe)
		describe_by(text, s->type->describe, s);
	else if (s->type)
		bide_text_add_(text, "%s", s->type->name);
	else if (!s->async)
		describe_delay(text, s);
	else if (!s->own)
		bide_text_add_(text, "%s", s->async->name);
	else if (s->own->describe) {
		describe_by(text, s->own->describe, s);
		add_call(text, s);
	} else {
		bide_text_add_(text, "%s", s->own->name);
		add_call(text, s);
		if (depth < DEPTH_MAX && s->copy.frame.awaiting) {
			bide_text_add_(text, ", which waits for ");
			awaited(text, s, depth + 1);
		}
	}
}

void bide_describe_(bide_text *text, const bide_snapshot *s)
{
	describe(text, s, DEPTH_MAX);
}

void bide_describe_awaited_(bide_text *text, const bide_snapshot *waiting)
{
	awaited(text, waiting, 0);
}

/* --- what is shown --- */

/*
 * Returns true if the frame waits for something inside itself, or for an async function of the
 * user's, which is shown.
 */
static bool waits_for_what_is_shown(const bide_snapshot *s)
{
	const bide_source *source = s->copy.frame.awaiting;
	bide_snapshot other;

	if (!source || s->copy.source.flags & BIDE_FLAG_SELF_LINKED_)
		return true;
	if ((uintptr_t)source - (uintptr_t)s->at < s->async->frame_bytes)
		return true;
	return bide_pools_hold_(source) && bide_snapshot_take_(&other, source) && other.async &&
	       !other.own;
}

bool bide_is_shown_(const bide_snapshot *s)
{
	uintptr_t word = s->copy.source.word;

	if (!s->own)
		return true;
	switch (s->own->kind) {
	case BIDE_OWN_CALL_: /* tag 0: a frame waits for it, whose line says so */
		return word == BIDE_WORD_PENDING_ || bide_word_tag_(word) != BIDE_WORD_PENDING_;
	case BIDE_OWN_BODY_:
		return !s->is_done && !waits_for_what_is_shown(s);
	default:
		return false;
	}
}
