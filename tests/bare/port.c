/* A port of core to a machine with nothing: one thread, a piece of memory, a clock that is set. */
#include "bare.h"
#include "core/deque.h"
#include "core/queue.h"

static bide_thread only;
static _Alignas(64) char arena[65536];
static size_t arena_used;
static bide_timer *armed; /* by deadline */
static int64_t now_ns;
bide_worker *bide_current_worker_;

bide_worker *bide_worker_attach_(void)
{
	bide_thread_init_(&only, 1, false);
	return bide_current_worker_ = &only.worker;
}

void *bide_port_allocate(size_t size_bytes, size_t alignment)
{
	size_t at = (arena_used + alignment - 1) & ~(alignment - 1);

	if (at + size_bytes > sizeof arena)
		return NULL;
	arena_used = at + size_bytes;
	return arena + at;
}

void bide_port_arm(bide_timer *timer)
{
	bide_timer **at = &armed;

	while (*at && (*at)->source.payload.i <= timer->source.payload.i)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

bool bide_port_disarm(bide_timer *timer)
{
	for (bide_timer **at = &armed; *at; at = &(*at)->next)
		if (*at == timer)
			return *at = timer->next, true;
	return false;
}

/* Runs what there is, or time goes on to the next timer. false: nothing will ever happen. */
bool bare_run_one(void)
{
	bide_worker *worker = bide_worker_();
	bide_frame *frame = worker->next ? worker->next : bide_queue_pop_(worker);
	bide_timer *timer = armed;
	bide_fork *fork = frame ? NULL : (bide_fork *)bide_deque_pop_(worker);

	worker->next = frame == worker->next ? NULL : worker->next;
	if (frame) {
		if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
			frame->awaiting = NULL;
		frame->source.flags &= (uint8_t)~BIDE_FLAG_SELF_LINKED_;
		bide_frame_resume_(worker, frame);
	} else if (fork) {
		bide_fork_run_(worker, fork);
	} else if (timer) {
		armed = timer->next;
		now_ns = timer->source.payload.i > now_ns ? timer->source.payload.i : now_ns;
		bide_timer_due_(timer);
	}
	return frame || fork || timer;
}

/* clang-format off */
void bide_port_release(void *memory, size_t size_bytes) { (void)memory, (void)size_bytes; }
void bide_port_schedule(bide_frame *frame, bool n) { bide_queue_schedule_(&only.worker, frame, n); }
void bide_port_post(bide_post *post) { post->run(post); }
bool bide_port_on_worker(void) { return true; }
unsigned bide_port_worker_count(void) { return 1; }
int64_t bide_port_now(void) { return now_ns; }
void bide_port_stats(bide_stats *stats) { (void)stats; }
const void *bide_port_thread(void) { return &only; }
const char *bide_port_error_text(int error) { return (void)error, "an errno"; }
bool bide_port_heavy_fence(void) { return true; }
void bide_port_offer(bide_worker *worker) { (void)worker; }
void bide_port_print(const char *text) { bare_print(text); }
void bide_port_abort(void) { bare_exit(134); }
void bide_port_wait_a_moment(unsigned tries) { (void)tries; }
/* clang-format on */
void bide_port_format(char *to, size_t size_bytes, const char *format, va_list arguments)
{
	(void)arguments;
	for (size_t i = 0; i + 1 < size_bytes; i++)
		if (!(to[i] = format[i]))
			return;
	to[size_bytes - 1] = 0;
}
