/*
 * net.c - the network itself: its beginning with the first host, and its end with the runtime.
 */
#include <errno.h>

#include "memory/allocator.h"
#include "runtime/at_end.h"
#include "simulated_net/parts.h"

enum { FIRST_IP = 0x0A000001 /* 10.0.0.1 */ };

static void stop(void)
{
	for (bide_net_host *host = bide_net_.hosts; host; host = host->next) {
		bide_cancel_source_unref(host->life);
		host->life = NULL;
	}
}

static void free_paths(bide_net_host *host)
{
	bide_net_path *path;

	while ((path = host->paths) != NULL) {
		host->paths = path->next;
		bide_deallocate_(path, sizeof *path);
	}
}

/* The wheel has gone, and with it all timers. */
static void end(void)
{
	bide_net_host *host;

	for (size_t i = 0; i < bide_net_.socket_places; i++) {
		if (!bide_net_.sockets[i])
			continue;
		bide_net_.sockets[i]->timer.next = NULL;
		bide_net_socket_free_(bide_net_.sockets[i]);
	}
	if (bide_net_.sockets)
		bide_deallocate_(bide_net_.sockets, bide_net_.socket_places * sizeof(bide_net_socket *));
	while ((host = bide_net_.hosts) != NULL) {
		bide_net_.hosts = host->next;
		free_paths(host);
		bide_deallocate_(host, sizeof *host + __builtin_strlen(host->name) + 1);
	}
	bide_net_ = (bide_net){ 0 };
}

/* What there is belongs to the parent. */
static void in_child(void)
{
	bide_net_ = (bide_net){ 0 };
}

static bide_at_end ends = { .stop = stop, .end = end, .fork = in_child };

int bide_net_begin_(void)
{
	int error = bide_net_usable_();

	if (error || bide_net_.local)
		return error;
	bide_at_end_add_(&ends);
	bide_net_.next_ip = FIRST_IP;
	bide_net_.due = bide_net_due_;
	bide_net_.local = bide_net_host_new_("localhost");
	return bide_net_.local ? 0 : ENOMEM;
}
