/*
 * cancel.c - cancellation: cores, sources, tokens, registrations.
 *
 * Callbacks of all cores are under one lock, held for a few instructions: so a registration can be
 * taken out, or waited for, without knowing whether its source still exists. Nothing is called with
 * the lock held. Canceling walks the tree of linked cores by a work list, in constant stack.
 * Operations fire on the thread that cancels where there are many workers; with one they are its
 * own and fire there. A node that fires is one of the parties of its operation: the last of them
 * ends it.
 */
#include <stddef.h>

#include "cancel/cancel_cell.h"

/* A callback that runs now; on the stack of the thread that cancels. */
typedef struct firing {
	const bide_cancel_node *node;
	const void *thread;
	struct firing *next;
} firing;

static uint32_t callbacks_lock;
static firing *all_firing;

static void list_add(bide_cancel_node **newest, bide_cancel_node *node, bide_cancel_core *core)
{
	node->newer = NULL;
	node->older = *newest;
	if (*newest)
		(*newest)->newer = node;
	*newest = node;
	node->core = core;
}

static void list_remove(bide_cancel_node **newest, bide_cancel_node *node)
{
	*(node->newer ? &node->newer->older : newest) = node->older;
	if (node->older)
		node->older->newer = node->newer;
	node->core = NULL;
}

/* --- cores --- */

static void operations_posted(bide_post *post);

void bide_cancel_core_init_(bide_cancel_core *core, void (*destroy)(bide_cancel_core *core))
{
	core->lock = 0;
	core->references = 1;
	core->error = 0;
	core->callbacks = core->operations = NULL;
	core->post.run = operations_posted;
	core->next = NULL;
	core->destroy = destroy;
	core->cell = NULL;
}

void bide_cancel_core_ref_(bide_cancel_core *core)
{
	BIDE_ADD(&core->references, 1, RELAXED);
}

bool bide_cancel_core_try_ref_(bide_cancel_core *core)
{
	uint32_t seen = BIDE_LOAD(&core->references, RELAXED);

	while (seen != 0)
		if (BIDE_CAS(&core->references, &seen, seen + 1, RELAXED, RELAXED))
			return true;
	return false;
}

void bide_cancel_core_unref_(bide_cancel_core *core)
{
	if (BIDE_SUB(&core->references, 1, ACQ_REL) == 1) /* the last one sees what all others did */
		core->destroy(core);
}

void bide_cancel_fork_(void)
{
	callbacks_lock = 0;
	all_firing = NULL;
	bide_cancel_cells_fork_();
}

/* Under the lock of the callbacks. */
static void callbacks_clear(bide_cancel_core *core)
{
	while (core->callbacks)
		list_remove(&core->callbacks, core->callbacks);
}

void bide_cancel_core_clear_(bide_cancel_core *core)
{
	bide_spin_lock_(&callbacks_lock);
	callbacks_clear(core);
	bide_spin_unlock_(&callbacks_lock);
}

/*
 * The list of operations, under the lock of its core. `core` of a node stays what it was made with,
 * a reference, until the operation ends: so the party that ends it can look here without knowing
 * whether it was canceled. One that is in no list points at itself.
 */
static void operation_remove(bide_cancel_core *core, bide_cancel_node *node)
{
	*(node->newer ? &node->newer->older : &core->operations) = node->older;
	if (node->older)
		node->older->newer = node->newer;
	node->newer = node;
}

int bide_cancel_link_(bide_cancel_core *core, bide_cancel_node *node,
                      void (*fire)(bide_cancel_node *node, int error))
{
	int error;

	node->core = NULL;
	node->child = NULL;
	node->fire = fire;
	if (!core)
		return 0;
	bide_cancel_core_ref_(core);
	bide_spin_lock_(&core->lock);
	error = BIDE_LOAD(&core->error, RELAXED); /* stored under the lock */
	if (!error)
		list_add(&core->operations, node, core);
	bide_spin_unlock_(&core->lock);
	if (error)
		bide_cancel_core_unref_(core);
	return error;
}

bool bide_cancel_unlink_(bide_cancel_node *node)
{
	bide_cancel_core *core = node->core;
	bool linked;

	if (!core)
		return true;
	bide_spin_lock_(&core->lock);
	linked = node->newer != node;
	if (linked)
		operation_remove(core, node);
	bide_spin_unlock_(&core->lock);
	return linked;
}

