/* expect: error: .*union other.*type_|type_.*union other */
/* lines gcc: 40 */
/* A union of that size is no value task, either. */
#include <bide/bide.h>
#include <bide/short.h>

union other {
	long a[2];
};
void f(union other other);
void f(union other other)
{
	value_task_forget(other);
}
