/*
 * file.h - a file, as the room file sees it.
 */
#ifndef BIDE_FILE_FILE_H
#define BIDE_FILE_FILE_H

#include <bide/file.h>

#include "file/descriptor.h"
#include "io/slab.h"

struct bide_file {
	bide_slab_link link; /* the slab's */
	bide_descriptor descriptor;
	uint32_t is_taken; /* by a stream, which closes it; atomic */
};

static inline bide_descriptor *bide_file_descriptor_(bide_file *file)
{
	return file ? &file->descriptor : NULL;
}

#endif
