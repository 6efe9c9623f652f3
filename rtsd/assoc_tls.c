/* SPDX-License-Identifier: ISC */

/*
 * TLS of an association: on which connections, its handshake, what follows
 * when that fails, and what a peer that calls has to have shown by the time
 * its PConnect is there.
 *
 * A handshake of ours that fails is a connection that never was: the next
 * address is tried, the messages stay queued.  Where TLS is opportunistic
 * and the peer did not want it, the same address is tried without, and for
 * TLS_MEMORY nothing else.  A certificate that does not pass our checks is no
 * reason for that.
 */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imsg.h"
#include "log.h"
#include "rtsd.h"

#define TPKT_FIRST	0x03	/* RFC 1006: vrsn */
#define PLAIN_MAX	1024	/* addresses that are remembered */

/* An address that had to be called without TLS. */
struct plain {
	TAILQ_ENTRY(plain)	 entry;
	uint32_t		 peer, address;
	uint64_t		 until;		/* ms */
};
static TAILQ_HEAD(plains, plain) plains = TAILQ_HEAD_INITIALIZER(plains);
static unsigned nplains;

static void
plain_forget(struct plain *p)
{
	TAILQ_REMOVE(&plains, p, entry);
	nplains--;
	free(p);
}

static int
plain_known(const struct assoc *a)
{
	struct plain *p, *next;
	uint64_t now = now_ms();

	TAILQ_FOREACH_SAFE(p, &plains, entry, next) {
		if (now >= p->until)
			plain_forget(p);
		else if (p->peer == a->peer.id &&
		    p->address == a->address_index)
			return (1);
	}
	return (0);
}

static void
plain_remember(const struct assoc *a)
{
	struct plain *p;

	if (nplains >= PLAIN_MAX)
		plain_forget(TAILQ_FIRST(&plains));
	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatalx("out of memory");
	p->peer = a->peer.id;
	p->address = a->address_index;
	p->until = now_ms() + TLS_MEMORY * 1000;
	TAILQ_INSERT_TAIL(&plains, p, entry);
	nplains++;
}

void
assoc_tls_forget(void)
{
	struct plain *p;

	while ((p = TAILQ_FIRST(&plains)) != NULL)
		plain_forget(p);
}

int
assoc_tls_connected(struct assoc *a, const char **why)
{
	const struct peer_tls *pt = peer_tls(a->peer.id);

	if (pt == NULL && peer_by_id(a->peer.id) == NULL) {
		*why = "the peer is no longer in the configuration";
		return (-1);
	}
	if (pt == NULL || pt->ctx == NULL || (pt->conf.mode == TLS_OPTIONAL &&
	    (a->ping ? a->ping_plain : plain_known(a))))
		return (0);
	a->tls = tls_new(pt->ctx, a->fd, pt->conf.name[a->address_index],
	    assoc_tls_handshake, a);
	if (a->tls == NULL) {
		*why = "TLS: out of memory";
		return (-1);
	}
	return (0);
}

int
assoc_tls_accepted(struct assoc *a, struct tls_ctx *ctx, int optional)
{
	a->tls_unsure = optional;
	a->tls = tls_new(ctx, a->fd, NULL, assoc_tls_handshake, a);
	return (a->tls == NULL ? -1 : 0);
}

