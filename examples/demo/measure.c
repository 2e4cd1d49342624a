/*
 * measure.c - measures how long a look-up takes.
 *
 * Both forms get the same products in the same order, from a cache in the same state, in turn. The
 * mean comes from runs in which no clock is read between two look-ups. p50 and p99 come from other
 * runs, in which each look-up is timed on its own and the cost of the clock is subtracted. The
 * allocations come from a third kind of run, because counting them takes time as well.
 */
#include "measure.h"

#include <errno.h>
#include <stdlib.h>

#include <bide/short.h>

#include "demo.h"

enum { ROUND_MAX = 16 };

static const int percents[RATIO_COUNT] = { 0, 50, 90, 99, 100 };

/* --- the caller, which looks up one product after the other --- */

struct caller {
	ASYNC_FRAME;
	struct {
		struct cache *cache;
		int form;
		const int32_t *products;
		int64_t count;
		uint32_t *each_ns; /* if not NULL, gets the time of each look-up */
	} in;
	int64_t i, cents, sum, start_ns;
	task *task;
};

async(caller)
{
	async_in(count, each_ns, form, cache, products);
	for (my->i = 0; my->i < count; my->i++) {
		if (each_ns)
			my->start_ns = clock_ns();
		if (form == FORM_VALUE_TASK) {
			await(my->cents, cache_get(cache, products[my->i]));
		} else {
			my->task = cache_get_task(cache, products[my->i]);
			if (!my->task)
				async_fail(ENOMEM);
			await(my->cents, my->task);
			task_unref(my->task);
			my->task = NULL;
		}
		if (each_ns)
			each_ns[my->i] = (uint32_t)(clock_ns() - my->start_ns);
		my->sum += my->cents;
	}
	async_return(my->sum);
async_finally:
	task_unref(my->task);
	async_end;
}

/*
 * Puts the cache into the state in which each run begins: it contains all of `products` and no
 * others.
 */
struct fill {
	ASYNC_FRAME;
	struct {
		struct cache *cache;
		const int32_t *products;
		int64_t count;
	} in;
	value_task *prices;
};

async(fill)
{
	async_in(cache, count, products);
	cache_clear(cache);
	my->prices = calloc((size_t)count, sizeof my->prices[0]);
	if (!my->prices)
		async_fail(ENOMEM);
	for (int64_t i = 0; i < count; i++)
		my->prices[i] = cache_get(cache, products[i]);
	await(when_all(my->prices, (size_t)count)); /* several threads read at the same time */
async_finally:
	free(my->prices);
	async_end;
}

/* --- the choice of products --- */

static uint64_t random_state = 88172645463325252u; /* the same sequence in each run of the demo */

