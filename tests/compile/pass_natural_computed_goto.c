/* flags: -DBIDE_COMPUTED_GOTO */
/* pass_natural.c with labels instead of cases. */
#include "pass_natural.c"
