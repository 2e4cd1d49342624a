/* expect gcc: error: ignoring return value */
/* expect clang: error: ignoring return value */
/* flags: -std=c2x -Werror=unused-result -Werror=unused-value */
/* C23 can mark the type, and so every function that returns one. */
#include <bide/bide.h>
#include <bide/short.h>

value_task own(void);
void f(void);
void f(void)
{
	own();
}
