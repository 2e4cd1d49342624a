/* bide's answer to the rows of what functions wait on together: mutex, semaphore. */
#include "bide_workers.h"

#include <bide/short.h> /* last, because it defines short names */

enum { HOLDERS = 4 };

static mutex one;
static semaphore two = BIDE_SEMAPHORE(2, 2);

/* Holds and releases in each turn, and gives way in between if it is contended. */
struct mutex_user {
	ASYNC_FRAME;
	struct {
		int64_t count;
		bool gives_way;
	} in;
	hold hold;
	int64_t i;
};

async(mutex_user)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(mutex_hold(&one, &my->hold));
		if (my->in.gives_way)
			await(async_yield());
		hold_release(&my->hold);
	}
	async_return(my->i);
async_finally:
	hold_release(&my->hold);
	async_end;
}

struct permit_user {
	ASYNC_FRAME;
	struct {
		int64_t count;
		bool gives_way;
	} in;
	hold hold;
	int64_t i;
};

async(permit_user)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(semaphore_hold(&two, 1, &my->hold));
		if (my->in.gives_way)
			await(async_yield());
		hold_release(&my->hold);
	}
	async_return(my->i);
async_finally:
	hold_release(&my->hold);
	async_end;
}

void mutex_alone(uint64_t count)
{
	run_to_end(async_start(mutex_user, .count = (int64_t)count), (int64_t)count);
}

void semaphore_alone(uint64_t count)
{
	run_to_end(async_start(permit_user, .count = (int64_t)count), (int64_t)count);
}

void mutex_contended(uint64_t share)
{
	value_task users[HOLDERS];

	for (int i = 0; i < HOLDERS; i++)
		users[i] = async_start(mutex_user, .count = (int64_t)share, .gives_way = true);
	for (int i = 0; i < HOLDERS; i++)
		run_to_end(users[i], (int64_t)share);
}

void semaphore_contended(uint64_t share)
{
	value_task users[HOLDERS];

	for (int i = 0; i < HOLDERS; i++)
		users[i] = async_start(permit_user, .count = (int64_t)share, .gives_way = true);
	for (int i = 0; i < HOLDERS; i++)
		run_to_end(users[i], (int64_t)share);
}
