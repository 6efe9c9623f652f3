/* SPDX-License-Identifier: ISC */

/*
 * By what two configurations differ, in words.  What has a name of its own is
 * an item: a key, which is how a statement begins, and the rest of it as
 * text.  Peers and the MTA are compared field by field.
 */

#include <inttypes.h>
#include <netdb.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"

#define LINES_MAX	500	/* after that nobody reads on */

struct item {
	char	*key, *value;
};

struct items {
	struct item	*item;
	size_t		 n;
};

/* Where lines go, and how many there were. */
struct told {
	void	(*say)(const char *);
	size_t	 lines;
};

struct field {
	const char	*word;		/* of mtad.conf */
	size_t		 offset, len;
	int		 next;		/* with the next association */
};

#define P(word, f)	{ word, offsetof(struct peer_conf, f),		\
			    sizeof(((struct peer_conf *)NULL)->f), 0 }
#define N(word, f)	{ word, offsetof(struct peer_conf, f),		\
			    sizeof(((struct peer_conf *)NULL)->f), 1 }
#define M(word, f)	{ word, offsetof(struct mta_conf, f),		\
			    sizeof(((struct mta_conf *)NULL)->f), 0 }

/*
 * Fields of one word stand together.  Those of N are what an association
 * takes from its peer when it begins (mtad.conf(5), RELOADING).
 */
static const struct field peer_fields[] = {
	P("disabled", disabled), P("domain", domain), N("mode", mode),
	N("dialogue", dialogue), N("local tsel", local_tsel),
	N("local ssel", local_ssel), N("local psel", local_psel),
	N("address selectors", remote_tsel), N("address selectors",
	remote_ssel), N("address selectors", remote_psel),
	N("local ap-title", local_title), N("remote ap-title", remote_title),
	N("local name", local.name), N("local password", local.password),
	N("local response name", local_response.name),
	N("local response password", local_response.password),
	N("remote name", remote.name), N("remote password", remote.password),
	N("remote response name", remote_response.name),
	N("remote response password", remote_response.password),
	N("checkpoint", checkpoint), N("window", window),
	N("safe-store", safe_store), P("recover", recover),
	P("timeout", recovery_timeout), P("delay", recovery_delay),
	P("keep", recovery_keep), P("memory", no_recovery_memory),
	N("tpdu-size", tpdu_size), P("associations", max_associations),
	P("reserve", reserved_urgent), P("idle", idle),
	N("open timeout", open_timeout),
	N("transfer timeout", transfer_timeout), P("retry", retry_min),
	P("retry", retry_max), P("threshold", threshold),
	P("threshold", threshold_oldest),
	P("alarm queue", alarm_queue), P("alarm queue", alarm_queue_clear),
	P("alarm age", alarm_age), P("alarm age", alarm_age_clear),
	P("alternate", alternate_failures), P("alternate", alternate_time),
	P("attempts", attempts), P("expire", expire),
	N("max-content", max_content), P("max-recipients", max_recipients),
	P("rate", rate), P("rate", rate_time),
	P("internal-trace", internal_trace), P("log", verbose),
};

static const struct field mta_fields[] = {
	M("mta name", name), M("mta password", password),
	M("mta domain", domain), M("limit associations", max_associations),
	M("limit content", max_content), M("spool reserve", min_free),
	M("poison", poison_after), M("audit", audit_keep),
	M("audit", audit), M("expire", expire), M("limit loops", loop_limit),
	M("limit hops", hop_limit), M("limit return", return_max),
	M("limit rate", rate), M("limit rate", rate_time),
	M("limit recipients", max_recipients), M("log", verbose),
	M("alarm space", alarm_space), M("alarm space", alarm_space_clear),
	M("limit connections", connections_per_address),
	M("limit half-open", half_open),
	M("limit half-open timeout", half_open_time),
	M("limit memory", association_memory),
};

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

