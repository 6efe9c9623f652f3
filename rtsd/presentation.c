/* SPDX-License-Identifier: ISC */

/*
 * PPDUs of the kernel (X.226 clause 8), as tables.  See presentation.h.
 * The stream of P-DATA is in pdata.c.
 */

#include <stdio.h>
#include <string.h>

#include "apdu.h"
#include "imsg.h"
#include "presentation.h"

#define MODE_X410	0
#define MODE_NORMAL	1

static const uint8_t	basic_encoding[] = { 0x51, 0x01 };
const struct asn1_octets oid_basic_encoding = {
	basic_encoding, sizeof(basic_encoding), BER_UNIVERSAL(6)
};

static const struct asn1_type type_selector = {
	.name = "Presentation-selector", .kind = ASN1_STRING,
	.string = BER_OCTET_STRING, .strings = ASN1_S(BER_OCTET_STRING),
	.size = sizeof(struct asn1_octets), .max = 64
};

static APDU_NAMED(type_mode, "INTEGER", INT32_MIN,
	{ MODE_X410, "x410-1984-mode" }, { MODE_NORMAL, "normal-mode" });
static APDU_NAMED(type_result, "Result", INT32_MIN,
	{ P_ACCEPTANCE, "acceptance" }, { P_USER_REJECTION, "user-rejection" },
	{ P_PROVIDER_REJECTION, "provider-rejection" });
static APDU_NAMED(type_rejection, "INTEGER", INT32_MIN,
	{ P_REJECT_NOT_SPECIFIED, "reason-not-specified" },
	{ P_ABSTRACT_SYNTAX_NOT_SUPPORTED, "abstract-syntax-not-supported" },
	{ P_TRANSFER_SYNTAXES_NOT_SUPPORTED,
	    "proposed-transfer-syntaxes-not-supported" },
	{ P_LIMIT_ON_DCS_EXCEEDED, "local-limit-on-DCS-exceeded" });
static APDU_NAMED(type_refusal, "Provider-reason", INT32_MIN,
	{ P_REASON_NOT_SPECIFIED, "reason-not-specified" },
	{ P_TEMPORARY_CONGESTION, "temporary-congestion" },
	{ P_LOCAL_LIMIT, "local-limit-exceeded" },
	{ P_ADDRESS_UNKNOWN, "called-presentation-address-unknown" },
	{ P_VERSION_NOT_SUPPORTED, "protocol-version-not-supported" },
	{ P_DEFAULT_CONTEXT_NOT_SUPPORTED, "default-context-not-supported" },
	{ P_USER_DATA_NOT_READABLE, "user-data-not-readable" },
	{ P_NO_PSAP_AVAILABLE, "no-PSAP-available" });
static APDU_NAMED(type_abort_reason, "Abort-reason", INT32_MIN,
	{ 0, "reason-not-specified" }, { 1, "unrecognized-ppdu" },
	{ 2, "unexpected-ppdu" },
	{ 3, "unexpected-session-service-primitive" },
	{ 4, "unrecognized-ppdu-parameter" },
	{ 5, "unexpected-ppdu-parameter" },
	{ 6, "invalid-ppdu-parameter-value" });
static APDU_NAMED_BITS(type_version, "Protocol-version", { 0, "version-1" });
static APDU_NAMED_BITS(type_p_requirements, "Presentation-requirements",
	{ 0, "context-management" }, { 1, "restoration" });
static APDU_NAMED_BITS(type_s_requirements, "User-session-requirements",
	{ 0, "half-duplex" }, { 1, "duplex" }, { 2, "expedited-data" },
	{ 3, "minor-synchronize" }, { 4, "major-synchronize" },
	{ 5, "resynchronize" }, { 6, "activity-management" },
	{ 7, "negotiated-release" }, { 8, "capability-data" },
	{ 9, "exceptions" }, { 10, "typed-data" });

/* Mode-selector ::= SET { mode-value [0] IMPLICIT INTEGER } */
struct mode_selector {
	struct asn1_members	a;
	int64_t			mode;
};

static const struct asn1_field mode_selector_rows[] = {
	{ "mode-value", BER_CONTEXT(0), 0, &type_mode,
	    ROW(mode_selector, mode), 0, 0 },
};

