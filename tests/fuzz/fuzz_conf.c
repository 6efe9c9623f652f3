/* SPDX-License-Identifier: ISC */

/*
 * mtad.conf: whatever the text, there is a configuration in its bounds, or
 * at least one line that says why not.
 */

#include <string.h>

#include "conf.h"
#include "fuzz.h"

static unsigned	lines;

static void
line(const char *text)
{
	MUST(text[0] != '\0');
	lines++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct conf		*c;
	struct conf_peer	*peer;
	struct conf_deliver	*d;

	/* names of hosts are not looked up here, so nothing waits */
	conf_error_hook = line;
	lines = 0;
	c = conf_parse_text("text", (const char *)p, len);
	MUST((c == NULL) == (lines > 0));
	if (c == NULL)
		return 0;
	MUST(c->has_mta && c->mta.name[0] != '\0');
	MUST(c->spool[0] == '/' && c->control[0] == '/');
	TAILQ_FOREACH(peer, &c->peers, entry) {
		MUST(peer->peer.name[0] != '\0');
		MUST(peer->peer.naddress <= PEER_ADDRESSES_MAX);
		MUST(peer->peer.window >= 1 && peer->peer.window <= 255);
		MUST(peer->peer.max_associations >= 1);
		MUST(peer->peer.local_tsel.len <= TSEL_MAX);
		MUST(memchr(peer->peer.remote.name, 0,
		    sizeof(peer->peer.remote.name)) != NULL);
	}
	TAILQ_FOREACH(d, &c->delivers, entry)
		MUST(d->deliver.directory[0] == '/');
	conf_free(c);
	return 0;
}
