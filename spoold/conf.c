/* SPDX-License-Identifier: ISC */

/*
 * The configuration as mtad sends it: gathered between CONF_BEGIN and
 * CONF_END, then put into force as a whole.  Peers and directories keep
 * their objects over a reload, so that associations and queues of what did
 * not change go on.  It is kept because the store may open only later.
 */

#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#include "conf.h"
#include "log.h"
#include "spoold.h"

struct deliver {
	struct deliver_conf	 conf;
	int			 fd;
};

struct conf {
	struct mta_conf		 mta;
	uint8_t			 has_mta;
	struct peer_conf	*peer;
	size_t			 npeer;
	struct route_conf	*route;
	size_t			 nroute;
	struct deliver		*deliver;
	size_t			 ndeliver;
	struct command_conf	*command;
	size_t			 ncommand;
	struct sheet_conf	*sheet;
	size_t			 nsheet;
	struct listen_conf	*listener;
	size_t			 nlistener;
};

static struct conf	*staged, *conf;
static char		 conf_dir_names[CONF_DIRS_MAX][1024];
static struct stat	 conf_dir_stat[CONF_DIRS_MAX];
static size_t		 nconf_dirs;

static void
conf_free(struct conf *c)
{
	size_t	i;

	if (c == NULL)
		return;
	for (i = 0; i < c->ndeliver; i++)
		if (c->deliver[i].fd != -1)
			close(c->deliver[i].fd);
	free(c->peer);
	free(c->route);
	free(c->deliver);
	free(c->command);
	free(c->sheet);
	free(c->listener);
	free(c);
}

void
conf_begin(void)
{
	conf_free(staged);
	if ((staged = calloc(1, sizeof(*staged))) == NULL)
		fatalx("out of memory");
	list_begin();
	policy_begin();
}

/* NUL terminated within its size? */
#define TEXT(field)	(memchr(field, '\0', sizeof(field)) != NULL)

int
conf_mta(const struct mta_conf *m)
{
	if (staged == NULL || !TEXT(m->name) ||
	    !TEXT(m->password) || !TEXT(m->audit) ||
	    strchr(m->audit, '/') != NULL)
		return (-1);
	staged->mta = *m;
	staged->has_mta = 1;
	return (0);
}

int
conf_peer(const struct peer_conf *p)
{
	struct peer_conf	*n;

	if (staged == NULL || !TEXT(p->name) || !TEXT(p->local.name) ||
	    p->dialogue > DIALOGUE_TWA || p->max_associations > 10000)
		return (-1);
	if ((n = recallocarray(staged->peer, staged->npeer,
	    staged->npeer + 1, sizeof(*n))) == NULL)
		return (-1);
	staged->peer = n;
	staged->peer[staged->npeer++] = *p;
	return (0);
}

int
conf_put_sheet(const struct sheet_conf *s)
{
	struct sheet_conf	*n;
	int			 i;

	if (staged == NULL || !TEXT(s->remote_name) ||
	    s->tls > TLS_OPTIONAL)
		return (-1);
	for (i = 0; i < PEER_ADDRESSES_MAX; i++)
		if (!TEXT(s->address[i]))
			return (-1);
	if ((n = recallocarray(staged->sheet, staged->nsheet,
	    staged->nsheet + 1, sizeof(*n))) == NULL)
		return (-1);
	staged->sheet = n;
	staged->sheet[staged->nsheet++] = *s;
	return (0);
}

int
conf_listen(const struct listen_conf *l)
{
	struct listen_conf	*n;

	if (staged == NULL || !TEXT(l->address) || l->tsel.len > TSEL_MAX)
		return (-1);
	if ((n = recallocarray(staged->listener, staged->nlistener,
	    staged->nlistener + 1, sizeof(*n))) == NULL)
		return (-1);
	staged->listener = n;
	staged->listener[staged->nlistener++] = *l;
	return (0);
}

const struct sheet_conf *
conf_sheet(uint32_t peer)
{
	size_t	i;

	for (i = 0; conf != NULL && i < conf->nsheet; i++)
		if (conf->sheet[i].peer == peer)
			return (&conf->sheet[i]);
	return (NULL);
}

int
conf_has_peer(const char *name)
{
	size_t	i;

	for (i = 0; conf != NULL && i < conf->npeer; i++)
		if (strcmp(conf->peer[i].name, name) == 0)
			return (1);
	return (0);
}

const char *
conf_peer_name(uint32_t id)
{
	size_t	i;

	for (i = 0; conf != NULL && i < conf->npeer; i++)
		if (conf->peer[i].id == id)
			return (conf->peer[i].name);
	return ("?");
}

const struct listen_conf *
conf_listener(size_t n)
{
	return (conf != NULL && n < conf->nlistener ? &conf->listener[n] :
	    NULL);
}

