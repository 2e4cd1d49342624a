/*
 * settings.c - fuzzes what is read from the environment (src/os/linux.c, linux_signal.c): numbers
 * and signals.
 *
 * The first byte of an input decides how its rest becomes a text: the bytes as they are, or pieces
 * that make numbers and names of signals likely. The models are short and slow.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <limits.h>
#include <signal.h>

#include "os/os.h"

enum { TEXT_MAX_BYTES = 64 };

/* Returns the number that decimal digits represent, or what is above ULONG_MAX; others: -1. */
static __int128 number_of(const char *text)
{
	__int128 number = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		if (number <= ULONG_MAX)
			number = number * 10 + (*text - '0');
	}
	return number;
}

static void check_number(const char *text, unsigned max)
{
	__int128 number = number_of(text);

	FUZZ_CHECK(setenv("BIDE_FUZZED", text, 1) == 0);
	FUZZ_CHECK(bide_os_environment_number_("BIDE_FUZZED", max) ==
	           (number >= 0 && number <= max ? (unsigned)number : 0));
	FUZZ_CHECK(bide_os_environment_is_("BIDE_FUZZED", text));
	FUZZ_CHECK(strcmp(bide_os_environment_text_("BIDE_FUZZED"), text) == 0);
}

static bool is_caught(int number)
{
	static const int others[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
		                          SIGILL,  SIGTRAP, SIGSYS,  SIGABRT };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (number == others[i])
			return false;
	return number >= 1 && number < NSIG;
}

/* A number, or a name with or without SIG. Not each signal can be asked for by its name. */
static void check_signal(const char *text)
{
	static const char *const names[] = { "HUP",  "INT",  "QUIT", "USR1", "USR2",   "ALRM", "TERM",
		                                 "CHLD", "CONT", "TSTP", "TTIN", "TTOU",   "URG",  "XCPU",
		                                 "XFSZ", "PROF", "IO",   "PWR",  "VTALRM", "WINCH" };
	static const int numbers[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1, SIGUSR2,   SIGALRM, SIGTERM,
		                           SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU,   SIGURG,  SIGXCPU,
		                           SIGXFSZ, SIGPROF, SIGIO,   SIGPWR,  SIGVTALRM, SIGWINCH };
	__int128 number = number_of(text);
	const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
	int expected = 0;

	if (number >= 0 && number < NSIG && is_caught((int)number))
		expected = (int)number;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			expected = numbers[i];
	FUZZ_CHECK(bide_os_signal_number_(text) == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const char *const likely[] = { "0",   "1",    "2",   "4",   "8",    "9",
		                                  "SIG", "HUP",  "INT", "USR", "TERM", "CHLD",
		                                  "VT",  "ALRM", "-",   "+",   " " };
	fuzz_input input = { bytes, bytes + size_bytes };
	char text[TEXT_MAX_BYTES] = "";
	unsigned way = (unsigned)fuzz_take(&input, 1), max = UINT_MAX >> (way >> 1 & 31);
	size_t length = (size_t)(input.end - input.at);

	if (way & 1) {
		while (input.at < input.end && strlen(text) < sizeof text - 8)
			strcat(text, likely[fuzz_below(&input, sizeof likely / sizeof *likely)]);
	} else {
		length = length < sizeof text - 1 ? length : sizeof text - 1;
		memcpy(text, input.at, length);
	}
	check_number(text, max);
	check_signal(text);
	return 0;
}
