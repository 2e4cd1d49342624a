/*
 * allocator.h - the allocator that the user may set, and memory that stays for a while.
 */
#ifndef BIDE_MEMORY_ALLOCATOR_H
#define BIDE_MEMORY_ALLOCATOR_H

#include "base/library.h"

BIDE_INTERNAL void *bide_allocate_(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_deallocate_(void *memory, size_t size_bytes);
/* For what the user refers to: in debug mode its memory stays for a while, but for 8 bytes. */
BIDE_INTERNAL void bide_retire_(void *memory, size_t size_bytes);
BIDE_INTERNAL void bide_retired_release_(void);
/*
 * At shutdown: memory in which something was in use. It counts as given back, and stays until much
 * more has come; of an allocator of the user's, whose memory may go with it, nothing stays.
 */
BIDE_INTERNAL void bide_keep_(void *memory, size_t size_bytes);

/*
 * Before an init looks into memory of the user's, which may be uninitialised, whether the object is
 * there already: valgrind does not complain. What counts as there says its own address.
 */
BIDE_INTERNAL void bide_memory_known_(void *at, size_t size_bytes);

#endif
