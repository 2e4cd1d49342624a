/* The calls on the right of docs/guide/from-csharp.md, as they are written there. */
#include <bide/short.h>
#include <errno.h>

value_task f(void);
value_task bodies(void *argument);
value_task each(int64_t index, void *argument);
value_task each_item(payload item, void *argument);
value_task after(task *ended, void *argument);
int part(int64_t begin, int64_t end, void *argument);
void called(void *argument);
void use(int64_t number);

struct rows {
	ASYNC_FRAME;
	struct {
		task *t, *other;
		executor *executor;
		context *scope;
		cancel_source *s;
		cancel_token token;
	} in;
	value_task items[2];
	when_each each;
	group group;
	cancel_registration registration;
	user_source source;
	periodic_timer *timer;
	task *made;
	int64_t x, i, first;
	int y;
};

async(rows)
{
	async_in(t, other, executor, scope, s, token);
	await(f());
	await(my->x, f());
	await_or(my->x, f(), my->y = await_error);
	await_or(my->x, f(), async_return(await_failure));
	value_task_forget(f());
	await(async_yield());
	await(my->x, value_task_await_for(f(), BIDE_SECONDS(1)));
	await(my->x, t);
	await(my->x, task_await_for(t, BIDE_MS(5)));
	await(my->x, with_token(token, task_await(t)));
	my->made = task_continue_with(t, after, NULL, NULL);
	await(when_all(my->items, 2));
	await(when_all_tasks(&my->made, 1));
	await(my->first, when_any(my->items, 2));
	await(my->first, race(scope, my->items, 2));
	my->y = when_each_init(&my->each, my->items, 2);
	await(my->i, when_each_next(&my->each));
	await(parallel_for(0, 2, part, NULL, NULL));
	await(for_each(0, 2, each, NULL, &(parallel_options){ .limit = BIDE_UNLIMITED }));
	await(for_each_of(bodies, each_item, NULL, NULL));
	my->y = group_init(&my->group, NULL);
	group_start(&my->group, f());
	await(group_wait(&my->group));
	await(run(bodies, NULL));
	await(run_blocking(bodies, NULL));
	await(run_on_new_thread(bodies, NULL));
	await(delay_ms(1000));
	await(delay(BIDE_SECONDS(1)));
	my->timer = periodic_timer_create(BIDE_SECONDS(1));
	await(periodic_timer_next(my->timer));
	await(cancel_source_cancel_async(s));
	await(with_token(token, f()));
	await(with_timeout(BIDE_FOREVER, f()));
	await(with_timeout_ms(5, f()));
	await(with_executor(executor, f()));
	await(in_context(context_ref(context_current()), f()));
	await(in_detached(f()));
	async_switch_to(executor);
	async_switch_back;
	cancel_token_register(token, &my->registration, called, NULL);
	cancel_registration_unregister(&my->registration);
	cancel_registration_unregister_wait(&my->registration);
	user_source_init(&my->source, NULL);
	my->items[0] = user_source_value_task(&my->source);
	user_source_complete(&my->source, (payload){ .i = 1 });
	await(my->items[0]);
	user_source_reset(&my->source);
	my->items[0] = user_source_value_task(&my->source);
	user_source_fail(&my->source, EIO);
	await(my->items[0]);
	task_complete_int(t, 1);
	task_complete_double(t, 1);
	task_complete_pointer(t, my);
	task_complete(t, (payload){ .i = 1 });
	task_complete_from(t, other);
	task_fail(t, EIO);
	task_cancel(t);
	my->y = task_try_complete(t, (payload){ .i = 1 }) + task_try_fail(t, EIO) + task_try_cancel(t) +
	        task_try_complete_from(t, other);
	if (context_current_error())
		async_fail(context_current_error());
	async_return(f());
async_finally : {
	char text[100];

	use((int64_t)trace_format(async_trace, text, sizeof text));
	use(async_error);
}
	async_end;
}

void questions(task *t, value_task v, cancel_source *s, cancel_token token);

void questions(task *t, value_task v, cancel_source *s, cancel_token token)
{
	payload result;
	stats stats;

	use(value_task_is_ready(v) + value_task_is_successful(v) + value_task_is_failed(v) +
	    value_task_is_canceled(v) + value_task_error(v) + value_task_equal(v, v));
	use((int64_t)value_task_trace(v) + (int64_t)task_trace(t) + (int64_t)trace_of_wait());
	use(value_task_result(v).i + task_result(t).i + task_error(t) + task_status(t));
	use(task_is_ready(t) + task_is_successful(t) + task_is_failed(t) + task_is_canceled(t));
	use(value_task_take(v, &result) + value_task_on_completed(v, called, NULL));
	use(value_task_wait(v, &result) + value_task_wait_for(v, &result, BIDE_MS(5)));
	use(task_wait(t, &result) + task_wait_for(t, &result, BIDE_MS(5)));
	use(cancel_source_cancel(s) + cancel_source_cancel_after(s, BIDE_MS(5)));
	use(cancel_source_try_reset(s) + cancel_source_is_canceled(s));
	use(cancel_token_is_canceled(token) + cancel_token_can_be_canceled(token));
	use(drain(BIDE_SECONDS(1)) + (int64_t)dump(NULL, NULL) + now_ns());
	stats_get(&stats);
	unobserved_hook_set(NULL, NULL);
	cancel_source_unref(s);
	task_unref(task_ref(t));
}

value_task made(int x);

value_task made(int x)
{
	task *t = task_from(x), *failed = task_from_error(ECANCELED), *done = task_completed(),
		 *running = task_run(bodies, NULL), *pending = task_create(NULL);
	cancel_token tokens[1] = { cancel_token_none() };
	cancel_source *source = cancel_source_create(),
				  *linked = cancel_source_create_linked(tokens, 1);

	tokens[0] = cancel_source_token(source);
	questions(t, value_task_from(x), source, tokens[0]);
	questions(task_unwrap(failed), value_task_from_error(ECANCELED), linked, tokens[0]);
	questions(done, value_task_completed(), source, tokens[0]);
	questions(running, async_start_cold(rows), source, tokens[0]);
	questions(pending, task_await(value_task_as_task(async_start(rows))), source, tokens[0]);
	return async_start(rows);
}