static void	say(struct told *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

static void
say(struct told *t, const char *fmt, ...)
{
	char line[1600];
	va_list ap;

	if (t->lines++ >= LINES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	t->say(line);
}

/* Items */

static void	add(struct items *, char *, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));

/* Takes the key. */
static void
add(struct items *s, char *key, const char *fmt, ...)
{
	struct item *p;
	va_list ap;
	int n;

	if (key == NULL || (p = reallocarray(s->item, s->n + 1,
	    sizeof(*p))) == NULL)
		fatalx("out of memory");
	s->item = p;
	p += s->n++;
	p->key = key;
	va_start(ap, fmt);
	n = vasprintf(&p->value, fmt, ap);
	va_end(ap);
	if (n == -1)
		fatalx("out of memory");
}

static char	*key(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));

static char *
key(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return (n == -1 ? NULL : s);
}

static int
item_cmp(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return (c != 0 ? c : strcmp(x->value, y->value));
}

static void
items_free(struct items *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		free(s->item[i].key);
		free(s->item[i].value);
	}
	free(s->item);
}

static void
compare(struct told *t, struct items *a, struct items *b)
{
	size_t i = 0, k = 0;
	int c;

	if (a->n > 0)
		qsort(a->item, a->n, sizeof(*a->item), item_cmp);
	if (b->n > 0)
		qsort(b->item, b->n, sizeof(*b->item), item_cmp);
	while (i < a->n || k < b->n) {
		c = i == a->n ? 1 : k == b->n ? -1 :
		    strcmp(a->item[i].key, b->item[k].key);
		if (c < 0)
			say(t, "%s: removed", a->item[i++].key);
		else if (c > 0)
			say(t, "%s: added", b->item[k++].key);
		else if (strcmp(a->item[i++].value, b->item[k++].value) != 0)
			say(t, "%s: changed", b->item[k - 1].key);
	}
}

/* The file of a certificate by its number, which each reading gives anew. */
static const char *
pem_file(const struct conf *c, uint32_t id)
{
	const struct conf_pem *e;

	TAILQ_FOREACH(e, &c->pems, entry)
		if (e->id == id)
			return (e->file);
	return ("");
}

static char *
route_text(const struct conf_route *r)
{
	char *text = NULL;
	size_t len;
	FILE *f;
	int i;

	if ((f = open_memstream(&text, &len)) == NULL)
		fatalx("out of memory");
	fprintf(f, "%d \"%s\"", r->route.complete, r->route.alternate);
	for (i = 0; i < r->route.nvia; i++)
		fprintf(f, " %s %u %u", r->via[i].peer, r->route.via[i].cost,
		    r->route.via[i].weight);
	if (fclose(f) != 0)
		fatalx("out of memory");
	return (text);
}

static char *
list_text(const struct conf_list *l)
{
	const struct conf_list_item *i;
	char *text = NULL;
	size_t len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL)
		fatalx("out of memory");
	fprintf(f, "\"%s\" %d", l->list.owner, l->list.reports);
	TAILQ_FOREACH(i, &l->items, entry)
		fprintf(f, "\n%d %s", i->item.what, i->item.text);
	if (fclose(f) != 0)
		fatalx("out of memory");
	return (text);
}

static void
listeners(struct items *s, const struct conf *c)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &c->listeners, entry)
		add(s, key("listen on %s%s%s%s", l->listen.address,
		    l->listen.tsel.len > 0 ? " tsel \"" : "",
		    l->listen.tsel.len > 0 ? log_octets(
		    l->listen.tsel.octets, l->listen.tsel.len) : "",
		    l->listen.tsel.len > 0 ? "\"" : ""), "%d %d %s %s",
		    l->listen.tls, l->listen.tls_verify, pem_file(c,
		    l->listen.tls_certificate), pem_file(c,
		    l->listen.tls_ca));
}

static void
metrics(struct items *s, const struct conf *c)
{
	const struct conf_metrics *m;
	char port[NI_MAXSERV];

	TAILQ_FOREACH(m, &c->metrics, entry) {
		port[0] = '\0';
		if (m->ss.ss_family != AF_UNIX && getnameinfo(
		    (const struct sockaddr *)&m->ss, m->ss_len, NULL, 0, port,
		    sizeof(port), NI_NUMERICSERV) != 0)
			fatalx("out of memory");
		add(s, key("metrics listen on %s%s%s", m->address,
		    port[0] != '\0' ? " port " : "", port), "%s", m->group);
	}
}

