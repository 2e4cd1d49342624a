/*
 * noted.h - the places in messages of misuse: a call of a function that can be misused notes its
 * place.
 *
 * Each macro has the name of a function, and calls it; a macro does not expand inside itself. So
 * prototypes, pointers to functions, C++ and exported symbols stay as they are. Before the call
 * the macro stores the address of a static place in a ring of the thread: five instructions. A call
 * among the arguments of another one stores its place behind that of the other. A message shows the
 * newest place that names the same function, unless a newer one stands in another function or far
 * away: so it never shows the place of another call. A call through a pointer, in C++, or in a file
 * with BIDE_NO_TRACE (trace.h) notes nothing. The message then names the async function that runs,
 * if one does.
 *
 * These calls note nothing: those of bide_task_await and bide_task_is_ready, which awaits use;
 * those of bide_run, bide_configure and bide_dump; and those of functions of one plain word by
 * their short names (delay, drain), which short.h declares: `driver->drain(x)` must remain a
 * call of yours.
 */
#ifndef BIDE_NOTED_H
#define BIDE_NOTED_H

#include "abi.h"

#if !defined(__cplusplus) && !defined(BIDE_NO_TRACE) && !defined(BIDE_BUILDING)
#define BIDE_NOTED_(function, ...) (BIDE_NOTE_(function), function(__VA_ARGS__))
#define BIDE_NOTED_NUMBER_(function, number) (BIDE_NOTE_(function), (number))

/* Cancellation. */
#define bide_cancel_source_create_linked(...) \
	BIDE_NOTED_(bide_cancel_source_create_linked, __VA_ARGS__)
#define bide_cancel_source_ref(...) BIDE_NOTED_(bide_cancel_source_ref, __VA_ARGS__)
#define bide_cancel_source_unref(...) BIDE_NOTED_(bide_cancel_source_unref, __VA_ARGS__)
#define bide_cancel_source_cancel(...) BIDE_NOTED_(bide_cancel_source_cancel, __VA_ARGS__)
#define bide_cancel_source_cancel_async(...) \
	BIDE_NOTED_(bide_cancel_source_cancel_async, __VA_ARGS__)
#define bide_cancel_source_cancel_after(...) \
	BIDE_NOTED_(bide_cancel_source_cancel_after, __VA_ARGS__)
#define bide_cancel_source_try_reset(...) BIDE_NOTED_(bide_cancel_source_try_reset, __VA_ARGS__)
#define bide_cancel_source_is_canceled(...) BIDE_NOTED_(bide_cancel_source_is_canceled, __VA_ARGS__)
#define bide_cancel_source_token(...) BIDE_NOTED_(bide_cancel_source_token, __VA_ARGS__)
#define bide_cancel_token_register(...) BIDE_NOTED_(bide_cancel_token_register, __VA_ARGS__)
#define bide_cancel_registration_unregister(...) \
	BIDE_NOTED_(bide_cancel_registration_unregister, __VA_ARGS__)
#define bide_cancel_registration_unregister_wait(...) \
	BIDE_NOTED_(bide_cancel_registration_unregister_wait, __VA_ARGS__)

/* Generators. */
#define bide_generator_next(...) BIDE_NOTED_(bide_generator_next, __VA_ARGS__)
#define bide_generator_end(...) BIDE_NOTED_(bide_generator_end, __VA_ARGS__)
#define bide_generator_map(...) BIDE_NOTED_(bide_generator_map, __VA_ARGS__)
#define bide_generator_filter(...) BIDE_NOTED_(bide_generator_filter, __VA_ARGS__)
#define bide_generator_take(...) BIDE_NOTED_(bide_generator_take, __VA_ARGS__)
#define bide_generator_timeout(...) BIDE_NOTED_(bide_generator_timeout, __VA_ARGS__)
#define bide_generator_buffer(...) BIDE_NOTED_(bide_generator_buffer, __VA_ARGS__)
#define bide_generator_merge(...) BIDE_NOTED_(bide_generator_merge, __VA_ARGS__)

