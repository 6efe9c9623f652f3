/* SPDX-License-Identifier: ISC */

/*
 * What the audit log knows that a store does not: one that was saved from
 * damage may lack its last transactions, one that was restored lacks all
 * since.  A copy that was transferred, delivered or removed by then goes from
 * its queue, so that nothing known to be there is sent again; messages that
 * their originator was told are not delivered are held.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "salvage.h"

#define NON_DELIVERY	"a non-delivery report was made about it"

/* The text of to="...", as it was before it was written.  -1: none. */
static int
field_to(const char *line, char *to, size_t size)
{
	const char	*p = line;
	size_t		 n = 0;
	unsigned	 c;
	int		 quoted = 0;

	for (; *p != '\0' && (quoted || strncmp(p, " to=\"", 5) != 0); p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	if (*p == '\0')
		return (-1);
	for (p += 5; *p != '"' && *p != '\0' && n + 1 < size; p++) {
		if (*p == '\\' && p[1] == 'x' &&
		    sscanf(p + 2, "%2x", &c) == 1) {
			to[n++] = (char)c;
			p += 3;
			continue;
		}
		if (*p == '\\' && p[1] != '\0')
			p++;
		to[n++] = *p;
	}
	to[n] = '\0';
	return (*p == '"' ? 0 : -1);
}

struct named {
	const char	*name;
	int		 peer;
	uint32_t	 number[4];
	int		 n;
};

static int
named_target(void *arg, uint32_t number, int kind, const char *name)
{
	struct named	*n = arg;

	if (strcmp(name, n->name) == 0 && n->n < (int)nitems(n->number))
		n->number[n->n++] = number;
	return (0);
}

static int
count_job(void *arg, const struct store_job *j)
{
	++*(int *)arg;
	return (0);
}

/* The copies for that name are where they should be. */
static int
settled(struct store *s, uint64_t id, const char *to, struct audit_past *p)
{
	struct named	n = { .name = to };
	int		i, rank, kind, had, r = 0;

	if (store_target_each(s, named_target, &n) == -1)
		return (-1);
	for (i = 0; i < n.n; i++)
		for (rank = 0; rank < 3 && r != -1; rank++) {
			had = 0;
			r = store_job_get(s, n.number[i], rank, id, count_job,
			    &had);
			if (r != -1 && had > 0) {
				p->settled++;
				r = store_job_done(s, n.number[i], rank, id);
			}
		}
	return (r == -1 || store_message_done(s, id, &kind) == -1 ? -1 : 0);
}

struct hold {
	struct store	*s;
	uint64_t	 n;
	int		 failed;
};

static int
hold_job(void *arg, const struct store_job *j)
{
	struct hold		*h = arg;
	struct store_job	 held = *j;

	if (j->state == JOB_HELD)
		return (0);
	held.state = JOB_HELD;
	strlcpy(held.reason, NON_DELIVERY, sizeof(held.reason));
	h->failed |= store_job_state(h->s, &held) == -1;
	h->n++;
	return (0);
}

static int
one_line(struct store *s, const char *line, struct audit_past *p)
{
	struct hold	h = { .s = s };
	char		event[16], to[1024];
	uint64_t	id;

	if (sscanf(line, "time=%*s key=%*16[0-9A-F] event=%15s id=%16" SCNx64,
	    event, &id) != 2)
		return (0);
	if (strcmp(event, "non-deliver") == 0) {
		if (store_job_of_message(s, id, hold_job, &h) == -1)
			return (-1);
		p->told += h.n > 0;
		return (h.failed ? -1 : 0);
	}
	if ((strcmp(event, "transfer") != 0 && strcmp(event,
	    "deliver") != 0 && strcmp(event, "remove") != 0) ||
	    field_to(line, to, sizeof(to)) == -1)
		return (0);
	return (settled(s, id, to, p));
}

static int
one_file(struct store *s, int dirfd, const char *name, struct audit_past *p)
{
	char	*line = NULL;
	size_t	 size = 0;
	FILE	*f;
	int	 fd, r = 0;

	if ((fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1 || (f = fdopen(fd, "r")) == NULL) {
		if (fd != -1)
			close(fd);
		return (0);
	}
	p->files++;
	while (r == 0 && getline(&line, &size, f) != -1)
		r = one_line(s, line, p);
	free(line);
	fclose(f);
	return (r);
}

int
audit_past(struct store *s, int spool, const char *name, int64_t since,
    struct audit_past *p)
{
	struct dirent	*de;
	char		 first[32];
	DIR		*d;
	int		 fd, r = 0;

	memset(p, 0, sizeof(*p));
	if (name[0] == '\0' || (fd = openat(spool, name, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC)) == -1)
		return (0);
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return (0);
	}
	/* what waited for its commit over midnight is in the file before */
	audit_file_name(since > 86400 ? since - 86400 : 0, first,
	    sizeof(first));
	while (r == 0 && (de = readdir(d)) != NULL)
		if (strlen(de->d_name) == strlen(first) &&
		    strcmp(de->d_name, first) >= 0)
			r = one_file(s, dirfd(d), de->d_name, p);
	closedir(d);
	return (r);
}
