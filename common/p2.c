/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages: X.420-1984 clause 3, as far as it takes to send a
 * text: the heading of x420.h and a body of one IA5 body part.
 */

#include <string.h>

#include "asn1.h"
#include "imsg.h"
#include "orname.h"
#include "p2.h"
#include "x420.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

#define P2_MEMORY_MAX	(16 * 1024 * 1024)

static const struct asn1_type	type_ia5 = {
	.name = "IA5String", .kind = ASN1_STRING, .string = BER_IA5_STRING,
	.strings = ASN1_S(BER_IA5_STRING),
	.size = sizeof(struct asn1_octets), .max = INT64_MAX
};

static const struct asn1_type	type_repertoire = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX
};

/* IA5Text ::= SEQUENCE { SET { repertoire [0] DEFAULT ia5 }, IA5String } */
struct ia5_parameters {
	struct asn1_members	a;
	int64_t			repertoire;
};

#define REPERTOIRE_IA5	5

static const struct asn1_field	ia5_parameters_rows[] = {
	{ "repertoire", BER_CONTEXT(0), ASN1_DEFAULT, &type_repertoire,
	    ROW(ia5_parameters, repertoire), REPERTOIRE_IA5, 0 },
};

static const struct asn1_type	type_ia5_parameters = {
	.name = "SET", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct ia5_parameters), ROWS(ia5_parameters_rows)
};

enum { IT_PARAMETERS, IT_TEXT };
struct ia5_text {
	struct asn1_members	a;
	struct ia5_parameters	parameters;
	struct asn1_octets	text;
};

static const struct asn1_field	ia5_text_rows[] = {
	{ "parameters", 0, 0, &type_ia5_parameters,
	    ROW(ia5_text, parameters), 0, 0 },
	{ "text", 0, ASN1_LAST, &type_ia5, ROW(ia5_text, text), 0, 0 },
};

static const struct asn1_type	type_ia5_text = {
	.name = "IA5Text", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct ia5_text), ROWS(ia5_text_rows)
};

/* BodyPart ::= CHOICE, Body ::= SEQUENCE OF BodyPart */
struct body_part {
	struct asn1_choice	c;
	struct ia5_text		ia5;
};

static const struct asn1_field	body_part_rows[] = {
	{ "ia5Text", BER_CONTEXT(0), 0, &type_ia5_text, ROW(body_part, ia5),
	    0, 0 },
};

static const struct asn1_type	type_body_part = {
	.name = "BodyPart", .kind = ASN1_CHOICE,
	.size = sizeof(struct body_part), ROWS(body_part_rows)
};

static const struct asn1_type	type_body = {
	.name = "Body", .kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .max = 1, .of = &type_body_part
};

/* UAPDU ::= CHOICE { [0] IMPLICIT IM-UAPDU, ... } */
enum { IP_HEADING, IP_BODY };
struct im_uapdu {
	struct asn1_members	a;
	struct x420_heading	heading;
	struct asn1_list	body;		/* struct body_part */
};

static const struct asn1_field	im_uapdu_rows[] = {
	{ "heading", 0, 0, &x420_type_heading, ROW(im_uapdu, heading), 0, 0 },
	{ "body", 0, ASN1_LAST, &type_body, ROW(im_uapdu, body), 0, 0 },
};

static const struct asn1_type	type_im_uapdu = {
	.name = "IM-UAPDU", .kind = ASN1_SEQUENCE, .tag = BER_CONTEXT(0),
	.size = sizeof(struct im_uapdu), ROWS(im_uapdu_rows)
};

/* As the content that it is in has names. */
static int
name_put(const struct p2_heading *h, struct or_name *name,
    const struct or_address *or, struct asn1_memory *memory, const char **why)
{
	return h->is_1988 ? or_name_88_from_address(name, or, memory, why) :
	    or_name_from_address(name, or, memory, why);
}

static int
recipients_put(struct asn1_list *list, const struct p2_heading *h,
    struct asn1_memory *memory, const char **why)
{
	struct x420_recipient	*r;
	size_t			 i;

