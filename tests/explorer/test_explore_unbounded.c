/*
 * Channels without a bound in all orders of writing, reading and closing, where their segments
 * begin and end: no element is lost, read twice or out of order, and all memory is given back.
 * Plain channels, whose calls have a shorter way, are here, too.
 */
#include "explore.h"

#include <string.h>

#include "sync/channel.h"

enum { BYTES = 256, PLACES = 15, ELEMENTS_MAX = 40 };

static struct {
	bide_channel *channel;
	bide_source *read;
	bide_value_task reader, writer;
	int64_t got[2]; /* what the reading thread has, or 0 */
	bool written[2];
	int64_t next; /* what setup writes next */
} w;

static bool write_number(int64_t number)
{
	char element[BYTES] = { 0 };

	memcpy(element, &number, sizeof number);
	return bide_channel_try_write_(w.channel, element, BYTES);
}

static int64_t read_number(void)
{
	char element[BYTES];
	int64_t number = 0;

	if (bide_channel_try_read(w.channel, element))
		memcpy(&number, element, sizeof number);
	return number;
}

/* Writes the numbers from 1 to `written`, and reads the first ones. */
static void setup(int64_t written, int64_t read)
{
	memset(&w, 0, sizeof w);
	w.channel = bide_channel_create(
		&(bide_channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED, .element_bytes = BYTES });
	EXPLORE_CHECK(bide_channel_segment_count_(w.channel) == PLACES);
	for (int64_t i = 1; i <= written; i++)
		EXPLORE_CHECK(write_number(i));
	for (int64_t i = 1; i <= read; i++)
		EXPLORE_CHECK(read_number() == i);
	w.next = written;
}

/* The only segment has one element, in its last place, so that a write needs another one. */
static void setup_last_place(void)
{
	setup(PLACES, PLACES - 1);
}

/* The first segment has one element, and the second one has one. */
static void setup_two_segments(void)
{
	setup(PLACES + 1, PLACES - 1);
}

static void setup_empty(void)
{
	setup(0, 0);
}

static void write_thread(void)
{
	w.written[0] = write_number(100);
}

static void other_write_thread(void)
{
	w.written[1] = write_number(200);
}

static void read_thread(void)
{
	w.got[0] = read_number();
	w.got[1] = read_number();
}

static void close_thread(void)
{
	EXPLORE_CHECK(bide_channel_close(w.channel, 0));
}

/* All numbers that were written, each once, those of setup first. */
static void check(void)
{
	int64_t all[ELEMENTS_MAX], number, count = 0, from = 0;
	bool seen[2] = { false, false };

	EXPLORE_CHECK(bide_channel_is_valid_(w.channel));
	for (int i = 0; i < 2; i++)
		if (w.got[i])
			all[count++] = w.got[i];
	while ((number = read_number()) != 0)
		all[count++] = number;
	for (int64_t i = 0; i < count; i++) {
		if (all[i] < 100) {
			EXPLORE_CHECK(!from || all[i] == from + 1);
			from = all[i];
			continue;
		}
		EXPLORE_CHECK(from == w.next || w.next == 0);
		EXPLORE_CHECK(!seen[all[i] / 100 - 1]);
		seen[all[i] / 100 - 1] = true;
	}
	EXPLORE_CHECK(from == w.next);
	EXPLORE_CHECK(seen[0] == w.written[0] && seen[1] == w.written[1]);
	EXPLORE_CHECK(bide_channel_count(w.channel) == 0);
	bide_channel_unref(w.channel);
}

/* --- plain channels: 8 bytes, no hook --- */

static void setup_plain(void)
{
	memset(&w, 0, sizeof w);
	w.channel = bide_channel_create(&(bide_channel_options){ .capacity = 1 });
	EXPLORE_CHECK(w.channel->is_plain);
}

static void write_plain(void)
{
	w.writer = bide_channel_write_(w.channel, &(int64_t){ 7 }, 8);
}

static void read_plain(void)
{
	w.reader = bide_channel_read(w.channel);
	if (w.reader.state > BIDE_ERROR_MAX) {
		w.read = (bide_source *)w.reader.state;
		explore_watch(w.read);
	}
}

/* A write that fails is one after the close; then the read has the end. */
static void check_plain(void)
{
	bide_value_task v = w.read ? bide_consume_(w.read, NULL) : w.reader;

	EXPLORE_CHECK(w.writer.state == 0 || w.writer.state == BIDE_EPIPE_);
	EXPLORE_CHECK(v.state == (w.writer.state ? (uintptr_t)BIDE_EEND : 0));
	EXPLORE_CHECK(v.state || v.payload.i == 7);
	EXPLORE_CHECK(bide_channel_count(w.channel) == 0 && bide_channel_is_valid_(w.channel));
	bide_channel_unref(w.channel);
}

#define UNBOUNDED(name_, setup_, threads_, ...) \
	SCENARIO(unbounded_##name_, setup_, THREADS threads_, check, .shared = true, __VA_ARGS__)

UNBOUNDED(write_that_grows_against_read, setup_last_place, (write_thread, read_thread),
          .external = 0)
UNBOUNDED(read_that_drains_against_write, setup_two_segments, (write_thread, read_thread),
          .external = 0)
UNBOUNDED(first_writes, setup_empty, (write_thread, other_write_thread), .external = 0)
UNBOUNDED(writes_that_grow, setup_last_place, (write_thread, other_write_thread), .external = 0)
UNBOUNDED(write_that_grows_against_close, setup_last_place, (write_thread, close_thread),
          .external = 0)
UNBOUNDED(read_that_drains_against_close, setup_two_segments, (read_thread, close_thread),
          .external = 0)
UNBOUNDED(write_read_close, setup_last_place, (write_thread, read_thread, close_thread),
          .newest_only = true, .switches_max = 3)

SCENARIO(plain_write_against_read, setup_plain, THREADS(write_plain, read_plain), check_plain,
         .shared = true)
SCENARIO(plain_write_read_close, setup_plain, THREADS(write_plain, read_plain, close_thread),
         check_plain, .shared = true, .newest_only = true)
