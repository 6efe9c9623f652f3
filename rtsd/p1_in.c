/* SPDX-License-Identifier: ISC */

/*
 * MPDUs as they arrive: X.411-1984 clause 4.3, X.411-1988 clause 12, cut into
 * markup and content.
 *
 * Only as much structure is followed here as is needed to find the content,
 * and so far the two are the same but for the names:
 *
 *	[0] UserMPDU		SEQUENCE { SET envelope, OCTET STRING content }
 *	[1] DeliveryReportMPDU	SEQUENCE { SET envelope, SET content {
 *				    ... [1] returned content ... } }
 *	[2] ProbeMPDU		SET
 *
 * In normal mode an EXTERNAL is around it (X.228 7.3.2), for RTSE knows the
 * presentation context that it came in no more:
 *
 *	[UNIVERSAL 8] { direct-reference, indirect-reference, descriptor,
 *			[0] single-ASN1-type or [1] octet-aligned MPDU }
 *
 * Elements that hold no content are collected whole, up to ENVELOPE_MAX, and
 * decoded by the tables of p1_84.h as soon as they are complete.  Of a report
 * everything but the returned content is put together again, with indefinite
 * lengths around it.
 *
 * A frame is a constructed element whose members are looked at one by one.
 * All lengths are checked against what holds them when a header has been
 * read, so that frames always end where their members do.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "p1.h"
#include "p1_84.h"

/* Contents may be cut into segments: how much for their headers. */
#define SEGMENT_MARKUP_MAX	(64 * 1024 * 1024)
#define SEGMENT_MARKUP_FREE	(1024 * 1024)	/* then 4 for an octet */

enum p1_state {
	P1_HEADER,		/* of a member of the innermost frame */
	P1_CONTENT,		/* left octets of content */
	P1_COLLECT,		/* left octets of a collected element */
	P1_COLLECT_HEADER,	/* inside of an indefinite one */
	P1_PASS,		/* left octets of what nobody needs */
	P1_DONE,		/* all of the MPDU has been seen */
	P1_FAILED
};

enum p1_frame_kind { F_USER, F_REPORT, F_REPORT_CONTENT, F_SEGMENTS,
	F_EXTERNAL, F_ENCODING };
#define REFERENCE_MAX	64	/* octets of a reference or descriptor */

struct p1_frame {
	uint64_t	end;		/* offset; of what holds it */
	uint8_t		indefinite;
	uint8_t		kind;		/* enum p1_frame_kind */
	uint8_t		members;	/* seen, of those that have a number */
};

struct p1_in {
	enum p1_protocol	 protocol;
	enum p1_state		 state;
	uint64_t		 max_content;
	size_t			 max_memory;	/* P1_MEMORY_MAX or less */
	uint64_t		 offset;	/* octets of the MPDU seen */
	uint64_t		 content;	/* octets of it so far */
	uint64_t		 left;
	uint32_t		 markup;
	uint32_t		 segment_markup;
	uint32_t		 depth;		/* of P1_COLLECT_HEADER */
	uint8_t			 has_content;
	uint8_t			 external;	/* an EXTERNAL is around it */
	uint8_t			 base;		/* frames of that */
	uint8_t			 nframe;
	uint8_t			 nheader;
	uint8_t			 header[BER_HEADER_MAX];
	struct p1_frame		 frame[ASN1_SEGMENT_DEPTH + 4];
	uint8_t			*buf;		/* collected */
	size_t			 len, size;
	struct message		*message;
	char			 error[sizeof(((struct asn1 *)0)->error)];
};

struct p1_in *
p1_in_new(enum p1_protocol protocol, uint64_t max_content)
{
	struct p1_in	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->protocol = protocol;
	p->max_content = max_content != 0 ? max_content : INT64_MAX;
	p->max_memory = P1_MEMORY_MAX;
	return p;
}

void
p1_in_external(struct p1_in *p)
{
	p->external = 1;
	p->base = 2;
}

void
p1_in_memory(struct p1_in *p, uint64_t max)
{
	if (max < P1_MEMORY_MAX)
		p->max_memory = max;
}

void
p1_in_free(struct p1_in *p)
{
	if (p == NULL)
		return;
	message_free(p->message);
	free(p->buf);
	free(p);
}

const char *
p1_in_error(const struct p1_in *p)
{
	return p->error;
}

