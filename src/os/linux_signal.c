/*
 * linux_signal.c - the part of os.h that is about signals, for Linux.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

/* Signals of faults are left out: after the handler, the instruction would fault again. */
static const struct {
	const char *name;
	int number;
} signals[] = { { "HUP", SIGHUP },       { "INT", SIGINT },   { "QUIT", SIGQUIT },
	            { "USR1", SIGUSR1 },     { "USR2", SIGUSR2 }, { "ALRM", SIGALRM },
	            { "TERM", SIGTERM },     { "CHLD", SIGCHLD }, { "CONT", SIGCONT },
	            { "TSTP", SIGTSTP },     { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },
	            { "URG", SIGURG },       { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ },
	            { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
	            { "IO", SIGIO },         { "PWR", SIGPWR } };

static bool is_fault(int number)
{
	return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
	       number == SIGTRAP || number == SIGSYS || number == SIGABRT;
}

bool bide_os_signal_can_be_caught_(int number)
{
	return number >= 1 && number < NSIG && number != SIGKILL && number != SIGSTOP &&
	       !is_fault(number);
}

int bide_os_signal_number_(const char *text)
{
	char *end;
	unsigned long number;

	if (*text >= '0' && *text <= '9') {
		number = strtoul(text, &end, 10);
		return *end == '\0' && number < NSIG && bide_os_signal_can_be_caught_((int)number)
		           ? (int)number
		           : 0;
	}
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (strcmp(text, signals[i].name) == 0)
			return signals[i].number;
	return 0;
}

static uint32_t *caught;

/* Calls only what a handler may call: an atomic add and a system call. */
static void note_signal(int number)
{
	int saved = errno;

	(void)number;
	(void)BIDE_ADD(caught, 1u,
	               RELEASE); /* pairs with the load of the thread that sleeps on the word */
	bide_os_wake_(caught, 1);
	errno = saved;
}

int bide_os_signal_count_(int number, uint32_t *word)
{
	struct sigaction action;

	caught = word;
	memset(&action, 0, sizeof action);
	action.sa_handler = note_signal;
	action.sa_flags = SA_RESTART;
	sigfillset(&action.sa_mask);
	return sigaction(number, &action, NULL) == 0 ? 0 : errno;
}

void bide_os_signal_open_(int number)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}
