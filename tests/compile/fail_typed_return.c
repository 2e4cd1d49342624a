/* expect gcc: error: incompatible types when returning */
/* expect clang: error: returning .* from a function with incompatible result type */
/* Typed value tasks of different types do not mix. */
#include <bide/bide.h>
#include <bide/short.h>

VALUE_TASK_OF(text_task, const char *);
VALUE_TASK_OF(count_task, int);
text_task text(void);
count_task count(void);

count_task count(void)
{
	return text();
}
