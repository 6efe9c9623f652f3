/* SPDX-License-Identifier: ISC */

/*
 * ACSE APDUs (X.227 clause 9), as tables.  See acse.h.
 */

#include <string.h>

#include "acse.h"
#include "apdu.h"
#include "imsg.h"

#define TITLE_MAX	1024

static const uint8_t	acse_arcs[] = { 0x52, 0x01, 0x00, 0x01 };
static const uint8_t	mts_transfer_arcs[] = { 0x56, 0x00, 0x01, 0x06 };
const struct asn1_octets oid_acse = {
	acse_arcs, sizeof(acse_arcs), BER_UNIVERSAL(6)
};
const struct asn1_octets oid_mts_transfer = {
	mts_transfer_arcs, sizeof(mts_transfer_arcs), BER_UNIVERSAL(6)
};

static const struct asn1_type type_title = {
	.name = "title", .kind = ASN1_ANY,
	.size = sizeof(struct asn1_octets), .max = TITLE_MAX
};

/* EXTERNAL (X.208 clause 35) */
enum { EXT_DIRECT, EXT_INDIRECT, EXT_DESCRIPTOR, EXT_SINGLE, EXT_OCTETS,
	EXT_ARBITRARY };
struct external {
	struct asn1_members	a;
	struct asn1_octets	direct;
	int64_t			indirect;
	struct asn1_octets	descriptor;
	struct asn1_octets	single;
	struct asn1_octets	octets;
	struct asn1_bits	arbitrary;
};

static const struct asn1_type type_descriptor = {
	.name = "ObjectDescriptor", .kind = ASN1_STRING, .string = 7,
	.strings = ASN1_S(7), .size = sizeof(struct asn1_octets), .max = 1024
};

static const struct asn1_field external_rows[] = {
	{ "direct-reference", 0, ASN1_OPTIONAL, &apdu_oid,
	    ROW(external, direct), 0, 0 },
	{ "indirect-reference", 0, ASN1_OPTIONAL, &apdu_integer,
	    ROW(external, indirect), 0, 0 },
	{ "data-value-descriptor", 0, ASN1_OPTIONAL, &type_descriptor,
	    ROW(external, descriptor), 0, 0 },
	{ "single-ASN1-type", BER_CONTEXT(0), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &apdu_any, ROW(external, single), 0, 0 },
	{ "octet-aligned", BER_CONTEXT(1), ASN1_OPTIONAL, &apdu_octets,
	    ROW(external, octets), 0, 0 },
	{ "arbitrary", BER_CONTEXT(2), ASN1_OPTIONAL, &apdu_bits,
	    ROW(external, arbitrary), 0, 0 },
};

const struct asn1_type acse_type_external = {
	.name = "EXTERNAL", .kind = ASN1_SEQUENCE, .tag = BER_UNIVERSAL(8),
	.size = sizeof(struct external), ROWS(external_rows)
};

static const struct asn1_type type_user_information = {
	.name = "user-information", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 0,
	.max = 8, .of = &acse_type_external
};

static APDU_NAMED(type_user_reason, "INTEGER", INT32_MIN,
	{ ACSE_NULL, "null" }, { ACSE_NO_REASON, "no-reason-given" },
	{ ACSE_CONTEXT_NAME_NOT_SUPPORTED,
	    "application-context-name-not-supported" },
	{ ACSE_CALLING_AP_TITLE, "calling-AP-title-not-recognized" },
	{ ACSE_CALLING_AP_INVOCATION,
	    "calling-AP-invocation-identifier-not-recognized" },
	{ ACSE_CALLING_AE_QUALIFIER, "calling-AE-qualifier-not-recognized" },
	{ ACSE_CALLING_AE_INVOCATION,
	    "calling-AE-invocation-identifier-not-recognized" },
	{ ACSE_CALLED_AP_TITLE, "called-AP-title-not-recognized" },
	{ ACSE_CALLED_AP_INVOCATION,
	    "called-AP-invocation-identifier-not-recognized" },
	{ ACSE_CALLED_AE_QUALIFIER, "called-AE-qualifier-not-recognized" },
	{ ACSE_CALLED_AE_INVOCATION,
	    "called-AE-invocation-identifier-not-recognized" },
	{ ACSE_MECHANISM_NOT_RECOGNIZED,
	    "authentication-mechanism-name-not-recognized" },
	{ ACSE_MECHANISM_REQUIRED, "authentication-mechanism-name-required" },
	{ ACSE_AUTHENTICATION_FAILURE, "authentication-failure" },
	{ ACSE_AUTHENTICATION_REQUIRED, "authentication-required" });

static APDU_NAMED(type_provider_reason, "INTEGER", INT32_MIN,
	{ 0, "null" }, { 1, "no-reason-given" },
	{ 2, "no-common-acse-version" });

