/*
 * report.c - reports how a scenario fails: the order that led there, access by access.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_address(const void *at)
{
	const char *byte = at;

	for (int i = 0; i < engine.watched_count; i++)
		if (byte >= (const char *)engine.watched[i].source &&
		    byte < (const char *)engine.watched[i].source + engine.watched[i].size_bytes) {
			fprintf(stderr, "watched%d+%d", i,
			        (int)(byte - (const char *)engine.watched[i].source));
			return;
		}
	for (int i = 0; i < engine.block_count; i++)
		if (byte >= engine.blocks[i].at &&
		    byte < engine.blocks[i].at + engine.blocks[i].size_bytes) {
			fprintf(stderr, "block%d+%d", i, (int)(byte - engine.blocks[i].at));
			return;
		}
	fprintf(stderr, "%p", at);
}

_Noreturn void explore_fail(const char *format, ...)
{
	va_list arguments;

	engine.running = false;
	fprintf(stderr, "%s, execution %u: ", engine.name, (unsigned)engine.execution);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nthe order (thread, access, place, value):\n");
	for (int i = 0; i < engine.step_count; i++) {
		const step *s = &engine.steps[i];
		const char *slash = s->source ? strrchr(s->source, '/') : NULL;

		fprintf(stderr, "  %*s%d %s ", 4 * s->thread, "", s->thread, s->what);
		print_address(s->at);
		fprintf(stderr, " %#llx", (unsigned long long)s->value);
		if (s->age)
			fprintf(stderr, " (old by %u)", s->age);
		fprintf(stderr, "  %s\n", slash ? slash + 1 : s->source ? s->source : "");
	}
	fprintf(stderr, "  running: %d\n", engine.current);
	abort();
}

void report_note(const char *what, const void *at, uint64_t value, unsigned age, const char *source)
{
	if (engine.step_count == STEPS_MAX)
		explore_fail("no end after %d accesses: a livelock", STEPS_MAX);
	engine.steps[engine.step_count++] =
		(step){ (uint8_t)engine.current, what, source, at, value, age };
}