static const struct asn1_type type_mode_selector = {
	.name = "Mode-selector", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct mode_selector),
	ROWS(mode_selector_rows)
};

/*
 * PDV-list ::= SEQUENCE { transfer-syntax-name OPTIONAL,
 * presentation-context-identifier INTEGER, presentation-data-values CHOICE {
 * single-ASN1-type [0] ANY, octet-aligned [1] IMPLICIT OCTET STRING,
 * arbitrary [2] IMPLICIT BIT STRING } }
 */
enum { PDV_TRANSFER, PDV_CONTEXT, PDV_SINGLE, PDV_OCTETS, PDV_ARBITRARY };
struct pdv_list {
	struct asn1_members	a;
	struct asn1_octets	transfer;
	int64_t			context;
	struct asn1_octets	single;
	struct asn1_octets	octets;
	struct asn1_bits	arbitrary;
};

static const struct asn1_field pdv_list_rows[] = {
	{ "transfer-syntax-name", 0, ASN1_OPTIONAL, &apdu_oid,
	    ROW(pdv_list, transfer), 0, 0 },
	{ "presentation-context-identifier", 0, 0, &apdu_integer,
	    ROW(pdv_list, context), 0, 0 },
	{ "single-ASN1-type", BER_CONTEXT(0), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &apdu_any, ROW(pdv_list, single), 0, 0 },
	{ "octet-aligned", BER_CONTEXT(1), ASN1_OPTIONAL, &apdu_octets,
	    ROW(pdv_list, octets), 0, 0 },
	{ "arbitrary", BER_CONTEXT(2), ASN1_OPTIONAL, &apdu_bits,
	    ROW(pdv_list, arbitrary), 0, 0 },
};

const struct asn1_type p_type_pdv_list = {
	.name = "PDV-list", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct pdv_list), ROWS(pdv_list_rows)
};

const struct asn1_type p_type_user_data = {
	.name = "Fully-encoded-data", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_APPLICATION(1), .size = sizeof(struct asn1_list),
	.min = 1, .max = 8, .of = &p_type_pdv_list
};

/* Context-list: SEQUENCE OF SEQUENCE { INTEGER, OID, SEQUENCE OF OID } */
struct context_item {
	struct asn1_members	a;
	int64_t			id;
	struct asn1_octets	abstract;
	struct asn1_list	transfer;
};

static const struct asn1_type type_transfer_list = {
	.name = "Transfer-syntax-name-list", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 0,
	.max = 16, .of = &apdu_oid
};

static const struct asn1_field context_item_rows[] = {
	{ "presentation-context-identifier", 0, 0, &apdu_integer,
	    ROW(context_item, id), 0, 0 },
	{ "abstract-syntax-name", 0, 0, &apdu_oid,
	    ROW(context_item, abstract), 0, 0 },
	{ "transfer-syntax-name-list", 0, 0, &type_transfer_list,
	    ROW(context_item, transfer), 0, 0 },
};

static const struct asn1_type type_context_item = {
	.name = "Context-list", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct context_item), ROWS(context_item_rows)
};

static const struct asn1_type type_context_list = {
	.name = "Presentation-context-definition-list",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .min = 0, .max = P_CONTEXTS_MAX,
	.of = &type_context_item
};

/* Result-list: result [0], transfer-syntax-name [1], provider-reason [2] */
enum { RESULT_RESULT, RESULT_TRANSFER, RESULT_REASON };
struct result_item {
	struct asn1_members	a;
	int64_t			result;
	struct asn1_octets	transfer;
	int64_t			reason;
};

static const struct asn1_field result_item_rows[] = {
	{ "result", BER_CONTEXT(0), 0, &type_result,
	    ROW(result_item, result), 0, 0 },
	{ "transfer-syntax-name", BER_CONTEXT(1), ASN1_OPTIONAL, &apdu_oid,
	    ROW(result_item, transfer), 0, 0 },
	{ "provider-reason", BER_CONTEXT(2), ASN1_OPTIONAL, &type_rejection,
	    ROW(result_item, reason), 0, 0 },
};

