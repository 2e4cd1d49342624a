/*
 * The names that a client asks for, and those in certificates.
 */
/* threads */
#include "tls_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* Signs the certificate once more, because it was changed. */
static void sign_again(party *p, const party *issuer)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(X509_sign(p->certificate, issuer->key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, p->certificate), 1);
	free(p->certificate_text);
	p->certificate_text = text_of(bio);
}

static bide_tls_config *server_of(const party *p)
{
	bide_tls_identity id = identity_of(p);

	return config_of((bide_tls_options){ .identities = &id, .identity_count = 1 });
}

TEST(a_host_with_an_empty_part_is_misuse)
{
	static const char *const hosts[] = { ".", "..", ".b.test", ".test", "a..test", "a.test.." };
	world w;
	ends e;

	w = make_world();
	e = make_plain_ends();
	expect_misuse();
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		MISUSE(assert_int_equal(
				   error_of(bide_tls_start_client(e.client, hosts[i], w.client_config)), EINVAL),
		       "bide_tls_start_client", "neither a name nor");
	close_ends(&e);
	free_world(&w);
}

TEST(the_common_name_is_no_name_of_a_host)
{
	world w;
	party p[2];
	bide_tls_config *config;
	ends e;

	w = make_world();
	p[0] = make_party(&w.authority, (wish){ .name = "c.test", .names = "IP:10.0.0.1" });
	p[1] = make_party(&w.authority, (wish){ .name = "c.test" });
	for (unsigned i = 0; i < 2; i++) {
		config = server_of(&p[i]);
		e = try_ends(w.client_config, config, "c.test");
		assert_int_equal(e.client_error, EKEYREJECTED);
		close_ends(&e);
		bide_tls_config_unref(config);
		free_party(&p[i]);
	}
	free_world(&w);
}

TEST(a_subject_may_be_empty)
{
	world w;
	party p;
	X509_NAME *empty = X509_NAME_new();
	bide_tls_config *config;
	bide_tls_info info;
	ends e;

	w = make_world();
	p = make_party(&w.authority, (wish){ .name = "x", .names = "DNS:a.test" });
	X509_set_subject_name(p.certificate, empty);
	X509_NAME_free(empty);
	sign_again(&p, &w.authority);
	config = server_of(&p);
	e = try_ends(w.client_config, config, "a.test");
	assert_int_equal(e.client_error, 0);
	assert_int_equal(bide_tls_info_get(e.client, &info), 0);
	assert_string_equal(info.peer_subject, "");
	assert_string_equal(info.peer_names, "a.test");
	close_ends(&e);
	bide_tls_config_unref(config);
	free_party(&p);
	free_world(&w);
}

TEST(a_name_with_a_comma_does_not_look_like_two)
{
	world w;
	party p;
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	bide_tls_config *server, *client;
	bide_tls_info info;
	ends e;

	w = make_world();
	p = make_party(&w.authority, (wish){ .name = "x" });
	ASN1_STRING_set(text, "a.test, b.test", -1);
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	sk_GENERAL_NAME_push(names, name);
	assert_int_equal(X509_add1_ext_i2d(p.certificate, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
	sign_again(&p, &w.authority);
	server = server_of(&p);
	client = config_of((bide_tls_options){ .do_not_verify = true });
	e = try_ends(client, server, "a.test");
	assert_int_equal(e.client_error, 0);
	assert_int_equal(bide_tls_info_get(e.client, &info), 0);
	assert_string_equal(info.peer_names, "a.test??b.test");
	close_ends(&e);
	bide_tls_config_unref(server);
	bide_tls_config_unref(client);
	free_party(&p);
	free_world(&w);
}
