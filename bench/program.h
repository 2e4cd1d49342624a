/*
 * The participants as the harness sees them: found, started, asked one question a line; README.md
 * has the protocol. What goes wrong with one becomes a note, and the others go on.
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
	int workers; /* what BENCH_WORKERS tells it; 0: the variable is not there */
	char path[PATH_BYTES];
	bool present;
	int starts;
	bool failed;                       /* in the present row */
	bool offers[ROW_COUNT][WHO_COUNT]; /* for sleepers: in ROW_SLEEPERS_BYTES */
	bool scales[WHO_COUNT];            /* offers the scaling curve */
	struct process process;
};

struct options {
	int rounds;
	int limit_s; /* that one measurement may take */
	const char *results_path;
	char folder[PATH_BYTES - 64]; /* where the peers are */
	char counter[PATH_BYTES];     /* the library that counts allocations */
	bool scaling;
	bool wanted[ROW_COUNT];
};

/* Says false to a line that it does not understand. */
typedef bool (*program_take)(struct program *program, int row, const char *line, void *argument);

extern struct options options;
extern struct program programs[PROGRAM_COUNT];

/* Something that the user shall read at the end. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);
void print_notes(void);
/* The line on the terminal that is overwritten. */
__attribute__((format(printf, 1, 2))) void progress(const char *format, ...);

/* The value of a key in a line of JSON; NAN or false where there is none. */
double field_number(const char *line, const char *key);
bool field_text(const char *line, const char *key, char *out, size_t size);
/* The smallest number of an array; NAN where there is none, or it holds anything else. */
double field_minimum(const char *line, const char *key);

int who_of(const char *name); /* WHO_COUNT: nobody */

/* Finds a participant, starts it and asks what it has. False, perhaps with a note: not there. */
bool program_find(struct program *program);
/* One that ended is started again for the next bench, a few times. */
bool program_running(struct program *program);
/* Starts a process of it beside its own; `preload`, if not NULL, goes into LD_PRELOAD. */
bool program_start(struct program *program, struct process *process, char *const argv[],
                   const char *preload);
bool program_offers(const struct program *program, int row);
/*
 * Sends a question and reads the answer up to its "." or "skip". Lines in between go to `take`; if
 * that does not understand one the participant is stopped, for nobody knows what it would say next.
 * False: it is gone, or did not do it; a note says why.
 */
bool program_ask(struct program *program, struct process *process, const char *question,
                 program_take take, int row, void *argument);
/* Ends a participant that failed (late_s > 0: it did not answer for so long) and notes it. */
void program_give_up(struct program *program, struct process *process, const char *doing,
                     int late_s);

#endif
