/*
 * cancel_cell.h - what tokens point at: a cell records for ever which of the sources that used it
 * have been canceled.
 *
 * Tokens are copied at will and own nothing, so the library does not know when the last copy of one
 * is gone. A source takes a cell and a number of its own. A cell is never freed before the runtime
 * ends, so a token may always read its cell.
 *
 * The numbers of a cell come in blocks of 64, and the cell has one bit for each number of its
 * present block: "canceled". When the numbers of a block are used up:
 *   - If none of its sources was canceled, the cell goes on with the next block. A token of the
 *     earlier block finds another block in the cell, which means "not canceled".
 *   - If one was canceled, the cell is kept for the tokens, and never used again. That costs 40
 *     bytes for 64 sources.
 * The top 16 bits of a number count the shutdowns before it, so that a token from before a shutdown
 * does not read its cell, whose memory is gone.
 *
 * Invariants: block % 64 == 0, and block - 1 <= number < block + 64. A cell is free, or has the
 * core of a source, or is kept; a free cell has no core.
 */
#ifndef BIDE_CANCEL_CANCEL_CELL_H
#define BIDE_CANCEL_CANCEL_CELL_H

#include "base/library.h"

struct bide_cancel_core;

struct bide_cancel_cell_ {
	uint64_t block;                 /* The first number of the present block. Atomic. */
	uint64_t canceled;              /* A bit for each number of the block. Atomic. */
	uint64_t number;                /* The newest number that a source has taken. Atomic. */
	struct bide_cancel_core *core;  /* Of the source with that number, until it ends. Atomic. */
	struct bide_cancel_cell_ *next; /* The next free cell. */
};

/* Takes a cell and a new number for a source. Returns NULL if there is no memory. */
BIDE_INTERNAL struct bide_cancel_cell_ *bide_cancel_cell_new_(struct bide_cancel_core *core);
/* The source ends: tokens do not find its core from now on. */
BIDE_INTERNAL void bide_cancel_cell_clear_(struct bide_cancel_cell_ *cell);
/* Makes a cleared cell free for another source, or keeps it for the tokens of this block. */
BIDE_INTERNAL void bide_cancel_cell_recycle_(struct bide_cancel_cell_ *cell);
/*
 * Returns the core of the source with this number, or NULL if the source has ended. Any thread. The
 * caller must keep the source from ending for as long as it uses the core.
 */
BIDE_INTERNAL struct bide_cancel_core *bide_cancel_cell_core_(const struct bide_cancel_cell_ *cell,
                                                              uint64_t number);
/* Records that the source with the newest number is canceled. */
BIDE_INTERNAL void bide_cancel_cell_mark_(struct bide_cancel_cell_ *cell);
/* Returns true if the source with this number is canceled, or was before it ended. Any thread. */
BIDE_INTERNAL bool bide_cancel_cell_is_canceled_(const struct bide_cancel_cell_ *cell,
                                                 uint64_t number);
/* Frees all cells, at shutdown. */
BIDE_INTERNAL void bide_cancel_cells_free_(void);
/*
 * Opens the lock in the child of a fork, where no thread gives it back. The lists are whole at
 * every moment.
 */
BIDE_INTERNAL void bide_cancel_cells_fork_(void);
/*
 * A walker: the free cells are cells of the chunks, and what the head of this file says of their
 * numbers is so. Takes the lock.
 */
BIDE_INTERNAL bool bide_cancel_cells_are_valid_(void);

#endif
