#include <bide/bide.h>

enum { LIMIT_S = 5 };

static const int64_t times_ns[] = { BIDE_MS(5), BIDE_SECONDS(LIMIT_S * 2), BIDE_MS(3u),
	                                BIDE_SECONDS(INT64_MAX) };
_Static_assert(BIDE_MS(5) == 5000000, "");
_Static_assert(BIDE_SECONDS(5) == 5000000000, "");
_Static_assert(BIDE_SECONDS(INT64_MAX) == BIDE_FOREVER, "");
_Static_assert(BIDE_MS(INT64_MIN) == -BIDE_FOREVER, "");

int64_t f(int i, unsigned u, bool b, long l, int64_t n);
int64_t f(int i, unsigned u, bool b, long l, int64_t n)
{
	bide_context_options options = { .timeout_ns = BIDE_MS(i++) };

	switch (n) {
	case BIDE_MS(1):
		return times_ns[0];
	default:
		return options.timeout_ns + BIDE_MS(u) + BIDE_MS(b) + BIDE_SECONDS(l * 2) + BIDE_MS('a');
	}
}
