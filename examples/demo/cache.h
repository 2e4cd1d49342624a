/*
 * cache.h - a read-through cache of prices over the database: it reads and keeps prices that it
 * does not have. One look-up in two forms, for comparison.
 *
 * One thread uses the cache: the worker. The threads for blocking calls do the reading. The cache
 * has room for all products, whose numbers are 1 to product_count, so it never drops a price, and
 * the comparison does not include hashing.
 */
#ifndef CACHE_H
#define CACHE_H

#include <bide/bide.h>

#include "database.h"

struct cache;

/* Returns NULL without memory. The database must live as long as the cache. */
struct cache *cache_create(struct database *database, int64_t product_count);
/* Forgets all prices. Not to be called while one is being read. */
void cache_clear(struct cache *cache);
void cache_destroy(struct cache *cache);

/*
 * Return the price of a product in cents. ENOENT: there is no such product. EIO: the database
 * failed. The task is a reference, to be dropped by bide_task_unref; it is NULL without memory.
 */
bide_task *cache_get_task(struct cache *cache, int64_t product);
bide_value_task cache_get(struct cache *cache, int64_t product);

#endif
