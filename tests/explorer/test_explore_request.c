/*
 * Operations that the engine does itself (src/io/request.c), with many workers: the threads that
 * start, submit, complete, cancel, abort and close meet. A request ends once, a byte that arrives
 * is read or stays, and no thread touches a record that has gone.
 *
 * The kernel is a word here: a request is queued, submitted or over. The thread that ends it takes
 * its completion at once.
 */
#include "explore.h"

#include <errno.h>
#include <string.h>

#include "context/context.h"
#include "handle_stand_ins.h"
#include "io/engine.h"
#include "io/handle.h"
#include "io/operation.h"
#include "io/reactor.h"
#include "io/turn.h"
#include "io/upcalls.h"
#include "runtime/reactor.h"
#include "source/source.h"

enum { NONE, QUEUED, SUBMITTED };

static bide_handle handle;

static struct {
	bide_reactor reactor;
	bide_context *context;
	bide_value_task value;
	uint32_t request; /* atomic */
	uint64_t key;     /* stored before `request` */
	uint32_t byte;    /* the socket: 1 if there is one; atomic */
	uint32_t is_closed;
	uint32_t requested; /* how often; atomic */
	unsigned ended;
} m;

bool bide_reactor_has_requests_ = true;

/* --- the kernel --- */

static void done(int32_t result)
{
	const bide_reactor_event event = { .key = m.key, .events = BIDE_EVENT_DONE_, .result = result };

	EXPLORE_CHECK(!BIDE_LOAD(&m.is_closed, ACQUIRE));
	bide_io_done_(&event);
}

/* Returns true if this thread has ended the request. */
static bool end_request(void)
{
	uint32_t submitted = SUBMITTED;

	return BIDE_CAS(&m.request, &submitted, (uint32_t)NONE, SEQ_CST, SEQ_CST);
}

static void receive(void)
{
	if (BIDE_LOAD(&m.byte, SEQ_CST) && end_request()) {
		EXPLORE_CHECK(BIDE_SWAP(&m.byte, 0u, SEQ_CST) == 1);
		done(1);
	}
}

static bool engine_start(bide_reactor *reactor, const bide_io_request *request)
{
	EXPLORE_CHECK(reactor == &m.reactor && BIDE_LOAD(&m.request, ACQUIRE) == NONE);
	m.key = request->key;
	(void)BIDE_ADD(&m.requested, 1u, RELAXED);
	BIDE_STORE(&m.request, (uint32_t)QUEUED, SEQ_CST);
	return true;
}

static void submit(void)
{
	uint32_t queued = QUEUED;

	if (BIDE_CAS(&m.request, &queued, (uint32_t)SUBMITTED, SEQ_CST, SEQ_CST))
		receive();
}

/* The owner does not submit what is only queued. */
static void engine_submit(bide_reactor *reactor, bool now)
{
	(void)reactor, (void)now;
}

static void engine_cancel(bide_reactor *reactor, uint64_t key)
{
	const bide_io *io = (const bide_io *)(uintptr_t)key;

	(void)reactor;
	/* The thread that asks is a party, so this is no record that is used anew. */
	EXPLORE_CHECK(BIDE_LOAD(&io->parties, RELAXED) > 0);
	submit();
	if (end_request())
		done(-ECANCELED);
}

static const bide_engine engine = {
	.name = "explored", .start = engine_start, .submit = engine_submit, .cancel = engine_cancel
};

/* --- what stands for the reactor and the runtime --- */

bide_reactor *bide_reactor_mine_(void)
{
	return &m.reactor;
}

bide_reactor *bide_reactor_of_(unsigned place)
{
	EXPLORE_CHECK(place == m.reactor.place);
	return &m.reactor;
}

unsigned bide_rescue_(struct bide_reactor *other)
{
	(void)other;
	return 0;
}

static unsigned fetch_nothing(bide_reactor *reactor, int64_t deadline_ns)
{
	(void)reactor, (void)deadline_ns;
	return 0;
}

static const bide_reactor_hooks hooks = { .fetch = fetch_nothing };
const bide_reactor_hooks *bide_reactor_hooks_ = &hooks;

int bide_reactor_add_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	(void)home, (void)fd, (void)events, (void)key;
	explore_fail("no readiness is waited for");
}

int bide_reactor_change_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	return bide_reactor_add_(home, fd, events, key);
}

void bide_reactor_remove_(unsigned home, int fd)
{
	(void)home, (void)fd;
}

void bide_reactor_expects_(unsigned home)
{
	(void)home;
}

/* --- the operation --- */

static int attempt(bide_io *io)
{
	(void)io;
	return EAGAIN;
}

static void request(const bide_io *io, bide_io_request *to)
{
	(void)io;
	to->opcode = BIDE_IO_RECEIVE_;
}

static int take(bide_io *io, int32_t result)
{
	if (result < 0)
		return -result;
	io->operation.source.payload.i = result;
	return 0;
}

