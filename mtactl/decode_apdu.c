/* SPDX-License-Identifier: ISC */

/*
 * What of decode.h is ASN.1: which table fits, what values say in words, and
 * what is inside of values that the tables leave open.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "acse.h"
#include "apdu.h"
#include "decode.h"
#include "decode_ipm.h"
#include "imsg.h"
#include "oid.h"
#include "p1_88.h"
#include "presentation.h"
#include "rtse.h"
#include "x420.h"

/*
 * P-DATA, which rtsd takes as it passes: User-data without a limit.
 */
struct pdv {
	struct asn1_members	a;
	struct asn1_octets	transfer;
	int64_t			context;
	struct asn1_octets	single, octets;
	struct asn1_bits	arbitrary;
};

static const struct asn1_type	type_any = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = INT64_MAX
};
static const struct asn1_type	type_octets = {
	.name = "OCTET STRING", .kind = ASN1_STRING,
	.string = BER_OCTET_STRING, .strings = ASN1_S(BER_OCTET_STRING),
	.size = sizeof(struct asn1_octets), .max = INT64_MAX
};
static const struct asn1_field	pdv_rows[] = {
	{ "transfer-syntax-name", 0, ASN1_OPTIONAL, &apdu_oid,
	    ROW(pdv, transfer), 0, 0 },
	{ "presentation-context-identifier", 0, 0, &apdu_integer,
	    ROW(pdv, context), 0, 0 },
	{ "single-ASN1-type", BER_CONTEXT(0), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_any, ROW(pdv, single), 0, 0 },
	{ "octet-aligned", BER_CONTEXT(1), ASN1_OPTIONAL, &type_octets,
	    ROW(pdv, octets), 0, 0 },
	{ "arbitrary", BER_CONTEXT(2), ASN1_OPTIONAL, &apdu_bits,
	    ROW(pdv, arbitrary), 0, 0 },
};
static const struct asn1_type	type_pdv = {
	.name = "PDV-list", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct pdv), ROWS(pdv_rows)
};
static const struct asn1_type	type_p_data = {
	.name = "Fully-encoded-data", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_APPLICATION(1), .size = sizeof(struct asn1_list),
	.min = 1, .max = INT32_MAX, .of = &type_pdv
};

static const struct candidate {
	const char		*name;
	const struct asn1_type	*type;
	int			 tries;
} candidates[] = {
	{ "PConnect", &rts_type_pconnect, TRY_CONNECT },
	{ "PAccept", &rts_type_paccept, TRY_CONNECT },
	{ "CP or CPA", &p_type_cp, TRY_CONNECT },
	{ "PRefuse", &rts_type_prefuse, TRY_REFUSE },
	{ "CPR", &p_type_normal_mode, TRY_REFUSE },
	{ "AbortInformation", &rts_type_abort, TRY_ABORT },
	{ "ARU", &p_type_aru, TRY_ABORT },
	{ "ARP", &p_type_arp, TRY_ABORT },
	{ "User-data", &p_type_user_data, TRY_OTHER },
	{ "P-DATA", &type_p_data, TRY_OTHER },
	{ "Priority", &apdu_natural, TRY_TURN },
	{ "ACSE", &acse_type_apdu, TRY_ACSE },
	{ "RTORQ", &rtse_type_rtorq, TRY_ACSE },
	{ "RTOAC", &rtse_type_rtoac, TRY_ACSE },
	{ "RTORJ", &rtse_type_rtorj, TRY_ACSE },
	{ "RTAB", &rtse_type_rtab, TRY_ACSE },
	{ "MPDU (P1 of 1984)", &p1_type_mpdu, TRY_MPDU },
	{ "MTS-APDU (P1 of 1988)", &p1_88_type_apdu, TRY_MPDU },
	{ "UMPDUEnvelope", &p1_type_envelope, TRY_MPDU },
	{ "MessageTransferEnvelope", &p1_88_type_envelope, TRY_MPDU },
	{ "TraceInformation", &p1_88_type_trace_information, TRY_MPDU },
	{ "element of TraceInformation", &p1_type_trace, TRY_MPDU },
	{ "MTS-APDU (P1 of 1988)", &ipm_type_mts_external, TRY_MPDU },
	{ "IPM (P2, P22)", &ipm_type_ipm, TRY_CONTENT },
	{ "IPN (P2, P22)", &x420_type_ipn, TRY_CONTENT },
};
#define NCANDIDATES	(sizeof(candidates) / sizeof(candidates[0]))

