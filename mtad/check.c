/* SPDX-License-Identifier: ISC */

/*
 * What the statements of mtad.conf mean: values with their ranges and
 * defaults, and the checks that only the whole allows.
 */

#include <sys/types.h>

#include <netdb.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aetitle.h"
#include "log.h"
#include "oraddr.h"
#include "parse_int.h"

#define ERRORS_MAX	20	/* after that nobody reads on */

struct conf	*conf_now;
unsigned	 conf_errors;
int		 conf_includes;
void		(*conf_error_hook)(const char *);
void		(*conf_error_copy)(const char *);

#define LINE_SIZE	1400

static void
line_of(char *line, const struct place *p, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (p != NULL && p->file != NULL)
		snprintf(line, LINE_SIZE, "%.300s:%u:%u: %s", p->file,
		    p->line, p->column, text);
	else
		snprintf(line, LINE_SIZE, "%s", text);
}

void
conf_warning(const struct place *p, const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;

	if (conf_errors > 0)
		return;
	va_start(ap, fmt);
	line_of(line, p, fmt, ap);
	va_end(ap);
	if (conf_error_hook == NULL)
		log_warnx(EVT_CONFIG_WARNING, ": %s", line);
	if (conf_error_copy != NULL)
		conf_error_copy(line);
}

void
conf_error(const struct place *p, const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	line_of(line, p, fmt, ap);
	va_end(ap);
	if (++conf_errors > ERRORS_MAX)
		return;
	if (conf_error_hook != NULL)
		conf_error_hook(line);
	else
		log_warnx(EVT_CONFIG_ERROR, ": %s", line);
	if (conf_error_copy != NULL)
		conf_error_copy(line);
}

/* Values */

static int
unit(const char *s, uint64_t *v, const char *units, const uint64_t *factors)
{
	const char *u;
	char *end;

	if (!isdigit((unsigned char)*s))
		return (-1);
	errno = 0;
	*v = strtoull(s, &end, 10);
	if (errno != 0 || end[0] == '\0' || end[1] != '\0' ||
	    (u = strchr(units, end[0])) == NULL)
		return (-1);
	if (*v > UINT64_MAX / factors[u - units])
		return (-1);
	*v *= factors[u - units];
	return (0);
}

int
parse_time(const char *s, uint64_t *v)
{
	static const uint64_t f[] = { 1, 60, 3600, 86400, 604800 };

	return (unit(s, v, "smhdw", f));
}

int
parse_size(const char *s, uint64_t *v)
{
	static const uint64_t f[] = { 1024, 1024, 1048576, 1048576,
	    1073741824, 1073741824, 1099511627776, 1099511627776 };

	if (unit(s, v, "KkMmGgTt", f) == -1 || *v > INT64_MAX)
		return (-1);
	return (0);
}

void
set_number(const struct place *p, uint32_t *to, uint64_t v, uint32_t min,
    uint32_t max, const char *what)
{
	if (v < min || v > max) {
		conf_error(p, "%s %llu: %u to %u was expected", what,
		    (unsigned long long)v, min, max);
		return;
	}
	*to = v;
}

void
set_size(const struct place *p, uint64_t *to, uint64_t v, uint64_t min,
    uint64_t max, const char *what)
{
	if (v < min || v > max) {
		conf_error(p, "%s %llu: %llu to %llu octets were expected",
		    what, (unsigned long long)v, (unsigned long long)min,
		    (unsigned long long)max);
		return;
	}
	*to = v;
}

void
set_string(const struct place *p, char *to, size_t size, const char *what,
    const char *s)
{
	if (s[0] == '\0' || strlen(s) >= size) {
		conf_error(p, "%s \"%.80s\": 1 to %zu characters were "
		    "expected", what, s, size - 1);
		return;
	}
	strlcpy(to, s, size);
}

void
set_audit(const struct place *p, const char *name)
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL ||
	    strncmp(name, "content", 7) == 0 ||
	    strncmp(name, "queue.db", 8) == 0 ||
	    strncmp(name, "restore.", 8) == 0 ||
	    strncmp(name, "salvage.", 8) == 0 ||
	    strncmp(name, "backup.", 7) == 0)
		conf_error(p, "\"%s\": the name of a directory of its own in "
		    "the spool was expected", name);
	else
		set_string(p, conf_now->mta.audit,
		    sizeof(conf_now->mta.audit), "audit log", name);
}

