/*
 * channel_waiter.c - what a waiter of a channel carries, and what a dump says of it.
 */
#include "sync/channel.h"

static size_t aligned(size_t bytes)
{
	return (bytes + 15) & ~(size_t)15;
}

bide_waiter_ *bide_channel_waiter_new_(const bide_channel *c, const bide_wait_kind_ *kind,
                                       size_t room, void *to)
{
	bide_channel_load_ *load;
	bide_waiter_ *w = bide_waiter_new_(kind, sizeof *load + room * c->element_bytes + 15);

	if (!w)
		return NULL;
	load = (bide_channel_load_ *)(void *)((char *)w + aligned(w->head_bytes));
	load->created = c->created;
	load->dropped = c->dropped;
	load->argument = c->argument;
	load->to = to;
	load->element_bytes = c->element_bytes;
	load->room = (uint32_t)room;
	w->link.wants.to = load;
	return w;
}

/*
 * The list that the waiter is in lies in its channel, which may be gone. So the waiter itself holds
 * where that was made.
 */
static void describe(const bide_waiter_ *copy, const char *what, char *to, size_t size_bytes)
{
	uintptr_t list = copy->link.queue & ~(uintptr_t)BIDE_LINK_TAGS_;
	uintptr_t number = (copy->link.queue & BIDE_LINK_TAGS_) / BIDE_LIST_;
	uintptr_t lists = list - number * sizeof(bide_wait_queue_);
	const bide_channel_load_ *load = NULL;

	if (bide_waiter_copied_extra_(copy) && copy->link.wants.to)
		load = (const bide_channel_load_ *)(const void *)((const char *)(const void *)copy +
		                                                  aligned(copy->head_bytes));
	bide_waiter_describe_(what, list ? (const void *)(lists - offsetof(bide_channel, lists)) : NULL,
	                      load ? load->created : NULL, to, size_bytes);
}

void bide_channel_describe_read_(const void *copy, char *to, size_t size_bytes)
{
	describe(copy, "a read of channel", to, size_bytes);
}

void bide_channel_describe_write_(const void *copy, char *to, size_t size_bytes)
{
	describe(copy, "a write to channel", to, size_bytes);
}

void bide_channel_describe_closed_(const void *copy, char *to, size_t size_bytes)
{
	describe(copy, "the close of channel", to, size_bytes);
}
