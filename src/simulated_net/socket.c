/*
 * socket.c - sockets: their memory and numbers, places on a host, their timer, and how they begin
 * and end.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/port.h"
#include "memory/allocator.h"
#include "simulated_net/parts.h"

enum { PLACES_MIN = 16, PORT_FIRST = 32768, PORT_LAST = 60999 };

static const int64_t user_timeout_default_ns = (int64_t)924 * 1000000000;

/* --- numbers --- */

/* Makes more places. Number 0 is never used. */
static bool grow(void)
{
	size_t places = bide_net_.socket_places, more = places ? 2 * places : PLACES_MIN;
	bide_net_socket **made = bide_allocate_(more * sizeof *made, _Alignof(bide_net_socket *));

	if (!made)
		return false;
	memset(made, 0, more * sizeof *made);
	if (places) {
		memcpy(made, bide_net_.sockets, places * sizeof *made);
		bide_deallocate_(bide_net_.sockets, places * sizeof *made);
	}
	bide_net_.sockets = made;
	bide_net_.socket_places = more;
	return true;
}

/* Returns the lowest number that is free, or 0. */
static size_t number_new(void)
{
	size_t number = bide_net_.first_free ? bide_net_.first_free : 1;

	while (number < bide_net_.socket_places && bide_net_.sockets[number])
		number++;
	if (number >= bide_net_.socket_places && !grow())
		return 0;
	bide_net_.first_free = number + 1;
	return number;
}

/* --- the timer --- */

/* Returns the time of what comes first. */
static int64_t first_of(const bide_net_socket *s)
{
	int64_t first_ns = s->news ? bide_port_now_() : BIDE_NET_NEVER_;
	bool is_held = s->out && s->out->is_cut;
	const int64_t arrivals[] = { s->pending ? s->pending->arrives_ns : BIDE_NET_NEVER_, s->fin_ns,
		                         s->reset_ns, s->ack_ns, s->handshake_ns };
	const int64_t others[] = { s->retry_ns, s->syn_ns, s->paused_ns,
		                       s->stalled_ns == BIDE_NET_NEVER_
		                           ? BIDE_NET_NEVER_
		                           : bide_time_add_(s->stalled_ns, s->options.user_timeout_ns) };

	for (unsigned i = 0; !is_held && i < sizeof arrivals / sizeof *arrivals; i++)
		first_ns = arrivals[i] < first_ns ? arrivals[i] : first_ns;
	for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
		first_ns = others[i] < first_ns ? others[i] : first_ns;
	return first_ns;
}

static bool is_armed(const bide_net_socket *socket)
{
	return socket->timer.next != NULL;
}

void bide_net_rearm_(bide_net_socket *s)
{
	int64_t first_ns = first_of(s);

	if (is_armed(s) && s->timer.source.payload.i == first_ns)
		return;
	if (is_armed(s))
		(void)bide_port_disarm_(&s->timer);
	if (first_ns == BIDE_NET_NEVER_)
		return;
	s->due.run = bide_net_.due;
	memset(&s->timer, 0, sizeof s->timer);
	s->timer.source.kind = BIDE_KIND_USER_; /* it is part of the socket: not released by itself */
	s->timer.source.word = (uintptr_t)&s->due | BIDE_WORD_LISTENER_;
	s->timer.source.payload.i = first_ns;
	bide_port_arm_(&s->timer);
}

void bide_net_tell_(bide_net_socket *socket, uint32_t events)
{
	if (!socket->event)
		return; /* bide_net_watch_ looks for itself */
	socket->news |= events;
	bide_net_rearm_(socket);
}

/* Returns the events of what is there. */
static uint32_t events_of(const bide_net_socket *s)
{
	uint32_t events = 0;

	if (s->state == BIDE_NET_OVER_)
		return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
	if (s->queue || s->ready_bytes > 0)
		events |= EPOLLIN;
	if (s->has_end)
		events |= EPOLLIN | EPOLLRDHUP;
	if (s->state == BIDE_NET_CONNECTED_ && s->unacked_bytes < s->window_bytes &&
	    s->paused_ns == BIDE_NET_NEVER_)
		events |= EPOLLOUT;
	return events;
}

void bide_net_watch_(int number, uint64_t key, bide_net_event *event)
{
	bide_net_socket *s = bide_net_socket_(number);

	s->key = key;
	s->event = event;
	bide_net_tell_(s, events_of(s));
}