static const bide_io_kind kind = { .type = BIDE_IO_TYPE_("explored"),
	                               .side = BIDE_IO_IN_,
	                               .attempt = attempt,
	                               .request = request,
	                               .done = take };

static void closed(bide_handle *of)
{
	EXPLORE_CHECK(of == &handle && BIDE_LOAD(&m.request, ACQUIRE) == NONE);
	BIDE_STORE(&m.is_closed, 1u, RELEASE);
	m.ended++;
}

/* --- threads --- */

static void start_thread(void)
{
	bide_io_arguments none = { .any = { 0 } };
	uintptr_t saved = bide_context_push_(m.context);

	m.value = bide_io_start_(&handle, &kind, none);
	bide_context_pop_(saved);
	if (bide_is_pending_(m.value))
		explore_watch((void *)m.value.state);
}

static void submit_thread(void)
{
	submit();
}

static void arrive_thread(void)
{
	BIDE_STORE(&m.byte, 1u, SEQ_CST);
	receive();
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(m.context, BIDE_ECANCELED_);
}

static void interrupt_thread(void)
{
	bide_handle_interrupt_(&handle, BIDE_IO_IN_, ETIMEDOUT);
}

static void close_thread(void)
{
	bide_handle_close_(&handle, closed);
}

static void forget_thread(void)
{
	bide_value_task_forget(m.value);
}

/* The kernel ends what a thread submitted that has ended. */
static void lost_thread(void)
{
	if (end_request())
		done(-ECANCELED);
	submit();
}

/* --- setups and checks --- */

static void setup(void)
{
	uint32_t generation = handle.generation;

	memset(&m, 0, sizeof m);
	m.reactor.engine = &engine;
	m.reactor.place = 3;
	memset(&handle, 0, sizeof handle);
	handle.generation = generation;
	m.context = bide_context_create(NULL);
	bide_handle_init_(&handle, 7, BIDE_HANDLE_IS_SOCKET_ | BIDE_HANDLE_KEEPS_FD_);
}

static void setup_queued(void)
{
	setup();
	start_thread();
}

static void setup_submitted(void)
{
	setup_queued();
	submit();
}

static void check_ended(void)
{
	if (!m.ended)
		close_thread();
	submit();
	EXPLORE_CHECK(m.ended == 1 && m.request == NONE);
	bide_context_unref(m.context);
}

/* The read is over, with the byte or without. */
static void check_over(void)
{
	bide_value_task value = m.value;

	submit();
	if (bide_is_pending_(value)) {
		EXPLORE_CHECK(bide_is_done_((bide_source *)value.state));
		value = bide_consume_((bide_source *)value.state, NULL);
	}
	EXPLORE_CHECK(value.state == 0 ? value.payload.i == 1 && !m.byte
	                               : value.state == BIDE_ECANCELED_ || value.state == ETIMEDOUT ||
	                                     value.state == EBADF);
	check_ended();
}

/* Nothing but the byte ends it. */
static void check_read(void)
{
	submit();
	EXPLORE_CHECK(bide_is_done_((bide_source *)m.value.state));
	m.value = bide_consume_((bide_source *)m.value.state, NULL);
	EXPLORE_CHECK(m.value.state == 0 && m.value.payload.i == 1);
	check_ended();
}

static void check_forgotten(void)
{
	check_ended();
	EXPLORE_CHECK(explore_freed((void *)m.value.state) == 1);
}

#define REQUEST(name_, setup_, threads_, check_, ...) \
	SCENARIO(request_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

REQUEST(start_against_submit_and_byte, setup, (start_thread, submit_thread, arrive_thread),
        check_read, .switches_max = 3)
REQUEST(start_against_cancel, setup, (start_thread, submit_thread, cancel_thread), check_over,
        .switches_max = 3)
REQUEST(byte_against_cancel, setup_submitted, (arrive_thread, cancel_thread), check_over)
REQUEST(byte_against_cancel_and_interrupt, setup_submitted,
        (arrive_thread, cancel_thread, interrupt_thread), check_over, .switches_max = 3)
REQUEST(byte_against_close, setup_submitted, (arrive_thread, close_thread), check_over)
REQUEST(cancel_against_close, setup_queued, (cancel_thread, close_thread, submit_thread),
        check_over, .switches_max = 3)
REQUEST(queued_and_canceled_against_submit, setup_queued,
        (submit_thread, cancel_thread, arrive_thread), check_over, .switches_max = 3)
REQUEST(submitted_by_a_thread_that_ends, setup_submitted, (lost_thread, arrive_thread), check_read)
REQUEST(submitted_by_a_thread_that_ends_against_cancel, setup_submitted,
        (lost_thread, cancel_thread), check_over)
REQUEST(forgotten_against_byte, setup_queued, (forget_thread, submit_thread, arrive_thread),
        check_forgotten, .switches_max = 3)
REQUEST(forgotten_and_interrupted_against_byte, setup_submitted,
        (interrupt_thread, forget_thread, arrive_thread), check_forgotten, .switches_max = 3)
