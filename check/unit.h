/*
 * unit.h - one source file: parsed by libclang, its async functions checked.
 */
#ifndef CHECK_UNIT_H
#define CHECK_UNIT_H

#include <stdbool.h>

/*
 * `arguments`: compiler flags (flags.h), without the file's name. Findings are reported, what is
 * wrong with the file complained of.
 */
void check_file(const char *file, const char *const *arguments, int count);

#endif
