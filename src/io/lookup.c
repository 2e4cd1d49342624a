/*
 * lookup.c - see lookup.h.
 */
#include "io/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/text.h"
#include "io/lookup_error.h"
#include "os/os.h"
#include "runtime/at_end.h"
#include "runtime/external.h"
#include "runtime/runtime.h"

enum { BUCKETS = 64 };
static const int64_t stop_max_ns = 1000000000;

int (*bide_lookup_ask_)(const char *host, const char *service, const struct addrinfo *hints,
                        struct addrinfo **list) = getaddrinfo;
void (*bide_lookup_free_)(struct addrinfo *list) = freeaddrinfo;
int64_t bide_lookup_hung_ns_ = (int64_t)5 * 1000000000;
int64_t bide_lookup_idle_max_ns_ = (int64_t)10 * 1000000000;

typedef struct bide_lookup {
	struct bide_lookup *next;          /* in the queue, or among those that run */
	struct bide_lookup *previous;      /* in the queue */
	struct bide_lookup *next_in_place; /* with the same hash */
	bide_lookup_wait *waits;
	int64_t since_ns; /* when it began to run */
	uint32_t hash;
	uint32_t life; /* `life` below when it was made */
	bool runs;
	bool reported;       /* as hung */
	const char *service; /* or NULL; behind the host */
	char host[];
} lookup;

static struct {
	bide_os_mutex mutex;
	uint32_t wake;        /* changes when an idle thread has a reason to look; a futex */
	uint32_t gone;        /* changes when a thread has ended; a futex */
	uint32_t life;        /* grows when threads are left behind */
	lookup *first, *last; /* the queue */
	lookup *running;
	lookup *places[BUCKETS]; /* all that are queued or run, by their hash */
	size_t queue_count;
	unsigned thread_count, idle_count, running_count;
	bool stopping;
} s;

/* ---- one look-up */

static uint32_t hash_of(uint32_t hash, const char *text)
{
	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash * 16777619u;
}

lookup *bide_lookup_new_(const char *host, const char *service)
{
	size_t host_bytes = strlen(host) + 1, service_bytes = service ? strlen(service) + 1 : 0;
	lookup *l = bide_os_allocate_(sizeof *l + host_bytes + service_bytes, _Alignof(lookup));

	if (!l)
		return NULL;
	memset(l, 0, sizeof *l);
	memcpy(l->host, host, host_bytes);
	if (service)
		l->service = memcpy(l->host + host_bytes, service, service_bytes);
	l->hash = hash_of(hash_of(2166136261u, host), service);
	return l;
}

void bide_lookup_discard_(lookup *l)
{
	if (l)
		bide_os_release_(l);
}

static bool is_equal(const lookup *a, const lookup *b)
{
	return a->hash == b->hash && strcmp(a->host, b->host) == 0 && !a->service == !b->service &&
	       (!a->service || strcmp(a->service, b->service) == 0);
}

/* Takes it out of its place. */
static void place_leave(lookup *l)
{
	lookup **at = &s.places[l->hash % BUCKETS];

	while (*at != l)
		at = &(*at)->next_in_place;
	*at = l->next_in_place;
}

static void queue_append(lookup *l)
{
	l->next = NULL;
	l->previous = s.last;
	*(s.first ? &s.last->next : &s.first) = l;
	s.last = l;
	s.queue_count++;
}

static void queue_leave(lookup *l)
{
	*(l->previous ? &l->previous->next : &s.first) = l->next;
	*(l->next ? &l->next->previous : &s.last) = l->previous;
	s.queue_count--;
}

/* Makes all its waits TAKEN, and returns them as a list through `next`. */
static bide_lookup_wait *waits_take(lookup *l)
{
	bide_lookup_wait *all = l->waits;

	for (bide_lookup_wait *w = all; w; w = w->next)
		w->state = BIDE_LOOKUP_WAIT_TAKEN_;
	l->waits = NULL;
	return all;
}

static void waits_end(bide_lookup_wait *list, const struct addrinfo *answer, int error)
{
	bide_lookup_wait *next;

	for (; list; list = next) {
		next = list->next; /* a wait that has ended may be gone */
		list->end(list, answer, error);
	}
}

/* The queued look-ups are over, and so are their waits, which this returns as a list. */
static bide_lookup_wait *queue_clear(void)
{
	bide_lookup_wait *all = NULL, **end = &all;
	lookup *l;

	while ((l = s.first) != NULL) {
		*end = waits_take(l);
		while (*end)
			end = &(*end)->next;
		queue_leave(l);
		place_leave(l);
		bide_os_release_(l);
	}
	return all;
}

/* ---- the threads */

/*
 * Waits for a look-up. Returns false if the thread has to end. The mutex is held before and after.
 */
