/*
 * TLS between two streams: what goes through, what is agreed on, which certificates are refused.
 */
/* threads */
#include "support/failed_stream.h"
#include "tls_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

#define assert_text_has(text, part)                                  \
	do {                                                             \
		if (!strstr((text), (part)))                                 \
			fail_msg("\"%s\" does not have \"%s\"", (text), (part)); \
	} while (0)

TEST(lines_go_both_ways)
{
	char question[24];
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(error_of(bide_stream_print(e.client, "question %d\n", i)), 0);
		assert_int_equal(error_of(bide_stream_flush(e.client)), 0);
		(void)snprintf(question, sizeof question, "question %d", i);
		assert_string_equal(line_of(e.server), question);
		assert_int_equal(error_of(bide_stream_print(e.server, "answer\n")), 0);
		assert_int_equal(error_of(bide_stream_flush(e.server)), 0);
		assert_string_equal(line_of(e.client), "answer");
	}
	assert_string_equal(bide_tls_error_text(e.client), "");
	close_ends(&e);
	free_world(&w);
}

TEST(a_finish_is_the_end_for_the_peer_and_the_other_side_goes_on)
{
	char byte;
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	assert_int_equal(error_of(bide_stream_print(e.client, "last")), 0);
	assert_int_equal(error_of(bide_stream_finish(e.client)), 0);
	assert_string_equal(line_of(e.server), "last");
	assert_null(line_of(e.server));
	assert_int_equal(result_of(bide_stream_read(e.server, &byte, 1)), 0);
	assert_int_equal(error_of(bide_stream_write(e.client, "x", 1)), EPIPE);
	assert_int_equal(result_of(bide_stream_write(e.server, "more\n", 5)), 5);
	assert_string_equal(line_of(e.client), "more");
	assert_int_equal(error_of(bide_stream_end(e.server)), 0);
	assert_null(line_of(e.client));
	close_ends(&e);
	free_world(&w);
}

TEST(an_end_without_a_word_is_no_end)
{
	char byte;
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	assert_int_equal(result_of(bide_stream_write(e.server, "all\n", 4)), 4);
	assert_string_equal(line_of(e.client), "all"); /* otherwise the close is a reset */
	assert_int_equal(result_of(bide_stream_write(e.client, "half", 4)), 4);
	bide_stream_close(e.client);
	e.client = NULL;
	assert_int_equal(error_of(bide_stream_read_line(e.server).untyped), ECONNRESET);
	assert_text_has(bide_tls_error_text(e.server), "close_notify");
	assert_int_equal(result_of(bide_stream_read_exactly(e.server, (char[4]){ 0 }, 4)), 4);
	assert_int_equal(error_of(bide_stream_read(e.server, &byte, 1)), ECONNRESET);
	close_ends(&e);
	free_world(&w);
}

TEST(the_handshake_tells_what_it_agreed_on)
{
	world w;
	ends e;
	bide_tls_info info;
	unsigned char print[32];
	unsigned size = 0;

	w = make_world();
	e = make_plain_ends();
	assert_int_equal(bide_tls_info_get(e.client, &info), EBADF);
	shake_hands(&e, w.client_config, w.server_config, "x.b.test");
	assert_int_equal(bide_tls_info_get(e.client, &info), 0);
	assert_string_equal(info.version, "TLSv1.3");
	assert_non_null(strstr(info.cipher, "TLS_"));
	assert_string_equal(info.protocol, "");
	assert_string_equal(info.host, "x.b.test");
	assert_false(info.is_resumed);
	assert_true(info.has_peer);
	assert_string_equal(info.peer_subject, "CN=a.test");
	assert_string_equal(info.peer_names, "a.test, *.b.test, 127.0.0.1");
	X509_digest(w.server.certificate, EVP_sha256(), print, &size);
	assert_memory_equal(info.peer_fingerprint, print, 32);
	assert_int_equal(bide_tls_info_get(e.server, &info), 0);
	assert_false(info.has_peer);
	assert_string_equal(info.host, "x.b.test");
	close_ends(&e);
	free_world(&w);
}

