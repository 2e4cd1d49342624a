/*
 * address.c - fuzzes the parser of addresses (src/io/address_parse.c) against inet_pton.
 *
 * The first byte of an input decides how its rest becomes a text: the bytes as they are, or numbers
 * of an alphabet that makes addresses likely. A text that parses must be one that inet_pton takes,
 * with the same bytes, and the other way round. What was parsed has a text that parses to the same.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <bide/bide.h>

enum { TEXT_MAX_BYTES = 256 };

/* Returns the port behind a ':', or -1. */
static long port_of(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long port = 0;

	if (digits == 0 || text[digits])
		return -1;
	for (size_t i = 0; i < digits && port <= 65535; i++)
		port = port * 10 + (text[i] - '0');
	return port <= 65535 ? port : -1;
}

/* Cuts the text at `end` and stores what inet_pton says of it. */
static bool host_of(int family, const char *text, const char *end, void *bytes)
{
	char host[TEXT_MAX_BYTES];
	size_t length = (size_t)(end - text);

	memcpy(host, text, length);
	host[length] = '\0';
	return inet_pton(family, host, bytes) == 1;
}

static bool model_v4(const char *text, bide_address *to)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	const char *colon = strchr(text, ':');

	if (!colon || port_of(colon + 1) < 0 || !host_of(AF_INET, text, colon, &v4.sin_addr))
		return false;
	v4.sin_port = htons((uint16_t)port_of(colon + 1));
	FUZZ_CHECK(bide_address_from_sockaddr(to, (struct sockaddr *)(void *)&v4, sizeof v4) == 0);
	return true;
}

static bool model_v6(const char *text, bide_address *to)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const char *bracket = strchr(text, ']'), *percent = strchr(text, '%'), *end;
	char name[TEXT_MAX_BYTES], *rest;
	unsigned long long number;

	if (!bracket || bracket[1] != ':' || port_of(bracket + 2) < 0)
		return false;
	end = percent && percent < bracket ? percent : bracket;
	if (!host_of(AF_INET6, text + 1, end, &v6.sin6_addr))
		return false;
	if (end == percent) {
		memcpy(name, percent + 1, (size_t)(bracket - percent - 1));
		name[bracket - percent - 1] = '\0';
		errno = 0;
		number = strtoull(name, &rest, 10);
		if (*name >= '0' && *name <= '9' && !*rest && errno == 0 && number <= UINT32_MAX)
			v6.sin6_scope_id = (uint32_t)number;
		else if (strspn(name, "0123456789") < strlen(name))
			v6.sin6_scope_id = if_nametoindex(name);
		if (v6.sin6_scope_id == 0)
			return false;
	}
	v6.sin6_port = htons((uint16_t)port_of(bracket + 2));
	FUZZ_CHECK(bide_address_from_sockaddr(to, (struct sockaddr *)(void *)&v6, sizeof v6) == 0);
	return true;
}

static bool model_unix(const char *name, bide_address *to)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t length = strlen(name), abstract = name[0] == '@';

	if (length == abstract || length - abstract > 107)
		return false;
	memcpy(un.sun_path, name, length);
	if (abstract)
		un.sun_path[0] = '\0';
	FUZZ_CHECK(bide_address_from_sockaddr(to, (struct sockaddr *)(void *)&un,
	                                      offsetof(struct sockaddr_un, sun_path) + length) == 0);
	return true;
}

static bool model(const char *text, bide_address *to)
{
	if (strncmp(text, "unix:", 5) == 0)
		return model_unix(text + 5, to);
	if (*text == '/' || *text == '@')
		return model_unix(text, to);
	return *text == '[' ? model_v6(text, to) : model_v4(text, to);
}

static void check_text(const bide_address *address)
{
	char text[BIDE_ADDRESS_TEXT_BYTES], cut[BIDE_ADDRESS_TEXT_BYTES];
	bide_address again;
	size_t length;

	FUZZ_CHECK(bide_address_text(address, text, sizeof text) == text);
	length = strlen(text);
	FUZZ_CHECK(length < sizeof text - 1);
	(void)bide_address_text(address, cut, length);
	FUZZ_CHECK(strlen(cut) == length - 1 && memcmp(cut, text, length - 1) == 0);
	(void)bide_address_sockaddr(address, &length);
	/* Nothing parses an unnamed socket, control characters, or a path of 108 bytes. */
	if (strchr(text, '?') || strncmp(text, "unix:./@", 8) == 0 || strcmp(text, "unix:") == 0 ||
	    (*text != '@' && length == sizeof(struct sockaddr_un)))
		return;
	FUZZ_CHECK(bide_address_parse(&again, text, NULL) == 0);
	FUZZ_CHECK(bide_address_equal(address, &again));
}

/* The bytes as a structure of the system. */
static void check_sockaddr(const uint8_t *bytes, size_t size_bytes)
{
	struct sockaddr_storage storage = { 0 };
	const struct sockaddr *back;
	bide_address address, again;
	size_t used;

	memcpy(&storage, bytes, size_bytes < sizeof storage ? size_bytes : sizeof storage);
	storage.ss_family = (sa_family_t[]){ AF_INET, AF_INET6, AF_UNIX, 77 }[size_bytes % 4];
	if (bide_address_from_sockaddr(&address, (struct sockaddr *)&storage, size_bytes))
		return;
	back = bide_address_sockaddr(&address, &used);
	FUZZ_CHECK(bide_address_from_sockaddr(&again, back, used) == 0);
	FUZZ_CHECK(bide_address_equal(&address, &again));
	check_text(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const char likely[] = "0123456789abcdef::::....[]%/@unix";
	bide_address before, address, expected;
	bide_address_fault fault = { 0, NULL };
	char text[TEXT_MAX_BYTES];
	size_t length;
	int error;

	if (size_bytes > 1 && bytes[0] % 4 == 0)
		check_sockaddr(bytes + 1, size_bytes - 1);
	length = size_bytes < sizeof text - 1 ? size_bytes : sizeof text - 1;
	memcpy(text, bytes, length);
	text[length] = '\0';
	if (length > 1 && bytes[0] % 4 == 1)
		for (size_t i = 0; i < length; i++)
			text[i] = likely[bytes[i] % (sizeof likely - 1)];
	memset(&before, 0xA5, sizeof before);
	address = before;
	error = bide_address_parse(&address, text, &fault);
	FUZZ_CHECK((error == 0) == model(text, &expected));
	if (error) {
		FUZZ_CHECK(error == EINVAL || error == ENODEV);
		FUZZ_CHECK(fault.what && fault.at <= strlen(text));
		FUZZ_CHECK(memcmp(&address, &before, sizeof before) == 0);
		return 0;
	}
	FUZZ_CHECK(!fault.what && bide_address_equal(&address, &expected));
	check_text(&address);
	return 0;
}
