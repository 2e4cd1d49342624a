/*
 * instrumentation.c - the functions that the compiler calls before each plain access, in place of a
 * sanitizer.
 */
#include "engine.h"

#include <string.h>

/* Accesses outside the threads are not checked; most are of the code that looks for leftovers. */
static inline void plain(const void *at, size_t size_bytes, bool write)
{
	if (engine.running)
		race_plain(at, size_bytes, write);
}

static void outside_of_macros(const void *at, bool write)
{
	if (engine.running)
		race_access(at, 1, write, true, write ? "an atomic store" : "an atomic load");
}

/* The functions that the compiler calls. */
#define HOOKS(size)                              \
	void __tsan_read##size(void *at);            \
	void __tsan_read##size(void *at)             \
	{                                            \
		plain(at, size, false);                  \
	}                                            \
	void __tsan_write##size(void *at);           \
	void __tsan_write##size(void *at)            \
	{                                            \
		plain(at, size, true);                   \
	}                                            \
	void __tsan_unaligned_read##size(void *at);  \
	void __tsan_unaligned_read##size(void *at)   \
	{                                            \
		plain(at, size, false);                  \
	}                                            \
	void __tsan_unaligned_write##size(void *at); \
	void __tsan_unaligned_write##size(void *at)  \
	{                                            \
		plain(at, size, true);                   \
	}
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_read_range(void *at, size_t size_bytes);
void __tsan_write_range(void *at, size_t size_bytes);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_init(void);
void __tsan_atomic_signal_fence(int order);
uint8_t __tsan_atomic8_load(const volatile uint8_t *at, int order);
void __tsan_atomic8_store(volatile uint8_t *at, uint8_t value, int order);
void *__tsan_memset(void *at, int value, size_t size_bytes);
void *__tsan_memcpy(void *to, const void *from, size_t size_bytes);

void __tsan_read_range(void *at, size_t size_bytes)
{
	plain(at, size_bytes, false);
}

void __tsan_write_range(void *at, size_t size_bytes)
{
	plain(at, size_bytes, true);
}

void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void)
{
}

void __tsan_init(void)
{
}

/* This fence is for the compiler only. clang reports it, gcc does not. */
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/*
 * Atomics that do not use the macros of abi.h: the flags of a source, of which the other thread
 * reads only one that never changes.
 */
uint8_t __tsan_atomic8_load(const volatile uint8_t *at, int order)
{
	(void)order;
	outside_of_macros((const void *)at, false);
	return *at;
}

void __tsan_atomic8_store(volatile uint8_t *at, uint8_t value, int order)
{
	(void)order;
	outside_of_macros((const void *)at, true);
	*at = value;
}

void *__tsan_memset(void *at, int value, size_t size_bytes)
{
	plain(at, size_bytes, true);
	return memset(at, value, size_bytes);
}

void *__tsan_memcpy(void *to, const void *from, size_t size_bytes)
{
	plain(from, size_bytes, false);
	plain(to, size_bytes, true);
	return memcpy(to, from, size_bytes);
}
