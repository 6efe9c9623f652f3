/* SPDX-License-Identifier: ISC */

/*
 * Encoding and printing of values by the type tables of asn1.h (X.209).
 * Octets are written from the last to the first, see struct ber_out.
 */

#include <string.h>

#include "asn1.h"
#include "asn1_internal.h"
#include "oid.h"

static int	encode_type(struct asn1 *, const struct asn1_type *, uint32_t,
		    const void *, struct ber_out *);

static unsigned int
next_form(struct ber_out *o)
{
	return o->form != NULL ? o->form(o->form_arg) : 0;
}

static void
put_eoc(struct ber_out *o, unsigned int form)
{
	if (form & BER_FORM_INDEFINITE)
		ber_out_octets(o, "\0\0", 2);
}

/* One segment: a bit string (unused >= 0) has its initial octet. */
static void
put_segment(struct ber_out *o, uint32_t tag, const uint8_t *p, size_t len,
    int unused, unsigned int form)
{
	uint64_t	mark = ber_out_length(o);
	uint8_t		c;

	if (unused >= 0 && len > 0) {
		c = p[--len] & (0xff << unused);
		ber_out_octets(o, &c, 1);
	}
	ber_out_octets(o, p, len);
	if (unused >= 0) {
		c = unused;
		ber_out_octets(o, &c, 1);
	}
	ber_out_header_form(o, tag, 0, mark, form & BER_FORM_LONG);
}

static void
put_string(struct ber_out *o, uint32_t tag, const uint8_t *p, size_t len,
    int unused)
{
	unsigned int	form = next_form(o);
	uint64_t	mark = ber_out_length(o);
	uint32_t	seg = unused >= 0 ? BER_BIT_STRING : BER_OCTET_STRING;

	if ((form & BER_FORM_SEGMENTS) == 0) {
		put_segment(o, tag, p, len, unused, form);
		return;
	}
	put_eoc(o, form);
	put_segment(o, seg, p + len / 2, len - len / 2, unused, form);
	put_segment(o, seg, p, len / 2, unused >= 0 ? 0 : -1, form);
	ber_out_header_form(o, tag, 1, mark, form);
}

static int
encode_string(struct asn1 *a, const struct asn1_type *type, uint32_t tag,
    const struct asn1_octets *s, struct ber_out *o)
{
	struct asn1_octets	 t = *s;
	uint64_t		 mark;

	if (t.p == NULL && t.len > 0) {
		/* The octets stay where they are; nothing can follow them. */
		if (t.len > (uint64_t)type->max)
			return asn1_fail(a, "too long");
		if (ber_out_length(o) != 0)
			return asn1_fail(a, "octets kept apart not at the end");
		o->after = t.len;
		ber_out_header(o, tag != 0 ? tag : type->string, 0, 0);
		return 0;
	}
	if (type->kind == ASN1_TIME)
		t.tag = BER_UTC_TIME;
	else if (tag != 0 && (type->flags & ASN1_TAGGED) == 0)
		t.tag = type->string;
	else if (t.tag == 0 || t.tag >= 32 ||
	    (type->strings & ASN1_S(t.tag)) == 0)
		t.tag = type->string;
	if (asn1_check_string(a, type, &t) == -1)
		return -1;
	if ((type->flags & ASN1_TAGGED) == 0) {
		put_string(o, tag != 0 ? tag : t.tag, t.p, t.len, -1);
		return 0;
	}
	mark = ber_out_length(o);
	put_string(o, t.tag, t.p, t.len, -1);
	ber_out_header(o, tag, 1, mark);
	return 0;
}

/* Is the row to be written? */
static int
field_due(const struct asn1_field *field, const struct asn1_members *m,
    uint32_t row, unsigned int form)
{
	const void	*value = (const uint8_t *)m + field->offset;

	if ((m->present >> row & 1) == 0)
		return 0;
	if ((field->flags & ASN1_DEFAULT) &&
	    field->type->kind == ASN1_INTEGER &&
	    *(const int64_t *)value == field->dflt)
		return (form & BER_FORM_DEFAULTS) != 0;
	return 1;
}

static int
encode_field(struct asn1 *a, const struct asn1_field *field,
    const void *value, struct ber_out *o)
{
	const struct asn1_octets	*s;
	unsigned int			 form;
	uint64_t			 mark;

	if (field->flags & ASN1_OTHERS) {
		s = value;
		ber_out_octets(o, s->p, s->len);
		return 0;
	}
	if (asn1_push(a, field->name, -1) == -1)
		return -1;
	if (field->flags & ASN1_EXPLICIT) {
		form = next_form(o);
		mark = ber_out_length(o);
		put_eoc(o, form);
		if (encode_type(a, field->type, 0, value, o) == -1)
			return -1;
		ber_out_header_form(o, field->tag, 1, mark, form);
	} else if (encode_type(a, field->type, field->tag, value, o) == -1)
		return -1;
	asn1_pop(a);
	return 0;
}