/* Object identifiers that occur in P1, P2 and below, by their digits. */
static const struct {
	const char	*oid, *name;
} oids[] = {
	{ "2.1.1", "basic encoding of ASN.1" },
	{ "2.2.1.0.1", "ACSE" },
	{ "2.2.3.1.1", "RTSE, as a context" },
	{ "2.3.3.0.1", "RTSE" },
	{ "2.6.0.1.6", "mts-transfer" },
	{ "2.6.0.1.7", "mts-transfer with ROSE" },
	{ "2.6.0.2.7", "MTSE" },
	{ "2.6.0.2.12", "MTS-RTSE" },
	{ "2.6.1.4.0", "ia5-text" }, { "2.6.1.4.1", "voice" },
	{ "2.6.1.4.2", "g3-facsimile" },
	{ "2.6.1.4.3", "g4-class-1" }, { "2.6.1.4.4", "teletex" },
	{ "2.6.1.4.5", "videotex" }, { "2.6.1.4.6", "encrypted" },
	{ "2.6.1.4.7", "message" }, { "2.6.1.4.8", "mixed-mode" },
	{ "2.6.1.4.9", "bilaterally-defined" },
	{ "2.6.1.4.10", "nationally-defined" },
	{ "2.6.1.4.11", "general-text" },
	{ "2.6.1.4.12", "file-transfer" },
	{ "2.6.1.11.11", "general-text parameters" },
	{ "2.6.1.11.12", "file-transfer parameters" },
	{ "2.6.3.4.2", "ia5-text" },
};

static void
oid_text(const uint8_t *p, size_t len, char *buf, size_t size)
{
	char	text[UB_OID_TEXT + 1];
	size_t	i;

	if (oid_to_text(p, len, text) == -1) {
		tree_hex(p, len, buf, size);
		return;
	}
	strlcpy(buf, text, size);
	for (i = 0; i < sizeof(oids) / sizeof(oids[0]); i++)
		if (strcmp(oids[i].oid, text) == 0)
			snprintf(buf, size, "%s (%s)", text, oids[i].name);
}

static void
integer_text(const struct asn1_type *type, int64_t v, char *buf, size_t size)
{
	const struct asn1_names	*n;

	if (type->tag == BER_UNIVERSAL(BER_BOOLEAN)) {
		strlcpy(buf, v != 0 ? "TRUE" : "FALSE", size);
		return;
	}
	snprintf(buf, size, "%" PRId64, v);
	for (n = type->names; n != NULL && n->name != NULL; n++)
		if (n->value == v) {
			snprintf(buf, size, "%s(%" PRId64 ")", n->name, v);
			return;
		}
}

/* A number that has no name, where numbers have names. */
static int
is_named(const struct asn1_type *type, const void *value)
{
	const struct asn1_names	*n = type->names;

	if (n == NULL || type->kind != ASN1_INTEGER)
		return (1);
	while (n->name != NULL && n->value != *(const int64_t *)value)
		n++;
	return (n->name != NULL);
}

static void
bits_text(const struct asn1_type *type, const struct asn1_bits *bits,
    char *buf, size_t size)
{
	const struct asn1_names	*n;
	size_t			 used = 0;
	uint32_t		 i;

	buf[used++] = '\'';
	for (i = 0; i < bits->nbits && used + 100 < size; i++)
		buf[used++] = bits->p[i / 8] & 0x80 >> i % 8 ? '1' : '0';
	used += snprintf(buf + used, size - used, "%s'B", i < bits->nbits ?
	    "..." : "");
	for (n = type->names; n != NULL && n->name != NULL; n++)
		if (n->value < bits->nbits && (bits->p[n->value / 8] &
		    0x80 >> n->value % 8) && used + 80 < size)
			used += snprintf(buf + used, size - used, " %s",
			    n->name);
}

