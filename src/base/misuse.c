/*
 * misuse.c - the hooks, and the texts of errors. Messages are put together here, in a buffer on the
 * stack: nothing can fail.
 */
#include "base/everything.h"

static bide_misuse_hook *misuse_hook;
static void *misuse_argument;
static bide_unobserved_hook *unobserved_hook;
static void *unobserved_argument;
static bide_report_hook *report_hook;
static void *report_argument;

BIDE_THREAD_LOCAL_ const char *bide_inside_;
static BIDE_THREAD_LOCAL_ bool in_misuse_hook; /* misuse in the hook itself is only printed */
BIDE_THREAD_LOCAL_ const bide_call *bide_called_from_;

void bide_put_(char *to, size_t size_bytes, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	bide_port_format_(to, size_bytes, format, arguments);
	va_end(arguments);
}

void bide_misuse_hook_set(bide_misuse_hook *hook, void *argument)
{
	misuse_hook = hook;
	misuse_argument = argument;
}

void bide_unobserved_hook_set(bide_unobserved_hook *hook, void *argument)
{
	unobserved_hook = hook;
	unobserved_argument = argument;
}

void bide_report_hook_set(bide_report_hook *hook, void *argument)
{
	report_hook = hook;
	report_argument = argument;
}

void bide_report_(const char *what, const char *line)
{
	char text[1024];
	const char *before;

	if (report_hook) {
		bide_put_(text, sizeof text, "%s: %s", what, line);
		before = bide_inside_enter_("the report hook");
		report_hook(text, report_argument);
		bide_inside_ = before;
		return;
	}
	bide_put_(text, sizeof text, "bide: %s: %s\n", what, line);
	bide_port_print_(text); /* in one piece: other threads may have something to say too */
}

/* Does the message begin with this name? */
static bool is_about(const char *message, const char *name)
{
	while (*name && *message == *name) {
		message++;
		name++;
	}
	return !*name && (*message == ':' || *message == ' ' || !*message);
}

const bide_place *bide_called_at_(const char *function)
{
	const bide_call *call = bide_called_from_;

	return call && is_about(function, call->callee) ? &call->place : NULL;
}

/* The async function that runs on this thread; NULL: none. */
static const bide_frame *running(void)
{
	bide_thread_head *head = bide_current_thread_;

	return head && head->current != &bide_thread_of_(head)->root ? head->current : NULL;
}

int bide_name_length_(const char *function)
{
	static const char body[] = "_body_";
	const int cut = sizeof body - 1;
	int length = 0, same = 0;

	while (function[length])
		length++;
	while (same < cut && length > cut && function[length - cut + same] == body[same])
		same++;
	return same == cut ? length - cut : length;
}

/* A place in the library: what consumes on behalf of a call has that call's name. */
static bool is_own(const bide_place *place)
{
	static const char prefix[] = "bide_";
	size_t same = 0;

	while (prefix[same] && place->function[same] == prefix[same])
		same++;
	return !prefix[same];
}

/*
 * Appends where the mistake is: the place, if it is known; else that of the call that noted itself
 * (noted.h), if it is of the function that the message is about; else the async function. A place
 * in the library would tell the user nothing: of its own functions the call is named.
 */
static void add_place(char *message, size_t size, const bide_place *place, const bide_frame *frame)
{
	const bide_call *call = bide_called_from_;
	size_t length = 0;

	while (message[length])
		length++;
	if (!place && call && is_about(message, call->callee))
		place = &call->place;
	bide_called_from_ = NULL;
	if (place && is_own(place))
		bide_put_(message + length, size - length, " (called by %s)", place->function);
	else if (place)
		bide_put_(message + length, size - length, " (at %s:%u in %.*s)", place->file,
		          (unsigned)place->line, bide_name_length_(place->function), place->function);
	else if (frame && frame->async->own) {
		if (frame->async->own->kind == BIDE_OWN_CALL_)
			bide_put_(message + length, size - length, " (called by %s)", frame->async->own->name);
	} else if (frame)
		bide_put_(message + length, size - length, " (in the async function %s, %s:%u)",
		          frame->async->name, frame->async->file, (unsigned)frame->async->line);
}

static void misuse(const bide_place *place, const bide_frame *frame, const char *format,
                   va_list arguments)
{
	char message[1024], line[sizeof message + 16];
	const char *before;

	bide_port_format_(message, sizeof message, format, arguments);
	add_place(message, sizeof message, place, frame);
	bide_count_(BIDE_COUNT_MISUSE_, 1);
	if (misuse_hook && !in_misuse_hook) {
		before = bide_inside_enter_("the misuse hook");
		in_misuse_hook = true;
		misuse_hook(message, misuse_argument);
		in_misuse_hook = false;
		bide_inside_ = before;
		return;
	}
	bide_put_(line, sizeof line, "bide: misuse: %s\n", message);
	bide_port_print_(line); /* at once: other threads may have something to say too */
	if (!misuse_hook)
		bide_port_abort_();
}

void bide_misuse_(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	misuse(NULL, running(), format, arguments);
	va_end(arguments);
}

void bide_misuse_at_(const bide_place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	misuse(place, running(), format, arguments);
	va_end(arguments);
}

