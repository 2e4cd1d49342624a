/*
 * A layer that is put on a stream (io/stream_layer.c), or works, against aborts by other threads:
 * the abort is never lost. Either no layer comes, or the layer is told, once, and with the error
 * that the stream fails with.
 */
/* First, because it names what its functions have of their own. */
#include "io/stream_layer.c"

#include "explore.h"

#include <errno.h>
#include <string.h>

#include "base/misuse.h"
#include "handle_stand_ins.h"
#include "io/handle.h"
#include "io/reactor.h"
#include "io/side.h"
#include "io/stream.h"
#include "io/stream_abort.c"
#include "io/turn.h"
#include "io/upcalls.h"
#include "runtime/reactor.h"

#define LAYER(name_, setup_, threads_, check_, ...) \
	SCENARIO(layer_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

static bide_stream stream, lower;

static struct {
	bide_stream *below;
	int error;             /* of the exchange */
	uint32_t told;         /* aborts that the layer was told of; atomic */
	uint32_t told_error;   /* atomic */
	uint32_t told_before;  /* the same of the type that the stream had before */
	uint32_t is_discarded; /* the second stream */
} m;

/* --- what stands for the rest --- */

const bide_reactor_hooks *bide_reactor_hooks_;
bool bide_reactor_has_requests_;

unsigned bide_rescue_(struct bide_reactor *other)
{
	(void)other;
	return 0;
}

int bide_reactor_add_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	(void)home, (void)fd, (void)events, (void)key;
	return 0;
}

int bide_reactor_change_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	return bide_reactor_add_(home, fd, events, key);
}

void bide_reactor_remove_(unsigned home, int fd)
{
	(void)home, (void)fd;
}

void bide_reactor_expects_(unsigned home)
{
	(void)home;
}

struct bide_reactor *bide_reactor_mine_(void)
{
	return NULL;
}

struct bide_reactor *bide_reactor_of_(unsigned place)
{
	(void)place;
	return NULL;
}

bide_stream *bide_stream_new_(int fd, uint32_t flags)
{
	(void)flags;
	memset(&lower, 0, sizeof lower);
	bide_handle_init_(&lower.handle, fd, BIDE_HANDLE_KEEPS_FD_);
	return &lower;
}

void bide_stream_close(bide_stream *of)
{
	EXPLORE_CHECK(of == &lower && m.is_discarded++ == 0);
}

int bide_stream_check_slow_(const bide_stream *of, const char *what)
{
	(void)of, (void)what;
	return 0;
}

void bide_buffer_pin_(bide_stream *of)
{
	(void)of;
}

void bide_buffer_unpin_(bide_stream *of, uint32_t pin)
{
	(void)of, (void)pin;
}

bide_value_task bide_stream_flush(bide_stream *of)
{
	(void)of;
	return bide_value_task_completed();
}

void bide_chunk_claim_end_(bide_chunk_claim *claim)
{
	(void)claim;
}

/* --- the types --- */

static bide_value_task read_nothing(void *object, void *to, size_t size_bytes)
{
	(void)object, (void)to, (void)size_bytes;
	return bide_value_task_from_int(0);
}

static void layer_abort(void *object, int error)
{
	EXPLORE_CHECK(object == &m);
	BIDE_STORE(&m.told_error, (uint32_t)error, RELAXED);
	(void)BIDE_ADD(&m.told, 1u, RELAXED);
}

static void earlier_abort(void *object, int error)
{
	(void)object, (void)error;
	(void)BIDE_ADD(&m.told_before, 1u, RELAXED);
}

static const bide_stream_type layer = { .name = "layer",
	                                    .read = read_nothing,
	                                    .abort = layer_abort };
static const bide_stream_type earlier = { .name = "earlier",
	                                      .read = read_nothing,
	                                      .abort = earlier_abort };

/* --- the threads --- */

static void put_on(void)
{
	m.error = exchange(&stream, &layer, &m, &m.below);
	if (m.error)
		return;
	bide_side_end_(&stream.handle, BIDE_IO_IN_);
	bide_side_end_(&stream.handle, BIDE_IO_OUT_);
}

static void abort_it(void)
{
	bide_stream_abort_(&stream, EIO);
}

static void abort_otherwise(void)
{
	bide_stream_abort_(&stream, ENXIO);
}

/* The owner: an abort that comes from below, by what the layer reads there. */
static void fail_start(void)
{
	put_on();
	if (!m.error)
		fail_both_sides(&stream, EPROTO);
}

/* --- before and after --- */

static void setup(void)
{
	memset(&m, 0, sizeof m);
	memset(&stream, 0, sizeof stream);
	bide_handle_init_(&stream.handle, -1, BIDE_HANDLE_KEEPS_FD_);
}

static void setup_with_a_type(void)
{
	setup();
	stream.type = &earlier;
	stream.object = &m;
}

/* The layer works. */
static void setup_working(void)
{
	setup();
	put_on();
	EXPLORE_CHECK(m.error == 0);
}

static void check_error(int error)
{
	EXPLORE_CHECK(bide_stream_failed_(&stream, BIDE_IO_IN_) == error);
	EXPLORE_CHECK(bide_stream_failed_(&stream, BIDE_IO_OUT_) == error);
	EXPLORE_CHECK(bide_side_error_(&stream.handle) == error);
	if (m.told)
		EXPLORE_CHECK((int)m.told_error == error);
}

/* The layer came and was told, or did not come; then what the stream had before stays. */
static void check_told(void)
{
	if (m.error)
		EXPLORE_CHECK(m.told == 0 && m.is_discarded && m.below == NULL && stream.type != &layer);
	else
		EXPLORE_CHECK(m.told == 1 && stream.type == &layer && m.below == &lower);
}

static void check(void)
{
	check_told();
	check_error(EIO);
}

static void check_with_a_type(void)
{
	if (m.error)
		EXPLORE_CHECK(m.told == 0 && m.told_before == 1 && stream.type == &earlier);
	else
		EXPLORE_CHECK(m.told == 1 && m.told_before == 0);
	check_error(EIO);
}

static void check_either(void)
{
	int error = bide_side_error_(&stream.handle);

	check_told();
	EXPLORE_CHECK(error == EIO || error == ENXIO);
	check_error(error);
}

/* The start has failed, and so the stream; the abort that comes later says the same. */
static void check_failed_start(void)
{
	int error = bide_stream_failed_(&stream, BIDE_IO_IN_);

	check_told();
	EXPLORE_CHECK(error == EIO || error == EPROTO);
	if (m.error == 0)
		check_error(error);
}

LAYER(against_an_abort, setup, (put_on, abort_it), check)
LAYER(over_a_type_against_an_abort, setup_with_a_type, (put_on, abort_it), check_with_a_type)
LAYER(against_two_aborts, setup, (put_on, abort_it, abort_otherwise), check_either,
      .newest_only = true, .switches_max = 3)
LAYER(that_works_against_two_aborts, setup_working, (abort_it, abort_otherwise), check_either)
LAYER(whose_start_fails_against_an_abort, setup, (fail_start, abort_it), check_failed_start)
