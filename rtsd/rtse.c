/* SPDX-License-Identifier: ISC */

/*
 * RTSE APDUs of normal mode: X.228 clause 9; MTABind, X.411 clause 12.1.1
 * with figure 2.  See rtse.h.
 */

#include <string.h>

#include "apdu.h"
#include "imsg.h"
#include "rtse.h"

#define WINDOW_DEFAULT	3
#define MEMORY_MAX	4096

/* Initiator- and ResponderCredentials; [2] is in later editions. */
enum { CRED_SIMPLE, CRED_STRONG, CRED_PROTECTED, CRED_OTHER };
struct credentials_choice {
	struct asn1_choice	c;
	struct asn1_octets	simple;
	struct asn1_octets	other;
};

static const struct asn1_field credentials_rows[] = {
	{ "simple", 0, 0, &apdu_password, ROW(credentials_choice, simple),
	    0, 0 },
	{ "strong", BER_CONTEXT(0), 0, &apdu_any,
	    ROW(credentials_choice, other), 0, 0 },
	{ "protected", BER_CONTEXT(1), 0, &apdu_any,
	    ROW(credentials_choice, other), 0, 0 },
	{ "protected", BER_CONTEXT(2), 0, &apdu_any,
	    ROW(credentials_choice, other), 0, 0 },
};

static const struct asn1_type type_credentials = {
	.name = "Credentials", .kind = ASN1_CHOICE,
	.size = sizeof(struct credentials_choice), ROWS(credentials_rows)
};

/* MTABindArgument and -Result: NULL, or [1] SET { name, credentials, ... } */
struct authenticated {
	struct asn1_members	a;
	struct asn1_octets	name;
	struct credentials_choice credentials;
};

static const struct asn1_field authenticated_rows[] = {
	{ "name", BER_CONTEXT(0), 0, &apdu_mta_name,
	    ROW(authenticated, name), 0, 0 },
	{ "credentials", BER_CONTEXT(1), ASN1_EXPLICIT, &type_credentials,
	    ROW(authenticated, credentials), 0, 0 },
};

static const struct asn1_type type_authenticated = {
	.name = "authenticated", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct authenticated),
	ROWS(authenticated_rows)
};

enum { BIND_NULL, BIND_AUTHENTICATED };
struct mta_bind {
	struct asn1_choice	c;
	uint8_t			null;
	struct authenticated	authenticated;
};

static const struct asn1_field mta_bind_rows[] = {
	{ "unauthenticated", 0, 0, &apdu_null, ROW(mta_bind, null), 0, 0 },
	{ "authenticated", BER_CONTEXT(1), 0, &type_authenticated,
	    ROW(mta_bind, authenticated), 0, 0 },
};

static const struct asn1_type type_mta_bind = {
	.name = "MTABind", .kind = ASN1_CHOICE,
	.size = sizeof(struct mta_bind), ROWS(mta_bind_rows)
};

/* The BIND macro: argument [16], result [17], error [18], explicit. */
enum { MACRO_ARGUMENT, MACRO_RESULT };
struct bind_macro {
	struct asn1_choice	c;
	struct mta_bind		bind;
};

static const struct asn1_field bind_macro_rows[] = {
	{ "argument", BER_CONTEXT(16), ASN1_EXPLICIT, &type_mta_bind,
	    ROW(bind_macro, bind), 0, 0 },
	{ "result", BER_CONTEXT(17), ASN1_EXPLICIT, &type_mta_bind,
	    ROW(bind_macro, bind), 0, 0 },
};

static const struct asn1_type type_bind_macro = {
	.name = "MTABind", .kind = ASN1_CHOICE,
	.size = sizeof(struct bind_macro), ROWS(bind_macro_rows)
};

/* ConnectionData ::= CHOICE { open [0] ANY, recover [1] IMPLICIT ... } */
enum { DATA_OPEN, DATA_RECOVER };
struct connection_data {
	struct asn1_choice	c;
	struct bind_macro	open;
	struct session_connection_identifier recover;
};

static const struct asn1_field connection_data_rows[] = {
	{ "open", BER_CONTEXT(0), ASN1_EXPLICIT, &type_bind_macro,
	    ROW(connection_data, open), 0, 0 },
	{ "recover", BER_CONTEXT(1), 0, &apdu_session_connection_identifier,
	    ROW(connection_data, recover), 0, 0 },
};

const struct asn1_type rtse_type_connection_data = {
	.name = "ConnectionData", .kind = ASN1_CHOICE,
	.size = sizeof(struct connection_data), ROWS(connection_data_rows)
};

/* RTORQ and RTOAC; data is kept whole, to know recover from open first. */
enum { RT_CHECKPOINT, RT_WINDOW, RT_DIALOGUE, RT_DATA };
struct rto {
	struct asn1_members	a;
	int64_t			checkpoint;
	int64_t			window;
	int64_t			dialogue;
	struct asn1_octets	data;
};