void bide_cancel_drop_(bide_cancel_node *node)
{
	bide_cancel_core *core = node->core;

	node->core = NULL;
	if (core)
		bide_cancel_core_unref_(core);
}

/* The caller has a reference on the core. What fired may be gone when fire returns. */
static void operations_fire(bide_cancel_core *core, int error)
{
	bide_cancel_node *node;

	for (;;) {
		bide_spin_lock_(&core->lock);
		node = core->operations;
		if (node)
			operation_remove(core, node);
		bide_spin_unlock_(&core->lock);
		if (!node)
			return;
		node->fire(node, error);
	}
}

/* Marks a core; true: it was not canceled before. Nobody can add to it afterwards. */
static bool core_mark(bide_cancel_core *core, int error)
{
	bool first;

	bide_spin_lock_(&core->lock);
	first = core->error == 0;
	if (first && core->cell)
		bide_cancel_cell_mark_(core->cell);
	if (first)
		/* pairs with the loads of the queries */
		BIDE_STORE(&core->error, (uint16_t)error, RELEASE);
	bide_spin_unlock_(&core->lock);
	return first;
}

/* Fires the newest callback, or puts the core below it on the work list. false: none is left. */
static bool callback_fire(bide_cancel_core *core, int error, bide_cancel_core **work)
{
	firing now = { NULL, bide_port_thread_(), NULL };
	bide_cancel_core *child;
	bide_cancel_node *node;

	bide_spin_lock_(&callbacks_lock);
	node = core->callbacks;
	if (!node) {
		bide_spin_unlock_(&callbacks_lock);
		return false;
	}
	list_remove(&core->callbacks, node);
	child = node->child;
	if (child) {
		bool alive = bide_cancel_core_try_ref_(child);

		bide_spin_unlock_(&callbacks_lock);
		if (alive && core_mark(child, error)) {
			child->next = *work;
			*work = child;
		} else if (alive) {
			bide_cancel_core_unref_(child);
		}
		return true;
	}
	now.node = node;
	now.next = all_firing;
	all_firing = &now;
	bide_spin_unlock_(&callbacks_lock);
	node->fire(node, error);
	bide_spin_lock_(&callbacks_lock);
	for (firing **f = &all_firing; *f; f = &(*f)->next)
		if (*f == &now) {
			*f = now.next;
			break;
		}
	bide_spin_unlock_(&callbacks_lock);
	return true;
}

/* Of a marked core, to which no thread adds any more: once false it stays so. */
static bool has_operations(bide_cancel_core *core)
{
	bool has;

	bide_spin_lock_(&core->lock); /* the worker may be taking one out */
	has = core->operations != NULL;
	bide_spin_unlock_(&core->lock);
	return has;
}

/*
 * Fires all on the work list, whose references it drops. What firing cancels in turn is added to
 * the list.
 */
static void walk(bide_cancel_core *work)
{
	bide_thread_head *head = bide_thread_();
	/* NULL: no memory for a record; then nested cancellations recurse */
	bide_thread *thread = head ? bide_thread_of_(head) : NULL;

	while (work) {
		bide_cancel_core *now = work;

		work = now->next;
		while (callback_fire(now, now->error, &work))
			;
		if (!has_operations(now)) {
			bide_cancel_core_unref_(now);
		} else if (bide_port_on_worker_()) {
			if (thread)
				thread->canceling = &work;
			operations_fire(now, now->error);
			if (thread)
				thread->canceling = NULL;
			bide_cancel_core_unref_(now);
		} else {
			bide_port_post_(&now->post); /* takes the reference along */
		}
	}
}

static void operations_posted(bide_post *post)
{
	bide_cancel_core *core = BIDE_CONTAINER_(post, bide_cancel_core, post);

	core->next = NULL;
	walk(core); /* its callbacks have fired */
}

/* Of a core that the caller has marked. */
static void core_fire_marked(bide_cancel_core *core)
{
	bide_thread_head *head = bide_thread_();
	bide_cancel_core **outer = head ? bide_thread_of_(head)->canceling : NULL;

	bide_cancel_core_ref_(core);
	core->next = outer ? *outer : NULL;
	if (outer)
		/* by what an operation's end caused: the outer walk goes on with it, in constant stack */
		*outer = core;
	else
		walk(core);
}

