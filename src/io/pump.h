/*
 * pump.h - sends what was put in a stream of the user's own.
 */
#ifndef BIDE_IO_PUMP_H
#define BIDE_IO_PUMP_H

#include "io/buffer.h"

/*
 * `sending` is set, and has its pin. Writes the queue by an async function, outside of all
 * contexts. Returns 0, EAGAIN if it is under way, or the error.
 */
BIDE_INTERNAL int bide_pump_start_(bide_stream *stream);

#endif