/* "YYMMDDhhmm[ss](Z|+hhmm|-hhmm)" is easy enough to read as it is. */
static void
value_text(const struct asn1_type *type, const void *value, char *buf,
    size_t size)
{
	const struct asn1_octets	*s = value;

	switch (type->kind) {
	case ASN1_INTEGER:
		integer_text(type, *(const int64_t *)value, buf, size);
		break;
	case ASN1_BIT_STRING:
		bits_text(type, value, buf, size);
		break;
	case ASN1_STRING:
		if (type->string == BER_OCTET_STRING)
			tree_hex(s->p, s->len, buf, size);
		else if (type->string == BER_OBJECT_IDENTIFIER)
			oid_text(s->p, s->len, buf, size);
		else
			tree_text(s->p, s->len, buf, size);
		break;
	case ASN1_TIME:
		tree_text(s->p, s->len, buf, size);
		break;
	case ASN1_OID:
		oid_text(s->p, s->len, buf, size);
		break;
	default:
		strlcpy(buf, "", size);
		break;
	}
}

/* Of elements without a table. */
static void
raw_text(const struct asn1_seen *s, char *buf, size_t size)
{
	const uint8_t	*p = s->e.value;
	uint64_t	 len = s->e.h.len;
	int64_t		 v;

	switch (s->e.h.tag) {
	case BER_BOOLEAN:
		strlcpy(buf, len > 0 && p[0] != 0 ? "TRUE" : "FALSE", size);
		break;
	case BER_INTEGER:
	case BER_ENUMERATED:
		if (len == 0 || len > 8) {
			tree_hex(p, len, buf, size);
			break;
		}
		for (v = p[0] & 0x80 ? -1 : 0; len > 0; len--)
			v = (int64_t)((uint64_t)v << 8 | *p++);
		snprintf(buf, size, "%" PRId64, v);
		break;
	case BER_NULL:
		strlcpy(buf, "", size);
		break;
	case BER_OBJECT_IDENTIFIER:
		oid_text(p, len, buf, size);
		break;
	case BER_NUMERIC_STRING:
	case BER_PRINTABLE_STRING:
	case BER_T61_STRING:
	case BER_IA5_STRING:
	case BER_UTC_TIME:
	case BER_UTF8_STRING:
	case BER_GENERALIZED_TIME:
	case BER_GRAPHIC_STRING:
	case BER_VISIBLE_STRING:
	case BER_GENERAL_STRING:
		tree_text(p, len, buf, size);
		break;
	default:
		tree_hex(p, len, buf, size);
		break;
	}
}

struct label {
	char		 name[160];
	char		 tag[48];
	const char	*type;
};

static void
label(const struct asn1_seen *s, struct label *l)
{
	size_t	n = 0;

	l->name[0] = '\0';
	if (s->index >= 0)
		n = snprintf(l->name, sizeof(l->name), "[%" PRId64 "]",
		    s->index);
	else if (s->name != NULL)
		n = strlcpy(l->name, s->name, sizeof(l->name));
	if (s->chosen != NULL && n < sizeof(l->name))
		snprintf(l->name + n, sizeof(l->name) - n, "%s%s",
		    n > 0 ? ": " : "", s->chosen);
	if (s->type != NULL)
		l->type = s->type->name;
	else if ((l->type = asn1_universal_name(s->e.h.tag)) == NULL)
		l->type = asn1_tag_name(s->e.h.tag, l->tag, sizeof(l->tag));
}

/* What is inside of what the tables leave open. */

/* [0] ANY of X.410: nothing, or the credentials of P1. */
static void
inside_open(struct decode *d, const uint8_t *p, size_t len)
{
	struct ber		b, in;
	struct ber_element	e;

	ber_init(&b, p, len);
	if (ber_next(&b, &e) != 1 || !e.h.constructed || e.h.len == 0)
		return;
	ber_enter(&b, &e, &in);
	if (!e.h.indefinite || in.p[0] != 0)
		asn1_walk(&d->walk, NULL, &rts_type_open, 0, &in);
}

static void
inside_type(struct decode *d, const struct asn1_type *type, const uint8_t *p,
    size_t len, int tagged)
{
	struct ber	b;

	ber_init(&b, p, len);
	asn1_walk(&d->walk, NULL, type, tagged, &b);
}

/* The reliable transfer of an MPDU, or of a piece of one. */
static void
inside_rttr(struct decode *d, const uint8_t *p, size_t len)
{
	struct decode_data	data = { 0 };
	struct decode_space	space;

	if (d->tree->silent)
		return;
	if (d->in_activity) {
		data_string(d, &d->activity, p, len);
		return;
	}
	data_string(d, &data, p, len);
	if (data.len > 0 && space_enter(d, &space, &data) == 0) {
		/* Without its activity it may be any piece of an MPDU. */
		if (d->before && decode_fit(d, data.p, data.len, TRY_MPDU) > 0)
			tree_leaf(d, data.p, data.len, "piece of an MPDU",
			    NULL, NULL);
		else
			decode_best(d, data.p, data.len, TRY_MPDU);
		space_leave(d);
	}
	data_free(&data);
}