static uint64_t draw(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static void shuffle(int32_t *items, int64_t count)
{
	for (int64_t i = count - 1; i > 0; i--) {
		int64_t other = (int64_t)draw((uint64_t)i + 1);
		int32_t item = items[i];

		items[i] = items[other];
		items[other] = item;
	}
}

struct work {
	const struct plan *plan;
	struct cache *cache;
	int32_t *all; /* all products, shuffled; the first hot_count of them are hot */
	/* A product that is not in the cache misses only once, so each has its turn. */
	int64_t next_cold;
	int32_t *products;             /* of this round */
	uint32_t *each_ns[FORM_COUNT]; /* of all rounds of a ratio */
	int64_t sum;                   /* of the prices of this round; 0 if unknown */
	int64_t clock_cost_ns;
};

struct outcome {
	double mean_ns;
	struct allocations allocations;
};

static void choose_products(struct work *w, const struct ratio *ratio)
{
	const struct plan *plan = w->plan;
	int64_t count = ratio->lookup_count, miss_count = count * (100 - ratio->hit_percent) / 100;
	int64_t cold_count = plan->product_count - plan->hot_count;

	for (int64_t i = 0; i < count; i++) {
		if (i < miss_count)
			w->products[i] = w->all[plan->hot_count + w->next_cold++ % cold_count];
		else
			w->products[i] = w->all[draw((uint64_t)plan->hot_count)];
	}
	shuffle(w->products, count);
}

/* --- runs --- */

/* Runs one form once: fills the cache, then looks up. The sum must be the same each time. */
static int run_form(struct work *w, int form, int64_t count, uint32_t *each_ns, bool counted,
                    struct outcome *outcome)
{
	payload sum = { .i = 0 };
	int64_t start_ns;
	int error = value_task_wait(async_start(fill, .cache = w->cache, .products = w->all,
	                                        .count = w->plan->hot_count),
	                            NULL);

	if (error)
		return error;
	if (counted)
		count_start();
	start_ns = clock_ns();
	error =
		value_task_wait(async_start(caller, .cache = w->cache, .form = form,
	                                .products = w->products, .count = count, .each_ns = each_ns),
	                    &sum);
	outcome->mean_ns = (double)(clock_ns() - start_ns) / (double)count;
	if (counted)
		outcome->allocations = count_stop();
	if (!error && w->sum && sum.i != w->sum)
		error = EBADMSG;
	w->sum = sum.i;
	return error;
}

/* Runs both forms, one after the other. */
static int run_round(struct work *w, struct ratio *ratio, int round, double means_ns[][ROUND_MAX])
{
	int64_t count = ratio->lookup_count;
	struct outcome outcome = { 0 };
	int error = 0;

	choose_products(w, ratio);
	for (int turn = 0; turn < FORM_COUNT && !error; turn++) {
		int form = (turn + round) % FORM_COUNT; /* each is first in every other round */

		error = run_form(w, form, count, NULL, false, &outcome);
		means_ns[form][round] = outcome.mean_ns;
		if (!error)
			error = run_form(w, form, count, w->each_ns[form] + round * count, false, &outcome);
	}
	progress(".");
	return error;
}

static int count_allocations(struct work *w, struct ratio *ratio)
{
	struct outcome outcome = { 0 };
	int error = 0;

	choose_products(w, ratio);
	for (int form = 0; form < FORM_COUNT && !error; form++) {
		error = run_form(w, form, ratio->lookup_count, NULL, true, &outcome);
		ratio->form[form].allocations =
			(double)outcome.allocations.calls / (double)ratio->lookup_count;
		ratio->form[form].bytes = (double)outcome.allocations.bytes / (double)ratio->lookup_count;
	}
	return error;
}

/* --- figures --- */

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int compare_times(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Returns the time that this percentage of look-ups did not exceed. The times must be sorted. */
static int64_t percentile(const struct work *w, const uint32_t *each_ns, int64_t count, int percent)
{
	int64_t ns = each_ns[(count * percent + 99) / 100 - 1];

	return ns > w->clock_cost_ns ? ns - w->clock_cost_ns : 0;
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof values[0], compare_doubles);
	return values[count / 2];
}

static void summarise(const struct work *w, struct ratio *ratio, double means_ns[][ROUND_MAX])
{
	int round_count = w->plan->round_count;
	int64_t count = ratio->lookup_count * round_count;
	double times[ROUND_MAX];

	ratio->round_count = round_count;
	ratio->faster_count = 0;
	for (int round = 0; round < round_count; round++) {
		times[round] = means_ns[FORM_TASK][round] / means_ns[FORM_VALUE_TASK][round];
		ratio->faster_count += times[round] > 1;
	}
	ratio->times_as_fast = median(times, round_count);
	for (int form = 0; form < FORM_COUNT; form++) {
		struct figures *f = &ratio->form[form];

		f->mean_ns = median(means_ns[form], round_count);
		qsort(w->each_ns[form], (size_t)count, sizeof w->each_ns[form][0], compare_times);
		f->p50_ns = percentile(w, w->each_ns[form], count, 50);
		f->p99_ns = percentile(w, w->each_ns[form], count, 99);
	}
}

static int measure_ratio(struct work *w, struct ratio *ratio, int hit_percent)
{
	double means_ns[FORM_COUNT][ROUND_MAX];
	int64_t miss_percent = 100 - hit_percent;
	int error;

	ratio->hit_percent = hit_percent;
	ratio->lookup_count = w->plan->lookup_max;
	if (miss_percent && w->plan->miss_count * 100 / miss_percent < ratio->lookup_count)
		ratio->lookup_count = w->plan->miss_count * 100 / miss_percent;
	progress("  measuring at %3d %% hits ", hit_percent);
	w->sum = 0;
	error = count_allocations(w, ratio);
	for (int round = 0; round < w->plan->round_count && !error; round++) {
		w->sum = 0;
		error = run_round(w, ratio, round, means_ns);
	}
	if (!error)
		summarise(w, ratio, means_ns);
	progress(" %s look-ups in either form\n",
	         text_count(ratio->lookup_count * w->plan->round_count * 2));
	return error;
}

int measure_ratios(const struct plan *plan, struct cache *cache, struct ratio ratios[RATIO_COUNT])
{
	size_t times = (size_t)(plan->lookup_max * plan->round_count);
	struct work w = { .plan = plan, .cache = cache, .clock_cost_ns = clock_cost_ns() };
	int error = plan->round_count <= ROUND_MAX ? 0 : EINVAL;

	w.all = calloc((size_t)plan->product_count, sizeof w.all[0]);
	w.products = calloc((size_t)plan->lookup_max, sizeof w.products[0]);
	for (int form = 0; form < FORM_COUNT; form++)
		w.each_ns[form] = calloc(times, sizeof w.each_ns[form][0]);
	if (!w.all || !w.products || !w.each_ns[FORM_TASK] || !w.each_ns[FORM_VALUE_TASK])
		error = ENOMEM;
	if (!error) {
		for (int64_t i = 0; i < plan->product_count; i++)
			w.all[i] = (int32_t)(i + 1);
		shuffle(w.all, plan->product_count);
	}
	for (int i = 0; i < RATIO_COUNT && !error; i++)
		error = measure_ratio(&w, &ratios[i], percents[i]);
	free(w.all);
	free(w.products);
	free(w.each_ns[FORM_TASK]);
	free(w.each_ns[FORM_VALUE_TASK]);
	return error;
}

/* --- many callers at once --- */

struct stampede {
	ASYNC_FRAME;
	struct {
		struct cache *cache;
		int64_t product;
		int64_t caller_count;
	} in;
	int64_t same_count;
	task **tasks;
};

async(stampede)
{
	async_in(caller_count, cache, product);
	my->tasks = calloc((size_t)caller_count, sizeof my->tasks[0]);
	if (!my->tasks)
		async_fail(ENOMEM);
	for (int64_t i = 0; i < caller_count; i++) {
		my->tasks[i] = cache_get_task(cache, product);
		if (!my->tasks[i])
			async_fail(ENOMEM);
		my->same_count += my->tasks[i] == my->tasks[0];
	}
	await(when_all_tasks(my->tasks, (size_t)caller_count));
	async_return(my->same_count);
async_finally:
	for (int64_t i = 0; my->tasks && i < caller_count; i++)
		task_unref(my->tasks[i]);
	free(my->tasks);
	async_end;
}

int measure_stampede(struct cache *cache, int64_t product, int64_t caller_count,
                     int64_t *same_count)
{
	payload same = { .i = 0 };
	int error;

	cache_clear(cache);
	error = value_task_wait(async_start(stampede, .cache = cache, .product = product,
	                                    .caller_count = caller_count),
	                        &same);
	*same_count = same.i;
	return error;
}
