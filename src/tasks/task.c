/*
 * task.c - shared results.
 *
 * A task is a source whose generation has become a count of references and whose word holds a list
 * of subscriptions: one pooled object for each await of a pending task, so that every await has one
 * source of its own and can be taken out again (a task raced a million times does not grow).
 * bide_value_task_as_task turns the very frame that is pending into a task.
 *
 * The word of a task: SHARED with the newest subscription; LOCKED while a thread changes the list
 * (a few instructions); DONE for good. The thread that replaces SHARED by DONE owns the list.
 * Result and error are stored before (release) and read after DONE was seen (acquire).
 */
#include "tasks/task.h"

#include "tasks/task_list.h"

typedef bide_subscription_ subscription;

/*
 * One that a cancellation or a deadline may end. Its parties: the task's list, the node, the alarm,
 * and the registering. It has no reference on the task, whose awaiters must learn when all
 * references are dropped. While a thread takes it out of the list, the lock stops the delivery, and
 * so keeps the task alive.
 */
typedef struct cancellable_subscription {
	subscription base;
	bide_cancel_node node;
	bide_alarm alarm;
	uint32_t live, bits;
	uint32_t lock;       /* of base.task, if several threads take part */
	int64_t deadline_ns; /* BIDE_FOREVER: no alarm */
} cancellable_subscription;

enum {
	WAIT_DECIDED = 1,   /* the outcome is that of the party that set it */
	WAIT_REGISTERED = 2 /* the decision takes the others out */
};

/*
 * One made elsewhere than on the worker, which owns lists of cancellation and timers: it begins,
 * and is given up, there.
 */
typedef struct sent_subscription {
	cancellable_subscription base;
	bide_post begin, leave;
	bide_timer *timer;
	bide_source *task;      /* a reference, until it has begun */
	bide_cancel_core *core; /* the same */
} sent_subscription;

static const bide_operation_type subscription_type = { .name = "task",
	                                                   .task_at = offsetof(subscription, task) };
static const bide_operation_type cancellable_type = {
	.name = "task", .task_at = offsetof(cancellable_subscription, base.task)
};

/* --- the list --- */

/* true: locked, *newest is the list. false: the task is DONE. */
static bool list_lock(bide_source *task, uintptr_t *newest)
{
	uintptr_t seen = BIDE_LOAD(&task->word, ACQUIRE); /* pairs with DONE and with list_unlock */

	for (unsigned tries = 0;; tries++) {
		if ((seen & BIDE_WORD_TAGS_) == BIDE_WORD_DONE_)
			return false;
		if ((seen & BIDE_WORD_TAGS_) == BIDE_WORD_LOCKED_) {
			bide_port_wait_a_moment_(tries);
			seen = BIDE_LOAD(&task->word, ACQUIRE);
			continue;
		}
		*newest = seen & ~(uintptr_t)BIDE_WORD_TAGS_;
		/* pairs with list_unlock */
		if (BIDE_CAS(&task->word, &seen, seen | BIDE_WORD_LOCKED_, ACQUIRE, ACQUIRE))
			return true;
	}
}

static void list_unlock(bide_source *task, uintptr_t newest)
{
	/* pairs with list_lock and finish */
	BIDE_STORE(&task->word, newest | BIDE_WORD_SHARED_, RELEASE);
}

static void observe(bide_source *task)
{
	if (task->error &&
	    !(BIDE_LOAD(&task->line, RELAXED) & (BIDE_LINE_OBSERVED_ | BIDE_LINE_CONSTANT_)))
		/* ordered by the last unref */
		BIDE_OR(&task->line, (uint32_t)BIDE_LINE_OBSERVED_, RELAXED);
}

/* false: it is in no list, or the thread that completes the task has it. */
static bool list_leave(subscription *s, bide_source *task)
{
	uintptr_t newest;

	if (!list_lock(task, &newest))
		return false;
	if (s->newer)
		s->newer->older = s->older;
	else
		newest = (uintptr_t)s->older;
	if (s->older)
		s->older->newer = s->newer;
	list_unlock(task, newest);
	return true;
}

/* --- those that can be ended --- */

/* So many of its parties are through with it. The last one completes it with what was decided. */
static void wait_leave(cancellable_subscription *c, uint32_t count)
{
	bide_source *source = &c->base.operation.source;

	if (!bide_party_leave_(source, &c->live, count))
		return;
	bide_cancel_node_unref_(&c->node);
	bide_operation_complete_(&c->base.operation, source->payload, source->error);
}

