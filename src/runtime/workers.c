/*
 * pool.c - many workers: where they look for work. How they sleep and are woken: sleep.h.
 */
#include "runtime/workers.h"

#include "async/deque.h"
#include "os/os.h"
#include "runtime/injector.h"
#include "runtime/prepare.h"
#include "runtime/ring.h"
#include "runtime/runtime.h"
#include "runtime/sleep.h"
#include "runtime/thread.h"
#include "runtime/wheel.h"

enum {
	TURNS_BETWEEN_POLLS = 61, /* functions run at most, before inbox and timers are looked at */
	INBOX_SHARE = 64,         /* taken from the inbox at a time */
	TIMER_BATCH = 32,         /* timers ended at a time */
	SEARCH_NS = 30000,        /* about what waking a thread costs */
	WATCH_NS = 10000000,      /* how long something may wait behind a function that does not end */
	LATE_NS = 1000000         /* from then on any worker may end another worker's timer */
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what others write stands apart */
typedef struct worker {
	bide_thread thread; /* first: bide_current_thread_ points at it */
	unsigned index;
	unsigned turns; /* since inbox and timers were looked at */
	bool has_next;  /* a continuation was pushed on the deque, and not popped since */
	bool inbox_first;
	uint32_t random;
	bide_os_thread handle;
	bide_wheel wheel; /* under its lock */
	_Alignas(64) uint32_t wheel_lock;
	int64_t due_ns; /* no timer of the wheel is due before; written under the lock */
	_Alignas(64) bide_sleeper sleeper;
	uint32_t steps;      /* functions run so far: one that does not change is stuck */
	uint32_t steps_seen; /* by the worker that watches */
	uint32_t ready;      /* has its handle */
	bide_ring ring;
} worker;

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the same */
static struct {
	worker *workers[BIDE_WORKERS_MAX];
	unsigned count;
	uint32_t homes; /* timers of other threads go round the workers */
	bide_injector inbox;
} pool;

static worker *this_worker(void)
{
	bide_thread_head *head = bide_current_thread_;

	return head && !bide_thread_of_(head)->is_external ? (worker *)(void *)head : NULL;
}

unsigned bide_workers_count_(void)
{
	return pool.count;
}

/* --- what sleep.h asks for --- */

bide_sleeper *bide_workers_sleeper_(unsigned index)
{
	return &pool.workers[index]->sleeper;
}

/*
 * Of what others may take at once. A continuation alone in the deque is its owner's next step, and
 * taken from it only if it does not come to it.
 */
static bool has_work(const worker *w)
{
	const bide_deque *deque = &w->thread.head.deque;
	uint32_t size = bide_deque_size_(&w->thread.head);
	uintptr_t oldest;

	if (bide_ring_size_(&w->ring) > 0 || size > 1)
		return true;
	if (size == 0)
		return false;
	oldest = BIDE_LOAD(&deque->ring[BIDE_LOAD(&deque->top, RELAXED) & deque->mask], RELAXED);
	return !(oldest & BIDE_ENTRY_FRAME_);
}

bool bide_workers_have_work_(void)
{
	if (bide_injector_size_(&pool.inbox))
		return true;
	for (unsigned i = 0; i < pool.count; i++)
		if (has_work(pool.workers[i]))
			return true;
	return false;
}

/* Whoever runs is to offer what it pushes. */
void bide_workers_want_(void)
{
	for (unsigned i = 0; i < pool.count; i++)
		BIDE_STORE(&pool.workers[i]->thread.head.deque.wanted, 1u, RELAXED);
}

int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool watches)
{
	worker *w = BIDE_CONTAINER_(sleeper, worker, sleeper);
	int64_t until_ns = BIDE_LOAD(&w->due_ns, SEQ_CST), watch_ns;

	if (!watches)
		return until_ns;
	for (unsigned i = 0; i < pool.count; i++) {
		worker *other = pool.workers[i];
		BIDE_STORE(&other->steps_seen, BIDE_LOAD(&other->steps, RELAXED), RELAXED);
	}
	watch_ns = bide_os_now_ns_() + WATCH_NS;
	return watch_ns < until_ns ? watch_ns : until_ns;
}

