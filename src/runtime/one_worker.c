/*
 * worker.c - the worker: its loop, its inbox, how it sleeps; the records of other threads; and the
 * port of core.
 *
 * The first thread that uses bide is the worker. Other threads send it frames and posts through the
 * inbox, a stack of intrusive links that is pushed by CAS and emptied by one swap, and wake it if
 * it sleeps.
 *
 * Sleeping: the worker stores parked = 1, then looks at the inbox again, then sleeps on parked. A
 * sender pushes, then looks at parked. All four are sequentially consistent, so one of the two sees
 * the other's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async/deque.h"
#include "runtime/atfork.h"
#include "runtime/blocking.h"
#include "runtime/dump_on.h"
#include "runtime/orphan.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "runtime/workers.h"
#include "source/run_queue.h"

BIDE_STATIC_ASSERT(ECANCELED == BIDE_ECANCELED_ && EINVAL == BIDE_EINVAL_ &&
                       ETIMEDOUT == BIDE_ETIMEDOUT_ && EBUSY == BIDE_EBUSY_ &&
                       EDEADLK == BIDE_EDEADLK_ && ENOMEM == BIDE_ENOMEM_,
                   "headers and core write these numbers out");

enum {
	TURNS_BETWEEN_POLLS = 61, /* frames run at most, before others and timers are looked at */
	SPINS = 200               /* looks at the inbox before sleeping: about 5 us */
};

bide_runtime bide_runtime_;

/* --- threads --- */

uintptr_t bide_runtime_stack_limit_(void)
{
	size_t size_bytes;
	uintptr_t low = bide_os_stack_low_(&size_bytes);

	/* What a body and the library may still need below: a quarter, at most 256 KiB. */
	return low + (size_bytes / 4 < 262144 ? size_bytes / 4 : 262144);
}

void bide_runtime_thread_died_(bide_thread *thread, const char *whose)
{
	bide_thread_head *head = &thread->head;
	const bide_frame *frame = head->current;

	if (frame == &thread->root)
		return;
	head->current = &thread->root;
	thread->root.context = 0;
	thread->executor = NULL;
	thread->completing = 0;
	thread->canceling = NULL;
	bide_misuse_("pthread_exit: the async function %s ended %s thread (pthread_exit, "
	             "pthread_cancel); it never "
	             "goes on",
	             frame->async->name, whose);
}

static void worker_leave(void *argument)
{
	bide_runtime *r = argument;

	if (bide_runtime_on_worker_()) { /* not after a shutdown */
		bide_runtime_thread_died_(&r->main, "the worker's");
		BIDE_STORE(&r->worker_gone, 1u, RELEASE); /* pairs with the waits of other threads */
		bide_os_lock_(&r->setup);
		bide_orphan_check_(true);
		bide_os_unlock_(&r->setup);
	}
	bide_current_thread_ = NULL;
}

/* Numbers go on after a shutdown: no generation of an earlier life comes back. */
uint32_t bide_runtime_number_(void)
{
	return bide_runtime_.thread_count++ % 0x7FFF + 1;
}

static void single_start(bide_runtime *r)
{
	bide_wheel_init_(&r->wheel, r->simulating ? 0 : bide_os_now_ns_());
	bide_thread_init_(&r->main, bide_runtime_number_(), false);
	r->main.head.stack_limit = bide_runtime_stack_limit_();
	bide_current_thread_ = &r->main.head;
	r->worker_gone = 0;
	bide_os_at_thread_exit_(worker_leave,
	                        r); /* without it only the message about its end is missing */
}

unsigned bide_runtime_workers_(const bide_config *config)
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
 * BIDE_SEED=n in the environment, 1 or more, is for tests: a program that configures nothing
 * becomes a simulation with that seed; so does a simulation that has no seed. Programs that
 * configure workers or a seed of their own are left alone.
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

int bide_runtime_start_(const bide_config *asked)
{
	bide_runtime *r = &bide_runtime_;
	bide_config changed = with_seed(asked), *config = &changed;
	unsigned workers = bide_runtime_workers_(config);
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
		single_start(r);
	r->start_error = error;
	if (error) {
		bide_shared_ = bide_simulating_ = r->simulating = false;
		return error;
	}
	/* pairs with the attach of other threads */
	BIDE_STORE(&r->state, (uint32_t)BIDE_RUNTIME_ON, RELEASE);
	bide_dump_on_start_();
	return 0;
}

