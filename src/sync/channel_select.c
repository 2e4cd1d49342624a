/*
 * channel_select.c - channels as cases of a selection.
 *
 * A selection does not meet itself: it skips its own links on the other side of a channel.
 */
#include "sync/channel.h"

static const bide_wait_kind_ read_case = { .type = { .name = "bide_select",
	                                                 .describe = bide_channel_describe_read_ } };
static const bide_wait_kind_ write_case = { .type = { .name = "bide_select",
	                                                  .describe = bide_channel_describe_write_ } };

/*
 * Returns the first link of a list that is claimed together with the selection; or NULL: there is
 * none, or the selection is decided.
 */
static bide_wait_link_ *meet(bide_channel *c, unsigned list, bide_selection_ *s, uint32_t number,
                             bide_channel_turn_ *turn)
{
	bide_wait_queue_ *links = &c->lists[list];
	bide_wait_link_ *link, *next;

	for (link = links->first; link; link = next) {
		next = link->next;
		if (link->number > 0 && bide_selection_of_(link) == s)
			continue;
		switch (bide_selection_claim_two_(link, s, number)) {
		case BIDE_CLAIMED_:
			return link;
		case BIDE_CLAIM_SELF_GONE_:
			return NULL;
		default:
			bide_grant_(links, link, &turn->granted);
		}
	}
	return NULL;
}

/* The channel is closed: that is an outcome only if it was closed with an error. */
static bool closed(const bide_channel *c, bide_selection_ *s, uint32_t number)
{
	if (c->error == BIDE_EEND || !bide_selection_claim_self_(s, number))
		return false;
	bide_selection_outcome_(s, number, c->error);
	return true;
}

static void wait_in(bide_channel *c, unsigned list, bide_selection_ *s, uint32_t number,
                    bide_channel_load_ *load)
{
	if (bide_selection_is_decided_(s))
		return;
	s->cases[number - 1].link.wants.to = load;
	bide_selection_append_to_(c->lists, list, s, number,
	                          list == BIDE_CHANNEL_READERS_ ? &read_case : &write_case);
}

/* The selection has won, if it is claimed. */
static bool read_now(bide_channel *c, bide_selection_ *s, uint32_t number, bide_channel_load_ *load,
                     bide_channel_turn_ *turn)
{
	const bide_channel_load_ *from;
	bide_wait_link_ *writer;

	if (c->count > 0) {
		if (!bide_selection_claim_self_(s, number))
			return false;
		(void)bide_channel_take_(c, load->elements, 1, turn);
	} else {
		writer = meet(c, BIDE_CHANNEL_WRITERS_, s, number, turn);
		if (!writer)
			return false;
		from = writer->wants.from;
		__builtin_memcpy(load->elements, from->elements, c->element_bytes);
		bide_channel_grant_writer_(c, writer, 1, turn);
	}
	load->count = 1;
	bide_selection_outcome_(s, number, 0);
	return true;
}

bool bide_channel_select_read_(bide_channel *c, bide_selection_ *s, uint32_t number,
                               bide_channel_load_ *load)
{
	bide_channel_turn_ turn;
	bool claimed;

	bide_channel_turn_init_(&turn);
	bide_channel_lock_(c);
	claimed = read_now(c, s, number, load, &turn);
	if (!claimed && c->error && c->count == 0)
		claimed = closed(c, s, number);
	else if (!claimed)
		wait_in(c, BIDE_CHANNEL_READERS_, s, number, load);
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	return claimed;
}

/* The selection has won, if it is claimed. */
static bool write_now(bide_channel *c, bide_selection_ *s, uint32_t number,
                      const bide_channel_load_ *load, bide_channel_turn_ *turn)
{
	bide_wait_link_ *reader = meet(c, BIDE_CHANNEL_READERS_, s, number, turn);
	bool must_wait = c->full == BIDE_CHANNEL_WAIT || bide_channel_is_unbounded_(c);
	size_t written;

	if (reader) {
		(void)bide_channel_grant_reader_(c, reader, load->elements, 1, turn);
	} else {
		if ((bide_channel_room_(c) == 0 && must_wait) || !bide_selection_claim_self_(s, number))
			return false;
		written = bide_channel_put_(c, load->elements, 1, turn);
		BIDE_ASSERT_(written == 1);
		(void)written;
	}
	bide_selection_outcome_(s, number, 0);
	return true;
}

/* Returns 1 if it has claimed the selection, 0 if not, or BIDE_CHANNEL_MUST_GROW_. */
static int write_once(bide_channel *c, bide_selection_ *s, uint32_t number,
                      bide_channel_load_ *load)
{
	bide_channel_turn_ turn;
	int claimed;

	bide_channel_turn_init_(&turn);
	bide_channel_lock_(c);
	if (c->error) {
		claimed = closed(c, s, number);
	} else {
		claimed = write_now(c, s, number, load, &turn);
		if (!claimed && bide_channel_is_unbounded_(c) && !bide_selection_is_decided_(s))
			claimed = BIDE_CHANNEL_MUST_GROW_;
		else if (!claimed)
			wait_in(c, BIDE_CHANNEL_WRITERS_, s, number, load);
	}
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	return claimed;
}

bool bide_channel_select_write_(bide_channel *c, bide_selection_ *s, uint32_t number,
                                bide_channel_load_ *load)
{
	int claimed, error;

	while ((claimed = write_once(c, s, number, load)) == BIDE_CHANNEL_MUST_GROW_) {
		error = bide_channel_grow_(c);
		if (error && bide_selection_claim_self_(s, number)) {
			bide_selection_outcome_(s, number, error);
			return true;
		}
		if (error)
			return false;
	}
	return claimed;
}
