/*
 * held.c - see held.h. Buckets by the page of the hold's address, so that those in the memory of a
 * frame are found in a few buckets.
 */
#include "memory/held.h"

#include "base/misuse.h"
#include "base/spin.h"
#include "base/text.h"

enum { ENTRIES = 4096, BUCKETS = 512, PAGE_SHIFT = 12 };

typedef struct held {
	struct held *next;
	const bide_hold *hold;
	const char *kind;
	const void *object;
	const bide_place *place; /* may be NULL */
	uint32_t life;
} held;

uint32_t bide_held_count_;

/* Under the lock. */
static uint32_t lock;
static held entries[ENTRIES], *buckets[BUCKETS], *unused;
static size_t made;

static held **bucket_of(uintptr_t page)
{
	return &buckets[page % BUCKETS];
}

static held *entry_new(void)
{
	held *entry = unused;

	if (entry)
		unused = entry->next;
	else if (made < ENTRIES)
		entry = &entries[made++];
	return entry;
}

/* Takes the entry out to which *at points. */
static void entry_drop(held **at)
{
	held *entry = *at;

	*at = entry->next;
	entry->next = unused;
	unused = entry;
	BIDE_STORE(&bide_held_count_, bide_held_count_ - 1, RELAXED);
}

void bide_held_add_(const bide_hold *hold, const char *kind, const void *object,
                    const bide_place *place)
{
	held **bucket = bucket_of((uintptr_t)hold >> PAGE_SHIFT), *entry;

	bide_spin_lock_(&lock);
	entry = entry_new();
	if (entry) {
		*entry = (held){ *bucket, hold, kind, object, place, bide_life_ };
		*bucket = entry;
		BIDE_STORE(&bide_held_count_, bide_held_count_ + 1, RELAXED);
	}
	bide_spin_unlock_(&lock);
}

void bide_held_remove_slowly_(const bide_hold *hold)
{
	bide_spin_lock_(&lock);
	for (held **at = bucket_of((uintptr_t)hold >> PAGE_SHIFT); *at; at = &(*at)->next)
		if ((*at)->hold == hold) {
			entry_drop(at);
			break;
		}
	bide_spin_unlock_(&lock);
}

/* Takes one entry out whose hold is in that memory. Returns false if there is none. */
static bool take_in(uintptr_t from, size_t size_bytes, held *found)
{
	uintptr_t first = from >> PAGE_SHIFT, last = (from + size_bytes - 1) >> PAGE_SHIFT;
	bool is_found = false;

	if (last - first >= BUCKETS)
		last = first + BUCKETS - 1;
	bide_spin_lock_(&lock);
	for (uintptr_t page = first; page <= last && !is_found; page++)
		for (held **at = bucket_of(page); *at; at = &(*at)->next)
			if ((uintptr_t)(*at)->hold - from < size_bytes) {
				*found = **at;
				entry_drop(at);
				is_found = true;
				break;
			}
	bide_spin_unlock_(&lock);
	return is_found;
}

void bide_held_check_slowly_(const bide_source *source, size_t size_bytes)
{
	const bide_frame *frame = (const bide_frame *)(const void *)source;
	char since[256];
	held found;

	if (!bide_kind_is_frame_(source->kind))
		return;
	while (take_in((uintptr_t)source, size_bytes, &found)) {
		if (found.life != bide_life_)
			continue;
		since[0] = '\0';
		if (found.place)
			bide_put_(since, sizeof since, ", since %s:%u in %.*s", found.place->file,
			          (unsigned)found.place->line, bide_name_length_(found.place->function),
			          found.place->function);
		bide_misuse_in_(frame, 0, "%s: the function ends, and its hold %s a %s%s",
		                frame->async->name, found.object ? "holds" : "waits for", found.kind,
		                since);
	}
}

size_t bide_held_places_(const void *object, const bide_place **places, size_t max_count)
{
	size_t count = 0;

	bide_spin_lock_(&lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (const held *entry = buckets[i]; entry; entry = entry->next)
			if (entry->object == object && entry->life == bide_life_) {
				if (count < max_count)
					places[count] = entry->place;
				count++;
			}
	bide_spin_unlock_(&lock);
	return count;
}

void bide_held_fork_(void)
{
	BIDE_STORE(&lock, 0u, RELAXED);
	for (size_t i = 0; i < BUCKETS; i++)
		buckets[i] = NULL;
	unused = NULL;
	made = 0;
	BIDE_STORE(&bide_held_count_, 0u, RELAXED);
}
