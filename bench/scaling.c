/*
 * The curves of the scheduler; see scaling.h. Skynet with 1,000 to 1,000,000 leaves, with 1, 2, 4
 * workers and so on up to one for each CPU (at least 2). Each participant is a process of its own
 * for each number of workers, and all are asked in turn.
 */
#include "scaling.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plot.h"
#include "program.h"
#include "report.h"

enum { SIZES = 4, STEPS_MAX = 16, CURVES_MAX = STEPS_MAX * WHO_COUNT };

static const int sizes[SIZES] = { 1000, 10000, 100000, 1000000 };

static int steps[STEPS_MAX], step_count; /* the numbers of workers */
static struct program peers[STEPS_MAX][PROGRAM_COUNT];
static struct results times[STEPS_MAX]; /* the first SIZES rows hold the sizes, in nanoseconds */

/* Lists of words about the curves, for the drawing. */
struct curves {
	char who[1024], workers[1024];
	size_t who_used, workers_used;
};

static void find_steps(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (long workers = 1; step_count < STEPS_MAX - 1 && (workers < cpus || workers <= 2);
	     workers *= 2)
		steps[step_count++] = (int)workers;
	if (steps[step_count - 1] < cpus)
		steps[step_count++] = (int)cpus;
}

static bool scales(const struct program *program)
{
	for (int who = 0; who < WHO_COUNT; who++)
		if (program->scales[who])
			return true;
	return false;
}

static void find_peers(void)
{
	for (int step = 0; step < step_count; step++) {
		report_init(&times[step]);
		for (int i = 0; i < PROGRAM_COUNT; i++) {
			struct program *program = &peers[step][i];

			if (programs[i].workers != 1)
				continue;
			*program = programs[i];
			program->workers = steps[step];
			if (program_find(program) && scales(program))
				continue;
			process_stop(&program->process, false, NULL, 0);
			program->present = false;
		}
	}
}

static bool take_time(struct program *program, int size, const char *line, void *argument)
{
	struct results *results = argument;
	char name[64] = "";
	double value = field_minimum(line, "batches");
	int who = WHO_COUNT;

	if (field_text(line, "who", name, sizeof name))
		who = who_of(name);
	if (who == WHO_COUNT || !program->scales[who] || isnan(value))
		return false;
	report_add(results, (enum row)size, (enum who)who, value);
	return true;
}

static void measure(int round, int size)
{
	char question[64];

	snprintf(question, sizeof question, "scale %d", sizes[size]);
	for (int turn = 0; turn < PROGRAM_COUNT * step_count; turn++) {
		int at = (turn + round * step_count) % (PROGRAM_COUNT * step_count);
		int step = at % step_count;
		struct program *program = &peers[step][at / step_count];

		if (!program->present || program->failed)
			continue;
		progress("scaling, round %d of %d: %d leaves, %d workers: %s", round + 1, options.rounds,
		         sizes[size], steps[step], program->name);
		program->failed =
			!program_running(program) ||
			!program_ask(program, &program->process, question, take_time, size, &times[step]);
	}
}

static double time_of(int step, int who, int size)
{
	return report_median(&times[step], (enum row)size, (enum who)who);
}

static double speedup(int step, int who)
{
	return time_of(0, who, SIZES - 1) / time_of(step, who, SIZES - 1);
}

/* ---- output on the screen and in files */

static void print_table(void)
{
	progress("%s", "");
	printf("\nskynet, milliseconds for all tasks:\n%-17s %7s", "who", "workers");
	for (int size = 0; size < SIZES; size++)
		printf(" %10d", sizes[size]);
	printf(" %9s\n", "speed-up");
	for (int who = 0; who < WHO_COUNT; who++) {
		for (int step = 0; step < step_count; step++) {
			char cell[REPORT_NUMBER_BYTES];

			if (isnan(time_of(step, who, 0)))
				continue;
			printf("%-17s %7d", who_names[who], steps[step]);
			for (int size = 0; size < SIZES; size++)
				printf(" %10s", report_number(cell, time_of(step, who, size) / 1e6, 3));
			printf(" %9s\n", report_number(cell, speedup(step, who), 2));
		}
	}
}

