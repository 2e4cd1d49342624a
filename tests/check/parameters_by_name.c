/* async_in copies the parameters again at each resume; other locals are lost. */
#include <stdio.h>

#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		const char *name;
		int count;
	} in;
	int i;
};

async(f)
{
	int calls = 0, kept;

	async_in(name, count);
	kept = count;
	for (my->i = 0; my->i < count; my->i++) {
		await(delay_ms(count));
		puts(name);
	}
	printf("%d\n", kept); /* FOUND: 'kept' .* lost at the await of line 22 */
	calls++;
	await(delay_ms(1));
	printf("%d\n", calls); /* FOUND: 'calls' is set anew at each resume */
async_finally:
	printf("%s %d\n", name, count);
	await(delay_ms(1));
	printf("%s %d\n", name, count);
	async_end;
}

value_task f(const char *name, int count);
value_task f(const char *name, int count)
{
	return async_start(f, .name = name, .count = count);
}
