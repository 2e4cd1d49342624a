/*
 * short.h - the short names: `x` is `bide_x`, for all functions, macros and types. Include it last.
 *
 * Made by tools/short_names.sh from the other headers: do not edit it.
 *
 * Left out, since the C library or POSIX has the name: accept, fork, select, shutdown, strerror.
 * Left out, since an inlined function would have to be a macro, and the word is a plain one:
 * none.
 * Constants in upper case keep BIDE_: EBROKEN would look like one of the system's. The words of
 * declarations have short forms (ASYNC_FRAME, VALUE_TASK_OF).
 *
 * A function of one plain word (run, delay) notes no place for messages of misuse, as its long name
 * may: it is declared, and no macro, so that `driver->run(x)` stays a call of yours.
 *
 * To do without one: BIDE_NO_SHORT_<name>, defined before the include, leaves out a function or
 * type (#define BIDE_NO_SHORT_run 1); #undef after the include removes a macro (#undef await).
 */
#ifndef BIDE_SHORT_H
#define BIDE_SHORT_H

#ifdef __cplusplus
#error "bide/short.h is C only: in C++ use the bide_ names"
#endif

#include "bide.h"

/* Macros: what is a macro in the other headers, or inlined. */
#define ASYNC_FORK BIDE_ASYNC_FORK
#define ASYNC_FRAME BIDE_ASYNC_FRAME
#define ASYNC_FRAME_FORKING BIDE_ASYNC_FRAME_FORKING
#define ASYNC_FRAME_OWNED BIDE_ASYNC_FRAME_OWNED
#define ASYNC_GENERATOR BIDE_ASYNC_GENERATOR
#define VALUE_TASK_OF BIDE_VALUE_TASK_OF
#define address_equal bide_address_equal
#define address_family bide_address_family
#define address_from_sockaddr bide_address_from_sockaddr
#define address_parse bide_address_parse
#define address_port bide_address_port
#define address_set_port bide_address_set_port
#define address_sockaddr bide_address_sockaddr
#define address_text bide_address_text
#define addresses_free bide_addresses_free
#define allocator_set bide_allocator_set
#define async bide_async
#define async_begin bide_async_begin
#define async_declare bide_async_declare
#define async_emit bide_async_emit
#define async_end bide_async_end
#define async_enter bide_async_enter
#define async_error bide_async_error
#define async_fail bide_async_fail
#define async_finally bide_async_finally
#define async_fork bide_async_fork
#define async_forked bide_async_forked
#define async_generator bide_async_generator
#define async_in bide_async_in
#define async_join bide_async_join
#define async_leave bide_async_leave
#define async_return bide_async_return
#define async_return_large bide_async_return_large
#define async_return_owned bide_async_return_owned
#define async_start bide_async_start
#define async_start_cold bide_async_start_cold
#define async_switch bide_async_switch
#define async_switch_back bide_async_switch_back
#define async_switch_to bide_async_switch_to
#define async_trace bide_async_trace
#define async_yield bide_async_yield
#define await bide_await
#define await_each bide_await_each
#define await_error bide_await_error
#define await_failure bide_await_failure
#define await_large bide_await_large
#define await_or bide_await_or
#define cancel_registration_unregister bide_cancel_registration_unregister
#define cancel_registration_unregister_wait bide_cancel_registration_unregister_wait
#define cancel_source_cancel bide_cancel_source_cancel
#define cancel_source_cancel_after bide_cancel_source_cancel_after
#define cancel_source_cancel_async bide_cancel_source_cancel_async
#define cancel_source_create_linked bide_cancel_source_create_linked
#define cancel_source_is_canceled bide_cancel_source_is_canceled
#define cancel_source_ref bide_cancel_source_ref
#define cancel_source_token bide_cancel_source_token
#define cancel_source_try_reset bide_cancel_source_try_reset
#define cancel_source_unref bide_cancel_source_unref
#define cancel_token_none bide_cancel_token_none
#define cancel_token_register bide_cancel_token_register
#define channel_close bide_channel_close
#define channel_count bide_channel_count
#define channel_create bide_channel_create
#define channel_read bide_channel_read
#define channel_read_many bide_channel_read_many
#define channel_ref bide_channel_ref
#define channel_try_read bide_channel_try_read
#define channel_try_read_many bide_channel_try_read_many
#define channel_try_write bide_channel_try_write
#define channel_try_write_many bide_channel_try_write_many
#define channel_unref bide_channel_unref
#define channel_wait_closed bide_channel_wait_closed
#define channel_write bide_channel_write
#define channel_write_many bide_channel_write_many
#define config_get bide_config_get
#define context_cancel bide_context_cancel
#define context_create bide_context_create
#define context_error bide_context_error
#define context_ref bide_context_ref
#define context_unref bide_context_unref
#define delay_ms bide_delay_ms
#define delay_until bide_delay_until
#define directory_close bide_directory_close
#define directory_next bide_directory_next
#define directory_open bide_directory_open
#define event_end bide_event_end
#define event_init bide_event_init
#define event_init_auto bide_event_init_auto
#define event_is_set bide_event_is_set
#define event_reset bide_event_reset
#define event_set bide_event_set
#define event_try_wait_for bide_event_try_wait_for
#define event_wait bide_event_wait
#define executor_ref bide_executor_ref
#define executor_unref bide_executor_unref
#define fd_wait bide_fd_wait
#define file_close bide_file_close
#define file_content_free bide_file_content_free
#define file_fd bide_file_fd
#define file_open bide_file_open
#define file_read_all bide_file_read_all
#define file_read_at bide_file_read_at
#define file_read_vector_at bide_file_read_vector_at
#define file_replace bide_file_replace
#define file_resize bide_file_resize
#define file_size bide_file_size
#define file_stat bide_file_stat
#define file_sync bide_file_sync
#define file_sync_data bide_file_sync_data
#define file_take_fd bide_file_take_fd
#define file_watch_add bide_file_watch_add
#define file_watch_close bide_file_watch_close
#define file_watch_next bide_file_watch_next
#define file_watch_open bide_file_watch_open
#define file_watch_remove bide_file_watch_remove
#define file_write_at bide_file_write_at
#define file_write_vector_at bide_file_write_vector_at
#define for_each bide_for_each
#define for_each_of bide_for_each_of
#define generator_buffer bide_generator_buffer
#define generator_end bide_generator_end
#define generator_filter bide_generator_filter
#define generator_map bide_generator_map
#define generator_merge bide_generator_merge
#define generator_next bide_generator_next
#define generator_start bide_generator_start
#define generator_take bide_generator_take
#define generator_timeout bide_generator_timeout
#define group_add bide_group_add
#define group_cancel bide_group_cancel
#define group_close bide_group_close
#define group_context bide_group_context
#define group_init bide_group_init
#define group_pending bide_group_pending
#define group_start bide_group_start
#define group_wait bide_group_wait
#define group_wait_reporting bide_group_wait_reporting
#define hold_is_held bide_hold_is_held
#define hold_release bide_hold_release
#define hold_use_up bide_hold_use_up
#define in_context bide_in_context
#define in_detached bide_in_detached
#define io_stats_get bide_io_stats_get
#define limiter_acquire bide_limiter_acquire
#define limiter_init bide_limiter_init
#define limiter_try_acquire bide_limiter_try_acquire
#define listener_abort bide_listener_abort
#define listener_address bide_listener_address
#define listener_close bide_listener_close
#define listener_fd bide_listener_fd
#define listener_take_fd bide_listener_take_fd
#define loop_adopt bide_loop_adopt
#define loop_create bide_loop_create
#define loop_fd bide_loop_fd
#define loop_run bide_loop_run
#define mutex_end bide_mutex_end
#define mutex_hold bide_mutex_hold
#define mutex_init bide_mutex_init
#define mutex_try_hold bide_mutex_try_hold
#define mutex_try_hold_for bide_mutex_try_hold_for
#define on_host bide_on_host
#define parallel_for bide_parallel_for
#define path_link bide_path_link
#define path_make_directory bide_path_make_directory
#define path_read_link bide_path_read_link
#define path_real bide_path_real
#define path_remove_directory bide_path_remove_directory
#define path_rename bide_path_rename
#define path_set_mode bide_path_set_mode
#define path_set_times bide_path_set_times
#define path_stat bide_path_stat
#define path_stat_link bide_path_stat_link
#define path_symlink bide_path_symlink
#define path_unlink bide_path_unlink
#define periodic_timer_create bide_periodic_timer_create
#define periodic_timer_destroy bide_periodic_timer_destroy
#define periodic_timer_next bide_periodic_timer_next
#define periodic_timer_set_period bide_periodic_timer_set_period
#define periodic_timer_stop bide_periodic_timer_stop
#define process_close bide_process_close
#define process_close_in bide_process_close_in
#define process_err bide_process_err
#define process_exit_code bide_process_exit_code
#define process_exit_signal bide_process_exit_signal
#define process_id bide_process_id
#define process_in bide_process_in
#define process_kill bide_process_kill
#define process_out bide_process_out
#define process_output_free bide_process_output_free
#define process_run bide_process_run
#define process_spawn bide_process_spawn
#define process_wait bide_process_wait
#define run_blocking bide_run_blocking
#define run_on_new_thread bide_run_on_new_thread
#define run_ready bide_run_ready
#define select_cancel_token bide_select_cancel_token
#define select_delay bide_select_delay
#define select_event bide_select_event
#define select_mutex bide_select_mutex
#define select_read bide_select_read
#define select_semaphore bide_select_semaphore
#define select_task bide_select_task
#define select_value_task bide_select_value_task
#define select_write bide_select_write
#define semaphore_add bide_semaphore_add
#define semaphore_count bide_semaphore_count
#define semaphore_end bide_semaphore_end
#define semaphore_hold bide_semaphore_hold
#define semaphore_init bide_semaphore_init
#define semaphore_try_hold bide_semaphore_try_hold
#define semaphore_try_hold_for bide_semaphore_try_hold_for
#define signal_wait bide_signal_wait
#define signals_close bide_signals_close
#define signals_next bide_signals_next
#define signals_open bide_signals_open
#define simulated_host_add bide_simulated_host_add
#define simulated_host_address bide_simulated_host_address
#define simulated_host_crash bide_simulated_host_crash
#define simulated_host_reset bide_simulated_host_reset
#define simulated_host_restart bide_simulated_host_restart
#define simulated_link_cut bide_simulated_link_cut
#define simulated_link_heal bide_simulated_link_heal
#define simulated_link_set bide_simulated_link_set
#define simulation_random bide_simulation_random
#define stats_get bide_stats_get
#define strand_create bide_strand_create
#define stream_abort bide_stream_abort
#define stream_available bide_stream_available
#define stream_close bide_stream_close
#define stream_consume bide_stream_consume
#define stream_copy bide_stream_copy
#define stream_create bide_stream_create
#define stream_end bide_stream_end
#define stream_fd bide_stream_fd
#define stream_finish bide_stream_finish
#define stream_flush bide_stream_flush
#define stream_layer bide_stream_layer
#define stream_local bide_stream_local
#define stream_object bide_stream_object
#define stream_peek bide_stream_peek
#define stream_peer bide_stream_peer
#define stream_pipe bide_stream_pipe
#define stream_print bide_stream_print
#define stream_put bide_stream_put
#define stream_read bide_stream_read
#define stream_read_exactly bide_stream_read_exactly
#define stream_read_line bide_stream_read_line
#define stream_read_until bide_stream_read_until
#define stream_read_vector bide_stream_read_vector
#define stream_set_idle bide_stream_set_idle
#define stream_set_limits bide_stream_set_limits
#define stream_set_tcp_options bide_stream_set_tcp_options
#define stream_simulate_reset bide_stream_simulate_reset
#define stream_split bide_stream_split
#define stream_standard bide_stream_standard
#define stream_take_fd bide_stream_take_fd
#define stream_take_file bide_stream_take_file
#define stream_taken bide_stream_taken
#define stream_write bide_stream_write
#define stream_write_vector bide_stream_write_vector
#define stream_written bide_stream_written
#define task_await_for bide_task_await_for
#define task_await_take bide_task_await_take
#define task_cancel bide_task_cancel
#define task_complete bide_task_complete
#define task_complete_double bide_task_complete_double
#define task_complete_from bide_task_complete_from
#define task_complete_int bide_task_complete_int
#define task_complete_pointer bide_task_complete_pointer
#define task_continue_with bide_task_continue_with
#define task_create bide_task_create
#define task_error bide_task_error
#define task_fail bide_task_fail
#define task_from bide_task_from
#define task_from_error bide_task_from_error
#define task_ref bide_task_ref
#define task_result bide_task_result
#define task_run bide_task_run
#define task_status bide_task_status
#define task_trace bide_task_trace
#define task_try_cancel bide_task_try_cancel
#define task_try_complete bide_task_try_complete
#define task_try_complete_from bide_task_try_complete_from
#define task_try_fail bide_task_try_fail
#define task_unref bide_task_unref
#define task_unwrap bide_task_unwrap
#define task_wait bide_task_wait
#define task_wait_for bide_task_wait_for
#define tcp_connect bide_tcp_connect
#define tcp_connect_address bide_tcp_connect_address
#define tcp_listen bide_tcp_listen
#define tcp_listen_address bide_tcp_listen_address
#define tls_config_create bide_tls_config_create
#define tls_config_ref bide_tls_config_ref
#define tls_config_unref bide_tls_config_unref
#define tls_error_text bide_tls_error_text
#define tls_info_get bide_tls_info_get
#define tls_start_client bide_tls_start_client
#define tls_start_server bide_tls_start_server
#define trace_format bide_trace_format
#define trace_read bide_trace_read
#define udp_abort bide_udp_abort
#define udp_address bide_udp_address
#define udp_close bide_udp_close
#define udp_fd bide_udp_fd
#define udp_join bide_udp_join
#define udp_leave bide_udp_leave
#define udp_open bide_udp_open
#define udp_receive bide_udp_receive
#define udp_send bide_udp_send
#define udp_set_ttl bide_udp_set_ttl
#define udp_take_fd bide_udp_take_fd
#define unix_connect bide_unix_connect
#define unix_listen bide_unix_listen
#define until_signal bide_until_signal
#define user_source_cancel bide_user_source_cancel
#define user_source_complete bide_user_source_complete
#define user_source_complete_double bide_user_source_complete_double
#define user_source_complete_int bide_user_source_complete_int
#define user_source_complete_pointer bide_user_source_complete_pointer
#define user_source_fail bide_user_source_fail
#define user_source_init bide_user_source_init
#define user_source_init_local bide_user_source_init_local
#define user_source_reset bide_user_source_reset
#define user_source_try_cancel bide_user_source_try_cancel
#define user_source_try_complete bide_user_source_try_complete
#define user_source_try_fail bide_user_source_try_fail
#define user_source_value_task bide_user_source_value_task
#define value_task_as_task bide_value_task_as_task
#define value_task_await_for bide_value_task_await_for
#define value_task_completed bide_value_task_completed
#define value_task_equal bide_value_task_equal
#define value_task_error bide_value_task_error
#define value_task_forget bide_value_task_forget
#define value_task_from bide_value_task_from
#define value_task_from_double bide_value_task_from_double
#define value_task_from_error bide_value_task_from_error
#define value_task_from_int bide_value_task_from_int
#define value_task_from_pointer bide_value_task_from_pointer
#define value_task_is_canceled bide_value_task_is_canceled
#define value_task_is_failed bide_value_task_is_failed
#define value_task_is_ready bide_value_task_is_ready
#define value_task_is_successful bide_value_task_is_successful
#define value_task_on_completed bide_value_task_on_completed
#define value_task_result bide_value_task_result
#define value_task_status bide_value_task_status
#define value_task_take bide_value_task_take
#define value_task_trace bide_value_task_trace
#define value_task_wait bide_value_task_wait
#define value_task_wait_for bide_value_task_wait_for
#define watch_changed bide_watch_changed
#define watch_close bide_watch_close
#define watch_create bide_watch_create
#define watch_get bide_watch_get
#define watch_ref bide_watch_ref
#define watch_set bide_watch_set
#define watch_unref bide_watch_unref
#define when_all bide_when_all
#define when_all_tasks bide_when_all_tasks
#define when_any bide_when_any
#define when_any_tasks bide_when_any_tasks
#define when_each_end bide_when_each_end
#define when_each_init bide_when_each_init
#define when_each_next bide_when_each_next
#define with_executor bide_with_executor
#define with_timeout bide_with_timeout
#define with_timeout_ms bide_with_timeout_ms
#define with_token bide_with_token

