/* SPDX-License-Identifier: ISC */

/* A type that has every kind of field, to try the engine of asn1.h on. */

#ifndef ASN1_EVERYTHING_H
#define ASN1_EVERYTHING_H

#include "asn1.h"

struct small {
	struct asn1_members	a;
	int64_t			number;
	struct asn1_octets	text;
};

struct everything {
	struct asn1_members	a;
	int64_t			number;
	struct asn1_bits	bits;
	struct asn1_octets	text;
	struct asn1_octets	time;
	struct asn1_list	list;
	struct small		sequence;
	struct asn1_octets	others;
};

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

static const struct asn1_type	t_number = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = -5, .max = 1000
};
static const struct asn1_type	t_bits = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = 64
};
static const struct asn1_type	t_text = {
	.name = "Text", .kind = ASN1_STRING, .flags = ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_NUMERIC_STRING) | ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .min = 1, .max = 8
};
static const struct asn1_type	t_time = {
	.name = "UTCTime", .kind = ASN1_TIME, .tag = BER_UTC_TIME,
	.size = sizeof(struct asn1_octets), .min = 1, .max = 19
};
static const struct asn1_type	t_list = {
	.name = "SEQUENCE OF", .kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .min = 1, .max = 5, .of = &t_number
};
static const struct asn1_type	t_any = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = 64
};
static const struct asn1_field	small_rows[] = {
	{ "number", 0, ASN1_OPTIONAL, &t_number, ROW(small, number), 0, 0 },
	{ "text", 0, 0, &t_text, ROW(small, text), 0, 0 },
};
static const struct asn1_type	t_small = {
	.name = "Small", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct small), ROWS(small_rows)
};
static const struct asn1_field	everything_rows[] = {
	{ "number", BER_CONTEXT(10), ASN1_DEFAULT, &t_number,
	    ROW(everything, number), 7, 0 },
	{ "bits", 0, ASN1_OPTIONAL, &t_bits, ROW(everything, bits), 0, 0 },
	{ "text", BER_CONTEXT(11), ASN1_EXPLICIT | ASN1_OPTIONAL, &t_text,
	    ROW(everything, text), 0, 0 },
	{ "time", BER_CONTEXT(12), ASN1_OPTIONAL, &t_time,
	    ROW(everything, time), 0, 0 },
	{ "list", 0, ASN1_OPTIONAL, &t_list, ROW(everything, list), 0, 0 },
	{ "sequence", BER_CONTEXT(13), 0, &t_small,
	    ROW(everything, sequence), 0, 0 },
	{ "others", 0, ASN1_OTHERS, &t_any, ROW(everything, others), 0, 0 },
};
static const struct asn1_type	t_everything = {
	.name = "Everything", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct everything), ROWS(everything_rows)
};

#endif
