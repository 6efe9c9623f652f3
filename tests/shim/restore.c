/* SPDX-License-Identifier: ISC */

/* powercut DIR...: what was not synced in them never happened. */

#include <stdio.h>

#include "powercut.h"

int
main(int argc, char **argv)
{
	const char *const	*dirs = (const char *const *)(argv + 1);

	if (argc < 2) {
		fprintf(stderr, "usage: powercut directory ...\n");
		return (2);
	}
	if (powercut_restore(dirs, argc - 1) == -1) {
		perror("powercut");
		return (1);
	}
	return (0);
}