void bide_workers_offer_(bide_thread_head *head)
{
	bide_sleep_offer_(&head->deque.wanted);
}

/* --- making runnable --- */

/* A share of the inbox goes to this worker's ring; the first of it is returned. */
static bide_frame *inbox_take(worker *w)
{
	bide_frame *share[INBOX_SHARE];
	uint32_t room = BIDE_RING_SIZE + 1 - bide_ring_size_(&w->ring); /* others only take from it */
	uint32_t max = room < INBOX_SHARE ? room : INBOX_SHARE;
	uint32_t count = bide_injector_take_(&pool.inbox, share, max, pool.count);

	for (uint32_t i = 1; i < count; i++) {
		__builtin_prefetch(share[i], 1); /* another core wrote it */
		(void)bide_ring_push_(&w->ring, share[i]);
	}
	return count ? share[0] : NULL;
}

/* The ring is full: the older half of it goes to the inbox, where all see it. */
static void ring_overflow(worker *w, bide_frame *frame)
{
	bide_frame *half[BIDE_RING_SIZE / 2];
	uint32_t count = 0;

	while (count < BIDE_RING_SIZE / 2 && (half[count] = bide_ring_take_(&w->ring)) != NULL)
		count++;
	bide_injector_put_(&pool.inbox, half, count);
	(void)bide_ring_push_(&w->ring, frame); /* there is room: only the owner fills it */
}

/*
 * This worker may be about to run for long, and has what only it would come to: its next step, its
 * timers. If all others sleep and none of them watches, one is woken, looks for work, and then
 * looks again every WATCH_NS as long as a worker runs. So this costs one wake-up in that time at
 * the most.
 */
static void be_monitored(void)
{
	if (bide_sleep_unmonitored_())
		bide_sleep_wake_one_();
}

/*
 * The newest continuation goes on the deque, and no worker is woken: this one runs it next. A
 * function that runs for long delays it, so another worker has to watch. false: full.
 */
static bool next_push(worker *w, bide_frame *frame)
{
	w->has_next = bide_deque_add_(&w->thread.head, (uintptr_t)frame | BIDE_ENTRY_FRAME_);
	if (w->has_next)
		be_monitored();
	return w->has_next;
}

void bide_workers_schedule_(bide_frame *frame, bool next)
{
	worker *w = this_worker();

	if (!w) {
		bide_injector_put_(&pool.inbox, &frame, 1);
		bide_sleep_wake_one_(); /* the count is in the one order of all SEQ_CST accesses */
		return;
	}
	if (next && !w->has_next && next_push(w, frame))
		return;
	if (BIDE_UNLIKELY(!bide_ring_push_(&w->ring, frame)))
		ring_overflow(w, frame);
	BIDE_LIGHT_FENCE(); /* pairs with the heavy fence of a worker that falls asleep */
	if (BIDE_UNLIKELY(w->thread.head.deque.no_membarrier))
		BIDE_FENCE(SEQ_CST);
	if (BIDE_UNLIKELY(BIDE_LOAD(&w->thread.head.deque.wanted, RELAXED)))
		bide_workers_offer_(&w->thread.head);
}

/* --- timers --- */

static worker *home_of(const bide_timer *timer)
{
	return pool.workers[BIDE_LOAD(&timer->source.line, RELAXED) >> BIDE_LINE_HOME_SHIFT_];
}

/* A sleeping owner is woken if this is the first to come; it looks at due_ns after it says so. */
void bide_workers_arm_(bide_timer *timer)
{
	worker *w = home_of(timer);
	int64_t deadline_ns = timer->source.payload.i;
	bool first;

	bide_spin_lock_(&w->wheel_lock);
	bide_wheel_insert_(&w->wheel, timer);
	first = deadline_ns < w->due_ns;
	if (first)
		BIDE_STORE(&w->due_ns, deadline_ns, SEQ_CST);
	bide_spin_unlock_(&w->wheel_lock);
	if (!first)
		return;
	if (w != this_worker())
		bide_sleep_rearm_(&w->sleeper);
	be_monitored(); /* its worker may be inside a function that runs for long */
}

