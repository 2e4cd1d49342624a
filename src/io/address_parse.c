/*
 * address_parse.c - reads the text of an address.
 *
 * The parser goes from left to right. The first character that does not fit is where the fault is.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/misuse.h"
#include "io/address.h"

typedef struct parser {
	const char *at;
	const char *what; /* the fault, once there is one */
	int error;        /* with it */
} parser;

static bool fails(parser *p, const char *what)
{
	p->what = what;
	p->error = EINVAL;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* ---- hosts */

static bool parse_v4(parser *p, unsigned char bytes[4])
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned number = 0;

		if (i > 0 && *p->at++ != '.') {
			p->at--;
			return fails(p, "an IPv4 address has four numbers, with dots between them");
		}
		if (!is_digit(*p->at))
			return fails(p, "a number of an IPv4 address is missing");
		if (p->at[0] == '0' && is_digit(p->at[1]))
			return fails(p, "a number of an IPv4 address does not begin with 0");
		for (const char *begin = p->at; is_digit(*p->at); p->at++) {
			number = number * 10 + (unsigned)(*p->at - '0');
			if (number > 255) {
				p->at = begin;
				return fails(p, "a number of an IPv4 address is at most 255");
			}
		}
		bytes[i] = (unsigned char)number;
	}
	return true;
}

/* The groups of an IPv6 address, up to where it ends. */
typedef struct groups {
	uint16_t number[8];
	unsigned count;
	unsigned gap; /* the number of groups before "::"; 9: there is none */
} groups;

enum { NO_GAP = 9 };

static bool parse_group(parser *p, groups *g)
{
	const char *begin = p->at;
	unsigned char v4[4];
	unsigned number = 0;

	for (; hex_value(*p->at) >= 0; p->at++) {
		if (p->at - begin == 4)
			return fails(p, "a group of an IPv6 address has at most four digits");
		number = number << 4 | (unsigned)hex_value(*p->at);
	}
	if (p->at == begin)
		return fails(p, "a group of an IPv6 address is missing");
	if (g->count == 8 || (*p->at == '.' && g->count == 7)) {
		p->at = begin;
		return fails(p, "an IPv6 address has at most eight groups");
	}
	if (*p->at != '.') {
		g->number[g->count++] = (uint16_t)number;
		return true;
	}
	p->at = begin;
	if (!parse_v4(p, v4))
		return false;
	g->number[g->count++] = (uint16_t)(v4[0] << 8 | v4[1]);
	g->number[g->count++] = (uint16_t)(v4[2] << 8 | v4[3]);
	if (*p->at == ':')
		return fails(p, "nothing follows the IPv4 part of an IPv6 address");
	return true;
}

/* Returns true if the next group follows, or a fault. */
static bool parse_colon(parser *p, groups *g)
{
	if (*p->at != ':')
		return false;
	p->at++;
	if (*p->at != ':')
		return true;
	if (g->gap != NO_GAP)
		return fails(p, "an IPv6 address has one \"::\" at most");
	g->gap = g->count;
	p->at++;
	return hex_value(*p->at) >= 0;
}

static bool parse_v6(parser *p, unsigned char bytes[16])
{
	groups g = { .gap = NO_GAP };
	unsigned zeroes;
	bool more = true;

	if (p->at[0] == ':' && p->at[1] == ':') {
		g.gap = 0;
		p->at += 2;
		more = hex_value(*p->at) >= 0;
	}
	while (more) {
		if (!parse_group(p, &g))
			return false;
		more = parse_colon(p, &g);
		if (p->what)
			return false;
	}
	if (g.gap == NO_GAP && g.count < 8)
		return fails(p, "an IPv6 address has eight groups, or a \"::\"");
	if (g.gap != NO_GAP && g.count == 8)
		return fails(p, "the \"::\" of an IPv6 address stands for at least one group");
	zeroes = 8 - g.count;
	memset(bytes, 0, 16);
	for (unsigned i = 0; i < g.count; i++) {
		unsigned to = i < g.gap ? i : i + zeroes;

		bytes[(size_t)2 * to] = (unsigned char)(g.number[i] >> 8);
		bytes[2 * to + 1] = (unsigned char)g.number[i];
	}
	return true;
}

