/*
 * prepare.c - see prepare.h.
 */
#include "runtime/prepare.h"

__attribute__((noinline)) void bide_scribble_(void)
{
	volatile char dead[4096];

	for (size_t i = 0; i < sizeof dead; i++)
		dead[i] = (char)0xA5;
}
