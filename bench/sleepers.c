/* The sleepers' rows: a fresh process for each measurement; see sleepers.h. */
#include "sleepers.h"

#include <stdio.h>

#include "program.h"

enum {
	SLEEPER_COUNT = 1000 * 1000,
	SLEEPER_COUNT_SMALL = 100 * 1000,  /* if a million of the largest would not fit */
	SLEEPER_COUNT_COUNTED = 20 * 1000, /* to count their allocations */
	SLEEPER_ROUNDS_MAX = 3,
	SLEEP_FIRST_MS = 2000,
	SLEEP_MAX_MS = 60 * 1000,
	MEMORY_WANTED_MIB = 4096,
};

struct sleepers_answer {
	bool early;
	double peak_bytes, create_ns, fire_ns, total_allocs, total_bytes;
};

static bool once(struct program *program, enum who who, int count, int sleep_ms,
                 const char *preload, struct sleepers_answer *answer)
{
	char who_text[32], count_text[16], ms_text[16], line[LINE_BYTES], doing[96];
	char once_text[] = "once", bench_text[] = "sleepers";
	char *argv[] = { program->path, once_text, bench_text, who_text, count_text, ms_text, NULL };
	int limit_s = 4 * options.limit_s + 2 * sleep_ms / 1000;
	struct process process;
	enum process_read got;

	snprintf(who_text, sizeof who_text, "%s", who_names[who]);
	snprintf(count_text, sizeof count_text, "%d", count);
	snprintf(ms_text, sizeof ms_text, "%d", sleep_ms);
	snprintf(doing, sizeof doing, "once sleepers %s %d %d", who_text, count, sleep_ms);
	if (!program_start(program, &process, argv, preload))
		return false;
	got = process_read_line(&process, line, sizeof line,
	                        process_now_ns() + (int64_t)limit_s * 1000000000);
	if (got != PROCESS_LINE) {
		program_give_up(program, &process, doing, got == PROCESS_LATE ? limit_s : 0);
		return false;
	}
	process_stop(&process, false, NULL, 0);
	answer->early = field_number(line, "early") > 0;
	answer->peak_bytes = field_number(line, "peak_bytes");
	answer->create_ns = field_number(line, "create_ns");
	answer->fire_ns = field_number(line, "fire_ns");
	answer->total_allocs = field_number(line, "total_allocs");
	answer->total_bytes = field_number(line, "total_bytes");
	if (answer->peak_bytes > 0 && answer->create_ns > 0 && answer->fire_ns > 0)
		return true;
	note("%s: %s: not understood: %.100s", program->name, doing, line);
	return false;
}

/* Sleeps longer and longer until none wakes before the last one sleeps. */
static bool once_in_time(struct program *program, enum who who, int count, int *sleep_ms,
                         struct sleepers_answer *answer)
{
	while (once(program, who, count, *sleep_ms, NULL, answer)) {
		if (!answer->early)
			return true;
		*sleep_ms *= 3;
		if (*sleep_ms > SLEEP_MAX_MS) {
			note("%s: sleepers: not all asleep within %d s", program->name, *sleep_ms / 3000);
			return false;
		}
	}
	return false;
}

static bool sleepers_round(struct results *results, struct program *program, enum who who,
                           int count, int *sleep_ms)
{
	struct sleepers_answer one, all;

	if (!once(program, who, 1, 200, NULL, &one) ||
	    !once_in_time(program, who, count, sleep_ms, &all))
		return false;
	report_add(results, ROW_SLEEPERS_BYTES, who, (all.peak_bytes - one.peak_bytes) / count);
	report_add(results, ROW_SLEEPERS_CREATE, who, all.create_ns / count);
	report_add(results, ROW_SLEEPERS_FIRE, who, all.fire_ns / count);
	return true;
}

static void count_sleepers(struct results *results, struct program *program, enum who who)
{
	const char *preload = program->interposed ? options.counter : NULL;
	struct sleepers_answer one, all;
	int count = SLEEPER_COUNT_COUNTED;

	if (!once(program, who, 1, 200, preload, &one) ||
	    !once(program, who, count, 1000, preload, &all))
		return;
	results->allocs[ROW_SLEEPERS_CREATE][who] = (all.total_allocs - one.total_allocs) / count;
	results->bytes[ROW_SLEEPERS_CREATE][who] = (all.total_bytes - one.total_bytes) / count;
}

static int sleeper_count(void)
{
	char line[256];
	long available_mib = MEMORY_WANTED_MIB;
	FILE *memory = fopen("/proc/meminfo", "r");

	while (memory != NULL && fgets(line, sizeof line, memory) != NULL)
		if (sscanf(line, "MemAvailable: %ld kB", &available_mib) == 1)
			available_mib /= 1024;
	if (memory != NULL)
		fclose(memory);
	if (available_mib >= MEMORY_WANTED_MIB)
		return SLEEPER_COUNT;
	note("sleepers: %d instead of %d: only %ld MiB of memory are available, %d are needed",
	     SLEEPER_COUNT_SMALL, SLEEPER_COUNT, available_mib, MEMORY_WANTED_MIB);
	return SLEEPER_COUNT_SMALL;
}

void sleepers_run(struct results *results)
{
	int rounds = options.rounds < SLEEPER_ROUNDS_MAX ? options.rounds : SLEEPER_ROUNDS_MAX;
	int count = sleeper_count(), sleep_ms[WHO_COUNT];
	bool failed[WHO_COUNT] = { false };

	for (int who = 0; who < WHO_COUNT; who++)
		sleep_ms[who] = SLEEP_FIRST_MS;
	for (int round = 0; round <= rounds; round++) {
		for (int i = 0; i < PROGRAM_COUNT * WHO_COUNT; i++) {
			struct program *program = &programs[i / WHO_COUNT];
			enum who who = (enum who)(i % WHO_COUNT);

			if (!program->present || !program->offers[ROW_SLEEPERS_BYTES][who] || failed[who])
				continue;
			progress("sleepers, round %d of %d: %s", round + 1, rounds + 1, who_names[who]);
			if (round == rounds)
				count_sleepers(results, program, who);
			else
				failed[who] = !sleepers_round(results, program, who, count, &sleep_ms[who]);
		}
	}
}
