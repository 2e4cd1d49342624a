/*
 * crash.c - the functions of the program that crash, restart and reset hosts.
 */
#include "simulated_net/parts.h"

int bide_simulated_host_crash(const char *name)
{
	bide_net_host *host;
	bide_cancel_source *life;
	int error = bide_net_host_named_(&host, name, "bide_simulated_host_crash");

	if (error || host->is_down)
		return error;
	host->is_down = true;
	for (size_t i = 0; i < bide_net_.socket_places; i++)
		if (bide_net_.sockets[i] && bide_net_.sockets[i]->host == host)
			bide_net_crash_(bide_net_.sockets[i]);
	life = host->life;
	host->life = NULL;
	if (life)
		(void)bide_cancel_source_cancel(life);
	bide_cancel_source_unref(life);
	return 0;
}

int bide_simulated_host_restart(const char *name)
{
	bide_net_host *host;
	int error = bide_net_host_named_(&host, name, "bide_simulated_host_restart");

	if (error || !host->is_down)
		return error;
	host->is_down = false;
	for (size_t i = 0; i < bide_net_.socket_places; i++) {
		bide_net_socket *socket = bide_net_.sockets[i];

		if (socket && socket->state == BIDE_NET_CONNECTED_ && socket->out->to == host &&
		    !socket->other)
			bide_net_retry_(socket);
	}
	return 0;
}

int bide_simulated_host_reset(const char *name)
{
	bide_net_host *host;
	int error = bide_net_host_named_(&host, name, "bide_simulated_host_reset");

	for (size_t i = 0; !error && i < bide_net_.socket_places; i++)
		if (bide_net_.sockets[i] && bide_net_.sockets[i]->host == host)
			bide_net_reset_((int)i);
	return error;
}
