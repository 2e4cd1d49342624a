/*
 * tls_texts.c - fuzzes the texts of libbide-tls: the names in a certificate that a peer shows
 * (src/tls/names.c), protocols (config.c) and hosts (start.c).
 *
 * The first byte of an input decides which. The names of a certificate are a list that the input
 * makes, compared with a model, or the bytes of the extension as they are.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <arpa/inet.h>
#include <errno.h>

#include <openssl/x509v3.h>

#include <bide/bide.h>
#include <bide/tls.h>

#include "tls/config.h"
#include "tls/names.h"

enum { NAME_MAX_BYTES = 300, TEXT_MAX_BYTES = 4096 };

/* What may be said of a peer stands in one line. */
static void check_printable(const char *text)
{
	for (; *text; text++)
		FUZZ_CHECK(*text >= ' ' && *text < 127);
}

/* --- names --- */

static char expected[TEXT_MAX_BYTES * 4];

static void expect(const char *text)
{
	if (*expected)
		strcat(expected, ", ");
	strcat(expected, text);
}

static void expect_host(const uint8_t *bytes, size_t size_bytes)
{
	char text[256];
	size_t i;

	for (i = 0; i < size_bytes && i < sizeof text - 1; i++)
		text[i] = (char)(bytes[i] > ' ' && bytes[i] < 127 && bytes[i] != ',' ? bytes[i] : '?');
	text[i] = '\0';
	expect(text);
}

/* Adds a name to the list and to what is expected. */
static void add_name(GENERAL_NAMES *list, fuzz_input *input)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	unsigned type = fuzz_below(input, 4);
	size_t size_bytes = fuzz_below(input, type == 1 ? 20 : NAME_MAX_BYTES), left;
	ASN1_STRING *value = ASN1_STRING_type_new(type == 1 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	char text[64];

	left = (size_t)(input->end - input->at);
	size_bytes = size_bytes < left ? size_bytes : left;
	FUZZ_CHECK(name && value && ASN1_STRING_set(value, input->at, (int)size_bytes) == 1);
	GENERAL_NAME_set0_value(name, type == 1 ? GEN_IPADD : type == 2 ? GEN_EMAIL : GEN_DNS, value);
	sk_GENERAL_NAME_push(list, name);
	if (type == 1 && (size_bytes == 4 || size_bytes == 16)) {
		inet_ntop(size_bytes == 4 ? AF_INET : AF_INET6, input->at, text, sizeof text);
		expect(text);
	} else if (type == 0 || type == 3) {
		expect_host(input->at, size_bytes);
	}
	input->at += size_bytes;
}

/* The text with this much room: all of it, or its beginning and "...". */
static void check_room(X509 *certificate, size_t whole, size_t room)
{
	char *text = malloc(room ? room : 1), *dots;
	size_t length;

	FUZZ_CHECK(text && bide_tls_names_text_(certificate, text, room) == whole);
	if (room > 0) {
		length = strlen(text);
		FUZZ_CHECK(length < room);
		check_printable(text);
		dots = length >= 3 ? text + length - 3 : NULL;
		FUZZ_CHECK(length == whole || room <= 3 || (dots && strcmp(dots, "...") == 0));
	}
	free(text);
}

static void check_names(fuzz_input *input, bool is_raw)
{
	X509 *certificate = X509_new();
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	ASN1_OCTET_STRING *raw = ASN1_OCTET_STRING_new();
	unsigned room = fuzz_below(input, 600);
	X509_EXTENSION *extension;
	static char text[sizeof expected];
	size_t whole;

	FUZZ_CHECK(certificate && list && raw);
	*expected = '\0';
	if (is_raw) {
		ASN1_OCTET_STRING_set(raw, input->at, (int)(input->end - input->at));
		extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, raw);
		FUZZ_CHECK(extension && X509_add_ext(certificate, extension, -1) == 1);
		X509_EXTENSION_free(extension);
	} else {
		while (input->at < input->end && strlen(expected) < TEXT_MAX_BYTES)
			add_name(list, input);
		FUZZ_CHECK(X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1);
	}
	whole = bide_tls_names_text_(certificate, NULL, 0);
	check_room(certificate, whole, room);
	check_room(certificate, whole, whole + 1);
	FUZZ_CHECK(is_raw || whole == strlen(expected));
	if (whole < sizeof text) {
		bide_tls_names_text_(certificate, text, sizeof text);
		FUZZ_CHECK(strlen(text) == whole && (is_raw || strcmp(text, expected) == 0));
	}
	ASN1_OCTET_STRING_free(raw);
	GENERAL_NAMES_free(list);
	X509_free(certificate);
}

