/* SPDX-License-Identifier: ISC */

/*
 * The control socket: requests of mtactl (control.h).  mtad made it and
 * says by its mode who may connect; what a client sends is checked like
 * anything else that comes from outside.  A submitted message goes the way
 * of one that was received: content into the spool, then everything in one
 * commit, and only then the answer.
 */

#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#include "client.h"
#include "conf.h"
#include "cred.h"
#include "log.h"
#include "metrics.h"

static TAILQ_HEAD(, client) clients = TAILQ_HEAD_INITIALIZER(clients);
static struct event	*listener;
static struct event	*work;
static int		 listen_fd = -1;
static struct control_conf allowed;
static unsigned		 nclients;

static void
submit_free(struct client *c, int keep_file)
{
	ibuf_free(c->submit);
	c->submit = NULL;
	if (c->submitting)
		body_release(&c->body, !keep_file);
	c->submitting = c->committing = 0;
	arrival_free(&c->arrival);
}

static void
client_free(struct client *c)
{
	submit_free(c, 0);
	show_free(c);
	imsgev_free(&c->iev);
	TAILQ_REMOVE(&clients, c, entry);
	nclients--;
	free(c);
}

void
client_row(struct client *c, uint32_t type, const void *data, size_t len)
{
	imsgev_compose(&c->iev, type, 0, 0, -1, data, len);
}

void
client_end(struct client *c)
{
	c->request = 0;
	show_free(c);
	imsgev_compose(&c->iev, CTL_END, 0, 0, -1, NULL, 0);
}

void
client_fail(struct client *c, const char *why)
{
	c->request = 0;
	submit_free(c, 0);
	show_free(c);
	imsgev_compose(&c->iev, CTL_FAIL, 0, 0, -1, why, strlen(why) + 1);
}

/* Submission */

static void
submit_piece(struct client *c, const struct ibuf *piece)
{
	if (c->submit == NULL && (c->submit = ibuf_dynamic(1024,
	    2 * ENVELOPE_MAX)) == NULL) {
		client_fail(c, "out of memory");
		return;
	}
	if (ibuf_add(c->submit, ibuf_data(piece), ibuf_size(piece)) == -1)
		client_fail(c, "envelope too long");
}

static int
submit_begin(struct client *c)
{
	if (c->submitting)
		return (0);
	if (c->submit == NULL || !spool_receiving()) {
		client_fail(c, c->submit == NULL ? "no envelope" : sp.state);
		return (-1);
	}
	c->arrival.id = store_next_id(sp.store);
	body_init(&c->body, c->arrival.id);
	c->submitting = 1;
	return (0);
}

static void
submit_content(struct client *c, const struct ibuf *piece)
{
	char	why[128];

	if (submit_begin(c) == -1)
		return;
	if (sp.mta.max_content != 0 &&
	    c->body.len + ibuf_size(piece) > sp.mta.max_content)
		client_fail(c, "content too long");
	else if (body_add(&c->body, ibuf_data(piece),
	    ibuf_size(piece)) == -1) {
		snprintf(why, sizeof(why), "content: %s", strerror(errno));
		if (errno == ENOSPC || errno == EDQUOT)
			spool_full(why);
		client_fail(c, why);
	} else if (sp.full)
		client_fail(c, sp.state);
}

/* Identifier, flags: what a submission lacks (X.411 3.3). */
const char *
submission_complete(struct client *c, struct message *m)
{
	uint32_t	i;

	if (m->type != MESSAGE_USER)
		return ("not a user message");
	if (m->nrecipient == 0)
		return ("no recipient");
	if (m->originator.nattr == 0)
		return ("no originator");
	if (m->priority > PRIORITY_URGENT)
		return ("bad priority");
	for (i = 0; i < m->nrecipient; i++) {
		if (m->recipient[i].name.nattr == 0)
			return ("recipient without a name");
		m->recipient[i].number = i + 1;
		m->recipient[i].flags |= PRI_RESPONSIBILITY;
		if (PRI_REPORT_VALUE(m->recipient[i].flags) == 0)
			m->recipient[i].flags |= PRI_REPORT(1);
	}
	arrival_name(m, c->arrival.id);
	m->content_len = c->body.len;
	m->has_content = 1;
	m->ntrace = 0;
	return (NULL);
}

