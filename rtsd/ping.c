/* SPDX-License-Identifier: ISC */

/*
 * A ping: an association to one address of a peer that carries nothing and is
 * released as soon as it is open.  spoold, which asked for it for the sake of
 * an operator, knows it under no other name and is told, layer by layer, what
 * was agreed on, or what went wrong and what that may mean.  No transfer, no
 * queue and no recovery has to do with it, and no failure of it counts.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imsg.h"
#include "log.h"
#include "rtsd.h"

#ifndef nitems
#define nitems(a)	(sizeof(a) / sizeof((a)[0]))
#endif

struct words {
	int		 value;
	const char	*text;
};

/* X.224 13.5.3 d). */
static const struct words dr_reasons[] = {
	{ 0, "reason not specified: is the called T-selector right, and does "
	    "it know our address?" },
	{ 1, "congestion at the TSAP: too many connections? try later" },
	{ 2, "no session entity attached to the TSAP: is the called "
	    "T-selector right?" },
	{ 3, "address unknown: is the called T-selector right?" },
	{ 128, "normal disconnect by its session entity" },
	{ 129, "congestion of its transport entity: try later" },
	{ 130, "negotiation failed: it has no class 0" },
	{ 131, "duplicate source reference" },
	{ 132, "references do not match" },
	{ 133, "protocol error" },
	{ 135, "reference overflow" },
	{ 136, "connection refused on this network connection" },
	{ 138, "invalid header or parameter length" },
};

/* X.225 8.3.4.10. */
static const struct words rf_reasons[] = {
	{ S_REFUSE_UNSPECIFIED, "refused by the SS-user, no reason given: "
	    "does it run an MTA there, for calls from us?" },
	{ S_REFUSE_CONGESTION, "the SS-user has no room: too many "
	    "associations?" },
	{ S_REFUSE_SELECTOR, "S-selector unknown: is the called S-selector "
	    "right, and is it wanted at all?" },
	{ S_REFUSE_NOT_ATTACHED, "no SS-user attached to the SSAP: is the "
	    "called S-selector right?" },
	{ S_REFUSE_SPM_CONGESTION, "its session entity has no room" },
	{ S_REFUSE_VERSION, "proposed session versions not supported: is the "
	    "mode right? (normal mode has version 2, X.410 mode 1)" },
	{ S_REFUSE_SPM_UNSPECIFIED, "refused by its session entity, no reason "
	    "given: is the mode right?" },
	{ S_REFUSE_SPM_RESTRICTION, "its session entity cannot do all that "
	    "we propose: is the mode right?" },
};

static const struct words rts_reasons[] = {
	{ RTS_BUSY, "busy: it has too many associations, or its spool is "
	    "full, or it has taken us out of service; try later, and if it "
	    "stays so ask its operator" },
	{ RTS_CANNOT_RECOVER, "cannotRecover, to an open that was none: is "
	    "the mode right?" },
	{ RTS_VALIDATION_FAILURE, "validationFailure: it does not know our "
	    "MTA name, or not with this password, domain or network address; "
	    "or it expects another mode, or TLS; compare with its operator "
	    "what \"local name\", \"mode\" and \"tls\" have here" },
	{ RTS_UNACCEPTABLE_DIALOGUE_MODE, "unacceptableDialogueMode: it does "
	    "not do two-way alternate; set \"dialogue monologue\"" },
	{ 4, "unacceptable-security-context: it wants a security label, "
	    "which we have not; ask its operator to do without" },
};

static const char *
words_of(const struct words *w, size_t n, int value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (w[i].value == value)
			return (w[i].text);
	return ("a reason unknown to the Recommendation");
}
#define WORDS(table, value)	words_of(table, nitems(table), value)

static void
refuse(uint32_t id, const char *why)
{
	struct ping_step ps;
	struct ping_end pe;

	memset(&ps, 0, sizeof(ps));
	memset(&pe, 0, sizeof(pe));
	strlcpy(ps.text, why, sizeof(ps.text));
	imsgev_compose(spoold, IMSG_PING_STEP, id, 0, -1, &ps, sizeof(ps));
	imsgev_compose(spoold, IMSG_PING_END, id, 0, -1, &pe, sizeof(pe));
}

