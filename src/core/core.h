/*
 * core.h - what the parts of the library share: operations, delivery, pools, cancellation lists,
 * and the port.
 *
 * core knows nothing of threads or the operating system: what it needs of them is the port at the
 * end of this file. Everything here is hidden; names end in an underscore where they are not
 * static.
 */
#ifndef BIDE_CORE_H
#define BIDE_CORE_H

#include <stdarg.h>

/* The library's own functions leave no entries in traces: they hand on what they get. */
#define BIDE_NO_TRACE 1
#ifndef BIDE_BUILDING
#define BIDE_BUILDING 1
#endif
#include "../../include/bide/bide.h"

#define BIDE_CONTAINER_(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
enum {
	BIDE_ECANCELED_ = 125,
	BIDE_ENOMEM_ = 12,
	BIDE_EINVAL_ = 22,
	BIDE_ETIMEDOUT_ = 110,
	BIDE_EINPROGRESS_ = 115,
	BIDE_EBUSY_ = 16,
	BIDE_EDEADLK_ = 35,
	BIDE_EAGAIN_ = 11
};

/* bide_source.line of everything that is no running frame. */
enum {
	BIDE_LINE_CLAIMED_ = 1u,  /* a producer completes it or has */
	BIDE_LINE_OBSERVED_ = 2u, /* its error was seen */
	BIDE_LINE_CONSTANT_ = 4u, /* a shared constant: not counted */
	/* a wait for a task: its result is the task itself, with a reference (bide_task_ended_) */
	BIDE_LINE_ENDED_ = 8u,
	/* of a timer: from this bit on, the number of the worker in whose wheel it is */
	BIDE_LINE_HOME_SHIFT_ = 8
};

/* --- operations: what a value task points at when it is no frame --- */

struct bide_operation;

/*
 * Writes what a dump says of an object: the call that made it, and how far it is. From a copy of
 * its first BIDE_COPY_BYTES_ bytes, made while other threads may have changed it; of what the
 * copy points at only static data and memory of the pools may be read.
 */
typedef void bide_describe_function_(const void *copy, char *to, size_t size_bytes);
enum { BIDE_COPY_BYTES_ = 256 };

typedef struct bide_operation_type {
	const char *name;                  /* for dumps: the function that made it */
	bide_describe_function_ *describe; /* NULL: the name is all */
	size_t task_at; /* the task that it waits for is a pointer at this offset; 0: there is none */
} bide_operation_type;

/*
 * Of an async function of the library's: dumps and leak reports show the user's call instead. A
 * source file with such functions defines this before it includes anything:
 *     #define BIDE_OWN_(name) &name##_own_
 */
typedef struct bide_own_ {
	const char *name; /* of the function that the user called */
	enum {
		BIDE_OWN_CALL_, /* stands for the call; shown if no async function waits for it */
		BIDE_OWN_BODY_, /* calls the user's body; shown if what that gave is no async function */
		BIDE_OWN_HIDDEN_
	} kind;
	bide_describe_function_ *describe; /* NULL: its name, and what it waits for */
	bool is_placed; /* where it was started, if that was recorded, is the user's call */
} bide_own_;

/* For functions that read what other threads change, or give back, meanwhile. */
#define BIDE_UNCHECKED_ __attribute__((no_sanitize_thread, no_sanitize_address))

typedef struct bide_operation {
	bide_source source;
	const bide_operation_type *type;
	struct bide_operation *link; /* completions that wait their turn */
} bide_operation;

/* A timer: 48 bytes. payload.i is the deadline while it is armed. */
typedef struct bide_timer {
	bide_source source;
	struct bide_timer *next, *previous; /* next NULL: not armed */
} bide_timer;

/*
 * A new pending operation of size_bytes from this thread's pool, the rest zeroed. NULL: no memory.
 * It belongs to the consumer of its value task once it is done.
 */
BIDE_INTERNAL bide_operation *bide_operation_new_(size_t size_bytes,
                                                  const bide_operation_type *type);
/* It is initialised and has not ended; else misuse of `what` was reported. */
BIDE_INTERNAL bool bide_group_check_(const bide_group *group, const char *what,
                                     const bide_place *place);