void
set_path(const struct place *p, char *to, size_t size, const char *s)
{
	if (s[0] != '/') {
		conf_error(p, "path \"%.80s\": one that begins with / was "
		    "expected", s);
		return;
	}
	set_string(p, to, size, "path", s);
}

/* Names and passwords are IA5Strings in P1. */
static void
set_ia5(const struct place *p, char *to, size_t size, const char *what,
    const char *s, int empty)
{
	const unsigned char *c;

	for (c = (const unsigned char *)s; *c != '\0'; c++)
		if (*c > 0x7e || *c < 0x20) {
			conf_error(p, "%s: printable ASCII characters were "
			    "expected", what);
			return;
		}
	if (empty && s[0] == '\0') {
		to[0] = '\0';
		return;
	}
	/* may be one that nobody is to see */
	if (empty && strlen(s) >= size) {
		conf_error(p, "%s: at most %zu characters were expected",
		    what, size - 1);
		return;
	}
	set_string(p, to, size, what, s);
}

const char *
line_from(const struct place *here, const char *file, unsigned line)
{
	static char text[340];

	snprintf(text, sizeof(text), strcmp(here->file, file) == 0 ?
	    "line %u" : "line %u of %.300s", line, file);
	return (text);
}

void
set_macro(const struct place *p, const char *name, const char *text)
{
	if (macro_set(name, text, 0) == -1)
		conf_error(p, "\"%s\" is no name for a macro", name);
}

void
set_domain(const struct place *p, struct global_domain *d, const char *s)
{
	const char *why;
	size_t where;

	if (global_domain_parse(s, d, &where, &why) == -1)
		conf_error(p, "domain \"%.200s\": character %zu: %s", s,
		    where + 1, why);
}

void
set_selector(const struct place *p, struct selector *sel, int max,
    const char *s)
{
	size_t n = strlen(s), i;
	unsigned v;

	if (strncmp(s, "0x", 2) == 0) {
		if (n % 2 != 0 || n < 4 || (n - 2) / 2 > (size_t)max) {
			conf_error(p, "selector \"%.80s\": an even number of "
			    "hexadecimal digits, at most %d, was expected", s,
			    2 * max);
			return;
		}
		for (i = 0; i < (n - 2) / 2; i++) {
			if (!isxdigit((unsigned char)s[2 + 2 * i]) ||
			    !isxdigit((unsigned char)s[3 + 2 * i])) {
				conf_error(p, "selector \"%.80s\": "
				    "hexadecimal digits were expected", s);
				return;
			}
			sscanf(s + 2 + 2 * i, "%2x", &v);
			sel->octets[i] = v;
		}
		sel->len = (n - 2) / 2;
		return;
	}
	if (n == 0 || n > (size_t)max) {
		conf_error(p, "selector \"%.80s\": 1 to %d characters were "
		    "expected", s, max);
		return;
	}
	sel->len = n;
	memcpy(sel->octets, s, n);
}

void
set_title(const struct place *p, struct ae_title *t, const char *ap,
    const struct place *pq, const char *ae)
{
	const char *why;

	if (ap_title_parse(ap, t->ap, &t->ap_len, &why) == -1)
		conf_error(p, "ap-title \"%.200s\": %s", ap, why);
	if (ae != NULL && ae_qualifier_parse(ae, t->ae, &t->ae_len,
	    &why) == -1)
		conf_error(pq, "ae-qualifier \"%.80s\": %s", ae, why);
}

void
set_credentials(struct credentials *c, const struct place *pn,
    const char *name, const struct place *pp, const char *password)
{
	set_ia5(pn, c->name, sizeof(c->name), "name", name, 1);
	set_ia5(pp, c->password, sizeof(c->password), "password", password,
	    1);
}

void
set_mta(const struct place *p, const struct place *pn, const char *name,
    const struct place *pd, const char *domain, const struct place *pp,
    const char *password)
{
	struct mta_conf *m = &conf_now->mta;

	if (conf_now->has_mta) {
		conf_error(p, "a second mta statement");
		return;
	}
	conf_now->has_mta = 1;
	set_ia5(pn, m->name, sizeof(m->name), "mta name", name, 0);
	set_domain(pd, &m->domain, domain);
	if (password != NULL)
		set_ia5(pp, m->password, sizeof(m->password), "password",
		    password, 1);
}

