/* SPDX-License-Identifier: ISC */

/*
 * The neutral form of an MPDU (X.411-1984 3.4): the one serialisation in
 * which it travels between the processes and lies in the store.
 *
 * Serialised form, numbers in host byte order, no padding:
 *
 *	u32	ENVELOPE_MAGIC, whose last digit is the version
 *	...	the fields of struct message in the order of message_put()
 *
 * A string of a fixed field is one octet of length and the octets; an O/R
 * attribute has u16 lengths; other octets u32.  Counts are u16, but of the
 * attributes of one name u8.  What a reader would refuse is refused by the
 * writer, so that the mistake shows where it is made.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "envelope_impl.h"
#include "imsg.h"

/*
 * "MTE2".  Version 1 had no extensions of 1988: it is version 2 without what
 * env_put_88 writes, and is still read.
 */
#define ENVELOPE_MAGIC		0x4d544532u
#define ENVELOPE_MAGIC_1	0x4d544531u

/* Fewest octets that one of these takes in the serialised form. */
#define TRACE_ELEMENT_MIN	10
#define BILATERAL_MIN		7
#define RECIPIENT_MIN		7
#define REPORTED_MIN		17

/* Of a serialised domain: where NumericString had been chosen. */
#define GD_COUNTRY_NUMERIC	0x01
#define GD_ADMD_NUMERIC		0x02
#define GD_PRMD_NUMERIC		0x04
#define GD_PRMD			0x08	/* of bilateral_info: it follows */

/* Of the count of attributes: opaque parts of the name follow them. */
#define ADDRESS_OPAQUE		0x80
/* Of encoded information types, instead of 1. */
#define EITS_EXTERNAL		2

/*
 * Writing.  Each put returns 0, or -1 when memory is short or the value
 * exceeds what get accepts (EINVAL).
 */

int
env_invalid(void)
{
	errno = EINVAL;
	return (-1);
}

int
env_put_string(struct ibuf *b, const char *s, size_t size)
{
	size_t len;

	if ((len = strnlen(s, size)) == size)
		return (env_invalid());
	if (ibuf_add_n8(b, len) == -1)
		return (-1);
	return (ibuf_add(b, s, len));
}

int
env_put_octets(struct ibuf *b, const void *p, uint32_t len, uint32_t max)
{
	if (len > max)
		return (env_invalid());
	if (ibuf_add_h32(b, len) == -1)
		return (-1);
	return (ibuf_add(b, p, len));
}

static int
put_value(struct ibuf *b, const void *p, uint16_t len)
{
	if (len > UB_OR_VALUE)
		return (env_invalid());
	if (ibuf_add_h16(b, len) == -1)
		return (-1);
	return (ibuf_add(b, p, len));
}

static int
ascii(const char *s, size_t len, int charset)
{
	return (charset > OR_NUMERIC || memchr(s, '\0', len) == NULL);
}

int
env_put_address(struct ibuf *b, const struct or_address *or)
{
	const struct or_attr *a;
	uint16_t i;

	int opaque = or->directory_len > 0 || or->unknown_len > 0;

	if (or->nattr > UB_OR_ATTRIBUTES)
		return (env_invalid());
	if (ibuf_add_n8(b, or->nattr | (opaque ? ADDRESS_OPAQUE : 0)) == -1)
		return (-1);
	for (i = 0; i < or->nattr; i++) {
		a = &or->attr[i];
		if (a->type == 0 || a->type >= OR_TYPE_MAX ||
		    a->charset > OR_OCTETS || a->dda_charset > OR_OCTETS ||
		    (a->type == OR_DDA) != (a->dda_type != NULL) ||
		    !ascii(a->value, a->len, a->charset))
			return (env_invalid());
		if (ibuf_add_n8(b, a->type) == -1 ||
		    ibuf_add_n8(b, a->charset | a->dda_charset << 4) == -1 ||
		    put_value(b, a->value, a->len) == -1)
			return (-1);
		if (a->type != OR_DDA)
			continue;
		if (!ascii(a->dda_type, a->dda_len, a->dda_charset))
			return (env_invalid());
		if (put_value(b, a->dda_type, a->dda_len) == -1)
			return (-1);
	}
	if (!opaque)
		return (0);
	if (env_put_octets(b, or->directory, or->directory_len,
	    UB_OR_OPAQUE) == -1)
		return (-1);
	return (env_put_octets(b, or->unknown, or->unknown_len,
	    UB_OR_OPAQUE));
}