/* What a message may meet. */
static void
ways(struct items *s, const struct conf *c)
{
	const struct conf_route *r;
	const struct conf_deliver *d;
	const struct conf_command *cmd;
	const struct conf_redirect *re;
	const struct conf_list *l;
	char *text;

	TAILQ_FOREACH(r, &c->routes, entry) {
		text = route_text(r);
		add(s, key("%s \"%s\"", r->route.complete ? "domain" :
		    "route", r->route.prefix), "%s", text);
		free(text);
	}
	TAILQ_FOREACH(d, &c->delivers, entry)
		add(s, key("deliver \"%s\"", d->deliver.prefix), "%s",
		    d->deliver.directory);
	TAILQ_FOREACH(cmd, &c->commands, entry)
		add(s, key("deliver \"%s\"", cmd->command.prefix),
		    "%s %u %u", cmd->command.name, cmd->timeout,
		    cmd->command.parallel);
	TAILQ_FOREACH(re, &c->redirects, entry)
		add(s, key("redirect \"%s\"", re->redirect.from), "%s",
		    re->redirect.to);
	TAILQ_FOREACH(l, &c->lists, entry) {
		text = list_text(l);
		add(s, key("list \"%s\"", l->list.name), "%s", text);
		free(text);
	}
}

static void
policies(struct items *s, const struct conf *c)
{
	static const char *const what[] = { "content-type", "eit", "from",
	    "to" };
	const struct conf_policy *po;

	TAILQ_FOREACH(po, &c->policies, entry)
		add(s, key("limit %s \"%s\"", what[po->policy.what],
		    po->policy.text), "-");
}

/* Files that were read anew: a certificate that was renewed is a change. */
static void
certificates(struct items *s, const struct conf *c)
{
	const struct conf_pem *e;
	uint64_t h;
	size_t i;

	TAILQ_FOREACH(e, &c->pems, entry) {
		for (h = UINT64_C(14695981039346656037), i = 0; i < e->len;
		    i++)
			h = (h ^ e->pem[i]) * UINT64_C(1099511628211);
		add(s, key("%s \"%s\"", e->key_file[0] != '\0' ?
		    "certificate" : "ca", e->file), "%s %zu %" PRIx64,
		    e->key_file, e->len, h);
	}
}

static void
items_of(struct items *s, const struct conf *c)
{
	memset(s, 0, sizeof(*s));
	listeners(s, c);
	metrics(s, c);
	ways(s, c);
	policies(s, c);
	certificates(s, c);
}

/* Fields */

static void
word(char *text, size_t size, const char **last, const char *w)
{
	if (*last != NULL && strcmp(*last, w) == 0)
		return;
	strlcat(text, *last == NULL ? "" : ", ", size);
	strlcat(text, w, size);
	*last = w;
}

static void
fields(const struct field *f, size_t n, int next, const void *a,
    const void *b, char *text, size_t size, const char **last)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (f[i].next == next &&
		    memcmp((const char *)a + f[i].offset,
		    (const char *)b + f[i].offset, f[i].len) != 0)
			word(text, size, last, f[i].word);
}

static int
same_addresses(const struct conf_peer *a, const struct conf_peer *b)
{
	int i;

	if (a->peer.naddress != b->peer.naddress)
		return (0);
	for (i = 0; i < a->peer.naddress; i++)
		if (strcmp(a->address[i].host, b->address[i].host) != 0 ||
		    strcmp(a->address[i].port, b->address[i].port) != 0)
			return (0);
	return (1);
}

static int
same_tls(const struct conf *ca, const struct conf_peer *a,
    const struct conf *cb, const struct conf_peer *b)
{
	const struct tls_peer_conf *x = &a->tls, *y = &b->tls;

	return (x->mode == y->mode && x->remote == y->remote &&
	    strcmp(x->remote_name, y->remote_name) == 0 &&
	    strcmp(a->tls_name, b->tls_name) == 0 &&
	    strcmp(pem_file(ca, x->certificate),
	    pem_file(cb, y->certificate)) == 0 &&
	    strcmp(pem_file(ca, x->ca), pem_file(cb, y->ca)) == 0);
}

