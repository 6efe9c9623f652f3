/* SPDX-License-Identifier: ISC */

/*
 * The configuration in force on its way to rtsd and spoold: the numbers by
 * which they speak of peers, commands and directories, and who gets what.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mtad.h"
#include "parent.h"

/* Peers keep their number as long as there is one of their name. */
struct known_peer {
	TAILQ_ENTRY(known_peer)	 entry;
	char			 name[PEER_NAME_MAX];
	uint32_t		 id;
};
static TAILQ_HEAD(, known_peer) known_peers =
    TAILQ_HEAD_INITIALIZER(known_peers);

static uint32_t
peer_id(const char *name)
{
	static uint32_t last;
	struct known_peer *k;

	TAILQ_FOREACH(k, &known_peers, entry)
		if (strcmp(k->name, name) == 0)
			return (k->id);
	if ((k = calloc(1, sizeof(*k))) == NULL)
		fatalx("out of memory");
	strlcpy(k->name, name, sizeof(k->name));
	k->id = ++last;
	TAILQ_INSERT_TAIL(&known_peers, k, entry);
	return (k->id);
}

/* So do commands: the same words for the same user are the same command. */
struct known_command {
	TAILQ_ENTRY(known_command) entry;
	char			 name[COMMAND_NAME_MAX];
	uint32_t		 id;
};
static TAILQ_HEAD(, known_command) known_commands =
    TAILQ_HEAD_INITIALIZER(known_commands);

static uint32_t
command_id(const char *name)
{
	static uint32_t last;
	struct known_command *k;

	TAILQ_FOREACH(k, &known_commands, entry)
		if (strcmp(k->name, name) == 0)
			return (k->id);
	if ((k = calloc(1, sizeof(*k))) == NULL)
		fatalx("out of memory");
	strlcpy(k->name, name, sizeof(k->name));
	k->id = ++last;
	TAILQ_INSERT_TAIL(&known_commands, k, entry);
	return (k->id);
}

void
conf_number(struct conf *c)
{
	struct conf_peer *p;
	struct conf_route *r;
	struct conf_deliver *d;
	struct conf_command *cmd;
	uint32_t id = 0, i;

	TAILQ_FOREACH(cmd, &c->commands, entry)
		cmd->command.id = command_id(cmd->command.name);
	TAILQ_FOREACH(p, &c->peers, entry)
		p->peer.id = p->tls.peer = peer_id(p->peer.name);
	TAILQ_FOREACH(r, &c->routes, entry)
		for (i = 0; i < r->route.nvia; i++)
			r->route.via[i].peer = peer_id(r->via[i].peer);
	TAILQ_FOREACH(d, &c->delivers, entry)
		d->deliver.id = ++id;
}

/* Configuration to the children */

static void
send_deliver(const struct conf_deliver *d)
{
	int fd;

	fd = open(d->deliver.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		log_warn(EVT_DIRECTORY, "path=\"%s\": for delivery",
		    d->deliver.directory);
		return;
	}
	child_send(CHILD_SPOOLD, IMSG_CONF_DELIVER, 0, fd, &d->deliver,
	    sizeof(d->deliver));
	close(fd);
}

static void
send_list(const struct conf_list *l)
{
	const struct conf_list_item *i;

	child_send(CHILD_SPOOLD, IMSG_CONF_LIST, 0, -1, &l->list,
	    sizeof(l->list));
	TAILQ_FOREACH(i, &l->items, entry)
		child_send(CHILD_SPOOLD, IMSG_CONF_LIST_ITEM, 0, -1, &i->item,
		    sizeof(i->item));
}

static void
send_pem(const struct conf_pem *e)
{
	size_t off, n;

	for (off = 0; off < e->len; off += n) {
		n = e->len - off < TLS_PIECE ? e->len - off : TLS_PIECE;
		child_send(CHILD_RTSD, IMSG_CONF_TLS_PEM, e->id, -1,
		    e->pem + off, n);
	}
}

/* spoold shows no password to anybody: it is told whether there is one. */
static void
mask(char *password, size_t size)
{
	int is_set = password[0] != '\0';

	explicit_bzero(password, size);
	if (is_set)
		password[0] = '*';
}

#define MASK(field)	mask(field, sizeof(field))

static void
send_mta(enum role r)
{
	struct mta_conf m = conf->mta;

	if (r != CHILD_RTSD)
		MASK(m.password);
	child_send(r, IMSG_CONF_MTA, 0, -1, &m, sizeof(m));
	explicit_bzero(&m, sizeof(m));
}

