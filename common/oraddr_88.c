/* SPDX-License-Identifier: ISC */

/*
 * Extension attributes of O/R names (X.411 8.5.5, figure 5) from and to
 * struct or_address.
 *
 * One attribute has up to three forms, each an extension attribute of its
 * own: common-name, teletex-common-name, universal-common-name.  In an
 * address they are attributes of one type, OR_CN, in different character
 * sets.  This is the way from octets; oraddr_88_out.c has the other one.
 */

#include <errno.h>
#include <string.h>

#include "orname.h"
#include "orname_88.h"

const struct xa_form	xa[XA_MAX + 1] = {
	[1] = { OR_CN, XK_STRING }, [2] = { OR_CN, XK_TELETEX },
	[3] = { OR_O, XK_TELETEX }, [4] = { OR_S, XK_PERSON },
	[5] = { OR_OU1, XK_UNITS }, [6] = { OR_DDA, XK_DDAS },
	[7] = { OR_PD_SERVICE, XK_STRING }, [8] = { OR_PD_C, XK_STRING },
	[9] = { OR_PD_CODE, XK_STRING }, [10] = { OR_PD_OFFICE, XK_PDS },
	[11] = { OR_PD_OFFICE_NUM, XK_PDS },
	[12] = { OR_PD_EXT_ADDRESS, XK_PDS }, [13] = { OR_PD_PN, XK_PDS },
	[14] = { OR_PD_O, XK_PDS }, [15] = { OR_PD_EXT_DELIVERY, XK_PDS },
	[16] = { OR_PD_ADDRESS, XK_LINES }, [17] = { OR_PD_STREET, XK_PDS },
	[18] = { OR_PD_BOX, XK_PDS }, [19] = { OR_PD_RESTANTE, XK_PDS },
	[20] = { OR_PD_UNIQUE, XK_PDS }, [21] = { OR_PD_LOCAL, XK_PDS },
	[22] = { OR_ISDN, XK_NETWORK }, [23] = { OR_T_TY, XK_TERMINAL },
	[24] = { OR_CN, XK_UNIVERSAL }, [25] = { OR_O, XK_UNIVERSAL },
	[26] = { OR_S, XK_UNIVERSAL_PERSON },
	[27] = { OR_OU1, XK_UNIVERSAL_UNITS },
	[28] = { OR_DDA, XK_UNIVERSAL_DDAS },
	[29] = { OR_PD_OFFICE, XK_UNIVERSAL },
	[30] = { OR_PD_OFFICE_NUM, XK_UNIVERSAL },
	[31] = { OR_PD_EXT_ADDRESS, XK_UNIVERSAL },
	[32] = { OR_PD_PN, XK_UNIVERSAL }, [33] = { OR_PD_O, XK_UNIVERSAL },
	[34] = { OR_PD_EXT_DELIVERY, XK_UNIVERSAL },
	[35] = { OR_PD_ADDRESS, XK_UNIVERSAL },
	[36] = { OR_PD_STREET, XK_UNIVERSAL },
	[37] = { OR_PD_BOX, XK_UNIVERSAL },
	[38] = { OR_PD_RESTANTE, XK_UNIVERSAL },
	[39] = { OR_PD_UNIQUE, XK_UNIVERSAL },
	[40] = { OR_PD_LOCAL, XK_UNIVERSAL }
};

const uint8_t	person_type[4] = { OR_S, OR_G, OR_I, OR_Q };

int
asn1_to_message(struct message *m, const struct asn1_type *type,
    const void *value, uint8_t **p, uint32_t *len)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct ber_out		o;
	int			r = -1;

	asn1_memory_init(&memory, 1);
	asn1_init(&a, &memory);
	ber_out_init(&o);
	if (asn1_encode(&a, type, value, &o) == 0 && !o.error &&
	    (*p = (uint8_t *)message_memdup(m, o.buf + o.pos,
	    o.size - o.pos)) != NULL) {
		*len = o.size - o.pos;
		r = 0;
	}
	ber_out_free(&o);
	return r;
}

/* From octets.  Attributes go behind those of the name that are there. */

struct in {
	struct message	*m;
	struct or_attr	*attr;
	uint32_t	*n;
};

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

static struct or_attr *
add(struct in *in, int type, int charset)
{
	struct or_attr	*attr;

	if (*in->n == UB_OR_ATTRIBUTES) {
		errno = EINVAL;
		return NULL;
	}
	attr = &in->attr[(*in->n)++];
	memset(attr, 0, sizeof(*attr));
	attr->type = type;
	attr->charset = charset;
	return attr;
}

static int
add_string(struct in *in, int type, int charset, const struct asn1_octets *s)
{
	struct or_attr	*attr;

	if ((attr = add(in, type, charset)) == NULL ||
	    (attr->value = message_memdup(in->m, s->p, s->len)) == NULL)
		return -1;
	attr->len = s->len;
	return 0;
}

