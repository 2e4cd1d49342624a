/*
 * commands.h - a compile_commands.json: which flags a build compiles each file with.
 */
#ifndef CHECK_COMMANDS_H
#define CHECK_COMMANDS_H

#include "flags.h"

struct commands;

/* NULL, with a complaint: there is none that can be read in `folder`. */
struct commands *commands_read(const char *folder);
void commands_end(struct commands *commands);

int commands_count(const struct commands *commands);
/* The file of the command with that number; absolute. */
const char *commands_file(const struct commands *commands, int number);
/* The number of a command for the file; -1: there is none. */
int commands_find(const struct commands *commands, const char *file);
bool commands_flags(const struct commands *commands, int number, struct flags *flags);

#endif