static const struct asn1_type type_result_item = {
	.name = "Result-list", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.flags = ASN1_OPEN, .size = sizeof(struct result_item),
	ROWS(result_item_rows)
};

static const struct asn1_type type_result_list = {
	.name = "Presentation-context-definition-result-list",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .min = 0, .max = P_CONTEXTS_MAX,
	.of = &type_result_item
};

/*
 * The normal-mode-parameters of CP, CPA, CPR and ARU: their tags do not
 * collide, so that one structure serves them all.
 */
enum { N_VERSION, N_CALLING, N_CALLED, N_RESPONDING, N_CONTEXTS, N_RESULTS,
	N_DEFAULT, N_REQUIREMENTS, N_SESSION, N_REASON, N_SIMPLE, N_FULL };
struct normal_mode {
	struct asn1_members	a;
	struct asn1_bits	version;
	struct asn1_octets	calling, called, responding;
	struct asn1_list	contexts;
	struct asn1_list	results;
	struct asn1_octets	default_context;
	struct asn1_bits	requirements;
	struct asn1_bits	session;
	int64_t			reason;
	struct asn1_octets	simple;
	struct asn1_list	full;
};

static const struct asn1_field normal_mode_rows[] = {
	{ "protocol-version", BER_CONTEXT(0), ASN1_OPTIONAL, &type_version,
	    ROW(normal_mode, version), 0, 0 },
	{ "calling-presentation-selector", BER_CONTEXT(1), ASN1_OPTIONAL,
	    &type_selector, ROW(normal_mode, calling), 0, 0 },
	{ "called-presentation-selector", BER_CONTEXT(2), ASN1_OPTIONAL,
	    &type_selector, ROW(normal_mode, called), 0, 0 },
	{ "responding-presentation-selector", BER_CONTEXT(3), ASN1_OPTIONAL,
	    &type_selector, ROW(normal_mode, responding), 0, 0 },
	{ "presentation-context-definition-list", BER_CONTEXT(4),
	    ASN1_OPTIONAL, &type_context_list, ROW(normal_mode, contexts),
	    0, 0 },
	{ "presentation-context-definition-result-list", BER_CONTEXT(5),
	    ASN1_OPTIONAL, &type_result_list, ROW(normal_mode, results),
	    0, 0 },
	{ "default-context", BER_CONTEXT(6), ASN1_OPTIONAL, &apdu_any,
	    ROW(normal_mode, default_context), 0, 0 },
	{ "presentation-requirements", BER_CONTEXT(8), ASN1_OPTIONAL,
	    &type_p_requirements, ROW(normal_mode, requirements), 0, 0 },
	{ "user-session-requirements", BER_CONTEXT(9), ASN1_OPTIONAL,
	    &type_s_requirements, ROW(normal_mode, session), 0, 0 },
	{ "provider-reason", BER_CONTEXT(10), ASN1_OPTIONAL, &type_refusal,
	    ROW(normal_mode, reason), 0, 0 },
	{ "simply-encoded-data", BER_APPLICATION(0), ASN1_OPTIONAL,
	    &apdu_octets, ROW(normal_mode, simple), 0, 0 },
	{ "fully-encoded-data", 0, ASN1_OPTIONAL, &p_type_user_data,
	    ROW(normal_mode, full), 0, 0 },
};

const struct asn1_type p_type_normal_mode = {
	.name = "normal-mode-parameters", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .flags = ASN1_OPEN,
	.size = sizeof(struct normal_mode), ROWS(normal_mode_rows)
};

/* CP, CPA ::= SET { [0] Mode-selector, [1] x410 ..., [2] normal ... } */
enum { CP_MODE, CP_X410, CP_NORMAL };
struct cp {
	struct asn1_members	a;
	struct mode_selector	mode;
	struct asn1_octets	x410;
	struct normal_mode	normal;
};

static const struct asn1_field cp_rows[] = {
	{ "mode-selector", BER_CONTEXT(0), 0, &type_mode_selector,
	    ROW(cp, mode), 0, 0 },
	{ "x410-mode-parameters", BER_CONTEXT(1), ASN1_OPTIONAL, &apdu_any,
	    ROW(cp, x410), 0, 0 },
	{ "normal-mode-parameters", BER_CONTEXT(2), ASN1_OPTIONAL,
	    &p_type_normal_mode, ROW(cp, normal), 0, 0 },
};

