/* SPDX-License-Identifier: ISC */

/*
 * Sockets that metrics are asked for on: bound here, answered by spoold.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent.h"

#define BACKLOG	16

/* Readable and writable for its owner and group: one writes to ask. */
static int
bind_unix(struct conf_metrics *m)
{
	struct group	*gr = NULL;
	struct stat	 st;
	mode_t		 old;
	int		 ret;

	if (m->group[0] != '\0' && (gr = getgrnam(m->group)) == NULL) {
		log_warnx(EVT_LISTEN, "address=\"%s\": group \"%s\" does not "
		    "exist", m->address, m->group);
		errno = EINVAL;
		return (-1);
	}
	/* one that an mtad left behind; nothing else is removed */
	if (lstat(m->address, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(m->address);
	old = umask(0117);
	ret = bind(m->fd, (struct sockaddr *)&m->ss, m->ss_len);
	umask(old);
	if (ret == 0 && gr != NULL)
		ret = chown(m->address, 0, gr->gr_gid);
	return (ret);
}

static int
listen_on(struct conf_metrics *m)
{
	int	one = 1, ret;

	m->fd = socket(m->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (m->fd == -1) {
		log_warn(EVT_LISTEN, "address=\"%s\"", m->address);
		return (-1);
	}
	if (m->ss.ss_family == AF_UNIX)
		ret = bind_unix(m);
	else {
		setsockopt(m->fd, SOL_SOCKET, SO_REUSEADDR, &one,
		    sizeof(one));
		ret = bind(m->fd, (struct sockaddr *)&m->ss, m->ss_len);
	}
	if (ret == -1 || listen(m->fd, BACKLOG) == -1) {
		log_warn(EVT_LISTEN, "address=\"%s\"", m->address);
		close(m->fd);
		m->fd = -1;
		return (-1);
	}
	return (0);
}

static struct conf_metrics *
same(struct conf *c, const struct conf_metrics *m)
{
	struct conf_metrics	*o;

	if (c != NULL)
		TAILQ_FOREACH(o, &c->metrics, entry)
			if (o->fd != -1 && o->ss_len == m->ss_len &&
			    memcmp(&o->ss, &m->ss, m->ss_len) == 0 &&
			    strcmp(o->group, m->group) == 0)
				return (o);
	return (NULL);
}

static int
has_path(struct conf *c, const char *path)
{
	struct conf_metrics	*m;

	TAILQ_FOREACH(m, &c->metrics, entry)
		if (strcmp(m->address, path) == 0)
			return (1);
	return (0);
}

int
sockets_metrics(struct conf *new, struct conf *old)
{
	struct conf_metrics	*m, *o;

	TAILQ_FOREACH(m, &new->metrics, entry) {
		if ((o = same(old, m)) != NULL)
			m->fd = dup(o->fd);
		if (m->fd == -1 && listen_on(m) == -1) {
			sockets_metrics_close(new, 0);
			return (-1);
		}
	}
	if (old != NULL)
		TAILQ_FOREACH(o, &old->metrics, entry)
			if (o->ss.ss_family == AF_UNIX &&
			    !has_path(new, o->address))
				unlink(o->address);
	return (0);
}

void
sockets_metrics_close(struct conf *c, int remove)
{
	struct conf_metrics	*m;

	TAILQ_FOREACH(m, &c->metrics, entry) {
		if (m->fd != -1)
			close(m->fd);
		m->fd = -1;
		if (remove && m->ss.ss_family == AF_UNIX)
			unlink(m->address);
	}
}
