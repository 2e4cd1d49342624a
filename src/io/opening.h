/*
 * opening.h - operations that open something in several steps: a connect by name, for example.
 *
 * The caller gets an operation, and an async function does the steps. The function runs in a
 * context of its own, below the caller's, and is forgotten: it never fails, but ends the operation.
 * An operation, unlike an async function, closes a result that no consumer takes. If the operation
 * is forgotten, the context is canceled, and the function ends soon.
 *
 *     request   what was asked for, copied; the function owns it
 */
#ifndef BIDE_IO_OPENING_H
#define BIDE_IO_OPENING_H

#include "io/socket.h"
#include "source/operation.h"

typedef struct bide_opening_request {
	size_t size_bytes;
	const char *host, *service; /* behind it; or NULL */
	bide_address address;
	bide_socket_options options;
} bide_opening_request;

typedef struct bide_opening {
	bide_operation operation;
	bide_post post;
	bide_context *context; /* with a reference; the party that swaps NULL in drops it */
	bide_context *begins;  /* the same one, with a reference, until it has begun */
	bide_opening_request *request;
} bide_opening;

/* A kind of openings. */
typedef struct bide_opening_kind {
	bide_operation_type type; /* `leave` is bide_opening_leave_ */
	/* Starts the async function, and returns what the start returned. */
	bide_value_task (*begin)(bide_opening *opening);
	/* May be NULL. Gives back what a request holds besides its memory, which is freed then. */
	void (*drop)(bide_opening_request *request);
} bide_opening_kind;

/*
 * Returns a request with copies of the texts, which may be NULL. Returns NULL if there is no
 * memory.
 */
BIDE_INTERNAL bide_opening_request *bide_opening_request_(const char *host, const char *service);
/* Starts it. Takes the request, which may be NULL: there was no memory for it. */
BIDE_INTERNAL bide_value_task bide_opening_start_(const bide_opening_kind *kind,
                                                  bide_opening_request *request);
/*
 * Makes a request with copies of the texts and of the options, and starts it. Fails with the error
 * of the context, if it is canceled; EINVAL, if an option is misuse; or ENOMEM.
 */
BIDE_INTERNAL bide_value_task bide_opening_start_named_(const bide_opening_kind *kind,
                                                        const char *host, const char *service,
                                                        const bide_tcp_options *options);
/* The function is through: frees the request, and completes the operation. */
BIDE_INTERNAL void bide_opening_end_(bide_opening *opening, void *result, int error);
BIDE_INTERNAL void bide_opening_leave_(bide_operation *operation);

#endif
