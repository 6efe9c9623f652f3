/* SPDX-License-Identifier: ISC */

/*
 * O/R names of 1988: X.411 8.5.5 and figure 5, the tables.  What becomes of
 * them is in oraddr_88.c.
 *
 * Lengths are those that struct or_address bears, as in orname.c.
 */

#include "orname.h"
#include "orname_88.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

/* A TeletexString has T.61 in it whatever string type is written. */
static const struct asn1_type	type_teletex = {
	.name = "TeletexString", .kind = ASN1_STRING,
	.string = BER_T61_STRING,
	.strings = ASN1_S(BER_T61_STRING) | ASN1_S(BER_PRINTABLE_STRING) |
	    ASN1_S(BER_IA5_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

/* UniversalOrBMPString */

static const struct asn1_type	type_character_encoding = {
	.name = "character-encoding", .kind = ASN1_STRING,
	.string = BER_BMP_STRING,
	.strings = ASN1_S(BER_BMP_STRING) | ASN1_S(BER_UNIVERSAL_STRING),
	.size = sizeof(struct asn1_octets), .max = UNIVERSAL_MAX
};

static const struct asn1_type	type_language = {
	.name = "iso-639-language-code", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .min = 2, .max = 5
};

static const struct asn1_field	universal_rows[] = {
	{ "character-encoding", 0, 0, &type_character_encoding,
	    ROW(or_universal, text), 0, 0 },
	{ "iso-639-language-code", 0, ASN1_OPTIONAL, &type_language,
	    ROW(or_universal, language), 0, 0 },
};

static const struct asn1_type	type_universal = {
	.name = "UniversalOrBMPString", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct or_universal), ROWS(universal_rows)
};

/* TeletexPersonalName, UniversalPersonalName */

static const struct asn1_field	teletex_person_rows[] = {
	{ "surname", BER_CONTEXT(0), ASN1_OPTIONAL, &type_teletex,
	    ROW(or_personal_name, part[PN_SURNAME]), 0, 0 },
	{ "given-name", BER_CONTEXT(1), ASN1_OPTIONAL, &type_teletex,
	    ROW(or_personal_name, part[PN_GIVEN]), 0, 0 },
	{ "initials", BER_CONTEXT(2), ASN1_OPTIONAL, &type_teletex,
	    ROW(or_personal_name, part[PN_INITIALS]), 0, 0 },
	{ "generation-qualifier", BER_CONTEXT(3), ASN1_OPTIONAL,
	    &type_teletex, ROW(or_personal_name, part[PN_QUALIFIER]), 0, 0 },
};

static const struct asn1_type	type_teletex_person = {
	.name = "TeletexPersonalName", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct or_personal_name), ROWS(teletex_person_rows)
};

static const struct asn1_field	universal_person_rows[] = {
	{ "surname", BER_CONTEXT(0), ASN1_OPTIONAL, &type_universal,
	    ROW(or_universal_person, part[PN_SURNAME]), 0, 0 },
	{ "given-name", BER_CONTEXT(1), ASN1_OPTIONAL, &type_universal,
	    ROW(or_universal_person, part[PN_GIVEN]), 0, 0 },
	{ "initials", BER_CONTEXT(2), ASN1_OPTIONAL, &type_universal,
	    ROW(or_universal_person, part[PN_INITIALS]), 0, 0 },
	{ "generation-qualifier", BER_CONTEXT(3), ASN1_OPTIONAL,
	    &type_universal, ROW(or_universal_person, part[PN_QUALIFIER]),
	    0, 0 },
};

static const struct asn1_type	type_universal_person = {
	.name = "UniversalPersonalName", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct or_universal_person),
	ROWS(universal_person_rows)
};

/* ...OrganizationalUnitNames */

static const struct asn1_type	type_teletex_units = {
	.name = "TeletexOrganizationalUnitNames", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = OR_UNITS, .of = &type_teletex
};

