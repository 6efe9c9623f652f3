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
#include "log.h"

static TAILQ_HEAD(, client) clients = TAILQ_HEAD_INITIALIZER(clients);
static struct event	*listener;
static int		 listen_fd = -1;
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
	}
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
	return (0);
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
	struct client		*c;

	TAILQ_FOREACH(c, &clients, entry) {
		if (!c->committing)
			continue;
		memset(&r, 0, sizeof(r));
		r.id = c->arrival.id;
		mts_identifier_print(&c->arrival.message->id, r.mts_id,
		    sizeof(r.mts_id));
		log_info("message %016" PRIX64 ": submitted as %s, %" PRIu64
		    " octets, %u recipients", r.id, r.mts_id,
		    c->arrival.size, c->arrival.message->nrecipient);
		arrival_committed(&c->arrival);
		submit_free(c, 1);
		client_row(c, CTL_ROW, &r, sizeof(r));
		client_end(c);
	}
}

void
control_failed(const char *why)
{
	struct client	*c;

	TAILQ_FOREACH(c, &clients, entry)
		if (c->committing)
			client_fail(c, why);
}

/* Requests that change something */

enum job_change { CHANGE_RETRY, CHANGE_HOLD, CHANGE_RELEASE, CHANGE_REMOVE };

struct change {
	enum job_change	 what;
	struct store_job job[64];
	int		 n, sending;
};

static int
change_job(void *arg, const struct store_job *j)
{
	struct change	*ch = arg;

	if (j->state == JOB_SENDING)
		ch->sending = 1;
	else if (ch->n < 64)
		ch->job[ch->n++] = *j;
	return (0);
}

static int
apply(struct change *ch, uint64_t id)
{
	struct store_job	*j;
	int			 i, kind, r = 0;

	for (i = 0; i < ch->n && r == 0; i++) {
		j = &ch->job[i];
		j->next_try = 0;
		switch (ch->what) {
		case CHANGE_RETRY:
			if (j->state != JOB_DEFERRED)
				continue;
			j->state = JOB_READY;
			break;
		case CHANGE_HOLD:
			if (j->state == JOB_STUCK)
				continue;
			j->state = JOB_HELD;
			strlcpy(j->reason, "by the operator",
			    sizeof(j->reason));
			break;
		case CHANGE_RELEASE:
			if (j->state != JOB_HELD)
				continue;
			j->state = JOB_READY;
			break;
		case CHANGE_REMOVE:
			r = store_job_done(sp.store, j->target, j->rank, id);
			continue;
		}
		r = store_job_state(sp.store, j);
	}
	if (r == 0 && ch->what == CHANGE_REMOVE) {
		if ((r = store_message_done(sp.store, id, &kind)) == 1 &&
		    kind == CONTENT_FILE)
			content_discard(id);
		r = r == -1 ? -1 : 0;
	}
	return (r);
}

static void
retry_all(void)
{
	struct target	*t;
	struct peer	*p;

	TAILQ_FOREACH(t, &sp.targets, entry) {
		t->next_due = 1;
		if (store_job_due(sp.store, t->number, INT64_MAX) == -1) {
			spool_failed(store_error(sp.store));
			return;
		}
	}
	TAILQ_FOREACH(p, &sp.peers, entry) {
		p->open_after = p->send_after = p->more_after = 0;
		p->backoff = p->send_backoff = 0;
	}
	xfer_retry();
}

