/*
 * The holders of a child process (process/process.h): its owner, which sends signals and closes it,
 * the watch, which takes its outcome, and a shutdown that looks at what was closed. The system is
 * one child. When its outcome was taken, its number may be that of another process.
 */
#include "explore.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "process/process.c"

#define PROCESS(name_, setup_, threads_, check_, ...) \
	SCENARIO(process_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

enum { CHILD = 77 };
enum { RUNS, HAS_ENDED, IS_GONE }; /* of the child */

static bide_process process;

static struct {
	uint32_t child;  /* RUNS and so on; atomic */
	uint32_t killed; /* atomic */
	uint32_t is_free, gives;
	uint32_t misuses;
	int error;
} m;

/* --- what stands for the system and the rest --- */

uint32_t bide_handle_forks_;

int bide_os_process_kill_(int pid, int pidfd, int signal_number)
{
	(void)pidfd;
	EXPLORE_CHECK(pid == CHILD && BIDE_LOAD(&m.child, ACQUIRE) != IS_GONE);
	if (signal_number == SIGKILL)
		BIDE_STORE(&m.killed, 1u, RELEASE);
	EXPLORE_CHECK(BIDE_LOAD(&m.child, ACQUIRE) != IS_GONE);
	return 0;
}

int bide_os_process_take_(int pid, int pidfd, bool waits, int *status)
{
	uint32_t ended = HAS_ENDED;

	(void)pidfd;
	EXPLORE_CHECK(pid == CHILD && !waits);
	*status = 0;
	if (BIDE_CAS(&m.child, &ended, IS_GONE, ACQ_REL, ACQUIRE))
		return 0;
	EXPLORE_CHECK(ended == RUNS); /* it is never asked for once more */
	return EAGAIN;
}

void *bide_slab_take_(bide_slab *of)
{
	(void)of;
	m.is_free = 0;
	return &process;
}

void bide_slab_give_(bide_slab *of, void *object)
{
	(void)of;
	EXPLORE_CHECK(object == &process && !m.is_free && !process.at);
	m.is_free = 1;
	m.gives++;
}

void bide_handle_close_(bide_handle *handle, void (*is_closed)(bide_handle *handle))
{
	BIDE_STORE(&handle->era, 0u, RELAXED);
	is_closed(handle);
}

/* Nothing here is of a parent process. */
uint32_t bide_handle_take_(bide_handle *handle, const char *what, const char *object)
{
	(void)handle, (void)what, (void)object;
	EXPLORE_CHECK(false);
	return 0;
}

void bide_handle_close_taken_(bide_handle *handle, uint32_t era,
                              void (*is_closed)(bide_handle *handle))
{
	(void)handle, (void)era, (void)is_closed;
	EXPLORE_CHECK(false);
}

void bide_stream_close(bide_stream *stream)
{
	EXPLORE_CHECK(!stream);
}

/* --- the threads --- */

/* The child ends by itself, and the watch takes its outcome. */
static void watch_thread(void)
{
	int64_t status = 1;

	BIDE_STORE(&m.child, (uint32_t)HAS_ENDED, RELEASE);
	EXPLORE_CHECK(bide_process_take_(&process, &status) == 0);
	EXPLORE_CHECK(status == 0 || status == -1);
	bide_process_release_(&process);
}

static void kill_thread(void)
{
	m.error = bide_process_kill(&process, SIGTERM);
	EXPLORE_CHECK(m.error == 0 || m.error == ESRCH);
}

static void close_thread(void)
{
	bide_process_close(&process);
}

static void kill_and_close_thread(void)
{
	kill_thread();
	close_thread();
}

/* As end.c does. */
static void shutdown_thread(void)
{
	bide_process *closed_one = bide_process_next_closed_();
	int64_t status;

	if (!closed_one)
		return;
	EXPLORE_CHECK(closed_one == &process && !m.is_free);
	(void)bide_process_take_(closed_one, &status);
	bide_process_release_(closed_one);
	EXPLORE_CHECK(!bide_process_next_closed_());
}

/* --- before and after --- */

static void on_misuse(const char *message, void *argument)
{
	(void)message, (void)argument;
	(void)BIDE_ADD(&m.misuses, 1u, RELAXED);
}

/* The owner has it, and it is watched. */
static void setup(void)
{
	memset(&m, 0, sizeof m);
	memset(&process, 0, sizeof process);
	all = NULL;
	all_lock = 0;
	bide_misuse_hook_set(on_misuse, NULL);
	EXPLORE_CHECK(bide_process_new_() == &process);
	process.pid = CHILD;
	process.has_begun = process.is_public = true;
	process.handle.era = bide_handle_era_();
	process.holders = 2;
}

static void setup_kept(void)
{
	setup();
	process.keep = true;
}

static void setup_closed(void)
{
	setup();
	bide_process_close(&process);
	EXPLORE_CHECK(m.killed && process.holders == 1);
}

static void check(void)
{
	EXPLORE_CHECK(m.is_free && m.gives == 1 && !all);
	EXPLORE_CHECK(m.child == IS_GONE);
	bide_misuse_hook_set(NULL, NULL);
}

static void check_one_misuse(void)
{
	EXPLORE_CHECK(m.misuses == 1);
	check();
}

/* A child that is kept gets no signal. */
static void check_kept(void)
{
	EXPLORE_CHECK(!m.killed);
	check();
}

PROCESS(watch_against_kill_and_close, setup, (watch_thread, kill_and_close_thread), check)
PROCESS(watch_against_close_of_a_kept_one, setup_kept, (watch_thread, close_thread), check_kept)
PROCESS(watch_against_shutdown, setup_closed, (watch_thread, shutdown_thread), check)
PROCESS(watch_close_and_shutdown, setup, (watch_thread, close_thread, shutdown_thread), check,
        .newest_only = true, .switches_max = 3)
PROCESS(watch_and_two_closes, setup, (watch_thread, close_thread, close_thread), check_one_misuse,
        .newest_only = true, .switches_max = 3)
