/*
 * directory.c - see bide/directory.h.
 *
 * A call fills a buffer by getdents64(2), and asks for the types that the file system did not tell.
 * The entries are then taken from the buffer.
 */
#define _GNU_SOURCE
#include <bide/directory.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/misuse.h"
#include "file/call.h"
#include "file/descriptor.h"
#include "io/slab.h"
#include "memory/allocator.h"
#include "runtime/runtime.h"

enum { BUFFER_BYTES = 32768, TYPE_SHIFT = 12 /* from DT_ to S_IF */ };

/* What getdents64 stores. */
typedef struct record {
	uint64_t inode, next;
	uint16_t size_bytes;
	uint8_t type;
	char name[];
} record;

struct bide_directory {
	bide_slab_link link; /* the slab's */
	bide_descriptor descriptor;
	uint32_t is_busy; /* a call for the next entry is pending; atomic */
	uint32_t at, end; /* the records that are left */
	char *buffer;     /* of BUFFER_BYTES */
	bide_directory_entry entry;
};

static bide_slab slab = BIDE_SLAB_OF_(bide_directory);

/* --- memory --- */

static void give_back(bide_directory *d)
{
	bide_deallocate_(d->buffer, BUFFER_BYTES);
	d->buffer = NULL;
	bide_slab_give_(&slab, d);
}

static bide_directory *take(void)
{
	bide_directory *d = bide_slab_take_(&slab);

	if (!d)
		return NULL;
	d->is_busy = d->at = d->end = 0;
	d->buffer = bide_allocate_(BUFFER_BYTES, _Alignof(record));
	if (d->buffer)
		return d;
	bide_slab_give_(&slab, d);
	return NULL;
}

static void freed(bide_descriptor *descriptor)
{
	give_back(BIDE_CONTAINER_(descriptor, bide_directory, descriptor));
}

/* --- opening and closing --- */

typedef struct opening {
	bide_file_call call;
	bide_directory *directory; /* given back if it was not opened */
	char path[];
} opening;

static void unwanted(bide_payload result)
{
	bide_directory_close(result.p);
}

static const bide_operation_type open_type = { .name = "bide_directory_open",
	                                           .describe = bide_job_describe_,
	                                           .unwanted = unwanted };

static bide_value_task open_now(void *argument)
{
	opening *o = argument;
	bide_payload result;
	int fd = bide_file_open_now_(o->path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return bide_value_task_from_error(errno);
	bide_descriptor_open_(&o->directory->descriptor, fd, O_RDONLY, "bide_directory_close", freed);
	result.p = o->directory;
	return (bide_value_task){ .payload = result };
}

static void opening_over(bide_job *job)
{
	const opening *o = BIDE_CONTAINER_(job, const opening, call.record.job);

	if (job->outcome.state != 0)
		give_back(o->directory);
}

static bide_value_task open_directory(const char *path)
{
	bide_directory *d;
	opening *o;
	size_t path_bytes;
	int error = bide_file_path_error_(path, open_type.name);

	if (error)
		return bide_value_task_from_error(error);
	path_bytes = strlen(path) + 1;
	d = take();
	o = d ? (opening *)(void *)bide_file_call_new_(sizeof *o + path_bytes, &open_type, NULL) : NULL;
	if (!o) {
		if (d)
			give_back(d);
		return bide_value_task_from_error(ENOMEM);
	}
	o->call.record.job.over = opening_over;
	o->directory = d;
	memcpy(o->path, path, path_bytes);
	return bide_file_call_begin_(&o->call, open_now);
}

bide_directory_task bide_directory_open(const char *path)
{
	return BIDE_TYPED(bide_directory_task, open_directory(path));
}

void bide_directory_close(bide_directory *directory)
{
	if (directory)
		bide_descriptor_close_(&directory->descriptor);
}

/* --- entries --- */

static mode_t type_of(int fd, const record *r)
{
	struct stat status;

	if (r->type != 0) /* DT_UNKNOWN */
		return (mode_t)r->type << TYPE_SHIFT;
	return fstatat(fd, r->name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_mode & S_IFMT : 0;
}

/* Stores the types that are missing. */
static void complete_types(bide_directory *d)
{
	for (uint32_t at = 0; at < d->end;) {
		record *r = (record *)(void *)(d->buffer + at);

		r->type = (uint8_t)(type_of(d->descriptor.fd, r) >> TYPE_SHIFT);
		at += r->size_bytes;
	}
}

/* Takes the next entry from the buffer. Returns NULL if the buffer is empty. */
static const bide_directory_entry *take_entry(bide_directory *d)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): NULL is an error of the caller's */
	while (d->at < d->end) {
		const record *r = (const record *)(void *)(d->buffer + d->at);

		d->at += r->size_bytes;
		if (strcmp(r->name, ".") == 0 || strcmp(r->name, "..") == 0)
			continue;
		d->entry.name = r->name;
		d->entry.type = (mode_t)r->type << TYPE_SHIFT;
		d->entry.inode = r->inode;
		return &d->entry;
	}
	return NULL;
}

