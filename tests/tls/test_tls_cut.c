/*
 * Peers that speak no TLS, that stop anywhere, that go away; and calls that are canceled, forgotten
 * and closed at each point of a handshake. Nothing is left afterwards.
 */
/* threads */
#include "tls_support.h"

#include "support/net_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* Two ends, with a test in between that passes on what it wants. */
typedef struct middle {
	ends e;
	int to_client, to_server;
	size_t passed[2]; /* from the client; from the server */
} middle;

/* How a connection ends. */
typedef enum way { BY_END, BY_RESET } way;

static void set_nodelay(int fd)
{
	int on = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
}

/* Only TCP has resets. */
static middle make_middle_of(way ending)
{
	middle m = { .passed = { 0, 0 } };

	m.e.client = ending == BY_RESET ? make_tcp_stream(&m.to_client) : make_stream(&m.to_client);
	m.e.server = ending == BY_RESET ? make_tcp_stream(&m.to_server) : make_stream(&m.to_server);
	if (ending == BY_RESET && !test_seeded()) { /* or each small piece waits for 40 ms */
		set_nodelay(m.to_client);
		set_nodelay(m.to_server);
	}
	return m;
}

static middle make_middle(void)
{
	return make_middle_of(BY_END);
}

/* Passes bytes on, at most `most` in all. */
static void pass(middle *m, int side, size_t most)
{
	char bytes[4096];
	size_t room = most - m->passed[side];
	ssize_t got;

	if (room > sizeof bytes)
		room = sizeof bytes;
	if (room == 0)
		return;
	got = try_read_peer(side == 0 ? m->to_client : m->to_server, bytes, room);
	if (got <= 0)
		return;
	m->passed[side] += (size_t)got;
	put_bytes(side == 0 ? m->to_server : m->to_client, bytes, (size_t)got);
}

/* The other side of the connection ends, for both. */
static void cut_by(middle *m, way ending)
{
	void (*end)(int) = ending == BY_RESET ? reset_peer : close_peer;

	end(m->to_client);
	end(m->to_server);
	m->to_client = m->to_server = -1;
}

static void cut(middle *m)
{
	cut_by(m, BY_END);
}

static void close_middle(middle *m)
{
	if (m->to_client >= 0)
		cut(m);
	close_ends(&m->e);
}

/* Runs a handshake whole, and stores how many bytes each side sends for it. */
static void measure(const world *w, size_t sizes[2])
{
	middle m = make_middle();
	bide_value_task s = bide_tls_start_server(m.e.server, w->server_config);
	bide_value_task c = bide_tls_start_client(m.e.client, "a.test", w->client_config);

	while (!bide_value_task_is_ready(c) || !bide_value_task_is_ready(s)) {
		pass(&m, 0, SIZE_MAX);
		pass(&m, 1, SIZE_MAX);
		run_a_moment();
	}
	assert_int_equal(error_of(c), 0);
	assert_int_equal(error_of(s), 0);
	sizes[0] = m.passed[0];
	sizes[1] = m.passed[1];
	close_middle(&m);
}

/* Each end waits, or is through. */
static void settle_middle(middle *m, const size_t most[2])
{
	size_t before;

	do {
		before = m->passed[0] + m->passed[1];
		run_on();
		pass(m, 0, most[0]);
		pass(m, 1, most[1]);
	} while (m->passed[0] + m->passed[1] > before ||
	         (m->passed[0] < most[0] && m->passed[1] < most[1]));
}

/* The handshake stops when most_bytes of a side have come. Then the connection is cut. */
static void stop_at(const world *w, int side, size_t most_bytes, way ending)
{
	size_t most[2] = { SIZE_MAX, SIZE_MAX };
	middle m = make_middle_of(ending);
	bide_value_task s = bide_tls_start_server(m.e.server, w->server_config);
	bide_value_task c = bide_tls_start_client(m.e.client, "a.test", w->client_config);
	int client_error, server_error;

	most[side] = most_bytes;
	settle_middle(&m, most);
	cut_by(&m, ending);
	client_error = error_of(c);
	server_error = error_of(s);
	if (client_error && client_error != ECONNRESET && client_error != EPIPE)
		fail_msg("the client at %d %zu: %d", side, most_bytes, client_error);
	if (server_error && server_error != ECONNRESET && server_error != EPIPE)
		fail_msg("the server at %d %zu: %d", side, most_bytes, server_error);
	assert_true(client_error || server_error);
	close_middle(&m);
}

