/* SPDX-License-Identifier: ISC */

/*
 * Requests of the control socket that somebody else has to answer while the
 * client waits: pings and traces by rtsd, a new configuration by mtad; the
 * sheet of a peer; and what the operator does with a peer.
 *
 * A ping is nothing to the queue: the association that rtsd opens for it has
 * a number like any other, but no row in the store, no peer whose failures
 * count, and nothing to recover.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "conf.h"
#include "log.h"

#define PINGS_MAX	8		/* at one time */
#define TRACE_HIGH	(2 * 1024 * 1024) /* octets waiting: a trace drops */
#define LINE_MAX_LEN	2048		/* octets of a line of mtad */

struct live {
	TAILQ_ENTRY(live)	 entry;
	struct client		*c;
	uint32_t		 kind;		/* of the request */
	uint32_t		 number;	/* to rtsd, to mtad */
	struct peer		*peer;		/* ping, trace of one */
	uint32_t		 address;	/* ping: the present one */
	uint32_t		 last;		/* no address after it */
	uint8_t			 all;
	uint32_t		 limit, answered, tried;
	struct trace_open	 trace;
	uint64_t		 lost, rtsd_lost; /* trace: octets */
};
static TAILQ_HEAD(, live) lives = TAILQ_HEAD_INITIALIZER(lives);

#define TEXT(field)	(memchr(field, '\0', sizeof(field)) != NULL)

static struct live *
live_new(struct client *c, uint32_t kind)
{
	static uint32_t	 last;
	struct live	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		client_fail(c, "out of memory");
		return (NULL);
	}
	if (++last == 0)
		last = 1;
	l->number = last;
	l->kind = c->request = kind;
	l->c = c;
	c->live = l;
	TAILQ_INSERT_TAIL(&lives, l, entry);
	return (l);
}

void
live_free(struct client *c)
{
	struct live	*l = c->live;

	if (l == NULL)
		return;
	/* what has ended is not known there any more */
	if (l->kind == CTL_PING)
		rtsd_send(IMSG_PING_CANCEL, l->number, -1, NULL, 0);
	else if (l->kind == CTL_TRACE) {
		log_info(EVT_TRACE_ENDED, "peer=%s octets-lost=%" PRIu64,
		    l->peer != NULL ? l->peer->conf.name : "*",
		    l->lost + l->rtsd_lost);
		rtsd_send(IMSG_TRACE_STOP, l->number, -1, NULL, 0);
	}
	TAILQ_REMOVE(&lives, l, entry);
	c->live = NULL;
	free(l);
}

static struct live *
find(uint32_t request, uint32_t number)
{
	struct live	*l;

	TAILQ_FOREACH(l, &lives, entry)
		if (l->kind == request && l->number == number)
			return (l);
	return (NULL);
}

static unsigned
count(uint32_t request)
{
	struct live	*l;
	unsigned	 n = 0;

	TAILQ_FOREACH(l, &lives, entry)
		n += l->kind == request;
	return (n);
}

static struct peer *
peer_named(const char *name)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->seen && strcmp(p->conf.name, name) == 0)
			return (p);
	return (NULL);
}

/* Ping */

static void
ping_send(struct live *l)
{
	const struct sheet_conf	*sc = conf_sheet(l->peer->conf.id);
	struct ctl_ping_address	 row;
	struct ping_open	 po;

	memset(&row, 0, sizeof(row));
	row.number = l->address + 1;
	if (sc != NULL)
		strlcpy(row.text, sc->address[l->address], sizeof(row.text));
	client_row(l->c, CTL_ROW, &row, sizeof(row));
	memset(&po, 0, sizeof(po));
	po.peer = l->peer->conf.id;
	po.address = l->address;
	po.limit = l->limit;
	connection_make(l->peer, &po.id);
	l->number = assoc_number();
	l->tried++;
	rtsd_send(IMSG_PING, l->number, -1, &po, sizeof(po));
}

