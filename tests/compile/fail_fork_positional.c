/* expect: error: static.assert.*parameters are named: bide_async_fork.name, slot, .parameter = value */
#include <bide/bide.h>

struct child {
	BIDE_ASYNC_FORK;
	struct {
		int n;
	} in;
};

bide_async_forked(child)
{
	return bide_value_task_from(my->in.n);
}

struct f {
	BIDE_ASYNC_FRAME_FORKING;
	struct child child;
};

bide_async(f, child)
{
	bide_async_begin;
	bide_async_fork(child, my->child, 5);
	bide_await(bide_async_join(child, my->child));
bide_async_finally:
	bide_async_end;
}

bide_value_task f(void);
bide_value_task f(void)
{
	return bide_async_start(f);
}
