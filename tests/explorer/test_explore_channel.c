/*
 * Channels in all orders of writing, reading, canceling, closing and forgetting: no element is lost
 * or read twice, and each wait ends once.
 */
#include "explore.h"

#include <string.h>

#include "context/context.h"
#include "sync/channel.h"
#include "sync/select.h"

static struct {
	bide_channel *channel;
	bide_context *context;
	bide_value_task reader, writer;
	bide_source *read, *written; /* what the value tasks point at */
	int64_t got;
	uint32_t dropped;
	bool has_written, closed;
	bool forgotten; /* atomic; the forget has returned, and nothing else drops */
} w;

static void dropped(void *element, void *argument)
{
	(void)argument;
	EXPLORE_CHECK(*(int64_t *)element == 1);
	EXPLORE_CHECK(!BIDE_LOAD(&w.forgotten, RELAXED));
	(void)BIDE_ADD(&w.dropped, 1u, RELAXED);
}

static void setup(size_t capacity)
{
	memset(&w, 0, sizeof w);
	w.channel =
		bide_channel_create(&(bide_channel_options){ .capacity = capacity, .dropped = dropped });
	w.context = bide_context_create(NULL);
}

static bide_source *pending(bide_value_task v)
{
	EXPLORE_CHECK(v.state > BIDE_ERROR_MAX);
	explore_watch((void *)v.state);
	return (bide_source *)v.state;
}

static void read_in_context(void)
{
	uintptr_t saved = bide_context_push_(w.context);

	w.reader = bide_channel_read(w.channel);
	w.read = pending(w.reader);
	bide_context_pop_(saved);
}

static void write_in_context(int64_t element)
{
	uintptr_t saved = bide_context_push_(w.context);

	w.writer = bide_channel_write_(w.channel, &element, sizeof element);
	w.written = pending(w.writer);
	bide_context_pop_(saved);
}

static void setup_reader(void)
{
	setup(1);
	read_in_context();
}

/* The reader is a select of one read. */
static void setup_select(void)
{
	uintptr_t saved;
	bide_select_case one;

	setup(1);
	one = bide_select_read(w.channel, &w.got);
	saved = bide_context_push_(w.context);
	w.reader = bide_select(&one, 1);
	w.read = pending(w.reader);
	bide_context_pop_(saved);
}

static void setup_rendezvous_reader(void)
{
	setup(0);
	read_in_context();
}

/* A full channel whose writer waits. The first element is 1, the writer's 2. */
static void setup_writer(void)
{
	int64_t first = 1;

	setup(1);
	EXPLORE_CHECK(bide_channel_try_write_(w.channel, &first, sizeof first));
	write_in_context(2);
}

/* The writer's element is 1. */
static void setup_rendezvous_writer(void)
{
	setup(0);
	write_in_context(1);
}

static void write_thread(void)
{
	int64_t element = 1;

	w.has_written = bide_channel_try_write_(w.channel, &element, sizeof element);
}

static void read_thread(void)
{
	(void)bide_channel_try_read(w.channel, &w.got);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(w.context, BIDE_ECANCELED_);
}

static void close_thread(void)
{
	w.closed = bide_channel_close(w.channel, 0);
}

static void forget_thread(void)
{
	bide_value_task_forget(w.reader);
	BIDE_STORE(&w.forgotten, true, RELAXED);
	w.read = NULL;
}

/* The owner forgets its only wait, and drops the only reference. */
static void forget_and_unref_thread(void)
{
	forget_thread();
	BIDE_STORE(&w.forgotten, false, RELAXED);
	bide_channel_unref(w.channel);
	w.channel = NULL;
}

static void unref_thread(void)
{
	bide_channel_unref(w.channel);
	w.channel = NULL;
}

static void check_valid(void)
{
	if (w.channel) {
		EXPLORE_CHECK(bide_channel_is_valid_(w.channel));
		bide_channel_unref(w.channel);
	}
	bide_context_unref(w.context);
}