/* Of a group that is not waited for yet (group.c). */
extern BIDE_INTERNAL const bide_operation_type bide_group_open_type_;
BIDE_INTERNAL bide_timer *bide_timer_new_(size_t size_bytes);
/* Ends a timer that is due: for the port. */
BIDE_INTERNAL void bide_timer_due_(bide_timer *timer);
/* Gives back one whose value task was never handed out. */
BIDE_INTERNAL void bide_operation_drop_(bide_source *source);

/*
 * It is in use and of this type. The memory of pools lasts, and in what is free the top of the
 * generation is zero: so an object that was given back can be asked. Not if it is in use again as
 * one of the same type.
 */
static inline bool bide_is_live_(const bide_operation *operation, const bide_operation_type *type)
{
	return BIDE_LOAD(&operation->source.generation, RELAXED) >> 48 != 0 && operation->type == type;
}

/*
 * Lives of the runtime: the number grows when all memory is given back. What the user places says
 * in which one it was made. What is left in the pools then has the generation ENDED: its memory
 * stays for a while (bide_keep_), so that what is done with it afterwards is told.
 */
extern BIDE_INTERNAL uint32_t bide_life_;
#define BIDE_GENERATION_ENDED_ ((uint64_t)2)
#define BIDE_OF_BEFORE_ "was made before bide_shutdown, which ended it"
/* Why an object that is not NULL and not live is none. */
static inline const char *bide_why_gone_(const bide_source *source, const char *otherwise)
{
	return BIDE_LOAD(&source->generation, RELAXED) == BIDE_GENERATION_ENDED_ ? BIDE_OF_BEFORE_
	                                                                         : otherwise;
}

/*
 * Before an init looks into memory of the user's, which may be uninitialised, whether the object is
 * there already: valgrind does not complain. What counts as there says its own address.
 */
BIDE_INTERNAL void bide_memory_known_(void *at, size_t size_bytes);

static inline bide_value_task bide_source_value_(bide_source *source)
{
	bide_value_task v;
	v.payload.generation = source->generation;
	v.state = (uintptr_t)source;
	return v;
}

/*
 * Stores the result, says DONE, and makes the waiter runnable. Never runs user code, never
 * recurses deeper than a constant: completions that follow from completions wait in a list of the
 * thread.
 */
BIDE_INTERNAL void bide_operation_complete_(bide_operation *operation, bide_payload payload,
                                            int error);
/* The same for sources without a link (timers, user sources): for callers that are no notify. */
BIDE_INTERNAL void bide_source_complete_(bide_source *source, bide_payload payload, int error);
/* Hands on what bide_source_finish_ returned. */
BIDE_INTERNAL void bide_source_deliver_(bide_source *source, uintptr_t seen);

/* --- consuming, for the library's own consumers --- */

/*
 * Registers a notify as the one waiter of a pending value task. BIDE_ALREADY_DONE_: it did not
 * register; consume it now. BIDE_ALREADY_TAKEN_: misuse, which has been reported with `what` and
 * `place`; treat it as failed with BIDE_ESTALE. The value task must have been through
 * bide_materialise_. Afterwards notify->run gets the source, DONE and the consumer's, when it
 * completes: call bide_consume_, unless it only borrows.
 */
BIDE_INTERNAL bide_registered bide_watch_(bide_value_task value_task, bide_notify *notify,
                                          const char *what, const bide_place *place);
/* true: the notify was taken out and will not run. false: it runs, or has. */
BIDE_INTERNAL bool bide_unwatch_(bide_source *source, bide_notify *notify);
/*
 * Takes the result out of a source that is DONE and gives it back: a ready value task. place may be
 * NULL.
 */
BIDE_INTERNAL bide_value_task bide_consume_(bide_source *source, const bide_place *place);
/* Gives back a source that is DONE and whose result is not needed, or has been copied. */
BIDE_INTERNAL void bide_release_(bide_source *source, const bide_place *place);
/* A yield becomes an operation that has an end of its own; everything else stays as it is. */
BIDE_INTERNAL bide_value_task bide_materialise_(bide_value_task value_task);
/* false: stale, and misuse was reported with `what` and `place`. */
BIDE_INTERNAL bool bide_check_fresh_(bide_value_task value_task, const char *what,
                                     const bide_place *place);
