/* expect: error: static.*failed.*for a bide_task [*] use bide_select_task */
#include <bide/bide.h>
#include <bide/short.h>

bide_select_case f(task *t);
bide_select_case f(task *t)
{
	return select_value_task(t);
}
