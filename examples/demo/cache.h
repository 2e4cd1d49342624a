/*
 * cache.h - a read-through cache of prices over the database: what it does not have it reads, and
 * keeps. One look-up in two forms, to be compared.
 *
 * One thread uses it: the worker. The reading is done by bide's pool for blocking calls. It has
 * room for all products, whose numbers are 1 to product_count: nothing is ever thrown out, and no
 * hashing stands between what is to be compared.
 */
#ifndef CACHE_H
#define CACHE_H

#include <bide/bide.h>

#include "database.h"

struct cache;

/* The database must live as long as the cache. NULL: no memory. */
struct cache *cache_create(struct database *database, int64_t product_count);
/* Forgets all prices. When nothing is being read. */
void cache_clear(struct cache *cache);
void cache_destroy(struct cache *cache);

/*
 * The price of a product in cents. ENOENT: there is no such product; EIO: the database failed.
 * The task is a reference, for bide_task_unref; NULL: no memory.
 */
bide_task *cache_get_task(struct cache *cache, int64_t product);
bide_value_task cache_get(struct cache *cache, int64_t product);

#endif
