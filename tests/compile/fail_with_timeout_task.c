/* expect: error: static.assert.*for a bide_task . use bide_task_await.task */
#include <bide/bide.h>
#include <bide/short.h>

void f(task *t);
void f(task *t)
{
	(void)with_timeout_ms(5, t);
}
