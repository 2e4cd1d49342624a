/*
 * poll.c - see poll.h.
 */
#include "runtime/poll.h"

#include "os/event.h"
#include "runtime/reactor.h"
#include "runtime/wheel.h"

/* Kept until a shutdown, because a sender may be about to signal. */
static int poll_event = -1, poll_alarm = -1, poll_all = -1;

void bide_poll_close_(void)
{
	bide_os_close_(poll_all);
	bide_os_close_(poll_alarm);
	bide_os_close_(poll_event);
	poll_event = poll_alarm = poll_all = -1;
	bide_runtime_.polled = bide_runtime_.main.by_port = false;
	bide_runtime_.parked = 0;
}

void bide_poll_fork_(void)
{
	poll_event = poll_alarm = poll_all = -1;
	bide_poll_close_();
}

int bide_poll_open_(void)
{
	bide_runtime *r = &bide_runtime_;

	if (r->polled)
		return poll_all;
	poll_event = bide_os_event_open_();
	poll_alarm = bide_os_alarm_open_();
	if (poll_event >= 0 && poll_alarm >= 0)
		poll_all = bide_os_either_open_(poll_event, poll_alarm);
	if (poll_all < 0 || (r->reactor && bide_poll_add_(r->reactor))) {
		bide_poll_close_();
		return -1;
	}
	r->polled = true;
	bide_poll_resume_(); /* because the caller is the program's code */
	return poll_all;
}

int bide_poll_add_(const struct bide_reactor *reactor)
{
	int fd[2], error;

	if (poll_all < 0)
		return 0;
	bide_reactor_hooks_->descriptors(reactor, fd);
	error = bide_os_either_add_(poll_all, fd[0]);
	return error || fd[1] < 0 ? error : bide_os_either_add_(poll_all, fd[1]);
}

void bide_poll_signal_(void)
{
	if (bide_runtime_on_worker_())
		bide_runtime_.main.by_port = false;
	bide_os_event_signal_(poll_event);
}

void bide_poll_pause_(void)
{
	bide_runtime *r = &bide_runtime_;

	r->main.by_port = false;
	BIDE_STORE(&r->parked, 0u, RELAXED); /* it looks at the mailbox before it parks again */
	bide_os_event_clear_(poll_event);
}

/* Either something is ready, and the descriptor says so; or a signal follows. */
void bide_poll_resume_(void)
{
	bide_runtime *r = &bide_runtime_;

	r->main.by_port = false;
	if (r->reactor)
		bide_reactor_hooks_->submit(r->reactor);
	if (bide_runtime_has_work_() || (r->simulating && r->wheel.count > 0)) {
		bide_os_event_signal_(poll_event);
		return;
	}
	bide_os_alarm_set_(poll_alarm, bide_wheel_next_ns_(&r->wheel));
	r->main.by_port = true;
	/* The order of mailbox.h: store `parked`, then look; a sender pushes, then looks. */
	BIDE_STORE(&r->parked, (uint32_t)BIDE_PARKED_POLLING, SEQ_CST);
	if (BIDE_LOAD(&r->mailbox, SEQ_CST) && BIDE_SWAP(&r->parked, 0u, SEQ_CST))
		bide_poll_signal_();
}
