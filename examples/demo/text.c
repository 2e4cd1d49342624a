/*
 * text.c - clock and text for the demo.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bide/bide.h>

#include "demo.h"

int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t clock_cost_ns(void)
{
	enum { count = 10001 };
	static int64_t apart_ns[count];

	for (int i = 0; i < count; i++) {
		int64_t first_ns = clock_ns();
		apart_ns[i] = clock_ns() - first_ns;
	}
	qsort(apart_ns, count, sizeof apart_ns[0], compare);
	return apart_ns[count / 2];
}

static char *next_buffer(void)
{
	static char buffers[16][40];
	static unsigned next;

	return buffers[next++ % 16];
}

/* Inserts separators: "1000000" becomes "1,000,000". The text after the digits is unchanged. */
static void separate(char *text)
{
	size_t digits = strspn(text, "0123456789");

	for (size_t at = digits; at > 3;) {
		at -= 3;
		memmove(text + at + 1, text + at, strlen(text + at) + 1);
		text[at] = ',';
	}
}

const char *text_duration(double ns)
{
	char *text = next_buffer();

	if (ns < 999.5)
		snprintf(text, 40, "%.*f ns", ns < 99.95 ? 1 : 0, ns);
	else if (ns < 1e6)
		snprintf(text, 40, "%.*f us", ns < 99950 ? 1 : 0, ns / 1e3);
	else
		snprintf(text, 40, "%.1f ms", ns / 1e6);
	separate(text);
	return text;
}

const char *text_sample(int64_t ns, int64_t least_ns)
{
	char *text;

	if (ns >= 1000)
		return text_duration((double)ns);
	text = next_buffer();
	if (ns < least_ns)
		snprintf(text, 40, "< %d ns", (int)least_ns);
	else
		snprintf(text, 40, "%d ns", (int)ns);
	return text;
}

const char *text_count(int64_t count)
{
	char *text = next_buffer();

	snprintf(text, 40, "%lld", (long long)count);
	separate(text);
	return text;
}

const char *text_each(double count)
{
	char *text = next_buffer();

	if (fabs(count - round(count)) < 0.0005)
		snprintf(text, 40, "%.0f", count);
	else
		snprintf(text, 40, "%.*f", count < 10 ? 2 : 1, count);
	return text;
}

void progress(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	fflush(stdout);
}

void heading(const char *text)
{
	printf("\n%s\n", text);
	for (size_t i = strlen(text); i > 0; i--)
		putchar('-');
	printf("\n\n");
}

int complain(const char *what, int error)
{
	fflush(stdout);
	fprintf(stderr, "\ndemo: %s: %s\n", what, bide_strerror(error));
	return 1;
}