int
env_put_domain(struct ibuf *b, const struct global_domain *d)
{
	if (ibuf_add_n8(b, (d->country_numeric ? GD_COUNTRY_NUMERIC : 0) |
	    (d->admd_numeric ? GD_ADMD_NUMERIC : 0) |
	    (d->prmd_numeric ? GD_PRMD_NUMERIC : 0)) == -1 ||
	    env_put_string(b, d->country, sizeof(d->country)) == -1 ||
	    env_put_string(b, d->admd, sizeof(d->admd)) == -1 ||
	    env_put_string(b, d->prmd, sizeof(d->prmd)) == -1)
		return (-1);
	return (0);
}

static int
put_id(struct ibuf *b, const struct mts_identifier *id)
{
	if (env_put_domain(b, &id->domain) == -1)
		return (-1);
	return (env_put_string(b, id->local, sizeof(id->local)));
}

int
env_put_time(struct ibuf *b, const struct utctime *t)
{
	return (env_put_string(b, t->text, sizeof(t->text)));
}

int
env_put_eits(struct ibuf *b, const struct eits *e)
{
	uint32_t i;

	if (!e->present)
		return (ibuf_add_n8(b, 0));
	if (e->nbits > 32 || e->nexternal > UB_EXTERNAL_EITS)
		return (env_invalid());
	if (ibuf_add_n8(b, e->nexternal > 0 ? EITS_EXTERNAL : 1) == -1 ||
	    ibuf_add_n8(b, e->nbits) == -1 ||
	    ibuf_add_h32(b, e->bits) == -1 ||
	    env_put_octets(b, e->other, e->other_len, ENVELOPE_MAX) == -1)
		return (-1);
	if (e->nexternal == 0)
		return (0);
	if (ibuf_add_h16(b, e->nexternal) == -1)
		return (-1);
	for (i = 0; i < e->nexternal; i++)
		if (env_put_oid(b, e->external[i]) == -1)
			return (-1);
	return (0);
}

/* An object identifier in digits and dots. */
int
env_put_oid(struct ibuf *b, const char *oid)
{
	if (!env_is_oid(oid, strlen(oid)))
		return (env_invalid());
	return (env_put_string(b, oid, UB_OID_TEXT + 1));
}

static int
put_traces(struct ibuf *b, const struct trace_element *t, uint32_t n)
{
	if (n > UB_TRACE)
		return (env_invalid());
	if (ibuf_add_h16(b, n) == -1)
		return (-1);
	for (; n > 0; n--, t++) {
		if (t->action > TRACE_REROUTED)
			return (env_invalid());
		if (env_put_domain(b, &t->domain) == -1 ||
		    env_put_time(b, &t->arrival) == -1 ||
		    env_put_time(b, &t->deferred) == -1 ||
		    ibuf_add_n8(b, t->action) == -1 ||
		    env_put_eits(b, &t->converted) == -1 ||
		    ibuf_add_n8(b, t->other_actions) == -1 ||
		    ibuf_add_n8(b, t->has_previous != 0) == -1)
			return (-1);
		if (t->has_previous && env_put_domain(b, &t->previous) == -1)
			return (-1);
	}
	return (0);
}

