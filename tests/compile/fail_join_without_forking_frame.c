/* expect: bide_async_join needs BIDE_ASYNC_FRAME_FORKING */
/* lines gcc: 40 */
/* lines clang: 90 */
#include <bide/bide.h>

struct child {
	BIDE_ASYNC_FORK;
};

bide_async_forked(child)
{
	return bide_value_task_completed();
}

struct f {
	BIDE_ASYNC_FRAME;
	struct child child;
};

bide_async(f, child)
{
	bide_async_begin;
	bide_await(bide_async_join(child, my->child));
bide_async_finally:
	bide_async_end;
}

bide_value_task f(void);
bide_value_task f(void)
{
	return bide_async_start(f);
}