/* Contexts, executors, groups. */
#define bide_context_create(...) BIDE_NOTED_(bide_context_create, __VA_ARGS__)
#define bide_context_ref(...) BIDE_NOTED_(bide_context_ref, __VA_ARGS__)
#define bide_context_unref(...) BIDE_NOTED_(bide_context_unref, __VA_ARGS__)
#define bide_context_cancel(...) BIDE_NOTED_(bide_context_cancel, __VA_ARGS__)
#define bide_context_error(...) BIDE_NOTED_(bide_context_error, __VA_ARGS__)
#define bide_strand_create(...) BIDE_NOTED_(bide_strand_create, __VA_ARGS__)
#define bide_loop_create(...) BIDE_NOTED_(bide_loop_create, __VA_ARGS__)
#define bide_loop_fd(...) BIDE_NOTED_(bide_loop_fd, __VA_ARGS__)
#define bide_loop_run(...) BIDE_NOTED_(bide_loop_run, __VA_ARGS__)
#define bide_loop_adopt(...) BIDE_NOTED_(bide_loop_adopt, __VA_ARGS__)
#define bide_executor_ref(...) BIDE_NOTED_(bide_executor_ref, __VA_ARGS__)
#define bide_executor_unref(...) BIDE_NOTED_(bide_executor_unref, __VA_ARGS__)
#define bide_group_init(...) BIDE_NOTED_(bide_group_init, __VA_ARGS__)
#define bide_group_pending(...) BIDE_NOTED_(bide_group_pending, __VA_ARGS__)
#define bide_group_close(...) BIDE_NOTED_(bide_group_close, __VA_ARGS__)
#define bide_group_cancel(...) BIDE_NOTED_(bide_group_cancel, __VA_ARGS__)
#define bide_group_context(...) BIDE_NOTED_(bide_group_context, __VA_ARGS__)
#define bide_group_wait(...) BIDE_NOTED_(bide_group_wait, __VA_ARGS__)

/* Tasks and sources. */
#define bide_task_ref(...) BIDE_NOTED_(bide_task_ref, __VA_ARGS__)
#define bide_task_unref(...) BIDE_NOTED_(bide_task_unref, __VA_ARGS__)
#define bide_task_status(...) BIDE_NOTED_(bide_task_status, __VA_ARGS__)
#define bide_task_error(...) BIDE_NOTED_(bide_task_error, __VA_ARGS__)
#define bide_task_result(...) BIDE_NOTED_(bide_task_result, __VA_ARGS__)
#define bide_task_trace(...) BIDE_NOTED_(bide_task_trace, __VA_ARGS__)
#define bide_task_await_take(...) BIDE_NOTED_(bide_task_await_take, __VA_ARGS__)
#define bide_task_await_for(...) BIDE_NOTED_(bide_task_await_for, __VA_ARGS__)
#define bide_task_create(...) BIDE_NOTED_(bide_task_create, __VA_ARGS__)
#define bide_task_complete(...) BIDE_NOTED_(bide_task_complete, __VA_ARGS__)
#define bide_task_complete_int(...) BIDE_NOTED_(bide_task_complete_int, __VA_ARGS__)
#define bide_task_complete_double(...) BIDE_NOTED_(bide_task_complete_double, __VA_ARGS__)
#define bide_task_complete_pointer(...) BIDE_NOTED_(bide_task_complete_pointer, __VA_ARGS__)
#define bide_task_complete_from(...) BIDE_NOTED_(bide_task_complete_from, __VA_ARGS__)
#define bide_task_cancel(...) BIDE_NOTED_(bide_task_cancel, __VA_ARGS__)
#define bide_task_try_complete(...) BIDE_NOTED_(bide_task_try_complete, __VA_ARGS__)
#define bide_task_try_complete_from(...) BIDE_NOTED_(bide_task_try_complete_from, __VA_ARGS__)
#define bide_task_try_cancel(...) BIDE_NOTED_(bide_task_try_cancel, __VA_ARGS__)
#define bide_task_continue_with(...) BIDE_NOTED_(bide_task_continue_with, __VA_ARGS__)
#define bide_task_unwrap(...) BIDE_NOTED_(bide_task_unwrap, __VA_ARGS__)
#define bide_task_run(...) BIDE_NOTED_(bide_task_run, __VA_ARGS__)
#define bide_task_wait(...) BIDE_NOTED_(bide_task_wait, __VA_ARGS__)
#define bide_task_wait_for(...) BIDE_NOTED_(bide_task_wait_for, __VA_ARGS__)
#define bide_value_task_error(...) BIDE_NOTED_(bide_value_task_error, __VA_ARGS__)
#define bide_value_task_result(...) BIDE_NOTED_(bide_value_task_result, __VA_ARGS__)
#define bide_value_task_trace(...) BIDE_NOTED_(bide_value_task_trace, __VA_ARGS__)
#define bide_user_source_init(...) BIDE_NOTED_(bide_user_source_init, __VA_ARGS__)
#define bide_user_source_init_local(...) BIDE_NOTED_(bide_user_source_init_local, __VA_ARGS__)
#define bide_user_source_value_task(...) BIDE_NOTED_(bide_user_source_value_task, __VA_ARGS__)
#define bide_user_source_complete(...) BIDE_NOTED_(bide_user_source_complete, __VA_ARGS__)
#define bide_user_source_complete_int(...) BIDE_NOTED_(bide_user_source_complete_int, __VA_ARGS__)
#define bide_user_source_complete_double(...) \
	BIDE_NOTED_(bide_user_source_complete_double, __VA_ARGS__)