bool bide_cancel_core_fire_(bide_cancel_core *core, int error)
{
	if (!core_mark(core, error))
		return false;
	core_fire_marked(core);
	return true;
}

/*
 * Under the lock of the callbacks: into the parent's list, unless it is canceled. Returns its
 * error.
 */
static int attach_locked(bide_cancel_core *parent, bide_cancel_core *child, bide_cancel_node *node)
{
	int error = BIDE_LOAD(&parent->error, ACQUIRE); /* pairs with core_mark */

	node->child = child;
	node->fire = NULL;
	node->core = NULL;
	/*
	 * If it is marked after this look, the thread that marks it runs the callbacks later, and finds
	 * the node.
	 */
	if (!error)
		list_add(&parent->callbacks, node, parent);
	return error;
}

void bide_cancel_core_attach_(bide_cancel_core *parent, bide_cancel_core *child,
                              bide_cancel_node *node)
{
	int error;

	bide_spin_lock_(&callbacks_lock);
	error = attach_locked(parent, child, node);
	bide_spin_unlock_(&callbacks_lock);
	if (error)
		core_mark(child, error);
}

void bide_cancel_detach_(bide_cancel_node *node)
{
	bide_spin_lock_(&callbacks_lock);
	if (node->core)
		list_remove(&node->core->callbacks, node);
	bide_spin_unlock_(&callbacks_lock);
}

/* --- sources --- */

struct bide_cancel_source {
	bide_operation operation;
	bide_cancel_core core;
	bide_alarm alarm;
	/*
	 * The time limit, under its lock on every thread: a limit that has been replaced or taken back
	 * does not cancel, also while its call is on its way. With one worker other threads may not
	 * touch the alarm: they make it void, and post what it shall be.
	 */
	uint32_t limit_lock;
	bool limit_void; /* what is armed does not count any more */
	bool rearm_posted;
	bide_post rearm;
	int64_t rearm_deadline_ns;
	uint32_t parent_count;
	bide_cancel_node parents[];
};

static const bide_operation_type source_type = { .name = "cancel source" };

/* Nobody refers to it, and no alarm is on its way. */
static void source_free(bide_cancel_source *source)
{
	for (uint32_t i = 0; i < source->parent_count; i++)
		bide_cancel_detach_(&source->parents[i]);
	/*
	 * In one step: a token that is being registered finds the source and is taken out, or finds
	 * that it is gone.
	 */
	bide_spin_lock_(&callbacks_lock);
	BIDE_STORE(&source->core.cell->source, NULL, RELAXED);
	callbacks_clear(&source->core);
	bide_spin_unlock_(&callbacks_lock);
	bide_cancel_cell_end_(source->core.cell);
	bide_operation_discard_(&source->operation.source);
}

static void source_end(bide_post *post)
{
	bide_cancel_source *source = BIDE_CONTAINER_(post, bide_cancel_source, core.post);

	bide_alarm_stop_(&source->alarm);
	if (bide_alarm_over_(&source->alarm))
		source_free(source);
}

/* With one worker the wheel is its own: a source with a timer goes there to end. */
static void source_destroy(bide_cancel_core *core)
{
	bide_cancel_source *source = BIDE_CONTAINER_(core, bide_cancel_source, core);

	if (!bide_port_on_worker_() && !bide_alarm_is_idle_(&source->alarm)) {
		core->post.run = source_end;
		bide_port_post_(&core->post);
		return;
	}
	source_end(&core->post);
}

static void source_expired(bide_listener *listener, bide_source *timer)
{
	bide_cancel_source *source = BIDE_CONTAINER_(listener, bide_cancel_source, alarm.due);
	bool alive = bide_cancel_core_try_ref_(&source->core), first;

	bide_spin_lock_(&source->limit_lock);
	first = bide_alarm_fired_(&source->alarm, timer) && alive && !source->limit_void &&
	        core_mark(&source->core, BIDE_ECANCELED_);
	bide_spin_unlock_(&source->limit_lock);
	/* Not alive: the last reference went just now, and source_end has been, or is on its way. */
	if (bide_alarm_over_(&source->alarm))
		source_free(source);
	if (!alive)
		return;
	if (first)
		core_fire_marked(&source->core);
	bide_cancel_core_unref_(&source->core); /* a callback may have dropped all others */
}

