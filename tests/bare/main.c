/*
 * main.c - bide without an operating system: async functions, tasks, a combinator, a group and
 * cancellation run on the port of port.c. Built with -ffreestanding -nostdlib. The two system calls
 * below stand for a serial line and a power switch.
 */
#include <bide/bide.h>
#include <bide/short.h>

#include "bare.h"

#if defined(__x86_64__)
enum { WRITE = 1, EXIT = 60 };
/* Aligns the stack as a call would. */
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall bare_main\n");
#elif defined(__aarch64__)
enum { WRITE = 64, EXIT = 93 };
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tbl bare_main\n");
#elif defined(__riscv)
enum { WRITE = 64, EXIT = 93 };
__asm__(".globl _start\n_start:\n\t.option push\n\t.option norelax\n\tla gp, __global_pointer$\n"
        "\t.option pop\n\tcall bare_main\n");
#endif

static void system_call(long number, long first, long second, long third)
{
#if defined(__x86_64__)
	__asm__ volatile("syscall"
	                 : "+a"(number)
	                 : "D"(first), "S"(second), "d"(third)
	                 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = first, x1 __asm__("x1") = second,
					 x2 __asm__("x2") = third;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
#elif defined(__riscv)
	register long a7 __asm__("a7") = number, a0 __asm__("a0") = first, a1 __asm__("a1") = second,
					 a2 __asm__("a2") = third;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
#endif
}

void bare_print(const char *text)
{
	system_call(WRITE, 1, (long)text, (long)__builtin_strlen(text));
}

_Noreturn void bare_exit(int status)
{
	for (;;)
		system_call(EXIT, status, 0, 0);
}

/* Compilers generate calls of these functions. */
void *memset(void *to, int byte, size_t size);
void *memset(void *to, int byte, size_t size)
{
	for (volatile char *at = to; size-- > 0;)
		*at++ = (char)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	volatile char *at = to;

	for (const char *source = from; size-- > 0;)
		*at++ = *source++;
	return to;
}

size_t strlen(const char *text);
size_t strlen(const char *text)
{
	size_t length = 0;

	while (((const volatile char *)text)[length])
		length++;
	return length;
}

struct slow {
	ASYNC_FRAME;
	struct {
		int64_t value, ms;
	} in;
};

async(slow)
{
	async_begin;
	await(async_yield());
	await(delay_ms(my->in.ms));
	async_return(my->in.value);
async_finally:
	async_end;
}

struct program {
	ASYNC_FRAME;
	value_task parts[2];
	bide_group group;
	task *shared;
	int64_t sum, value;
};

async(program)
{
	async_begin;
	my->parts[0] = async_start(slow, .value = 1, .ms = 20);
	my->parts[1] = async_start(slow, .value = 2, .ms = 10);
	await(when_all(my->parts, 2));
	my->sum = value_task_result(my->parts[0]).i + value_task_result(my->parts[1]).i;
	my->shared = value_task_as_task(async_start(slow, .value = 4, .ms = 5));
	await(my->value, my->shared);
	my->sum += my->value;
	await_or(with_timeout_ms(1, async_start(slow, .ms = 50)),
	         my->sum += await_error == 110 ? 8 : 0);
	if (group_init(&my->group, NULL) == 0)
		group_start(&my->group, async_start(slow, .ms = 1));
	await(group_wait(&my->group));
	async_return(my->sum);
async_finally:
	task_unref(my->shared);
	async_end;
}

_Noreturn void bare_main(void);
_Noreturn void bare_main(void)
{
	task *program = value_task_as_task(async_start(program));
	bool right;

	while (!task_is_ready(program) && bare_run_one())
		;
	right = task_is_ready(program) && task_error(program) == 0 && task_result(program).i == 15 &&
	        bide_now_ns() > BIDE_MS(26);
	bare_print(right ? "bide runs on bare metal\n" : "wrong result\n");
	bare_exit(right ? 0 : 1);
}
