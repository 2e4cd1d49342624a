/*
 * simulation.c - see simulation.h. One stream of numbers from the seed decides the order of
 * runnable frames and how long blocking calls take. A hash over what ran tells whether two runs
 * were the same.
 */
#include "runtime/simulation.h"

#include "async/strand.h"

bool bide_simulating_;
static uint64_t seed, state, hash;

void bide_simulation_start_(uint64_t wanted)
{
	seed = state = wanted;
	hash = 0xcbf29ce484222325u;
}

uint64_t bide_simulation_seed_(void)
{
	return seed;
}

/* splitmix64, for which every seed is as good as any other. */
static uint64_t draw(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void note(const void *bytes, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

/* The hash includes the choice, because nothing else tells functions of one name apart. */
size_t bide_simulation_choose_(size_t count)
{
	size_t choice;

	if (!seed || count < 2)
		return 0;
	choice = (size_t)(draw() % count);
	note(&choice, sizeof choice);
	return choice;
}

int64_t bide_simulation_job_ns_(void)
{
	return 1000 + (int64_t)(draw() % 9999001u);
}

void bide_simulation_note_(const bide_frame *frame, int64_t now_ns)
{
	const char *name;

	frame = bide_strand_first_(frame); /* Of a strand's turn: the function that runs. */
	name = frame->async->name;
	note(name, __builtin_strlen(name));
	note(&frame->source.line, sizeof frame->source.line);
	note(&now_ns, sizeof now_ns);
}

void bide_simulation_note_fork_(int64_t now_ns)
{
	note("fork", 4);
	note(&now_ns, sizeof now_ns);
}

void bide_simulation_note_event_(const char *what, uint64_t number, int64_t now_ns)
{
	note(what, __builtin_strlen(what));
	note(&number, sizeof number);
	note(&now_ns, sizeof now_ns);
}

uint64_t bide_simulation_hash(void)
{
	return bide_simulating_ ? hash : 0;
}

uint64_t bide_simulation_random(void)
{
	if (bide_simulating_)
		return draw();
	bide_misuse_(
		"bide_simulation_random: no simulation runs; bide_configure with virtual_clock starts one");
	return 0;
}
