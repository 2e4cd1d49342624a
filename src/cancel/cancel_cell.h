/*
 * cancel_cell.h - what tokens point at: it says for ever which of the sources that used it have
 * been canceled.
 *
 * Tokens are copied at will and own nothing, so nothing tells when the last one goes. A source
 * takes a cell and a number; cells are never given back before the runtime ends. The numbers of a
 * cell come in blocks of 64, with one bit each: canceled. A block of which none was canceled is
 * followed by the next: tokens with its numbers find another block, which means not canceled. A
 * block of which one was canceled keeps its cell: 40 bytes for 64 sources. The top 16 bits of a
 * number count the shutdowns before it, so that a token from before a shutdown does not look at its
 * cell.
 */
#ifndef BIDE_CORE_CANCEL_CELL_H
#define BIDE_CORE_CANCEL_CELL_H

#include "base/everything.h"

struct bide_cancel_cell_ {
	uint64_t block;                 /* the first number of the block; atomic */
	uint64_t canceled;              /* a bit for each number of the block; atomic */
	uint64_t number;                /* the newest that was given out */
	bide_cancel_source *source;     /* whose number that is; NULL: it is gone */
	struct bide_cancel_cell_ *next; /* free ones */
};

/* For a new source, with a number of its own. NULL: no memory. */
BIDE_INTERNAL struct bide_cancel_cell_ *bide_cancel_cell_new_(bide_cancel_source *source);
/* The source, which is in it no more, is gone. */
BIDE_INTERNAL void bide_cancel_cell_end_(struct bide_cancel_cell_ *cell);
/*
 * The source with this number; NULL: it is gone. Any thread. What is returned lives on as long as
 * the caller keeps it from ending.
 */
BIDE_INTERNAL bide_cancel_source *bide_cancel_cell_source_(const struct bide_cancel_cell_ *cell,
                                                           uint64_t number);
/* The source of the newest number is canceled. */
BIDE_INTERNAL void bide_cancel_cell_mark_(struct bide_cancel_cell_ *cell);
/* Was, or is, the source with this number canceled? Any thread. */
BIDE_INTERNAL bool bide_cancel_cell_is_canceled_(const struct bide_cancel_cell_ *cell,
                                                 uint64_t number);
/* At shutdown. */
BIDE_INTERNAL void bide_cancel_cells_release_(void);
/* In the child of a fork: the lock may have been held. Both lists are whole at every moment. */
BIDE_INTERNAL void bide_cancel_cells_fork_(void);

#endif
