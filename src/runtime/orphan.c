/*
 * orphan.c - see orphan.h.
 */
#include "runtime/orphan.h"

#include "base/settings.h"
#include "os/os.h"
#include "runtime/blocking.h"

static struct {
	bool is_started; /* under setup */
	bide_os_thread handle;
	uint32_t is_ready; /* has its handle */
	uint32_t is_over;  /* futex */
} taker;

static void *take_signals(void *argument)
{
	bide_os_thread_name_("bide-signals");
	taker.handle = bide_os_thread_self_();
	BIDE_STORE(&taker.is_ready, 1u, RELEASE);   /* pairs with bide_orphan_end_ */
	while (!BIDE_LOAD(&taker.is_over, ACQUIRE)) /* pairs with bide_orphan_end_ */
		bide_os_wait_(&taker.is_over, 0, BIDE_FOREVER);
	return argument;
}

void bide_orphan_check_(bool is_last)
{
	bide_stats threads = { 0 };

	bide_blocking_stats_(&threads);
	if (!bide_shared_ && threads.blocking_thread_count == 0)
		return; /* the process ends, or goes on with the program's own threads */
	if (!bide_os_main_is_over_(is_last))
		return;
	if (!taker.is_started) {
		taker.is_ready = taker.is_over = 0;
		taker.is_started = bide_os_open_thread_start_(take_signals, NULL) == 0;
	}
}

void bide_orphan_end_(void)
{
	if (!taker.is_started)
		return;
	for (unsigned tries = 0; !BIDE_LOAD(&taker.is_ready, ACQUIRE); tries++)
		bide_os_pause_(tries);
	BIDE_STORE(&taker.is_over, 1u, RELEASE);
	bide_os_wake_(&taker.is_over, 1);
	bide_os_thread_join_(taker.handle);
	taker.is_started = false;
}

void bide_orphan_fork_(void)
{
	taker.is_started = false;
}
