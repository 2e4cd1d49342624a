/* Arrays, structs and scalars that are filled before an await are lost after it. */
#include <stdio.h>
#include <string.h>

#include <bide/short.h>

struct point {
	int x, y;
};
void use(const struct point *point);
void change(struct point *point);
void keep(struct point point);

struct f {
	ASYNC_FRAME;
	int count;
};

async(f)
{
	char text[16];
	struct point a, b, c;
	int number, late;

	async_begin;
	strcpy(text, "text");
	a.x = 1;
	a.y = 2;
	b.x = b.y = 3;
	c.x = c.y = 4;
	number = 5;
	await(delay_ms(1));
	puts(text);             /* FOUND: 'text' .line 21. is lost at the await of line 32 */
	use(&a);                /* FOUND: 'a' .line 22. is lost */
	change(&b);             /* FOUND: 'b' .line 22. is lost */
	keep(c);                /* FOUND: 'c' .line 22. is lost */
	printf("%d\n", number); /* FOUND: function 'f': local 'number' .* use my->number */
	late = 6;
	printf("%d\n", late);
	await(delay_ms(1));
	late++; /* FOUND: 'late' .* line 40 */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
