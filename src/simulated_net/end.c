/*
 * end.c - an end of a connection: what arrives at it, and how it ends. See net.h.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/port.h"
#include "memory/allocator.h"
#include "simulated_net/parts.h"

static bool is_held(const bide_net_socket *s)
{
	return s->out && s->out->is_cut;
}

/* Frees the segments from there on. */
static void drop_segments(bide_net_segment *segment)
{
	bide_net_segment *next;

	for (; segment; segment = next) {
		next = segment->next;
		bide_deallocate_(segment, sizeof *segment + segment->size_bytes);
	}
}

/* What has not arrived never will. */
static void drop_pending(bide_net_socket *s)
{
	bide_net_segment **at = &s->first;

	s->last = NULL;
	for (; *at != s->pending; at = &(*at)->next)
		s->last = *at;
	*at = NULL;
	drop_segments(s->pending);
	s->pending = NULL;
}

/* --- what is under way --- */

bool bide_net_has_under_way_(const bide_net_socket *s)
{
	const bide_net_socket *other = s->other;

	if (s->state != BIDE_NET_CONNECTED_)
		return false;
	return other ? other->pending || other->fin_ns != BIDE_NET_NEVER_ : s->is_lost;
}

void bide_net_stall_(bide_net_socket *s)
{
	if (s->stalled_ns == BIDE_NET_NEVER_)
		s->stalled_ns = bide_port_now_();
	bide_net_rearm_(s);
}

void bide_net_send_reset_(bide_net_socket *to, int64_t arrives_ns)
{
	if (to->state == BIDE_NET_OVER_ || arrives_ns >= to->reset_ns)
		return;
	to->reset_ns = arrives_ns;
	bide_net_rearm_(to);
}

/* Sends what is lost once more. */
void bide_net_retry_(bide_net_socket *s)
{
	int64_t there_ns;

	if (is_held(s) || (s->is_lost && s->out->to->is_down)) {
		bide_net_stall_(s);
		return;
	}
	s->stalled_ns = BIDE_NET_NEVER_;
	if (s->is_lost) {
		there_ns = bide_time_add_(bide_port_now_(), bide_net_delay_(s->out));
		bide_net_send_reset_(s, bide_time_add_(there_ns, bide_net_delay_(s->out->back)));
	}
	bide_net_rearm_(s);
}

void bide_net_sent_in_vain_(bide_net_socket *s)
{
	s->is_lost = true;
	bide_net_retry_(s);
}

static void not_before(int64_t *at_ns, int64_t limit_ns)
{
	if (*at_ns < limit_ns) /* never stays never */
		*at_ns = limit_ns;
}

void bide_net_resume_(bide_net_socket *s)
{
	int64_t from_ns = bide_time_add_(bide_port_now_(), bide_net_delay_(s->out->back));

	for (bide_net_segment *segment = s->pending; segment; segment = segment->next)
		not_before(&segment->arrives_ns, from_ns);
	not_before(&s->fin_ns, from_ns);
	not_before(&s->reset_ns, from_ns);
	not_before(&s->ack_ns, from_ns);
	not_before(&s->handshake_ns, from_ns);
	if (s->other)
		not_before(&s->other->last_out_ns, from_ns);
	bide_net_retry_(s);
}

/* --- acknowledgements --- */

static void acknowledge(bide_net_socket *s)
{
	s->ack_bytes = s->owed_bytes;
	s->owed_bytes = 0;
	s->ack_ns = bide_time_add_(bide_port_now_(), bide_net_delay_(s->out->back));
}

void bide_net_owe_(bide_net_socket *s, size_t size_bytes)
{
	s->owed_bytes += size_bytes;
	if (s->ack_ns != BIDE_NET_NEVER_)
		return; /* the next one tells of it */
	acknowledge(s);
	bide_net_rearm_(s);
}

static void ack_arrives(bide_net_socket *s)
{
	s->ack_ns = BIDE_NET_NEVER_;
	s->unacked_bytes -= s->ack_bytes;
	if (s->owed_bytes > 0)
		acknowledge(s);
	if (!s->is_blocked)
		return;
	s->is_blocked = false;
	bide_net_tell_(s, EPOLLOUT);
}

/* --- arrivals --- */

static void bytes_arrive(bide_net_socket *s, int64_t now_ns)
{
	bool any = false;

	for (; s->pending && s->pending->arrives_ns <= now_ns; s->pending = s->pending->next) {
		s->ready_bytes += s->pending->size_bytes;
		any = true;
	}
	if (any)
		bide_net_tell_(s, EPOLLIN);
}

static void reset_arrives(bide_net_socket *s)
{
	int error = s->has_end ? EPIPE : ECONNRESET;

	bide_net_fail_(s, s->state == BIDE_NET_CONNECTING_ ? ECONNREFUSED : error);
}

