/*
 * fork_join.c - divide and conquer: a sort whose halves other workers may take. It forks one half
 * and sorts the other itself. If no worker took the first half, the join costs a call.
 */
#include <stdio.h>
#include <string.h>

#include <bide/short.h>

static value_task sort(int *items, int *spare, int count);

/* A fork slot with the parameters of the child, and the function that the child is. */
struct sort_fork {
	ASYNC_FORK;
	struct {
		int *items, *spare, count;
	} in;
};

async_forked(sort_fork)
{
	return sort(my->in.items, my->in.spare, my->in.count);
}

struct sort {
	ASYNC_FRAME_FORKING; /* like ASYNC_FRAME, for functions that fork */
	struct {
		int *items, *spare, count;
	} in;
	int half;
	struct sort_fork left;
};

/* Merges items[0..half) and items[half..count). */
static void merge(int *items, int *spare, int half, int count)
{
	int left = 0, right = half;

	for (int i = 0; i < count; i++)
		spare[i] = right == count || (left < half && items[left] <= items[right]) ? items[left++]
		                                                                          : items[right++];
	memcpy(items, spare, (size_t)count * sizeof *items);
}

async(sort, left)
{
	async_in(count, items, spare);
	my->half = count / 2;
	async_fork(sort_fork, my->left, .items = items, .spare = spare, .count = my->half);
	await(sort(items + my->half, spare + my->half, count - my->half));
	await(async_join(sort_fork, my->left));
	merge(items, spare, my->half, count);
async_finally: /* reached after a failure, too, once all unjoined forks are joined */
	async_end;
}

static value_task sort(int *items, int *spare, int count)
{
	return count < 2 ? value_task_completed()
	                 : async_start(sort, .items = items, .spare = spare, .count = count);
}

enum { COUNT = 100000 };

int main(void)
{
	static int items[COUNT], spare[COUNT];
	unsigned seed = 1;
	int error;

	for (int i = 0; i < COUNT; i++) {
		seed = seed * 1664525 + 1013904223;
		items[i] = (int)(seed >> 8);
	}
	error = value_task_wait(sort(items, spare, COUNT), NULL);
	for (int i = 1; i < COUNT && !error; i++)
		error = items[i - 1] > items[i] ? -1 : 0;
	if (error) {
		fprintf(stderr, "fork_join: %s\n", error > 0 ? bide_strerror(error) : "not sorted");
		return 1;
	}
	printf("%d numbers sorted\n", COUNT);
	return 0;
}
