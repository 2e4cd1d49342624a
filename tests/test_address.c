/*
 * bide_address: what each text stands for, what is wrong with a text and where, texts that parse
 * back, structures of the system in and out, ports, equality.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "support/task_support.h"

static bide_address parsed(const char *text)
{
	bide_address_fault fault = { 0, NULL };
	bide_address address;

	memset(&address, 0xA5, sizeof address);
	if (bide_address_parse(&address, text, &fault))
		fail_msg("%s: %zu: %s", text, fault.at, fault.what);
	assert_null(fault.what);
	return address;
}

static const char *text_of(const bide_address *address)
{
	static char text[BIDE_ADDRESS_TEXT_BYTES];

	return bide_address_text(address, text, sizeof text);
}

TEST(a_text_of_an_address_is_read_and_written_back)
{
	static const char *const texts[][2] = {
		{ "10.0.0.1:80", NULL },
		{ "0.0.0.0:0", NULL },
		{ "255.255.255.255:65535", NULL },
		{ "127.0.0.1:00080", "127.0.0.1:80" },
		{ "[::]:0", NULL },
		{ "[::1]:80", NULL },
		{ "[1:2:3:4:5:6:7:8]:1", NULL },
		{ "[2001:DB8::0:1]:443", "[2001:db8::1]:443" },
		{ "[1::]:1", NULL },
		{ "[0:0:0:0:0:0:0:1]:1", "[::1]:1" },
		{ "[1:2:3:4:5:6:7::]:1", "[1:2:3:4:5:6:7:0]:1" },
		{ "[::2:3:4:5:6:7:8]:1", "[0:2:3:4:5:6:7:8]:1" },
		{ "[::ffff:1.2.3.4]:80", NULL },
		{ "[1:2:3:4:5:6:1.2.3.4]:80", "[1:2:3:4:5:6:102:304]:80" },
		{ "[fe80::1%4000000000]:80", NULL },
		{ "/run/server.sock", NULL },
		{ "unix:/run/server.sock", "/run/server.sock" },
		{ "unix:server.sock", NULL },
		{ "unix:./@server", NULL },
		{ "@server", NULL },
		{ "unix:@server", "@server" },
		{ "@a\nb", "@a?b" },
		{ "/run/k\xC3\xA4se", NULL },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		bide_address address = parsed(texts[i][0]);

		assert_string_equal(text_of(&address), texts[i][1] ? texts[i][1] : texts[i][0]);
	}
}

TEST(the_structure_of_a_parsed_address_is_that_of_the_system)
{
	bide_address address = parsed("10.1.2.3:4711");
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
	size_t size_bytes;

	memcpy(&v4, bide_address_sockaddr(&address, &size_bytes), sizeof v4);
	assert_int_equal(size_bytes, sizeof v4);
	assert_int_equal(v4.sin_family, AF_INET);
	assert_int_equal(ntohs(v4.sin_port), 4711);
	assert_int_equal(ntohl(v4.sin_addr.s_addr), 0x0A010203);
	address = parsed("[102:304::ff%7]:9");
	memcpy(&v6, bide_address_sockaddr(&address, &size_bytes), sizeof v6);
	assert_int_equal(size_bytes, sizeof v6);
	assert_int_equal(v6.sin6_family, AF_INET6);
	assert_int_equal(ntohs(v6.sin6_port), 9);
	assert_int_equal(v6.sin6_scope_id, 7);
	assert_memory_equal(&v6.sin6_addr, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\xff", 16);
	address = parsed("@name");
	memcpy(&un, bide_address_sockaddr(&address, &size_bytes), sizeof un);
	assert_int_equal(size_bytes, offsetof(struct sockaddr_un, sun_path) + 5);
	assert_memory_equal(un.sun_path, "\0name", 5);
	address = parsed("/name");
	memcpy(&un, bide_address_sockaddr(&address, &size_bytes), sizeof un);
	assert_int_equal(size_bytes, offsetof(struct sockaddr_un, sun_path) + 6);
	assert_string_equal(un.sun_path, "/name");
}

static void expect_fault(const char *text, size_t at, const char *part, int error)
{
	bide_address before, address;
	bide_address_fault fault = { 4711, NULL };

	memset(&before, 0xA5, sizeof before);
	address = before;
	assert_int_equal(bide_address_parse(&address, text, &fault), error);
	if (fault.at != at || !strstr(fault.what, part))
		fail_msg("%s: %zu: %s", text, fault.at, fault.what);
	assert_memory_equal(&address, &before, sizeof before);
	assert_int_equal(bide_address_parse(&address, text, NULL), error);
}

TEST(a_fault_is_told_with_its_place)
{
	char long_path[200];

	expect_fault("", 0, "an address is", EINVAL);
	expect_fault("localhost:80", 0, "an address is", EINVAL);
	expect_fault(" 1.2.3.4:80", 0, "an address is", EINVAL);
	expect_fault("1.2.3.4", 7, "the port is missing", EINVAL);
	expect_fault("1.2.3.4:", 8, "the port is missing", EINVAL);
	expect_fault("1.2.3.4:http", 8, "decimal", EINVAL);
	expect_fault("1.2.3.4:-1", 8, "decimal", EINVAL);
	expect_fault("1.2.3.4:80 ", 10, "nothing follows", EINVAL);
	expect_fault("1.2.3.4:65536", 8, "at most 65535", EINVAL);
	expect_fault("1.2.3.4:99999999999999999999", 8, "at most 65535", EINVAL);
	expect_fault("1.2.3:80", 5, "four numbers", EINVAL);
	expect_fault("1.2.3.4.5:80", 7, "a ':'", EINVAL);
	expect_fault("1.2.3.:80", 6, "missing", EINVAL);
	expect_fault("1.2.3.256:80", 6, "at most 255", EINVAL);
	expect_fault("1.2.3.04:80", 6, "begin with 0", EINVAL);
	expect_fault("::1:80", 0, "brackets", EINVAL);
	expect_fault("[::1]", 5, "the port is missing", EINVAL);
	expect_fault("[::1]80", 5, "a ':'", EINVAL);
	expect_fault("[::1:80", 7, "']'", EINVAL);
	expect_fault("[]:80", 1, "missing", EINVAL);
	expect_fault("[:1]:80", 1, "missing", EINVAL);
	expect_fault("[1:]:80", 3, "missing", EINVAL);
	expect_fault("[1::2::3]:80", 6, "one \"::\"", EINVAL);
	expect_fault("[:::]:80", 3, "']'", EINVAL);
	expect_fault("[1:2:3:4:5:6:7]:80", 14, "eight groups", EINVAL);
	expect_fault("[1:2:3:4:5:6:7:8:9]:80", 17, "at most eight", EINVAL);
	expect_fault("[1:2:3:4:5:6:7:1.2.3.4]:80", 15, "at most eight", EINVAL);
	expect_fault("[1:2:3:4::5:6:7:8]:80", 17, "at least one group", EINVAL);
	expect_fault("[12345::]:80", 5, "four digits", EINVAL);
	expect_fault("[::1.2.3.4:5]:80", 10, "nothing follows", EINVAL);
	expect_fault("[g::]:80", 1, "missing", EINVAL);
	expect_fault("[fe80::1%]:80", 9, "missing", EINVAL);
	expect_fault("[fe80::1%0]:80", 9, "number", EINVAL);
	expect_fault("[fe80::1%99999999999]:80", 9, "number", EINVAL);
	expect_fault("[fe80::1%no_such_one]:80", 9, "no interface", ENODEV);
	expect_fault("[fe80::1%a_name_that_is_far_too_long]:80", 9, "no interface", ENODEV);
	expect_fault("unix:", 5, "missing", EINVAL);
	expect_fault("@", 1, "missing", EINVAL);
	expect_fault("unix:@", 6, "missing", EINVAL);
	memset(long_path, 'x', sizeof long_path);
	long_path[0] = '/';
	long_path[108] = '\0';
	expect_fault(long_path, 107, "107 bytes", EINVAL);
	long_path[107] = '\0';
	assert_int_equal(strlen(bide_address_text(&(bide_address[]){ parsed(long_path) }[0],
	                                          (char[BIDE_ADDRESS_TEXT_BYTES]){ 0 },
	                                          BIDE_ADDRESS_TEXT_BYTES)),
	                 107);
}

TEST(an_interface_is_a_name_or_its_number)
{
	unsigned loopback = if_nametoindex("lo");
	bide_address by_name, by_number;
	char text[64];

	if (loopback == 0)
		SKIP("there is no interface lo");
	by_name = parsed("[fe80::1%lo]:80");
	snprintf(text, sizeof text, "[fe80::1%%%u]:80", loopback);
	by_number = parsed(text);
	assert_true(bide_address_equal(&by_name, &by_number));
	assert_string_equal(text_of(&by_number), "[fe80::1%lo]:80");
	by_number = parsed("[fe80::1]:80");
	assert_false(bide_address_equal(&by_name, &by_number));
}

TEST(an_address_of_the_system_is_stored)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(7) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(8) };
	bide_address address = { 0 }, other;
	size_t size_bytes;

	memset(v4.sin_zero, 0xff, sizeof v4.sin_zero);
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bide_address_from_sockaddr(&address, (struct sockaddr *)(void *)&v4,
	                                            sizeof v4),
	                 0);
	assert_string_equal(text_of(&address), "127.0.0.1:7");
	other = parsed("127.0.0.1:7"); /* what the system does not use is no part of an address */
	assert_true(bide_address_equal(&address, &other));
	v6.sin6_flowinfo = htonl(5);
	v6.sin6_addr = in6addr_loopback;
	assert_int_equal(bide_address_from_sockaddr(&address, (struct sockaddr *)(void *)&v6,
	                                            sizeof v6),
	                 0);
	assert_string_equal(text_of(&address), "[::1]:8");
	other = parsed("[::1]:8");
	assert_true(bide_address_equal(&address, &other));
	assert_memory_equal(bide_address_sockaddr(&address, &size_bytes), &v6, sizeof v6);
	other = parsed("[::1]:9");
	assert_false(bide_address_equal(&address, &other));
}