static void external_leave(void *argument)
{
	bide_thread *thread = argument;
	bool is_last = true;

	if (bide_current_thread_) /* else it never began */
		bide_runtime_thread_died_(thread, "its");
	bide_current_thread_ = NULL;
	bide_pools_leave_(thread);
	bide_os_lock_(&bide_runtime_.setup);
	thread->in_use = false;
	for (const bide_thread *g = bide_runtime_.externals; g; g = g->next)
		is_last = is_last && !g->in_use;
	bide_orphan_check_(is_last);
	bide_os_unlock_(&bide_runtime_.setup);
}

static void nothing_to_leave(void *argument)
{
	(void)argument;
}

void bide_runtime_forget_thread_(void)
{
	(void)bide_os_at_thread_exit_(nothing_to_leave, NULL);
}

/* *gone: a shutdown came in between; the runtime is to be set up anew. */
static bide_thread_head *external_attach(bool *gone)
{
	bide_runtime *r = &bide_runtime_;
	bide_thread *thread;

	bide_os_lock_(&r->setup);
	*gone = r->state != BIDE_RUNTIME_ON;
	if (*gone) {
		bide_os_unlock_(&r->setup);
		return NULL;
	}
	for (thread = r->externals; thread && thread->in_use; thread = thread->next)
		;
	if (thread) {
		thread->in_use = true; /* its numbers go on where they stopped */
	} else {
		thread = bide_allocate_(sizeof *thread, 64);
		if (thread) {
			bide_thread_init_(thread, bide_runtime_number_(), true);
			thread->home = bide_shared_ ? bide_workers_home_() : 0;
			thread->next = r->externals;
			r->externals = thread;
		}
	}
	bide_os_unlock_(&r->setup);
	if (!thread)
		return NULL;
	/* With one worker every start is queued for it; else bodies run here as far as they get. */
	thread->head.stack_limit = bide_shared_ ? bide_runtime_stack_limit_() : UINTPTR_MAX;
	if (bide_os_at_thread_exit_(external_leave, thread) != 0) {
		external_leave(thread);
		return NULL;
	}
	thread->wait_trace = 0; /* it was another thread's */
	bide_current_thread_ = &thread->head;
	return &thread->head;
}

/* Sets the runtime up, if no other thread has. 0, or why there is none. */
static int set_up(bide_runtime *r)
{
	int error;

	bide_os_lock_(&r->setup);
	bide_atfork_leave_();
	error = r->state == BIDE_RUNTIME_OFF      ? bide_runtime_start_(&r->config)
	        : r->state == BIDE_RUNTIME_INSIDE ? EDEADLK
	                                          : 0;
	bide_os_unlock_(&r->setup);
	if (error == EDEADLK)
		bide_atfork_refuse_();
	return error;
}

bide_thread_head *bide_thread_attach_(void)
{
	bide_runtime *r = &bide_runtime_;
	bide_thread_head *head;
	bool gone;

	do {
		if (BIDE_LOAD(&r->state, ACQUIRE) != BIDE_RUNTIME_ON) { /* pairs with the start */
			int error = set_up(r);

			if (error || bide_current_thread_)
				return bide_current_thread_;
		}
		head = external_attach(&gone);
	} while (gone);
	return head;
}

/* --- inbox --- */

/* item: a bide_post, or a frame with bit 0 set. */
static void inbox_send(uintptr_t item)
{
	bide_runtime *r = &bide_runtime_;
	bide_frame *frame = (bide_frame *)(item & ~(uintptr_t)1);
	uintptr_t newest = BIDE_LOAD(&r->inbox, RELAXED);

	if (BIDE_UNLIKELY(BIDE_LOAD(&r->state, RELAXED) > BIDE_RUNTIME_ON))
		return; /* the parent's, in a child */
	if (BIDE_UNLIKELY(bide_simulating_) && !bide_runtime_on_worker_())
		bide_misuse_(
			"bide_configure: virtual_clock or BIDE_SEED: a simulation is one thread: another "
			"one started, completed or canceled something in it");
	do {
		if (!(item & 1))
			((bide_post *)item)->next = (bide_post *)newest;
		/* the worker may add SYNC to the flags meanwhile */
		else if (BIDE_LOAD(&frame->source.flags, RELAXED) & BIDE_FLAG_SELF_LINKED_)
			frame->awaiting = (bide_source *)newest;
		else
			frame->awaiting->word = (newest & ~(uintptr_t)1) | (newest & 1) << 2 | BIDE_WORD_DONE_;
		/* pairs with inbox_take; order: see above */
	} while (!BIDE_CAS(&r->inbox, &newest, item, SEQ_CST, RELAXED));
	if (BIDE_LOAD(&r->parked, SEQ_CST)) {
		uint32_t how = BIDE_SWAP(&r->parked, 0u, SEQ_CST);

		if (how == BIDE_PARKED_POLLING)
			bide_poll_signal_();
		else if (how)
			bide_os_wake_(&r->parked, 1);
	}
}