static const struct conf_policy *
policy_of(const struct conf_policy *p, int what)
{
	while (p != NULL && p->policy.what != what)
		p = TAILQ_NEXT(p, entry);
	return (p);
}

static int
same_policies(const struct conf_peer *a, const struct conf_peer *b, int what)
{
	const struct conf_policy *x, *y;

	x = policy_of(TAILQ_FIRST(&a->policies), what);
	y = policy_of(TAILQ_FIRST(&b->policies), what);
	while (x != NULL && y != NULL &&
	    strcmp(x->policy.text, y->policy.text) == 0) {
		x = policy_of(TAILQ_NEXT(x, entry), what);
		y = policy_of(TAILQ_NEXT(y, entry), what);
	}
	return (x == NULL && y == NULL);
}

static const struct conf_peer *
peer_named(const struct conf *c, const char *name)
{
	const struct conf_peer *p;

	TAILQ_FOREACH(p, &c->peers, entry)
		if (strcmp(p->peer.name, name) == 0)
			return (p);
	return (NULL);
}

/* Of a peer what is in force at once; "" when there is nothing. */
static void
changed_at_once(const struct conf_peer *a, const struct conf_peer *b,
    char *text, size_t size)
{
	/* by enum policy_what */
	static const char *const accepts[] = { "content-type", "eit",
	    "accept from", "accept to" };
	const char *last = NULL;
	size_t i;

	text[0] = '\0';
	fields(peer_fields, nitems(peer_fields), 0, &a->peer, &b->peer,
	    text, size, &last);
	for (i = 0; i < nitems(accepts); i++)
		if (!same_policies(a, b, i))
			word(text, size, &last, accepts[i]);
}

/* And what the associations that there are do without. */
static void
changed_for_next(const struct conf *old, const struct conf_peer *a,
    const struct conf *new, const struct conf_peer *b, char *text,
    size_t size)
{
	const char *last = NULL;

	text[0] = '\0';
	if (!same_addresses(a, b))
		word(text, size, &last, "address");
	fields(peer_fields, nitems(peer_fields), 1, &a->peer, &b->peer,
	    text, size, &last);
	if (!same_tls(old, a, new, b))
		word(text, size, &last, "tls");
}

static void
peers(struct told *t, const struct conf *old, const struct conf *new)
{
	const struct conf_peer *a, *b;
	char now[700], next[700];

	TAILQ_FOREACH(a, &old->peers, entry)
		if (peer_named(new, a->peer.name) == NULL)
			say(t, "peer \"%s\": removed", a->peer.name);
	TAILQ_FOREACH(b, &new->peers, entry) {
		if ((a = peer_named(old, b->peer.name)) == NULL) {
			say(t, "peer \"%s\": added", b->peer.name);
			continue;
		}
		changed_at_once(a, b, now, sizeof(now));
		changed_for_next(old, a, new, b, next, sizeof(next));
		if (now[0] != '\0' || next[0] != '\0')
			say(t, "peer \"%s\": changed: %s%s%s%s",
			    b->peer.name, now, now[0] != '\0' &&
			    next[0] != '\0' ? "; " : "", next,
			    next[0] != '\0' ? " (with the next association)" :
			    "");
	}
}

void
conf_changes(const struct conf *old, const struct conf *new,
    void (*f)(const char *))
{
	struct told t = { f, 0 };
	struct items a, b;
	const char *last = NULL;
	char text[400] = "", more[64];

	fields(mta_fields, nitems(mta_fields), 0, &old->mta, &new->mta, text,
	    sizeof(text), &last);
	if (last != NULL)
		say(&t, "changed: %s", text);
	peers(&t, old, new);
	items_of(&a, old);
	items_of(&b, new);
	compare(&t, &a, &b);
	items_free(&a);
	items_free(&b);
	if (strcmp(old->control_group, new->control_group) != 0)
		say(&t, "control group: changed, which takes a restart");
	if (t.lines == 0)
		f("nothing has changed");
	else if (t.lines > LINES_MAX) {
		snprintf(more, sizeof(more), "and %zu more changes",
		    t.lines - LINES_MAX);
		f(more);
	}
}
