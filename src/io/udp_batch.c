/*
 * udp_batch.c - datagrams received and sent, many by one system call.
 *
 * A short batch does not mean that nothing is left: only EAGAIN does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/misuse.h"
#include "io/address.h"
#include "io/udp.h"

enum {
	BATCH_MAX = 32,
	SENT_AT_ONCE_MAX = 1024 /* then others run first */
};

/* The messages of a batch, as the system takes them. */
typedef struct batch {
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
} batch;

static void set_message(batch *b, unsigned index, const bide_datagram *datagram, size_t size_bytes,
                        size_t control_bytes)
{
	struct msghdr *message = &b->messages[index].msg_hdr;

	memset(message, 0, sizeof *message);
	b->parts[index] = (struct iovec){ datagram->data, size_bytes };
	message->msg_iov = &b->parts[index];
	message->msg_iovlen = 1;
	if (datagram->control && control_bytes) {
		message->msg_control = datagram->control;
		message->msg_controllen = (__typeof__(message->msg_controllen))control_bytes;
	}
}

/* --- receiving --- */

static void store(bide_datagram *datagram, const struct mmsghdr *received)
{
	const struct msghdr *message = &received->msg_hdr;

	datagram->size_bytes = received->msg_len;
	datagram->address.size_bytes_ = message->msg_namelen <= sizeof datagram->address.sockaddr_
	                                    ? (uint32_t)message->msg_namelen
	                                    : 0;
	datagram->control_bytes = (size_t)message->msg_controllen;
	datagram->is_truncated = (message->msg_flags & MSG_TRUNC) != 0;
	datagram->is_control_truncated = (message->msg_flags & MSG_CTRUNC) != 0;
}

static int receive(bide_io *io)
{
	bide_datagram *datagrams = io->arguments.any.pointer;
	size_t count = io->arguments.any.size;
	batch b;
	int done;

	for (unsigned i = 0; i < count; i++) {
		set_message(&b, i, &datagrams[i], datagrams[i].room_bytes, datagrams[i].control_room_bytes);
		b.messages[i].msg_hdr.msg_name = datagrams[i].address.sockaddr_;
		b.messages[i].msg_hdr.msg_namelen = sizeof datagrams[i].address.sockaddr_;
	}
	do
		done = recvmmsg(io->handle->fd, b.messages, (unsigned)count,
		                MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EWOULDBLOCK ? EAGAIN : errno;
	for (int i = 0; i < done; i++)
		store(&datagrams[i], &b.messages[i]);
	io->operation.source.payload.i = done;
	return 0;
}

static const bide_io_kind receive_kind = { .type = BIDE_IO_TYPE_("bide_udp_receive"),
	                                       .object = "socket",
	                                       .side = BIDE_IO_IN_,
	                                       .attempt = receive };

/* --- sending --- */

/* Sends what is left, a batch at a time. The number is how many have gone. */
static int send_left(bide_io *io)
{
	const bide_datagram *datagrams = io->arguments.any.pointer;
	size_t count = io->arguments.any.size;
	uint64_t *gone = &io->arguments.any.number;
	batch b;
	uint64_t stop = *gone + SENT_AT_ONCE_MAX;
	int done = 0;

	while (*gone < count) {
		if (*gone >= stop) {
			io->is_later = true;
			return EAGAIN;
		}
		unsigned now = count - *gone < BATCH_MAX ? (unsigned)(count - *gone) : BATCH_MAX;

		for (unsigned i = 0; i < now; i++) {
			const bide_datagram *datagram = &datagrams[*gone + i];

			set_message(&b, i, datagram, datagram->size_bytes, datagram->control_bytes);
			b.messages[i].msg_hdr.msg_name = datagram->address.size_bytes_
			                                     ? (void *)(uintptr_t)datagram->address.sockaddr_
			                                     : NULL;
			b.messages[i].msg_hdr.msg_namelen = bide_address_size_(&datagram->address);
		}
		done = sendmmsg(io->handle->fd, b.messages, now, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done >= 0)
			*gone += (unsigned)done;
		else if (errno != EINTR)
			break;
	}
	if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return EAGAIN;
	if (done < 0 && *gone == 0)
		return errno;
	io->operation.source.payload.i = (int64_t)*gone;
	return 0;
}

static const bide_io_kind send_kind = { .type = BIDE_IO_TYPE_("bide_udp_send"),
	                                    .object = "socket",
	                                    .side = BIDE_IO_OUT_,
	                                    .attempt = send_left };

/* --- the calls --- */

static bide_value_task start(bide_udp *udp, const bide_io_kind *kind, bide_datagram *datagrams,
                             size_t count)
{
	int error = bide_udp_check_(udp, kind->type.name);

	if (error)
		return bide_value_task_from_error(error);
	if (!datagrams || count == 0) {
		bide_misuse_("%s: %s", kind->type.name, count ? "datagrams is NULL" : "count is 0");
		return bide_value_task_from_error(EINVAL);
	}
	return bide_io_start_(&udp->handle, kind,
	                      (bide_io_arguments){ .any = { datagrams, count, 0 } });
}

bide_value_task bide_udp_receive(bide_udp *udp, bide_datagram *datagrams, size_t count)
{
	return start(udp, &receive_kind, datagrams, count < BATCH_MAX ? count : BATCH_MAX);
}

bide_value_task bide_udp_send(bide_udp *udp, const bide_datagram *datagrams, size_t count)
{
	return start(udp, &send_kind, (bide_datagram *)(uintptr_t)datagrams, count);
}