static APDU_NAMED(type_result, "Associate-result", INT32_MIN,
	{ ACSE_ACCEPTED, "accepted" },
	{ ACSE_REJECTED_PERMANENT, "rejected-permanent" },
	{ ACSE_REJECTED_TRANSIENT, "rejected-transient" });

/* Associate-source-diagnostic ::= CHOICE { [1] INTEGER, [2] INTEGER } */
struct diagnostic {
	struct asn1_choice	c;
	int64_t			value;
};

static const struct asn1_field diagnostic_rows[] = {
	{ "acse-service-user", BER_CONTEXT(1), ASN1_EXPLICIT, &type_user_reason,
	    ROW(diagnostic, value), 0, 0 },
	{ "acse-service-provider", BER_CONTEXT(2), ASN1_EXPLICIT,
	    &type_provider_reason, ROW(diagnostic, value), 0, 0 },
};

static const struct asn1_type type_diagnostic = {
	.name = "Associate-source-diagnostic", .kind = ASN1_CHOICE,
	.size = sizeof(struct diagnostic), ROWS(diagnostic_rows)
};

/* AARQ */
enum { RQ_VERSION, RQ_CONTEXT, RQ_CALLED_AP, RQ_CALLED_AE, RQ_CALLING_AP,
	RQ_CALLING_AE, RQ_USER };
struct aarq {
	struct asn1_members	a;
	struct asn1_bits	version;
	struct asn1_octets	context;
	struct asn1_octets	called_ap, called_ae;
	struct asn1_octets	calling_ap, calling_ae;
	struct asn1_list	user;
};

static const struct asn1_field aarq_rows[] = {
	{ "protocol-version", BER_CONTEXT(0), ASN1_OPTIONAL, &apdu_bits,
	    ROW(aarq, version), 0, 0 },
	{ "application-context-name", BER_CONTEXT(1), ASN1_EXPLICIT,
	    &apdu_oid, ROW(aarq, context), 0, 0 },
	{ "called-AP-title", BER_CONTEXT(2), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_title, ROW(aarq, called_ap), 0, 0 },
	{ "called-AE-qualifier", BER_CONTEXT(3),
	    ASN1_OPTIONAL | ASN1_EXPLICIT, &type_title,
	    ROW(aarq, called_ae), 0, 0 },
	{ "calling-AP-title", BER_CONTEXT(6), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &type_title, ROW(aarq, calling_ap), 0, 0 },
	{ "calling-AE-qualifier", BER_CONTEXT(7),
	    ASN1_OPTIONAL | ASN1_EXPLICIT, &type_title,
	    ROW(aarq, calling_ae), 0, 0 },
	{ "user-information", BER_CONTEXT(30), ASN1_OPTIONAL,
	    &type_user_information, ROW(aarq, user), 0, 0 },
};

static const struct asn1_type type_aarq = {
	.name = "AARQ", .kind = ASN1_SEQUENCE, .tag = BER_APPLICATION(0),
	.flags = ASN1_OPEN, .size = sizeof(struct aarq), ROWS(aarq_rows)
};

/* AARE */
enum { RE_VERSION, RE_CONTEXT, RE_RESULT, RE_DIAGNOSTIC, RE_AP, RE_AE,
	RE_USER };
struct aare {
	struct asn1_members	a;
	struct asn1_bits	version;
	struct asn1_octets	context;
	int64_t			result;
	struct diagnostic	diagnostic;
	struct asn1_octets	ap, ae;
	struct asn1_list	user;
};

static const struct asn1_field aare_rows[] = {
	{ "protocol-version", BER_CONTEXT(0), ASN1_OPTIONAL, &apdu_bits,
	    ROW(aare, version), 0, 0 },
	{ "application-context-name", BER_CONTEXT(1), ASN1_EXPLICIT,
	    &apdu_oid, ROW(aare, context), 0, 0 },
	{ "result", BER_CONTEXT(2), ASN1_EXPLICIT, &type_result,
	    ROW(aare, result), 0, 0 },
	{ "result-source-diagnostic", BER_CONTEXT(3), ASN1_EXPLICIT,
	    &type_diagnostic, ROW(aare, diagnostic), 0, 0 },
	{ "responding-AP-title", BER_CONTEXT(4),
	    ASN1_OPTIONAL | ASN1_EXPLICIT, &type_title, ROW(aare, ap), 0, 0 },
	{ "responding-AE-qualifier", BER_CONTEXT(5),
	    ASN1_OPTIONAL | ASN1_EXPLICIT, &type_title, ROW(aare, ae), 0, 0 },
	{ "user-information", BER_CONTEXT(30), ASN1_OPTIONAL,
	    &type_user_information, ROW(aare, user), 0, 0 },
};