static const char *
change(enum job_change what, uint64_t id)
{
	struct change	ch;

	if (sp.store == NULL || sp.failing || spool_commit() == -1)
		return (sp.state);
	memset(&ch, 0, sizeof(ch));
	ch.what = what;
	if (id == 0 && what == CHANGE_RETRY)
		retry_all();
	else {
		if (store_job_of_message(sp.store, id, change_job, &ch) == -1)
			goto fail;
		if (ch.n == 0 && !ch.sending)
			return ("no such message in the queue");
		if (ch.sending && ch.n == 0 && what != CHANGE_RETRY)
			return ("it is being sent");
		if (store_begin(sp.store) == -1 || apply(&ch, id) == -1 ||
		    store_commit(sp.store) == -1)
			goto fail;
		content_discarded();
		log_info("message %016" PRIX64 ": %s by the operator", id,
		    what == CHANGE_RETRY ? "tried again" :
		    what == CHANGE_HOLD ? "held" :
		    what == CHANGE_RELEASE ? "released" : "removed");
	}
	if (queue_reload() == -1)
		goto fail;
	schedule_tick();
	deliver_wake();
	return (NULL);
fail:
	content_keep();
	store_rollback(sp.store);
	spool_failed(store_error(sp.store));
	return (sp.state);
}

static const char *
set_peer(const struct ctl_peer_set *set)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry) {
		if (!p->seen || strncmp(p->conf.name, set->name,
		    sizeof(set->name)) != 0)
			continue;
		p->down = !set->up;
		p->open_after = p->send_after = 0;
		p->backoff = p->send_backoff = 0;
		log_info("peer %s: %s by the operator", p->conf.name,
		    set->up ? "up" : "down");
		if (set->up)
			reroute_back();
		else if (p->target != NULL)
			reroute_away(p->target, 0);
		schedule_tick();
		return (NULL);
	}
	return ("no such peer");
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
	struct ctl_peer_set	 set;
	uint64_t		 id;
	int32_t			 v;

	switch (imsg_get_type(imsg)) {
	case CTL_PEER:
		if (imsg_get_data(imsg, &set, sizeof(set)) == -1)
			return (-1);
		simple(c, set_peer(&set));
		return (0);
	case CTL_RELOAD:
		mtad_send(IMSG_RELOAD, NULL, 0);
		client_end(c);
		return (0);
	case CTL_VERBOSE:
		if (imsg_get_data(imsg, &v, sizeof(v)) == -1)
			return (-1);
		log_setverbose(v);
		client_end(c);
		return (0);
	}
	if (imsg_get_data(imsg, &id, sizeof(id)) == -1)
		return (-1);
	switch (imsg_get_type(imsg)) {
	case CTL_RETRY:
		simple(c, change(CHANGE_RETRY, id));
		break;
	case CTL_HOLD:
		simple(c, change(CHANGE_HOLD, id));
		break;
	case CTL_RELEASE:
		simple(c, change(CHANGE_RELEASE, id));
		break;
	case CTL_REMOVE:
		simple(c, change(CHANGE_REMOVE, id));
		break;
	default:
		return (-1);
	}
	return (0);
}

static int
request(struct client *c, struct imsg *imsg)
{
	uint32_t	type = imsg_get_type(imsg);
	struct ibuf	body;

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
	if (c->request != 0)
		return (-1);
	switch (type) {
	case CTL_ROUTE:
		if (imsg_get_ibuf(imsg, &body) == -1)
			return (-1);
		explain_route(c, &body);
		return (0);
	case CTL_SHOW_MESSAGE:
		if (imsg_get_data(imsg, &c->cursor, sizeof(c->cursor)) == -1)
			return (-1);
		break;
	case CTL_SHOW_SUMMARY:
	case CTL_SHOW_PEERS:
	case CTL_SHOW_ASSOCIATIONS:
	case CTL_SHOW_QUEUE:
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
		log_warnx("control: bad request %u", imsg_get_type(imsg));
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
		if (!c->committing && (oldest == NULL ||
		    c->active < oldest->active))
			oldest = c;
	if (oldest != NULL)
		client_free(oldest);
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
			log_warn("control: accept");
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
control_listen(struct event_base *base, int fd)
{
	control_close();
	evutil_make_socket_nonblocking(fd);
	if ((listener = event_new(base, fd, EV_READ | EV_PERSIST,
	    client_accept, base)) == NULL || event_add(listener, NULL) == -1)
		return (-1);
	listen_fd = fd;
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
