/* SPDX-License-Identifier: ISC */

/*
 * "mtactl track": lines of the audit log that fit, in the order of the
 * files.  A piece at a time, and no further than the client reads, so that a
 * log of any length stops nothing.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "client.h"
#include "log.h"

#define PIECE		(64 * 1024)	/* octets read at a time */
#define PIECES		4		/* of them in one turn */
#define PATIENCE	5000		/* ms, with a disk that hangs */

struct track {
	struct ctl_track	 want;
	char			 since[32], until[32];	/* as in the lines */
	char			 last[32];	/* no file after it */
	char			 name[32];	/* the file being read */
	uint64_t		 newest;	/* line that is to be in it */
	uint64_t		 patience;	/* ms, waits for it until then */
	int			 fd;
	off_t			 offset;
	size_t			 len;		/* octets in buf */
	char			 buf[PIECE + 1];
	size_t			 nout;
	char			 out[PIECE];	/* lines of one row */
};

void
track_free(struct client *c)
{
	if (c->track == NULL)
		return;
	if (c->track->fd != -1)
		close(c->track->fd);
	free(c->track);
	c->track = NULL;
}

static void
time_text(int64_t when, char *out, size_t size)
{
	struct tm	tm;
	time_t		t = when;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, size,
	    "time=%Y-%m-%dT%H:%M:%S", &tm) == 0)
		strlcpy(out, "time=", size);
}

int
track_begin(struct client *c, const struct ctl_track *want)
{
	struct track	*t;

	if (memchr(want->text, '\0', sizeof(want->text)) == NULL ||
	    want->nids > TRACK_IDS || want->since < 0 || want->until < 0)
		return (-1);
	c->request = CTL_TRACK;
	if (sp.mta.audit_keep == 0) {
		client_fail(c, "there is no audit log: see mtad.conf(5)");
		return (0);
	}
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		client_fail(c, "out of memory");
		return (0);
	}
	t->want = *want;
	t->fd = -1;
	if (t->want.until == 0)
		t->want.until = time(NULL) + DAY;
	time_text(t->want.since, t->since, sizeof(t->since));
	time_text(t->want.until, t->until, sizeof(t->until));
	/* what waited for its commit over midnight is in the file before */
	audit_file_name(t->want.since > DAY ? t->want.since - DAY : 0, t->name,
	    sizeof(t->name));
	t->name[strlen(t->name) - 1]--;	/* the file before that */
	audit_file_name(t->want.until + DAY, t->last, sizeof(t->last));
	c->track = t;
	/* what was said to be done is found, however busy the disk is */
	t->newest = audit_file_hurry();
	t->patience = spool_clock() + PATIENCE;
	control_work();
	return (0);
}

/* The first file after the one at hand.  0: there is none, -1: errno. */
static int
next_file(struct track *t)
{
	struct dirent	*de;
	char		 best[sizeof(t->name)] = "";
	char		 path[sizeof(sp.mta.audit) + sizeof(best) + 1];
	DIR		*d;
	int		 fd;

	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	if ((fd = openat(sp.dirfd, sp.mta.audit, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1)
		return (errno == ENOENT ? 0 : -1);
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return (-1);
	}
	while ((de = readdir(d)) != NULL)
		if (strlen(de->d_name) == strlen("2026-11-24.log") &&
		    strcmp(de->d_name, t->name) > 0 &&
		    strcmp(de->d_name, t->last) <= 0 &&
		    (best[0] == '\0' || strcmp(de->d_name, best) < 0))
			strlcpy(best, de->d_name, sizeof(best));
	closedir(d);
	if (best[0] == '\0')
		return (0);
	strlcpy(t->name, best, sizeof(t->name));
	t->offset = 0;
	t->len = 0;
	snprintf(path, sizeof(path), "%s/%s", sp.mta.audit, best);
	if ((t->fd = openat(sp.dirfd, path, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1 && errno != ENOENT)
		return (-1);
	return (1);
}

static int
wanted(const struct track *t, const char *line)
{
	char		id[20];
	uint32_t	i;

	if (strncmp(line, t->since, strlen(t->since)) < 0 ||
	    strncmp(line, t->until, strlen(t->until)) > 0)
		return (0);
	for (i = 0; i < t->want.nids; i++) {
		snprintf(id, sizeof(id), "=%016" PRIX64, t->want.id[i]);
		if (strstr(line, id) != NULL)
			break;
	}
	if (t->want.nids > 0 && i == t->want.nids)
		return (0);
	return (t->want.text[0] == '\0' ||
	    strcasestr(line, t->want.text) != NULL);
}

static void
put_out(struct client *c)
{
	struct track	*t = c->track;

	if (t->nout > 0)
		client_row(c, CTL_ROW, t->out, t->nout);
	t->nout = 0;
}

/* The lines that are whole; what is left is the beginning of one. */
static void
lines(struct client *c)
{
	struct track	*t = c->track;
	char		*p = t->buf, *end;
	size_t		 n;

	t->buf[t->len] = '\0';
	while ((end = memchr(p, '\n', t->buf + t->len - p)) != NULL) {
		*end = '\0';
		n = end + 1 - p;
		if (wanted(t, p)) {
			*end = '\n';
			if (t->nout + n > sizeof(t->out))
				put_out(c);
			memcpy(t->out + t->nout, p, n);
			t->nout += n;
		}
		p = end + 1;
	}
	if (p == t->buf && t->len == PIECE)
		t->len = 0;	/* none of ours is that long */
	else {
		t->len -= p - t->buf;
		memmove(t->buf, p, t->len);
	}
}

/* 1: there is more. */
static int
piece(struct client *c)
{
	struct track	*t = c->track;
	ssize_t		 n = 0;

	if (t->fd != -1) {
		if ((n = pread(t->fd, t->buf + t->len, PIECE - t->len,
		    t->offset)) == -1)
			return (-1);
		t->offset += n;
		t->len += n;
	}
	if (n == 0)
		return (next_file(t));
	lines(c);
	return (1);
}

void
track_more(struct client *c)
{
	struct track	*t = c->track;
	char		 why[160];
	int		 i, r;

	if (imsgev_pending(&c->iev) > CLIENT_HIGH)
		return;
	if (t->newest != 0) {
		if (!audit_file_has(t->newest) && spool_clock() < t->patience)
			return;
		t->newest = 0;
	}
	for (i = 0; i < PIECES; i++) {
		if ((r = piece(c)) == 1)
			continue;
		if (r == -1) {
			snprintf(why, sizeof(why), "audit log: %s",
			    strerror(errno));
			client_fail(c, why);
			return;
		}
		put_out(c);
		client_end(c);
		return;
	}
	put_out(c);
}