/* A subject: a common name or another one, of any bytes. */
static void check_subject(fuzz_input *input)
{
	static const int types[] = { MBSTRING_UTF8, MBSTRING_ASC, V_ASN1_UTF8STRING, V_ASN1_T61STRING,
		                         V_ASN1_OCTET_STRING };
	X509_NAME *name = X509_NAME_new();
	unsigned room = 1 + fuzz_below(input, 300), count = fuzz_below(input, 4);
	char *text = malloc(room);

	FUZZ_CHECK(name && text);
	for (unsigned i = 0; i < count; i++) {
		int nid = fuzz_below(input, 2) ? NID_commonName : NID_organizationName;
		int type = types[fuzz_below(input, 5)];
		size_t size_bytes = fuzz_below(input, 100), left = (size_t)(input->end - input->at);

		size_bytes = size_bytes < left ? size_bytes : left;
		(void)X509_NAME_add_entry_by_NID(name, nid, type, input->at, (int)size_bytes, -1, 0);
		input->at += size_bytes;
	}
	bide_tls_name_text_(name, text, room);
	FUZZ_CHECK(strlen(text) < room && (*text || room == 1));
	check_printable(text);
	free(text);
	X509_NAME_free(name);
}

/* --- protocols and hosts --- */

static unsigned misuse_count;

static void on_misuse(const char *message, void *argument)
{
	(void)argument;
	FUZZ_CHECK(*message);
	misuse_count++;
}

static void check_protocols(const char *text)
{
	char why[200] = "";
	bide_tls_config *config;
	bide_tls_options options = {
		.protocols = text, .do_not_verify = true, .error_text = why, .error_text_bytes = sizeof why
	};
	bool is_right = true;
	size_t at = 0, length = 0;
	int error;

	for (const char *c = text;; c++) { /* each name has 1 to 255 bytes */
		if (*c && *c != ',') {
			length++;
			continue;
		}
		is_right = is_right && length >= 1 && length <= 255;
		length = 0;
		if (!*c)
			break;
	}
	misuse_count = 0;
	error = bide_tls_config_create(&config, &options);
	FUZZ_CHECK(error == (is_right ? 0 : EINVAL) && misuse_count == !is_right);
	FUZZ_CHECK((*why != '\0') == !is_right && (config != NULL) == is_right);
	for (const char *c = text; is_right && *c; at += 1 + length, c += length + (c[length] == ',')) {
		length = strcspn(c, ",");
		FUZZ_CHECK(config->protocols.bytes[at] == length);
		FUZZ_CHECK(memcmp(config->protocols.bytes + at + 1, c, length) == 0);
	}
	FUZZ_CHECK(!is_right || at == config->protocols.size_bytes);
	bide_tls_config_unref(config);
}

/* What is below: nothing comes, nothing goes. */
static bide_value_task nothing_read(void *object, void *to, size_t size_bytes)
{
	(void)object;
	(void)to;
	(void)size_bytes;
	return bide_value_task_from(0);
}

static bide_value_task all_written(void *object, const struct iovec *parts, size_t count)
{
	int64_t size_bytes = 0;

	(void)object;
	for (size_t i = 0; i < count; i++)
		size_bytes += (int64_t)parts[i].iov_len;
	return bide_value_task_from(size_bytes);
}

static void check_host(const char *host)
{
	static const bide_stream_type type = { .name = "nothing",
		                                   .read = nothing_read,
		                                   .write = all_written };
	bide_stream *stream = bide_stream_create(&type, NULL);
	struct in6_addr address;
	size_t length = strlen(host);
	bool is_right = length >= 1 && length <= 253 && *host != '.' && !strstr(host, "..");
	int error;

	for (const char *c = host; *c; c++)
		is_right = is_right && *c > ' ' && *c < 127 && !strchr("/:@[]", *c);
	is_right = is_right || inet_pton(AF_INET6, host, &address) == 1;
	misuse_count = 0;
	error = bide_value_task_wait(bide_tls_start_client(stream, host, NULL), NULL);
	FUZZ_CHECK(misuse_count == !is_right);
	FUZZ_CHECK(error == (is_right ? ECONNRESET : EINVAL));
	bide_stream_close(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static bool is_configured;
	fuzz_input input = { bytes, bytes + size_bytes };
	unsigned way = (unsigned)fuzz_take(&input, 1) % 8;
	size_t length = (size_t)(input.end - input.at);
	char *text = strndup((const char *)input.at, length);

	if (!is_configured)
		FUZZ_CHECK(bide_configure(&(bide_config){ .workers = 1 }) == 0);
	is_configured = true;
	bide_misuse_hook_set(on_misuse, NULL);
	FUZZ_CHECK(text);
	if (way < 3)
		check_names(&input, way == 2);
	else if (way < 6)
		check_subject(&input);
	else if (way == 6)
		check_protocols(text);
	else
		check_host(text);
	free(text);
	return 0;
}
