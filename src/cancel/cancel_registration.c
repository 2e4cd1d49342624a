/*
 * cancel_registration.c - the user's callbacks on tokens.
 */
#include "base/misuse.h"
#include "base/port.h"
#include "base/spin.h"
#include "cancel/cancel_core.h"
#include "cancel/cancel_fire.h"
#include "cancel/cancel_token.h"
#include "memory/allocator.h"

/*
 * Returns the value that state_ has while the registration is in the list of `core`. As long as it
 * is in a list, core_ of its node is not NULL. Memory that was never initialised, or is partly used
 * for something else meanwhile, does not look like that.
 */
static uint32_t registered_at(const bide_cancel_registration *registration,
                              const bide_cancel_core *core)
{
	return (uint32_t)((((uintptr_t)registration ^ (uintptr_t)core << 20) * 0x9E3779B97F4A7C15u) >>
	                  32);
}

/* The registration may be any memory. */
static bool is_registered(const bide_cancel_registration *registration)
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

/* Returns false if it is registered already, and reports misuse. */
static bool may_register(bide_cancel_registration *registration)
{
	bool registered;

	bide_memory_known_(registration, sizeof *registration);
	bide_spin_lock_(&bide_cancel_callbacks_lock_); /* It may fire now. */
	registered = is_registered(registration);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	if (registered)
		bide_misuse_(
			"bide_cancel_token_register: registration is registered already, or its memory "
			"ended while it was; bide_cancel_registration_unregister takes it out");
	return !registered;
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
	if (!may_register(registration))
		return false;
	registration->callback_ = callback;
	registration->argument_ = argument;
	registration->token_ = token;
	registration->state_ = 0;
	registration->node_.core = NULL;
	if (!token.cell_)
		return false;
	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	alive = bide_cancel_token_attach_locked_(token, NULL, &registration->node_, &error);
	registration->node_.fire = registration_fire;
	if (registration->node_.core)
		registration->state_ = registered_at(registration, registration->node_.core);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
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
		bide_spin_lock_(&bide_cancel_callbacks_lock_);
		removed = registration->node_.core != NULL;
		if (removed)
			bide_cancel_detach_locked_(&registration->node_);
		runs = bide_cancel_fires_elsewhere_(&registration->node_, me);
		bide_spin_unlock_(&bide_cancel_callbacks_lock_);
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
