/* SPDX-License-Identifier: ISC */

/*
 * "mtactl show": rows of the control socket (control.h) as tables for
 * people, or as JSON whose names are those of mtactl(8) and stay.
 */

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "mtactl.h"
#include "table.h"

/* Where rows go: one of the two. */
struct output {
	int		 as_json;
	struct json	 json;
	struct table	 table;
	/* show message */
	struct ibuf	*envelope;
	struct recipients recipients;
	uint64_t	 arrival;
};

struct show {
	const char	*what;
	uint32_t	 request;
	int		 id;		/* takes one */
	const char	*headings;	/* NULL: no table, no array */
	const char	*empty;		/* in place of a table without rows */
	void		(*row)(struct output *, struct imsg *);
};

static const char *const types[] = { "message", "report", "probe" };

static const char *
type_name(int type)
{
	return (type <= MESSAGE_PROBE ? types[type] : "unknown");
}

static uint64_t
since(uint64_t then)
{
	uint64_t now = time(NULL);

	return (then < now ? now - then : 0);
}

/* Summary */

static void
line(const char *name, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

static void
line(const char *name, const char *fmt, ...)
{
	char buf[512], *s;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	for (s = buf; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
	printf("%-14s%s\n", name, buf);
}

static void
summary_json(struct json *j, const char *key, const struct ctl_summary *s)
{
	json_object(j, key);
	json_string(j, "name", s->name);
	json_string(j, "version", s->version);
	json_string(j, "state", s->state);
	json_uint(j, "uptime", s->uptime);
	json_uint(j, "queued", s->queued);
	json_uint(j, "held", s->held);
	json_uint(j, "deferred", s->deferred);
	json_uint(j, "active", s->active);
	json_uint(j, "stored", s->stored);
	json_uint(j, "queued_octets", s->queued_octets);
	json_uint(j, "oldest", s->oldest);
	json_uint(j, "received", s->received);
	json_uint(j, "sent", s->sent);
	json_uint(j, "delivered", s->delivered);
	json_uint(j, "duplicates", s->duplicates);
	json_uint(j, "received_octets", s->received_octets);
	json_uint(j, "received_mpdu_octets", s->received_mpdu_octets);
	json_uint(j, "sent_octets", s->sent_octets);
	json_uint(j, "resent_octets", s->resent_octets);
	json_uint(j, "recoveries_in", s->recoveries_in);
	json_uint(j, "recoveries_out", s->recoveries_out);
	json_uint(j, "associations", s->associations);
	json_uint(j, "transfers", s->transfers);
	json_uint(j, "commits", s->commits);
	json_close(j, '}');
}

static void
summary_row(struct output *o, struct imsg *imsg)
{
	struct ctl_summary s;
	char a[AMOUNT_LEN], b[AMOUNT_LEN];

	ctl_row(imsg, &s, sizeof(s));
	TERMINATE(s.name);
	TERMINATE(s.version);
	TERMINATE(s.state);
	if (o->as_json) {
		summary_json(&o->json, NULL, &s);
		return;
	}
	line("mta", "%s, mtad %s, up %s", s.name, s.version,
	    age_text(a, s.uptime));
	line("state", "%s", s.state);
	line("queue", "%" PRIu64 " queued, %" PRIu64 " under way, %" PRIu64
	    " deferred, %" PRIu64 " held, %s, oldest %s", s.queued, s.active,
	    s.deferred, s.held, size_text(a, s.queued_octets),
	    age_text(b, s.oldest));
	line("received", "%" PRIu64 ", %s, %" PRIu64 " duplicates",
	    s.received, size_text(a, s.received_mpdu_octets), s.duplicates);
	line("sent", "%" PRIu64 ", %s, %s sent again", s.sent,
	    size_text(a, s.sent_octets), size_text(b, s.resent_octets));
	line("delivered", "%" PRIu64, s.delivered);
	line("recoveries", "%" PRIu64 " in, %" PRIu64 " out",
	    s.recoveries_in, s.recoveries_out);
	line("associations", "%" PRIu64 ", %" PRIu64 " transfers under way",
	    s.associations, s.transfers);
	line("commits", "%" PRIu64, s.commits);
}

/* Peers */

static void
age_or_never(struct table *t, uint64_t then)
{
	if (then == 0)
		table_text(t, "never");
	else
		table_age(t, since(then));
}

void
time_or_null(struct json *j, const char *key, uint64_t then)
{
	if (then == 0)
		json_null(j, key);
	else
		json_uint(j, key, then);
}

void
peer_members(struct json *j, const struct ctl_peer *p)
{
	json_string(j, "name", p->name);
	json_string(j, "state", p->state);
	json_bool(j, "down", p->down);
	json_bool(j, "held", p->held);
	json_bool(j, "recovery", !p->no_recovery);
	json_uint(j, "associations_in", p->associations_in);
	json_uint(j, "associations_out", p->associations_out);
	json_object(j, "queued");
	json_uint(j, "urgent", p->queued[PRIORITY_URGENT]);
	json_uint(j, "normal", p->queued[PRIORITY_NORMAL]);
	json_uint(j, "non_urgent", p->queued[PRIORITY_NON_URGENT]);
	json_close(j, '}');
	json_uint(j, "active", p->active);
	json_uint(j, "stored", p->stored);
	json_uint(j, "oldest", p->oldest);
	json_uint(j, "cut_in", p->cut_in);
	json_uint(j, "cut_out", p->cut_out);
	json_uint(j, "received", p->received);
	json_uint(j, "sent", p->sent);
	json_uint(j, "received_octets", p->received_octets);
	json_uint(j, "received_mpdu_octets", p->received_mpdu_octets);
	json_uint(j, "sent_octets", p->sent_octets);
	json_uint(j, "resent_octets", p->resent_octets);
	time_or_null(j, "last_in", p->last_in);
	time_or_null(j, "last_out", p->last_out);
	json_uint(j, "retry_in", p->retry_in);
}

static void
peer_row(struct output *o, struct imsg *imsg)
{
	struct table *t = &o->table;
	struct ctl_peer p;
	char buf[64], state[160];

	ctl_row(imsg, &p, sizeof(p));
	TERMINATE(p.name);
	TERMINATE(p.state);
	if (o->as_json) {
		show_json_peer(&o->json, &p);
		return;
	}
	table_text(t, p.name);
	snprintf(buf, sizeof(buf), "%u/%u", p.associations_in,
	    p.associations_out);
	table_text(t, buf);
	snprintf(buf, sizeof(buf), "%" PRIu64 "/%" PRIu64 "/%" PRIu64,
	    p.queued[PRIORITY_URGENT], p.queued[PRIORITY_NORMAL],
	    p.queued[PRIORITY_NON_URGENT]);
	table_text(t, buf);
	table_number(t, p.stored);
	table_age(t, p.oldest);
	snprintf(buf, sizeof(buf), "%u/%u", p.cut_in, p.cut_out);
	table_text(t, buf);
	table_number(t, p.received);
	table_size(t, p.received_mpdu_octets);
	age_or_never(t, p.last_in);
	table_number(t, p.sent);
	table_size(t, p.sent_octets);
	table_size(t, p.resent_octets);
	age_or_never(t, p.last_out);
	snprintf(state, sizeof(state), "%s%s", p.state,
	    p.no_recovery ? " (does not recover)" : "");
	table_text(t, state);
}

/* Associations */

static void
association_json(struct json *j, const struct ctl_association *a)
{
	json_object(j, NULL);
	json_uint(j, "id", a->id);
	json_string(j, "peer", a->peer);
	json_string(j, "address", a->address);
	json_string(j, "connection", a->connection);
	json_string(j, "role", a->initiator ? "initiator" : "responder");
	json_string(j, "dialogue", a->dialogue == DIALOGUE_TWA ? "twa" :
	    "monologue");
	json_string(j, "state", a->up ? "up" : "opening");
	json_string(j, "turn", a->ours ? "ours" : "theirs");
	json_uint(j, "checkpoint", a->checkpoint);
	json_uint(j, "window", a->window);
	json_uint(j, "age", a->age);
	json_uint(j, "idle", a->idle);
	json_uint(j, "sent", a->sent);
	json_uint(j, "received", a->received);
	if (a->tls[0] != '\0')
		json_string(j, "tls", a->tls);
	else
		json_null(j, "tls");
	json_close(j, '}');
}

static void
association_row(struct output *o, struct imsg *imsg)
{
	struct table *t = &o->table;
	struct ctl_association a;
	char buf[32];

	ctl_row(imsg, &a, sizeof(a));
	TERMINATE(a.peer);
	TERMINATE(a.address);
	TERMINATE(a.connection);
	TERMINATE(a.tls);
	if (o->as_json) {
		association_json(&o->json, &a);
		return;
	}
	snprintf(buf, sizeof(buf), "%08" PRIX32, a.id);
	table_text(t, buf);
	table_text(t, a.peer);
	table_text(t, a.address);
	table_text(t, a.initiator ? "initiator" : "responder");
	table_text(t, a.dialogue == DIALOGUE_TWA ? "twa" : "monologue");
	table_text(t, a.up ? "up" : "opening");
	table_text(t, a.ours ? "ours" : "theirs");
	snprintf(buf, sizeof(buf), "%" PRIu32 "/%" PRIu32, a.checkpoint,
	    a.window);
	table_text(t, buf);
	table_age(t, a.age);
	table_age(t, a.idle);
	table_number(t, a.sent);
	table_number(t, a.received);
	table_text(t, a.tls[0] != '\0' ? a.tls : "no");
}

/* Messages */

static void
get_message(struct imsg *imsg, struct ctl_message *m)
{
	ctl_row(imsg, m, sizeof(*m));
	TERMINATE(m->mts_id);
	TERMINATE(m->originator);
	TERMINATE(m->from);
	TERMINATE(m->where);
	TERMINATE(m->state);
}

static void
message_json(struct json *j, const struct ctl_message *m)
{
	json_object(j, NULL);
	json_id(j, "id", m->id);
	json_string(j, "mts_id", m->mts_id);
	json_string(j, "type", type_name(m->type));
	json_string(j, "priority", priority_name(m->priority));
	json_string(j, "originator", m->originator);
	if (m->from[0] != '\0')
		json_string(j, "from", m->from);
	else
		json_null(j, "from");
	json_uint(j, "size", m->size);
	json_uint(j, "arrival", m->arrival);
	json_uint(j, "recipients", m->recipients);
	json_uint(j, "waiting", m->waiting);
	if (m->where[0] != '\0')
		json_string(j, "where", m->where);
	else
		json_null(j, "where");
	json_bool(j, "held", m->held);
	json_string(j, "state", m->state);
}

static void
queue_row(struct output *o, struct imsg *imsg)
{
	struct table *t = &o->table;
	struct ctl_message m;
	char to[PEER_NAME_MAX + 16];

	get_message(imsg, &m);
	if (o->as_json) {
		message_json(&o->json, &m);
		json_close(&o->json, '}');
		return;
	}
	table_id(t, m.id);
	table_text(t, m.type == MESSAGE_USER ? priority_name(m.priority) :
	    type_name(m.type));
	table_size(t, m.size);
	table_age(t, since(m.arrival));
	table_number(t, m.recipients);
	table_text(t, m.from[0] != '\0' ? m.from : "-");
	table_text(t, m.originator);
	strlcpy(to, m.where[0] != '\0' ? m.where : "-", sizeof(to));
	if (m.waiting > 1)
		snprintf(to + strlen(to), sizeof(to) - strlen(to),
		    " +%" PRIu32, m.waiting - 1);
	table_text(t, to);
	table_text(t, m.state);
}

static void
envelope_piece(struct output *o, struct imsg *imsg)
{
	if (o->envelope == NULL &&
	    (o->envelope = ibuf_dynamic(0, 4 * ENVELOPE_MAX)) == NULL)
		err(1, NULL);
	if (ibuf_add(o->envelope, ibuf_data(&imsg->body),
	    imsg_get_len(imsg)) == -1)
		err(1, "envelope");
}

static void
recipient_row(struct output *o, struct imsg *imsg)
{
	struct ctl_recipient r;

	ctl_row(imsg, &r, sizeof(r));
	TERMINATE(r.name);
	TERMINATE(r.where);
	TERMINATE(r.state);
	recipients_add(&o->recipients, &r);
}

static void
message_row(struct output *o, struct imsg *imsg)
{
	struct ctl_message m;
	char a[AMOUNT_LEN];
	time_t then;
	struct tm tm;

	if (imsg_get_type(imsg) == CTL_ROW_ENVELOPE) {
		envelope_piece(o, imsg);
		return;
	}
	if (imsg_get_type(imsg) == CTL_ROW_RECIPIENT) {
		recipient_row(o, imsg);
		return;
	}
	get_message(imsg, &m);
	o->arrival = m.arrival;
	if (o->as_json) {
		message_json(&o->json, &m);
		return;
	}
	line("message", "%016" PRIX64, m.id);
	line("identifier", "%s", m.mts_id);
	line("type", "%s, %s", type_name(m.type), priority_name(m.priority));
	line("originator", "%s", m.originator);
	line("from", "%s", m.from[0] != '\0' ? m.from :
	    m.type == MESSAGE_REPORT ? "made here" : "submitted here");
	then = (time_t)m.arrival;
	if (gmtime_r(&then, &tm) != NULL && strftime(a, sizeof(a),
	    "%Y-%m-%d %H:%M:%S", &tm) > 0)
		line("arrival", "%s UTC", a);
	line("size", "%s (%" PRIu64 " octets)", size_text(a, m.size), m.size);
	line("recipients", "%" PRIu32 ", %" PRIu32 " waiting", m.recipients,
	    m.waiting);
	line("state", "%s", m.state);
}

/* "name: value" lines of message_print() as objects. */
static void
envelope_json(struct json *j, char *text)
{
	char *name, *value;

	json_array(j, "envelope");
	while ((name = strsep(&text, "\n")) != NULL) {
		if ((value = strstr(name, ": ")) == NULL)
			continue;
		*value = '\0';
		json_object(j, NULL);
		json_string(j, "name", name);
		json_string(j, "value", value + 2);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
message_end(struct output *o, struct ctl *c, uint64_t id)
{
	struct message *m;
	char *text = NULL;
	size_t len;
	FILE *f;

	recipients_ask(&o->recipients, c, id, o->arrival);
	if (o->as_json)
		recipients_json(&o->recipients, &o->json);
	else
		recipients_print(&o->recipients);
	if (o->envelope != NULL) {
		m = message_deserialise(ibuf_data(o->envelope),
		    ibuf_size(o->envelope));
		if (m == NULL)
			err(1, "envelope");
		if ((f = open_memstream(&text, &len)) == NULL ||
		    message_print(m, f) == -1 || fclose(f) != 0)
			err(1, NULL);
		if (o->as_json)
			envelope_json(&o->json, text);
		else
			printf("\n%s", text);
		free(text);
		message_free(m);
		ibuf_free(o->envelope);
	} else if (o->as_json)
		json_null(&o->json, "envelope");
	if (o->as_json)
		json_close(&o->json, '}');
}

/* Transfers */

/* Tenths of a percent, -1 when not known. */
static int
permille(const struct ctl_transfer *x)
{
	if (x->total == 0 || x->octets > x->total)
		return (-1);
	return ((int)(1000.0 * x->octets / x->total));
}

static void
transfer_json(struct json *j, const struct ctl_transfer *x)
{
	json_object(j, NULL);
	json_string(j, "peer", x->peer);
	json_string(j, "direction", x->out ? "out" : "in");
	if (x->message != 0)
		json_id(j, "message", x->message);
	else
		json_null(j, "message");
	json_string(j, "activity", x->activity);
	json_string(j, "connection", x->connection);
	json_uint(j, "octets", x->octets);
	if (x->total != 0)
		json_uint(j, "total", x->total);
	else
		json_null(j, "total");
	if (permille(x) != -1)
		json_uint(j, "percent", permille(x) / 10);
	else
		json_null(j, "percent");
	if (x->left >= 0)
		json_uint(j, "eta", x->left);
	else
		json_null(j, "eta");
	json_uint(j, "checkpoint", x->checkpoint);
	json_uint(j, "checkpoint_octets", x->checkpoint_octets);
	json_uint(j, "age", x->age);
	json_string(j, "state", x->state);
	if (x->recovery >= 0)
		json_uint(j, "recovery_in", x->recovery);
	else
		json_null(j, "recovery_in");
	json_close(j, '}');
}

static void
transfer_row(struct output *o, struct imsg *imsg)
{
	struct table *t = &o->table;
	struct ctl_transfer x;
	char buf[32], state[sizeof(x.state) + sizeof(buf) + 16];

	ctl_row(imsg, &x, sizeof(x));
	TERMINATE(x.peer);
	TERMINATE(x.activity);
	TERMINATE(x.connection);
	TERMINATE(x.state);
	if (o->as_json) {
		transfer_json(&o->json, &x);
		return;
	}
	table_text(t, x.peer);
	table_text(t, x.out ? "out" : "in");
	if (x.message != 0)
		table_id(t, x.message);
	else
		table_text(t, "-");
	table_text(t, x.activity[0] != '\0' ? x.activity : "-");
	table_size(t, x.octets);
	if (x.total != 0)
		table_size(t, x.total);
	else
		table_text(t, "-");
	if (permille(&x) != -1) {
		snprintf(buf, sizeof(buf), "%d.%d%%", permille(&x) / 10,
		    permille(&x) % 10);
		table_text(t, buf);
	} else
		table_text(t, "-");
	table_number(t, x.checkpoint);
	table_size(t, x.checkpoint_octets);
	table_age(t, x.age);
	if (x.left >= 0)
		table_age(t, x.left);
	else
		table_text(t, "-");
	if (x.recovery >= 0) {
		age_text(buf, x.recovery);
		snprintf(state, sizeof(state), "%s, tried in %s", x.state,
		    buf);
		table_text(t, state);
	} else
		table_text(t, x.state);
}

static const struct show shows[] = {
	{ "summary", CTL_SHOW_SUMMARY, 0, NULL, NULL, summary_row },
	{ "peers", CTL_SHOW_PEERS, 0,
	    "PEER,>IN/OUT,>URG/NORM/NON,>ALL,>OLDEST,>CUT,>RECEIVED,>SIZE,>LAST,"
	    ">SENT,>SIZE,>AGAIN,>LAST,STATE", "no peers are configured",
	    peer_row },
	{ "associations", CTL_SHOW_ASSOCIATIONS, 0,
	    "ID,PEER,ADDRESS,ROLE,DIALOGUE,STATE,TURN,>CKPT/WIN,>AGE,>IDLE,"
	    ">SENT,>RECEIVED,TLS", "no associations are open",
	    association_row },
	{ "queue", CTL_SHOW_QUEUE, 0,
	    "ID,PRIORITY,>SIZE,>AGE,>RCPT,FROM,ORIGINATOR,TO,STATE",
	    "nothing is queued", queue_row },
	{ "transfers", CTL_SHOW_TRANSFERS, 0,
	    "PEER,DIR,MESSAGE,ACTIVITY,>DONE,>TOTAL,>%,>CKPT,>SECURED,>AGE,"
	    ">ETA,STATE", "no transfers are under way", transfer_row },
	{ "message", CTL_SHOW_MESSAGE, 1, NULL, NULL, message_row },
};

const struct show *
show_find(const char *what)
{
	size_t i;

	for (i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (strcmp(shows[i].what, what) == 0)
			return (&shows[i]);
	return (NULL);
}

int
show_wants_id(const struct show *s)
{
	return (s->id);
}

void
show_run(const struct show *s, struct ctl *c, uint64_t id, const char *peer,
    int as_json)
{
	struct output o;
	struct imsg imsg;
	int rows = 0;

	memset(&o, 0, sizeof(o));
	o.as_json = as_json;
	if (peer != NULL)
		ctl_send(c, s->request, peer, PEER_NAME_MAX);
	else
		ctl_send(c, s->request, &id, s->id ? sizeof(id) : 0);
	if (as_json)
		json_begin(&o.json, stdout);
	while (ctl_next(c, &imsg, NULL, NULL) != CTL_END) {
		/* Nothing is printed before it is known to succeed. */
		if (rows++ == 0 && s->headings != NULL) {
			if (as_json)
				json_array(&o.json, NULL);
			else
				table_begin(&o.table, stdout, s->headings);
		}
		s->row(&o, &imsg);
	}
	if (rows == 0 && s->headings == NULL)
		errx(1, "no answer");
	if (s->id)
		message_end(&o, c, id);
	else if (s->headings != NULL && as_json) {
		if (rows == 0)
			json_array(&o.json, NULL);
		json_close(&o.json, ']');
	} else if (s->headings != NULL && rows > 0)
		table_end(&o.table);
	else if (s->headings != NULL)
		printf("%s\n", s->empty);
	if (as_json)
		json_end(&o.json);
}

/* For "mtactl top", which shows the same. */
void
show_json_summary(struct json *j, const char *key,
    const struct ctl_summary *s)
{
	summary_json(j, key, s);
}

void
show_json_peer(struct json *j, const struct ctl_peer *p)
{
	json_object(j, NULL);
	peer_members(j, p);
	json_close(j, '}');
}

void
show_json_association(struct json *j, const struct ctl_association *a)
{
	association_json(j, a);
}

void
show_json_transfer(struct json *j, const struct ctl_transfer *x)
{
	transfer_json(j, x);
}
