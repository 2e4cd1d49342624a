/*
 * short.h - the short names. Include it last. Types and functions are typedefs and macros without
 * arguments; statements are macros. BIDE_NO_SHORT_<name> before the include leaves a name out
 * (BIDE_NO_SHORT_await, BIDE_NO_SHORT_task...).
 */
#ifndef BIDE_SHORT_H
#define BIDE_SHORT_H

#ifdef __cplusplus
#error "bide/short.h is C only: in C++ use the bide_ names"
#endif

#include "bide.h"

/* Types. */
#ifndef BIDE_NO_SHORT_task
typedef bide_task task;
#endif
#ifndef BIDE_NO_SHORT_value_task
typedef bide_value_task value_task;
#endif
#ifndef BIDE_NO_SHORT_VALUE_TASK_OF
#define VALUE_TASK_OF BIDE_VALUE_TASK_OF
#endif

/* The marks of async functions. */
#ifndef BIDE_NO_SHORT_async
#define ASYNC_FRAME BIDE_ASYNC_FRAME
#define ASYNC_FRAME_OWNED BIDE_ASYNC_FRAME_OWNED
#define async bide_async
#define async_declare bide_async_declare
#define async_begin bide_async_begin
#define async_finally bide_async_finally
#define async_end bide_async_end
#define async_start bide_async_start
#define async_start_cold bide_async_start_cold
#define async_return bide_async_return
#define async_return_large bide_async_return_large
#define async_return_owned bide_async_return_owned
#define async_fail bide_async_fail
#define async_error bide_async_error
#define async_trace bide_async_trace
#define async_enter bide_async_enter
#define async_leave bide_async_leave
#define async_switch bide_async_switch
#define async_switch_to bide_async_switch_to
#define async_switch_back bide_async_switch_back
#define async_yield bide_async_yield
#endif
#ifndef BIDE_NO_SHORT_fork /* not `fork`, which is another function's name */
#define ASYNC_FRAME_FORKING BIDE_ASYNC_FRAME_FORKING
#define ASYNC_FORK BIDE_ASYNC_FORK
#define async_forked bide_async_forked
#define async_fork bide_async_fork
#define async_join bide_async_join
#endif
#ifndef BIDE_NO_SHORT_await
#define await bide_await
#define await_or bide_await_or
#define await_large bide_await_large
#define await_error bide_await_error
#define await_failure bide_await_failure
#endif

/* Value tasks and tasks. */
#ifndef BIDE_NO_SHORT_value_task
#define value_task_from bide_value_task_from
#define value_task_from_error bide_value_task_from_error
#define value_task_completed bide_value_task_completed
#define value_task_status bide_value_task_status
#define value_task_is_ready bide_value_task_is_ready
#define value_task_error bide_value_task_error
#define value_task_result bide_value_task_result
#define value_task_wait bide_value_task_wait
#define value_task_wait_for bide_value_task_wait_for
#define value_task_as_task bide_value_task_as_task
#define value_task_forget bide_value_task_forget
#define value_task_take bide_value_task_take
#define value_task_on_completed bide_value_task_on_completed
#endif
#ifndef BIDE_NO_SHORT_task
#define task_create bide_task_create
#define task_complete bide_task_complete
#define task_fail bide_task_fail
#define task_cancel bide_task_cancel
#define task_try_complete bide_task_try_complete
#define task_try_fail bide_task_try_fail
#define task_try_cancel bide_task_try_cancel
#define task_ref bide_task_ref
#define task_unref bide_task_unref
#define task_await bide_task_await
#define task_await_for bide_task_await_for
#define task_await_take bide_task_await_take
#define task_from bide_task_from
#define task_from_error bide_task_from_error
#define task_completed bide_task_completed
#define task_status bide_task_status
#define task_is_ready bide_task_is_ready
#define task_error bide_task_error
#define task_result bide_task_result
#define task_complete_int bide_task_complete_int
#define task_complete_pointer bide_task_complete_pointer
#define task_wait bide_task_wait
#define task_wait_for bide_task_wait_for
#define task_unwrap bide_task_unwrap
#define task_continue_with bide_task_continue_with
#define task_run bide_task_run
#endif

/* What stands around them. */
#ifndef BIDE_NO_SHORT_delay
#define delay_ms bide_delay_ms
#define delay bide_delay
#define delay_until bide_delay_until
#endif
#ifndef BIDE_NO_SHORT_when
#define when_all bide_when_all
#define when_all_tasks bide_when_all_tasks
#define when_any bide_when_any
#define when_any_tasks bide_when_any_tasks
#define when_each_init bide_when_each_init
#define when_each_next bide_when_each_next
#define when_each_end bide_when_each_end
#endif
#ifndef BIDE_NO_SHORT_group
#define group_init bide_group_init
#define group_add bide_group_add
#define group_start bide_group_start
#define group_wait bide_group_wait
#define group_pending bide_group_pending
#define group_cancel bide_group_cancel
#endif
#ifndef BIDE_NO_SHORT_parallel
#define parallel_for bide_parallel_for
#define for_each bide_for_each
#define for_each_of bide_for_each_of
#endif
#ifndef BIDE_NO_SHORT_run_blocking
#define run_blocking bide_run_blocking
#endif
#ifndef BIDE_NO_SHORT_with
#define in_context bide_in_context
#define in_detached bide_in_detached
#define with_timeout bide_with_timeout
#define with_timeout_ms bide_with_timeout_ms
#define with_token bide_with_token
#define with_executor bide_with_executor
#endif

#endif