#define bide_user_source_complete_pointer(...) \
	BIDE_NOTED_(bide_user_source_complete_pointer, __VA_ARGS__)
#define bide_user_source_cancel(...) BIDE_NOTED_(bide_user_source_cancel, __VA_ARGS__)
#define bide_user_source_try_cancel(...) BIDE_NOTED_(bide_user_source_try_cancel, __VA_ARGS__)
#define bide_user_source_try_complete(...) BIDE_NOTED_(bide_user_source_try_complete, __VA_ARGS__)
#define bide_user_source_reset(...) BIDE_NOTED_(bide_user_source_reset, __VA_ARGS__)

/* Combinators, loops. */
#define bide_when_all(...) BIDE_NOTED_(bide_when_all, __VA_ARGS__)
#define bide_when_all_tasks(...) BIDE_NOTED_(bide_when_all_tasks, __VA_ARGS__)
#define bide_when_any(...) BIDE_NOTED_(bide_when_any, __VA_ARGS__)
#define bide_when_any_tasks(...) BIDE_NOTED_(bide_when_any_tasks, __VA_ARGS__)
#define bide_when_each_init(...) BIDE_NOTED_(bide_when_each_init, __VA_ARGS__)
#define bide_when_each_next(...) BIDE_NOTED_(bide_when_each_next, __VA_ARGS__)
#define bide_when_each_end(...) BIDE_NOTED_(bide_when_each_end, __VA_ARGS__)
#define bide_for_each_of(...) BIDE_NOTED_(bide_for_each_of, __VA_ARGS__)