static const struct asn1_type type_aare = {
	.name = "AARE", .kind = ASN1_SEQUENCE, .tag = BER_APPLICATION(1),
	.flags = ASN1_OPEN, .size = sizeof(struct aare), ROWS(aare_rows)
};

/* RLRQ, RLRE, ABRT: alike but for the tag. */
enum { RL_REASON, RL_USER };
struct release {
	struct asn1_members	a;
	int64_t			reason;
	struct asn1_list	user;
};

static APDU_NAMED(type_release_request, "INTEGER", INT32_MIN,
	{ 0, "normal" }, { 1, "urgent" }, { 30, "user-defined" });
static APDU_NAMED(type_release_response, "INTEGER", INT32_MIN,
	{ 0, "normal" }, { 1, "not-finished" }, { 30, "user-defined" });
static APDU_NAMED(type_abort_source, "ABRT-source", INT32_MIN,
	{ 0, "acse-service-user" }, { 1, "acse-service-provider" });

#define RELEASE_ROWS(name_, type_) {					\
	{ name_, BER_CONTEXT(0), ASN1_OPTIONAL, &type_,			\
	    ROW(release, reason), 0, 0 },				\
	{ "user-information", BER_CONTEXT(30), ASN1_OPTIONAL,		\
	    &type_user_information, ROW(release, user), 0, 0 },		\
}
static const struct asn1_field rlrq_rows[] =
	RELEASE_ROWS("reason", type_release_request);
static const struct asn1_field rlre_rows[] =
	RELEASE_ROWS("reason", type_release_response);
static const struct asn1_field abrt_rows[] =
	RELEASE_ROWS("abort-source", type_abort_source);

#define RELEASE(name_, number, rows_) {					\
	.name = name_, .kind = ASN1_SEQUENCE, .tag = BER_APPLICATION(number),	\
	.flags = ASN1_OPEN, .size = sizeof(struct release), ROWS(rows_)	\
}
static const struct asn1_type type_rlrq = RELEASE("RLRQ", 2, rlrq_rows);
static const struct asn1_type type_rlre = RELEASE("RLRE", 3, rlre_rows);
static const struct asn1_type type_abrt = RELEASE("ABRT", 4, abrt_rows);

struct apdu {
	struct asn1_choice	c;
	union {
		struct aarq	aarq;
		struct aare	aare;
		struct release	release;
	} u;
};

static const struct asn1_field apdu_rows[] = {
	{ "aarq", 0, 0, &type_aarq, ROW(apdu, u), 0, 0 },
	{ "aare", 0, 0, &type_aare, ROW(apdu, u), 0, 0 },
	{ "rlrq", 0, 0, &type_rlrq, ROW(apdu, u), 0, 0 },
	{ "rlre", 0, 0, &type_rlre, ROW(apdu, u), 0, 0 },
	{ "abrt", 0, 0, &type_abrt, ROW(apdu, u), 0, 0 },
};

const struct asn1_type acse_type_apdu = {
	.name = "ACSE-apdu", .kind = ASN1_CHOICE, .size = sizeof(struct apdu),
	ROWS(apdu_rows)
};

/* The first EXTERNAL: there is one in all that we speak. */
static int
take_user(struct acse *ac, const struct asn1_list *list, const char **why)
{
	const struct external	*e = list->p;
	struct asn1_octets	*to = &ac->user.octets;

	if (list->n == 0)
		return (0);
	if (!ASN1_HAS(e, EXT_INDIRECT))
		return (apdu_fail(why, "user-information: no presentation "
		    "context"));
	ac->user.context = e->indirect;
	switch (e->a.present >> EXT_SINGLE) {
	case 1:
		*to = e->single;
		return (0);
	case 2:
		*to = e->octets;
		return (0);
	case 4:
		if (e->arbitrary.nbits % 8 != 0)
			break;
		to->p = e->arbitrary.p;
		to->len = e->arbitrary.nbits / 8;
		return (0);
	}
	return (apdu_fail(why, "user-information: not one encoding"));
}

static int
version_1(const struct asn1_bits *b, int present)
{
	return (!present || (b->nbits > 0 && (b->p[0] & 0x80)));
}

int
acse_decode(struct acse *ac, const uint8_t *p, size_t len,
    struct asn1_memory *m, const char **why)
{
	struct apdu		 v = { 0 };
	const struct aarq	*rq = &v.u.aarq;
	const struct aare	*re = &v.u.aare;
	const struct asn1_list	*user;

