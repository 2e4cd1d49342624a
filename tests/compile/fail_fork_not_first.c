/* expect: BIDE_FORK must be the first member */
#include <bide/bide.h>

struct child {
	int number;
	BIDE_FORK;
};

bide_forked(child)
{
	return bide_value_task_from(my->number);
}
