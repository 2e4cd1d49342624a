/*
 * poison.h - tells AddressSanitizer and valgrind which memory is not to be used.
 */
#ifndef BIDE_MEMORY_POISON_H
#define BIDE_MEMORY_POISON_H

#include "base/library.h"

#if defined(__SANITIZE_ADDRESS__)
#define BIDE_HAS_ASAN_ 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BIDE_HAS_ASAN_ 1
#endif
#endif
#ifdef BIDE_HAS_ASAN_
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif
#if defined(__has_include) && !defined(BIDE_FREESTANDING)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif
#ifndef VALGRIND_MAKE_MEM_NOACCESS
#define VALGRIND_MAKE_MEM_NOACCESS(at, size) ((void)(at), (void)(size))
#define VALGRIND_MAKE_MEM_UNDEFINED(at, size) ((void)(at), (void)(size))
#define VALGRIND_MAKE_MEM_DEFINED(at, size) ((void)(at), (void)(size))
#define RUNNING_ON_VALGRIND 0
#endif

#endif
