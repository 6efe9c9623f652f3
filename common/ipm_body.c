/* SPDX-License-Identifier: ISC */

/*
 * Body parts of an IPM (X.420 7.3, 7.4; X.420-1984 3.3) as MIME, by RFC 2157:
 * texts as text/plain, files with their names, messages as message/rfc822.
 * All else is application/octet-stream with the name of its type, the octets
 * being those of the string that it is, or the whole element in BER.
 *
 * Octets are taken from where they are: a body part is never copied.
 */

#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "ipm_impl.h"
#include "oid.h"

/* Called for each run of the octets of a string. */
typedef void	octets_fn(void *, const uint8_t *, size_t);

/* Strings: one element, or all members of a SEQUENCE OF (teletex pages). */
struct strings {
	struct ber		level;	/* that the element was read from */
	struct ber_element	e;
	int			list;
	int			bits;
};

/* What an EXTERNAL says (X.208 34). */
struct external {
	uint8_t			oid[UB_OID];
	size_t			oid_len;	/* 0: none */
	struct ber		level;		/* of the value */
	struct ber_element	value;
	int			aligned;	/* 1: octets, 2: bits */
};

static int
next(struct ipm *i, struct ber *level, struct ber_element *e)
{
	int	n;

	if ((n = ber_next(level, e)) == -1)
		ipm_fail(i, "%s", level->why);
	return n;
}

static int
skip(struct ipm *i, struct ber *level, const struct ber_element *e)
{
	return ber_skip(level, e) == -1 ? ipm_fail(i, "%s", level->why) : 0;
}

/* The octets of a string, primitive or constructed (X.690 8.7.3, 8.21). */
static int
each(struct ipm *i, struct ber *level, const struct ber_element *e, int bits,
    int depth, octets_fn *fn, void *arg)
{
	struct ber_element	ie;
	struct ber		in;
	int			n;

	if (!e->h.constructed) {
		if (bits && e->h.len > 0)
			fn(arg, e->value + 1, e->h.len - 1);
		else
			fn(arg, e->value, e->h.len);
		return skip(i, level, e);
	}
	if (depth == ASN1_SEGMENT_DEPTH)
		return ipm_fail(i, "string nested too deep");
	ber_enter(level, e, &in);
	while ((n = next(i, &in, &ie)) == 1)
		if (each(i, &in, &ie, bits, depth + 1, fn, arg) == -1)
			return -1;
	if (n == -1)
		return -1;
	ber_leave(level, &in);
	return 0;
}

static int
strings_each(struct ipm *i, const struct strings *s, octets_fn *fn, void *arg)
{
	struct ber		level = s->level, in;
	struct ber_element	e;
	int			n, first = 1;

	if (!s->list)
		return each(i, &level, &s->e, s->bits, 0, fn, arg);
	ber_enter(&level, &s->e, &in);
	while ((n = next(i, &in, &e)) == 1) {
		/* Pages of a text. */
		if (!first)
			fn(arg, (const uint8_t *)"\f", 1);
		first = 0;
		if (each(i, &in, &e, 0, 0, fn, arg) == -1)
			return -1;
	}
	return n;
}

/* Octets */

static void
octets_put(void *arg, const uint8_t *p, size_t n)
{
	mime_base64_put(arg, p, n);
}

static int
octets(struct ipm *i, const struct strings *s)
{
	struct mime_base64	b;

	fputs("Content-Transfer-Encoding: base64\n\n", i->f);
	mime_base64_begin(&b, i->f);
	if (strings_each(i, s, octets_put, &b) == -1)
		return -1;
	mime_base64_end(&b);
	return 0;
}

static int
octet_stream(struct ipm *i, const char *type)
{
	struct mime_field	mf;

	mime_field_begin(&mf, "Content-Type");
	mime_field_raw(&mf, "application/octet-stream");
	mime_field_parameter(&mf, "x400-bp", type);
	return mime_field_end(&mf, i->f) == -1 ? ipm_no_memory(i) : 0;
}

/* A whole element as it is. */
static int
opaque(struct ipm *i, struct ber *level, const struct ber_element *e,
    const char *type)
{
	struct mime_base64	b;

	if (skip(i, level, e) == -1 || octet_stream(i, type) == -1)
		return -1;
	fputs("Content-Transfer-Encoding: base64\n\n", i->f);
	mime_base64_begin(&b, i->f);
	mime_base64_put(&b, e->start, level->p - e->start);
	mime_base64_end(&b);
	return 0;
}

