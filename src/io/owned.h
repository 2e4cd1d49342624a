/*
 * owned.h - which descriptors belong to objects of the library, so that none is taken twice: the
 * second owner would close a number that means another file by then.
 *
 * There is a mark for each number. One of the objects that want a number writes its mark, and
 * takes it away before it closes the number; so no lock is needed. Numbers from BIDE_OWNED_MAX_ on
 * have none, and are not checked. In the child of a fork the marks of the parent count no more:
 * they are of another process.
 */
#ifndef BIDE_IO_OWNED_H
#define BIDE_IO_OWNED_H

#include "base/library.h"

enum { BIDE_OWNED_MAX_ = 65536 };

/* The number belongs to an object from now on, until `end`, which comes before its close. */
BIDE_INTERNAL void bide_owned_begin_(int fd);
BIDE_INTERNAL void bide_owned_end_(int fd);
/*
 * `begin` for a number that the program hands over. Returns 0; or EBUSY, which it reports as misuse
 * of `what`, if the number belongs to an object already.
 */
BIDE_INTERNAL int bide_owned_take_(int fd, const char *what);

#endif
