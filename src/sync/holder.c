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

static const char *name_of(uintptr_t object)
{
	return (object & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_ ? "mutex" : "semaphore";
}

/*
 * Returns where the hold was filled, or its wait was begun; or NULL: a call that did not note
 * itself left the note of an earlier one. What a pending wait is for is not known.
 */
static const bide_place *place_of(const bide_hold *hold)
{
	static const char *const calls[][2] = { { "bide_mutex_hold", "bide_mutex_try_hold" },
		                                    { "bide_semaphore_hold", "bide_semaphore_try_hold" } };
	uintptr_t kind = hold->object_ & BIDE_HELD_KINDS_;
	const char *callee = hold->call_ ? hold->call_->callee : "";
	bool fits = begins_with(callee, "bide_select");

	for (uintptr_t i = 0; i < 2; i++)
		if (kind == 0 || kind == i + 1)
			fits = fits || begins_with(callee, calls[i][0]) || begins_with(callee, calls[i][1]);
	return fits ? &hold->call_->place : NULL;
}

/* Writes ", since" and the place, or nothing. */
static void put_since(const bide_hold *hold, char *to, size_t size_bytes)
{
	const bide_place *place = place_of(hold);

	to[0] = '\0';
	if (place)
		bide_put_(to, size_bytes, ", since %s:%u in %.*s", place->file, (unsigned)place->line,
		          bide_name_length_(place->function), place->function);
}

void bide_hold_misuse_(const bide_hold *hold, const char *what)
{
	char since[256];

	put_since(hold, since, sizeof since);
	bide_misuse_("%s: a wait for hold is pending%s; forget its value task first", what, since);
}

int bide_hold_refused_(const bide_hold *hold, uintptr_t object, const char *what)
{
	char since[256];

	if (!hold || (object & ~(uintptr_t)BIDE_HELD_KINDS_) == 0) {
		bide_misuse_("%s: %s is NULL", what, hold ? name_of(object) : "hold");
		return BIDE_EINVAL_;
	}
	put_since(hold, since, sizeof since);
	if (hold->object_ == 0) {
		bide_misuse_("%s: a wait for hold is pending already%s; each wait needs a hold of its own",
		             what, since);
		return BIDE_EBUSY_;
	}
	if (hold->object_ == object) {
		bide_misuse_("%s: hold holds this %s already%s", what, name_of(object), since);
		return BIDE_EDEADLK_;
	}
	bide_misuse_("%s: hold holds %s %s already%s", what,
	             (hold->object_ ^ object) & BIDE_HELD_KINDS_ ? "a" : "another",
	             name_of(hold->object_), since);
	return BIDE_EBUSY_;
}

void bide_hold_note_(const bide_hold *hold, uintptr_t object)
{
	bide_held_remove_(hold);
	if (object)
		bide_held_add_(hold, name_of(object),
		               (const void *)(hold->object_ & ~(uintptr_t)BIDE_HELD_KINDS_),
		               place_of(hold));
}

void bide_holder_refuse_(bide_wait_link_ *link)
{
	bide_hold_refuse_(link->wants.hold);
}

bool bide_holds_are_valid_(const bide_wait_queue_ *queue)
{
	enum { LOOKED_AT_MAX = 64 };
	const bide_wait_link_ *link = queue->first;

	for (int i = 0; link && i < LOOKED_AT_MAX; i++, link = link->next)
		BIDE_INVARIANT_(link->wants.hold->object_ == 0 && link->wants.hold->count_ < 0);
	return true;
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
