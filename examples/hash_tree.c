/*
 * Prints the checksum of each file below a folder, as cksum(1) does, many files side by side.
 *
 *     hash_tree [FOLDER [SECONDS]]
 *
 * A loop over the files runs as many bodies at once as the limit allows. Ctrl-C or the end of the
 * time cancels what is under way: no file stays open, and the program says so. Reads of what is in
 * memory are done at once; others wait on threads of the library, while the workers compute.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

enum { AT_ONCE = 16, BLOCK_BYTES = 65536 };

/* --- the checksum: the CRC of POSIX cksum --- */

static uint32_t table[256];

static void make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc & UINT32_C(1) << 31 ? UINT32_C(0x04c11db7) : 0);
		table[i] = crc;
	}
}

static uint32_t add_byte(uint32_t crc, unsigned byte)
{
	return crc << 8 ^ table[(crc >> 24 ^ byte) & 0xff];
}

static uint32_t add_bytes(uint32_t crc, const unsigned char *bytes, int64_t count)
{
	while (count-- > 0)
		crc = add_byte(crc, *bytes++);
	return crc;
}

static uint32_t finish(uint32_t crc, int64_t size)
{
	for (; size > 0; size >>= 8)
		crc = add_byte(crc, size & 0xff);
	return ~crc;
}

/* --- one file --- */

struct hash {
	ASYNC_FRAME;
	struct {
		const char *path;
	} in;
	bide_file *file;
	int64_t count, at;
	uint32_t crc;
	unsigned char block[BLOCK_BYTES]; /* not zeroed */
};

async(hash, block)
{
	async_begin;
	await(my->file, file_open(my->in.path, O_RDONLY, 0));
	for (;; my->at += my->count) {
		await(my->count, file_read_at(my->file, my->block, sizeof my->block, my->at));
		if (my->count == 0)
			break;
		my->crc = add_bytes(my->crc, my->block, my->count);
	}
	printf("%u %lld %s\n", finish(my->crc, my->at), (long long)my->at, my->in.path);
async_finally:
	file_close(my->file);
	async_end;
}

/* --- the tree --- */

struct names {
	char **at;
	size_t count, room;
};

/* Adds a name, below the folder if that is not NULL. Returns false if there is no memory. */
static bool add(struct names *names, const char *folder, const char *name)
{
	size_t size = (folder ? strlen(folder) : 0) + strlen(name) + 2;
	char *path;

	if (names->count == names->room) {
		size_t room = names->room ? 2 * names->room : 64;
		char **at = realloc(names->at, room * sizeof *at);

		if (!at)
			return false;
		names->at = at;
		names->room = room;
	}
	path = malloc(size);
	if (!path)
		return false;
	snprintf(path, size, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
	names->at[names->count++] = path;
	return true;
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->at[i]);
	free(names->at);
}

static value_task hash_one(int64_t i, void *argument)
{
	const struct names *files = argument;

	return async_start(hash, .path = files->at[i]);
}

struct hash_tree {
	ASYNC_FRAME;
	struct {
		const char *path;
	} in;
	struct names folders, files;
	size_t next;
	bide_directory *directory;
	const bide_directory_entry *entry;
};

async(hash_tree)
{
	async_begin;
	if (!add(&my->folders, NULL, my->in.path))
		async_fail(ENOMEM);
	for (; my->next < my->folders.count; my->next++) {
		await(my->directory, directory_open(my->folders.at[my->next]));
		for (;;) {
			await(my->entry, directory_next(my->directory));
			if (!my->entry)
				break;
			if ((S_ISDIR(my->entry->type) || S_ISREG(my->entry->type)) &&
			    !add(S_ISDIR(my->entry->type) ? &my->folders : &my->files, my->folders.at[my->next],
			         my->entry->name))
				async_fail(ENOMEM);
		}
		directory_close(my->directory);
		my->directory = NULL;
	}
	await(for_each(0, (int64_t)my->files.count, hash_one, &my->files,
	               &(parallel_options){ .limit = AT_ONCE }));
	fprintf(stderr, "%zu files\n", my->files.count);
async_finally:
	directory_close(my->directory);
	free_names(&my->folders);
	free_names(&my->files);
	async_end;
}

int main(int count, char **arguments)
{
	const char *path = count > 1 ? arguments[1] : ".";
	int64_t seconds = count > 2 ? atoll(arguments[2]) : 60;
	payload signal_number = { .i = 0 };
	int error;

	make_table();
	setvbuf(stdout, NULL, _IOLBF, 0);
	error = value_task_wait(until_signal(with_timeout(BIDE_SECONDS(seconds),
	                                                  async_start(hash_tree, .path = path)),
	                                     SIGINT, SIGTERM),
	                        &signal_number);
	if (error)
		fprintf(stderr, "hash_tree: %s\n", bide_strerror(error));
	else if (signal_number.i)
		fprintf(stderr, "hash_tree: ended by signal %d\n", (int)signal_number.i);
	return error != 0 || signal_number.i != 0;
}
