/*
 * release.c - giving back what is from no pool, by its kind.
 */
#include "base/misuse.h"
#include "source/upcalls.h"

/*
 * Consumed: the generation moves on, so copies of the value task are dead; the word says it may be
 * reset.
 */
static void user_source_release(bide_source *source)
{
	const bide_source_operations *operations = ((bide_user_source *)(void *)source)->operations;
	bide_thread_head *head = bide_thread_();
	const char *before;

	BIDE_STORE(&source->generation, head ? ++head->generation : source->generation + 1, RELAXED);
	/*
	 * pairs with bide_user_source_reset; from here on it may be used again, but for its functions
	 */
	BIDE_STORE(&source->word, (uintptr_t)BIDE_WORD_ABANDONED_, RELEASE);
	if (!operations || !operations->release)
		return;
	before = bide_inside_enter_("the release function of a source");
	operations->release(source);
	bide_inside_ = before;
}

void bide_release_other_(bide_source *source)
{
	if (bide_kind_of_(source->kind) == BIDE_KIND_USER_)
		user_source_release(source);
	else if (bide_kind_of_(source->kind) == BIDE_KIND_FORK_)
		bide_fork_release_(source);
}
