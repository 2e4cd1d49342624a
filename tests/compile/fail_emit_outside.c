/* expect: error: .*async_emit_stands_only_in_a_generator__behind_async_begin */
/* lines clang: 89 */
#include <bide/bide.h>
#include <bide/short.h>

int f(void);
int f(void)
{
	async_emit(1);
	return 0;
}
