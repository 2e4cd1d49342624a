/*
 * queue.c - the connections of a listener that were not accepted.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/assert.h"
#include "simulated_net/parts.h"

void bide_net_enter_queue_(bide_net_socket *s)
{
	bide_net_socket *listener = s->listener;

	BIDE_ASSERT_(s->state == BIDE_NET_HALF_ && listener);
	s->state = BIDE_NET_CONNECTED_;
	s->handshake_ns = BIDE_NET_NEVER_;
	s->next_in_queue = NULL;
	*listener->queue_end = s;
	listener->queue_end = &s->next_in_queue;
	bide_net_tell_(listener, EPOLLIN);
}

void bide_net_leave_queue_(bide_net_socket *s)
{
	bide_net_socket *listener = s->listener, **at;

	if (!listener)
		return;
	for (at = &listener->queue; *at && *at != s; at = &(*at)->next_in_queue)
		;
	if (*at) {
		*at = s->next_in_queue;
		if (listener->queue_end == &s->next_in_queue)
			listener->queue_end = at;
	}
	listener->queue_count--;
	s->listener = NULL;
}

int bide_net_accept_(int number, int *accepted)
{
	bide_net_socket *listener = bide_net_socket_(number), *taken = listener->queue;

	if (listener->is_crashed)
		return EHOSTDOWN;
	if (!taken)
		return EAGAIN;
	bide_net_leave_queue_(taken);
	*accepted = taken->number;
	return 0;
}