static void
submit_end(struct client *c)
{
	struct arrival	*a = &c->arrival;
	const char	*why;

	if (submit_begin(c) == -1)
		return;
	if ((a->message = message_deserialise(ibuf_data(c->submit),
	    ibuf_size(c->submit))) == NULL) {
		client_fail(c, "envelope not understood");
		return;
	}
	if ((why = submission_complete(c, a->message)) != NULL) {
		client_fail(c, why);
		return;
	}
	a->origin = NULL;
	a->size = c->body.len;
	a->kind = c->body.fd != -1 ? CONTENT_FILE : CONTENT_INLINE;
	a->content = c->body.octets != NULL ? c->body.octets :
	    (const uint8_t *)"";
	c->committing = 1;
	c->request = CTL_SUBMIT_END;
	spool_dirty();
}

int
control_flush(void)
{
	struct client	*c;

	TAILQ_FOREACH(c, &clients, entry)
		if (c->committing && arrival_store(&c->arrival) == -1)
			return (-1);
	return (live_flush());
}

void
control_sync(void)
{
	struct client	*c;
	char		 why[128];

	TAILQ_FOREACH(c, &clients, entry) {
		if (!c->committing || body_sync(&c->body) == 0)
			continue;
		snprintf(why, sizeof(why), "sync of the content: %s",
		    strerror(errno));
		if (errno == ENOSPC || errno == EDQUOT)
			spool_full(why);
		client_fail(c, why);
	}
}

void
control_committed(void)
{
	struct ctl_submitted	 r;
	struct ctl_check	 trouble;
	struct client		*c;

	live_committed();
	TAILQ_FOREACH(c, &clients, entry) {
		if (c->changing == CHANGE_PEER)
			client_end(c);
		if (c->changing == CHANGE_COMMIT) {
			client_row(c, CTL_ROW, &c->changed,
			    sizeof(c->changed));
			client_end(c);
		}
		if (!c->committing)
			continue;
		memset(&r, 0, sizeof(r));
		r.id = c->arrival.id;
		mts_identifier_print(&c->arrival.message->id, r.mts_id,
		    sizeof(r.mts_id));
		log_info(EVT_SUBMITTED, "message=%016" PRIX64
		    " id=\"%s\" octets=%" PRIu64 " recipients=%u", r.id,
		    r.mts_id, c->arrival.size, c->arrival.message->nrecipient);
		sp.stats.submitted++;
		r.troubles = explain_troubles(&c->arrival, &trouble);
		arrival_committed(&c->arrival);
		submit_free(c, 1);
		client_row(c, CTL_ROW, &r, sizeof(r));
		if (r.troubles > 0)
			client_row(c, CTL_ROW_TROUBLE, &trouble,
			    sizeof(trouble));
		client_end(c);
	}
}

void
control_failed(const char *why)
{
	struct client	*c;

	TAILQ_FOREACH(c, &clients, entry) {
		if (c->committing) {
			if (c->body.fd != -1)
				content_doubt(c->body.id);
			submit_free(c, 1);
		} else if (c->changing != CHANGE_COMMIT &&
		    c->changing != CHANGE_PEER)
			continue;
		client_fail(c, why);
	}
}

const char *
no_such_peer(const char *name)
{
	if (sp.store == NULL && conf_has_peer(name))
		return (sp.state);
	return ("no such peer: \"show peers\" has their names");
}

/* Requests that change something */

/* mtad sets it for all of us, and remembers it. */
static const char *
set_verbose(const struct ctl_verbose *v)
{
	struct log_verbose	 lv;
	struct peer		*p;

	memset(&lv, 0, sizeof(lv));
	lv.verbose = v->verbose != 0;
	if (memchr(v->peer, '\0', sizeof(v->peer)) == NULL)
		return (no_such_peer(""));
	if (v->peer[0] != '\0') {
		TAILQ_FOREACH(p, &sp.peers, entry)
			if (p->seen && strcmp(p->conf.name, v->peer) == 0)
				break;
		if (p == NULL)
			return (no_such_peer(v->peer));
		lv.peer = p->conf.id;
	}
	mtad_send(IMSG_VERBOSE, &lv, sizeof(lv));
	return (NULL);
}

static void
simple(struct client *c, const char *why)
{
	if (why != NULL)
		client_fail(c, why);
	else
		client_end(c);
}