/* Waiting together. */
#define bide_hold_release(...) BIDE_NOTED_(bide_hold_release, __VA_ARGS__)
#define bide_hold_use_up(...) BIDE_NOTED_(bide_hold_use_up, __VA_ARGS__)
#define bide_limiter_init(...) BIDE_NOTED_(bide_limiter_init, __VA_ARGS__)
#define bide_limiter_acquire(...) BIDE_NOTED_(bide_limiter_acquire, __VA_ARGS__)
#define bide_limiter_try_acquire(...) BIDE_NOTED_(bide_limiter_try_acquire, __VA_ARGS__)
#define bide_mutex_init(...) BIDE_NOTED_(bide_mutex_init, __VA_ARGS__)
#define bide_mutex_hold(...) BIDE_NOTED_(bide_mutex_hold, __VA_ARGS__)
#define bide_mutex_try_hold(...) BIDE_NOTED_(bide_mutex_try_hold, __VA_ARGS__)
#define bide_mutex_end(...) BIDE_NOTED_(bide_mutex_end, __VA_ARGS__)
#define bide_mutex_hold_for(...) BIDE_NOTED_(bide_mutex_hold_for, __VA_ARGS__)
#define bide_semaphore_hold_for(...) BIDE_NOTED_(bide_semaphore_hold_for, __VA_ARGS__)
#define bide_event_init(...) BIDE_NOTED_(bide_event_init, __VA_ARGS__)
#define bide_event_init_auto(...) BIDE_NOTED_(bide_event_init_auto, __VA_ARGS__)
#define bide_event_set(...) BIDE_NOTED_(bide_event_set, __VA_ARGS__)
#define bide_event_reset(...) BIDE_NOTED_(bide_event_reset, __VA_ARGS__)
#define bide_event_is_set(...) BIDE_NOTED_(bide_event_is_set, __VA_ARGS__)
#define bide_event_wait(...) BIDE_NOTED_(bide_event_wait, __VA_ARGS__)
#define bide_event_wait_for(...) BIDE_NOTED_(bide_event_wait_for, __VA_ARGS__)
#define bide_event_end(...) BIDE_NOTED_(bide_event_end, __VA_ARGS__)
#define bide_semaphore_init(...) BIDE_NOTED_(bide_semaphore_init, __VA_ARGS__)
#define bide_semaphore_hold(...) BIDE_NOTED_(bide_semaphore_hold, __VA_ARGS__)
#define bide_semaphore_try_hold(...) BIDE_NOTED_(bide_semaphore_try_hold, __VA_ARGS__)
#define bide_semaphore_add(...) BIDE_NOTED_(bide_semaphore_add, __VA_ARGS__)
#define bide_semaphore_count(...) BIDE_NOTED_(bide_semaphore_count, __VA_ARGS__)
#define bide_semaphore_end(...) BIDE_NOTED_(bide_semaphore_end, __VA_ARGS__)
/* Watches. */
#define bide_watch_create(...) BIDE_NOTED_(bide_watch_create, __VA_ARGS__)
#define bide_watch_ref(...) BIDE_NOTED_(bide_watch_ref, __VA_ARGS__)
#define bide_watch_unref(...) BIDE_NOTED_(bide_watch_unref, __VA_ARGS__)
#define bide_watch_get(...) BIDE_NOTED_(bide_watch_get, __VA_ARGS__)
#define bide_watch_changed(...) BIDE_NOTED_(bide_watch_changed, __VA_ARGS__)
#define bide_watch_close(...) BIDE_NOTED_(bide_watch_close, __VA_ARGS__)

/* Channels. */
#define bide_channel_create(...) BIDE_NOTED_(bide_channel_create, __VA_ARGS__)
#define bide_channel_ref(...) BIDE_NOTED_(bide_channel_ref, __VA_ARGS__)
#define bide_channel_unref(...) BIDE_NOTED_(bide_channel_unref, __VA_ARGS__)
#define bide_channel_write_many(...) BIDE_NOTED_(bide_channel_write_many, __VA_ARGS__)
#define bide_channel_try_write_many(...) BIDE_NOTED_(bide_channel_try_write_many, __VA_ARGS__)
#define bide_channel_read(...) BIDE_NOTED_(bide_channel_read, __VA_ARGS__)
#define bide_select(...) BIDE_NOTED_(bide_select, __VA_ARGS__)
#define bide_channel_try_read(...) BIDE_NOTED_(bide_channel_try_read, __VA_ARGS__)
#define bide_channel_read_many(...) BIDE_NOTED_(bide_channel_read_many, __VA_ARGS__)
#define bide_channel_try_read_many(...) BIDE_NOTED_(bide_channel_try_read_many, __VA_ARGS__)
#define bide_channel_close(...) BIDE_NOTED_(bide_channel_close, __VA_ARGS__)
#define bide_channel_wait_closed(...) BIDE_NOTED_(bide_channel_wait_closed, __VA_ARGS__)
#define bide_channel_count(...) BIDE_NOTED_(bide_channel_count, __VA_ARGS__)

