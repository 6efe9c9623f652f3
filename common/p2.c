/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages: X.420-1984 clause 3, as far as it takes to send a
 * text.  The tables have of Heading and its parts what struct p2_heading can
 * say, with their tags, in the order of the Recommendation.
 */

#include <string.h>

#include "asn1.h"
#include "imsg.h"
#include "orname.h"
#include "p2.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

#define P2_MEMORY_MAX	(16 * 1024 * 1024)
#define UB_IPM_ID	64	/* NIST agreements; X.420-1988 ub-ipm-id */
#define UB_SUBJECT	256	/* X.420-1988 ub-subject-field is 128 */

static const struct asn1_type	type_message_id = {
	.name = "PrintableString", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_IPM_ID
};

static const struct asn1_type	type_subject = {
	.name = "T61String", .kind = ASN1_STRING, .string = BER_T61_STRING,
	.strings = ASN1_S(BER_T61_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_SUBJECT
};

static const struct asn1_type	type_ia5 = {
	.name = "IA5String", .kind = ASN1_STRING, .string = BER_IA5_STRING,
	.strings = ASN1_S(BER_IA5_STRING),
	.size = sizeof(struct asn1_octets), .max = INT64_MAX
};

static const struct asn1_type	type_repertoire = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX
};

/* IPMessageId ::= [APPLICATION 11] IMPLICIT SET */
enum { IM_ORIGINATOR, IM_ID };
struct ip_message_id {
	struct asn1_members	a;
	struct or_name		originator;
	struct asn1_octets	id;
};

static const struct asn1_field	ip_message_id_rows[] = {
	{ "originator", 0, ASN1_OPTIONAL, &type_or_name,
	    ROW(ip_message_id, originator), 0, 0 },
	{ "id", 0, 0, &type_message_id, ROW(ip_message_id, id), 0, 0 },
};

static const struct asn1_type	type_ip_message_id = {
	.name = "IPMessageId", .kind = ASN1_SET, .tag = BER_APPLICATION(11),
	.size = sizeof(struct ip_message_id), ROWS(ip_message_id_rows)
};

/* ORDescriptor ::= SET, the name alone */
struct or_descriptor {
	struct asn1_members	a;
	struct or_name		name;
};

static const struct asn1_field	or_descriptor_rows[] = {
	{ "oRName", 0, ASN1_OPTIONAL, &type_or_name,
	    ROW(or_descriptor, name), 0, 0 },
};

static const struct asn1_type	type_or_descriptor = {
	.name = "ORDescriptor", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct or_descriptor), ROWS(or_descriptor_rows)
};

/* Recipient ::= SET, without requests */
struct p2_recipient {
	struct asn1_members	a;
	struct or_descriptor	descriptor;
};

static const struct asn1_field	recipient_rows[] = {
	{ "oRDescriptor", BER_CONTEXT(0), 0, &type_or_descriptor,
	    ROW(p2_recipient, descriptor), 0, 0 },
};

static const struct asn1_type	type_recipient = {
	.name = "Recipient", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct p2_recipient), ROWS(recipient_rows)
};

static const struct asn1_type	type_recipients = {
	.name = "SEQUENCE OF Recipient", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = UB_RECIPIENTS, .of = &type_recipient
};

/* Heading ::= SET */
enum { HD_ID, HD_ORIGINATOR, HD_PRIMARY, HD_SUBJECT };
struct heading {
	struct asn1_members	a;
	struct ip_message_id	id;
	struct or_descriptor	originator;
	struct asn1_list	primary;	/* struct p2_recipient */
	struct asn1_octets	subject;
};

static const struct asn1_field	heading_rows[] = {
	{ "iPMessageId", 0, 0, &type_ip_message_id, ROW(heading, id), 0, 0 },
	{ "originator", BER_CONTEXT(0), ASN1_OPTIONAL, &type_or_descriptor,
	    ROW(heading, originator), 0, 0 },
	{ "primaryRecipients", BER_CONTEXT(2), ASN1_OPTIONAL,
	    &type_recipients, ROW(heading, primary), 0, 0 },
	{ "subject", BER_CONTEXT(8), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_subject, ROW(heading, subject), 0, 0 },
};

static const struct asn1_type	type_heading = {
	.name = "Heading", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct heading), ROWS(heading_rows)
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
	struct heading		heading;
	struct asn1_list	body;		/* struct body_part */
};

static const struct asn1_field	im_uapdu_rows[] = {
	{ "heading", 0, 0, &type_heading, ROW(im_uapdu, heading), 0, 0 },
	{ "body", 0, ASN1_LAST, &type_body, ROW(im_uapdu, body), 0, 0 },
};

static const struct asn1_type	type_im_uapdu = {
	.name = "IM-UAPDU", .kind = ASN1_SEQUENCE, .tag = BER_CONTEXT(0),
	.size = sizeof(struct im_uapdu), ROWS(im_uapdu_rows)
};

static int
heading_put(struct heading *v, const struct p2_heading *h,
    struct asn1_memory *memory, const char **why)
{
	struct p2_recipient	*r;
	size_t			 i;

	v->a.present = 1 << HD_ID | 1 << HD_ORIGINATOR;
	v->id.a.present = 1 << IM_ORIGINATOR | 1 << IM_ID;
	v->id.id.p = (const uint8_t *)h->id;
	v->id.id.len = strlen(h->id);
	v->originator.a.present = 1;
	if (or_name_from_address(&v->id.originator, h->originator, memory,
	    why) == -1)
		return -1;
	v->originator.name = v->id.originator;
	if (h->nto > UB_RECIPIENTS) {
		*why = "too many recipients";
		return -1;
	}
	if (h->nto > 0) {
		v->a.present |= 1 << HD_PRIMARY;
		v->primary.n = h->nto;
		r = asn1_memory_alloc(memory, h->nto * sizeof(*r));
		if ((v->primary.p = r) == NULL) {
			*why = "out of memory";
			return -1;
		}
		for (i = 0; i < h->nto; i++) {
			r[i].a.present = r[i].descriptor.a.present = 1;
			if (or_name_from_address(&r[i].descriptor.name,
			    &h->to[i], memory, why) == -1)
				return -1;
		}
	}
	if (h->subject != NULL) {
		v->a.present |= 1 << HD_SUBJECT;
		v->subject.p = (const uint8_t *)h->subject;
		v->subject.len = strlen(h->subject);
	}
	return 0;
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