bide_cancel_source *bide_cancel_source_create_linked(const bide_cancel_token *tokens, size_t count)
{
	bide_cancel_source *source;

	if ((!tokens && count) || count > 65535) {
		bide_misuse_("bide_cancel_source_create_linked: %s",
		             !tokens ? "tokens is NULL" : "more than 65535 tokens");
		return NULL;
	}
	source = (bide_cancel_source *)(void *)
		bide_operation_new_(sizeof *source + count * sizeof source->parents[0], &source_type);
	if (!source)
		return NULL;
	bide_cancel_core_init_(&source->core, source_destroy);
	source->core.cell = bide_cancel_cell_new_(source);
	if (!source->core.cell) {
		bide_operation_discard_(&source->operation.source);
		return NULL;
	}
	bide_alarm_init_(&source->alarm, source_expired);
	source->rearm_deadline_ns = BIDE_FOREVER;
	source->parent_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		if (!bide_cancel_token_attach_(tokens[i], &source->core, &source->parents[i]))
			source->parents[i].core = NULL;
	return source;
}

bide_cancel_source *bide_cancel_source_create(void)
{
	return bide_cancel_source_create_linked(NULL, 0);
}

bool bide_cancel_source_check_(const bide_cancel_source *source, const char *what)
{
	if (source && bide_is_live_(&source->operation, &source_type))
		return true;
	bide_misuse_("%s: source %s", what,
	             source ? bide_why_gone_(&source->operation.source,
	                                     "is no cancel source, or its last reference is gone")
	                    : "is NULL");
	return false;
}

bide_cancel_source *bide_cancel_source_ref(bide_cancel_source *source)
{
	if (bide_cancel_source_check_(source, "bide_cancel_source_ref"))
		bide_cancel_core_ref_(&source->core);
	return source;
}

void bide_cancel_leak_(bide_source *source)
{
	bide_operation *operation = BIDE_CONTAINER_(source, bide_operation, source);

	if (operation->type == &source_type)
		bide_cancel_core_clear_(&BIDE_CONTAINER_(operation, bide_cancel_source, operation)->core);
}

void bide_cancel_source_unref(bide_cancel_source *source)
{
	if (source && bide_cancel_source_check_(source, "bide_cancel_source_unref"))
		bide_cancel_core_unref_(&source->core);
}

bool bide_cancel_source_cancel(bide_cancel_source *source)
{
	bool first;

	if (!bide_cancel_source_check_(source, "bide_cancel_source_cancel"))
		return false;
	bide_cancel_core_ref_(&source->core); /* a callback may drop the caller's */
	first = bide_cancel_core_fire_(&source->core, BIDE_ECANCELED_);
	bide_cancel_core_unref_(&source->core);
	return first;
}

bool bide_cancel_source_mark_(bide_cancel_source *source)
{
	if (!core_mark(&source->core, BIDE_ECANCELED_))
		return false;
	bide_cancel_core_ref_(&source->core);
	return true;
}

void bide_cancel_source_fire_(bide_cancel_source *source)
{
	core_fire_marked(&source->core);
	bide_cancel_core_unref_(&source->core);
}

bool bide_cancel_source_is_canceled(const bide_cancel_source *source)
{
	return bide_cancel_source_check_(source, "bide_cancel_source_is_canceled") &&
	       BIDE_LOAD(&source->core.error, ACQUIRE) != 0;
}

/* Under the lock, where the wheel may be touched. Takes the timer if it needs it. */
static void set_limit(bide_cancel_source *source, bide_timer **timer)
{
	int64_t deadline_ns = source->rearm_deadline_ns;

	source->limit_void = false;
	if (deadline_ns == BIDE_FOREVER || BIDE_LOAD(&source->core.error, RELAXED)) {
		bide_alarm_stop_(&source->alarm);
	} else if (*timer) {
		bide_alarm_set_(&source->alarm, *timer, deadline_ns);
		*timer = NULL;
	}
}

static void drop_timer(bide_timer *timer)
{
	if (timer)
		bide_operation_discard_(&timer->source);
}

