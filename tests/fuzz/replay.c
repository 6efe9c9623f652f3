/* SPDX-License-Identifier: ISC */

/*
 * Runs a harness over the files of the directories named, so that every
 * build proves that what fuzzing once found stays mended.
 */

#include <dirent.h>
#include <string.h>

#include "fuzz.h"

static void
replay(const char *path)
{
	uint8_t	*p = NULL;
	FILE	*fp;
	long	 size;

	if ((fp = fopen(path, "rb")) == NULL || fseek(fp, 0, SEEK_END) != 0 ||
	    (size = ftell(fp)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(fp);
	/* Just its size: a read behind the end is seen by sanitizers. */
	p = malloc(size > 0 ? size : 1);
	MUST(p != NULL);
	MUST(fread(p, 1, size, fp) == (size_t)size);
	fclose(fp);
	LLVMFuzzerTestOneInput(p, size);
	free(p);
}

int
main(int argc, char *argv[])
{
	struct dirent	*de;
	char		 path[4096];
	DIR		*dir;
	int		 i, n = 0;

	for (i = 1; i < argc; i++) {
		if ((dir = opendir(argv[i])) == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((de = readdir(dir)) != NULL) {
			if (de->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i],
			    de->d_name);
			replay(path);
			n++;
		}
		closedir(dir);
	}
	printf("%d files\n", n);
	return n > 0 ? 0 : 1;
}
