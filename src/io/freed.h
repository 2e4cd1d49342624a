/*
 * freed.h - the memory of the newest objects that the program has freed, which is kept for a while:
 * so a second free finds the mark of the first, and not memory of something else.
 *
 * It is for objects that are an allocation of their own. Those of slabs (slab.h) stay anyhow.
 */
#ifndef BIDE_IO_FREED_H
#define BIDE_IO_FREED_H

#include "base/library.h"

/*
 * Takes memory of the allocator, and frees it when some more have come, or in bide_shutdown. Until
 * then it keeps what it holds. Any thread.
 */
BIDE_INTERNAL void bide_freed_keep_(void *memory, size_t size_bytes);

#endif
