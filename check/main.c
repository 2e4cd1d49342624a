/*
 * bide-check: finds locals of async functions that are lost at an await, and what is like that.
 * bide-check(1) is its manual.
 */
#include <clang-c/Index.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "report.h"
#include "unit.h"

#ifndef BIDE_CHECK_HEADERS
#define BIDE_CHECK_HEADERS "bide-0"
#endif
#ifndef BIDE_CHECK_VERSION
#define BIDE_CHECK_VERSION "unknown"
#endif

enum { STATUS_NONE = 0, STATUS_FOUND = 1, STATUS_WRONG = 2 };

static const char usage_text[] =
	"usage: bide-check [-p DIR] FILE... [-- FLAG...]\n"
	"       bide-check -p DIR\n"
	"\n"
	"Finds locals of async functions that are lost at an await, pointers to them, and\n"
	"addresses of frames that outlive them.\n"
	"\n"
	"  -p DIR       take each file's compiler flags from DIR/compile_commands.json;\n"
	"               without a FILE: check all C files that are listed there\n"
	"  -- FLAG...   compiler flags, as -I DIR, -D NAME=VALUE, -std=gnu11; more than\n"
	"               those of -p\n"
	"  --help       this text\n"
	"  --version    the version, and libclang's\n"
	"\n"
	"Status: 0 nothing was found, 1 something was, 2 wrong usage or a file that cannot\n"
	"be read or compiled. bide-check(1) says what is found, and what is not.\n";

struct options {
	const char *folder;
	const char **files;
	int file_count;
	const char *const *flags;
	int flag_count;
};

static int show_version(void)
{
	CXString clang = clang_getClangVersion();

	printf("bide-check %s (%s)\n", BIDE_CHECK_VERSION, clang_getCString(clang));
	clang_disposeString(clang);
	return STATUS_NONE;
}

/* -1: goes on; else the status to end with. */
static int read_options(int count, char **words, struct options *options)
{
	for (int i = 1; i < count; i++) {
		const char *word = words[i];

		if (strcmp(word, "--") == 0) {
			options->flags = (const char *const *)words + i + 1;
			options->flag_count = count - i - 1;
			break;
		}
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			fputs(usage_text, stdout);
			return STATUS_NONE;
		}
		if (strcmp(word, "--version") == 0)
			return show_version();
		if (strcmp(word, "-p") == 0 && i + 1 < count && strcmp(words[i + 1], "--") != 0) {
			options->folder = words[++i];
		} else if (strncmp(word, "-p", 2) == 0 && word[2]) {
			options->folder = word + 2;
		} else if (strcmp(word, "-p") == 0) {
			complain("-p: the folder of a compile_commands.json must follow");
			return STATUS_WRONG;
		} else if (word[0] == '-') {
			complain(
				"%s: there is no such option; compiler flags stand behind -- (bide-check --help)",
				word);
			return STATUS_WRONG;
		} else {
			options->files[options->file_count++] = word;
		}
	}
	return -1;
}

static bool can_be_read(const char *file)
{
	struct stat status;
	int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (descriptor < 0) {
		complain("%s: %s", file, strerror(errno));
		return false;
	}
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
		complain("%s: is %s; a file of C source is allowed", file,
		         S_ISDIR(status.st_mode) ? "a directory" : "no ordinary file");
		close(descriptor);
		return false;
	}
	close(descriptor);
	return true;
}

/* Where bide's headers lie if this program was installed with them: a folder beside its own. */
static void add_own_headers(struct flags *flags)
{
	char path[PATH_MAX], folder[PATH_MAX + 32], header[PATH_MAX + 48];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	if (length <= 0)
		return;
	path[length] = 0;
	slash = strrchr(path, '/');
	if (!slash)
		return;
	*slash = 0;
	snprintf(folder, sizeof folder, "%s/../include/" BIDE_CHECK_HEADERS, path);
	snprintf(header, sizeof header, "%s/bide/bide.h", folder);
	if (access(header, R_OK) == 0)
		flags_add(flags, (const char *const[]){ "-idirafter", folder }, 2);
}

/*
 * Without warnings: the guards of bide's headers make errors of some of them, for what is reported
 * here in plainer words.
 */
static void check_with(struct flags *flags, const char *file)
{
	static const char *const quiet = "-w";

	add_own_headers(flags);
	flags_add_as_is(flags, quiet);
	check_file(file, (const char *const *)flags->flag, flags->count);
	flags_end(flags);
}

static void check_one(const struct options *options, const struct commands *commands,
                      const char *file)
{
	struct flags flags = { NULL, 0, 0 };

	if (!can_be_read(file))
		return;
	if (commands) {
		int number = commands_find(commands, file);

		if (number < 0) {
			complain(
				"%s: %s/compile_commands.json has no command for it; build it there, or give its "
				"flags behind -- without -p",
				file, options->folder);
			return;
		}
		if (!commands_flags(commands, number, &flags))
			return;
	}
	if (flags_add(&flags, options->flags, options->flag_count))
		check_with(&flags, file);
}

static bool is_c_source(const char *file)
{
	size_t length = strlen(file);

	return length > 2 && strcmp(file + length - 2, ".c") == 0;
}

static void check_all(const struct options *options, const struct commands *commands)
{
	int checked = 0;

	for (int i = 0; i < commands_count(commands); i++) {
		const char *file = commands_file(commands, i);

		if (!is_c_source(file) || commands_find(commands, file) != i)
			continue;
		check_one(options, commands, file);
		checked++;
	}
	if (!checked)
		complain("%s/compile_commands.json lists no C file", options->folder);
}

static int run(const struct options *options)
{
	struct commands *commands = NULL;

	if (options->folder) {
		commands = commands_read(options->folder);
		if (!commands)
			return STATUS_WRONG;
	}
	for (int i = 0; i < options->file_count; i++)
		check_one(options, commands, options->files[i]);
	if (!options->file_count)
		check_all(options, commands);
	commands_end(commands);
	return complaint_count() ? STATUS_WRONG : report_count() ? STATUS_FOUND : STATUS_NONE;
}

int main(int count, char **words)
{
	struct options options = { NULL, NULL, 0, NULL, 0 };
	int status;

	options.files = calloc((size_t)count + 1, sizeof *options.files);
	if (!options.files) {
		complain("no memory");
		return STATUS_WRONG;
	}
	status = read_options(count, words, &options);
	if (status < 0 && !options.file_count && !options.folder) {
		complain("no file is given");
		fputs(usage_text, stderr);
		status = STATUS_WRONG;
	}
	if (status < 0)
		status = run(&options);
	free(options.files);
	return status;
}