void
decode_value(struct decode *d, const uint8_t *p, size_t len)
{
	struct ber		 b;
	struct ber_element	 e;

	ber_init(&b, p, len);
	if (ber_next(&b, &e) != 1)
		e.h.tag = 0;
	switch (e.h.tag) {
	case BER_CONTEXT(16):
		inside_type(d, &rtse_type_rtorq, p, len, 0);
		break;
	case BER_CONTEXT(17):
		inside_type(d, &rtse_type_rtoac, p, len, 0);
		break;
	case BER_CONTEXT(18):
		inside_type(d, &rtse_type_rtorj, p, len, 0);
		break;
	case BER_CONTEXT(22):
		inside_type(d, &rtse_type_rtab, p, len, 0);
		break;
	case BER_CONTEXT(0):
	case BER_CONTEXT(1):
	case BER_CONTEXT(2):
		decode_best(d, p, len, TRY_MPDU);
		break;
	case BER_OCTET_STRING:
		ber_init(&b, p, len);
		asn1_walk(&d->walk, "RTTR", NULL, 0, &b);
		inside_rttr(d, p, len);
		break;
	case BER_INTEGER:
		ber_init(&b, p, len);
		asn1_walk(&d->walk, "RTTP", &apdu_natural, 0, &b);
		break;
	case BER_APPLICATION(0):
	case BER_APPLICATION(1):
	case BER_APPLICATION(2):
	case BER_APPLICATION(3):
	case BER_APPLICATION(4):
		inside_type(d, &acse_type_apdu, p, len, 0);
		break;
	default:
		ber_init(&b, p, len);
		asn1_walk(&d->walk, NULL, NULL, 0, &b);
		break;
	}
}

/* A content, or one that comes back: P2 and P22 have a table. */
static void
inside_content(struct decode *d, const struct asn1_seen *s)
{
	struct decode_data	data = { 0 };
	struct decode_space	space;
	struct ber		b;
	struct ber_element	e;

	if (d->tree->silent)
		return;
	if (!s->e.h.constructed)
		data_add(d, &data, s->e.value, s->e.h.len);
	else
		data_string(d, &data, s->e.start, s->len);
	if (data.len > 0 && space_enter(d, &space, &data) == 0) {
		ber_init(&b, data.p, data.len);
		if (ber_next(&b, &e) == 1 && (e.h.tag == BER_CONTEXT(0) ||
		    e.h.tag == BER_CONTEXT(1)))
			decode_best(d, data.p, data.len, TRY_CONTENT);
		space_leave(d);
	}
	data_free(&data);
}

enum inside { IN_NOTHING, IN_OPEN, IN_RTS_DATA, IN_RTSE_DATA, IN_REJECT,
	IN_VALUE, IN_MPDU, IN_CONTENT, IN_IPM, IN_EXTERNAL, IN_ANY,
	IN_RAW };

/* Which it is, by the row that the element has. */
static enum inside
inside(const struct asn1_seen *s)
{
	const char	*row = s->field != NULL ? s->field->name : "";

	if (s->type->kind == ASN1_STRING) {
		if (strcmp(s->type->name, "UMPDUContent") == 0 ||
		    strcmp(s->type->name, "Content") == 0 ||
		    strcmp(row, "returned-content") == 0 ||
		    strcmp(row, "returned") == 0)
			return (IN_CONTENT);
		/* In place, not copied: what is inside can be told apart. */
		return (strcmp(row, "octet-aligned") == 0 &&
		    !s->e.h.constructed && s->e.h.len > 0 &&
		    s->owner != &ipm_type_external ? IN_VALUE : IN_NOTHING);
	}
	if (s->type->kind != ASN1_ANY)
		return (IN_NOTHING);
	if (s->owner == &rts_type_connection_data)
		return (IN_OPEN);
	if (s->owner == &rts_type_pconnect_data ||
	    s->owner == &rts_type_paccept_data)
		return (IN_RTS_DATA);
	if (s->owner == &rtse_type_rtorq || s->owner == &rtse_type_rtoac)
		return (IN_RTSE_DATA);
	if (s->owner == &rtse_type_rtorj)
		return (IN_REJECT);
	if (s->owner == &p_type_pdv_list || s->owner == &type_pdv ||
	    s->owner == &acse_type_external)
		return (IN_VALUE);
	if (s->owner == &ipm_type_mts_external)
		return (IN_MPDU);
	if (ipm_is_ipm(s))
		return (IN_IPM);
	if (strcmp(s->type->name, "EXTERNAL") == 0)
		return (IN_EXTERNAL);
	/* One that holds no more is shown in its place. */
	return (s->e.h.constructed ? IN_ANY : IN_RAW);
}

