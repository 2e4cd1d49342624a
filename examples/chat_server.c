/*
 * chat_server.c - what one client writes, all others read.
 *
 * A stream takes one writer at a time, but here each member writes to all others. So each member
 * has an outbox, in which the others leave lines, and one function that sends them. A strand runs
 * all of it: no two functions run at the same time, and the members need no lock.
 *
 *     chat_server [HOST [PORT]]        localhost, 7779; port 0: one that is free
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

enum { OUTBOX_LINES = 64 };

struct member {
	stream *client;
	int number;
	char *lines[OUTBOX_LINES];
	unsigned first, count;
	task *more; /* the sender awaits it while the outbox is empty */
	struct member *next;
};

static struct member *members; /* used in the strand only */
static int last_number;

/* Takes the line. A member that does not read its lines has to go. */
static void leave_line(struct member *to, char *line)
{
	if (!line || to->count == OUTBOX_LINES) {
		free(line);
		stream_abort(to->client, EOVERFLOW);
		return;
	}
	to->lines[(to->first + to->count++) % OUTBOX_LINES] = line;
	if (to->more)
		(void)task_try_complete(to->more, (payload){ .i = 1 });
}

static char *take_line(struct member *from)
{
	char *line = from->lines[from->first];

	from->first = (from->first + 1) % OUTBOX_LINES;
	from->count--;
	return line;
}

static void tell_others(const struct member *who, const char *what)
{
	for (struct member *to = members; to; to = to->next) {
		size_t size = strlen(what) + 32;
		char *line = to == who ? NULL : malloc(size);

		if (to == who)
			continue;
		if (line)
			snprintf(line, size, "%d: %s\n", who->number, what);
		leave_line(to, line);
	}
} /* NOLINT(clang-analyzer-unix.Malloc): the member has the lines */

/* --- the only function that writes to the member's stream --- */

struct sender {
	ASYNC_FRAME;
	struct {
		struct member *member;
	} in;
	char *line;
};

async(sender)
{
	async_in(member);
	for (;;) {
		while (member->count > 0) {
			my->line = take_line(member);
			await(stream_put(member->client, my->line, strlen(my->line)));
			free(my->line);
			my->line = NULL;
		}
		await(stream_flush(member->client));
		if (member->count > 0)
			continue;
		member->more = task_create(NULL);
		if (!member->more)
			async_fail(ENOMEM);
		await(member->more);
		task_unref(member->more);
		member->more = NULL;
	}
async_finally:
	task_unref(member->more);
	member->more = NULL;
	free(my->line);
	async_end;
}

/* --- a member --- */

static void join(struct member *new_one, stream *client)
{
	new_one->client = client;
	new_one->number = ++last_number;
	new_one->next = members;
	members = new_one;
	tell_others(new_one, "is here");
}

static void leave(struct member *who)
{
	struct member **at = &members;

	while (*at && *at != who)
		at = &(*at)->next;
	if (*at) {
		*at = who->next;
		tell_others(who, "has left");
	}
	while (who->count > 0)
		free(take_line(who));
}

struct chat {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	struct member member;
	bide_group group; /* the sender */
	bool has_group;
	char *line;
};

async(chat)
{
	async_in(client);
	if (group_init(&my->group, NULL) != 0)
		async_fail(ENOMEM);
	my->has_group = true;
	stream_split(client); /* one function reads while another one writes */
	join(&my->member, client);
	group_start(&my->group, async_start(sender, .member = &my->member));
	for (;;) {
		await(my->line, stream_read_line(client));
		if (!my->line)
			break;
		tell_others(&my->member, my->line);
	}
async_finally:
	if (my->has_group) {
		group_cancel(&my->group);
		await_or(group_wait(&my->group), (void)0); /* the sender has ended */
	}
	leave(&my->member);
	async_end;
}

static value_task start_chat(stream *client, void *argument)
{
	(void)argument;
	return async_start(chat, .client = client);
}

/* --- the server --- */

static void announce(const listener *where)
{
	address local;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	if (listener_address(where, &local) == 0)
		printf("listening on %s\n", address_text(&local, text, sizeof text));
	fflush(stdout);
}

struct server {
	ASYNC_FRAME;
	struct {
		const char *host, *service;
	} in;
	executor *strand;
	listener *listener;
};

async(server)
{
	async_in(host, service);
	await(my->listener, tcp_listen(host, service, NULL));
	announce(my->listener);
	my->strand = strand_create();
	if (!my->strand)
		async_fail(ENOMEM);
	await(until_signal(with_executor(my->strand, serve(my->listener, start_chat, NULL, NULL)),
	                   SIGTERM, SIGINT));
async_finally:
	listener_close(my->listener);
	executor_unref(my->strand);
	async_end;
}

int main(int count, char **arguments)
{
	int error = value_task_wait(async_start(server, .host = count > 1 ? arguments[1] : "localhost",
	                                        .service = count > 2 ? arguments[2] : "7779"),
	                            NULL);

	if (error)
		fprintf(stderr, "chat_server: %s\n", bide_strerror(error));
	return error != 0;
}
