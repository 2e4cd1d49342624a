/*
 * trace.c - error traces: a ring of records. Each record says which function made an error or
 * passed it on, where, and which record came before.
 *
 * The number of a record is the trace. Numbers count up for the life of the process. A record lies
 * at its number modulo RECORDS until a record with a higher number takes its place. A reader looks
 * for one number, and finds it there or nothing.
 *
 * A writer puts its number, marked BUSY, into the place by a compare-and-swap, so writers exclude
 * each other. It then stores the fields, and last the number without the mark. Each field is stored
 * with release and loaded with acquire. So a reader that finds a field of a later writer also finds
 * the number of that writer, marked or not, and returns nothing.
 *
 *     number % RECORDS == index of the record, FIRST <= number < counter
 */
#include "source/trace.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/thread.h"

enum {
#ifdef BIDE_EXPLORE
	RECORDS = 2, /* so that a few entries go around the ring */
#else
	RECORDS = 1024,
#endif
	/* How many numbers a thread takes from the counter: their records fill four cache lines. */
	TAKEN_AT_ONCE = 8,
	TRIES = 4,
	LINE_BYTES = 512, /* the length of a line of the text at most */
	SHOWN = 32        /* how many entries of a long trace the text has at either end */
};

#define BUSY ((uint64_t)1 << 63)
/*
 * The first number. It is none that a small result, an address, or a generation of one of the first
 * 31338 threads can be.
 */
#define FIRST ((uint64_t)0x7A6B << 48)

typedef struct record {
	uint64_t number; /* 0: no record was here yet */
	uint64_t before;
	uintptr_t where; /* a bide_function_info, or, with bit 0 set, a bide_place */
	uint64_t what;   /* the line, the error, and WHAT_AWAITED */
} record;
BIDE_STATIC_ASSERT(sizeof(record) == 32, "two to a cache line");

enum { WHAT_AWAITED = 1, WHAT_ERROR_SHIFT = 16, WHAT_LINE_SHIFT = 32 };

static __attribute__((aligned(64))) record ring[RECORDS];
static __attribute__((aligned(64))) uint64_t counter = FIRST;

#ifdef BIDE_EXPLORE
void bide_trace_reset_(void)
{
	__builtin_memset(ring, 0, sizeof ring);
	counter = FIRST;
}
#endif

/* --- writing --- */

/*
 * Returns a number that no other record has: one that this thread took before, or a new one. A
 * thread without a bide_thread takes its numbers one by one. A number that is half a ring old is
 * not used, because its record would soon be overwritten.
 */
static uint64_t next_number(bide_thread *thread, bool overtaken)
{
	if (!thread)
		return BIDE_ADD(&counter, (uint64_t)1, RELAXED); /* The counter orders nothing. */
	if (overtaken || thread->trace_next == thread->trace_end ||
	    BIDE_LOAD(&counter, RELAXED) - thread->trace_next > RECORDS / 2 + TAKEN_AT_ONCE) {
		thread->trace_next = BIDE_ADD(&counter, (uint64_t)TAKEN_AT_ONCE, RELAXED);
		thread->trace_end = thread->trace_next + TAKEN_AT_ONCE;
	}
	return thread->trace_next++;
}

/*
 * Returns the trace that begins with a new record. If other writers were faster at each try, it
 * returns `before`, and the trace has one entry less.
 */
static bide_trace put(bide_trace before, uintptr_t where, uint64_t what)
{
	bide_thread *thread = bide_thread_of_(bide_current_thread_);
	bool overtaken = false;

	for (int tries = 0; tries < TRIES; tries++) {
		uint64_t number = next_number(thread, overtaken);
		record *r = &ring[number % RECORDS];
		uint64_t seen = BIDE_LOAD(&r->number, RELAXED);

		overtaken = true;
		if (seen & BUSY || seen > number)
			continue;
		/* Pairs with the release by the writer before: its stores come before those below. */
		if (!BIDE_CAS(&r->number, &seen, number | BUSY, ACQUIRE, RELAXED))
			continue;
		BIDE_STORE(&r->before, before,
		           RELEASE); /* Comes behind the mark; pairs with bide_trace_read. */
		BIDE_STORE(&r->where, where, RELEASE);
		BIDE_STORE(&r->what, what, RELEASE);
		BIDE_STORE(&r->number, number, RELEASE);
		return number;
	}
	return before;
}

/* Returns true for the errors that are usual ends of an operation and leave no trace. */
static bool is_usual(int error)
{
	return error == BIDE_ECANCELED_ || error == BIDE_EEND;
}

static uint64_t what_of(uint32_t line, int error, unsigned awaited)
{
	return (uint64_t)line << WHAT_LINE_SHIFT | (uint64_t)error << WHAT_ERROR_SHIFT | awaited;
}

/*
 * Returns the async function that runs on this thread, if `place` is in its body, and NULL
 * otherwise. The C name of the body is the name of the async function and "_body_".
 */
static const bide_function_info *running(const bide_place *place)
{
	const bide_thread_head *head = bide_current_thread_;
	const bide_function_info *async = head ? head->current->async : NULL;
	const char *a, *b;

	if (!async)
		return NULL;
	for (a = async->name, b = place->function; *a; a++, b++)
		if (*a != *b)
			return NULL;
	for (a = "_body_"; *a && *a == *b; a++, b++)
		;
	return *a || *b ? NULL : async;
}

