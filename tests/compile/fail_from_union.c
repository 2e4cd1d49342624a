/* expect: error: .*union other.*type_|type_.*union other */
/* lines clang: 65 */
/* lines gcc: 74 */
#include <bide/bide.h>
#include <bide/short.h>

union other {
	long a[2];
};
void f(union other other);
void f(union other other)
{
	value_task_forget(value_task_from(other));
}
