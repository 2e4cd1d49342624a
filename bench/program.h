/*
 * The participants as the harness sees them: it finds them, starts them and asks them one question
 * per line. README.md has the protocol. A failure of one becomes a note, and the others go on.
 */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "process.h"
#include "rows.h"

enum { PATH_BYTES = 4096 };

struct program {
	const char *name;
	bool interposed; /* its allocations are counted in a second process */
	const char *speaks_for;
	int workers; /* the value of BENCH_WORKERS; 0 if it is not set */
	char path[PATH_BYTES];
	bool present;
	int starts;
	bool failed;                       /* in the current row */
	bool offers[ROW_COUNT][WHO_COUNT]; /* sleepers: in ROW_SLEEPERS_BYTES */
	bool scales[WHO_COUNT];            /* offers the scaling curve */
	struct process process;
};

struct options {
	int rounds;
	int limit_s; /* for one measurement */
	const char *results_path;
	char folder[PATH_BYTES - 64]; /* of the peers */
	char counter[PATH_BYTES];     /* the library that counts allocations */
	bool scaling;
	bool wanted[ROW_COUNT];
};

/* Returns false for a line that it does not understand. */
typedef bool (*program_take)(struct program *program, int row, const char *line, void *argument);

extern struct options options;
extern struct program programs[PROGRAM_COUNT];

/* Adds a note for the user, printed at the end. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);
void print_notes(void);
/* Overwrites the progress line on the terminal. */
__attribute__((format(printf, 1, 2))) void progress(const char *format, ...);

/* Return the value of a key in a line of JSON, or NAN or false if there is none. */
double field_number(const char *line, const char *key);
bool field_text(const char *line, const char *key, char *out, size_t size);
/* Returns the smallest number of an array, or NAN if there is none or it contains anything else. */
double field_minimum(const char *line, const char *key);

int who_of(const char *name); /* WHO_COUNT if unknown */

/*
 * Finds a participant, starts it and asks what it offers. Returns false, perhaps with a note, if it
 * is not available.
 */
bool program_find(struct program *program);
/* Starts a participant that ended again, a few times. Returns whether it is running. */
bool program_running(struct program *program);
/* Starts another process of the participant; `preload`, if not NULL, goes into LD_PRELOAD. */
bool program_start(struct program *program, struct process *process, char *const argv[],
                   const char *preload);
bool program_offers(const struct program *program, int row);
/*
 * Sends a question and reads the answer up to its "." or "skip". Passes the lines in between to
 * `take`. If `take` does not understand a line, the participant is stopped, because its next lines
 * cannot be trusted. Returns false, with a note, if the participant is gone or did not do it.
 */
bool program_ask(struct program *program, struct process *process, const char *question,
                 program_take take, int row, void *argument);
/* Ends a participant that failed (late_s > 0: it did not answer for that long) and adds a note. */
void program_give_up(struct program *program, struct process *process, const char *doing,
                     int late_s);

#endif
