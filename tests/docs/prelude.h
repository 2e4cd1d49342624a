/*
 * prelude.h - what the fragments in the documents may use without declaring it.
 */
#ifndef PRELUDE_H
#define PRELUDE_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

/* The sizes that the documents give. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(value_task) == 16, "bide_value_task.3, README");
_Static_assert(sizeof(bide_frame) == 56, "bide_async.7, README, design");
_Static_assert(sizeof(bide_user_source) == 64, "bide_source.3");
_Static_assert(sizeof(bide_cancel_registration) == 80, "bide_cancel.3");
_Static_assert(sizeof(bide_group) == 48, "bide_group.3");
#endif

struct store;
struct file;
struct reading {
	double celsius[8];
};

value_task read_all(struct file *file);
value_task read_some(struct file *file, char *buffer, size_t size_bytes);
value_task get_data(int key);
value_task fetch(int number);
value_task read_sensor(void);
value_task measure(void);
void use(value_task item);
void log_line(const char *line, void *argument);
int64_t read_whole_file(void *path);
void tick(void);
void stop_requested(void *argument);

/* The frame of a fragment that stands in an async function. */
#define SAMPLE_FRAME                  \
	ASYNC_FRAME;                      \
	struct {                          \
		struct file *file;            \
		const char *path;             \
		task *shared;                 \
		bide_context *scope;          \
		bide_cancel_token token;      \
	} in;                             \
	char buffer[512];                 \
	value_task items[8];              \
	task *tasks[2];                   \
	bide_when_each each;              \
	bide_group group;                 \
	bide_context *scope;              \
	bide_cancel_source *stop;         \
	bide_periodic_timer *timer;       \
	struct reading reading;           \
	int64_t n, i, first, ticking;     \
	int error

#endif