/* The runtime. */
#define bide_allocator_set(...) BIDE_NOTED_(bide_allocator_set, __VA_ARGS__)
#define bide_config_get(...) BIDE_NOTED_(bide_config_get, __VA_ARGS__)
#define bide_stats_get(...) BIDE_NOTED_(bide_stats_get, __VA_ARGS__)
#define bide_io_stats_get(...) BIDE_NOTED_(bide_io_stats_get, __VA_ARGS__)
#define bide_trace_read(...) BIDE_NOTED_(bide_trace_read, __VA_ARGS__)
#define bide_trace_format(...) BIDE_NOTED_(bide_trace_format, __VA_ARGS__)
#define bide_run_blocking(...) BIDE_NOTED_(bide_run_blocking, __VA_ARGS__)
#define bide_run_on_new_thread(...) BIDE_NOTED_(bide_run_on_new_thread, __VA_ARGS__)
#define bide_retry(...) BIDE_NOTED_(bide_retry, __VA_ARGS__)
#define bide_run_ready(...) BIDE_NOTED_(bide_run_ready, __VA_ARGS__)
#define bide_shutdown(...) BIDE_NOTED_(bide_shutdown, __VA_ARGS__)
#define bide_simulation_random(...) BIDE_NOTED_(bide_simulation_random, __VA_ARGS__)
#define bide_periodic_timer_create(...) BIDE_NOTED_(bide_periodic_timer_create, __VA_ARGS__)
#define bide_periodic_timer_set_period(...) BIDE_NOTED_(bide_periodic_timer_set_period, __VA_ARGS__)
#define bide_periodic_timer_next(...) BIDE_NOTED_(bide_periodic_timer_next, __VA_ARGS__)
#define bide_periodic_timer_stop(...) BIDE_NOTED_(bide_periodic_timer_stop, __VA_ARGS__)
#define bide_periodic_timer_destroy(...) BIDE_NOTED_(bide_periodic_timer_destroy, __VA_ARGS__)

/* Addresses. */
#define bide_address_parse(...) BIDE_NOTED_(bide_address_parse, __VA_ARGS__)
#define bide_address_text(...) BIDE_NOTED_(bide_address_text, __VA_ARGS__)
#define bide_address_from_sockaddr(...) BIDE_NOTED_(bide_address_from_sockaddr, __VA_ARGS__)
#define bide_address_sockaddr(...) BIDE_NOTED_(bide_address_sockaddr, __VA_ARGS__)
#define bide_address_family(...) BIDE_NOTED_(bide_address_family, __VA_ARGS__)
#define bide_address_port(...) BIDE_NOTED_(bide_address_port, __VA_ARGS__)
#define bide_address_set_port(...) BIDE_NOTED_(bide_address_set_port, __VA_ARGS__)
#define bide_address_equal(...) BIDE_NOTED_(bide_address_equal, __VA_ARGS__)
#define bide_resolve(...) BIDE_NOTED_(bide_resolve, __VA_ARGS__)
#define bide_addresses_free(...) BIDE_NOTED_(bide_addresses_free, __VA_ARGS__)
#define bide_tcp_listen(...) BIDE_NOTED_(bide_tcp_listen, __VA_ARGS__)
#define bide_tcp_listen_address(...) BIDE_NOTED_(bide_tcp_listen_address, __VA_ARGS__)
#define bide_unix_listen(...) BIDE_NOTED_(bide_unix_listen, __VA_ARGS__)
#define bide_listener_take_fd(...) BIDE_NOTED_(bide_listener_take_fd, __VA_ARGS__)
#define bide_listener_fd(...) BIDE_NOTED_(bide_listener_fd, __VA_ARGS__)
#define bide_listener_address(...) BIDE_NOTED_(bide_listener_address, __VA_ARGS__)
#define bide_listener_abort(...) BIDE_NOTED_(bide_listener_abort, __VA_ARGS__)
#define bide_listener_close(...) BIDE_NOTED_(bide_listener_close, __VA_ARGS__)
#define bide_accept(...) BIDE_NOTED_(bide_accept, __VA_ARGS__)
#define bide_tcp_connect(...) BIDE_NOTED_(bide_tcp_connect, __VA_ARGS__)
#define bide_tcp_connect_address(...) BIDE_NOTED_(bide_tcp_connect_address, __VA_ARGS__)
#define bide_unix_connect(...) BIDE_NOTED_(bide_unix_connect, __VA_ARGS__)
#define bide_stream_peer(...) BIDE_NOTED_(bide_stream_peer, __VA_ARGS__)
#define bide_stream_set_tcp_options(...) BIDE_NOTED_(bide_stream_set_tcp_options, __VA_ARGS__)
#define bide_stream_local(...) BIDE_NOTED_(bide_stream_local, __VA_ARGS__)

