/* SPDX-License-Identifier: ISC */

/*
 * A content of a MIME text (X.420, RFC 2157): text that is IA5 as IA5 body
 * part, what ISO 8859-1 has as general text, all else as files, messages as
 * forwarded messages.  Multiparts of any kind become their parts.
 *
 * Everything is written twice, first nowhere, to learn the lengths that stand
 * before what they are of; so nothing is kept but those.
 */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "charset.h"
#include "downgrade.h"
#include "imsg.h"
#include "mime_impl.h"

#define LEVELS		64	/* open elements */
#define EIT_IA5_TEXT	0x20000000u

#define REGISTER_LATIN_1 100

struct writer {
	struct mime_submission	*s;
	FILE			*f;		/* NULL: the first time */
	uint64_t		 pos;
	uint64_t		*len;		/* of elements, in order */
	size_t			 nlen, size, next;
	struct {
		size_t		 element;
		uint64_t	 start;
		uint32_t	 tag;
	}			 open[LEVELS];
	int			 depth;
	int			 failed;
	uint32_t		 parts;
	int			 is_1988;
	int			 entities;	/* in one another */
	struct ibuf		**heading;	/* in order */
	size_t			 nheading, next_heading;
};

static int
fail(struct writer *w, const char *why)
{
	w->failed = 1;
	if (w->s->why[0] == '\0')
		strlcpy(w->s->why, why, sizeof(w->s->why));
	return -1;
}

/* Text in the place of a header would be lost, so it is refused. */
static int
check_header(struct writer *w, const struct mime_entity *e, int is_message)
{
	const struct mime_submission	*s = w->s;
	const char	*p, *bad, *dots = "";
	char		 why[IPM_WHY_MAX], text[61];
	size_t		 len, fields, line = 1, i;

	bad = mime_header_bad(e, is_message, &len, &fields);
	if (bad == NULL)
		return 0;
	for (p = (const char *)s->text; p < bad; p++)
		line += *p == '\n';
	if (len > sizeof(text) - 1) {
		len = sizeof(text) - 1;
		dots = "...";
	}
	for (i = 0; i < len; i++)
		text[i] = bad[i] < ' ' || bad[i] > '~' ? '?' : bad[i];
	text[len] = '\0';
	snprintf(why, sizeof(why), "line %zu: \"%s%s\" is not a header field; "
	    "the text has to come after an empty line", line, text, dots);
	return fail(w, why);
}

/* Elements */

static void
put(void *arg, const uint8_t *p, size_t n)
{
	struct writer	*w = arg;

	w->pos += n;
	if (w->f != NULL)
		fwrite(p, 1, n, w->f);
}

static void
put_header(struct writer *w, uint32_t tag, int constructed, uint64_t len)
{
	struct ber_out	o;

	ber_out_init(&o);
	o.after = len;
	ber_out_header(&o, tag, constructed, 0);
	put(w, o.buf + o.pos, o.size - o.pos);
	ber_out_free(&o);
}

static void
element(struct writer *w, uint32_t tag, int constructed)
{
	uint64_t	*len;
	size_t		 size;

	if (w->depth == LEVELS) {
		fail(w, "nested too deep");
		return;
	}
	if (w->f == NULL && w->nlen == w->size) {
		size = w->size == 0 ? 64 : 2 * w->size;
		if ((len = reallocarray(w->len, size, sizeof(*len))) ==
		    NULL) {
			fail(w, "out of memory");
			return;
		}
		w->len = len;
		w->size = size;
	}
	if (w->f != NULL)
		put_header(w, tag, constructed, w->len[w->next]);
	w->open[w->depth].element = w->f == NULL ? w->nlen++ : w->next++;
	w->open[w->depth].start = w->pos;
	w->open[w->depth++].tag = tag;
}

static void
begin(struct writer *w, uint32_t tag)
{
	element(w, tag, 1);
}

static void
end(struct writer *w)
{
	size_t	i;

	if (w->failed || w->depth == 0)
		return;
	i = w->open[--w->depth].element;
	if (w->f != NULL) {
		/* Somebody changes the text under our hands. */
		if (w->pos - w->open[w->depth].start != w->len[i])
			fail(w, "the text changed while it was read");
		return;
	}
	w->len[i] = w->pos - w->open[w->depth].start;
	put_header(w, w->open[w->depth].tag, 1, w->len[i]);
}