static int
encode_members(struct asn1 *a, const struct asn1_type *type, uint32_t tag,
    const struct asn1_members *m, struct ber_out *o)
{
	const struct asn1_field	*field;
	unsigned int		 form = next_form(o);
	uint64_t		 mark = ber_out_length(o);
	uint32_t		 i, row;
	int			 last, reverse;

	put_eoc(o, form);
	reverse = (form & BER_FORM_REVERSE) && type->kind == ASN1_SET;
	for (last = 1; last >= 0; last--)
		for (i = 0; i < type->nfield; i++) {
			row = reverse ? i : type->nfield - 1 - i;
			field = &type->field[row];
			if (((field->flags & ASN1_LAST) != 0) != last)
				continue;
			if (!field_due(field, m, row, form)) {
				if ((field->flags & (ASN1_OPTIONAL |
				    ASN1_DEFAULT | ASN1_OTHERS)) == 0)
					return asn1_fail(a, "no %s",
					    field->name);
				continue;
			}
			if (encode_field(a, field,
			    (const uint8_t *)m + field->offset, o) == -1)
				return -1;
		}
	ber_out_header_form(o, tag, 1, mark, form);
	return 0;
}

static int
encode_list(struct asn1 *a, const struct asn1_type *type, uint32_t tag,
    const struct asn1_list *list, struct ber_out *o)
{
	unsigned int	form = next_form(o);
	uint64_t	mark = ber_out_length(o);
	uint32_t	i;

	if (list->n < type->min || list->n > type->max)
		return asn1_fail(a, "%u elements, limits %lld..%lld", list->n,
		    (long long)type->min, (long long)type->max);
	put_eoc(o, form);
	for (i = list->n; i-- > 0; ) {
		if (asn1_push(a, NULL, i) == -1 ||
		    encode_type(a, type->of, 0, (const uint8_t *)list->p +
		    (size_t)i * type->of->size, o) == -1)
			return -1;
		asn1_pop(a);
	}
	ber_out_header_form(o, tag, 1, mark, form);
	return 0;
}

static int
encode_any(struct asn1 *a, const struct asn1_type *type,
    const struct asn1_octets *s, struct ber_out *o)
{
	if (s->len == 0 || s->len > (uint64_t)type->max)
		return asn1_fail(a, "%llu octets, limit %llu",
		    (unsigned long long)s->len,
		    (unsigned long long)type->max);
	ber_out_octets(o, s->p, s->len);
	return 0;
}

static int
encode_type(struct asn1 *a, const struct asn1_type *type, uint32_t tag,
    const void *value, struct ber_out *o)
{
	const struct asn1_open		*open;
	char				 text[UB_OID_TEXT + 1];
	const struct asn1_choice	*c;
	const struct asn1_octets	*s;
	const struct asn1_bits		*bits;
	const struct asn1_field		*field;
	int64_t				 v;
	size_t				 len;

	if (tag == 0)
		tag = type->tag;
	switch (type->kind) {
	case ASN1_SEQUENCE:
	case ASN1_SET:
		return encode_members(a, type, tag, value, o);
	case ASN1_CHOICE:
		c = value;
		if (c->chosen >= type->nfield)
			return asn1_fail(a, "nothing chosen");
		field = &type->field[c->chosen];
		return encode_field(a, field,
		    (const uint8_t *)c + field->offset, o);
	case ASN1_SEQUENCE_OF:
		return encode_list(a, type, tag, value, o);
	case ASN1_INTEGER:
		v = *(const int64_t *)value;
		if (v < type->min || v > type->max)
			return asn1_fail(a, "%lld is not in %lld..%lld",
			    (long long)v, (long long)type->min,
			    (long long)type->max);
		ber_out_integer(o, tag, v);
		return 0;
	case ASN1_BIT_STRING:
		bits = value;
		if (bits->nbits > type->max)
			return asn1_fail(a, "%u bits, limit %lld",
			    bits->nbits, (long long)type->max);
		len = (bits->nbits + 7) / 8;
		put_string(o, tag, bits->p, len, len * 8 - bits->nbits);
		return 0;
	case ASN1_STRING:
	case ASN1_TIME:
		return encode_string(a, type, tag, value, o);
	case ASN1_NULL:
		ber_out_string(o, tag, NULL, 0);
		return 0;
	case ASN1_OPEN_TYPE:
		open = value;
		if (open->value != NULL &&
		    (open->type->flags & ASN1_VERBATIM) == 0)
			return encode_type(a, open->type, 0, open->value, o);
		return encode_any(a, type, &open->octets, o);
	case ASN1_ANY:
		return encode_any(a, type, value, o);
	case ASN1_OID:
		s = value;
		if (oid_to_text(s->p, s->len, text) == -1)
			return asn1_fail(a, "no OBJECT IDENTIFIER");
		ber_out_string(o, tag, s->p, s->len);
		return 0;
	}
	return asn1_fail(a, "no such kind");
}

