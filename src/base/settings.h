/*
 * settings.h - what is decided before the first frame is made, and the life of the runtime.
 */
#ifndef BIDE_BASE_SETTINGS_H
#define BIDE_BASE_SETTINGS_H

#include "base/library.h"

/*
 * All workers read these at almost every step, and nothing writes them while the runtime is on.
 * They have a cache line to themselves, so that a write to another variable does not take the line
 * from the readers.
 */
extern BIDE_INTERNAL struct bide_settings_ {
	/* These three are set before the first frame is made. */
	_Alignas(64) bool debug; /* BIDE_DEBUG=1, or a runtime that was configured so */
	bool pooling;            /* false with BIDE_POOL=malloc */
	bool shared;             /* there are many workers, so any thread may touch anything */
	/*
	 * The number of the runtime's life. It grows when all memory is given back. An object in the
	 * user's memory holds the life that it was made in. What is left in the pools gets
	 * BIDE_GENERATION_ENDED_, and its memory stays for a while (bide_keep_), so that a later use of
	 * it is reported.
	 */
	uint32_t life;
	uint32_t forks;       /* how many made this process */
	bool is_unused_child; /* of a fork: the first use leaves the runtime of the parent */
} bide_settings_;
BIDE_STATIC_ASSERT(sizeof(struct bide_settings_) == 64, "a cache line");

#define bide_debug_ bide_settings_.debug
#define bide_pooling_ bide_settings_.pooling
#define bide_shared_ bide_settings_.shared
#define bide_life_ bide_settings_.life
#define bide_fork_count_ bide_settings_.forks

enum { BIDE_ERA_LIFE_BITS_ = 20 };

/*
 * Stands for this life of the runtime in this process. An object that the child of a fork must not
 * use holds the era that it was made in.
 */
static inline uint32_t bide_era_(void)
{
	return bide_life_ + (bide_fork_count_ << BIDE_ERA_LIFE_BITS_);
}

#endif