TEST(a_stream_begins_in_the_clear_and_goes_on_with_tls)
{
	world w;
	ends e;

	w = make_world();
	e = make_plain_ends();
	assert_int_equal(error_of(bide_stream_print(e.client, "STARTTLS\n")), 0);
	assert_int_equal(error_of(bide_stream_flush(e.client)), 0);
	assert_string_equal(line_of(e.server), "STARTTLS");
	assert_int_equal(error_of(bide_stream_print(e.server, "go\n")), 0); /* not flushed */
	{
		bide_value_task s = bide_tls_start_server(e.server, w.server_config);

		assert_string_equal(line_of(e.client), "go");
		assert_int_equal(error_of(bide_tls_start_client(e.client, "a.test", w.client_config)), 0);
		assert_int_equal(error_of(s), 0);
	}
	assert_int_equal(result_of(bide_stream_write(e.client, "secret\n", 7)), 7);
	assert_string_equal(line_of(e.server), "secret");
	close_ends(&e);
	free_world(&w);
}

TEST(what_came_in_the_clear_is_not_taken_for_protected)
{
	world w;
	ends e;

	w = make_world();
	e = make_plain_ends();
	assert_int_equal(result_of(bide_stream_write(e.client, "STARTTLS\nsmuggled\n", 18)), 18);
	assert_string_equal(line_of(e.server), "STARTTLS");
	assert_int_equal(error_of(bide_tls_start_server(e.server, w.server_config)), EPROTO);
	assert_text_has(bide_tls_error_text(e.server), "not TLS");
	close_ends(&e);
	free_world(&w);
}

/* --- certificates that are refused --- */

/* A server with this certificate, to which a client says `host`. */
static void refuse(const world *w, party server, const char *host, int error, const char *text)
{
	bide_tls_identity id = identity_of(&server);
	bide_tls_config *config =
		config_of((bide_tls_options){ .identities = &id, .identity_count = 1 });
	ends e = try_ends(w->client_config, config, host);

	if (e.client_error != error)
		fail_msg("error %d: %s", e.client_error, bide_tls_error_text(e.client));
	assert_text_has(bide_tls_error_text(e.client), text);
	assert_true(e.server_error != 0);
	bide_stream_abort(e.client, EIO); /* the first error stays */
	assert_each_entry_fails(e.client, error);
	close_ends(&e);
	bide_tls_config_unref(config);
	free_party(&server);
}

TEST(a_certificate_that_is_wrong_is_told_in_words)
{
	world w;
	party other;

	w = make_world();
	other = make_party(NULL, (wish){ .name = "another authority", .is_authority = true });
	refuse(&w, make_party(&w.authority, (wish){ "a.test", "DNS:a.test", -7200, -3600, false }),
	       "a.test", EKEYEXPIRED, "the certificate of a.test expired on 20");
	refuse(&w, make_party(&w.authority, (wish){ "a.test", "DNS:a.test", 3600, 7200, false }),
	       "a.test", EKEYEXPIRED, "the certificate of a.test is not valid before 20");
	refuse(&w, make_party(&other, (wish){ .name = "a.test", .names = "DNS:a.test" }), "a.test",
	       EKEYREJECTED, "issued by another authority, which is not one of the authorities");
	refuse(&w, make_party(NULL, (wish){ .name = "a.test", .names = "DNS:a.test" }), "a.test",
	       EKEYREJECTED, "signed by itself");
	refuse(&w, make_party(&w.authority, (wish){ .name = "b", .names = "DNS:b.test,DNS:c.test" }),
	       "a.test", EKEYREJECTED,
	       "a.test is not among the names of the certificate: b.test, c.test");
	refuse(&w, make_party(&w.authority, (wish){ .name = "b", .names = "IP:127.0.0.2" }),
	       "127.0.0.1", EKEYREJECTED,
	       "127.0.0.1 is not among the names of the certificate: 127.0.0.2");
	free_party(&other);
	free_world(&w);
}

TEST(an_address_and_a_dot_at_the_end_are_names_too)
{
	static const char *const hosts[] = { "127.0.0.1", "a.test.", "A.Test", "x.b.test" };
	world w;

	w = make_world();
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		ends e = try_ends(w.client_config, w.server_config, hosts[i]);

		assert_int_equal(e.client_error, 0);
		close_ends(&e);
	}
	free_world(&w);
}

