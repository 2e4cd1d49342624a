/*
 * reactor.c - see reactor.h.
 */
#include "runtime/reactor.h"

const bide_reactor_hooks *bide_reactor_hooks_;
