/*
 * log.c - the lines of the log, in the form that most servers use.
 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_BYTES = 65536, LINE_MAX_BYTES = 1024, TARGET_SHOWN_BYTES = 200, LAST_MS = 1000 };

struct log {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool is_ending;
	uint64_t dropped;
	size_t size;
	char lines[LOG_BYTES];   /* under the lock */
	char writing[LOG_BYTES]; /* the thread's */
};

/* Waits for standard output. Returns false if it takes nothing and the log ends. */
static bool wait_until_writable(struct log *log)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int waited_ms = 0;
	bool is_ending;

	for (;;) {
		if (poll(&output, 1, 100) > 0)
			return true;
		pthread_mutex_lock(&log->lock);
		is_ending = log->is_ending;
		pthread_mutex_unlock(&log->lock);
		waited_ms = is_ending ? waited_ms + 100 : 0;
		if (waited_ms >= LAST_MS)
			return false;
	}
}

static bool write_lines(struct log *log, const char *at, size_t size)
{
	while (size > 0) {
		/* No more than a pipe takes at once when poll says that it takes something. */
		size_t count = size < 4096 ? size : 4096;
		ssize_t written;

		if (!wait_until_writable(log))
			return false;
		written = write(STDOUT_FILENO, at, count);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return false; /* nothing reads it any more */
		if (written > 0) {
			at += written;
			size -= (size_t)written;
		}
	}
	return true;
}

static void *write_log(void *argument)
{
	struct log *log = argument;
	bool goes_on = true;

	pthread_mutex_lock(&log->lock);
	while (!log->is_ending || log->size > 0) {
		size_t size = log->size;

		if (size == 0) {
			pthread_cond_wait(&log->changed, &log->lock);
			continue;
		}
		memcpy(log->writing, log->lines, size);
		log->size = 0;
		pthread_mutex_unlock(&log->lock);
		goes_on = goes_on && write_lines(log, log->writing, size);
		pthread_mutex_lock(&log->lock);
	}
	if (log->dropped > 0)
		fprintf(stderr, "http_files: %" PRIu64 " lines of the log were dropped\n", log->dropped);
	pthread_mutex_unlock(&log->lock);
	return NULL;
}

struct log *log_open(void)
{
	struct log *log = calloc(1, sizeof *log);
	sigset_t all, before;
	int error;

	if (!log)
		return NULL;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->changed, NULL);
	/* The thread takes no signals, and none comes of a pipe without a reader. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&log->thread, NULL, write_log, log);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		free(log);
		return NULL;
	}
	return log;
}

void log_close(struct log *log)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	log->is_ending = true;
	pthread_cond_signal(&log->changed);
	pthread_mutex_unlock(&log->lock);
	pthread_join(log->thread, NULL);
	pthread_cond_destroy(&log->changed);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

/* Copies text without what could break the line or a terminal. Returns the size. */
static size_t escape(const char *text, size_t size, char *to)
{
	size_t used = 0;

	for (size_t i = 0; i < size && i < TARGET_SHOWN_BYTES; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c > ' ' && c < 0x7f && c != '"' && c != '\\')
			to[used++] = (char)c;
		else
			used += (size_t)sprintf(to + used, "\\x%02x", c);
	}
	to[used] = '\0';
	return used;
}

void log_answer(struct log *log, const char *peer, const struct request *request, int status,
                uint64_t body_bytes)
{
	static const char *const methods[] = {
		[METHOD_GET] = "GET", [METHOD_HEAD] = "HEAD", [METHOD_OTHER] = "-"
	};
	char line[LINE_MAX_BYTES], target[4 * TARGET_SHOWN_BYTES + 1], date[64];
	time_t now = time(NULL);
	struct tm tm;
	int size;

	if (!log)
		return;
	escape(request->target, request->target_bytes, target);
	strftime(date, sizeof date, "%d/%b/%Y:%H:%M:%S +0000", gmtime_r(&now, &tm));
	size = snprintf(line, sizeof line, "%s - - [%s] \"%s %s HTTP/1.%u\" %d %" PRIu64 "\n", peer,
	                date, methods[request->method], target, request->minor, status, body_bytes);
	pthread_mutex_lock(&log->lock);
	if (size < 0 || (size_t)size >= sizeof line || (size_t)size > sizeof log->lines - log->size) {
		log->dropped++;
	} else {
		memcpy(log->lines + log->size, line, (size_t)size);
		log->size += (size_t)size;
		pthread_cond_signal(&log->changed);
	}
	pthread_mutex_unlock(&log->lock);
}
