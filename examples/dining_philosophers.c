/*
 * dining_philosophers.c - five philosophers, and a fork between each two of them. A fork is a
 * mutex. The room has four seats, so one of the seated can always have both forks. In the end one
 * is called away in the middle of its meals, and all forks are on the table again.
 */
#include <errno.h>
#include <stdio.h>

#include <bide/short.h>

enum { COUNT = 5, MEALS = 20 };

struct table {
	mutex fork[COUNT];
	semaphore room;
};

struct dine {
	ASYNC_FRAME;
	struct {
		struct table *table;
		int seat, meals;
	} in;
	hold room, left, right;
	int eaten;
};

async(dine)
{
	async_in(table, seat, meals);
	for (my->eaten = 0; my->eaten < meals; my->eaten++) {
		await(semaphore_hold(&table->room, 1, &my->room));
		await(mutex_hold(&table->fork[seat], &my->left));
		await(mutex_hold(&table->fork[(seat + 1) % COUNT], &my->right));
		await(delay(BIDE_MS(1) / 10));
		hold_release(&my->right);
		hold_release(&my->left);
		hold_release(&my->room);
	}
	async_return(my->eaten);
async_finally:
	hold_release(&my->right); /* one that is called away leaves nothing locked */
	hold_release(&my->left);
	hold_release(&my->room);
	async_end;
}

/* Returns the first error of the five, once all have left. */
static int dinner(struct table *table, int meals)
{
	value_task guests[COUNT];

	for (int seat = 0; seat < COUNT; seat++)
		guests[seat] = async_start(dine, .table = table, .seat = seat, .meals = meals);
	return value_task_wait(when_all(guests, COUNT), NULL);
}

static bool is_table_laid(struct table *table)
{
	hold all[COUNT] = { { 0 } };
	int on_table = 0;

	for (int i = 0; i < COUNT; i++)
		on_table += mutex_try_hold(&table->fork[i], &all[i]);
	for (int i = 0; i < COUNT; i++)
		hold_release(&all[i]);
	return on_table == COUNT && semaphore_count(&table->room) == COUNT - 1;
}

int main(void)
{
	struct table table = { .room = BIDE_SEMAPHORE(COUNT - 1, COUNT - 1) };
	value_task called_away;
	int error = dinner(&table, MEALS);

	if (error)
		return 1;
	printf("%d philosophers have eaten %d times\n", COUNT, MEALS);
	called_away = with_timeout_ms(5, async_start(dine, .table = &table, .seat = 0,
	                                             .meals = 1000 * 1000 * 1000));
	error = value_task_wait(called_away, NULL);
	printf("the next one was called away: %s\n", error == ETIMEDOUT ? "yes" : "no");
	printf("all forks are on the table: %s\n", is_table_laid(&table) ? "yes" : "no");
	return 0;
}
