/*
 * link.c - the functions of the program that change what is between hosts.
 */
#include <errno.h>

#include "base/misuse.h"
#include "simulated_net/parts.h"

static const char *what_is_wrong(const bide_simulated_link *link)
{
	if (link->delay_min_ns < 0 || link->delay_max_ns < 0)
		return "a delay is negative";
	if (link->short_reads_per_million > 1000000 || link->short_writes_per_million > 1000000 ||
	    link->resets_per_million > 1000000 || link->refusals_per_million > 1000000)
		return "a chance is above 1000000 in a million";
	return NULL;
}

static void set(bide_net_path *path, const bide_simulated_link *link)
{
	path->is_set = link != NULL;
	if (link)
		path->link = *link;
}

int bide_simulated_link_set(const char *host, const char *other, const bide_simulated_link *link)
{
	static const char what[] = "bide_simulated_link_set";
	const char *wrong = link ? what_is_wrong(link) : NULL;
	bide_net_host *from, *to;
	bide_net_path *path;
	int error;

	if (wrong) {
		bide_misuse_("%s: %s", what, wrong);
		return EINVAL;
	}
	error = bide_net_host_named_(&from, host ? host : "localhost", what);
	if (!error && (host || other))
		error = bide_net_host_named_(&to, other && host ? other : NULL, what);
	if (error)
		return error;
	if (!host) {
		bide_net_.link = link ? *link : (bide_simulated_link){ 0 };
		return 0;
	}
	path = bide_net_path_(from, to);
	if (!path)
		return ENOMEM;
	set(path, link);
	set(path->back, link);
	return 0;
}

static void cut(bide_net_path *path)
{
	if (path->is_cut)
		return;
	path->is_cut = path->back->is_cut = true;
	for (size_t i = 0; i < bide_net_.socket_places; i++) {
		bide_net_socket *socket = bide_net_.sockets[i];

		if (!socket || (socket->out != path && socket->out != path->back))
			continue;
		if (bide_net_has_under_way_(socket))
			bide_net_stall_(socket);
		bide_net_rearm_(socket);
	}
}

static void heal(bide_net_path *path)
{
	if (!path->is_cut)
		return;
	path->is_cut = path->back->is_cut = false;
	for (size_t i = 0; i < bide_net_.socket_places; i++) {
		bide_net_socket *socket = bide_net_.sockets[i];

		if (socket && (socket->out == path || socket->out == path->back))
			bide_net_resume_(socket);
	}
}

/* Does it for the path between two hosts, or between one and all others. */
static int change(const char *host, const char *other, void (*how)(bide_net_path *path),
                  const char *what)
{
	bide_net_host *from, *to = NULL;
	bide_net_path *path;
	int error = bide_net_host_named_(&from, host, what);

	if (!error && other)
		error = bide_net_host_named_(&to, other, what);
	if (error)
		return error;
	/* All of them first, so that it does nothing if there is no memory. */
	for (bide_net_host *each = bide_net_.hosts; each; each = each->next)
		if ((to ? each == to : each != from) && !bide_net_path_(from, each))
			return ENOMEM;
	for (bide_net_host *each = bide_net_.hosts; each; each = each->next) {
		if (to ? each != to : each == from)
			continue;
		path = bide_net_path_(from, each);
		if (path)
			how(path);
	}
	return 0;
}

int bide_simulated_link_cut(const char *host, const char *other)
{
	return change(host, other, cut, "bide_simulated_link_cut");
}

int bide_simulated_link_heal(const char *host, const char *other)
{
	return change(host, other, heal, "bide_simulated_link_heal");
}
