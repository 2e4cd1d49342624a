/* expect: error: static.assert.*for a bide_task . add bide_task_await.task */
#include <bide/bide.h>
#include <bide/short.h>

void f(bide_group *group, task *t);
void f(bide_group *group, task *t)
{
	group_start(group, t);
}