static int	fail(struct p1_in *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

static int
fail(struct p1_in *p, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(p->error, sizeof(p->error), fmt, ap);
	va_end(ap);
	p->state = P1_FAILED;
	return -1;
}

static const char *
frame_name(const struct p1_in *p)
{
	static const char *const	name[2][7] = {
		{
			[F_USER] = "UserMPDU",
			[F_REPORT] = "DeliveryReportMPDU",
			[F_REPORT_CONTENT] = "DeliveryReportContent",
			[F_SEGMENTS] = "UMPDUContent",
			[F_EXTERNAL] = "EXTERNAL",
			[F_ENCODING] = "EXTERNAL.encoding",
			"MPDU"
		}, {
			[F_USER] = "Message",
			[F_REPORT] = "Report",
			[F_REPORT_CONTENT] = "ReportTransferContent",
			[F_SEGMENTS] = "Content",
			[F_EXTERNAL] = "EXTERNAL",
			[F_ENCODING] = "EXTERNAL.encoding",
			"MTS-APDU"
		}
	};

	return name[p->protocol][p->nframe == 0 ? F_ENCODING + 1 :
	    p->frame[p->nframe - 1].kind];
}

static int
fail_element(struct p1_in *p, uint32_t tag)
{
	char	name[40];

	return fail(p, "%s: unexpected element %s", frame_name(p),
	    asn1_tag_name(tag, name, sizeof(name)));
}

/* Where the innermost frame, or what holds it, ends. */
static uint64_t
limit(const struct p1_in *p)
{
	return p->nframe == 0 ? UINT64_MAX : p->frame[p->nframe - 1].end;
}

static int
count_markup(struct p1_in *p, uint64_t n)
{
	if (n > ENVELOPE_MAX - p->markup)
		return fail(p, "%s: more than %d octets beside the content",
		    frame_name(p), ENVELOPE_MAX);
	p->markup += n;
	return 0;
}

/* Headers of segments: in proportion to the content. */
static int
count_segment(struct p1_in *p, uint32_t n)
{
	p->segment_markup += n;
	if (p->segment_markup > SEGMENT_MARKUP_MAX ||
	    (p->segment_markup > SEGMENT_MARKUP_FREE &&
	    p->segment_markup - SEGMENT_MARKUP_FREE > 4 * p->content))
		return fail(p, "%s: too many segments", frame_name(p));
	return 0;
}

static int
append(struct p1_in *p, const void *octets, size_t n)
{
	uint8_t	*buf;
	size_t	 size;

	if (n > p->size - p->len) {
		for (size = p->size != 0 ? p->size : 2048; size - p->len < n;
		    size *= 2)
			;
		if (size > p->max_memory)
			return fail(p, "%s: more memory than an association "
			    "may have", frame_name(p));
		if ((buf = realloc(p->buf, size)) == NULL)
			return fail(p, "out of memory");
		p->buf = buf;
		p->size = size;
	}
	memcpy(p->buf + p->len, octets, n);
	p->len += n;
	return 0;
}

/* Is it a UserMPDU whose envelope was just collected? */
static int
of_user(const struct p1_in *p)
{
	return p->nframe > p->base && p->frame[p->base].kind == F_USER;
}

/* The tables take over: what was collected becomes the message. */
static int
decode(struct p1_in *p)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct p1_mpdu		mpdu;
	const char		*why = "out of memory";
	int			r;

	memset(&mpdu, 0, sizeof(mpdu));
	/* max_memory is not less than what append() took */
	asn1_memory_init(&memory, p->max_memory - p->size);
	asn1_init(&a, &memory);
	if (of_user(p))
		r = asn1_decode_all(&a, p1_type_of_envelope(p->protocol),
		    p->buf, p->len, &mpdu.u.user.envelope);
	else
		r = asn1_decode_all(&a, p1_type_of_apdu(p->protocol), p->buf,
		    p->len, &mpdu);
	if (r == -1)
		fail(p, "%s", a.error);
	else if ((p->message = message_new()) == NULL ||
	    p1_message_from_mpdu(p->protocol, p->message, &mpdu, &why) == -1)
		r = fail(p, "%s: %s", frame_name(p), why);
	asn1_memory_free(&memory);
	free(p->buf);
	p->buf = NULL;
	p->len = p->size = 0;
	return r;
}

