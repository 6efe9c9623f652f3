/* SPDX-License-Identifier: ISC */

/*
 * APDUs of reliable transfer in X.410-1984 mode: X.410-1984 clause 4,
 * figures 6 to 9; X.228 annex with mode x410-1984; credentials of
 * X.411-1984 3.5.  See rtspdu.h.
 *
 * What the tables say is the syntax as sent; what is bound to be refused
 * with a reason of its own is taken wide here and judged below.
 */

#include <string.h>

#include "apdu.h"
#include "imsg.h"
#include "rtspdu.h"

#define X409			0	/* DataTransferSyntax */
#define MODE_SELECTOR_NORMAL	1	/* X.226: the same place */
#define PROTOCOL_P1		1
#define WINDOW_DEFAULT		3

/* All values are on the stack; constructed strings are copied here. */
#define MEMORY_MAX		4096

static APDU_NAMED(type_syntax, "INTEGER", 0,
	{ X409, "x409" }, { MODE_SELECTOR_NORMAL, "normal-mode" });
static APDU_NAMED(type_protocol, "ApplicationProtocol", 0,
	{ PROTOCOL_P1, "p1" }, { 3, "p3" }, { 12, "mts-transfer-protocol" });

/* DataTransferSyntax ::= SET { [0] IMPLICIT INTEGER {x409(0)} } */
struct data_transfer_syntax {
	struct asn1_members	a;
	int64_t			syntax;
};

static const struct asn1_field data_transfer_syntax_rows[] = {
	{ "syntax", BER_CONTEXT(0), 0, &type_syntax,
	    ROW(data_transfer_syntax, syntax), 0, 0 },
};

static const struct asn1_type type_data_transfer_syntax = {
	.name = "DataTransferSyntax", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct data_transfer_syntax),
	ROWS(data_transfer_syntax_rows)
};

/*
 * Credentials inside of "open": NULL, or SET { mTAName, password } with or
 * without a tag [1].
 */
struct p1_credentials {
	struct asn1_members	a;
	struct asn1_octets	name;
	struct asn1_octets	password;
};

static const struct asn1_field credentials_rows[] = {
	{ "mTAName", BER_CONTEXT(0), ASN1_OPTIONAL, &apdu_mta_name,
	    ROW(p1_credentials, name), 0, 0 },
	{ "password", BER_CONTEXT(1), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &apdu_password, ROW(p1_credentials, password), 0, 0 },
};

static const struct asn1_type type_credentials = {
	.name = "Credentials", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_credentials),
	ROWS(credentials_rows)
};

enum { OPEN_TAGGED, OPEN_SET, OPEN_NULL };
struct open_any {
	struct asn1_choice	c;
	uint8_t			null;
	struct p1_credentials	credentials;
};

static const struct asn1_field open_any_rows[] = {
	{ "credentials", BER_CONTEXT(1), 0, &type_credentials,
	    ROW(open_any, credentials), 0, 0 },
	{ "credentials", 0, 0, &type_credentials,
	    ROW(open_any, credentials), 0, 0 },
	{ "null", 0, 0, &apdu_null, ROW(open_any, null), 0, 0 },
};

const struct asn1_type rts_type_open = {
	.name = "ConnectionData.open", .kind = ASN1_CHOICE,
	.size = sizeof(struct open_any), ROWS(open_any_rows)
};

/*
 * ConnectionData ::= CHOICE { open [0] ANY,
 * recover [1] IMPLICIT SessionConnectionIdentifier }
 * "open" is kept with its tag: it is seen empty.
 */
enum { DATA_OPEN, DATA_RECOVER };
struct connection_data {
	struct asn1_choice	c;
	struct asn1_octets	open;
	struct session_connection_identifier recover;
};

static const struct asn1_field connection_data_rows[] = {
	{ "open", BER_CONTEXT(0), 0, &apdu_any,
	    ROW(connection_data, open), 0, 0 },
	{ "recover", BER_CONTEXT(1), 0, &apdu_session_connection_identifier,
	    ROW(connection_data, recover), 0, 0 },
};

const struct asn1_type rts_type_connection_data = {
	.name = "ConnectionData", .kind = ASN1_CHOICE,
	.size = sizeof(struct connection_data), ROWS(connection_data_rows)
};

