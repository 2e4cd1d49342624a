/*
 * orphan.c - see orphan.h.
 */
#include "runtime/orphan.h"

#include "base/settings.h"
#include "os/os.h"
#include "runtime/blocking.h"

static struct {
	bool is_started; /* guarded by setup */
	bide_os_thread handle;
	uint32_t is_ready; /* `handle` is set */
	uint32_t is_over;  /* a futex */
} signal_taker;

static void *take_signals(void *argument)
{
	bide_os_thread_name_("bide-signals");
	signal_taker.handle = bide_os_thread_self_();
	BIDE_STORE(&signal_taker.is_ready, 1u, RELEASE);   /* pairs with bide_orphan_end_ */
	while (!BIDE_LOAD(&signal_taker.is_over, ACQUIRE)) /* pairs with bide_orphan_end_ */
		bide_os_wait_(&signal_taker.is_over, 0, BIDE_FOREVER);
	return argument;
}

void bide_orphan_check_(bool is_last)
{
	bide_stats threads = { 0 };

	bide_blocking_stats_(&threads);
	if (!bide_shared_ && threads.blocking_thread_count == 0)
		return; /* the library has no thread of its own */
	if (!bide_os_main_is_over_(is_last))
		return;
	if (!signal_taker.is_started) {
		signal_taker.is_ready = signal_taker.is_over = 0;
		signal_taker.is_started = bide_os_open_thread_start_(take_signals, NULL) == 0;
	}
}

void bide_orphan_end_(void)
{
	if (!signal_taker.is_started)
		return;
	for (unsigned tries = 0; !BIDE_LOAD(&signal_taker.is_ready, ACQUIRE); tries++)
		bide_os_pause_(tries);
	BIDE_STORE(&signal_taker.is_over, 1u, RELEASE);
	bide_os_wake_(&signal_taker.is_over, 1);
	bide_os_thread_join_(signal_taker.handle);
	signal_taker.is_started = false;
}

void bide_orphan_fork_(void)
{
	signal_taker.is_started = false;
}
