/*
 * signals.h - signals as results: an async function waits for the next SIGTERM or SIGHUP.
 *
 *     bide_await(my->number, bide_signal_wait(SIGTERM, SIGINT));    // the first of them, once
 *
 *     bide_await(bide_until_signal(run_server(), SIGTERM, SIGINT)); // which cancels the server
 *
 *     static const int numbers[] = { SIGHUP, SIGTERM };             // or each one that comes
 *     if (bide_signals_open(&my->signals, numbers, 2) != 0)
 *             bide_async_fail(EINVAL);
 *     for (;;) {
 *             bide_await(my->number, bide_signals_next(my->signals));
 *             if (my->number == SIGTERM)
 *                     break;
 *             read_configuration();
 *     }
 *
 * A handler for a signal is installed while something listens for that signal, with SA_RESTART. It
 * stands in place of the program's own action, which comes back when the last listener ends. If the
 * program sets another action meanwhile, that one counts, and it stays. Several listeners may wait
 * for one signal, and each of them gets it. Signals of one number that come before they are taken
 * merge into one.
 *
 * SIGKILL and SIGSTOP cannot be waited for, nor can those of faults (SIGSEGV, SIGBUS, SIGFPE,
 * SIGILL, SIGTRAP, SIGSYS, SIGABRT). The library's threads block all signals and change no mask. So
 * a signal comes only if one of the program's threads does not block it; in most programs the main
 * thread does not.
 *
 * The child of a fork has the program's own actions. What the parent opened catches nothing there.
 *
 * bide_signal_wait and bide_until_signal are macros for C only. C++ uses bide_signals_open and
 * bide_signals_next.
 */
#ifndef BIDE_SIGNALS_H
#define BIDE_SIGNALS_H

#include "context.h"

typedef struct bide_signals bide_signals;

BIDE_BEGIN_DECLS

/*
 * Listens for `count` signals, 1 to 64, from this call on. The numbers are copied. On success
 * *signals belongs to the caller until bide_signals_close.
 *
 * Returns 0; ENOMEM; EMFILE or ENFILE if no descriptor is left; EINVAL if a number is none that can
 * be waited for. On failure *signals is NULL and no handler has changed. A NULL, or a count of 0 or
 * above 64, is misuse: EINVAL. Any thread. Cost: an eventfd, and two system calls for each number
 * that nothing else listens for.
 */
BIDE_API BIDE_USE_RESULT int bide_signals_open(bide_signals **signals, const int *numbers,
                                               size_t count);
/*
 * Returns a value task whose result is the number of the next signal; if several have come, the
 * lowest number first. It is ready at once if one has come. It can be canceled, and no signal is
 * lost: if the wait ends without the signal, the next wait gets it.
 *
 * Errors: that of a canceled context; EBADF if the object is closed meanwhile; ENOMEM; EMFILE or
 * ENFILE if no worker has the descriptors to wait (io.h). A second wait while one is pending is
 * misuse: EBUSY. NULL is misuse: EINVAL. In the child of a fork the object of the parent is misuse:
 * EINVAL. Any thread.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_signals_next(bide_signals *signals);
/*
 * Stops listening and frees the object. A pending bide_signals_next fails with EBADF. NULL does
 * nothing. Any thread.
 */
BIDE_API void bide_signals_close(bide_signals *signals);

#ifndef __cplusplus
/*
 * bide_signal_wait(number, ...) waits for the first of these signals and returns its number. It
 * listens from the call until it is over: until the signal has come or its context is canceled. If
 * the value task is forgotten, it goes on listening until the signal comes. Errors: those of
 * bide_signals_open and bide_signals_next.
 */
#define bide_signal_wait(...) \
	(BIDE_NOTE_(bide_signal_wait), bide_signal_wait_(BIDE_SIGNALS_(__VA_ARGS__)))
/*
 * bide_until_signal(call, number, ...) evaluates call, which returns a value task, in a context of
 * its own. The first of these signals cancels that context with ECANCELED. The value task is over
 * when the call is. If a signal canceled the call, and the call then succeeds or fails with
 * ECANCELED, the result is the number of the signal. Otherwise it is the outcome of the call.
 *
 * It listens until the call is over, but at most one second longer than until the first signal. So
 * a signal that comes together with the first ends nothing, and a later Ctrl-C ends a program that
 * hangs in its shutdown, as it would without the library.
 *
 * If bide_signals_open fails, or there is no memory, the call is not made, and the value task fails
 * with that error. If the signal cannot be waited for (ENOTSUP: in a simulation), the call is
 * canceled, and the value task fails with that error. If memory is short after the call was made,
 * the call is canceled, and the value task fails with ENOMEM, perhaps before the call is over.
 */
#define bide_until_signal(call, ...) \
	BIDE_UNTIL_SIGNAL_(call, BIDE_NESTED_, BIDE_SIGNALS_(__VA_ARGS__))
#define BIDE_SIGNALS_(...) \
	((const int[]){ __VA_ARGS__ }), sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int)
#define BIDE_UNTIL_SIGNAL_(call, n, ...)                                             \
	BIDE_UNTIL_SIGNAL2_(call, BIDE_CAT_(bide_saved_, n), BIDE_CAT_(bide_called_, n), \
	                    BIDE_CAT_(bide_until_, n), __VA_ARGS__)
#define BIDE_UNTIL_SIGNAL2_(call, saved, called, until, ...)                                    \
	__extension__({                                                                             \
		BIDE_NESTED_BEGIN_                                                                      \
		bide_value_task called = { { { .i = 0 }, 0 } };                                         \
		bide_until_ until =                                                                     \
			(BIDE_NOTE_(bide_until_signal), bide_until_open_(__VA_ARGS__, &called.state));      \
		if (until.context) {                                                                    \
			uintptr_t saved = bide_context_push_(until.context);                                \
			called =                                                                            \
				bide_untyped_value_(call, "this takes a call that returns a value task; for a " \
			                              "bide_task * use bide_task_await(task)");             \
			bide_context_pop_(saved);                                                           \
			called = bide_until_start_(until, called);                                          \
		}                                                                                       \
		BIDE_NESTED_END_                                                                        \
		called;                                                                                 \
	})
typedef struct bide_until_ {
	bide_context *context; /* NULL: it has failed */
	bide_signals *signals;
} bide_until_;
BIDE_API BIDE_USE_RESULT bide_value_task bide_signal_wait_(const int *numbers, size_t count);
BIDE_API bide_until_ bide_until_open_(const int *numbers, size_t count, uintptr_t *error);
BIDE_API BIDE_USE_RESULT bide_value_task bide_until_start_(bide_until_ until,
                                                           bide_value_task called);
#endif

BIDE_END_DECLS
#endif
