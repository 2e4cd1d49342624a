/*
 * log.h - a line for each request, on standard output.
 *
 * Lines are written by a thread of their own, since standard output may be a pipe without a reader.
 * If it does not keep up, lines are dropped and counted.
 */
#ifndef HTTP_FILES_LOG_H
#define HTTP_FILES_LOG_H

#include <stdint.h>

#include "request.h"

struct log;

/* Returns NULL if there is no memory or no thread. */
struct log *log_open(void);
/* Writes what is left, for at most a second, and ends. NULL does nothing. */
void log_close(struct log *log);
/* Notes an answer. Any thread. log may be NULL. */
void log_answer(struct log *log, const char *peer, const struct request *request, int status,
                uint64_t body_bytes);

#endif