static void
look_inside(struct decode *d, const struct asn1_seen *s, enum inside what)
{
	const struct asn1_octets	*value = s->value;
	const uint8_t			*p = value->p;
	size_t				 len = value->len;

	switch (what) {
	case IN_OPEN:
		inside_open(d, p, len);
		break;
	case IN_RTS_DATA:
		inside_type(d, &rts_type_connection_data, p, len, 0);
		break;
	case IN_RTSE_DATA:
		inside_type(d, &rtse_type_connection_data, p, len, 0);
		break;
	case IN_REJECT:
		inside_type(d, &rtse_type_bind_error, p, len, 0);
		break;
	case IN_VALUE:
		decode_value(d, p, len);
		break;
	case IN_MPDU:
		d->p1_88 = 1;
		decode_best(d, p, len, TRY_MPDU);
		break;
	case IN_EXTERNAL:
		inside_type(d, &ipm_type_external, p, len, 1);
		break;
	case IN_CONTENT:
		inside_content(d, s);
		break;
	case IN_IPM:
		inside_type(d, &ipm_type_ipm, p, len, 1);
		break;
	default:
		inside_type(d, NULL, p, len, 0);
		break;
	}
}

static int64_t
length(const struct asn1_seen *s)
{
	return (s->len > 0 ? (int64_t)s->len : -1);
}

static void
seen_open(void *arg, const struct asn1_seen *s)
{
	struct decode	*d = arg;
	struct label	 l;

	if (s->type == NULL)
		tree_unknown(d);
	label(s, &l);
	tree_open(d, s->start, length(s), l.name[0] != '\0' ? l.name : NULL,
	    l.type, NULL);
}

static void
seen_close(void *arg)
{
	tree_close(arg);
}

static void
seen_leaf(void *arg, const struct asn1_seen *s)
{
	struct decode	*d = arg;
	struct label	 l;
	enum inside	 what;
	char		 text[DECODE_WHOLE];
	size_t		 size = d->tree->as_json ? sizeof(text) :
			    DECODE_TEXT + 60;

	label(s, &l);
	what = s->type != NULL ? inside(s) : IN_RAW;
	if (what == IN_RAW) {
		if (s->type == NULL)
			tree_unknown(d);
		else if ((l.type = asn1_universal_name(s->e.h.tag)) == NULL)
			l.type = asn1_tag_name(s->e.h.tag, l.tag,
			    sizeof(l.tag));
		raw_text(s, text, size);
		tree_leaf(d, s->start, length(s), l.name[0] != '\0' ? l.name :
		    NULL, l.type, text[0] != '\0' ? text : NULL);
		return;
	}
	if (what == IN_NOTHING) {
		/* X.419: P1 of 1988 in X.410 mode is not protocol 1. */
		if (s->owner == &rts_type_pconnect_data && strcmp(s->name,
		    "applicationProtocol") == 0 && !d->tree->silent)
			d->p1_88 = *(const int64_t *)s->value != 1;
		if (!is_named(s->type, s->value))
			tree_odd(d);
		value_text(s->type, s->value, text, size);
		tree_leaf(d, s->start, length(s), l.name[0] != '\0' ? l.name :
		    NULL, l.type, text[0] != '\0' ? text : NULL);
		return;
	}
	if (d->walk.depth >= ASN1_WALK_DEPTH) {
		tree_leaf(d, s->start, length(s), l.name, l.type, NULL);
		return;
	}
	if (what == IN_CONTENT)
		snprintf(text, sizeof(text), "%" PRIu64 " octets",
		    ((const struct asn1_octets *)s->value)->len);
	tree_open(d, s->start, length(s), l.name[0] != '\0' ? l.name : NULL,
	    l.type, what == IN_CONTENT ? text : NULL);
	d->walk.depth++;
	look_inside(d, s, what);
	d->walk.depth--;
	tree_close(d);
}

