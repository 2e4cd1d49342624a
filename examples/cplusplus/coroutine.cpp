/*
 * coroutine.cpp - C++20 coroutines that await value tasks: `co_await price_of(7)`. The binding is
 * the struct awaiter; the rest is an ordinary coroutine type.
 */
#include <coroutine>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>

#include <bide/bide.h>

#include "price.h"

namespace
{

struct awaiter {
	bide_value_task value_task;

	bool await_ready() const
	{
		return bide_value_task_is_ready(value_task);
	}
	void await_suspend(std::coroutine_handle<> waiting) const
	{
		auto resume = [](void *at) { std::coroutine_handle<>::from_address(at).resume(); };

		if (bide_value_task_on_completed(value_task, resume, waiting.address()) != 0)
			throw std::bad_alloc();
	}
	int64_t await_resume() const
	{
		bide_payload result;

		if (int error = bide_value_task_take(value_task, &result))
			throw std::runtime_error(bide_strerror(error));
		return result.i;
	}
};

/*
 * A coroutine that starts at once. Its result goes into a bide task, which any function may await.
 */
struct coroutine {
	struct promise_type {
		bide_task *done = bide_task_create(nullptr);

		coroutine get_return_object()
		{
			return { bide_task_ref(done) };
		}
		std::suspend_never initial_suspend() noexcept
		{
			return {};
		}
		std::suspend_never final_suspend() noexcept
		{
			return {};
		}
		awaiter await_transform(bide_value_task value_task)
		{
			return { value_task };
		}
		void return_value(int64_t value)
		{
			bide_task_complete_int(done, value);
		}
		void unhandled_exception()
		{
			bide_task_fail(done, BIDE_EUSER);
		}
		~promise_type()
		{
			bide_task_unref(done);
		}
	};
	bide_task *done;
};

coroutine sum_of_prices(int first, int second)
{
	int64_t sum = co_await price_of(first);

	co_await bide_delay_ms(1);
	sum += co_await price_of(second);
	try {
		co_await price_of(-1);
	} catch (const std::runtime_error &e) {
		std::printf("article -1: %s\n", e.what());
	}
	co_return sum;
}

} // namespace

int main()
{
	coroutine sum = sum_of_prices(7, 8);
	bide_payload result;
	int error = bide_task_wait(sum.done, &result);

	bide_task_unref(sum.done);
	std::printf("sum: %lld\n", static_cast<long long>(result.i));
	return error != 0 || result.i == 0 || bide_shutdown(nullptr) != 0;
}
