/* expect: error: static.assert.*bide_value_task_forget takes a value task */
#include <bide/bide.h>
#include <bide/short.h>

void f(void);
void f(void)
{
	value_task_forget(5);
}