int
conf_route(const struct route_conf *r)
{
	struct route_conf	*n;

	if (staged == NULL || !TEXT(r->prefix) || !TEXT(r->alternate) ||
	    r->nvia > ROUTE_VIAS_MAX)
		return (-1);
	if ((n = recallocarray(staged->route, staged->nroute,
	    staged->nroute + 1, sizeof(*n))) == NULL)
		return (-1);
	staged->route = n;
	staged->route[staged->nroute++] = *r;
	return (0);
}

int
conf_deliver(const struct deliver_conf *d, int fd)
{
	struct deliver	*n;

	if (staged == NULL || !TEXT(d->prefix) || !TEXT(d->directory) ||
	    fd == -1)
		return (-1);
	if ((n = recallocarray(staged->deliver, staged->ndeliver,
	    staged->ndeliver + 1, sizeof(*n))) == NULL)
		return (-1);
	staged->deliver = n;
	n = &staged->deliver[staged->ndeliver++];
	n->conf = *d;
	n->fd = fd;
	return (0);
}

int
conf_command(const struct command_conf *c)
{
	struct command_conf	*n;

	if (staged == NULL || !TEXT(c->prefix) || !TEXT(c->name) ||
	    c->parallel < 1 || c->parallel > COMMANDS_MAX)
		return (-1);
	if ((n = recallocarray(staged->command, staged->ncommand,
	    staged->ncommand + 1, sizeof(*n))) == NULL)
		return (-1);
	staged->command = n;
	staged->command[staged->ncommand++] = *c;
	return (0);
}

int
conf_end(void)
{
	if (staged == NULL || !staged->has_mta)
		return (-1);
	conf_free(conf);
	conf = staged;
	staged = NULL;
	list_end();
	policy_end();
	sp.mta = conf->mta;
	log_setverbose(conf->mta.verbose);
	return (0);
}

size_t
conf_dirs(int *dirs, size_t max)
{
	size_t	i;

	for (i = 0; i < conf->ndeliver && i < max; i++) {
		dirs[i] = conf->deliver[i].fd;
		strlcpy(conf_dir_names[i], conf->deliver[i].conf.directory,
		    sizeof(conf_dir_names[i]));
		if (fstat(dirs[i], &conf_dir_stat[i]) == -1)
			memset(&conf_dir_stat[i], 0, sizeof(*conf_dir_stat));
		nconf_dirs = i + 1;
	}
	return (i);
}

/* What is confined to one directory cannot write to another by its name. */
static int
is_same(int fd, const struct stat *old)
{
	struct stat	st;

	return (fstat(fd, &st) == -1 || (st.st_dev == old->st_dev &&
	    st.st_ino == old->st_ino));
}

int
conf_has_new_dir(void)
{
	struct directory	*dir;
	size_t			 i, k;

	for (i = 0; i < conf->ndeliver; i++) {
		for (k = 0; k < nconf_dirs; k++)
			if (strcmp(conf->deliver[i].conf.directory,
			    conf_dir_names[k]) == 0)
				break;
		if (k == nconf_dirs)
			return (1);
		if (is_same(conf->deliver[i].fd, &conf_dir_stat[k]))
			continue;
		TAILQ_FOREACH(dir, &sp.directories, entry)
			if (strcmp(dir->target->name, conf_dir_names[k]) == 0)
				deliver_directory_is(dir, 1);
		return (1);
	}
	return (0);
}

/* Putting it into force */

static struct peer *
put_peer(const struct peer_conf *pc)
{
	struct peer	*p;
	int		 new;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (strcmp(p->conf.name, pc->name) == 0)
			break;
	if ((new = p == NULL)) {
		if ((p = calloc(1, sizeof(*p))) == NULL)
			fatalx("out of memory");
		TAILQ_INSERT_TAIL(&sp.peers, p, entry);
	}
	p->conf = *pc;
	p->seen = 1;
	if ((p->target = target_get(TARGET_PEER, pc->name)) == NULL)
		return (NULL);
	p->target->peer = p;
	if (new)
		live_peer_load(p);
	return (p);
}

/* No longer configured: its associations end, its messages stay. */
static void
drop_peer(struct peer *p)
{
	struct assoc	*a;

	p->conf.disabled = 1;
	if (p->target != NULL)
		p->target->peer = NULL;
	TAILQ_FOREACH(a, &sp.assocs, entry) {
		if (a->peer != p || a->drop)
			continue;
		log_info(EVT_ASSOC_DOWN, "%s: the peer is not configured any "
		    "more", assoc_name(a));
		assoc_detach(a, RTS_ABORT_TEMPORARY_PROBLEM, 0);
		xfer_abandon(a, 0, "peer not configured");
		assoc_drop(a);
	}
}

