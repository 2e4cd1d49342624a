/* expect: BIDE_ASYNC_FORK must be the first member */
#include <bide/bide.h>

struct child {
	int number;
	BIDE_ASYNC_FORK;
};

bide_async_forked(child)
{
	return bide_value_task_from(my->number);
}
