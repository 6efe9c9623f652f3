/* SPDX-License-Identifier: ISC */

/* See spdu.h. */

#include <string.h>

#include "spdu.h"

static const struct {
	uint8_t		 si;
	const char	*first, *later;
} names[] = {
	{ SI_GT, "GT", "DT" }, { SI_PT, "PT", "PT" },
	{ SI_EX, "EX", "EX" }, { SI_PR, "PR", "PR" },
	{ SI_NF, "NF", "NF" }, { SI_FN, "FN", "FN" },
	{ SI_DN, "DN", "DN" }, { SI_RF, "RF", "RF" },
	{ SI_CN, "CN", "CN" }, { SI_AC, "AC", "AC" },
	{ SI_CDO, "CDO", "CDO" }, { SI_OA, "OA", "OA" },
	{ SI_GTC, "GTC", "GTC" }, { SI_GTA, "GTA", "GTA" },
	{ SI_AB, "AB", "AI" }, { SI_AA, "AA", "AIA" },
	{ SI_AR, "AR", "AR" }, { SI_TD, "TD", "TD" },
	{ SI_RA, "RA", "RA" }, { SI_AE, "AE", "AE" },
	{ SI_AEA, "AEA", "AEA" }, { SI_AS, "AS", "AS" },
	{ SI_ER, "ER", "ER" }, { SI_ED, "ED", "ED" },
	{ SI_MIP, "MIP", "MIP" }, { SI_MIA, "MIA", "MIA" },
	{ SI_RS, "RS", "RS" }, { SI_AD, "AD", "AD" },
	{ SI_ADA, "ADA", "ADA" }, { SI_CD, "CD", "CD" },
	{ SI_CDA, "CDA", "CDA" },
};

const char *
spdu_name(uint8_t si, int first)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].si == si)
			return (first ? names[i].first : names[i].later);
	return ("unknown SPDU");
}

size_t
spdu_header(const uint8_t *p, size_t have, size_t *params)
{
	if (have < 2)
		return (0);
	if (p[1] != 255) {
		*params = p[1];
		return (2);
	}
	if (have < 4)
		return (0);
	*params = (size_t)p[2] << 8 | p[3];
	return (4);
}

/* Decimal digits, at most six (X.225 8.3.13.3). */
static int
serial(const uint8_t *p, size_t len, uint32_t *value)
{
	uint32_t v = 0;
	size_t i;

	if (len == 0 || len > 6)
		return (-1);
	for (i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return (-1);
		v = v * 10 + (p[i] - '0');
	}
	*value = v;
	return (0);
}

static int
octets(struct s_octets *o, const uint8_t *p, size_t len, size_t max)
{
	if (len > max)
		return (-1);
	o->p = p;
	o->len = len;
	return (0);
}

static int
octet(struct spdu *s, uint8_t *to, uint32_t bit, const uint8_t *p, size_t len)
{
	if (len != 1)
		return (-1);
	*to = p[0];
	s->present |= bit;
	return (0);
}

enum group { TOP, IN_CONNECTION, IN_ITEM, IN_LINKING };

static int	group(struct spdu *, enum group, const uint8_t *, size_t,
		    const char **);