static int
push_frame(struct p1_in *p, enum p1_frame_kind kind,
    const struct ber_header *h)
{
	struct p1_frame	*f = &p->frame[p->nframe];
	int		 above = p->base + (p->nframe > p->base &&
			    p->frame[p->base].kind == F_REPORT ? 2 : 1);

	if (p->nframe == above + ASN1_SEGMENT_DEPTH)
		return fail(p, "%s: nested too deep", frame_name(p));
	f->end = h->indefinite ? limit(p) : p->offset + h->len;
	f->indefinite = h->indefinite;
	f->kind = kind;
	f->members = 0;
	p->nframe++;
	return 0;
}

/* The innermost frame ends here: is everything there? */
static int
pop_frame(struct p1_in *p)
{
	const struct p1_frame	*f = &p->frame[p->nframe - 1];

	if ((f->kind == F_USER || f->kind == F_REPORT) && f->members != 2)
		return fail(p, "%s: no %s", frame_name(p),
		    f->members == 0 ? "envelope" : "content");
	if ((f->kind == F_EXTERNAL || f->kind == F_ENCODING) &&
	    f->members != 1)
		return fail(p, "%s: nothing in it", frame_name(p));
	if ((f->kind == F_REPORT || f->kind == F_REPORT_CONTENT) &&
	    append(p, "\0\0", 2) == -1)
		return -1;
	p->nframe--;
	return 0;
}

/* An element is complete; so may be what holds it. */
static int
settle(struct p1_in *p)
{
	const struct p1_frame	*f;

	while (p->nframe > 0) {
		f = &p->frame[p->nframe - 1];
		if (f->indefinite || f->end != p->offset)
			break;
		if (pop_frame(p) == -1)
			return -1;
	}
	p->state = P1_HEADER;
	if (p->nframe > 0)
		return 0;
	p->state = P1_DONE;
	return p->message == NULL ? decode(p) : 0;
}

/* A collected element is complete. */
static int
collected(struct p1_in *p)
{
	if (of_user(p) && decode(p) == -1)
		return -1;
	return settle(p);
}

static int
collect(struct p1_in *p, const struct ber_header *h, int n)
{
	if (append(p, p->header, n) == -1 || count_markup(p, n) == -1)
		return -1;
	if (h->indefinite) {
		p->depth = 1;
		p->state = P1_COLLECT_HEADER;
		return 0;
	}
	p->depth = 0;
	p->left = h->len;
	p->state = P1_COLLECT;
	if (count_markup(p, h->len) == -1)
		return -1;
	return h->len == 0 ? collected(p) : 0;
}

/* A header inside of a collected element of indefinite length. */
static int
collect_header(struct p1_in *p, const struct ber_header *h, int n)
{
	if (append(p, p->header, n) == -1 || count_markup(p, n) == -1)
		return -1;
	if (h->tag == BER_EOC) {
		if (--p->depth == 0)
			return collected(p);
	} else if (h->indefinite) {
		if (++p->depth > BER_DEPTH_MAX)
			return fail(p, "%s: nested too deep", frame_name(p));
	} else if (h->len > 0) {
		if (count_markup(p, h->len) == -1)
			return -1;
		p->left = h->len;
		p->state = P1_COLLECT;
	}
	return 0;
}

/* A content, or a segment of one, begins. */
static int
content(struct p1_in *p, const struct ber_header *h)
{
	p->has_content = 1;
	if (h->constructed) {
		if (push_frame(p, F_SEGMENTS, h) == -1)
			return -1;
		return settle(p);
	}
	if (h->len > p->max_content - p->content)
		return fail(p, "%s: more than %llu octets",
		    p->protocol == P1_1984 ? "UMPDUContent" : "Content",
		    (unsigned long long)p->max_content);
	if (h->len == 0)
		return settle(p);
	p->left = h->len;
	p->state = P1_CONTENT;
	return 0;
}

static int
is_set(const struct ber_header *h)
{
	return h->tag == BER_SET && h->constructed;
}

static int
member_of_user(struct p1_in *p, struct p1_frame *f,
    const struct ber_header *h, int n)
{
	switch (f->members++) {
	case 0:
		if (!is_set(h))
			break;
		return collect(p, h, n);
	case 1:
		if (h->tag != BER_OCTET_STRING)
			break;
		if (count_markup(p, n) == -1)
			return -1;
		return content(p, h);
	}
	return fail_element(p, h->tag);
}

