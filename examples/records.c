/*
 * A generator of parsed records, and a consumer that stops early: the cleanup of the producer
 * closes the file before the consumer ends, wherever the producer stands.
 */
#include <stdio.h>
#include <stdlib.h>

#include <bide/short.h>

struct record {
	int id;
	char name[16];
};

struct records {
	ASYNC_GENERATOR;
	struct {
		bool *open; /* stands for a descriptor */
	} in;
	int line;
	struct record record;
};

static const char *const lines[] = { "1 anna", "# a comment", "2 bert", "3 carla", "4 dora" };

async_generator(records)
{
	async_begin;
	*my->in.open = true;
	for (my->line = 0; my->line < 5; my->line++) {
		await(delay_ms(1)); /* the line is on its way */
		if (sscanf(lines[my->line], "%d %15s", &my->record.id, my->record.name) == 2)
			async_emit(&my->record); /* in this frame; good until the next one */
	}
async_finally:
	*my->in.open = false;
	async_end;
}

struct find {
	ASYNC_FRAME;
	struct {
		int id;
		struct record *found;
		bool *open;
	} in;
	bide_generator *all;
	const struct record *record;
};

async(find)
{
	async_begin;
	my->all = generator_start(records, .open = my->in.open);
	await_each(my->record, my->all) {
		printf("looking at %s\n", my->record->name);
		if (my->record->id == my->in.id) {
			*my->in.found = *my->record;
			break;
		}
	}
	async_return(my->in.found->id);
async_finally:
	await(generator_end(my->all)); /* closes the file */
	async_end;
}

int main(void)
{
	struct record found = { 0 };
	bool open = false;
	payload id;

	if (value_task_wait(async_start(find, .id = 3, .found = &found, .open = &open), &id) != 0)
		return EXIT_FAILURE;
	printf("%d is %s; the file is %s\n", (int)id.i, found.name, open ? "open" : "closed");
	return id.i == 3 && !open ? EXIT_SUCCESS : EXIT_FAILURE;
}
