/*
 * event.c - a place for what handles events.
 */
#include "io/reactor.h"

__attribute__((weak)) void bide_io_event_(uint64_t key, uint32_t events)
{
	(void)key, (void)events;
}
