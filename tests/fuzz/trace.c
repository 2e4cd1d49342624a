/*
 * trace.c - fuzzes error traces (src/source/trace.c): a read returns what was written, or nothing,
 * and the text of a trace has a line for each of its entries.
 *
 * An input is a sequence of failures, awaits, reads and texts. The model keeps every record for
 * ever, so it knows which ones the ring has lost.
 */
#include "fuzz.h"

#include <errno.h>

#include <bide/bide.h>

#include "source/trace.c"

enum { KEPT_MAX = 8192, TEXT_MAX_BYTES = 128 * 1024 };

typedef struct kept {
	uint64_t number;
	bide_trace_entry entry;
} kept;

static kept made[KEPT_MAX];
static unsigned made_count;

/* Names with lengths around that of a line of the text, and names with conversions of printf. */
static char long_names[3][LINE_BYTES + 8];
static const char *const names[] = {
	"a", "", "page.c", "%s%n%d", "with\nnewline", long_names[0], long_names[1], long_names[2]
};
enum { NAME_COUNT = sizeof names / sizeof *names, WHERE_COUNT = NAME_COUNT * NAME_COUNT };

static bide_function_info infos[WHERE_COUNT];
static bide_place places[WHERE_COUNT];

static void prepare(void)
{
	static const size_t lengths[3] = { 200, LINE_BYTES - 30, LINE_BYTES + 7 };

	for (unsigned i = 0; i < 3; i++)
		memset(long_names[i], 'x', lengths[i]);
	for (unsigned i = 0; i < WHERE_COUNT; i++) {
		const char *file = names[i / NAME_COUNT], *function = names[i % NAME_COUNT];

		memcpy(&infos[i], &(bide_function_info){ .file = file, .name = function }, sizeof infos[i]);
		memcpy(&places[i], &(bide_place){ .file = file, .function = function, .line = i * 1000 },
		       sizeof places[i]);
	}
}

/* --- the model --- */

/*
 * Returns the record if it is still in the ring, in which it is overwritten by the one RECORDS
 * later.
 */
static const kept *model_read(bide_trace trace)
{
	if (trace - FIRST >= made_count || counter - trace > RECORDS)
		return NULL;
	FUZZ_CHECK(made[trace - FIRST].number == trace);
	return &made[trace - FIRST];
}

static char expected[TEXT_MAX_BYTES];
static size_t expected_length;

static BIDE_PRINTF(1, 2) void expect_line(const char *format, ...)
{
	char *to = expected + expected_length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(to, LINE_BYTES, format, arguments);
	va_end(arguments);
	FUZZ_CHECK(length > 0);
	if (length >= LINE_BYTES) { /* the line is cut, but still ends */
		length = LINE_BYTES - 1;
		to[length - 1] = '\n';
	}
	expected_length += (size_t)length;
}

static void expect_entry(const bide_trace_entry *e, bool first)
{
	if (!first)
		expect_line("%s:%u: awaited in %s\n", e->file, e->line, e->function);
	else
		expect_line("%s:%u: error %d (%s) %s %s\n", e->file, e->line, e->error,
		            bide_strerror(e->error), e->awaited ? "came out of an await in" : "in",
		            e->function);
}

static void expect_text(bide_trace trace)
{
	static const kept *chain[RECORDS];
	size_t count = 0;

	expected_length = 0;
	expected[0] = '\0';
	for (const kept *k; count < RECORDS && (k = model_read(trace)); trace = k->entry.before)
		chain[count++] = k;
	if (trace)
		expect_line("(older entries are gone)\n");
	for (size_t i = count; i-- > 0;) {
		if (count > 64 && i == count - 33) {
			expect_line("(%zu more)\n", count - 64);
			i = 31;
		}
		expect_entry(&chain[i]->entry, i == count - 1);
	}
}

/* --- the actions of an input --- */