int
assoc_tls_tell(struct assoc *a)
{
	uint8_t first;
	ssize_t n;

	n = recv(a->fd, &first, 1, MSG_PEEK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return (0);
	a->tls_unsure = 0;
	/* Not even one octet: there is nothing to be told apart any more. */
	if (n != 1 || first == TPKT_FIRST) {
		tls_free(a->tls);
		a->tls = NULL;
	}
	return (1);
}

/* The handshake of a connection that we had asked for came to nothing. */
static void
call_failed(struct assoc *a, const char *words, int refused)
{
	const struct peer_tls *pt = peer_tls(a->peer.id);
	char why[512];

	strlcpy(why, words, sizeof(why));
	if (a->ping) {
		ping_tls_failed(a, why, refused);
		return;
	}
	assoc_detach(a);
	if (refused && pt != NULL && pt->conf.mode == TLS_OPTIONAL) {
		log_warnx(EVT_TLS_WITHOUT, "%s seconds=%d: %s; called without "
		    "TLS meanwhile", assoc_name(a), TLS_MEMORY, why);
		plain_remember(a);
		assoc_connect(a);
		return;
	}
	a->phase = ASSOC_CONNECTING;
	assoc_connect_failed(a, why);
}

static void
failed(struct assoc *a)
{
	if (a->initiator) {
		call_failed(a, tls_why(a->tls), tls_refused(a->tls));
		return;
	}
	assoc_over(a, DOWN_TRANSPORT_LOST, 0, tls_why(a->tls));
	assoc_flush(a);
}

/* The next step of it, whatever it was that made one possible. */
void
assoc_tls_handshake(void *arg)
{
	struct assoc *a = arg;
	enum tls_status status;
	char text[TLS_TEXT_MAX];

	if (a->phase == ASSOC_GONE)
		return;
	status = tls_handshake(a->tls);
	if (status == TLS_FAILED) {
		failed(a);
		return;
	}
	a->tls_wait = status == TLS_WANT_WRITE ||
	    status == TLS_WANT_SIGNATURE;
	if (status == TLS_WANT_WRITE)
		assoc_want_write(a);
	assoc_update_reading(a);
	if (status != TLS_DONE)
		return;
	a->tls_up = 1;
	log_debug("%s: %s", assoc_name(a), tls_text(a->tls, text,
	    sizeof(text)));
	if (a->ping)
		ping_tls_up(a);
	if (a->initiator)
		assoc_call(a);
}

/*
 * In TLS 1.3 our side of the handshake is over before the server says what
 * it thinks of our certificate, or that it wants one.
 */
int
assoc_tls_is_lost(const struct assoc *a)
{
	return (a->initiator && !a->t_up && a->phase == ASSOC_TRANSPORT &&
	    a->tls != NULL && tls_why(a->tls)[0] != '\0');
}

int
assoc_tls_lost(struct assoc *a)
{
	if (!assoc_tls_is_lost(a))
		return (0);
	call_failed(a, tls_why(a->tls), tls_refused(a->tls));
	return (1);
}

int
assoc_tls_tick(struct assoc *a, uint64_t now)
{
	const struct peer_tls *pt;
	uint64_t limit;

	if (a->tls == NULL || a->tls_up || a->tls_unsure)
		return (0);
	limit = 30;
	if (a->initiator) {
		limit = a->peer.open_timeout;
		pt = peer_tls(a->peer.id);
		if (pt != NULL && pt->conf.mode == TLS_OPTIONAL &&
		    limit > TLS_TRY)
			limit = TLS_TRY;
	}
	if (now - a->phase_since <= limit * 1000)
		return (0);
	if (a->initiator) {
		call_failed(a, "TLS handshake: not finished in time", 1);
		return (1);
	}
	assoc_over(a, DOWN_TIMEOUT, 0, "TLS handshake: not finished in time");
	assoc_flush(a);
	return (1);
}

const char *
assoc_tls_refusal(struct assoc *a, uint32_t peer)
{
	static char why[512];
	const struct peer_tls *pt = peer_tls(peer);
	char subject[192];
	const char *name;

	if (pt == NULL || !pt->conf.remote)
		return (NULL);
	if (a->tls == NULL)
		return ("TLS is required of this peer, and it called without");
	name = pt->conf.remote_name;
	if (name[0] == '\0' || tls_peer_named(a->tls, name, subject,
	    sizeof(subject)))
		return (NULL);
	if (subject[0] == '\0')
		snprintf(why, sizeof(why), "TLS: it shows no certificate, one "
		    "for \"%s\" is required", name);
	else
		snprintf(why, sizeof(why), "TLS: its certificate \"%s\" is not "
		    "for \"%s\"", subject, name);
	return (why);
}
