/* bare.h - replaces the operating system in the bare test: it can print and it can stop. */
#ifndef BARE_H
#define BARE_H

#include <stdbool.h>

void bare_print(const char *text);
_Noreturn void bare_exit(int status);
bool bare_run_one(void);

#endif
