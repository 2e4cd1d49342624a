/*
 * choice.c - see choice.h.
 */
#include "io/choice.h"

#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/settings.h"
#include "base/text.h"
#include "io/engine.h"
#include "io/probe.h"
#include "os/os.h"
#include "runtime/runtime.h"

enum { REASON_BYTES = 256, WHY_BYTES = 128 };

/* Under the lock of the setup. The choice is of this life of the runtime, in this process. */
static bide_choice chosen;
static uint32_t chosen_life;
static pid_t chosen_process;

/* A caller may have the text of one life while the next begins. */
static char reasons[2][REASON_BYTES];

static bide_choice uring(const char *asker, char *reason)
{
	char why[WHY_BYTES];
	int error = bide_uring_probe_(why, sizeof why);

	/* Without descriptors or memory nothing is known. What opens the ring meets that error, too. */
	if (!error || error == EMFILE || error == ENFILE || error == ENOMEM) {
		bide_put_(reason, REASON_BYTES, "uring: %s asks for it", asker);
		return (bide_choice){ BIDE_IO_URING, &bide_engine_uring_, reason };
	}
	bide_put_(reason, REASON_BYTES, "none: %s asks for uring, which cannot be had: %s", asker, why);
	return (bide_choice){ BIDE_IO_NONE, NULL, reason };
}

static bide_choice epoll(const char *why)
{
	return (bide_choice){ BIDE_IO_EPOLL, &bide_engine_epoll_, why };
}

static bide_choice choose(char *reason)
{
	bide_io_engine asked = bide_runtime_.config.io_engine;
	const char *by_environment = bide_os_environment_text_("BIDE_IO");

	if (asked == BIDE_IO_URING)
		return uring("bide_configure", reason);
	if (asked == BIDE_IO_EPOLL)
		return epoll("epoll: bide_configure asks for it");
	if (!by_environment || bide_os_environment_is_("BIDE_IO", ""))
		return epoll("epoll: the default");
	if (bide_os_environment_is_("BIDE_IO", "epoll"))
		return epoll("epoll: BIDE_IO asks for it");
	if (bide_os_environment_is_("BIDE_IO", "uring"))
		return uring("BIDE_IO", reason);
	return epoll(
		"epoll: BIDE_IO asks for an engine that does not exist; there are epoll and uring");
}

bide_choice bide_choice_locked_(void)
{
	if (chosen_life != bide_life_ || chosen_process != getpid()) {
		chosen = choose(reasons[bide_life_ % 2]);
		chosen_life = bide_life_;
		chosen_process = getpid();
	}
	return chosen;
}

bide_choice bide_choice_(void)
{
	bide_choice copy;

	bide_os_lock_(&bide_runtime_.setup);
	copy = bide_choice_locked_();
	bide_os_unlock_(&bide_runtime_.setup);
	return copy;
}