static const struct asn1_field rtorq_rows[] = {
	{ "checkpointSize", BER_CONTEXT(0), ASN1_DEFAULT, &apdu_natural,
	    ROW(rto, checkpoint), 0, 0 },
	{ "windowSize", BER_CONTEXT(1), ASN1_DEFAULT, &apdu_natural,
	    ROW(rto, window), WINDOW_DEFAULT, 0 },
	{ "dialogueMode", BER_CONTEXT(2), ASN1_DEFAULT, &apdu_dialogue_mode,
	    ROW(rto, dialogue), DIALOGUE_MONOLOGUE, 0 },
	{ "connectionDataRQ", BER_CONTEXT(3), ASN1_EXPLICIT, &apdu_any,
	    ROW(rto, data), 0, 0 },
};

const struct asn1_type rtse_type_rtorq = {
	.name = "RTORQ", .kind = ASN1_SET, .tag = BER_CONTEXT(16),
	.flags = ASN1_OPEN, .size = sizeof(struct rto), ROWS(rtorq_rows)
};

enum { AC_CHECKPOINT, AC_WINDOW, AC_DATA };
static const struct asn1_field rtoac_rows[] = {
	{ "checkpointSize", BER_CONTEXT(0), ASN1_DEFAULT, &apdu_natural,
	    ROW(rto, checkpoint), 0, 0 },
	{ "windowSize", BER_CONTEXT(1), ASN1_DEFAULT, &apdu_natural,
	    ROW(rto, window), WINDOW_DEFAULT, 0 },
	{ "connectionDataAC", BER_CONTEXT(2), ASN1_EXPLICIT, &apdu_any,
	    ROW(rto, data), 0, 0 },
};

const struct asn1_type rtse_type_rtoac = {
	.name = "RTOAC", .kind = ASN1_SET, .tag = BER_CONTEXT(17),
	.flags = ASN1_OPEN, .size = sizeof(struct rto), ROWS(rtoac_rows)
};

/* RTORJ ::= SET { refuseReason [0] (X.410 mode only), userDataRJ [1] ANY } */
enum { RJ_REASON, RJ_USER };
struct rtorj {
	struct asn1_members	a;
	int64_t			reason;
	int64_t			error;
	struct asn1_octets	user;
};

static const struct asn1_field rtorj_rows[] = {
	{ "refuseReason", BER_CONTEXT(0), ASN1_OPTIONAL, &apdu_refuse_reason,
	    ROW(rtorj, reason), 0, 0 },
	{ "userDataRJ", BER_CONTEXT(1), ASN1_OPTIONAL | ASN1_EXPLICIT,
	    &apdu_any, ROW(rtorj, user), 0, 0 },
};

const struct asn1_type rtse_type_rtorj = {
	.name = "RTORJ", .kind = ASN1_SET, .tag = BER_CONTEXT(18),
	.flags = ASN1_OPEN, .size = sizeof(struct rtorj), ROWS(rtorj_rows)
};

static APDU_NAMED(type_error_value, "INTEGER", 0,
	{ 0, "busy" }, { 2, "authentication-error" },
	{ 3, "unacceptable-dialogue-mode" },
	{ 4, "unacceptable-security-context" });

/* MTABindError ::= INTEGER, as the error [18] of the macro */
struct bind_error {
	struct asn1_choice	c;
	int64_t			error;
};

static const struct asn1_field bind_error_rows[] = {
	{ "error", BER_CONTEXT(18), ASN1_EXPLICIT, &type_error_value,
	    ROW(bind_error, error), 0, 0 },
};

const struct asn1_type rtse_type_bind_error = {
	.name = "MTABindError", .kind = ASN1_CHOICE,
	.size = sizeof(struct bind_error), ROWS(bind_error_rows)
};

/* RTAB ::= SET { abortReason [0], reflectedParameter [1], userdataAB [2] } */
const struct asn1_type rtse_type_rtab = {
	.name = "RTAB", .kind = ASN1_SET, .tag = BER_CONTEXT(22),
	.flags = ASN1_OPEN, .size = sizeof(struct abort_fields),
	ROWS(apdu_abort_rows)
};

/* A reference as a session parameter carries it: tag, length, octets. */
static uint8_t
reference_put(uint8_t *buf, const struct asn1_octets *s)
{
	buf[0] = s->tag;
	buf[1] = s->len;
	if (s->len > 0)
		memcpy(buf + 2, s->p, s->len);
	return (s->len + 2);
}

static void
reference_get(const uint8_t *p, size_t len, uint32_t tag,
    struct asn1_octets *s)
{
	s->p = p;
	s->len = len;
	s->tag = tag;
	if (len >= 2 && p[0] < 0x20 && p[1] == len - 2) {
		s->tag = p[0];
		s->p = p + 2;
		s->len = len - 2;
	}
}