static void rearm_posted(bide_post *post)
{
	bide_cancel_source *source = BIDE_CONTAINER_(post, bide_cancel_source, rearm);
	bide_timer *timer = bide_timer_new_(sizeof *timer);
	bool failed;

	bide_spin_lock_(&source->limit_lock);
	source->rearm_posted = false; /* a later call posts again */
	failed = !timer && source->rearm_deadline_ns != BIDE_FOREVER;
	set_limit(source, &timer);
	bide_spin_unlock_(&source->limit_lock);
	drop_timer(timer);
	if (failed) /* without memory for the timer cancel now rather than never */
		bide_cancel_core_fire_(&source->core, BIDE_ECANCELED_);
	bide_cancel_core_unref_(&source->core);
}

/* Under the lock, on any thread. true: the caller posts `rearm` when it has given the lock up. */
static bool change_limit(bide_cancel_source *source, int64_t deadline_ns, bide_timer **timer)
{
	bool post = false;

	source->rearm_deadline_ns = deadline_ns;
	if (bide_port_on_worker_()) {
		set_limit(source, timer);
	} else {
		source->limit_void = true;
		post = !source->rearm_posted;
		source->rearm_posted = true;
	}
	if (post)
		bide_cancel_core_ref_(&source->core);
	return post;
}

static void post_limit(bide_cancel_source *source)
{
	source->rearm.run = rearm_posted;
	bide_port_post_(&source->rearm);
}

int bide_cancel_source_cancel_after(bide_cancel_source *source, int64_t delay_ns)
{
	bide_timer *timer = NULL;
	bool post;

	if (!bide_cancel_source_check_(source, "bide_cancel_source_cancel_after"))
		return BIDE_EINVAL_;
	if (!bide_time_allowed_(delay_ns, "bide_cancel_source_cancel_after", "delay_ns", NULL))
		return BIDE_EINVAL_;
	if (delay_ns == 0) {
		bide_cancel_source_cancel(source);
		return 0;
	}
	if (delay_ns != BIDE_FOREVER && bide_port_on_worker_()) {
		timer = bide_timer_new_(sizeof *timer);
		if (!timer)
			return BIDE_ENOMEM_;
	}
	bide_spin_lock_(&source->limit_lock);
	post = change_limit(source, bide_deadline_after_(delay_ns), &timer);
	bide_spin_unlock_(&source->limit_lock);
	drop_timer(timer);
	if (post)
		post_limit(source);
	return 0;
}

/* false: it is canceled. Against core_mark: what cancels later finds no callbacks. */
static bool clear_unless_canceled(bide_cancel_core *core)
{
	bool canceled;

	bide_spin_lock_(&callbacks_lock);
	bide_spin_lock_(&core->lock);
	canceled = BIDE_LOAD(&core->error, RELAXED) != 0;
	if (!canceled)
		callbacks_clear(core);
	bide_spin_unlock_(&core->lock);
	bide_spin_unlock_(&callbacks_lock);
	return !canceled;
}

bool bide_cancel_source_try_reset(bide_cancel_source *source)
{
	bide_timer *none = NULL;
	bool cleared, post = false;

	if (!bide_cancel_source_check_(source, "bide_cancel_source_try_reset"))
		return false;
	bide_spin_lock_(&source->limit_lock);
	cleared = clear_unless_canceled(&source->core);
	if (cleared)
		post = change_limit(source, BIDE_FOREVER, &none);
	bide_spin_unlock_(&source->limit_lock);
	if (post)
		post_limit(source);
	return cleared;
}

/* --- tokens and registrations --- */

bide_cancel_token bide_cancel_source_token(bide_cancel_source *source)
{
	bide_cancel_token token = bide_cancel_token_none();

	if (bide_cancel_source_check_(source, "bide_cancel_source_token")) {
		token.cell_ = source->core.cell;
		token.number_ = source->core.cell->number;
	}
	return token;
}

/*
 * Of a token that is not none; NULL: its source is gone. Under the lock of the callbacks the source
 * does not go; without the lock it may at once.
 */
static bide_cancel_source *token_source(bide_cancel_token token)
{
	return bide_cancel_cell_source_(token.cell_, token.number_);
}

bool bide_cancel_token_is_canceled(bide_cancel_token token)
{
	return token.cell_ && bide_cancel_cell_is_canceled_(token.cell_, token.number_);
}

bool bide_cancel_token_can_be_canceled(bide_cancel_token token)
{
	return token.cell_ && (token_source(token) || bide_cancel_token_is_canceled(token));
}

/*
 * Under the lock of the callbacks: into the list of the token's source. false: it is gone. *error:
 * it is, or was, canceled, and the node is in no list.
 */
