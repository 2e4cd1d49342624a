/*
 * names.c - the names of hosts: for the functions of the program, and for bide_resolve.
 */
#include <errno.h>
#include <string.h>

#include "base/misuse.h"
#include "simulated_net/parts.h"

enum { NAME_BYTES_MAX = 255 };

/* Returns 0; or reports misuse of `what`, if it is none because of memory, and the error. */
static int begin(const char *name, const char *what)
{
	int error = bide_net_begin_();

	if (error == ENOTSUP)
		bide_misuse_("%s: there is a network only in a simulation, on its thread; bide_configure "
		             "with virtual_clock starts one",
		             what);
	else if (!error && !name)
		bide_misuse_("%s: the name of a host is NULL", what);
	if (!error && !name)
		error = EINVAL;
	return error;
}

int bide_net_host_named_(bide_net_host **host, const char *name, const char *what)
{
	int error = begin(name, what);

	if (error)
		return error;
	*host = bide_net_host_find_(name);
	if (*host)
		return 0;
	bide_misuse_("%s: there is no host \"%.64s\"; bide_simulated_host_add adds one", what, name);
	return ENOENT;
}

int bide_net_host_ip_(const char *name, uint32_t *ip, const char *what)
{
	bide_net_host *host;
	int error = bide_net_host_named_(&host, name, what);

	if (!error)
		*ip = host->ip;
	return error;
}

int bide_net_resolve_(const char *name, uint32_t *ip)
{
	const bide_net_host *host;

	if (strcmp(name, "localhost") == 0) {
		*ip = BIDE_NET_LOCALHOST_;
		return 0;
	}
	if (bide_net_usable_())
		return ENOTSUP;
	host = bide_net_host_find_(name);
	if (!host)
		return ENOENT;
	*ip = host->ip;
	return 0;
}

/* --- the public functions --- */

int bide_simulated_host_add(const char *name)
{
	int error = begin(name, "bide_simulated_host_add");

	if (error)
		return error;
	if (!*name || strnlen(name, NAME_BYTES_MAX + 1) > NAME_BYTES_MAX) {
		bide_misuse_("bide_simulated_host_add: the name is empty or has more than %d bytes",
		             NAME_BYTES_MAX);
		return EINVAL;
	}
	if (bide_net_host_find_(name))
		return EEXIST;
	return bide_net_host_new_(name) ? 0 : ENOMEM;
}

bide_context *bide_simulated_host_context_(const char *name, uintptr_t *error)
{
	bide_context *context = NULL;
	bide_net_host *host;

	*error = (uintptr_t)bide_net_host_named_(&host, name, "bide_on_host");
	if (!*error && host->is_down)
		*error = EHOSTDOWN;
	if (!*error && (context = bide_net_host_context_(host)) == NULL)
		*error = ENOMEM;
	return context;
}