/* Reads the interface behind a '%', up to a ']' or the end. Stores 0 if there is none. */
static bool parse_scope(parser *p, uint32_t *scope)
{
	char name[IF_NAMESIZE];
	size_t length;
	uint64_t number = 0;
	int before = errno;

	*scope = 0;
	if (*p->at != '%')
		return true;
	length = strcspn(++p->at, "]");
	if (length == 0)
		return fails(p, "the interface behind '%' is missing");
	if (strspn(p->at, "0123456789") == length) {
		for (size_t i = 0; i < length && number <= UINT32_MAX; i++)
			number = number * 10 + (unsigned)(p->at[i] - '0');
		if (number == 0 || number > UINT32_MAX)
			return fails(p, "the number of an interface is 1 to 4294967295");
	} else if (length < sizeof name) {
		memcpy(name, p->at, length);
		name[length] = '\0';
		number = if_nametoindex(name);
		errno = before;
	}
	if (number == 0) {
		(void)fails(p, "there is no interface of this name");
		p->error = ENODEV;
		return false;
	}
	*scope = (uint32_t)number;
	p->at += length;
	return true;
}

int bide_address_parse_host_(bide_address *address, const char *host)
{
	parser p = { .at = host };
	unsigned char bytes[16];
	uint32_t scope;

	if (!strchr(host, ':')) {
		if (!parse_v4(&p, bytes) || *p.at)
			return EINVAL;
		bide_address_set_v4_(address, bytes, 0);
		return 0;
	}
	if (!parse_v6(&p, bytes) || !parse_scope(&p, &scope))
		return p.error;
	if (*p.at)
		return EINVAL;
	bide_address_set_v6_(address, bytes, 0, scope);
	return 0;
}

/* ---- addresses */

static bool parse_port(parser *p, unsigned *port)
{
	const char *begin = p->at + 1;

	if (*p->at != ':')
		return fails(p, *p->at ? "a ':' and the port follow here" : "the port is missing");
	p->at++;
	if (!*p->at)
		return fails(p, "the port is missing");
	for (*port = 0; is_digit(*p->at); p->at++) {
		*port = *port * 10 + (unsigned)(*p->at - '0');
		if (*port > UINT16_MAX) {
			p->at = begin;
			return fails(p, "a port is at most 65535");
		}
	}
	return *p->at ? fails(p, "a port is a decimal number, and nothing follows it") : true;
}

static bool parse_unix(parser *p, bide_address *address)
{
	bool abstract = *p->at == '@';
	size_t length = strlen(p->at);

	if (length == abstract) {
		p->at += length;
		return fails(p, abstract ? "the name is missing" : "the path is missing");
	}
	if (length - abstract > BIDE_UNIX_NAME_MAX_) {
		p->at += BIDE_UNIX_NAME_MAX_ + abstract;
		return fails(p, abstract ? "the name has more than 107 bytes"
		                         : "the path has more than 107 bytes");
	}
	bide_address_set_unix_(address, p->at, length);
	return true;
}

static bool parse_in_brackets(parser *p, bide_address *address)
{
	unsigned char bytes[16];
	uint32_t scope;
	unsigned port;

	p->at++;
	if (!parse_v6(p, bytes) || !parse_scope(p, &scope))
		return false;
	if (*p->at != ']')
		return fails(p, "a ']' ends an IPv6 address");
	p->at++;
	if (!parse_port(p, &port))
		return false;
	bide_address_set_v6_(address, bytes, port, scope);
	return true;
}

static bool parse(parser *p, bide_address *address)
{
	unsigned char bytes[4];
	unsigned port;

	if (strncmp(p->at, "unix:", 5) == 0) {
		p->at += 5;
		return parse_unix(p, address);
	}
	if (*p->at == '/' || *p->at == '@')
		return parse_unix(p, address);
	if (*p->at == '[')
		return parse_in_brackets(p, address);
	if (!strchr(p->at, '.') && strchr(p->at, ':') != strrchr(p->at, ':'))
		return fails(p, "an IPv6 address stands in brackets");
	if (!is_digit(*p->at))
		return fails(p, "an address is IPv4:port, [IPv6]:port, /path, unix:path or @name");
	if (!parse_v4(p, bytes) || !parse_port(p, &port))
		return false;
	bide_address_set_v4_(address, bytes, port);
	return true;
}

int bide_address_parse(bide_address *address, const char *text, bide_address_fault *fault)
{
	parser p = { .at = text };

	if (!address || !text) {
		bide_misuse_("bide_address_parse: %s is NULL", address ? "text" : "address");
		if (fault)
			*fault = (bide_address_fault){ 0, "there is no text" };
		return EINVAL;
	}
	if (parse(&p, address))
		return 0;
	if (fault)
		*fault = (bide_address_fault){ (size_t)(p.at - text), p.what };
	return p.error;
}
