/*
 * emulated.h - included first in everything that is built to run in qemu (the tier arm64).
 *
 * qemu (7.2, on x86) translates stlr and ldar of AArch64 to a plain store and a plain load. x86
 * lets the load overtake the store, and AArch64 does not. qemu translates an exchange to a locked
 * one.
 *
 * BIDE_TEST_EMULATED tells the tests (support/limits_of_tools.h) that they run in an emulator.
 */
#define BIDE_TEST_EMULATED 1

#define __atomic_store_n(at, value, order)                                                    \
	((order) == __ATOMIC_SEQ_CST ? (void)__atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST) \
	                             : __atomic_store_n((at), (value), (order)))