int
asn1_encode(struct asn1 *a, const struct asn1_type *type, const void *value,
    struct ber_out *o)
{
	if (asn1_push(a, type->name, -1) == -1 ||
	    encode_type(a, type, 0, value, o) == -1)
		return -1;
	asn1_pop(a);
	return 0;
}

static void
print_text(const struct asn1_octets *s, FILE *fp)
{
	uint64_t	i;

	putc('"', fp);
	for (i = 0; i < s->len; i++) {
		if (s->p[i] < 0x20 || s->p[i] > 0x7e)
			fprintf(fp, "\\x%02x", s->p[i]);
		else if (s->p[i] == '"' || s->p[i] == '\\')
			fprintf(fp, "\\%c", s->p[i]);
		else
			putc(s->p[i], fp);
	}
	putc('"', fp);
}

static void
print_octets(const struct asn1_octets *s, FILE *fp)
{
	uint64_t	i;

	for (i = 0; i < s->len && i < 32 && s->p != NULL; i++)
		fprintf(fp, "%02x", s->p[i]);
	fprintf(fp, "%s(%llu octets)", i == s->len ? " " : "... ",
	    (unsigned long long)s->len);
}

static void
print_bits(const struct asn1_type *type, const struct asn1_bits *bits,
    FILE *fp)
{
	const struct asn1_names	*n;
	uint32_t		 i;

	putc('\'', fp);
	for (i = 0; i < bits->nbits; i++)
		putc(bits->p[i / 8] & 0x80 >> i % 8 ? '1' : '0', fp);
	fputs("'B", fp);
	for (n = type->names; n != NULL && n->name != NULL; n++)
		if (n->value < bits->nbits && bits->p[n->value / 8] &
		    0x80 >> n->value % 8)
			fprintf(fp, " %s", n->name);
}

static void
print_integer(const struct asn1_type *type, int64_t value, FILE *fp)
{
	const struct asn1_names	*n;

	for (n = type->names; n != NULL && n->name != NULL; n++)
		if (n->value == value) {
			fprintf(fp, "%s(%lld)", n->name, (long long)value);
			return;
		}
	fprintf(fp, "%lld", (long long)value);
}

static void
print_fields(const struct asn1_type *type, const struct asn1_members *m,
    FILE *fp, int indent)
{
	const struct asn1_field		*field;
	const struct asn1_octets	*s;
	uint32_t			 i;

	putc('\n', fp);
	for (i = 0; i < type->nfield; i++) {
		field = &type->field[i];
		if (!field_due(field, m, i, 0))
			continue;
		fprintf(fp, "%*s%s: ", indent, "", field->name);
		if (field->flags & ASN1_OTHERS) {
			s = (const void *)((const uint8_t *)m + field->offset);
			print_octets(s, fp);
			putc('\n', fp);
		} else
			asn1_print(field->type, (const uint8_t *)m +
			    field->offset, fp, indent + 2);
	}
}

static void
print_list(const struct asn1_type *type, const struct asn1_list *list,
    FILE *fp, int indent)
{
	uint32_t	i;

	fprintf(fp, "%u\n", list->n);
	for (i = 0; i < list->n; i++) {
		fprintf(fp, "%*s[%u]: ", indent, "", i);
		asn1_print(type->of, (const uint8_t *)list->p +
		    (size_t)i * type->of->size, fp, indent + 2);
	}
}

void
asn1_print(const struct asn1_type *type, const void *value, FILE *fp,
    int indent)
{
	const struct asn1_octets	*s = value;
	const struct asn1_choice	*c = value;
	const struct asn1_open		*open = value;
	const struct asn1_field		*field;
	char				 text[UB_OID_TEXT + 1];

	switch (type->kind) {
	case ASN1_SEQUENCE:
	case ASN1_SET:
		print_fields(type, value, fp, indent);
		return;
	case ASN1_CHOICE:
		field = &type->field[c->chosen];
		fprintf(fp, "%s: ", field->name);
		asn1_print(field->type, (const uint8_t *)c + field->offset,
		    fp, indent);
		return;
	case ASN1_SEQUENCE_OF:
		print_list(type, value, fp, indent);
		return;
	case ASN1_INTEGER:
		print_integer(type, *(const int64_t *)value, fp);
		break;
	case ASN1_BIT_STRING:
		print_bits(type, value, fp);
		break;
	case ASN1_STRING:
		if (type->string == BER_OCTET_STRING)
			print_octets(s, fp);
		else
			print_text(s, fp);
		break;
	case ASN1_TIME:
		print_text(s, fp);
		break;
	case ASN1_NULL:
		fputs("NULL", fp);
		break;
	case ASN1_ANY:
		print_octets(s, fp);
		break;
	case ASN1_OID:
		fputs(oid_to_text(s->p, s->len, text) == -1 ? "?" : text, fp);
		break;
	case ASN1_OPEN_TYPE:
		if (open->value != NULL) {
			asn1_print(open->type, open->value, fp, indent);
			return;
		}
		print_octets(&open->octets, fp);
		break;
	}
	putc('\n', fp);
}