/* The part of PConnect and PAccept under [1]; data is a whole element. */
enum { PC_CHECKPOINT, PC_WINDOW, PC_DIALOGUE, PC_DATA, PC_PROTOCOL,
	PC_VERSION };
struct pconnect_data {
	struct asn1_members	a;
	int64_t			checkpoint;
	int64_t			window;
	int64_t			dialogue;
	struct asn1_octets	data;
	int64_t			protocol;
	int64_t			version;
};

static const struct asn1_field pconnect_data_rows[] = {
	{ "checkpointSize", BER_CONTEXT(0), ASN1_DEFAULT, &apdu_natural,
	    ROW(pconnect_data, checkpoint), 0, 0 },
	{ "windowSize", BER_CONTEXT(1), ASN1_DEFAULT, &apdu_natural,
	    ROW(pconnect_data, window), WINDOW_DEFAULT, 0 },
	{ "dialogueMode", BER_CONTEXT(2), ASN1_DEFAULT, &apdu_dialogue_mode,
	    ROW(pconnect_data, dialogue), DIALOGUE_MONOLOGUE, 0 },
	{ "connectionData", BER_CONTEXT(3), ASN1_EXPLICIT | ASN1_OPTIONAL,
	    &apdu_any, ROW(pconnect_data, data), 0, 0 },
	{ "applicationProtocol", BER_CONTEXT(4), ASN1_DEFAULT, &type_protocol,
	    ROW(pconnect_data, protocol), PROTOCOL_P1, 0 },
	{ "protocolVersion", BER_CONTEXT(5), ASN1_OPTIONAL, &apdu_natural,
	    ROW(pconnect_data, version), 0, 0 },
};

const struct asn1_type rts_type_pconnect_data = {
	.name = "PUserData", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct pconnect_data),
	ROWS(pconnect_data_rows)
};

enum { PA_CHECKPOINT, PA_WINDOW, PA_DATA };
static const struct asn1_field paccept_data_rows[] = {
	{ "checkpointSize", BER_CONTEXT(0), ASN1_DEFAULT, &apdu_natural,
	    ROW(pconnect_data, checkpoint), 0, 0 },
	{ "windowSize", BER_CONTEXT(1), ASN1_DEFAULT, &apdu_natural,
	    ROW(pconnect_data, window), WINDOW_DEFAULT, 0 },
	{ "connectionData", BER_CONTEXT(2), ASN1_EXPLICIT | ASN1_OPTIONAL,
	    &apdu_any, ROW(pconnect_data, data), 0, 0 },
};

const struct asn1_type rts_type_paccept_data = {
	.name = "PUserData", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct pconnect_data),
	ROWS(paccept_data_rows)
};

/* PConnect, PAccept ::= SET { [0] IMPLICIT DataTransferSyntax, [1] ... } */
enum { APDU_SYNTAX, APDU_DATA };
struct apdu {
	struct asn1_members		a;
	struct data_transfer_syntax	syntax;
	struct pconnect_data		data;
};

static const struct asn1_field pconnect_rows[] = {
	{ "dataTransferSyntax", BER_CONTEXT(0), 0, &type_data_transfer_syntax,
	    ROW(apdu, syntax), 0, 0 },
	{ "pUserData", BER_CONTEXT(1), ASN1_OPTIONAL, &rts_type_pconnect_data,
	    ROW(apdu, data), 0, 0 },
};

const struct asn1_type rts_type_pconnect = {
	.name = "PConnect", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct apdu), ROWS(pconnect_rows)
};

static const struct asn1_field paccept_rows[] = {
	{ "dataTransferSyntax", BER_CONTEXT(0), 0, &type_data_transfer_syntax,
	    ROW(apdu, syntax), 0, 0 },
	{ "pUserData", BER_CONTEXT(1), ASN1_OPTIONAL, &rts_type_paccept_data,
	    ROW(apdu, data), 0, 0 },
};

const struct asn1_type rts_type_paccept = {
	.name = "PAccept", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct apdu), ROWS(paccept_rows)
};

/* PRefuse ::= SET { [0] IMPLICIT RefuseReason } */
struct prefuse {
	struct asn1_members	a;
	int64_t			reason;
};

