/*
 * loop.c - loops: executors whose functions run on a thread of the program. A loop has one
 * descriptor to poll and one call that runs what is ready.
 *
 * On any thread but that of the one worker, a loop is a queue. Once the program has asked for the
 * descriptor it also has an eventfd, which is written when the first function comes. On the thread
 * of the one worker, the worker runs the functions of the loop as those of a strand, so
 * bide_value_task_wait runs them too. The descriptor is that of poll.h.
 */
#include "runtime/loop.h"

#include "async/frame.h"
#include "async/strand.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/thread.h"
#include "context/executor.h"
#include "context/watch.h"
#include "os/event.h"
#include "os/os.h"
#include "runtime/one_worker.h"
#include "runtime/poll.h"
#include "runtime/runtime.h"
#include "source/operation.h"
#include "source/source.h"

/*
 * After the push that found the loop idle: signals the descriptor, if there is one. The push comes
 * first, then the load of the descriptor. bide_loop_fd stores the descriptor, then checks whether
 * the loop is idle. So at least one of the two sees the other.
 */
static void loop_wake(bide_executor *loop)
{
	int fd;

	BIDE_FENCE(SEQ_CST);                /* pairs with bide_loop_fd */
	fd = BIDE_LOAD(&loop->fd, ACQUIRE); /* pairs with the CAS of bide_loop_fd */
	if (fd >= 0)
		bide_os_event_signal_(fd);
}

static void loop_destroy(bide_executor *loop)
{
	if (loop->wake && loop->fd >= 0)
		bide_os_close_(loop->fd);
}

void bide_loop_leak_(bide_source *source)
{
	bide_operation *operation = BIDE_CONTAINER_(source, bide_operation, source);

	if (operation->type == &bide_loop_type_)
		loop_destroy(BIDE_CONTAINER_(operation, bide_executor, operation));
}

/* Returns false if it has reported misuse. */
static bool may_own(bide_thread_head *head, const char *what)
{
	if (!bide_thread_is_inside_(head))
		return true;
	bide_misuse_("%s: called inside the async function %s; the thread's own code must", what,
	             bide_function_name_(head->current));
	return false;
}

bide_executor *bide_loop_create(void)
{
	bide_thread_head *head = bide_thread_();
	bide_executor *loop;

	if (!head || !may_own(head, "bide_loop_create"))
		return NULL;
	loop = bide_executor_new_(&bide_loop_type_, &bide_strand_turn_,
	                          1); /* one function at a time, so that they can be counted */
	if (!loop)
		return NULL;
	loop->thread = bide_port_thread_();
	loop->destroy = loop_destroy;
	if (!bide_runtime_on_worker_()) {
		loop->wake = loop_wake;
		return loop;
	}
	loop->fd = bide_poll_open_();
	if (loop->fd >= 0)
		return loop;
	bide_executor_unref(loop);
	return NULL;
}

/* Returns false if it has reported misuse. */
static bool is_loop(const bide_executor *loop, const char *what)
{
	if (loop && bide_is_live_(&loop->operation, &bide_loop_type_))
		return true;
	bide_misuse_("%s: loop %s", what,
	             loop ? bide_why_gone_(&loop->operation.source,
	                                   "is no loop, or its last reference is gone")
	                  : "is NULL");
	return false;
}

int bide_loop_fd(bide_executor *loop, int *fd)
{
	int opened, none = -1;

	if (fd)
		*fd = -1;
	if (!is_loop(loop, "bide_loop_fd"))
		return BIDE_EINVAL_;
	if (!fd) {
		bide_misuse_("bide_loop_fd: fd is NULL");
		return BIDE_EINVAL_;
	}
	*fd = BIDE_LOAD(&loop->fd, ACQUIRE);
	if (*fd >= 0)
		return 0;
	opened = bide_os_event_open_();
	if (opened < 0)
		return bide_os_last_error_();
	if (!BIDE_CAS(&loop->fd, &none, opened, SEQ_CST, ACQUIRE)) { /* another thread was faster */
		bide_os_close_(opened);
		*fd = none;
		return 0;
	}
	*fd = opened;
	BIDE_FENCE(SEQ_CST); /* pairs with loop_wake */
	/* What the loop watches must be queued from now on: the next run sees to that. */
	if (BIDE_LOAD(&loop->inbox, RELAXED) != BIDE_EXECUTOR_IDLE_ ||
	    BIDE_LOAD(&loop->watches, RELAXED))
		bide_os_event_signal_(opened);
	return 0;
}

