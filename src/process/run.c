/*
 * run.c - runs a program to its end, and collects what it writes.
 *
 * Four functions work side by side: one writes the input, two read, and one waits. So no full pipe
 * stops the child for ever. All of them are in a context that the first failure cancels.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"

#include <errno.h>
#include <string.h>

#include "base/misuse.h"
#include "io/freed.h"
#include "memory/allocator.h"
#include "process/request.h"
#include "runtime/simulation.h"

enum { TEXT_FIRST_BYTES = 4096, OUTPUT_MAX_DEFAULT = 16 << 20 };

/* The result, and the sizes of its memory. */
typedef struct output {
	bide_process_output public;
	size_t out_room_bytes, err_room_bytes;
	bool is_freed;
} output;

struct bide_process_run {
	BIDE_ASYNC_FRAME;
	struct {
		bide_opening *opening;
	} in;
	bide_process *process;
	bide_context *scope;
	bide_value_task parts[4];
	int64_t status; /* of the last part, which waits */
	int error, index;
};

static const bide_own_ bide_process_run_own_ = { .name = "bide_process_run" };

/* It has what was collected, so that a shutdown in the middle frees that, too (end.c). */
static bide_process_request *request_of(const struct bide_process_run *run)
{
	return (bide_process_request *)run->in.opening->request;
}

/* The first failure ends all parts, with its error. */
static void end_parts(struct bide_process_run *run, int error)
{
	(void)bide_context_cancel(run->scope, error);
}

/* --- the input --- */

struct bide_process_feed {
	BIDE_ASYNC_FRAME;
	struct {
		struct bide_process_run *run;
	} in;
};

static const bide_own_ bide_process_feed_own_ = { .name = "bide_process_run",
	                                              .kind = BIDE_OWN_HIDDEN_ };

bide_async(bide_process_feed)
{
	bide_async_begin;
	/* A child may end without reading its input. */
	bide_await_or(
		bide_stream_write(bide_process_in(my->in.run->process), request_of(my->in.run)->input,
	                      request_of(my->in.run)->input_bytes),
		if (bide_await_error != EPIPE) {
			end_parts(my->in.run, bide_await_error);
			bide_async_return(bide_await_failure);
		});
	bide_process_close_in(my->in.run->process);
bide_async_finally:
	bide_async_end;
}

/* --- the output --- */

struct bide_process_collect {
	BIDE_ASYNC_FRAME;
	struct {
		struct bide_process_run *run;
		bide_stream *stream;
		bide_process_text *text;
	} in;
	int64_t size_bytes;
	int error;
};

static const bide_own_ bide_process_collect_own_ = { .name = "bide_process_run",
	                                                 .kind = BIDE_OWN_HIDDEN_ };

/* Makes room for one more byte and the zero behind it. Returns 0 or ENOMEM. */
static int text_grow(bide_process_text *t)
{
	size_t room_bytes = t->room_bytes ? t->room_bytes * 2 : TEXT_FIRST_BYTES;
	char *bytes;

	if (t->room_bytes - t->size_bytes > 1)
		return 0;
	bytes = bide_allocate_(room_bytes, sizeof(void *));
	if (!bytes)
		return ENOMEM;
	if (t->size_bytes)
		memcpy(bytes, t->bytes, t->size_bytes);
	bide_process_text_free_(t);
	t->bytes = bytes;
	t->room_bytes = room_bytes;
	return 0;
}

static bide_value_task read_more(bide_stream *stream, bide_process_text *t)
{
	return bide_stream_read(stream, t->bytes + t->size_bytes, t->room_bytes - t->size_bytes - 1);
}

/* Returns 0, EMSGSIZE or ENOMEM. */
static int prepare(const struct bide_process_run *run, bide_process_text *t)
{
	return t->size_bytes > request_of(run)->output_max_bytes ? EMSGSIZE : text_grow(t);
}

bide_async(bide_process_collect)
{
	bide_async_begin;
	do {
		my->error = prepare(my->in.run, my->in.text);
		if (my->error) {
			end_parts(my->in.run, my->error);
			bide_async_fail(my->error);
		}
		bide_await_or(my->size_bytes, read_more(my->in.stream, my->in.text), {
			end_parts(my->in.run, bide_await_error);
			bide_async_return(bide_await_failure);
		});
		my->in.text->size_bytes += (size_t)my->size_bytes;
	} while (my->size_bytes > 0);
	my->in.text->bytes[my->in.text->size_bytes] = '\0';
bide_async_finally:
	bide_async_end;
}

static bide_value_task collect(struct bide_process_run *run, bide_stream *stream,
                               bide_process_text *t)
{
	bide_value_task started;

	if (!stream)
		return bide_value_task_completed();
	started = bide_async_start(bide_process_collect, .run = run, .stream = stream, .text = t);
	return started.state == BIDE_ENOFRAME ? bide_value_task_from_error(ENOMEM) : started;
}

static bide_value_task feed(struct bide_process_run *run)
{
	bide_value_task started;

	if (!bide_process_in(run->process))
		return bide_value_task_completed();
	started = bide_async_start(bide_process_feed, .run = run);
	return started.state == BIDE_ENOFRAME ? bide_value_task_from_error(ENOMEM) : started;
}

/* --- all of it --- */

