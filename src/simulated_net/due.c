/*
 * due.c - what the timer of a socket does.
 */
#include "base/port.h"
#include "runtime/simulation.h"
#include "simulated_net/parts.h"

void bide_net_due_(bide_observer *listener, bide_source *done)
{
	bide_net_socket *s = BIDE_CONTAINER_(listener, bide_net_socket, due);
	int64_t now_ns = bide_port_now_();
	uint32_t news;

	(void)done; /* the timer is a part of the socket */
	if (s->state == BIDE_NET_CONNECTING_)
		bide_net_handshake_(s, now_ns);
	bide_net_arrive_(s, now_ns);
	news = s->news;
	s->news = 0;
	bide_net_rearm_(s);
	bide_simulation_note_event_("socket", (uint64_t)s->number << 32 | news, now_ns);
	if (news && s->event)
		s->event(s->key, news); /* The socket may be gone when this returns. */
}