static bool may_run(const bide_executor *loop, const bide_thread_head *head)
{
	if (BIDE_LOAD(&loop->thread, RELAXED) != bide_port_thread_())
		bide_misuse_("bide_loop_run: called on another thread than the one that made the loop; "
		             "bide_loop_adopt makes it this one's");
	else if (bide_thread_is_inside_(head))
		bide_misuse_("bide_loop_run: called inside the async function %s; only the thread's own "
		             "code may",
		             bide_function_name_(head->current));
	else
		return true;
	return false;
}

/* Returns true if nothing is ready any more. */
static bool loop_run(bide_executor *loop, bide_thread_head *head, size_t max_count)
{
	uintptr_t saved = bide_context_push_(NULL);
	const char *before = bide_inside_enter_("bide_loop_run");
	int fd = BIDE_LOAD(&loop->fd, ACQUIRE); /* perhaps another thread opened it */
	bide_frame *frame;
	bool rests;

	if (fd >= 0) {
		bide_os_event_clear_(fd); /* before the look, so that what comes later signals */
		bide_watch_drop_(loop);
	}
	if (max_count == 0)
		max_count = BIDE_RUN_READY_MAX_;
	for (size_t count = 0; count < max_count; count++) {
		frame = bide_executor_take_(loop);
		if (!frame)
			break;
		bide_frame_run_(head, frame);
	}
	bide_inside_ = before;
	bide_context_pop_(saved);
	rests = bide_executor_rest_(loop);
	fd = BIDE_LOAD(&loop->fd, ACQUIRE); /* perhaps another thread opened it */
	if (!rests && fd >= 0)
		bide_os_event_signal_(fd);
	return rests;
}

/*
 * A loop with a descriptor never is: its thread may be here before the push has signalled, and must
 * clear what comes late.
 */
static bool is_at_rest(const bide_executor *loop)
{
	return BIDE_LOAD(&loop->inbox, RELAXED) == BIDE_EXECUTOR_IDLE_ && !bide_watch_is_over_(loop) &&
	       BIDE_LOAD(&loop->fd, RELAXED) < 0;
}

int bide_loop_run(bide_executor *loop, size_t max_count, int64_t *next_ns)
{
	bide_thread_head *head = bide_thread_();

	if (next_ns)
		*next_ns = BIDE_FOREVER;
	if (!head)
		return bide_runtime_missing_();
	if (!is_loop(loop, "bide_loop_run"))
		return BIDE_EINVAL_;
	if (!may_run(loop, head))
		return BIDE_EDEADLK_;
	if (!loop->wake)
		return bide_run_ready(max_count, next_ns);
	if (is_at_rest(loop))
		return 0;
	bide_executor_ref(loop); /* a function may drop the last reference */
	if (!loop_run(loop, head, max_count) && next_ns)
		*next_ns = 0;
	bide_executor_unref(loop);
	return 0;
}

/*
 * The descriptor of a loop that another thread made stands for that loop alone. The one worker must
 * not adopt such a loop: it would sleep on the descriptor and miss its timers.
 */
int bide_loop_adopt(bide_executor *loop)
{
	bide_thread_head *head = bide_thread_();

	if (!head)
		return bide_runtime_missing_();
	if (!is_loop(loop, "bide_loop_adopt"))
		return BIDE_EINVAL_;
	if (!may_own(head, "bide_loop_adopt"))
		return BIDE_EDEADLK_;
	if (!loop->wake) {
		bide_misuse_("bide_loop_adopt: this loop is one of the worker's own thread");
		return BIDE_EINVAL_;
	}
	if (bide_runtime_on_worker_()) {
		bide_misuse_(
			"bide_loop_adopt: called on the thread of the one worker, which runs only loops "
			"that it made; another thread can adopt this one");
		return BIDE_EDEADLK_;
	}
	BIDE_STORE(&loop->thread, bide_port_thread_(), RELAXED);
	return 0;
}