static bool wait_for_work(void)
{
	int64_t deadline_ns = bide_os_now_ns_() + bide_lookup_idle_max_ns_;
	uint32_t seen;

	s.idle_count++;
	while (!s.first && !s.stopping && bide_os_now_ns_() < deadline_ns) {
		seen = BIDE_LOAD(&s.wake, RELAXED); /* it changes only under the mutex */
		bide_os_unlock_(&s.mutex);
		bide_os_wait_(&s.wake, seen, deadline_ns);
		bide_os_lock_(&s.mutex);
	}
	s.idle_count--;
	return s.first != NULL && !s.stopping;
}

/* Asks the system. Without the mutex. */
static struct addrinfo *ask(const lookup *l, int *error)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;

	errno = 0;
	*error = bide_lookup_error_(bide_lookup_ask_(l->host, l->service, &hints, &list), errno);
	return list;
}

/*
 * Does the first look-up of the queue. Returns false if this thread was left behind meanwhile. The
 * mutex is held before and after.
 */
static bool do_first(void)
{
	lookup *l = s.first, **at;
	bide_lookup_wait *waits;
	struct addrinfo *answer;
	bool left_behind;
	int error;

	queue_leave(l);
	l->runs = true;
	l->life = s.life;
	l->since_ns = bide_os_now_ns_();
	l->next = s.running;
	s.running = l;
	s.running_count++;
	bide_os_unlock_(&s.mutex);
	answer = ask(l, &error);
	bide_os_lock_(&s.mutex);
	left_behind = l->life != s.life;
	waits = left_behind ? NULL : waits_take(l);
	if (!left_behind) {
		for (at = &s.running; *at != l; at = &(*at)->next)
			;
		*at = l->next;
		place_leave(l);
	}
	bide_os_unlock_(&s.mutex);
	if (waits) {
		waits_end(waits, answer, error);
		bide_external_detach_();
	}
	if (answer)
		bide_lookup_free_(answer);
	bide_os_release_(l);
	bide_os_lock_(&s.mutex);
	if (!left_behind)
		s.running_count--; /* now, so that a shutdown waits for what this thread completes */
	return !left_behind;
}

static void *run_thread(void *argument)
{
	bide_os_thread_name_("bide-resolve");
	bide_os_thread_detach_self_();
	bide_os_lock_(&s.mutex);
	for (;;) {
		if (!wait_for_work()) {
			s.thread_count--;
			(void)BIDE_ADD(&s.gone, 1, RELAXED); /* it is read under the mutex, and by the kernel */
			bide_os_unlock_(&s.mutex);
			bide_os_wake_(&s.gone, 1);
			return argument;
		}
		if (!do_first()) {
			bide_os_unlock_(&s.mutex);
			return argument;
		}
	}
}

static unsigned threads_max(void)
{
	unsigned max = bide_runtime_.config.resolver_threads_max;

	return max ? max : BIDE_RESOLVER_THREADS_MAX_DEFAULT_;
}

/*
 * A look-up was queued: decides whether to wake an idle thread, or starts one. Returns 0, or the
 * error if there is no thread and none could be started. With the mutex held.
 */
static int provide_thread(bool *wake)
{
	int error = 0;

	*wake = s.idle_count > 0;
	if (s.idle_count >= s.queue_count || s.thread_count >= threads_max())
		return 0;
	error = bide_os_thread_start_(run_thread, NULL);
	if (!error)
		s.thread_count++;
	return s.thread_count > 0 ? 0 : error;
}

/*
 * If each thread does a look-up that is hung, writes a report, once for each look-up. Returns true
 * if there is one. With the mutex held.
 */
static bool report_hung(char *line, size_t size_bytes)
{
	int64_t now_ns = bide_os_now_ns_();
	const char *host = NULL;
	unsigned count = 0;
	bool is_new = false;

	if (s.running_count < threads_max())
		return false;
	for (lookup *l = s.running; l; l = l->next) {
		if (now_ns - l->since_ns < bide_lookup_hung_ns_)
			continue;
		count++;
		host = l->host;
		is_new |= !l->reported;
		l->reported = true;
	}
	if (!is_new || count < threads_max())
		return false;
	bide_put_(
		line, size_bytes,
		"bide_resolve: all %u threads have waited for an answer for more than %d s, the first "
		"for %.200s; %zu look-ups wait",
		count, (int)(bide_lookup_hung_ns_ / 1000000000), host, s.queue_count);
	return true;
}

/* ---- joining and leaving */

static void wait_link(lookup *l, bide_lookup_wait *wait)
{
	wait->state = BIDE_LOOKUP_WAIT_LISTED_;
	wait->lookup = l;
	wait->previous = NULL;
	wait->next = l->waits;
	if (l->waits)
		l->waits->previous = wait;
	l->waits = wait;
}

static lookup *find_equal(const lookup *l)
{
	lookup *other = s.places[l->hash % BUCKETS];

	while (other && !is_equal(other, l))
		other = other->next_in_place;
	return other;
}

static void stop(void);
static void restart(void);
static void in_child(void);
static bide_at_end ends = { .stop = stop, .restart = restart, .fork = in_child };