static int
put_bilateral(struct ibuf *b, const struct bilateral_info *p, uint32_t n)
{
	if (n > UB_TRACE)
		return (env_invalid());
	if (ibuf_add_h16(b, n) == -1)
		return (-1);
	for (; n > 0; n--, p++) {
		if (ibuf_add_n8(b,
		    (p->country_numeric ? GD_COUNTRY_NUMERIC : 0) |
		    (p->admd_numeric ? GD_ADMD_NUMERIC : 0) |
		    (p->prmd_numeric ? GD_PRMD_NUMERIC : 0) |
		    (p->prmd[0] != '\0' ? GD_PRMD : 0)) == -1 ||
		    env_put_string(b, p->country, sizeof(p->country)) == -1 ||
		    env_put_string(b, p->admd, sizeof(p->admd)) == -1)
			return (-1);
		if (p->prmd[0] != '\0' &&
		    env_put_string(b, p->prmd, sizeof(p->prmd)) == -1)
			return (-1);
		if (env_put_octets(b, p->info, p->info_len,
		    UB_BILATERAL_INFO) == -1)
			return (-1);
	}
	return (0);
}

static int
put_recipients(struct ibuf *b, const struct recipient *r, uint32_t n)
{
	if (n > UB_RECIPIENTS)
		return (env_invalid());
	if (ibuf_add_h16(b, n) == -1)
		return (-1);
	for (; n > 0; n--, r++) {
		if (ibuf_add_h32(b, r->number) == -1 ||
		    ibuf_add_n8(b, r->flags) == -1 ||
		    ibuf_add_n8(b, r->has_conversion != 0) == -1)
			return (-1);
		if (r->has_conversion &&
		    ibuf_add_h32(b, r->explicit_conversion) == -1)
			return (-1);
		if (env_put_address(b, &r->name) == -1)
			return (-1);
	}
	return (0);
}

static int
put_reported(struct ibuf *b, const struct reported_recipient *r, uint32_t n)
{
	size_t len;

	if (n > UB_RECIPIENTS)
		return (env_invalid());
	if (ibuf_add_h16(b, n) == -1)
		return (-1);
	for (; n > 0; n--, r++) {
		len = 0;
		if (r->supplementary != NULL)
			len = strlen(r->supplementary) + 1;
		if (len > UB_OR_VALUE)
			return (env_invalid());
		if (env_put_address(b, &r->name) == -1 ||
		    ibuf_add_h32(b, r->number) == -1 ||
		    ibuf_add_n8(b, r->flags) == -1 ||
		    ibuf_add_n8(b, r->delivered != 0) == -1 ||
		    env_put_time(b, &r->arrival) == -1 ||
		    env_put_eits(b, &r->converted) == -1)
			return (-1);
		if (r->delivered) {
			if (env_put_time(b, &r->delivery) == -1 ||
			    ibuf_add_h32(b, (uint32_t)r->type_of_ua) == -1)
				return (-1);
		} else {
			if (ibuf_add_h32(b, (uint32_t)r->reason) == -1 ||
			    ibuf_add_h32(b, (uint32_t)r->diagnostic) == -1)
				return (-1);
		}
		/* 0: absent, else the length and the octet that ends it. */
		if (env_put_address(b, &r->intended) == -1 ||
		    ibuf_add_h16(b, len) == -1 ||
		    ibuf_add(b, r->supplementary, len) == -1)
			return (-1);
	}
	return (0);
}

