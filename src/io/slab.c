/*
 * slab.c - see slab.h.
 *
 * The lists are linked both ways, because debug mode takes the oldest object and every other mode
 * the newest.
 */
#include "io/slab.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/settings.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "runtime/at_end.h"

typedef bide_slab_link free_object;

typedef struct bide_slab_chunk {
	struct bide_slab_chunk *next;
	size_t size_bytes;
} bide_slab_chunk;

enum { CHUNK_BYTES = 16384, ALIGNMENT = 64 };

static bide_slab *all_slabs; /* under all_lock */
static uint32_t all_lock;

static void push(bide_slab *slab, char *given)
{
	free_object *object = (free_object *)(void *)(given + slab->link_bytes);
	free_object *newest = slab->newest;

	object->older = newest;
	object->newer = NULL;
	if (newest)
		newest->newer = object;
	else
		slab->oldest = object;
	slab->newest = object;
}

static free_object *pop(bide_slab *slab)
{
	free_object *object = bide_debug_ ? slab->oldest : slab->newest;

	if (!object)
		return NULL;
	*(object->newer ? (void **)&object->newer->older : &slab->newest) = object->older;
	*(object->older ? (void **)&object->older->newer : &slab->oldest) = object->newer;
	return object;
}

static void end_all(void);
static void fork_all(void);
static bide_at_end ends = { .end = end_all, .fork = fork_all };

static void list_slab(bide_slab *slab)
{
	bide_at_end_add_(&ends);
	bide_spin_lock_(&all_lock);
	if (!slab->is_listed) {
		slab->is_listed = true;
		slab->next = all_slabs;
		all_slabs = slab;
	}
	bide_spin_unlock_(&all_lock);
}

/* Adds a chunk of free objects. The memory comes from the allocator without a lock. */
static bool grow(bide_slab *slab)
{
	size_t size = CHUNK_BYTES;
	bide_slab_chunk *chunk;
	char *at, *end;

	while (size < ALIGNMENT + 4 * (size_t)slab->size_bytes)
		size *= 2;
	chunk = bide_allocate_(size, ALIGNMENT);
	if (!chunk)
		return false;
	if ((uintptr_t)chunk >> 48) { /* The key of an event has no room for such an address. */
		bide_deallocate_(chunk, size);
		return false;
	}
	__builtin_memset(chunk, 0, size);
	chunk->size_bytes = size;
	list_slab(slab);
	bide_spin_lock_(&slab->lock);
	chunk->next = slab->chunks;
	slab->chunks = chunk;
	end = (char *)chunk + size;
	for (at = (char *)chunk + ALIGNMENT; at + slab->size_bytes <= end; at += slab->size_bytes)
		push(slab, at);
	bide_spin_unlock_(&slab->lock);
	return true;
}

void *bide_slab_take_(bide_slab *slab)
{
	free_object *object;

	do {
		bide_spin_lock_(&slab->lock);
		object = pop(slab);
		if (object)
			slab->in_use++;
		bide_spin_unlock_(&slab->lock);
		if (object) {
			object->older = object->newer = NULL;
			return (char *)object - slab->link_bytes;
		}
	} while (grow(slab));
	return NULL;
}

void bide_slab_give_(bide_slab *slab, void *object)
{
	bide_spin_lock_(&slab->lock);
	BIDE_ASSERT_(slab->in_use > 0);
	slab->in_use--;
	push(slab, object);
	bide_spin_unlock_(&slab->lock);
}

/* Of types of the program's only: others belong to functions, which are reported themselves. */
static void report_open(bide_slab *slab)
{
	static const char prefix[] = "bide_";
	char line[128];
	size_t count = slab->in_use > slab->reported ? slab->in_use - slab->reported : 0;

	slab->reported = slab->in_use;
	if (count == 0 || !bide_debug_ || strncmp(slab->type, prefix, sizeof prefix - 1) != 0)
		return;
	snprintf(line, sizeof line, "%zu object%s of %s not closed", count, count == 1 ? "" : "s",
	         slab->type);
	bide_report_("leak", line);
}

static void end(bide_slab *slab)
{
	bide_slab_chunk *chunk, *next;

	report_open(slab);
	if (slab->in_use > 0) /* The program has not closed them: they stay, and may still be closed. */
		return;
	for (chunk = slab->chunks; chunk; chunk = next) {
		next = chunk->next;
		bide_deallocate_(chunk, chunk->size_bytes);
	}
	slab->chunks = NULL;
	slab->newest = slab->oldest = NULL;
}

static void end_all(void)
{
	for (bide_slab *slab = all_slabs; slab; slab = slab->next)
		end(slab);
}

static void fork_all(void)
{
	all_lock = 0;
	for (bide_slab *slab = all_slabs; slab; slab = slab->next) {
		bide_slab_chunk **end = &slab->parent_chunks;

		while (*end)
			end = &(*end)->next;
		*end = slab->chunks;
		slab->lock = 0;
		slab->in_use = slab->reported = 0;
		slab->newest = slab->oldest = NULL;
		slab->chunks = NULL;
	}
}

bool bide_slab_is_valid_(bide_slab *slab)
{
	size_t room = 0, count = 0;
	bool valid = true;

	bide_spin_lock_(&slab->lock);
	for (bide_slab_chunk *chunk = slab->chunks; chunk; chunk = chunk->next)
		room += (chunk->size_bytes - ALIGNMENT) / slab->size_bytes;
	for (free_object *o = slab->newest, *newer = NULL; o && valid; newer = o, o = o->older) {
		valid = o->newer == newer && ++count <= room;
		if (!o->older)
			valid = valid && slab->oldest == o;
	}
	valid = valid && count + slab->in_use == room;
	bide_spin_unlock_(&slab->lock);
	BIDE_INVARIANT_(valid);
	return true;
}