static void wait_lock(cancellable_subscription *c)
{
	if (bide_is_sync_(&c->base.operation.source))
		bide_spin_lock_(&c->lock);
}

static void wait_unlock(cancellable_subscription *c)
{
	if (bide_is_sync_(&c->base.operation.source))
		bide_spin_unlock_(&c->lock);
}

/* true: out of the list. false: it is not there any more; it will be delivered, or was. */
static bool wait_leave_list(cancellable_subscription *c)
{
	bool left;

	wait_lock(c);
	left = c->base.task && list_leave(&c->base, c->base.task);
	if (left)
		c->base.task = NULL;
	wait_unlock(c);
	return left;
}

/* How many of them will not report any more. One that reports now is out already. */
static uint32_t wait_take_out(cancellable_subscription *c)
{
	uint32_t count = 0;

	if (c->node.core && bide_cancel_unlink_(&c->node))
		count++;
	if (c->deadline_ns != BIDE_FOREVER && bide_alarm_stop_(&c->alarm))
		count++;
	if (wait_leave_list(c))
		count++;
	return count;
}

/*
 * By a party, which holds a count. The first decision counts: true. *out: so many parties it took
 * out.
 */
static bool wait_decide(cancellable_subscription *c, bide_payload payload, int error,
                        unsigned flags, uint32_t *out)
{
	bide_source *source = &c->base.operation.source;
	uint32_t before = bide_party_mark_(source, &c->bits, WAIT_DECIDED);

	*out = 0;
	if (before & WAIT_DECIDED)
		return false;
	source->payload = payload; /* ordered by `live` */
	source->error = (uint16_t)error;
	bide_flags_add_(source, flags);
	if (before & WAIT_REGISTERED)
		*out = wait_take_out(c);
	return true;
}

/* It is the wait that ends, without the task. */
static uint32_t wait_fail(cancellable_subscription *c, int error)
{
	uint32_t out;

	(void)wait_decide(c, bide_payload_int_(0), error, 0, &out);
	return out;
}

static bool hands_on_the_task(const subscription *s)
{
	return BIDE_LOAD(&s->operation.source.line, RELAXED) & BIDE_LINE_ENDED_; /* does not change */
}

/* By the one that delivers it. The consumer of a large result has a reference. */
static void wait_deliver(cancellable_subscription *c, bide_source *task, unsigned flags)
{
	bool ended = hands_on_the_task(&c->base), decided;
	bide_payload payload = task->payload;
	uint32_t out;

	wait_lock(c);
	c->base.task = NULL;
	wait_unlock(c);
	if (ended)
		payload.p = bide_task_ref((bide_task *)task);
	decided = wait_decide(c, payload, ended ? 0 : task->error, flags, &out);
	if (ended && !decided)
		bide_task_unref((bide_task *)task);
	else if (decided && !ended)
		observe(task);
	if (decided && flags & BIDE_FLAG_LARGE_) {
		wait_lock(c);
		c->base.task = (bide_source *)bide_task_ref((bide_task *)task);
		wait_unlock(c);
	}
	wait_leave(c, 1 + out);
}

static void wait_canceled(bide_cancel_node *node, int error)
{
	cancellable_subscription *c = BIDE_CONTAINER_(node, cancellable_subscription, node);

	wait_leave(c, 1 + wait_fail(c, error));
}

static void wait_expired(bide_listener *listener, bide_source *timer)
{
	cancellable_subscription *c = BIDE_CONTAINER_(listener, cancellable_subscription, alarm.due);

	(void)bide_alarm_fired_(&c->alarm, timer); /* the first decision counts */
	wait_leave(c, 1 + wait_fail(c, BIDE_ETIMEDOUT_));
}

/* The task is over, the subscription in no list any more. */
static void subscription_deliver(subscription *s, bide_source *task)
{
	cancellable_subscription *c = (cancellable_subscription *)s;
	bool ended = hands_on_the_task(s);
	/* the result is inside the task */
	bool large = !ended && task->flags & BIDE_FLAG_LARGE_;
	unsigned flags = (task->flags & BIDE_FLAG_RESUME_LATER_) | (large ? BIDE_FLAG_LARGE_ : 0);

	if (s->operation.type == &cancellable_type) {
		wait_deliver(c, task, flags);
		return;
	}
	BIDE_STORE(&s->task, large ? task : NULL, RELAXED);
	bide_flags_add_(&s->operation.source, flags);
	if (large || ended)
		bide_task_ref((bide_task *)task);
	if (!ended)
		observe(task);
	bide_operation_complete_(&s->operation,
	                         ended ? bide_value_task_from_pointer(task).payload : task->payload,
	                         ended ? 0 : task->error);
}