static void
primitive(struct writer *w, uint32_t tag, const void *p, size_t n)
{
	put_header(w, tag, 0, n);
	put(w, p, n);
}

/* id-et or id-ep with that last arc. */
static void
put_type(struct writer *w, const char *arc, uint8_t last)
{
	uint8_t	oid[4];

	memcpy(oid, arc, 3);
	oid[3] = last;
	primitive(w, BER_OBJECT_IDENTIFIER, oid, sizeof(oid));
}

/* Texts */

struct text {
	struct charset	 cs;
	struct writer	*w;
	int		 last;		/* the character before */
	int		 least;		/* CS_ASCII, CS_8859 + 1, CS_NONE */
	uint8_t		 buf[1024];
	size_t		 n;
};

static void
text_flush(struct text *t)
{
	put(t->w, t->buf, t->n);
	t->n = 0;
}

static int
text_put(void *arg, uint32_t u)
{
	struct text	*t = arg;

	if (t->n + 2 > sizeof(t->buf))
		text_flush(t);
	if (u == '\n' && t->last != '\r')
		t->buf[t->n++] = '\r';
	t->buf[t->n++] = u;
	t->last = u;
	return 0;
}

static int
text_look(void *arg, uint32_t u)
{
	struct text	*t = arg;

	if (u > 0xff || (u >= 0x7f && u < 0xa0) ||
	    (u < ' ' && u != '\t' && u != '\n' && u != '\r' && u != '\f')) {
		t->least = CS_NONE;
		return -1;
	}
	if (u >= 0xa0)
		t->least = CS_8859 + 1;
	return 0;
}

static void
text_octets_look(void *arg, const uint8_t *p, size_t n)
{
	struct text	*t = arg;

	if (t->least != CS_NONE)
		charset_feed(&t->cs, p, n, text_look, t);
}

static void
text_octets_put(void *arg, const uint8_t *p, size_t n)
{
	struct text	*t = arg;

	charset_feed(&t->cs, p, n, text_put, t);
}

static void
kind_free(struct mime_kind *k)
{
	free(k->value);
	free(k->disposition);
}

static void
kind_of(const struct mime_entity *e, struct mime_kind *k)
{
	char	*value, token[MIME_NAME_MAX];

	k->value = mime_field(e, "Content-Type", 0);
	k->disposition = mime_field(e, "Content-Disposition", 0);
	mime_token(k->value == NULL ? "text/plain" : k->value, k->type,
	    sizeof(k->type));
	k->encoding = MIME_IDENTITY;
	value = mime_field(e, "Content-Transfer-Encoding", 0);
	if (value != NULL) {
		mime_token(value, token, sizeof(token));
		k->encoding = mime_encoding(token);
	}
	free(value);
}

static int
charset_of(const struct mime_kind *k)
{
	char	*name;
	int	 id = CS_ASCII;

	if (k->value != NULL &&
	    (name = mime_parameter(k->value, "charset")) != NULL) {
		id = charset_by_name(name);
		free(name);
	}
	return id;
}

/*
 * Is it a text for people, and in which characters?  CS_NONE: a file.  ASCII
 * that is none is no text, as nobody knows what it is.
 */
static int
text_kind(const struct mime_entity *e, const struct mime_kind *k)
{
	struct text	t;
	char		token[MIME_NAME_MAX] = "";
	int		id = charset_of(k);

	if (k->disposition != NULL)
		mime_token(k->disposition, token, sizeof(token));
	if (strcmp(k->type, "text/plain") != 0 || id == CS_NONE ||
	    k->encoding == -1 || strcmp(token, "attachment") == 0)
		return CS_NONE;
	memset(&t, 0, sizeof(t));
	charset_init(&t.cs, id);
	t.least = CS_ASCII;
	mime_decode(e->body, e->body_len, k->encoding, text_octets_look, &t);
	if (t.cs.npending > 0 || t.cs.replaced > 0 ||
	    (id == CS_ASCII && t.least != CS_ASCII))
		return CS_NONE;
	return t.least;
}

static void
text_write(struct writer *w, const struct mime_entity *e,
    const struct mime_kind *k)
{
	struct text	t;

	memset(&t, 0, sizeof(t));
	t.w = w;
	charset_init(&t.cs, charset_of(k));
	mime_decode(e->body, e->body_len, k->encoding, text_octets_put, &t);
	text_flush(&t);
}