TEST(an_address_of_a_unix_socket_is_stored)
{
	enum { HEAD = offsetof(struct sockaddr_un, sun_path) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct sockaddr *from = (const struct sockaddr *)(const void *)&un;
	bide_address address, other;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	assert_int_equal(bide_address_from_sockaddr(&address, from, HEAD), 0); /* unnamed */
	assert_string_equal(text_of(&address), "unix:");
	assert_int_equal(bide_address_family(&address), AF_UNIX);
	strcpy(un.sun_path, "/run/x"); /* with its zero, without it, and with what is behind it */
	assert_int_equal(bide_address_from_sockaddr(&address, from, HEAD + 7), 0);
	assert_int_equal(bide_address_from_sockaddr(&other, from, HEAD + 6), 0);
	assert_true(bide_address_equal(&address, &other));
	un.sun_path[20] = 'y';
	assert_int_equal(bide_address_from_sockaddr(&other, from, sizeof un), 0);
	assert_true(bide_address_equal(&address, &other));
	assert_string_equal(text_of(&address), "/run/x");
	strcpy(un.sun_path, "@x"); /* a path, and no name */
	assert_int_equal(bide_address_from_sockaddr(&address, from, HEAD + 3), 0);
	assert_string_equal(text_of(&address), "unix:./@x");
	memset(un.sun_path, 'x', sizeof un.sun_path); /* the system takes 108 bytes without a zero */
	assert_int_equal(bide_address_from_sockaddr(&address, from, sizeof un), 0);
	assert_int_equal(strlen(text_of(&address)), 5 + 108);
	memset(un.sun_path, 0, sizeof un.sun_path); /* a name of zeroes */
	assert_int_equal(bide_address_from_sockaddr(&address, from, sizeof un), 0);
	assert_int_equal(strlen(bide_address_text(&address, text, sizeof text)), 108);
	assert_string_equal(text + 100, "????????");
	assert_int_equal(bide_address_from_sockaddr(&other, from, sizeof un - 1), 0);
	assert_false(bide_address_equal(&address, &other));
}

TEST(a_structure_that_is_no_address_is_refused)
{
	struct sockaddr_storage big = { .ss_family = AF_INET };
	const struct sockaddr *from = (const struct sockaddr *)(const void *)&big;
	bide_address address = parsed("1.2.3.4:5");

	assert_int_equal(bide_address_from_sockaddr(&address, from, 0), EINVAL);
	assert_int_equal(bide_address_from_sockaddr(&address, from, 1), EINVAL);
	assert_int_equal(bide_address_from_sockaddr(&address, from, sizeof(struct sockaddr_in) - 1),
	                 EINVAL);
	big.ss_family = AF_INET6;
	assert_int_equal(bide_address_from_sockaddr(&address, from, sizeof(struct sockaddr_in)),
	                 EINVAL);
	big.ss_family = AF_UNIX;
	assert_int_equal(bide_address_from_sockaddr(&address, from, sizeof(struct sockaddr_un) + 1),
	                 EINVAL);
	big.ss_family = AF_NETLINK;
	assert_int_equal(bide_address_from_sockaddr(&address, from, sizeof big), EAFNOSUPPORT);
	assert_string_equal(text_of(&address), "1.2.3.4:5");
}

TEST(ports_are_read_and_set)
{
	bide_address v4 = parsed("1.2.3.4:5"), v6 = parsed("[::1]:6"), un = parsed("/x"), none = { 0 };

	assert_int_equal(bide_address_port(&v4), 5);
	assert_int_equal(bide_address_port(&v6), 6);
	assert_int_equal(bide_address_port(&un), 0);
	assert_int_equal(bide_address_port(&none), 0);
	assert_int_equal(bide_address_set_port(&v4, 65535), 0);
	assert_int_equal(bide_address_set_port(&v6, 0), 0);
	assert_string_equal(text_of(&v4), "1.2.3.4:65535");
	assert_string_equal(text_of(&v6), "[::1]:0");
	assert_int_equal(bide_address_set_port(&un, 1), EAFNOSUPPORT);
	assert_int_equal(bide_address_set_port(&none, 1), EAFNOSUPPORT);
	catch_misuse();
	assert_int_equal(bide_address_set_port(&v4, 65536), EINVAL);
	ASSERT_MISUSE("bide_address_set_port: 65536 is no port");
	assert_int_equal(bide_address_port(&v4), 65535);
}

TEST(zeroes_are_the_address_none)
{
	bide_address none = { 0 }, other = { 0 }, v4 = parsed("0.0.0.0:0");
	size_t size_bytes = 1;

	assert_int_equal(bide_address_family(&none), AF_UNSPEC);
	assert_string_equal(text_of(&none), "none");
	assert_non_null(bide_address_sockaddr(&none, &size_bytes));
	assert_int_equal(size_bytes, 0);
	assert_true(bide_address_equal(&none, &other));
	assert_false(bide_address_equal(&none, &v4));
}

TEST(a_text_that_does_not_fit_is_cut)
{
	bide_address address = parsed("10.0.0.1:80");
	char text[8] = "xxxxxxx";

	assert_string_equal(bide_address_text(&address, text, sizeof text), "10.0.0.");
	assert_string_equal(bide_address_text(&address, text, 1), "");
	assert_null(bide_address_text(&address, NULL, 0));
}

TEST(null_is_misuse)
{
	bide_address address = { 0 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	bide_address_fault fault;

	catch_misuse();
	assert_int_equal(bide_address_parse(NULL, "1.2.3.4:5", &fault), EINVAL);
	ASSERT_MISUSE("bide_address_parse: address is NULL");
	assert_int_equal(bide_address_parse(&address, NULL, NULL), EINVAL);
	ASSERT_MISUSE("bide_address_parse: text is NULL");
	assert_string_equal(bide_address_text(NULL, NULL, 0), "none");
	ASSERT_MISUSE("bide_address_text: address is NULL");
	assert_string_equal(bide_address_text(&address, NULL, 1), "none");
	ASSERT_MISUSE("bide_address_text: to is NULL");
	assert_int_equal(bide_address_from_sockaddr(&address, NULL, 16), EINVAL);
	ASSERT_MISUSE("bide_address_from_sockaddr: from is NULL");
	assert_int_equal(bide_address_from_sockaddr(NULL, (struct sockaddr *)(void *)&v4, sizeof v4),
	                 EINVAL);
	ASSERT_MISUSE("bide_address_from_sockaddr: address is NULL");
	assert_null(bide_address_sockaddr(NULL, NULL));
	ASSERT_MISUSE("bide_address_sockaddr: address is NULL");
	assert_int_equal(bide_address_family(NULL), AF_UNSPEC);
	ASSERT_MISUSE("bide_address_family: address is NULL");
	assert_int_equal(bide_address_port(NULL), 0);
	ASSERT_MISUSE("bide_address_port: address is NULL");
	assert_int_equal(bide_address_set_port(NULL, 1), EINVAL);
	ASSERT_MISUSE("bide_address_set_port: address is NULL");
	assert_false(bide_address_equal(NULL, &address));
	ASSERT_MISUSE("bide_address_equal: a is NULL");
	assert_false(bide_address_equal(&address, NULL));
	ASSERT_MISUSE("bide_address_equal: b is NULL");
}
