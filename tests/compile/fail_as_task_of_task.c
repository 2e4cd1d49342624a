/* expect: error: static.assert.*a bide_task . is one already .bide_task_ref */
#include <bide/bide.h>
#include <bide/short.h>

void f(task *t);
void f(task *t)
{
	t = value_task_as_task(t);
}