static int
decode_data(struct rts_connection_data *data, const struct asn1_octets *any,
    int macro, struct asn1_memory *m, const char **why)
{
	struct connection_data	 cd = { 0 };
	const struct mta_bind	*b = &cd.open.bind;
	const struct session_connection_identifier *id = &cd.recover;
	struct s_connection_id	*to = &data->recovered;

	if (any->len > 0 && (any->p[0] & 0xdf) == 0x81)
		data->recover = 1;
	if (apdu_decode(&rtse_type_connection_data, any->p, any->len, &cd, m,
	    why) == -1)
		return (-1);
	if (cd.c.chosen == DATA_RECOVER) {
		to->user_len = reference_put(to->user, &id->user);
		to->common_len = reference_put(to->common, &id->common);
		if (ASN1_HAS(id, ID_ADDITIONAL) && id->additional.len > 0)
			to->additional_len = reference_put(to->additional,
			    &id->additional);
		return (0);
	}
	if ((int)cd.open.c.chosen != macro)
		return (apdu_fail(why, macro == MACRO_ARGUMENT ?
		    "connectionData.open: not a bind argument" :
		    "connectionData.open: not a bind result"));
	if (b->c.chosen == BIND_NULL)
		return (0);
	if (b->authenticated.credentials.c.chosen != CRED_SIMPLE)
		return (apdu_fail(why, "MTABind: strong credentials, which are "
		    "not supported; simple ones were expected"));
	if (apdu_string(data->credentials.name,
	    sizeof(data->credentials.name), &b->authenticated.name) == -1)
		return (apdu_fail(why, "MTABind.name: bad characters"));
	if (apdu_string(data->credentials.password,
	    sizeof(data->credentials.password),
	    &b->authenticated.credentials.simple) == -1)
		return (apdu_fail(why, "MTABind.password: bad characters"));
	data->has_credentials = 1;
	return (0);
}

int
rtorq_decode(struct pconnect *pc, const uint8_t *p, size_t len, int *refuse,
    const char **why)
{
	struct asn1_memory	m;
	struct rto		v = { 0 };
	int			r = -1;

	memset(pc, 0, sizeof(*pc));
	pc->normal = 1;
	pc->version = -1;
	*refuse = RTS_VALIDATION_FAILURE;
	asn1_memory_init(&m, MEMORY_MAX);
	if (apdu_decode(&rtse_type_rtorq, p, len, &v, &m, why) == -1)
		goto out;
	pc->checkpoint = v.checkpoint;
	pc->window = v.window;
	pc->dialogue = v.dialogue;
	if (v.dialogue != DIALOGUE_MONOLOGUE && v.dialogue != DIALOGUE_TWA) {
		*refuse = RTS_UNACCEPTABLE_DIALOGUE_MODE;
		apdu_fail(why, "RTORQ.dialogueMode: neither monologue nor "
		    "two-way alternate");
		goto out;
	}
	r = decode_data(&pc->data, &v.data, MACRO_ARGUMENT, &m, why);
	if (pc->data.recover)
		*refuse = RTS_CANNOT_RECOVER;
out:
	asn1_memory_free(&m);
	return (r);
}

int
rtoac_decode(struct paccept *pa, const uint8_t *p, size_t len,
    const char **why)
{
	struct asn1_memory	m;
	struct rto		v = { 0 };
	int			r;

	memset(pa, 0, sizeof(*pa));
	asn1_memory_init(&m, MEMORY_MAX);
	if ((r = apdu_decode(&rtse_type_rtoac, p, len, &v, &m, why)) == 0) {
		pa->checkpoint = v.checkpoint;
		pa->window = v.window;
		r = decode_data(&pa->data, &v.data, MACRO_RESULT, &m, why);
	}
	asn1_memory_free(&m);
	return (r);
}

int
rtorj_decode(int *reason, const uint8_t *p, size_t len, const char **why)
{
	struct asn1_memory	m;
	struct rtorj		v = { 0 };
	struct bind_error	e = { 0 };
	int			r;

	asn1_memory_init(&m, MEMORY_MAX);
	if ((r = apdu_decode(&rtse_type_rtorj, p, len, &v, &m, why)) == 0) {
		*reason = RTS_CANNOT_RECOVER;
		if (ASN1_HAS(&v, RJ_USER)) {
			r = apdu_decode(&rtse_type_bind_error, v.user.p, v.user.len, &e,
			    &m, why);
			if (r == 0)
				*reason = e.error == 0 ? RTS_BUSY :
				    e.error == 3 ?
				    RTS_UNACCEPTABLE_DIALOGUE_MODE :
				    RTS_VALIDATION_FAILURE;
		} else if (ASN1_HAS(&v, RJ_REASON) && v.reason <=
		    RTS_UNACCEPTABLE_DIALOGUE_MODE)
			*reason = v.reason;
	}
	asn1_memory_free(&m);
	return (r);
}

