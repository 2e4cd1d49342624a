/*
 * start.c - sets the runtime up, by a configuration or when a thread first uses bide; and the
 * questions about the configuration.
 */
#include <errno.h>

#include "base/port.h"
#include "base/settings.h"
#include "debug/layout.h"
#include "debug/leak.h"
#include "os/os.h"
#include "runtime/atfork.h"
#include "runtime/blocking.h"
#include "runtime/dump_on.h"
#include "runtime/external.h"
#include "runtime/one_worker.h"
#include "runtime/orphan.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "runtime/thread.h"
#include "runtime/work.h"
#include "runtime/workers.h"

/* Makes the table for gdb part of every program that is linked with the static library. */
__attribute__((used)) static const struct bide_layout *const layout = &bide_layout_;

/*
 * In debug mode, reports the leaks of a process that ends without a shutdown. It is a destructor,
 * so it runs after all that the program has registered with atexit. It is in this source because
 * every program that is linked with the static library gets this source.
 */
__attribute__((destructor)) static void at_exit(void)
{
	if (bide_debug_ && BIDE_LOAD(&bide_runtime_.state, ACQUIRE) == BIDE_RUNTIME_ON)
		bide_leaks_at_exit_();
}

/* --- the start --- */

/* Returns how many workers a configuration asks for: 1 to BIDE_WORKERS_MAX. */
static unsigned workers_of(const bide_config *config)
{
	unsigned workers = config->workers;

	if (workers == 0 && config->virtual_clock)
		return 1;
	if (workers == 0)
		workers = bide_os_environment_number_("BIDE_WORKERS", BIDE_WORKERS_MAX);
	if (workers == 0) {
		workers = bide_os_cpu_count_();
		workers = workers < 2 ? 2 : workers;
	}
	return workers < BIDE_WORKERS_MAX ? workers : BIDE_WORKERS_MAX;
}

/*
 * BIDE_SEED=n in the environment, with n > 0, is for tests. It makes a program that configures
 * nothing a simulation with that seed, and gives the seed to a simulation that has none. It does
 * not change a program that configures workers or a seed of its own.
 */
static bide_config with_seed(const bide_config *config)
{
	bide_config changed = *config;
	unsigned seed = bide_os_environment_number_("BIDE_SEED", UINT32_MAX);

	if (seed && !config->seed && (!config->workers || config->virtual_clock)) {
		changed.virtual_clock = true;
		changed.seed = seed;
	}
	return changed;
}

static void worker_leave(void *argument)
{
	bide_runtime *r = argument;

	if (bide_runtime_on_worker_()) { /* false after a shutdown */
		bide_thread_died_(&r->main, "the worker's");
		BIDE_STORE(&r->worker_gone, 1u, RELEASE); /* pairs with the loads of waiting threads */
		bide_os_lock_(&r->setup);
		bide_orphan_check_(true);
		bide_os_unlock_(&r->setup);
	}
	bide_current_thread_ = NULL;
}

static void start_one_worker(bide_runtime *r)
{
	bide_one_worker_start_();
	/* If this fails, only the message about the end of the thread is missing. */
	(void)bide_os_at_thread_exit_(worker_leave, r);
}

/*
 * Sets the runtime up with a configuration, which must be valid. With one worker the caller becomes
 * the worker. Under setup. Returns 0, or ENOMEM or EAGAIN if the workers could not be started.
 */
static int start(const bide_config *asked)
{
	bide_runtime *r = &bide_runtime_;
	bide_config changed = with_seed(asked), *config = &changed;
	unsigned workers = workers_of(config);
	int error = bide_atfork_install_();

	r->start_error = error;
	if (error)
		return error;
	bide_debug_ = config->debug || bide_os_environment_is_("BIDE_DEBUG", "1");
	bide_pooling_ = !bide_os_environment_is_("BIDE_POOL", "malloc");
	bide_simulating_ = r->simulating = config->virtual_clock;
	bide_simulation_start_(config->seed);
	r->seeded = config->virtual_clock && config->seed != 0;
	r->checks_each_step = bide_debug_ || r->simulating;
	r->virtual_now_ns = 0;
	r->turn = 0;
	bide_shared_ = workers > 1;
	if (bide_shared_)
		error = bide_workers_start_(workers);
	else
		start_one_worker(r);
	r->start_error = error;
	if (error) {
		bide_shared_ = bide_simulating_ = r->simulating = false;
		return error;
	}
	/* pairs with the load in bide_thread_attach_ */
	BIDE_STORE(&r->state, (uint32_t)BIDE_RUNTIME_ON, RELEASE);
	bide_dump_on_start_();
	return 0;
}