static bide_value_task outcome_of(const bide_directory_entry *entry)
{
	bide_payload result;

	result.p = (void *)(uintptr_t)entry;
	return (bide_value_task){ .payload = result };
}

static bide_directory *directory_of(const bide_file_call *call)
{
	return BIDE_CONTAINER_(call->descriptor, bide_directory, descriptor);
}

static bide_value_task fill_now(void *argument)
{
	bide_directory *d = directory_of(argument);
	const bide_directory_entry *entry;
	long size;

	do {
		size = syscall(SYS_getdents64, d->descriptor.fd, d->buffer, (size_t)BUFFER_BYTES);
		if (size < 0)
			return bide_value_task_from_error(errno);
		d->at = 0;
		d->end = (uint32_t)size;
		complete_types(d);
		entry = take_entry(d);
	} while (!entry && size > 0);
	return outcome_of(entry);
}

static void rests(bide_directory *d)
{
	/* Pairs with the swap of the next call, which may come on another thread. */
	BIDE_STORE(&d->is_busy, 0u, RELEASE);
	bide_descriptor_leave_(&d->descriptor);
}

static void fill_over(bide_job *job)
{
	bide_directory *d = directory_of(BIDE_CONTAINER_(job, const bide_file_call, record.job));

	/* The entry would lie in memory that is given back now. */
	if (BIDE_LOAD(&d->descriptor.era, RELAXED) == 0 && job->outcome.state == 0)
		job->outcome = bide_value_task_from_error(ECANCELED);
	rests(d);
}

static const bide_operation_type next_type = BIDE_FILE_CALL_TYPE_("bide_directory_next");

/* The caller is a party, and has made the directory busy. */
static bide_value_task next(bide_directory *d)
{
	int error = bide_context_error_now_();
	const bide_directory_entry *entry = error ? NULL : take_entry(d);
	bide_file_call *call;

	if (error || entry) {
		rests(d);
		return error ? bide_value_task_from_error(error) : outcome_of(entry);
	}
	call = bide_file_call_new_(sizeof *call, &next_type, &d->descriptor);
	if (!call) {
		rests(d);
		return bide_value_task_from_error(ENOMEM);
	}
	call->record.job.over = fill_over;
	return bide_file_call_begin_(call, fill_now);
}

static bide_value_task start_next(bide_directory *d)
{
	int error = bide_descriptor_join_(d ? &d->descriptor : NULL, next_type.name);

	if (error)
		return bide_value_task_from_error(error);
	if (BIDE_SWAP(&d->is_busy, 1u, ACQUIRE)) { /* pairs with the store of `rests` */
		bide_misuse_("bide_directory_next: a call for the next entry is pending already");
		bide_descriptor_leave_(&d->descriptor);
		return bide_value_task_from_error(EBUSY);
	}
	return next(d);
}

bide_directory_entry_task bide_directory_next(bide_directory *directory)
{
	return BIDE_TYPED(bide_directory_entry_task, start_next(directory));
}
