/*
 * request.c - see request.h.
 */
#define _GNU_SOURCE
#include "process/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/misuse.h"
#include "io/stream.h"
#include "memory/allocator.h"

static const char path_default[] = "/bin:/usr/bin";

/* --- texts --- */

/* The room behind the request, which is handed out piece by piece. First it is only counted. */
typedef struct room {
	char *at; /* it is only counted if this is NULL */
	size_t size_bytes;
} room;

static void *take(room *r, size_t size_bytes)
{
	void *piece = r->at ? r->at + r->size_bytes : NULL;

	r->size_bytes += size_bytes;
	return piece;
}

static char *copy_text(room *r, const char *text)
{
	size_t size_bytes = text ? strlen(text) + 1 : 0;
	char *copy = text ? take(r, size_bytes) : NULL;

	return copy ? memcpy(copy, text, size_bytes) : NULL;
}

/* The pointers come first in the room, because they are aligned. */
static char **take_list(room *r, const char *const *texts, size_t *count)
{
	for (*count = 0; texts && texts[*count];)
		++*count;
	return take(r, (*count + 1) * sizeof(char *));
}

static void copy_list(room *r, const char *const *texts, size_t count, char **list)
{
	for (size_t i = 0; i < count; i++) {
		char *copy = copy_text(r, texts[i]);

		if (list)
			list[i] = copy;
	}
	if (list)
		list[count] = NULL;
}

/* Fills the room, or counts how much is needed. */
static void copy_all(room *r, const bide_process_options *options, bide_os_process_start *start)
{
	const char *const *environment =
		options->environment ? options->environment : (const char *const *)environ;
	const char *program = options->program ? options->program : options->arguments[0];
	const char *path = getenv("PATH");
	size_t argument_count, entry_count;
	char **arguments = take_list(r, options->arguments, &argument_count);
	char **entries = take_list(r, environment, &entry_count);

	if (!path)
		path = path_default;
	start->arguments = arguments;
	start->environment = entries;
	start->stack = take(r, BIDE_OS_PROCESS_STACK_BYTES_);
	start->name = take(r, strlen(program) + strlen(path) + 3);
	start->program = copy_text(r, program);
	start->path = copy_text(r, path);
	start->directory = copy_text(r, options->directory);
	copy_list(r, options->arguments, argument_count, arguments);
	copy_list(r, environment, entry_count, entries);
}

static bide_process_request *copy_options(const bide_process_options *options)
{
	bide_os_process_start counted;
	room r = { NULL, 0 };
	bide_process_request *request;
	size_t size_bytes;

	copy_all(&r, options, &counted);
	size_bytes = sizeof *request + r.size_bytes;
	request = bide_allocate_(size_bytes, _Alignof(bide_process_request));
	if (!request)
		return NULL;
	memset(request, 0, sizeof *request);
	request->base.size_bytes = size_bytes;
	r = (room){ (char *)(request + 1), 0 };
	copy_all(&r, options, &request->start);
	request->failed_step = options->failed_step;
	for (int i = 0; i < 3; i++)
		request->standard[i] = request->start.standard[i] = -1;
	return request;
}

/* --- descriptors --- */

/* A pipe with a stream at this process's end. */
static int open_pipe(bide_process_request *request, int number, bide_stream **stream)
{
	int fd[2], ours = number == 0 ? 1 : 0;

	if (pipe2(fd, O_CLOEXEC))
		return errno;
	(void)fcntl(fd[ours], F_SETFL, O_NONBLOCK | (ours ? O_WRONLY : O_RDONLY));
	request->standard[number] = fd[!ours];
	*stream = bide_stream_new_(fd[ours], BIDE_HANDLE_READY_OUT_);
	if (*stream)
		return 0;
	close(fd[ours]);
	return ENOMEM;
}