/* A frame's link has three low bits for the word's tags: the item's mark stands in bit 2. */
static uintptr_t frame_inbox_link(const bide_frame *frame)
{
	uintptr_t word;

	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		return (uintptr_t)frame->awaiting;
	word = frame->awaiting->word;
	return (word & ~(uintptr_t)BIDE_WORD_TAGS_) | (word >> 2 & 1);
}

static bool inbox_take(void)
{
	uintptr_t item = BIDE_LOAD(&bide_runtime_.inbox, RELAXED), oldest = 0, next;

	if (!item)
		return false;
	item = BIDE_SWAP(&bide_runtime_.inbox, (uintptr_t)0, ACQUIRE); /* pairs with inbox_send */
	/*
	 * Turned round in place: first come, first served. Both kinds keep the link where the sender
	 * put it.
	 */
	while (item) {
		bide_frame *frame = (bide_frame *)(item & ~(uintptr_t)1);
		bide_post *post = (bide_post *)item;

		if (item & 1) {
			next = frame_inbox_link(frame);
			if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
				frame->awaiting = (bide_source *)oldest;
			else
				frame->awaiting->word =
					(oldest & ~(uintptr_t)1) | (oldest & 1) << 2 | BIDE_WORD_DONE_;
		} else {
			next = (uintptr_t)post->next;
			post->next = (bide_post *)oldest;
		}
		oldest = item;
		item = next;
	}
	for (item = oldest; item; item = next) {
		if (item & 1) {
			bide_frame *frame = (bide_frame *)(item & ~(uintptr_t)1);
			next = frame_inbox_link(frame);
			bide_queue_push_(&bide_runtime_.main.head, frame);
		} else {
			bide_post *post = (bide_post *)item;
			next = (uintptr_t)post->next;
			post->run(post);
		}
	}
	return true;
}

/* --- the loop --- */

static int64_t now_ns(void)
{
	return bide_runtime_.simulating ? BIDE_LOAD(&bide_runtime_.virtual_now_ns, RELAXED)
	                                : bide_os_now_ns_();
}

bool bide_one_worker_poll_(void)
{
	bide_runtime *r = &bide_runtime_;
	bool any = inbox_take();
	bide_timer *timer;
	int64_t now;

	r->turn = 0;
	bide_atfork_check_();
	if (r->wheel.count == 0)
		return any;
	now = now_ns();
	while ((timer = bide_wheel_expire_(&r->wheel, now, r->simulating)) != NULL) {
		bide_timer_due_(timer);
		any = true;
	}
	return any;
}

/*
 * Overwrites the stack that the next body will use: locals that should have been in the frame are
 * found at once.
 */
__attribute__((noinline)) void bide_one_worker_scribble_(void)
{
	volatile char dead[4096];

	for (size_t i = 0; i < sizeof dead; i++)
		dead[i] = (char)0xA5;
}

static inline bide_frame *take_next(bide_runtime *r)
{
	bide_thread_head *head = &r->main.head;
	bide_frame *frame = head->next;

	if (BIDE_UNLIKELY(r->seeded)) {
		if (frame)
			bide_queue_push_(head, frame);
		head->next = NULL;
		size_t count = head->queue_count < 16 ? head->queue_count : 16;
		size_t choice = bide_simulation_choose_(count + (bide_deque_size_(head) > 0));
		return choice < count ? bide_queue_pop_at_(head, choice) : NULL;
	}
	if (BIDE_UNLIKELY(!frame || (head->handovers >= BIDE_HANDOVERS_MAX_ && head->queue_head))) {
		head->handovers = 0;
		return bide_queue_pop_(head);
	}
	head->handovers++;
	head->next = NULL;
	return frame;
}