/* Streams. */
#define bide_stream_take_fd(...) BIDE_NOTED_(bide_stream_take_fd, __VA_ARGS__)
#define bide_stream_pipe(...) BIDE_NOTED_(bide_stream_pipe, __VA_ARGS__)
#define bide_stream_standard(...) BIDE_NOTED_(bide_stream_standard, __VA_ARGS__)
#define bide_stream_create(...) BIDE_NOTED_(bide_stream_create, __VA_ARGS__)
#define bide_stream_layer(...) BIDE_NOTED_(bide_stream_layer, __VA_ARGS__)
#define bide_stream_object(...) BIDE_NOTED_(bide_stream_object, __VA_ARGS__)
#define bide_stream_abort(...) BIDE_NOTED_(bide_stream_abort, __VA_ARGS__)
#define bide_stream_close(...) BIDE_NOTED_(bide_stream_close, __VA_ARGS__)
#define bide_stream_fd(...) BIDE_NOTED_(bide_stream_fd, __VA_ARGS__)
#define bide_stream_read(...) BIDE_NOTED_(bide_stream_read, __VA_ARGS__)
#define bide_stream_read_vector(...) BIDE_NOTED_(bide_stream_read_vector, __VA_ARGS__)
#define bide_stream_write(...) BIDE_NOTED_(bide_stream_write, __VA_ARGS__)
#define bide_stream_write_vector(...) BIDE_NOTED_(bide_stream_write_vector, __VA_ARGS__)
#define bide_stream_written(...) BIDE_NOTED_(bide_stream_written, __VA_ARGS__)
#define bide_tls_config_create(...) BIDE_NOTED_(bide_tls_config_create, __VA_ARGS__)
#define bide_tls_config_ref(...) BIDE_NOTED_(bide_tls_config_ref, __VA_ARGS__)
#define bide_tls_config_unref(...) BIDE_NOTED_(bide_tls_config_unref, __VA_ARGS__)
#define bide_tls_start_client(...) BIDE_NOTED_(bide_tls_start_client, __VA_ARGS__)
#define bide_tls_start_server(...) BIDE_NOTED_(bide_tls_start_server, __VA_ARGS__)
#define bide_tls_info_get(...) BIDE_NOTED_(bide_tls_info_get, __VA_ARGS__)
#define bide_stream_read_line(...) BIDE_NOTED_(bide_stream_read_line, __VA_ARGS__)
#define bide_stream_read_until(...) BIDE_NOTED_(bide_stream_read_until, __VA_ARGS__)
#define bide_stream_read_exactly(...) BIDE_NOTED_(bide_stream_read_exactly, __VA_ARGS__)
#define bide_stream_peek(...) BIDE_NOTED_(bide_stream_peek, __VA_ARGS__)
#define bide_stream_consume(...) BIDE_NOTED_(bide_stream_consume, __VA_ARGS__)
#define bide_stream_available(...) BIDE_NOTED_(bide_stream_available, __VA_ARGS__)
#define bide_stream_taken(...) BIDE_NOTED_(bide_stream_taken, __VA_ARGS__)
#define bide_stream_put(...) BIDE_NOTED_(bide_stream_put, __VA_ARGS__)
#define bide_stream_print(...) BIDE_NOTED_(bide_stream_print, __VA_ARGS__)
#define bide_stream_flush(...) BIDE_NOTED_(bide_stream_flush, __VA_ARGS__)
#define bide_stream_finish(...) BIDE_NOTED_(bide_stream_finish, __VA_ARGS__)
#define bide_stream_end(...) BIDE_NOTED_(bide_stream_end, __VA_ARGS__)
#define bide_stream_copy(...) BIDE_NOTED_(bide_stream_copy, __VA_ARGS__)
#define bide_stream_set_idle(...) BIDE_NOTED_(bide_stream_set_idle, __VA_ARGS__)
#define bide_stream_set_limits(...) BIDE_NOTED_(bide_stream_set_limits, __VA_ARGS__)
#define bide_stream_split(...) BIDE_NOTED_(bide_stream_split, __VA_ARGS__)
#define bide_fd_wait(...) BIDE_NOTED_(bide_fd_wait, __VA_ARGS__)