/*
 * bide_misuse_, with the place, if it is not NULL: for functions that are given theirs. in: at a
 * line of an async function; 0: not known.
 */
BIDE_INTERNAL void bide_misuse_at_(const bide_place *place, const char *format, ...)
	BIDE_PRINTF(2, 3) BIDE_COLD;
BIDE_INTERNAL void bide_misuse_in_(const bide_frame *frame, uint32_t line, const char *format, ...)
	BIDE_PRINTF(3, 4) BIDE_COLD;
BIDE_INTERNAL void bide_report_stale_(bide_value_task value_task, const char *what,
                                      const bide_place *place, const bide_frame *by);
BIDE_INTERNAL void bide_unobserved_(int error, const bide_source *source);
/*
 * The same for an outcome that the library drops because another one has priority. The error that
 * `context` (may be NULL) was canceled with counts as a cancellation, which the hook is not told.
 */
BIDE_INTERNAL void bide_lost_(bide_value_task outcome, const struct bide_context *context);
/*
 * A line for the report hook: what it is, and the line. By default to standard error, behind
 * "bide: ".
 */
BIDE_INTERNAL void bide_report_(const char *what, const char *line);
/* bide_value_task_as_task, for a call of `what`. */
BIDE_INTERNAL bide_task *bide_task_of_(bide_value_task value_task, const char *what,
                                       const bide_place *place);
/* What the user calls it: of a function of the library's, the call that it stands for. */
static inline const char *bide_function_name_(const bide_frame *frame)
{
	return frame->async->own && frame->async->own->name ? frame->async->own->name
	                                                    : frame->async->name;
}
/* Where this function of the library was called just now, if the call noted it; else NULL. */
BIDE_INTERNAL const bide_place *bide_called_at_(const char *function);
/* The same in debug mode, which records where frames were started; otherwise NULL. */
#define BIDE_CALLED_AT_(function) (BIDE_UNLIKELY(bide_debug_) ? bide_called_at_(function) : NULL)
/* As snprintf, through the port. */
BIDE_INTERNAL void bide_put_(char *to, size_t size_bytes, const char *format, ...)
	BIDE_PRINTF(3, 4);
/* 1 to BIDE_ERROR_MAX; else misuse of `what` was reported. */
BIDE_INTERNAL bool bide_check_error_(int error, const char *what);
/* How much of __func__ to show: the C name of an async function's body has an addition. */
BIDE_INTERNAL int bide_name_length_(const char *function);

/* The source line where a frame waits; the mark of a return's own await is left out. */
static inline unsigned bide_line_(const bide_source *source)
{
	return source->line & 0x3fffffffu;
}
static inline bool bide_is_pending_(bide_value_task value_task)
{
	return value_task.state > BIDE_ERROR_MAX;
}
static inline bool bide_is_done_(const bide_source *source)
{
	/* pairs with finish */
	return (BIDE_LOAD(&source->word, ACQUIRE) & BIDE_WORD_TAGS_) == BIDE_WORD_DONE_;
}
static inline bide_payload bide_payload_int_(int64_t i)
{
	bide_payload payload;
	payload.i = i;
	return payload;
}

/* --- what several parties may end --- */

/*
 * An object that can be ended by a completion, a cancellation, a timer, has a count `live` of the
 * parties that can still touch it. The first decides the outcome and takes the others out where it
 * can. Each counts down for itself and for those it took out. The one at zero completes the object.
 * All plain where the object belongs to one thread.
 */

/* Called by a counted party, before the new one can report: no order is needed. */
static inline void bide_party_join_(const bide_source *source, uint32_t *live)
{
	if (bide_is_sync_(source))
		(void)BIDE_ADD(live, 1u, RELAXED);
	else
		++*live;
}

/* true: the last. Releases what these parties wrote; the last one acquires all of it. */
static inline bool bide_party_leave_(const bide_source *source, uint32_t *live, uint32_t count)
{
	if (bide_is_sync_(source))
		return BIDE_SUB(live, count, ACQ_REL) == count;
	*live -= count;
	return *live == 0;
}