static void put_json(FILE *file)
{
	for (int i = 0; i < WHO_COUNT * step_count * SIZES; i++) {
		int who = i / (step_count * SIZES), step = i / SIZES % step_count, size = i % SIZES;
		double value = time_of(step, who, size);

		if (!isnan(value))
			fprintf(file,
			        "{\"bench\":\"scaling\",\"who\":\"%s\",\"workers\":%d,\"leaves\":%d,"
			        "\"value\":%.0f,\"unit\":\"ns\"}\n",
			        who_names[who], steps[step], sizes[size], value);
	}
}

static void add_word(char *list, size_t size, size_t *used, int word)
{
	if (*used < size)
		*used += (size_t)snprintf(list + *used, size - *used, "%d ", word);
}

/* Writes a block for each curve: its title, then one point per line. */
static void put_times(FILE *file, struct curves *curves)
{
	for (int i = 0; i < WHO_COUNT * step_count; i++) {
		int who = i / step_count, step = i % step_count;

		if (isnan(time_of(step, who, 0)))
			continue;
		fprintf(file, "\"%s, %d\"\n", who_labels[who], steps[step]);
		for (int size = 0; size < SIZES; size++)
			if (!isnan(time_of(step, who, size)))
				fprintf(file, "%d %.4f\n", sizes[size], time_of(step, who, size) / 1e6);
		fprintf(file, "\n\n");
		add_word(curves->who, sizeof curves->who, &curves->who_used, who);
		add_word(curves->workers, sizeof curves->workers, &curves->workers_used, steps[step]);
	}
}

static void put_speedups(FILE *file, struct curves *curves)
{
	for (int who = 0; who < WHO_COUNT; who++) {
		if (isnan(speedup(1, who)))
			continue;
		fprintf(file, "\"%s\"\n", who_labels[who]);
		for (int step = 0; step < step_count; step++)
			if (!isnan(speedup(step, who)))
				fprintf(file, "%d %.3f\n", steps[step], speedup(step, who));
		fprintf(file, "\n\n");
		add_word(curves->who, sizeof curves->who, &curves->who_used, who);
	}
}

static bool close_written(FILE *file, const char *path)
{
	bool whole = file != NULL && !ferror(file);

	if (file != NULL && fclose(file) == 0 && whole)
		return true;
	fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

static bool write_files(const char *results_path, const char *data, struct curves curves[2])
{
	FILE *file;

	report_make_folders(results_path);
	file = fopen(results_path, "a");
	if (file != NULL)
		put_json(file);
	if (!close_written(file, results_path))
		return false;
	printf("\nresults: %s\n", results_path);
	file = fopen(data, "w");
	if (file != NULL) {
		put_times(file, &curves[0]);
		put_speedups(file, &curves[1]);
	}
	return close_written(file, data);
}

static bool draw(const char *machine)
{
	const char *results_path =
		strcmp(options.results_path, BENCH_RESULTS) == 0 ? BENCH_SCALING : options.results_path;
	char data[PATH_BYTES], chart[2][PATH_BYTES], about[512];
	char script[] = BENCH_SCALING_PLOT, time_text[] = "time", speedup_text[] = "speedup";
	struct curves curves[2] = { 0 };
	char *time_arguments[] = { script,        time_text,         data, chart[0], about,
		                       curves[0].who, curves[0].workers, NULL };
	char *speedup_arguments[] = { script, speedup_text,  data,          chart[1],
		                          about,  curves[1].who, curves[0].who, NULL };

	report_path(data, sizeof data, results_path, ".dat");
	report_path(chart[0], sizeof chart[0], results_path, "_time.svg");
	report_path(chart[1], sizeof chart[1], results_path, "_speedup.svg");
	snprintf(about, sizeof about, "%.*s", (int)strcspn(machine, ";"), machine);
	if (!write_files(results_path, data, curves))
		return false;
	if (curves[0].who_used == 0 || curves[1].who_used == 0) {
		printf("chart: none, nobody was measured with several workers\n");
		return true;
	}
	return plot_draw(time_arguments, chart[0]) && plot_draw(speedup_arguments, chart[1]);
}

bool scaling_run(const char *machine)
{
	find_steps();
	find_peers();
	for (int round = 0; round < options.rounds; round++)
		for (int size = 0; size < SIZES; size++)
			measure(round, size);
	for (int i = 0; i < step_count * PROGRAM_COUNT; i++)
		process_stop(&peers[i / PROGRAM_COUNT][i % PROGRAM_COUNT].process, false, NULL, 0);
	print_table();
	print_notes();
	return draw(machine);
}
