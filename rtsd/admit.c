/* SPDX-License-Identifier: ISC */

/*
 * Who is let in.  A connection is half-open until it has shown that it comes
 * from a peer of the configuration.  There is room for so many of them, and
 * for so many connections of one address; who comes when that is used up
 * takes the place of another half-open one: one that is over already, else
 * one of the address that has most, which of these has got least far, the
 * oldest of these.  So who floods takes his own places, and a peer that says
 * at once who it is goes through, be it behind the same address.
 *
 * Addresses that peers have in the configuration, or came from lately, keep
 * some places that nobody else takes from them.
 *
 * What half-open connections put into the log is limited too, for each
 * address and for all: the rest is counted.
 */

#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "rtsd.h"

#define SOURCES_MAX	4096	/* addresses that we keep something of */
#define KNOWN_TIME	(7 * 86400)	/* s that a peer's address is known */
#define RESERVED	8	/* half-open places of a known address */
#define WINDOW		60	/* s, for what is logged */
#define LINES_SOURCE	100	/* lines in that time, of one address */
#define LINES_ALL	200	/* and of all that are not known */
#define FILES_OTHER	64	/* descriptors that are no association's */

/* Family, then 4 octets of IPv4, or the first 8 of IPv6: a /64 is one. */
#define KEY_LEN		9

struct source {
	RB_ENTRY(source)	 entry;
	uint8_t			 key[KEY_LEN];
	unsigned		 connections;
	unsigned		 half_open;
	int			 configured;
	uint64_t		 peer_until;	/* ms, 0: no peer came */
	unsigned		 lines, unsaid;	/* of this window */
	char			 address[64];	/* the last of these */
};
RB_HEAD(sources, source);

static struct sources	 sources = RB_INITIALIZER(&sources);
static unsigned		 nsources;
static uint64_t		 swept;	/* ms */
static struct source	 rest;	/* all that there is no room for */
static TAILQ_HEAD(, assoc) half_open = TAILQ_HEAD_INITIALIZER(half_open);
static unsigned		 nhalf_open, places = 1;

/* The log */
static unsigned		 depth, before, muted;
static struct source	 others;	/* not known: lines, unsaid, address */
static uint64_t		 window_since;

static int
source_cmp(struct source *a, struct source *b)
{
	return (memcmp(a->key, b->key, sizeof(a->key)));
}

RB_PROTOTYPE(sources, source, entry, source_cmp)
RB_GENERATE(sources, source, entry, source_cmp)

static int
known(const struct source *s)
{
	return (s->configured || s->peer_until > now_ms());
}

/* What nobody needs any more is forgotten. */
static void
sweep(void)
{
	struct source *s, *next;

	swept = now_ms();
	RB_FOREACH_SAFE(s, sources, &sources, next) {
		if (s->connections > 0 || s->lines > 0 || s->unsaid > 0 ||
		    known(s))
			continue;
		RB_REMOVE(sources, &sources, s);
		nsources--;
		free(s);
	}
}

static struct source *
source_get(int family, const void *address)
{
	struct source key, *s;

	memset(&key, 0, sizeof(key));
	key.key[0] = family == AF_INET6 ? 6 : 4;
	memcpy(key.key + 1, address, family == AF_INET6 ? 8 : 4);
	if ((s = RB_FIND(sources, &sources, &key)) != NULL)
		return (s);
	if (nsources >= SOURCES_MAX && now_ms() - swept >= 1000)
		sweep();
	if (nsources >= SOURCES_MAX || (s = calloc(1, sizeof(*s))) == NULL)
		return (&rest);
	memcpy(s->key, key.key, sizeof(s->key));
	RB_INSERT(sources, &sources, s);
	nsources++;
	return (s);
}

static struct source *
source_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		return (source_get(AF_INET6, &((const struct sockaddr_in6 *)
		    (const void *)sa)->sin6_addr));
	if (sa->sa_family == AF_INET)
		return (source_get(AF_INET, &((const struct sockaddr_in *)
		    (const void *)sa)->sin_addr));
	return (&rest);
}

void
admit_configured(const struct source_conf *sc, size_t n)
{
	struct source *s;
	struct rlimit rl;
	size_t i;

	RB_FOREACH(s, sources, &sources)
		s->configured = 0;
	for (i = 0; i < n; i++) {
		s = source_get(sc[i].family, sc[i].address);
		if (s != &rest)
			s->configured = 1;
	}
	/* Descriptors of contents have to have room beside all of them. */
	places = mta()->half_open;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    rl.rlim_cur != RLIM_INFINITY && rl.rlim_cur > FILES_OTHER &&
	    (rl.rlim_cur - FILES_OTHER) / 4 < places) {
		places = (rl.rlim_cur - FILES_OTHER) / 4;
		log_warnx(EVT_LIMIT_LOWERED, "limit=half-open value=%u: there "
		    "are only %llu descriptors", places,
		    (unsigned long long)rl.rlim_cur);
	}
}

