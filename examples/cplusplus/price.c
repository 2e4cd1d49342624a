/*
 * price.c - the async function, in C.
 */
#include "price.h"

#include <errno.h>

#include <bide/short.h>

enum { ARTICLE_COUNT = 10 };

static int64_t seen[ARTICLE_COUNT];

struct find_price {
	ASYNC_FRAME;
	struct {
		int article;
	} in;
};

async(find_price)
{
	async_in(article);
	await(delay_ms(20));
	seen[article] = 100 + article;
	async_return(seen[article]);
async_finally:
	async_end;
}

value_task price_of(int article)
{
	if (article < 0 || article >= ARTICLE_COUNT)
		return value_task_from_error(ENOENT);
	if (seen[article])
		return value_task_from(seen[article]);
	return async_start(find_price, .article = article);
}