	if (h->nto > UB_RECIPIENTS) {
		*why = "too many recipients";
		return -1;
	}
	list->n = h->nto;
	if ((list->p = r = asn1_memory_alloc(memory, h->nto * sizeof(*r))) ==
	    NULL) {
		*why = "out of memory";
		return -1;
	}
	for (i = 0; i < h->nto; i++) {
		ASN1_PUT(&r[i], XR_DESCRIPTOR);
		ASN1_PUT(&r[i].descriptor, XD_NAME);
		if (name_put(h, &r[i].descriptor.name, &h->to[i], memory,
		    why) == -1)
			return -1;
	}
	return 0;
}

static int
heading_put(struct x420_heading *v, const struct p2_heading *h,
    struct asn1_memory *memory, const char **why)
{
	v->a.present = 1 << XH_ID | 1 << XH_ORIGINATOR;
	v->id.a.present = 1 << XI_USER | 1 << XI_ID;
	v->id.id.p = (const uint8_t *)h->id;
	v->id.id.len = strlen(h->id);
	if (v->id.id.len > UB_IPM_ID) {
		*why = "heading.iPMessageId.id: too long";
		return -1;
	}
	v->originator.a.present = 1 << XD_NAME;
	if (name_put(h, &v->id.user, h->originator, memory, why) == -1)
		return -1;
	v->originator.name = v->id.user;
	if (h->nto > 0) {
		ASN1_PUT(v, XH_PRIMARY);
		if (recipients_put(&v->recipients[0], h, memory, why) == -1)
			return -1;
	}
	if (h->subject != NULL) {
		ASN1_PUT(v, XH_SUBJECT);
		v->subject.p = (const uint8_t *)h->subject;
		v->subject.len = strlen(h->subject);
		if (v->subject.len > UB_SUBJECT) {
			*why = "heading.subject: too long";
			return -1;
		}
	}
	return 0;
}

int
p2_is_1984(const struct p2_heading *h)
{
	struct asn1_memory	memory;
	struct or_name		name;
	const char		*why;
	size_t			 i;
	int			 is_1984;

	asn1_memory_init(&memory, P2_MEMORY_MAX);
	is_1984 = or_name_from_address(&name, h->originator, &memory,
	    &why) == 0;
	for (i = 0; i < h->nto && is_1984; i++)
		is_1984 = or_name_from_address(&name, &h->to[i], &memory,
		    &why) == 0;
	asn1_memory_free(&memory);
	return is_1984;
}

/*
 * The one body part is the last member of all, and the text the last of it:
 * with definite lengths nothing follows, and tail stays as it is.
 */
int
p2_ipm_head(const struct p2_heading *h, uint64_t text_len,
    struct ibuf *head, struct ibuf *tail, const char **why)
{
	static char		error[sizeof(((struct asn1 *)0)->error)];
	struct asn1_memory	memory;
	struct asn1		a;
	struct ber_out		o;
	struct im_uapdu		uapdu = {
		.a.present = 1 << IP_HEADING | 1 << IP_BODY
	};
	struct body_part	part = {
		.ia5 = {
			.a.present = 1 << IT_PARAMETERS | 1 << IT_TEXT,
			.text.len = text_len
		}
	};
	int			r = -1;

	asn1_memory_init(&memory, P2_MEMORY_MAX);
	asn1_init(&a, &memory);
	ber_out_init(&o);
	uapdu.body.p = &part;
	uapdu.body.n = 1;
	if (heading_put(&uapdu.heading, h, &memory, why) == -1)
		goto out;
	if (asn1_encode(&a, &type_im_uapdu, &uapdu, &o) == -1) {
		strlcpy(error, a.error, sizeof(error));
		*why = error;
		goto out;
	}
	if ((r = ber_out_flush(&o, head)) == -1)
		*why = "out of memory";
out:
	ber_out_free(&o);
	asn1_memory_free(&memory);
	return r;
}