/* Returns the bits before. Pairs with itself: the second sees what the first wrote before. */
static inline uint32_t bide_party_mark_(const bide_source *source, uint32_t *bits, uint32_t more)
{
	uint32_t before;

	if (bide_is_sync_(source))
		return BIDE_OR(bits, more, ACQ_REL);
	before = *bits;
	*bits = before | more;
	return before;
}

/*
 * A timer that runs a notify: the deadline of a context, of a wait. Its owner may go, or set it
 * anew, while the notify is on its way on another thread: `live` counts the calls that may come,
 * and one of the owner; the last of them gives the owner's memory back.
 */
typedef struct bide_alarm {
	bide_timer *timer; /* armed, or about to call; under the lock */
	bide_notify due;   /* run(notify, timer): begins with bide_alarm_fired_ */
	uint32_t lock;     /* with many workers */
	uint32_t live;     /* atomic */
} bide_alarm;

BIDE_INTERNAL void bide_alarm_init_(bide_alarm *alarm,
                                    void (*due)(bide_notify *notify, bide_source *timer));
/*
 * Has it call at that time, instead of at the one before. timer: a new one, which is the alarm's.
 */
BIDE_INTERNAL void bide_alarm_set_(bide_alarm *alarm, bide_timer *timer, int64_t deadline_ns);
/* true: there was a timer, and it will not call. false: there was none, or it calls. */
BIDE_INTERNAL bool bide_alarm_stop_(bide_alarm *alarm);
/* In the notify, first: gives the timer back. false: it was stopped or replaced on its way. */
BIDE_INTERNAL bool bide_alarm_fired_(bide_alarm *alarm, bide_source *timer);
/* The owner goes (after bide_alarm_stop_), or a call is over. true: the last. */
BIDE_INTERNAL bool bide_alarm_over_(bide_alarm *alarm);
/* No call is to come. For an owner that goes. */
BIDE_INTERNAL bool bide_alarm_is_idle_(const bide_alarm *alarm);

/* --- user code that the library calls outside of async functions --- */

/*
 * Which of it runs on this thread, for messages; NULL: none. Such code must not end the runtime,
 * whose calls stand below it on the stack.
 */
extern BIDE_INTERNAL BIDE_THREAD_LOCAL_ const char *bide_inside_;

/* Returns what is to be put back afterwards. */
static inline const char *bide_inside_enter_(const char *what)
{
	const char *before = bide_inside_;

	bide_inside_ = what;
	return before;
}

/* --- error traces --- */

/* What a failure that is made at this place has as payload. place: NULL, it is not known. */
BIDE_INTERNAL bide_payload bide_trace_made_(int error, const bide_place *place);
#ifdef BIDE_EXPLORE
BIDE_INTERNAL void bide_trace_reset_(void);
#endif
/* A function that passes BIDE_ENOFRAME of another on fails with ENOMEM. */
BIDE_INTERNAL uint16_t bide_frame_error_(uintptr_t error);

/* --- tasks --- */

/*
 * The generation, in the child of a fork, of everything that was pending in the parent. It is
 * neither a real generation nor a link of a free list.
 */
#define BIDE_GENERATION_PARENT_ ((uint64_t)1)

/* Not NULL, and with a reference; else false, and misuse of `what` was reported. */
BIDE_INTERNAL bool bide_task_check_(const bide_task *task, const char *what);

/* References are counted in the generation; the top bits set tell a count from a generation. */
#define BIDE_COUNT_BASE_ ((uint64_t)0xFFFF << 48)

/* --- cancellation --- */

/*
 * What can be canceled: a flag, and two lists of what to fire. Callbacks (registrations, sources
 * and contexts below) fire on the thread that cancels; operations on the worker. Reference counted;
 * embedded in cancel sources and contexts.
 */
typedef struct bide_cancel_core {
	uint32_t lock; /* of operations */
	uint32_t references;
	uint16_t error; /* 0, or what its operations fail with; atomic */
	bool is_context;
	bide_cancel_node *callbacks;   /* newest first; under the lock of all callbacks */
	bide_cancel_node *operations;  /* newest first */
	bide_post post;                /* to the worker, to fire the operations */
	struct bide_cancel_core *next; /* in the work list of a cancel */
	void (*destroy)(struct bide_cancel_core *core);
	struct bide_cancel_cell_ *cell; /* of a source: what its tokens point at; else NULL */
} bide_cancel_core;