static void
seen_damage(void *arg, const uint8_t *at, const char *what)
{
	tree_damage(arg, at, "%s", what);
}

static void
walk_init(struct decode *d)
{
	d->walk.memory = &d->memory;
	d->walk.seen_open = seen_open;
	d->walk.seen_close = seen_close;
	d->walk.seen_leaf = seen_leaf;
	d->walk.damage = seen_damage;
	d->walk.arg = d;
}

/* One element by a table; what follows it is damage. */
static void
by_table(struct decode *d, const char *name, const struct asn1_type *type,
    const uint8_t *p, size_t len)
{
	const uint8_t	*cut = d->walk.cut;
	struct ber	 b;

	walk_init(d);
	d->walk.cut = NULL;
	ber_init(&b, p, len);
	if (asn1_walk(&d->walk, name, type, 0, &b) == 0 && b.p != b.end)
		tree_damage(d, b.p, "%zu octets behind the end of %s",
		    (size_t)(b.end - b.p), name != NULL ? name : "it");
	d->walk.cut = cut;
}

static int
tag_fits(const struct candidate *c, const uint8_t *p, size_t len)
{
	const struct asn1_type	*t = c->type;
	struct ber_header	 h;
	const char		*why;
	uint32_t		 i;

	if (ber_header(p, len, &h, &why) <= 0)
		return (0);
	if (t->kind != ASN1_CHOICE)
		return (t->tag == h.tag);
	for (i = 0; i < t->nfield; i++)
		if (t->field[i].tag != 0 ? t->field[i].tag == h.tag :
		    t->field[i].type->tag == h.tag)
			return (1);
	return (0);
}

static uint64_t
score(struct decode *d, const struct candidate *c, const uint8_t *p,
    size_t len, uint64_t least, int *plausible)
{
	struct decode_tree	*tree = d->tree, silent = {
		.silent = 1, .enough = least
	};
	struct decode_data	 activity = d->activity;
	uint8_t			 in_activity = d->in_activity;

	d->tree = &silent;
	memset(&d->activity, 0, sizeof(d->activity));
	d->in_activity = 0;
	by_table(d, c->name, c->type, p, len);
	d->walk.stop = 0;
	data_free(&d->activity);
	d->activity = activity;
	d->in_activity = in_activity;
	d->tree = tree;
	*plausible = tree_plausible(&silent, 1);
	return (tree_misfit(&silent));
}

static const struct candidate *
best(struct decode *d, const uint8_t *p, size_t len, int tries,
    uint64_t *least, int *plausible)
{
	const struct candidate	*c, *found = NULL;
	uint64_t		 n;
	size_t			 i;
	int			 is_it;

	*least = UINT64_MAX;
	*plausible = 0;
	for (i = 0; i < NCANDIDATES && *least > 0; i++) {
		c = &candidates[i];
		if ((c->tries & tries) == 0 || !tag_fits(c, p, len) ||
		    (d->p1_88 && (c->type == &p1_type_mpdu ||
		    c->type == &p1_type_envelope)))
			continue;
		n = score(d, c, p, len, *least, &is_it);
		if (n < *least) {
			*least = n;
			*plausible = is_it;
			found = c;
		}
	}
	return (found);
}

uint64_t
decode_fit(struct decode *d, const uint8_t *p, size_t len, int tries)
{
	uint64_t	n;
	int		plausible;

	best(d, p, len, tries, &n, &plausible);
	return (plausible ? n : UINT64_MAX);
}

void
decode_ber(struct decode *d, const uint8_t *p, size_t len)
{
	by_table(d, NULL, NULL, p, len);
}

void
decode_best(struct decode *d, const uint8_t *p, size_t len, int tries)
{
	const struct candidate	*c;
	uint64_t		 n;
	int			 plausible;

	if (d->tree->silent) {
		/* What is inside is for who prints it. */
		return;
	}
	if ((c = best(d, p, len, tries, &n, &plausible)) != NULL) {
		by_table(d, c->name, c->type, p, len);
		return;
	}
	tree_damage(d, p, "no %s begins like this", tries == TRY_MPDU ?
	    "MPDU or MTS-APDU" : tries == TRY_CONTENT ?
	    "IPM or IPN" : "APDU that is known here");
	decode_ber(d, p, len);
}
