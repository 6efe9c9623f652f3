/* SPDX-License-Identifier: ISC */

/* MTS-APDUs of 1988, put to the same tests as MPDUs of 1984. */

#define FUZZ_PROTOCOL	P1_1988

#include "fuzz_p1.c"
