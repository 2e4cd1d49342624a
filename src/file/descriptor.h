/*
 * descriptor.h - the descriptor of an open file or directory, and what uses it.
 *
 * Its parties are its owner and each operation that is pending. The last one to leave closes the
 * descriptor: so no system call gets a number that means another file by now. It lies in memory of
 * a slab (io/slab.h), so a stale pointer finds it closed.
 *
 *     closed and free --open--> open --close: the owner leaves--> closing --the last party
 *     leaves--> the number is closed, and the object is free
 *
 * close(2) may take time, so it runs on a thread for blocking calls, in a call that is forgotten.
 * It runs at once where nothing can take time: for a file that is open for reading only, of a
 * file system that has proved to be local, and that has a name, so that it is not deleted by this.
 */
#ifndef BIDE_FILE_DESCRIPTOR_H
#define BIDE_FILE_DESCRIPTOR_H

#include "base/library.h"
#include "base/settings.h"

typedef struct bide_descriptor {
	int fd;
	uint32_t parties;  /* atomic */
	uint32_t era;      /* while the owner has it: that of bide_descriptor_era_; else 0. Atomic. */
	uint32_t forks;    /* bide_descriptor_forks_ when it was opened */
	uint32_t is_local; /* the system has told whether a call would wait; atomic */
	bool is_read_only; /* it was opened so */
	/* A try does not wait for the disk, and writes no part where one call would write all. */
	bool tries_reads, tries_writes;
	const char *closer; /* the function that closes it; atomic */
	void (*freed)(struct bide_descriptor *descriptor);
	const bide_place *closed_at; /* in debug mode, or NULL; atomic */
} bide_descriptor;

/* How often a process forked, down to this one. */
extern BIDE_INTERNAL uint32_t bide_descriptor_forks_;

/* Returns the present era, which stands for the life of the runtime and the process. Never 0. */
static inline uint32_t bide_descriptor_era_(void)
{
	return (bide_life_ + (bide_descriptor_forks_ << 20)) | UINT32_C(1) << 31;
}

/*
 * Makes it open. fd, which was opened with these flags of open(2), belongs to it. closer: the name
 * of the public function that closes it. freed: gives the memory back; on any thread.
 */
BIDE_INTERNAL void bide_descriptor_open_(bide_descriptor *descriptor, int fd, int flags,
                                         const char *closer,
                                         void (*freed)(bide_descriptor *descriptor));
/*
 * Becomes a party. Returns 0; or EBADF after misuse of `what`. NULL is misuse, too, and EINVAL.
 */
BIDE_INTERNAL int bide_descriptor_join_(bide_descriptor *descriptor, const char *what);
/* Leaves. */
BIDE_INTERNAL void bide_descriptor_leave_(bide_descriptor *descriptor);
/* The owner leaves. One of a parent process is closed, and its memory left alone. */
BIDE_INTERNAL void bide_descriptor_close_(bide_descriptor *descriptor);
/* Returns 0 if it is open and of this era. Otherwise it reports misuse of `what`. */
BIDE_INTERNAL int bide_descriptor_check_(const bide_descriptor *descriptor, const char *what);
/* Closes a number that belongs to nothing, on a thread for blocking calls if this is a worker. */
BIDE_INTERNAL void bide_descriptor_drop_(int fd);

/* The system has told whether a call would wait, so the file is one of a local file system. */
static inline void bide_descriptor_is_local_(bide_descriptor *descriptor)
{
	if (!BIDE_LOAD(&descriptor->is_local, RELAXED))
		BIDE_STORE(&descriptor->is_local, 1u, RELAXED);
}

#endif
