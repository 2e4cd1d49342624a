/*
 * cplusplus.cpp - calling async functions from C++: bide.h compiles as C++17, value tasks and tasks
 * are ordinary types, and a smart pointer can hold a reference to a task.
 */
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include <bide/bide.h>

#include "price.h"

namespace
{

struct unref {
	void operator()(bide_task *task) const
	{
		bide_task_unref(task);
	}
};
using task_ptr = std::unique_ptr<bide_task, unref>;

/* Waits for the result; an error becomes an exception. */
int64_t wait_for(bide_value_task value_task)
{
	bide_payload result;

	if (int error = bide_value_task_wait(value_task, &result))
		throw std::runtime_error(bide_strerror(error));
	return result.i;
}

int64_t wait_for(const task_ptr &task)
{
	if (!task)
		throw std::bad_alloc();
	return wait_for(bide_task_await(task.get()));
}

} // namespace

int main()
{
	try {
		int64_t first = wait_for(price_of(7));
		bool ready = bide_value_task_is_ready(price_of(7));
		task_ptr shared(bide_value_task_as_task(price_of(8)));
		int64_t sum = first + wait_for(shared) + wait_for(shared);
		std::string error;

		try {
			wait_for(price_of(-1));
		} catch (const std::runtime_error &e) {
			error = e.what();
		}
		std::printf("sum: %lld; the second time the price was %s; article -1: %s\n",
		            static_cast<long long>(sum), ready ? "there at once" : "looked for again",
		            error.c_str());
		return sum == 107 + 2 * 108 && ready && !error.empty() ? 0 : 1;
	} catch (const std::exception &e) {
		std::fprintf(stderr, "cplusplus: %s\n", e.what());
		return 1;
	}
}
