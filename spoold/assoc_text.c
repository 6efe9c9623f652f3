/* SPDX-License-Identifier: ISC */

/* Associations, activities and ends in words, for the log and for mtactl. */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
	char		text[160];

	snprintf(name, sizeof(name), "peer=%s association=%08x "
	    "connection=\"%s\"", a->peer->conf.name, a->id,
	    connection_text(&a->conn.key, text, sizeof(text)));
	return (name);
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