const struct asn1_type p_type_cp = {
	.name = "CP", .kind = ASN1_SET, .tag = BER_SET, .flags = ASN1_OPEN,
	.size = sizeof(struct cp), ROWS(cp_rows)
};

/* ARU: [0] IMPLICIT SEQUENCE { context list [0], User-data } */
enum { ARU_CONTEXTS, ARU_SIMPLE, ARU_FULL };
struct identifier_item {
	struct asn1_members	a;
	int64_t			id;
	struct asn1_octets	transfer;
};

static const struct asn1_field identifier_item_rows[] = {
	{ "presentation-context-identifier", 0, 0, &apdu_integer,
	    ROW(identifier_item, id), 0, 0 },
	{ "transfer-syntax-name", 0, 0, &apdu_oid,
	    ROW(identifier_item, transfer), 0, 0 },
};

static const struct asn1_type type_identifier_item = {
	.name = "Presentation-context-identifier-list",
	.kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE, .flags = ASN1_OPEN,
	.size = sizeof(struct identifier_item), ROWS(identifier_item_rows)
};

static const struct asn1_type type_identifier_list = {
	.name = "Presentation-context-identifier-list",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .min = 0, .max = P_CONTEXTS_MAX,
	.of = &type_identifier_item
};

struct aru {
	struct asn1_members	a;
	struct asn1_list	contexts;
	struct asn1_octets	simple;
	struct asn1_list	full;
};

static const struct asn1_field aru_rows[] = {
	{ "presentation-context-identifier-list", BER_CONTEXT(0),
	    ASN1_OPTIONAL, &type_identifier_list, ROW(aru, contexts), 0, 0 },
	{ "simply-encoded-data", BER_APPLICATION(0), ASN1_OPTIONAL,
	    &apdu_octets, ROW(aru, simple), 0, 0 },
	{ "fully-encoded-data", 0, ASN1_OPTIONAL, &p_type_user_data,
	    ROW(aru, full), 0, 0 },
};

const struct asn1_type p_type_aru = {
	.name = "ARU", .kind = ASN1_SEQUENCE, .tag = BER_CONTEXT(0),
	.flags = ASN1_OPEN, .size = sizeof(struct aru), ROWS(aru_rows)
};

/* ARP ::= SEQUENCE { provider-reason [0], event-identifier [1] } */
enum { ARP_REASON, ARP_EVENT };
struct arp {
	struct asn1_members	a;
	int64_t			reason;
	int64_t			event;
};

static const struct asn1_field arp_rows[] = {
	{ "provider-reason", BER_CONTEXT(0), ASN1_OPTIONAL, &type_abort_reason,
	    ROW(arp, reason), 0, 0 },
	{ "event-identifier", BER_CONTEXT(1), ASN1_OPTIONAL, &apdu_integer,
	    ROW(arp, event), 0, 0 },
};

const struct asn1_type p_type_arp = {
	.name = "ARP", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.flags = ASN1_OPEN, .size = sizeof(struct arp), ROWS(arp_rows)
};

int
oid_equal(const struct asn1_octets *a, const struct asn1_octets *b)
{
	return (a->len == b->len &&
	    (a->len == 0 || memcmp(a->p, b->p, a->len) == 0));
}

const char *
oid_print(const struct asn1_octets *o, char *buf, size_t size)
{
	uint64_t	 arc = 0, i, top;
	size_t		 used = 0;
	int		 first = 1;

	buf[0] = '\0';
	for (i = 0; i < o->len && used < size; i++) {
		arc = arc << 7 | (o->p[i] & 0x7f);
		if (o->p[i] & 0x80)
			continue;
		if (first) {
			top = arc < 80 ? arc / 40 : 2;
			used += snprintf(buf + used, size - used, "%llu.%llu",
			    (unsigned long long)top,
			    (unsigned long long)(arc - top * 40));
		} else
			used += snprintf(buf + used, size - used, ".%llu",
			    (unsigned long long)arc);
		first = 0;
		arc = 0;
	}
	return (buf);
}