static uint32_t
elapsed(const struct assoc *a)
{
	return (now_ms() - a->ping_since);
}

static void	step(struct assoc *, int, int, const char *, ...)
		    __attribute__((__format__(printf, 4, 5)));

static void
step(struct assoc *a, int layer, int ok, const char *fmt, ...)
{
	struct ping_step ps;
	va_list ap;

	if (spoold == NULL)
		return;
	memset(&ps, 0, sizeof(ps));
	ps.layer = layer;
	ps.ok = ok;
	ps.ms = elapsed(a);
	va_start(ap, fmt);
	vsnprintf(ps.text, sizeof(ps.text), fmt, ap);
	va_end(ap);
	imsgev_compose(spoold, IMSG_PING_STEP, a->id, 0, -1, &ps,
	    sizeof(ps));
}

/* The last word; nothing is said any more. */
static void
end(struct assoc *a, int ok)
{
	struct ping_end pe;

	memset(&pe, 0, sizeof(pe));
	pe.ok = ok;
	pe.ms = elapsed(a);
	if (spoold != NULL)
		imsgev_compose(spoold, IMSG_PING_END, a->id, 0, -1, &pe,
		    sizeof(pe));
}

int
ping_begin(uint32_t id, const struct ping_open *po)
{
	const struct peer_conf *peer;
	struct assoc_open ao;
	struct assoc *a;

	memset(&ao, 0, sizeof(ao));
	ao.peer = po->peer;
	ao.id = po->id;
	ao.turn = TURN_INITIATOR;
	if (id & ASSOC_INCOMING)
		return (-1);
	if ((a = assoc_create(id, &ao)) == NULL) {
		if (assoc_find(id) != NULL)
			return (-1);
		refuse(id, "not called: there are too many connections here");
		return (0);
	}
	a->ping = 1;
	a->ping_layer = -1;
	a->ping_since = now_ms();
	a->ping_limit = po->limit;
	if ((peer = peer_by_id(po->peer)) == NULL ||
	    po->address >= peer->naddress) {
		assoc_over(a, DOWN_CONNECT_FAILED, 0,
		    "no such address in the configuration");
		return (0);
	}
	a->peer = *peer;
	a->has_peer = 1;
	a->open.dialogue = peer->dialogue;
	a->open.checkpoint = peer->checkpoint;
	a->open.window = peer->window;
	a->address_index = po->address;
	assoc_connect(a);
	return (0);
}

void
ping_cancel(uint32_t id)
{
	struct assoc *a;

	if ((a = assoc_find(id)) != NULL && a->ping)
		assoc_abort(a, RTS_ABORT_TEMPORARY_PROBLEM, "given up", 0);
}

void
ping_connected(struct assoc *a)
{
	step(a, PING_TCP, 1, "connected to %s", a->address);
}

void
ping_tls_up(struct assoc *a)
{
	char text[TLS_TEXT_MAX];

	step(a, PING_TLS, 1, "%s", tls_text(a->tls, text, sizeof(text)));
}

void
ping_tls_failed(struct assoc *a, const char *why, int refused)
{
	const struct peer_tls *pt = peer_tls(a->peer.id);

	if (refused && pt != NULL && pt->conf.mode == TLS_OPTIONAL) {
		step(a, PING_TLS, 0, "%s; TLS is opportunistic: called again "
		    "without", why);
		a->ping_plain = 1;
		assoc_detach(a);
		assoc_connect(a);
		return;
	}
	a->ping_layer = PING_TLS;
	assoc_over(a, DOWN_CONNECT_FAILED, 0, why);
	assoc_detach(a);
}

void
ping_transport_up(struct assoc *a)
{
	step(a, PING_TRANSPORT, 1, "CC: class 0, TPDUs of %u octets",
	    transport_tpdu_size(a->t));
}