/* [0] { SET {}, IA5String } */
static void
ia5_text(struct writer *w, const struct mime_entity *e,
    const struct mime_kind *k)
{
	w->s->eits |= EIT_IA5_TEXT;
	begin(w, BER_CONTEXT(BP_IA5));
	begin(w, BER_SET);
	end(w);
	element(w, BER_IA5_STRING, 0);
	text_write(w, e, k);
	end(w);
	end(w);
}

static void
parameters_begin(struct writer *w, uint8_t type)
{
	w->is_1988 = 1;
	begin(w, BER_CONTEXT(BP_EXTENDED));
	begin(w, BER_CONTEXT(0));
	put_type(w, X420_ID_EP, type);
	begin(w, BER_CONTEXT(0));
}

static void
data_begin(struct writer *w, uint8_t type)
{
	end(w);
	end(w);
	begin(w, BER_EXTERNAL);
	put_type(w, X420_ID_ET, type);
	begin(w, BER_CONTEXT(0));
}

static void
extended_end(struct writer *w)
{
	end(w);
	end(w);
	end(w);
}

/* GeneralString in IA5 and, designated as it begins, ISO 8859-1 right. */
static void
general_text(struct writer *w, const struct mime_entity *e,
    const struct mime_kind *k)
{
	static const uint8_t	sets[] = { 1, 6, REGISTER_LATIN_1 };
	static const uint8_t	designate[] = { 0x1b, '-', 'A' };
	size_t			i;

	w->s->general_text = 1;
	parameters_begin(w, ET_GENERAL_TEXT);
	begin(w, BER_SET);
	for (i = 0; i < sizeof(sets); i++)
		primitive(w, BER_INTEGER, &sets[i], 1);
	end(w);
	data_begin(w, ET_GENERAL_TEXT);
	element(w, BER_GENERAL_STRING, 0);
	put(w, designate, sizeof(designate));
	text_write(w, e, k);
	end(w);
	extended_end(w);
}

/* Files */

static void
count(void *arg, const uint8_t *p, size_t n)
{
	*(uint64_t *)arg += n;
}

/* FTAM unstructured binary { 1 0 8571 abstract-syntax(2) 4 }. */
static const uint8_t	unstructured_binary[] = { 0x28, 0xc2, 0x7b, 2, 4 };

static int
file_transfer(struct writer *w, const struct mime_entity *e,
    struct mime_kind *k)
{
	uint64_t	 octets = 0;
	struct ibuf	*b;
	int		 r;

	w->s->file_transfer = 1;
	if (k->encoding == -1)
		k->encoding = MIME_IDENTITY;
	mime_decode(e->body, e->body_len, k->encoding, count, &octets);
	if ((b = ibuf_dynamic(1024, MIME_MEMORY_MAX)) == NULL)
		return fail(w, "out of memory");
	parameters_begin(w, ET_FILE);
	if ((r = mime_file_parameters(w->s, e, k, octets, b)) == 0)
		put(w, ibuf_data(b), ibuf_size(b));
	ibuf_free(b);
	if (r == -1)
		return fail(w, "parameters of a file");
	data_begin(w, ET_FILE);
	begin(w, BER_SEQUENCE);
	begin(w, BER_EXTERNAL);
	primitive(w, BER_OBJECT_IDENTIFIER, unstructured_binary,
	    sizeof(unstructured_binary));
	put_header(w, BER_CONTEXT(1), 0, octets);
	mime_decode(e->body, e->body_len, k->encoding, put, w);
	end(w);
	end(w);
	extended_end(w);
	return 0;
}

/* Messages */

static int	entity(struct writer *, const char *, size_t);
static int	ipm(struct writer *, const struct mime_entity *);

/* [9] { SET { [0] delivery time }, SEQUENCE } */
static int
forwarded(struct writer *w, const struct mime_entity *e)
{
	struct mime_entity	inner;
	struct utctime		utc;
	int64_t			seconds;
	char			*value;
	int			r;

	mime_entity(&inner, e->body, e->body_len);
	if (check_header(w, &inner, 1) == -1)
		return -1;
	begin(w, BER_CONTEXT(BP_MESSAGE));
	begin(w, BER_SET);
	value = mime_field(&inner, "Delivery-Date", 0);
	if (value != NULL && mime_date_parse(value, &seconds) == 0) {
		utctime_set(&utc, seconds);
		primitive(w, BER_CONTEXT(0), utc.text, strlen(utc.text));
	}
	free(value);
	end(w);
	begin(w, BER_SEQUENCE);
	r = ipm(w, &inner);
	end(w);
	end(w);
	return r;
}

