/*
 * blocking.c - see blocking.h.
 */
#include "runtime/blocking.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "os/os.h"
#include "runtime/blocking_call.h"
#include "runtime/blocking_job.h"
#include "runtime/blocking_simulated.h"
#include "runtime/blocking_threads.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "source/operation.h"

/* ---- start and stop */

void bide_blocking_configure_(unsigned threads_min, unsigned threads_max)
{
	bide_os_lock_(&bide_jobs_.mutex);
	bide_blocking_.threads_min = threads_min;
	bide_blocking_.threads_max = threads_max;
	bide_jobs_.peak = 0;
	bide_os_unlock_(&bide_jobs_.mutex);
	bide_blocking_restart_();
}

void bide_blocking_limits_(unsigned *threads_min, unsigned *threads_max)
{
	bide_os_lock_(&bide_jobs_.mutex);
	*threads_min = bide_blocking_.threads_min;
	*threads_max = bide_blocking_threads_max_();
	bide_os_unlock_(&bide_jobs_.mutex);
}

void bide_blocking_restart_(void)
{
	bide_os_lock_(&bide_jobs_.mutex);
	bide_blocking_.stopping = false;
	bide_os_unlock_(&bide_jobs_.mutex);
}

void bide_blocking_stats_(bide_stats *stats)
{
	bide_os_lock_(&bide_jobs_.mutex);
	stats->blocking_thread_count = bide_blocking_.thread_count + bide_blocking_.long_count;
	stats->blocking_idle_count = bide_blocking_.idle_count;
	stats->blocking_queue_count = bide_jobs_.count;
	stats->blocking_queue_peak = bide_jobs_.peak;
	bide_os_unlock_(&bide_jobs_.mutex);
}

size_t bide_blocking_pending_(void)
{
	size_t count;

	bide_os_lock_(&bide_jobs_.mutex);
	BIDE_ASSERT_IN_DEBUG_(bide_jobs_are_valid_() && bide_blocking_is_valid_());
	count = bide_jobs_.count + bide_blocking_.busy_count + bide_blocking_.long_count;
	bide_os_unlock_(&bide_jobs_.mutex);
	return count;
}

/* Counts the jobs that were forgotten. */
static size_t forgotten(const bide_job *list)
{
	size_t count = 0;

	for (; list; list = list->next)
		count += !list->always_runs &&
		         BIDE_LOAD(&list->operation.source.word, RELAXED) == BIDE_WORD_ABANDONED_;
	return count;
}

size_t bide_blocking_stop_(void)
{
	size_t lost;
	bide_job *canceled;

	bide_os_lock_(&bide_jobs_.mutex);
	bide_blocking_.stopping = true;
	canceled = bide_jobs_take_all_();
	if (bide_simulating_)
		bide_simulated_disarm_(canceled);
	BIDE_ADD(&bide_blocking_.wake, 1, RELAXED);
	bide_os_unlock_(&bide_jobs_.mutex);
	bide_os_wake_(&bide_blocking_.wake, INT32_MAX);
	lost = forgotten(canceled);
	bide_jobs_fail_(canceled, BIDE_ECANCELED_);
	bide_blocking_join_();
	return lost;
}

/* ---- the call */

static const bide_operation_type job_type = { .name = "bide_run_blocking",
	                                          .describe = bide_job_describe_ };
static const bide_operation_type long_type = { .name = "bide_run_on_new_thread",
	                                           .describe = bide_job_describe_ };

static bide_value_task run(bide_blocking_function *function, void *argument,
                           const bide_operation_type *type)
{
	bool simulated = bide_thread_() && bide_simulating_; /* bide_thread_ sets the runtime up */
	bide_job *j;

	if (!function) {
		bide_misuse_("%s: function is NULL", type->name);
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	if (!bide_thread_())
		return bide_value_task_from_error(bide_runtime_missing_());
	if (simulated && type == &long_type) {
		bide_misuse_("bide_run_on_new_thread: a simulation is one thread; a function that ends by "
		             "itself may be run by bide_run_blocking");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	j = (bide_job *)(void *)bide_operation_new_(simulated ? sizeof(bide_blocking_record)
	                                                      : sizeof(bide_job),
	                                            type);
	if (!j)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	return type == &long_type ? bide_blocking_begin_long_(j, function, argument)
	                          : bide_blocking_begin_(j, function, argument);
}

bide_value_task bide_run_blocking(bide_blocking_function *function, void *argument)
{
	return run(function, argument, &job_type);
}

bide_value_task bide_run_on_new_thread(bide_blocking_function *function, void *argument)
{
	return run(function, argument, &long_type);
}