static struct directory *
put_directory(struct deliver *d)
{
	struct directory	*dir;
	struct target		*t;

	if ((t = target_get(TARGET_DIRECTORY, d->conf.directory)) == NULL)
		return (NULL);
	if ((dir = t->directory) == NULL) {
		if ((dir = calloc(1, sizeof(*dir))) == NULL)
			fatalx("out of memory");
		dir->fd = -1;
		dir->target = t;
		t->directory = dir;
		TAILQ_INSERT_TAIL(&sp.directories, dir, entry);
	}
	dir->seen = 1;
	if (dir->gone && !deliver_busy()) {
		close(dir->fd);
		dir->fd = -1;
	}
	if (dir->fd == -1) {
		dir->fd = d->fd;
		d->fd = -1;
	}
	return (dir);
}

static struct command *
put_command(const struct command_conf *cc)
{
	struct command	*c;
	struct target	*t;

	if ((t = target_get(TARGET_COMMAND, cc->name)) == NULL)
		return (NULL);
	TAILQ_FOREACH(c, &sp.commands, entry)
		if (c->target == t)
			break;
	if (c == NULL) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			fatalx("out of memory");
		c->target = t;
		TAILQ_INSERT_TAIL(&sp.commands, c, entry);
	}
	c->id = cc->id;
	c->parallel = cc->parallel;
	c->seen = 1;
	t->command = c;
	return (c);
}

static struct target *
peer_target(uint32_t id)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->seen && p->conf.id == id)
			return (p->target);
	return (NULL);
}

static void
put_route(const struct route_conf *rc)
{
	struct target	*t;
	struct route	*r;
	const char	*why;
	uint32_t	 i;

	if ((r = route_add(rc->prefix, rc->complete, &why)) == NULL) {
		log_warnx(EVT_ROUTE_BAD, "route=\"%s\": %s", rc->prefix, why);
		return;
	}
	if (rc->alternate[0] != '\0' &&
	    route_add_alternate(r, rc->alternate) == -1)
		log_warnx(EVT_ROUTE_BAD, "domain=\"%s\": bad alternate",
		    rc->prefix);
	for (i = 0; i < rc->nvia; i++) {
		if ((t = peer_target(rc->via[i].peer)) == NULL)
			log_warnx(EVT_ROUTE_BAD, "route=\"%s\": no such peer",
			    rc->prefix);
		else
			route_add_hop(r, t, rc->via[i].cost,
			    rc->via[i].weight);
	}
}

static void
put_delivery(const char *prefix, struct target *t)
{
	struct route	*r;
	const char	*why;

	if (t == NULL)
		return;
	if ((r = route_add(prefix, 0, &why)) == NULL)
		log_warnx(EVT_ROUTE_BAD, "deliver=\"%s\": %s", prefix, why);
	else
		route_add_hop(r, t, 0, 1);
}

static void
put_routes(void)
{
	size_t	i;

	route_begin();
	for (i = 0; i < conf->nroute; i++)
		put_route(&conf->route[i]);
	for (i = 0; i < conf->ndeliver; i++)
		put_delivery(conf->deliver[i].conf.prefix,
		    target_get(TARGET_DIRECTORY,
		    conf->deliver[i].conf.directory));
	for (i = 0; i < conf->ncommand; i++)
		put_delivery(conf->command[i].prefix,
		    target_get(TARGET_COMMAND, conf->command[i].name));
	route_end();
}

void
spool_configured(void)
{
	struct directory	*dir;
	struct command		*c;
	struct peer		*p;
	size_t			 i;

	if (conf == NULL || sp.store == NULL)
		return;
	TAILQ_FOREACH(p, &sp.peers, entry)
		p->seen = 0;
	TAILQ_FOREACH(dir, &sp.directories, entry)
		dir->seen = 0;
	TAILQ_FOREACH(c, &sp.commands, entry)
		c->seen = 0;
	for (i = 0; i < conf->npeer; i++)
		if (put_peer(&conf->peer[i]) == NULL)
			spool_failed(store_error(sp.store));
	for (i = 0; i < conf->ndeliver; i++)
		if (put_directory(&conf->deliver[i]) == NULL)
			spool_failed(store_error(sp.store));
	for (i = 0; i < conf->ncommand; i++)
		if (put_command(&conf->command[i]) == NULL)
			spool_failed(store_error(sp.store));
	TAILQ_FOREACH(c, &sp.commands, entry)
		if (!c->seen)
			c->target->command = NULL;
	TAILQ_FOREACH(p, &sp.peers, entry)
		if (!p->seen && p->target != NULL && p->target->peer == p)
			drop_peer(p);
	put_routes();
	if (!sp.failing)
		reroute_all();
}
