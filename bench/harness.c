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

#include "counts.h"
#include "host.h"
#include "plot.h"
#include "process.h"
#include "program.h"
#include "report.h"
#include "scaling.h"
#include "sleepers.h"
#include "targets.h"

static struct results results;

/*
 * Takes a line of an answer to `run` or `count`. The fastest batch is the result of a round. Only
 * bide has counts of its scheduler.
 */
static bool take_answer(struct program *program, int row, const char *line, void *unused)
{
	char name[64] = "";
	double value = field_minimum(line, "batches"), allocs = field_number(line, "allocs");
	double counts[COUNT_COUNT];
	int who = WHO_COUNT;

	(void)unused;
	if (field_text(line, "who", name, sizeof name))
		who = who_of(name);
	if (who == WHO_COUNT || !program->offers[row][who] || (isnan(value) && isnan(allocs)))
		return false;
	if (!isnan(value))
		report_add(&results, (enum row)row, (enum who)who, value);
	if (who == WHO_BIDE && counts_read(line, counts))
		report_add_counts(&results, (enum row)row, counts);
	if (!isnan(allocs)) {
		results.allocs[row][who] = allocs;
		results.bytes[row][who] = field_number(line, "bytes");
	}
	return true;
}

/* ---- the rows of one name, interleaved, so that a target may compare two of them */

struct entry {
	struct program *program;
	int row;
	bool failed;
};

static struct entry entries[PROGRAM_COUNT * ROW_COUNT];
static int entry_count;

static bool in_group(int row, int first)
{
	return options.wanted[row] && strcmp(row_infos[row].group, row_infos[first].group) == 0;
}

/* Makes an entry for each participant in each wanted row of the name. */
static void find_entries(int first)
{
	entry_count = 0;
	for (int row = first; row < ROW_COUNT; row++)
		for (int i = 0; i < PROGRAM_COUNT && in_group(row, first); i++)
			if (programs[i].present && program_offers(&programs[i], row))
				entries[entry_count++] = (struct entry){ &programs[i], row, false };
}

static void run_entries(void)
{
	char question[64];

	for (int round = 0; round < options.rounds; round++) {
		for (int turn = 0; turn < entry_count; turn++) {
			struct entry *entry = &entries[(turn + round) % entry_count]; /* each is first */
			const char *name = row_infos[entry->row].name;

			if (entry->failed)
				continue;
			progress("%s, round %d of %d: %s", name, round + 1, options.rounds,
			         entry->program->name);
			snprintf(question, sizeof question, "run %s", name);
			entry->failed = !program_running(entry->program) ||
			                !program_ask(entry->program, &entry->program->process, question,
			                             take_answer, entry->row, NULL);
		}
	}
}

/* The counting pass runs the same program once, with the allocator interposed. */
static void count_entries(void)
{
	char question[64];

	for (int i = 0; i < entry_count; i++) {
		struct program *program = entries[i].program;
		struct process process = { .pid = 0 };
		char *argv[] = { program->path, NULL };

		if (entries[i].failed || !program->interposed)
			continue;
		snprintf(question, sizeof question, "count %s", row_infos[entries[i].row].name);
		progress("%s, allocations: %s", row_infos[entries[i].row].name, program->name);
		if (!program_start(program, &process, argv, options.counter))
			continue;
		/* A note says what failed. */
		(void)program_ask(program, &process, question, take_answer, entries[i].row, NULL);
		process_stop(&process, false, NULL, 0);
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

/* Measures the rows that one name selects, and shows them. */
static bool run_group(int first)
{
	bool written = true;

	if (strcmp(row_infos[first].group, "sleepers") == 0) {
		sleepers_run(&results);
	} else {
		find_entries(first);
		run_entries();
		count_entries();
	}
	for (int row = first; row < ROW_COUNT; row++)
		if (in_group(row, first))
			written = show((enum row)row, written);
	return written;
}

static bool run_wanted(void)
{
	bool written = true, done[ROW_COUNT] = { false };

	for (int first = 0; first < ROW_COUNT; first++) {
		if (!options.wanted[first] || done[first])
			continue;
		written = run_group(first) && written;
		for (int row = first; row < ROW_COUNT; row++)
			done[row] = done[row] || in_group(row, first);
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

static bool run_table(const char *machine, const struct host *costs, const char *host)
{
	bool written = report_append_host(costs, options.results_path);

	find_programs();
	written = run_wanted() && written;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		process_stop(&programs[i].process, false, NULL, 0);
	counts_print(&results);
	target_print_summary(&results);
	print_notes();
	if (!written)
		return false;
	printf("\nresults: %s\n", options.results_path);
	return report_markdown(&results, options.results_path, machine, host) &&
	       plot_write(&results, options.results_path, machine);
}

int main(int argc, char **argv)
{
	char machine[512], host[512];
	struct host costs;
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
	host_measure(&costs);
	host_describe(&costs, host, sizeof host);
	printf("%s\nHost: %s\n", machine, host);
#ifndef __OPTIMIZE__
	printf("This is not an optimised build: the figures mean nothing. Use the preset release.\n");
#endif
	return (options.scaling ? scaling_run(machine) : run_table(machine, &costs, host)) ? 0 : 1;
}
