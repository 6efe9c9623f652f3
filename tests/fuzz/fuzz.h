/* SPDX-License-Identifier: ISC */

/*
 * What every harness gives: one function that libFuzzer calls, and that
 * replay.c calls for the files of a corpus.  A broken promise aborts.
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(cond)	do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,	\
		    #cond);						\
		abort();						\
	}								\
} while (0)

#endif
