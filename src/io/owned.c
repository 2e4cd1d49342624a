/*
 * owned.c - see owned.h.
 */
#include "io/owned.h"

#include <errno.h>

#include "base/misuse.h"
#include "runtime/at_end.h"

/* Atomic. 0: it belongs to none. Otherwise `mark` of the process that has written it. */
static uint8_t marks[BIDE_OWNED_MAX_];
static uint8_t mark = 1;

static void in_child(void)
{
	mark = mark == UINT8_MAX ? 1 : (uint8_t)(mark + 1);
}

static bide_at_end ends = { .fork = in_child };

static bool has_mark(int fd)
{
	return fd >= 0 && fd < BIDE_OWNED_MAX_;
}

void bide_owned_begin_(int fd)
{
	bide_at_end_add_(&ends);
	if (has_mark(fd))
		BIDE_STORE(&marks[fd], mark, RELAXED);
}

void bide_owned_end_(int fd)
{
	if (has_mark(fd))
		BIDE_STORE(&marks[fd], (uint8_t)0, RELAXED);
}

int bide_owned_take_(int fd, const char *what)
{
	uint8_t seen;

	bide_at_end_add_(&ends);
	if (!has_mark(fd))
		return 0;
	/* Of two takes at the same moment one stores the mark. A mark of the parent counts as none. */
	seen = BIDE_LOAD(&marks[fd], RELAXED);
	if (seen != mark && BIDE_CAS(&marks[fd], &seen, mark, RELAXED, RELAXED))
		return 0;
	bide_misuse_("%s: the descriptor %d belongs to an open object already, which closes it", what,
	             fd);
	return EBUSY;
}
