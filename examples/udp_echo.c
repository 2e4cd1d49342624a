/*
 * udp_echo.c - questions and answers by datagrams, some of which get lost: the client asks again
 * until an answer comes, longer each time. The server drops every third question, for the example.
 * In a simulation there are no sockets.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bide/short.h>

enum { QUESTIONS = 20, BATCH = 16, ROOM = 512, TRIES = 8, FIRST_WAIT_MS = 20 };

/* --- the server: answers batches, until it is canceled --- */

struct serve_echo {
	ASYNC_FRAME;
	struct {
		bide_udp *udp;
	} in;
	bide_datagram datagrams[BATCH];
	char rooms[BATCH][ROOM];
	int64_t count;
	unsigned received;
};

/* Leaves out every third datagram. Returns how many are left. */
static size_t lose_some(struct serve_echo *my)
{
	size_t kept = 0;

	for (int64_t i = 0; i < my->count; i++)
		if (++my->received % 3 != 0)
			my->datagrams[kept++] = my->datagrams[i];
	return kept;
}

static void make_room(struct serve_echo *my)
{
	for (int i = 0; i < BATCH; i++)
		my->datagrams[i] = (bide_datagram){ .data = my->rooms[i], .room_bytes = ROOM };
}

async(serve_echo)
{
	async_begin;
	for (;;) {
		make_room(my);
		await(my->count, udp_receive(my->in.udp, my->datagrams, BATCH));
		my->count = (int64_t)lose_some(my);
		if (my->count > 0)
			await(udp_send(my->in.udp, my->datagrams, (size_t)my->count));
	}
async_finally:
	async_end;
}

/* --- the client --- */

struct ask {
	ASYNC_FRAME;
	struct {
		bide_udp *udp;
		int number;
	} in;
	bide_datagram question, answer;
	char text[ROOM], room[ROOM];
	int tries;
	int64_t count;
};

/* Returns true if it is the answer to this question, and not to an earlier one that came late. */
static bool is_answer(const struct ask *my)
{
	return my->answer.size_bytes == my->question.size_bytes &&
	       memcmp(my->room, my->text, my->question.size_bytes) == 0;
}

async(ask)
{
	async_begin;
	my->question.data = my->text;
	my->question.size_bytes =
		(size_t)snprintf(my->text, sizeof my->text, "question %d", my->in.number);
	my->answer = (bide_datagram){ .data = my->room, .room_bytes = sizeof my->room };
	for (my->tries = 0; my->tries < TRIES; my->tries++) {
		await(udp_send(my->in.udp, &my->question, 1));
		do {
			my->count = 0;
			await_or(my->count,
			         with_timeout_ms(FIRST_WAIT_MS << my->tries,
			                         udp_receive(my->in.udp, &my->answer, 1)),
			         if (await_error != ETIMEDOUT) async_fail(await_error));
		} while (my->count > 0 && !is_answer(my));
		if (my->count > 0)
			async_return(my->tries);
	}
	async_fail(ETIMEDOUT);
async_finally:
	async_end;
}

/* --- both --- */

struct run_both {
	ASYNC_FRAME;
	bide_udp *server, *client;
	bide_address address;
	bide_context *serving;
	value_task server_ends;
	int number, error;
	int64_t tries, asked_again;
};

/* Returns 0 or the error. */
static int open_both(struct run_both *my)
{
	int error = bide_address_parse(&my->address, "127.0.0.1:0", NULL);

	if (!error)
		error = udp_open(&my->server, &my->address, NULL);
	if (!error)
		error = udp_address(my->server, &my->address);
	return error ? error : udp_open(&my->client, NULL, &(bide_udp_options){ .peer = &my->address });
}

async(run_both)
{
	async_begin;
	my->server_ends = value_task_completed();
	my->error = open_both(my);
	if (my->error)
		async_fail(my->error);
	my->serving = context_create(NULL);
	if (!my->serving)
		async_fail(ENOMEM);
	my->server_ends = in_context(my->serving, async_start(serve_echo, .udp = my->server));
	for (my->number = 0; my->number < QUESTIONS; my->number++) {
		await(my->tries, async_start(ask, .udp = my->client, .number = my->number));
		my->asked_again += my->tries;
	}
	printf("%d answers; some questions were asked again: %s\n", my->number,
	       my->asked_again > 0 ? "yes" : "no");
async_finally:
	if (my->serving)
		(void)context_cancel(my->serving, ECANCELED);
	await_or(my->server_ends, (void)0);
	context_unref(my->serving);
	udp_close(my->client);
	udp_close(my->server);
	async_end;
}

int main(void)
{
	uint64_t leak_count;
	int error = value_task_wait(async_start(run_both), NULL);

	if (error) {
		fprintf(stderr, "udp_echo: %s\n", bide_strerror(error));
		return 1;
	}
	return bide_shutdown(&leak_count) != 0 || leak_count != 0;
}
