/* expect: error: invalid operands to binary.*double */
#include <bide/bide.h>

int64_t f(void);
int64_t f(void)
{
	return BIDE_SECONDS(0.5);
}