static bool run_fork(bide_runtime *r, uintptr_t entry)
{
	if (!entry)
		return false;
	if (r->simulating)
		bide_simulation_note_fork_(now_ns());
	if (bide_debug_)
		bide_one_worker_scribble_();
	bide_fork_run_(&r->main.head, (bide_fork *)entry);
	return true;
}

static inline bool step(void)
{
	bide_runtime *r = &bide_runtime_;
	bide_frame *frame = take_next(r);

	if (!frame && run_fork(r, bide_deque_pop_(&r->main.head)))
		return true;
	if (!frame && !(frame = take_next(r)))
		return false;
	bide_one_worker_prepare_(frame);
	if (BIDE_UNLIKELY(r->checks_each_step)) {
		if (r->simulating)
			bide_simulation_note_(frame, now_ns());
		r->main.head.handovers = BIDE_HANDOVERS_MAX_; /* each frame passes here */
	}
	bide_frame_resume_(&r->main.head, frame);
	if (BIDE_UNLIKELY(r->checks_each_step))
		r->main.head.handovers = 0;
	return true;
}

bool bide_one_worker_turn_(void)
{
	bide_runtime *r = &bide_runtime_;

	if (r->turn++ < TURNS_BETWEEN_POLLS)
		return step() || bide_one_worker_poll_();
	bide_one_worker_poll_();
	run_fork(r, bide_deque_take_oldest_(&r->main.head));
	return true;
}

bool bide_one_worker_has_work_(void)
{
	const bide_runtime *r = &bide_runtime_;
	const bide_thread_head *head = &r->main.head;

	return head->next || head->queue_head || bide_deque_size_(head) > 0 ||
	       BIDE_LOAD(&r->inbox, ACQUIRE);
}

/* Sleeps until something is sent, a timer is due, or the deadline. */
static void park(int64_t deadline_ns)
{
	bide_runtime *r = &bide_runtime_;
	int64_t timer_ns = bide_wheel_next_ns_(&r->wheel);

	for (unsigned i = 0; i < SPINS; i++) {
		if (BIDE_LOAD(&r->inbox, RELAXED))
			return;
		BIDE_RELAX();
	}
	if (timer_ns < deadline_ns)
		deadline_ns = timer_ns;
	BIDE_STORE(&r->parked, (uint32_t)BIDE_PARKED_FUTEX, SEQ_CST);
	if (!BIDE_LOAD(&r->inbox, SEQ_CST)) /* the sender's order: push, then look at parked */
		bide_os_wait_(&r->parked, BIDE_PARKED_FUTEX, deadline_ns);
	BIDE_STORE(&r->parked, 0u, RELAXED);
}

/* Nothing is runnable: virtual time goes on to what comes next. */
static int simulate_idle(int64_t deadline_ns)
{
	bide_runtime *r = &bide_runtime_;
	int64_t first_ns = bide_wheel_first_exact_ns_(&r->wheel);

	if (first_ns == BIDE_FOREVER && deadline_ns == BIDE_FOREVER)
		return BIDE_EDEADLK_;
	if (first_ns > deadline_ns)
		first_ns = deadline_ns;
	if (first_ns > r->virtual_now_ns)
		BIDE_STORE(&r->virtual_now_ns, first_ns, RELAXED);
	return 0;
}

void bide_one_worker_advance_(void)
{
	if (simulate_idle(BIDE_FOREVER) == 0)
		bide_one_worker_poll_();
}

int bide_one_worker_run_(const bool *done, int64_t deadline_ns)
{
	bide_runtime *r = &bide_runtime_;
	int error;

	while (!*done) {
		if (r->turn++ >= TURNS_BETWEEN_POLLS) {
			bide_one_worker_poll_();
			run_fork(r, bide_deque_take_oldest_(&r->main.head));
			if (!*done && deadline_ns != BIDE_FOREVER && now_ns() >= deadline_ns)
				return BIDE_ETIMEDOUT_;
			continue;
		}
		if (step() || bide_one_worker_poll_())
			continue;
		if (deadline_ns != BIDE_FOREVER && now_ns() >= deadline_ns)
			return BIDE_ETIMEDOUT_;
		if (!r->simulating)
			park(deadline_ns);
		else if ((error = simulate_idle(deadline_ns)) != 0)
			return error;
	}
	bide_atfork_check_();
	return 0;
}