bide_payload bide_trace_made_(int error, const bide_place *place)
{
	const bide_function_info *async;
	bide_payload payload = { .trace = 0 };

	if (!place || is_usual(error))
		return payload;
	async = running(place);
	payload.trace = async ? put(0, (uintptr_t)async, what_of(place->line, error, 0))
	                      : put(0, (uintptr_t)place | 1, what_of(place->line, error, 0));
	return payload;
}

bide_trace bide_trace_add_(bide_trace before, const bide_function_info *async, uint32_t line,
                           int error, bool awaited)
{
	if (is_usual(error))
		return before;
	return put(before, (uintptr_t)async, what_of(line, error, awaited ? WHAT_AWAITED : 0));
}

/* --- reading --- */

bool bide_trace_read(bide_trace trace, bide_trace_entry *entry)
{
	const record *r = &ring[trace % RECORDS];
	uint64_t before, what;
	uintptr_t where;

	if (!entry) {
		bide_misuse_("bide_trace_read: entry is NULL");
		return false;
	}
	/* Pairs with put. */
	if (trace < FIRST || BIDE_LOAD(&r->number, ACQUIRE) != trace)
		return false;
	before =
		BIDE_LOAD(&r->before, ACQUIRE); /* An acquire, so the number is loaded again after it. */
	where = BIDE_LOAD(&r->where, ACQUIRE);
	what = BIDE_LOAD(&r->what, ACQUIRE);
	if (BIDE_LOAD(&r->number, RELAXED) != trace)
		return false;
	*entry = (bide_trace_entry){ .before = before,
		                         .line = (uint32_t)(what >> WHAT_LINE_SHIFT),
		                         .error = (int)(what >> WHAT_ERROR_SHIFT & 0xFFFF),
		                         .awaited = what & WHAT_AWAITED };
	if (where & 1) {
		const bide_place *place = (const bide_place *)(where & ~(uintptr_t)1);
		entry->file = place->file;
		entry->function = place->function;
	} else {
		entry->file = ((const bide_function_info *)where)->file;
		entry->function = ((const bide_function_info *)where)->name;
	}
	return true;
}

static bool record_is_valid(uint64_t index, const record *r)
{
	uint64_t count = BIDE_LOAD(&counter, RELAXED), error = r->what >> WHAT_ERROR_SHIFT & 0xFFFF;

	if (r->number == 0)
		return true;
	BIDE_INVARIANT_(r->number >= FIRST && r->number < count); /* without BUSY */
	BIDE_INVARIANT_(r->number % RECORDS == index);
	BIDE_INVARIANT_(r->before == 0 || (r->before >= FIRST && r->before < count));
	BIDE_INVARIANT_(r->before != r->number);
	BIDE_INVARIANT_(r->where > 1);
	BIDE_INVARIANT_(error > 0 && error <= BIDE_ERROR_MAX);
	return true;
}

bool bide_trace_is_valid_(void)
{
	for (uint64_t i = 0; i < RECORDS; i++)
		if (!record_is_valid(i, &ring[i]))
			return false;
	return true;
}

/* --- the text --- */

typedef struct text {
	char *to;
	size_t size_bytes, length;
} text;

static BIDE_PRINTF(2, 3) void put_line(text *t, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	bide_port_format_(line, sizeof line, format, arguments);
	va_end(arguments);
	for (const char *c = line; *c; c++, t->length++)
		if (t->length + 1 < t->size_bytes) /* A line that is cut off ends as the others do. */
			t->to[t->length] = c == line + LINE_BYTES - 2 ? '\n' : *c;
}

/* Reads the entry behind `steps` others. Returns false if it has been overwritten. */
static bool entry_behind(bide_trace trace, size_t steps, bide_trace_entry *entry)
{
	for (; bide_trace_read(trace, entry); trace = entry->before)
		if (steps-- == 0)
			return true;
	return false;
}

static void put_entry(text *t, const bide_trace_entry *entry, bool first)
{
	if (!first)
		put_line(t, "%s:%u: awaited in %s\n", entry->file, (unsigned)entry->line, entry->function);
	else
		put_line(t, "%s:%u: error %d (%s) %s %s\n", entry->file, (unsigned)entry->line,
		         entry->error, bide_strerror(entry->error),
		         entry->awaited ? "came out of an await in" : "in", entry->function);
}

size_t bide_trace_format(bide_trace trace, char *to, size_t size_bytes)
{
	text t = { to, to ? size_bytes : 0, 0 };
	bide_trace_entry entry = { .before = 0 };
	size_t count = 0;
	bide_trace at = trace;

	if (!to && size_bytes) {
		bide_misuse_("bide_trace_format: to is NULL, and size_bytes %zu", size_bytes);
		return 0;
	}
	/* The bound is for entries that are overwritten meanwhile. */
	for (; count < RECORDS && bide_trace_read(at, &entry); at = entry.before)
		count++;
	if (at)
		put_line(&t, "(older entries are gone)\n");
	/* Each entry is looked for from the start, because there is no memory to note them all. */
	for (size_t i = count; i-- > 0;) {
		if (i == count - 1 - SHOWN && i >= SHOWN) {
			put_line(&t, "(%zu more)\n", i - SHOWN + 1);
			i = SHOWN - 1;
		}
		if (entry_behind(trace, i, &entry))
			put_entry(&t, &entry, i == count - 1);
	}
	if (to && size_bytes)
		to[t.length < size_bytes ? t.length : size_bytes - 1] = '\0';
	return t.length;
}
