/*
 * main.c - the demo of bide: what task and value_task are, what they cost, and a server.
 *
 *     demo [--quick] [--chart FILE]
 *
 * --quick runs everything in small, for the tests; its results mean nothing. --chart names the file
 * of the chart.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bide/bide.h>

#include "cache.h"
#include "demo.h"
#include "measure.h"
#include "report.h"

struct options {
	bool quick;
	const char *chart_path; /* NULL means beside the program */
};

static const struct plan full = {
	.product_count = 200000,
	.hot_count = 1000,
	.miss_count = 2000,
	.lookup_max = 200000,
	.round_count = 9,
};

static const struct plan quick = {
	.product_count = 2000,
	.hot_count = 100,
	.miss_count = 100,
	.lookup_max = 1000,
	.round_count = 2,
};

static int show_stampede(struct database *database, struct cache *cache)
{
	enum { caller_count = 1000 };
	uint64_t reads = database_read_count(database);
	int64_t same_count;
	int error = measure_stampede(cache, 1, caller_count, &same_count);

	if (error)
		return complain("the look-ups at once", error);
	reads = database_read_count(database) - reads;
	printf(
		"\n  %s callers at once wanted a price that was not there: %s got the same task, and the\n"
		"  database was asked %s. That is what tasks are for.\n",
		text_count(caller_count), text_count(same_count), reads == 1 ? "once" : "more than once");
	if (same_count == caller_count && reads == 1)
		return 0;
	return complain("the look-ups at once should have shared one task", EBADMSG);
}

static int show_cache(const struct options *options, struct database *database, struct cache *cache)
{
	const struct plan *plan = options->quick ? &quick : &full;
	struct ratio ratios[RATIO_COUNT];
	int error = measure_ratios(plan, cache, ratios);

	if (error)
		return complain("the look-ups", error);
	report_table(ratios);
	if (show_stampede(database, cache) != 0)
		return 1;
	report_chart(ratios, options->chart_path);
	report_advice(ratios);
	return 0;
}

static int show_database(const struct options *options)
{
	int64_t product_count = options->quick ? quick.product_count : full.product_count;
	struct database *database;
	struct cache *cache;
	int failed;

	heading("2. A cache before a database");
	printf("  The same look-up twice: cache_get_task returns a task, cache_get a value_task. What "
	       "is in the\n"
	       "  cache (a hit) both give at once; what is not (a miss) they read from SQLite on "
	       "another thread,\n"
	       "  and wait. The code is short: examples/demo/cache.c.\n\n");
	progress("  filling the database ");
	database = database_create(product_count);
	if (!database)
		return 1;
	progress(" %s rows, %.1f MB\n", text_count(product_count), (double)database_bytes() / 1e6);
	cache = cache_create(database, product_count);
	failed = cache ? show_cache(options, database, cache) : complain("the cache", ENOMEM);
	cache_destroy(cache);
	database_destroy(database);
	return failed;
}

/* Returns false if the options are not as documented above. */
static bool read_options(int count, char **words, struct options *options)
{
	for (int i = 1; i < count; i++) {
		if (strcmp(words[i], "--quick") == 0)
			options->quick = true;
		else if (strcmp(words[i], "--chart") == 0 && i + 1 < count)
			options->chart_path = words[++i];
		else
			return false;
	}
	return true;
}

int main(int count, char **words)
{
	struct options options = { .quick = false };
	int64_t start_ns = clock_ns();
	uint64_t leak_count;
	int failed;

	if (!read_options(count, words, &options)) {
		fprintf(stderr, "usage: demo [--quick] [--chart FILE]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* if gnuplot fails, the demo must still remove its files */
	if (count_install() != 0)
		return complain("the allocator", EBUSY);
	if (bide_configure(&(bide_config){ .workers = 1 }) != 0) /* see cache.h */
		return complain("the runtime", ENOMEM);
	failed = show_get_data(options.quick ? 10 : 1000, options.quick ? 1000 : 1000000);
	if (!failed)
		failed = show_database(&options);
	if (!failed)
		failed = show_server(options.quick ? 10 : 200, options.quick ? 10 : 500);
	if (bide_shutdown(&leak_count) != 0 || leak_count != 0)
		failed = 1;
	if (!failed)
		printf("\n  All of this took %.1f seconds.%s\n"
		       "  What next: docs/guide/tutorial.md, and docs/guide/a-server.md.\n",
		       (double)(clock_ns() - start_ns) / 1e9,
		       options.quick ? " --quick: too quick for its figures to mean anything." : "");
	return failed;
}