static int
multipart(struct writer *w, const struct mime_entity *e, const char *boundary)
{
	const char	*part;
	size_t		 at = 0, len;

	while (mime_part(e, boundary, &at, &part, &len))
		if (entity(w, part, len) == -1)
			return -1;
	return 0;
}

static int
body_part(struct writer *w, const struct mime_entity *e, struct mime_kind *k)
{
	if (++w->parts > MIME_PARTS_MAX)
		return fail(w, "too many parts");
	if (strcmp(k->type, "message/rfc822") == 0 &&
	    k->encoding == MIME_IDENTITY)
		return forwarded(w, e);
	switch (text_kind(e, k)) {
	case CS_ASCII:
		ia5_text(w, e, k);
		return 0;
	case CS_8859 + 1:
		general_text(w, e, k);
		return 0;
	default:
		return file_transfer(w, e, k);
	}
}

static int
entity_parts(struct writer *w, const struct mime_entity *e)
{
	struct mime_kind	 k;
	char		*boundary = NULL;
	int		 r;

	kind_of(e, &k);
	if (++w->entities > MIME_DEPTH_MAX)
		r = fail(w, "parts nested too deep");
	else if (strncmp(k.type, "multipart/", 10) == 0 && k.value != NULL &&
	    (boundary = mime_parameter(k.value, "boundary")) != NULL)
		r = multipart(w, e, boundary);
	else
		r = body_part(w, e, &k);
	w->entities--;
	free(boundary);
	kind_free(&k);
	return r == -1 || w->failed ? -1 : 0;
}

static int
entity(struct writer *w, const char *text, size_t len)
{
	struct mime_entity	e;

	mime_entity(&e, text, len);
	if (check_header(w, &e, 0) == -1)
		return -1;
	return entity_parts(w, &e);
}

/*
 * Made the first time, and the same the second: one that has an identifier of
 * ours is another whenever it is made.
 */
static int
heading(struct writer *w, const struct mime_entity *e)
{
	struct ibuf	**list, *b;

	if (w->f == NULL) {
		list = reallocarray(w->heading, w->nheading + 1,
		    sizeof(*list));
		if (list == NULL)
			return fail(w, "out of memory");
		w->heading = list;
		if ((b = ibuf_dynamic(1024, ENVELOPE_MAX)) == NULL)
			return fail(w, "out of memory");
		list[w->nheading++] = b;
		if (mime_heading(w->s, e, b, &w->is_1988) == -1)
			return fail(w, "heading");
	} else
		b = w->heading[w->next_heading++];
	put(w, ibuf_data(b), ibuf_size(b));
	return 0;
}

/* The members of an IPM. */
static int
ipm(struct writer *w, const struct mime_entity *e)
{
	if (heading(w, e) == -1)
		return -1;
	begin(w, BER_SEQUENCE);
	if (entity_parts(w, e) == -1)
		return -1;
	end(w);
	return w->failed ? -1 : 0;
}

static int
content(struct writer *w, const struct mime_entity *e)
{
	w->pos = 0;
	w->depth = 0;
	w->parts = 0;
	begin(w, BER_CONTEXT(0));
	if (w->failed || ipm(w, e) == -1)
		return -1;
	end(w);
	return w->failed ? -1 : 0;
}

static int
has_fields(struct writer *w, const struct mime_entity *e)
{
	size_t	len, fields;

	mime_header_bad(e, 1, &len, &fields);
	return fields > 0 ? 0 : fail(w, "no header: a message begins with "
	    "header fields (Subject: ...) and an empty line");
}

int
ipm_from_mime(struct mime_submission *s, FILE *f)
{
	struct mime_entity	e;
	struct writer		w;
	size_t			i;
	int			r = -1;

	memset(&w, 0, sizeof(w));
	w.s = s;
	s->why[0] = '\0';
	s->eits = 0;
	s->general_text = s->file_transfer = 0;
	mime_entity(&e, s->text, s->len);
	if (check_header(&w, &e, 1) == 0 && has_fields(&w, &e) == 0 &&
	    mime_envelope(s, &e) == 0 && content(&w, &e) == 0) {
		w.f = f;
		r = content(&w, &e);
		s->content_type = w.is_1988 ? CONTENT_P22 : CONTENT_P2;
	}
	for (i = 0; i < w.nheading; i++)
		ibuf_free(w.heading[i]);
	free(w.heading);
	free(w.len);
	return r;
}