static int
string_part(struct ipm *i, struct ber *level, const struct ber_element *e,
    int bits, const char *type)
{
	struct strings	s = { *level, *e, 0, bits };

	if (skip(i, level, e) == -1 || octet_stream(i, type) == -1)
		return -1;
	return octets(i, &s);
}

/* Text */

struct text_pass {
	struct charset		cs;
	struct mime_text	t;
};

static void
text_octets(void *arg, const uint8_t *p, size_t n)
{
	struct text_pass	*pass = arg;

	charset_feed(&pass->cs, p, n, mime_text_put, &pass->t);
}

static int
text_once(struct ipm *i, const struct strings *s, const struct charset *cs,
    struct text_pass *pass)
{
	pass->cs = *cs;
	if (strings_each(i, s, text_octets, pass) == -1)
		return -1;
	charset_end(&pass->cs, mime_text_put, &pass->t);
	mime_text_end(&pass->t);
	return 0;
}

/* Looked at first, then written. */
static int
text(struct ipm *i, const struct strings *s, const struct charset *cs)
{
	struct text_pass	pass;
	int			encoded;

	mime_text_begin(&pass.t, NULL, 0);
	if (text_once(i, s, cs, &pass) == -1)
		return -1;
	encoded = pass.t.encoded;
	fprintf(i->f, "Content-Type: text/plain; charset=%s\n"
	    "Content-Transfer-Encoding: %s\n\n",
	    pass.t.ascii ? "us-ascii" : "utf-8",
	    encoded ? "quoted-printable" : "7bit");
	mime_text_begin(&pass.t, i->f, encoded);
	return text_once(i, s, cs, &pass);
}

/* [0] { SET parameters, IA5String }, [5] { SET, SEQUENCE OF T61String } */
static int
text_part(struct ipm *i, struct ber *level, const struct ber_element *part,
    int teletex)
{
	struct ber_element	e;
	struct charset		cs;
	struct strings		s;
	struct ber		in;

	if (!part->h.constructed)
		return ipm_fail(i, "a text is primitive");
	ber_enter(level, part, &in);
	if (ipm_expect(i, &in, BER_SET, &e) == -1 || skip(i, &in, &e) == -1)
		return -1;
	if (next(i, &in, &s.e) != 1)
		return ipm_fail(i, "a text is missing");
	if (teletex && !s.e.h.constructed)
		return ipm_fail(i, "a teletex text is primitive");
	s.level = in;
	s.list = teletex;
	s.bits = 0;
	charset_init(&cs, teletex ? CS_T61 : CS_ASCII);
	return text(i, &s, &cs) == -1 || skip(i, level, part) == -1 ? -1 : 0;
}

/* Extended body parts */

static int
external_choice(struct ipm *i, struct ber *in, const struct ber_element *e,
    struct external *x)
{
	struct ber	single;

	switch (e->h.tag) {
	case BER_CONTEXT(0):
		if (!e->h.constructed)
			break;
		ber_enter(in, e, &single);
		if (next(i, &single, &x->value) != 1)
			break;
		x->level = single;
		return 0;
	case BER_CONTEXT(1):
	case BER_CONTEXT(2):
		x->level = *in;
		x->value = *e;
		x->aligned = BER_NUMBER(e->h.tag);
		return 0;
	}
	return ipm_fail(i, "an EXTERNAL without a value");
}

/* What is in an EXTERNAL, whose tag the caller has looked at. */
static int
external(struct ipm *i, const struct ber *level, const struct ber_element *x,
    struct external *out)
{
	struct ber_element	e;
	struct ber		in;
	int			n;

	memset(out, 0, sizeof(*out));
	if (!x->h.constructed)
		return ipm_fail(i, "an EXTERNAL is primitive");
	ber_enter(level, x, &in);
	while ((n = next(i, &in, &e)) == 1 &&
	    BER_CLASS(e.h.tag) == BER_CLASS(BER_UNIVERSAL(0))) {
		if (e.h.tag == BER_OBJECT_IDENTIFIER && !e.h.constructed) {
			if (e.h.len > UB_OID)
				return ipm_fail(i, "a type is too long");
			memcpy(out->oid, e.value, e.h.len);
			out->oid_len = e.h.len;
		}
		if (skip(i, &in, &e) == -1)
			return -1;
	}
	if (n != 1)
		return ipm_fail(i, "an EXTERNAL without a value");
	return external_choice(i, &in, &e, out);
}