static size_t
utf8_put(uint32_t c, char *s)
{
	int	n = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3, i;

	static const uint8_t	lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	s[0] = lead[n] | c >> (6 * n);
	for (i = 1; i <= n; i++)
		s[i] = 0x80 | (c >> (6 * (n - i)) & 0x3f);
	return n + 1;
}

/* UTF-8, and the language behind a NUL. */
static int
universal_get(struct message *m, char **value, uint16_t *len,
    const struct or_universal *v)
{
	char		 buf[4 * UNIVERSAL_MAX + 8];
	const uint8_t	*p = v->text.p;
	uint64_t	 i, w = v->text.tag == BER_UNIVERSAL_STRING ? 4 : 2;
	uint32_t	 c;
	size_t		 n = 0;

	for (i = 0; i < v->text.len; i += w, p += w) {
		c = w == 2 ? (uint32_t)p[0] << 8 | p[1] :
		    (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		    (uint32_t)p[2] << 8 | p[3];
		if (c == 0 || c > 0x10ffff)
			return invalid();
		n += utf8_put(c, buf + n);
	}
	if (ASN1_HAS(v, UN_LANGUAGE)) {
		buf[n++] = '\0';
		memcpy(buf + n, v->language.p, v->language.len);
		n += v->language.len;
	}
	*len = n;
	return (*value = message_memdup(m, buf, n)) == NULL ? -1 : 0;
}

static int
add_universal(struct in *in, int type, const struct or_universal *v)
{
	struct or_attr	*attr;

	if ((attr = add(in, type, OR_UNIVERSAL)) == NULL)
		return -1;
	return universal_get(in->m, &attr->value, &attr->len, v);
}

static int
add_person(struct in *in, const struct or_personal_name *v)
{
	int	i;

	for (i = 0; i < 4; i++)
		if (ASN1_HAS(v, i) && add_string(in, person_type[i],
		    OR_TELETEX, &v->part[i]) == -1)
			return -1;
	return 0;
}

static int
add_universal_person(struct in *in, const struct or_universal_person *v)
{
	int	i;

	for (i = 0; i < 4; i++)
		if (ASN1_HAS(v, i) && add_universal(in, person_type[i],
		    &v->part[i]) == -1)
			return -1;
	return 0;
}

static int
add_ddas(struct in *in, const struct asn1_list *list)
{
	const struct or_dda	*v = list->p;
	struct or_attr		*attr;
	uint32_t		 i;

	for (i = 0; i < list->n; i++, v++) {
		if (add_string(in, OR_DDA, OR_TELETEX, &v->value) == -1)
			return -1;
		attr = &in->attr[*in->n - 1];
		attr->dda_charset = OR_TELETEX;
		attr->dda_len = v->type.len;
		if ((attr->dda_type = message_memdup(in->m, v->type.p,
		    v->type.len)) == NULL)
			return -1;
	}
	return 0;
}

static int
add_universal_ddas(struct in *in, const struct asn1_list *list)
{
	const struct or_universal_dda	*v = list->p;
	struct or_attr			*attr;
	uint32_t			 i;

	for (i = 0; i < list->n; i++, v++) {
		if (add_universal(in, OR_DDA, &v->value) == -1)
			return -1;
		attr = &in->attr[*in->n - 1];
		attr->dda_charset = OR_UNIVERSAL;
		if (universal_get(in->m, &attr->dda_type, &attr->dda_len,
		    &v->type) == -1)
			return -1;
	}
	return 0;
}

/* Lines are joined with '|', which no PrintableString has. */
static int
add_lines(struct in *in, const struct or_unformatted *v)
{
	const struct asn1_octets	*line = v->lines.p;
	char				 buf[UB_OR_VALUE];
	struct asn1_octets		 s = { .p = (uint8_t *)buf };
	uint32_t			 i;

	if (ASN1_HAS(v, UPA_LINES)) {
		for (i = 0; i < v->lines.n; i++) {
			if (line[i].len > 0 && memchr(line[i].p, '|',
			    line[i].len) != NULL)
				return invalid();
			if (i > 0)
				buf[s.len++] = '|';
			if (line[i].len > 0)
				memcpy(buf + s.len, line[i].p, line[i].len);
			s.len += line[i].len;
		}
		if (add_string(in, OR_PD_ADDRESS, OR_PRINTABLE, &s) == -1)
			return -1;
	}
	if (ASN1_HAS(v, UPA_TELETEX))
		return add_string(in, OR_PD_ADDRESS, OR_TELETEX, &v->teletex);
	return 0;
}

static int
add_network(struct in *in, const struct or_network *v)
{
	struct or_attr	*attr;
	uint32_t	 len;
	uint8_t		*p;

	if (v->c.chosen == NETWORK_PSAP) {
		if ((attr = add(in, OR_PSAP, OR_OCTETS)) == NULL ||
		    asn1_to_message(in->m, &type_or_psap, &v->psap, &p,
		    &len) == -1)
			return -1;
		if (len > UB_OR_VALUE)
			return invalid();
		attr->value = (char *)p;
		attr->len = len;
		return 0;
	}
	if (add_string(in, OR_ISDN, OR_NUMERIC, &v->e163_4.number) == -1)
		return -1;
	if (ASN1_HAS(&v->e163_4, E163_SUB_ADDRESS))
		return add_string(in, OR_ISDN_SUB, OR_NUMERIC,
		    &v->e163_4.sub_address);
	return 0;
}

static int
add_terminal(struct in *in, int64_t number)
{
	char			 buf[8];
	struct asn1_octets	 s = { .p = (uint8_t *)buf };

	s.len = snprintf(buf, sizeof(buf), "%d", (int)number);
	return add_string(in, OR_T_TY, OR_NUMERIC, &s);
}

static int
add_extension(struct in *in, int number, const void *value)
{
	const struct asn1_octets	*s = value;
	const struct asn1_list		*list = value;
	const struct or_pds		*pds = value;
	int				 type = xa[number].type;
	uint32_t			 i;

	switch (xa[number].kind) {
	case XK_STRING:
		return add_string(in, type, or_charset_of(s) == OR_NUMERIC ?
		    OR_NUMERIC : OR_PRINTABLE, s);
	case XK_TELETEX:
		return add_string(in, type, OR_TELETEX, s);
	case XK_UNIVERSAL:
		return add_universal(in, type, value);
	case XK_PERSON:
		return add_person(in, value);
	case XK_UNIVERSAL_PERSON:
		return add_universal_person(in, value);
	case XK_UNITS:
		for (i = 0; i < list->n; i++)
			if (add_string(in, type + i, OR_TELETEX,
			    (const struct asn1_octets *)list->p + i) == -1)
				return -1;
		return 0;
	case XK_UNIVERSAL_UNITS:
		for (i = 0; i < list->n; i++)
			if (add_universal(in, type + i,
			    (const struct or_universal *)list->p + i) == -1)
				return -1;
		return 0;
	case XK_DDAS:
		return add_ddas(in, list);
	case XK_UNIVERSAL_DDAS:
		return add_universal_ddas(in, list);
	case XK_PDS:
		if (ASN1_HAS(pds, PDS_PRINTABLE) && add_string(in, type,
		    OR_PRINTABLE, &pds->printable) == -1)
			return -1;
		if (ASN1_HAS(pds, PDS_TELETEX))
			return add_string(in, type, OR_TELETEX,
			    &pds->teletex);
		return 0;
	case XK_LINES:
		return add_lines(in, value);
	case XK_NETWORK:
		return add_network(in, value);
	case XK_TERMINAL:
		return add_terminal(in, *(const int64_t *)value);
	}
	return invalid();
}

/* Attributes of no number that we know, one behind the other. */
static int
unknown_get(struct message *m, struct or_address *or,
    const struct or_extension *x)
{
	uint8_t		*p, *all;
	uint32_t	 len;

	if (asn1_to_message(m, &type_or_extension, x, &p, &len) == -1)
		return -1;
	if (len + or->unknown_len > UB_OR_OPAQUE)
		return invalid();
	if ((all = message_alloc(m, or->unknown_len + len)) == NULL)
		return -1;
	if (or->unknown_len > 0)
		memcpy(all, or->unknown, or->unknown_len);
	memcpy(all + or->unknown_len, p, len);
	or->unknown = all;
	or->unknown_len += len;
	return 0;
}

/* One form of one attribute, or of one unit, is there once. */
static int
check_once(const struct or_attr *attr, uint32_t n)
{
	uint32_t	seen[OR_TYPE_MAX] = { 0 }, bit;

	for (; n > 0; n--, attr++) {
		if (attr->type == OR_DDA)
			continue;
		bit = 1u << (attr->charset == OR_NUMERIC ? OR_PRINTABLE :
		    attr->charset);
		if (seen[attr->type] & bit)
			return invalid();
		seen[attr->type] |= bit;
	}
	return 0;
}

int
or_extensions_from_name(struct message *m, struct or_address *or,
    const struct or_name *name, struct or_attr *attr, uint32_t *n)
{
	const struct or_extension	*x[XA_MAX + 1] = { NULL }, *v;
	struct in			 in = { m, attr, n };
	uint32_t			 i;

	v = name->extension.p;
	for (i = 0; i < name->extension.n; i++, v++) {
		if (v->type < 1 || v->type > XA_MAX) {
			if (unknown_get(m, or, v) == -1)
				return -1;
			continue;
		}
		if (x[v->type] != NULL)
			return invalid();
		x[v->type] = v;
	}
	/* By number, whatever the order they came in. */
	for (i = 1; i <= XA_MAX; i++)
		if (x[i] != NULL &&
		    add_extension(&in, i, x[i]->value.value) == -1)
			return -1;
	if (ASN1_HAS(name, OR_DIRECTORY)) {
		if ((or->directory = (uint8_t *)message_memdup(m,
		    name->directory.p, name->directory.len)) == NULL)
			return -1;
		or->directory_len = name->directory.len;
	}
	return check_once(attr, *n);
}
