/* SPDX-License-Identifier: ISC */

/* Associations, activities and ends in words, for the log and for mtactl. */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "spoold.h"

/* A reference without its tag and length, when it has them. */
static int
reference_text(const uint8_t *p, int len, char *out, size_t size)
{
	size_t	n = 0;

	if (len >= 2 && p[1] == len - 2) {
		p += 2;
		len -= 2;
	}
	for (; len > 0 && n + 1 < size; p++, len--)
		out[n++] = isprint(*p) && *p != '"' ? *p : '?';
	out[n] = '\0';
	return ((int)n);
}

const char *
connection_text(const struct connection_key *key, char *out, size_t size)
{
	struct s_connection_id	id;
	size_t			n;

	if (connection_key_parse(key, &id) == -1) {
		strlcpy(out, "?", size);
		return (out);
	}
	n = reference_text(id.user, id.user_len, out, size);
	if (n + 2 < size) {
		out[n++] = ' ';
		n += reference_text(id.common, id.common_len, out + n,
		    size - n);
	}
	if (id.additional_len > 0 && n + 2 < size) {
		out[n++] = ' ';
		reference_text(id.additional, id.additional_len, out + n,
		    size - n);
	}
	return (out);
}

const char *
activity_text(const struct activity_id *a, char *out, size_t size)
{
	uint64_t	v = 0;
	int		i;

	if (a->len > 2 && a->octets[0] == 0x02 && a->octets[1] == a->len - 2) {
		for (i = 2; i < a->len; i++)
			v = v << 8 | a->octets[i];
		snprintf(out, size, "%" PRIu64, v);
		return (out);
	}
	for (i = 0; i < a->len && (size_t)i * 2 + 2 < size; i++)
		snprintf(out + i * 2, size - i * 2, "%02x", a->octets[i]);
	if (a->len == 0)
		strlcpy(out, "-", size);
	return (out);
}

const char *
assoc_name(const struct assoc *a)
{
	static char	name[PEER_NAME_MAX + 240];
	char		text[160], id[32] = "";

	/* one that has no connection has no number */
	if (a->id != 0)
		snprintf(id, sizeof(id), " association=%08x", a->id);
	snprintf(name, sizeof(name), "peer=%s%s connection=\"%s\"",
	    a->peer->conf.name, id, connection_text(&a->conn.key, text,
	    sizeof(text)));
	return (name);
}

/*
 * Keys of what goes over an association at the moment, with a blank before
 * them: how far it is secured.  "" when nothing does.
 */
static const char *
under_way_text(const struct assoc *a)
{
	static char		text[160];
	struct xfer_show	x;
	struct store_receiving	r;
	const char		*state;
	uint32_t		n;

	for (n = 0; xfer_show(a, n, &x) == 0; n++)
		if (strcmp(x.state, "sending") == 0) {
			snprintf(text, sizeof(text), " message=%016" PRIX64
			    " activity=%u checkpoint=%u octets=%" PRIu64,
			    x.message, x.activity, x.serial,
			    x.checkpoint_octets);
			return (text);
		}
	if (recv_show(a, &r, &state) == -1 || strcmp(state, "refused") == 0 ||
	    strcmp(state, "discarded") == 0 ||
	    strcmp(state, "interrupted") == 0)
		return ("");
	snprintf(text, sizeof(text), " transfer=%016" PRIX64 " checkpoint=%u "
	    "octets=%" PRIu64, r.id, r.serial, r.markup_len);
	return (text);
}

void
assoc_say_down(const struct assoc *a, const char *why)
{
	log_info(EVT_ASSOC_DOWN, "%s%s: %s", assoc_name(a), under_way_text(a),
	    why);
}

const char *
down_text(const struct assoc_down *d)
{
	static const char *const kind[] = { "released", "not connected",
	    "connection lost", "timeout", "refused", "refused below",
	    "aborted by peer", "aborted by us" };
	static const char *const refuse[] = { "busy", "cannot recover",
	    "validation failure", "unacceptable dialogue mode" };
	static const char *const reason[] = { "local system problem",
	    "invalid parameter", "unrecognized activity",
	    "temporary problem", "protocol error", "permanent problem",
	    "user error", "transfer completed" };
	static char	 text[320];
	const char	*why = "";

	if (d->kind == DOWN_REFUSED && d->reason < nitems(refuse))
		why = refuse[d->reason];
	else if ((d->kind == DOWN_ABORTED_BY_PEER ||
	    d->kind == DOWN_ABORTED_BY_US) && d->reason < nitems(reason))
		why = reason[d->reason];
	snprintf(text, sizeof(text), "%s%s%s%s%.*s",
	    d->kind < nitems(kind) ? kind[d->kind] : "down",
	    *why != '\0' ? ": " : "", why, d->text[0] != '\0' ? ": " : "",
	    (int)sizeof(d->text), d->text);
	return (text);
}
