/*
 * bench: runs bide and its peers in turn, round by round, and prints the table of ratios, or with
 * --scaling draws their curves.
 *
 * Each participant is a program of its own that answers one question per line; README.md has the
 * protocol. A participant that is missing, dies or does not answer in time is named with the
 * reason, and the others go on.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "plot.h"
#include "process.h"
#include "program.h"
#include "report.h"
#include "scaling.h"

enum {
	SLEEPER_COUNT = 1000 * 1000,
	SLEEPER_COUNT_SMALL = 100 * 1000,  /* if a million of the largest would not fit */
	SLEEPER_COUNT_COUNTED = 20 * 1000, /* to count their allocations */
	SLEEPER_ROUNDS_MAX = 3,
	SLEEP_FIRST_MS = 2000,
	SLEEP_MAX_MS = 60 * 1000,
	MEMORY_WANTED_MIB = 4096,
};

static struct results results;

/* Takes a line of an answer to `run` or `count`. The fastest batch is the result of a round. */
static bool take_answer(struct program *program, int row, const char *line, void *unused)
{
	char name[64] = "";
	double value = field_minimum(line, "batches"), allocs = field_number(line, "allocs");
	int who = WHO_COUNT;

	(void)unused;
	if (field_text(line, "who", name, sizeof name))
		who = who_of(name);
	if (who == WHO_COUNT || !program->offers[row][who] || (isnan(value) && isnan(allocs)))
		return false;
	if (!isnan(value))
		report_add(&results, (enum row)row, (enum who)who, value);
	if (!isnan(allocs)) {
		results.allocs[row][who] = allocs;
		results.bytes[row][who] = field_number(line, "bytes");
	}
	return true;
}

/* ---- one row, interleaved */

static void run_row(enum row row)
{
	struct program *active[PROGRAM_COUNT];
	char question[64];
	int count = 0;

	for (int i = 0; i < PROGRAM_COUNT; i++) {
		programs[i].failed = !programs[i].present || !program_offers(&programs[i], (int)row);
		if (!programs[i].failed)
			active[count++] = &programs[i];
	}
	snprintf(question, sizeof question, "run %s", row_infos[row].name);
	for (int round = 0; round < options.rounds; round++) {
		for (int turn = 0; turn < count; turn++) {
			struct program *program = active[(turn + round) % count]; /* each is first in turn */

			if (program->failed)
				continue;
			progress("%s, round %d of %d: %s", row_infos[row].name, round + 1, options.rounds,
			         program->name);
			program->failed =
				!program_running(program) ||
				!program_ask(program, &program->process, question, take_answer, (int)row, NULL);
		}
	}
}

/* The counting pass runs the same program once, with the allocator interposed. */
static void count_row(enum row row)
{
	char question[64];

	snprintf(question, sizeof question, "count %s", row_infos[row].name);
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		struct program *program = &programs[i];
		struct process process = { .pid = 0 };
		char *argv[] = { program->path, NULL };

		if (program->failed || !program->interposed)
			continue;
		progress("%s, allocations: %s", row_infos[row].name, program->name);
		if (!program_start(program, &process, argv, options.counter))
			continue;
		/* A note says what failed. */
		(void)program_ask(program, &process, question, take_answer, (int)row, NULL);
		process_stop(&process, false, NULL, 0);
	}
}

/* ---- sleepers: a fresh process each */

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

static bool sleepers_round(struct program *program, enum who who, int count, int *sleep_ms)
{
	struct sleepers_answer one, all;

	if (!once(program, who, 1, 200, NULL, &one) ||
	    !once_in_time(program, who, count, sleep_ms, &all))
		return false;
	report_add(&results, ROW_SLEEPERS_BYTES, who, (all.peak_bytes - one.peak_bytes) / count);
	report_add(&results, ROW_SLEEPERS_CREATE, who, all.create_ns / count);
	report_add(&results, ROW_SLEEPERS_FIRE, who, all.fire_ns / count);
	return true;
}

static void count_sleepers(struct program *program, enum who who)
{
	const char *preload = program->interposed ? options.counter : NULL;
	struct sleepers_answer one, all;
	int count = SLEEPER_COUNT_COUNTED;

	if (!once(program, who, 1, 200, preload, &one) ||
	    !once(program, who, count, 1000, preload, &all))
		return;
	results.allocs[ROW_SLEEPERS_CREATE][who] = (all.total_allocs - one.total_allocs) / count;
	results.bytes[ROW_SLEEPERS_CREATE][who] = (all.total_bytes - one.total_bytes) / count;
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

static void run_sleepers(void)
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
				count_sleepers(program, who);
			else
				failed[who] = !sleepers_round(program, who, count, &sleep_ms[who]);
		}
	}
}

/* ---- command line */

static void print_names(FILE *out)
{
	const char *last = "";

	for (int row = 0; row < ROW_COUNT; row++) {
		if (strcmp(last, row_infos[row].group) != 0)
			fprintf(out, " %s", row_infos[row].group);
		last = row_infos[row].group;
	}
	fputs(", or a single row:", out);
	for (int row = 0; row < ROW_COUNT; row++)
		if (strcmp(row_infos[row].name, row_infos[row].group) != 0)
			fprintf(out, " %s", row_infos[row].name);
	fputc('\n', out);
}

