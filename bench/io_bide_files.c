/*
 * The rows file_read and file_read_32: one function, or 32 of them, each with one read at a time.
 * And copy_file_1m: a file to a connection, a mebibyte by each call.
 */
#include <bide/bide.h>

#include "io_bide.h"

#include <bide/short.h> /* last, because it defines short names */

static file *file_in_memory;

struct file_reading {
	ASYNC_FRAME;
	struct {
		uint32_t x;
		int count;
	} in;
	int64_t size_bytes;
	char room[IO_FILE_BLOCK];
};

async(file_reading)
{
	async_begin;
	while (my->in.count-- > 0) {
		await(my->size_bytes,
		      file_read_at(file_in_memory, my->room, sizeof my->room, io_next_offset(&my->in.x)));
		must(my->size_bytes == IO_FILE_BLOCK, "a read was short");
	}
async_finally:
	async_end;
}

static double measure(int readers)
{
	value_task reading[IO_FILE_READERS];
	int64_t start;

	if (file_in_memory == NULL)
		must(file_take_fd(&file_in_memory, io_make_file()) == 0, "no file");
	start = io_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < readers; i++)
		reading[i] =
			async_start(file_reading, .x = (uint32_t)i + 7, .count = IO_FILE_READS / readers);
	for (int i = 0; i < readers; i++)
		must(value_task_wait(reading[i], NULL) == 0, "a read failed");
	return (double)(io_now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / IO_FILE_READS;
}

double measure_file_read(void)
{
	return measure(1);
}

double measure_file_read_32(void)
{
	return measure(IO_FILE_READERS);
}

/* ---- copy_file_1m */

static int file_to_copy = -1;
static stream *drain_of_copies;

struct copying {
	ASYNC_FRAME;
	file *file;
	stream *from;
	int64_t size_bytes;
	int i;
};

async(copying)
{
	async_begin;
	for (my->i = 0; my->i < IO_COPIES; my->i++) {
		if (my->i % (IO_FILE_BLOCKS * IO_FILE_BLOCK / IO_COPY_BYTES) == 0) {
			stream_close(my->from);
			must(file_take_fd(&my->file, io_open_to_read(file_to_copy)) == 0, "no file");
			must(stream_take_file(&my->from, my->file, 0) == 0, "no stream");
		}
		await(my->size_bytes, stream_copy(my->from, drain_of_copies, IO_COPY_BYTES));
		must(my->size_bytes == IO_COPY_BYTES, "a copy was short");
	}
async_finally:
	stream_close(my->from);
	async_end;
}

double measure_copy_file(void)
{
	int64_t start;

	if (file_to_copy < 0) {
		file_to_copy = io_make_file();
		must(stream_take_fd(&drain_of_copies, io_connect_to_drain()) == 0, "no connection");
	}
	start = io_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	must(value_task_wait(async_start(copying), NULL) == 0, "a copy failed");
	return (double)(io_now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e3 / IO_COPIES;
}
