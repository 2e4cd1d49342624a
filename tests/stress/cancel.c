/*
 * cancel.c - sources, linked sources, contexts with tokens and deadlines, and registrations, which
 * all threads make, drop and cancel at once. A sleeper in one of them, which would sleep for an
 * hour, must end exactly once. A callback has either run or was removed, never both and never
 * neither.
 */
#include "stress.h"

#include "cancel/cancel_cell.h"
#include "cancel/cancel_source.h"

enum { SOURCES = 6, HOUR_S = 3600 };

typedef struct scene {
	bide_cancel_source *sources[SOURCES];
	atomic_uint begun, ended;
} scene;

struct sleeper {
	ASYNC_FRAME;
	struct {
		scene *scene;
	} in;
	int got;
};

async(sleeper)
{
	async_begin;
	atomic_fetch_add(&my->in.scene->begun, 1);
	await_or(bide_delay_ms(HOUR_S * 1000), my->got = await_error);
	CHECK(my->got == ECANCELED || my->got == ETIMEDOUT || my->got == BIDE_EUSER);
async_finally:
	await(bide_async_yield());
	atomic_fetch_add(&my->in.scene->ended, 1);
	async_end;
}

static bide_cancel_token some_token(scene *s, dice *d)
{
	return bide_cancel_source_token(s->sources[below(d, SOURCES)]);
}

/* Starts a sleeper under up to three scopes and drops all of them at once. */
static void sleep_somewhere(scene *s, dice *d)
{
	bide_context *scopes[3];
	unsigned depth = 1 + below(d, 3);
	bool canceled = false;

	for (unsigned i = 0; i < depth; i++) {
		bide_context_options options = { .parent = i ? scopes[i - 1] : NULL };

		if (i == 0 || chance(d, 50))
			options.token = some_token(s, d);
		if (chance(d, 30))
			options.timeout_ns = 1 + (int64_t)below(d, 1000000);
		CHECK((scopes[i] = bide_context_create(&options)) != NULL);
	}
	for (unsigned i = 1 + below(d, 3); i; i--)
		value_task_forget(in_context(scopes[depth - 1], async_start(sleeper, .scene = s)));
	if (chance(d, 30))
		canceled = bide_context_cancel(scopes[below(d, depth)], BIDE_EUSER);
	stress_count(depth + canceled);
	for (unsigned i = 0; i < depth; i++)
		bide_context_unref(scopes[i]);
}

static void called(void *argument)
{
	atomic_fetch_add((atomic_uint *)argument, 1);
}

static void register_and_unregister(scene *s, dice *d)
{
	enum { COUNT = 3 };
	bide_cancel_registration registrations[COUNT];
	atomic_uint calls[COUNT];
	bool registered[COUNT];

	for (unsigned i = 0; i < COUNT; i++) {
		atomic_init(&calls[i], 0);
		registered[i] =
			bide_cancel_token_register(some_token(s, d), &registrations[i], called, &calls[i]);
		if (!registered[i])
			CHECK_EQUAL(atomic_load(&calls[i]), 1);
	}
	dawdle(d);
	if (chance(d, 20))
		bide_cancel_source_cancel(s->sources[below(d, SOURCES)]);
	for (unsigned i = 0; i < COUNT; i++) {
		bool taken = registered[i] && bide_cancel_registration_unregister_wait(&registrations[i]);
		CHECK_EQUAL(atomic_load(&calls[i]) + taken, 1);
	}
	stress_count(COUNT);
}

/* Links a source to some others, checks it and drops it. */
static void link_some(scene *s, dice *d)
{
	bide_cancel_token tokens[3];
	unsigned count = 1 + below(d, 3);
	bide_cancel_source *linked;
	bide_context *scope;

	for (unsigned i = 0; i < count; i++)
		tokens[i] = some_token(s, d);
	CHECK((linked = bide_cancel_source_create_linked(tokens, count)) != NULL);
	if (chance(d, 50)) {
		bide_context_options options = { .token = bide_cancel_source_token(linked) };

		CHECK((scope = bide_context_create(&options)) != NULL);
		value_task_forget(in_context(scope, async_start(sleeper, .scene = s)));
		bide_context_unref(scope);
		if (chance(d, 50))
			CHECK_EQUAL(bide_cancel_source_cancel_after(linked, (int64_t)below(d, 300000)), 0);
		dawdle(d);
		/* A sleeper below it would sleep on if it were freed uncanceled. */
		bide_cancel_source_cancel(linked);
		CHECK(bide_cancel_source_is_canceled(linked));
	} else if (chance(d, 50)) {
		CHECK_EQUAL(bide_cancel_source_cancel_after(linked, (int64_t)below(d, 300000)), 0);
	}
	bide_cancel_source_unref(linked);
	stress_count(2);
}

static void meddle(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	(void)index;
	for (unsigned i = 4 + below(d, 30); i; i--) {
		switch (below(d, 11)) {
		case 0:
			bide_cancel_source_cancel(s->sources[below(d, SOURCES)]);
			break;
		case 1:
			CHECK_EQUAL(bide_cancel_source_cancel_after(s->sources[below(d, SOURCES)],
			                                            (int64_t)below(d, 500000)),
			            0);
			break;
		case 2:
		case 3:
			register_and_unregister(s, d);
			break;
		case 4:
		case 5:
			link_some(s, d);
			break;
		case 6:
			CHECK(bide_cancel_source_is_valid_(s->sources[below(d, SOURCES)]));
			CHECK(bide_cancel_cells_are_valid_());
			break;
		default:
			sleep_somewhere(s, d);
		}
		dawdle(d);
	}
}

STRESS(cancel)
{
	scene s = { .begun = 0 };
	crowd c;

	(void)workers;
	for (unsigned i = 0; i < SOURCES; i++)
		CHECK((s.sources[i] = bide_cancel_source_create()) != NULL);
	crowd_start(&c, 1 + below(d, 3), meddle, &s, d);
	meddle(&s, d, 0);
	crowd_join(&c);
	for (unsigned i = 0; i < SOURCES; i++)
		bide_cancel_source_cancel(s.sources[i]);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	CHECK_EQUAL(atomic_load(&s.begun), atomic_load(&s.ended));
	for (unsigned i = 0; i < SOURCES; i++) {
		CHECK(bide_cancel_source_is_valid_(s.sources[i]));
		bide_cancel_source_unref(s.sources[i]);
	}
	CHECK(bide_cancel_cells_are_valid_());
}
