/*
 * The limits of a stream with TLS, and its end, which may be asked for more than once.
 */
/* threads */
#include "tls_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

TEST(an_idle_limit_ends_a_read_and_a_write)
{
	enum { SIZE = 3000000 };
	world w;
	char *data = calloc(1, SIZE);
	ends e;

	w = make_world();
	for (int writes = 0; writes < 2; writes++) {
		e = make_ends(&w);
		bide_stream_set_idle(e.server, BIDE_MS(50));
		assert_int_equal(error_of(writes ? bide_stream_write(e.server, data, SIZE)
		                                 : bide_stream_read(e.server, data, 10)),
		                 BIDE_EIDLE);
		close_ends(&e);
	}
	free(data);
	free_world(&w);
}

TEST(a_start_that_is_too_late_lets_nothing_go_in_the_clear)
{
	char byte;
	world w;
	ends e;

	w = make_world();
	for (int is_server = 0; is_server < 2; is_server++) {
		e = make_plain_ends();
		assert_int_equal(error_of(bide_with_timeout_ms(
							 0, is_server
									? bide_tls_start_server(e.client, w.server_config)
									: bide_tls_start_client(e.client, "a.test", w.client_config))),
		                 ETIMEDOUT);
		assert_int_equal(error_of(bide_stream_write(e.client, "secret", 6)), ETIMEDOUT);
		(void)error_of(bide_stream_put(e.client, "secret", 6)); /* it stays in the buffer */
		assert_int_equal(error_of(bide_stream_flush(e.client)), ETIMEDOUT);
		assert_int_equal(error_of(bide_stream_read(e.client, &byte, 1)), ETIMEDOUT);
		bide_stream_close(e.client);
		assert_int_equal(result_of(bide_stream_read(e.server, &byte, 1)), 0);
		e.client = NULL;
		close_ends(&e);
	}
	free_world(&w);
}

TEST(a_finish_may_come_before_an_end_or_another_finish)
{
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	assert_int_equal(error_of(bide_stream_finish(e.server)), 0);
	assert_int_equal(error_of(bide_stream_finish(e.client)), 0);
	assert_int_equal(error_of(bide_stream_finish(e.client)), 0);
	assert_int_equal(error_of(bide_stream_write(e.client, "x", 1)), EPIPE);
	assert_int_equal(error_of(bide_stream_end(e.client)), 0);
	close_ends(&e);
	free_world(&w);
}

TEST(a_question_about_no_stream_names_itself)
{
	NEEDS_IO();
	expect_misuse();
	assert_string_equal(bide_tls_error_text(NULL), "");
	assert_non_null(strstr(misuse_text, "bide_tls_error_text: "));
	assert_int_equal(bide_tls_info_get(NULL, &(bide_tls_info){ 0 }), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_tls_info_get: "));
}