/* User data: the first value; there is one in all that we speak. */
static int
user_value(struct p_value *v, const struct asn1_list *full,
    const char **why)
{
	const struct pdv_list	*pdv = full->p;

	v->context = pdv->context;
	switch (pdv->a.present >> PDV_SINGLE) {
	case 1:
		v->octets = pdv->single;
		return (0);
	case 2:
		v->octets = pdv->octets;
		return (0);
	case 4:
		if (pdv->arbitrary.nbits % 8 != 0)
			return (apdu_fail(why, "PDV-list.arbitrary: not whole "
			    "octets"));
		v->octets.p = pdv->arbitrary.p;
		v->octets.len = pdv->arbitrary.nbits / 8;
		return (0);
	default:
		return (apdu_fail(why, "PDV-list: not one encoding"));
	}
}

static void
put_value(const struct p_value *v, struct pdv_list *pdv,
    struct asn1_list *list)
{
	memset(pdv, 0, sizeof(*pdv));
	pdv->context = v->context;
	pdv->single = v->octets;
	ASN1_PUT(pdv, PDV_CONTEXT);
	ASN1_PUT(pdv, PDV_SINGLE);
	list->p = pdv;
	list->n = 1;
}

static int
normal_user(struct p_connect *c, const struct normal_mode *n,
    const char **why)
{
	if (ASN1_HAS(n, N_FULL))
		return (user_value(&c->user, &n->full, why));
	if (ASN1_HAS(n, N_SIMPLE))
		return (apdu_fail(why, "simply-encoded-data without a default "
		    "context"));
	return (0);
}

static void
connect_init(struct p_connect *c)
{
	memset(c, 0, sizeof(*c));
	c->provider_reason = -1;
	c->user.context = -1;
}

/* Bit 0 is version 1; absent means just that. */
static int
version_1(const struct normal_mode *n)
{
	return (!ASN1_HAS(n, N_VERSION) || (n->version.nbits > 0 &&
	    (n->version.p[0] & 0x80)));
}

int
cp_decode(struct p_connect *c, const uint8_t *p, size_t len,
    struct asn1_memory *m, int *x410, int *refuse, const char **why)
{
	struct cp			 cp = { 0 };
	const struct normal_mode	*n = &cp.normal;
	const struct context_item	*item;
	const struct asn1_octets	*transfer;
	uint32_t			 i, k;

	connect_init(c);
	*x410 = 0;
	*refuse = P_USER_DATA_NOT_READABLE;
	if (apdu_decode(&p_type_cp, p, len, &cp, m, why) == -1)
		return (-1);
	if (cp.mode.mode == MODE_X410) {
		*x410 = 1;
		return (0);
	}
	*refuse = P_REASON_NOT_SPECIFIED;
	if (cp.mode.mode != MODE_NORMAL)
		return (apdu_fail(why, "CP.mode-selector: neither x410-1984 nor "
		    "normal"));
	if (!ASN1_HAS(&cp, CP_NORMAL))
		return (apdu_fail(why, "CP: no normal-mode-parameters"));
	if (!version_1(n)) {
		*refuse = P_VERSION_NOT_SUPPORTED;
		return (apdu_fail(why, "CP.protocol-version: not version 1"));
	}
	c->calling = n->calling;
	c->called = n->called;
	c->default_context = ASN1_HAS(n, N_DEFAULT);
	item = n->contexts.p;
	for (i = 0; i < n->contexts.n; i++) {
		c->context[i].id = item[i].id;
		c->context[i].abstract = item[i].abstract;
		transfer = item[i].transfer.p;
		for (k = 0; k < item[i].transfer.n; k++)
			if (oid_equal(&transfer[k], &oid_basic_encoding))
				c->context[i].basic = 1;
		for (k = 0; k < i; k++)
			if (item[k].id == item[i].id)
				return (apdu_fail(why, "CP: a presentation "
				    "context identifier twice"));
	}
	c->ncontext = n->contexts.n;
	*refuse = ASN1_HAS(n, N_SIMPLE) ? P_DEFAULT_CONTEXT_NOT_SUPPORTED :
	    P_USER_DATA_NOT_READABLE;
	return (normal_user(c, n, why));
}