/* One parameter.  -1: its length or value is wrong. */
static int
param(struct spdu *s, enum group g, uint8_t pi, const uint8_t *p, size_t len,
    const char **why)
{
	struct spdu_refs *r = g == IN_LINKING ? &s->link : &s->refs;

	switch (pi) {
	case PGI_CONNECTION:
		s->present |= SPDU_CONNECTION;
		return (g != TOP ? -1 : group(s, IN_CONNECTION, p, len, why));
	case PGI_ITEM:
		return (g != TOP ? -1 : group(s, IN_ITEM, p, len, why));
	case PGI_LINKING:
		s->present |= SPDU_LINKING;
		return (g != TOP ? -1 : group(s, IN_LINKING, p, len, why));
	case PI_CALLED_REF:
		return (octets(&r->called, p, len, S_USER_REFERENCE_MAX));
	case PI_CALLING_REF:
		return (octets(&r->calling, p, len, S_USER_REFERENCE_MAX));
	case PI_COMMON_REF:
		return (octets(&r->common, p, len, S_COMMON_REFERENCE_MAX));
	case PI_ADDITIONAL_REF:
		return (octets(&r->additional, p, len,
		    S_ADDITIONAL_REFERENCE_MAX));
	case PI_SYNC_TYPE:
		return (octet(s, &s->sync_type, SPDU_SYNC_TYPE, p, len));
	case PI_TOKEN:
		return (octet(s, &s->token, SPDU_TOKEN, p, len));
	case PI_DISCONNECT:
		return (octet(s, &s->disconnect, SPDU_DISCONNECT, p, len));
	case PI_OPTIONS:
		return (octet(s, &s->options, SPDU_OPTIONS, p, len));
	case PI_VERSION:
		return (octet(s, &s->version, SPDU_VERSION, p, len));
	case PI_TOKEN_SETTING:
		return (octet(s, &s->token_setting, SPDU_TOKEN_SETTING, p,
		    len));
	case PI_ENCLOSURE:
		return (octet(s, &s->enclosure, SPDU_ENCLOSURE, p, len));
	case PI_REQUIREMENTS:
		if (len != 2)
			return (-1);
		s->requirements = p[0] << 8 | p[1];
		s->present |= SPDU_REQUIREMENTS;
		return (0);
	case PI_TSDU_SIZE:
		if (len != 4)
			return (-1);
		s->tsdu_size[0] = p[0] << 8 | p[1];
		s->tsdu_size[1] = p[2] << 8 | p[3];
		s->present |= SPDU_TSDU_SIZE;
		return (0);
	case PI_INITIAL_SERIAL:
		s->present |= SPDU_INITIAL_SERIAL;
		return (serial(p, len, &s->initial_serial));
	case PI_SERIAL:
		if (g == IN_LINKING) {
			s->present |= SPDU_LINK_SERIAL;
			return (serial(p, len, &s->link_serial));
		}
		s->present |= SPDU_SERIAL;
		return (serial(p, len, &s->serial));
	case PI_ACTIVITY:
		return (octets(g == IN_LINKING ? &s->link_activity :
		    &s->activity, p, len, S_ACTIVITY_ID_MAX));
	case PI_REFLECT:
		return (octets(&s->reflect, p, len, SPDU_MAX));
	case PI_REASON:
		return (octets(&s->reason, p, len, 1 + S_USER_DATA_V2));
	case PI_CALLING_SSEL:
		return (octets(&s->calling_ssel, p, len, S_SELECTOR_MAX));
	case PI_CALLED_SSEL:
		return (octets(&s->called_ssel, p, len, S_SELECTOR_MAX));
	case PI_MIA_DATA:
	case PGI_USER_DATA:
	case PGI_EXTENDED_DATA:
		return (octets(&s->data, p, len, S_USER_DATA_V2));
	default:
		return (0);
	}
}

static int
group(struct spdu *s, enum group g, const uint8_t *p, size_t len,
    const char **why)
{
	size_t head, l;

	while (len > 0) {
		if ((head = spdu_header(p, len, &l)) == 0 || l > len - head) {
			*why = "parameter runs past its SPDU";
			return (-1);
		}
		if (param(s, g, p[0], p + head, l, why) == -1) {
			if (*why == NULL)
				*why = "parameter with a wrong length or "
				    "value";
			return (-1);
		}
		p += head + l;
		len -= head + l;
	}
	return (0);
}

int
spdu_decode(struct spdu *s, uint8_t si, const uint8_t *p, size_t len,
    const char **why)
{
	memset(s, 0, sizeof(*s));
	s->si = si;
	*why = NULL;
	return (group(s, TOP, p, len, why));
}

/* Encoding: a cursor that remembers having run over. */

struct out {
	uint8_t	*p;
	size_t	 n, size;
	int	 bad;
};

static void
put_header(struct out *o, uint8_t code, size_t len)
{
	size_t head = len < 255 ? 2 : 4;

	if (o->bad || len > 65535 || o->size - o->n < head + len) {
		o->bad = 1;
		return;
	}
	o->p[o->n++] = code;
	if (len < 255)
		o->p[o->n++] = len;
	else {
		o->p[o->n++] = 255;
		o->p[o->n++] = len >> 8;
		o->p[o->n++] = len & 0xff;
	}
}

static void
put(struct out *o, uint8_t code, const void *p, size_t len)
{
	put_header(o, code, len);
	if (!o->bad && len > 0) {
		memcpy(o->p + o->n, p, len);
		o->n += len;
	}
}

static void
put_octets(struct out *o, uint8_t code, struct s_octets v)
{
	if (v.len > 0)
		put(o, code, v.p, v.len);
}

static void
put_serial(struct out *o, uint8_t code, uint32_t v)
{
	char digits[8];
	int i = sizeof(digits);

	do {
		digits[--i] = '0' + v % 10;
		v /= 10;
	} while (v > 0 && i > 0);
	put(o, code, digits + i, sizeof(digits) - i);
}

static void
put_refs(struct out *o, const struct spdu_refs *r)
{
	put_octets(o, PI_CALLED_REF, r->called);
	put_octets(o, PI_CALLING_REF, r->calling);
	put_octets(o, PI_COMMON_REF, r->common);
	put_octets(o, PI_ADDITIONAL_REF, r->additional);
}