static const struct asn1_type	type_universal_units = {
	.name = "UniversalOrganizationalUnitNames", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = OR_UNITS, .of = &type_universal
};

/* ...DomainDefinedAttributes */

static const struct asn1_field	teletex_dda_rows[] = {
	{ "type", 0, 0, &type_teletex, ROW(or_dda, type), 0, 0 },
	{ "value", 0, 0, &type_teletex, ROW(or_dda, value), 0, 0 },
};

static const struct asn1_type	type_teletex_dda = {
	.name = "TeletexDomainDefinedAttribute", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct or_dda),
	ROWS(teletex_dda_rows)
};

static const struct asn1_type	type_teletex_ddas = {
	.name = "TeletexDomainDefinedAttributes", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = UB_OR_ATTRIBUTES, .of = &type_teletex_dda
};

static const struct asn1_field	universal_dda_rows[] = {
	{ "type", 0, 0, &type_universal, ROW(or_universal_dda, type), 0, 0 },
	{ "value", 0, 0, &type_universal, ROW(or_universal_dda, value),
	    0, 0 },
};

static const struct asn1_type	type_universal_dda = {
	.name = "UniversalDomainDefinedAttribute", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct or_universal_dda),
	ROWS(universal_dda_rows)
};

static const struct asn1_type	type_universal_ddas = {
	.name = "UniversalDomainDefinedAttributes", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = UB_OR_ATTRIBUTES, .of = &type_universal_dda
};

/* PhysicalDeliveryCountryName, PostalCode */

static const struct asn1_type	type_numeric_or_printable = {
	.name = "CHOICE", .kind = ASN1_STRING, .flags = ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_NUMERIC_STRING) | ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

/* PDSParameter */

static const struct asn1_type	type_pds_printable = {
	.name = "PrintableString", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

static const struct asn1_type	type_pds_teletex = {
	.name = "TeletexString", .kind = ASN1_STRING,
	.string = BER_T61_STRING, .strings = ASN1_S(BER_T61_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE
};

static const struct asn1_field	pds_rows[] = {
	{ "printable-string", 0, ASN1_OPTIONAL, &type_pds_printable,
	    ROW(or_pds, printable), 0, 0 },
	{ "teletex-string", 0, ASN1_OPTIONAL, &type_pds_teletex,
	    ROW(or_pds, teletex), 0, 0 },
};

static const struct asn1_type	type_pds = {
	.name = "PDSParameter", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct or_pds), ROWS(pds_rows)
};

/* UnformattedPostalAddress */

static const struct asn1_type	type_line = {
	.name = "PrintableString", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_OR_VALUE / OR_LINES - 1
};

static const struct asn1_type	type_lines = {
	.name = "printable-address", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 1,
	.max = OR_LINES, .of = &type_line
};

static const struct asn1_field	unformatted_rows[] = {
	{ "printable-address", 0, ASN1_OPTIONAL, &type_lines,
	    ROW(or_unformatted, lines), 0, 0 },
	{ "teletex-string", 0, ASN1_OPTIONAL, &type_pds_teletex,
	    ROW(or_unformatted, teletex), 0, 0 },
};

static const struct asn1_type	type_unformatted = {
	.name = "UnformattedPostalAddress", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct or_unformatted), ROWS(unformatted_rows)
};

/* ExtendedNetworkAddress; PresentationAddress is of X.520, explicit tags */

static const struct asn1_field	e163_4_rows[] = {
	{ "number", BER_CONTEXT(0), 0, &type_or_numeric,
	    ROW(or_e163_4, number), 0, 0 },
	{ "sub-address", BER_CONTEXT(1), ASN1_OPTIONAL, &type_or_numeric,
	    ROW(or_e163_4, sub_address), 0, 0 },
};

static const struct asn1_type	type_e163_4 = {
	.name = "e163-4-address", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct or_e163_4), ROWS(e163_4_rows)
};

