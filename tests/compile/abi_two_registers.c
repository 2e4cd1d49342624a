/*
 * Compiled to assembly for each ABI that value_task.h lists. No function may touch memory. With
 * -DCONTROL a value task has one more word, and they must touch memory.
 */
#include <bide/value_task.h>

#ifdef CONTROL
typedef struct value {
	bide_value_task value_task;
	uintptr_t third;
} value;
#define VALUE(made) ((value){ (made), 0 })
#define STATE(v) ((v).value_task.state)
#else
typedef bide_value_task value;
#define VALUE(made) (made)
#define STATE(v) ((v).state)
#endif
BIDE_VALUE_TASK_OF(text, const char *);

value made(int64_t result);
value made(int64_t result)
{
	return VALUE(bide_value_task_from_int(result));
}

value passed(int first, value v);
value passed(int first, value v)
{
	return (void)first, v;
}

uintptr_t taken(value v);
uintptr_t taken(value v)
{
	return STATE(v);
}

text made_typed(const char *result);
text made_typed(const char *result)
{
	return BIDE_TYPED(text, bide_value_task_from_pointer(result));
}