/* --- the first use by a thread --- */

/* Sets the runtime up if no other thread has done it. Returns 0, or why that failed. */
static int set_up(bide_runtime *r)
{
	int error;

	bide_os_lock_(&r->setup);
	bide_atfork_leave_();
	error = r->state == BIDE_RUNTIME_OFF      ? start(&r->config)
	        : r->state == BIDE_RUNTIME_INSIDE ? EDEADLK
	                                          : 0;
	bide_os_unlock_(&r->setup);
	if (error == EDEADLK)
		bide_runtime_refuse_child_();
	return error;
}

bide_thread_head *bide_thread_attach_(void)
{
	bide_runtime *r = &bide_runtime_;
	bide_thread_head *head;
	bool gone;

	do {
		if (BIDE_LOAD(&r->state, ACQUIRE) != BIDE_RUNTIME_ON) { /* pairs with the store in start */
			int error = set_up(r);

			if (error || bide_current_thread_)
				return bide_current_thread_;
		}
		head = bide_external_attach_(&gone);
	} while (gone);
	return head;
}

/* --- the configuration --- */

int bide_configure(const bide_config *config)
{
	bide_runtime *r = &bide_runtime_;
	unsigned threads_max;
	int error = 0;

	if (!config || config->blocking_threads_max > 1024) {
		bide_misuse_("bide_configure: %s",
		             !config ? "config is NULL" : "blocking_threads_max: 0 (64 threads) to 1024");
		return EINVAL;
	}
	if (config->resolver_threads_max > 1024) {
		bide_misuse_("bide_configure: resolver_threads_max: 0 (4 threads) to 1024");
		return EINVAL;
	}
	if (config->workers > BIDE_WORKERS_MAX || (config->virtual_clock && config->workers > 1)) {
		bide_misuse_("bide_configure: workers is %u; %s", config->workers,
		             config->virtual_clock ? "a simulation (virtual_clock) has one"
		                                   : "1 to 1024 are allowed, or 0 for the default");
		return EINVAL;
	}
	if (config->io_engine != BIDE_IO_NONE && config->io_engine != BIDE_IO_EPOLL &&
	    config->io_engine != BIDE_IO_URING) {
		bide_misuse_("bide_configure: io_engine: 0 (the default), BIDE_IO_EPOLL or BIDE_IO_URING");
		return EINVAL;
	}
	threads_max = config->blocking_threads_max ? config->blocking_threads_max
	                                           : BIDE_BLOCKING_THREADS_MAX_DEFAULT_;
	if (config->blocking_threads_min > threads_max) {
		bide_misuse_("bide_configure: blocking_threads_min (%u) is above blocking_threads_max (%u)",
		             config->blocking_threads_min, threads_max);
		return EINVAL;
	}
	bide_os_lock_(&r->setup);
	bide_atfork_leave_();
	if (r->state != BIDE_RUNTIME_OFF) {
		error = EBUSY;
	} else {
		bide_blocking_configure_(config->blocking_threads_min, config->blocking_threads_max);
		error = start(config);
		if (!error)
			r->config = *config;
	}
	bide_os_unlock_(&r->setup);
	return error;
}

unsigned bide_version(void)
{
	return BIDE_VERSION_NUMBER;
}

int bide_config_get(bide_config *config)
{
	bide_runtime *r = &bide_runtime_;

	if (!config) {
		bide_misuse_("bide_config_get: config is NULL");
		return EINVAL;
	}
	*config = (bide_config){ 0 };
	if (!bide_thread_())
		return bide_runtime_missing_();
	bide_os_lock_(&r->setup);
	config->workers = bide_shared_ ? bide_workers_count_() : 1;
	bide_blocking_limits_(&config->blocking_threads_min, &config->blocking_threads_max);
	config->resolver_threads_max = r->config.resolver_threads_max
	                                   ? r->config.resolver_threads_max
	                                   : BIDE_RESOLVER_THREADS_MAX_DEFAULT_;
	config->virtual_clock = r->simulating;
	config->seed = r->simulating ? bide_simulation_seed_() : 0;
	config->debug = bide_debug_;
	config->io_buffers_max_bytes = bide_runtime_buffers_max_();
	config->io_engine = r->config.io_engine;
	bide_os_unlock_(&r->setup);
	return 0;
}

unsigned bide_worker_count(void)
{
	if (!bide_thread_() && BIDE_LOAD(&bide_runtime_.state, ACQUIRE) == BIDE_RUNTIME_OFF)
		return 0;
	return bide_shared_ ? bide_workers_count_() : 1;
}

unsigned bide_cpu_count(void)
{
	return bide_os_cpu_count_();
}
