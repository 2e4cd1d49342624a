/*
 * transfer.c - sending and receiving bytes.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/port.h"
#include "memory/allocator.h"
#include "simulated_net/parts.h"

static ssize_t failed(int error)
{
	errno = error;
	return -1;
}

/* Returns the error of the connection, once; but that of a crash always. */
static int error_taken(bide_net_socket *s)
{
	int error = s->error;

	if (!s->is_crashed)
		s->error = 0;
	return error;
}

/* Returns how many bytes a call moves that could move so many, at least one. */
static size_t cut_short(const bide_net_path *path, size_t size_bytes, uint32_t per_million)
{
	size_t max = bide_net_link_(path)->call_bytes_max;

	if (max && size_bytes > max)
		size_bytes = max;
	if (size_bytes > 1 && bide_net_happens_(per_million))
		size_bytes = 1 + (size_t)bide_net_draw_(size_bytes - 1);
	return size_bytes;
}

static size_t size_of(const struct iovec *parts, size_t count)
{
	size_t size_bytes = 0;

	for (size_t i = 0; i < count; i++)
		size_bytes += parts[i].iov_len;
	return size_bytes;
}

/* --- receiving --- */

/* Copies size_bytes bytes of what is there. */
static void take(bide_net_socket *s, char *to, size_t size_bytes)
{
	s->ready_bytes -= size_bytes;
	while (size_bytes > 0) {
		bide_net_segment *segment = s->first;
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the bytes are there */
		size_t part = segment->size_bytes - segment->taken_bytes;

		if (part > size_bytes)
			part = size_bytes;
		memcpy(to, segment->data + segment->taken_bytes, part);
		to += part;
		size_bytes -= part;
		segment->taken_bytes += (uint32_t)part;
		if (segment->taken_bytes < segment->size_bytes)
			return;
		s->first = segment->next;
		if (!s->first)
			s->last = NULL;
		bide_deallocate_(segment, sizeof *segment + segment->size_bytes);
	}
}

ssize_t bide_net_receive_(int number, const struct iovec *parts, size_t count)
{
	bide_net_socket *s = bide_net_socket_(number);
	size_t wanted = size_of(parts, count), left;
	int error;

	if (s->ready_bytes == 0) {
		error = error_taken(s);
		if (error)
			return failed(error);
		return s->state == BIDE_NET_OVER_ || s->has_end ? 0 : failed(EAGAIN);
	}
	if (wanted > s->ready_bytes)
		wanted = s->ready_bytes;
	wanted = cut_short(s->out, wanted, bide_net_link_(s->out)->short_reads_per_million);
	left = wanted;
	for (size_t i = 0; left > 0; i++) {
		size_t part = parts[i].iov_len < left ? parts[i].iov_len : left;

		take(s, parts[i].iov_base, part);
		left -= part;
	}
	if (s->other)
		bide_net_owe_(s->other, wanted);
	return (ssize_t)wanted;
}

/* --- sending --- */

/* The next bytes of some parts. */
typedef struct source {
	const struct iovec *parts;
	size_t done_bytes; /* of the first one */
} source;

static void copy_out(source *from, char *to, size_t size_bytes)
{
	while (size_bytes > 0) {
		size_t part = from->parts->iov_len - from->done_bytes;

		if (part > size_bytes)
			part = size_bytes;
		if (part > 0)
			memcpy(to, (const char *)from->parts->iov_base + from->done_bytes, part);
		to += part;
		size_bytes -= part;
		from->done_bytes += part;
		if (from->done_bytes == from->parts->iov_len) {
			from->parts++;
			from->done_bytes = 0;
		}
	}
}

static void append(bide_net_socket *to, bide_net_segment *segment)
{
	*(to->last ? &to->last->next : &to->first) = segment;
	to->last = segment;
	if (!to->pending)
		to->pending = segment;
}

/* Sends segments. Returns how many bytes went: fewer where there is no memory. */
static size_t send_segments(bide_net_socket *s, source *from, size_t size_bytes)
{
	size_t sent = 0;

	while (sent < size_bytes) {
		size_t part = size_bytes - sent;
		bide_net_segment *segment;

		if (part > BIDE_NET_SEGMENT_BYTES_)
			part = BIDE_NET_SEGMENT_BYTES_;
		segment = bide_allocate_(sizeof *segment + part, _Alignof(bide_net_segment));
		if (!segment)
			break;
		*segment = (bide_net_segment){ .size_bytes = (uint32_t)part };
		copy_out(from, segment->data, part);
		segment->arrives_ns = bide_net_arrival_(s->out, part, &s->last_out_ns);
		append(s->other, segment);
		sent += part;
	}
	if (sent > 0) {
		bide_net_rearm_(s->other);
		if (s->out->is_cut)
			bide_net_stall_(s);
	}
	return sent;
}

/*
 * Both ends will be reset, and the bytes are lost. What is sent until then is lost, too: bytes that
 * follow must not arrive.
 */
static void lose_connection(bide_net_socket *s)
{
	bide_net_socket *other = s->other;

	if (other) {
		bide_net_send_reset_(other, bide_net_arrival_(s->out, 0, &s->last_out_ns));
		bide_net_other_gone_(other);
		bide_net_other_gone_(s);
	}
	bide_net_send_reset_(s, bide_time_add_(bide_port_now_(), bide_net_delay_(s->out->back)));
	s->is_lost = true;
	if (s->out->is_cut)
		bide_net_stall_(s);
}

static ssize_t send_now(bide_net_socket *s, const struct iovec *parts, size_t size_bytes)
{
	source from = { parts, 0 };

	if (bide_net_happens_(bide_net_link_(s->out)->resets_per_million)) {
		lose_connection(s);
	} else if (s->other) {
		size_bytes = send_segments(s, &from, size_bytes);
		if (size_bytes == 0)
			return failed(ENOMEM);
	} else {
		bide_net_sent_in_vain_(s);
	}
	s->unacked_bytes += size_bytes;
	return (ssize_t)size_bytes;
}

ssize_t bide_net_send_(int number, const struct iovec *parts, size_t count)
{
	bide_net_socket *s = bide_net_socket_(number);
	size_t wanted = size_of(parts, count), room;
	int error = error_taken(s);
	ssize_t sent;

	if (error)
		return failed(error);
	if (s->state != BIDE_NET_CONNECTED_ || s->has_shut)
		return failed(EPIPE);
	room = s->window_bytes > s->unacked_bytes ? s->window_bytes - s->unacked_bytes : 0;
	if (wanted == 0)
		return 0;
	if (room == 0 || s->paused_ns != BIDE_NET_NEVER_) {
		s->is_blocked = room == 0;
		return failed(EAGAIN);
	}
	if (room > wanted)
		room = wanted;
	room = cut_short(s->out, room, bide_net_link_(s->out)->short_writes_per_million);
	sent = send_now(s, parts, room);
	if (sent > 0 && (size_t)sent < wanted && s->unacked_bytes < s->window_bytes) {
		s->paused_ns = bide_time_add_(bide_port_now_(), BIDE_NET_PAUSE_NS_);
		bide_net_rearm_(s);
	}
	return sent;
}