static const struct asn1_field prefuse_rows[] = {
	{ "refuseReason", BER_CONTEXT(0), 0, &apdu_refuse_reason,
	    ROW(prefuse, reason), 0, 0 },
};

const struct asn1_type rts_type_prefuse = {
	.name = "PRefuse", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct prefuse), ROWS(prefuse_rows)
};

/* AbortInformation: an untagged SET */
const struct asn1_type rts_type_abort = {
	.name = "AbortInformation", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct abort_fields),
	ROWS(apdu_abort_rows)
};

static int
decode_open(struct rts_connection_data *data, const struct asn1_octets *open,
    struct asn1_memory *m, const char **why)
{
	struct open_any		any = { 0 };
	struct asn1		a;
	struct ber		b, in;
	struct ber_element	e;
	struct p1_credentials	*c = &any.credentials;

	ber_init(&b, open->p, open->len);
	if (ber_next(&b, &e) != 1)
		return apdu_fail(why, "ConnectionData.open: malformed");
	ber_enter(&b, &e, &in);
	if (!e.h.constructed)
		return e.h.len == 0 ? 0 :
		    apdu_fail(why, "ConnectionData.open: primitive");
	/* Nothing, or nothing but end-of-contents. */
	if (in.p == in.end || (e.h.indefinite && in.p[0] == 0))
		return 0;
	asn1_init(&a, m);
	if (asn1_decode(&a, &rts_type_open, &in, &any) == -1)
		return apdu_fail(why, a.error);
	if (ber_next(&in, &e) != 0)
		return apdu_fail(why, "ConnectionData.open: more than one value");
	if (any.c.chosen == OPEN_NULL)
		return 0;
	if (apdu_string(data->credentials.name,
	    sizeof(data->credentials.name), &c->name) == -1)
		return apdu_fail(why, "credentials.mTAName: bad characters");
	if (apdu_string(data->credentials.password,
	    sizeof(data->credentials.password), &c->password) == -1)
		return apdu_fail(why, "credentials.password: bad characters");
	data->has_credentials = 1;
	return 0;
}

/* A reference as a session parameter carries it. */
static uint8_t
reference_put(uint8_t *buf, size_t size, uint8_t tag, const void *p,
    size_t len)
{
	if (len + 2 > size || len > 0x7f)
		return 0;
	buf[0] = tag;
	buf[1] = len;
	memcpy(buf + 2, p, len);
	return len + 2;
}

static int
decode_connection_data(struct rts_connection_data *data,
    const struct asn1_octets *any, struct asn1_memory *m, const char **why)
{
	struct connection_data	cd = { 0 };
	struct session_connection_identifier *id = &cd.recover;
	struct s_connection_id	*to = &data->recovered;

	if (any->len > 0 && (any->p[0] & 0xdf) == 0x81)
		data->recover = 1;
	if (apdu_decode(&rts_type_connection_data, any->p, any->len, &cd, m, why) ==
	    -1)
		return -1;
	if (cd.c.chosen == DATA_OPEN)
		return decode_open(data, &cd.open, m, why);
	/* X.410: a T61String in the CN, whatever the tag is here. */
	to->user_len = reference_put(to->user, sizeof(to->user),
	    BER_T61_STRING, id->user.p, id->user.len);
	to->common_len = reference_put(to->common, sizeof(to->common),
	    BER_UTC_TIME, id->common.p, id->common.len);
	if (ASN1_HAS(id, ID_ADDITIONAL) && id->additional.len > 0)
		to->additional_len = reference_put(to->additional,
		    sizeof(to->additional), BER_T61_STRING,
		    id->additional.p, id->additional.len);
	return 0;
}

