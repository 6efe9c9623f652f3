/* SPDX-License-Identifier: ISC */

/* See apdu.h. */

#include <string.h>

#include "apdu.h"
#include "imsg.h"
#include "rtspdu.h"

#define ANY_STRING	(ASN1_S(BER_IA5_STRING) | ASN1_S(BER_OCTET_STRING) | \
	ASN1_S(BER_PRINTABLE_STRING) | ASN1_S(BER_NUMERIC_STRING) | \
	ASN1_S(BER_T61_STRING))

const struct asn1_type apdu_integer = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = INT32_MIN, .max = INT32_MAX
};

const struct asn1_type apdu_natural = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX
};

const struct asn1_type apdu_any = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = APDU_MAX
};

const struct asn1_type apdu_null = {
	.name = "NULL", .kind = ASN1_NULL, .tag = BER_NULL,
	.size = sizeof(uint8_t)
};

const struct asn1_type apdu_oid = {
	.name = "OBJECT IDENTIFIER", .kind = ASN1_STRING, .string = 6,
	.strings = ASN1_S(6), .size = sizeof(struct asn1_octets), .min = 1,
	.max = APDU_OID_MAX
};

const struct asn1_type apdu_octets = {
	.name = "OCTET STRING", .kind = ASN1_STRING,
	.string = BER_OCTET_STRING, .strings = ASN1_S(BER_OCTET_STRING),
	.size = sizeof(struct asn1_octets), .max = APDU_MAX
};

const struct asn1_type apdu_bits = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = APDU_MAX * 8
};

const struct asn1_type apdu_mta_name = {
	.name = "MTAName", .kind = ASN1_STRING, .string = BER_IA5_STRING,
	.strings = ANY_STRING, .flags = ASN1_GRAPHIC,
	.size = sizeof(struct asn1_octets), .max = UB_MTA_NAME
};

const struct asn1_type apdu_password = {
	.name = "Password", .kind = ASN1_STRING, .string = BER_IA5_STRING,
	.strings = ANY_STRING, .size = sizeof(struct asn1_octets),
	.max = UB_PASSWORD
};

APDU_NAMED(apdu_dialogue_mode, "DialogueMode", 0,
	{ DIALOGUE_MONOLOGUE, "monologue" }, { DIALOGUE_TWA, "twa" });

APDU_NAMED(apdu_refuse_reason, "RefuseReason", 0,
	{ RTS_BUSY, "rtsBusy" }, { RTS_CANNOT_RECOVER, "cannotRecover" },
	{ RTS_VALIDATION_FAILURE, "validationFailure" },
	{ RTS_UNACCEPTABLE_DIALOGUE_MODE, "unacceptableDialogueMode" });

static APDU_NAMED(type_abort_reason, "AbortReason", 0,
	{ RTS_ABORT_LOCAL_SYSTEM_PROBLEM, "localSystemProblem" },
	{ RTS_ABORT_INVALID_PARAMETER, "invalidParameter" },
	{ RTS_ABORT_UNRECOGNIZED_ACTIVITY, "unrecognizedActivity" },
	{ RTS_ABORT_TEMPORARY_PROBLEM, "temporaryProblem" },
	{ RTS_ABORT_PROTOCOL_ERROR, "protocolError" },
	{ RTS_ABORT_PERMANENT_PROBLEM, "permanentProblem" },
	{ RTS_ABORT_USER_ERROR, "userError" },
	{ RTS_ABORT_TRANSFER_COMPLETED, "transferCompleted" });

/* Two octets of each reference are tag and length. */
static const struct asn1_type type_user_reference = {
	.name = "CallingSSUserReference", .kind = ASN1_STRING,
	.string = BER_T61_STRING, .strings = ANY_STRING,
	.size = sizeof(struct asn1_octets), .max = S_USER_REFERENCE_MAX - 2
};

static const struct asn1_type type_common_reference = {
	.name = "CommonReference", .kind = ASN1_STRING,
	.string = BER_UTC_TIME, .strings = ASN1_S(BER_UTC_TIME) | ANY_STRING,
	.size = sizeof(struct asn1_octets), .max = S_COMMON_REFERENCE_MAX - 2
};

