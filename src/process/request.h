/*
 * request.h - what a caller asks for, copied into one piece of memory, with the descriptors that
 * the child gets.
 */
#ifndef BIDE_PROCESS_REQUEST_H
#define BIDE_PROCESS_REQUEST_H

#include "io/opening.h"
#include "os/process.h"
#include "process/process.h"

/* What was collected of one pipe. */
typedef struct bide_process_text {
	char *bytes;
	size_t size_bytes, room_bytes;
} bide_process_text;

typedef struct bide_process_request {
	bide_opening_request base; /* first */
	bide_os_process_start start;
	bide_process *process; /* until it is handed to the caller */
	int standard[3];       /* descriptors that belong to the request, or -1 */
	bide_process_step *failed_step;
	/* Of bide_process_run. */
	const char *input;
	size_t input_bytes, output_max_bytes;
	bide_process_text texts[2]; /* until they are handed to the caller */
	void *output;               /* memory for the result, until then; or NULL */
	size_t output_bytes;
} bide_process_request;

/*
 * Makes a request: copies the options, and opens what the child gets and the streams to it. Returns
 * 0 or the error. Misuse is reported of `what`.
 */
BIDE_INTERNAL int bide_process_request_make_(bide_process_request **request,
                                             const bide_process_options *options, const char *what);
/* Closes and frees what belongs to the request. Its own memory is the opening's. */
BIDE_INTERNAL void bide_process_request_drop_(bide_opening_request *request);
/* Closes the descriptors that the child has by now. */
BIDE_INTERNAL void bide_process_request_close_(bide_process_request *request);
BIDE_INTERNAL void bide_process_text_free_(bide_process_text *text);
/* Starts the child. The result is the process, which is the caller's (spawn.c). */
BIDE_INTERNAL bide_process_task bide_process_start_(bide_process_request *request);

/* Tells the step in the options, which may be NULL. */
static inline void bide_process_step_(const bide_process_options *options, bide_process_step step)
{
	if (options && options->failed_step)
		*options->failed_step = step;
}

static inline void bide_process_request_failed_(const bide_process_request *request,
                                                bide_process_step step)
{
	if (request->failed_step)
		*request->failed_step = step;
}

#endif