BIDE_INTERNAL void bide_cancel_core_init_(bide_cancel_core *core,
                                          void (*destroy)(bide_cancel_core *core));
BIDE_INTERNAL void bide_cancel_core_ref_(bide_cancel_core *core);
/*
 * Takes a reference without already holding one; the memory must still be valid. false: the last
 * reference is gone.
 */
BIDE_INTERNAL bool bide_cancel_core_try_ref_(bide_cancel_core *core);
BIDE_INTERNAL void bide_cancel_core_unref_(bide_cancel_core *core);
/* Cancels it and all below it; true for the first. */
BIDE_INTERNAL bool bide_cancel_core_fire_(bide_cancel_core *core, int error);
/*
 * Makes child be canceled with parent; at once if the parent is. node: the child's; its fire field
 * stays NULL.
 */
BIDE_INTERNAL void bide_cancel_core_attach_(bide_cancel_core *parent, bide_cancel_core *child,
                                            bide_cancel_node *node);
/* The same to a token's source; false: the token is stale or none. */
BIDE_INTERNAL bool bide_cancel_token_attach_(bide_cancel_token token, bide_cancel_core *child,
                                             bide_cancel_node *node);
BIDE_INTERNAL void bide_cancel_detach_(bide_cancel_node *node);
/* A cancel source with a reference; else false, and misuse of `what` was reported. */
BIDE_INTERNAL bool bide_cancel_source_check_(const bide_cancel_source *source, const char *what);
/*
 * In two steps: counts as canceled now, with a reference; true: the first, which fires it then,
 * once, and gives the reference back.
 */
BIDE_INTERNAL bool bide_cancel_source_mark_(bide_cancel_source *source);
BIDE_INTERNAL void bide_cancel_source_fire_(bide_cancel_source *source);
/* At shutdown: the registrations of a source that was not given back are in no list any more. */
BIDE_INTERNAL void bide_cancel_leak_(bide_source *source);
/* In the child of a fork: no callback runs. */
BIDE_INTERNAL void bide_cancel_fork_(void);
/* Drops all callbacks without firing them. */
BIDE_INTERNAL void bide_cancel_core_clear_(bide_cancel_core *core);

/*
 * Adds an operation. 0; or the error of a core that is canceled already (then it is not added).
 * core may be NULL: 0.
 */
BIDE_INTERNAL int bide_cancel_link_(bide_cancel_core *core, bide_cancel_node *node,
                                    void (*fire)(bide_cancel_node *node, int error));
/*
 * Takes an operation out. true: it has not fired and will not (also one without a core). false: it
 * fires, or has. With one worker: there.
 */
BIDE_INTERNAL bool bide_cancel_unlink_(bide_cancel_node *node);
/* Once, when the operation ends: gives the node's reference on its core back. */
BIDE_INTERNAL void bide_cancel_drop_(bide_cancel_node *node);
/* It is registered. Of memory that may be anything. */
BIDE_INTERNAL bool bide_cancel_registration_lives_(const bide_cancel_registration *registration);
/* What cancels the operations that are started now; NULL: nothing. */
BIDE_INTERNAL bide_cancel_core *bide_context_core_(void);

/* The current context as a frame has it, with a reference: for a call that another thread runs. */
BIDE_INTERNAL uintptr_t bide_context_take_(void);
BIDE_INTERNAL void bide_context_give_back_(uintptr_t word);
BIDE_INTERNAL uintptr_t bide_context_swap_(uintptr_t word); /* returns the one that was current */

/* --- executors: see executor.h --- */