/* Returns the number of an existing trace, one near it, or any other. */
static bide_trace any_trace(fuzz_input *input)
{
	unsigned way = fuzz_below(input, 8);

	if (way == 0)
		return fuzz_take(input, 8);
	if (made_count == 0)
		return 0;
	if (way == 1)
		return made[fuzz_below(input, 65536) % made_count].number +
		       fuzz_below(input, 3) * (uint64_t)RECORDS - RECORDS;
	return way == 2 ? made[fuzz_below(input, 65536) % made_count].number
	                : made[made_count - 1].number;
}

static void note(bide_trace trace, unsigned where, uint32_t line, int error, bool awaited,
                 bide_trace before)
{
	if (error == ECANCELED || error == BIDE_EEND) { /* these errors leave no record */
		FUZZ_CHECK(trace == before);
		return;
	}
	FUZZ_CHECK(trace == counter - 1);
	if (made_count == KEPT_MAX)
		return;
	made[made_count++] = (kept){ trace,
		                         { .before = before,
		                           .file = infos[where].file,
		                           .function = infos[where].name,
		                           .line = line,
		                           .error = error,
		                           .awaited = awaited } };
}

static void fail_somewhere(fuzz_input *input)
{
	unsigned where = fuzz_below(input, WHERE_COUNT);
	int error = 1 + (int)fuzz_below(input, 4095);

	note(bide_trace_made_(error, &places[where]).trace, where, places[where].line, error, false, 0);
}

static void await_somewhere(fuzz_input *input, unsigned times)
{
	unsigned where = fuzz_below(input, WHERE_COUNT);
	int error = 1 + (int)fuzz_below(input, 4095);
	uint32_t line = (uint32_t)fuzz_take(input, 4);
	bool awaited = fuzz_below(input, 4) != 0;
	bide_trace before = any_trace(input), trace;

	for (; times > 0 && made_count < KEPT_MAX; times--, before = trace) {
		trace = bide_trace_add_(before, &infos[where], line, error, awaited);
		note(trace, where, line, error, awaited, before);
	}
}

static void read_one(bide_trace trace)
{
	const kept *k = model_read(trace);
	bide_trace_entry entry = { .line = 4711 };

	if (!bide_trace_read(trace, &entry)) {
		FUZZ_CHECK(!k && entry.line == 4711);
		return;
	}
	FUZZ_CHECK(k && entry.before == k->entry.before && entry.line == k->entry.line);
	FUZZ_CHECK(entry.error == k->entry.error && entry.awaited == k->entry.awaited);
	FUZZ_CHECK(entry.file == k->entry.file && entry.function == k->entry.function);
}

/* Writes into memory of exactly the size that it passes. */
static void write_text(fuzz_input *input, bide_trace trace)
{
	size_t size_bytes = fuzz_below(input, 2) ? fuzz_below(input, 65536) : fuzz_below(input, 64);
	char *to = malloc(size_bytes ? size_bytes : 1);

	FUZZ_CHECK(to);
	expect_text(trace);
	FUZZ_CHECK(bide_trace_format(trace, size_bytes ? to : NULL, size_bytes) == expected_length);
	if (size_bytes) {
		size_t length = expected_length < size_bytes ? expected_length : size_bytes - 1;

		FUZZ_CHECK(memcmp(to, expected, length) == 0 && to[length] == '\0');
	}
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	fuzz_input input = { bytes, bytes + size_bytes };

	if (!infos[0].file)
		prepare();
	memset(ring, 0, sizeof ring);
	counter = FIRST;
	made_count = 0;
	while (input.at < input.end && made_count < KEPT_MAX) {
		switch (fuzz_below(&input, 8)) {
		case 0:
		case 1:
			fail_somewhere(&input);
			break;
		case 2:
		case 3:
			await_somewhere(&input, 1);
			break;
		case 4:
			await_somewhere(&input, fuzz_below(&input, 2048));
			break;
		case 5:
		case 6:
			read_one(any_trace(&input));
			break;
		default:
			write_text(&input, any_trace(&input));
		}
	}
	return 0;
}