/* Statements */

static void
listen_at(const struct place *p, const struct addrinfo *ai,
    const struct selector *tsel, const struct listen_tls *tls,
    const char *host, unsigned port)
{
	struct conf_listen *l, *other;

	TAILQ_FOREACH(other, &conf_now->listeners, entry)
		if (other->ss_len == ai->ai_addrlen && memcmp(&other->ss,
		    ai->ai_addr, ai->ai_addrlen) == 0) {
			conf_error(p, "listen on %s port %u: said before",
			    host, port);
			return;
		}
	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatalx("out of memory");
	l->fd = -1;
	l->listen.tsel = *tsel;
	l->listen.tls = tls->mode;
	l->listen.tls_verify = tls->verify;
	l->listen.tls_certificate = tls->certificate;
	l->listen.tls_ca = tls->ca;
	memcpy(&l->ss, ai->ai_addr, ai->ai_addrlen);
	l->ss_len = ai->ai_addrlen;
	snprintf(l->listen.address, sizeof(l->listen.address),
	    "%.46s port %u", host, port);
	TAILQ_INSERT_TAIL(&conf_now->listeners, l, entry);
}

void
add_listen(const struct place *p, const char *host, uint64_t port,
    const struct place *pt, const char *tsel, const struct listen_tls *tls)
{
	struct addrinfo hints, *res, *ai;
	struct selector sel;
	char serv[24], name[NI_MAXHOST];
	int e, any = strcmp(host, "*") == 0;

	memset(&sel, 0, sizeof(sel));
	if (tsel != NULL)
		set_selector(pt, &sel, TSEL_MAX, tsel);
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
	snprintf(serv, sizeof(serv), "%llu", (unsigned long long)port);
	if ((e = getaddrinfo(any ? NULL : host, serv, &hints, &res)) != 0) {
		conf_error(p, "listen on \"%.80s\": a numeric IPv4 or IPv6 "
		    "address or * was expected", host);
		return;
	}
	for (ai = res; ai != NULL; ai = ai->ai_next)
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, name,
		    sizeof(name), NULL, 0, NI_NUMERICHOST) == 0)
			listen_at(p, ai, &sel, tls, name, port);
	freeaddrinfo(res);
}

struct conf_peer *
new_peer(const struct place *p, const char *name)
{
	struct conf_peer *n, *other;

	TAILQ_FOREACH(other, &conf_now->peers, entry)
		if (strcmp(other->peer.name, name) == 0)
			conf_error(p, "peer \"%.64s\": there is one of this "
			    "name in %s", name, line_from(p, other->at.file,
			    other->at.line));
	if ((n = calloc(1, sizeof(*n))) == NULL)
		fatalx("out of memory");
	n->peer = conf_now->defaults;
	set_ia5(p, n->peer.name, sizeof(n->peer.name), "peer name", name, 0);
	n->at.file = p->file;
	n->at.line = p->line;
	n->at.column = p->column;
	/* Defaults: mtad.conf(5). */
	n->peer.mode = MODE_NORMAL;
	n->peer.recover = 1;
	n->peer.tpdu_size = TPDU_SIZE_MAX;
	n->peer.checkpoint = 30;
	n->peer.window = 5;
	n->peer.safe_store = 1;
	n->peer.recovery_delay = 60;
	n->peer.recovery_timeout = 600;
	n->peer.recovery_keep = 3600;
	n->peer.no_recovery_memory = 3600;
	n->peer.open_timeout = 60;
	n->peer.transfer_timeout = 600;
	n->peer.idle = 300;
	n->peer.max_associations = 10;
	n->peer.reserved_urgent = UINT32_MAX;
	TAILQ_INIT(&n->policies);
	TAILQ_INSERT_TAIL(&conf_now->peers, n, entry);
	return (n);
}

void
end_peer(struct conf_peer *n)
{
	if (n->peer.reserved_urgent == UINT32_MAX)
		n->peer.reserved_urgent = n->peer.max_associations > 1;
}