void bide_misuse_in_(const bide_frame *frame, uint32_t line, const char *format, ...)
{
	bide_place place = { frame->async->file, line, frame->async->name };
	va_list arguments;

	va_start(arguments, format);
	misuse(line ? &place : NULL, frame, format, arguments);
	va_end(arguments);
}

void bide_unobserved_(int error, const bide_source *source)
{
	const bide_function_info *async =
		source->kind < BIDE_KIND_TIMER_ ? ((const bide_frame *)(const void *)source)->async : NULL;
	const char *before;

	if (error == 0 || error == BIDE_ECANCELED_)
		return;
	bide_count_(BIDE_COUNT_UNOBSERVED_, 1);
	if (!unobserved_hook)
		return;
	before = bide_inside_enter_("the hook for unobserved errors");
	unobserved_hook(error, async ? async->name : "task", source->payload.trace,
	                unobserved_argument);
	bide_inside_ = before;
}

void bide_lost_(bide_value_task outcome, const bide_context *context)
{
	bide_frame nameless = { .source = { .kind = BIDE_KIND_OPERATION_,
		                                .payload = outcome.payload } };
	int error = (int)outcome.state;

	if (error && !(context && error == bide_context_error(context)))
		bide_unobserved_(error, &nameless.source);
}

/*
 * An await of an async function; `at` has its line, if points are lines (they are not with
 * BIDE_COMPUTED_GOTO).
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
 * Still pending, or done and not consumed: who has it. A frame that waits stays as it is while
 * this, the one worker, looks.
 */
static void describe_holder(char *text, size_t size, const bide_source *source)
{
	uintptr_t word = BIDE_LOAD(&source->word, ACQUIRE); /* pairs with the registration */
	const bide_frame *waiter = (const bide_frame *)word;

	if (word == BIDE_WORD_ABANDONED_)
		bide_put_(text, size, "bide_value_task_forget");
	else if ((word & BIDE_WORD_TAGS_) != BIDE_WORD_PENDING_ || !word)
		bide_put_(text, size, "a wait or combinator that is going on");
	else if (!bide_shared_ && bide_port_on_worker_())
		describe_await(text, size, waiter->async, &waiter->source);
	else
		bide_put_(text, size, "an await that is going on");
}

/*
 * Who consumed a source last, as far as its free memory still says. With many workers it may be
 * taken anew meanwhile: what was read counts if the generation is the same afterwards.
 */
__attribute__((no_sanitize_thread)) static void describe_consumer(char *text, size_t size,
                                                                  const bide_source *source)
{
	const bide_frame *frame = (const bide_frame *)(const void *)source;
	uint64_t generation = *(volatile const uint64_t *)&source->generation;
	uint8_t kind = *(volatile const uint8_t *)&source->kind;
	uintptr_t by;
	bide_source at;
	const bide_place *place;

	bide_put_(text, size, "not recorded any more; BIDE_DEBUG=1 keeps it longer");
	if (kind < BIDE_KIND_USER_ && generation >= BIDE_COUNT_BASE_)
		bide_put_(text, size, "bide_value_task_as_task, the task is in use");
	if (kind >= BIDE_KIND_TIMER_ || (generation >> 48) != 0)
		return;
	by = (uintptr_t) * (bide_source *volatile const *)&frame->awaiting;
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
		bide_put_(text, sizeof text, "%s: this value task " BIDE_OF_BEFORE_, what);
	} else if (!fresh && BIDE_LOAD(&source->generation, RELAXED) == BIDE_GENERATION_PARENT_) {
		bide_put_(
			text, sizeof text,
			"%s: this value task was made before the fork; its operation goes on in the parent "
			"only",
			what);
	} else {
		if (fresh)
			describe_holder(first, sizeof first, source);
		else
			describe_consumer(first, sizeof first, source);
		bide_put_(
			text, sizeof text,
			"%s: this value task %s (first use: %s); a value task has one consumer, once; make it "
			"a task (bide_value_task_as_task) to share it",
			what, held ? "is awaited already" : "has been consumed already", first);
	}
	if (by)
		bide_misuse_in_(by, by->async->points_are_lines ? bide_line_(&by->source) : 0, "%s", text);
	else
		bide_misuse_at_(place, "%s", text);
}

bool bide_check_error_(int error, const char *what)
{
	if (error > 0 && error <= BIDE_ERROR_MAX)
		return true;
	bide_misuse_("%s: error is %d; 1 to %d are allowed", what, error, BIDE_ERROR_MAX);
	return false;
}

const char *bide_strerror(int error)
{
	switch (error) {
	case 0:
		return "success";
	case BIDE_ECANCELED_:
		return "canceled";
	case BIDE_ETIMEDOUT_: /* a deadline; the system speaks of a connection */
		return "timed out";
	case BIDE_ENOFRAME:
		return "no memory to start the async function";
	case BIDE_EBROKEN:
		return "the completion source is gone and nothing has completed the task";
	case BIDE_EEND:
		return "no more items";
	case BIDE_ESTALE:
		return "the value task had been consumed already";
	default:
		break;
	}
	if (error >= BIDE_EUSER && error <= BIDE_ERROR_MAX)
		return "an error of the program's own range";
	if (error > 0 && error < BIDE_ENOFRAME)
		return bide_port_error_text_(error);
	return "not an error number of bide: 1 to 4095 are";
}