int
pconnect_decode(struct pconnect *pc, const uint8_t *p, size_t len,
    int *refuse, const char **why)
{
	struct asn1_memory	m;
	struct apdu		apdu = { 0 };
	struct pconnect_data	*d = &apdu.data;
	int			r = -1;

	memset(pc, 0, sizeof(*pc));
	pc->version = -1;
	*refuse = RTS_VALIDATION_FAILURE;
	asn1_memory_init(&m, MEMORY_MAX);
	if (apdu_decode(&rts_type_pconnect, p, len, &apdu, &m, why) == -1)
		goto out;
	if (apdu.syntax.syntax == MODE_SELECTOR_NORMAL) {
		pc->normal = 1;
		r = 0;
		goto out;
	}
	if (apdu.syntax.syntax != X409) {
		apdu_fail(why, "PConnect.dataTransferSyntax: not x409");
		goto out;
	}
	if (!ASN1_HAS(&apdu, APDU_DATA)) {
		apdu_fail(why, "PConnect: no pUserData");
		goto out;
	}
	pc->checkpoint = d->checkpoint;
	pc->window = d->window;
	pc->protocol = d->protocol;
	if (ASN1_HAS(d, PC_VERSION))
		pc->version = d->version;
	if (d->dialogue != DIALOGUE_MONOLOGUE && d->dialogue != DIALOGUE_TWA) {
		*refuse = RTS_UNACCEPTABLE_DIALOGUE_MODE;
		apdu_fail(why, "PConnect.pUserData.dialogueMode: neither "
		    "monologue nor two-way alternate");
		goto out;
	}
	pc->dialogue = d->dialogue;
	r = 0;
	if (ASN1_HAS(d, PC_DATA))
		r = decode_connection_data(&pc->data, &d->data, &m, why);
	if (pc->data.recover)
		*refuse = RTS_CANNOT_RECOVER;
out:
	asn1_memory_free(&m);
	return r;
}

int
paccept_decode(struct paccept *pa, const uint8_t *p, size_t len,
    const char **why)
{
	struct asn1_memory	m;
	struct apdu		apdu = { 0 };
	struct pconnect_data	*d = &apdu.data;
	int			r = -1;

	memset(pa, 0, sizeof(*pa));
	asn1_memory_init(&m, MEMORY_MAX);
	if (apdu_decode(&rts_type_paccept, p, len, &apdu, &m, why) == -1)
		goto out;
	if (apdu.syntax.syntax != X409) {
		apdu_fail(why, "PAccept.dataTransferSyntax: not x409");
		goto out;
	}
	if (!ASN1_HAS(&apdu, APDU_DATA)) {
		apdu_fail(why, "PAccept: no pUserData");
		goto out;
	}
	pa->checkpoint = d->checkpoint;
	pa->window = d->window;
	r = 0;
	if (ASN1_HAS(d, PA_DATA))
		r = decode_connection_data(&pa->data, &d->data, &m, why);
out:
	asn1_memory_free(&m);
	return r;
}

int
prefuse_decode(int *reason, const uint8_t *p, size_t len, const char **why)
{
	struct asn1_memory	m;
	struct prefuse		v = { 0 };
	int			r;

	asn1_memory_init(&m, MEMORY_MAX);
	r = apdu_decode(&rts_type_prefuse, p, len, &v, &m, why);
	asn1_memory_free(&m);
	if (r == 0)
		*reason = v.reason;
	return r;
}

int
abort_decode(struct abort_information *info, const uint8_t *p, size_t len,
    const char **why)
{
	struct asn1_memory	m;
	struct abort_fields	v = { 0 };
	int			r = 0;

	asn1_memory_init(&m, MEMORY_MAX);
	if (len > 0 && (r = apdu_decode(&rts_type_abort, p, len, &v, &m,
	    why)) == -1)
		memset(&v, 0, sizeof(v));
	apdu_abort_get(&v, info);
	asn1_memory_free(&m);
	return r;
}

int
priority_decode(int *priority, const uint8_t *p, size_t len)
{
	struct asn1_memory	m;
	int64_t			v;
	const char		*why;
	int			r;

	asn1_memory_init(&m, MEMORY_MAX);
	if ((r = apdu_decode(&apdu_natural, p, len, &v, &m, &why)) == 0)
		*priority = v;
	asn1_memory_free(&m);
	return r;
}

/*
 * Encoding.  Default values are written out: so did the systems of the time,
 * and readers are known that get the defaults wrong.
 */

/* Contents of a reference; one that is no string element is all contents. */
static void
reference_get(const uint8_t *p, size_t len, const uint8_t **v, size_t *n)
{
	struct ber_header	 h;
	const char		*why;
	int			 used;

	*v = p;
	*n = len;
	used = ber_header(p, len, &h, &why);
	if (used > 0 && BER_CLASS(h.tag) == 0 && !h.constructed &&
	    h.len == len - used) {
		*v = p + used;
		*n = h.len;
	}
}

