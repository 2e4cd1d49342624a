/*
 * signals.c - signals as results: a catcher (os/catcher.h) and its eventfd, which is a handle.
 *
 * The eventfd tells that something has come; the catcher tells what. An attempt looks at the
 * catcher, clears the eventfd if nothing is there, and looks again. A handler stores the signal
 * first and writes the eventfd afterwards. So either the second look finds the signal, or the write
 * comes after the clear and is a new event.
 */
#include "io/signals.h"
#include "base/misuse.h"
#include "io/handle.h"
#include "io/slab.h"
#include "os/catcher.h"
#include "os/event.h"
#include "os/os.h"

enum { NUMBERS_MAX = 64 };

struct bide_signals {
	bide_os_catcher catcher; /* first: the first two words are the slab's while it is free */
	bide_handle handle;
};

static bide_slab slab = BIDE_SLAB_OF_(bide_signals);

static bide_signals *signals_of(bide_handle *handle)
{
	return BIDE_CONTAINER_(handle, bide_signals, handle);
}

/* --- opening and closing --- */

static bool numbers_given(const int *numbers, size_t count, const char *what)
{
	if (numbers && count >= 1 && count <= NUMBERS_MAX)
		return true;
	if (numbers)
		bide_misuse_("%s: count is %zu; 1 to %d numbers are allowed", what, count, NUMBERS_MAX);
	else
		bide_misuse_("%s: numbers is NULL", what);
	return false;
}

/* Returns 0 if a number cannot be waited for. */
static uint64_t set_of(const int *numbers, size_t count)
{
	uint64_t set = 0;

	for (size_t i = 0; i < count; i++) {
		if (numbers[i] > NUMBERS_MAX || !bide_os_signal_can_be_caught_(numbers[i]))
			return 0;
		set |= (uint64_t)1 << (numbers[i] - 1);
	}
	return set;
}

static void closed(bide_handle *handle)
{
	bide_slab_give_(&slab, signals_of(handle));
}

static int open_set(uint64_t set, bide_signals **to)
{
	bide_signals *signals = bide_slab_take_(&slab);
	int fd, error;

	if (!signals)
		return BIDE_ENOMEM_;
	fd = bide_os_event_open_();
	if (fd < 0) {
		error = bide_os_last_error_();
		bide_slab_give_(&slab, signals);
		return error;
	}
	signals->catcher = (bide_os_catcher){ .wanted = set, .fd = fd };
	bide_handle_init_(&signals->handle, fd, BIDE_HANDLE_READY_IN_);
	error = bide_os_catch_(&signals->catcher);
	if (error)
		bide_handle_close_(&signals->handle, closed);
	else
		*to = signals;
	return error;
}

int bide_signals_open_named_(bide_signals **to, const int *numbers, size_t count, const char *what)
{
	uint64_t set;

	if (!numbers_given(numbers, count, what))
		return BIDE_EINVAL_;
	set = set_of(numbers, count);
	if (!set)
		return BIDE_EINVAL_;
	return bide_thread_() ? open_set(set, to) : BIDE_ENOMEM_;
}

int bide_signals_open(bide_signals **signals, const int *numbers, size_t count)
{
	if (!signals) {
		bide_misuse_("bide_signals_open: signals is NULL");
		return BIDE_EINVAL_;
	}
	*signals = NULL;
	return bide_signals_open_named_(signals, numbers, count, "bide_signals_open");
}

void bide_signals_close(bide_signals *signals)
{
	uint32_t era = 0;

	if (signals)
		era = bide_handle_take_(&signals->handle, "bide_signals_close", "object");
	if (era == 0)
		return;
	bide_os_catch_end_(&signals->catcher); /* nothing writes to the descriptor any more */
	bide_handle_close_taken_(&signals->handle, era, closed);
}

/* --- waiting --- */

static int take(bide_io *io)
{
	bide_signals *signals = signals_of(io->handle);
	int number = bide_os_caught_take_(&signals->catcher);

	if (number == 0) {
		bide_os_event_clear_(signals->catcher.fd);
		number = bide_os_caught_take_(&signals->catcher);
	}
	io->operation.source.payload.i = number;
	return number ? 0 : BIDE_EAGAIN_;
}

static const bide_io_kind next_kind = { .type = BIDE_IO_TYPE_("bide_signals_next"),
	                                    .object = "signals",
	                                    .side = BIDE_IO_IN_,
	                                    .attempt = take };

bide_value_task bide_signals_next(bide_signals *signals)
{
	if (!signals || !bide_handle_is_live_(&signals->handle)) {
		bide_misuse_("bide_signals_next: signals %s",
		             signals ? "is closed, or of a parent process or an earlier life of the runtime"
		                     : "is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	return bide_io_start_(&signals->handle, &next_kind, (bide_io_arguments){ 0 });
}
