/* Participants: finding, starting and asking them; see program.h. */
#include "program.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

enum { STARTS_MAX = 4, NOTES_MAX = 64 };

struct program programs[PROGRAM_COUNT] = {
#define BENCH_PROGRAM(name, interposed, speaks_for, workers) \
	{ name, interposed, speaks_for, workers, .present = false },
	BENCH_PROGRAMS(BENCH_PROGRAM)
#undef BENCH_PROGRAM
};

struct options options = { .rounds = 7, .limit_s = 30, .results_path = BENCH_RESULTS };

static char notes[NOTES_MAX][REASON_BYTES];
static int note_count;

void note(const char *format, ...)
{
	va_list arguments;

	if (note_count == NOTES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(notes[note_count], REASON_BYTES, format, arguments);
	va_end(arguments);
	for (char *at = notes[note_count]; *at != '\0'; at++)
		if (iscntrl((unsigned char)*at))
			*at = '?'; /* the output of a participant may be anything */
	note_count++;
}

void progress(const char *format, ...)
{
	va_list arguments;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
}

void print_notes(void)
{
	if (note_count > 0)
		printf("\n");
	for (int i = 0; i < note_count; i++)
		printf("%s\n", notes[i]);
}

/* ---- the output of a participant */

static const char *field(const char *line, const char *key)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof pattern, "\"%s\":", key);
	at = strstr(line, pattern);
	return at == NULL ? NULL : at + strlen(pattern);
}

double field_number(const char *line, const char *key)
{
	const char *at = field(line, key);
	char *end;
	double value;

	if (at == NULL)
		return NAN;
	value = strtod(at, &end);
	return end == at ? NAN : value;
}

double field_minimum(const char *line, const char *key)
{
	const char *at = field(line, key);
	double minimum = NAN, value;
	char *end;

	if (at == NULL || *at != '[')
		return NAN;
	do {
		value = strtod(++at, &end);
		if (end == at || !(value > 0) || isinf(value))
			return NAN;
		minimum = value > minimum ? minimum : value; /* NAN > value is false, too */
		at = end;
	} while (*at == ',');
	return *at == ']' ? minimum : NAN;
}

bool field_text(const char *line, const char *key, char *out, size_t size)
{
	const char *at = field(line, key);

	if (at == NULL || *at != '"')
		return false;
	at++;
	snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
	return true;
}

int who_of(const char *name)
{
	for (int who = 0; who < WHO_COUNT; who++)
		if (strcmp(who_names[who], name) == 0)
			return who;
	return WHO_COUNT;
}

static int row_of(const char *name)
{
	if (strcmp(name, "sleepers") == 0)
		return ROW_SLEEPERS_BYTES;
	for (int row = 0; row < ROW_COUNT; row++)
		if (strcmp(row_infos[row].name, name) == 0)
			return row;
	return ROW_COUNT;
}

/* ---- talking to a participant */

bool program_start(struct program *program, struct process *process, char *const argv[],
                   const char *preload)
{
	char workers[32], library[PATH_BYTES + 16];
	char *environment[3] = { NULL, NULL, NULL };
	int used = 0;

	if (program->workers > 0) {
		snprintf(workers, sizeof workers, "BENCH_WORKERS=%d", program->workers);
		environment[used++] = workers;
	}
	if (preload != NULL) {
		snprintf(library, sizeof library, "LD_PRELOAD=%s", preload);
		environment[used] = library;
	}
	if (process_start(process, argv, environment))
		return true;
	note("%s: cannot be started: %s", program->name, strerror(errno));
	return false;
}

void program_give_up(struct program *program, struct process *process, const char *doing,
                     int late_s)
{
	char reason[REASON_BYTES];

	process_stop(process, late_s > 0, reason, sizeof reason);
	if (late_s > 0)
		note("%s: %s: no answer within %d s", program->name, doing, late_s);
	else
		note("%s: %s: %.400s", program->name, doing, reason);
}

bool program_ask(struct program *program, struct process *process, const char *question,
                 program_take take, int row, void *argument)
{
	int64_t deadline = process_now_ns() + (int64_t)options.limit_s * 1000000000;
	char line[LINE_BYTES], text[128];

	snprintf(text, sizeof text, "%s\n", question);
	if (!process_write(process, text)) {
		program_give_up(program, process, question, 0);
		return false;
	}
	for (;;) {
		enum process_read got = process_read_line(process, line, sizeof line, deadline);

		if (got != PROCESS_LINE) {
			program_give_up(program, process, question, got == PROCESS_LATE ? options.limit_s : 0);
			return false;
		}
		if (strcmp(line, ".") == 0)
			return true;
		if (strncmp(line, "skip ", 5) == 0) {
			note("%s: %s skipped: %.200s", program->name, question, line + 5);
			return false;
		}
		if (!take(program, row, line, argument)) {
			note("%s: %s: not understood: %.100s", program->name, question, line);
			process_stop(process, true, NULL, 0);
			return false;
		}
	}
}

/* Skips rows of a later version of this table, or of another number of workers. */
static bool take_offer(struct program *program, int unused, const char *line, void *argument)
{
	char bench[64], name[64];
	int row, who;

	(void)unused;
	(void)argument;
	if (sscanf(line, "%63s %63s", bench, name) != 2)
		return false;
	row = row_of(bench);
	who = who_of(name);
	if (who != WHO_COUNT && strcmp(bench, "scale") == 0)
		program->scales[who] = true;
	if (row != ROW_COUNT && who != WHO_COUNT && row_infos[row].workers == program->workers)
		program->offers[row][who] = true;
	return true;
}

bool program_offers(const struct program *program, int row)
{
	for (int who = 0; who < WHO_COUNT; who++)
		if (program->offers[row][who])
			return true;
	return false;
}

/* The same program is asked with several numbers of workers, but its absence is reported once. */
static void note_missing(const struct program *program, const char *reason)
{
	static const char *said[PROGRAM_COUNT];
	int i = 0;

	while (i < PROGRAM_COUNT - 1 && said[i] != NULL) {
		if (strcmp(said[i], program->name) == 0)
			return;
		i++;
	}
	said[i] = program->name;
	note("%s: %.300s; skipped: %s", program->name, reason, program->speaks_for);
}

/* The file <name>.skip says why a program was not built. */
bool program_find(struct program *program)
{
	char skip_path[PATH_BYTES], reason[REASON_BYTES] = "";
	FILE *skip;

	snprintf(program->path, sizeof program->path, "%s/%s", options.folder, program->name);
	snprintf(skip_path, sizeof skip_path, "%s/%s.skip", options.folder, program->name);
	skip = fopen(skip_path, "r");
	if (skip != NULL) {
		if (fgets(reason, sizeof reason, skip) != NULL)
			reason[strcspn(reason, "\n")] = '\0';
		fclose(skip);
	} else if (access(program->path, X_OK) != 0) {
		snprintf(reason, sizeof reason, "not built (%.300s: %s)", program->path, strerror(errno));
	}
	if (reason[0] != '\0') {
		note_missing(program, reason);
		return false;
	}
	if (!program_running(program))
		return false;
	program->present = program_ask(program, &program->process, "list", take_offer, ROW_COUNT, NULL);
	return program->present;
}

bool program_running(struct program *program)
{
	char *argv[] = { program->path, NULL };

	if (program->process.pid != 0)
		return true;
	if (program->starts >= STARTS_MAX)
		return false;
	program->starts++;
	return program_start(program, &program->process, argv, NULL);
}
