/* expect: error: static.assert.*for a bide_task . use bide_task_await.task */
#include <bide/bide.h>
#include <bide/short.h>

void f(bide_executor *executor, task *t);
void f(bide_executor *executor, task *t)
{
	(void)with_executor(executor, t);
}