/* Files. */
#define bide_file_open(...) BIDE_NOTED_(bide_file_open, __VA_ARGS__)
#define bide_file_take_fd(...) BIDE_NOTED_(bide_file_take_fd, __VA_ARGS__)
#define bide_file_close(...) BIDE_NOTED_(bide_file_close, __VA_ARGS__)
#define bide_file_fd(...) BIDE_NOTED_(bide_file_fd, __VA_ARGS__)
#define bide_file_read_at(...) BIDE_NOTED_(bide_file_read_at, __VA_ARGS__)
#define bide_file_read_vector_at(...) BIDE_NOTED_(bide_file_read_vector_at, __VA_ARGS__)
#define bide_file_write_at(...) BIDE_NOTED_(bide_file_write_at, __VA_ARGS__)
#define bide_file_write_vector_at(...) BIDE_NOTED_(bide_file_write_vector_at, __VA_ARGS__)
#define bide_file_sync(...) BIDE_NOTED_(bide_file_sync, __VA_ARGS__)
#define bide_file_sync_data(...) BIDE_NOTED_(bide_file_sync_data, __VA_ARGS__)
#define bide_file_size(...) BIDE_NOTED_(bide_file_size, __VA_ARGS__)
#define bide_file_resize(...) BIDE_NOTED_(bide_file_resize, __VA_ARGS__)
#define bide_file_stat(...) BIDE_NOTED_(bide_file_stat, __VA_ARGS__)
#define bide_stream_take_file(...) BIDE_NOTED_(bide_stream_take_file, __VA_ARGS__)
#define bide_path_stat(...) BIDE_NOTED_(bide_path_stat, __VA_ARGS__)
#define bide_path_stat_link(...) BIDE_NOTED_(bide_path_stat_link, __VA_ARGS__)
#define bide_path_rename(...) BIDE_NOTED_(bide_path_rename, __VA_ARGS__)
#define bide_path_unlink(...) BIDE_NOTED_(bide_path_unlink, __VA_ARGS__)
#define bide_path_make_directory(...) BIDE_NOTED_(bide_path_make_directory, __VA_ARGS__)
#define bide_path_remove_directory(...) BIDE_NOTED_(bide_path_remove_directory, __VA_ARGS__)
#define bide_path_link(...) BIDE_NOTED_(bide_path_link, __VA_ARGS__)
#define bide_path_symlink(...) BIDE_NOTED_(bide_path_symlink, __VA_ARGS__)
#define bide_path_read_link(...) BIDE_NOTED_(bide_path_read_link, __VA_ARGS__)
#define bide_path_real(...) BIDE_NOTED_(bide_path_real, __VA_ARGS__)
#define bide_path_set_mode(...) BIDE_NOTED_(bide_path_set_mode, __VA_ARGS__)
#define bide_path_set_times(...) BIDE_NOTED_(bide_path_set_times, __VA_ARGS__)
#define bide_directory_open(...) BIDE_NOTED_(bide_directory_open, __VA_ARGS__)
#define bide_directory_next(...) BIDE_NOTED_(bide_directory_next, __VA_ARGS__)
#define bide_directory_close(...) BIDE_NOTED_(bide_directory_close, __VA_ARGS__)
#define bide_file_watch_open(...) BIDE_NOTED_(bide_file_watch_open, __VA_ARGS__)
#define bide_file_watch_add(...) BIDE_NOTED_(bide_file_watch_add, __VA_ARGS__)
#define bide_file_watch_remove(...) BIDE_NOTED_(bide_file_watch_remove, __VA_ARGS__)
#define bide_file_watch_next(...) BIDE_NOTED_(bide_file_watch_next, __VA_ARGS__)
#define bide_file_watch_close(...) BIDE_NOTED_(bide_file_watch_close, __VA_ARGS__)

/* Signals and servers. */
#define bide_serve(...) BIDE_NOTED_(bide_serve, __VA_ARGS__)
#define bide_signals_open(...) BIDE_NOTED_(bide_signals_open, __VA_ARGS__)
#define bide_signals_next(...) BIDE_NOTED_(bide_signals_next, __VA_ARGS__)