static int
message_put(struct ibuf *b, const struct message *m)
{
	if (m->type > MESSAGE_PROBE || m->priority > PRIORITY_URGENT)
		return (env_invalid());
	if (ibuf_add_h32(b, ENVELOPE_MAGIC) == -1 ||
	    ibuf_add_n8(b, m->type) == -1 ||
	    ibuf_add_n8(b, m->priority) == -1 ||
	    ibuf_add_n8(b, m->indicators) == -1 ||
	    ibuf_add_n8(b, m->has_content != 0) == -1 ||
	    ibuf_add_h32(b, (uint32_t)m->content_type) == -1 ||
	    ibuf_add_h64(b, m->content_len) == -1 ||
	    ibuf_add_h64(b, (uint64_t)m->probe_length) == -1 ||
	    put_id(b, &m->id) == -1 ||
	    env_put_address(b, &m->originator) == -1 ||
	    env_put_eits(b, &m->original) == -1 ||
	    ibuf_add_n8(b, m->has_content_id != 0) == -1 ||
	    env_put_string(b, m->content_id, sizeof(m->content_id)) == -1 ||
	    env_put_time(b, &m->deferred) == -1 ||
	    put_bilateral(b, m->bilateral, m->nbilateral) == -1 ||
	    put_traces(b, m->trace, m->ntrace) == -1 ||
	    put_recipients(b, m->recipient, m->nrecipient) == -1)
		return (-1);
	if (m->type != MESSAGE_REPORT)
		return (env_put_88(b, m));
	if (put_id(b, &m->subject) == -1 ||
	    put_traces(b, m->subject_trace, m->nsubject_trace) == -1 ||
	    ibuf_add_n8(b, m->billing != NULL) == -1 ||
	    env_put_octets(b, m->billing,
	    m->billing == NULL ? 0 : m->billing_len,
	    ENVELOPE_MAX) == -1 ||
	    put_reported(b, m->reported, m->nreported) == -1)
		return (-1);
	return (env_put_88(b, m));
}

int
message_serialise(const struct message *m, struct ibuf *b)
{
	size_t before = ibuf_size(b);

	if (message_put(b, m) == 0)
		return (0);
	ibuf_truncate(b, before);
	return (-1);
}

/*
 * Reading.  Each get returns 0 or -1; what it read may then be there in
 * part, and the message is thrown away.
 */

/* 0 or 1 and nothing else, so that a message has one serialised form. */
int
env_get_bool(struct ibuf *b, uint8_t *v)
{
	return (ibuf_get_n8(b, v) == -1 || *v > 1 ? -1 : 0);
}

int
env_get_string(struct ibuf *b, char *s, size_t size)
{
	uint8_t len;

	if (ibuf_get_n8(b, &len) == -1 || len >= size ||
	    ibuf_get(b, s, len) == -1)
		return (-1);
	s[len] = '\0';
	return (strlen(s) == len ? 0 : -1);
}

int
env_get_octets(struct message *m, struct ibuf *b, uint8_t **p, uint32_t *len,
    uint32_t max)
{
	if (ibuf_get_h32(b, len) == -1 || *len > max || *len > ibuf_size(b))
		return (-1);
	*p = NULL;
	if (*len == 0)
		return (0);
	*p = (uint8_t *)message_memdup(m, ibuf_data(b), *len);
	if (*p == NULL)
		return (-1);
	return (ibuf_skip(b, *len));
}

static int
get_value(struct message *m, struct ibuf *b, char **value, uint16_t *len)
{
	if (ibuf_get_h16(b, len) == -1 || *len > UB_OR_VALUE ||
	    *len > ibuf_size(b))
		return (-1);
	if ((*value = message_memdup(m, ibuf_data(b), *len)) == NULL)
		return (-1);
	return (ibuf_skip(b, *len));
}

int
env_get_address(struct message *m, struct ibuf *b, struct or_address *or)
{
	struct or_attr *a;
	uint32_t len;
	uint8_t i, n, charset, opaque;

	/* An attribute takes four octets at least. */
	if (ibuf_get_n8(b, &n) == -1)
		return (-1);
	opaque = n & ADDRESS_OPAQUE;
	n &= ~ADDRESS_OPAQUE;
	if (n > UB_OR_ATTRIBUTES || n > ibuf_size(b) / 4)
		return (-1);
	memset(or, 0, sizeof(*or));
	or->nattr = n;
	if (n > 0 && (or->attr = message_alloc(m, n * sizeof(*a))) == NULL)
		return (-1);
	for (i = 0; i < n; i++) {
		a = &or->attr[i];
		if (ibuf_get_n8(b, &a->type) == -1 ||
		    a->type == 0 || a->type >= OR_TYPE_MAX ||
		    ibuf_get_n8(b, &charset) == -1 ||
		    (charset & 15) > OR_OCTETS || charset >> 4 > OR_OCTETS ||
		    get_value(m, b, &a->value, &a->len) == -1)
			return (-1);
		a->charset = charset & 15;
		a->dda_charset = charset >> 4;
		if (!ascii(a->value, a->len, a->charset))
			return (-1);
		if (a->type != OR_DDA)
			continue;
		if (get_value(m, b, &a->dda_type, &a->dda_len) == -1 ||
		    !ascii(a->dda_type, a->dda_len, a->dda_charset))
			return (-1);
	}
	if (!opaque)
		return (0);
	if (env_get_octets(m, b, &or->directory, &len, UB_OR_OPAQUE) == -1)
		return (-1);
	or->directory_len = len;
	if (env_get_octets(m, b, &or->unknown, &len, UB_OR_OPAQUE) == -1)
		return (-1);
	or->unknown_len = len;
	return (or->directory_len + or->unknown_len > 0 ? 0 : -1);
}