/* The element 1 is where the write says: with the reader, in the channel, or not written. */
static void check_reader(void)
{
	bide_value_task outcome = bide_consume_(w.read, NULL);
	size_t left = bide_channel_count(w.channel);
	int64_t more;

	if (outcome.state == 0)
		EXPLORE_CHECK(w.has_written && outcome.payload.i == 1 && left == 0);
	else
		EXPLORE_CHECK(left == (w.has_written ? 1 : 0));
	while (bide_channel_try_read(w.channel, &more))
		EXPLORE_CHECK(more == 1);
	check_valid();
}

/* In a rendezvous an element without a reader is not written. */
static void check_rendezvous_reader(void)
{
	bide_value_task outcome = bide_consume_(w.read, NULL);

	EXPLORE_CHECK((outcome.state == 0) == w.has_written);
	EXPLORE_CHECK(outcome.state == 0 || outcome.state == BIDE_ECANCELED_);
	check_valid();
}

static void check_writer(void)
{
	bide_value_task outcome = bide_consume_(w.written, NULL);
	int64_t more = 0;
	bool in;

	EXPLORE_CHECK(w.got == 1);
	in = bide_channel_try_read(w.channel, &more);
	EXPLORE_CHECK(in == (outcome.state == 0));
	EXPLORE_CHECK(!in || more == 2);
	check_valid();
}

static void check_rendezvous_writer(void)
{
	bide_value_task outcome = bide_consume_(w.written, NULL);

	EXPLORE_CHECK((outcome.state == 0) == (w.got == 1));
	check_valid();
}

/*
 * What was written is in the channel, or was handed to the read that was forgotten. That one was
 * dropped before the forget returned.
 */
static void check_forgotten(void)
{
	BIDE_STORE(&w.forgotten, false, RELAXED);
	if (w.channel)
		EXPLORE_CHECK(bide_channel_count(w.channel) + w.dropped == (w.has_written ? 1 : 0));
	check_valid();
}

static void check_gone(void)
{
	bide_value_task outcome = bide_consume_(w.read, NULL);

	EXPLORE_CHECK(outcome.state == BIDE_EBROKEN || outcome.state == BIDE_ECANCELED_);
	check_valid();
}

#define CHANNEL(name_, setup_, threads_, check_, ...) \
	SCENARIO(channel_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

CHANNEL(write_against_canceled_read, setup_reader, (write_thread, cancel_thread), check_reader,
        .external = 0)
CHANNEL(write_against_close, setup_reader, (write_thread, close_thread), check_reader,
        .external = 0)
CHANNEL(write_close_cancel, setup_reader, (write_thread, close_thread, cancel_thread), check_reader,
        .newest_only = true, .switches_max = 3)
CHANNEL(read_of_a_full_one_against_canceled_writer, setup_writer, (read_thread, cancel_thread),
        check_writer, .external = 0)
CHANNEL(rendezvous_write_against_canceled_read, setup_rendezvous_reader,
        (write_thread, cancel_thread), check_rendezvous_reader, .external = 0)
CHANNEL(rendezvous_read_against_canceled_write, setup_rendezvous_writer,
        (read_thread, cancel_thread), check_rendezvous_writer, .external = 0)
CHANNEL(write_against_forgotten_read, setup_reader, (write_thread, forget_thread), check_forgotten,
        .external = 0)
CHANNEL(write_against_forgotten_select, setup_select, (write_thread, forget_thread),
        check_forgotten, .external = 0)
CHANNEL(write_and_cancel_against_forgotten_select, setup_select,
        (write_thread, cancel_thread, forget_thread), check_forgotten, .newest_only = true,
        .switches_max = 3)
CHANNEL(cancel_against_forget_and_unref, setup_reader, (cancel_thread, forget_and_unref_thread),
        check_forgotten, .external = 0)
CHANNEL(cancel_against_unref, setup_reader, (cancel_thread, unref_thread), check_gone,
        .external = 0)
