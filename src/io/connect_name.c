/*
 * connect_name.c - connects to a host: looks it up, and tries its addresses by RFC 8305.
 *
 * The attempts are operations in one context. When one has won, or all is over, the context is
 * canceled, and the function waits until the others are closed.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "io/connect.h"
#include "io/opening.h"
#include "io/stream.h"
#include <bide/resolve.h>

static const int64_t attempt_delay_default_ns = 250000000;

enum { PENDING_MAX = 8 /* attempts at a time; the oldest ones have waited for 2 s then */ };

struct bide_tcp_connect {
	BIDE_ASYNC_FRAME;
	struct {
		bide_opening *opening;
	} in;
	bide_addresses *found;
	bide_context *attempts;
	bide_stream *winner, *late;
	int64_t index;
	uint32_t next[2]; /* where to look for the next address of IPv6 and of IPv4 */
	unsigned count;   /* of pending attempts */
	bool is_other;    /* the next address is of the family that the first one is not of */
	bool has_more, waits_on;
	int error;
	bide_value_task pending[PENDING_MAX];
};

static const bide_own_ bide_tcp_connect_own_ = { .name = "bide_tcp_connect" };

/* Returns true for errors that say more of this machine than of the peer. */
static bool is_local(int error)
{
	return error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT ||
	       error == EHOSTUNREACH || error == EINVAL;
}

static void note_error(struct bide_tcp_connect *my, int error)
{
	if (!my->error || (is_local(my->error) && !is_local(error)))
		my->error = error;
}

/*
 * Returns the next address of the first one's family, or of the other. Returns NULL if there is
 * none.
 */
static const bide_address *next_of(struct bide_tcp_connect *my, bool other)
{
	const bide_addresses *found = my->found;
	int first = bide_address_family(&found->at[0]);

	while (my->next[other] < found->count) {
		const bide_address *address = &found->at[my->next[other]++];

		if ((bide_address_family(address) != first) == other)
			return address;
	}
	return NULL;
}

/* Returns the next address, the families in turn. Returns NULL if all have been tried. */
static const bide_address *next_address(struct bide_tcp_connect *my)
{
	const bide_address *address = next_of(my, my->is_other);

	my->is_other = !my->is_other;
	return address ? address : next_of(my, my->is_other);
}

/* Starts attempts until one is pending that was not, or until there is no more address. */
static void start_attempt(struct bide_tcp_connect *my)
{
	const bide_socket_options *options = &my->in.opening->request->options;
	const bide_address *address = my->count < PENDING_MAX ? next_address(my) : NULL;

	my->has_more = address != NULL;
	if (address)
		my->pending[my->count++] =
			bide_in_context(my->attempts, bide_connect_tcp_(address, options));
}

static int64_t attempt_delay(const struct bide_tcp_connect *my)
{
	int64_t delay_ns = my->in.opening->request->options.tcp.attempt_delay_ns;

	if (!my->has_more || my->count == PENDING_MAX)
		return BIDE_FOREVER;
	return delay_ns ? delay_ns : attempt_delay_default_ns;
}

/* Takes an attempt out, and returns it. */
static bide_value_task take_attempt(struct bide_tcp_connect *my, unsigned index)
{
	bide_value_task taken = my->pending[index];

	my->pending[index] = my->pending[--my->count];
	return taken;
}

static void finish(struct bide_tcp_connect *my)
{
	bide_opening *opening = my->in.opening;

	bide_context_unref(my->attempts);
	bide_addresses_free(my->found);
	if (my->winner)
		my->error = 0;
	BIDE_ASSERT_(my->winner || my->error);
	bide_opening_end_(opening, my->winner, my->error);
}

bide_async(bide_tcp_connect)
{
	bide_async_begin;
	bide_await_or(my->found,
	              bide_resolve(my->in.opening->request->host, my->in.opening->request->service),
	              my->error = bide_await_error);
	if (!my->found)
		bide_async_return(0);
	my->attempts = bide_context_create(NULL);
	if (!my->attempts) {
		my->error = ENOMEM;
		bide_async_return(0);
	}
	for (start_attempt(my); my->count > 0 && !my->winner;) {
		my->waits_on = true;
		bide_await_or(my->index,
		              bide_with_timeout(attempt_delay(my), bide_when_any(my->pending, my->count)),
		              my->waits_on = false;
		              my->index = bide_await_error);
		if (!my->waits_on) {
			if (bide_context_current_error() || my->index != ETIMEDOUT) {
				my->error =
					bide_context_current_error() ? bide_context_current_error() : (int)my->index;
				break;
			}
			start_attempt(my);
			continue;
		}
		bide_await_or(my->winner, take_attempt(my, (unsigned)my->index),
		              note_error(my, bide_await_error));
		if (!my->winner)
			start_attempt(my);
	}
bide_async_finally:
	if (my->attempts)
		(void)bide_context_cancel(my->attempts, ECANCELED);
	while (my->count > 0) {
		my->late = NULL;
		bide_await_or(my->late, take_attempt(my, 0), (void)0);
		bide_stream_close(my->late);
	}
	finish(my);
	bide_async_end;
}

static bide_value_task begin(bide_opening *opening)
{
	return bide_async_start(bide_tcp_connect, .opening = opening);
}

static const bide_opening_kind connect_kind = {
	.type = { .name = "bide_tcp_connect",
	          .leave = bide_opening_leave_,
	          .unwanted = bide_stream_unwanted_ },
	.begin = begin,
};

static bide_value_task connect_name(const char *host, const char *service,
                                    const bide_tcp_options *options)
{
	if (!host || !service) {
		bide_misuse_("bide_tcp_connect: %s is NULL", host ? "service" : "host");
		return bide_value_task_from_error(EINVAL);
	}
	return bide_opening_start_named_(&connect_kind, host, service, options);
}

bide_stream_task bide_tcp_connect(const char *host, const char *service,
                                  const bide_tcp_options *options)
{
	return BIDE_TYPED(bide_stream_task, connect_name(host, service, options));
}