static int
member_of_report(struct p1_in *p, struct p1_frame *f,
    const struct ber_header *h, int n)
{
	switch (f->members++) {
	case 0:
		if (!is_set(h))
			break;
		return collect(p, h, n);
	case 1:
		if (!is_set(h))
			break;
		if (count_markup(p, n) == -1 ||
		    append(p, "\x31\x80", 2) == -1 ||
		    push_frame(p, F_REPORT_CONTENT, h) == -1)
			return -1;
		return settle(p);
	}
	return fail_element(p, h->tag);
}

static int
member_of_report_content(struct p1_in *p, const struct ber_header *h, int n)
{
	if (h->tag != P1_TAG_RETURNED)
		return collect(p, h, n);
	if (p->has_content)
		return fail(p, "%s.returned: there twice", frame_name(p));
	if (count_markup(p, n) == -1)
		return -1;
	return content(p, h);
}

/* The first header of all. */
static int
mpdu(struct p1_in *p, const struct ber_header *h, int n)
{
	if (!h->constructed)
		return fail_element(p, h->tag);
	switch (h->tag) {
	case P1_TAG_USER:
		if (count_markup(p, n) == -1 ||
		    push_frame(p, F_USER, h) == -1)
			return -1;
		return settle(p);
	case P1_TAG_REPORT:
		if (count_markup(p, n) == -1 ||
		    append(p, "\xa1\x80", 2) == -1 ||
		    push_frame(p, F_REPORT, h) == -1)
			return -1;
		return settle(p);
	case P1_TAG_PROBE:
		return collect(p, h, n);
	default:
		return fail_element(p, h->tag);
	}
}

/* What is around the MPDU is markup like that of the MPDU. */
static int
external(struct p1_in *p, const struct ber_header *h, int n)
{
	if (h->tag != BER_UNIVERSAL(8) || !h->constructed)
		return fail_element(p, h->tag);
	if (count_markup(p, n) == -1 || push_frame(p, F_EXTERNAL, h) == -1)
		return -1;
	return settle(p);
}

static int
member_of_external(struct p1_in *p, struct p1_frame *f,
    const struct ber_header *h, int n)
{
	if (count_markup(p, n) == -1)
		return -1;
	/* arbitrary [2] is a BIT STRING, and nobody makes one of octets */
	if (f->members == 0 && ((h->tag == BER_CONTEXT(0) &&
	    h->constructed) || (h->tag == BER_CONTEXT(1) &&
	    !h->constructed))) {
		f->members = 1;
		if (push_frame(p, F_ENCODING, h) == -1)
			return -1;
		return settle(p);
	}
	if (f->members != 0 || h->constructed || (h->tag != BER_OBJECT_IDENTIFIER &&
	    h->tag != BER_INTEGER && h->tag != BER_UNIVERSAL(7)))
		return fail_element(p, h->tag);
	if (h->len > REFERENCE_MAX)
		return fail(p, "%s: reference too long", frame_name(p));
	if (count_markup(p, h->len) == -1)
		return -1;
	p->left = h->len;
	if (p->left == 0)
		return settle(p);
	p->state = P1_PASS;
	return 0;
}

static int
member_of_encoding(struct p1_in *p, struct p1_frame *f,
    const struct ber_header *h, int n)
{
	if (f->members++ != 0)
		return fail_element(p, h->tag);
	return mpdu(p, h, n);
}

static int
end_of_contents(struct p1_in *p, struct p1_frame *f, int n)
{
	if (!f->indefinite)
		return fail(p, "%s: misplaced end-of-contents",
		    frame_name(p));
	if (f->kind == F_SEGMENTS) {
		if (count_segment(p, n) == -1)
			return -1;
	} else if (count_markup(p, n) == -1)
		return -1;
	if (pop_frame(p) == -1)
		return -1;
	return settle(p);
}

