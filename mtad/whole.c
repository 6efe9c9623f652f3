/* SPDX-License-Identifier: ISC */

/*
 * What can be checked only when all of mtad.conf has been read: what options
 * mean together, what names stand for.
 */

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse_int.h"

#define SAID_MAX	96	/* more than a block has options */

struct said {
	const char	*what;
	int		 rank;
	struct place	 at;
};

static struct said	block[SAID_MAX], ever[4];
static size_t		nblock, n_ever;
static int		in_block;

static void
once(struct said *said, size_t *n, size_t max, const struct place *p,
    const char *what, int rank)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (said[i].rank == rank && strcmp(said[i].what, what) == 0) {
			conf_error(p, "%s: it was given in %s already", what,
			    line_from(p, said[i].at.file, said[i].at.line));
			return;
		}
	if (*n == max)
		return;
	said[*n].what = what;
	said[*n].rank = rank;
	said[(*n)++].at = *p;
}

void
conf_once_rank(const struct place *p, const char *what, int rank)
{
	if (in_block)
		once(block, &nblock, SAID_MAX, p, what, rank);
}

void
conf_once(const struct place *p, const char *what)
{
	conf_once_rank(p, what, ALL_RANKS);
}

void
conf_once_ever(const struct place *p, const char *what)
{
	once(ever, &n_ever, sizeof(ever) / sizeof(ever[0]), p, what,
	    ALL_RANKS);
}

void
conf_once_in(int begins)
{
	in_block = begins;
	nblock = 0;
}

void
conf_once_init(void)
{
	conf_once_in(0);
	n_ever = 0;
}

static struct place
place_of(const struct conf_place *at)
{
	struct place p = { at->file, at->line, at->column };

	return (p);
}

/* A check that was asked for and cannot be made is a mistake. */
static void
finish_tls(struct conf_peer *n)
{
	struct tls_peer_conf *t = &n->tls;
	const struct conf_listen *l;
	struct place at = place_of(&n->at);
	const char *name = n->peer.name;
	int i, tls = 0, ca = 0;

	if (!(n->set & CONF_SET_TLS) && (t->ca != 0 || t->certificate != 0 ||
	    n->tls_name[0] != '\0'))
		conf_error(&at, "peer \"%s\": \"tls yes\" or \"tls "
		    "opportunistic\" was expected beside tls ca, name or "
		    "certificate", name);
	if (n->set & CONF_SET_TLS)
		at = place_of(&n->tls_at);
	if (t->ca == 0 && (t->mode == TLS_YES || (t->mode == TLS_OPTIONAL &&
	    n->tls_name[0] != '\0')))
		conf_error(&at, "peer \"%s\": tls ca \"FILE\" was expected, "
		    "to check its certificate with", name);
	for (i = 0; i < n->peer.naddress; i++)
		strlcpy(t->name[i], n->tls_name[0] != '\0' ? n->tls_name :
		    n->address[i].host, sizeof(t->name[i]));
	if (!(n->set & CONF_SET_REMOTE_TLS)) {
		t->remote = t->mode == TLS_YES;
		return;
	}
	TAILQ_FOREACH(l, &conf_now->listeners, entry) {
		tls |= l->listen.tls != TLS_NO;
		ca |= l->listen.tls_ca != 0;
	}
	at = place_of(&n->remote_tls_at);
	if (t->remote && !tls)
		conf_error(&at, "peer \"%s\": remote tls: a listen statement "
		    "with tls was expected", name);
	else if (t->remote_name[0] != '\0' && !ca)
		conf_error(&at, "peer \"%s\": remote tls name: a listen "
		    "statement with tls and ca was expected, which asks for "
		    "a certificate", name);
}

/* What only presentation and association control have a place for. */
static int
has_upper_address(const struct peer_conf *p)
{
	int i;

	for (i = 0; i < p->naddress; i++)
		if (p->remote_ssel[i].len > 0 || p->remote_psel[i].len > 0)
			return (1);
	return (p->local_ssel.len > 0 || p->local_psel.len > 0 ||
	    p->local_title.ap_len > 0 || p->remote_title.ap_len > 0);
}

/* Who says that there is none has agreed upon it. */
static void
check_password(const struct conf_peer *n)
{
	struct place at = place_of(&n->at);

	if (n->set & CONF_SET_REMOTE || TAILQ_EMPTY(&conf_now->listeners) ||
	    (n->tls.remote && n->tls.remote_name[0] != '\0'))
		return;
	conf_warning(&at, "peer \"%s\": whoever calls and says that it is "
	    "\"%s\" is taken for it: remote name \"..\" password \"..\" was "
	    "expected (password \"\" where none is agreed upon)",
	    n->peer.name, n->peer.remote.name);
}

