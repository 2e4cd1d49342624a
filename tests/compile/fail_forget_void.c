/* expect: error: static.assert.*bide_value_task_forget takes a value task */
/* lines gcc: 40 */
/* lines clang: 40 */
#include <bide/bide.h>
#include <bide/short.h>

void nothing(void);
void f(void);
void f(void)
{
	value_task_forget(nothing());
}
