/*
 * database.c - the database of the demo. It does not use bide: its functions block, and bide calls
 * them on threads for blocking calls.
 */
#include "database.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo.h"

struct connection {
	struct connection *next;
	sqlite3 *handle;
	sqlite3_stmt *read;
};

struct database {
	pthread_mutex_t mutex;   /* guards idle; not held while SQLite works */
	struct connection *idle; /* as many as there were concurrent readers */
	uint64_t read_count;
};

/* --- the files, which must be removed in any case --- */

static char folder[PATH_MAX - 16], file[PATH_MAX];
static volatile sig_atomic_t files_exist;

/* Also called in a signal handler, where unlink and rmdir are allowed. */
static void remove_files(void)
{
	if (!files_exist)
		return;
	files_exist = 0;
	unlink(file);
	rmdir(folder);
}

static void interrupted(int number)
{
	remove_files();
	signal(number, SIG_DFL);
	raise(number);
}

static int make_folder(void)
{
	const char *where = getenv("TMPDIR");
	int length =
		snprintf(folder, sizeof folder, "%s/bide-demo-XXXXXX", where && *where ? where : "/tmp");

	if (length < 0 || (size_t)length >= sizeof folder)
		return ENAMETOOLONG;
	if (!mkdtemp(folder))
		return errno;
	snprintf(file, sizeof file, "%s/products", folder);
	files_exist = 1;
	atexit(remove_files);
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	signal(SIGHUP, interrupted);
	return 0;
}

/* --- connections --- */

static void connection_close(struct connection *c)
{
	if (!c)
		return;
	sqlite3_finalize(c->read);
	sqlite3_close(c->handle);
	free(c);
}

/* Returns NULL without memory, or if the database cannot be opened. */
static struct connection *connection_open(void)
{
	static const char select[] = "SELECT cents FROM product WHERE number = ?";
	struct connection *c = calloc(1, sizeof *c);

	if (c &&
	    sqlite3_open_v2(file, &c->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
	        SQLITE_OK &&
	    sqlite3_prepare_v2(c->handle, select, -1, &c->read, NULL) == SQLITE_OK)
		return c;
	connection_close(c);
	return NULL;
}

static struct connection *connection_take(struct database *database)
{
	struct connection *c;

	pthread_mutex_lock(&database->mutex);
	database->read_count++;
	c = database->idle;
	if (c)
		database->idle = c->next;
	pthread_mutex_unlock(&database->mutex);
	return c ? c : connection_open();
}

static void connection_give(struct database *database, struct connection *c)
{
	pthread_mutex_lock(&database->mutex);
	c->next = database->idle;
	database->idle = c;
	pthread_mutex_unlock(&database->mutex);
}

int64_t database_read_cents(struct database *database, int64_t product)
{
	struct connection *c = connection_take(database);
	int64_t cents = -EIO;
	int step;

	if (!c)
		return -EIO;
	sqlite3_bind_int64(c->read, 1, product);
	step = sqlite3_step(c->read);
	if (step == SQLITE_ROW)
		cents = sqlite3_column_int64(c->read, 0);
	else if (step == SQLITE_DONE)
		cents = -ENOENT;
	sqlite3_reset(c->read);
	connection_give(database, c);
	return cents;
}

uint64_t database_read_count(const struct database *database)
{
	return database->read_count;
}

size_t database_bytes(void)
{
	struct stat information;

	return stat(file, &information) == 0 ? (size_t)information.st_size : 0;
}

/* --- filling it --- */

static int insert_all(sqlite3 *handle, int64_t product_count)
{
	sqlite3_stmt *insert = NULL;
	int result =
		sqlite3_prepare_v2(handle, "INSERT INTO product VALUES (?, ?, ?)", -1, &insert, NULL);
	char name[64];

	for (int64_t number = 1; number <= product_count && result == SQLITE_OK; number++) {
		int length =
			snprintf(name, sizeof name, "product number %lld of the demo", (long long)number);

		sqlite3_bind_int64(insert, 1, number);
		sqlite3_bind_text(insert, 2, name, length, SQLITE_TRANSIENT);
		sqlite3_bind_int64(insert, 3, 100 + number * 7919 % 99900);
		if (sqlite3_step(insert) != SQLITE_DONE)
			result = SQLITE_ERROR;
		sqlite3_reset(insert);
		if (number % (product_count / 20) == 0)
			progress(".");
	}
	sqlite3_finalize(insert);
	return result;
}

/* Uses no journal, because the file is useless if this fails. */
static int fill(sqlite3 *handle, int64_t product_count)
{
	static const char begin[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
								"CREATE TABLE product (number INTEGER PRIMARY KEY, name TEXT NOT "
								"NULL, cents INTEGER NOT NULL)";
	int result = sqlite3_exec(handle, begin, NULL, NULL, NULL);

	if (result == SQLITE_OK)
		result = insert_all(handle, product_count);
	if (result == SQLITE_OK)
		result = sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
	return result;
}

struct database *database_create(int64_t product_count)
{
	struct database *database = calloc(1, sizeof *database);
	int error = database ? make_folder() : ENOMEM, result;
	sqlite3 *handle = NULL;

	if (error) {
		complain("no temporary folder", error);
		free(database);
		return NULL;
	}
	pthread_mutex_init(&database->mutex, NULL);
	result = sqlite3_open(file, &handle);
	if (result == SQLITE_OK)
		result = fill(handle, product_count);
	if (result != SQLITE_OK)
		fprintf(stderr, "\ndemo: the database could not be filled: %s\n",
		        handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result));
	sqlite3_close(handle);
	if (result == SQLITE_OK)
		return database;
	database_destroy(database);
	return NULL;
}

void database_destroy(struct database *database)
{
	struct connection *next;

	if (!database)
		return;
	for (struct connection *c = database->idle; c; c = next) {
		next = c->next;
		connection_close(c);
	}
	remove_files();
	pthread_mutex_destroy(&database->mutex);
	free(database);
}
