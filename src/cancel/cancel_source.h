/*
 * cancel_source.h - what other folders need of cancel sources.
 */
#ifndef BIDE_CANCEL_CANCEL_SOURCE_H
#define BIDE_CANCEL_CANCEL_SOURCE_H

#include "base/library.h"

/* Returns true for a cancel source with a reference. Else it reports misuse of `what`. */
BIDE_INTERNAL bool bide_cancel_source_check_(const bide_cancel_source *source, const char *what);
/*
 * A cancellation in two steps. mark makes the source count as canceled, and takes a reference. It
 * returns true for the first cancellation; that caller must call fire once, which runs the
 * callbacks and drops the reference.
 */
BIDE_INTERNAL bool bide_cancel_source_mark_(bide_cancel_source *source);
BIDE_INTERNAL void bide_cancel_source_fire_(bide_cancel_source *source);
/*
 * At shutdown, for each operation that leaked: if it is a cancel source, takes its registrations
 * out of its list, since their memory is the user's and lives on.
 */
BIDE_INTERNAL void bide_cancel_leak_(bide_source *source);
/* A walker, for a caller with a reference: the lists, the alarm and the cell of a source. */
BIDE_INTERNAL bool bide_cancel_source_is_valid_(bide_cancel_source *source);

#endif
