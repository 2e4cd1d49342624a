/* Correct code is not reported. */
#include <stdio.h>
#include <string.h>

#include <bide/short.h>

struct point {
	int x, y;
};
value_task sum_of(const int *numbers, int count);
void use(struct point *point);

struct part {
	ASYNC_FORK;
	struct {
		int n;
		int *out;
	} in;
};
async_forked(part)
{
	*my->in.out = my->in.n;
	return value_task_from(0);
}

struct f {
	ASYNC_FRAME_FORKING;
	struct {
		const char *text;
		int n;
	} in;
	int i, total, numbers[4];
	char copy[16];
	struct part left;
	value_task both[2];
	bide_group group;
	bide_task *task;
};

async(f)
{
	const char *const text = my->in.text;
	register const int n = my->in.n;
	int scratch;
	struct point point = { 1, 2 };

	async_begin;
	for (my->i = 0; my->i < n; my->i++) {
		char line[32];
		struct point here = { my->i, n };

		snprintf(line, sizeof line, "%s %d", text, my->i);
		puts(line);
		use(&here);
	}
	for (my->i = 0; my->i < n; my->i++) {
		int64_t got;
		char line[8];

		await(got, sum_of(my->numbers, 4));
		my->total += (int)got;
		strcpy(line, "line");
		puts(line);
	}
	await(my->total, sum_of(my->numbers, 4));
	printf("%zu %s %d\n", sizeof scratch, text, point.x);
	scratch = n;
	await_or(scratch, sum_of(my->numbers, scratch), scratch = 0);
	printf("%d\n", scratch);
	async_fork(part, my->left, .n = n, .out = &my->total);
	await(async_join(part, my->left));
	{
		bide_group_options options = { 0 };

		(void)!bide_group_init(&my->group, &options);
	}
	bide_group_add(&my->group, sum_of(my->numbers, 2));
	await(bide_group_wait(&my->group));
	my->both[0] = sum_of(my->numbers, 1);
	my->both[1] = sum_of(my->numbers, 2);
	await(bide_when_all(my->both, 2));
	my->task = bide_task_run(NULL, &my->total);
	await(my->task);
	strcpy(my->copy, text);
	async_return(strlen(my->copy));
async_finally:
	bide_task_unref(my->task);
	{
		int error = async_error;

		if (error)
			printf("%d\n", error);
	}
	await(delay_ms(1));
	async_end;
}

value_task f(const char *text, int n);
value_task f(const char *text, int n)
{
	return async_start(f, .text = text, .n = n);
}

/* Ordinary functions have no awaits. */
int ordinary(void);
int ordinary(void)
{
	char buffer[8];
	bide_payload result;

	strcpy(buffer, "buffer");
	return bide_value_task_wait(f(buffer, 2), &result);
}
