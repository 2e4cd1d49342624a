/*
 * filter.h - a filter of system calls, which makes this system look like an older one, or like a
 * container that refuses calls. It holds for the rest of the test's process, and for its children.
 */
#ifndef BIDE_TEST_FILTER_H
#define BIDE_TEST_FILTER_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <bide/bide.h>

#include "test.h"

/* From now on the call has that outcome (SECCOMP_RET_ and data). Other calls are made. */
BIDE_UNUSED static void filter_call(unsigned number, uint32_t outcome)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, outcome),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		SKIP("no filter of system calls can be set here: %s", strerror(errno));
}

/* The call is not made, and fails with the error; 0: it returns 0. */
BIDE_UNUSED static void deny_call(unsigned number, int error)
{
	filter_call(number, SECCOMP_RET_ERRNO | (unsigned)error);
}

#endif
