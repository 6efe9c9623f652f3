/* SPDX-License-Identifier: ISC */

/*
 * "mtactl submit -m": the content that a text of RFC 5322 and MIME becomes.
 * It is made into a file without a name, since its lengths come before what
 * they are of.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipm.h"
#include "mtactl.h"

/* What cannot be mapped is copied into a file first. */
static int
as_file(int fd, const char *name)
{
	char	 buf[65536];
	ssize_t	 n;
	FILE	*f;
	int	 copy;

	if ((f = tmpfile()) == NULL)
		err(1, "copy of the text");
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			err(1, "%s", name);
		if (fwrite(buf, 1, n, f) != (size_t)n)
			err(1, "copy of the text");
	}
	if (fflush(f) == EOF || (copy = dup(fileno(f))) == -1)
		err(1, "copy of the text");
	fclose(f);
	return (copy);
}

static void
map(struct mime_submission *ms, int fd, const char *name)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) == -1)
		err(1, "%s", name);
	if (S_ISDIR(st.st_mode))
		errx(1, "%s: is a directory", name);
	if (!S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0) {
		fd = as_file(fd, name);
		if (fstat(fd, &st) == -1)
			err(1, "copy of the text");
	}
	if (st.st_size == 0)
		errx(1, "%s: is empty", name);
	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		err(1, "%s", name);
	ms->text = p;
	ms->len = st.st_size;
}

int
submit_mime(struct mime_submission *ms, int fd, const char *name)
{
	FILE *f;
	int content, from = ms->originator.nattr > 0;

	map(ms, fd, name);
	if ((f = tmpfile()) == NULL)
		err(1, "content of the message");
	if (ipm_from_mime(ms, f) == -1)
		errx(1, "%s: %s%s", name, ms->why, !from &&
		    strncmp(ms->why, "originator: ", 12) == 0 ?
		    "; -f gives one" : "");
	if (fflush(f) == EOF || ferror(f) ||
	    (content = dup(fileno(f))) == -1 ||
	    lseek(content, 0, SEEK_SET) == -1)
		err(1, "content of the message");
	fclose(f);
	return (content);
}