static void
reference_octets(const uint8_t *p, size_t len, uint32_t tag,
    struct asn1_octets *s)
{
	size_t	n;

	reference_get(p, len, &s->p, &n);
	s->len = n;
	s->tag = tag;
}

/* The element for [3] or [2]; its octets live in buf. */
static int
encode_connection_data(const struct rts_connection_data *data,
    struct ber_out *o, struct asn1_octets *any)
{
	struct asn1			 a;
	struct p1_credentials		 c = { 0 };
	struct session_connection_identifier id = { 0 };
	const struct s_connection_id	*from = &data->recovered;
	uint64_t			 mark;

	asn1_init(&a, NULL);
	ber_out_init(o);
	mark = ber_out_length(o);
	if (data->recover) {
		id.a.present = 1 << ID_USER | 1 << ID_COMMON;
		reference_octets(from->user, from->user_len, BER_T61_STRING,
		    &id.user);
		reference_octets(from->common, from->common_len,
		    BER_UTC_TIME, &id.common);
		reference_octets(from->additional, from->additional_len,
		    BER_T61_STRING, &id.additional);
		if (id.additional.len > 0)
			ASN1_PUT(&id, ID_ADDITIONAL);
		struct connection_data cd = {
			.c.chosen = DATA_RECOVER, .recover = id
		};
		if (asn1_encode(&a, &rts_type_connection_data, &cd, o) == -1)
			return -1;
	} else {
		struct open_any open = { .c.chosen = OPEN_NULL };

		if (data->has_credentials) {
			c.a.present = 3;
			c.name.p = (const uint8_t *)data->credentials.name;
			c.name.len = strlen(data->credentials.name);
			c.password.p =
			    (const uint8_t *)data->credentials.password;
			c.password.len = strlen(data->credentials.password);
			open.c.chosen = OPEN_TAGGED;
			open.credentials = c;
		}
		if (asn1_encode(&a, &rts_type_open, &open, o) == -1)
			return -1;
		ber_out_header(o, BER_CONTEXT(0), 1, mark);
	}
	any->p = o->buf + o->pos;
	any->len = o->size - o->pos;
	return o->error ? -1 : 0;
}

int
pconnect_encode(const struct pconnect *pc, struct ibuf *ibuf)
{
	struct ber_out		o;
	struct apdu		apdu = { .a.present = 3 };
	struct pconnect_data	*d = &apdu.data;
	int			r = -1;

	apdu.syntax.a.present = 1;
	apdu.syntax.syntax = X409;
	d->a.present = 1 << PC_CHECKPOINT | 1 << PC_WINDOW |
	    1 << PC_DIALOGUE | 1 << PC_DATA | 1 << PC_PROTOCOL;
	d->checkpoint = pc->checkpoint;
	d->window = pc->window;
	d->dialogue = pc->dialogue;
	d->protocol = pc->protocol;
	if (pc->version != -1) {
		ASN1_PUT(d, PC_VERSION);
		d->version = pc->version;
	}
	if (encode_connection_data(&pc->data, &o, &d->data) == 0)
		r = apdu_encode(&rts_type_pconnect, &apdu, 1, ibuf);
	ber_out_free(&o);
	return r;
}

int
paccept_encode(const struct paccept *pa, struct ibuf *ibuf)
{
	struct ber_out		o;
	struct apdu		apdu = { .a.present = 3 };
	struct pconnect_data	*d = &apdu.data;
	int			r = -1;

	apdu.syntax.a.present = 1;
	apdu.syntax.syntax = X409;
	d->a.present = 1 << PA_CHECKPOINT | 1 << PA_WINDOW | 1 << PA_DATA;
	d->checkpoint = pa->checkpoint;
	d->window = pa->window;
	if (encode_connection_data(&pa->data, &o, &d->data) == 0)
		r = apdu_encode(&rts_type_paccept, &apdu, 1, ibuf);
	ber_out_free(&o);
	return r;
}

