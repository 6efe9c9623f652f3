/* SPDX-License-Identifier: ISC */

/* Between sandbox.c and the part of the platform. */

#ifndef SANDBOX_KERNEL_H
#define SANDBOX_KERNEL_H

#include "sandbox.h"

/* While we are still root. */
void	sandbox_before(enum sandbox_role);
/* After user and root have been changed: -1 after a log line. */
int	sandbox_kernel(enum sandbox_role, const struct sandbox_conf *);

#endif
