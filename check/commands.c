#include "commands.h"

#include <clang-c/CXCompilationDatabase.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

struct commands {
	CXCompilationDatabase database;
	CXCompileCommands all;
	int count;
	char **file;
};

static void *or_end(void *memory)
{
	if (!memory) {
		fputs("bide-check: no memory\n", stderr);
		exit(2);
	}
	return memory;
}

static char *copy_of(CXString string)
{
	const char *text = clang_getCString(string);
	char *copy = or_end(strdup(text ? text : ""));

	clang_disposeString(string);
	return copy;
}

static char *path_in(const char *folder, const char *file)
{
	size_t room = strlen(folder) + strlen(file) + 2;
	char *path;

	if (file[0] == '/')
		return or_end(strdup(file));
	path = or_end(malloc(room));
	snprintf(path, room, "%s/%s", folder, file);
	return path;
}

/* The file as the system knows it; as it stands, where that is not to be had. */
static char *real_path_of(CXCompileCommand command)
{
	char *folder = copy_of(clang_CompileCommand_getDirectory(command));
	char *name = copy_of(clang_CompileCommand_getFilename(command));
	char *path = path_in(folder, name);
	char *real = realpath(path, NULL);

	free(folder);
	free(name);
	if (!real)
		return path;
	free(path);
	return real;
}

struct commands *commands_read(const char *folder)
{
	CXCompilationDatabase_Error error;
	char *path = path_in(folder, "compile_commands.json");
	struct commands *commands;

	if (access(path, R_OK) != 0) {
		complain("%s: %s; -p needs the folder of a compile_commands.json (cmake: "
		         "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON)",
		         path, strerror(errno));
		free(path);
		return NULL;
	}
	commands = or_end(calloc(1, sizeof *commands));
	commands->database = clang_CompilationDatabase_fromDirectory(folder, &error);
	if (error != CXCompilationDatabase_NoError) {
		complain("%s: is no list of compile commands that can be read", path);
		free(path);
		free(commands);
		return NULL;
	}
	free(path);
	commands->all = clang_CompilationDatabase_getAllCompileCommands(commands->database);
	commands->count = (int)clang_CompileCommands_getSize(commands->all);
	commands->file = or_end(calloc((size_t)commands->count + 1, sizeof *commands->file));
	for (int i = 0; i < commands->count; i++)
		commands->file[i] =
			real_path_of(clang_CompileCommands_getCommand(commands->all, (unsigned)i));
	return commands;
}

void commands_end(struct commands *commands)
{
	if (!commands)
		return;
	for (int i = 0; i < commands->count; i++)
		free(commands->file[i]);
	free(commands->file);
	clang_CompileCommands_dispose(commands->all);
	clang_CompilationDatabase_dispose(commands->database);
	free(commands);
}

int commands_count(const struct commands *commands)
{
	return commands->count;
}

const char *commands_file(const struct commands *commands, int number)
{
	return commands->file[number];
}

int commands_find(const struct commands *commands, const char *file)
{
	char *real = realpath(file, NULL);
	int found = -1;

	for (int i = 0; real && found < 0 && i < commands->count; i++)
		if (strcmp(commands->file[i], real) == 0)
			found = i;
	free(real);
	return found;
}

bool commands_flags(const struct commands *commands, int number, struct flags *flags)
{
	CXCompileCommand command = clang_CompileCommands_getCommand(commands->all, (unsigned)number);
	unsigned count = clang_CompileCommand_getNumArgs(command);
	char *folder = copy_of(clang_CompileCommand_getDirectory(command));
	char **words = or_end(calloc((size_t)count + 1, sizeof *words));
	bool added;

	for (unsigned i = 0; i < count; i++)
		words[i] = copy_of(clang_CompileCommand_getArg(command, i));
	added = flags_add_in(flags, (const char *const *)words, (int)count, folder);
	for (unsigned i = 0; i < count; i++)
		free(words[i]);
	free(words);
	free(folder);
	return added;
}