/* Makes a frame runnable on its executor, which it has, from any thread. Never fails. */
BIDE_INTERNAL void bide_executor_push_(bide_frame *frame, bool next);
/* The current context of this thread is `word` now, and one of the two has an executor. */
BIDE_INTERNAL void bide_executor_scope_(bide_worker *worker, uintptr_t word);
/* Before a frame, which has been in use on this thread alone, goes to its executor. */
BIDE_INTERNAL void bide_executor_admit_(bide_frame *frame);
/* NULL, or in use; else false, and misuse of `what` was reported. */
BIDE_INTERNAL bool bide_context_check_(const bide_context *context, const char *what);
BIDE_INTERNAL bool bide_executor_check_(const bide_executor *executor, const char *what);
/* The executor of the context in a frame's word; NULL: none. */
BIDE_INTERNAL bide_executor *bide_context_executor_(uintptr_t word);
/*
 * The context in a frame's word, as it was read, is `above` or below it. In a visit of the pools;
 * contexts may come and go meanwhile.
 */
BIDE_INTERNAL bool bide_context_is_below_(uintptr_t word, const bide_context *above);
/* Enters, wherever its executor is; the function must suspend before it starts anything. */
BIDE_INTERNAL void bide_context_move_(bide_frame *frame, bide_context *context);
/* The same for leaving. false: it is in no context. */
BIDE_INTERNAL bool bide_context_move_back_(bide_frame *frame);

/*
 * How often in a row the newest continuation runs next. A watched run (worker->handovers kept
 * there) never does.
 */
enum { BIDE_HANDOVERS_MAX_ = 64 };

/* --- the thread's record; the public head comes first --- */

typedef struct bide_thread {
	bide_worker worker;
	bide_frame root;     /* current outside of all async functions */
	unsigned completing; /* depth of completions on this stack */
	bide_operation *completions, **completions_tail;
	struct bide_cancel_core **canceling; /* work list of the cancel whose operations fire now */
	uint32_t home;                       /* the worker whose wheel has the timers made here */
	bide_executor *executor;             /* whose functions run on this stack; NULL: the workers' */
	uintptr_t hot_limit; /* worker.stack_limit, while the current context makes starts cold */
	bool cold;
	bool by_port;    /* what it makes runnable is told to the port: all but the one worker */
	bool is_guest;   /* not a worker */
	bool is_nowhere; /* in a child, inside a function of its parent's: it gets no memory */
	bool in_use;     /* by a thread that lives */
	struct bide_thread *next; /* guests */
	struct bide_thread *next_counted;
	uint64_t trace_next, trace_end; /* numbers of trace records that this thread may use */
	bide_trace wait_trace;          /* of the last wait that failed */
	uint64_t counts[7]; /* written by this thread, read by any; BIDE_COUNTERS_ of them */
} bide_thread;

static inline bide_thread *bide_thread_of_(bide_worker *worker)
{
	return (bide_thread *)(void *)worker;
}

/* Sets up a thread's record: counters, pools, root frame. */
BIDE_INTERNAL void bide_thread_init_(bide_thread *thread, uint32_t number, bool is_guest);
/* Gives every chunk of every pool back. Only at shutdown. */
BIDE_INTERNAL void bide_pools_release_(void);
/* Gives one object back from a thread without a record. */
BIDE_INTERNAL void bide_pools_give_(bide_source *source);
/* Gives a thread's free memory to the others (a guest thread ends). */
BIDE_INTERNAL void bide_pools_leave_(bide_thread *thread);
/*
 * Runs one runnable frame and those that wait for it in turn, at most until the handovers are used
 * up.
 */
BIDE_INTERNAL void bide_frame_resume_(bide_worker *worker, bide_frame *frame);
/* Runs a frame alone, for its executor: its waiter is made runnable. */
BIDE_INTERNAL void bide_frame_run_(bide_worker *worker, bide_frame *frame);
/*
 * For the child of a fork. The lists are locked during it. In the child nothing of what is in use
 * is visited any more (disown), and at its first use (inherit) once, for the last time: the memory
 * stays for stale addresses, and new memory is taken.
 */
BIDE_INTERNAL void bide_pools_lock_(void);
BIDE_INTERNAL void bide_pools_unlock_(void);
BIDE_INTERNAL void bide_pools_disown_(void);
BIDE_INTERNAL void bide_pools_inherit_(void (*visit)(bide_source *source, void *argument));
BIDE_INTERNAL void bide_counts_lock_(void);
BIDE_INTERNAL void bide_counts_unlock_(void);
/* Calls visit for each frame and operation in use, relaxed: for stats, dumps and leak reports. */
BIDE_INTERNAL void bide_pools_visit_(void (*visit)(bide_source *source, void *argument),
                                     void *argument);