/* The simulated network. */
#define bide_simulated_host_add(...) BIDE_NOTED_(bide_simulated_host_add, __VA_ARGS__)
#define bide_simulated_host_address(...) BIDE_NOTED_(bide_simulated_host_address, __VA_ARGS__)
#define bide_simulated_host_crash(...) BIDE_NOTED_(bide_simulated_host_crash, __VA_ARGS__)
#define bide_simulated_host_restart(...) BIDE_NOTED_(bide_simulated_host_restart, __VA_ARGS__)
#define bide_simulated_host_reset(...) BIDE_NOTED_(bide_simulated_host_reset, __VA_ARGS__)
#define bide_simulated_link_set(...) BIDE_NOTED_(bide_simulated_link_set, __VA_ARGS__)
#define bide_simulated_link_cut(...) BIDE_NOTED_(bide_simulated_link_cut, __VA_ARGS__)
#define bide_simulated_link_heal(...) BIDE_NOTED_(bide_simulated_link_heal, __VA_ARGS__)
#define bide_stream_simulate_reset(...) BIDE_NOTED_(bide_stream_simulate_reset, __VA_ARGS__)

/* Datagrams. */
#define bide_udp_open(...) BIDE_NOTED_(bide_udp_open, __VA_ARGS__)
#define bide_udp_take_fd(...) BIDE_NOTED_(bide_udp_take_fd, __VA_ARGS__)
#define bide_udp_fd(...) BIDE_NOTED_(bide_udp_fd, __VA_ARGS__)
#define bide_udp_address(...) BIDE_NOTED_(bide_udp_address, __VA_ARGS__)
#define bide_udp_receive(...) BIDE_NOTED_(bide_udp_receive, __VA_ARGS__)
#define bide_udp_send(...) BIDE_NOTED_(bide_udp_send, __VA_ARGS__)
#define bide_udp_join(...) BIDE_NOTED_(bide_udp_join, __VA_ARGS__)
#define bide_udp_leave(...) BIDE_NOTED_(bide_udp_leave, __VA_ARGS__)
#define bide_udp_set_ttl(...) BIDE_NOTED_(bide_udp_set_ttl, __VA_ARGS__)
#define bide_udp_abort(...) BIDE_NOTED_(bide_udp_abort, __VA_ARGS__)
#define bide_udp_close(...) BIDE_NOTED_(bide_udp_close, __VA_ARGS__)

/* Processes. */
#define bide_process_spawn(...) BIDE_NOTED_(bide_process_spawn, __VA_ARGS__)
#define bide_process_run(...) BIDE_NOTED_(bide_process_run, __VA_ARGS__)
#define bide_process_output_free(...) BIDE_NOTED_(bide_process_output_free, __VA_ARGS__)
#define bide_process_wait(...) BIDE_NOTED_(bide_process_wait, __VA_ARGS__)
#define bide_process_kill(...) BIDE_NOTED_(bide_process_kill, __VA_ARGS__)
#define bide_process_id(...) BIDE_NOTED_(bide_process_id, __VA_ARGS__)
#define bide_process_in(...) BIDE_NOTED_(bide_process_in, __VA_ARGS__)
#define bide_process_out(...) BIDE_NOTED_(bide_process_out, __VA_ARGS__)
#define bide_process_err(...) BIDE_NOTED_(bide_process_err, __VA_ARGS__)
#define bide_process_close_in(...) BIDE_NOTED_(bide_process_close_in, __VA_ARGS__)
#define bide_process_close(...) BIDE_NOTED_(bide_process_close, __VA_ARGS__)

/* Noted in an argument that is a number. */
#define bide_delay(delay_ns) bide_delay(BIDE_NOTED_NUMBER_(bide_delay, (delay_ns)))
#define bide_delay_ms(delay_ms) bide_delay_ms(BIDE_NOTED_NUMBER_(bide_delay_ms, (delay_ms)))
#define bide_delay_until(deadline_ns) \
	bide_delay_until(BIDE_NOTED_NUMBER_(bide_delay_until, (deadline_ns)))
#define bide_drain(timeout_ns) bide_drain(BIDE_NOTED_NUMBER_(bide_drain, (timeout_ns)))
#define bide_for_each(begin, ...) \
	bide_for_each(BIDE_NOTED_NUMBER_(bide_for_each, (begin)), __VA_ARGS__)
#define bide_parallel_for(begin, ...) \
	bide_parallel_for(BIDE_NOTED_NUMBER_(bide_parallel_for, (begin)), __VA_ARGS__)
#define bide_race(scope, items, count) \
	bide_race((scope), (items), BIDE_NOTED_NUMBER_(bide_race, (count)))

#endif
#endif