static void
tell_negotiated(struct assoc *a)
{
	char proposed[32];

	if (a->open.checkpoint == 0)
		strlcpy(proposed, "none", sizeof(proposed));
	else
		snprintf(proposed, sizeof(proposed), "%u KB",
		    a->open.checkpoint);
	if (rts_checkpoint_size(a->rts) == 0)
		step(a, PING_RTS, 1, "%s: no checkpoints (%s proposed), "
		    "window %u (%u proposed), %s", rts_normal(a->rts) ?
		    "RTOAC" : "PAccept", proposed, rts_window(a->rts),
		    a->open.window, a->open.dialogue == DIALOGUE_TWA ?
		    "two-way alternate" : "monologue");
	else
		step(a, PING_RTS, 1, "%s: checkpoint %u KB (%s proposed), "
		    "window %u (%u proposed), %s", rts_normal(a->rts) ?
		    "RTOAC" : "PAccept", rts_checkpoint_size(a->rts),
		    proposed, rts_window(a->rts), a->open.window,
		    a->open.dialogue == DIALOGUE_TWA ? "two-way alternate" :
		    "monologue");
}

/* We do not want who answers: what to compare. */
static void
tell_another(struct assoc *a, const struct credentials *c, const char *why)
{
	const char *want = a->peer.remote_response.name;

	if (strstr(why, "password") != NULL)
		step(a, PING_MTA, 0, "%s, with the name that is expected, "
		    "\"%s\", and we abort it; ask its operator for the "
		    "password of its answers, which is that of \"remote "
		    "response\" here, or else of \"remote name\"", why, want);
	else if (strstr(why, "name") == NULL)
		step(a, PING_MTA, 0, "%s, and we abort it: its software has "
		    "an error", why);
	else if (c->name[0] == '\0')
		step(a, PING_MTA, 0, "%s: it gives none, \"%s\" is expected, "
		    "and we abort it; ask its operator for the name and "
		    "password of its answers, or set \"remote response\" so "
		    "that they are not looked at", why, want);
	else
		step(a, PING_MTA, 0, "%s: it says it is \"%s\", \"%s\" is "
		    "expected, and we abort it; is the address right, and is "
		    "\"remote response\", or else \"remote name\", written as "
		    "it writes its name? capitals count", why,
		    log_octets(c->name, strlen(c->name)), want);
}

void
ping_open_cnf(struct assoc *a, const struct paccept *pa, const char *why)
{
	const struct credentials *c = &pa->data.credentials;

	a->was_up = 1;
	step(a, PING_SESSION, 1, "AC: version %d",
	    rts_session_version(a->rts));
	if (rts_normal(a->rts)) {
		step(a, PING_PRESENTATION, 1, "CPA: contexts of ACSE and "
		    "MTA-RTSE accepted%s", rts_mtse(a->rts) == -1 ?
		    ", but not that of MTSE" : ", and that of MTSE");
		step(a, PING_ACSE, 1, "AARE: accepted, application context "
		    "mts-transfer");
	}
	tell_negotiated(a);
	if (why != NULL) {
		tell_another(a, c, why);
		a->ping_layer = PING_LAYERS;
		rts_abort_req(a->rts, RTS_ABORT_INVALID_PARAMETER, why);
		return;
	}
	if (!pa->data.has_credentials)
		step(a, PING_MTA, 1, "accepted, without a name in the answer");
	else
		step(a, PING_MTA, 1, "accepted by \"%s\", %s",
		    log_octets(c->name, strlen(c->name)),
		    a->peer.remote_response.name[0] != '\0' ?
		    "as configured, with its password" :
		    "which is not checked");
	a->phase = ASSOC_OPEN;
	a->phase_since = now_ms();
	a->closing = 1;		/* assoc_run */
}

