/* SPDX-License-Identifier: ISC */

/*
 * O/R names of 1984: X.411-1984 clause 4.3, figure 24.  See orname.h.
 *
 * Lengths are those that struct or_address bears, not the upper bounds of the
 * Recommendation, and characters are any graphic ones of IA5: a name out of
 * bounds is for routing to judge, and is relayed as it came.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oraddr.h"
#include "orname.h"
#include "orname_88.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

#define NUMERIC_OR_PRINTABLE	(ASN1_S(BER_NUMERIC_STRING) | \
	ASN1_S(BER_PRINTABLE_STRING))
/* What is met where the Recommendation has a PrintableString. */
#define PRINTABLE_AS_SEEN	(NUMERIC_OR_PRINTABLE | \
	ASN1_S(BER_IA5_STRING) | ASN1_S(BER_T61_STRING))

const struct asn1_type	type_time = {
	.name = "Time", .kind = ASN1_TIME, .tag = BER_UTC_TIME,
	.size = sizeof(struct asn1_octets), .min = 1,
	.max = sizeof(((struct utctime *)0)->text) - 1
};

const struct asn1_type	type_any_4096 = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = 4096
};

const struct asn1_type	type_directory_name = {
	.name = "Name", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = UB_OR_OPAQUE
};

const struct asn1_type	type_oid = {
	.name = "OBJECT IDENTIFIER", .kind = ASN1_OID,
	.tag = BER_OBJECT_IDENTIFIER, .size = sizeof(struct asn1_octets),
	.max = UB_OID
};

/* CountryName ::= [APPLICATION 1] CHOICE { NumericString, PrintableString } */
const struct asn1_type	type_country_name = {
	.name = "CountryName", .kind = ASN1_STRING,
	.tag = BER_APPLICATION(1), .flags = ASN1_TAGGED | ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING, .strings = NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_COUNTRY_NAME
};

/* AdministrationDomainName ::= [APPLICATION 2] CHOICE { the same } */
const struct asn1_type	type_administration_domain_name = {
	.name = "AdministrationDomainName", .kind = ASN1_STRING,
	.tag = BER_APPLICATION(2), .flags = ASN1_TAGGED | ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING, .strings = NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_DOMAIN_NAME
};

/* PrivateDomainName ::= CHOICE { NumericString, PrintableString } */
const struct asn1_type	type_private_domain_name = {
	.name = "PrivateDomainName", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_DOMAIN_NAME
};