	memset(ac, 0, sizeof(*ac));
	ac->user.context = -1;
	ac->reason = -1;
	if (apdu_decode(&acse_type_apdu, p, len, &v, m, why) == -1)
		return (-1);
	ac->kind = v.c.chosen;
	switch (ac->kind) {
	case ACSE_AARQ:
		ac->version_1 = version_1(&rq->version,
		    ASN1_HAS(rq, RQ_VERSION));
		ac->context_name = rq->context;
		ac->called.ap = rq->called_ap;
		ac->called.ae = rq->called_ae;
		ac->calling.ap = rq->calling_ap;
		ac->calling.ae = rq->calling_ae;
		user = &rq->user;
		break;
	case ACSE_AARE:
		ac->version_1 = version_1(&re->version,
		    ASN1_HAS(re, RE_VERSION));
		ac->context_name = re->context;
		ac->result = re->result == 0 ? ACSE_ACCEPTED :
		    re->result == ACSE_REJECTED_TRANSIENT ?
		    ACSE_REJECTED_TRANSIENT : ACSE_REJECTED_PERMANENT;
		ac->source = re->diagnostic.c.chosen + 1;
		ac->diagnostic = re->diagnostic.value;
		ac->responding.ap = re->ap;
		ac->responding.ae = re->ae;
		user = &re->user;
		break;
	default:
		if (ASN1_HAS(&v.u.release, RL_REASON))
			ac->reason = v.u.release.reason < 0 ? 0 :
			    v.u.release.reason;
		user = &v.u.release.user;
	}
	return (take_user(ac, user, why));
}

static void
put_title(struct asn1_members *a, int row, struct asn1_octets *to,
    const struct asn1_octets *from)
{
	*to = *from;
	if (from->len > 0)
		a->present |= 1u << row;
}

int
acse_encode(const struct acse *ac, struct ibuf *ibuf)
{
	struct apdu		 v = { 0 };
	struct aarq		*rq = &v.u.aarq;
	struct aare		*re = &v.u.aare;
	struct release		*rl = &v.u.release;
	struct external		 e = { 0 };
	struct asn1_list	 user = { 0 };

	if (ac->user.context != -1) {
		/* Both references, as real systems have them. */
		e.direct = oid_basic_encoding;
		e.indirect = ac->user.context;
		e.single = ac->user.octets;
		e.a.present = 1u << EXT_DIRECT | 1u << EXT_INDIRECT |
		    1u << EXT_SINGLE;
		user.p = &e;
		user.n = 1;
	}
	v.c.chosen = ac->kind;
	switch (ac->kind) {
	case ACSE_AARQ:
		rq->context = ac->context_name;
		ASN1_PUT(rq, RQ_CONTEXT);
		put_title(&rq->a, RQ_CALLED_AP, &rq->called_ap,
		    &ac->called.ap);
		put_title(&rq->a, RQ_CALLED_AE, &rq->called_ae,
		    &ac->called.ae);
		put_title(&rq->a, RQ_CALLING_AP, &rq->calling_ap,
		    &ac->calling.ap);
		put_title(&rq->a, RQ_CALLING_AE, &rq->calling_ae,
		    &ac->calling.ae);
		if ((rq->user = user).n > 0)
			ASN1_PUT(rq, RQ_USER);
		break;
	case ACSE_AARE:
		re->context = ac->context_name;
		re->result = ac->result;
		re->diagnostic.c.chosen = ac->source - 1;
		re->diagnostic.value = ac->diagnostic;
		re->a.present |= 1u << RE_CONTEXT | 1u << RE_RESULT |
		    1u << RE_DIAGNOSTIC;
		put_title(&re->a, RE_AP, &re->ap, &ac->responding.ap);
		put_title(&re->a, RE_AE, &re->ae, &ac->responding.ae);
		if ((re->user = user).n > 0)
			ASN1_PUT(re, RE_USER);
		break;
	default:
		if (ac->reason != -1) {
			rl->reason = ac->reason;
			ASN1_PUT(rl, RL_REASON);
		}
		if ((rl->user = user).n > 0)
			ASN1_PUT(rl, RL_USER);
	}
	return (apdu_encode(&acse_type_apdu, &v, 0, ibuf));
}

const char *
acse_diagnostic_text(int source, int diagnostic)
{
	static const char *const user[] = { "no reason", "no reason given",
		"application context name not supported",
		"calling AP title not recognized",
		"calling AP invocation identifier not recognized",
		"calling AE qualifier not recognized",
		"calling AE invocation identifier not recognized",
		"called AP title not recognized",
		"called AP invocation identifier not recognized",
		"called AE qualifier not recognized",
		"called AE invocation identifier not recognized",
		"authentication mechanism name not recognized",
		"authentication mechanism name required",
		"authentication failure", "authentication required" };
	static const char *const provider[] = { "no reason",
		"no reason given by the provider", "no common ACSE version" };

	if (source == ACSE_USER && diagnostic >= 0 &&
	    diagnostic < (int)(sizeof(user) / sizeof(user[0])))
		return (user[diagnostic]);
	if (source == ACSE_PROVIDER && diagnostic >= 0 && diagnostic < 3)
		return (provider[diagnostic]);
	return ("unknown diagnostic");
}