/* The inner parameters go to a side buffer first: their length leads. */
static void
put_group(struct out *o, uint8_t code, const struct spdu *s)
{
	uint8_t buf[256];
	struct out g = { buf, 0, sizeof(buf), 0 };

	switch (code) {
	case PGI_CONNECTION:
		put_refs(&g, &s->refs);
		break;
	case PGI_ITEM:
		if (s->present & SPDU_OPTIONS)
			put(&g, PI_OPTIONS, &s->options, 1);
		if (s->present & SPDU_TSDU_SIZE) {
			uint8_t v[4] = { s->tsdu_size[0] >> 8,
			    s->tsdu_size[0] & 0xff, s->tsdu_size[1] >> 8,
			    s->tsdu_size[1] & 0xff };

			put(&g, PI_TSDU_SIZE, v, 4);
		}
		if (s->present & SPDU_VERSION)
			put(&g, PI_VERSION, &s->version, 1);
		if (s->present & SPDU_INITIAL_SERIAL)
			put_serial(&g, PI_INITIAL_SERIAL, s->initial_serial);
		if (s->present & SPDU_TOKEN_SETTING)
			put(&g, PI_TOKEN_SETTING, &s->token_setting, 1);
		break;
	case PGI_LINKING:
		put_refs(&g, &s->link);
		put_octets(&g, PI_ACTIVITY, s->link_activity);
		if (s->present & SPDU_LINK_SERIAL)
			put_serial(&g, PI_SERIAL, s->link_serial);
		break;
	}
	if (g.bad)
		o->bad = 1;
	else
		put(o, code, buf, g.n);
}

size_t
spdu_encode(const struct spdu *s, uint8_t *buf, size_t size)
{
	uint8_t body[SPDU_MAX];
	struct out o = { body, 0, sizeof(body), 0 };
	struct out whole = { buf, 0, size, 0 };
	uint8_t v[2];
	int connect = s->si == SI_CN || s->si == SI_AC;

	if (s->present & SPDU_CONNECTION)
		put_group(&o, PGI_CONNECTION, s);
	if (connect)
		put_group(&o, PGI_ITEM, s);
	if (s->present & SPDU_LINKING)
		put_group(&o, PGI_LINKING, s);
	if (s->present & SPDU_SYNC_TYPE)
		put(&o, PI_SYNC_TYPE, &s->sync_type, 1);
	if (s->present & SPDU_TOKEN)
		put(&o, PI_TOKEN, &s->token, 1);
	if (s->present & SPDU_DISCONNECT)
		put(&o, PI_DISCONNECT, &s->disconnect, 1);
	if (s->present & SPDU_REQUIREMENTS) {
		v[0] = s->requirements >> 8;
		v[1] = s->requirements & 0xff;
		put(&o, PI_REQUIREMENTS, v, 2);
	}
	if (!connect && s->present & SPDU_VERSION)
		put(&o, PI_VERSION, &s->version, 1);
	if (s->present & SPDU_ENCLOSURE)
		put(&o, PI_ENCLOSURE, &s->enclosure, 1);
	put_octets(&o, PI_ACTIVITY, s->activity);
	if (s->present & SPDU_SERIAL)
		put_serial(&o, PI_SERIAL, s->serial);
	put_octets(&o, PI_REFLECT, s->reflect);
	put_octets(&o, PI_REASON, s->reason);
	put_octets(&o, PI_CALLING_SSEL, s->calling_ssel);
	put_octets(&o, PI_CALLED_SSEL, s->called_ssel);
	if (s->data.len > S_USER_DATA_V2)
		return (0);
	/* Only CN, sent before the version is known, has a place apart. */
	put_octets(&o, s->si == SI_CN && s->data.len > S_USER_DATA_V1 ?
	    PGI_EXTENDED_DATA : PGI_USER_DATA, s->data);
	if (o.bad)
		return (0);
	put(&whole, s->si, body, o.n);
	return (whole.bad ? 0 : whole.n);
}

const char *
spdu_refuse_text(uint8_t code)
{
	switch (code) {
	case S_REFUSE_UNSPECIFIED:
		return ("rejection by called SS-user, not specified");
	case S_REFUSE_CONGESTION:
		return ("rejection by called SS-user, temporary congestion");
	case S_REFUSE_USER:
		return ("rejection by called SS-user, with user data");
	case S_REFUSE_SELECTOR:
		return ("session selector unknown");
	case S_REFUSE_NOT_ATTACHED:
		return ("SS-user not attached to SSAP");
	case S_REFUSE_SPM_CONGESTION:
		return ("SPM congestion at connect time");
	case S_REFUSE_VERSION:
		return ("proposed protocol versions not supported");
	case S_REFUSE_SPM_UNSPECIFIED:
		return ("rejection by the SPM, not specified");
	case S_REFUSE_SPM_RESTRICTION:
		return ("rejection by the SPM, implementation restriction");
	default:
		return ("reserved");
	}
}