void
add_address(struct conf_peer *n, const struct place *p, const char *host,
    uint64_t port, const struct conf_selectors *sel)
{
	struct conf_address *a;
	uint16_t i = n->peer.naddress;

	if (n->peer.naddress == PEER_ADDRESSES_MAX) {
		conf_error(p, "more than %d addresses", PEER_ADDRESSES_MAX);
		return;
	}
	a = &n->address[n->peer.naddress];
	set_string(p, a->host, sizeof(a->host), "address", host);
	snprintf(a->port, sizeof(a->port), "%u", (unsigned)port);
	n->peer.remote_tsel[i] = sel->tsel;
	n->peer.remote_ssel[i] = sel->ssel;
	n->peer.remote_psel[i] = sel->psel;
	n->peer.naddress++;
}

void
set_tls(struct conf_peer *n, int mode, const struct place *p)
{
	n->tls.mode = mode;
	n->set |= CONF_SET_TLS;
	n->tls_at.file = p->file;
	n->tls_at.line = p->line;
	n->tls_at.column = p->column;
}

void
set_remote_tls(struct conf_peer *n, int required, const struct place *p)
{
	n->tls.remote = required;
	n->set |= CONF_SET_REMOTE_TLS;
	n->remote_tls_at.file = p->file;
	n->remote_tls_at.line = p->line;
	n->remote_tls_at.column = p->column;
}

/* An address that is parsed and printed again. */
static void
set_address(const struct place *p, char *to, size_t size, const char *s,
    int (*parse)(struct message *, struct or_address *, const char *,
    size_t *, const char **))
{
	struct message *m;
	struct or_address a;
	const char *why;
	size_t where;

	if ((m = message_new()) == NULL)
		fatalx("out of memory");
	if (parse(m, &a, s, &where, &why) == -1)
		conf_error(p, "address \"%.200s\": character %zu: %s", s,
		    where + 1, why);
	else if ((size_t)or_address_print(&a, to, size, 0) >= size)
		conf_error(p, "address \"%.80s...\": too long", s);
	message_free(m);
}

void
set_prefix(const struct place *p, char *to, size_t size, const char *s)
{
	set_address(p, to, size, s, or_address_parse);
}

/* The same with patterns in it. */
void
set_subtree(const struct place *p, char *to, const char *s)
{
	set_address(p, to, OR_TEXT_MAX, s, or_prefix_parse);
}

static int
prefix_cmp(struct conf_prefix *a, struct conf_prefix *b)
{
	return (strcasecmp(a->prefix, b->prefix));
}

RB_PROTOTYPE(conf_prefixes, conf_prefix, entry, prefix_cmp)
RB_GENERATE(conf_prefixes, conf_prefix, entry, prefix_cmp)

/* prefix stays where it is as long as the configuration. */
void
check_prefix_new(const struct place *p, const char *prefix, const char *what)
{
	struct conf_prefix *n, *old;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		fatalx("out of memory");
	n->prefix = prefix;
	n->what = what;
	n->line = p->line;
	if ((old = RB_INSERT(conf_prefixes, &conf_now->prefixes, n)) == NULL)
		return;
	conf_error(p, "%s %s line %u already", prefix, old->what, old->line);
	free(n);
}

static struct conf_via vias[ROUTE_VIAS_MAX];
static struct route_via via_numbers[ROUTE_VIAS_MAX];
static unsigned nvias;

void
begin_route(void)
{
	nvias = 0;
}

void
add_via(const struct place *p, const char *name, uint32_t cost,
    uint32_t weight)
{
	struct conf_via *v = &vias[nvias];
	struct route_via *n = &via_numbers[nvias];
	unsigned i;

	if (nvias == ROUTE_VIAS_MAX) {
		conf_error(p, "more than %d peers of a route",
		    ROUTE_VIAS_MAX);
		return;
	}
	memset(v, 0, sizeof(*v));
	memset(n, 0, sizeof(*n));
	set_string(p, v->peer, sizeof(v->peer), "peer", name);
	for (i = 0; i < nvias; i++)
		if (strcmp(vias[i].peer, v->peer) == 0)
			conf_error(p, "via \"%s\": said before", v->peer);
	v->at.file = p->file;
	v->at.line = p->line;
	v->at.column = p->column;
	n->cost = cost != NO_COST ? cost : nvias == 0 ? 0 :
	    via_numbers[nvias - 1].cost + 1;
	n->weight = weight;
	nvias++;
}

