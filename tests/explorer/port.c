/*
 * port.c - the rest of the port: checked memory, and functions that hardly matter here.
 */
#include "engine.h"

#include <stdio.h>

#include "base/port.h"
#include "base/settings.h"

void *bide_port_allocate_(size_t size_bytes, size_t alignment)
{
	size_t rounded_bytes = (size_bytes + 63) & ~(size_t)63;
	int i;

	(void)alignment;
	for (i = 0; i < engine.block_count; i++)
		if (!engine.blocks[i].used && engine.blocks[i].size_bytes == rounded_bytes &&
		    engine.blocks[i].released != engine.execution)
			break;
	if (i == engine.block_count) {
		if (engine.block_count == BLOCKS_MAX || engine.arena_used + rounded_bytes > ARENA_BYTES)
			explore_fail("the explorer's memory is full");
		engine.block_count++;
		engine.blocks[i].at = engine.arena + engine.arena_used;
		engine.blocks[i].size_bytes = rounded_bytes;
		engine.arena_used += rounded_bytes;
	}
	engine.blocks[i].used = true;
	return engine.blocks[i].at;
}

void bide_port_release_(void *memory, size_t size_bytes)
{
	(void)size_bytes;
	for (int i = 0; i < engine.block_count; i++) {
		if (engine.blocks[i].at != memory)
			continue;
		if (!engine.blocks[i].used)
			explore_fail("block%d is released twice", i);
		engine.blocks[i].used = false;
		engine.blocks[i].released = engine.execution;
		race_give_back(memory, engine.blocks[i].size_bytes);
		return;
	}
	explore_fail("%p was never allocated", memory);
}

bool explore_is_released(const void *memory)
{
	for (int i = 0; i < engine.block_count; i++)
		if (engine.blocks[i].at == memory)
			return !engine.blocks[i].used;
	return false;
}

bool bide_port_on_worker_(void)
{
	return bide_shared_ || engine.current == NOBODY ||
	       !(engine.scenario->external >> engine.current & 1);
}

unsigned bide_port_worker_count_(void)
{
	return 1;
}

uint64_t bide_port_random_(void)
{
	return 0;
}

uint32_t bide_port_choice_(uint32_t count)
{
	(void)count;
	return 0;
}

bide_thread_head *explore_head(int thread)
{
	return &engine.records[thread].head;
}

void bide_port_stats_(bide_stats *stats)
{
	(void)stats;
}

const void *bide_port_thread_(void)
{
	return &engine.threads[engine.current == NOBODY ? 0 : engine.current];
}

bool bide_port_heavy_fence_(void)
{
	if (!engine.scenario->no_membarrier)
		explore_heavy_fence();
	return !engine.scenario->no_membarrier;
}

void bide_port_offer_(bide_thread_head *head)
{
	if (engine.scenario->offered)
		engine.scenario->offered(head);
}

void bide_port_print_(const char *text)
{
	fputs(text, stderr);
}

void bide_port_format_(char *to, size_t size_bytes, const char *format, va_list arguments)
{
	vsnprintf(to, size_bytes, format, arguments);
}

const char *bide_port_error_text_(int error)
{
	(void)error;
	return "";
}

void bide_port_abort_(void)
{
	explore_fail("abort");
}

void bide_port_wait_a_moment_(unsigned tries)
{
	(void)tries;
	explore_relax();
}

bide_thread_head *bide_thread_attach_(void)
{
	explore_fail("a thread without a record");
}