/* id-et and id-ep of X.420: the last arc, else -1. */
static int
known(const struct external *x, const char *arc)
{
	return x->oid_len == 4 && memcmp(x->oid, arc, 3) == 0 ?
	    x->oid[3] : -1;
}

static int
is_octets(const struct external *x)
{
	return x->aligned || x->value.h.tag == BER_OCTET_STRING;
}

static void
external_strings(const struct external *x, struct strings *s)
{
	s->level = x->level;
	s->e = x->value;
	s->list = 0;
	s->bits = x->aligned == 2;
}

/*
 * Parameters of general text: SET OF INTEGER, registrations of the character
 * sets.  The right half that they name, 0: none, -1: others than known.
 */
static int
general_right(const struct external *parameters)
{
	struct ber_element	e;
	struct ber		in;
	int			part = 0, n, number;

	if (parameters == NULL || parameters->aligned ||
	    !parameters->value.h.constructed)
		return 0;
	ber_enter(&parameters->level, &parameters->value, &in);
	while ((n = ber_next(&in, &e)) == 1) {
		if (e.h.constructed || e.h.len < 1 || e.h.len > 2)
			return -1;
		number = e.value[0];
		if (e.h.len == 2)
			number = number << 8 | e.value[1];
		in.p = e.value + e.h.len;
		if (number == 1 || number == 2 || number == 6 ||
		    number == 77 || number == 196)
			continue;	/* C0, IA5, C1, UTF-8 */
		if ((part = charset_registered(number)) == 0)
			return -1;
	}
	return n == -1 ? -1 : part;
}

static int
general_text(struct ipm *i, const struct external *x,
    const struct external *parameters)
{
	struct charset	cs;
	struct strings	s;
	int		part = general_right(parameters);

	external_strings(x, &s);
	if (part == -1) {
		if (octet_stream(i, "general-text") == -1)
			return -1;
		return octets(i, &s);
	}
	charset_init(&cs, CS_GENERAL);
	charset_right(&cs, part);
	return text(i, &s, &cs);
}

/* File transfer */

/* FileTransferData ::= SEQUENCE OF EXTERNAL, octets one behind the other. */
static int
file_data(struct ipm *i, const struct external *x, struct mime_base64 *b)
{
	struct ber_element	e;
	struct external		inner;
	struct strings		s;
	struct ber		in;
	int			n;

	if (x->aligned || x->value.h.tag != BER_SEQUENCE ||
	    !x->value.h.constructed) {
		external_strings(x, &s);
		return strings_each(i, &s, octets_put, b);
	}
	ber_enter(&x->level, &x->value, &in);
	while ((n = next(i, &in, &e)) == 1) {
		if (e.h.tag != BER_EXTERNAL)
			return ipm_fail(i, "a file that is no EXTERNAL");
		if (external(i, &in, &e, &inner) == -1)
			return -1;
		if (is_octets(&inner)) {
			external_strings(&inner, &s);
			if (strings_each(i, &s, octets_put, b) == -1)
				return -1;
		} else {
			if (skip(i, &inner.level, &inner.value) == -1)
				return -1;
			mime_base64_put(b, inner.value.start,
			    inner.level.p - inner.value.start);
		}
		if (skip(i, &in, &e) == -1)
			return -1;
	}
	return n;
}

static int
file_transfer(struct ipm *i, const struct external *x,
    const struct external *parameters)
{
	struct mime_base64	b;
	struct ber		level;

	if (parameters != NULL && !parameters->aligned) {
		/* The cursor is at the contents: back to the element. */
		level = parameters->level;
		level.p = parameters->value.start;
	}
	if (ipm_file_fields(i, parameters != NULL && !parameters->aligned ?
	    &level : NULL) == -1)
		return -1;
	fputs("Content-Transfer-Encoding: base64\n\n", i->f);
	mime_base64_begin(&b, i->f);
	if (file_data(i, x, &b) == -1)
		return -1;
	mime_base64_end(&b);
	return 0;
}

/* Messages */

/*
 * SET { delivery-time [0], delivery-envelope [1] { ..., [7] submission } }:
 * the text of the first, and in *date the seconds of the last.
 */