void bide_lookup_join_(lookup *l, bide_lookup_wait *wait)
{
	bide_lookup_wait *failed = NULL;
	bool wake = false, hung = false;
	lookup *equal, *unused = l;
	char line[512];
	int error = 0;

	bide_at_end_add_(&ends);
	bide_os_lock_(&s.mutex);
	if (wait->state == BIDE_LOOKUP_WAIT_NEW_) {
		equal = find_equal(l);
		if (!equal && !s.stopping) {
			unused = NULL;
			equal = l;
			l->next_in_place = s.places[l->hash % BUCKETS];
			s.places[l->hash % BUCKETS] = l;
			queue_append(l);
			error = provide_thread(&wake);
			hung = report_hung(line, sizeof line);
		}
		if (s.stopping) {
			wait->state = BIDE_LOOKUP_WAIT_TAKEN_;
			wait->next = NULL;
			failed = wait;
			error = ECANCELED;
		} else {
			wait_link(equal, wait);
			if (error)
				failed = queue_clear();
		}
	}
	if (wake) /* it is read under the mutex, and by the kernel */
		(void)BIDE_ADD(&s.wake, 1, RELAXED);
	bide_os_unlock_(&s.mutex);
	if (wake)
		bide_os_wake_(&s.wake, 1);
	if (unused)
		bide_os_release_(unused);
	waits_end(failed, NULL, error);
	if (hung)
		bide_report_("stuck", line);
}

bool bide_lookup_leave_(bide_lookup_wait *wait)
{
	lookup *l = NULL;
	bool mine;

	bide_os_lock_(&s.mutex);
	mine = wait->state != BIDE_LOOKUP_WAIT_TAKEN_;
	if (wait->state == BIDE_LOOKUP_WAIT_LISTED_) {
		l = wait->lookup;
		*(wait->previous ? &wait->previous->next : &l->waits) = wait->next;
		if (wait->next)
			wait->next->previous = wait->previous;
		if (l->waits || l->runs)
			l = NULL;
		else {
			queue_leave(l);
			place_leave(l);
		}
	}
	wait->state = BIDE_LOOKUP_WAIT_TAKEN_;
	bide_os_unlock_(&s.mutex);
	if (l)
		bide_os_release_(l);
	return mine;
}

void bide_lookup_stats_(bide_lookup_stats *stats)
{
	int64_t now_ns = bide_os_now_ns_();

	bide_os_lock_(&s.mutex);
	*stats = (bide_lookup_stats){ .thread_count = s.thread_count,
		                          .queue_count = s.queue_count,
		                          .running_count = s.running_count };
	for (const lookup *l = s.running; l; l = l->next)
		stats->hung_count += now_ns - l->since_ns >= bide_lookup_hung_ns_;
	bide_os_unlock_(&s.mutex);
}

/* ---- what the runtime asks */

/* Waits until no thread is left, or for 1 s; then leaves those behind that are in getaddrinfo. */
static void await_threads(void)
{
	int64_t deadline_ns = bide_os_now_ns_() + stop_max_ns;
	uint32_t seen;

	while (s.thread_count > 0) {
		unsigned in_system = 0;

		for (const lookup *l = s.running; l; l = l->next)
			in_system++;
		/* A thread that completes waits is in no list, and is soon through. */
		if (bide_os_now_ns_() >= deadline_ns && in_system == s.thread_count)
			break;
		seen = BIDE_LOAD(&s.gone, RELAXED); /* it changes only under the mutex */
		bide_os_unlock_(&s.mutex);
		bide_os_wait_(&s.gone, seen,
		              bide_os_now_ns_() < deadline_ns ? deadline_ns : bide_os_now_ns_() + 1000000);
		bide_os_lock_(&s.mutex);
	}
	for (lookup *l = s.running; l; l = l->next)
		place_leave(l);
	s.running = NULL;
	s.thread_count = s.running_count = 0;
	s.life++;
}

static void stop(void)
{
	bide_lookup_wait *failed, **end = &failed;

	bide_os_lock_(&s.mutex);
	s.stopping = true;
	failed = queue_clear();
	while (*end)
		end = &(*end)->next;
	for (lookup *l = s.running; l; l = l->next) {
		*end = waits_take(l);
		while (*end)
			end = &(*end)->next;
	}
	(void)BIDE_ADD(&s.wake, 1, RELAXED);
	bide_os_unlock_(&s.mutex);
	bide_os_wake_(&s.wake, INT32_MAX);
	waits_end(failed, NULL, ECANCELED);
	bide_os_lock_(&s.mutex);
	await_threads();
	bide_os_unlock_(&s.mutex);
}

static void restart(void)
{
	bide_os_lock_(&s.mutex);
	s.stopping = false;
	bide_os_unlock_(&s.mutex);
}

/* The look-ups of the parent stay as they are: other threads of the parent may use them. */
static void in_child(void)
{
	uint32_t life = s.life;

	memset(&s, 0, sizeof s);
	s.life = life + 1;
}
