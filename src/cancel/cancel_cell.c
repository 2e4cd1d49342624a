/*
 * cancel_cell.c - see cancel_cell.h.
 */
#include "cancel/cancel_cell.h"

typedef struct bide_cancel_cell_ cell;

enum { BLOCK = 64, CHUNK_CELLS = 100, LIFE_SHIFT = 48 };

typedef struct chunk {
	struct chunk *next;
	cell cells[CHUNK_CELLS];
} chunk;

static uint32_t cells_lock;
static chunk *chunks;
static cell *free_cells;
static uint64_t life; /* how often all cells were given back; the top of every number; atomic */

/* Without the lock: allocating calls out. */
static bool grow(void)
{
	chunk *c = bide_allocate_(sizeof *c, 16);
	uint64_t first = BIDE_LOAD(&life, RELAXED) << LIFE_SHIFT | BLOCK;

	if (!c)
		return false;
	for (int i = 0; i < CHUNK_CELLS; i++)
		c->cells[i] = (cell){ .block = first,
			                  .number = first - 1,
			                  .next = i + 1 < CHUNK_CELLS ? &c->cells[i + 1] : NULL };
	bide_spin_lock_(&cells_lock);
	c->next = chunks;
	chunks = c;
	c->cells[CHUNK_CELLS - 1].next = free_cells;
	free_cells = c->cells;
	bide_spin_unlock_(&cells_lock);
	return true;
}

cell *bide_cancel_cell_new_(bide_cancel_source *source)
{
	cell *taken;

	do {
		bide_spin_lock_(&cells_lock);
		taken = free_cells;
		if (taken)
			free_cells = taken->next;
		bide_spin_unlock_(&cells_lock);
	} while (!taken && grow());
	if (taken) {
		/* Read through old tokens. In this order: pairs with bide_cancel_cell_source_. */
		BIDE_STORE(&taken->number, taken->number + 1, RELAXED);
		BIDE_STORE(&taken->source, source, RELEASE);
	}
	return taken;
}

void bide_cancel_cell_end_(cell *given)
{
	if (given->number % BLOCK == BLOCK - 1) {
		if (BIDE_LOAD(&given->canceled, RELAXED))
			return; /* kept, for the tokens */
		/* Before a bit of the new block is set: pairs with bide_cancel_cell_is_canceled_. */
		BIDE_STORE(&given->block, given->number + 1, RELEASE);
	}
	bide_spin_lock_(&cells_lock);
	given->next = free_cells;
	free_cells = given;
	bide_spin_unlock_(&cells_lock);
}

/* The cell of a number from before a shutdown is gone. */
static bool is_of_this_life(uint64_t number)
{
	return number >> LIFE_SHIFT == (BIDE_LOAD(&life, RELAXED) & 0xFFFF);
}

bide_cancel_source *bide_cancel_cell_source_(const cell *asked, uint64_t number)
{
	bide_cancel_source *source;

	if (!is_of_this_life(number))
		return NULL;
	/* Pairs with bide_cancel_cell_new_: the number is that of this source, or a later one. */
	source = BIDE_LOAD(&asked->source, ACQUIRE);
	return BIDE_LOAD(&asked->number, RELAXED) == number ? source : NULL;
}

void bide_cancel_cell_mark_(cell *marked)
{
	/* pairs with bide_cancel_cell_is_canceled_ */
	(void)BIDE_OR(&marked->canceled, (uint64_t)1 << marked->number % BLOCK, RELEASE);
}

bool bide_cancel_cell_is_canceled_(const cell *asked, uint64_t number)
{
	/* Looked at again behind the bit: it may have been set for a number of a later block. */
	return is_of_this_life(number) &&
	       BIDE_LOAD(&asked->block, RELAXED) == number - number % BLOCK &&
	       BIDE_LOAD(&asked->canceled, ACQUIRE) >> number % BLOCK & 1 &&
	       BIDE_LOAD(&asked->block, RELAXED) == number - number % BLOCK;
}

void bide_cancel_cells_release_(void)
{
	chunk *next;

	for (; chunks; chunks = next) {
		next = chunks->next;
		bide_deallocate_(chunks, sizeof *chunks);
	}
	free_cells = NULL;
	BIDE_ADD(&life, 1, RELAXED); /* the shutdown is ordered before what uses bide afterwards */
}

void bide_cancel_cells_fork_(void)
{
	cells_lock = 0;
}