/* One that changes something.  -1: malformed. */
static int
command(struct client *c, struct imsg *imsg)
{
	struct ctl_change	 ch;
	struct ctl_track	 track;
	struct ctl_verbose	 v;

	switch (imsg_get_type(imsg)) {
	case CTL_SHOW_PEER:
	case CTL_PING:
	case CTL_TRACE:
	case CTL_PEER:
	case CTL_RELOAD:
	case CTL_STOP:
		return (live_request(c, imsg));
	case CTL_VERBOSE:
		if (imsg_get_data(imsg, &v, sizeof(v)) == -1)
			return (-1);
		simple(c, set_verbose(&v));
		return (0);
	}
	switch (imsg_get_type(imsg)) {
	case CTL_RETRY:
	case CTL_HOLD:
	case CTL_RELEASE:
	case CTL_REMOVE:
	case CTL_REROUTE:
	case CTL_EXPIRE:
		if (imsg_get_data(imsg, &ch, sizeof(ch)) == -1)
			return (-1);
		return (operate_begin(c, imsg_get_type(imsg), &ch));
	case CTL_TRACK:
		if (imsg_get_data(imsg, &track, sizeof(track)) == -1)
			return (-1);
		return (track_begin(c, &track));
	default:
		return (-1);
	}
}

/* The text as it is now; it is not so long that it would have to wait. */
static void
stats(struct client *c)
{
	struct ibuf	*text;
	size_t		 at, n, len;

	if ((text = metrics_text()) == NULL) {
		client_fail(c, "out of memory");
		return;
	}
	len = ibuf_size(text);
	for (at = 0; at < len; at += n) {
		n = len - at < FRAGMENT_MAX ? len - at : FRAGMENT_MAX;
		client_row(c, CTL_ROW, (char *)ibuf_data(text) + at, n);
	}
	ibuf_free(text);
	client_end(c);
}

/* 0: of all peers, or of that one; 1: it was refused; -1: malformed. */
static int
show_queue_of(struct client *c, struct imsg *imsg)
{
	const struct target	*t;

	memset(c->only, 0, sizeof(c->only));
	if (imsg_get_len(imsg) == 0)
		return (0);
	if (imsg_get_data(imsg, c->only, sizeof(c->only)) == -1 ||
	    memchr(c->only, '\0', sizeof(c->only)) == NULL)
		return (-1);
	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->kind == TARGET_PEER && strcmp(t->name, c->only) == 0)
			return (0);
	client_fail(c, no_such_peer(c->only));
	return (1);
}

static int
request(struct client *c, struct imsg *imsg)
{
	uint32_t	type = imsg_get_type(imsg);
	struct ibuf	body;
	int		r;

	/* after a CTL_FAIL the rest of a submission may still come */
	if (type == CTL_SUBMIT_CONTENT || type == CTL_SUBMIT_END) {
		if (c->request == 0)
			return (0);
		if (c->request != CTL_SUBMIT)
			return (-1);
		if (type == CTL_SUBMIT_END)
			submit_end(c);
		else if (imsg_get_ibuf(imsg, &body) == 0)
			submit_content(c, &body);
		return (0);
	}
	if (type == CTL_SUBMIT) {
		if ((c->request != 0 && c->request != CTL_SUBMIT) ||
		    c->submitting || imsg_get_ibuf(imsg, &body) == -1)
			return (-1);
		c->request = CTL_SUBMIT;
		submit_piece(c, &body);
		return (0);
	}
	if (type == CTL_CHECK) {
		if (c->request == 0)
			return (0);
		if (c->request != CTL_SUBMIT || c->submitting)
			return (-1);
		explain_check(c);
		return (0);
	}
	if (type == CTL_BACKUP_NEXT) {
		/* after a CTL_FAIL it may still be asked for */
		return (c->request == 0 ? 0 : backup_next(c));
	}
	if (c->request != 0)
		return (-1);
	switch (type) {
	case CTL_STATS:
		stats(c);
		return (0);
	case CTL_BACKUP:
		backup_begin(c);
		return (0);
	case CTL_ROUTE:
		if (imsg_get_ibuf(imsg, &body) == -1)
			return (-1);
		explain_route(c, &body);
		return (0);
	case CTL_SHOW_MESSAGE:
		if (imsg_get_data(imsg, &c->cursor, sizeof(c->cursor)) == -1)
			return (-1);
		break;
	case CTL_SHOW_QUEUE:
		if ((r = show_queue_of(c, imsg)) != 0)
			return (r == 1 ? 0 : -1);
		/* FALLTHROUGH */
	case CTL_SHOW_SUMMARY:
	case CTL_SHOW_PEERS:
	case CTL_SHOW_ASSOCIATIONS:
	case CTL_SHOW_TRANSFERS:
		c->cursor = 0;
		break;
	default:
		return (command(c, imsg));
	}
	c->request = type;
	show_more(c);
	return (0);
}

static void
client_imsg(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	struct client	*c = arg;

	c->active = time(NULL);
	if (request(c, imsg) == -1) {
		log_warnx(EVT_CONTROL, ": bad request %u", imsg_get_type(imsg));
		client_free(c);
	}
}

