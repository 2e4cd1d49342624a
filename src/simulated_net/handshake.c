/*
 * handshake.c - how a connection comes to be: SYNs, which are repeated, and the answers to them.
 *
 * A SYN that meets a cut path or a host that is down is lost; so is one for which the queue of the
 * listener has no room. As Linux does, the client sends it again after 1, 2, 4, 8, 16 and 32 s, and
 * gives up 64 s later.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/port.h"
#include "simulated_net/parts.h"

enum { TRIES_MAX = 7 };

static const int64_t first_pause_ns = 1000000000;

void bide_net_send_syn_(bide_net_socket *s)
{
	int64_t now_ns = bide_port_now_();

	if (!s->out->is_cut)
		s->syn_ns = bide_time_add_(now_ns, bide_net_delay_(s->out));
	s->retry_ns = bide_time_add_(now_ns, first_pause_ns << s->tries);
	s->tries++;
}

int bide_net_connected_(int number)
{
	bide_net_socket *s = bide_net_socket_(number);

	if (s->state == BIDE_NET_CONNECTING_ || s->state == BIDE_NET_HALF_)
		return EAGAIN;
	return s->error;
}

/* --- the other host --- */

/* Makes the HALF of a connection. If there is no memory, the SYN is lost. */
static void answer(bide_net_socket *client, bide_net_socket *listener)
{
	bide_net_socket *half =
		bide_net_socket_new_(listener->host, BIDE_NET_HALF_, &listener->options);

	if (!half)
		return;
	half->out = client->out->back;
	half->local = client->remote;
	half->remote = client->local;
	half->other = client;
	half->listener = listener;
	half->window_bytes = half->options.send_buffer_bytes + client->options.receive_buffer_bytes;
	client->other = half;
	client->window_bytes = client->options.send_buffer_bytes + half->options.receive_buffer_bytes;
	listener->queue_count++;
	client->handshake_ns = bide_net_arrival_(half->out, 0, &half->last_out_ns);
}

static void refuse(bide_net_socket *client)
{
	client->is_refused = true;
	client->handshake_ns = bide_time_add_(bide_port_now_(), bide_net_delay_(client->out->back));
}

static void syn_arrives(bide_net_socket *client)
{
	bide_net_host *host = client->out->to;
	bide_net_socket *listener = bide_net_listener_at_(host, client->remote);

	client->syn_ns = BIDE_NET_NEVER_;
	/* What was answered already is not answered anew. */
	if (client->out->is_cut || host->is_down || client->other || client->is_refused)
		return;
	if (!listener || bide_net_happens_(bide_net_link_(client->out)->refusals_per_million))
		refuse(client);
	else if (listener->queue_count < listener->options.backlog)
		answer(client, listener);
}

static void answer_arrives(bide_net_socket *client)
{
	bide_net_socket *half = client->other;

	client->handshake_ns = client->retry_ns = client->syn_ns = BIDE_NET_NEVER_;
	if (!half) {
		bide_net_fail_(client, ECONNREFUSED);
		return;
	}
	client->state = BIDE_NET_CONNECTED_;
	half->handshake_ns = bide_net_arrival_(client->out, 0, &client->last_out_ns);
	bide_net_rearm_(half);
	bide_net_tell_(client, EPOLLOUT);
}

void bide_net_handshake_(bide_net_socket *s, int64_t now_ns)
{
	if (s->syn_ns <= now_ns)
		syn_arrives(s);
	if (s->handshake_ns <= now_ns && !s->out->is_cut) {
		answer_arrives(s);
		return;
	}
	if (s->retry_ns > now_ns)
		return;
	if (s->tries == TRIES_MAX)
		bide_net_fail_(s, ETIMEDOUT);
	else
		bide_net_send_syn_(s);
}
