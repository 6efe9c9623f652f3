/* SPDX-License-Identifier: ISC */

/*
 * What the log tells of an association in detail, layer by layer, when the
 * operator asks for it (log verbose), of all peers or of one.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "rtsd.h"

static unsigned	chatty;		/* peers that are to be told of */

void
debug_peers(unsigned n)
{
	chatty = n;
}

int
assoc_debugging(const struct assoc *a)
{
	const struct peer_conf *p;

	if (log_getverbose())
		return (1);
	if (chatty == 0 || !a->has_peer)
		return (0);
	return ((p = peer_by_id(a->peer.id)) != NULL && p->verbose);
}

void
assoc_debug(const struct assoc *a, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!assoc_debugging(a))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_detail("%s: %s", assoc_name(a), text);
}

void
assoc_debug_spdu(void *arg, int out, const char *spdu, size_t octets)
{
	const struct assoc *a = arg;

	if (assoc_debugging(a))
		assoc_debug(a, "session: %s %s, %zu octets", out ? "send" :
		    "receive", spdu, octets);
}

void
assoc_debug_connect(const struct assoc *a, const char *what,
    const struct pconnect *pc)
{
	if (!assoc_debugging(a))
		return;
	assoc_debug(a, "reliable transfer: %s, %s mode, %s, checkpoint %u "
	    "window %u, dialogue %s%s%s", what,
	    pc->normal ? "normal" : "X.410-1984",
	    pc->data.recover ? "recover" : "open", pc->checkpoint,
	    pc->window, pc->dialogue == DIALOGUE_TWA ? "twa" : "monologue",
	    pc->data.recover ? "" : ", name ", pc->data.recover ? "" :
	    log_octets(pc->data.credentials.name,
	    strlen(pc->data.credentials.name)));
}

void
assoc_debug_up(const struct assoc *a)
{
	const struct normal *n = rts_presentation(a->rts);

	if (!assoc_debugging(a))
		return;
	if (n != NULL) {
		assoc_debug(a, "presentation: contexts %lld (association "
		    "control), %lld (reliable transfer), %lld (message "
		    "transfer), selectors \"%s\" and \"%s\"",
		    (long long)n->acse, (long long)n->rtse,
		    (long long)n->mtse, log_octets(n->calling_psel.octets,
		    n->calling_psel.len), log_octets(n->called_psel.octets,
		    n->called_psel.len));
		assoc_debug(a, "association control: mts-transfer, accepted");
	}
	assoc_debug(a, "reliable transfer: open, checkpoint %u window %u, "
	    "dialogue %s, the turn is %s", rts_checkpoint_size(a->rts),
	    rts_window(a->rts), rts_dialogue(a->rts) == DIALOGUE_TWA ?
	    "twa" : "monologue", rts_turn(a->rts) ? "ours" : "theirs");
}