/*
 * Functions and types are declared, so the words stay free for members, tags and labels. gcc
 * regards what follows as a header of the system: with -Wshadow it would warn of each local
 * variable that is called `group` or `status`.
 */
#pragma GCC system_header
#define BIDE_SHORT_(name) extern __typeof__(bide_##name) name __asm__("bide_" #name)

#ifndef BIDE_NO_SHORT_cancel_source_create
BIDE_SHORT_(cancel_source_create) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_cancel_token_can_be_canceled
BIDE_SHORT_(cancel_token_can_be_canceled);
#endif
#ifndef BIDE_NO_SHORT_cancel_token_is_canceled
BIDE_SHORT_(cancel_token_is_canceled);
#endif
#ifndef BIDE_NO_SHORT_configure
BIDE_SHORT_(configure) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_context_current
BIDE_SHORT_(context_current);
#endif
#ifndef BIDE_NO_SHORT_context_current_error
BIDE_SHORT_(context_current_error);
#endif
#ifndef BIDE_NO_SHORT_context_deadline_ns
BIDE_SHORT_(context_deadline_ns);
#endif
#ifndef BIDE_NO_SHORT_context_get
BIDE_SHORT_(context_get);
#endif
#ifndef BIDE_NO_SHORT_cpu_count
BIDE_SHORT_(cpu_count);
#endif
#ifndef BIDE_NO_SHORT_delay
BIDE_SHORT_(delay) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_drain
BIDE_SHORT_(drain);
#endif
#ifndef BIDE_NO_SHORT_dump
BIDE_SHORT_(dump);
#endif
#ifndef BIDE_NO_SHORT_executor_current
BIDE_SHORT_(executor_current);
#endif
#ifndef BIDE_NO_SHORT_executor_workers
BIDE_SHORT_(executor_workers);
#endif
#ifndef BIDE_NO_SHORT_io_engine_reason
BIDE_SHORT_(io_engine_reason);
#endif
#ifndef BIDE_NO_SHORT_io_engine_used
BIDE_SHORT_(io_engine_used);
#endif
#ifndef BIDE_NO_SHORT_misuse_hook_set
BIDE_SHORT_(misuse_hook_set);
#endif
#ifndef BIDE_NO_SHORT_now_ns
BIDE_SHORT_(now_ns);
#endif
#ifndef BIDE_NO_SHORT_race
BIDE_SHORT_(race) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_report_hook_set
BIDE_SHORT_(report_hook_set);
#endif
#ifndef BIDE_NO_SHORT_resolve
BIDE_SHORT_(resolve) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_retry
BIDE_SHORT_(retry) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_run
BIDE_SHORT_(run) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_serve
BIDE_SHORT_(serve) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_simulation_hash
BIDE_SHORT_(simulation_hash);
#endif
#ifndef BIDE_NO_SHORT_task_await
BIDE_SHORT_(task_await) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_task_completed
BIDE_SHORT_(task_completed) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_task_from_double
BIDE_SHORT_(task_from_double) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_task_from_int
BIDE_SHORT_(task_from_int) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_task_from_pointer
BIDE_SHORT_(task_from_pointer) BIDE_USE_RESULT;
#endif
#ifndef BIDE_NO_SHORT_task_is_canceled
BIDE_SHORT_(task_is_canceled);
#endif
#ifndef BIDE_NO_SHORT_task_is_failed
BIDE_SHORT_(task_is_failed);
#endif
#ifndef BIDE_NO_SHORT_task_is_ready
BIDE_SHORT_(task_is_ready);
#endif
#ifndef BIDE_NO_SHORT_task_is_successful
BIDE_SHORT_(task_is_successful);
#endif
#ifndef BIDE_NO_SHORT_trace_of_wait
BIDE_SHORT_(trace_of_wait);
#endif
#ifndef BIDE_NO_SHORT_unobserved_hook_set
BIDE_SHORT_(unobserved_hook_set);
#endif
#ifndef BIDE_NO_SHORT_version
BIDE_SHORT_(version);
#endif
#ifndef BIDE_NO_SHORT_worker_count
BIDE_SHORT_(worker_count);
#endif
#ifndef BIDE_NO_SHORT_address
typedef bide_address address;
#endif
#ifndef BIDE_NO_SHORT_address_fault
typedef bide_address_fault address_fault;
#endif
#ifndef BIDE_NO_SHORT_addresses
typedef bide_addresses addresses;
#endif
#ifndef BIDE_NO_SHORT_allocator
typedef bide_allocator allocator;
#endif
#ifndef BIDE_NO_SHORT_blocking_function
typedef bide_blocking_function blocking_function;
#endif
#ifndef BIDE_NO_SHORT_cancel_callback
typedef bide_cancel_callback cancel_callback;
#endif
#ifndef BIDE_NO_SHORT_cancel_registration
typedef bide_cancel_registration cancel_registration;
#endif
#ifndef BIDE_NO_SHORT_cancel_source
typedef bide_cancel_source cancel_source;
#endif
#ifndef BIDE_NO_SHORT_cancel_token
typedef bide_cancel_token cancel_token;
#endif
#ifndef BIDE_NO_SHORT_channel
typedef bide_channel channel;
#endif
#ifndef BIDE_NO_SHORT_channel_dropped
typedef bide_channel_dropped channel_dropped;
#endif
#ifndef BIDE_NO_SHORT_channel_full
typedef bide_channel_full channel_full;
#endif
#ifndef BIDE_NO_SHORT_channel_options
typedef bide_channel_options channel_options;
#endif
#ifndef BIDE_NO_SHORT_completed_function
typedef bide_completed_function completed_function;
#endif
#ifndef BIDE_NO_SHORT_config
typedef bide_config config;
#endif
#ifndef BIDE_NO_SHORT_context
typedef bide_context context;
#endif
#ifndef BIDE_NO_SHORT_context_options
typedef bide_context_options context_options;
#endif
#ifndef BIDE_NO_SHORT_continuation
typedef bide_continuation continuation;
#endif
#ifndef BIDE_NO_SHORT_continue_options
typedef bide_continue_options continue_options;
#endif
#ifndef BIDE_NO_SHORT_datagram
typedef bide_datagram datagram;
#endif
#ifndef BIDE_NO_SHORT_directory
typedef bide_directory directory;
#endif
#ifndef BIDE_NO_SHORT_directory_entry
typedef bide_directory_entry directory_entry;
#endif
#ifndef BIDE_NO_SHORT_each_body
typedef bide_each_body each_body;
#endif
#ifndef BIDE_NO_SHORT_each_item_body
typedef bide_each_item_body each_item_body;
#endif
#ifndef BIDE_NO_SHORT_event
typedef bide_event event;
#endif
#ifndef BIDE_NO_SHORT_executor
typedef bide_executor executor;
#endif
#ifndef BIDE_NO_SHORT_file
typedef bide_file file;
#endif
#ifndef BIDE_NO_SHORT_file_content
typedef bide_file_content file_content;
#endif
#ifndef BIDE_NO_SHORT_file_replace_options
typedef bide_file_replace_options file_replace_options;
#endif
#ifndef BIDE_NO_SHORT_file_watch
typedef bide_file_watch file_watch;
#endif
#ifndef BIDE_NO_SHORT_file_watch_event
typedef bide_file_watch_event file_watch_event;
#endif
#ifndef BIDE_NO_SHORT_file_watch_what
typedef bide_file_watch_what file_watch_what;
#endif
#ifndef BIDE_NO_SHORT_generator
typedef bide_generator generator;
#endif
#ifndef BIDE_NO_SHORT_generator_function
typedef bide_generator_function generator_function;
#endif
#ifndef BIDE_NO_SHORT_group
typedef bide_group group;
#endif
#ifndef BIDE_NO_SHORT_group_options
typedef bide_group_options group_options;
#endif
#ifndef BIDE_NO_SHORT_hold
typedef bide_hold hold;
#endif
#ifndef BIDE_NO_SHORT_io_engine
typedef bide_io_engine io_engine;
#endif
#ifndef BIDE_NO_SHORT_io_stats
typedef bide_io_stats io_stats;
#endif
#ifndef BIDE_NO_SHORT_limiter
typedef bide_limiter limiter;
#endif
#ifndef BIDE_NO_SHORT_listener
typedef bide_listener listener;
#endif
#ifndef BIDE_NO_SHORT_misuse_hook
typedef bide_misuse_hook misuse_hook;
#endif
#ifndef BIDE_NO_SHORT_mutex
typedef bide_mutex mutex;
#endif
#ifndef BIDE_NO_SHORT_next_function
typedef bide_next_function next_function;
#endif
#ifndef BIDE_NO_SHORT_parallel_body
typedef bide_parallel_body parallel_body;
#endif
#ifndef BIDE_NO_SHORT_parallel_options
typedef bide_parallel_options parallel_options;
#endif
#ifndef BIDE_NO_SHORT_payload
typedef bide_payload payload;
#endif
#ifndef BIDE_NO_SHORT_periodic_timer
typedef bide_periodic_timer periodic_timer;
#endif
#ifndef BIDE_NO_SHORT_process
typedef bide_process process;
#endif
#ifndef BIDE_NO_SHORT_process_io
typedef bide_process_io process_io;
#endif
#ifndef BIDE_NO_SHORT_process_options
typedef bide_process_options process_options;
#endif
#ifndef BIDE_NO_SHORT_process_output
typedef bide_process_output process_output;
#endif
#ifndef BIDE_NO_SHORT_process_step
typedef bide_process_step process_step;
#endif
#ifndef BIDE_NO_SHORT_report_hook
typedef bide_report_hook report_hook;
#endif
#ifndef BIDE_NO_SHORT_retry_options
typedef bide_retry_options retry_options;
#endif
#ifndef BIDE_NO_SHORT_run_function
typedef bide_run_function run_function;
#endif
#ifndef BIDE_NO_SHORT_select_case
typedef bide_select_case select_case;
#endif
#ifndef BIDE_NO_SHORT_semaphore
typedef bide_semaphore semaphore;
#endif
#ifndef BIDE_NO_SHORT_serve_function
typedef bide_serve_function serve_function;
#endif
#ifndef BIDE_NO_SHORT_serve_options
typedef bide_serve_options serve_options;
#endif
#ifndef BIDE_NO_SHORT_signals
typedef bide_signals signals;
#endif
#ifndef BIDE_NO_SHORT_simulated_link
typedef bide_simulated_link simulated_link;
#endif
#ifndef BIDE_NO_SHORT_source
typedef bide_source source;
#endif
#ifndef BIDE_NO_SHORT_source_operations
typedef bide_source_operations source_operations;
#endif
#ifndef BIDE_NO_SHORT_stats
typedef bide_stats stats;
#endif
#ifndef BIDE_NO_SHORT_status
typedef bide_status status;
#endif
#ifndef BIDE_NO_SHORT_stream
typedef bide_stream stream;
#endif
#ifndef BIDE_NO_SHORT_stream_type
typedef bide_stream_type stream_type;
#endif
#ifndef BIDE_NO_SHORT_task
typedef bide_task task;
#endif
#ifndef BIDE_NO_SHORT_task_options
typedef bide_task_options task_options;
#endif
#ifndef BIDE_NO_SHORT_tcp_options
typedef bide_tcp_options tcp_options;
#endif
#ifndef BIDE_NO_SHORT_tls_client_certificate
typedef bide_tls_client_certificate tls_client_certificate;
#endif
#ifndef BIDE_NO_SHORT_tls_config
typedef bide_tls_config tls_config;
#endif
#ifndef BIDE_NO_SHORT_tls_identity
typedef bide_tls_identity tls_identity;
#endif
#ifndef BIDE_NO_SHORT_tls_info
typedef bide_tls_info tls_info;
#endif
#ifndef BIDE_NO_SHORT_tls_options
typedef bide_tls_options tls_options;
#endif
#ifndef BIDE_NO_SHORT_tls_version
typedef bide_tls_version tls_version;
#endif
#ifndef BIDE_NO_SHORT_trace
typedef bide_trace trace;
#endif
#ifndef BIDE_NO_SHORT_trace_entry
typedef bide_trace_entry trace_entry;
#endif
#ifndef BIDE_NO_SHORT_udp
typedef bide_udp udp;
#endif
#ifndef BIDE_NO_SHORT_udp_options
typedef bide_udp_options udp_options;
#endif
#ifndef BIDE_NO_SHORT_unix_options
typedef bide_unix_options unix_options;
#endif
#ifndef BIDE_NO_SHORT_unobserved_hook
typedef bide_unobserved_hook unobserved_hook;
#endif
#ifndef BIDE_NO_SHORT_user_source
typedef bide_user_source user_source;
#endif
#ifndef BIDE_NO_SHORT_value_task
typedef bide_value_task value_task;
#endif
#ifndef BIDE_NO_SHORT_watch
typedef bide_watch watch;
#endif
#ifndef BIDE_NO_SHORT_when_each
typedef bide_when_each when_each;
#endif

#undef BIDE_SHORT_

#endif