/* The layer that it came to, or did not. */
static int
layer_of(const struct assoc *a, int kind, int reason, const char *why)
{
	if (a->ping_layer != -1)
		return (a->ping_layer);
	if (a->phase == ASSOC_CONNECTING || a->fd == -1)
		return (PING_TCP);
	if (a->tls != NULL && !a->tls_up)
		return (PING_TLS);
	if (!a->t_up)
		return (PING_TRANSPORT);
	if (a->was_up)
		return (PING_RELEASE);
	if (kind == DOWN_REFUSED || strncmp(why, "PAccept", 7) == 0 ||
	    strncmp(why, "RTOAC", 5) == 0)
		return (PING_RTS);
	if (strncmp(why, "CPA", 3) == 0 ||
	    strncmp(why, "refused by presentation", 23) == 0)
		return (PING_PRESENTATION);
	if (strncmp(why, "rejected by association", 23) == 0)
		return (PING_ACSE);
	if (kind == DOWN_REFUSED_BELOW && reason == S_REFUSE_USER)
		return (a->peer.mode == MODE_NORMAL ? PING_PRESENTATION :
		    PING_RTS);
	return (PING_SESSION);
}

/* What an error of the system means for the one who has to mend it. */
static const char *
tcp_advice(const char *why)
{
	static const struct {
		const char	*error, *advice;
	} advice[] = {
		{ "refused", ": nobody listens there, or a filter refuses" },
		{ "timed out", ": nothing answers there, or a filter drops "
		    "what we send" },
		{ "unreachable", ": routing, or a filter" },
		{ "No route", ": routing, a filter, or the host is down" },
	};
	size_t i;

	for (i = 0; i < nitems(advice); i++)
		if (strstr(why, advice[i].error) != NULL)
			return (advice[i].advice);
	return ("");
}

/* X.410 4.4.2, X.218 abortReason: what it is, and what to do. */
static const struct words abort_reasons[] = {
	{ 0, "local system problem; its operator has to look at its log" },
	{ RTS_ABORT_INVALID_PARAMETER, "invalid parameter: it cannot do with "
	    "something in our opening; is the mode right? its log tells what "
	    "it is" },
	{ 2, "unrecognized activity" },
	{ RTS_ABORT_TEMPORARY_PROBLEM, "temporary problem: it is stopped, "
	    "full or has taken us out of service; try later" },
	{ RTS_ABORT_PROTOCOL_ERROR, "protocol error: it did not expect what "
	    "we sent; is the mode right? a trace and its log tell what it is" },
	{ RTS_ABORT_PERMANENT_PROBLEM, "permanent problem: it will not do "
	    "better later; its operator has to look at its log" },
	{ 6, "user error; its operator has to look at its log" },
	{ 7, "transfer completed" },
};

static const char *
abort_text(int reason)
{
	return (reason < 0 || reason >= (int)nitems(abort_reasons) ?
	    "no reason given: does its log tell why?" :
	    WORDS(abort_reasons, reason));
}

/* What is refused below reliable transfer in normal mode, by its words. */
static const char *
below_advice(const char *why)
{
	static const struct {
		const char	*word, *advice;
	} advice[] = {
		{ "congestion", "; try later" },
		{ "limit exceeded", "; try later" },
		{ "presentation address", "; is the called P-selector right?" },
		{ "no PSAP", "; is the called P-selector right?" },
		{ "called AP title", "; is \"remote ap-title\" right, and is "
		    "it wanted at all?" },
		{ "called AE", "; is \"remote ap-title ... ae-qualifier\" "
		    "right?" },
		{ "calling AP title", "; it wants to know our \"local "
		    "ap-title\", or another one" },
		{ "calling AE", "; it wants to know our \"local ap-title ... "
		    "ae-qualifier\", or another one" },
		{ "authentication", "; it wants a password of association "
		    "control, which we have not: ask its operator to do "
		    "without" },
		{ "transient", "; try later" },
	};
	size_t i;

	for (i = 0; i < nitems(advice); i++)
		if (strstr(why, advice[i].word) != NULL)
			return (advice[i].advice);
	return ("; is the mode right?");
}

