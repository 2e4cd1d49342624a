/*
 * driver.c - runs a fuzzer without libFuzzer: first the inputs of its corpus, then inputs made from
 * them by seeds. The same seed makes the same input.
 *
 * A failure prints the seed of its input, and the command that repeats it.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_MAX_BYTES = 16384, CORPUS_MAX = 256, CHANGES_MAX = 16 };

typedef struct input {
	size_t size_bytes;
	uint8_t bytes[INPUT_MAX_BYTES];
} input;

static input corpus[CORPUS_MAX];
static unsigned corpus_count;
static const char *program;
static volatile unsigned long long running_seed; /* 0 while a file runs */
static const char *volatile running_file = "";

/* --- failures --- */

static void say_what_ran(void)
{
	char text[512];
	int length = running_seed ? snprintf(text, sizeof text,
	                                     "fuzz: FAILED with seed %llu: %s --seed %llu --inputs 1\n",
	                                     running_seed, program, running_seed)
	                          : snprintf(text, sizeof text, "fuzz: FAILED with a file: %s %s\n",
	                                     program, running_file);

	if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
		return;
}

static void on_signal(int number)
{
	say_what_ran();
	signal(number, SIG_DFL);
	raise(number);
}

/* AddressSanitizer, which ends the process without a signal, calls this function. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void watch_failures(void)
{
	static const int numbers[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		signal(numbers[i], on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(say_what_ran);
}

/* --- inputs --- */

static void run(const uint8_t *bytes, size_t size_bytes)
{
	/* The copy is exactly as large as the input, so that a sanitizer finds an access beyond it. */
	uint8_t *copy = malloc(size_bytes ? size_bytes : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, size_bytes);
	LLVMFuzzerTestOneInput(copy, size_bytes);
	free(copy);
}

static void read_file(const char *path, input *to)
{
	FILE *file = fopen(path, "rb");

	if (!file) {
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	to->size_bytes = fread(to->bytes, 1, sizeof to->bytes, file);
	fclose(file);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Runs the corpus in the order of the names, so that a seed means the same everywhere. The corpus
 * of fuzz_NAME is the folder NAME of FUZZ_CORPORA.
 */
static void run_corpus(void)
{
	const char *name = strstr(program, "fuzz_");
	char *names[CORPUS_MAX], folder[2048], path[4096];
	DIR *directory;
	unsigned count = 0;

	for (const char *next; name && (next = strstr(name + 1, "fuzz_"));)
		name = next; /* the last one is in the name of the file, the others in folders */
	snprintf(folder, sizeof folder, "%s/%s", FUZZ_CORPORA, name ? name + strlen("fuzz_") : "");
	directory = opendir(folder);

	for (struct dirent *entry; directory && (entry = readdir(directory)) && count < CORPUS_MAX;)
		if (entry->d_name[0] != '.')
			names[count++] = strdup(entry->d_name);
	if (directory)
		closedir(directory);
	qsort(names, count, sizeof *names, by_name);
	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		running_file = path;
		read_file(path, &corpus[corpus_count]);
		run(corpus[corpus_count].bytes, corpus[corpus_count].size_bytes);
		corpus_count++;
		free(names[i]);
	}
}

static uint64_t random_state;

static uint64_t draw(void) /* splitmix64 */
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static size_t below(size_t count)
{
	return (size_t)(draw() % count);
}

/* Inserts bytes into the input at a place, and cuts off what no longer fits. */
static void insert(input *to, size_t at, const uint8_t *bytes, size_t count)
{
	size_t room = INPUT_MAX_BYTES - at, rest = to->size_bytes - at;

	count = count < room ? count : room;
	rest = rest < room - count ? rest : room - count;
	memmove(to->bytes + at + count, to->bytes + at, rest);
	memcpy(to->bytes + at, bytes, count);
	to->size_bytes = at + count + rest;
}

static void change(input *to)
{
	static const uint8_t marks[] = { 0,   1,   0x7f, 0x80, 0xff, ' ', '\n', ',',
		                             ':', '/', '-',  '\\', '0',  '9', '%' };
	uint8_t some[64];
	size_t at = below(to->size_bytes + 1), count = 1 + below(16), rest = to->size_bytes - at;

	switch (below(6)) {
	case 0: /* flip a bit */
		if (rest)
			to->bytes[at] ^= (uint8_t)(1u << below(8));
		break;
	case 1:
		if (rest)
			to->bytes[at] = marks[below(sizeof marks)];
		break;
	case 2:
		count = count < rest ? count : rest;
		memmove(to->bytes + at, to->bytes + at + count, rest - count);
		to->size_bytes -= count;
		break;
	case 3: /* insert random bytes */
		for (size_t i = 0; i < count; i++)
			some[i] = (uint8_t)draw();
		insert(to, at, some, count);
		break;
	case 4: /* repeat a byte */
		memset(some, draw() % 2 ? marks[below(sizeof marks)] : (uint8_t)draw(), sizeof some);
		insert(to, at, some, 1 + below(sizeof some));
		break;
	default: /* insert a piece of this input or of another */
	{
		const input *from = corpus_count && draw() % 2 ? &corpus[below(corpus_count)] : to;
		size_t start = below(from->size_bytes + 1), left = from->size_bytes - start;

		count = left < sizeof some ? left : 1 + below(sizeof some);
		memcpy(some, from->bytes + start, count);
		insert(to, at, some, count);
	}
	}
}

/* Half of the inputs are changed inputs of the corpus; the others are random. */
static void run_seed(unsigned long long seed)
{
	static input it;

	running_seed = seed;
	random_state = seed * 0x9e3779b97f4a7c15u;
	it.size_bytes = 0;
	if (corpus_count && draw() % 2) {
		it = corpus[below(corpus_count)];
	} else {
		it.size_bytes = below(draw() % 2 ? 64 : 1024);
		for (size_t i = 0; i < it.size_bytes; i++)
			it.bytes[i] = (uint8_t)draw();
	}
	for (size_t changes = below(CHANGES_MAX); changes-- > 0;)
		change(&it);
	run(it.bytes, it.size_bytes);
}

/* --- the command --- */

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int usage(void)
{
	fprintf(stderr,
	        "usage: %s [--seed S] [--inputs N] [--seconds T]\n"
	        "       %s FILE...\n"
	        "Runs the corpus, and then N inputs (default 10000) or as many as T seconds allow; the "
	        "first\n"
	        "is made by the seed S (default 1). With files: only these.\n",
	        program, program);
	return 2;
}

int main(int argc, char **argv)
{
	unsigned long long seed = 1, inputs = 10000, done = 0;
	double seconds = 0, end_s;
	int at = 1;

	program = argv[0];
	watch_failures();
	for (; at < argc && argv[at][0] == '-'; at += 2) {
		if (at + 1 == argc)
			return usage();
		if (strcmp(argv[at], "--seed") == 0)
			seed = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--inputs") == 0)
			inputs = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--seconds") == 0)
			seconds = strtod(argv[at + 1], NULL);
		else
			return usage();
	}
	if (at < argc) {
		for (; at < argc; at++) {
			running_file = argv[at];
			read_file(argv[at], &corpus[0]);
			run(corpus[0].bytes, corpus[0].size_bytes);
		}
		return 0;
	}
	run_corpus();
	end_s = now_s() + seconds;
	seed = seed ? seed : 1;
	while (seconds > 0 ? now_s() < end_s : done < inputs)
		run_seed(seed + done++);
	printf("fuzz: %u inputs of the corpus, %llu made by the seeds %llu..%llu\n", corpus_count, done,
	       seed, seed + done - 1);
	return 0;
}