int
prefuse_encode(int reason, struct ibuf *ibuf)
{
	struct prefuse	v = { .a.present = 1, .reason = reason };

	return apdu_encode(&rts_type_prefuse, &v, 1, ibuf);
}

int
abort_encode(const struct abort_information *info, struct ibuf *ibuf)
{
	struct abort_fields	v;

	apdu_abort_put(info, &v);
	return apdu_encode(&rts_type_abort, &v, 1, ibuf);
}

int
priority_encode(int priority, struct ibuf *ibuf)
{
	int64_t	v = priority;

	return apdu_encode(&apdu_natural, &v, 1, ibuf);
}

/* Connection and activity identifiers */

int
connection_id_make(struct s_connection_id *id, const char *name,
    const char *utctime, const char *additional)
{
	memset(id, 0, sizeof(*id));
	id->user_len = reference_put(id->user, sizeof(id->user),
	    BER_T61_STRING, name, strlen(name));
	id->common_len = reference_put(id->common, sizeof(id->common),
	    BER_UTC_TIME, utctime, strlen(utctime));
	if (additional != NULL && *additional != '\0') {
		id->additional_len = reference_put(id->additional,
		    sizeof(id->additional), BER_T61_STRING, additional,
		    strlen(additional));
		if (id->additional_len == 0)
			return -1;
	}
	return id->user_len == 0 || id->common_len == 0 ? -1 : 0;
}

static int
reference_compare(const uint8_t *p, size_t plen, const uint8_t *q,
    size_t qlen)
{
	const uint8_t	*v, *w;
	size_t		 n, m;

	reference_get(p, plen, &v, &n);
	reference_get(q, qlen, &w, &m);
	if (n != m)
		return n < m ? -1 : 1;
	return n == 0 ? 0 : memcmp(v, w, n);
}

/*
 * Contents are compared: the tag of a user reference differs between the CN
 * (T61String) and the PConnect of peers that write OCTET STRINGs.
 */
int
connection_id_compare(const struct s_connection_id *a,
    const struct s_connection_id *b)
{
	int	r;

	if ((r = reference_compare(a->user, a->user_len, b->user,
	    b->user_len)) != 0)
		return r;
	if ((r = reference_compare(a->common, a->common_len, b->common,
	    b->common_len)) != 0)
		return r;
	return reference_compare(a->additional, a->additional_len,
	    b->additional, b->additional_len);
}

static void
reference_print(const uint8_t *p, size_t len, char *buf, size_t size)
{
	const uint8_t	*v;
	size_t		 i, n;

	reference_get(p, len, &v, &n);
	for (i = 0; i < n && i + 1 < size; i++)
		buf[i] = v[i] > 0x20 && v[i] < 0x7f ? v[i] : '?';
	buf[i] = '\0';
}

int
connection_id_print(const struct s_connection_id *id, char *buf, size_t size)
{
	char	user[S_USER_REFERENCE_MAX + 1];
	char	common[S_COMMON_REFERENCE_MAX + 1];
	char	additional[S_ADDITIONAL_REFERENCE_MAX + 1];

	reference_print(id->user, id->user_len, user, sizeof(user));
	reference_print(id->common, id->common_len, common, sizeof(common));
	reference_print(id->additional, id->additional_len, additional,
	    sizeof(additional));
	return snprintf(buf, size, "%s %s%s%s", user, common,
	    additional[0] != '\0' ? " " : "", additional);
}

int
activity_id_make(struct activity_id *id, uint32_t n)
{
	struct ber_out	o;

	ber_out_init(&o);
	ber_out_integer(&o, BER_INTEGER, n);
	if (o.size - o.pos > sizeof(id->octets))
		return -1;
	memset(id, 0, sizeof(*id));
	id->len = o.size - o.pos;
	memcpy(id->octets, o.buf + o.pos, id->len);
	return 0;
}

int
activity_id_print(const struct activity_id *id, char *buf, size_t size)
{
	char	hex[2 * sizeof(id->octets) + 1] = "";
	int	i, n;

	if (priority_decode(&n, id->octets, id->len) == 0)
		return snprintf(buf, size, "%d", n);
	/* Not an INTEGER: as it is. */
	for (i = 0; i < id->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", id->octets[i]);
	return snprintf(buf, size, "0x%s", hex);
}
