/* Before C23 only functions can be marked: an unmarked function of the user may be ignored. */
/* flags: -std=gnu11 */
#include <bide/bide.h>
#include <bide/short.h>

value_task own(void);
void f(void);
void f(void)
{
	own(); /* FOUND: value task of 'own' is dropped */
}
