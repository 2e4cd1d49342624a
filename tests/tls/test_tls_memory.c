/*
 * Each allocation of a connection with TLS fails once: those of the library, and those that its
 * part for TLS makes. What fails, fails with ENOMEM, and nothing is left. The allocations inside of
 * OpenSSL are its own affair.
 */
/* threads */
#include "tls_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static atomic_long own_allowed = -1;

static bool is_own(const char *file)
{
	return file && strstr(file, "src/tls/");
}

static bool fails(const char *file)
{
	long allowed = own_allowed;

	if (!is_own(file))
		return false;
	while (allowed > 0 && !atomic_compare_exchange_weak(&own_allowed, &allowed, allowed - 1))
		;
	return allowed == 0;
}

static void *ssl_malloc(size_t size, const char *file, int line)
{
	(void)line;
	return fails(file) ? NULL : malloc(size);
}

static void *ssl_realloc(void *memory, size_t size, const char *file, int line)
{
	(void)line;
	return fails(file) ? NULL : realloc(memory, size);
}

static void ssl_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

/* Returns true if the outcome is a lack of memory; anything else but a success is a fault. */
static bool lacks(int error, const bide_stream *stream)
{
	/* The end that has memory sees that the other one went away. */
	if (error && error != ENOMEM && error != BIDE_ENOFRAME && error != ECONNRESET &&
	    error != EPIPE && error != EPROTO && error != EIO)
		fail_msg("error %d: %s", error, stream ? bide_tls_error_text(stream) : "");
	return error != 0;
}

/* Runs a conversation as far as there is memory. */
static void converse(const world *w)
{
	bide_tls_options of_server = { .identities = &w->identity,
		                           .identity_count = 1,
		                           .protocols = "a,b" };
	bide_tls_config *server;
	bide_tls_info info;
	bide_payload line;
	ends e;
	int error = bide_tls_config_create(&server, &of_server);

	if (lacks(error, NULL)) {
		assert_int_equal(error, ENOMEM);
		return;
	}
	e = make_plain_ends();
	shake_hands(&e, w->client_config, server, "a.test");
	if (lacks(e.client_error, e.client) || lacks(e.server_error, e.server))
		goto close;
	error = bide_value_task_wait(bide_stream_write(e.client, "line\n", 5), NULL);
	if (lacks(error, e.client))
		goto close;
	error = bide_value_task_wait(bide_stream_read_line(e.server), &line);
	if (lacks(error, e.server))
		goto close;
	assert_string_equal(line.p, "line");
	error = bide_tls_info_get(e.client, &info);
	if (lacks(error, e.client))
		goto close;
	assert_string_equal(info.peer_subject, "CN=a.test");
	error = bide_value_task_wait(bide_stream_finish(e.client), NULL);
	(void)lacks(error, e.client);
close:
	close_ends(&e);
	bide_tls_config_unref(server);
}

TEST_SLOW(each_allocation_of_the_part_for_tls_fails_once, 60)
{
	bool done = false;
	world w;

	NEEDS_SYSTEM("memory that ends, and the network takes some");
	assert_int_equal(CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free), 1);
	w = make_world();
	converse(&w);
	for (long allowed = 0; !done; allowed++) {
		assert_true(allowed < 1000);
		own_allowed = allowed;
		converse(&w);
		done = own_allowed > 0;
		own_allowed = -1;
	}
	free_world(&w);
}

TEST_SLOW(each_allocation_of_the_library_fails_once, 60)
{
	bool done = false;
	world w;

	NEEDS_SYSTEM("memory that ends, and the network takes some");
	limit_objects();
	w = make_world();
	converse(&w);
	for (long allowed = 0; !done; allowed++) {
		ends e = make_plain_ends();

		allowed_allocations = allowed;
		shake_hands(&e, w.client_config, w.server_config, "a.test");
		if (!lacks(e.client_error, e.client) && !lacks(e.server_error, e.server) &&
		    !lacks(bide_value_task_wait(bide_stream_write(e.client, "line\n", 5), NULL), e.client))
			(void)lacks(bide_value_task_wait(bide_stream_read_line(e.server), NULL), e.server);
		done = allowed_allocations > 0;
		allowed_allocations = -1;
		close_ends(&e);
	}
	free_world(&w);
}
