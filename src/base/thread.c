/*
 * thread.c - the record of the current thread.
 */
#include "base/thread.h"

BIDE_THREAD_LOCAL_ bide_thread_head *bide_current_thread_;