void bide_task_deliver_(bide_source *task, uintptr_t newest)
{
	subscription *s = (subscription *)newest, *next;

	for (; s && s->older; s = s->older)
		; /* the first to come is the first to run */
	for (; s; s = next) {
		next = s->newer;
		subscription_deliver(s, task);
	}
	bide_task_unref((bide_task *)task); /* the producer's */
}

/* At shutdown: out of the list of a task that lives on, because the pool's memory goes. */
void bide_subscription_leave_(bide_source *source)
{
	const bide_operation *operation = (const bide_operation *)(const void *)source;
	subscription *s = (subscription *)(void *)source;

	if ((operation->type != &subscription_type && operation->type != &cancellable_type) ||
	    !s->task || (s->task->kind & 0xE0u) != BIDE_KIND_TASK_)
		return;
	list_leave(s, s->task);
	s->task = NULL;
}

void bide_subscription_inherit_(bide_source *source)
{
	const bide_operation *operation = (const bide_operation *)(const void *)source;
	subscription *s = (subscription *)(void *)source;
	uintptr_t word;

	if ((operation->type != &subscription_type && operation->type != &cancellable_type) ||
	    !s->task || (s->task->kind & 0xE0u) != BIDE_KIND_TASK_)
		return;
	word = s->task->word;
	if (word == BIDE_WORD_LOCKED_ || (word & ~(uintptr_t)BIDE_WORD_TAGS_) == (uintptr_t)s)
		s->task->word = BIDE_WORD_SHARED_;
	s->task = NULL;
}

void bide_subscription_let_go_(bide_source *source)
{
	bide_task_unref((bide_task *)((subscription *)(void *)source)->task);
}

void bide_subscription_cancel_(bide_source *source, int error)
{
	subscription *s = (subscription *)(void *)source;
	cancellable_subscription *c = (cancellable_subscription *)s;
	bide_source *task;

	if (s->operation.type == &cancellable_type) {
		/* Its maker keeps it from being consumed. It may be over: then nothing is decided. */
		uint32_t count = wait_fail(c, error);
		if (count)
			wait_leave(c, count);
		return;
	}
	/* of another thread's wait: DONE tells, below */
	task = BIDE_LOAD(&s->task, RELAXED);
	if (!task || !list_leave(s, task))
		return; /* its completion is on the way */
	BIDE_STORE(&s->task, NULL, RELAXED);
	bide_operation_complete_(&s->operation, bide_payload_int_(0), error);
}

static void leave(subscription *s)
{
	/* Either this ends it, or its completion is on the way; both leave it to be forgotten. */
	bide_subscription_cancel_(&s->operation.source, BIDE_ECANCELED_);
	bide_value_task_forget_at_(bide_source_value_(&s->operation.source), NULL);
}

static void leave_posted(bide_post *post)
{
	leave(&BIDE_CONTAINER_(post, sent_subscription, leave)->base.base);
}

void bide_task_leave_(bide_value_task value_task)
{
	subscription *s = (subscription *)value_task.state;
	sent_subscription *sent = (sent_subscription *)s;

	if (s->operation.type != &cancellable_type || bide_port_on_worker_()) {
		leave(s);
		return;
	}
	sent->leave.run = leave_posted;
	bide_port_post_(&sent->leave); /* arrives after its beginning */
}

/* --- waiting for it --- */

static bide_value_task task_outcome(bide_source *task)
{
	bide_value_task v;

	observe(task);
	v.payload = task->payload;
	v.state = task->error;
	return v;
}

/* Puts a subscription in the list; false: the task is over. */
static bool enlist(bide_source *task, subscription *s)
{
	uintptr_t newest;

	s->task = task;
	if (!list_lock(task, &newest)) {
		s->task = NULL;
		return false;
	}
	s->older = (subscription *)newest;
	if (s->older)
		s->older->newer = s;
	list_unlock(task, (uintptr_t)s);
	return true;
}

/* Of a task that is over. */
static bide_value_task wait_outcome(bide_source *task, bool ended)
{
	if (ended)
		return bide_value_task_from_pointer(bide_task_ref((bide_task *)task));
	return task_outcome(task);
}

/* Its value task, or the outcome if the task is over by now. */
static bide_value_task subscribe(bide_source *task, bool ended)
{
	subscription *s = (subscription *)(void *)bide_operation_new_(sizeof *s, &subscription_type);
	bide_value_task v;

	if (!s)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	s->operation.source.line = ended ? BIDE_LINE_ENDED_ : 0;
	v = bide_source_value_(&s->operation.source);
	if (enlist(task, s))
		return v;
	bide_operation_discard_(&s->operation.source);
	return wait_outcome(task, ended);
}