int
rtab_decode(struct abort_information *info, const uint8_t *p, size_t len,
    const char **why)
{
	struct asn1_memory	m;
	struct abort_fields	v = { 0 };
	int			r;

	asn1_memory_init(&m, MEMORY_MAX);
	r = apdu_decode(&rtse_type_rtab, p, len, &v, &m, why);
	if (r == -1)
		memset(&v, 0, sizeof(v));
	apdu_abort_get(&v, info);
	asn1_memory_free(&m);
	return (r);
}

/* Encoding */

/* The element under connectionData; its octets live in o. */
static int
encode_data(const struct rts_connection_data *data, int macro,
    struct ber_out *o, struct asn1_octets *any)
{
	struct asn1		 a;
	struct connection_data	 cd = { 0 };
	struct mta_bind		*b = &cd.open.bind;
	struct session_connection_identifier *id = &cd.recover;
	const struct s_connection_id *from = &data->recovered;

	asn1_init(&a, NULL);
	ber_out_init(o);
	if (data->recover) {
		cd.c.chosen = DATA_RECOVER;
		id->a.present = 1 << ID_USER | 1 << ID_COMMON;
		reference_get(from->user, from->user_len, BER_OCTET_STRING,
		    &id->user);
		reference_get(from->common, from->common_len, BER_UTC_TIME,
		    &id->common);
		reference_get(from->additional, from->additional_len,
		    BER_T61_STRING, &id->additional);
		if (id->additional.len > 0)
			ASN1_PUT(id, ID_ADDITIONAL);
	} else {
		cd.c.chosen = DATA_OPEN;
		cd.open.c.chosen = macro;
		if (data->has_credentials) {
			struct authenticated *au = &b->authenticated;

			b->c.chosen = BIND_AUTHENTICATED;
			au->a.present = 3;
			au->name.p = (const uint8_t *)data->credentials.name;
			au->name.len = strlen(data->credentials.name);
			au->credentials.c.chosen = CRED_SIMPLE;
			au->credentials.simple.p =
			    (const uint8_t *)data->credentials.password;
			au->credentials.simple.len =
			    strlen(data->credentials.password);
			au->credentials.simple.tag = BER_IA5_STRING;
		}
	}
	if (asn1_encode(&a, &rtse_type_connection_data, &cd, o) == -1)
		return (-1);
	any->p = o->buf + o->pos;
	any->len = o->size - o->pos;
	return (o->error ? -1 : 0);
}

int
rtorq_encode(const struct pconnect *pc, struct ibuf *ibuf)
{
	struct ber_out	o;
	struct rto	v = { .a.present = 0xf };
	int		r = -1;

	v.checkpoint = pc->checkpoint;
	v.window = pc->window;
	v.dialogue = pc->dialogue;
	if (encode_data(&pc->data, MACRO_ARGUMENT, &o, &v.data) == 0)
		r = apdu_encode(&rtse_type_rtorq, &v, 0, ibuf);
	ber_out_free(&o);
	return (r);
}

int
rtoac_encode(const struct paccept *pa, struct ibuf *ibuf)
{
	struct ber_out	o;
	struct rto	v = { .a.present = 0x7 };
	int		r = -1;

	v.checkpoint = pa->checkpoint;
	v.window = pa->window;
	if (encode_data(&pa->data, MACRO_RESULT, &o, &v.data) == 0)
		r = apdu_encode(&rtse_type_rtoac, &v, 0, ibuf);
	ber_out_free(&o);
	return (r);
}

int
rtorj_encode(int reason, struct ibuf *ibuf)
{
	struct asn1		 a;
	struct rtorj		 v = { 0 };
	struct bind_error	 e = { 0 };
	struct ber_out		 o;
	int			 r = -1;

	ber_out_init(&o);
	if (reason == RTS_CANNOT_RECOVER)
		return (apdu_encode(&rtse_type_rtorj, &v, 0, ibuf));
	/* busy(0), authentication-error(2), unacceptable-dialogue-mode(3) */
	e.error = reason;
	asn1_init(&a, NULL);
	if (asn1_encode(&a, &rtse_type_bind_error, &e, &o) == 0 && !o.error) {
		v.user.p = o.buf + o.pos;
		v.user.len = o.size - o.pos;
		ASN1_PUT(&v, RJ_USER);
		r = apdu_encode(&rtse_type_rtorj, &v, 0, ibuf);
	}
	ber_out_free(&o);
	return (r);
}

int
rtab_encode(const struct abort_information *info, struct ibuf *ibuf)
{
	struct abort_fields	v;

	apdu_abort_put(info, &v);
	return (apdu_encode(&rtse_type_rtab, &v, 0, ibuf));
}