static bool token_attach_locked(bide_cancel_token token, bide_cancel_core *child,
                                bide_cancel_node *node, int *error)
{
	bide_cancel_source *source = token_source(token);

	if (source) {
		*error = attach_locked(&source->core, child, node);
		return true;
	}
	*error = bide_cancel_token_is_canceled(token) ? BIDE_ECANCELED_ : 0;
	return *error != 0;
}

bool bide_cancel_token_attach_(bide_cancel_token token, bide_cancel_core *child,
                               bide_cancel_node *node)
{
	bool attached;
	int error;

	node->core = NULL;
	if (!token.cell_)
		return false;
	bide_spin_lock_(&callbacks_lock);
	attached = token_attach_locked(token, child, node, &error);
	bide_spin_unlock_(&callbacks_lock);
	if (error)
		core_mark(child, error);
	return attached;
}

/*
 * What state_ is once it is registered there, and core_ is not NULL until it is taken out: memory
 * that is anything, or partly used for something else meanwhile, does not look like that.
 */
static uint32_t registered_at(const bide_cancel_registration *registration,
                              const bide_cancel_core *core)
{
	return (uint32_t)((((uintptr_t)registration ^ (uintptr_t)core << 20) * 0x9E3779B97F4A7C15u) >>
	                  32);
}

bool bide_cancel_registration_lives_(const bide_cancel_registration *registration)
{
	const bide_cancel_core *core = registration->node_.core;

	return core && registration->state_ == registered_at(registration, core);
}

static void registration_fire(bide_cancel_node *node, int error)
{
	bide_cancel_registration *registration = BIDE_CONTAINER_(node, bide_cancel_registration, node_);

	const char *before = bide_inside_enter_("a cancellation callback");

	(void)error;
	registration->callback_(registration->argument_);
	bide_inside_ = before;
}

bool bide_cancel_token_register(bide_cancel_token token, bide_cancel_registration *registration,
                                bide_cancel_callback *callback, void *argument)
{
	int error = 0;
	bool alive;

	if (!registration || !callback) {
		bide_misuse_("bide_cancel_token_register: %s is NULL",
		             !registration ? "registration" : "callback");
		return false;
	}
	bide_memory_known_(registration, sizeof *registration);
	bide_spin_lock_(&callbacks_lock); /* it may fire now */
	alive = bide_cancel_registration_lives_(registration);
	bide_spin_unlock_(&callbacks_lock);
	if (alive) {
		bide_misuse_(
			"bide_cancel_token_register: registration is registered already, or its memory "
			"ended while it was; bide_cancel_registration_unregister takes it out");
		return false;
	}
	registration->callback_ = callback;
	registration->argument_ = argument;
	registration->token_ = token;
	registration->state_ = 0;
	registration->node_.core = NULL;
	if (!token.cell_)
		return false;
	bide_spin_lock_(&callbacks_lock);
	alive = token_attach_locked(token, NULL, &registration->node_, &error);
	registration->node_.fire = registration_fire;
	if (registration->node_.core)
		registration->state_ = registered_at(registration, registration->node_.core);
	bide_spin_unlock_(&callbacks_lock);
	if (error)
		registration_fire(&registration->node_, error);
	return alive && !error;
}

static bool unregister(bide_cancel_registration *registration, bool wait, const char *what)
{
	const void *me = bide_port_thread_();
	bool removed, runs;

	if (!registration) {
		bide_misuse_("%s: registration is NULL", what);
		return false;
	}
	for (unsigned tries = 0;; tries++) {
		bide_spin_lock_(&callbacks_lock);
		removed = registration->node_.core != NULL;
		if (removed)
			list_remove(&registration->node_.core->callbacks, &registration->node_);
		runs = false;
		for (firing *f = all_firing; f; f = f->next)
			runs |= f->node == &registration->node_ && f->thread != me;
		bide_spin_unlock_(&callbacks_lock);
		if (removed || !runs || !wait)
			return removed;
		bide_port_wait_a_moment_(tries);
	}
}

bool bide_cancel_registration_unregister(bide_cancel_registration *registration)
{
	return unregister(registration, false, "bide_cancel_registration_unregister");
}

bool bide_cancel_registration_unregister_wait(bide_cancel_registration *registration)
{
	return unregister(registration, true, "bide_cancel_registration_unregister_wait");
}