/* Opens what the child gets. Returns 0 or the error. */
static int open_one(bide_process_request *request, int number, bide_process_io io, int fd,
                    bide_stream **stream)
{
	int *to = &request->standard[number];

	switch (io) {
	case BIDE_PROCESS_PIPE:
		return open_pipe(request, number, stream);
	case BIDE_PROCESS_NULL:
		*to = open("/dev/null", (number == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
		return *to < 0 ? errno : 0;
	case BIDE_PROCESS_FD:
		*to = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return *to < 0 ? errno : 0;
	case BIDE_PROCESS_DEFAULT:
	case BIDE_PROCESS_INHERIT:
	case BIDE_PROCESS_OUT:
		return 0;
	}
	return EINVAL;
}

static int open_all(bide_process_request *request, const bide_process_options *options)
{
	bide_process *process = request->process;
	int *from = request->start.standard;
	int error = open_one(request, 0, options->in, options->in_fd, &process->in);

	if (!error)
		error = open_one(request, 1, options->out, options->out_fd, &process->out);
	if (!error)
		error = open_one(request, 2, options->err, options->err_fd, &process->err);
	for (int i = 0; i < 3; i++)
		from[i] = request->standard[i];
	if (options->err == BIDE_PROCESS_OUT)
		from[2] = from[1] < 0 ? STDOUT_FILENO : from[1];
	return error;
}

void bide_process_request_close_(bide_process_request *request)
{
	for (int i = 0; i < 3; i++) {
		if (request->standard[i] >= 0)
			close(request->standard[i]);
		request->standard[i] = -1;
	}
}

void bide_process_text_free_(bide_process_text *text)
{
	if (text->bytes)
		bide_deallocate_(text->bytes, text->room_bytes);
	text->bytes = NULL;
}

void bide_process_request_drop_(bide_opening_request *base)
{
	bide_process_request *request = (bide_process_request *)base;

	bide_process_text_free_(&request->texts[0]);
	bide_process_text_free_(&request->texts[1]);
	if (request->output)
		bide_deallocate_(request->output, request->output_bytes);
	request->output = NULL;
	bide_process_request_close_(request);
	bide_process_discard_(request->process);
	request->process = NULL;
}

/* --- a request --- */

static bool is_wrong(bide_process_io io, int fd, bool is_err)
{
	return (unsigned)io > BIDE_PROCESS_OUT || (io == BIDE_PROCESS_OUT && !is_err) ||
	       (io == BIDE_PROCESS_FD && fd < 0);
}

static int check(const bide_process_options *options, const char *what)
{
	const char *wrong = NULL;

	if (!options)
		wrong = "options is NULL";
	else if (!options->arguments || !options->arguments[0])
		wrong = "arguments has no word; the first one is the program";
	else if (is_wrong(options->in, options->in_fd, false))
		wrong = "`in` is none of what it may be, or in_fd is negative";
	else if (is_wrong(options->out, options->out_fd, false))
		wrong = "`out` is none of what it may be, or out_fd is negative";
	else if (is_wrong(options->err, options->err_fd, true))
		wrong = "`err` is none of what it may be, or err_fd is negative";
	if (wrong)
		bide_misuse_("%s: %s", what, wrong);
	return wrong ? EINVAL : 0;
}

int bide_process_request_make_(bide_process_request **to, const bide_process_options *options,
                               const char *what)
{
	int error = check(options, what);
	bide_process_request *request;

	if (error)
		return error;
	bide_process_step_(options, BIDE_PROCESS_STEP_PREPARE); /* until it is over */
	request = copy_options(options);
	if (!request)
		return ENOMEM;
	request->process = bide_process_new_();
	if (request->process)
		request->process->request = request;
	error = request->process ? open_all(request, options) : ENOMEM;
	if (error) {
		bide_process_request_drop_(&request->base);
		bide_deallocate_(request, request->base.size_bytes);
		return error;
	}
	request->process->keep = options->keep;
	request->start.keeps_descriptors = options->inherit_descriptors;
	*to = request;
	return 0;
}