static void
client_close(struct imsgev *iev, const char *why, void *arg)
{
	client_free(arg);
}

static void
client_drain(struct imsgev *iev, void *arg)
{
	struct client	*c = arg;

	if (c->request >= CTL_SHOW_SUMMARY &&
	    c->request <= CTL_SHOW_MESSAGE)
		show_more(c);
	else if (c->track != NULL)
		control_work();
}

/*
 * Requests that take long: a piece of each, and then what else there is to
 * do.
 */
static void
work_cb(int fd, short what, void *arg)
{
	struct client	*c;

	TAILQ_FOREACH(c, &clients, entry)
		if (c->changing == CHANGE_WORK)
			operate_more(c);
		else if (c->looking) {
			c->looking = 0;
			show_more(c);
		} else if (c->track != NULL)
			track_more(c);
		else if (backup_works(c))
			backup_more(c);
	TAILQ_FOREACH(c, &clients, entry)
		if (c->changing == CHANGE_WORK || (c->track != NULL &&
		    imsgev_pending(&c->iev) <= CLIENT_HIGH))
			control_work();
	spool_turn();
}

void
control_work(void)
{
	struct timeval	tv = { 0, 1000 };

	if (work != NULL && !event_pending(work, EV_TIMEOUT, NULL))
		event_add(work, &tv);
}

static void
client_batch(struct imsgev *iev, void *arg)
{
	spool_turn();
}

/* The client that said nothing for longest makes room. */
static void
make_room(void)
{
	struct client	*c, *oldest = NULL;

	if (nclients < CLIENTS_MAX)
		return;
	TAILQ_FOREACH(c, &clients, entry)
		if (!c->committing && !c->changing && c->backup == NULL &&
		    (oldest == NULL ||
		    c->active < oldest->active))
			oldest = c;
	if (oldest != NULL)
		client_free(oldest);
}

/*
 * The mode of the socket says the same as long as nobody has changed it, or
 * that of the directory.
 */
static int
client_allowed(int s)
{
	struct client_cred	cc;
	static time_t		last;
	size_t			i;

	if (client_cred(s, &cc) == -1) {
		log_warn(EVT_CONTROL, ": who calls");
		return (0);
	}
	/* where the system does not tell all groups its own check has to do */
	if (cc.uid == 0 || cc.uid == allowed.uid || !cc.all_groups)
		return (1);
	for (i = 0; allowed.has_group && i < cc.ngroups; i++)
		if (cc.groups[i] == allowed.gid)
			return (1);
	if (time(NULL) != last)
		log_warnx(EVT_CONTROL_REFUSED, "uid=%u pid=%d: neither root "
		    "nor in the group of the socket", (unsigned)cc.uid,
		    (int)cc.pid);
	last = time(NULL);
	return (0);
}

static void
client_accept(int fd, short what, void *arg)
{
	struct event_base	*base = arg;
	struct client		*c;
	int			 s;

	if ((s = accept4(fd, NULL, NULL, SOCK_NONBLOCK |
	    SOCK_CLOEXEC)) == -1) {
		if (errno != EAGAIN && errno != EINTR &&
		    errno != ECONNABORTED)
			log_warn(EVT_CONTROL, ": accept");
		return;
	}
	if (!client_allowed(s)) {
		close(s);
		return;
	}
	make_room();
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(s);
		return;
	}
	if (imsgev_init(&c->iev, base, s, client_imsg, client_close,
	    client_drain, client_batch, c) == -1) {
		close(s);
		free(c);
		return;
	}
	imsgbuf_set_maxsize(&c->iev.ibuf, IMSG_MAX);
	c->active = time(NULL);
	TAILQ_INSERT_TAIL(&clients, c, entry);
	nclients++;
}

int
control_listen(struct event_base *base, int fd,
    const struct control_conf *cc)
{
	control_close();
	evutil_make_socket_nonblocking(fd);
	if (work == NULL &&
	    (work = event_new(base, -1, 0, work_cb, NULL)) == NULL)
		return (-1);
	if ((listener = event_new(base, fd, EV_READ | EV_PERSIST,
	    client_accept, base)) == NULL || event_add(listener, NULL) == -1)
		return (-1);
	listen_fd = fd;
	allowed = *cc;
	return (0);
}

void
control_close(void)
{
	if (listener != NULL)
		event_free(listener);
	listener = NULL;
	if (listen_fd != -1)
		close(listen_fd);
	listen_fd = -1;
}

void
control_stop(void)
{
	control_close();
	while (!TAILQ_EMPTY(&clients))
		client_free(TAILQ_FIRST(&clients));
}
