/*
 * own.h - what messages and dumps say of the library's own functions and objects.
 */
#ifndef BIDE_BASE_OWN_H
#define BIDE_BASE_OWN_H

#include "base/library.h"

/*
 * Writes what a dump says of an object: the call that made it, and how far it is. It gets a copy of
 * the object's first BIDE_COPY_BYTES_ bytes, which other threads may have changed while it was
 * made. Of what the copy points at it may read only static data and memory of the pools.
 */
typedef void bide_describe_function_(const void *copy, char *to, size_t size_bytes);
enum { BIDE_COPY_BYTES_ = 512 };

/*
 * Goes with an async function of the library's. Dumps and leak reports show the user's call in its
 * place. A source file with such functions defines this before it includes anything:
 *     #define BIDE_OWN_(name) &name##_own_
 */
typedef struct bide_own_ {
	const char *name; /* of the function that the user called */
	enum {
		/* It stands for the call, and is shown if no async function waits for it. */
		BIDE_OWN_CALL_,
		/* It calls the user's body, and is shown if the body returned no async function. */
		BIDE_OWN_BODY_,
		BIDE_OWN_HIDDEN_
	} kind;
	bide_describe_function_ *describe; /* if NULL, its name and what it waits for are shown */
	/* The place where it was started, if that was recorded, is the user's call. */
	bool is_placed;
} bide_own_;

#endif
