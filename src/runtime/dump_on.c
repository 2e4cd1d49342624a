/*
 * dump_on.c - see dump_on.h.
 *
 * The signal handler only counts, and wakes a thread that does nothing but dump. So a dump also
 * comes if all workers are in functions of the program that do not return. That thread is no thread
 * of the runtime: it has no record, and a shutdown does not wait for it. It reads what other
 * threads change meanwhile, as bide_dump does on any thread.
 */
#include "runtime/dump_on.h"

#include <stdio.h>

#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "os/os.h"
#include "runtime/runtime.h"

static struct {
	uint32_t signals; /* how many came; a futex; atomic */
	int number;
	bool is_set; /* guarded by setup */
} on;

BIDE_UNCHECKED_ static void dump(void)
{
	char line[160];
	size_t count;

	if (BIDE_LOAD(&bide_runtime_.state, ACQUIRE) != BIDE_RUNTIME_ON) {
		bide_report_("dump", "the runtime is not in use");
		return;
	}
	snprintf(line, sizeof line, "on signal %d, while %s: approximate", on.number,
	         bide_shared_ ? "the workers go on" : "the worker goes on");
	bide_report_("dump", line);
	count = bide_dump(NULL, NULL);
	snprintf(line, sizeof line, "%zu pending", count);
	bide_report_("dump", line);
}

static void *run(void *argument)
{
	uint32_t done = (uint32_t)(uintptr_t)argument, seen;

	bide_os_thread_name_("bide-dump");
	bide_os_signal_open_(on.number);
	for (;;) {
		seen = BIDE_LOAD(&on.signals, ACQUIRE); /* pairs with the add in the handler */
		if (seen == done) {
			bide_os_wait_(&on.signals, seen, BIDE_FOREVER);
			continue;
		}
		done = seen; /* signals that came together give one dump */
		dump();
	}
	return NULL;
}

static void ignored(const char *text, const char *why)
{
	char line[256];

	snprintf(line, sizeof line, "bide: BIDE_DUMP_ON=%.64s is ignored: %s\n", text, why);
	bide_port_print_(line);
}

void bide_dump_on_start_(void)
{
	const char *text;
	uint32_t seen = BIDE_LOAD(&on.signals, RELAXED);

	if (on.is_set)
		return;
	text = bide_os_environment_text_("BIDE_DUMP_ON");
	if (!text || !*text)
		return;
	on.is_set = true;
	on.number = bide_os_signal_number_(text);
	if (on.number == 0)
		ignored(text, "it is no name or number of a signal that can be caught (SIGQUIT, SIGUSR1)");
	else if (bide_os_thread_start_(run, (void *)(uintptr_t)seen) != 0)
		ignored(text, "no thread could be started");
	else if (bide_os_signal_count_(on.number, &on.signals) != 0)
		ignored(text, "the system refuses a handler for that signal");
}

void bide_dump_on_fork_(void)
{
	on.is_set = false;
}