/* With BIDE_TLS_EVERY_BYTE set, each of them: the test test_tls_cut_every_byte. */
static size_t step_of(size_t at)
{
	return at < 16 || getenv("BIDE_TLS_EVERY_BYTE") ? 1 : 37;
}

/* The last flight is the client's: without its end, the server is not through. */
static void cut_handshakes(way ending)
{
	size_t sizes[2];
	world w;

	w = make_world();
	measure(&w, sizes);
	for (int side = 0; side < 2; side++)
		for (size_t at = 0; at < sizes[side] / 2; at += step_of(at))
			stop_at(&w, side, at, ending);
	stop_at(&w, 0, sizes[0] - 1, ending);
	free_world(&w);
}

TEST_SLOW(a_handshake_that_is_cut_anywhere_fails_at_the_end_that_misses_something, 60)
{
	cut_handshakes(BY_END);
}

TEST_SLOW(a_handshake_that_is_reset_anywhere_fails_at_the_end_that_misses_something, 60)
{
	cut_handshakes(BY_RESET);
}

/* Runs the handshake, and passes on what follows it. */
static void shake_hands_of(middle *m, const world *w)
{
	bide_value_task s = bide_tls_start_server(m->e.server, w->server_config);
	bide_value_task c = bide_tls_start_client(m->e.client, "a.test", w->client_config);
	size_t before;

	while (!bide_value_task_is_ready(c) || !bide_value_task_is_ready(s)) {
		pass(m, 0, SIZE_MAX);
		pass(m, 1, SIZE_MAX);
		run_a_moment();
	}
	assert_int_equal(error_of(c), 0);
	assert_int_equal(error_of(s), 0);
	do {
		before = m->passed[0] + m->passed[1];
		run_on();
		pass(m, 0, SIZE_MAX);
		pass(m, 1, SIZE_MAX);
	} while (m->passed[0] + m->passed[1] > before);
}

/*
 * One side writes a line, of whose record most_bytes come. Then the connection is cut. Returns the
 * size of the record.
 */
static size_t cut_record(const world *w, int side, size_t most_bytes, way ending)
{
	middle m = make_middle_of(ending);
	bide_stream *writer, *reader;
	size_t size;
	char bytes[256];
	ssize_t got;

	shake_hands_of(&m, w);
	writer = side == 0 ? m.e.client : m.e.server;
	reader = side == 0 ? m.e.server : m.e.client;
	assert_int_equal(result_of(bide_stream_write(writer, "text\n", 5)), 5);
	while ((got = try_read_peer(side == 0 ? m.to_client : m.to_server, bytes, sizeof bytes)) < 0)
		run_a_moment();
	assert_true(got > 5 && (size_t)got < sizeof bytes);
	size = (size_t)got;
	put_bytes(side == 0 ? m.to_server : m.to_client, bytes, most_bytes < size ? most_bytes : size);
	if (most_bytes >= size)
		assert_string_equal(line_of(reader), "text");
	cut_by(&m, ending);
	assert_int_equal(error_of(bide_stream_read_line(reader).untyped), ECONNRESET);
	assert_int_equal(error_of(bide_stream_read_line(reader).untyped), ECONNRESET);
	close_middle(&m);
	return size;
}

/* An end without a farewell is no end, whether it comes within a record or between two. */
TEST_SLOW(a_record_that_is_cut_at_any_byte_is_an_error, 60)
{
	size_t step = getenv("BIDE_TLS_EVERY_BYTE") ? 1 : 5;
	world w;

	calls_move_all();
	w = make_world();
	for (int side = 0; side < 2; side++)
		for (way ending = BY_END; ending <= BY_RESET; ending++) {
			size_t size = cut_record(&w, side, SIZE_MAX, ending);

			for (size_t at = 0; at < size; at += step)
				(void)cut_record(&w, side, at, ending);
		}
	free_world(&w);
}