int
cp_encode(const struct p_connect *c, struct ibuf *ibuf)
{
	struct cp		 cp = { 0 };
	struct normal_mode	*n = &cp.normal;
	struct context_item	 item[P_CONTEXTS_MAX] = { 0 };
	struct asn1_octets	 basic = oid_basic_encoding;
	struct pdv_list		 pdv;
	uint32_t		 i;

	if (c->ncontext > P_CONTEXTS_MAX)
		return (-1);
	cp.mode.mode = MODE_NORMAL;
	ASN1_PUT(&cp.mode, 0);
	ASN1_PUT(&cp, CP_MODE);
	ASN1_PUT(&cp, CP_NORMAL);
	if ((n->calling = c->calling).len > 0)
		ASN1_PUT(n, N_CALLING);
	if ((n->called = c->called).len > 0)
		ASN1_PUT(n, N_CALLED);
	for (i = 0; i < c->ncontext; i++) {
		item[i].id = c->context[i].id;
		item[i].abstract = c->context[i].abstract;
		item[i].transfer.p = &basic;
		item[i].transfer.n = 1;
		item[i].a.present = 0x7;
	}
	n->contexts.p = item;
	n->contexts.n = c->ncontext;
	ASN1_PUT(n, N_CONTEXTS);
	if (c->user.context != -1) {
		put_value(&c->user, &pdv, &n->full);
		ASN1_PUT(n, N_FULL);
	}
	return (apdu_encode(&p_type_cp, &cp, 0, ibuf));
}

static void
take_results(struct p_connect *c, const struct normal_mode *n)
{
	const struct result_item	*item = n->results.p;
	uint32_t			 i;

	for (i = 0; i < n->results.n; i++) {
		c->context[i].result = item[i].result == P_ACCEPTANCE ?
		    P_ACCEPTANCE : item[i].result == P_USER_REJECTION ?
		    P_USER_REJECTION : P_PROVIDER_REJECTION;
		c->context[i].rejection = item[i].reason >= 0 &&
		    item[i].reason < 4 ? item[i].reason : 0;
		c->context[i].basic = ASN1_HAS(&item[i], RESULT_TRANSFER) ?
		    oid_equal(&item[i].transfer, &oid_basic_encoding) : 1;
	}
	c->ncontext = n->results.n;
	c->responding = n->responding;
}

static void
put_results(const struct p_connect *c, struct normal_mode *n,
    struct result_item *item)
{
	uint32_t	i;

	for (i = 0; i < c->ncontext; i++) {
		item[i].result = c->context[i].result;
		ASN1_PUT(&item[i], RESULT_RESULT);
		if (c->context[i].result == P_ACCEPTANCE) {
			item[i].transfer = oid_basic_encoding;
			ASN1_PUT(&item[i], RESULT_TRANSFER);
		} else if (c->context[i].result == P_PROVIDER_REJECTION) {
			item[i].reason = c->context[i].rejection;
			ASN1_PUT(&item[i], RESULT_REASON);
		}
	}
	n->results.p = item;
	n->results.n = c->ncontext;
	if (c->ncontext > 0)
		ASN1_PUT(n, N_RESULTS);
	if ((n->responding = c->responding).len > 0)
		ASN1_PUT(n, N_RESPONDING);
}

int
cpa_decode(struct p_connect *c, const uint8_t *p, size_t len,
    struct asn1_memory *m, const char **why)
{
	struct cp	cp = { 0 };

	connect_init(c);
	if (apdu_decode(&p_type_cp, p, len, &cp, m, why) == -1)
		return (-1);
	if (cp.mode.mode != MODE_NORMAL || !ASN1_HAS(&cp, CP_NORMAL))
		return (apdu_fail(why, "CPA: not in normal mode"));
	take_results(c, &cp.normal);
	return (normal_user(c, &cp.normal, why));
}

