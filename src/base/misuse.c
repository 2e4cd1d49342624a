/*
 * misuse.c - the hooks of the user's, and the messages that they get. A message is put together in
 * a buffer on the stack, so that it needs no memory.
 */
#include "base/misuse.h"

#include "base/count.h"
#include "base/own.h"
#include "base/port.h"
#include "base/text.h"
#include "base/thread.h"

static bide_misuse_hook *misuse_hook;
static void *misuse_argument;
static bide_unobserved_hook *unobserved_hook;
static void *unobserved_argument;
static bide_report_hook *report_hook;
static void *report_argument;

BIDE_THREAD_LOCAL_ const char *bide_inside_;
BIDE_THREAD_LOCAL_ bide_notes_ bide_called_from_;
/* The misuse hook runs on this thread. Misuse in the hook itself is only printed. */
static BIDE_THREAD_LOCAL_ bool in_misuse_hook;

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
	bide_port_print_(text); /* in one piece, since other threads may print too */
}

/* Returns true if the message begins with this name. */
static bool is_about(const char *message, const char *name)
{
	while (*name && *message == *name) {
		message++;
		name++;
	}
	return !*name && (*message == ':' || *message == ' ' || !*message);
}

static bool is_equal(const char *one, const char *two)
{
	while (*one && *one == *two) {
		one++;
		two++;
	}
	return *one == *two;
}

/*
 * Returns true if the two calls may be parts of one expression: they stand in the same function,
 * and in lines that are near.
 */
static bool are_near(const bide_place *one, const bide_place *two)
{
	enum { LINES_MAX = 16 };
	uint32_t apart = one->line > two->line ? one->line - two->line : two->line - one->line;

	return apart <= LINES_MAX && is_equal(one->function, two->function) &&
	       is_equal(one->file, two->file);
}

/*
 * Returns the newest call that noted itself, if `text` is about that function. If it is not, the
 * newest ones may be calls among the arguments of the one that it is about. Otherwise returns NULL.
 */
const bide_call *bide_call_of_(const char *text)
{
	const bide_notes_ *notes = &bide_called_from_;
	const bide_call *newest = bide_call_newest_();

	for (uint32_t back = 0; back < BIDE_NOTES_; back++) {
		const bide_call *call = notes->calls[(notes->newest - back) % BIDE_NOTES_];

		if (!call || !are_near(&call->place, &newest->place))
			return NULL;
		if (is_about(text, call->callee))
			return call;
	}
	return NULL;
}

static const bide_place *place_of(const char *text)
{
	const bide_call *call = bide_call_of_(text);

	return call ? &call->place : NULL;
}

static void forget_notes(void)
{
	for (uint32_t i = 0; i < BIDE_NOTES_; i++)
		bide_called_from_.calls[i] = NULL;
}

const bide_place *bide_called_at_(const char *function)
{
	return place_of(function);
}

/* Returns the frame of the async function that runs on this thread, or NULL if none does. */
static const bide_frame *running(void)
{
	bide_thread_head *head = bide_current_thread_;

	return head && bide_thread_is_inside_(head) ? head->current : NULL;
}

/*
 * Returns true for a place in the library. Code of the library that consumes for a call has the
 * name of that call.
 */
static bool is_own(const bide_place *place)
{
	static const char prefix[] = "bide_";
	size_t same = 0;

	while (prefix[same] && place->function[same] == prefix[same])
		same++;
	return !prefix[same];
}

/*
 * Appends where the mistake is. That is the place, if it is known. Otherwise it is the place that
 * the call noted (noted.h), if the message is about the function that was called. Otherwise it is
 * the async function. A place in the library would tell the user nothing, so the call is named
 * there.
 */
static void add_place(char *message, size_t size, const bide_place *place, const bide_frame *frame)
{
	size_t length = 0;

	while (message[length])
		length++;
	if (!place)
		place = place_of(message);
	forget_notes();
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
	bide_port_print_(line); /* in one piece, since other threads may print too */
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
	const bide_function_info *async = bide_kind_is_frame_(source->kind)
	                                      ? ((const bide_frame *)(const void *)source)->async
	                                      : NULL;
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

void bide_unobserved_value_(bide_value_task outcome)
{
	bide_frame nameless = { .source = { .kind = BIDE_KIND_OPERATION_,
		                                .payload = outcome.payload } };

	bide_unobserved_((int)outcome.state, &nameless.source);
}

bool bide_check_error_(int error, const char *what)
{
	if (error > 0 && error <= BIDE_ERROR_MAX)
		return true;
	bide_misuse_("%s: error is %d; 1 to %d are allowed", what, error, BIDE_ERROR_MAX);
	return false;
}

bide_value_task bide_value_task_bad_error_(int error)
{
	bide_misuse_("bide_value_task_from_error: error is %d; 1 to %d are allowed", error,
	             BIDE_ERROR_MAX);
	return bide_value_task_from_error(BIDE_EINVAL_);
}
