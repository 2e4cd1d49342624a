/*
 * crawler.c - visits all pages of a site that is made up here, with manners: ten pages a second,
 * four connections at a time, and another try for a page that fails. A limiter, a semaphore, retry
 * and a group do it. On the virtual clock an hour takes a blink.
 */
#include <errno.h>
#include <stdio.h>

#include <bide/short.h>

enum { PAGES = 36000 };

static struct {
	limiter rate;
	semaphore connections;
	bide_group pages;
	bool seen[PAGES];
	int loaded, tries, open, most_open;
} site;

/* --- the site: page n links to the pages 3n + 1 to 3n + 3, and to the first --- */

struct load_page {
	ASYNC_FRAME;
	struct {
		int page;
	} in;
};

async(load_page)
{
	async_begin;
	site.tries++;
	await(delay_ms(100 + (int64_t)(simulation_random() % 200)));
	if (simulation_random() % 20 == 0)
		async_fail(ECONNRESET);
	if (simulation_random() % 20 == 0)
		await(delay(BIDE_FOREVER)); /* the server has forgotten us */
	site.loaded++;
async_finally:
	async_end;
}

static value_task load(void *page)
{
	return async_start(load_page, .page = *(const int *)page);
}

/* --- the crawler --- */

struct visit {
	ASYNC_FRAME;
	struct {
		int page;
	} in;
	hold connection;
};

static void visit_first(int page);

async(visit)
{
	async_in(page);
	await(limiter_acquire(&site.rate, 1));
	await(semaphore_hold(&site.connections, 1, &my->connection));
	site.open++;
	site.most_open = site.open > site.most_open ? site.open : site.most_open;
	await(retry(load, &my->in.page,
	            &(retry_options){ .timeout_ns = BIDE_MS(500), .attempts_max = 8 }));
	for (int i = 1; i <= 3; i++)
		visit_first(3 * page + i);
	visit_first(0);
async_finally:
	site.open -= hold_is_held(&my->connection);
	hold_release(&my->connection); /* however far it came */
	async_end;
}

static void visit_first(int page)
{
	if (page >= PAGES || site.seen[page])
		return;
	site.seen[page] = true;
	group_start(&site.pages, async_start(visit, .page = page));
}

struct crawl {
	ASYNC_FRAME;
};

async(crawl)
{
	async_begin;
	if (group_init(&site.pages, NULL))
		async_fail(ENOMEM);
	visit_first(0);
	await(group_wait(&site.pages)); /* members add members */
async_finally:
	async_end;
}

int main(void)
{
	uint64_t leak_count;
	int error = configure(&(config){ .virtual_clock = true, .seed = 7 });
	int minutes;

	if (!error)
		error = limiter_init(&site.rate, 10, BIDE_SECONDS(1), 5);
	if (!error)
		error = semaphore_init(&site.connections, 4, 4);
	if (!error)
		error = value_task_wait(async_start(crawl), NULL);
	minutes = (int)(now_ns() / BIDE_SECONDS(60));
	if (error) {
		fprintf(stderr, "crawler: %s\n", bide_strerror(error));
		return 1;
	}
	printf("%d pages in %d minutes; at most %d connections; a second try was needed %s\n",
	       site.loaded, minutes, site.most_open, site.tries > PAGES ? "at times" : "never");
	return site.loaded != PAGES || minutes < 60 || site.most_open != 4 ||
	       bide_shutdown(&leak_count) != 0 || leak_count != 0;
}