bool bide_workers_disarm_(bide_timer *timer)
{
	worker *w = home_of(timer);
	bool held;

	bide_spin_lock_(&w->wheel_lock);
	held = bide_wheel_holds(timer);
	if (held)
		bide_wheel_remove_(&w->wheel, timer);
	bide_spin_unlock_(&w->wheel_lock);
	return held;
}

/* Ends what is due in a wheel, in batches: nothing of what follows runs under the lock. */
static bool expire(worker *w, int64_t now_ns)
{
	bide_timer *batch[TIMER_BATCH];
	bool any = false;
	unsigned count;

	if (BIDE_LOAD(&w->due_ns, RELAXED) > now_ns)
		return false;
	do {
		bide_spin_lock_(&w->wheel_lock);
		for (count = 0; count < TIMER_BATCH; count++)
			if (!(batch[count] = bide_wheel_expire_(&w->wheel, now_ns, false)))
				break;
		if (count < TIMER_BATCH)
			BIDE_STORE(&w->due_ns, bide_wheel_next_ns_(&w->wheel), SEQ_CST);
		bide_spin_unlock_(&w->wheel_lock);
		for (unsigned i = 0; i < count; i++)
			bide_timer_due_(batch[i]);
		any |= count > 0;
	} while (count == TIMER_BATCH);
	return any;
}

void bide_workers_count_stats_(bide_stats *stats)
{
	stats->runnable_count = bide_injector_size_(&pool.inbox);
	for (unsigned i = 0; i < pool.count; i++) {
		worker *w = pool.workers[i];

		bide_spin_lock_(&w->wheel_lock);
		stats->timer_count += w->wheel.count;
		bide_spin_unlock_(&w->wheel_lock);
		stats->runnable_count += bide_ring_size_(&w->ring) + bide_deque_size_(&w->thread.head);
	}
	/* Last: a worker that took a timer or a frame before this is awake, so it is not counted. */
	stats->idle_worker_count = BIDE_LOAD(&bide_sleep_.asleep, ACQUIRE);
}

/* --- finding work: entries as of a deque --- */

static uintptr_t entry_of(bide_frame *frame)
{
	return frame ? (uintptr_t)frame | BIDE_ENTRY_FRAME_ : 0;
}

/*
 * After a number of functions: the inbox and the oldest of the deque in turn. The ring has its own.
 */
static uintptr_t take_oldest(worker *w)
{
	uintptr_t entry = 0;

	w->turns = 0;
	expire(w, bide_os_now_ns_());
	w->inbox_first = !w->inbox_first;
	if (w->inbox_first)
		entry = entry_of(inbox_take(w));
	if (!entry)
		entry = bide_deque_take_oldest_(&w->thread.head);
	return entry ? entry : entry_of(inbox_take(w));
}

/* What this worker has itself: the newest continuation, then the oldest, then forks. */
static inline uintptr_t take(worker *w)
{
	bide_thread_head *head = &w->thread.head;
	uintptr_t entry;

	if (BIDE_UNLIKELY(w->turns++ >= TURNS_BETWEEN_POLLS) && (entry = take_oldest(w)) != 0)
		return entry;
	if (w->has_next && head->handovers++ < BIDE_HANDOVERS_MAX_) {
		w->has_next = false;
		if ((entry = bide_deque_pop_(head)) != 0)
			return entry;
	}
	head->handovers = 0;
	entry = entry_of(bide_ring_take_(&w->ring));
	if (entry)
		return entry;
	w->has_next = false;
	return bide_deque_pop_(head);
}

static uint32_t draw(worker *w)
{
	uint32_t x = w->random; /* xorshift */

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return w->random = x;
}

/*
 * A thief leaves a continuation that is alone to its owner, unless the owner has finished no
 * function since `steps_seen`, which a worker that watches sets.
 */
static uintptr_t steal(worker *w, worker *victim)
{
	uintptr_t entry = entry_of(bide_ring_steal_(&victim->ring, &w->ring));
	bool is_stuck;

	if (entry)
		return entry;
	is_stuck = BIDE_LOAD(&victim->steps, RELAXED) == BIDE_LOAD(&victim->steps_seen, RELAXED);
	return has_work(victim) || is_stuck ? bide_deque_steal_(&victim->thread.head) : 0;
}

