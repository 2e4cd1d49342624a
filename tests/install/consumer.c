/* The smallest program of a user, built against the installed library. */
#include <bide/bide.h>

int main(void)
{
	bide_value_task answer = bide_value_task_from_int(42);
	return bide_value_task_is_ready(answer) ? 0 : 1;
}
