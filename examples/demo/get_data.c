/*
 * get_data.c - part one of the demo: one function in two forms, with data that is ready and data
 * that is not.
 */
#include <errno.h>
#include <stdio.h>

#include <bide/short.h>

#include "demo.h"

static int wait_ms;       /* the time until the data is there */
static const char *known; /* the data, once it is there */

struct get_data {
	ASYNC_FRAME;
};

async(get_data)
{
	async_begin;
	await(delay_ms(wait_ms));
	async_return("data");
async_finally:
	async_end;
}

/* As if in another file; otherwise the compiler sees that the ready form has nothing to do. */
#define IN_ANOTHER_FILE __attribute__((noinline))

IN_ANOTHER_FILE static task *get_data_task(void)
{
	return value_task_as_task(async_start(get_data));
}

IN_ANOTHER_FILE static value_task get_data_value_task(void)
{
	if (known)
		return value_task_from(known);
	return async_start(get_data);
}

/* The form with a task must make an object even if the data is there. */
IN_ANOTHER_FILE static task *get_data_task_ready(void)
{
	return task_from_pointer(known);
}

static const char source_text[] =
	"    async(get_data)                          // the part that waits\n"
	"    {\n"
	"        async_begin;\n"
	"        await(delay_ms(1000));               // no thread is held meanwhile\n"
	"        async_return(\"data\");\n"
	"    async_finally:\n"
	"        async_end;\n"
	"    }\n"
	"\n"
	"    task *get_data_task(void)                // always an object: may be shared, kept, "
	"awaited again\n"
	"    {\n"
	"        return value_task_as_task(async_start(get_data));\n"
	"    }\n"
	"\n"
	"    value_task get_data_value_task(void)     // two registers; they hold the data if it is "
	"there\n"
	"    {\n"
	"        if (known)\n"
	"            return value_task_from(known);\n"
	"        return async_start(get_data);\n"
	"    }\n\n";

/* --- many calls in a row, because one is too short for a clock --- */

enum form { FORM_TASK, FORM_TASK_AGAIN, FORM_VALUE_TASK };

struct repeat {
	ASYNC_FRAME;
	struct {
		enum form form;
		int count;
		task *kept; /* for FORM_TASK_AGAIN */
	} in;
	int i;
	task *one;
	const char *data;
};

async(repeat)
{
	async_in(count, form, kept);
	for (my->i = 0; my->i < count; my->i++) {
		if (form == FORM_VALUE_TASK) {
			await(my->data, get_data_value_task());
		} else if (form == FORM_TASK_AGAIN) {
			await(my->data, kept);
		} else {
			my->one = get_data_task_ready();
			if (!my->one)
				async_fail(ENOMEM);
			await(my->data, my->one);
			task_unref(my->one);
			my->one = NULL;
		}
	}
	async_return(my->data);
async_finally:
	task_unref(my->one);
	async_end;
}

/* --- one line of the table --- */

struct measured {
	const char *data;
	double took_ns;
	double calls, bytes; /* of the allocator */
};

static void print_line(const char *what, const struct measured *m)
{
	printf("  %-36s %-8s %12s %10s %8s\n", what, m->data, text_duration(m->took_ns),
	       text_each(m->calls), text_each(m->bytes));
}

/* Calls the form once and waits. `kept` gets the task if there is one. */
static int measure_waiting(struct measured *m, task **kept)
{
	struct allocations allocations;
	payload data = { .p = NULL };
	int64_t start_ns;
	int error;

	count_start();
	start_ns = clock_ns();
	if (kept) {
		*kept = get_data_task();
		error = *kept ? task_wait(*kept, &data) : ENOMEM;
	} else {
		error = value_task_wait(get_data_value_task(), &data);
	}
	m->took_ns = (double)(clock_ns() - start_ns);
	allocations = count_stop();
	m->calls = (double)allocations.calls;
	m->bytes = (double)allocations.bytes;
	m->data = data.p;
	return error;
}

static int measure_ready(struct measured *m, enum form form, task *kept, int count)
{
	struct allocations allocations;
	payload data = { .p = NULL };
	int64_t start_ns;
	int error;

	start_ns = clock_ns();
	error = value_task_wait(async_start(repeat, .form = form, .count = count, .kept = kept), &data);
	m->took_ns = (double)(clock_ns() - start_ns) / count;
	if (error)
		return error;
	count_start();
	error = value_task_wait(async_start(repeat, .form = form, .count = count, .kept = kept), &data);
	allocations = count_stop();
	m->calls = (double)allocations.calls / count;
	m->bytes = (double)allocations.bytes / count;
	m->data = data.p;
	return error;
}

/* Lets the pools of waiting functions and timers allocate their first memory, which they keep. */
static int fill_pools(struct allocations *allocations)
{
	task *first = NULL;
	int error;

	count_start();
	wait_ms = 1;
	first = get_data_task();
	error = first ? task_wait(first, NULL) : ENOMEM;
	if (!error)
		error = value_task_wait(get_data_value_task(), NULL);
	task_unref(first);
	*allocations = count_stop();
	return error;
}

static int measure_all(struct measured m[5], task **kept, int repeat_count)
{
	int error = measure_waiting(&m[0], kept);

	if (!error)
		error = measure_waiting(&m[1], NULL);
	known = "data"; /* from here on the data is there */
	if (!error)
		error = measure_ready(&m[2], FORM_TASK, NULL, repeat_count);
	if (!error)
		error = measure_ready(&m[3], FORM_TASK_AGAIN, *kept, repeat_count);
	if (!error)
		error = measure_ready(&m[4], FORM_VALUE_TASK, NULL, repeat_count);
	return error;
}

int show_get_data(int delay_of_data_ms, int repeat_count)
{
	struct allocations pools;
	struct measured m[5];
	task *kept = NULL;
	int error;

	heading("1. One function, two forms");
	printf("%s", source_text);
	error = fill_pools(&pools);
	wait_ms = delay_of_data_ms;
	progress("  calling both; twice %d ms go by ...\n\n", wait_ms);
	if (!error)
		error = measure_all(m, &kept, repeat_count);
	task_unref(kept);
	if (error)
		return complain("get_data", error);

	printf("  %-36s %-8s %12s %14s\n", "", "", "", "allocator");
	printf("  %-36s %-8s %12s %10s %8s\n", "", "printed", "took", "calls", "bytes");
	print_line("not ready   task", &m[0]);
	print_line("            value_task", &m[1]);
	print_line("ready       task", &m[2]);
	print_line("            task, kept, awaited again", &m[3]);
	print_line("            value_task", &m[4]);
	printf(
		"\n  Ready: the mean of %s calls, each with its await. Not ready: neither form allocates,\n"
		"  because a function that waits lives in a pool; filling it took %s calls (%s bytes) "
		"once.\n",
		text_count(repeat_count), text_count((int64_t)pools.calls),
		text_count((int64_t)pools.bytes));
	return 0;
}
