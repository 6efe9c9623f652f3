/* SPDX-License-Identifier: ISC */

/*
 * What of decode.h lies below the TSDUs: TPKTs (RFC 1006) and TPDUs (X.224).
 */

#include <string.h>

#include "decode.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const char *
tpdu_name(uint8_t code)
{
	switch (code & 0xf0) {
	case 0xe0:
		return ("CR (CONNECTION REQUEST)");
	case 0xd0:
		return ("CC (CONNECTION CONFIRM)");
	case 0x80:
		return ("DR (DISCONNECT REQUEST)");
	case 0xc0:
		return ("DC (DISCONNECT CONFIRM)");
	case 0xf0:
		return ("DT (DATA)");
	case 0x70:
		return ("ER (ERROR)");
	default:
		return (NULL);
	}
}

/* Octets of the fixed part, with the length indicator. */
static size_t
tpdu_fixed(uint8_t code)
{
	switch (code & 0xf0) {
	case 0xf0:
		return (3);
	case 0x70:
		return (5);
	case 0xc0:
		return (6);
	default:
		return (7);
	}
}

static const char *
dr_text(uint8_t reason)
{
	static const char *const low[] = {
		"reason not specified", "congestion at TSAP",
		"session entity not attached to TSAP", "address unknown"
	};

	if (reason < 4)
		return (low[reason]);
	switch (reason) {
	case 128:
		return ("normal disconnect by the session entity");
	case 129:
		return ("transport entity congested at connect time");
	case 130:
		return ("connection negotiation failed");
	case 131:
		return ("duplicate source reference");
	case 132:
		return ("mismatched references");
	case 133:
		return ("protocol error");
	case 135:
		return ("reference overflow");
	case 136:
		return ("connection request refused on this network "
		    "connection");
	case 138:
		return ("header or parameter length invalid");
	default:
		return ("reserved");
	}
}

static const char *
er_text(uint8_t cause)
{
	static const char *const causes[] = {
		"reason not specified", "invalid parameter code",
		"invalid TPDU type", "invalid parameter value"
	};

	return (cause < COUNT(causes) ? causes[cause] : "reserved");
}

static void
tpdu_parameters(struct decode *d, uint8_t code, const uint8_t *p, size_t len)
{
	char		 text[300];
	const char	*name;

	for (; len > 0; len -= p[1] + 2u, p += p[1] + 2u) {
		if (len < 2 || p[1] > len - 2) {
			tree_damage(d, p, "a parameter that ends with the "
			    "header was expected");
			return;
		}
		name = NULL;
		tree_hex(p + 2, p[1], text, sizeof(text));
		switch (p[0]) {
		case 0xc0:
			name = "TPDU size";
			if (p[1] == 1 && p[2] >= 7 && p[2] <= 13)
				snprintf(text, sizeof(text), "%u octets",
				    1u << p[2]);
			break;
		case 0xc1:
			if ((code & 0xf0) == 0x70) {
				name = "invalid TPDU";
				break;
			}
			name = "calling TSAP identifier";
			tree_text(p + 2, p[1], text, sizeof(text));
			break;
		case 0xc2:
			name = "called TSAP identifier";
			tree_text(p + 2, p[1], text, sizeof(text));
			break;
		case 0xc4:
			name = "version number";
			break;
		case 0xc6:
			name = "additional options";
			break;
		case 0xc7:
			name = "alternative protocol classes";
			break;
		case 0xe0:
			name = "additional information";
			break;
		case 0xf0:
			name = "preferred maximum TPDU size";
			break;
		default:
			tree_unknown(d);
			break;
		}
		tree_leaf(d, p, p[1] + 2, name != NULL ? name :
		    "unknown parameter", NULL, text);
	}
}