int
env_get_domain(struct ibuf *b, struct global_domain *d)
{
	uint8_t flags;

	if (ibuf_get_n8(b, &flags) == -1 || flags > 7 ||
	    env_get_string(b, d->country, sizeof(d->country)) == -1 ||
	    env_get_string(b, d->admd, sizeof(d->admd)) == -1 ||
	    env_get_string(b, d->prmd, sizeof(d->prmd)) == -1)
		return (-1);
	d->country_numeric = (flags & GD_COUNTRY_NUMERIC) != 0;
	d->admd_numeric = (flags & GD_ADMD_NUMERIC) != 0;
	d->prmd_numeric = (flags & GD_PRMD_NUMERIC) != 0;
	return (0);
}

static int
get_id(struct ibuf *b, struct mts_identifier *id)
{
	if (env_get_domain(b, &id->domain) == -1)
		return (-1);
	return (env_get_string(b, id->local, sizeof(id->local)));
}

int
env_get_time(struct ibuf *b, struct utctime *t)
{
	return (env_get_string(b, t->text, sizeof(t->text)));
}

int
env_get_eits(struct message *m, struct ibuf *b, struct eits *e)
{
	uint8_t how;
	uint32_t i;

	if (ibuf_get_n8(b, &how) == -1 || how > EITS_EXTERNAL)
		return (-1);
	e->present = how != 0;
	if (!e->present)
		return (0);
	if (ibuf_get_n8(b, &e->nbits) == -1 || e->nbits > 32 ||
	    ibuf_get_h32(b, &e->bits) == -1 ||
	    env_get_octets(m, b, &e->other, &e->other_len,
	    ENVELOPE_MAX) == -1)
		return (-1);
	if (how != EITS_EXTERNAL)
		return (0);
	if (env_get_count(m, b, &e->nexternal, &e->external, sizeof(char *),
	    UB_EXTERNAL_EITS, 4) == -1 || e->nexternal == 0)
		return (-1);
	for (i = 0; i < e->nexternal; i++)
		if (env_get_oid(m, b, &e->external[i]) == -1)
			return (-1);
	return (0);
}

/*
 * A count of things, and zeroed memory for them once it is known that the
 * octets that are left could hold as many.
 */
int
env_get_count(struct message *m, struct ibuf *b, uint32_t *count, void *array,
    size_t size, uint32_t max, size_t least)
{
	uint16_t n;
	void *p = NULL;

	if (ibuf_get_h16(b, &n) == -1 || n > max || n > ibuf_size(b) / least)
		return (-1);
	if (n > 0 && (p = message_alloc(m, n * size)) == NULL)
		return (-1);
	*count = n;
	memcpy(array, &p, sizeof(p));
	return (0);
}

int
env_get_oid(struct message *m, struct ibuf *b, char **oid)
{
	uint8_t len;

	if (ibuf_get_n8(b, &len) == -1 || len > ibuf_size(b) ||
	    !env_is_oid(ibuf_data(b), len) ||
	    (*oid = message_memdup(m, ibuf_data(b), len)) == NULL)
		return (-1);
	return (ibuf_skip(b, len));
}