static void
ping_begin(struct client *c, const struct ctl_ping *cp)
{
	struct peer	*p;
	struct live	*l;
	char		 why[PEER_NAME_MAX + 80];

	if ((p = peer_named(cp->name)) == NULL) {
		client_fail(c, no_such_peer(cp->name));
		return;
	}
	if (p->conf.naddress == 0 || cp->address > p->conf.naddress) {
		if (p->conf.naddress == 0)
			snprintf(why, sizeof(why), "peer %s has no address "
			    "here: it calls us", p->conf.name);
		else
			snprintf(why, sizeof(why), "peer %s has no more than "
			    "%u address%s", p->conf.name, p->conf.naddress,
			    p->conf.naddress == 1 ? "" : "es");
		client_fail(c, why);
		return;
	}
	if (!rtsd_connected() || sp.stopping || count(CTL_PING) >=
	    PINGS_MAX) {
		client_fail(c, !rtsd_connected() ? "rtsd is not there" :
		    sp.stopping ? "stopping" : "too many pings at one time");
		return;
	}
	if ((l = live_new(c, CTL_PING)) == NULL)
		return;
	l->peer = p;
	l->all = cp->all;
	l->limit = cp->limit != 0 ? cp->limit : p->conf.open_timeout;
	if (l->limit == 0 || l->limit > PING_LIMIT_MAX)
		l->limit = PING_LIMIT_MAX;
	l->address = cp->address != 0 ? cp->address - 1 : 0;
	l->last = cp->address != 0 ? l->address :
	    p->conf.naddress - 1u;
	ping_send(l);
}

static int
ping_step(uint32_t number, const struct ping_step *ps)
{
	struct live	*l;

	if (ps->layer >= PING_LAYERS || !TEXT(ps->text))
		return (-1);
	if ((l = find(CTL_PING, number)) == NULL)
		return (0);
	l->c->active = time(NULL);
	client_row(l->c, CTL_ROW_STEP, ps, sizeof(*ps));
	log_debug("peer=%s: ping %s: %s", l->peer->conf.name,
	    ps->ok ? "ok" : "fails", ps->text);
	return (0);
}

static int
ping_end(uint32_t number, const struct ping_end *pe)
{
	struct live	*l;

	if ((l = find(CTL_PING, number)) == NULL)
		return (0);
	client_row(l->c, CTL_ROW_PING, pe, sizeof(*pe));
	l->answered += pe->ok != 0;
	if (l->address < l->last && l->address + 1 < l->peer->conf.naddress &&
	    (l->all || !pe->ok)) {
		l->address++;
		ping_send(l);
		return (0);
	}
	log_info(EVT_PING, "peer=%s addresses=%u answered=%u: by the "
	    "operator", l->peer->conf.name, l->tried, l->answered);
	client_end(l->c);
	return (0);
}

/* Trace */

/* Or who we are, who has the configuration anyway. */
static int
is_root(const struct client *c)
{
	uid_t	uid;
	gid_t	gid;

	return (getpeereid(c->iev.fd, &uid, &gid) == 0 && (uid == 0 ||
	    uid == geteuid()));
}

static void
trace_begin(struct client *c, const struct ctl_trace *ct)
{
	struct trace_data	 td;
	struct peer		*p = NULL;
	struct live		*l;

	if (ct->name[0] != '\0' && (p = peer_named(ct->name)) == NULL) {
		client_fail(c, no_such_peer(ct->name));
		return;
	}
	if (ct->secrets && !is_root(c)) {
		client_fail(c, "passwords are shown to root only");
		return;
	}
	if (count(CTL_TRACE) >= TRACES_MAX) {
		client_fail(c, "too many traces at one time");
		return;
	}
	if ((l = live_new(c, CTL_TRACE)) == NULL)
		return;
	l->peer = p;
	l->trace.peer = p != NULL ? p->conf.id : 0;
	l->trace.secrets = ct->secrets != 0;
	log_info(EVT_TRACE, "peer=%s: by the operator%s", p != NULL ?
	    p->conf.name : "*", ct->secrets ? ", with passwords" : "");
	rtsd_send(IMSG_TRACE, l->number, -1, &l->trace, sizeof(l->trace));
	/* that there is one */
	memset(&td, 0, sizeof(td));
	imsgev_compose(&c->iev, CTL_ROW_TRACE, 0, 0, -1, &td, sizeof(td));
}

