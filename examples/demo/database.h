/*
 * database.h - products and their prices in an SQLite database, in a temporary folder of its own.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include <stddef.h>
#include <stdint.h>

struct database;

/*
 * Makes the database and fills it with products 1 to product_count (20 at least); prints its
 * progress. NULL: it did not work, and it has said why. The files go with database_destroy, and
 * when the process ends by exit, SIGINT (Ctrl-C), SIGTERM or SIGHUP.
 */
struct database *database_create(int64_t product_count);
void database_destroy(struct database *database);

/*
 * The price of a product in cents. -ENOENT: no such product; -EIO: the database failed. Blocks.
 * Any thread: each caller gets a connection for itself, so readers do not wait for each other; a
 * connection is opened when all are in use, and kept for the next caller.
 */
int64_t database_read_cents(struct database *database, int64_t product);

/* How often database_read_cents was called. */
uint64_t database_read_count(const struct database *database);
/* Of the file. */
size_t database_bytes(void);

#endif