/*
 * The same in steps: visit returns false to be called again with the object in the next step. No
 * lock is held between steps. Begins with visit and argument set, the rest zeroed.
 */
typedef struct bide_pools_walk {
	bool (*visit)(bide_source *source, void *argument);
	void *argument;
	void *chunk;
	uint64_t before;
	unsigned size_class;
	uint32_t index, epoch;
	bool begun;
} bide_pools_walk;
typedef enum bide_pools_walked {
	BIDE_POOLS_OVER_,
	BIDE_POOLS_PAUSED_,
	BIDE_POOLS_LOCKED_ /* by a thread that does not give the lock back: it is stopped, or is this */
} bide_pools_walked;
BIDE_INTERNAL bide_pools_walked bide_pools_walk_(bide_pools_walk *walk);
/* In such a visit: this address is in memory of the pools, which lasts until shutdown. Walks. */
BIDE_INTERNAL bool bide_pools_hold_(const void *address);
/* Where a frame was started, if that was recorded (debug); else NULL. */
BIDE_INTERNAL const bide_place *bide_started_at_(const bide_frame *frame);

/* --- fork and join --- */

/*
 * On the worker, outside of async functions or inside: runs a fork that was taken from a deque; its
 * source is completed, now or when the child has ended.
 */
BIDE_INTERNAL void bide_fork_run_(bide_worker *worker, bide_fork *fork);
/* The value task of a join has been consumed. */
BIDE_INTERNAL void bide_fork_release_(bide_source *source);

/* Its value task is awaited. Of memory that may be anything. */
BIDE_INTERNAL bool bide_user_source_is_awaited_(const bide_user_source *user);
/* The group is initialised and has not ended. Of memory that may be anything. */
BIDE_INTERNAL bool bide_group_lives_(const bide_group *group);

/* --- memory --- */
BIDE_INTERNAL void *bide_allocate_(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_deallocate_(void *memory, size_t size_bytes);
/* For what the user refers to: in debug mode its memory stays for a while, but for 8 bytes. */
BIDE_INTERNAL void bide_retire_(void *memory, size_t size_bytes);
BIDE_INTERNAL void bide_retired_release_(void);
/*
 * At shutdown: memory in which something was in use. It counts as given back, and stays until much
 * more has come; of an allocator of the user's, whose memory may go with it, nothing stays.
 */
BIDE_INTERNAL void bide_keep_(void *memory, size_t size_bytes);
/* What is counted. Each thread counts for itself, so counting needs no locked instruction. */
typedef enum bide_counter {
	BIDE_COUNT_ALLOCATIONS_,
	BIDE_COUNT_RELEASES_,
	BIDE_COUNT_FAILED_,
	BIDE_COUNT_BYTES_,
	BIDE_COUNT_TASKS_,
	BIDE_COUNT_UNOBSERVED_,
	BIDE_COUNT_MISUSE_,
	BIDE_COUNTERS_
} bide_counter;
BIDE_INTERNAL void bide_count_(bide_counter counter, uint64_t change);
/* Of all threads. */
BIDE_INTERNAL uint64_t bide_counted_(bide_counter counter);
struct bide_thread;
/* A thread's record is counted with the others from now on; or its counts go to the process. */
BIDE_INTERNAL void bide_counts_join_(struct bide_thread *thread);
BIDE_INTERNAL void bide_counts_leave_(struct bide_thread *thread);
/*
 * The generations that all threads have given out, added up: while it stays the same, nothing has
 * become pending.
 */
BIDE_INTERNAL uint64_t bide_generations_(void);
extern BIDE_INTERNAL bool bide_debug_, bide_pooling_; /* set before the first frame */
/* Many workers: everything may be touched by any thread. Set before the first frame. */
extern BIDE_INTERNAL bool bide_shared_;

/* --- the port: all that core asks of what is below it --- */

BIDE_INTERNAL void *bide_port_allocate(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_port_release(void *memory, size_t size_bytes);
/*
 * Makes a frame runnable on the workers, from any thread. next: as soon as possible; else at the
 * end of the queue.
 */
BIDE_INTERNAL void bide_port_schedule(bide_frame *frame, bool next);
/* Makes a frame runnable where its context says. */
static inline void bide_schedule_(bide_frame *frame, bool next)
{
	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_))
		bide_executor_push_(frame, next);
	else
		bide_port_schedule(frame, next);
}
/* Runs post->run on the worker, soon, from any thread. With many workers: at once. */
BIDE_INTERNAL void bide_port_post(bide_post *post);
/* This thread may touch timers and operations itself: the one worker; with many, every thread. */
BIDE_INTERNAL bool bide_port_on_worker(void);
/* On how many threads functions run. */
BIDE_INTERNAL unsigned bide_port_worker_count(void);
BIDE_INTERNAL int64_t bide_port_now(void);
/* Times of 0 or more, added; at most BIDE_FOREVER. */
static inline int64_t bide_time_add_(int64_t a_ns, int64_t b_ns)
{
	return a_ns > BIDE_FOREVER - b_ns ? BIDE_FOREVER : a_ns + b_ns;
}
/* Now plus a time, at most BIDE_FOREVER. */
BIDE_INTERNAL int64_t bide_deadline_after_(int64_t time_ns);
/* Reports misuse: the time, an argument of that function, is below zero. Returns false. */
BIDE_INTERNAL BIDE_COLD bool bide_time_refused_(int64_t time, const char *function,
                                                const char *argument, const bide_place *place);