/* Outside of async functions, on a thread that is not the library's own. */
bool bide_runtime_outside_(const char *what)
{
	bide_thread_head *head = bide_thread_();

	if (head && head->current != &bide_thread_of_(head)->root)
		bide_misuse_("%s: called inside the async function %s; only ordinary code may, functions "
		             "await instead",
		             what, bide_function_name_(head->current));
	else if (bide_workers_include_this_())
		bide_misuse_("%s: called on a worker of the pool's; only other threads may", what);
	else if (bide_shared_ && bide_blocking_is_thread_())
		bide_misuse_("%s: called on a thread of blocking calls; only other threads may", what);
	else
		return true;
	return false;
}

bool bide_one_worker_allowed_(const char *what)
{
	bide_thread_head *head = bide_thread_();

	if (head && bide_thread_of_(head)->is_nowhere)
		bide_atfork_refuse_();
	else if (bide_shared_)
		bide_misuse_("%s: there are many workers, which run by themselves; this is for a runtime "
		             "with one (bide_config.workers = 1)",
		             what);
	else if (!bide_runtime_on_worker_())
		bide_misuse_(
			"%s: called on another thread than the worker's, which is the first that used bide",
			what);
	else
		return bide_runtime_outside_(what);
	return false;
}

/* --- the port --- */

void *bide_port_allocate_(size_t size_bytes, size_t alignment)
{
	return bide_os_allocate_(size_bytes, alignment);
}

void bide_port_release_(void *memory, size_t size_bytes)
{
	(void)size_bytes;
	bide_os_release_(memory);
}

void bide_port_schedule_(bide_frame *frame, bool next)
{
	bide_thread_head *head = &bide_runtime_.main.head;

	if (bide_shared_) {
		bide_workers_schedule_(frame, next);
		return;
	}
	if (BIDE_UNLIKELY(!bide_runtime_on_worker_())) {
		inbox_send((uintptr_t)frame | 1);
		return;
	}
	bide_queue_schedule_(head, frame, next);
	if (BIDE_UNLIKELY(bide_runtime_.main.by_port))
		bide_poll_signal_();
}

void bide_port_post_(bide_post *post)
{
	if (bide_shared_)
		post->run(post);
	else
		inbox_send((uintptr_t)post);
}

bool bide_port_on_worker_(void)
{
	return bide_shared_ || bide_runtime_on_worker_();
}

unsigned bide_port_worker_count_(void)
{
	return bide_worker_count();
}

int64_t bide_port_now_(void)
{
	return now_ns();
}

void bide_port_arm_(bide_timer *timer)
{
	if (bide_shared_) {
		bide_workers_arm_(timer);
		return;
	}
	bide_wheel_insert_(&bide_runtime_.wheel, timer);
	if (BIDE_UNLIKELY(bide_runtime_.main.by_port))
		bide_poll_signal_();
}

bool bide_port_disarm_(bide_timer *timer)
{
	bool held;

	if (bide_shared_)
		return bide_workers_disarm_(timer);
	held = bide_wheel_holds(timer);
	if (held)
		bide_wheel_remove_(&bide_runtime_.wheel, timer);
	return held;
}

void bide_port_stats_(bide_stats *stats)
{
	const bide_thread_head *head = &bide_runtime_.main.head;

	bide_blocking_stats_(stats);
	if (bide_shared_) {
		bide_workers_count_stats_(stats);
	} else if (bide_runtime_on_worker_()) {
		stats->timer_count = bide_runtime_.wheel.count;
		stats->runnable_count = head->queue_count + (head->next != NULL) + bide_deque_size_(head);
	}
}

const void *bide_port_thread_(void)
{
	return bide_os_thread_id_();
}

/* With one worker there are no thieves. */
bool bide_port_heavy_fence_(void)
{
	return bide_os_heavy_fence_() || !bide_shared_;
}

void bide_port_offer_(bide_thread_head *head)
{
	if (bide_shared_)
		bide_workers_offer_(head);
}

void bide_port_print_(const char *text)
{
	bide_os_print_(text);
}

void bide_port_format_(char *to, size_t size_bytes, const char *format, va_list arguments)
{
	vsnprintf(to, size_bytes, format, arguments);
}

const char *bide_port_error_text_(int error)
{
	return strerror(error);
}

void bide_port_abort_(void)
{
	abort();
}

void bide_port_wait_a_moment_(unsigned tries)
{
	bide_os_pause_(tries);
}