/* In an O/R name, where addresses that break the bounds are relayed. */
static const struct asn1_type	type_or_country = {
	.name = "CountryName", .kind = ASN1_STRING,
	.tag = BER_APPLICATION(1), .flags = ASN1_TAGGED | ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING, .strings = NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

static const struct asn1_type	type_or_admd = {
	.name = "AdministrationDomainName", .kind = ASN1_STRING,
	.tag = BER_APPLICATION(2), .flags = ASN1_TAGGED | ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING, .strings = NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

static const struct asn1_type	type_or_prmd = {
	.name = "PrivateDomainName", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

const struct asn1_type	type_or_printable = {
	.name = "PrintableString", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = PRINTABLE_AS_SEEN,
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

const struct asn1_type	type_or_numeric = {
	.name = "NumericString", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_NUMERIC_STRING,
	.strings = NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

/* PersonalName ::= SET; givers of no surname are known, so it may lack. */
static const struct asn1_field	personal_name_rows[] = {
	{ "surName", BER_CONTEXT(0), ASN1_OPTIONAL, &type_or_printable,
	    ROW(or_personal_name, part[PN_SURNAME]), 0, 0 },
	{ "givenName", BER_CONTEXT(1), ASN1_OPTIONAL, &type_or_printable,
	    ROW(or_personal_name, part[PN_GIVEN]), 0, 0 },
	{ "initials", BER_CONTEXT(2), ASN1_OPTIONAL, &type_or_printable,
	    ROW(or_personal_name, part[PN_INITIALS]), 0, 0 },
	{ "generationQualifier", BER_CONTEXT(3), ASN1_OPTIONAL,
	    &type_or_printable, ROW(or_personal_name, part[PN_QUALIFIER]),
	    0, 0 },
};

static const struct asn1_type	type_personal_name = {
	.name = "PersonalName", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct or_personal_name), ROWS(personal_name_rows)
};

static const struct asn1_type	type_units = {
	.name = "SEQUENCE OF OrganizationalUnit", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .max = 4,
	.of = &type_or_printable
};

static const struct asn1_field	standard_rows[] = {
	{ "countryName", 0, ASN1_OPTIONAL, &type_or_country,
	    ROW(or_standard, value[SA_COUNTRY]), 0, 0 },
	{ "administrationDomainName", 0, ASN1_OPTIONAL, &type_or_admd,
	    ROW(or_standard, value[SA_ADMD]), 0, 0 },
	{ "x121Address", BER_CONTEXT(0), ASN1_OPTIONAL, &type_or_numeric,
	    ROW(or_standard, value[SA_X121]), 0, 0 },
	{ "terminalID", BER_CONTEXT(1), ASN1_OPTIONAL, &type_or_printable,
	    ROW(or_standard, value[SA_TERMINAL]), 0, 0 },
	{ "privateDomainName", BER_CONTEXT(2), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_or_prmd, ROW(or_standard, value[SA_PRMD]), 0, 0 },
	{ "organizationName", BER_CONTEXT(3), ASN1_OPTIONAL, &type_or_printable,
	    ROW(or_standard, value[SA_ORGANIZATION]), 0, 0 },
	{ "uniqueUAIdentifier", BER_CONTEXT(4), ASN1_OPTIONAL, &type_or_numeric,
	    ROW(or_standard, value[SA_UA]), 0, 0 },
	{ "personalName", BER_CONTEXT(5), ASN1_OPTIONAL, &type_personal_name,
	    ROW(or_standard, personal), 0, 0 },
	{ "organizationalUnits", BER_CONTEXT(6), ASN1_OPTIONAL, &type_units,
	    ROW(or_standard, units), 0, 0 },
};

const struct asn1_type	type_or_standard = {
	.name = "StandardAttributeList", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct or_standard),
	ROWS(standard_rows)
};

static const struct asn1_field	dda_rows[] = {
	{ "type", 0, 0, &type_or_printable, ROW(or_dda, type), 0, 0 },
	{ "value", 0, 0, &type_or_printable, ROW(or_dda, value), 0, 0 },
};

static const struct asn1_type	type_dda = {
	.name = "DomainDefinedAttribute", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct or_dda), ROWS(dda_rows)
};

const struct asn1_type	type_or_ddas = {
	.name = "DomainDefinedAttributeList", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	/* with every standard attribute there is still UB_OR_ATTRIBUTES */
	.max = UB_OR_ATTRIBUTES - 15, .of = &type_dda
};

static const struct asn1_field	or_name_rows[] = {
	{ "standardAttributes", 0, 0, &type_or_standard, ROW(or_name, standard),
	    0, 0 },
	{ "domainDefinedAttributes", 0, ASN1_OPTIONAL, &type_or_ddas,
	    ROW(or_name, defined), 0, 0 },
};

/* ORName ::= [APPLICATION 0] IMPLICIT SEQUENCE */
const struct asn1_type	type_or_name = {
	.name = "ORName", .kind = ASN1_SEQUENCE, .tag = BER_APPLICATION(0),
	.size = sizeof(struct or_name), ROWS(or_name_rows)
};

/* Rows of the tables and what struct or_address calls them. */
static const uint8_t	standard_type[] = {
	[SA_COUNTRY] = OR_C, [SA_ADMD] = OR_A, [SA_X121] = OR_X121,
	[SA_TERMINAL] = OR_T_ID, [SA_PRMD] = OR_P,
	[SA_ORGANIZATION] = OR_O, [SA_UA] = OR_N_ID
};
static const uint8_t	personal_type[] = {
	[PN_SURNAME] = OR_S, [PN_GIVEN] = OR_G, [PN_INITIALS] = OR_I,
	[PN_QUALIFIER] = OR_Q
};
#define NSTANDARD	(sizeof(standard_type) / sizeof(standard_type[0]))
#define NPERSONAL	(sizeof(personal_type) / sizeof(personal_type[0]))

int
or_charset_of(const struct asn1_octets *s)
{
	switch (s->tag) {
	case BER_NUMERIC_STRING:
		return OR_NUMERIC;
	case BER_T61_STRING:
		return OR_TELETEX;
	default:
		return OR_PRINTABLE;
	}
}

static int
attr_put(struct message *m, struct or_attr *attr, int type,
    const struct asn1_octets *s)
{
	attr->type = type;
	attr->charset = or_charset_of(s);
	attr->len = s->len;
	attr->value = message_memdup(m, s->p, s->len);
	return attr->value == NULL ? -1 : 0;
}

int
or_address_from_name(struct message *m, struct or_address *or,
    const struct or_name *name)
{
	const struct or_standard	*std = &name->standard;
	const struct asn1_octets	*units = std->units.p;
	const struct or_dda		*dda = name->defined.p;
	struct or_attr			 all[UB_OR_ATTRIBUTES], *attr = all;
	uint32_t			 i, n;

	memset(or, 0, sizeof(*or));
	n = __builtin_popcount(std->a.present & ((1 << NSTANDARD) - 1)) +
	    __builtin_popcount(std->personal.a.present) + std->units.n +
	    name->defined.n;
	if (n > UB_OR_ATTRIBUTES) {
		errno = EINVAL;
		return -1;
	}
	memset(all, 0, n * sizeof(*all));
	for (i = 0; i < NSTANDARD; i++)
		if (ASN1_HAS(std, i) &&
		    attr_put(m, attr++, standard_type[i], &std->value[i]) ==
		    -1)
			return -1;
	for (i = 0; i < NPERSONAL; i++)
		if (ASN1_HAS(&std->personal, i) &&
		    attr_put(m, attr++, personal_type[i],
		    &std->personal.part[i]) == -1)
			return -1;
	for (i = 0; i < std->units.n; i++)
		if (attr_put(m, attr++, OR_OU1 + i, &units[i]) == -1)
			return -1;
	for (i = 0; i < name->defined.n; i++, attr++, dda++) {
		if (attr_put(m, attr, OR_DDA, &dda->value) == -1)
			return -1;
		attr->dda_charset = or_charset_of(&dda->type);
		attr->dda_len = dda->type.len;
		if ((attr->dda_type = message_memdup(m, dda->type.p,
		    dda->type.len)) == NULL)
			return -1;
	}
	if ((ASN1_HAS(name, OR_EXTENSION) || ASN1_HAS(name, OR_DIRECTORY)) &&
	    or_extensions_from_name(m, or, name, all, &n) == -1)
		return -1;
	if (n > 0 && (or->attr = (struct or_attr *)(void *)message_memdup(m,
	    all, n * sizeof(*all))) == NULL)
		return -1;
	or->nattr = n;
	return 0;
}

static void
octets_put(struct asn1_octets *s, const char *p, size_t len, int charset)
{
	s->p = (const uint8_t *)p;
	s->len = len;
	s->tag = charset == OR_NUMERIC ? BER_NUMERIC_STRING :
	    charset == OR_TELETEX ? BER_T61_STRING : BER_PRINTABLE_STRING;
}

/*
 * A standard attribute: there once, in characters that 1984 has for it.  Only
 * a unit has a tag to tell what it is in, and is seen in T.61.
 */
static int
standard_put(struct asn1_members *a, int row, struct asn1_octets *s,
    const struct or_attr *attr, const char **why)
{
	static char	text[80];

	if (a->present >> row & 1) {
		*why = "an attribute is there twice in an O/R name";
		return -1;
	}
	if (attr->charset != OR_PRINTABLE && attr->charset != OR_NUMERIC &&
	    (attr->charset != OR_TELETEX || attr->type < OR_OU1 ||
	    attr->type > OR_OU4)) {
		snprintf(text, sizeof(text), "%s is not in printable "
		    "characters, and 1984 has no others",
		    or_specs[attr->type].slash);
		*why = text;
		return -1;
	}
	a->present |= 1u << row;
	octets_put(s, attr->value, attr->len, attr->charset);
	return 0;
}

static int
dda_put(struct or_name *name, const struct or_attr *attr, uint32_t max,
    const char **why)
{
	struct or_dda	*dda = (struct or_dda *)name->defined.p +
			    name->defined.n;

	if (name->defined.n == max || attr->charset > OR_TELETEX) {
		*why = "a domain-defined attribute is of no 1984 form";
		return -1;
	}
	dda->a.present = 1 << DD_TYPE | 1 << DD_VALUE;
	octets_put(&dda->value, attr->value, attr->len, attr->charset);
	if (attr->type == OR_DDA)
		octets_put(&dda->type, attr->dda_type, attr->dda_len,
		    attr->dda_charset);
	else
		octets_put(&dda->type, "Common", 6, OR_PRINTABLE);
	name->defined.n++;
	return 0;
}

static int
attr_find(const uint8_t *types, size_t n, int type)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (types[i] == type)
			return i;
	return -1;
}

int
or_attr_to_name(struct or_name *name, const struct or_attr *attr,
    struct asn1_members *units, uint32_t ndda, const char **why)
{
	struct or_standard	*std = &name->standard;
	int			 row;

	if ((row = attr_find(standard_type, NSTANDARD, attr->type)) != -1)
		return standard_put(&std->a, row, &std->value[row], attr,
		    why);
	if ((row = attr_find(personal_type, NPERSONAL, attr->type)) != -1) {
		ASN1_PUT(std, SA_PERSONAL);
		return standard_put(&std->personal.a, row,
		    &std->personal.part[row], attr, why);
	}
	if (attr->type >= OR_OU1 && attr->type <= OR_OU4)
		return standard_put(units, attr->type - OR_OU1,
		    (struct asn1_octets *)std->units.p + attr->type - OR_OU1,
		    attr, why);
	if (attr->type == OR_DDA || attr->type == OR_CN)
		return dda_put(name, attr, ndda, why);
	*why = "an attribute of 1988 in an O/R name";
	return -1;
}

/* Units close up: only the order is told. */
void
or_name_close(struct or_name *name, const struct asn1_members *units)
{
	struct or_standard	*std = &name->standard;
	struct asn1_octets	*unit = std->units.p;
	uint32_t		 i;

	for (i = 0; i < OR_UNITS; i++)
		if (units->present >> i & 1)
			unit[std->units.n++] = unit[i];
	if (std->units.n > 0)
		ASN1_PUT(std, SA_UNITS);
	if (name->defined.n > 0)
		ASN1_PUT(name, OR_DOMAIN_DEFINED);
}

int
or_name_from_address(struct or_name *name, const struct or_address *or,
    struct asn1_memory *memory, const char **why)
{
	struct or_standard	*std = &name->standard;
	struct asn1_members	 units = { 0 };
	struct asn1_octets	*unit;
	uint32_t		 i, n = 0;

	memset(name, 0, sizeof(*name));
	ASN1_PUT(name, OR_STANDARD);
	if (or->directory_len > 0 || or->unknown_len > 0) {
		*why = "a directory name or an attribute of 1988 in an "
		    "O/R name";
		return -1;
	}
	for (i = 0; i < or->nattr; i++)
		if (or->attr[i].type == OR_DDA || or->attr[i].type == OR_CN)
			n++;
	*why = "out of memory";
	if ((unit = asn1_memory_alloc(memory, 4 * sizeof(*unit))) == NULL ||
	    (n > 0 && (name->defined.p = asn1_memory_alloc(memory,
	    n * sizeof(struct or_dda))) == NULL))
		return -1;
	std->units.p = unit;
	for (i = 0; i < or->nattr; i++)
		if (or_attr_to_name(name, &or->attr[i], &units, n, why) == -1)
			return -1;
	or_name_close(name, &units);
	return 0;
}
