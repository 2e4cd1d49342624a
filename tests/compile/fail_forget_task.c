/* expect: error: static.assert.*for a bide_task . use bide_task_unref */
#include <bide/bide.h>
#include <bide/short.h>

void f(task *t);
void f(task *t)
{
	value_task_forget(t);
}