static int
get_traces(struct message *m, struct ibuf *b, struct trace_element **array,
    uint32_t *count)
{
	struct trace_element *t;
	uint32_t n;

	if (env_get_count(m, b, count, array, sizeof(*t), UB_TRACE,
	    TRACE_ELEMENT_MIN) == -1)
		return (-1);
	for (t = *array, n = *count; n > 0; n--, t++) {
		if (env_get_domain(b, &t->domain) == -1 ||
		    env_get_time(b, &t->arrival) == -1 ||
		    env_get_time(b, &t->deferred) == -1 ||
		    ibuf_get_n8(b, &t->action) == -1 ||
		    t->action > TRACE_REROUTED ||
		    env_get_eits(m, b, &t->converted) == -1 ||
		    ibuf_get_n8(b, &t->other_actions) == -1 ||
		    env_get_bool(b, &t->has_previous) == -1)
			return (-1);
		if (t->has_previous && env_get_domain(b, &t->previous) == -1)
			return (-1);
	}
	return (0);
}

static int
get_bilateral(struct message *m, struct ibuf *b)
{
	struct bilateral_info *p;
	uint32_t n;
	uint8_t flags;

	if (env_get_count(m, b, &m->nbilateral, &m->bilateral, sizeof(*p),
	    UB_TRACE, BILATERAL_MIN) == -1)
		return (-1);
	for (p = m->bilateral, n = m->nbilateral; n > 0; n--, p++) {
		if (ibuf_get_n8(b, &flags) == -1 || flags > 15 ||
		    env_get_string(b, p->country, sizeof(p->country)) == -1 ||
		    env_get_string(b, p->admd, sizeof(p->admd)) == -1)
			return (-1);
		if ((flags & GD_PRMD) && (env_get_string(b, p->prmd,
		    sizeof(p->prmd)) == -1 || p->prmd[0] == '\0'))
			return (-1);
		if (env_get_octets(m, b, &p->info, &p->info_len,
		    UB_BILATERAL_INFO) == -1)
			return (-1);
		p->country_numeric = (flags & GD_COUNTRY_NUMERIC) != 0;
		p->admd_numeric = (flags & GD_ADMD_NUMERIC) != 0;
		p->prmd_numeric = (flags & GD_PRMD_NUMERIC) != 0;
	}
	return (0);
}

static int
get_recipients(struct message *m, struct ibuf *b)
{
	struct recipient *r;
	uint32_t n;

	if (env_get_count(m, b, &m->nrecipient, &m->recipient, sizeof(*r),
	    UB_RECIPIENTS, RECIPIENT_MIN) == -1)
		return (-1);
	for (r = m->recipient, n = m->nrecipient; n > 0; n--, r++) {
		if (ibuf_get_h32(b, &r->number) == -1 ||
		    ibuf_get_n8(b, &r->flags) == -1 ||
		    env_get_bool(b, &r->has_conversion) == -1)
			return (-1);
		if (r->has_conversion &&
		    ibuf_get_h32(b, &r->explicit_conversion) == -1)
			return (-1);
		if (env_get_address(m, b, &r->name) == -1)
			return (-1);
	}
	return (0);
}

static int
get_int(struct ibuf *b, int32_t *v)
{
	uint32_t u;

	if (ibuf_get_h32(b, &u) == -1)
		return (-1);
	*v = (int32_t)u;
	return (0);
}

static int
get_supplementary(struct message *m, struct ibuf *b, char **s)
{
	uint16_t len;

	if (ibuf_get_h16(b, &len) == -1 || len > UB_OR_VALUE ||
	    len > ibuf_size(b))
		return (-1);
	*s = NULL;
	if (len == 0)
		return (0);
	/* One NUL, at the end. */
	if (strnlen(ibuf_data(b), len) != (size_t)len - 1)
		return (-1);
	if ((*s = message_memdup(m, ibuf_data(b), len)) == NULL)
		return (-1);
	return (ibuf_skip(b, len));
}

