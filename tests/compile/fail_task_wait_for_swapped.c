/* expect: error: static.assert.*the result comes before the limit */
#include <bide/bide.h>
#include <bide/short.h>

int f(task *t, payload *p);
int f(task *t, payload *p)
{
	return task_wait_for(t, 5, p);
}
