/*
 * C++20 coroutines without a library: an awaitable by value, a lazy heap-allocated task with
 * symmetric transfer, and the smallest loop that can resume them, on one thread.
 */
#include <coroutine>
#include <exception>
#include <utility>

#include "../participant.h"

namespace
{

/* Resumes handles in their order of arrival. The cases here never queue more than two. */
class loop
{
  public:
	void post(std::coroutine_handle<> handle)
	{
		if (tail_ - head_ == capacity)
			std::terminate();
		queue_[tail_++ % capacity] = handle;
	}

	void run()
	{
		while (head_ != tail_)
			queue_[head_++ % capacity].resume();
	}

  private:
	static constexpr size_t capacity = 64;
	std::coroutine_handle<> queue_[capacity];
	size_t head_ = 0, tail_ = 0;
};

loop the_loop;
int64_t sink;

struct ready {
	int64_t value;
	uint64_t state;

	bool await_ready() const noexcept
	{
		return true;
	}
	void await_suspend(std::coroutine_handle<>) const noexcept
	{
	}
	int64_t await_resume() const noexcept
	{
		return value;
	}
};

struct yield {
	bool await_ready() const noexcept
	{
		return false;
	}
	void await_suspend(std::coroutine_handle<> handle) const
	{
		the_loop.post(handle);
	}
	void await_resume() const noexcept
	{
	}
};

/* A lazy task: it starts when it is awaited, and transfers to its awaiter when it ends. */
class task
{
  public:
	struct promise_type {
		std::coroutine_handle<> awaiter;
		int64_t value = 0;

		struct final_awaiter {
			bool await_ready() const noexcept
			{
				return false;
			}
			std::coroutine_handle<> await_suspend(
				std::coroutine_handle<promise_type> done) const noexcept
			{
				return done.promise().awaiter;
			}
			void await_resume() const noexcept
			{
			}
		};

		task get_return_object()
		{
			return task(std::coroutine_handle<promise_type>::from_promise(*this));
		}
		std::suspend_always initial_suspend() const noexcept
		{
			return {};
		}
		final_awaiter final_suspend() const noexcept
		{
			return {};
		}
		void return_value(int64_t result) noexcept
		{
			value = result;
		}
		void unhandled_exception()
		{
			std::terminate();
		}
	};

	explicit task(std::coroutine_handle<promise_type> frame) : frame_(frame)
	{
	}
	task(task &&other) noexcept : frame_(std::exchange(other.frame_, nullptr))
	{
	}
	task(const task &) = delete;
	task &operator=(const task &) = delete;
	~task()
	{
		if (frame_)
			frame_.destroy();
	}

	bool await_ready() const noexcept
	{
		return false;
	}
	std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) const noexcept
	{
		frame_.promise().awaiter = awaiter;
		return frame_;
	}
	int64_t await_resume() const noexcept
	{
		return frame_.promise().value;
	}

  private:
	std::coroutine_handle<promise_type> frame_;
};

/* A task that begins in the loop, not in its caller, and resumes its awaiter when it ends. */
class spawned
{
  public:
	struct promise_type {
		std::coroutine_handle<> awaiter = std::noop_coroutine();
		int64_t value = 0;

		struct final_awaiter {
			bool await_ready() const noexcept
			{
				return false;
			}
			std::coroutine_handle<> await_suspend(
				std::coroutine_handle<promise_type> done) const noexcept
			{
				return done.promise().awaiter;
			}
			void await_resume() const noexcept
			{
			}
		};

		spawned get_return_object()
		{
			return spawned(std::coroutine_handle<promise_type>::from_promise(*this));
		}
		yield initial_suspend() const noexcept
		{
			return {};
		}
		final_awaiter final_suspend() const noexcept
		{
			return {};
		}
		void return_value(int64_t result) noexcept
		{
			value = result;
		}
		void unhandled_exception()
		{
			std::terminate();
		}
	};

	explicit spawned(std::coroutine_handle<promise_type> frame) : frame_(frame)
	{
	}
	spawned(spawned &&other) noexcept : frame_(std::exchange(other.frame_, nullptr))
	{
	}
	spawned(const spawned &) = delete;
	spawned &operator=(const spawned &) = delete;
	~spawned()
	{
		if (frame_)
			frame_.destroy();
	}

	bool await_ready() const noexcept
	{
		return frame_.done();
	}
	void await_suspend(std::coroutine_handle<> awaiter) const noexcept
	{
		frame_.promise().awaiter = awaiter;
	}
	int64_t await_resume() const noexcept
	{
		return frame_.promise().value;
	}