static void
tpdu_fields(struct decode *d, const uint8_t *p)
{
	char	text[120];

	if ((p[1] & 0xf0) == 0xf0) {
		snprintf(text, sizeof(text), "%u%s", p[2] & 0x7f, p[2] & 0x80 ?
		    ", end of TSDU" : "");
		tree_leaf(d, p + 2, 1, "number", NULL, text);
		return;
	}
	snprintf(text, sizeof(text), "0x%02x%02x", p[2], p[3]);
	tree_leaf(d, p + 2, 2, "destination reference", NULL, text);
	if ((p[1] & 0xf0) == 0x70) {
		snprintf(text, sizeof(text), "%u %s", p[4], er_text(p[4]));
		if (strcmp(er_text(p[4]), "reserved") == 0)
			d->tree->unknown += 4;
		tree_leaf(d, p + 4, 1, "reject cause", NULL, text);
		return;
	}
	snprintf(text, sizeof(text), "0x%02x%02x", p[4], p[5]);
	tree_leaf(d, p + 4, 2, "source reference", NULL, text);
	if ((p[1] & 0xf0) == 0xc0)
		return;
	if ((p[1] & 0xf0) == 0x80) {
		if (strcmp(dr_text(p[6]), "reserved") == 0)
			d->tree->unknown += 4;
		snprintf(text, sizeof(text), "%u %s", p[6], dr_text(p[6]));
		tree_leaf(d, p + 6, 1, "reason", NULL, text);
	} else {
		snprintf(text, sizeof(text), "class %u, options 0x%x",
		    p[6] >> 4, p[6] & 0xf);
		tree_leaf(d, p + 6, 1, "class and options", NULL, text);
	}
}

/* Does it begin and end here?  Pieces seldom look so. */
static int
tsdu_fits(struct decode *d, const struct decode_data *tsdu)
{
	struct decode_tree	*tree = d->tree, silent = { .silent = 1 };
	uint8_t			 p_data = d->p_data, has_data = d->has_data;

	if (!is_tsdu(tsdu->p, tsdu->len))
		return (0);
	d->tree = &silent;
	decode_tsdu(d, tsdu->p, tsdu->len);
	d->tree = tree;
	d->walk.stop = 0;
	d->p_data = p_data;
	d->has_data = has_data;
	return (tree_misfit(&silent) == 0);
}

static void
tsdu_end(struct decode *d, struct decode_data *tsdu)
{
	struct decode_space	space;
	char			text[60];

	if (tsdu->len > 0 && space_enter(d, &space, tsdu) == 0) {
		if (d->rest && !tsdu_fits(d, tsdu)) {
			snprintf(text, sizeof(text), "%zu octets", tsdu->len);
			tree_leaf(d, tsdu->p, tsdu->len, "rest of a TSDU that "
			    "began before", NULL, text);
		} else
			decode_tsdu(d, tsdu->p, tsdu->len);
		space_leave(d);
	}
	d->rest = 0;
	data_free(tsdu);
}

void
decode_tpdu(struct decode *d, const uint8_t *p, size_t len,
    struct decode_data *tsdu)
{
	const char	*name;
	size_t		 header, fixed;
	int		 whole;

	if (len < 2 || (name = tpdu_name(p[1])) == NULL) {
		tree_damage(d, p, "a TPDU of class 0 was expected");
		return;
	}
	header = p[0] + 1u;
	fixed = tpdu_fixed(p[1]);
	tree_open(d, p, len, name, NULL, NULL);
	whole = header <= len && header >= fixed;
	if (!whole)
		tree_damage(d, p, "a header of %zu to %zu octets was expected, "
		    "not %zu", fixed, len, header);
	else {
		tpdu_fields(d, p);
		tpdu_parameters(d, p[1], p + fixed, header - fixed);
		if ((p[1] & 0xf0) == 0xf0)
			data_add(d, tsdu, p + header, len - header);
		else if (len > header)
			tree_leaf(d, p + header, len - header, "user data",
			    NULL, NULL);
	}
	tree_close(d);
	if (whole && (p[1] & 0xf0) == 0xf0 && (p[2] & 0x80))
		tsdu_end(d, tsdu);
}

/* Where a stream of TPKTs that began before goes on. */

/* So many, one behind the other, are no accident. */
#define CHAIN	8

/* Octets of the TPKT here with a TPDU of class 0, all of it or not; or 0. */
static size_t
tpkt_at(const uint8_t *p, size_t len)
{
	size_t	n;

	if (len < 7 || p[0] != 3 || p[1] != 0)
		return (0);
	n = p[2] << 8 | p[3];
	if (n < 7 || !is_tpdu(p + 4, n - 4))
		return (0);
	return (p[5] == 0xf0 && p[4] != 2 ? 0 : n);
}