static void usage(FILE *out)
{
	fprintf(out,
	        "usage: bench [options] [names]\n"
	        "  --scaling       no rows, but time against tasks and workers against speed-up\n"
	        "  --rounds N      rounds of each bench, 1 to %d (7)\n"
	        "  --limit S       seconds that one measurement may take, 1 to 600 (30)\n"
	        "  --results FILE  where a JSON object a line is appended (%s)\n"
	        "  --peers FOLDER  where the participants are (peers, beside this program)\n"
	        "names (all):",
	        ROUNDS_MAX, BENCH_RESULTS);
	print_names(out);
}

static bool select_rows(const char *name)
{
	bool found = false;

	for (int row = 0; row < ROW_COUNT; row++) {
		if (strcmp(row_infos[row].name, name) != 0 && strcmp(row_infos[row].group, name) != 0)
			continue;
		options.wanted[row] = found = true;
	}
	if (!found) {
		fprintf(stderr, "bench: there is no bench \"%s\"; there are:", name);
		print_names(stderr);
	}
	return found;
}

static bool number(const char *option, const char *text, int max, int *out)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > max) {
		fprintf(stderr, "bench: %s takes a number from 1 to %d, not \"%s\"\n", option, max, text);
		return false;
	}
	*out = (int)value;
	return true;
}

/* Returns 0 to go on, otherwise the exit status plus one. */
static int read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "limit", required_argument, NULL, 'l' },
		{ "results", required_argument, NULL, 'o' },
		{ "peers", required_argument, NULL, 'p' },
		{ "scaling", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool good = true;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'r')
			good = good && number("--rounds", optarg, ROUNDS_MAX, &options.rounds);
		else if (option == 'l')
			good = good && number("--limit", optarg, 600, &options.limit_s);
		else if (option == 'o')
			options.results_path = optarg;
		else if (option == 'p')
			snprintf(options.folder, sizeof options.folder, "%s", optarg);
		else if (option == 's')
			options.scaling = true;
		else if (option == 'h')
			return usage(stdout), 1;
		else
			return usage(stderr), 3;
	}
	for (int i = optind; i < argc; i++)
		good = select_rows(argv[i]) && good;
	for (int row = 0; row < ROW_COUNT && optind == argc && !options.scaling; row++)
		options.wanted[row] = true;
	if (options.scaling && optind < argc) {
		fprintf(stderr, "bench: --scaling takes no names\n");
		return 3;
	}
	return good ? 0 : 3;
}

/* The participants are in the folder `peers` beside this program. */
static bool find_folder(void)
{
	char self[PATH_BYTES - 128];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	if (length < 0) {
		fprintf(stderr, "bench: cannot find its own folder: %s\n", strerror(errno));
		return false;
	}
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(options.folder, sizeof options.folder, "%s/peers", self);
	return true;
}

static void describe_machine(char *out, size_t size)
{
	struct utsname system;
	char line[256], model[128] = "unknown processor";
	FILE *cpu = fopen("/proc/cpuinfo", "r");

	while (cpu != NULL && fgets(line, sizeof line, cpu) != NULL)
		if (sscanf(line, "model name : %127[^\n]", model) == 1)
			break;
	if (cpu != NULL)
		fclose(cpu);
	uname(&system);
	snprintf(out, size, "%s, %ld CPUs, %s %s; medians of %d rounds in turn%s", model,
	         sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.release, options.rounds,
	         options.scaling ? "" : "; ratio = peer / bide");
}

static bool show(enum row row, bool append)
{
	progress("%s", "");
	report_head(row_infos[row].workers > 0);
	report_row(&results, row);
	return append && report_append(&results, row, options.results_path);
}

static bool run_wanted(void)
{
	bool slept = false, written = true;

	for (int row = 0; row < ROW_COUNT; row++) {
		if (!options.wanted[row])
			continue;
		if (strcmp(row_infos[row].group, "sleepers") != 0) {
			run_row((enum row)row);
			count_row((enum row)row);
		} else if (!slept) {
			run_sleepers();
			slept = true;
		}
		written = show((enum row)row, written);
	}
	return written;
}

/* Finds only the programs that will be asked: one that only waits should not disturb, but might. */
static void find_programs(void)
{
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		bool needed = false;

		for (int row = 0; row < ROW_COUNT; row++)
			needed =
				needed || (options.wanted[row] && row_infos[row].workers == programs[i].workers);
		if (needed)
			program_find(&programs[i]);
	}
}

static bool run_table(const char *machine)
{
	bool written;

	find_programs();
	written = run_wanted();
	for (int i = 0; i < PROGRAM_COUNT; i++)
		process_stop(&programs[i].process, false, NULL, 0);
	print_notes();
	if (!written)
		return false;
	printf("\nresults: %s\n", options.results_path);
	return report_markdown(&results, options.results_path, machine) &&
	       plot_write(&results, options.results_path, machine);
}

int main(int argc, char **argv)
{
	char machine[512];
	int stop;

	signal(SIGPIPE, SIG_IGN);
	unsetenv("BENCH_WORKERS"); /* set for participants with workers only */
	report_init(&results);
	if (!find_folder())
		return 1;
	stop = read_options(argc, argv);
	if (stop != 0)
		return stop - 1;
	snprintf(options.counter, sizeof options.counter, "%s/bench_allocations.so", options.folder);
	describe_machine(machine, sizeof machine);
	printf("%s\n", machine);
#ifndef __OPTIMIZE__
	printf("This is not an optimised build: the figures mean nothing. Use the preset release.\n");
#endif
	return (options.scaling ? scaling_run(machine) : run_table(machine)) ? 0 : 1;
}