void bide_net_arrive_(bide_net_socket *s, int64_t now_ns)
{
	if (!is_held(s)) {
		if (s->state == BIDE_NET_HALF_ && s->handshake_ns <= now_ns)
			bide_net_enter_queue_(s);
		bytes_arrive(s, now_ns);
		if (s->ack_ns <= now_ns)
			ack_arrives(s);
		if (s->fin_ns <= now_ns && !s->pending) {
			s->fin_ns = BIDE_NET_NEVER_;
			s->has_end = true;
			bide_net_tell_(s, EPOLLIN | EPOLLRDHUP);
		}
		if (s->reset_ns <= now_ns)
			reset_arrives(s);
	}
	if (s->paused_ns <= now_ns) {
		s->paused_ns = BIDE_NET_NEVER_;
		bide_net_tell_(s, EPOLLOUT);
	}
	if (s->stalled_ns != BIDE_NET_NEVER_ &&
	    bide_time_add_(s->stalled_ns, s->options.user_timeout_ns) <= now_ns)
		bide_net_fail_(s, ETIMEDOUT);
}

/* --- the end --- */

static void over(bide_net_socket *s, int error)
{
	s->state = BIDE_NET_OVER_;
	s->error = error;
	s->other = NULL;
	s->fin_ns = s->reset_ns = s->ack_ns = s->handshake_ns = BIDE_NET_NEVER_;
	s->retry_ns = s->syn_ns = s->stalled_ns = s->paused_ns = BIDE_NET_NEVER_;
	bide_net_tell_(s, EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP);
	bide_net_rearm_(s);
}

void bide_net_other_gone_(bide_net_socket *s)
{
	s->other = NULL;
	if (s->state == BIDE_NET_CONNECTING_)
		s->handshake_ns = BIDE_NET_NEVER_; /* its SYN may find another listener */
	bide_net_rearm_(s);
}

/* A HALF goes with the end that has begun the connection. */
static void free_half(bide_net_socket *half)
{
	bide_net_leave_queue_(half);
	bide_net_socket_free_(half);
}

void bide_net_fail_(bide_net_socket *s, int error)
{
	if (s->state == BIDE_NET_OVER_)
		return;
	if (s->state == BIDE_NET_CONNECTING_ && s->other && s->other->state == BIDE_NET_HALF_)
		free_half(s->other);
	else if (s->other)
		bide_net_other_gone_(s->other);
	drop_pending(s);
	over(s, error);
}

void bide_net_crash_(bide_net_socket *s)
{
	bide_net_socket *other = s->other;

	if (other && other->state == BIDE_NET_HALF_) {
		free_half(other);
	} else if (other) {
		bide_net_other_gone_(other);
		if (other->unacked_bytes > 0 || s->fin_ns != BIDE_NET_NEVER_)
			bide_net_sent_in_vain_(other);
	}
	if (s->listener) {
		free_half(s);
		return;
	}
	s->pending = s->first;
	s->ready_bytes = 0;
	drop_pending(s);
	s->is_crashed = true;
	over(s, EHOSTDOWN);
}

void bide_net_reset_(int number)
{
	bide_net_socket *s = bide_net_socket_(number), *other = s->other;

	if (s->state != BIDE_NET_CONNECTED_)
		return;
	if (other)
		bide_net_send_reset_(other, bide_net_arrival_(s->out, 0, &s->last_out_ns));
	bide_net_fail_(s, ECONNRESET);
}

int bide_net_shutdown_(int number)
{
	bide_net_socket *s = bide_net_socket_(number);

	if (s->state == BIDE_NET_OVER_)
		return EPIPE;
	if (s->state != BIDE_NET_CONNECTED_ || s->has_shut)
		return 0;
	s->has_shut = true;
	if (!s->other) {
		bide_net_sent_in_vain_(s);
		return 0;
	}
	s->other->fin_ns = bide_net_arrival_(s->out, 0, &s->last_out_ns);
	bide_net_rearm_(s->other);
	if (is_held(s))
		bide_net_stall_(s);
	return 0;
}

/* As Linux does: what was not read makes the end a RST, and so does what comes later. */
static void hang_up(bide_net_socket *s)
{
	bide_net_socket *other = s->other;
	int64_t arrives_ns;

	if (s->ready_bytes > 0 || !s->has_shut) {
		arrives_ns = bide_net_arrival_(s->out, 0, &s->last_out_ns);
		if (s->ready_bytes > 0)
			bide_net_send_reset_(other, arrives_ns);
		else
			other->fin_ns = arrives_ns;
	}
	if (s->pending)
		bide_net_send_reset_(other,
		                     bide_time_add_(s->pending->arrives_ns, bide_net_delay_(s->out)));
	bide_net_other_gone_(other);
}

/* A listener is gone: its connections that were not accepted are reset. */
static void drop_queue(bide_net_socket *listener)
{
	for (size_t i = 0; i < bide_net_.socket_places; i++) {
		bide_net_socket *s = bide_net_.sockets[i], *client = s ? s->other : NULL;

		if (!s || s->listener != listener)
			continue;
		if (client) {
			bide_net_send_reset_(client, bide_net_arrival_(s->out, 0, &s->last_out_ns));
			bide_net_other_gone_(client);
		}
		bide_net_leave_queue_(s);
		bide_net_socket_free_(s);
	}
}

void bide_net_close_(int number)
{
	bide_net_socket *s = bide_net_socket_(number);

	if (s->state == BIDE_NET_LISTENING_)
		drop_queue(s);
	else if (s->state == BIDE_NET_CONNECTING_ && s->other)
		free_half(s->other);
	else if (s->state == BIDE_NET_CONNECTED_ && s->other)
		hang_up(s);
	bide_net_socket_free_(s);
}