/* How far it has got. */
static int
rank(const struct assoc *a)
{
	if (a->phase == ASSOC_ASKED)
		return (3);
	return (a->t_up ? 2 : a->heard ? 1 : 0);
}

static int
sooner(const struct assoc *a, const struct assoc *b)
{
	if ((a->phase == ASSOC_GONE) != (b->phase == ASSOC_GONE))
		return (a->phase == ASSOC_GONE);
	if (a->source->half_open != b->source->half_open)
		return (a->source->half_open > b->source->half_open);
	return (rank(a) < rank(b));
}

/* Whose place another one may have; only: of that address. */
static struct assoc *
dispensable(const struct source *only)
{
	struct assoc *a, *found = NULL;

	/* the oldest come first */
	TAILQ_FOREACH(a, &half_open, half_open_entry) {
		if (only != NULL && a->source != only)
			continue;
		if (only == NULL && a->phase != ASSOC_GONE &&
		    a->source->half_open <= RESERVED && known(a->source))
			continue;
		if (found == NULL || sooner(a, found))
			found = a;
	}
	return (found);
}

int
admit_shed(void)
{
	struct assoc *a;

	if ((a = dispensable(NULL)) == NULL)
		return (-1);
	assoc_evict(a);
	return (0);
}

int
admit_enter(struct assoc *a, const struct sockaddr *sa, const char **why)
{
	struct source *s = source_of(sa);
	struct assoc *other;

	strlcpy(s->address, a->address, sizeof(s->address));
	a->source = s;
	s->connections++;
	if (s->connections > mta()->connections_per_address) {
		if ((other = dispensable(s)) == NULL) {
			*why = "too many connections from this address";
			return (-1);
		}
		assoc_evict(other);
	}
	if (nhalf_open >= places && admit_shed() == -1 && !known(s)) {
		*why = "too many connections that are half-open";
		return (-1);
	}
	a->is_half_open = 1;
	s->half_open++;
	nhalf_open++;
	TAILQ_INSERT_TAIL(&half_open, a, half_open_entry);
	return (0);
}

static void
not_half_open(struct assoc *a)
{
	if (!a->is_half_open)
		return;
	a->is_half_open = 0;
	a->source->half_open--;
	nhalf_open--;
	TAILQ_REMOVE(&half_open, a, half_open_entry);
}

/* "192.0.2.1 port 102", as mtad says where it has connected to. */
static struct source *
source_called(const char *address)
{
	char host[64];
	uint8_t octets[16];
	size_t n = strcspn(address, " ");

	if (n >= sizeof(host))
		return (&rest);
	memcpy(host, address, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, octets) == 1)
		return (source_get(AF_INET, octets));
	if (inet_pton(AF_INET6, host, octets) == 1)
		return (source_get(AF_INET6, octets));
	return (&rest);
}

void
admit_peer(struct assoc *a)
{
	struct source *s = a->source;

	if (s == NULL)
		s = source_called(a->address);
	else
		not_half_open(a);
	if (s != &rest)
		s->peer_until = now_ms() + KNOWN_TIME * 1000ULL;
}

void
admit_leave(struct assoc *a)
{
	if (a->source == NULL)
		return;
	not_half_open(a);
	a->source->connections--;
	a->source = NULL;
}

/* The log */

static int
used_up(const struct source *s)
{
	if (known(s))
		return (s->lines >= 2 * LINES_SOURCE);
	return (s->lines >= LINES_SOURCE || others.lines >= LINES_ALL);
}

/*
 * No connection comes in between, which is what lets sources go: this one is
 * there yet when its association no longer is.
 */
struct source *
admit_quiet(const struct assoc *a)
{
	if (a->source == NULL || a->has_peer)
		return (NULL);
	if (depth++ == 0) {
		strlcpy(a->source->address, a->address,
		    sizeof(a->source->address));
		before = log_lines();
		muted = used_up(a->source);
		if (muted)
			log_mute(1);
	}
	return (a->source);
}

void
admit_loud(struct source *s)
{
	unsigned n;

	if (s == NULL || --depth > 0)
		return;
	if (muted)
		log_mute(0);
	if ((n = log_lines() - before) == 0)
		return;
	if (muted)
		s->unsaid += n;
	else
		s->lines += n;
	if (known(s))
		return;
	if (muted)
		others.unsaid += n;
	else
		others.lines += n;
	strlcpy(others.address, s->address, sizeof(others.address));
}

static void
say_rest(struct source *s)
{
	if (s->unsaid > 0)
		log_info(EVT_LINES_OMITTED, "lines=%u seconds=%d "
		    "address=\"%s\": of connections that came to nothing",
		    s->unsaid, WINDOW, s->address);
	s->lines = s->unsaid = 0;
}

void
admit_tick(void)
{
	struct source *s;
	uint64_t now = now_ms();

	if (now - window_since < WINDOW * 1000)
		return;
	window_since = now;
	RB_FOREACH(s, sources, &sources)
		if (known(s))
			say_rest(s);
		else
			s->lines = s->unsaid = 0;
	rest.lines = rest.unsaid = 0;
	say_rest(&others);
	sweep();
}