void
add_route(const struct place *p, const char *prefix)
{
	struct conf_route *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatalx("out of memory");
	set_subtree(p, r->route.prefix, prefix);
	check_prefix_new(p, r->route.prefix, "has a route in");
	r->route.nvia = nvias;
	memcpy(r->via, vias, sizeof(r->via));
	memcpy(r->route.via, via_numbers, sizeof(r->route.via));
	TAILQ_INSERT_TAIL(&conf_now->routes, r, entry);
}

void
add_complete(const struct place *p, const char *prefix,
    const struct place *pa, const char *alternate)
{
	struct conf_route *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatalx("out of memory");
	set_subtree(p, r->route.prefix, prefix);
	check_prefix_new(p, r->route.prefix, "is complete by");
	r->route.complete = 1;
	if (alternate != NULL)
		set_whole(pa, r->route.alternate,
		    sizeof(r->route.alternate), alternate);
	TAILQ_INSERT_TAIL(&conf_now->routes, r, entry);
}

/* What comes after a peer would not be for that one: better said so. */
struct peer_conf *
ladder_of(struct conf_peer *n, const struct place *p)
{
	if (n != NULL)
		return (&n->peer);
	if (!TAILQ_EMPTY(&conf_now->peers))
		conf_error(p, "what is for all peers was expected before the "
		    "first of them");
	return (&conf_now->defaults);
}

void
set_retry(struct conf_peer *n, int rank, const struct place *pf,
    uint64_t first, const struct place *pl, uint64_t longest)
{
	struct peer_conf *c = ladder_of(n, pf);
	uint32_t min = 1, max = 1;
	int i;

	set_number(pf, &min, first, 1, 86400, "retry");
	set_number(pl, &max, longest, 1, 86400, "retry");
	if (longest < first)
		conf_error(pl, "retry: the longest delay is shorter than the "
		    "first");
	for (i = 0; i < 3; i++)
		if (rank == ALL_RANKS || rank == i) {
			c->retry_min[i] = min;
			c->retry_max[i] = max;
		}
}

void
set_threshold(struct conf_peer *n, const struct place *p, int rank,
    uint64_t v)
{
	set_number(p, &ladder_of(n, p)->threshold[rank], v, 1, 1000000,
	    rank == 0 ? "threshold urgent" : "threshold");
}

void
set_oldest(struct conf_peer *n, const struct place *p, int rank, uint64_t v)
{
	struct peer_conf *c = ladder_of(n, p);
	uint32_t s = 0;
	int i;

	set_number(p, &s, v, 0, 86400, "threshold oldest");
	for (i = 0; i < 3; i++)
		if (rank == ALL_RANKS || rank == i)
			c->threshold_oldest[i] = s;
}

void
set_expire(struct conf_peer *n, const struct place *p, int rank,
    uint64_t v)
{
	struct peer_conf *c = ladder_of(n, p);

	set_number(p, &c->expire[rank], v, 0, 45 * 86400, "expire");
	if (n == NULL)
		conf_now->mta.expire[rank] = c->expire[rank];
}

void
add_deliver(const struct place *p, const char *prefix,
    const struct place *pd, const char *directory)
{
	struct conf_deliver *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		fatalx("out of memory");
	set_subtree(p, d->deliver.prefix, prefix);
	check_prefix_new(p, d->deliver.prefix, "is delivered by");
	set_path(pd, d->deliver.directory, sizeof(d->deliver.directory),
	    directory);
	d->at.file = pd->file;
	d->at.line = pd->line;
	d->at.column = pd->column;
	TAILQ_INSERT_TAIL(&conf_now->delivers, d, entry);
}

/* Of the ladder: mtad.conf(5). */
static void
set_defaults(struct conf *c)
{
	static const uint32_t expire[3] = { 4 * 3600, 24 * 3600, 36 * 3600 };
	int i;

	for (i = 0; i < 3; i++) {
		c->defaults.retry_min[i] = 60;
		c->defaults.retry_max[i] = 600;
		c->defaults.threshold_oldest[i] = 300;
	}
	c->defaults.threshold[0] = 3;
	c->defaults.threshold[1] = 50;
	c->defaults.threshold[2] = 50;
	c->defaults.alternate_failures = 3;
	c->defaults.attempts = 10;
	memcpy(c->defaults.expire, expire, sizeof(expire));
	memcpy(c->mta.expire, expire, sizeof(expire));
}

