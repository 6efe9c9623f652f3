/* SPDX-License-Identifier: ISC */

/*
 * Values at random, made by the tables that decode them: every field of every
 * type comes up, in every legal form of BER.
 */

#ifndef ASN1_RANDOM_H
#define ASN1_RANDOM_H

#include "asn1.h"
#include "vectors.h"

static inline void
asn1_random_string(const struct asn1_type *type, struct asn1_octets *s,
    struct asn1_memory *m, uint64_t *seed)
{
	static const char	time[] = "261123160000Z";
	uint64_t		max = type->max;
	uint8_t			*p;
	uint32_t		i, n, w;

	if (type->kind == ASN1_TIME) {
		s->p = (const uint8_t *)time;
		s->len = 13;
		return;
	}
	if (max > (uint64_t)type->min + 20)
		max = type->min + 20;
	do
		n = test_random(seed) % 32;
	while ((type->strings & ASN1_S(n)) == 0);
	s->tag = n;
	s->len = type->min + test_random(seed) % (max - type->min + 1);
	if (n == BER_BMP_STRING || n == BER_UNIVERSAL_STRING) {
		/* Below 0x100, so that no character is impossible. */
		w = n == BER_BMP_STRING ? 2 : 4;
		s->p = p = asn1_memory_alloc(m, s->len * w + 1);
		for (i = 0; i < s->len; i++)
			p[i * w + w - 1] = 1 + test_random(seed) % 0xff;
		s->len *= w;
		return;
	}
	s->p = p = asn1_memory_alloc(m, s->len + 1);
	for (i = 0; i < s->len; i++)
		p[i] = type->flags & ASN1_GRAPHIC ?
		    0x20 + test_random(seed) % 0x5f : test_random(seed);
}

static inline void	asn1_random(const struct asn1_type *, void *,
			    struct asn1_memory *, uint64_t *);

/* Its octets are what is encoded, so let them be those of the value. */
static inline void
asn1_random_verbatim(struct asn1_open *open, struct asn1_memory *m)
{
	struct asn1	 a;
	struct ber_out	 o;
	uint8_t		*p;

	asn1_init(&a, m);
	ber_out_init(&o);
	if (asn1_encode(&a, open->type, open->value, &o) == -1)
		return;
	open->octets.len = o.size - o.pos;
	open->octets.p = p = asn1_memory_alloc(m, open->octets.len + 1);
	memcpy(p, o.buf + o.pos, open->octets.len);
	ber_out_free(&o);
}

static inline void
asn1_random_members(const struct asn1_type *type, struct asn1_members *v,
    struct asn1_memory *m, uint64_t *seed)
{
	static const char		*others[] = {
		"\x81\x01\x00", "\xa2\x03\x80\x01\x00", "\xa3\x80\x00\x00"
	};
	static const uint64_t		length[] = { 3, 5, 4 };
	static const struct asn1_type	 any = { .kind = ASN1_ANY };
	const struct asn1_field		*f;
	struct asn1_octets		*s;
	struct asn1_open		*open;
	uint8_t				*p;
	uint32_t			 i, n;

	for (i = 0; i < type->nfield; i++) {
		f = &type->field[i];
		if ((f->flags & (ASN1_OPTIONAL | ASN1_DEFAULT |
		    ASN1_OTHERS)) && test_random(seed) % 2) {
			if ((f->flags & ASN1_DEFAULT) &&
			    f->type->kind == ASN1_INTEGER)
				*(int64_t *)((void *)((uint8_t *)v +
				    f->offset)) = f->dflt;
			continue;
		}
		v->present |= 1u << i;
		if (f->flags & ASN1_OTHERS) {
			s = (void *)((uint8_t *)v + f->offset);
			n = test_random(seed) % 3;
			s->p = (const uint8_t *)others[n];
			s->len = length[n];
		} else if (f->type->kind == ASN1_OPEN_TYPE) {
			open = (void *)((uint8_t *)v + f->offset);
			asn1_random(&any, &open->octets, m, seed);
			if ((open->type = f->type->by(v)) == NULL)
				continue;
			open->value = asn1_memory_alloc(m, open->type->size);
			asn1_random(open->type, open->value, m, seed);
			if (open->type->flags & ASN1_VERBATIM)
				asn1_random_verbatim(open, m);
		} else {
			s = (void *)((uint8_t *)v + f->offset);
			asn1_random(f->type, s, m, seed);
			/* A whole element, of the tag that is due. */
			if (f->type->kind == ASN1_ANY && f->tag != 0 &&
			    (f->flags & ASN1_EXPLICIT) == 0) {
				p = asn1_memory_alloc(m, s->len);
				memcpy(p, s->p, s->len);
				p[0] = 0xa0 | BER_NUMBER(f->tag);
				s->p = p;
			}
		}
	}
}

/* value is zeroed and of type->size octets. */
static inline void
asn1_random(const struct asn1_type *type, void *value, struct asn1_memory *m,
    uint64_t *seed)
{
	struct asn1_octets	*s = value;
	struct asn1_bits	*b = value;
	struct asn1_list	*l = value;
	struct asn1_choice	*c = value;
	uint8_t			*p;
	uint64_t		 range;
	uint32_t		 i;

	switch (type->kind) {
	case ASN1_SEQUENCE:
	case ASN1_SET:
		asn1_random_members(type, value, m, seed);
		break;
	case ASN1_CHOICE:
		c->chosen = test_random(seed) % type->nfield;
		asn1_random(type->field[c->chosen].type, (uint8_t *)value +
		    type->field[c->chosen].offset, m, seed);
		break;
	case ASN1_SEQUENCE_OF:
		range = type->max - type->min;
		l->n = type->min + test_random(seed) % (range < 3 ?
		    range + 1 : 4);
		l->p = asn1_memory_alloc(m, l->n * type->of->size + 1);
		for (i = 0; i < l->n; i++)
			asn1_random(type->of, (uint8_t *)l->p +
			    i * type->of->size, m, seed);
		break;
	case ASN1_INTEGER:
		range = (uint64_t)type->max - type->min;
		i = test_random(seed);
		*(int64_t *)value = i % 8 == 0 ? type->max : i % 8 == 1 ?
		    type->min : type->min + (int64_t)(i % (range < 300 ?
		    range + 1 : 300));
		break;
	case ASN1_BIT_STRING:
		b->nbits = test_random(seed) % (type->max < 1000 ?
		    type->max + 1 : 1000);
		b->p = p = asn1_memory_alloc(m, b->nbits / 8 + 1);
		for (i = 0; i < (b->nbits + 7) / 8; i++)
			p[i] = test_random(seed);
		break;
	case ASN1_STRING:
	case ASN1_TIME:
		asn1_random_string(type, s, m, seed);
		break;
	case ASN1_NULL:
	case ASN1_OPEN_TYPE:
		break;
	case ASN1_OID:
		s->p = (const uint8_t *)"\x56\x01\x0a\x81\x00\x01";
		s->len = 1 + test_random(seed) % 6;
		s->len -= s->len == 4;
		break;
	case ASN1_ANY:
		s->p = (const uint8_t *)"\x30\x04\x02\x01\x05\x05\x00";
		s->p += test_random(seed) % 2 ? 0 : 2;
		s->len = s->p[1] + 2;
		break;
	}
}

/* A form for each element at random; arg: the seed. */
static inline unsigned int
asn1_random_form(void *seed)
{
	return test_random(seed) & 0x1f;
}

#endif
