/*
 * address.c - the value of an address: what it is made from, its parts, its text.
 */
#include "io/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/misuse.h"
#include "base/text.h"

BIDE_STATIC_ASSERT(sizeof(((bide_address *)NULL)->sockaddr_) >= sizeof(struct sockaddr_un),
                   "each address fits");
BIDE_STATIC_ASSERT(_Alignof(struct sockaddr_in6) <= _Alignof(bide_address),
                   "calls of the system take it as it is");

/* ---- making one */

/* Bytes that are not used are zero. */
static void store(bide_address *address, const void *from, size_t size_bytes)
{
	memset(address, 0, sizeof *address);
	memcpy(address->sockaddr_, from, size_bytes);
	address->size_bytes_ = (uint32_t)size_bytes;
}

void bide_address_set_v4_(bide_address *address, const unsigned char bytes[4], unsigned port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	memcpy(&v4.sin_addr, bytes, 4);
	store(address, &v4, sizeof v4);
}

void bide_address_set_v6_(bide_address *address, const unsigned char bytes[16], unsigned port,
                          uint32_t scope)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		                       .sin6_port = htons((uint16_t)port),
		                       .sin6_scope_id = scope };

	memcpy(&v6.sin6_addr, bytes, 16);
	store(address, &v6, sizeof v6);
}

void bide_address_set_unix_(bide_address *address, const char *name, size_t length)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	bool abstract = name[0] == '@';

	memcpy(un.sun_path, name, length < sizeof un.sun_path ? length : sizeof un.sun_path);
	if (abstract)
		un.sun_path[0] = '\0';
	/* A path ends with a zero, which counts. In an abstract name each byte counts. */
	store(address, &un, BIDE_UNIX_PATH_AT_ + length + !abstract);
}

int bide_address_from_path_(bide_address *address, const char *path)
{
	size_t length = strlen(path);

	if (length == 0 || (length == 1 && path[0] == '@'))
		return EINVAL;
	if (length - (path[0] == '@') > BIDE_UNIX_NAME_MAX_)
		return ENAMETOOLONG;
	bide_address_set_unix_(address, path, length);
	return 0;
}

static int from_unix(bide_address *address, const struct sockaddr *from, size_t size_bytes)
{
	struct sockaddr_un un;
	size_t length;

	if (size_bytes > sizeof un)
		return EINVAL;
	memset(&un, 0, sizeof un);
	memcpy(&un, from, size_bytes);
	length = size_bytes - BIDE_UNIX_PATH_AT_;
	/* The system counts the zero behind a path, but takes a path without one. */
	if (length > 0 && un.sun_path[0] != '\0') {
		length = strnlen(un.sun_path, length);
		length += length < sizeof un.sun_path;
		memset(un.sun_path + length, 0, sizeof un.sun_path - length);
	}
	store(address, &un, BIDE_UNIX_PATH_AT_ + length);
	return 0;
}

int bide_address_from_sockaddr(bide_address *address, const struct sockaddr *from,
                               size_t size_bytes)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	sa_family_t family;

	if (!address || !from) {
		bide_misuse_("bide_address_from_sockaddr: %s is NULL", address ? "from" : "address");
		return EINVAL;
	}
	if (size_bytes < offsetof(struct sockaddr, sa_family) + sizeof family)
		return EINVAL;
	memcpy(&family, (const char *)from + offsetof(struct sockaddr, sa_family), sizeof family);
	switch (family) {
	case AF_INET:
		if (size_bytes < sizeof v4)
			return EINVAL;
		memcpy(&v4, from, sizeof v4);
		memset(v4.sin_zero, 0, sizeof v4.sin_zero);
		store(address, &v4, sizeof v4);
		return 0;
	case AF_INET6:
		if (size_bytes < sizeof v6)
			return EINVAL;
		memcpy(&v6, from, sizeof v6);
		store(address, &v6, sizeof v6);
		return 0;
	case AF_UNIX:
		return from_unix(address, from, size_bytes);
	default:
		return EAFNOSUPPORT;
	}
}

/* ---- its parts */

static int family_of(const bide_address *address)
{
	sa_family_t family;

	if (address->size_bytes_ == 0)
		return AF_UNSPEC;
	memcpy(&family, (const char *)address->sockaddr_ + offsetof(struct sockaddr, sa_family),
	       sizeof family);
	return family;
}

const struct sockaddr *bide_address_sockaddr(const bide_address *address, size_t *size_bytes)
{
	if (!address) {
		bide_misuse_("bide_address_sockaddr: address is NULL");
		if (size_bytes)
			*size_bytes = 0;
		return NULL;
	}
	if (size_bytes)
		*size_bytes = address->size_bytes_;
	return bide_address_of_(address);
}

int bide_address_family(const bide_address *address)
{
	if (!address) {
		bide_misuse_("bide_address_family: address is NULL");
		return AF_UNSPEC;
	}
	return family_of(address);
}

