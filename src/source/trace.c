/*
 * trace.c - error traces: a ring of records. Each says which function made an error or passed it
 * on, where, and which record was before it.
 *
 * A record's number is the trace. Numbers count up for the life of the process; the record lies at
 * its number modulo RECORDS until a higher number takes the place. A reader finds its own number
 * there or nothing.
 *
 * The writer marks the place with its number (a compare-and-swap, so writers exclude each other),
 * stores the fields, then takes the mark away. Each field is stored with release and loaded with
 * acquire: a reader of a later writer's field then finds the mark or number of that writer.
 */
#include "source/trace.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/thread.h"

enum {
#ifdef BIDE_EXPLORE
	RECORDS = 2, /* a few entries go around it */
#else
	RECORDS = 1024,
#endif
	TAKEN_AT_ONCE = 8, /* numbers that a thread takes from the counter: two cache lines and more */
	TRIES = 4,
	LINE_BYTES = 512, /* of the text */
	SHOWN = 32        /* entries at either end of a long trace */
};

#define BUSY ((uint64_t)1 << 63)
/* No small result, no address, no generation of the first 31338 threads looks like a trace. */
#define FIRST ((uint64_t)0x7A6B << 48)

typedef struct record {
	uint64_t number; /* 0: none was here */
	uint64_t before;
	uintptr_t where; /* a bide_function_info; bit 0: a bide_place, which has the line */
	uint64_t what;   /* line, error, and AWAITED */
} record;
BIDE_STATIC_ASSERT(sizeof(record) == 32, "two to a cache line");

enum { WHAT_AWAITED = 1, WHAT_ERROR_SHIFT = 16, WHAT_LINE_SHIFT = 32 };

static __attribute__((aligned(64))) record ring[RECORDS];
static __attribute__((aligned(64))) uint64_t counter = FIRST;

#ifdef BIDE_EXPLORE
/* Each execution begins with an empty ring. */
void bide_trace_reset_(void)
{
	__builtin_memset(ring, 0, sizeof ring);
	counter = FIRST;
}
#endif

/* --- writing --- */

/*
 * Numbers that this thread took and has not used; a thread without a record takes them singly. One
 * that others have left half the ring behind would be overwritten soon: it is not used.
 */
static uint64_t next_number(bide_thread *thread, bool overtaken)
{
	if (!thread)
		return BIDE_ADD(&counter, (uint64_t)1, RELAXED); /* orders nothing: numbers alone count */
	if (overtaken || thread->trace_next == thread->trace_end ||
	    BIDE_LOAD(&counter, RELAXED) - thread->trace_next > RECORDS / 2 + TAKEN_AT_ONCE) {
		thread->trace_next = BIDE_ADD(&counter, (uint64_t)TAKEN_AT_ONCE, RELAXED);
		thread->trace_end = thread->trace_next + TAKEN_AT_ONCE;
	}
	return thread->trace_next++;
}

/* The trace that begins with the new record; the one before if all others were faster. */
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
		/* Pairs with the writer's release before: its stores come before this one's. */
		if (!BIDE_CAS(&r->number, &seen, number | BUSY, ACQUIRE, RELAXED))
			continue;
		BIDE_STORE(&r->before, before, RELEASE); /* behind the mark: pairs with bide_trace_read */
		BIDE_STORE(&r->where, where, RELEASE);
		BIDE_STORE(&r->what, what, RELEASE);
		BIDE_STORE(&r->number, number, RELEASE);
		return number;
	}
	return before;
}

/* The usual ends of an operation leave no trace. */
static bool is_usual(int error)
{
	return error == BIDE_ECANCELED_ || error == BIDE_EEND;
}

static uint64_t what_of(uint32_t line, int error, unsigned awaited)
{
	return (uint64_t)line << WHAT_LINE_SHIFT | (uint64_t)error << WHAT_ERROR_SHIFT | awaited;
}

/* Is this the body of the async function that runs? Its C name has an addition. */
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
	/* pairs with put */
	if (trace < FIRST || BIDE_LOAD(&r->number, ACQUIRE) != trace)
		return false;
	before = BIDE_LOAD(&r->before, ACQUIRE); /* in front of the look at the number */
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
	BIDE_INVARIANT_(r->number >= FIRST && r->number < count); /* and the mark is away */
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

/* The entry behind `steps` others; false: it is gone. */
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
	/* The bound is for those that are overwritten meanwhile. */
	for (; count < RECORDS && bide_trace_read(at, &entry); at = entry.before)
		count++;
	if (at)
		put_line(&t, "(older entries are gone)\n");
	/* Looks for each from the start: there is no room to note them all. */
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
