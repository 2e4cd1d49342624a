/*
 * emulated.h - included before everything in what is built to be run by qemu (the tier arm64).
 *
 * qemu (7.2, on x86) translates AArch64's stlr and ldar to a plain store and a plain load. x86 lets
 * the load overtake the store, AArch64 does not. An exchange it translates to a locked one.
 *
 * BIDE_TEST_EMULATED tells tests (support/limits_of_tools.h) that this is not a machine of its own.
 */
#define BIDE_TEST_EMULATED 1

#define __atomic_store_n(at, value, order)                                                    \
	((order) == __ATOMIC_SEQ_CST ? (void)__atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST) \
	                             : __atomic_store_n((at), (value), (order)))