static void
message_times(const struct ber *level, const struct ber_element *set,
    char delivered[MIME_DATE_LEN], int64_t *date)
{
	struct asn1_octets	s;
	struct utctime		t;
	struct ber_element	e;
	struct ber		in, envelope;

	ber_enter(level, set, &in);
	for (; ber_next(&in, &e) == 1 && ber_skip(&in, &e) == 0; ) {
		if (e.h.tag == BER_CONTEXT(0) && !e.h.constructed) {
			s.p = e.value;
			s.len = e.h.len;
			if (ipm_date(&s, delivered) == -1)
				delivered[0] = '\0';
		}
		if (e.h.tag != BER_CONTEXT(1) || !e.h.constructed)
			continue;
		ber_enter(&in, &e, &envelope);
		while (ber_next(&envelope, &e) == 1 &&
		    ber_skip(&envelope, &e) == 0) {
			if (e.h.tag != BER_CONTEXT(7) || e.h.constructed ||
			    e.h.len >= sizeof(t.text))
				continue;
			memset(&t, 0, sizeof(t));
			memcpy(t.text, e.value, e.h.len);
			if (utctime_get(&t) != -1)
				*date = utctime_get(&t);
		}
	}
}

/* message/rfc822 of an IPM whose members the cursor is at. */
static int
message(struct ipm *i, struct ber *in, const struct ber *level,
    const struct ber_element *parameters)
{
	char	delivered[MIME_DATE_LEN] = "";
	int64_t	date = i->options->date;
	int	r;

	if (parameters != NULL)
		message_times(level, parameters, delivered, &date);
	fputs("Content-Type: message/rfc822\n\n", i->f);
	i->depth++;
	r = ipm_message(i, in, date, delivered[0] != '\0' ? delivered : NULL);
	i->depth--;
	return r;
}

/* [9] { SET parameters, SEQUENCE the message } */
static int
forwarded(struct ipm *i, struct ber *level, const struct ber_element *part)
{
	struct ber_element	set, e;
	struct ber		in, inner, before;

	if (i->depth == IPM_DEPTH_MAX)
		return opaque(i, level, part, "forwarded-message");
	if (!part->h.constructed)
		return ipm_fail(i, "a forwarded message is primitive");
	ber_enter(level, part, &in);
	if (ipm_expect(i, &in, BER_SET, &set) == -1)
		return -1;
	before = in;
	if (skip(i, &in, &set) == -1 ||
	    ipm_expect(i, &in, BER_SEQUENCE, &e) == -1)
		return -1;
	ber_enter(&in, &e, &inner);
	if (message(i, &inner, &before, &set) == -1)
		return -1;
	return skip(i, level, part);
}

/* The same as an extended body part. */
static int
extended_message(struct ipm *i, const struct external *x,
    const struct external *parameters)
{
	struct ber	in;

	ber_enter(&x->level, &x->value, &in);
	if (parameters == NULL || parameters->aligned ||
	    parameters->value.h.tag != BER_SET ||
	    !parameters->value.h.constructed)
		return message(i, &in, NULL, NULL);
	return message(i, &in, &parameters->level, &parameters->value);
}

static int
extended_text(struct ipm *i, const struct external *x, int teletex)
{
	struct charset	cs;
	struct strings	s;

	external_strings(x, &s);
	s.list = teletex;
	charset_init(&cs, teletex ? CS_T61 : CS_ASCII);
	return text(i, &s, &cs);
}

static int
extended_other(struct ipm *i, const struct external *x)
{
	struct strings	s;
	struct ber	level;
	char		type[UB_OID_TEXT + 1];

	if (oid_to_text(x->oid, x->oid_len, type) == -1)
		strlcpy(type, "extended", sizeof(type));
	if (is_octets(x)) {
		external_strings(x, &s);
		if (octet_stream(i, type) == -1)
			return -1;
		return octets(i, &s);
	}
	level = x->level;
	return opaque(i, &level, &x->value, type);
}

static int
extended_by_type(struct ipm *i, const struct external *x,
    const struct external *parameters)
{
	int	whole = !x->aligned && x->value.h.constructed;

	switch (known(x, X420_ID_ET)) {
	case ET_IA5:
		if (!x->aligned)
			return extended_text(i, x, 0);
		break;
	case ET_TELETEX:
		if (whole)
			return extended_text(i, x, 1);
		break;
	case ET_GENERAL_TEXT:
		if (!x->aligned)
			return general_text(i, x, parameters);
		break;
	case ET_FILE:
		return file_transfer(i, x, parameters);
	case ET_MESSAGE:
		if (whole && i->depth < IPM_DEPTH_MAX)
			return extended_message(i, x, parameters);
		break;
	}
	return extended_other(i, x);
}