static struct conf *
conf_new(void)
{
	struct conf *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatalx("out of memory");
	TAILQ_INIT(&c->peers);
	TAILQ_INIT(&c->listeners);
	TAILQ_INIT(&c->routes);
	TAILQ_INIT(&c->delivers);
	TAILQ_INIT(&c->commands);
	TAILQ_INIT(&c->redirects);
	TAILQ_INIT(&c->policies);
	TAILQ_INIT(&c->lists);
	TAILQ_INIT(&c->pems);
	TAILQ_INIT(&c->metrics);
	strlcpy(c->spool, SPOOL_DIR, sizeof(c->spool));
	strlcpy(c->control, RUN_DIR "/mtad.sock", sizeof(c->control));
	c->mta.max_associations = 500;
	c->mta.connections_per_address = 200;
	c->mta.half_open = 500;
	c->mta.half_open_time = 30;
	c->mta.association_memory = 64 * 1024 * 1024;
	c->mta.loop_limit = 3;
	c->mta.hop_limit = 50;
	c->mta.return_max = 1024 * 1024;
	c->mta.min_free = 64 * 1024 * 1024;
	c->mta.poison_after = 3;
	c->mta.audit_keep = 30 * 86400;
	strlcpy(c->mta.audit, "audit", sizeof(c->mta.audit));
	RB_INIT(&c->prefixes);
	set_defaults(c);
	return (c);
}

static struct conf *
run(void)
{
	struct conf *c;

	if (parse_run() != 0 && conf_errors == 0)
		conf_error(NULL, "out of memory");
	if (conf_errors == 0)
		check_whole();
	if (conf_errors > ERRORS_MAX)
		log_warnx(EVT_CONFIG_ERROR, ": %u more errors", conf_errors -
		    ERRORS_MAX);
	lex_end();
	c = conf_now;
	conf_now = NULL;
	if (conf_errors > 0) {
		conf_free(c);
		return (NULL);
	}
	return (c);
}

struct conf *
conf_parse(const char *file)
{
	conf_now = conf_new();
	conf_errors = 0;
	conf_includes = 1;
	if (lex_file(file) == -1) {
		lex_end();
		conf_free(conf_now);
		conf_now = NULL;
		return (NULL);
	}
	return (run());
}

struct conf *
conf_parse_text(const char *name, const char *text, size_t len)
{
	conf_now = conf_new();
	conf_errors = 0;
	conf_includes = 0;
	lex_text(name, text, len);
	return (run());
}

int
conf_define(const char *s)
{
	char name[64];
	const char *eq;

	if ((eq = strchr(s, '=')) == NULL || eq == s ||
	    (size_t)(eq - s) >= sizeof(name))
		return (-1);
	memcpy(name, s, eq - s);
	name[eq - s] = '\0';
	return (macro_set(name, eq + 1, 1));
}

#define FREE_ALL(head, type) do {					\
	struct type *e_;						\
									\
	while ((e_ = TAILQ_FIRST(head)) != NULL) {			\
		TAILQ_REMOVE(head, e_, entry);				\
		explicit_bzero(e_, sizeof(*e_));			\
		free(e_);						\
	}								\
} while (0)

void
conf_free(struct conf *c)
{
	struct conf_prefix *x;
	struct conf_pem *e;
	struct conf_peer *p;
	struct conf_list *l;

	if (c == NULL)
		return;
	while ((x = RB_ROOT(&c->prefixes)) != NULL) {
		RB_REMOVE(conf_prefixes, &c->prefixes, x);
		free(x);
	}
	while ((e = TAILQ_FIRST(&c->pems)) != NULL) {
		TAILQ_REMOVE(&c->pems, e, entry);
		pem_free(e);
	}
	TAILQ_FOREACH(p, &c->peers, entry)
		FREE_ALL(&p->policies, conf_policy);
	FREE_ALL(&c->peers, conf_peer);
	FREE_ALL(&c->listeners, conf_listen);
	FREE_ALL(&c->routes, conf_route);
	FREE_ALL(&c->delivers, conf_deliver);
	FREE_ALL(&c->commands, conf_command);
	FREE_ALL(&c->redirects, conf_redirect);
	FREE_ALL(&c->policies, conf_policy);
	FREE_ALL(&c->metrics, conf_metrics);
	while ((l = TAILQ_FIRST(&c->lists)) != NULL) {
		TAILQ_REMOVE(&c->lists, l, entry);
		list_free(l);
	}
	explicit_bzero(c, sizeof(*c));
	free(c);
}
