/*
 * path.c - paths: how long something takes from one host to another, and whether it gets there.
 */
#include "base/clock.h"
#include "base/port.h"
#include "memory/allocator.h"
#include "simulated_net/parts.h"

static bide_net_path *find(const bide_net_host *from, const bide_net_host *to)
{
	bide_net_path *path = from->paths;

	while (path && path->to != to)
		path = path->next;
	return path;
}

static bide_net_path *make(bide_net_host *from, bide_net_host *to)
{
	bide_net_path *path = bide_allocate_(sizeof *path, _Alignof(bide_net_path));

	if (!path)
		return NULL;
	*path = (bide_net_path){ .from = from, .to = to };
	return path;
}

static void link_path(bide_net_path *path, bide_net_path *back)
{
	path->next = path->from->paths;
	path->from->paths = path;
	path->back = back;
}

bide_net_path *bide_net_path_(bide_net_host *from, bide_net_host *to)
{
	bide_net_path *path = find(from, to), *back;

	if (path)
		return path;
	path = make(from, to);
	back = path && from != to ? make(to, from) : path;
	if (!back) {
		if (path)
			bide_deallocate_(path, sizeof *path);
		return NULL;
	}
	link_path(path, back);
	if (back != path)
		link_path(back, path);
	return path;
}

const bide_simulated_link *bide_net_link_(const bide_net_path *path)
{
	return path->is_set ? &path->link : &bide_net_.link;
}

int64_t bide_net_delay_(const bide_net_path *path)
{
	const bide_simulated_link *link = bide_net_link_(path);

	if (link->delay_max_ns <= link->delay_min_ns)
		return link->delay_min_ns;
	return link->delay_min_ns +
	       (int64_t)bide_net_draw_((uint64_t)(link->delay_max_ns - link->delay_min_ns) + 1);
}

/* The bytes follow those that were sent before. Fractions of a nanosecond add up. */
static int64_t sent_at(bide_net_path *path, size_t size_bytes, int64_t now_ns)
{
	uint64_t rate = bide_net_link_(path)->bytes_per_second;
	__extension__ unsigned __int128 work;

	if (rate == 0)
		return now_ns;
	if (path->busy_until_ns < now_ns) {
		path->busy_until_ns = now_ns;
		path->busy_rest = 0;
	}
	work = (__extension__(unsigned __int128) size_bytes) * 1000000000u + path->busy_rest % rate;
	path->busy_until_ns = bide_time_add_(path->busy_until_ns, (int64_t)(uint64_t)(work / rate));
	path->busy_rest = (uint64_t)(work % rate);
	return path->busy_until_ns;
}

int64_t bide_net_arrival_(bide_net_path *path, size_t size_bytes, int64_t *last_ns)
{
	int64_t sent_ns = sent_at(path, size_bytes, bide_port_now_());
	int64_t arrives_ns = bide_time_add_(sent_ns, bide_net_delay_(path));

	if (arrives_ns < *last_ns)
		arrives_ns = *last_ns;
	*last_ns = arrives_ns;
	return arrives_ns;
}
