/* SPDX-License-Identifier: ISC */

/*
 * Body parts (X.420 clause 7.3 and annex, X.420-1984 clause 3.2.2).  See
 * decode_ipm.h.
 */

#include <string.h>

#include "acse.h"
#include "decode_ipm.h"
#include "x420.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])
#define OPT		ASN1_OPTIONAL
#define BODY_PARTS_MAX	1024

static const struct asn1_type	type_any = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = INT64_MAX
};

static const struct asn1_type	type_ipm = {
	.name = "IPM", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = INT64_MAX
};

#define STRING(ident, text, tag_)					\
static const struct asn1_type	ident = {				\
	.name = text, .kind = ASN1_STRING, .string = tag_,		\
	.strings = ASN1_S(tag_), .size = sizeof(struct asn1_octets),	\
	.max = INT64_MAX						\
}
STRING(type_ia5, "IA5String", BER_IA5_STRING);
STRING(type_teletex, "T61String", BER_T61_STRING);
STRING(type_videotex, "VideotexString", 21);

static const struct asn1_type	type_bits = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = INT64_MAX / 8
};

static const struct asn1_type	type_repertoire = {
	.name = "Repertoire", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX,
	.names = (const struct asn1_names[]){
		{ 2, "ita2" }, { 5, "ia5" }, { 0, NULL }
	}
};

static const struct asn1_type	type_integer = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = INT64_MIN, .max = INT64_MAX
};

/* Parameters of all kinds; each has some of them. */
struct parameters {
	struct asn1_members	a;
	union {
		int64_t			number;
		struct asn1_octets	octets;
		struct asn1_bits	bits;
	}			u[4];
};

/* struct parameters stands for any pair of members, too. */
#define PARAMETERS(ident, text, rows)					\
static const struct asn1_type	ident = {				\
	.name = text, .kind = ASN1_SET, .tag = BER_SET,			\
	.flags = ASN1_OPEN, .size = sizeof(struct parameters), ROWS(rows) \
}

static const struct asn1_field	ia5_parameters_rows[] = {
	{ "repertoire", BER_CONTEXT(0), ASN1_DEFAULT, &type_repertoire,
	    ROW(parameters, u[0]), 5, 0 },
};
PARAMETERS(type_ia5_parameters, "IA5TextParameters", ia5_parameters_rows);

static const struct asn1_field	g3_parameters_rows[] = {
	{ "number-of-pages", BER_CONTEXT(0), OPT, &type_integer,
	    ROW(parameters, u[0]), 0, 0 },
	{ "non-basic-parameters", BER_CONTEXT(1), OPT, &type_bits,
	    ROW(parameters, u[1]), 0, 0 },
};
PARAMETERS(type_g3_parameters, "G3FacsimileParameters", g3_parameters_rows);

static const struct asn1_field	teletex_parameters_rows[] = {
	{ "number-of-pages", BER_CONTEXT(0), OPT, &type_integer,
	    ROW(parameters, u[0]), 0, 0 },
	{ "telex-compatible", BER_CONTEXT(1), ASN1_DEFAULT, &type_integer,
	    ROW(parameters, u[1]), 0, 0 },
	{ "non-basic-parameters", BER_CONTEXT(2), OPT, &type_any,
	    ROW(parameters, u[2]), 0, 0 },
};
PARAMETERS(type_teletex_parameters, "TeletexParameters",
    teletex_parameters_rows);

static const struct asn1_field	videotex_parameters_rows[] = {
	{ "syntax", BER_CONTEXT(0), OPT, &type_integer,
	    ROW(parameters, u[0]), 0, 0 },
};
PARAMETERS(type_videotex_parameters, "VideotexParameters",
    videotex_parameters_rows);

static const struct asn1_field	message_parameters_rows[] = {
	{ "delivery-time", BER_CONTEXT(0), OPT, &type_time,
	    ROW(parameters, u[0]), 0, 0 },
	{ "delivery-envelope", BER_CONTEXT(1), OPT, &type_any,
	    ROW(parameters, u[1]), 0, 0 },
};
PARAMETERS(type_message_parameters, "MessageParameters",
    message_parameters_rows);

#define LIST(ident, text, item)						\
static const struct asn1_type	ident = {				\
	.name = text, .kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,	\
	.size = sizeof(struct asn1_list), .max = INT32_MAX, .of = &item	\
}
LIST(type_pages, "SEQUENCE OF BIT STRING", type_bits);
LIST(type_teletex_pages, "SEQUENCE OF T61String", type_teletex);

/* A body part: parameters, and data of one kind or another. */
struct part {
	struct asn1_members	a;
	struct parameters	parameters;
	union {
		struct asn1_octets	octets;
		struct asn1_list	list;
	}			data;
};

