/*
 * explore_atomics.h - the atomics of abi.h with -DBIDE_EXPLORE. Each is a scheduling point of the
 * explorer (atomics.c) and has the size, the order and the source line of the access.
 */
#ifndef BIDE_EXPLORE_ATOMICS_H
#define BIDE_EXPLORE_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

enum { EXPLORE_SWAP, EXPLORE_ADD, EXPLORE_SUB, EXPLORE_OR };

uint64_t explore_load(const void *at, unsigned size_bytes, int order, const char *place);
void explore_store(void *at, unsigned size_bytes, uint64_t value, int order, const char *place);
uint64_t explore_change(void *at, unsigned size_bytes, int how, uint64_t value, int order,
                        const char *place);
bool explore_cas(void *at, unsigned size_bytes, void *expected, uint64_t value, int order,
                 int order_failed, const char *place);
void explore_fence(int order, const char *place);
void explore_light_fence(const char *place);
void explore_relax(void);

#define EXPLORE_TEXT2_(x) #x
#define EXPLORE_TEXT_(x) EXPLORE_TEXT2_(x)
#define EXPLORE_PLACE_ __FILE__ ":" EXPLORE_TEXT_(__LINE__)
#define EXPLORE_AS_(at, call) ((__typeof__(*(at)))(uintptr_t)(call))
#define EXPLORE_CHANGE_(at, how, value, order)                                                   \
	EXPLORE_AS_(at, explore_change((at), sizeof *(at), how, (uint64_t)(value), __ATOMIC_##order, \
	                               EXPLORE_PLACE_))

#define BIDE_LOAD(at, order) \
	EXPLORE_AS_(at, explore_load((at), sizeof *(at), __ATOMIC_##order, EXPLORE_PLACE_))
#define BIDE_STORE(at, value, order) \
	explore_store((at), sizeof *(at), (uint64_t)(value), __ATOMIC_##order, EXPLORE_PLACE_)
#define BIDE_SWAP(at, value, order) EXPLORE_CHANGE_(at, EXPLORE_SWAP, value, order)
#define BIDE_ADD(at, value, order) EXPLORE_CHANGE_(at, EXPLORE_ADD, value, order)
#define BIDE_SUB(at, value, order) EXPLORE_CHANGE_(at, EXPLORE_SUB, value, order)
#define BIDE_OR(at, value, order) EXPLORE_CHANGE_(at, EXPLORE_OR, value, order)
#define BIDE_CAS(at, expected, value, order, order_failed)                           \
	explore_cas((at), sizeof *(at), (expected), (uint64_t)(value), __ATOMIC_##order, \
	            __ATOMIC_##order_failed, EXPLORE_PLACE_)
#define BIDE_FENCE(order) explore_fence(__ATOMIC_##order, EXPLORE_PLACE_)
#define BIDE_RELAX() explore_relax()
#define BIDE_LIGHT_FENCE() explore_light_fence(EXPLORE_PLACE_)

#endif
