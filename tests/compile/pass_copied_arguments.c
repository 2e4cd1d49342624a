/* The macros that copy an element take a compound literal whose members are no constants. */
#include <bide/bide.h>
#include <bide/short.h>

struct point {
	int64_t x, y;
};

struct f {
	ASYNC_FRAME;
	struct {
		channel *c;
		watch *w;
		int n;
	} in;
	int i;
};

async(f)
{
	async_in(c, w, n);
	await(channel_write(c, (struct point){ 1, n }));
	await(channel_write(c, (struct point){ .x = my->i, .y = 2 }));
	if (!channel_try_write(c, (struct point){ n, my->i }))
		watch_set(w, (struct point){ 1, n });
async_finally:
	await(channel_write(c, n + 1));
	async_end;
}

bool outside(channel *c, watch *w, int n);
bool outside(channel *c, watch *w, int n)
{
	value_task_forget(async_start(f, .c = c, .w = w, .n = n));
	value_task_forget(channel_write(c, (struct point){ 1, n }));
	watch_set(w, (struct point){ .y = n });
	return channel_try_write(c, (struct point){ n, 2 });
}