int
cpa_encode(const struct p_connect *c, struct ibuf *ibuf)
{
	struct cp		 cp = { 0 };
	struct result_item	 item[P_CONTEXTS_MAX] = { 0 };
	struct pdv_list		 pdv;

	if (c->ncontext > P_CONTEXTS_MAX)
		return (-1);
	cp.mode.mode = MODE_NORMAL;
	ASN1_PUT(&cp.mode, 0);
	ASN1_PUT(&cp, CP_MODE);
	ASN1_PUT(&cp, CP_NORMAL);
	put_results(c, &cp.normal, item);
	if (c->user.context != -1) {
		put_value(&c->user, &pdv, &cp.normal.full);
		ASN1_PUT(&cp.normal, N_FULL);
	}
	return (apdu_encode(&p_type_cp, &cp, 0, ibuf));
}

int
cpr_decode(struct p_connect *c, const uint8_t *p, size_t len,
    struct asn1_memory *m, const char **why)
{
	struct normal_mode	n = { 0 };

	connect_init(c);
	if (apdu_decode(&p_type_normal_mode, p, len, &n, m, why) == -1)
		return (-1);
	take_results(c, &n);
	if (ASN1_HAS(&n, N_REASON))
		c->provider_reason = n.reason < 0 ? 0 : n.reason;
	return (normal_user(c, &n, why));
}

int
cpr_encode(const struct p_connect *c, struct ibuf *ibuf)
{
	struct normal_mode	 n = { 0 };
	struct result_item	 item[P_CONTEXTS_MAX] = { 0 };
	struct pdv_list		 pdv;

	if (c->ncontext > P_CONTEXTS_MAX)
		return (-1);
	put_results(c, &n, item);
	if (c->provider_reason != -1) {
		n.reason = c->provider_reason;
		ASN1_PUT(&n, N_REASON);
	}
	if (c->user.context != -1) {
		put_value(&c->user, &pdv, &n.full);
		ASN1_PUT(&n, N_FULL);
	}
	return (apdu_encode(&p_type_normal_mode, &n, 0, ibuf));
}

int
p_abort_decode(struct p_abort *ab, const uint8_t *p, size_t len,
    struct asn1_memory *m, const char **why)
{
	struct aru	aru = { 0 };
	struct arp	arp = { 0 };

	memset(ab, 0, sizeof(*ab));
	ab->reason = -1;
	ab->user.context = -1;
	if (len > 0 && p[0] == 0x30) {
		ab->provider = 1;
		if (apdu_decode(&p_type_arp, p, len, &arp, m, why) == -1)
			return (-1);
		if (ASN1_HAS(&arp, ARP_REASON))
			ab->reason = arp.reason;
		return (0);
	}
	if (apdu_decode(&p_type_aru, p, len, &aru, m, why) == -1)
		return (-1);
	if (ASN1_HAS(&aru, ARU_FULL))
		return (user_value(&ab->user, &aru.full, why));
	return (0);
}

int
aru_encode(const struct p_value *v, struct ibuf *ibuf)
{
	struct aru		 aru = { 0 };
	struct identifier_item	 item = { 0 };
	struct pdv_list		 pdv;

	item.id = v->context;
	item.transfer = oid_basic_encoding;
	item.a.present = 0x3;
	aru.contexts.p = &item;
	aru.contexts.n = 1;
	ASN1_PUT(&aru, ARU_CONTEXTS);
	put_value(v, &pdv, &aru.full);
	ASN1_PUT(&aru, ARU_FULL);
	return (apdu_encode(&p_type_aru, &aru, 0, ibuf));
}

int
arp_encode(int reason, struct ibuf *ibuf)
{
	struct arp	arp = { 0 };

	arp.reason = reason;
	ASN1_PUT(&arp, ARP_REASON);
	return (apdu_encode(&p_type_arp, &arp, 0, ibuf));
}

int
p_user_data_decode(struct p_value *v, const uint8_t *p, size_t len,
    struct asn1_memory *m, const char **why)
{
	struct asn1_list	full = { 0 };

	v->context = -1;
	v->octets.len = 0;
	if (apdu_decode(&p_type_user_data, p, len, &full, m, why) == -1)
		return (-1);
	return (user_value(v, &full, why));
}

int
p_user_data_encode(const struct p_value *v, struct ibuf *ibuf)
{
	struct asn1_list	full;
	struct pdv_list		pdv;

	put_value(v, &pdv, &full);
	return (apdu_encode(&p_type_user_data, &full, 0, ibuf));
}
