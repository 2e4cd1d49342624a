/*
 * The walkers of cores, cells, alarms, contexts and executors. They accept what the library builds,
 * and name the invariant that a test breaks, with its place.
 */
#include "support/test.h"

#include <errno.h>

#include <bide/bide.h>
#include <bide/short.h>

#include "base/assert.h"
#include "cancel/alarm.h"
#include "cancel/cancel_cell.h"
#include "cancel/cancel_core.h"
#include "cancel/cancel_source.h"
#include "context/context.h"
#include "context/executor.h"

#define EXPECT_BROKEN(walk, text) EXPECT_ABORT(BIDE_ASSERT_ALWAYS_(walk), text)

static void called(void *argument)
{
	(void)argument;
}

static void operation_fired(bide_cancel_node *node, int error)
{
	(void)node;
	(void)error;
}

/* Three registrations and a linked source are the callbacks of one core. */
typedef struct callbacks {
	bide_cancel_source *source, *below;
	bide_cancel_registration registrations[3];
	bide_cancel_core *core;
} callbacks;

static void callbacks_begin(callbacks *c)
{
	bide_cancel_token token;

	c->source = bide_cancel_source_create();
	token = bide_cancel_source_token(c->source);
	for (int i = 0; i < 3; i++)
		assert_true(bide_cancel_token_register(token, &c->registrations[i], called, NULL));
	c->below = bide_cancel_source_create_linked(&token, 1);
	c->core = token.cell_->core;
	assert_true(bide_cancel_source_is_valid_(c->source));
	assert_true(bide_cancel_source_is_valid_(c->below));
}

static void callbacks_end(callbacks *c)
{
	assert_true(bide_cancel_source_is_valid_(c->source));
	bide_cancel_source_unref(c->below);
	bide_cancel_source_unref(c->source);
}

TEST(callbacks_that_do_not_link_back_are_named)
{
	callbacks c;

	callbacks_begin(&c);
	EXPECT_BROKEN((c.registrations[1].node_.newer = NULL, bide_cancel_lists_are_valid_(c.core)),
	              "list_is_valid: this must hold, and does not: node->newer == newer");
	EXPECT_BROKEN((c.registrations[1].node_.older = &c.registrations[2].node_,
	               bide_cancel_lists_are_valid_(c.core)),
	              "src/cancel/cancel_core.c:");
	callbacks_end(&c);
}

TEST(a_callback_of_another_core_is_named)
{
	callbacks c;

	callbacks_begin(&c);
	EXPECT_BROKEN((c.registrations[0].node_.core = NULL, bide_cancel_lists_are_valid_(c.core)),
	              "list_is_valid: this must hold, and does not: node->core == core");
	EXPECT_BROKEN((c.registrations[0].node_.fire = NULL, bide_cancel_lists_are_valid_(c.core)),
	              "(node->fire != NULL) != (node->child != NULL)");
	callbacks_end(&c);
}

TEST(an_operation_that_has_fired_is_in_no_list)
{
	bide_context *context = bide_context_create(NULL);
	bide_cancel_node nodes[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(bide_cancel_link_(&context->core, &nodes[i], operation_fired), 0);
	assert_true(bide_context_is_valid_(context));
	EXPECT_BROKEN((nodes[1].newer = &nodes[1], bide_context_is_valid_(context)),
	              "node->newer == newer");
	assert_true(bide_context_cancel(context, ECANCELED));
	assert_null(context->core.operations);
	assert_true(bide_context_is_valid_(context));
	for (int i = 0; i < 3; i++) {
		assert_false(bide_cancel_unlink_(&nodes[i]));
		bide_cancel_node_unref_(&nodes[i]);
	}
	bide_context_unref(context);
}

TEST(a_context_that_contradicts_its_parent_is_named)
{
	bide_executor *strand = bide_strand_create();
	bide_context *above =
		bide_context_create(&(bide_context_options){ .timeout_ns = BIDE_MS(60000) });
	bide_context *below =
		bide_context_create(&(bide_context_options){ .parent = above, .executor = strand });
	bide_context *last = bide_context_create(&(bide_context_options){ .parent = below });

	assert_true(bide_context_is_valid_(above));
	assert_true(bide_context_is_valid_(below));
	assert_true(bide_context_is_valid_(last));
	EXPECT_BROKEN((last->deadline_ns = BIDE_FOREVER, bide_context_is_valid_(last)),
	              "context->deadline_ns <= parent->deadline_ns");
	EXPECT_BROKEN((below->executor = NULL, bide_context_is_valid_(below)),
	              "src/context/context.c:");
	EXPECT_BROKEN(bide_context_word_is_valid_((uintptr_t)below),
	              "has_executor == (context->executor != NULL)");
	EXPECT_BROKEN((above->alarm.parties = 0, bide_alarm_is_valid_(&above->alarm)),
	              "alarm_is_valid: ");
	bide_context_unref(last);
	bide_context_unref(below);
	bide_context_unref(above);
	bide_executor_unref(strand);
}

TEST(a_free_cell_with_a_number_of_no_block_is_named)
{
	bide_cancel_token tokens[70];

	for (int i = 0; i < 70; i++) {
		bide_cancel_source *source = bide_cancel_source_create();

		tokens[i] = bide_cancel_source_token(source);
		if (i == 66)
			assert_true(bide_cancel_source_cancel(source));
		bide_cancel_source_unref(source);
		assert_true(bide_cancel_cells_are_valid_());
	}
	EXPECT_BROKEN((tokens[69].cell_->number += 64, bide_cancel_cells_are_valid_()),
	              "cell_is_valid: this must hold, and does not: used < BLOCK");
	EXPECT_BROKEN((tokens[69].cell_->canceled |= (uint64_t)1 << 63, bide_cancel_cells_are_valid_()),
	              "free->canceled >> used == 0");
	EXPECT_BROKEN((tokens[69].cell_->next = tokens[69].cell_, bide_cancel_cells_are_valid_()),
	              "src/cancel/cancel_cell.c:");
	assert_true(bide_cancel_cells_are_valid_());
}

struct visit {
	ASYNC_FRAME;
	struct {
		int *count;
	} in;
};

async(visit)
{
	async_begin;
	++*my->in.count;
async_finally:
	async_end;
}

TEST(a_queued_frame_that_is_free_is_named)
{
	bide_executor *strand;
	value_task visits[4];
	int count = 0;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
	strand = bide_strand_create();
	for (int i = 0; i < 4; i++)
		visits[i] = with_executor(strand, async_start(visit, .count = &count));
	assert_int_equal(count, 0);
	assert_true(bide_executor_is_valid_(strand));
	EXPECT_BROKEN((((bide_source *)visits[1].state)->generation = 0,
	               bide_executor_is_valid_(strand)),
	              "bide_is_in_use_(&frame->source)");
	EXPECT_BROKEN((((bide_frame *)visits[0].state)->awaiting = (bide_source *)visits[2].state,
	               bide_executor_is_valid_(strand)),
	              "chain_is_valid: this must hold, and does not: i == 0 || frame != middle");
	for (int i = 0; i < 4; i++)
		assert_int_equal(bide_value_task_wait(visits[i], NULL), 0);
	assert_int_equal(count, 4);
	assert_true(bide_executor_is_valid_(strand));
	bide_executor_unref(strand);
}
