/* flags: -DBIDE_COMPUTED_GOTO */
/* pass_async_in.c with labels instead of cases. */
#include "pass_async_in.c"
