/*
 * races.c - the race detector, and memory that was given back.
 *
 * Each byte has a history of its last plain and atomic accesses by each thread. An access that does
 * not happen after a conflicting one is a race. So is an access to memory that was given back, and
 * giving memory back conflicts with every access.
 */
#include "engine.h"

#include <string.h>

static cell *cell_of(const void *at)
{
	const char *byte = at;
	cell *c;

	if (byte >= engine.arena && byte < engine.arena + ARENA_BYTES)
		c = &engine.arena_cells[byte - engine.arena];
	else if (byte >= __data_start && byte < _end)
		c = &engine.data_cells[byte - __data_start];
	else
		return NULL;
	if (c->execution != engine.execution) {
		memset(c, 0, sizeof *c);
		c->execution = engine.execution;
		c->writer = NOBODY;
	}
	return c;
}

static bool unordered(const uint16_t epochs[EXPLORE_THREADS])
{
	const logical *t = &engine.threads[engine.current];

	for (int i = 0; i < EXPLORE_THREADS; i++)
		if (i != engine.current && epochs[i] > t->clock.at[i])
			return true;
	return false;
}

void race_access(const void *at, size_t size_bytes, bool write, bool atomic, const char *what)
{
	logical *t = &engine.threads[engine.current];
	uint16_t now = t->clock.at[engine.current];
	const char *race = NULL;

	for (size_t i = 0; i < size_bytes; i++) {
		cell *c = cell_of((const char *)at + i);

		if (!c)
			return;
		if (c->freed)
			race = "touches memory that was given back";
		else if (c->writer != NOBODY && c->writer != engine.current &&
		         c->write > t->clock.at[c->writer])
			race = "races with a plain write";
		else if (write && unordered(c->read))
			race = "races with a plain read";
		else if (!atomic && unordered(c->atomic_write))
			race = "races with an atomic write";
		else if (!atomic && write && unordered(c->atomic_read))
			race = "races with an atomic read";
		if (race) {
			report_note("HERE", at, 0, 0, "");
			explore_fail("%s of %zu bytes %s", what, size_bytes, race);
		}
		if (!atomic && write) {
			c->writer = (uint8_t)engine.current;
			c->write = now;
		} else if (!atomic) {
			c->read[engine.current] = now;
		} else if (write) {
			c->atomic_write[engine.current] = now;
		} else {
			c->atomic_read[engine.current] = now;
		}
	}
}

static void set_freed(const void *at, size_t size_bytes, bool freed)
{
	for (size_t i = 0; i < size_bytes; i++) {
		cell *c = cell_of((const char *)at + i);

		if (c)
			c->freed = freed;
	}
}

/*
 * Freeing conflicts with every access that does not happen before it. What is freed after the
 * threads have ended needs no mark: the next execution begins without marks.
 */
void race_give_back(const void *at, size_t size_bytes)
{
	if (engine.ended)
		return;
	if (engine.running)
		race_access(at, size_bytes, true, false, "giving back");
	set_freed(at, size_bytes, true);
}

void explore_watch(const void *source)
{
	int i = 0;

	while (i < engine.watched_count && engine.watched[i].source != source)
		i++;
	if (i == WATCHED_MAX)
		explore_fail("too many watched");
	if (i == engine.watched_count)
		engine.watched_count++;
	else if (!engine.watched[i].is_free)
		return;
	engine.watched[i].source = source;
	engine.watched[i].size_bytes =
		bide_class_bytes_(bide_kind_class_(((const bide_source *)source)->kind));
	engine.watched[i].is_free = engine.watched[i].dirty = false;
}

unsigned explore_freed(const void *source)
{
	unsigned count = 0;

	for (int i = 0; i < engine.watched_count; i++)
		if (engine.watched[i].source == source)
			count += engine.watched[i].freed;
	return count;
}

/*
 * The generation of free pool memory is a link, whose upper bits are zero. It is never NULL,
 * because no pool is ever empty here.
 */
void race_flush_watched(void)
{
	engine.watched_dirty = false;
	for (int i = 0; i < engine.watched_count; i++) {
		const bide_source *source = engine.watched[i].source;

		if (!engine.watched[i].dirty)
			continue;
		engine.watched[i].dirty = false;
		if (source->generation >> 48 != 0 || source->generation == 0)
			continue; /* in use, or not given back completely */
		if (engine.watched[i].is_free)
			explore_fail("watched%d is given back twice", i);
		engine.watched[i].is_free = true;
		engine.watched[i].freed++;
		race_give_back(source, offsetof(bide_source, generation));
		race_give_back(&source->payload,
		               engine.watched[i].size_bytes - offsetof(bide_source, payload));
	}
}

/*
 * A token reads the generation of a source that may be gone. This is known and intended, though the
 * language calls it a race.
 */
bool race_is_token(const void *at, int order)
{
	for (int i = 0; i < engine.watched_count; i++)
		if (at == &engine.watched[i].source->generation)
			return order == __ATOMIC_RELAXED || order == __ATOMIC_RELEASE;
	return false;
}

static bool watched_access(const void *at, bool write)
{
	for (int i = 0; i < engine.watched_count; i++) {
		if (at != &engine.watched[i].source->generation)
			continue;
		if (write) {
			engine.watched[i].dirty = engine.watched_dirty = true;
		} else if (engine.watched[i].is_free) { /* taken from the pool again */
			engine.watched[i].is_free = false;
			set_freed(engine.watched[i].source, engine.watched[i].size_bytes, false);
		}
		return true;
	}
	return false;
}

void race_plain(const void *at, size_t size_bytes, bool write)
{
	if (!engine.running)
		return;
	if (engine.watched_dirty)
		race_flush_watched();
	if (engine.dirty_count)
		memory_flush_dirty();
	watched_access(at, write);
	race_access(at, size_bytes, write, false, write ? "a plain write" : "a plain read");
	if (!write)
		return;
	for (int i = 0; i < engine.place_count; i++)
		if ((const char *)engine.places[i].at < (const char *)at + size_bytes &&
		    (const char *)at < (const char *)engine.places[i].at + engine.places[i].size_bytes) {
			if (engine.dirty_count == 8)
				explore_fail("one write changes too many places");
			engine.dirty[engine.dirty_count++] = i;
		}
}