static const struct asn1_type	type_selector = {
	.name = "OCTET STRING", .kind = ASN1_STRING,
	.string = BER_OCTET_STRING, .strings = ASN1_S(BER_OCTET_STRING),
	.size = sizeof(struct asn1_octets), .max = 128
};

static const struct asn1_type	type_naddresses = {
	.name = "nAddresses", .kind = ASN1_SEQUENCE_OF, .tag = BER_SET,
	.size = sizeof(struct asn1_list), .min = 1, .max = 16,
	.of = &type_selector
};

static const struct asn1_field	psap_rows[] = {
	{ "pSelector", BER_CONTEXT(0), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_selector, ROW(or_psap, selector[0]), 0, 0 },
	{ "sSelector", BER_CONTEXT(1), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_selector, ROW(or_psap, selector[1]), 0, 0 },
	{ "tSelector", BER_CONTEXT(2), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_selector, ROW(or_psap, selector[2]), 0, 0 },
	{ "nAddresses", BER_CONTEXT(3), ASN1_EXPLICIT, &type_naddresses,
	    ROW(or_psap, addresses), 0, 0 },
};

const struct asn1_type	type_or_psap = {
	.name = "PresentationAddress", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct or_psap), ROWS(psap_rows)
};

static const struct asn1_field	network_rows[] = {
	{ "e163-4-address", 0, 0, &type_e163_4, ROW(or_network, e163_4),
	    0, 0 },
	{ "psap-address", BER_CONTEXT(0), 0, &type_or_psap,
	    ROW(or_network, psap), 0, 0 },
};

static const struct asn1_type	type_network = {
	.name = "ExtendedNetworkAddress", .kind = ASN1_CHOICE,
	.size = sizeof(struct or_network), ROWS(network_rows)
};

static const struct asn1_type	type_terminal = {
	.name = "TerminalType", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = 256,
	.names = (const struct asn1_names[]){
		{ 3, "telex" }, { 4, "teletex" }, { 5, "g3-facsimile" },
		{ 6, "g4-facsimile" }, { 7, "ia5-terminal" },
		{ 8, "videotex" }, { 0, NULL }
	}
};

/* ExtensionAttributeTable */

static const struct asn1_type *const	xa_types[XA_MAX + 1] = {
	[1] = &type_or_printable,		/* common-name */
	[2] = &type_teletex,
	[3] = &type_teletex,			/* organization-name */
	[4] = &type_teletex_person,
	[5] = &type_teletex_units,
	[6] = &type_teletex_ddas,
	[7] = &type_or_printable,		/* pds-name */
	[8] = &type_numeric_or_printable,	/* physical-delivery-country */
	[9] = &type_numeric_or_printable,	/* postal-code */
	[10] = &type_pds, [11] = &type_pds, [12] = &type_pds,
	[13] = &type_pds, [14] = &type_pds, [15] = &type_pds,
	[16] = &type_unformatted,
	[17] = &type_pds, [18] = &type_pds, [19] = &type_pds,
	[20] = &type_pds, [21] = &type_pds,
	[22] = &type_network,
	[23] = &type_terminal,
	[24] = &type_universal,			/* common-name */
	[25] = &type_universal,			/* organization-name */
	[26] = &type_universal_person,
	[27] = &type_universal_units,
	[28] = &type_universal_ddas,
	[29] = &type_universal, [30] = &type_universal,
	[31] = &type_universal, [32] = &type_universal,
	[33] = &type_universal, [34] = &type_universal,
	[35] = &type_universal,			/* unformatted */
	[36] = &type_universal, [37] = &type_universal,
	[38] = &type_universal, [39] = &type_universal,
	[40] = &type_universal
};

const struct asn1_type *
or_extension_type(int64_t number)
{
	return number > 0 && number <= XA_MAX ? xa_types[number] : NULL;
}

static const struct asn1_type *
by_number(const void *holder)
{
	const struct or_extension	*x = holder;

	return or_extension_type(x->type);
}