#define PART(ident, text, parameters_, data_)				\
static const struct asn1_field	ident##_rows[] = {			\
	{ "parameters", 0, 0, &parameters_, ROW(part, parameters), 0,	\
	    0 },							\
	{ "data", 0, 0, &data_, ROW(part, data), 0, 0 },		\
};									\
static const struct asn1_type	ident = {				\
	.name = text, .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,	\
	.size = sizeof(struct part), ROWS(ident##_rows)			\
}
PART(type_ia5_text, "IA5TextBodyPart", type_ia5_parameters, type_ia5);
PART(type_g3_facsimile, "G3FacsimileBodyPart", type_g3_parameters,
    type_pages);
PART(type_teletex_part, "TeletexBodyPart", type_teletex_parameters,
    type_teletex_pages);
PART(type_videotex_part, "VideotexBodyPart", type_videotex_parameters,
    type_videotex);
PART(type_message, "MessageBodyPart", type_message_parameters, type_ipm);

/* EXTERNAL (X.208 clause 35) */
struct external {
	struct asn1_members	a;
	struct asn1_octets	direct;
	int64_t			indirect;
	struct asn1_octets	descriptor, single, octets;
	struct asn1_bits	arbitrary;
};
STRING(type_descriptor, "ObjectDescriptor", 7);
STRING(type_octets, "OCTET STRING", BER_OCTET_STRING);
static const struct asn1_field	external_rows[] = {
	{ "direct-reference", 0, OPT, &type_oid, ROW(external, direct), 0, 0 },
	{ "indirect-reference", 0, OPT, &type_integer,
	    ROW(external, indirect), 0, 0 },
	{ "data-value-descriptor", 0, OPT, &type_descriptor,
	    ROW(external, descriptor), 0, 0 },
	{ "single-ASN1-type", BER_CONTEXT(0), OPT | ASN1_EXPLICIT, &type_any,
	    ROW(external, single), 0, 0 },
	{ "octet-aligned", BER_CONTEXT(1), OPT, &type_octets,
	    ROW(external, octets), 0, 0 },
	{ "arbitrary", BER_CONTEXT(2), OPT, &type_bits,
	    ROW(external, arbitrary), 0, 0 },
};
#define EXTERNAL {							\
	.name = "EXTERNAL", .kind = ASN1_SEQUENCE,			\
	.tag = BER_UNIVERSAL(BER_EXTERNAL),				\
	.size = sizeof(struct external), ROWS(external_rows)		\
}
const struct asn1_type	ipm_type_external = EXTERNAL;
const struct asn1_type	ipm_type_mts_external = EXTERNAL;

/* ExternallyDefinedBodyPart ::= SEQUENCE { [0] parameters, data } */
static const struct asn1_type	type_external = {
	.name = "EXTERNAL", .kind = ASN1_ANY,
	.size = sizeof(struct asn1_octets), .max = INT64_MAX
};
struct extended {
	struct asn1_members	a;
	struct asn1_octets	parameters, data;
};
static const struct asn1_field	extended_rows[] = {
	{ "parameters", BER_CONTEXT(0), OPT, &type_external,
	    ROW(extended, parameters), 0, 0 },
	{ "data", BER_UNIVERSAL(BER_EXTERNAL), 0, &type_external,
	    ROW(extended, data), 0, 0 },
};
static const struct asn1_type	type_extended = {
	.name = "ExternallyDefinedBodyPart", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct extended),
	ROWS(extended_rows)
};

struct body_part {
	struct asn1_choice	c;
	union {
		struct part		part;
		struct extended		extended;
		struct asn1_octets	octets;
	}			u;
};

#define BODY(name, number, type) \
	{ name, BER_CONTEXT(number), 0, &type, ROW(body_part, u), 0, 0 }
static const struct asn1_field	body_part_rows[] = {
	BODY("ia5-text", 0, type_ia5_text), BODY("telex", 1, type_any),
	BODY("voice", 2, type_any), BODY("g3-facsimile", 3, type_g3_facsimile),
	BODY("g4-class-1", 4, type_any),
	BODY("teletex", 5, type_teletex_part),
	BODY("videotex", 6, type_videotex_part),
	BODY("nationally-defined", 7, type_any),
	BODY("encrypted", 8, type_any), BODY("message", 9, type_message),
	BODY("simple-formattable-document", 10, type_any),
	BODY("mixed-mode", 11, type_any), BODY("oda", 12, type_any),
	BODY("bilaterally-defined", 14, type_any),
	BODY("extended", 15, type_extended),
};

static const struct asn1_type	type_body_part = {
	.name = "BodyPart", .kind = ASN1_CHOICE,
	.size = sizeof(struct body_part), ROWS(body_part_rows)
};

static const struct asn1_type	type_body = {
	.name = "Body", .kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .max = BODY_PARTS_MAX,
	.of = &type_body_part
};

struct ipm {
	struct asn1_members	a;
	struct x420_heading	heading;
	struct asn1_list	body;
};

static const struct asn1_field	ipm_rows[] = {
	{ "heading", 0, 0, &x420_type_heading, ROW(ipm, heading), 0, 0 },
	{ "body", 0, 0, &type_body, ROW(ipm, body), 0, 0 },
};

const struct asn1_type	ipm_type_ipm = {
	.name = "IPM", .kind = ASN1_SEQUENCE, .tag = BER_CONTEXT(0),
	.size = sizeof(struct ipm), ROWS(ipm_rows)
};

int
ipm_is_ipm(const struct asn1_seen *s)
{
	return (s->type == &type_ipm || (s->field != NULL &&
	    strcmp(s->field->name, "returnedIPM") == 0));
}
