/*
 * linux_catcher.c - catcher.h for Linux.
 *
 * The handler walks a list of catchers without a lock, because a handler must not wait. So the end
 * of a catcher takes it out of the list, and then waits until no handler is inside. The list is
 * changed under a mutex, and no signal handler takes that.
 *
 * Relies on: getpid in a handler, which tells a child of vfork(2) from the process itself.
 */
#define _GNU_SOURCE
#include "os/catcher.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/event.h"
#include "os/os.h"

enum { SIGNALS_MAX = 64 };

/* What the library knows of a signal. */
typedef struct caught {
	unsigned count;          /* of catchers that want it; guarded by `guard` */
	bool is_saved;           /* the same */
	struct sigaction before; /* the program's action; the same */
	uintptr_t handler;       /* the function in `before`; atomic, for the handler */
	uint32_t takes_info;     /* that function takes three arguments; atomic */
} caught;

static caught signals[SIGNALS_MAX]; /* signal n has the index n - 1 */
static bide_os_mutex guard;
static bide_os_catcher *first; /* atomic; written under `guard` */
static uint32_t inside;        /* how many handlers walk the list; atomic */
static pid_t owner;            /* the process whose catchers these are; atomic */

static uint64_t bit_of(int number)
{
	return (uint64_t)1 << (number - 1);
}

/* --- in the handler --- */

/* Returns true if a catcher wants the signal. */
static bool tell_catchers(int number)
{
	bide_os_catcher *at;
	bool heard = false;

	/*
	 * SEQ_CST: either the end of a catcher sees this count, or the walk does not find the catcher.
	 */
	(void)BIDE_ADD(&inside, 1u, SEQ_CST);
	for (at = BIDE_LOAD(&first, SEQ_CST); at; at = BIDE_LOAD(&at->next, SEQ_CST)) {
		if (!(at->wanted & bit_of(number)))
			continue;
		heard = true;
		bide_os_caught_again_(at, number);
	}
	(void)BIDE_SUB(&inside, 1u, RELEASE); /* pairs with the wait of bide_os_catch_end_ */
	return heard;
}

/*
 * Does what the program's own action does. The signal is blocked until the handler returns, so a
 * default action that ends the process comes then.
 */
static void pass_on(int number, siginfo_t *info, void *context)
{
	const caught *s = &signals[number - 1];
	uintptr_t handler = BIDE_LOAD(&s->handler, ACQUIRE);

	if (handler == (uintptr_t)SIG_IGN)
		return;
	if (handler == (uintptr_t)SIG_DFL) {
		(void)signal(number, SIG_DFL);
		(void)raise(number);
	} else if (BIDE_LOAD(&s->takes_info, RELAXED)) {
		((void (*)(int, siginfo_t *, void *))handler)(number, info, context);
	} else {
		((void (*)(int))handler)(number);
	}
}

static void handle(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (getpid() != BIDE_LOAD(&owner, RELAXED) || !tell_catchers(number))
		pass_on(number, info, context);
	errno = saved;
}

/* --- installing it --- */

static bool is_ours(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO && action->sa_sigaction == handle;
}

/* Under `guard`. */
static int install(int number)
{
	caught *s = &signals[number - 1];
	struct sigaction ours, before;

	if (s->count > 0)
		return s->count++, 0;
	if (sigaction(number, NULL, &before) != 0)
		return errno;
	/* It may be the library's own already: the program put it back after the last catcher. */
	if (!is_ours(&before)) {
		s->before = before;
		s->is_saved = true;
		BIDE_STORE(&s->takes_info, (uint32_t)(before.sa_flags & SA_SIGINFO ? 1 : 0), RELAXED);
		BIDE_STORE(&s->handler, (uintptr_t)before.sa_handler, RELEASE); /* pairs with pass_on */
	}
	memset(&ours, 0, sizeof ours);
	ours.sa_sigaction = handle;
	ours.sa_flags = SA_SIGINFO | SA_RESTART;
	sigfillset(&ours.sa_mask);
	if (sigaction(number, &ours, NULL) != 0)
		return errno;
	s->count = 1;
	return 0;
}

