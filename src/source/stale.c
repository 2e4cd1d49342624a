/*
 * stale.c - the report that a value task was consumed already, and what consumed it.
 */
#include "source/stale.h"

#include "base/generation.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/text.h"
#include "source/source.h"

/*
 * Describes an await of an async function. `at` has the line of the await if the resume points of
 * the function are lines. With BIDE_COMPUTED_GOTO they are not.
 */
static void describe_await(char *text, size_t size, const bide_function_info *async,
                           const bide_source *at)
{
	if (async->points_are_lines)
		bide_put_(text, size, "at %s:%u in %s", async->file, bide_line_(at), async->name);
	else
		bide_put_(text, size, "in %s (%s:%u)", async->name, async->file, (unsigned)async->line);
}

/*
 * Describes what waits for a source that was not consumed yet. The waiting frame is looked at only
 * by the one worker, on whose thread it stays as it is meanwhile.
 */
static void describe_holder(char *text, size_t size, const bide_source *source)
{
	uintptr_t word = BIDE_LOAD(&source->word, ACQUIRE); /* Pairs with bide_source_register_. */
	const bide_frame *waiter = bide_word_waiting_frame_(word); /* if a frame waits */

	if (word == BIDE_WORD_ABANDONED_)
		bide_put_(text, size, "bide_value_task_forget");
	else if (!bide_word_has_frame_(word) && bide_word_tag_(word) != BIDE_WORD_WATCHED_)
		bide_put_(text, size, "a wait or combinator that is going on");
	else if (bide_word_has_frame_(word) && !bide_shared_ && bide_port_on_worker_())
		describe_await(text, size, waiter->async, &waiter->source);
	else
		bide_put_(text, size, "an await that is going on");
}

/*
 * With many workers the memory may come into use again meanwhile. So the generation is read before
 * and after the rest, and what was read counts only if the generation is the same.
 */
__attribute__((no_sanitize_thread)) void bide_describe_consumer_(char *text, size_t size,
                                                                 const bide_source *source)
{
	const bide_frame *frame = (const bide_frame *)(const void *)source;
	uint64_t generation = *(volatile const uint64_t *)&source->generation;
	uint8_t kind = *(volatile const uint8_t *)&source->kind;
	uintptr_t by;
	bide_source at;
	const bide_place *place;

	bide_put_(text, size, "not recorded%s",
	          !bide_kind_is_frame_(kind) ? ", since it is of an operation"
	          : bide_debug_              ? " any more"
	                                     : " any more; BIDE_DEBUG=1 keeps it longer");
	if (kind < BIDE_KIND_USER_ && generation >= BIDE_COUNT_BASE_)
		bide_put_(text, size, "bide_value_task_as_task, the task is in use");
	if (!bide_kind_is_frame_(kind) || (generation >> 48) != 0)
		return;
	by = *(volatile const uintptr_t *)&frame->consumer;
	at.line = *(volatile const uint32_t *)&source->line;
	__atomic_signal_fence(__ATOMIC_ACQUIRE);
	if (*(volatile const uint64_t *)&source->generation != generation)
		return;
	place = (const bide_place *)(by & ~(uintptr_t)1);
	if (by & 1 && place)
		bide_put_(text, size, "at %s:%u in %.*s", place->file, (unsigned)place->line,
		          bide_name_length_(place->function), place->function);
	else if (by && !(by & 1))
		describe_await(text, size, (const bide_function_info *)by, &at);
}

void bide_report_stale_(bide_value_task value_task, const char *what, const bide_place *place,
                        const bide_frame *by)
{
	const bide_source *source = (const bide_source *)value_task.state;
	bool fresh = BIDE_LOAD(&source->generation, RELAXED) == value_task.payload.generation;
	bool held = fresh && BIDE_LOAD(&source->word, RELAXED) != BIDE_WORD_ABANDONED_;
	char text[512], first[256];

	if (!fresh && BIDE_LOAD(&source->generation, RELAXED) == BIDE_GENERATION_ENDED_) {
		bide_put_(text, sizeof text, "this value task " BIDE_OF_BEFORE_);
	} else if (!fresh && BIDE_LOAD(&source->generation, RELAXED) == BIDE_GENERATION_PARENT_) {
		bide_put_(
			text, sizeof text,
			"this value task was made before the fork; its operation goes on in the parent only");
	} else {
		if (fresh)
			describe_holder(first, sizeof first, source);
		else
			bide_describe_consumer_(first, sizeof first, source);
		bide_put_(
			text, sizeof text,
			"this value task %s (first use: %s); a value task has one consumer, once; make it "
			"a task (bide_value_task_as_task) to share it",
			held ? "is awaited already" : "has been consumed already", first);
	}
	if (by)
		bide_misuse_in_(by, by->async->points_are_lines ? bide_line_(&by->source) : 0, "%s: %s",
		                what, text);
	else
		bide_misuse_at_(place, "%s: %s", what, text);
}