TEST(what_is_no_tls_is_refused)
{
	static const char *const garbage[] = {
		"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
		"SSH-2.0-x\r\n",
		"\x16\x03\x01\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08\x09",
		"\x16\x03\x01\x20\x20 not a hello, and not so long",
		"\x17\x03\x03\x00\x05hello and more",
		"\x80\x2e\x01\x00\x02 an old hello of SSL 2",
	};
	world w;

	w = make_world();
	for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++)
		for (int as_server = 0; as_server < 2; as_server++) {
			int peer, error;
			bide_stream *s = make_stream(&peer);
			bide_value_task v = as_server ? bide_tls_start_server(s, w.server_config)
			                              : bide_tls_start_client(s, "a.test", w.client_config);

			put_bytes(peer, garbage[i], strlen(garbage[i]));
			end_peer(peer);
			error = error_of(v);
			if (error != EPROTO && error != ECONNRESET)
				fail_msg("%zu: error %d: %s", i, error, bide_tls_error_text(s));
			assert_true(bide_tls_error_text(s)[0] != '\0');
			assert_int_equal(error_of(bide_stream_read_line(s).untyped), error);
			bide_stream_close(s);
			close_peer(peer);
		}
	free_world(&w);
}

/* Ends one of the two at a point of the handshake, in one of the ways. */
static void interrupt_at(const world *w, int side, size_t at, int how)
{
	size_t most[2] = { SIZE_MAX, SIZE_MAX };
	middle m = make_middle();
	bide_context *scope = bide_context_create(NULL);
	bool of_client = how & 1;
	bide_value_task s, c, *ended;
	bide_stream **stream = of_client ? &m.e.client : &m.e.server;
	int error;

	s = bide_in_context(scope, bide_tls_start_server(m.e.server, w->server_config));
	c = bide_in_context(scope, bide_tls_start_client(m.e.client, "a.test", w->client_config));
	ended = of_client ? &c : &s;
	most[side] = at;
	settle_middle(&m, most);
	if (how < 2) {
		(void)bide_context_cancel(scope, ECANCELED);
		error = error_of(*ended);
		assert_true(error == ECANCELED || error == 0);
		if (error)
			assert_int_equal(error_of(bide_stream_write(*stream, "x", 1)), ECANCELED);
	} else if (how < 4) {
		bide_stream_close(*stream);
		*stream = NULL;
		error = error_of(*ended);
		assert_true(error == EBADF || error == 0);
	} else if (how < 6) {
		bide_value_task_forget(*ended);
		bide_stream_close(*stream);
		*stream = NULL;
	} else {
		bide_stream_abort(*stream, EIO);
		error = error_of(*ended);
		assert_true(error == EIO || error == 0);
	}
	cut(&m);
	(void)bide_value_task_wait(of_client ? s : c, NULL);
	bide_context_unref(scope);
	close_middle(&m);
}

TEST_SLOW(a_handshake_is_canceled_closed_forgotten_and_aborted_anywhere, 60)
{
	size_t sizes[2], before;
	world w;

	w = make_world();
	measure(&w, sizes);
	open_reactors();
	before = descriptor_count();
	for (int how = 0; how < 8; how++)
		for (int side = 0; side < 2; side++)
			for (int part = 0; part < 4; part++)
				interrupt_at(&w, side, sizes[side] * (size_t)part / 4, how);
	settle(0);
	while (descriptor_count() != before) /* a close may be on its way */
		run_a_moment();
	free_world(&w);
}

TEST(a_deadline_ends_a_handshake_with_a_peer_that_says_nothing)
{
	bide_stream *s;
	world w;
	int peer;

	w = make_world();
	s = make_stream(&peer);
	assert_int_equal(error_of(bide_with_timeout_ms(20, bide_tls_start_client(s, "a.test",
	                                                                         w.client_config))),
	                 ETIMEDOUT);
	assert_int_equal(error_of(bide_stream_read_line(s).untyped), ETIMEDOUT);
	bide_stream_close(s);
	close_peer(peer);
	free_world(&w);
}

