/* expect: error: static.assert.*bide_value_task_forget takes a value task */
/* It has the size of a value task, but is none. */
#include <bide/bide.h>
#include <bide/short.h>

struct pair {
	long a, b;
};
void f(struct pair pair);
void f(struct pair pair)
{
	value_task_forget(pair);
}
