/*
 * hold.c - gives back what a hold has.
 */
#include "base/misuse.h"
#include "memory/held.h"
#include "sync/holder.h"

/*
 * Returns the object that the hold held, with its kind; or 0. It holds nothing afterwards. A wait
 * that is pending would fill it later, and nothing would release that.
 */
static uintptr_t empty(bide_hold *hold, const char *what)
{
	uintptr_t object;

	if (BIDE_UNLIKELY(!hold)) {
		bide_misuse_("%s: hold is NULL", what);
		return 0;
	}
	object = hold->object_;
	if (BIDE_UNLIKELY(!object && bide_hold_is_claimed_(hold)))
		bide_hold_misuse_(hold, what);
	hold->object_ = 0;
	if (object)
		bide_held_remove_(hold);
	return object;
}

static void *address_of(uintptr_t object)
{
	return (void *)(object & ~(uintptr_t)BIDE_HELD_KINDS_);
}

void bide_hold_release(bide_hold *hold)
{
	uintptr_t object = empty(hold, "bide_hold_release");

	if (!object)
		return;
	if ((object & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_)
		bide_mutex_give_back_(address_of(object));
	else
		bide_semaphore_give_back_(address_of(object), hold->count_);
}

bool bide_hold_is_held(const bide_hold *hold)
{
	if (BIDE_LIKELY(hold))
		return hold->object_ != 0;
	bide_misuse_("bide_hold_is_held: hold is NULL");
	return false;
}

void bide_hold_use_up(bide_hold *hold)
{
	static const char what[] = "bide_hold_use_up";

	uintptr_t object;

	if (hold && (hold->object_ & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_) {
		bide_misuse_("%s: hold holds a mutex, which can only be released", what);
		return;
	}
	object = empty(hold, what);
	if (object)
		bide_semaphore_use_up_(address_of(object), hold->count_);
}
