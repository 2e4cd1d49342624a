/*
 * query.c - libpq under bide: several queries at the same time, each on a connection of its own.
 *
 *     query CONNECTION QUERY...          for example: query 'host=/tmp dbname=postgres' 'select 1'
 *
 * libpq makes no call that blocks: it says whether it waits to read or to write, and bide_fd_wait
 * waits for the descriptor. Only the name of a host would be looked up by a call that blocks; give
 * hostaddr, or a folder with a UNIX socket.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include <bide/short.h>

/* --- connecting --- */

struct connect_to {
	ASYNC_FRAME;
	struct {
		const char *where;
	} in;
	PGconn *connection;
	PostgresPollingStatusType status;
	bool is_given;
};

/* The result is the connection, whose status may be bad. */
async(connect_to)
{
	async_in(where);
	my->connection = PQconnectStart(where);
	if (!my->connection)
		async_fail(ENOMEM);
	my->status =
		PQstatus(my->connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
	while (my->status == PGRES_POLLING_READING || my->status == PGRES_POLLING_WRITING) {
		/* libpq may have tried another address, with another descriptor. */
		await(fd_wait(PQsocket(my->connection),
		              my->status == PGRES_POLLING_READING ? BIDE_FD_IN : BIDE_FD_OUT));
		my->status = PQconnectPoll(my->connection);
	}
	my->is_given = true;
	async_return(my->connection);
async_finally:
	if (!my->is_given)
		PQfinish(my->connection);
	async_end;
}

/* --- a query --- */

struct query {
	ASYNC_FRAME;
	struct {
		const char *where, *text;
	} in;
	PGconn *connection;
	PGresult *result;
	int64_t events;
	int unsent, errors;
};

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* Prints the rows. Returns false if the result is an error, whose message it prints. */
static bool print_result(const PGresult *result)
{
	if (!is_good(result)) {
		printf("%s", PQresultErrorMessage(result));
		return false;
	}
	for (int row = 0; row < PQntuples(result); row++)
		for (int column = 0; column < PQnfields(result); column++)
			printf("%s%c", PQgetvalue(result, row, column),
			       column + 1 < PQnfields(result) ? ' ' : '\n');
	return true;
}

/* The result is the number of results that are errors. */
async(query)
{
	async_in(where, text);
	await(my->connection, async_start(connect_to, .where = where));
	if (PQstatus(my->connection) != CONNECTION_OK || PQsetnonblocking(my->connection, 1) != 0 ||
	    !PQsendQuery(my->connection, text)) {
		printf("%s", PQerrorMessage(my->connection));
		async_return(1);
	}
	while ((my->unsent = PQflush(my->connection)) > 0) {
		/* The server may answer before it has read all of a long query. */
		await(my->events, fd_wait(PQsocket(my->connection), BIDE_FD_IN | BIDE_FD_OUT));
		if (my->events & BIDE_FD_IN && !PQconsumeInput(my->connection))
			break;
	}
	my->errors = 0;
	for (;;) {
		while (PQisBusy(my->connection)) {
			await(fd_wait(PQsocket(my->connection), BIDE_FD_IN));
			if (!PQconsumeInput(my->connection))
				break; /* PQgetResult has the error */
		}
		my->result = PQgetResult(my->connection);
		if (!my->result)
			break;
		my->errors += !print_result(my->result);
		PQclear(my->result);
	}
	async_return(my->errors);
async_finally:
	PQfinish(my->connection); /* the server ends a query whose client has gone */
	async_end;
}

/* --- all of them --- */

enum { QUERIES_MAX = 64 };

struct run {
	ASYNC_FRAME;
	struct {
		const char *where;
		char **texts;
		int count;
	} in;
	value_task queries[QUERIES_MAX];
	int failed;
};

async(run)
{
	async_in(where, texts, count);
	for (int i = 0; i < count; i++)
		my->queries[i] = async_start(query, .where = where, .text = texts[i]);
	await(when_all(my->queries, (size_t)count));
	for (int i = 0; i < count; i++)
		my->failed += value_task_result(my->queries[i]).i != 0;
	async_return(my->failed);
async_finally:
	async_end;
}

int main(int count, char **words)
{
	payload failed = { .i = 0 };
	int error;

	if (count < 3 || count - 2 > QUERIES_MAX) {
		fprintf(stderr, "usage: query CONNECTION QUERY..., at most %d\n", QUERIES_MAX);
		return 2;
	}
	/* A minute for everything. */
	error = value_task_wait(with_timeout(BIDE_SECONDS(60),
	                                     async_start(run, .where = words[1], .texts = words + 2,
	                                                 .count = count - 2)),
	                        &failed);
	if (error)
		fprintf(stderr, "query: %s\n", bide_strerror(error));
	return error || failed.i;
}