static int
get_reported(struct message *m, struct ibuf *b)
{
	struct reported_recipient *r;
	uint32_t n;

	if (env_get_count(m, b, &m->nreported, &m->reported, sizeof(*r),
	    UB_RECIPIENTS, REPORTED_MIN) == -1)
		return (-1);
	for (r = m->reported, n = m->nreported; n > 0; n--, r++) {
		r->type_of_ua = r->diagnostic = -1;
		if (env_get_address(m, b, &r->name) == -1 ||
		    ibuf_get_h32(b, &r->number) == -1 ||
		    ibuf_get_n8(b, &r->flags) == -1 ||
		    env_get_bool(b, &r->delivered) == -1 ||
		    env_get_time(b, &r->arrival) == -1 ||
		    env_get_eits(m, b, &r->converted) == -1)
			return (-1);
		if (r->delivered) {
			if (env_get_time(b, &r->delivery) == -1 ||
			    get_int(b, &r->type_of_ua) == -1)
				return (-1);
		} else {
			if (get_int(b, &r->reason) == -1 ||
			    get_int(b, &r->diagnostic) == -1)
				return (-1);
		}
		if (env_get_address(m, b, &r->intended) == -1 ||
		    get_supplementary(m, b, &r->supplementary) == -1)
			return (-1);
	}
	return (0);
}

static int
message_get(struct message *m, struct ibuf *b)
{
	uint64_t probe_length;
	uint32_t magic;
	uint8_t billing;

	if (ibuf_get_h32(b, &magic) == -1 ||
	    (magic != ENVELOPE_MAGIC && magic != ENVELOPE_MAGIC_1) ||
	    ibuf_get_n8(b, &m->type) == -1 || m->type > MESSAGE_PROBE ||
	    ibuf_get_n8(b, &m->priority) == -1 ||
	    m->priority > PRIORITY_URGENT ||
	    ibuf_get_n8(b, &m->indicators) == -1 ||
	    env_get_bool(b, &m->has_content) == -1 ||
	    get_int(b, &m->content_type) == -1 ||
	    ibuf_get_h64(b, &m->content_len) == -1 ||
	    ibuf_get_h64(b, &probe_length) == -1 ||
	    get_id(b, &m->id) == -1 ||
	    env_get_address(m, b, &m->originator) == -1 ||
	    env_get_eits(m, b, &m->original) == -1 ||
	    env_get_bool(b, &m->has_content_id) == -1 ||
	    env_get_string(b, m->content_id, sizeof(m->content_id)) == -1 ||
	    env_get_time(b, &m->deferred) == -1 ||
	    get_bilateral(m, b) == -1 ||
	    get_traces(m, b, &m->trace, &m->ntrace) == -1 ||
	    get_recipients(m, b) == -1)
		return (-1);
	m->probe_length = (int64_t)probe_length;
	if (m->type != MESSAGE_REPORT)
		return (magic == ENVELOPE_MAGIC ? env_get_88(m, b) : 0);
	if (get_id(b, &m->subject) == -1 ||
	    get_traces(m, b, &m->subject_trace, &m->nsubject_trace) == -1 ||
	    env_get_bool(b, &billing) == -1 ||
	    env_get_octets(m, b, &m->billing, &m->billing_len,
	    ENVELOPE_MAX) == -1 ||
	    (m->billing != NULL && !billing) ||
	    get_reported(m, b) == -1)
		return (-1);
	/* Present with no octets is not absent. */
	if (billing && m->billing == NULL &&
	    (m->billing = message_alloc(m, 1)) == NULL)
		return (-1);
	return (magic == ENVELOPE_MAGIC ? env_get_88(m, b) : 0);
}

struct message *
message_deserialise(const void *p, size_t len)
{
	struct message *m;
	struct ibuf b;
	union {
		const void	*in;
		void		*out;
	} u = { p };

	if ((m = message_new()) == NULL)
		return (NULL);
	ibuf_from_buffer(&b, u.out, len);
	errno = 0;
	if (message_get(m, &b) == -1 || ibuf_size(&b) != 0) {
		message_free(m);
		if (errno != ENOMEM)
			errno = EINVAL;
		return (NULL);
	}
	return (m);
}
