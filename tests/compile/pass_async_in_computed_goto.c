/* flags: -DBIDE_COMPUTED_GOTO */
/* The same with labels instead of cases. */
#include "pass_async_in.c"