static void
send_peer(enum role r, const struct conf_peer *p)
{
	struct peer_conf c = p->peer;

	if (r != CHILD_RTSD) {
		MASK(c.local.password);
		MASK(c.local_response.password);
		MASK(c.remote.password);
		MASK(c.remote_response.password);
	}
	child_send(r, IMSG_CONF_PEER, 0, -1, &c, sizeof(c));
	explicit_bzero(&c, sizeof(c));
	if (r == CHILD_RTSD)
		sockets_sources(p);
}

/* For the operator, in words; spoold connects to nobody. */
static void
send_sheet(const struct conf_peer *p)
{
	struct sheet_conf s;
	int i;

	memset(&s, 0, sizeof(s));
	s.peer = p->peer.id;
	s.tls = p->tls.mode;
	s.tls_certificate = p->tls.certificate != 0;
	s.tls_checked = p->tls.ca != 0;
	s.remote_tls = p->tls.remote;
	strlcpy(s.remote_name, p->tls.remote_name, sizeof(s.remote_name));
	for (i = 0; i < p->peer.naddress; i++)
		snprintf(s.address[i], sizeof(s.address[i]), "%s port %s",
		    p->address[i].host, p->address[i].port);
	child_send(CHILD_SPOOLD, IMSG_CONF_SHEET, 0, -1, &s, sizeof(s));
}

void
conf_send(enum role r)
{
	const struct conf_pem *e;
	struct conf_peer *p;
	struct conf_listen *l;
	struct conf_route *ro;
	struct conf_deliver *d;
	struct conf_command *c;
	struct conf_redirect *re;
	struct conf_policy *po;
	struct conf_list *li;
	struct conf_metrics *m;

	child_send(r, IMSG_CONF_BEGIN, 0, -1, NULL, 0);
	send_mta(r);
	if (r == CHILD_RTSD)
		TAILQ_FOREACH(e, &conf->pems, entry)
			send_pem(e);
	TAILQ_FOREACH(p, &conf->peers, entry) {
		send_peer(r, p);
		if (r == CHILD_SPOOLD)
			send_sheet(p);
		if (r == CHILD_SPOOLD)
			TAILQ_FOREACH(po, &p->policies, entry) {
				po->policy.peer = p->peer.id;
				child_send(r, IMSG_CONF_POLICY, 0, -1,
				    &po->policy, sizeof(po->policy));
			}
		if (r == CHILD_RTSD && (p->tls.mode != TLS_NO ||
		    p->tls.remote))
			child_send(r, IMSG_CONF_TLS_PEER, 0, -1, &p->tls,
			    sizeof(p->tls));
	}
	if (r == CHILD_RTSD) {
		TAILQ_FOREACH(l, &conf->listeners, entry)
			child_send(r, IMSG_CONF_LISTEN, 0, l->fd, &l->listen,
			    sizeof(l->listen));
	} else {
		TAILQ_FOREACH(l, &conf->listeners, entry)
			child_send(r, IMSG_CONF_LISTEN, 0, -1, &l->listen,
			    sizeof(l->listen));
		TAILQ_FOREACH(ro, &conf->routes, entry)
			child_send(r, IMSG_CONF_ROUTE, 0, -1, &ro->route,
			    sizeof(ro->route));
		TAILQ_FOREACH(d, &conf->delivers, entry)
			send_deliver(d);
		TAILQ_FOREACH(c, &conf->commands, entry)
			child_send(r, IMSG_CONF_COMMAND, 0, -1, &c->command,
			    sizeof(c->command));
		TAILQ_FOREACH(po, &conf->policies, entry)
			child_send(r, IMSG_CONF_POLICY, 0, -1, &po->policy,
			    sizeof(po->policy));
		TAILQ_FOREACH(re, &conf->redirects, entry)
			child_send(r, IMSG_CONF_REDIRECT, 0, -1,
			    &re->redirect, sizeof(re->redirect));
		TAILQ_FOREACH(li, &conf->lists, entry)
			send_list(li);
		TAILQ_FOREACH(m, &conf->metrics, entry)
			child_send(r, IMSG_CONF_METRICS, 0, m->fd, NULL, 0);
	}
	child_send(r, IMSG_CONF_END, 0, -1, NULL, 0);
}
