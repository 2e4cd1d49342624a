/*
 * held.h - in debug mode, a table of the holds that hold something, or for which a wait is pending
 * (bide/hold.h): for a frame that ends with one of them, and for dumps, which say what holds a
 * mutex.
 *
 * The table has a fixed size, because an entry is made under the lock of an object. A hold that
 * finds no room is not noted, so a fault of it is not reported. A hold of an earlier life of the
 * runtime is not reported either.
 */
#ifndef BIDE_MEMORY_HELD_H
#define BIDE_MEMORY_HELD_H

#include "base/library.h"
#include "base/settings.h"

/* How many holds are in the table. Atomic. It is 0 without debug mode. */
extern BIDE_INTERNAL uint32_t bide_held_count_;

/*
 * The hold holds an object (its address and its kind), acquired by that call. If object is NULL, a
 * wait for one is pending. In debug mode.
 */
BIDE_INTERNAL BIDE_COLD void bide_held_add_(const bide_hold *hold, const char *kind,
                                            const void *object, const bide_place *place);
/* The hold holds nothing any more, and no wait for it is pending. */
BIDE_INTERNAL BIDE_COLD void bide_held_remove_slowly_(const bide_hold *hold);
static inline void bide_held_remove_(const bide_hold *hold)
{
	if (BIDE_UNLIKELY(BIDE_LOAD(&bide_held_count_, RELAXED) != 0))
		bide_held_remove_slowly_(hold);
}

/* The memory of an object ends: reports misuse if a hold in it is in the table. In debug mode. */
BIDE_INTERNAL BIDE_COLD void bide_held_check_slowly_(const bide_source *source, size_t size_bytes);
static inline void bide_held_check_(const bide_source *source, size_t size_bytes)
{
	if (BIDE_UNLIKELY(BIDE_LOAD(&bide_held_count_, RELAXED) != 0))
		bide_held_check_slowly_(source, size_bytes);
}

/*
 * Stores where those that hold the object acquired it, at most max_count of them. Returns how many
 * there are. For dumps, on any thread.
 */
BIDE_INTERNAL size_t bide_held_places_(const void *object, const bide_place **places,
                                       size_t max_count);
/* Empties the table, in the child of a fork. */
BIDE_INTERNAL void bide_held_fork_(void);

#endif