static int
trace_data(uint32_t number, const uint8_t *data, size_t len)
{
	struct trace_data	 td;
	struct iovec		 iov[2];
	struct live		*l;

	if (len < sizeof(td) || len > sizeof(td) + TRACE_PIECE)
		return (-1);
	memcpy(&td, data, sizeof(td));
	if (!TEXT(td.peer) || !TEXT(td.local) || !TEXT(td.remote) ||
	    !TEXT(td.tls) || td.first > len - sizeof(td) ||
	    td.nsec >= 1000000000)
		return (-1);
	if ((l = find(CTL_TRACE, number)) == NULL)
		return (0);
	l->rtsd_lost = td.lost;
	if (imsgev_pending(&l->c->iev) > TRACE_HIGH) {
		l->lost += len - sizeof(td);
		return (0);
	}
	l->c->active = time(NULL);
	td.lost += l->lost;
	iov[0].iov_base = &td;
	iov[0].iov_len = sizeof(td);
	iov[1].iov_base = (void *)(uintptr_t)(data + sizeof(td));
	iov[1].iov_len = len - sizeof(td);
	imsgev_composev(&l->c->iev, CTL_ROW_TRACE, 0, 0, -1, iov, 2);
	return (0);
}

/* rtsd */

int
live_imsg(uint32_t type, uint32_t number, const uint8_t *data, size_t len)
{
	struct ping_step	ps;
	struct ping_end		pe;

	switch (type) {
	case IMSG_PING_STEP:
		if (len != sizeof(ps))
			return (-1);
		memcpy(&ps, data, sizeof(ps));
		return (ping_step(number, &ps));
	case IMSG_PING_END:
		if (len != sizeof(pe))
			return (-1);
		memcpy(&pe, data, sizeof(pe));
		return (ping_end(number, &pe));
	case IMSG_TRACE_DATA:
		return (trace_data(number, data, len));
	default:
		return (-1);
	}
}

void
live_rtsd_gone(void)
{
	struct live	*l, *next;

	for (l = TAILQ_FIRST(&lives); l != NULL; l = next) {
		next = TAILQ_NEXT(l, entry);
		if (l->kind == CTL_PING)
			client_fail(l->c, "rtsd ended meanwhile: see the log");
	}
}

void
live_rtsd_back(void)
{
	struct live	*l;

	TAILQ_FOREACH(l, &lives, entry) {
		if (l->kind != CTL_TRACE)
			continue;
		l->lost += l->rtsd_lost;	/* this one begins anew */
		l->rtsd_lost = 0;
		rtsd_send(IMSG_TRACE, l->number, -1, &l->trace,
		    sizeof(l->trace));
	}
}

/* mtad */

static void
reload_begin(struct client *c)
{
	struct live	*l;

	if ((l = live_new(c, CTL_RELOAD)) == NULL)
		return;
	if (mtad_ask(IMSG_RELOAD, l->number, -1, NULL, 0) == -1)
		client_fail(c, "mtad cannot be asked");
}

void
live_reload_line(uint32_t number, const void *text, size_t len)
{
	struct live	*l;

	if ((l = find(CTL_RELOAD, number)) != NULL)
		client_row(l->c, CTL_ROW_LINE, text, len < LINE_MAX_LEN ?
		    len : LINE_MAX_LEN);
}

