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

#include "audit.h"
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

/* Each line of each file from the first on, till the function says not 0. */
static int
each_line(int spool, const char *name, const char *first,
    int (*fn)(void *, const char *), void *arg)
{
	struct dirent	*de;
	char		*line = NULL;
	size_t		 size = 0;
	FILE		*f;
	DIR		*d;
	int		 fd, r = 0;

	if (name[0] == '\0' || (fd = openat(spool, name, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC)) == -1)
		return (0);
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return (0);
	}
	while (r == 0 && (de = readdir(d)) != NULL) {
		if (strlen(de->d_name) != strlen("2026-11-24.log") ||
		    strcmp(de->d_name, first) < 0 ||
		    (fd = openat(dirfd(d), de->d_name, O_RDONLY |
		    O_NOFOLLOW | O_CLOEXEC)) == -1)
			continue;
		if ((f = fdopen(fd, "r")) == NULL) {
			close(fd);
			continue;
		}
		while (r == 0 && getline(&line, &size, f) != -1)
			r = fn(arg, line);
		fclose(f);
	}
	free(line);
	closedir(d);
	return (r);
}

struct past {
	struct store		*s;
	struct audit_past	*p;
};

static int
past_line(void *arg, const char *line)
{
	struct past	*past = arg;

	return (one_line(past->s, line, past->p));
}

int
audit_past(struct store *s, int spool, const char *name, int64_t since,
    struct audit_past *p)
{
	struct past	past = { s, p };
	char		first[32];

	memset(p, 0, sizeof(*p));
	/* what waited for its commit over midnight is in the file before */
	audit_file_name(since > DAY ? since - DAY : 0, first,
	    sizeof(first));
	return (each_line(spool, name, first, past_line, &past));
}

/* The lines that a store still has, the log perhaps not. */
struct rows {
	int	(*fn)(void *, const char *);
	void	*arg;
};

static int
row_lines(void *arg, uint64_t id, const char *text)
{
	struct rows	*rows = arg;
	char		*copy, *next, *line;
	int		 r = 0;

	if (text == NULL)
		return (0);
	if ((next = copy = strdup(text)) == NULL)
		return (-1);
	while (r == 0 && (line = strsep(&next, "\n")) != NULL)
		r = rows->fn(rows->arg, line);
	free(copy);
	return (r);
}

/*
 * What came, and what went of it: recipients of a message.  A line may be
 * there more than once, with the same key: after a crash what the store has
 * is written again.
 */
struct account {
	uint64_t	id, key;
	int32_t		n;
};
struct accounts {
	struct account	*a;
	size_t		 n, size;
};

/* How often a field is in a line, outside of texts; its first number. */
static int
field_count(const char *line, const char *field, int *value)
{
	const char	*p;
	int		 n = 0, quoted = 0;

	for (p = line; *p != '\0'; p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && *p == ' ' &&
		    strncmp(p + 1, field, strlen(field)) == 0 && n++ == 0)
			*value = atoi(p + 1 + strlen(field));
	}
	return (n);
}

/* -1: what the line says is nothing of this. */
static int
recipients(const char *event, const char *line, int32_t *change)
{
	static const char *const	came[] = { "submit", "arrive",
	    "report" };
	static const char *const	gone[] = { "transfer", "deliver",
	    "remove", "redirect", "expand" };
	int				v = 0, whole;
	size_t				i;

	whole = field_count(line, "type=report", &v);
	for (i = 0; i < nitems(came); i++)
		if (strcmp(event, came[i]) == 0) {
			if (field_count(line, "part=", &v) > 0)
				return (-1);
			field_count(line, "recipients=", &v);
			*change = whole ? 1 : v;
			return (0);
		}
	for (i = 0; i < nitems(gone); i++)
		if (strcmp(event, gone[i]) == 0) {
			*change = whole ? -1 : -field_count(line,
			    "recipient=", &v);
			return (0);
		}
	if (strcmp(event, "non-deliver") != 0 ||
	    field_count(line, "part=", &v) > 0)
		return (-1);
	field_count(line, "recipients=", &v);
	*change = -v;
	return (0);
}

static int
account_line(void *arg, const char *line)
{
	struct accounts	*all = arg;
	struct account	 one, *p;
	char		 event[16];

	if (sscanf(line, "time=%*s key=%16" SCNx64 " event=%15s id=%16" SCNx64,
	    &one.key, event, &one.id) != 3 ||
	    recipients(event, line, &one.n) == -1)
		return (0);
	if (all->n == all->size) {
		if ((p = reallocarray(all->a, all->size * 2 + 1024,
		    sizeof(*p))) == NULL)
			return (-1);
		all->a = p;
		all->size = all->size * 2 + 1024;
	}
	all->a[all->n++] = one;
	return (0);
}

/* Of one line that is there twice the one that is whole comes first. */
static int
compare(const void *a, const void *b)
{
	const struct account	*x = a, *y = b;

	if (x->id != y->id)
		return (x->id < y->id ? -1 : 1);
	if (x->key != y->key)
		return (x->key < y->key ? -1 : 1);
	return (abs(y->n) - abs(x->n));
}

int
audit_unsettled(struct store *s, int spool, const char *name,
    int (*cb)(void *, uint64_t), void *arg)
{
	struct accounts	all = { NULL, 0, 0 };
	struct rows	rows = { account_line, &all };
	size_t		i, k;
	int64_t		sum;
	int		r;

	if ((r = each_line(spool, name, "", account_line, &all)) == 0)
		r = store_audit_each(s, row_lines, &rows);
	if (r == 0 && all.n > 1)
		qsort(all.a, all.n, sizeof(*all.a), compare);
	for (i = 0; i < all.n && r == 0; i = k) {
		sum = 0;
		for (k = i; k < all.n && all.a[k].id == all.a[i].id; k++)
			if (k == i || all.a[k].key != all.a[k - 1].key)
				sum += all.a[k].n;
		if (sum > 0)
			r = cb(arg, all.a[i].id);
	}
	free(all.a);
	return (r);
}

/* What of the rows of a store the log has: keys of their last lines. */
struct written {
	uint64_t	*key;
	size_t		 n, size;
	uint64_t	 last;
};

static int
add_row(void *arg, uint64_t key, const char *text)
{
	struct written	*w = arg;
	uint64_t	*p;

	if (w->n == w->size) {
		if ((p = reallocarray(w->key, w->size * 2 + 256,
		    sizeof(*p))) == NULL)
			return (-1);
		w->key = p;
		w->size = w->size * 2 + 256;
	}
	w->key[w->n++] = key;
	return (0);
}

static int
compare_key(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

static int
written_line(void *arg, const char *line)
{
	struct written	*w = arg;
	uint64_t	 key;

	if (sscanf(line, "time=%*s key=%16" SCNx64 " event=", &key) == 1 &&
	    key > w->last && strchr(line, '\n') != NULL &&
	    bsearch(&key, w->key, w->n, sizeof(key), compare_key) != NULL)
		w->last = key;
	return (0);
}

int
audit_written(struct store *s, int spool, const char *name, int64_t since)
{
	struct written	w = { NULL, 0, 0, 0 };
	char		first[32];
	int		r;

	audit_file_name(since > DAY ? since - DAY : 0, first, sizeof(first));
	if ((r = store_audit_each(s, add_row, &w)) == 0 && w.n > 0) {
		qsort(w.key, w.n, sizeof(*w.key), compare_key);
		(void)each_line(spool, name, first, written_line, &w);
		if (w.last > 0)
			r = store_audit_delete(s, w.last);
	}
	free(w.key);
	return (r);
}
