/*
 * holder.c - see holder.h.
 */
#include "sync/holder.h"

#include "base/misuse.h"
#include "base/text.h"
#include "memory/held.h"

static bool begins_with(const char *text, const char *prefix)
{
	while (*prefix && *text == *prefix) {
		text++;
		prefix++;
	}
	return !*prefix;
}

/*
 * Returns where the hold was filled, or NULL: a call that did not note itself left the note of an
 * earlier one.
 */
static const bide_place *place_of(const bide_hold *hold)
{
	const char *callee = hold->call_ ? hold->call_->callee : "";
	bool is_mutex = (hold->object_ & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_;
	bool fits = is_mutex ? begins_with(callee, "bide_mutex_hold") ||
	                           begins_with(callee, "bide_mutex_try_hold")
	                     : begins_with(callee, "bide_semaphore_hold") ||
	                           begins_with(callee, "bide_semaphore_try_hold");

	return fits ? &hold->call_->place : NULL;
}

int bide_hold_refused_(const bide_hold *hold, uintptr_t object, const char *what)
{
	const bide_place *place;
	char since[256] = "";

	if (!hold || (object & ~(uintptr_t)BIDE_HELD_KINDS_) == 0) {
		bide_misuse_("%s: %s is NULL", what,
		             !hold                                             ? "hold"
		             : (object & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_ ? "mutex"
		                                                               : "semaphore");
		return BIDE_EINVAL_;
	}
	place = place_of(hold);
	if (place)
		bide_put_(since, sizeof since, ", since %s:%u in %.*s", place->file, (unsigned)place->line,
		          bide_name_length_(place->function), place->function);
	bide_misuse_("%s: hold holds %s already%s", what,
	             hold->object_ == object                                  ? "this object"
	             : (hold->object_ & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_ ? "another mutex"
	                                                                      : "another semaphore",
	             since);
	return hold->object_ == object ? BIDE_EDEADLK_ : BIDE_EBUSY_;
}

void bide_hold_filled_(const bide_hold *hold)
{
	bool is_mutex = (hold->object_ & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_;

	bide_held_add_(hold, is_mutex ? "mutex" : "semaphore",
	               (const void *)(hold->object_ & ~(uintptr_t)BIDE_HELD_KINDS_), place_of(hold));
}

void bide_holder_describe_(const bide_waiter_ *copy, size_t offset, const char *kind, char *to,
                           size_t size_bytes)
{
	enum { PLACES_MAX = 3 };
	uintptr_t queue = copy->link.queue & ~(uintptr_t)BIDE_LINK_TAGS_;
	const bide_place *places[PLACES_MAX];
	size_t count, length = 0;

	if (!queue) {
		bide_put_(to, size_bytes, "%s, which it is getting", kind);
		return;
	}
	bide_put_(to, size_bytes, "%s %p", kind, (void *)(queue - offset));
	count = bide_held_places_((void *)(queue - offset), places, PLACES_MAX);
	for (size_t i = 0; i < count && i < PLACES_MAX; i++) {
		while (to[length])
			length++;
		if (places[i])
			bide_put_(to + length, size_bytes - length, "%s since %s:%u in %.*s",
			          i == 0 ? ", held" : ",", places[i]->file, (unsigned)places[i]->line,
			          bide_name_length_(places[i]->function), places[i]->function);
	}
}
