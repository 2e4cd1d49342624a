/* expect: error: static.assert.*a value task holds a number or pointer of at most 8 bytes */
#include <bide/bide.h>
#include <bide/short.h>

struct pair {
	long a, b;
};
struct small {
	int a;
};

value_task f(void);
value_task f(void)
{
	return value_task_from((struct small){ 1 });
}