  private:
	std::coroutine_handle<promise_type> frame_;
};

/* The outermost function of a batch: it starts at once and frees itself. */
struct root {
	struct promise_type {
		root get_return_object() const noexcept
		{
			return {};
		}
		std::suspend_never initial_suspend() const noexcept
		{
			return {};
		}
		std::suspend_never final_suspend() const noexcept
		{
			return {};
		}
		void return_void() const noexcept
		{
		}
		void unhandled_exception()
		{
			std::terminate();
		}
	};
};

BENCH_NOINLINE ready get_ready(int64_t key)
{
	BENCH_OPAQUE(key);
	return ready{ key + 1, 0 };
}

BENCH_NOINLINE task get_through_frame(int64_t key)
{
	BENCH_OPAQUE(key);
	co_return co_await get_ready(key);
}

BENCH_NOINLINE task get_after_yield(int64_t key)
{
	co_await yield{};
	co_return key + 1;
}

BENCH_NOINLINE int64_t trivial(int64_t key)
{
	BENCH_OPAQUE(key);
	return key + 1;
}

BENCH_NOINLINE spawned spawn_trivial(int64_t key)
{
	co_return trivial(key);
}

BENCH_NOINLINE task get_deep(int64_t levels)
{
	if (levels == 1) {
		co_await yield{};
		co_return 1;
	}
	co_return co_await get_deep(levels - 1) + 1;
}

root ready_await_root(uint64_t count)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += co_await get_ready(static_cast<int64_t>(i));
	sink = sum;
}

template <task (*function)(int64_t)> root await_each(uint64_t count)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += co_await function(static_cast<int64_t>(i));
	sink = sum;
}

root spawn_root(uint64_t count)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += co_await spawn_trivial(static_cast<int64_t>(i));
	sink = sum;
}

root turns_root(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		co_await yield{};
}

constexpr int64_t depth = 1000;

root deep_root(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (co_await get_deep(depth) != depth)
			std::terminate();
}

/* An event with one waiter, which it resumes through the loop. It resets itself. */
class baton
{
  public:
	void hand_over()
	{
		if (waiter_)
			the_loop.post(std::exchange(waiter_, nullptr));
		else
			set_ = true;
	}

	bool await_ready() noexcept
	{
		return std::exchange(set_, false);
	}
	void await_suspend(std::coroutine_handle<> handle) noexcept
	{
		waiter_ = handle;
	}
	void await_resume() const noexcept
	{
	}

  private:
	std::coroutine_handle<> waiter_;
	bool set_ = false;
};

baton ping, pong;

root ping_root(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		ping.hand_over();
		co_await pong;
	}
}

root pong_root(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		co_await ping;
		pong.hand_over();
	}
}

void ready_await(uint64_t count)
{
	ready_await_root(count);
}

void frame_sync(uint64_t count)
{
	await_each<get_through_frame>(count);
	the_loop.run();
}

void suspend_resume(uint64_t count)
{
	await_each<get_after_yield>(count);
	the_loop.run();
}

void round_trip(uint64_t count)
{
	turns_root(count);
	turns_root(count);
	the_loop.run();
}

void round_trip_source(uint64_t count)
{
	pong_root(count);
	ping_root(count);
	the_loop.run();
}

void spawn_await(uint64_t count)
{
	spawn_root(count);
	the_loop.run();
}

void await_depth(uint64_t count)
{
	deep_root(count);
	the_loop.run();
}

const bench_case cases[] = {
	{ "ready_await", "cpp20", ready_await, 1, nullptr, nullptr },
	{ "frame_sync", "cpp20", frame_sync, 1, nullptr, nullptr },
	{ "suspend_resume", "cpp20", suspend_resume, 1, nullptr, nullptr },
	{ "round_trip", "cpp20", round_trip, 1, nullptr, nullptr },
	{ "round_trip_source", "cpp20", round_trip_source, 1, nullptr, nullptr },
	{ "await_depth", "cpp20", await_depth, depth, nullptr, nullptr },
};

/* The cases with one worker, for which the loop is the scheduler. */
const bench_case one_worker[] = {
	{ "spawn_await", "cpp20", spawn_await, 1, nullptr, nullptr, BENCH_WORKERS_BATCH_NS, true,
	  nullptr, false },
};

} // namespace

int main(int argc, char **argv)
{
	if (bench_workers() > 0)
		return bench_participant(argc, argv, one_worker, bench_workers() == 1, "cpp20", nullptr);
	return bench_participant(argc, argv, cases, sizeof cases / sizeof *cases, "cpp20", nullptr);
}
