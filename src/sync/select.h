/*
 * select.h - what bide_select asks of the objects that are its cases. Channels are in channel.h.
 */
#ifndef BIDE_SYNC_SELECT_H
#define BIDE_SYNC_SELECT_H

#include <bide/select.h>

#include "sync/selection.h"

/*
 * Checks the cases. Stores the index of the delay, or `count`. Returns 0, or the error of a misuse,
 * which was reported.
 */
BIDE_INTERNAL int bide_select_check_(const bide_select_case *cases, size_t count, size_t *delay);

/*
 * Looks at the cases in turn from `start` on, without a selection. Returns true if one has happened
 * or failed, and stores the result; `delay` is the index of the delay, or `count`. Otherwise no
 * case has happened, and a selection decides.
 */
BIDE_INTERNAL bool bide_select_now_(const bide_select_case *cases, size_t count, size_t start,
                                    size_t delay, bide_value_task *result);
/* Take what the case wants if it is there; the hold was checked. */
BIDE_INTERNAL bool bide_mutex_select_now_(bide_mutex *mutex, bide_hold *hold);
BIDE_INTERNAL bool bide_semaphore_select_now_(bide_semaphore *semaphore, int64_t count,
                                              bide_hold *hold);
BIDE_INTERNAL bool bide_event_select_now_(bide_event *event);

/*
 * Register a case; the hold was checked. Return true if it has claimed the selection, and the
 * outcome is stored.
 */
BIDE_INTERNAL bool bide_mutex_select_(bide_mutex *mutex, bide_hold *hold, bide_selection_ *s,
                                      uint32_t number);
BIDE_INTERNAL bool bide_semaphore_select_(bide_semaphore *semaphore, int64_t count, bide_hold *hold,
                                          bide_selection_ *s, uint32_t number);
BIDE_INTERNAL bool bide_event_select_(bide_event *event, bide_selection_ *s, uint32_t number);

#endif
