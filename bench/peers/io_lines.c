/*
 * getline and fgets of the C library: the lines come from a pipe, as much at a time as bide's chunk
 * holds. Compiled once for each of the two.
 */
#include <fcntl.h>

#include "io_peer.h"

enum { BUFFER = 16384, FILL = 16384 };

static FILE *input;
static int feed;
static char *text;
static size_t text_size;

/* Returns how many lines of what was fed were read; each begins with a letter. */
static long read_lines(long count)
{
#ifdef IO_FGETS
	static char line[256];
#else
	static char *line;
	static size_t room;
#endif
	long sum = 0;

	for (long i = 0; i < count; i++) {
#ifdef IO_FGETS
		if (fgets(line, sizeof line, input) == NULL)
			io_fail("fgets");
#else
		if (getline(&line, &room, input) < 0)
			io_fail("getline");
#endif
		sum += line[0] >= 'a';
	}
	return sum;
}

/* Feeds whole lines, at most FILL bytes. Returns their number. */
static long feed_lines(size_t *at)
{
	size_t end = *at + FILL < text_size ? *at + FILL : text_size;
	long lines = 0;

	while (text[end - 1] != '\n')
		end--;
	for (size_t i = *at; i < end; i++)
		lines += text[i] == '\n';
	if (write(feed, text + *at, end - *at) != (ssize_t)(end - *at))
		io_fail("write");
	*at = end;
	return lines;
}

static double measure(void)
{
	int64_t spent_ns = 0;
	size_t at = 0;

	while (at < text_size) {
		long lines = feed_lines(&at);
		int64_t start = io_now_ns(CLOCK_THREAD_CPUTIME_ID);

		if (read_lines(lines) != lines)
			io_fail("lines");
		spent_ns += io_now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	}
	return (double)spent_ns / IO_LINES;
}

int main(int argc, char **argv)
{
	int ends[2];

	if (argc < 2 || strcmp(argv[1], "read_line") != 0)
		return io_not_offered();
	if (pipe2(ends, O_CLOEXEC) != 0)
		io_fail("pipe");
	feed = ends[1];
	input = fdopen(ends[0], "r");
	if (input == NULL || setvbuf(input, NULL, _IOFBF, BUFFER) != 0)
		io_fail("fdopen");
	text_size = io_make_lines(&text);
	return io_answer(measure);
}
