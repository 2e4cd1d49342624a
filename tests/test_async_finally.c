/*
 * The cleanup of an async function: every way out passes it once, and a failure in it counts.
 */
/* threads */
#include <errno.h>
#include <stdlib.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/short.h>

enum way { FALL, RETURN, RETURN_PENDING, FAIL, FAILED_AWAIT, FAILED_LATER, GOTO_OUT_OF_LOOP, WAYS };

struct ways {
	ASYNC_FRAME;
	struct {
		enum way way;
		int yields;
		int cleanup_error;
		int cleanup_yields;
		int *log; /* cleanup entered, cleanup left, error seen */
	} in;
	int64_t got;
};

async(ways)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	if (my->in.way == RETURN)
		async_return(1);
	if (my->in.way == RETURN_PENDING)
		async_return(later(2, 1));
	if (my->in.way == FAIL)
		async_fail(EIO);
	if (my->in.way == FAILED_AWAIT)
		await(my->got, failing(0, EIO));
	if (my->in.way == FAILED_LATER)
		await(failing(2, EIO));
	if (my->in.way == GOTO_OUT_OF_LOOP)
		for (;;) {
			await_or(my->got, failing(1, EPIPE), async_fail(EIO));
		}
async_finally:
	my->in.log[0]++;
	my->in.log[2] = async_error;
	while (my->in.cleanup_yields-- > 0)
		await(async_yield());
	if (my->in.cleanup_error)
		await(failing(1, my->in.cleanup_error));
	my->in.log[1]++;
	async_end;
}

static bool fails(enum way way)
{
	return way >= FAIL;
}

TEST(finally_runs_once_on_every_way_out)
{
	for (int way = FALL; way < WAYS; way++) {
		for (int yields = 0; yields < 3; yields++) {
			for (int cleanup_yields = 0; cleanup_yields < 3; cleanup_yields++) {
				int log[3] = { 0, 0, -1 };
				value_task v = async_start(ways, .way = (enum way)way, .yields = yields,
				                           .cleanup_yields = cleanup_yields, .log = log);

				assert_int_equal(error_of(v), fails((enum way)way) ? EIO : 0);
				assert_int_equal(log[0], 1);
				assert_int_equal(log[1], 1);
				assert_int_equal(log[2], fails((enum way)way) ? EIO : 0);
			}
		}
	}
	assert_none(frame_count);
}

TEST(a_failure_in_the_cleanup_replaces_success_but_not_failure)
{
	for (int way = FALL; way < WAYS; way++) {
		int log[3] = { 0, 0, -1 };

		assert_int_equal(error_of(async_start(ways, .way = (enum way)way, .cleanup_error = ENOSPC,
		                                      .log = log)),
		                 fails((enum way)way) ? EIO : ENOSPC);
		assert_int_equal(log[0], 1);
		assert_int_equal(log[1], 1); /* the cleanup continued */
	}
}

struct first_of_two {
	ASYNC_FRAME;
	int64_t got;
	int seen;
};

async(first_of_two)
{
	async_begin;
	async_return(5);
async_finally:
	my->got = 7;
	await(my->got, failing(0, EBADF));
	if (my->got != 0) /* the cleanup continues after a failed await, which stores 0 */
		abort();
	await(failing(1, EPIPE));
	my->seen = async_error;
	if (my->seen != EBADF)
		abort();
	async_end;
}

TEST(the_first_failure_in_the_cleanup_counts)
{
	assert_int_equal(error_of(async_start(first_of_two)), EBADF);
}