/* Starts the parts, in the scope. Returns 0 or ENOMEM. */
static int start_parts(struct bide_process_run *my)
{
	bide_process_request *request = request_of(my);

	my->scope = bide_context_create(NULL);
	request->output_bytes = sizeof(output);
	request->output = bide_allocate_(sizeof(output), _Alignof(output));
	if (!my->scope || !request->output)
		return ENOMEM;
	my->parts[0] = bide_in_context(my->scope, feed(my));
	my->parts[1] =
		bide_in_context(my->scope, collect(my, bide_process_out(my->process), &request->texts[0]));
	my->parts[2] =
		bide_in_context(my->scope, collect(my, bide_process_err(my->process), &request->texts[1]));
	my->parts[3] = bide_in_context(my->scope, bide_process_wait(my->process));
	for (int i = 0; i < 4; i++)
		if (bide_value_task_is_ready(my->parts[i]) && bide_value_task_error(my->parts[i]))
			end_parts(my, bide_value_task_error(my->parts[i]));
	return 0;
}

/* Hands the texts over to the result, which it returns. */
static bide_process_output *take_output(const struct bide_process_run *my)
{
	bide_process_request *request = request_of(my);
	const bide_process_text *texts = request->texts;
	output *own = request->output;

	*own = (output){ .public = { .status = my->status,
		                         .out = texts[0].bytes,
		                         .err = texts[1].bytes,
		                         .out_bytes = texts[0].size_bytes,
		                         .err_bytes = texts[1].size_bytes },
		             .out_room_bytes = texts[0].room_bytes,
		             .err_room_bytes = texts[1].room_bytes };
	request->texts[0].bytes = request->texts[1].bytes = NULL;
	request->output = NULL;
	return &own->public;
}

static void finish(struct bide_process_run *my)
{
	bide_process_close(my->process);
	bide_context_unref(my->scope);
	bide_opening_end_(my->in.opening, my->error ? NULL : take_output(my), my->error);
}

bide_async(bide_process_run)
{
	bide_async_begin;
	bide_await_or(my->process, bide_process_start_((bide_process_request *)my->in.opening->request),
	              my->error = bide_await_error);
	if (my->error)
		bide_async_return(0);
	my->error = start_parts(my);
	if (my->error)
		bide_async_return(0);
	/* One that fails has the others fail with its error. */
	for (my->index = 0; my->index < 4; my->index++)
		bide_await_or(my->status, my->parts[my->index],
		              my->error = my->error ? my->error : bide_await_error);
bide_async_finally:
	finish(my);
	bide_async_end;
}

static bide_value_task begin(bide_opening *opening)
{
	return bide_async_start(bide_process_run, .opening = opening);
}

static void unwanted(bide_payload result)
{
	bide_process_output_free(result.p);
}

static const bide_opening_kind run_kind = {
	.type = { .name = "bide_process_run", .leave = bide_opening_leave_, .unwanted = unwanted },
	.begin = begin,
	.drop = bide_process_request_drop_,
};

/* Returns the options with the defaults of a run. */
static bide_process_options options_of(const bide_process_options *options, size_t input_bytes)
{
	bide_process_options own = *options;

	if (own.in == BIDE_PROCESS_PIPE || own.in == BIDE_PROCESS_DEFAULT)
		own.in = input_bytes ? BIDE_PROCESS_PIPE : BIDE_PROCESS_NULL;
	if (own.out == BIDE_PROCESS_DEFAULT)
		own.out = BIDE_PROCESS_PIPE;
	if (own.err == BIDE_PROCESS_DEFAULT)
		own.err = BIDE_PROCESS_PIPE;
	own.keep = false;
	return own;
}

static int check(const bide_process_options *options, const void *input, size_t input_bytes)
{
	const char *wrong = NULL;

	if (!options)
		wrong = "options is NULL";
	else if (input_bytes && !input)
		wrong = "input is NULL, and input_bytes is not 0";
	else if (input_bytes && options->in != BIDE_PROCESS_DEFAULT && options->in != BIDE_PROCESS_PIPE)
		wrong = "there is input, but `in` is neither BIDE_PROCESS_DEFAULT nor BIDE_PROCESS_PIPE";
	if (wrong)
		bide_misuse_("bide_process_run: %s", wrong);
	return wrong ? EINVAL : 0;
}

static bide_value_task run(const bide_process_options *options, const void *input,
                           size_t input_bytes, size_t output_max_bytes)
{
	int error = check(options, input, input_bytes);
	bide_process_request *request = NULL;
	bide_process_options own;

	bide_process_step_(options, BIDE_PROCESS_STEP_PREPARE);
	if (!error && !bide_thread_())
		error = ENOMEM;
	if (!error)
		bide_process_step_(options, BIDE_PROCESS_STEP_NONE);
	if (!error)
		error = bide_simulating_ ? ENOTSUP : bide_context_current_error();
	if (error)
		return bide_value_task_from_error(error);
	own = options_of(options, input_bytes);
	error = bide_process_request_make_(&request, &own, "bide_process_run");
	if (error)
		return bide_value_task_from_error(error);
	request->input = input;
	request->input_bytes = input_bytes;
	request->output_max_bytes = output_max_bytes ? output_max_bytes : OUTPUT_MAX_DEFAULT;
	bide_process_ends_();
	return bide_opening_start_(&run_kind, &request->base);
}

bide_process_output_task bide_process_run(const bide_process_options *options, const void *input,
                                          size_t input_bytes, size_t output_max_bytes)
{
	return BIDE_TYPED(bide_process_output_task, run(options, input, input_bytes, output_max_bytes));
}

void bide_process_output_free(bide_process_output *public)
{
	output *own = BIDE_CONTAINER_(public, output, public);

	if (!public)
		return;
	if (own->is_freed) {
		bide_misuse_("bide_process_output_free: output is freed already");
		return;
	}
	own->is_freed = true;
	if (public->out)
		bide_deallocate_(public->out, own->out_room_bytes);
	if (public->err)
		bide_deallocate_(public->err, own->err_room_bytes);
	public->out = public->err = NULL;
	bide_freed_keep_(own, sizeof *own);
}
