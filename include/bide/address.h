/*
 * address.h - an address of a socket: IPv4, IPv6 or UNIX.
 *
 *     bide_address address;
 *     bide_address_fault fault;
 *     char text[BIDE_ADDRESS_TEXT_BYTES];
 *
 *     if (bide_address_parse(&address, "[fe80::1%eth0]:80", &fault))
 *         fprintf(stderr, "character %zu: %s\n", fault.at + 1, fault.what);
 *     else
 *         puts(bide_address_text(&address, text, sizeof text));
 *
 * An address is a value. You place it, copy it by assignment, and it owns nothing. Zeroes are the
 * address "none", which has the family AF_UNSPEC. The addresses of UNIX sockets are a path, a name
 * in the abstract name space, or unnamed, as the peer of most UNIX connections is.
 *
 * Threads: any, as for any variable. None of these functions sets the runtime up. Cost: a copy,
 * besides a system call for the name of an interface.
 */
#ifndef BIDE_ADDRESS_H
#define BIDE_ADDRESS_H

#include "abi.h"

struct sockaddr; /* sys/socket.h has it */

typedef struct bide_address {
	uint32_t size_bytes_;   /* of what is used of the next; 0: none */
	uint32_t sockaddr_[28]; /* the system's structure, which may have 110 bytes */
} bide_address;

/* What is wrong with a text, and where: `at` is the number of characters before the fault. */
typedef struct bide_address_fault {
	size_t at;
	const char *what; /* static text */
} bide_address_fault;

/* So large a buffer has room for each text of an address. */
#define BIDE_ADDRESS_TEXT_BYTES 128

BIDE_BEGIN_DECLS

/*
 * Stores the address that a text stands for:
 *
 *     10.0.0.1:80         IPv4 and a port. Numbers are decimal, and do not begin with 0.
 *     [::1]:80            IPv6 and a port
 *     [fe80::1%eth0]:80   the same on an interface, which is a name or a number
 *     /path, unix:path    a UNIX socket with a path, at most 107 bytes
 *     @name, unix:@name   a UNIX socket with an abstract name, at most 107 bytes
 *
 * The whole text must be one of these. There are no names of hosts and services. Returns 0; EINVAL
 * if the text is none of these; ENODEV if there is no interface of that name. After an error
 * *address is as before, and *fault (may be NULL) says what is wrong.
 */
BIDE_API BIDE_USE_RESULT int bide_address_parse(bide_address *address, const char *text,
                                                bide_address_fault *fault);

/*
 * Writes the address as text, in a form that bide_address_parse takes, and returns `to`. If the
 * text does not fit into size_bytes, it is cut. It always ends with a zero unless size_bytes is 0.
 * The address "none" is "none", and an unnamed socket is "unix:"; nothing parses these. In names of
 * UNIX sockets a '?' stands for each control character.
 */
BIDE_API const char *bide_address_text(const bide_address *address, char *to, size_t size_bytes);

/*
 * Stores an address that the system returned, or that you filled in. Returns 0. EINVAL:
 * size_bytes is too small or too large for the family. EAFNOSUPPORT: it is neither IPv4, IPv6 nor
 * UNIX. After an error *address is as before.
 */
BIDE_API BIDE_USE_RESULT int bide_address_from_sockaddr(bide_address *address,
                                                        const struct sockaddr *from,
                                                        size_t size_bytes);
/*
 * Returns the address as calls of the system take it, and stores its size in *size_bytes. It points
 * into *address. The size of "none" is 0.
 */
BIDE_API const struct sockaddr *bide_address_sockaddr(const bide_address *address,
                                                      size_t *size_bytes);

/* Returns AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC for "none". */
BIDE_API int bide_address_family(const bide_address *address);
/* Returns the port, 0 to 65535. It is 0 if the address has none. */
BIDE_API unsigned bide_address_port(const bide_address *address);
/*
 * Sets the port. Returns 0. Errors: EINVAL (misuse) if it is above 65535; EAFNOSUPPORT if the
 * address is neither IPv4 nor IPv6.
 */
BIDE_API int bide_address_set_port(bide_address *address, unsigned port);
/*
 * Returns true if the addresses have the same family, the same bytes or name, the same port and the
 * same interface. An IPv4 address is not equal to the IPv6 address that it is mapped to.
 */
BIDE_API bool bide_address_equal(const bide_address *a, const bide_address *b);

BIDE_END_DECLS
#endif