/* What an error of TLS means, in OpenSSL's words or the peer's. */
static const char *
tls_advice(const char *why)
{
	static const struct {
		const char	*word, *advice;
	} advice[] = {
		{ "the peer says", "; it does not accept our certificate, or "
		    "what we propose: see its log" },
		{ "wrong version number", "; does it speak TLS there at all? "
		    "without it: \"tls no\"" },
		{ "is not accepted", "; is \"tls ca\" the authority of its "
		    "certificate, and \"tls name\" its name?" },
		{ "closed", "; does it speak TLS there at all?" },
	};
	size_t i;

	for (i = 0; i < nitems(advice); i++)
		if (strstr(why, advice[i].word) != NULL)
			return (advice[i].advice);
	return ("");
}

static void
tell_failure(struct assoc *a, int layer, int kind, int reason,
    const char *why)
{
	static const char *const nothing[PING_LAYERS] = { "no connection",
	    "handshake not finished", "neither CC nor DR, to our CR",
	    "neither AC nor RF, to our CN", "", "", "", "",
	    "no DN, to our FN" };

	if (kind == DOWN_TIMEOUT)
		step(a, layer, 0, "%s within %u s", nothing[layer],
		    a->ping_limit);
	else if (layer == PING_TCP)
		step(a, layer, 0, "%s%s", why, tcp_advice(why));
	else if (layer == PING_TRANSPORT &&
	    strncmp(why, "transport disconnected", 22) == 0)
		step(a, layer, 0, "DR, reason %d: %s", a->ping_dr,
		    WORDS(dr_reasons, a->ping_dr));
	else if (layer == PING_TRANSPORT)
		step(a, layer, 0, "%s instead of a CC: is RFC 1006 spoken "
		    "there%s", why, a->tls == NULL ? ", without TLS?" : "?");
	else if (kind == DOWN_REFUSED)
		step(a, layer, 0, "%s: %s", rts_normal(a->rts) ?
		    "AARE that rejects, with an RTORJ" : "RF with a PRefuse",
		    WORDS(rts_reasons, reason));
	else if (kind == DOWN_REFUSED_BELOW && reason != S_REFUSE_USER)
		step(a, layer, 0, "RF, reason %d: %s", reason,
		    WORDS(rf_reasons, reason));
	else if (kind == DOWN_REFUSED_BELOW)
		step(a, layer, 0, "RF: %s%s", why, below_advice(why));
	else if (kind == DOWN_ABORTED_BY_PEER)
		step(a, layer, 0, "aborted by the peer, %s%s%s",
		    abort_text(reason), *why != '\0' ? ": " : "", why);
	else if (kind == DOWN_TRANSPORT_LOST && layer == PING_SESSION)
		step(a, layer, 0, "%s instead of an AC or RF: it does not "
		    "want this CN; is the mode right?", why);
	else if (layer == PING_TLS)
		step(a, layer, 0, "%s%s", why, tls_advice(why));
	else
		step(a, layer, 0, "%s", why);
}

void
ping_over(struct assoc *a, int kind, int reason, const char *why)
{
	int layer;

	if (kind == DOWN_RELEASED && a->was_up) {
		step(a, PING_RELEASE, 1, "DN: released in order");
		end(a, 1);
		return;
	}
	layer = layer_of(a, kind, reason, why);
	if (layer < PING_LAYERS)	/* otherwise it has been told */
		tell_failure(a, layer, kind, reason, why);
	end(a, 0);
}

void
ping_tick(struct assoc *a, uint64_t now)
{
	if (now - a->ping_since <= a->ping_limit * UINT64_C(1000))
		return;
	if (a->phase == ASSOC_CONNECTING)
		imsgev_compose(&parent, IMSG_CONNECT_CANCEL, a->id, 0, -1,
		    NULL, 0);
	assoc_over(a, DOWN_TIMEOUT, 0, "no answer in time");
	assoc_flush(a);
}