/* Registers one that has the caller's own count, and gives that up: it may be over then. */
static void wait_register(cancellable_subscription *c, bide_source *task, bide_cancel_core *core,
                          bide_timer *timer)
{
	const bide_source *source = &c->base.operation.source;
	int error;

	bide_party_join_(source, &c->live);
	if (!enlist(task, &c->base))
		subscription_deliver(&c->base, task); /* as if it had been in the list */
	if (core) {
		bide_party_join_(source, &c->live);
		error = bide_cancel_link_(core, &c->node, wait_canceled);
		if (error)
			wait_leave(c, 1 + wait_fail(c, error));
	}
	if (timer) {
		bide_party_join_(source, &c->live);
		bide_alarm_set_(&c->alarm, timer, c->deadline_ns);
	}
	if (bide_party_mark_(source, &c->bits, WAIT_REGISTERED) & WAIT_DECIDED)
		wait_leave(c, 1 + wait_take_out(c));
	else
		wait_leave(c, 1);
}

static void begin_posted(bide_post *post)
{
	sent_subscription *sent = BIDE_CONTAINER_(post, sent_subscription, begin);
	bide_source *task = sent->task;
	bide_cancel_core *core = sent->core;

	wait_register(&sent->base, task, core, sent->timer);
	if (core)
		bide_cancel_core_unref_(core);
	bide_task_unref((bide_task *)task);
}

/* From another thread than the one worker's. */
static void subscription_send(cancellable_subscription *c, bide_source *task,
                              bide_cancel_core *core, bide_timer *timer)
{
	sent_subscription *sent = (sent_subscription *)c;

	sent->task = (bide_source *)bide_task_ref((bide_task *)task);
	sent->core = core;
	sent->timer = timer;
	if (core)
		bide_cancel_core_ref_(core);
	sent->begin.run = begin_posted;
	bide_port_post_(&sent->begin);
}

/* What the ambient cancellation or a deadline may end. */
static bide_value_task wait_start(bide_source *task, bide_cancel_core *core, int64_t timeout_ns,
                                  bool ended)
{
	bool on_worker = bide_port_on_worker_();
	cancellable_subscription *c = (cancellable_subscription *)(void *)
		bide_operation_new_(on_worker ? sizeof *c : sizeof(sent_subscription), &cancellable_type);
	bide_timer *timer = NULL;
	bide_value_task v;

	if (!c)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	c->base.operation.source.line = ended ? BIDE_LINE_ENDED_ : 0;
	c->deadline_ns = timeout_ns == BIDE_FOREVER ? BIDE_FOREVER : bide_deadline_after_(timeout_ns);
	if (c->deadline_ns != BIDE_FOREVER) {
		timer = bide_timer_new_(sizeof *timer);
		if (!timer) {
			bide_operation_discard_(&c->base.operation.source);
			return bide_value_task_from_error(BIDE_ENOMEM_);
		}
	}
	bide_alarm_init_(&c->alarm, wait_expired);
	c->live = 1;
	/* Sent, or registered, it may be over at once. */
	v = bide_source_value_(&c->base.operation.source);
	if (on_worker)
		wait_register(c, task, core, timer);
	else
		subscription_send(c, task, core, timer);
	return v;
}

/* Only an object of its own can be one: the line of a pending frame is where it waits. */
static bool is_constant(const bide_source *task)
{
	return (task->kind & 0xE0u) == BIDE_KIND_TASK_ &&
	       BIDE_LOAD(&task->line, RELAXED) & BIDE_LINE_CONSTANT_;
}

/*
 * Not NULL, and with a reference: what is free, or in use again for something else, has no count in
 * its generation. False: misuse was reported.
 */
static bool is_task(const bide_source *task, const char *what)
{
	if (task && (BIDE_LOAD(&task->generation, RELAXED) > BIDE_COUNT_BASE_ || is_constant(task)))
		return true;
	bide_misuse_("%s: task %s", what,
	             task ? bide_why_gone_(task, "is none, or its last reference is gone") : "is NULL");
	return false;
}

bool bide_task_check_(const bide_task *task, const char *what)
{
	return is_task((const bide_source *)task, what);
}

