/*
 * recycle.c - where an object that is from no pool goes when it was consumed, by its kind.
 */
#include "base/misuse.h"
#include "source/upcalls.h"

/*
 * The generation moves on, so that copies of the value task are stale. The word then says that the
 * source may be reset.
 */
static void user_source_consumed(bide_source *source)
{
	const bide_source_operations *operations = ((bide_user_source *)(void *)source)->operations;
	bide_thread_head *head = bide_thread_();
	const char *before;

	BIDE_STORE(&source->generation, head ? ++head->generation : source->generation + 1, RELAXED);
	/*
	 * Pairs with bide_user_source_reset. From here on the source may be used again, so only its
	 * operations, which were loaded before, are used.
	 */
	BIDE_STORE(&source->word, (uintptr_t)BIDE_WORD_ABANDONED_, RELEASE);
	if (!operations || !operations->release)
		return;
	before = bide_inside_enter_("the release function of a source");
	operations->release(source);
	bide_inside_ = before;
}

void bide_recycle_other_(bide_source *source)
{
	if (bide_kind_of_(source->kind) == BIDE_KIND_USER_)
		user_source_consumed(source);
	else if (bide_kind_of_(source->kind) == BIDE_KIND_FORK_)
		bide_fork_consumed_(source);
}
