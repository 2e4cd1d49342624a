/*
 * flags.h - which of a compiler's flags libclang gets: those that change what the source means.
 *
 * Flags of gcc alone, warnings, optimisation, output files are left out, so that the commands of
 * any build can be used.
 */
#ifndef CHECK_FLAGS_H
#define CHECK_FLAGS_H

#include <stdbool.h>

struct flags {
	char **flag;
	int count, room;
};

/* Adds what matters of these. false, with a complaint: a flag lacks its value. */
bool flags_add(struct flags *flags, const char *const *from, int count);
/* The same; relative folders are taken from `folder`. */
bool flags_add_in(struct flags *flags, const char *const *from, int count, const char *folder);
/* Adds one without a look. */
void flags_add_as_is(struct flags *flags, const char *flag);
void flags_end(struct flags *flags);

#endif