void
live_reload_done(uint32_t number, uint32_t in_force)
{
	struct live	*l;

	if ((l = find(CTL_RELOAD, number)) == NULL)
		return;
	client_row(l->c, CTL_ROW, &in_force, sizeof(in_force));
	client_end(l->c);
}

/* spoold itself has to start again for it, and takes its clients along. */
void
live_restarting(void)
{
	static const char	 why[] = "spoold starts again, for a new "
				    "directory to deliver to";
	struct live		*l, *next;
	struct client		*c;

	for (l = TAILQ_FIRST(&lives); l != NULL; l = next) {
		next = TAILQ_NEXT(l, entry);
		c = l->c;
		if (l->kind != CTL_RELOAD)
			continue;
		live_reload_line(l->number, why, sizeof(why) - 1);
		live_reload_done(l->number, 1);
		imsgev_flush(&c->iev);
	}
}

/* Peers */

static void
sheet_names(const struct peer_conf *pc, struct ctl_sheet *s)
{
	const struct credentials *ours[2] = { &pc->local,
	    &pc->local_response }, *theirs[2] = { &pc->remote,
	    &pc->remote_response };
	int			  i;

	/* we call with local, it answers with remote_response, and so on */
	for (i = 0; i < 2; i++) {
		strlcpy(s->name[i], ours[i]->name[0] != '\0' ?
		    ours[i]->name : sp.mta.name, sizeof(s->name[i]));
		s->password[i] = ours[i]->password[0] != '\0';
		strlcpy(s->remote_name[i], theirs[i]->name,
		    sizeof(s->remote_name[i]));
		s->remote_password[i] = theirs[i]->password[0] != '\0';
	}
}

static void
sheet_fill(const struct peer *p, struct ctl_sheet *s)
{
	const struct peer_conf	*pc = &p->conf;
	const struct sheet_conf	*sc;

	memset(s, 0, sizeof(*s));
	show_count_cut();
	show_peer_row(p, &s->live);
	if ((sc = conf_sheet(pc->id)) != NULL)
		s->conf = *sc;
	s->domain = sp.mta.domain;
	s->remote_domain = pc->domain;
	s->mode = pc->mode;
	s->dialogue = pc->dialogue;
	s->recover = pc->recover;
	s->disabled = pc->disabled;
	s->naddress = pc->naddress;
	s->tpdu_size = pc->tpdu_size;
	s->checkpoint = pc->checkpoint;
	s->window = pc->window;
	s->recovery_timeout = pc->recovery_timeout;
	s->recovery_keep = pc->recovery_keep;
	s->max_associations = pc->max_associations;
	s->idle = pc->idle;
	s->max_content = pc->max_content != 0 ? pc->max_content :
	    sp.mta.max_content;
	sheet_names(pc, s);
	s->tsel = pc->local_tsel;
	s->ssel = pc->local_ssel;
	s->psel = pc->local_psel;
	memcpy(s->remote_tsel, pc->remote_tsel, sizeof(s->remote_tsel));
	memcpy(s->remote_ssel, pc->remote_ssel, sizeof(s->remote_ssel));
	memcpy(s->remote_psel, pc->remote_psel, sizeof(s->remote_psel));
	s->title = pc->local_title;
	s->remote_title = pc->remote_title;
	strlcpy(s->why, p->why, sizeof(s->why));
	s->refused = p->refused_in;
	s->last_refused = p->last_refused;
	strlcpy(s->refused_address, p->refused.address,
	    sizeof(s->refused_address));
	strlcpy(s->refused_why, p->refused.why, sizeof(s->refused_why));
}

static void
sheet(struct client *c, const char *name)
{
	const struct listen_conf *lc;
	struct ctl_sheet	  s;
	struct peer		 *p;
	size_t			  i;

	if ((p = peer_named(name)) == NULL) {
		client_fail(c, no_such_peer(name));
		return;
	}
	sheet_fill(p, &s);
	client_row(c, CTL_ROW, &s, sizeof(s));
	for (i = 0; (lc = conf_listener(i)) != NULL; i++)
		client_row(c, CTL_ROW_LISTEN, lc, sizeof(*lc));
	client_end(c);
}

