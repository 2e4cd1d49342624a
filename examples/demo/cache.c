/*
 * cache.c - the same look-up in two forms: one returns a task, the other a value task.
 */
#include "cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

struct slot {
	int64_t cents;
	task *loading; /* if not NULL, the price is being read, and callers share this task */
	bool filled;
};

struct cache {
	struct database *database;
	int64_t product_count;
	struct slot slots[];
};

static struct slot *slot_of(struct cache *cache, int64_t product);
static task *load_shared(struct cache *cache, int64_t product);

/* --- the two forms --- */

task *cache_get_task(struct cache *cache, int64_t product)
{
	struct slot *slot = slot_of(cache, product);

	if (!slot)
		return task_from_error(ENOENT);
	if (slot->filled)
		return task_from_int(slot->cents); /* makes an object for a known price */
	return load_shared(cache, product);
}

value_task cache_get(struct cache *cache, int64_t product)
{
	struct slot *slot = slot_of(cache, product);

	if (!slot)
		return value_task_from_error(ENOENT);
	if (slot->filled)
		return value_task_from(slot->cents);             /* in two registers */
	return task_await_take(load_shared(cache, product)); /* one of several awaiters */
}

/* --- shared by both forms: one load for all callers that want the same price --- */

struct load {
	ASYNC_FRAME;
	struct {
		struct cache *cache;
		int64_t product;
	} in;
	int64_t cents;
};

/* Runs on a thread that may block. Frames never move, so it works on the frame itself. */
static value_task read_cents(void *argument)
{
	const struct load *my = argument;

	int64_t cents = database_read_cents(my->in.cache->database, my->in.product);

	return cents < 0 ? value_task_from_error((int)-cents) : value_task_from(cents);
}

async(load)
{
	async_in(cache, product);
	await(my->cents, run_blocking(read_cents, my));
	slot_of(cache, product)->cents = my->cents;
	slot_of(cache, product)->filled = true;
	async_return(my->cents);
async_finally:
	task_unref(slot_of(cache, product)->loading);
	slot_of(cache, product)->loading = NULL;
	async_end;
}

/*
 * Returns a reference to the task of the current load, which it starts if needed, or NULL without
 * memory.
 */
static task *load_shared(struct cache *cache, int64_t product)
{
	struct slot *slot = slot_of(cache, product);

	if (!slot->loading) {
		/* Detached: the load serves all callers, so the deadline of the first must not end it. */
		value_task load = in_detached(async_start(load, .cache = cache, .product = product));
		task *started =
			value_task_as_task(load); /* the very frame that waits; no other object is made */

		if (!started || task_is_ready(started))
			return started; /* it failed at once, so there is nothing to share */
		slot->loading = started;
	}
	return task_ref(slot->loading);
}

/* --- the rest --- */

static struct slot *slot_of(struct cache *cache, int64_t product)
{
	return product >= 1 && product <= cache->product_count ? &cache->slots[product - 1] : NULL;
}

struct cache *cache_create(struct database *database, int64_t product_count)
{
	struct cache *cache = calloc(1, sizeof *cache + (size_t)product_count * sizeof cache->slots[0]);

	if (!cache)
		return NULL;
	cache->database = database;
	cache->product_count = product_count;
	return cache;
}

void cache_clear(struct cache *cache)
{
	memset(cache->slots, 0, (size_t)cache->product_count * sizeof cache->slots[0]);
}

void cache_destroy(struct cache *cache)
{
	free(cache);
}
