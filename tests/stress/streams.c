/*
 * streams.c - pairs of connected streams. On each end a function writes a known sequence of bytes
 * and another one reads and checks what the other end wrote, both with deadlines that fire in the
 * middle. Others wait for the same descriptors, and threads abort streams. What arrives is always a
 * beginning of what was sent, and all of it if no stream of the pair was aborted.
 */
#include "descriptors.h"
#include "stress.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { PAIRS_MAX = 6, BUFFER = 8192, SENT_MAX = 300000, ABORTED = 3333 };

typedef struct end {
	bide_stream *stream;
	struct end *other;
	bool reads, writes, is_socket;
	unsigned number;
	uint64_t sent, got; /* bytes; sent is final when the writer has ended */
	pthread_mutex_t mutex;
	bool is_closed;          /* under the mutex */
	atomic_bool *is_aborted; /* one of the two ends was */
} end;

typedef struct scene {
	end ends[2 * PAIRS_MAX];
	atomic_bool aborted[PAIRS_MAX];
	unsigned count;
	bool aborts;
} scene;

static char byte_at(const end *from, uint64_t at)
{
	return (char)(at * 31 + at / 257 + from->number * 7);
}

/* May fail: another thread has aborted one of the ends, or an end reads no more. */
static void check_error(const end *e, int error)
{
	if (error != ABORTED && error != EPIPE && error != ECONNRESET && error != ENOTCONN)
		stress_failed(__FILE__, __LINE__, "error %d", error);
	CHECK(atomic_load(e->is_aborted));
}

static void abort_end(end *e)
{
	atomic_store(e->is_aborted, true);
	pthread_mutex_lock(&e->mutex);
	if (!e->is_closed)
		bide_stream_abort(e->stream, ABORTED);
	pthread_mutex_unlock(&e->mutex);
}

struct sender {
	ASYNC_FRAME;
	struct {
		end *end;
		dice dice;
		uint64_t limit;
	} in;
	char *bytes;
	size_t size;
	struct iovec parts[5];
	int error;
};

/* One write: in one part or in five, with a deadline or without. */
static value_task write_some(struct sender *my)
{
	bide_stream *s = my->in.end->stream;
	dice *d = &my->in.dice;
	size_t at = 0;

	my->size = 1 + below(d, chance(d, 20) ? BUFFER : 100);
	for (size_t i = 0; i < my->size; i++)
		my->bytes[i] = byte_at(my->in.end, my->in.end->sent + i);
	for (int i = 0; i < 5; i++) {
		size_t now = i < 4 ? below(d, (unsigned)(my->size - at) + 1) : my->size - at;

		my->parts[i] = (struct iovec){ my->bytes + at, now };
		at += now;
	}
	switch (below(d, 4)) {
	case 0:
		return bide_stream_write_vector(s, my->parts, 5);
	case 1:
		return bide_with_timeout(1000 * below(d, 300), bide_stream_write(s, my->bytes, my->size));
	default:
		return bide_stream_write(s, my->bytes, my->size);
	}
}

async(sender)
{
	async_begin;
	my->bytes = malloc(BUFFER);
	CHECK(my->bytes);
	while (my->in.end->sent < my->in.limit && !my->error) {
		if (chance(&my->in.dice, 5))
			await(pause_a_bit(&my->in.dice));
		await_or(write_some(my), my->error = await_error);
		if (!my->error)
			CHECK_EQUAL(bide_stream_written(my->in.end->stream), my->size);
		my->in.end->sent += bide_stream_written(my->in.end->stream);
		stress_count(1);
		if (my->error == ETIMEDOUT && bide_stream_written(my->in.end->stream) == 0)
			my->error = 0;
	}
	if (my->error == ETIMEDOUT) /* in the middle */
		await_or(bide_stream_write(my->in.end->stream, "x", 1),
		         CHECK(await_error == EPIPE || await_error == ABORTED));
	else if (my->error)
		check_error(my->in.end, my->error);
async_finally:
	free(my->bytes);
	if (my->in.end->is_socket) {
		int fd;

		CHECK_EQUAL(bide_stream_fd(my->in.end->stream, &fd), 0);
		(void)shutdown(fd, SHUT_WR);
	}
	async_end;
}

struct receiver {
	ASYNC_FRAME;
	struct {
		end *end;
		dice dice;
	} in;
	char bytes[BUFFER];
	struct iovec parts[2];
	int64_t count;
	int error;
};

static value_task read_some(struct receiver *my)
{
	bide_stream *s = my->in.end->stream;
	dice *d = &my->in.dice;
	size_t size = 1 + below(d, chance(d, 50) ? BUFFER : 50);
	size_t first = below(d, (unsigned)size + 1);

	switch (below(d, 5)) {
	case 0:
		my->parts[0] = (struct iovec){ my->bytes, first };
		my->parts[1] = (struct iovec){ my->bytes + first, size - first };
		return bide_stream_read_vector(s, my->parts, 2);
	case 1:
	case 2:
		return bide_with_timeout(1000 * below(d, 300), bide_stream_read(s, my->bytes, size));
	default:
		return bide_stream_read(s, my->bytes, size);
	}
}

static void check_bytes(struct receiver *my)
{
	end *from = my->in.end->other;

	for (int64_t i = 0; i < my->count; i++)
		CHECK_EQUAL(my->bytes[i], byte_at(from, my->in.end->got + (uint64_t)i));
	my->in.end->got += (uint64_t)my->count;
}

async(receiver)
{
	async_begin;
	for (;;) {
		if (chance(&my->in.dice, 5))
			await(pause_a_bit(&my->in.dice));
		my->error = 0;
		my->count = -1;
		await_or(my->count, read_some(my), my->error = await_error);
		stress_count(1);
		if (my->error == ETIMEDOUT)
			continue;
		if (my->error)
			break;
		if (my->count == 0)
			break;
		check_bytes(my);
	}
	if (my->error)
		check_error(my->in.end, my->error);
async_finally:
	async_end;
}

