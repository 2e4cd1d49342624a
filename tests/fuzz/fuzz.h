/*
 * fuzz.h - shared by the fuzzers: a reader of the input, and a check that ends the process.
 *
 * A fuzzer is a file NAME.c with LLVMFuzzerTestOneInput, which parses an input, does what it says,
 * and compares the outcome with a model of its own. It runs in two ways: with libFuzzer (./dev
 * fuzz), and with driver.c, which makes a fixed sequence of inputs, as a test of the suite.
 * corpus/NAME has inputs to begin with, including every input that found a mistake.
 */
#ifndef BIDE_FUZZ_H
#define BIDE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

#define FUZZ_CHECK(condition)                                                              \
	do {                                                                                   \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                       \
		}                                                                                  \
	} while (0)

/* The rest of an input. When nothing is left, numbers are 0. */
typedef struct fuzz_input {
	const uint8_t *at, *end;
} fuzz_input;

/* Takes a number of at most 8 bytes, lowest byte first. */
static inline uint64_t fuzz_take(fuzz_input *input, unsigned byte_count)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < byte_count && input->at < input->end; i++)
		number |= (uint64_t)*input->at++ << 8 * i;
	return number;
}

/* Takes a number from 0 to count - 1; count is at most 65536. */
static inline unsigned fuzz_below(fuzz_input *input, unsigned count)
{
	return (unsigned)(fuzz_take(input, count > 256 ? 2 : 1) % count);
}

#endif
