/*
 * The floor: `call` is a plain C call that returns 16 bytes like a value_task, and `malloc` is the
 * cost of a frame of 72 bytes from the C allocator.
 */
#include "../participant.h"

enum { FRAME_BYTES = 72 };

struct answer {
	int64_t value;
	uint64_t state;
};

static int64_t sink;

static BENCH_NOINLINE struct answer get_answer(int64_t key)
{
	BENCH_OPAQUE(key);
	return (struct answer){ .value = key + 1, .state = 0 };
}

static void ready_await(uint64_t count)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += get_answer((int64_t)i).value;
	BENCH_OPAQUE(sum);
	sink = sum;
}

static void allocate_frame(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		char *frame = malloc(FRAME_BYTES);

		if (frame == NULL)
			abort();
		*(volatile char *)frame = 1;
		BENCH_OPAQUE(frame);
		free(frame);
	}
}

int main(int argc, char **argv)
{
	static const struct bench_case cases[] = {
		{ .bench = "ready_await", .who = "call", .run = ready_await },
		{ .bench = "frame_sync", .who = "malloc", .run = allocate_frame },
		{ .bench = "task_sync", .who = "malloc", .run = allocate_frame },
	};

	return bench_participant(argc, argv, cases, sizeof cases / sizeof *cases, "call", NULL);
}