static const struct asn1_type type_additional_reference = {
	.name = "AdditionalReferenceInformation", .kind = ASN1_STRING,
	.string = BER_T61_STRING, .strings = ANY_STRING,
	.size = sizeof(struct asn1_octets),
	.max = S_ADDITIONAL_REFERENCE_MAX - 2
};

static const struct asn1_field session_connection_identifier_rows[] = {
	{ "callingSSUserReference", 0, 0, &type_user_reference,
	    ROW(session_connection_identifier, user), 0, 0 },
	{ "commonReference", 0, 0, &type_common_reference,
	    ROW(session_connection_identifier, common), 0, 0 },
	{ "additionalReferenceInformation", BER_CONTEXT(0), ASN1_OPTIONAL,
	    &type_additional_reference,
	    ROW(session_connection_identifier, additional), 0,
	    BER_T61_STRING },
};

const struct asn1_type apdu_session_connection_identifier = {
	.name = "SessionConnectionIdentifier", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE,
	.size = sizeof(struct session_connection_identifier),
	ROWS(session_connection_identifier_rows)
};

static const struct asn1_type type_reflected = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = 64
};

const struct asn1_field apdu_abort_rows[AB_FIELDS] = {
	{ "abortReason", BER_CONTEXT(0), ASN1_OPTIONAL, &type_abort_reason,
	    ROW(abort_fields, reason), 0, 0 },
	{ "reflectedParameter", BER_CONTEXT(1), ASN1_OPTIONAL,
	    &type_reflected, ROW(abort_fields, reflected), 0, 0 },
};

int
apdu_fail(const char **why, const char *text)
{
	static char	error[sizeof(((struct asn1 *)0)->error) + 64];

	if (text != error)
		strlcpy(error, text, sizeof(error));
	*why = error;
	return (-1);
}

int
apdu_decode(const struct asn1_type *type, const uint8_t *p, size_t len,
    void *value, struct asn1_memory *m, const char **why)
{
	struct asn1	a;

	asn1_init(&a, m);
	if (asn1_decode_all(&a, type, p, len, value) == -1)
		return (apdu_fail(why, a.error));
	return (0);
}

static unsigned int
defaults_written(void *arg)
{
	return (BER_FORM_DEFAULTS);
}

int
apdu_encode(const struct asn1_type *type, const void *value, int defaults,
    struct ibuf *ibuf)
{
	struct asn1	a;
	struct ber_out	o;

	asn1_init(&a, NULL);
	ber_out_init(&o);
	if (defaults)
		o.form = defaults_written;
	if (asn1_encode(&a, type, value, &o) == -1) {
		ber_out_free(&o);
		return (-1);
	}
	return (ber_out_flush(&o, ibuf));
}

int
apdu_string(char *buf, size_t size, const struct asn1_octets *s)
{
	if (s->len >= size || (s->len > 0 &&
	    memchr(s->p, '\0', s->len) != NULL))
		return (-1);
	if (s->len > 0)
		memcpy(buf, s->p, s->len);
	buf[s->len] = '\0';
	return (0);
}

void
apdu_abort_get(const struct abort_fields *v, struct abort_information *info)
{
	memset(info, 0, sizeof(*info));
	info->reason = ASN1_HAS(v, AB_REASON) ? v->reason : -1;
	if (ASN1_HAS(v, AB_REFLECTED) && v->reflected.nbits > 0) {
		info->reflected_bits = v->reflected.nbits < 8 ?
		    v->reflected.nbits : 8;
		info->reflected = v->reflected.p[0] &
		    (0xff00 >> info->reflected_bits);
	}
}

void
apdu_abort_put(const struct abort_information *info, struct abort_fields *v)
{
	memset(v, 0, sizeof(*v));
	if (info->reason != -1) {
		ASN1_PUT(v, AB_REASON);
		v->reason = info->reason;
	}
	if (info->reflected_bits > 0 && info->reflected_bits <= 8) {
		ASN1_PUT(v, AB_REFLECTED);
		v->reflected.p = &info->reflected;
		v->reflected.nbits = info->reflected_bits;
	}
}
