/* Parameters by their own names cause no warning, used or not, with either dispatch. */
#include <bide/bide.h>
#include <bide/short.h>

struct store;
value_task read_from(struct store *store, int key, const char *name);
void close_it(struct store *store);

struct pair {
	double a, b;
};

struct load {
	ASYNC_FRAME;
	struct {
		struct store *store;
		int key;
		const char *const name;
		struct pair pair;
		bool unused;
	} in;
	int64_t n;
};

async(load)
{
	async_in(store, key, name, pair, unused);
	if (key < 0)
		async_fail(5);
	for (my->n = 0; my->n < key; my->n++)
		await(read_from(store, key, name));
	async_return(pair.a + pair.b + (double)key);
async_finally:
	close_it(store);
	await(delay_ms(key));
	close_it(store);
	async_end;
}

struct many {
	ASYNC_FRAME;
	struct {
		int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x;
	} in;
};

async(many)
{
	async_in(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x);
	await(delay_ms(a));
	async_return(a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t + u +
	             v + w + x);
async_finally:
	async_end;
}

value_task start(struct store *store);
value_task start(struct store *store)
{
	value_task_forget(async_start(many, .x = 1));
	return async_start(load, .store = store, .key = 1, .pair = { 1, 2 });
}
