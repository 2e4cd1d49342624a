/* A port of bide to a bare machine: one thread, a piece of memory, and a clock that is set. */
#include "base/port.h"
#include "async/deque.h"
#include "async/fork.h"
#include "async/frame.h"
#include "async/thread_init.h"
#include "bare.h"
#include "base/thread.h"
#include "source/run_queue.h"
#include "source/timer.h"

static bide_thread only;
static _Alignas(64) char arena[65536];
static size_t arena_used;
static bide_timer *armed; /* sorted by deadline */
static int64_t now_ns;

bide_thread_head *bide_thread_attach_(void)
{
	bide_thread_init_(&only, 1, false);
	return bide_current_thread_ = &only.head;
}

void *bide_port_allocate_(size_t size_bytes, size_t alignment)
{
	size_t at = (arena_used + alignment - 1) & ~(alignment - 1);

	if (at + size_bytes > sizeof arena)
		return NULL;
	arena_used = at + size_bytes;
	return arena + at;
}

void bide_port_arm_(bide_timer *timer)
{
	bide_timer **at = &armed;

	while (*at && (*at)->source.payload.i <= timer->source.payload.i)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

bool bide_port_disarm_(bide_timer *timer)
{
	for (bide_timer **at = &armed; *at; at = &(*at)->next)
		if (*at == timer)
			return *at = timer->next, true;
	return false;
}

/* Runs a function, or advances time to the next timer. Returns false if nothing can happen. */
bool bare_run_one(void)
{
	bide_thread_head *head = bide_thread_();
	bide_frame *frame = head->next ? head->next : bide_queue_pop_(head);
	bide_timer *timer = armed;
	bide_fork *fork = frame ? NULL : (bide_fork *)bide_deque_owner_pop_(head);

	head->next = frame == head->next ? NULL : head->next;
	if (frame) {
		if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
			frame->awaiting = NULL;
		frame->source.flags &= (uint8_t)~BIDE_FLAG_SELF_LINKED_;
		bide_frame_resume_(head, frame);
	} else if (fork) {
		bide_fork_run_(head, fork);
	} else if (timer) {
		armed = timer->next;
		now_ns = timer->source.payload.i > now_ns ? timer->source.payload.i : now_ns;
		bide_timer_due_(timer);
	}
	return frame || fork || timer;
}

/* clang-format off */
void bide_port_release_(void *memory, size_t size_bytes) { (void)memory, (void)size_bytes; }
void bide_port_schedule_(bide_frame *frame, bool n) { bide_queue_schedule_(&only.head, frame, n); }
void bide_port_post_(bide_post *post) { post->run(post); }
bool bide_port_on_worker_(void) { return true; }
unsigned bide_port_worker_count_(void) { return 1; }
int64_t bide_port_now_(void) { return now_ns; }
uint64_t bide_port_random_(void) { return 4; }
uint32_t bide_port_choice_(uint32_t count) { return 4 % count; }
void bide_port_stats_(bide_stats *stats) { (void)stats; }
const void *bide_port_thread_(void) { return &only; }
const char *bide_port_error_text_(int error) { return (void)error, "an errno"; }
bool bide_port_heavy_fence_(void) { return true; }
void bide_port_offer_(bide_thread_head *head) { (void)head; }
void bide_port_print_(const char *text) { bare_print(text); }
void bide_port_abort_(void) { bare_exit(134); }
void bide_port_wait_a_moment_(unsigned tries) { (void)tries; }
/* clang-format on */
void bide_port_format_(char *to, size_t size_bytes, const char *format, va_list arguments)
{
	(void)arguments;
	for (size_t i = 0; i + 1 < size_bytes; i++)
		if (!(to[i] = format[i]))
			return;
	to[size_bytes - 1] = 0;
}
