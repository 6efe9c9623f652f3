/* SPDX-License-Identifier: ISC */

/* Words for what struct peer_conf holds, as mtad.conf(5) has them. */

#include "mtad.h"

const char *
mode_name(int mode)
{
	static const char *const names[] = {
		[MODE_X410_1984] = "x410-1984",
		[MODE_X410_1988] = "x410-1988",
		[MODE_NORMAL] = "normal"
	};

	return (mode < 0 || mode > MODE_NORMAL ? "?" : names[mode]);
}
