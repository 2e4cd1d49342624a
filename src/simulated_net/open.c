/*
 * open.c - how sockets begin: listeners, and ends that connect.
 */
#include <errno.h>

#include "simulated_net/parts.h"

int bide_net_listen_(int *number, bide_net_place at, const bide_net_options *options)
{
	bide_net_host *host;
	bide_net_socket *s;
	int error = bide_net_begin_();

	if (error)
		return error;
	host = bide_net_host_current_();
	error = host->is_down ? EHOSTDOWN : bide_net_bind_(host, &at, true);
	if (error)
		return error;
	s = bide_net_socket_new_(host, BIDE_NET_LISTENING_, options);
	if (!s)
		return ENOMEM;
	s->local = at;
	*number = s->number;
	return 0;
}

int bide_net_connect_(int *number, bide_net_place to, bide_net_place from,
                      const bide_net_options *options)
{
	bide_net_host *host, *target;
	bide_net_socket *s;
	int error = bide_net_begin_();

	if (error)
		return error;
	host = bide_net_host_current_();
	if (!to.ip)
		to.ip = BIDE_NET_LOCALHOST_;
	target = bide_net_host_at_(host, to.ip);
	if (host->is_down || !target)
		return target ? EHOSTDOWN : ENETUNREACH;
	error = bide_net_bind_(host, &from, false);
	if (error)
		return error;
	s = bide_net_socket_new_(host, BIDE_NET_CONNECTING_, options);
	if (!s)
		return ENOMEM;
	s->out = bide_net_path_(host, target);
	if (!s->out) {
		bide_net_socket_free_(s);
		return ENOMEM;
	}
	if (!from.ip)
		from.ip = to.ip >> 24 == BIDE_NET_LOCALHOST_ >> 24 ? BIDE_NET_LOCALHOST_ : host->ip;
	s->local = from;
	s->remote = to;
	bide_net_send_syn_(s);
	bide_net_rearm_(s);
	*number = s->number;
	return 0;
}