static bide_value_task wait_for(bide_source *task, int64_t timeout_ns, bool ended)
{
	bide_cancel_core *core = bide_context_core_();
	int error;

	if (bide_is_done_(task))
		return wait_outcome(task, ended);
	if (!core && timeout_ns == BIDE_FOREVER)
		return subscribe(task, ended);
	error = bide_context_current_error();
	if (!error && timeout_ns == 0)
		error = BIDE_ETIMEDOUT_;
	return error ? bide_value_task_from_error(error) : wait_start(task, core, timeout_ns, ended);
}

static bide_value_task task_wait(bide_task *task, int64_t timeout_ns, const char *what)
{
	if ((task && bide_is_done_((bide_source *)task)) || is_task((bide_source *)task, what))
		return wait_for((bide_source *)task, timeout_ns, false);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

bide_value_task bide_task_ended_(bide_task *task)
{
	return wait_for((bide_source *)task, BIDE_FOREVER, true);
}

bide_value_task bide_task_await(bide_task *task)
{
	return task_wait(task, BIDE_FOREVER, "bide_task_await");
}

bide_value_task bide_task_await_take(bide_task *task)
{
	bide_value_task v;

	if (!task)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	v = task_wait(task, BIDE_FOREVER, "bide_task_await_take");
	bide_task_unref(task);
	return v;
}

bide_value_task bide_task_await_for(bide_task *task, int64_t timeout_ns)
{
	return bide_time_allowed_(timeout_ns, "bide_task_await_for", "timeout_ns", NULL)
	           ? task_wait(task, timeout_ns, "bide_task_await_for")
	           : bide_value_task_from_error(BIDE_EINVAL_);
}

/* --- references --- */

bide_task *bide_task_ref(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (is_task(task, "bide_task_ref") && !is_constant(task))
		BIDE_ADD(&task->generation, 1, RELAXED);
	return handle;
}

static void task_free(bide_source *task)
{
	if (!(BIDE_LOAD(&task->line, RELAXED) & BIDE_LINE_OBSERVED_))
		bide_unobserved_(task->error, task);
	if ((task->kind & 0xE0u) == BIDE_KIND_TASK_) {
		bide_count_(BIDE_COUNT_TASKS_, (uint64_t)-1);
		BIDE_STORE(&task->generation, 0, RELAXED); /* no count */
		if (task->kind == BIDE_KIND_TASK_LISTED_)
			bide_task_list_give_((bide_task_object *)(void *)task);
		else
			bide_retire_(task, sizeof(bide_task_object));
		return;
	}
	if (bide_thread_())
		bide_source_release_(bide_thread_(), task);
	else
		bide_pools_give_(task); /* a thread that finds no memory even for its record */
}

static bool task_finish(bide_source *task, bide_payload result, int error);

void bide_task_unref(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (!task || is_constant(task))
		return;
	/*
	 * The last one sees all that the others did with it: release of theirs, acquire of its own. If
	 * only ours is left none can be added, and no locked instruction is needed.
	 */
	if (BIDE_LOAD(&task->generation, ACQUIRE) != BIDE_COUNT_BASE_ + 1 &&
	    (!is_task(task, "bide_task_unref") ||
	     BIDE_SUB(&task->generation, 1, ACQ_REL) != BIDE_COUNT_BASE_ + 1))
		return;
	if (bide_is_done_(task)) {
		task_free(task);
		return;
	}
	/* A completion source that no thread can complete any more: its awaiters fail. */
	BIDE_STORE(&task->generation, BIDE_COUNT_BASE_ + 1, RELAXED); /* dropped by the fan-out */
	BIDE_OR(&task->line, (uint32_t)(BIDE_LINE_CLAIMED_ | BIDE_LINE_OBSERVED_), RELAXED);
	task_finish(task, bide_payload_int_(0), BIDE_EBROKEN);
}

bide_status bide_task_status(const bide_task *handle)
{
	const bide_source *task = (const bide_source *)handle;

	if (!is_task(task, "bide_task_status"))
		return BIDE_FAILED;
	if (!bide_is_done_(task))
		return BIDE_PENDING;
	return task->error == 0                 ? BIDE_SUCCEEDED
	       : task->error == BIDE_ECANCELED_ ? BIDE_CANCELED
	                                        : BIDE_FAILED;
}

bool bide_task_is_successful(const bide_task *task)
{
	return bide_task_status(task) == BIDE_SUCCEEDED;
}

bool bide_task_is_failed(const bide_task *task)
{
	return bide_task_status(task) == BIDE_FAILED;
}

bool bide_task_is_canceled(const bide_task *task)
{
	return bide_task_status(task) == BIDE_CANCELED;
}

bool bide_task_is_ready(const bide_task *task)
{
	return !is_task((const bide_source *)task, "bide_task_is_ready") ||
	       bide_is_done_((const bide_source *)task);
}

int bide_task_error(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (!is_task(task, "bide_task_error"))
		return BIDE_EINVAL_;
	if (bide_is_done_(task))
		return (int)task_outcome(task).state;
	bide_misuse_("bide_task_error: the task is pending; one that is over has an error or none");
	return BIDE_EINPROGRESS_;
}

bide_payload bide_task_result(const bide_task *handle)
{
	const bide_source *task = (const bide_source *)handle;

	if (!is_task(task, "bide_task_result"))
		return bide_payload_int_(0);
	if (!bide_is_done_(task))
		bide_misuse_("bide_task_result: the task is pending; await it, or ask bide_task_is_ready");
	else if (task->error == 0)
		return task->payload;
	return bide_payload_int_(0);
}

/* --- making them --- */

/*
 * Small results share one task each: -1 to 8. Bits count: 0 is also false, NULL, +0.0 and
 * "completed".
 */
#define CONSTANT(value)                                                                           \
	{                                                                                             \
		.word = BIDE_WORD_DONE_, .generation = BIDE_COUNT_BASE_ + 1, .payload = { .i = (value) }, \
		.line = BIDE_LINE_CONSTANT_ | BIDE_LINE_CLAIMED_, .kind = BIDE_KIND_TASK_,                \
		.flags = BIDE_FLAG_SYNC_                                                                  \
	}
static bide_source constants[] = {
	CONSTANT(-1), CONSTANT(0), CONSTANT(1), CONSTANT(2), CONSTANT(3),
	CONSTANT(4),  CONSTANT(5), CONSTANT(6), CONSTANT(7), CONSTANT(8)
};

/* created: the place; NULL: it is over, or not completed by hand, so no dump names it. */
static bide_source *task_new(unsigned flags, const bide_place *created)
{
	bide_task_object *object;
	bool is_listed;

	if (!bide_thread_())
		return NULL;
	is_listed = BIDE_UNLIKELY(bide_debug_) && created;
	object = is_listed ? bide_task_list_new_(created) : bide_allocate_(sizeof *object, 16);
	if (!object)
		return NULL;
	bide_count_(BIDE_COUNT_TASKS_, 1);
	object->source = (bide_source){ .word = BIDE_WORD_SHARED_,
		                            .generation = BIDE_COUNT_BASE_ + 1,
		                            .kind = is_listed ? BIDE_KIND_TASK_LISTED_ : BIDE_KIND_TASK_,
		                            .flags = (uint8_t)(BIDE_FLAG_SYNC_ | flags) };
	object->waiting = 0;
	if (is_listed)
		bide_task_list_add_(object);
	return &object->source;
}

static bide_task *task_ready(bide_payload result, int error)
{
	bide_source *task;

	if (error == 0 && result.i >= -1 && result.i <= 8)
		return (bide_task *)&constants[result.i + 1];
	task = task_new(0, NULL);
	if (!task)
		return NULL;
	task->payload = result;
	task->error = (uint16_t)error;
	task->line = BIDE_LINE_CLAIMED_;
	task->word = BIDE_WORD_DONE_;
	return (bide_task *)task;
}

bide_task *bide_task_from_int(int64_t value)
{
	return task_ready(bide_payload_int_(value), 0);
}

bide_task *bide_task_from_double(double value)
{
	bide_payload payload;

	payload.d = value;
	return task_ready(payload, 0);
}

bide_task *bide_task_from_pointer(const void *value)
{
	return task_ready(bide_value_task_from_pointer(value).payload, 0);
}

bide_task *bide_task_completed(void)
{
	return task_ready(bide_payload_int_(0), 0);
}

bide_task *bide_task_failed_at_(int error, const bide_place *place)
{
	if (error <= 0 || error > BIDE_ERROR_MAX) {
		bide_misuse_("bide_task_from_error: error is %d; 1 to %d are allowed", error,
		             BIDE_ERROR_MAX);
		return NULL;
	}
	return task_ready(bide_trace_made_(error, place), error);
}

bide_trace bide_task_trace(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (is_task(task, "bide_task_trace") && bide_is_done_(task) && task->error)
		return task_outcome(task).payload.trace;
	return 0;
}

/* A source of the user's own stays where it is; a task of its own takes over its outcome. */
static void relay(bide_listener *listener, bide_source *done)
{
	bide_task_object *object = BIDE_CONTAINER_(listener, bide_task_object, relay);
	bide_value_task v = bide_consume_(done, NULL);

	task_finish(&object->source, v.payload, (int)v.state);
}

static bide_task *task_of_user_source(bide_value_task value_task, const char *what,
                                      const bide_place *place)
{
	bide_source *task = task_new(0, place);
	bide_task_object *object = (bide_task_object *)(void *)task;

	if (!task) {
		bide_value_task_forget_at_(value_task, place);
		return NULL;
	}
	object->relay.run = relay;
	task->line = BIDE_LINE_CLAIMED_;  /* its source completes it: not to be done by hand */
	bide_task_ref((bide_task *)task); /* the producer's */
	switch (bide_listen_(value_task, &object->relay, what, place)) {
	case BIDE_REGISTERED_:
		break;
	case BIDE_ALREADY_DONE_:
		relay(&object->relay, (bide_source *)value_task.state);
		break;
	default:
		task_finish(task, bide_payload_int_(0), BIDE_ESTALE);
	}
	return (bide_task *)task;
}

bide_task *bide_task_of_(bide_value_task value_task, const char *what, const bide_place *place)
{
	bide_source *source;
	uintptr_t seen = BIDE_WORD_PENDING_;

	value_task = bide_yield_to_operation_(value_task);
	if (!bide_is_pending_(value_task)) {
		bide_task *task = task_ready(value_task.payload, (int)value_task.state);

		if (!task)
			bide_value_task_forget_at_(value_task, place);
		return task;
	}
	source = (bide_source *)value_task.state;
	if (!bide_check_fresh_(value_task, what, place) || !bide_belongs_here_(source, what, place))
		return bide_task_from_error(BIDE_ESTALE);
	if (source->kind >= BIDE_KIND_TASK_)
		return task_of_user_source(value_task, what, place);
	if (!bide_is_sync_(source)) {
		/* ours alone until now; a task may be used by any thread */
		bide_flags_add_(source, BIDE_FLAG_SYNC_);
		if (bide_is_done_(source))
			seen = BIDE_WORD_DONE_;
	}
	/*
	 * Counted for its producer and for the caller before the word says so. The producer reads flags
	 * and count only after it has seen SHARED (acquire), which the release publishes. Locked
	 * meanwhile: a value task whose awaiter may be through with it is not touched.
	 */
	if (seen == BIDE_WORD_PENDING_ &&
	    BIDE_CAS(&source->word, &seen, (uintptr_t)BIDE_WORD_LOCKED_, ACQUIRE, ACQUIRE)) {
		/* visits read the generation */
		BIDE_STORE(&source->generation, BIDE_COUNT_BASE_ + 2, RELAXED);
		list_unlock(source, 0);
		return (bide_task *)source;
	}
	if (seen == BIDE_WORD_DONE_) { /* and not taken: see BIDE_WORD_CONSUMED_ */
		/* the producer is through with it */
		BIDE_STORE(&source->generation, BIDE_COUNT_BASE_ + 1, RELAXED);
		return (bide_task *)source;
	}
	bide_report_stale_(value_task, what, place, NULL);
	return bide_task_from_error(BIDE_ESTALE);
}

bide_task *bide_value_task_as_task_at_(bide_value_task value_task, const bide_place *place)
{
	return bide_task_of_(value_task, "bide_value_task_as_task", place);
}

/* The result of a user source is not needed: a listener consumes it. */
void bide_forget_user_(bide_source *source, const bide_place *place)
{
	static bide_listener dropped = { bide_forget_done_ };

	if (bide_listen_(bide_source_value_(source), &dropped, "bide_value_task_forget", place) ==
	    BIDE_ALREADY_DONE_)
		bide_forget_done_(&dropped, source);
}

void bide_forget_done_(bide_listener *listener, bide_source *done)
{
	(void)listener;
	bide_unobserved_(done->error, done);
	(void)bide_consume_(done, NULL).state;
}

/* --- completion sources --- */

bide_task *bide_task_create(const bide_task_options *options)
{
	static const bide_place unknown = { "?", 0, "?" };
	unsigned flags = options && options->queue_continuations ? BIDE_FLAG_RESUME_LATER_ : 0;
	const bide_place *created = NULL;

	bide_thread_(); /* debug mode is known once the runtime is set up */
	if (BIDE_UNLIKELY(bide_debug_))
		created = bide_called_at_("bide_task_create");
	return (bide_task *)task_new(flags, created ? created : &unknown);
}

static void deliver_posted(bide_post *post)
{
	bide_task_object *object = BIDE_CONTAINER_(post, bide_task_object, post);

	bide_task_deliver_(&object->source, object->waiting);
}

/*
 * Claimed by the caller. Stores the outcome, says DONE; the fan-out runs on the worker and drops
 * one reference.
 */
static bool task_finish(bide_source *task, bide_payload result, int error)
{
	bide_task_object *object = (bide_task_object *)(void *)task;
	uintptr_t seen;

	task->payload = result;
	task->error = (uint16_t)error;
	seen = bide_source_finish_(task) & ~(uintptr_t)BIDE_WORD_TAGS_;
	if (!seen || bide_port_on_worker_()) {
		bide_task_deliver_(task, seen);
		return true;
	}
	object->waiting = seen;
	object->post.run = deliver_posted;
	bide_port_post_(&object->post);
	return true;
}

/* Takes the right to complete it. false: it has an outcome already (or is misused). */
static bool task_claim(bide_task *handle, const char *what, bool must)
{
	bide_source *task = (bide_source *)handle;

	if (!is_task(task, what))
		return false;
	if ((task->kind & 0xE0u) != BIDE_KIND_TASK_) {
		bide_misuse_("%s: this task is an async function's; only those of bide_task_create are "
		             "completed by hand",
		             what);
		return false;
	}
	/* One winner: the claim. The word publishes the outcome. */
	if (!(BIDE_LOAD(&task->line, RELAXED) & BIDE_LINE_CONSTANT_) &&
	    !(BIDE_OR(&task->line, (uint32_t)BIDE_LINE_CLAIMED_, ACQ_REL) & BIDE_LINE_CLAIMED_)) {
		bide_task_ref(handle); /* the fan-out's, so that the caller's own is enough for the call */
		return true;
	}
	if (must)
		bide_misuse_("%s: the task is completed already; bide_task_try_... tells instead", what);
	return false;
}

static bool task_complete(bide_task *handle, bide_payload result, int error, const char *what,
                          bool must)
{
	return task_claim(handle, what, must) && task_finish((bide_source *)handle, result, error);
}

static bool task_fail(bide_task *handle, int error, const bide_place *place, const char *what,
                      bool must)
{
	return bide_check_error_(error, what) && task_claim(handle, what, must) &&
	       task_finish((bide_source *)handle, bide_trace_made_(error, place), error);
}

void bide_task_complete(bide_task *task, bide_payload result)
{
	task_complete(task, result, 0, "bide_task_complete", true);
}

void bide_task_complete_int(bide_task *task, int64_t result)
{
	task_complete(task, bide_payload_int_(result), 0, "bide_task_complete_int", true);
}

void bide_task_complete_double(bide_task *task, double result)
{
	task_complete(task, bide_value_task_from_double(result).payload, 0, "bide_task_complete_double",
	              true);
}

void bide_task_complete_pointer(bide_task *task, const void *result)
{
	task_complete(task, bide_value_task_from_pointer(result).payload, 0,
	              "bide_task_complete_pointer", true);
}

void bide_task_fail_at_(bide_task *task, int error, const bide_place *place)
{
	task_fail(task, error, place, "bide_task_fail", true);
}

void bide_task_cancel(bide_task *task)
{
	task_complete(task, bide_payload_int_(0), BIDE_ECANCELED_, "bide_task_cancel", true);
}

bool bide_task_try_complete(bide_task *task, bide_payload result)
{
	return task_complete(task, result, 0, "bide_task_try_complete", false);
}

bool bide_task_try_fail_at_(bide_task *task, int error, const bide_place *place)
{
	return task_fail(task, error, place, "bide_task_try_fail", false);
}

bool bide_task_try_cancel(bide_task *task)
{
	return task_complete(task, bide_payload_int_(0), BIDE_ECANCELED_, "bide_task_try_cancel",
	                     false);
}

static bool complete_from(bide_task *task, bide_task *ready, const char *what, bool must)
{
	if (!ready || !bide_task_is_ready(ready)) {
		bide_misuse_("%s: %s; a task that is over is needed", what,
		             !ready ? "ready is NULL" : "that task is pending");
		return false;
	}
	if (!task_claim(task, what, must))
		return false; /* nothing is handed on: `ready` is as unseen as before */
	return task_finish((bide_source *)task, ((bide_source *)ready)->payload,
	                   bide_task_error(ready));
}

void bide_task_complete_from(bide_task *task, bide_task *ready)
{
	complete_from(task, ready, "bide_task_complete_from", true);
}

bool bide_task_try_complete_from(bide_task *task, bide_task *ready)
{
	return complete_from(task, ready, "bide_task_try_complete_from", false);
}
