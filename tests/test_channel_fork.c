/* Channels and watches in the child of a fork: waiters stay with the parent, and no lock hangs. */
/* threads */
#include <sys/wait.h>

#include "support/limits_of_tools.h"
#include "support/task_support.h"

static channel *c, *many;

struct reading {
	ASYNC_FRAME;
	struct {
		channel *from;
	} in;
	int64_t x;
};

async(reading)
{
	async_begin;
	await(my->x, channel_read(my->in.from));
	async_return(my->x);
async_finally:
	async_end;
}

static void assert_child_succeeds(pid_t child)
{
	int status = -1;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void need_forks(void)
{
	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN)
		SKIP("tsan cannot follow a child that has threads");
}

/* In the child: the channel is empty, though the parent's function waits; a write stays in it. */
static int use_in_child(watch *level)
{
	int64_t x = 0;

	if (!channel_try_write(c, (int64_t)5) || channel_count(c) != 1)
		return 1;
	if (!channel_try_read(c, &x) || x != 5)
		return 2;
	if (channel_count(many) != 600 || !channel_try_read(many, &x) || x != 0)
		return 3;
	if (watch_set(level, (int64_t)8) != 0 || watch_get(level, &x) != 2 || x != 8)
		return 4;
	return channel_close(c, 0) ? 0 : 5;
}

TEST(in_the_child_of_a_fork_a_channel_has_its_elements_and_no_waiters)
{
	watch *level = watch_create(sizeof(int64_t), &(int64_t){ 7 });
	value_task reader, changed;
	pid_t child;

	need_forks();
	c = channel_create(&(channel_options){ .capacity = 1 });
	many = channel_create(&(channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED });
	for (int64_t i = 0; i < 600; i++)
		assert_true(channel_try_write(many, i));
	reader = async_start(reading, .from = c);
	changed = watch_changed(level, 1);
	child = fork();
	if (child == 0)
		_exit(use_in_child(level));
	assert_child_succeeds(child);
	assert_false(value_task_is_ready(reader));
	assert_true(channel_try_write(c, (int64_t)3));
	assert_int_equal(watch_set(level, (int64_t)9), 0);
	assert_int_equal(wait_int(reader, NULL), 0);
	assert_int_equal(wait_int(changed, NULL), 0);
	channel_unref(c);
	channel_unref(many);
	watch_unref(level);
}

static atomic_bool hammering;

static void *hammer(void *channel_)
{
	channel *on = channel_;
	int64_t x;

	for (int64_t i = 0; hammering; i++) {
		(void)channel_try_write(on, i);
		if (i % 4 != 3 || channel_count(on) > 2000)
			(void)channel_try_read(on, &x);
	}
	return NULL;
}

/* In the child: as many elements as it counts, one after the other, and it can be used. */
static int drain_in_child(channel *from)
{
	size_t count = channel_count(from);
	int64_t before = -1, x;

	for (; count > 0; count--) {
		if (!channel_try_read(from, &x) || x <= before)
			return 1;
		before = x;
	}
	if (channel_try_read(from, &x) || !channel_try_write(from, (int64_t)1))
		return 2;
	return channel_try_read(from, &x) && x == 1 ? 0 : 3;
}

static int drain_both(void)
{
	int first = drain_in_child(c);

	return first ? first : 10 * drain_in_child(many);
}

TEST(a_lock_that_another_thread_has_at_the_fork_does_not_hang_the_child)
{
	pthread_t threads[2];

	need_forks();
	c = channel_create(&(channel_options){ .capacity = 8 });
	many = channel_create(&(channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED });
	hammering = true;
	assert_int_equal(pthread_create(&threads[0], NULL, hammer, c), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, hammer, many), 0);
	for (int i = 0; test_round(i, 50); i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(drain_both());
		assert_child_succeeds(child);
	}
	hammering = false;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	channel_unref(c);
	channel_unref(many);
}