/* [15] { [0] IMPLICIT EXTERNAL parameters OPTIONAL, EXTERNAL data } */
static int
extended(struct ipm *i, struct ber *level, const struct ber_element *part)
{
	struct external		parameters, x;
	struct ber_element	e;
	struct ber		in;
	int			n, have = 0;

	if (!part->h.constructed)
		return ipm_fail(i, "an extended body part is primitive");
	ber_enter(level, part, &in);
	if ((n = next(i, &in, &e)) == 1 && e.h.tag == BER_CONTEXT(0)) {
		have = 1;
		if (external(i, &in, &e, &parameters) == -1 ||
		    skip(i, &in, &e) == -1)
			return -1;
		n = next(i, &in, &e);
	}
	if (n == -1)
		return -1;
	if (n == 0 || e.h.tag != BER_EXTERNAL)
		return ipm_fail(i, "an extended body part without data");
	if (external(i, &in, &e, &x) == -1 ||
	    extended_by_type(i, &x, have ? &parameters : NULL) == -1)
		return -1;
	return skip(i, level, part);
}

/* Names of basic types; of those without a name the tag is told. */
static const char	*const names[] = {
	[BP_TELEX] = "telex", [BP_VOICE] = "voice", [BP_G3] = "g3-facsimile",
	[BP_G4] = "g4-class1", [BP_VIDEOTEX] = "videotex",
	[BP_NATIONAL] = "nationally-defined", [BP_ENCRYPTED] = "encrypted",
	[BP_SFD] = "sfd", [BP_MIXED] = "mixed-mode"
};

static int
part(struct ipm *i, struct ber *level, const struct ber_element *e)
{
	uint32_t	n = BER_NUMBER(e->h.tag);
	char		tag[40];

	if (++i->parts > IPM_PARTS_MAX)
		return ipm_fail(i, "more than %d body parts", IPM_PARTS_MAX);
	switch (e->h.tag) {
	case BER_CONTEXT(BP_IA5):
	case BER_CONTEXT(BP_TELETEX):
		return text_part(i, level, e, n == BP_TELETEX);
	case BER_CONTEXT(BP_MESSAGE):
		return forwarded(i, level, e);
	case BER_CONTEXT(BP_BILATERAL):
		return string_part(i, level, e, 0, "bilaterally-defined");
	case BER_CONTEXT(BP_EXTENDED):
		return extended(i, level, e);
	}
	if (BER_CLASS(e->h.tag) == BER_CLASS(BER_CONTEXT(0)) &&
	    n < sizeof(names) / sizeof(names[0]) && names[n] != NULL)
		return opaque(i, level, e, names[n]);
	return opaque(i, level, e, asn1_tag_name(e->h.tag, tag, sizeof(tag)));
}

static int
multipart(struct ipm *i, struct ber *in)
{
	struct ber_element	e;
	char			boundary[IPM_BOUNDARY_LEN];
	int			n;

	ipm_boundary(i, boundary);
	fprintf(i->f, "Content-Type: multipart/mixed; boundary=\"%s\"\n",
	    boundary);
	while ((n = next(i, in, &e)) == 1) {
		fprintf(i->f, "\n--%s\n", boundary);
		if (part(i, in, &e) == -1)
			return -1;
	}
	if (n == 0)
		fprintf(i->f, "\n--%s--\n", boundary);
	return n;
}

int
ipm_body(struct ipm *i, struct ber *level, const struct ber_element *body)
{
	struct ber_element	e;
	struct ber		in;
	uint32_t		parts = 0;
	int			n;

	ber_enter(level, body, &in);
	while ((n = next(i, &in, &e)) == 1) {
		parts++;
		if (skip(i, &in, &e) == -1)
			return -1;
	}
	if (n == -1)
		return -1;
	ber_enter(level, body, &in);
	if (parts > 1)
		return multipart(i, &in);
	if (parts == 1)
		return next(i, &in, &e) == 1 ? part(i, &in, &e) : -1;
	fputs("Content-Type: text/plain; charset=us-ascii\n\n", i->f);
	return 0;
}
