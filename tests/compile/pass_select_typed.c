/* A case of a select takes a value task of any type. */
#include <bide/bide.h>
#include <bide/short.h>

VALUE_TASK_OF(name_task, char *);
name_task name_of(int64_t number);

value_task f(name_task typed, value_task plain);
value_task f(name_task typed, value_task plain)
{
	return bide_select((bide_select_case[]){ select_value_task(typed), select_value_task(plain),
	                                         select_value_task(name_of(3)) },
	                   3);
}