/* Returns where the port is, or NULL if the address has none. */
static const void *port_of(const bide_address *address)
{
	switch (family_of(address)) {
	case AF_INET:
		return (const char *)address->sockaddr_ + offsetof(struct sockaddr_in, sin_port);
	case AF_INET6:
		return (const char *)address->sockaddr_ + offsetof(struct sockaddr_in6, sin6_port);
	default:
		return NULL;
	}
}

unsigned bide_address_port(const bide_address *address)
{
	const void *at;
	uint16_t port;

	if (!address) {
		bide_misuse_("bide_address_port: address is NULL");
		return 0;
	}
	at = port_of(address);
	if (!at)
		return 0;
	memcpy(&port, at, sizeof port);
	return ntohs(port);
}

int bide_address_set_port(bide_address *address, unsigned port)
{
	uint16_t stored = htons((uint16_t)port);
	const void *at;

	if (!address) {
		bide_misuse_("bide_address_set_port: address is NULL");
		return EINVAL;
	}
	if (port > UINT16_MAX) {
		bide_misuse_("bide_address_set_port: %u is no port; a port is 0 to 65535", port);
		return EINVAL;
	}
	at = port_of(address);
	if (!at)
		return EAFNOSUPPORT;
	memcpy((void *)(uintptr_t)at, &stored, sizeof stored);
	return 0;
}

bool bide_address_equal(const bide_address *a, const bide_address *b)
{
	struct sockaddr_in6 v6a, v6b;

	if (!a || !b) {
		bide_misuse_("bide_address_equal: %s is NULL", a ? "b" : "a");
		return false;
	}
	if (a->size_bytes_ != b->size_bytes_ || family_of(a) != family_of(b))
		return false;
	if (family_of(a) != AF_INET6)
		return memcmp(a->sockaddr_, b->sockaddr_, a->size_bytes_) == 0;
	memcpy(&v6a, a->sockaddr_, sizeof v6a);
	memcpy(&v6b, b->sockaddr_, sizeof v6b);
	v6a.sin6_flowinfo = v6b.sin6_flowinfo = 0; /* it is no part of where a packet goes */
	return memcmp(&v6a, &v6b, sizeof v6a) == 0;
}

/* ---- its text */

static void text_of_v4(const bide_address *address, char *to, size_t size_bytes)
{
	char host[INET_ADDRSTRLEN];
	struct sockaddr_in v4;

	memcpy(&v4, address->sockaddr_, sizeof v4);
	bide_put_(to, size_bytes, "%s:%u", inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host),
	          ntohs(v4.sin_port));
}

static void text_of_v6(const bide_address *address, char *to, size_t size_bytes)
{
	char host[INET6_ADDRSTRLEN], name[IF_NAMESIZE];
	int before = errno; /* an interface may have gone */
	struct sockaddr_in6 v6;

	memcpy(&v6, address->sockaddr_, sizeof v6);
	inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
	if (v6.sin6_scope_id == 0)
		bide_put_(to, size_bytes, "[%s]:%u", host, ntohs(v6.sin6_port));
	else if (if_indextoname(v6.sin6_scope_id, name) && !strpbrk(name, "]"))
		bide_put_(to, size_bytes, "[%s%%%s]:%u", host, name, ntohs(v6.sin6_port));
	else
		bide_put_(to, size_bytes, "[%s%%%u]:%u", host, v6.sin6_scope_id, ntohs(v6.sin6_port));
	errno = before;
}

static void text_of_unix(const bide_address *address, char *to, size_t size_bytes)
{
	char name[sizeof(struct sockaddr_un)];
	size_t length = address->size_bytes_ - BIDE_UNIX_PATH_AT_;
	const char *before;

	memcpy(name, (const char *)address->sockaddr_ + BIDE_UNIX_PATH_AT_, length);
	name[length] = '\0';
	if (length == 0 || name[0] == '\0')
		before = length ? "" : "unix:";
	else if (name[0] == '@') /* a path, which would be read as a name */
		before = "unix:./";
	else
		before = name[0] == '/' ? "" : "unix:";
	if (length > 0 && name[0] == '\0')
		name[0] = '@';
	else
		length = strlen(name);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			name[i] = '?';
	bide_put_(to, size_bytes, "%s%s", before, name);
}

const char *bide_address_text(const bide_address *address, char *to, size_t size_bytes)
{
	if (!address || (!to && size_bytes)) {
		bide_misuse_("bide_address_text: %s is NULL", address ? "to" : "address");
		return "none";
	}
	switch (family_of(address)) {
	case AF_INET:
		text_of_v4(address, to, size_bytes);
		break;
	case AF_INET6:
		text_of_v6(address, to, size_bytes);
		break;
	case AF_UNIX:
		text_of_unix(address, to, size_bytes);
		break;
	default:
		bide_put_(to, size_bytes, "none");
	}
	return to;
}