/* What others have. */
static uintptr_t take_from_others(worker *w, int64_t now_ns)
{
	uintptr_t entry = entry_of(inbox_take(w));
	unsigned start = draw(w) % pool.count;

	for (unsigned i = 0; i < pool.count && !entry; i++) {
		worker *victim = pool.workers[(start + i) % pool.count];
		if (victim == w)
			continue;
		entry = steal(w, victim);
		/* Its owner does not come to it. */
		if (!entry && BIDE_LOAD(&victim->due_ns, RELAXED) <= now_ns - LATE_NS)
			expire(victim, now_ns);
	}
	return entry ? entry : take(w);
}

/*
 * Searches for so long, and once at least. Returns 0 if it found nothing. `counted`: this worker
 * counts as a searcher already.
 */
static uintptr_t search(worker *w, bool counted, int64_t for_ns)
{
	int64_t now_ns = bide_os_now_ns_(), until_ns = now_ns + for_ns;
	uintptr_t entry = 0;
	unsigned pauses = 1;

	if (!counted) {
		if (expire(w, now_ns) && (entry = take(w)) != 0)
			return entry;
		if (!bide_sleep_search_())
			return 0;
	}
	while (!bide_sleep_stops_()) {
		expire(w, now_ns);
		if ((entry = take(w)) != 0 || (entry = take_from_others(w, now_ns)) != 0)
			break;
		if (now_ns >= until_ns)
			break;
		for (unsigned i = 0; i < pauses; i++)
			BIDE_RELAX();
		if (pauses < 32)
			pauses *= 2;
		now_ns = bide_os_now_ns_();
	}
	bide_sleep_searched_(entry != 0);
	return entry;
}

/* --- the workers --- */

static void run(worker *w, uintptr_t entry)
{
	bide_frame *frame = (bide_frame *)(entry & ~(uintptr_t)BIDE_ENTRY_FRAME_);

	BIDE_STORE(&w->steps, w->steps + 1, RELAXED); /* read by a worker that watches */
	if (entry & BIDE_ENTRY_FRAME_) {
		bide_prepare_frame_(frame);
		bide_frame_resume_(&w->thread.head, frame);
	} else {
		if (bide_debug_)
			bide_scribble_();
		bide_fork_run_(&w->thread.head, (bide_fork *)entry);
	}
}

static void *worker_main(void *argument);

/* Of worker.ready: whose the thread is. */
enum {
	NOT_READY, /* it starts, or another thread takes its place */
	READY,     /* handle is that of the thread */
	JOINED     /* stop() waits for this very thread: no other takes its place */
};

/*
 * A function ended the thread (pthread_exit, pthread_cancel). Another thread becomes the worker,
 * unless the pool stops; the function never goes on.
 */
static void worker_died(void *argument)
{
	worker *w = argument;
	uint32_t ready = READY;

	bide_thread_died_(&w->thread, "a worker's");
	bide_current_thread_ = NULL;
	if (!BIDE_CAS(&w->ready, &ready, NOT_READY, RELAXED, RELAXED))
		return;
	if (bide_os_thread_start_(worker_main, w) == 0)
		bide_os_thread_detach_self_();
	else
		BIDE_STORE(&w->ready, READY, RELEASE); /* one worker less; this thread is joined */
}

static void *worker_main(void *argument)
{
	worker *w = argument;
	uintptr_t entry;
	bool woken = false, slept = false;

	bide_os_thread_name_("bide-worker");
	w->thread.head.stack_limit = bide_thread_stack_limit_();
	bide_current_thread_ = &w->thread.head;
	w->handle = bide_os_thread_self_();
	(void)bide_os_at_thread_exit_(worker_died, w); /* without it only the message is missing */
	BIDE_STORE(&w->ready, READY, RELEASE);         /* pairs with stop */
	while (!bide_sleep_stops_()) {
		entry = woken ? 0 : take(w);
		/* A worker that wakes by itself looks at its timers and at stuck workers, and sleeps. */
		if (!entry)
			entry = search(w, woken, slept && !woken ? 0 : SEARCH_NS);
		woken = false;
		if (entry) {
			if (slept && BIDE_LOAD(&w->due_ns, RELAXED) != BIDE_FOREVER)
				be_monitored();
			slept = false;
			run(w, entry);
		} else if (bide_deque_is_empty_(&w->thread.head)) {
			woken = bide_sleep_fall_(&w->sleeper);
			slept = true;
		}
	}
	if (BIDE_LOAD(&bide_runtime_.state, RELAXED) != BIDE_RUNTIME_OFF) /* a start that fails */
		bide_runtime_check_child_();
	bide_thread_forget_exit_();
	bide_current_thread_ = NULL;
	return NULL;
}

