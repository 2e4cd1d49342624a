/* expect: error: static.assert.*the result comes before the limit */
#include <bide/bide.h>
#include <bide/short.h>

int f(value_task v, payload *p);
int f(value_task v, payload *p)
{
	return value_task_wait_for(v, 5, p);
}