struct watcher {
	ASYNC_FRAME;
	struct {
		end *end;
		dice dice;
	} in;
	int64_t seen;
	int i, fd;
};

/* Waits for the same descriptor as the others, as another library would. */
async(watcher)
{
	async_begin;
	CHECK_EQUAL(bide_stream_fd(my->in.end->stream, &my->fd), 0);
	for (my->i = 0; my->i < 10; my->i++) {
		await_or(my->seen,
		         bide_with_timeout(1000 * below(&my->in.dice, 200),
		                           bide_fd_wait(my->fd, chance(&my->in.dice, 50) ? BIDE_FD_IN
		                                                                         : BIDE_FD_OUT)),
		         CHECK(await_error == ETIMEDOUT || await_error == EMFILE));
		if (chance(&my->in.dice, 20))
			bide_value_task_forget(bide_fd_wait(my->fd, 0));
		await(pause_a_bit(&my->in.dice));
	}
async_finally:
	async_end;
}

struct owner {
	ASYNC_FRAME;
	struct {
		end *end;
		dice dice;
		uint64_t limit;
	} in;
	value_task parts[3];
};

static char lost[16]; /* for reads that are forgotten */

async(owner)
{
	async_begin;
	my->parts[0] = my->parts[1] = my->parts[2] = bide_value_task_completed();
	if (my->in.end->writes)
		my->parts[0] = async_start(sender, .end = my->in.end, .dice = fork_dice(&my->in.dice),
		                           .limit = my->in.limit);
	if (my->in.end->reads)
		my->parts[1] = async_start(receiver, .end = my->in.end, .dice = fork_dice(&my->in.dice));
	if (chance(&my->in.dice, 30))
		my->parts[2] = async_start(watcher, .end = my->in.end, .dice = fork_dice(&my->in.dice));
	await(my->parts[0]);
	if (!my->in.end->reads) { /* the other end of a pipe waits for the end */
		await(my->parts[2]);
	} else {
		await(my->parts[1]);
		await(my->parts[2]);
	}
	if (my->in.end->reads && chance(&my->in.dice, 30))
		bide_value_task_forget(bide_stream_read(my->in.end->stream, lost, sizeof lost));
async_finally:
	pthread_mutex_lock(&my->in.end->mutex);
	my->in.end->is_closed = true;
	pthread_mutex_unlock(&my->in.end->mutex);
	bide_stream_close(my->in.end->stream);
	async_end;
}

static void disturb(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	for (unsigned i = below(d, 4); i > 0; i--) {
		for (unsigned j = below(d, 20); j > 0; j--)
			dawdle(d);
		if (s->aborts)
			abort_end(&s->ends[below(d, 2 * s->count)]);
	}
	(void)index;
}

static void connect_tcp(int fd[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(listening >= 0 && bind(listening, (struct sockaddr *)&address, size) == 0 &&
	      listen(listening, 1) == 0 &&
	      getsockname(listening, (struct sockaddr *)&address, &size) == 0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd[0] >= 0 && connect(fd[0], (struct sockaddr *)&address, size) == 0);
	fd[1] = accept(listening, NULL, NULL);
	CHECK(fd[1] >= 0);
	close(listening);
}

static void make_pair(scene *s, unsigned i, dice *d)
{
	end *a = &s->ends[2 * i], *b = a + 1;
	unsigned kind = below(d, 3);
	int fd[2];

	*a = (end){ .other = b, .number = 2 * i, .is_aborted = &s->aborted[i] };
	*b = (end){ .other = a, .number = 2 * i + 1, .is_aborted = &s->aborted[i] };
	pthread_mutex_init(&a->mutex, NULL);
	pthread_mutex_init(&b->mutex, NULL);
	if (kind == 2) {
		a->reads = b->writes = true;
		CHECK_EQUAL(bide_stream_pipe(&a->stream, &b->stream), 0);
		return;
	}
	a->reads = a->writes = a->is_socket = b->reads = b->writes = b->is_socket = true;
	if (kind == 0)
		CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	else
		connect_tcp(fd);
	CHECK_EQUAL(bide_stream_take_fd(&a->stream, fd[0]), 0);
	CHECK_EQUAL(bide_stream_take_fd(&b->stream, fd[1]), 0);
}

STRESS(streams)
{
	static scene s;
	task *owners[2 * PAIRS_MAX];
	unsigned before = descriptors(), pairs;
	crowd c;

	memset(&s, 0, sizeof s);
	pairs = s.count = 1 + below(d, PAIRS_MAX);
	s.aborts = chance(d, 50);
	for (unsigned i = 0; i < pairs; i++)
		make_pair(&s, i, d);
	crowd_start(&c, 2, disturb, &s, d);
	for (unsigned i = 0; i < 2 * pairs; i++)
		owners[i] = value_task_as_task(async_start(owner, .end = &s.ends[i], .dice = fork_dice(d),
		                                           .limit = below(d, SENT_MAX)));
	for (unsigned i = 0; i < 2 * pairs; i++) {
		CHECK_EQUAL(task_wait(owners[i], NULL), 0);
		task_unref(owners[i]);
	}
	crowd_join(&c);
	for (unsigned i = 0; i < 2 * pairs; i++) {
		end *e = &s.ends[i];

		if (!e->reads)
			continue;
		CHECK(e->got <= e->other->sent);
		if (!atomic_load(e->is_aborted))
			CHECK_EQUAL(e->got, e->other->sent);
	}
	/* With one worker a close comes behind an abort of another thread that is still on its way. */
	await_descriptors(before, workers);
}
