/*
 * cancel_cell.c - see cancel_cell.h.
 */
#include "cancel/cancel_cell.h"

#include "base/assert.h"
#include "base/spin.h"
#include "memory/allocator.h"

typedef struct bide_cancel_cell_ cell;

enum { BLOCK = 64, CHUNK_CELLS = 100, LIFE_SHIFT = 48 };

typedef struct chunk {
	struct chunk *next;
	cell cells[CHUNK_CELLS];
} chunk;

static uint32_t cells_lock; /* of the two lists */
static chunk *chunks;
static cell *free_cells;
static uint64_t life; /* How often all cells were freed: the top of every number. Atomic. */

/* Called without the lock, because the allocator may be the user's. */
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

cell *bide_cancel_cell_new_(struct bide_cancel_core *core)
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
		BIDE_ASSERT_(!taken->core);
		BIDE_ASSERT_(taken->number + 1 - taken->block < BLOCK);
		/* Old tokens read both. This order pairs with bide_cancel_cell_core_. */
		BIDE_STORE(&taken->number, taken->number + 1, RELAXED);
		BIDE_STORE(&taken->core, core, RELEASE);
	}
	return taken;
}

void bide_cancel_cell_clear_(cell *cleared)
{
	BIDE_STORE(&cleared->core, NULL, RELAXED);
}

void bide_cancel_cell_recycle_(cell *recycled)
{
	BIDE_ASSERT_(!recycled->core);
	BIDE_ASSERT_(recycled->number - recycled->block < BLOCK);
	if (recycled->number % BLOCK == BLOCK - 1) {
		if (BIDE_LOAD(&recycled->canceled, RELAXED))
			return; /* It is kept for the tokens. */
		/* Stored before a bit of the new block: pairs with bide_cancel_cell_is_canceled_. */
		BIDE_STORE(&recycled->block, recycled->number + 1, RELEASE);
	}
	bide_spin_lock_(&cells_lock);
	recycled->next = free_cells;
	free_cells = recycled;
	bide_spin_unlock_(&cells_lock);
}

/* Returns false for a number from before a shutdown, whose cell was freed. */
static bool is_of_this_life(uint64_t number)
{
	return number >> LIFE_SHIFT == (BIDE_LOAD(&life, RELAXED) & 0xFFFF);
}

struct bide_cancel_core *bide_cancel_cell_core_(const cell *asked, uint64_t number)
{
	struct bide_cancel_core *core;

	if (!is_of_this_life(number))
		return NULL;
	/* Pairs with bide_cancel_cell_new_: the number is the one of this core, or a later one. */
	core = BIDE_LOAD(&asked->core, ACQUIRE);
	return BIDE_LOAD(&asked->number, RELAXED) == number ? core : NULL;
}

void bide_cancel_cell_mark_(cell *marked)
{
	BIDE_ASSERT_(marked->number - marked->block < BLOCK);
	/* Pairs with bide_cancel_cell_is_canceled_. */
	(void)BIDE_OR(&marked->canceled, (uint64_t)1 << marked->number % BLOCK, RELEASE);
}

bool bide_cancel_cell_is_canceled_(const cell *asked, uint64_t number)
{
	/* The block is read again after the bit, which may have been set in a later block. */
	return is_of_this_life(number) &&
	       BIDE_LOAD(&asked->block, RELAXED) == number - number % BLOCK &&
	       BIDE_LOAD(&asked->canceled, ACQUIRE) >> number % BLOCK & 1 &&
	       BIDE_LOAD(&asked->block, RELAXED) == number - number % BLOCK;
}

void bide_cancel_cells_free_(void)
{
	chunk *next;

	BIDE_ASSERT_IN_DEBUG_(bide_cancel_cells_are_valid_());
	for (; chunks; chunks = next) {
		next = chunks->next;
		bide_deallocate_(chunks, sizeof *chunks);
	}
	free_cells = NULL;
	BIDE_ADD(&life, 1, RELAXED); /* The shutdown is ordered before later uses of bide. */
}

void bide_cancel_cells_fork_(void)
{
	cells_lock = 0;
}

/* Called under the lock. `used` counts the numbers of its present block. */
static bool cell_is_valid(const cell *free)
{
	uint64_t used = free->number + 1 - free->block;

	BIDE_INVARIANT_(free->block % BLOCK == 0);
	BIDE_INVARIANT_(free->block >> LIFE_SHIFT == (life & 0xFFFF));
	BIDE_INVARIANT_(used < BLOCK);
	BIDE_INVARIANT_(free->canceled >> used == 0);
	BIDE_INVARIANT_(!free->core);
	return true;
}

static bool is_of_a_chunk(const cell *free)
{
	for (const chunk *c = chunks; c; c = c->next)
		if ((uintptr_t)free - (uintptr_t)c->cells < sizeof c->cells)
			return ((uintptr_t)free - (uintptr_t)c->cells) % sizeof *free == 0;
	return false;
}

static bool cells_are_valid(void)
{
	uint64_t left = 0; /* As many more cells may be free; with one more the list is a circle. */

	for (const chunk *c = chunks; c; c = c->next)
		left += CHUNK_CELLS;
	for (const cell *free = free_cells; free; free = free->next) {
		BIDE_INVARIANT_(left > 0);
		BIDE_INVARIANT_(is_of_a_chunk(free));
		if (!cell_is_valid(free))
			return false;
		left--;
	}
	return true;
}

bool bide_cancel_cells_are_valid_(void)
{
	bool valid;

	bide_spin_lock_(&cells_lock);
	valid = cells_are_valid();
	bide_spin_unlock_(&cells_lock);
	return valid;
}