/* One after the other, up to the end, where one may be cut. */
static int
chain(const uint8_t *p, size_t len)
{
	size_t	n;
	int	i;

	for (i = 0; i < CHAIN && len > 0; i++, p += n, len -= n) {
		if (i > 0 && len < 7)
			return (p[0] == 3 && (len == 1 || p[1] == 0));
		if ((n = tpkt_at(p, len)) == 0)
			return (0);
		if (n > len)
			return (i > 0);
	}
	return (1);
}

/* Octets up to where it goes on; 0: nowhere. */
static size_t
tpkt_next(const uint8_t *p, size_t len)
{
	const uint8_t	*q = p, *end = p + len;

	while (end - q > 1 && (q = memchr(q + 1, 3, end - q - 1)) != NULL)
		if (chain(q, end - q))
			return (q - p);
	return (0);
}

static int
begins(const uint8_t *p, size_t len)
{
	size_t	n;

	if (len < 7 || p[0] != 3)
		return (0);
	n = p[2] << 8 | p[3];
	return (tpkt_at(p, len) > 0 ||
	    (n >= 7 && n < len && chain(p + n, len - n)));
}

size_t
tpkt_rest(const uint8_t *p, size_t len)
{
	size_t	n;

	if (begins(p, len) || (n = tpkt_next(p, len)) > TPKT_MAX)
		return (0);
	return (n);
}

/* Octets that are passed over, as what follows may be the rest of a TSDU. */
static void
pass_over(struct decode *d, const uint8_t *p, size_t n, const char *what)
{
	char	text[60];

	snprintf(text, sizeof(text), "%zu octets", n);
	tree_leaf(d, p, n, what, NULL, text);
	d->rest = d->before = 1;
}

/* Only CR and CC begin a stream. */
static void
first_tpdu(struct decode *d, const uint8_t *p, size_t len)
{
	if (len > 5 && (p[5] & 0xf0) != 0xe0 && (p[5] & 0xf0) != 0xd0)
		d->rest = d->before = 1;
}

void
decode_tpkts(struct decode *d, const uint8_t *p, size_t len)
{
	struct decode_data	tsdu = { 0 };
	size_t			n, have;
	char			text[60];

	d->rest = d->before = 0;
	if ((n = tpkt_rest(p, len)) > 0) {
		pass_over(d, p, n, "rest of a TPKT that began before");
		p += n;
		len -= n;
	} else
		first_tpdu(d, p, len);
	for (; len > 0; p += n, len -= n) {
		n = len >= 4 && p[0] == 3 ? p[2] << 8 | p[3] : 0;
		if (n < 7) {
			if (len < 4 || p[0] != 3)
				tree_damage(d, p, "a TPKT (version 3, two "
				    "octets of length) was expected");
			else
				tree_damage(d, p, "a TPKT of %zu octets: at "
				    "least 7 were expected", n);
			if ((n = tpkt_next(p, len)) == 0)
				break;
			pass_over(d, p, n, "passed over");
			data_free(&tsdu);
			continue;
		}
		have = n < len ? n : len;
		snprintf(text, sizeof(text), "%zu octets", n);
		tree_open(d, p, have, "TPKT", NULL, text);
		decode_tpdu(d, p + 4, have - 4, &tsdu);
		tree_close(d);
		if (n > len) {
			tree_damage(d, p + len, "the TPKT ends early: %zu more "
			    "octets were expected", n - len);
			n = len;
		}
	}
	if (tsdu.len > 0)
		tree_damage(d, p, "the end of a TSDU was expected: %zu octets "
		    "of it are there", tsdu.len);
	data_free(&tsdu);
	d->rest = 0;
}

/* Could it begin one? */

/* As class 0 has them: without credit or the other options of the code. */
int
is_tpdu(const uint8_t *p, size_t len)
{
	return (len >= 3 && tpdu_name(p[1]) != NULL && (p[1] & 0xf) == 0 &&
	    p[0] != 255 && p[0] + 1u >= tpdu_fixed(p[1]) && p[0] + 1u <= len);
}

int
is_tpkt(const uint8_t *p, size_t len)
{
	return (len >= 7 && p[0] == 3 && (p[2] << 8 | p[3]) >= 7 &&
	    tpdu_name(p[5]) != NULL);
}
