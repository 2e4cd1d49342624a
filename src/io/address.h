/*
 * address.h - addresses inside the library. bide/address.h has what users see.
 *
 * The bytes of an address are read and written by memcpy, because a program may look at them
 * through the structures of the system.
 */
#ifndef BIDE_IO_ADDRESS_H
#define BIDE_IO_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/library.h"

/* Where the path of a sockaddr_un begins. */
enum { BIDE_UNIX_PATH_AT_ = offsetof(struct sockaddr_un, sun_path) };
/* The longest path or abstract name that a text may have. */
enum { BIDE_UNIX_NAME_MAX_ = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 };

BIDE_INTERNAL void bide_address_set_v4_(bide_address *address, const unsigned char bytes[4],
                                        unsigned port);
BIDE_INTERNAL void bide_address_set_v6_(bide_address *address, const unsigned char bytes[16],
                                        unsigned port, uint32_t scope);
/*
 * Stores the address of a UNIX socket. A name that begins with '@' is abstract. The length is at
 * most BIDE_UNIX_NAME_MAX_, without the '@'.
 */
BIDE_INTERNAL void bide_address_set_unix_(bide_address *address, const char *name, size_t length);
/*
 * Stores what a user calls a UNIX socket: a path, or "@name". Returns 0; EINVAL: nothing;
 * ENAMETOOLONG.
 */
BIDE_INTERNAL int bide_address_from_path_(bide_address *address, const char *path);

/*
 * Stores the IPv4 or IPv6 address of a host that is written as numbers, without brackets and
 * without a port. Returns 0; EINVAL if the text is none; ENODEV if its interface does not exist.
 */
BIDE_INTERNAL int bide_address_parse_host_(bide_address *address, const char *host);

static inline socklen_t bide_address_size_(const bide_address *address)
{
	return (socklen_t)address->size_bytes_;
}

static inline const struct sockaddr *bide_address_of_(const bide_address *address)
{
	return (const struct sockaddr *)(const void *)address->sockaddr_;
}

#endif
