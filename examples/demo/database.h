/*
 * database.h - products and their prices in an SQLite database, in a temporary folder of its own.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include <stddef.h>
#include <stdint.h>

struct database;

/*
 * Makes the database, fills it with products 1 to product_count (at least 20), and prints its
 * progress. Returns NULL, after a message, if that failed. The files are removed by
 * database_destroy, and when the process ends by exit, SIGINT (Ctrl-C), SIGTERM or SIGHUP.
 */
struct database *database_create(int64_t product_count);
void database_destroy(struct database *database);

/*
 * Returns the price of a product in cents, -ENOENT for an unknown product, or -EIO if the database
 * failed. Blocks. Any thread may call it: each caller gets a connection for itself, so that readers
 * do not wait for each other. A connection is opened if all are in use, and kept for the next
 * caller.
 */
int64_t database_read_cents(struct database *database, int64_t product);

/* Returns how often database_read_cents was called. */
uint64_t database_read_count(const struct database *database);
/* Returns the size of the file. */
size_t database_bytes(void);

#endif
