/*
 * groups.c - groups, also nested ones, whose members end, fail, add more members, and are canceled
 * from everywhere. The wait ends after the last member, with an error that a member had.
 */
#include "stress.h"

enum { GROUPS_MAX = 6, MEMBERS_MAX = 10 };

typedef struct scene {
	/* Each has a reference; NULL if it was taken or is not there yet. */
	_Atomic(bide_context *) scopes[GROUPS_MAX];
	atomic_uint begun, ended, owners;
} scene;

struct member {
	ASYNC_FRAME;
	struct {
		scene *scene;
		atomic_uint *alive; /* counts the members of its group */
		dice dice;
		unsigned depth;
	} in;
	bool endless;
	int i;
};

static value_task owner_of(scene *s, dice d, unsigned depth);

async(member)
{
	async_begin;
	atomic_fetch_add(&my->in.scene->begun, 1);
	atomic_fetch_add(my->in.alive, 1);
	for (my->i = (int)below(&my->in.dice, 4); my->i > 0; my->i--)
		await(pause_a_bit(&my->in.dice));
	if (my->in.depth < 2 && chance(&my->in.dice, 10))
		await(owner_of(my->in.scene, fork_dice(&my->in.dice), my->in.depth + 1));
	if (chance(&my->in.dice, 20))
		await(delay((int64_t)below(&my->in.dice, 1000000)));
	if (chance(&my->in.dice, 10))
		async_fail(BIDE_EUSER + 1);
async_finally:
	await(pause_a_bit(&my->in.dice));
	atomic_fetch_sub(my->in.alive, 1);
	atomic_fetch_add(&my->in.scene->ended, 1);
	async_end;
}

struct owner {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
		unsigned depth;
	} in;
	bide_group group;
	atomic_uint alive;
	bide_group_options options;
	unsigned i, slot;
	int error;
};

/* Shows the group's context to the cancelers. */
static void show(struct owner *my)
{
	bide_context *scope = bide_context_ref(bide_group_context(&my->group)), *seen = NULL;

	my->slot = below(&my->in.dice, GROUPS_MAX);
	if (!atomic_compare_exchange_strong(&my->in.scene->scopes[my->slot], &seen, scope))
		bide_context_unref(scope);
}

async(owner)
{
	async_begin;
	atomic_fetch_add(&my->in.scene->owners, 1);
	my->options.keep_going = chance(&my->in.dice, 50);
	CHECK_EQUAL(bide_group_init(&my->group, &my->options), 0);
	show(my);
	for (my->i = below(&my->in.dice, MEMBERS_MAX); my->i > 0; my->i--) {
		group_start(&my->group,
		            async_start(member, .scene = my->in.scene, .alive = &my->alive,
		                        .dice = fork_dice(&my->in.dice), .depth = my->in.depth));
		stress_count(1);
		if (chance(&my->in.dice, 20))
			await_or(pause_a_bit(&my->in.dice), (void)0); /* its own scope may be canceled */
	}
	CHECK(bide_group_is_valid_(&my->group));
	if (chance(&my->in.dice, 15))
		bide_group_cancel(&my->group);
	await_or(group_wait(&my->group), my->error = await_error);
	CHECK(my->error == 0 || my->error == ECANCELED || my->error == BIDE_EUSER + 1);
	CHECK_EQUAL(atomic_load(&my->alive), 0);
	if (my->error && my->in.depth)
		async_fail(my->error);
async_finally:
	atomic_fetch_sub(&my->in.scene->owners, 1);
	async_end;
}

static value_task owner_of(scene *s, dice d, unsigned depth)
{
	return async_start(owner, .scene = s, .dice = d, .depth = depth);
}

static void cancel_some(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	(void)index;
	for (unsigned i = 10 + below(d, 20); i; i--) {
		bide_context *scope = atomic_exchange(&s->scopes[below(d, GROUPS_MAX)], NULL);

		if (scope && chance(d, 60))
			bide_context_cancel(scope, ECANCELED);
		bide_context_unref(scope);
		dawdle(d);
	}
}

STRESS(groups)
{
	scene s = { .begun = 0 };
	crowd c;
	task *owners[GROUPS_MAX];
	unsigned count = 1 + below(d, GROUPS_MAX);

	(void)workers;
	crowd_start(&c, 1 + below(d, 3), cancel_some, &s, d);
	for (unsigned i = 0; i < count; i++) {
		owners[i] = value_task_as_task(owner_of(&s, fork_dice(d), 0));
		dawdle(d);
	}
	for (unsigned i = 0; i < count; i++) {
		CHECK_EQUAL(task_wait(owners[i], NULL), 0);
		task_unref(owners[i]);
	}
	crowd_join(&c);
	for (unsigned i = 0; i < GROUPS_MAX; i++)
		bide_context_unref(atomic_load(&s.scopes[i]));
	CHECK_EQUAL(atomic_load(&s.begun), atomic_load(&s.ended));
	CHECK_EQUAL(atomic_load(&s.owners), 0);
}