/* --- their memory --- */

bide_net_socket *bide_net_socket_new_(bide_net_host *host, bide_net_state state,
                                      const bide_net_options *options)
{
	bide_net_socket *s = bide_allocate_(sizeof *s, _Alignof(bide_net_socket));
	size_t number = s ? number_new() : 0;

	if (!number) {
		if (s)
			bide_deallocate_(s, sizeof *s);
		return NULL;
	}
	memset(s, 0, sizeof *s);
	s->number = (int)number;
	s->state = state;
	s->host = host;
	s->options = *options;
	if (!s->options.user_timeout_ns)
		s->options.user_timeout_ns = user_timeout_default_ns;
	if (!s->options.send_buffer_bytes)
		s->options.send_buffer_bytes = BIDE_NET_BUFFER_BYTES_;
	if (!s->options.receive_buffer_bytes)
		s->options.receive_buffer_bytes = BIDE_NET_BUFFER_BYTES_;
	s->queue_end = &s->queue;
	s->fin_ns = s->reset_ns = s->ack_ns = s->handshake_ns = BIDE_NET_NEVER_;
	s->retry_ns = s->syn_ns = s->stalled_ns = s->paused_ns = BIDE_NET_NEVER_;
	bide_net_.sockets[number] = s;
	return s;
}

void bide_net_socket_free_(bide_net_socket *s)
{
	bide_net_segment *segment;

	if (is_armed(s))
		(void)bide_port_disarm_(&s->timer);
	while ((segment = s->first) != NULL) {
		s->first = segment->next;
		bide_deallocate_(segment, sizeof *segment + segment->size_bytes);
	}
	bide_net_.sockets[s->number] = NULL;
	if ((size_t)s->number < bide_net_.first_free)
		bide_net_.first_free = (size_t)s->number;
	bide_deallocate_(s, sizeof *s);
}

/* --- places --- */

static bool is_taken(const bide_net_host *host, bide_net_place place, bool listens)
{
	for (size_t i = 0; i < bide_net_.socket_places; i++) {
		const bide_net_socket *s = bide_net_.sockets[i];

		if (!s || s->host != host || s->local.port != place.port || s->is_crashed)
			continue;
		/* The port of a listener is free again while its connections go on. */
		if (listens ? s->state == BIDE_NET_LISTENING_ &&
		                  (!place.ip || !s->local.ip || s->local.ip == place.ip)
		            : true)
			return true;
	}
	return false;
}

int bide_net_bind_(bide_net_host *host, bide_net_place *place, bool listens)
{
	if (place->ip && bide_net_host_at_(host, place->ip) != host)
		return EADDRNOTAVAIL;
	if (place->port)
		return is_taken(host, *place, listens) ? EADDRINUSE : 0;
	for (unsigned tries = PORT_FIRST; tries <= PORT_LAST; tries++) {
		place->port = host->next_port;
		host->next_port =
			host->next_port == PORT_LAST ? (uint16_t)PORT_FIRST : (uint16_t)(host->next_port + 1);
		if (!is_taken(host, *place, false))
			return 0;
	}
	return listens ? EADDRINUSE : EADDRNOTAVAIL;
}

bide_net_socket *bide_net_listener_at_(const bide_net_host *host, bide_net_place at)
{
	for (size_t i = 0; i < bide_net_.socket_places; i++) {
		bide_net_socket *s = bide_net_.sockets[i];

		if (s && s->host == host && s->state == BIDE_NET_LISTENING_ && s->local.port == at.port &&
		    (!s->local.ip || s->local.ip == at.ip))
			return s;
	}
	return NULL;
}

int bide_net_address_(int number, bool of_peer, bide_net_place *place)
{
	const bide_net_socket *s = bide_net_socket_(number);

	if (of_peer && s->state != BIDE_NET_CONNECTED_)
		return ENOTCONN;
	*place = of_peer ? s->remote : s->local;
	return 0;
}

void bide_net_set_options_(int number, const bide_net_options *options)
{
	bide_net_socket *s = bide_net_socket_(number);

	if (options->user_timeout_ns)
		s->options.user_timeout_ns = options->user_timeout_ns;
	bide_net_rearm_(s);
}