/* place: of the call; NULL: not known. */
static inline bool bide_time_allowed_(int64_t time, const char *function, const char *argument,
                                      const bide_place *place)
{
	return BIDE_LIKELY(time >= 0) || bide_time_refused_(time, function, argument, place);
}
/*
 * timer->source.payload.i is the deadline; when it is due the port calls bide_timer_due_. Whose
 * timer it is was settled by bide_timer_new_.
 */
BIDE_INTERNAL void bide_port_arm(bide_timer *timer);
/*
 * true: it was armed and is not any more. false: it was not, or is on its way to bide_timer_due_.
 */
BIDE_INTERNAL bool bide_port_disarm(bide_timer *timer);
/*
 * Fills in what the port counts: timers, what is runnable, workers, blocking calls. They are zero
 * before.
 */
BIDE_INTERNAL void bide_port_stats(bide_stats *stats);
/* Returns an opaque id that is unique among living threads. */
BIDE_INTERNAL const void *bide_port_thread(void);
BIDE_INTERNAL void bide_port_print(const char *text); /* to standard error */
/* As vsnprintf; a port without one may copy the format. */
BIDE_INTERNAL void bide_port_format(char *to, size_t size_bytes, const char *format,
                                    va_list arguments);
BIDE_INTERNAL const char *bide_port_error_text(int error); /* of an errno number; static */
BIDE_INTERNAL void bide_port_abort(void) __attribute__((noreturn));
/*
 * A fence on every other processor that runs a thread of this process: pairs with BIDE_LIGHT_FENCE.
 * false: there is none, and never will be. Asked once for each deque that is made, and by thieves.
 */
BIDE_INTERNAL bool bide_port_heavy_fence(void);
/* The worker pushed something while another had nothing to do (its deque's `wanted`). */
BIDE_INTERNAL void bide_port_offer(bide_worker *worker);
/* A few instructions of waiting for another thread that holds a lock or runs a callback. */
BIDE_INTERNAL void bide_port_wait_a_moment(unsigned tries);

/* --- locks, held for some dozen instructions, without calling out --- */

/* Zero: free. Pairs: the acquire of the next holder with the release of the last. */
static inline void bide_spin_lock_(uint32_t *lock)
{
	for (unsigned tries = 0; BIDE_SWAP(lock, 1u, ACQUIRE) != 0; tries++)
		bide_port_wait_a_moment(tries);
}

static inline void bide_spin_unlock_(uint32_t *lock)
{
	BIDE_STORE(lock, 0u, RELEASE);
}

#endif