/* A whole header of n octets is in p->header; offset is behind it. */
static int
header(struct p1_in *p, const struct ber_header *h, int n)
{
	struct p1_frame	*f;

	if (p->offset > limit(p) || h->len > limit(p) - p->offset)
		return fail(p, "%s: a member is longer than what holds it",
		    frame_name(p));
	if (h->tag == BER_EOC && (n != 2 || h->constructed || h->len != 0))
		return fail(p, "%s: malformed end-of-contents",
		    frame_name(p));
	if (p->state == P1_COLLECT_HEADER)
		return collect_header(p, h, n);
	if (p->nframe == 0)
		return p->external ? external(p, h, n) : mpdu(p, h, n);
	f = &p->frame[p->nframe - 1];
	if (h->tag == BER_EOC)
		return end_of_contents(p, f, n);
	switch (f->kind) {
	case F_USER:
		return member_of_user(p, f, h, n);
	case F_REPORT:
		return member_of_report(p, f, h, n);
	case F_REPORT_CONTENT:
		return member_of_report_content(p, h, n);
	case F_EXTERNAL:
		return member_of_external(p, f, h, n);
	case F_ENCODING:
		return member_of_encoding(p, f, h, n);
	default:
		if (h->tag != BER_OCTET_STRING)
			return fail_element(p, h->tag);
		if (count_segment(p, n) == -1)
			return -1;
		return content(p, h);
	}
}

/* Takes octets of a header; returns how many, -1 on an error. */
static ssize_t
take_header(struct p1_in *p, const uint8_t *octets, size_t len)
{
	struct ber_header	 h;
	const char		*why;
	size_t			 take = sizeof(p->header) - p->nheader;
	int			 n, before = p->nheader;

	if (take > len)
		take = len;
	memcpy(p->header + before, octets, take);
	n = ber_header(p->header, before + take, &h, &why);
	if (n == -1)
		return fail(p, "%s: %s", frame_name(p), why);
	if (n == 0) {
		p->nheader += take;
		p->offset += take;
		if (p->nheader == sizeof(p->header))
			return fail(p, "%s: malformed header",
			    frame_name(p));
		return take;
	}
	p->nheader = 0;
	p->offset += n - before;
	if (header(p, &h, n) == -1)
		return -1;
	return n - before;
}

static ssize_t
take_collected(struct p1_in *p, const uint8_t *octets, size_t len)
{
	size_t	n = len < p->left ? len : p->left;

	if (append(p, octets, n) == -1)
		return -1;
	p->left -= n;
	p->offset += n;
	if (p->left > 0)
		return n;
	p->state = P1_COLLECT_HEADER;
	if (p->depth == 0 && collected(p) == -1)
		return -1;
	return n;
}

static ssize_t
take_passed(struct p1_in *p, size_t len)
{
	size_t	n = len < p->left ? len : p->left;

	p->left -= n;
	p->offset += n;
	if (p->left == 0 && settle(p) == -1)
		return -1;
	return n;
}

ssize_t
p1_in_markup(struct p1_in *p, const uint8_t *octets, size_t len)
{
	size_t	used = 0;
	ssize_t	n;

	while (used < len) {
		switch (p->state) {
		case P1_HEADER:
		case P1_COLLECT_HEADER:
			n = take_header(p, octets + used, len - used);
			break;
		case P1_COLLECT:
			n = take_collected(p, octets + used, len - used);
			break;
		case P1_PASS:
			n = take_passed(p, len - used);
			break;
		case P1_CONTENT:
			return used;
		case P1_DONE:
			return fail(p, "%s: octets behind its end",
			    frame_name(p));
		default:
			return -1;
		}
		if (n == -1)
			return -1;
		used += n;
	}
	return p->state == P1_FAILED ? -1 : (ssize_t)used;
}

uint64_t
p1_in_skip(struct p1_in *p, uint64_t n)
{
	if (p->state != P1_CONTENT)
		return 0;
	if (n > p->left)
		n = p->left;
	p->left -= n;
	p->offset += n;
	p->content += n;
	if (p->left == 0)
		settle(p);
	return n;
}

ssize_t
p1_in_octets(struct p1_in *p, const uint8_t *octets, size_t len, int *is)
{
	if (p->state != P1_CONTENT) {
		*is = 0;
		return p1_in_markup(p, octets, len);
	}
	*is = 1;
	return p1_in_skip(p, len);
}

struct message *
p1_in_end(struct p1_in *p)
{
	struct message	*m;

	if (p->state == P1_FAILED)
		return NULL;
	if (p->state != P1_DONE) {
		fail(p, "%s: truncated after %llu octets", frame_name(p),
		    (unsigned long long)p->offset);
		return NULL;
	}
	m = p->message;
	p->message = NULL;
	p->state = P1_FAILED;
	if (m != NULL && m->type != MESSAGE_PROBE) {
		m->has_content = p->has_content;
		m->content_len = p->content;
	}
	return m;
}