TEST(a_config_may_trust_anyone_if_it_says_so)
{
	bide_tls_config *blind;
	world w;
	ends e;

	NEEDS_SYSTEM("UNIX sockets, where no reset overtakes what the peer refused with");
	w = make_world();
	blind = config_of((bide_tls_options){ .do_not_verify = true });
	e = try_ends(blind, w.server_config, "other.test");
	assert_int_equal(e.client_error, 0);
	close_ends(&e);
	e = try_ends(blind, w.server_config, NULL);
	assert_int_equal(e.client_error, 0);
	close_ends(&e);
	/* The default trusts the authorities of the system. */
	e = try_ends(NULL, w.server_config, "a.test");
	assert_int_equal(e.client_error, EKEYREJECTED);
	assert_text_has(bide_tls_error_text(e.server), "the peer refused: unknown CA");
	close_ends(&e);
	bide_tls_config_unref(blind);
	free_world(&w);
}

/* --- clients with certificates --- */

TEST(a_server_asks_its_clients_for_certificates)
{
	party member, stranger;
	bide_tls_identity of_member, of_stranger;
	bide_tls_config *server, *as_member, *as_stranger;
	bide_tls_info info;
	world w;
	ends e;

	NEEDS_SYSTEM("UNIX sockets, where no reset overtakes what the peer refused with");
	w = make_world();
	member = make_party(&w.authority, (wish){ .name = "a member" });
	stranger = make_party(NULL, (wish){ .name = "a stranger" });
	of_member = identity_of(&member);
	of_stranger = identity_of(&stranger);
	server = config_of((bide_tls_options){ .identities = &w.identity,
	                                       .identity_count = 1,
	                                       .authorities_text = w.authority.certificate_text,
	                                       .client_certificate = BIDE_TLS_REQUIRED });
	as_member = config_of((bide_tls_options){ .identities = &of_member,
	                                          .identity_count = 1,
	                                          .authorities_text = w.authority.certificate_text });
	as_stranger = config_of((bide_tls_options){ .identities = &of_stranger,
	                                            .identity_count = 1,
	                                            .authorities_text = w.authority.certificate_text });
	e = try_ends(as_member, server, "a.test");
	assert_int_equal(e.server_error, 0);
	assert_int_equal(bide_tls_info_get(e.server, &info), 0);
	assert_string_equal(info.peer_subject, "CN=a member");
	close_ends(&e);
	/* In TLS 1.3 the client is through with its handshake before the server refuses it. */
	e = try_ends(as_stranger, server, "a.test");
	assert_int_equal(e.server_error, EKEYREJECTED);
	assert_text_has(bide_tls_error_text(e.server), "a stranger is signed by itself");
	assert_int_equal(error_of(bide_stream_read_line(e.client).untyped), EPROTO);
	assert_text_has(bide_tls_error_text(e.client), "the peer refused");
	close_ends(&e);
	e = try_ends(w.client_config, server, "a.test");
	assert_int_equal(e.server_error, EKEYREJECTED);
	assert_text_has(bide_tls_error_text(e.server), "the client has shown no certificate");
	close_ends(&e);
	bide_tls_config_unref(server);
	bide_tls_config_unref(as_member);
	bide_tls_config_unref(as_stranger);
	free_party(&member);
	free_party(&stranger);
	free_world(&w);
}

/* --- protocols, names, versions, sessions --- */

static bide_tls_config *server_with_protocols(const world *w, const char *protocols)
{
	return config_of((bide_tls_options){
		.identities = &w->identity, .identity_count = 1, .protocols = protocols });
}

