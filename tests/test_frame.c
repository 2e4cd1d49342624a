/*
 * Frames: sizes, pools, alignment, addresses.
 */
/* threads */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/library.h"
#include "support/limits_of_tools.h"

#include <bide/short.h>

TEST(headers_have_the_promised_sizes)
{
	struct timer {
		bide_source source;
		void *next, *previous;
	};
	struct empty {
		ASYNC_FRAME;
	};

	assert_int_equal(sizeof(bide_source), 32);
	assert_int_equal(sizeof(bide_frame), 56);
	assert_int_equal(sizeof(struct timer), 48);
	assert_int_equal(sizeof(struct empty), 56);
	assert_int_equal(sizeof(value_task), 16);
}

TEST(a_timer_takes_48_bytes_of_the_pool)
{
	enum { COUNT = 5000 };
	static value_task v[COUNT];
	uint64_t before;

	if (UNDER_ASAN)
		SKIP("here objects have a record in front of them");
	if (getenv("BIDE_DEBUG") || getenv("BIDE_POOL") || test_time_factor() > 5)
		SKIP("here objects have a record in front of them");
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	before = stats().live_bytes;
	for (int i = 0; i < COUNT; i++)
		v[i] = delay_ms(1 + i);
	/*
	 * Chunks double up to 256 KiB, so the pool takes what the objects need and at most one chunk
	 * more.
	 */
	assert_in_range(stats().live_bytes - before, COUNT * 48 - 8192, COUNT * 48 + (1 << 18));
	assert_int_equal(stats().timer_count, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_value_task_wait(v[i], NULL), 0);
	assert_none(timer_count);
}

/* clang-format off */
#define SIZES(X) \
	X(1) X(9) X(16) X(32) X(48) X(56) X(64) X(88) X(96) X(104) X(128) X(160) X(192) X(200) \
	X(256) X(320) X(384) X(448) X(576) X(704) X(832) X(960) X(1216) X(1472) X(1728) X(1984) \
	X(2496) X(3008) X(3520) X(4032) X(4040) X(5000) X(100000) X(1000000)
/* clang-format on */

/*
 * The function body is on one source line, so it has one await and one return. It fills its bytes,
 * suspends and checks them.
 */
#define SIZED(n)                                                       \
	struct sized_##n {                                                 \
		ASYNC_FRAME;                                                   \
		struct {                                                       \
			int yields, seed;                                          \
		} in;                                                          \
		unsigned char bytes[n];                                        \
	};                                                                 \
	async(sized_##n)                                                   \
	{                                                                  \
		async_begin;                                                   \
		for (size_t i = 0; i < (n); i++)                               \
			if (my->bytes[i])                                          \
				async_fail(EDOM);                                      \
		memset(my->bytes, my->in.seed, (n));                           \
		while (my->in.yields-- > 0)                                    \
			await(async_yield());                                      \
		for (size_t i = 0; i < (n); i++)                               \
			if (my->bytes[i] != my->in.seed)                           \
				async_fail(EDOM);                                      \
		async_return(my->in.seed);                                     \
async_finally:                                                         \
		async_end;                                                     \
	}                                                                  \
	static value_task sized_start_##n(int yields, int seed)            \
	{                                                                  \
		return async_start(sized_##n, .yields = yields, .seed = seed); \
	}
SIZES(SIZED)

TEST(frames_of_every_size_class_and_larger_ones)
{
	struct small {
		ASYNC_FRAME;
		int member;
	};
#define SIZED_ROW(n) { sizeof(struct sized_##n), sized_start_##n },
	static const struct {
		size_t size_bytes;
		value_task (*start)(int yields, int seed);
	} rows[] = { SIZES(SIZED_ROW) };
	enum { ROWS = sizeof rows / sizeof *rows, EACH = 5 };
	value_task v[ROWS][EACH];
	bool class_seen[32] = { false };

	for (int round = 0; round < 3; round++) {
		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < EACH; i++)
				v[r][i] = rows[r].start(i, (r * EACH + i) % 255 + 1);
		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < EACH; i++)
				assert_int_equal(result_of(v[r][i]), (r * EACH + i) % 255 + 1);
		assert_none(frame_count);
	}
	for (int r = 0; r < ROWS; r++)
		class_seen[bide_class_of_(rows[r].size_bytes)] = true;
	class_seen[bide_class_of_(sizeof(struct small))] = true; /* every test has some of this size */
	for (unsigned c = 1; c < BIDE_CLASS_COUNT_; c++)         /* class 0 is for timers */
		assert_true(class_seen[c]);
	assert_true(class_seen[BIDE_CLASS_BIG_]);
}

TEST(every_size_fits_its_size_class)
{
	for (size_t size = 1; size <= 4096; size++) {
		unsigned c = bide_class_of_(size);

		assert_true(c < BIDE_CLASS_COUNT_);
		assert_true(bide_class_bytes_(c) >= size);
		assert_true(c == 0 || bide_class_bytes_(c - 1) < size);
		assert_int_equal(bide_class_bytes_(c) % 16, 0);
	}
	assert_int_equal(bide_class_bytes_(BIDE_CLASS_COUNT_ - 1), 4096);
	assert_int_equal(bide_class_of_(4097), BIDE_CLASS_BIG_);
}

struct aligned {
	ASYNC_FRAME;
	struct {
		int unused;
	} in;
	_Alignas(16) char at[16];
};

async(aligned)
{
	async_begin;
	if ((uintptr_t)my->at % 16)
		async_fail(EDOM);
	await(async_yield());
async_finally:
	async_end;
}

TEST(frames_keep_members_of_16_bytes_aligned)
{
	value_task v[100];

	for (int i = 0; i < 100; i++)
		v[i] = async_start(aligned);
	for (int i = 0; i < 100; i++)
		assert_int_equal(error_of(v[i]), 0);
}

struct steady {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
	int *self;
	int here, i;
	int64_t below;
};

async(steady)
{
	async_begin;
	my->self = &my->here;
	my->here = 1234;
	for (my->i = 0; my->i < 5; my->i++) {
		await(async_yield());
		if (my->self != &my->here || *my->self != 1234)
			async_fail(EDOM);
		if (my->in.depth)
			await(my->below, async_start(steady, .depth = my->in.depth - 1));
		if (my->self != &my->here || *my->self != 1234)
			async_fail(EDOM);
	}
async_finally:
	if (my->self != &my->here)
		abort();
	async_end;
}

TEST(frames_never_move)
{
	value_task v[20];

	for (int i = 0; i < 20; i++)
		v[i] = async_start(steady, .depth = 3);
	for (int i = 0; i < 20; i++)
		assert_int_equal(error_of(v[i]), 0);
}