/* --- start and stop --- */

static void worker_free(worker *w)
{
	bide_deque_free_(&w->thread.head);
	bide_counts_leave_(&w->thread);
	bide_deallocate_(w, sizeof *w);
}

/* All but its record and its deque. */
static void worker_init(worker *w, unsigned index)
{
	w->index = index;
	w->turns = 0;
	w->has_next = w->inbox_first = false;
	w->random = index * 2654435761u + 1;
	w->wheel_lock = 0;
	w->due_ns = BIDE_FOREVER;
	w->sleeper.state = BIDE_RUNS_;
	w->steps = w->steps_seen = w->ready = 0;
	w->ring.head = w->ring.tail = 0;
	bide_wheel_init_(&w->wheel, bide_os_now_ns_());
}

static worker *worker_new(unsigned index)
{
	worker *w = bide_allocate_(sizeof *w, 64);

	if (!w)
		return NULL;
	bide_thread_init_(&w->thread, bide_thread_number_(), false);
	w->thread.home = index;
	worker_init(w, index);
	if (bide_deque_init_(&w->thread.head))
		return w;
	worker_free(w);
	return NULL;
}

/* Those from `started` on have no thread. */
static void stop(unsigned started)
{
	bide_sleep_stop_();
	for (unsigned i = 0; i < started; i++) {
		worker *w = pool.workers[i];
		uint32_t ready;

		/* pairs with the store of READY */
		do {
			for (unsigned tries = 0; BIDE_LOAD(&w->ready, ACQUIRE) != READY; tries++)
				bide_os_pause_(tries);
			ready = READY; /* against worker_died: one of the two is first */
		} while (!BIDE_CAS(&w->ready, &ready, JOINED, ACQUIRE, RELAXED));
		bide_sleep_wake_(&w->sleeper);
		bide_os_thread_join_(w->handle);
	}
}

/* Returns how many threads could be started. */
static unsigned start(void)
{
	unsigned started = 0;

	bide_sleep_start_();
	for (unsigned i = 0; i < pool.count; i++)
		pool.workers[i]->ready = NOT_READY;
	while (started < pool.count && bide_os_thread_start_(worker_main, pool.workers[started]) == 0)
		started++;
	return started;
}

int bide_workers_start_(unsigned count)
{
	unsigned started;

	bide_injector_init_(&pool.inbox);  /* its lock, too: a fork may have found it held */
	(void)bide_os_membarrier_start_(); /* without it the deques are no_membarrier */
	/* They look at each other: all are there before the first runs. */
	for (pool.count = 0; pool.count < count; pool.count++)
		if (!(pool.workers[pool.count] = worker_new(pool.count))) {
			bide_workers_free_();
			return BIDE_ENOMEM_;
		}
	started = start();
	if (started == count)
		return 0;
	stop(started);
	bide_workers_free_();
	return BIDE_EAGAIN_;
}

void bide_workers_stop_(void)
{
	stop(pool.count);
}

void bide_workers_go_on_(void)
{
	if (start() == pool.count)
		return;
	bide_os_print_("bide: bide_shutdown gave up, and the workers cannot be started anew\n");
	bide_port_abort_();
}

void bide_workers_free_(void)
{
	for (unsigned i = 0; i < pool.count; i++)
		worker_free(pool.workers[i]);
	pool.count = 0;
}

uint32_t bide_workers_home_(void)
{
	return pool.homes++ % pool.count;
}