/* What waits for it does not any more. */
static void
resume(struct peer *p)
{
	struct assoc	*a;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->peer == p && a->state == ASSOC_LOST)
			a->retry_at = spool_clock();
	reroute_back();
}

static void
set_peer(struct client *c, const struct ctl_peer_set *set)
{
	static const char *const said[] = { "down", "up", "hold" };
	struct peer		*p;

	if ((p = peer_named(set->name)) == NULL) {
		client_fail(c, no_such_peer(set->name));
		return;
	}
	p->down = set->state == CTL_PEER_DOWN;
	p->held = set->state == CTL_PEER_HOLD;
	memset(&p->open, 0, sizeof(p->open));
	memset(&p->send, 0, sizeof(p->send));
	log_info(EVT_PEER_SET, "peer=%s state=%s: by the operator",
	    p->conf.name, said[set->state]);
	if (!p->down)
		resume(p);	/* held: but nobody is called */
	else if (p->target != NULL)
		reroute_away(p->target, 0);
	schedule_tick();
	p->put_state = 1;
	c->request = CTL_PEER;
	c->changing = CHANGE_PEER;
	spool_dirty();
}

int
live_flush(void)
{
	struct peer	*p;
	char		 name[32];

	TAILQ_FOREACH(p, &sp.peers, entry) {
		if (!p->put_state || p->target == NULL)
			continue;
		snprintf(name, sizeof(name), PEER_STATE, p->target->number);
		if (store_meta_put(sp.store, name, p->down ? CTL_PEER_DOWN :
		    p->held ? CTL_PEER_HOLD : CTL_PEER_UP) == -1)
			return (-1);
	}
	return (0);
}

void
live_committed(void)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		p->put_state = 0;
}

void
live_peer_load(struct peer *p)
{
	char	name[32];
	int64_t	v;

	snprintf(name, sizeof(name), PEER_STATE, p->target->number);
	if (store_meta_get(sp.store, name, &v) != 1 &&
	    store_meta_get(sp.store, PEERS_STATE, &v) != 1)
		return;
	p->down = v == CTL_PEER_DOWN;
	p->held = v == CTL_PEER_HOLD;
}

/* One that only the client can have wrong.  -1: malformed. */
int
live_request(struct client *c, struct imsg *imsg)
{
	char			name[PEER_NAME_MAX];
	struct ctl_peer_set	set;
	struct ctl_ping		ping;
	struct ctl_trace	trace;

	switch (imsg_get_type(imsg)) {
	case CTL_SHOW_PEER:
		if (imsg_get_data(imsg, name, sizeof(name)) == -1 ||
		    !TEXT(name))
			return (-1);
		sheet(c, name);
		return (0);
	case CTL_PING:
		if (imsg_get_data(imsg, &ping, sizeof(ping)) == -1 ||
		    !TEXT(ping.name) || ping.limit > PING_LIMIT_MAX)
			return (-1);
		ping_begin(c, &ping);
		return (0);
	case CTL_TRACE:
		if (imsg_get_data(imsg, &trace, sizeof(trace)) == -1 ||
		    !TEXT(trace.name))
			return (-1);
		trace_begin(c, &trace);
		return (0);
	case CTL_PEER:
		if (imsg_get_data(imsg, &set, sizeof(set)) == -1 ||
		    !TEXT(set.name) || set.state > CTL_PEER_HOLD)
			return (-1);
		set_peer(c, &set);
		return (0);
	case CTL_RELOAD:
		reload_begin(c);
		return (0);
	case CTL_STOP:
		mtad_send(IMSG_STOP, NULL, 0);
		client_end(c);
		return (0);
	default:
		return (-1);
	}
}