TEST(both_ends_agree_on_a_protocol_or_fail)
{
	bide_tls_config *server, *client, *other;
	bide_tls_info info;
	world w;
	ends e;

	w = make_world();
	server = server_with_protocols(&w, "h2,http/1.1");
	client = config_of((bide_tls_options){ .authorities_text = w.authority.certificate_text,
	                                       .protocols = "spdy/3,http/1.1" });
	other = config_of((bide_tls_options){ .authorities_text = w.authority.certificate_text,
	                                      .protocols = "smtp" });
	e = try_ends(client, server, "a.test");
	assert_int_equal(e.client_error, 0);
	assert_int_equal(bide_tls_info_get(e.client, &info), 0);
	assert_string_equal(info.protocol, "http/1.1");
	assert_int_equal(bide_tls_info_get(e.server, &info), 0);
	assert_string_equal(info.protocol, "http/1.1");
	close_ends(&e);
	e = try_ends(other, server, "a.test");
	assert_int_equal(e.client_error, EPROTO);
	assert_text_has(bide_tls_error_text(e.client), "no application protocol");
	close_ends(&e);
	e = try_ends(w.client_config, server, "a.test"); /* one that names none */
	assert_int_equal(e.client_error, 0);
	close_ends(&e);
	bide_tls_config_unref(server);
	bide_tls_config_unref(client);
	bide_tls_config_unref(other);
	free_world(&w);
}

TEST(a_server_shows_the_certificate_of_the_name_that_is_asked_for)
{
	static const char *const hosts[] = { "two.test", "a.test", "x.b.test" };
	static const char *const subjects[] = { "CN=two.test", "CN=a.test", "CN=a.test" };
	bide_tls_identity both[2];
	bide_tls_config *server;
	bide_tls_info info;
	party second;
	world w;

	w = make_world();
	second = make_party(&w.authority, (wish){ .name = "two.test", .names = "DNS:two.test" });
	both[0] = w.identity;
	both[1] = identity_of(&second);
	server = config_of((bide_tls_options){ .identities = both, .identity_count = 2 });
	for (int i = 0; i < 3; i++) {
		ends e = try_ends(w.client_config, server, hosts[i]);

		assert_int_equal(e.client_error, 0);
		assert_int_equal(bide_tls_info_get(e.client, &info), 0);
		assert_string_equal(info.peer_subject, subjects[i]);
		close_ends(&e);
	}
	bide_tls_config_unref(server);
	free_party(&second);
	free_world(&w);
}

TEST(a_version_that_one_end_does_not_allow_is_refused)
{
	bide_tls_config *only_new;
	SSL_CTX *context;
	SSL *ssl;
	world w;
	ends e;

	w = make_world();
	only_new = config_of((bide_tls_options){ .authorities_text = w.authority.certificate_text,
	                                         .version_min = BIDE_TLS_1_3 });
	e = try_ends(only_new, w.server_config, "a.test");
	assert_int_equal(e.client_error, 0);
	close_ends(&e);
	/* A client that knows TLS 1.1 only. */
	context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
	SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
	ssl = SSL_new(context);
	if (!test_seeded()) { /* OpenSSL talks by a descriptor */
		int peer;
		BIO *bio;
		bide_stream *s = make_stream(&peer);
		bide_value_task v;

		bio = BIO_new_socket(peer, BIO_NOCLOSE);
		fcntl(peer, F_SETFL, O_NONBLOCK);
		SSL_set_bio(ssl, bio, bio);
		(void)SSL_connect(ssl); /* sends its hello */
		v = bide_tls_start_server(s, w.server_config);
		assert_int_equal(error_of(v), EPROTO);
		assert_text_has(bide_tls_error_text(s), "unsupported protocol");
		bide_stream_close(s);
		close(peer);
	}
	SSL_free(ssl);
	SSL_CTX_free(context);
	bide_tls_config_unref(only_new);
	free_world(&w);
}

TEST(a_client_resumes_its_session)
{
	bide_tls_info info;
	world w;

	w = make_world();
	for (int i = 0; i < 3; i++) {
		ends e = make_ends(&w);

		assert_int_equal(bide_tls_info_get(e.client, &info), 0);
		assert_int_equal(info.is_resumed, i > 0);
		assert_true(info.has_peer); /* as it was */
		/* The session comes behind the handshake, before the first line. */
		assert_int_equal(result_of(bide_stream_write(e.server, "hello\n", 6)), 6);
		assert_string_equal(line_of(e.client), "hello");
		close_ends(&e);
	}
	free_world(&w);
}

/* --- configs that are wrong --- */

static void refuse_config(bide_tls_options o, int error, const char *text)
{
	bide_tls_config *config;
	char said[200];

	o.error_text = said;
	o.error_text_bytes = sizeof said;
	assert_int_equal(bide_tls_config_create(&config, &o), error);
	assert_null(config);
	assert_text_has(said, text);
}