/* Puts the program's action back, unless the program has set another one. Under `guard`. */
static void put_back(int number)
{
	const caught *s = &signals[number - 1];
	struct sigaction now;

	if (s->is_saved && sigaction(number, NULL, &now) == 0 && is_ours(&now))
		(void)sigaction(number, &s->before, NULL);
}

/* Gives up the signals in `which`. Under `guard`. */
static void uninstall(uint64_t which)
{
	for (int number = 1; number <= SIGNALS_MAX; number++)
		if (which & bit_of(number) && --signals[number - 1].count == 0)
			put_back(number);
}

/* --- fork --- */

static void before_fork(void)
{
	bide_os_lock_(&guard);
}

static void in_parent(void)
{
	bide_os_unlock_(&guard);
}

static void in_child(void)
{
	BIDE_STORE(&first, (bide_os_catcher *)NULL, SEQ_CST);
	BIDE_STORE(&inside, 0u, RELAXED); /* the handlers of other threads are not here */
	for (int number = 1; number <= SIGNALS_MAX; number++) {
		if (signals[number - 1].count > 0)
			put_back(number);
		signals[number - 1].count = 0;
	}
	BIDE_STORE(&owner, getpid(), RELAXED);
	bide_os_unlock_(&guard);
}

/* Under `guard`. Returns 0 or ENOMEM. */
static int begin_use(void)
{
	static bool is_installed;
	int error = is_installed ? 0 : bide_os_at_fork_(before_fork, in_parent, in_child);

	is_installed |= error == 0;
	BIDE_STORE(&owner, getpid(), RELAXED);
	return error;
}

/* --- catchers --- */

/* Takes a catcher out of the list. Returns false if it is not there. Under `guard`. */
static bool take_out(bide_os_catcher *catcher)
{
	bide_os_catcher **at = &first;

	while (*at && *at != catcher)
		at = &(*at)->next;
	if (!*at)
		return false;
	BIDE_STORE(at, catcher->next, SEQ_CST); /* pairs with tell_catchers */
	return true;
}

int bide_os_catch_(bide_os_catcher *catcher)
{
	uint64_t done = 0;
	int error;

	bide_os_lock_(&guard);
	error = begin_use();
	if (!error) {
		/* Before the handlers, so that no signal meets a handler without its catcher. */
		catcher->next = first;
		BIDE_STORE(&first, catcher, SEQ_CST);
	}
	for (int number = 1; !error && number <= SIGNALS_MAX; number++) {
		if (!(catcher->wanted & bit_of(number)))
			continue;
		error = install(number);
		if (!error)
			done |= bit_of(number);
	}
	bide_os_unlock_(&guard);
	if (error) {
		catcher->wanted = done;
		bide_os_catch_end_(catcher);
	}
	return error;
}

void bide_os_catch_end_(bide_os_catcher *catcher)
{
	bool was_in;

	bide_os_lock_(&guard);
	was_in = take_out(catcher);
	if (was_in)
		uninstall(catcher->wanted);
	bide_os_unlock_(&guard);
	if (!was_in)
		return;
	/* Pairs with the end of tell_catchers; SEQ_CST: see its begin. */
	for (unsigned tries = 0; BIDE_LOAD(&inside, SEQ_CST) != 0; tries++)
		bide_os_pause_(tries);
}

int bide_os_caught_take_(bide_os_catcher *catcher)
{
	uint64_t seen = BIDE_LOAD(&catcher->arrived, ACQUIRE);

	while (seen != 0)
		if (BIDE_CAS(&catcher->arrived, &seen, seen & (seen - 1), ACQUIRE, ACQUIRE))
			return __builtin_ctzll(seen) + 1;
	return 0;
}

void bide_os_caught_again_(bide_os_catcher *catcher, int number)
{
	(void)BIDE_OR(&catcher->arrived, bit_of(number), RELEASE);
	bide_os_event_signal_(catcher->fd);
}
