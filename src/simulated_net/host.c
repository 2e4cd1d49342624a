/*
 * host.c - hosts: their names and addresses, and which host a function runs on.
 *
 * A context below which functions run on a host has the host as its value for the key. Its token is
 * canceled by a crash.
 */
#include <string.h>

#include "memory/allocator.h"
#include "simulated_net/parts.h"

enum { FIRST_PORT = 32768 };

/* The key under which contexts have their host. */
static const char key;

bide_net_host *bide_net_host_new_(const char *name)
{
	size_t name_bytes = strlen(name) + 1;
	bide_net_host *host = bide_allocate_(sizeof *host + name_bytes, _Alignof(bide_net_host));

	if (!host)
		return NULL;
	memset(host, 0, sizeof *host);
	memcpy(host->name, name, name_bytes);
	host->ip = bide_net_.next_ip++;
	host->next_port = FIRST_PORT;
	host->next = bide_net_.hosts;
	bide_net_.hosts = host;
	return host;
}

bide_net_host *bide_net_host_current_(void)
{
	bide_net_host *host = bide_context_get(&key);

	return host ? host : bide_net_.local;
}

bide_net_host *bide_net_host_at_(bide_net_host *from, uint32_t ip)
{
	bide_net_host *host = bide_net_.hosts;

	if (ip >> 24 == BIDE_NET_LOCALHOST_ >> 24)
		return from;
	while (host && host->ip != ip)
		host = host->next;
	return host;
}

bide_net_host *bide_net_host_find_(const char *name)
{
	bide_net_host *host = bide_net_.hosts;

	while (host && strcmp(host->name, name) != 0)
		host = host->next;
	return host;
}

bide_context *bide_net_host_context_(bide_net_host *host)
{
	bide_context_options options = { .key = &key, .value = host };

	if (!host->life)
		host->life = bide_cancel_source_create();
	if (!host->life)
		return NULL;
	options.token = bide_cancel_source_token(host->life);
	return bide_context_create(&options);
}