TEST(a_reset_ends_what_waits)
{
	bide_value_task reads, s;
	bide_stream *both[2], *client, *server;
	world w;
	int fd;

	w = make_world();
	connect_streams(both, true);
	client = both[0];
	server = both[1];
	s = bide_tls_start_server(server, w.server_config);
	assert_int_equal(error_of(bide_tls_start_client(client, "a.test", w.client_config)), 0);
	assert_int_equal(error_of(s), 0);
	reads = bide_stream_read_line(client).untyped;
	settle(0);
	if (test_seeded()) {
		assert_int_equal(bide_stream_simulate_reset(server), 0);
	} else {
		assert_int_equal(bide_stream_fd(server, &fd), 0);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	}
	bide_stream_close(server);
	assert_int_equal(error_of(reads), ECONNRESET);
	assert_int_equal(error_of(bide_stream_read_line(client).untyped), ECONNRESET);
	bide_stream_close(client);
	free_world(&w);
}

TEST(a_record_that_was_changed_on_its_way_is_an_error)
{
	size_t most[2] = { SIZE_MAX, SIZE_MAX };
	bide_value_task c, s, reads;
	char bytes[256];
	ssize_t got;
	middle m;
	world w;

	calls_move_all();
	w = make_world();
	m = make_middle();
	s = bide_tls_start_server(m.e.server, w.server_config);
	c = bide_tls_start_client(m.e.client, "a.test", w.client_config);
	while (!bide_value_task_is_ready(c) || !bide_value_task_is_ready(s)) {
		pass(&m, 0, most[0]);
		pass(&m, 1, most[1]);
		run_a_moment();
	}
	assert_int_equal(error_of(c), 0);
	assert_int_equal(error_of(s), 0);
	assert_int_equal(result_of(bide_stream_write(m.e.client, "text\n", 5)), 5);
	got = read_peer(m.to_client, bytes, sizeof bytes);
	assert_true(got > 10);
	bytes[8] ^= 1;
	reads = bide_stream_read_line(m.e.server).untyped;
	put_bytes(m.to_server, bytes, (size_t)got);
	assert_int_equal(error_of(reads), EPROTO);
	assert_true(bide_tls_error_text(m.e.server)[0] != '\0');
	assert_int_equal(error_of(bide_stream_read_line(m.e.server).untyped), EPROTO);
	close_middle(&m);
	free_world(&w);
}

TEST(a_read_is_canceled_without_losing_a_byte)
{
	bide_context *scope;
	bide_value_task v;
	char bytes[8];
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	for (int i = 0; i < 10; i++) {
		v = IN_SCOPE(scope, i & 1 ? bide_stream_read(e.client, bytes, 8)
		                          : bide_stream_read_line(e.client).untyped);
		settle(0);
		assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	}
	assert_int_equal(result_of(bide_stream_write(e.server, "line\n", 5)), 5);
	assert_string_equal(line_of(e.client), "line");
	close_ends(&e);
	free_world(&w);
}

TEST(a_write_that_was_canceled_breaks_the_writing_side_alone)
{
	static char zeroes[1 << 20];
	bide_context *scope;
	bide_value_task v;
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	v = IN_SCOPE(scope, bide_stream_write(e.client, zeroes, sizeof zeroes));
	settle(0);
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	assert_int_equal(error_of(bide_stream_write(e.client, "x", 1)), EPIPE);
	assert_int_equal(result_of(bide_stream_write(e.server, "line\n", 5)), 5);
	assert_string_equal(line_of(e.client), "line");
	close_ends(&e);
	free_world(&w);
}

/* Of the write that waits, the stream above TLS knows that not a byte went. */
TEST(after_a_write_that_was_canceled_nothing_can_be_put)
{
	enum { BYTES = 16384, WRITES_MAX = 10000 };
	static char zeroes[BYTES];
	bide_context *scope;
	bide_value_task v;
	int error = 0;
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	for (int i = 0; i < WRITES_MAX && error == 0; i++) {
		v = IN_SCOPE(scope, bide_stream_write(e.client, zeroes, BYTES));
		settle(0);
		error = cancel_and_wait(scope, v);
	}
	assert_int_equal(error, ECANCELED);
	assert_int_equal(bide_stream_written(e.client), 0);
	assert_int_equal(error_of(bide_stream_print(e.client, "x")), EPIPE);
	assert_int_equal(error_of(bide_stream_flush(e.client)), EPIPE);
	close_ends(&e);
	free_world(&w);
}
