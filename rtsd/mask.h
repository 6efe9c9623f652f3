/* SPDX-License-Identifier: ISC */

/*
 * Passwords in the opening of an association, for a trace that others may
 * see: the simple credentials of X.411 in PConnect, PAccept, RTORQ, RTOAC.
 */

#ifndef MASK_H
#define MASK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Whole TPKTs, the first of whose TSDUs may be a CN or an AC, also in several
 * TPDUs: each octet of a password in it becomes '*'.  Nothing else and no
 * length changes; user data that is not understood is '*' as a whole.
 */
void	mask_opening(uint8_t *, size_t);
/* The same of the user data of S-CONNECT.  -1: there may be one left. */
int	mask_user_data(uint8_t *, size_t);

#endif
