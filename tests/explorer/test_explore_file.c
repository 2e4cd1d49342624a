/*
 * The descriptor of a file (file/descriptor.h), with many workers: its owner, the operations that
 * use it, a close, and what opens the next file in the same memory. The system is some numbers that
 * are open or closed.
 */
#define _GNU_SOURCE
#include "explore.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int explored_close(int fd);
static int explored_stat(int fd, struct stat *status);

#define close(fd) explored_close(fd)
#define fstat(fd, status) explored_stat(fd, status)
#include "file/descriptor.c"
#undef close
#undef fstat
/* The marks of numbers; the scenarios of descriptors have a model of them. */
#define ends owned_ends
#define in_child owned_in_child
#define bide_owned_begin_ owned_begin
#define bide_owned_end_ owned_end
#include "io/owned.c"
#undef bide_owned_begin_
#undef bide_owned_end_

#define DESCRIPTOR(name_, setup_, threads_, check_, ...) \
	SCENARIO(file_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

enum { FD = 100, NUMBERS = 4 };

static bide_descriptor descriptor;

static struct {
	uint32_t open[NUMBERS];  /* of the descriptor FD + n; atomic */
	uint32_t owned[NUMBERS]; /* what io/owned.h knows; atomic */
	uint32_t frees;          /* atomic */
	unsigned misuses;        /* atomic */
	int error;               /* of the stale join */
} m;

/* --- what stands for the system and the rest --- */

static int explored_close(int fd)
{
	EXPLORE_CHECK(fd >= FD && fd < FD + NUMBERS);
	EXPLORE_CHECK(BIDE_SWAP(&m.open[fd - FD], 0u, ACQ_REL)); /* once */
	return 0;
}

static int explored_stat(int fd, struct stat *status)
{
	(void)fd;
	memset(status, 0, sizeof *status);
	return -1;
}

void bide_owned_begin_(int fd)
{
	BIDE_STORE(&m.owned[fd - FD], 1u, RELEASE);
}

void bide_owned_end_(int fd)
{
	/* It must not be told of a number that another file may have by now. */
	EXPLORE_CHECK(BIDE_LOAD(&m.open[fd - FD], ACQUIRE));
	EXPLORE_CHECK(BIDE_SWAP(&m.owned[fd - FD], 0u, ACQ_REL));
}

void (*bide_handle_ended_)(void);
bide_runtime bide_runtime_;

void bide_at_end_add_(bide_at_end *entry)
{
	(void)entry;
}

bool bide_blocking_is_thread_(void)
{
	return true; /* so a close is at once */
}

int bide_runtime_missing_(void)
{
	return BIDE_ENOMEM_;
}

void bide_job_describe_(const void *copy, char *to, size_t size_bytes)
{
	(void)copy, (void)to, (void)size_bytes;
}

void bide_blocking_begin_detached_(bide_job *job, bide_value_task (*function)(void *argument),
                                   void *argument)
{
	(void)job, (void)function, (void)argument;
	EXPLORE_CHECK(false);
}

/* --- parties --- */

static void freed(bide_descriptor *d)
{
	EXPLORE_CHECK(d == &descriptor && BIDE_LOAD(&d->parties, RELAXED) == 0);
	(void)BIDE_ADD(&m.frees, 1u, RELEASE); /* as the lock of the slab */
}

static void open_number(int fd)
{
	BIDE_STORE(&m.open[fd - FD], 1u, RELEASE);
	bide_descriptor_open_(&descriptor, fd, O_RDONLY, "close", freed);
}

/* What an operation does at its end: the descriptor that it uses is open. */
static void use_and_leave(void)
{
	EXPLORE_CHECK(BIDE_LOAD(&m.open[descriptor.fd - FD], ACQUIRE));
	bide_descriptor_is_local_(&descriptor);
	EXPLORE_CHECK(BIDE_LOAD(&m.open[descriptor.fd - FD], ACQUIRE));
	bide_descriptor_leave_(&descriptor);
}

static void close_thread(void)
{
	bide_descriptor_close_(&descriptor);
}

/* A program that uses a file which it closes on another thread: misuse, or the call comes first. */
static void join_thread(void)
{
	m.error = bide_descriptor_join_(&descriptor, "use");
	if (m.error == 0)
		use_and_leave();
}

/* The memory is used for the next file, as the slab does it. */
static void close_and_open_thread(void)
{
	bide_descriptor_close_(&descriptor);
	if (BIDE_LOAD(&m.frees, ACQUIRE) == 1)
		open_number(FD + 1);
}

/* --- before and after --- */

static void on_misuse(const char *message, void *argument)
{
	(void)message, (void)argument;
	(void)BIDE_ADD(&m.misuses, 1u, RELAXED);
}

static void setup_open(void)
{
	memset(&m, 0, sizeof m);
	memset(&descriptor, 0, sizeof descriptor);
	bide_misuse_hook_set(on_misuse, NULL);
	open_number(FD);
}

static void setup_used(void)
{
	setup_open();
	EXPLORE_CHECK(bide_descriptor_join_(&descriptor, "use") == 0);
}

static void setup_used_twice(void)
{
	setup_used();
	EXPLORE_CHECK(bide_descriptor_join_(&descriptor, "use") == 0);
}

static void check_closed(void)
{
	EXPLORE_CHECK(m.frees == 1 && descriptor.parties == 0);
	EXPLORE_CHECK(!m.open[0] && !m.owned[0] && !m.open[1] && !m.owned[1]);
	bide_misuse_hook_set(NULL, NULL);
}

/* A join that was too late is told; one that was in time has used it. */
static void check_joined(void)
{
	EXPLORE_CHECK(m.error == 0 || m.error == EBADF);
	EXPLORE_CHECK((m.error != 0) == (m.misuses == 1));
	check_closed();
}

static void check_open_again(void)
{
	EXPLORE_CHECK(m.error == 0 || m.error == EBADF);
	if (BIDE_LOAD(&descriptor.era, RELAXED) != 0) {
		EXPLORE_CHECK(descriptor.fd == FD + 1 && m.open[1] && descriptor.parties == 1);
		bide_descriptor_close_(&descriptor);
		EXPLORE_CHECK(m.frees == 2);
		m.frees = 1;
	}
	check_closed();
}

static void check_closed_twice(void)
{
	EXPLORE_CHECK(m.misuses == 1);
	check_closed();
}

DESCRIPTOR(use_against_close, setup_used, (use_and_leave, close_thread), check_closed)
DESCRIPTOR(two_uses_and_a_close, setup_used_twice, (use_and_leave, use_and_leave, close_thread),
           check_closed, .newest_only = true)
DESCRIPTOR(join_against_close, setup_open, (join_thread, close_thread), check_joined)
DESCRIPTOR(join_use_and_close, setup_used, (join_thread, use_and_leave, close_thread), check_joined,
           .newest_only = true)
DESCRIPTOR(close_against_close, setup_open, (close_thread, close_thread), check_closed_twice)
DESCRIPTOR(use_and_two_closes, setup_used, (use_and_leave, close_thread, close_thread),
           check_closed_twice, .newest_only = true)
DESCRIPTOR(join_against_the_next_file, setup_open, (join_thread, close_and_open_thread),
           check_open_again)

/* --- two takes of one number, as by bide_file_take_fd --- */

static int taken[2];

static void setup_number(void)
{
	memset(&m, 0, sizeof m);
	owned_end(FD);
	bide_misuse_hook_set(on_misuse, NULL);
}

static void take_thread(void)
{
	taken[0] = bide_owned_take_(FD, "take");
}

static void take_too_thread(void)
{
	taken[1] = bide_owned_take_(FD, "take");
}

static void check_taken_once(void)
{
	EXPLORE_CHECK(taken[0] + taken[1] == EBUSY && taken[0] * taken[1] == 0);
	EXPLORE_CHECK(m.misuses == 1);
	bide_misuse_hook_set(NULL, NULL);
}

DESCRIPTOR(take_against_take, setup_number, (take_thread, take_too_thread), check_taken_once)