TEST(a_config_that_cannot_be_is_refused_with_the_reason)
{
	world w = make_world();
	bide_tls_identity id = w.identity, other;

#define OF_ID .identities = &id, .identity_count = 1
	id.certificate_text = "no PEM";
	refuse_config((bide_tls_options){ OF_ID }, EBADMSG, "the certificate: there is no certificate");
	id = w.identity;
	id.key_text = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
	refuse_config((bide_tls_options){ OF_ID }, EBADMSG, "the key: there is no key");
	id = w.identity;
	id.key_text = w.authority.key_text;
	refuse_config((bide_tls_options){ OF_ID }, EKEYREJECTED, "the key is not that of");
	other = (bide_tls_identity){ .certificate_file = "/nowhere/at/all.pem",
		                         .key_text = w.server.key_text };
	refuse_config((bide_tls_options){ .identities = &other, .identity_count = 1 }, ENOENT,
	              "/nowhere/at/all.pem: No such file");
	refuse_config((bide_tls_options){ .authorities_text = "nothing" }, EBADMSG, "the authorities");
	expect_misuse();
	refuse_config((bide_tls_options){ .protocols = "h2,,x" }, EINVAL, "protocols");
	refuse_config((bide_tls_options){ .identity_count = 1 }, EINVAL, "identities is NULL");
	refuse_config((bide_tls_options){ .identities = &(bide_tls_identity){ 0 },
	                                  .identity_count = 1 },
	              EINVAL, "as a file or as a text");
	refuse_config((bide_tls_options){ .version_min = 7 }, EINVAL, "version_min");
	assert_int_equal(misuse_count, 4);
	free_world(&w);
}

TEST(a_config_that_is_unreferenced_too_often_is_misuse)
{
	bide_tls_config *config = NULL;
	ends e;

	assert_int_equal(bide_tls_config_create(&config, NULL), 0);
	assert_ptr_equal(bide_tls_config_ref(config), config);
	bide_tls_config_unref(config);
	bide_tls_config_unref(config);
	expect_misuse();
	MISUSE(bide_tls_config_unref(config), "bide_tls_config_unref", "no reference any more");
	MISUSE((void)bide_tls_config_ref(config), "bide_tls_config_ref", "no reference any more");
	e = make_plain_ends();
	MISUSE(assert_int_equal(error_of(bide_tls_start_client(e.client, "a.test", config)), EINVAL),
	       "bide_tls_start_client", "no reference any more");
	MISUSE(assert_int_equal(error_of(bide_tls_start_server(e.server, config)), EINVAL),
	       "bide_tls_start_server", "no reference any more");
	close_ends(&e);
}

TEST(a_start_without_what_it_needs_is_misuse)
{
	world w;
	ends e;

	w = make_world();
	e = make_plain_ends();
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_tls_start_client(e.client, NULL, NULL)), EINVAL),
	       "bide_tls_start_client", "host is NULL");
	MISUSE(assert_int_equal(error_of(bide_tls_start_client(e.client, "https://a", NULL)), EINVAL),
	       "bide_tls_start_client", "neither a name nor");
	MISUSE(assert_int_equal(error_of(bide_tls_start_server(e.server, NULL)), EINVAL),
	       "bide_tls_start_server", "config is NULL");
	MISUSE(assert_int_equal(error_of(bide_tls_start_server(e.server, w.client_config)), EINVAL),
	       "bide_tls_start_server", "no identity");
	MISUSE(assert_int_equal(error_of(bide_tls_start_client(NULL, "a.test", NULL)), EINVAL),
	       "bide_tls_start_client", "the stream is NULL");
	MISUSE(assert_int_equal(error_of(bide_tls_start_server(NULL, w.server_config)), EINVAL),
	       "bide_tls_start_server", "the stream is NULL");
	MISUSE(assert_int_equal(bide_tls_info_get(e.server, NULL), EINVAL), "bide_tls_info_get",
	       "info is NULL");
	shake_hands(&e, w.client_config, w.server_config, "a.test"); /* nothing was begun */
	assert_int_equal(e.client_error, 0);
	close_ends(&e);
	free_world(&w);
}
