/*
 * parallel_for.c - loops: parallel_for computes on all workers, for_each awaits many bodies at the
 * same time, and for_each_of does so for items that come one after the other. A limit restricts how
 * many bodies run at the same time. The first failure cancels the others.
 */
#include <errno.h>
#include <stdio.h>

#include <bide/short.h>

enum { NUMBERS = 200000, PAGES = 40, AT_ONCE = 8 };

/* --- computing: a plain function for a part of the range --- */

static unsigned char is_prime[NUMBERS];

static int sieve_part(int64_t begin, int64_t end, void *argument)
{
	(void)argument;
	for (int64_t n = begin; n < end; n++) {
		is_prime[n] = n >= 2;
		for (int64_t d = 2; d * d <= n && is_prime[n]; d++)
			is_prime[n] = n % d != 0;
	}
	return 0;
}

/* --- waiting: an async call for each index --- */

static int sizes[PAGES];

struct download {
	ASYNC_FRAME;
	struct {
		int64_t page;
	} in;
};

async(download)
{
	async_in(page);
	await(delay_ms(10));
	sizes[page] = 1000 + (int)page;
async_finally:
	async_end;
}

static value_task download_page(int64_t page, void *argument)
{
	(void)argument;
	return async_start(download, .page = page);
}

/* --- items: next returns them one by one, and BIDE_EEND at the end --- */

static value_task next_name(void *argument)
{
	const char *const **names = argument;

	if (!**names)
		return value_task_from_error(BIDE_EEND);
	return value_task_from(*(*names)++);
}

static value_task greet(payload name, void *argument)
{
	const char *text = name.p;

	(void)argument;
	if (*text == '?')
		return value_task_from_error(EPROTO); /* ends the loop */
	printf("  hello, %s\n", text);
	return value_task_completed();
}

struct run {
	ASYNC_FRAME;
	const char *const *names;
	int64_t start_ns;
	int count, error;
};

async(run)
{
	static const char *const all_names[] = { "Ada", "Grace", "?", "Barbara", NULL };

	async_begin;
	await(parallel_for(0, NUMBERS, sieve_part, NULL, NULL));
	for (int i = 0; i < NUMBERS; i++)
		my->count += is_prime[i];
	printf("%d primes below %d\n", my->count, NUMBERS);

	my->start_ns = now_ns();
	await(for_each(0, PAGES, download_page, NULL, &(parallel_options){ .limit = AT_ONCE }));
	printf("%d pages of 10 ms, %d at once: %s\n", PAGES, AT_ONCE,
	       now_ns() - my->start_ns >= BIDE_MS(50) ? "50 ms or more" : "too fast");

	my->names = all_names;
	await_or(for_each_of(next_name, greet, &my->names, &(parallel_options){ .limit = 1 }),
	         my->error = await_error);
	printf("then: %s\n", bide_strerror(my->error));
	async_return(my->count == 17984 && sizes[PAGES - 1] == 1000 + PAGES - 1 && my->error == EPROTO);
async_finally:
	async_end;
}

int main(void)
{
	payload good;
	int error = value_task_wait(async_start(run), &good);

	if (error || !good.i) {
		fprintf(stderr, "parallel_for: %s\n", error ? bide_strerror(error) : "wrong result");
		return 1;
	}
	return 0;
}