static const struct asn1_type	type_xa_number = {
	.name = "ExtensionAttributeType", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0, .max = 256,
	.names = (const struct asn1_names[]){
		{ 1, "common-name" }, { 2, "teletex-common-name" },
		{ 3, "teletex-organization-name" },
		{ 4, "teletex-personal-name" },
		{ 5, "teletex-organizational-unit-names" },
		{ 6, "teletex-domain-defined-attributes" },
		{ 7, "pds-name" }, { 8, "physical-delivery-country-name" },
		{ 9, "postal-code" }, { 10, "physical-delivery-office-name" },
		{ 11, "physical-delivery-office-number" },
		{ 12, "extension-OR-address-components" },
		{ 13, "physical-delivery-personal-name" },
		{ 14, "physical-delivery-organization-name" },
		{ 15, "extension-physical-delivery-address-components" },
		{ 16, "unformatted-postal-address" },
		{ 17, "street-address" }, { 18, "post-office-box-address" },
		{ 19, "poste-restante-address" },
		{ 20, "unique-postal-name" },
		{ 21, "local-postal-attributes" },
		{ 22, "extended-network-address" }, { 23, "terminal-type" },
		{ 24, "universal-common-name" },
		{ 25, "universal-organization-name" },
		{ 26, "universal-personal-name" },
		{ 27, "universal-organizational-unit-names" },
		{ 28, "universal-domain-defined-attributes" },
		{ 29, "universal-physical-delivery-office-name" },
		{ 30, "universal-physical-delivery-office-number" },
		{ 31, "universal-extension-OR-address-components" },
		{ 32, "universal-physical-delivery-personal-name" },
		{ 33, "universal-physical-delivery-organization-name" },
		{ 34, "universal-extension-physical-delivery-address-"
		    "components" },
		{ 35, "universal-unformatted-postal-address" },
		{ 36, "universal-street-address" },
		{ 37, "universal-post-office-box-address" },
		{ 38, "universal-poste-restante-address" },
		{ 39, "universal-unique-postal-name" },
		{ 40, "universal-local-postal-attributes" }, { 0, NULL }
	}
};

static const struct asn1_type	type_xa_value = {
	.name = "ANY", .kind = ASN1_OPEN_TYPE,
	.size = sizeof(struct asn1_open), .max = ENVELOPE_MAX,
	.by = by_number
};

static const struct asn1_field	extension_rows[] = {
	{ "extension-attribute-type", BER_CONTEXT(0), 0, &type_xa_number,
	    ROW(or_extension, type), 0, 0 },
	{ "extension-attribute-value", BER_CONTEXT(1), ASN1_EXPLICIT,
	    &type_xa_value, ROW(or_extension, value), 0, 0 },
};

const struct asn1_type	type_or_extension = {
	.name = "ExtensionAttribute", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct or_extension),
	ROWS(extension_rows)
};

static const struct asn1_type	type_extensions = {
	.name = "ExtensionAttributes", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .size = sizeof(struct asn1_list), .max = 256,
	.of = &type_or_extension
};

/* ORAddress, and ORName with a directory name behind it */

static const struct asn1_field	name_rows[] = {
	{ "built-in-standard-attributes", 0, 0, &type_or_standard,
	    ROW(or_name, standard), 0, 0 },
	{ "built-in-domain-defined-attributes", 0, ASN1_OPTIONAL,
	    &type_or_ddas, ROW(or_name, defined), 0, 0 },
	{ "extension-attributes", 0, ASN1_OPTIONAL, &type_extensions,
	    ROW(or_name, extension), 0, 0 },
	{ "directory-name", BER_CONTEXT(0), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_directory_name, ROW(or_name, directory), 0, 0 },
};

const struct asn1_type	type_or_address = {
	.name = "ORAddress", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct or_name), .field = name_rows, .nfield = 3
};

const struct asn1_type	type_or_name_88 = {
	.name = "ORName", .kind = ASN1_SEQUENCE, .tag = BER_APPLICATION(0),
	.size = sizeof(struct or_name), ROWS(name_rows)
};