static void
finish_peer(struct conf_peer *n)
{
	struct peer_conf *p = &n->peer;
	struct place place = place_of(&n->at);
	const struct mta_conf *m = &conf_now->mta;

	if (!(n->set & CONF_SET_LOCAL)) {
		strlcpy(p->local.name, m->name, sizeof(p->local.name));
		strlcpy(p->local.password, m->password,
		    sizeof(p->local.password));
	}
	if (!(n->set & CONF_SET_LOCAL_RSP))
		p->local_response = p->local;
	if (!(n->set & CONF_SET_REMOTE))
		strlcpy(p->remote.name, p->name, sizeof(p->remote.name));
	if (!(n->set & CONF_SET_REMOTE_RSP))
		p->remote_response = p->remote;
	if (p->mode != MODE_NORMAL && has_upper_address(p))
		conf_error(&place, "peer \"%s\": ssel, psel and ap-title "
		    "belong to mode normal: without them, or mode normal, "
		    "was expected", p->name);
	if (p->reserved_urgent >= p->max_associations &&
	    p->reserved_urgent != 0)
		conf_error(&place, "peer \"%s\": reserve %u leaves none of "
		    "%u associations to other messages", p->name,
		    p->reserved_urgent, p->max_associations);
	if (p->recovery_timeout < p->recovery_delay)
		conf_error(&place, "peer \"%s\": recovery timeout %u s is "
		    "shorter than its delay of %u s", p->name,
		    p->recovery_timeout, p->recovery_delay);
	finish_tls(n);
	check_password(n);
}

static void
finish_via(const struct conf_via *v)
{
	struct place place = place_of(&v->at);
	struct conf_peer *a;

	TAILQ_FOREACH(a, &conf_now->peers, entry)
		if (strcmp(a->peer.name, v->peer) == 0)
			break;
	if (a == NULL)
		conf_error(&place, "route via \"%s\": no such peer", v->peer);
	else if (a->peer.naddress == 0 && a->peer.dialogue ==
	    DIALOGUE_MONOLOGUE)
		conf_warning(&place, "route via \"%s\": nothing can be sent "
		    "to it: it has no address to be called at, and when it "
		    "calls, a monologue is its own (address, or dialogue twa, "
		    "was expected in %s)", v->peer, line_from(&place,
		    a->at.file, a->at.line));
}

/*
 * Where an absolute path leads: links are followed as far as it is there, and
 * the rest, which mtad would make, is taken by its names.
 */
static void
plain_path(const char *path, char real[PATH_MAX])
{
	char begin[PATH_MAX], *slash;
	const char *rest, *end;
	size_t len;

	strlcpy(begin, path, sizeof(begin));
	while (realpath(begin, real) == NULL) {
		if ((slash = strrchr(begin, '/')) == begin &&
		    begin[1] == '\0') {
			strlcpy(real, "/", PATH_MAX);
			break;
		}
		slash[slash == begin] = '\0';
	}
	for (rest = path + strlen(begin); *rest != '\0'; rest = end) {
		rest += strspn(rest, "/");
		end = rest + (len = strcspn(rest, "/"));
		if (len == 0 || (len == 1 && rest[0] == '.'))
			continue;
		if (len == 2 && strncmp(rest, "..", 2) == 0) {
			slash = strrchr(real, '/');
			slash[slash == real] = '\0';
			continue;
		}
		if (real[1] != '\0')
			strlcat(real, "/", PATH_MAX);
		snprintf(real + strlen(real), PATH_MAX - strlen(real), "%.*s",
		    (int)len, rest);
	}
}

static int
is_inside(const char *path, const char *dir)
{
	char p[PATH_MAX], d[PATH_MAX];
	size_t len;

	if (path[0] != '/' || dir[0] != '/')
		return (0);
	plain_path(path, p);
	plain_path(dir, d);
	len = strlen(d);
	return (len > 1 && strncmp(p, d, len) == 0 && (p[len] == '\0' ||
	    p[len] == '/'));
}

static void
finish_deliver(const struct conf_deliver *d)
{
	const char *dir = d->deliver.directory;
	struct place at = place_of(&d->at);
	struct stat st;

	if (is_inside(dir, conf_now->spool))
		conf_error(&at, "directory \"%s\": one outside of the spool "
		    "\"%s\" was expected", dir, conf_now->spool);
	else if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
		conf_error(&at, "\"%s\": a directory was expected", dir);
}

void
check_whole(void)
{
	struct conf_peer *a, *b;
	struct conf_deliver *d;
	struct conf_route *r;
	struct place at = lex_place();
	unsigned i;

	if (!conf_now->has_mta) {
		conf_error(&at, "no mta statement: mta \"NAME\" domain "
		    "\"/C=../ADMD=../PRMD=..\" was expected");
		return;
	}
	TAILQ_FOREACH(a, &conf_now->peers, entry)
		finish_peer(a);
	TAILQ_FOREACH(a, &conf_now->peers, entry)
		for (b = TAILQ_NEXT(a, entry); b != NULL;
		    b = TAILQ_NEXT(b, entry))
			if (strcmp(a->peer.remote.name,
			    b->peer.remote.name) == 0 &&
			    strcmp(a->peer.remote.password,
			    b->peer.remote.password) == 0) {
				at = place_of(&b->at);
				conf_error(&at, "peers \"%s\" and \"%s\" of "
				    "%s cannot be told apart: the same remote "
				    "name and password", b->peer.name,
				    a->peer.name, line_from(&at, a->at.file,
				    a->at.line));
			}
	TAILQ_FOREACH(r, &conf_now->routes, entry)
		for (i = 0; i < r->route.nvia; i++)
			finish_via(&r->via[i]);
	TAILQ_FOREACH(d, &conf_now->delivers, entry)
		finish_deliver(d);
}
