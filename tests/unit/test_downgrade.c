/* SPDX-License-Identifier: ISC */

/*
 * Messages of 1988 for systems of 1984, and back: X.419 annex B, RFC 1328,
 * RFC 1615.  Tests with a number of the kind Q232656 are named after the
 * article that tells of the trouble the rule prevents.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "downgrade.h"
#include "oraddr.h"
#include "orname.h"

#define PMI_RESERVED	0x08
#define PRI_RESERVED	0x04

static struct message *
message(int type)
{
	static const char *const domain[] = { "GB", "GOLD 400", "ALPHA" };
	struct message *m = message_new();

	assert_non_null(m);
	m->type = type;
	m->content_type = type == MESSAGE_REPORT ? -1 : CONTENT_P22;
	strlcpy(m->id.domain.country, domain[0], UB_COUNTRY_NAME + 1);
	strlcpy(m->id.domain.admd, domain[1], UB_DOMAIN_NAME + 1);
	strlcpy(m->id.domain.prmd, domain[2], UB_DOMAIN_NAME + 1);
	strlcpy(m->id.local, "1", sizeof(m->id.local));
	m->trace = message_alloc(m, 4 * sizeof(*m->trace));
	m->ntrace = 1;
	m->trace[0].domain = m->id.domain;
	strlcpy(m->trace[0].arrival.text, "240101000000Z",
	    sizeof(m->trace[0].arrival.text));
	return (m);
}

static void
address(struct message *m, struct or_address *or, const char *text)
{
	const char *why = "";
	size_t where;

	if (or_address_parse(m, or, text, &where, &why) == -1)
		fail_msg("%s: %s at %zu", text, why, where);
}

/* The address, and that it becomes an O/R name of 1984. */
static void
assert_address(const struct or_address *or, const char *text)
{
	struct asn1_memory memory;
	struct or_name name;
	char buf[OR_TEXT_MAX];
	const char *why;

	or_address_print(or, buf, sizeof(buf), 0);
	assert_string_equal(buf, text);
	asn1_memory_init(&memory, 1 << 20);
	if (or_name_from_address(&name, or, &memory, &why) == -1)
		fail_msg("%s: %s", buf, why);
	/* Q188597: no empty standard attribute list */
	assert_true(name.standard.a.present != 0);
	asn1_memory_free(&memory);
}

static struct message *
user(const char *originator, const char *recipient)
{
	struct message *m = message(MESSAGE_USER);

	address(m, &m->originator, originator);
	m->recipient = message_alloc(m, sizeof(*m->recipient));
	m->nrecipient = 1;
	address(m, &m->recipient[0].name, recipient);
	m->recipient[0].number = 1;
	m->recipient[0].flags = PRI_RESPONSIBILITY | PRI_REPORT(1);
	return (m);
}

#define PLAIN	"/S=Doe/O=Works/PRMD=ALPHA/ADMD=GOLD 400/C=GB/"

static struct message *
plain(void)
{
	return (user(PLAIN, PLAIN));
}

static void
downgrade(struct message *m)
{
	const char *why = "";

	if (message_downgrade(m, &why) == -1)
		fail_msg("%s", why);
	assert_null(message_is_1988(m));
}

static void
cannot(struct message *m, const char *because)
{
	const char *why = "";

	assert_int_equal(message_downgrade(m, &why), -1);
	assert_string_equal(why, because);
	message_free(m);
}

/* What 1984 knows goes as it came. */
static void
test_of_1984(void **state)
{
	struct message *m = plain();
	const struct or_attr *attr = m->recipient[0].name.attr;

	downgrade(m);
	assert_ptr_equal(m->recipient[0].name.attr, attr);
	assert_address(&m->originator, PLAIN);
	assert_int_equal(m->recipient[0].flags,
	    PRI_RESPONSIBILITY | PRI_REPORT(1));
	message_free(m);
}

/* Names in a P1 of 1984 with a common name were refused. */
static void
test_q232656_common_name(void **state)
{
	struct message *m = user("/CN=Postmaster/O=A/ADMD=B/C=GB/",
	    "/CN=Dock/O=A/ADMD=B/C=GB/DD.x=y/");

	downgrade(m);
	assert_address(&m->originator,
	    "/O=A/ADMD=B/C=GB/DD.Common=Postmaster/");
	assert_address(&m->recipient[0].name,
	    "/O=A/ADMD=B/C=GB/DD.Common=Dock/DD.x=y/");
	assert_int_equal(message_upgrade(m), 0);
	assert_non_null(or_address_get(&m->originator, OR_CN));
	message_free(m);
}

/* Q188597: all that there was of 1984 went with the rest. */
static void
test_q188597_nothing_left(void **state)
{
	struct message *m = message(MESSAGE_REPORT);
	struct or_address *or;

	cannot(user("/CN=Postmaster/", PLAIN), "originator: no standard "
	    "attribute of 1984 in an O/R name");
	cannot(user(PLAIN, "/O=*M{200117}ller/"), "recipient 1: no standard "
	    "attribute of 1984 in an O/R name");
	cannot(user(PLAIN, "/DD.x=y/"), "recipient 1: no standard "
	    "attribute in an O/R name");

	/* A report goes without a name that it need not have. */
	address(m, &m->originator, PLAIN);
	m->reported = message_alloc(m, sizeof(*m->reported));
	m->nreported = 1;
	address(m, &m->reported[0].name, PLAIN);
	or = &m->reported[0].intended;
	address(m, or, "/CN=Postmaster/");
	downgrade(m);
	assert_true(OR_ABSENT(or));
	/* ... and with one that it can. */
	address(m, or, "/CN=Postmaster/C=GB/ADMD=B/");
	downgrade(m);
	assert_address(or, "/ADMD=B/C=GB/DD.Common=Postmaster/");
	message_free(m);
}

/* Q177862: what cannot go is told of, not passed to and fro. */
static void
test_q177862_says_why(void **state)
{
	struct message *m;

	m = plain();
	m->latest_delivery.criticality = EXT_TRANSFER;
	strlcpy(m->latest_delivery.time.text, "240101000000Z",
	    sizeof(m->latest_delivery.time.text));
	cannot(m, "latest-delivery-time is critical for transfer");

	m = plain();
	m->recipient[0].methods.n = 1;
	m->recipient[0].methods.criticality = EXT_TRANSFER | EXT_DELIVERY;
	cannot(m, "requested-delivery-method is critical for transfer");

	m = plain();
	m->content_type = -1;
	m->content_oid = message_memdup(m, "2.6.3.3.1", 9);
	cannot(m, "content type 2.6.3.3.1");

	m = plain();
	m->originator.nattr = 0;
	m->originator.directory = (uint8_t *)message_memdup(m, "0", 2);
	m->originator.directory_len = 2;
	cannot(m, "originator: an O/R name that is a directory name only");

	m = plain();
	m->originator.unknown = (uint8_t *)message_memdup(m, "0", 2);
	m->originator.unknown_len = 2;
	cannot(m, "originator: an extension attribute of an O/R name is not "
	    "known");
}

static void
add(struct message *m, struct extensions *v, int type, const char *oid,
    int criticality)
{
	struct extension e = { .type = type, .criticality = criticality,
	    .oid = (char *)(uintptr_t)oid };

	assert_int_equal(message_extension_add(m, v, &e), 0);
}

static void
test_extensions(void **state)
{
	static const int free_ones[] = { 0, EXT_SUBMISSION, EXT_DELIVERY };
	struct message *m;
	size_t i;

	for (i = 0; i < 3; i++) {
		m = plain();
		add(m, &m->extension, EXT_MESSAGE_SECURITY_LABEL, NULL,
		    free_ones[i]);
		add(m, &m->recipient[0].extension, EXT_MESSAGE_TOKEN, NULL,
		    free_ones[i]);
		m->reassignment_prohibited.set = 1;
		m->reassignment_prohibited.criticality = free_ones[i];
		m->correlator.kind = CORRELATOR_IA5;
		downgrade(m);
		assert_int_equal(m->extension.n, 0);
		assert_int_equal(m->recipient[0].extension.n, 0);
		assert_false(m->reassignment_prohibited.set);
		message_free(m);
	}
	m = plain();
	add(m, &m->extension, EXT_MESSAGE_SECURITY_LABEL, NULL, EXT_TRANSFER);
	cannot(m, "message-security-label is critical for transfer");
	m = plain();
	add(m, &m->recipient[0].extension, EXT_PRIVATE, "1.3.12.2.1011",
	    EXT_TRANSFER);
	cannot(m, "extension 1.3.12.2.1011 is critical for transfer");
	m = plain();
	add(m, &m->extension, 4711, NULL, EXT_TRANSFER);
	cannot(m, "extension 4711 is critical for transfer");
}

/* Q169299: the inner trace of one domain is a loop to another. */
static void
test_q169299_internal_trace(void **state)
{
	struct internal_trace_element e = { .mta = "alpha" };
	struct message *m = plain();

	m->internal.e = &e;
	m->internal.n = 1;
	m->internal.criticality = EXT_TRANSFER;
	downgrade(m);
	assert_int_equal(m->internal.n, 0);
	message_free(m);
}

/* RFC 1615 appendix A: a list in another domain, whose members are here. */
static void
test_trace_of_list(void **state)
{
	struct message *m = plain();
	int i;

	m->ntrace = 4;
	for (i = 0; i < 4; i++)
		snprintf(m->trace[i].domain.prmd,
		    sizeof(m->trace[i].domain.prmd), "P%d", i);
	m->trace[0].other_actions = TRACE_REDIRECTED;
	m->trace[2].other_actions = TRACE_DL_OPERATION;
	m->subject_trace = message_alloc(m, sizeof(*m->subject_trace));
	m->nsubject_trace = 1;
	m->subject_trace[0].other_actions = TRACE_REDIRECTED;
	downgrade(m);
	assert_int_equal(m->ntrace, 2);
	assert_string_equal(m->trace[0].domain.prmd, "P2");
	assert_string_equal(m->trace[1].domain.prmd, "P3");
	assert_int_equal(m->trace[0].other_actions, 0);
	assert_int_equal(m->nsubject_trace, 1);
	assert_int_equal(m->subject_trace[0].other_actions, 0);
	message_free(m);

	/* The last one is left, whatever it did. */
	m = plain();
	m->trace[0].other_actions = TRACE_REDIRECTED | 0x01;
	downgrade(m);
	assert_int_equal(m->ntrace, 1);
	assert_int_equal(m->trace[0].other_actions, 0);
	message_free(m);
}

/* Other forms of what is printable say nothing new. */
static void
test_teletex_beside(void **state)
{
	struct message *m = user("/S=Mueller*M{200117}ller/C=DE/ADMD=A/",
	    "/CN=Mueller*M{200117}ller/C=DE/ADMD=A/");

	downgrade(m);
	assert_address(&m->originator, "/S=Mueller/ADMD=A/C=DE/");
	assert_address(&m->recipient[0].name,
	    "/ADMD=A/C=DE/DD.Common=Mueller/");
	message_free(m);
}

/* Units and domain-defined attributes are seen in T.61. */
static void
test_teletex_alone(void **state)
{
	struct message *m = user("/OU1=*M{200117}ller/C=DE/ADMD=A/",
	    "/OU1={u4dc3bc6c6c6572}/C=DE/ADMD=A/DD.x={u4dc3bc}/");

	downgrade(m);
	assert_address(&m->originator, "/OU1=*M{200}uller/ADMD=A/C=DE/");
	assert_address(&m->recipient[0].name,
	    "/OU1=*M{200}uller/ADMD=A/C=DE/DD.x=*M{200}u/");
	message_free(m);

	m = user("/O=*M{200117}ller/C=DE/ADMD=A/", PLAIN);
	downgrade(m);
	/* RFC 2156 3.4: '*' is (042), '{' (123) and '}' (125) */
	assert_address(&m->originator, "/ADMD=A/C=DE/DD.X400-88="
	    "$/O$=(042)M(123)200(125)uller$/ADMD$=A$/C$=DE$//");
	assert_int_equal(message_upgrade(m), 0);
	assert_int_equal(m->originator.nattr, 3);
	assert_int_equal(or_address_get(&m->originator, OR_O)->charset,
	    OR_TELETEX);
	message_free(m);
}

/* RFC 1328 3.1, but that we have no gateway to name. */
static void
test_postal(void **state)
{
	static const char postal[] =
	    "/PRMD=XX/ADMD=ZZ/C=US/PD-ADDRESS=Empire State Building/";
	struct message *m = user(PLAIN, postal);
	struct or_address *or = &m->recipient[0].name, was = *or;

	downgrade(m);
	assert_address(or, "/PRMD=XX/ADMD=ZZ/C=US/DD.X400-88="
	    "$/PRMD$=XX$/ADMD$=ZZ$/C$=US$/PD-ADDRESS$=Empire State "
	    "Building$//");
	assert_int_equal(message_upgrade(m), 0);
	assert_int_equal(or_address_compare(or, &was), 0);
	message_free(m);
}

static void
test_overflow(void **state)
{
	char text[1024], a64[65];
	struct message *m;
	struct or_address *or, was;
	int i;

	memset(a64, 'a', 64);
	a64[64] = '\0';
	snprintf(text, sizeof(text), "/CN=%s/O=%s/DD.x=%s%s/ADMD=A/C=GB"
	    "/PD-BOX=%.30s/PD-PN=%.30s/PD-O=%.30s/", a64, a64, a64, a64, a64,
	    a64, a64);
	m = user(PLAIN, text);
	or = &m->recipient[0].name;
	was = *or;
	downgrade(m);
	assert_int_equal(or->nattr, 3 + 4);
	for (i = 3; i < 7; i++) {
		assert_int_equal(or->attr[i].type, OR_DDA);
		assert_true(or->attr[i].len <= 128);
		assert_true(i == 6 || or->attr[i].len == 128);
	}
	assert_string_equal(or->attr[3].dda_type, "X400-88");
	assert_string_equal(or->attr[6].dda_type, "X400-C3");
	assert_int_equal(message_upgrade(m), 0);
	assert_int_equal(or_address_compare(or, &was), 0);
	message_free(m);

	snprintf(text, sizeof(text), "/O=%s/DD.x=%s%s/DD.y=%s%s/DD.z=%s%s"
	    "/ADMD=A/C=GB/PD-BOX=%.30s/", a64, a64, a64, a64, a64, a64, a64,
	    a64);
	cannot(user(PLAIN, text), "recipient 1: an O/R address of 1988 is "
	    "longer than X400-C3");
}

/* A common name and four others: five would not do, so it is all one. */
static void
test_five_ddas(void **state)
{
	struct message *m = user(PLAIN, "/CN=c/C=GB/ADMD=A/DD.a=1/DD.b=2"
	    "/DD.c=3/DD.d=4/");
	struct or_address *or = &m->recipient[0].name, was = *or;

	downgrade(m);
	assert_address(or, "/ADMD=A/C=GB/DD.X400-88=$/CN$=c$/ADMD$=A$/C$=GB"
	    "$/DD.a$=1$/DD.b$=2$/DD.c$=3$/DD.d$=4$//");
	assert_int_equal(message_upgrade(m), 0);
	assert_int_equal(or_address_compare(or, &was), 0);
	message_free(m);
}

/* Nothing that a unit or a given name says without what stands above. */
static void
test_outer_makes_sense(void **state)
{
	struct message *m = user("/G=Jo/S=*D{200111}/OU1=*a{200117}/OU2=b"
	    "/PD-BOX=1/C=DE/ADMD=A/", "/OU1={u4dc5a0c3bce2829a}/OU2=b/S=Doe"
	    "/C=DE/ADMD=A/");
	struct or_address was[2];

	was[0] = m->originator;
	was[1] = m->recipient[0].name;
	downgrade(m);
	assert_null(or_address_get(&m->originator, OR_G));
	assert_non_null(or_address_get(&m->originator, OR_OU2));
	assert_null(or_address_get(&m->recipient[0].name, OR_OU2));
	assert_non_null(or_address_get(&m->recipient[0].name, OR_S));
	assert_int_equal(message_upgrade(m), 0);
	assert_int_equal(or_address_compare(&m->originator, &was[0]), 0);
	assert_int_equal(or_address_compare(&m->recipient[0].name, &was[1]),
	    0);
	message_free(m);
}

/* An address beside it holds all that a directory name does. */
static void
test_directory_name(void **state)
{
	struct message *m = plain();

	m->originator.directory = (uint8_t *)message_memdup(m, "0", 2);
	m->originator.directory_len = 2;
	downgrade(m);
	assert_int_equal(m->originator.directory_len, 0);
	assert_address(&m->originator, PLAIN);
	message_free(m);
}

/* Q191947: types that a system of 1984 does not know. */
static void
test_q191947_content_type(void **state)
{
	static const struct {
		const char	*oid;
		int		 type, becomes;
	} types[] = {
		{ NULL, 22, 2 }, { NULL, 2, 2 }, { NULL, 35, 35 },
		{ NULL, 0, 0 }, { "2.6.1.10.1", -1, 2 },
		{ "2.6.1.10.0", -1, 2 }, { "2.6.7.10.0", -1, 35 },
		{ "2.6.3.3.0", -1, 0 }
	};
	struct message *m;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		m = plain();
		m->content_type = types[i].type;
		if (types[i].oid != NULL)
			m->content_oid = message_memdup(m, types[i].oid,
			    strlen(types[i].oid));
		downgrade(m);
		assert_null(m->content_oid);
		assert_int_equal(m->content_type, types[i].becomes);
		message_free(m);
	}
}

static void
eits(struct eits *e, char **oids, uint32_t n)
{
	memset(e, 0, sizeof(*e));
	e->present = 1;
	e->nbits = 3;
	e->bits = 0x20000000;
	e->external = oids;
	e->nexternal = n;
}

static void
test_q191947_eits(void **state)
{
	static const char *const oids[] = {
		"2.6.3.4.2", "2.6.3.4.9", "2.6.3.4.10", "1.0.10021.7.1.0.6"
	};
	struct message *m = plain();

	eits(&m->original, (char **)(uintptr_t)oids, 2);
	eits(&m->trace[0].converted, (char **)(uintptr_t)oids, 4);
	downgrade(m);
	assert_int_equal(m->original.nexternal, 0);
	assert_int_equal(m->original.bits, 0x20400000);
	assert_int_equal(m->original.nbits, 10);
	/* ia5-text, mixed-mode, and what nobody knows: undefined */
	assert_int_equal(m->trace[0].converted.bits, 0xa0400000);
	message_free(m);
}

static void
test_flags(void **state)
{
	struct message *m = plain();

	m->indicators = PMI_DISCLOSURE | PMI_CONTENT_RETURN | PMI_RESERVED;
	m->recipient[0].flags |= PRI_RESERVED | PRI_USER_REPORT(2);
	m->bilateral = message_alloc(m, 2 * sizeof(*m->bilateral));
	m->nbilateral = 2;
	strlcpy(m->bilateral[0].prmd, "P", sizeof(m->bilateral[0].prmd));
	strlcpy(m->bilateral[1].admd, "A", sizeof(m->bilateral[1].admd));
	downgrade(m);
	assert_int_equal(m->indicators, PMI_DISCLOSURE | PMI_CONTENT_RETURN);
	assert_int_equal(m->recipient[0].flags, PRI_RESPONSIBILITY |
	    PRI_REPORT(1) | PRI_USER_REPORT(2));
	assert_int_equal(m->nbilateral, 1);
	assert_string_equal(m->bilateral[0].admd, "A");
	message_free(m);
}

static void
test_report(void **state)
{
	static const struct {
		int	reason, diagnostic, becomes, becomes_diagnostic;
	} codes[] = {
		{ 0, -1, 0, -1 }, { 1, 0, 1, 0 }, { 2, 11, 2, 11 },
		{ 2, 47, 2, 8 }, { 3, 31, 2, 8 }, { 6, -1, 1, -1 },
		{ 8, 46, 1, -1 }, { 1, 27, 1, 3 }, { 1, 49, 1, 5 },
		{ 1, 50, 1, -1 }, { 4711, 4711, 1, -1 }, { -5, 12, 1, 11 }
	};
	enum { N = sizeof(codes) / sizeof(codes[0]) };
	struct message *m = message(MESSAGE_REPORT);
	struct reported_recipient *r;
	size_t i;

	address(m, &m->originator, "/CN=Postmaster/ADMD=A/C=GB/");
	m->content_type = CONTENT_P22;
	m->original.present = 1;
	m->reported = message_alloc(m, (N + 1) * sizeof(*m->reported));
	m->nreported = N + 1;
	for (i = 0; i < N; i++) {
		r = &m->reported[i];
		address(m, &r->name, "/CN=c/ADMD=A/C=GB/");
		r->reason = codes[i].reason;
		r->diagnostic = codes[i].diagnostic;
		r->flags = 0xff;
		address(m, &r->intended, PLAIN);
		assert_int_equal(redirection_add(m, &r->redirection,
		    &r->intended, &m->trace[0].arrival, 0), 0);
		r->redirection.criticality = EXT_TRANSFER;
	}
	r = &m->reported[N];
	address(m, &r->name, PLAIN);
	r->delivered = 1;
	r->type_of_ua = 3;
	m->reporting_mta.present = 1;
	m->reporting_mta.criticality = EXT_TRANSFER;
	assert_int_equal(dl_expansion_add(m, &m->originator_and_dl,
	    &r->name, &m->trace[0].arrival, 2), 0);
	address(m, &m->reporting_dl.name, PLAIN);
	downgrade(m);
	assert_int_equal(m->content_type, -1);
	assert_address(&m->originator, "/ADMD=A/C=GB/DD.Common=Postmaster/");
	for (i = 0; i < N; i++) {
		r = &m->reported[i];
		assert_int_equal(r->reason, codes[i].becomes);
		assert_int_equal(r->diagnostic, codes[i].becomes_diagnostic);
		assert_int_equal(r->flags, 0xf8);
		assert_int_equal(r->redirection.n, 0);
		assert_address(&r->intended, PLAIN);
		assert_address(&r->name, "/ADMD=A/C=GB/DD.Common=c/");
	}
	assert_int_equal(r[1].type_of_ua, 1);
	assert_int_equal(m->originator_and_dl.n, 0);
	assert_true(OR_ABSENT(&m->reporting_dl.name));
	message_free(m);
}

static void
upgrades(const char *text, const char *becomes)
{
	struct message *m = user(text, text);
	char buf[OR_TEXT_MAX];

	assert_int_equal(message_upgrade(m), 0);
	or_address_print(&m->recipient[0].name, buf, sizeof(buf), 0);
	assert_string_equal(buf, becomes);
	message_free(m);
}

static void
stays(const char *text)
{
	upgrades(text, text);
}

/* RFC 1615 has "common-name", RFC 1649 "COMMON". */
static void
test_upgrade(void **state)
{
	struct message *m = plain();
	struct or_address *or = &m->originator;

	upgrades("/ADMD=A/C=GB/DD.Common=x/", "/CN=x/ADMD=A/C=GB/");
	upgrades("/ADMD=A/C=GB/DD.COMMON=x/", "/CN=x/ADMD=A/C=GB/");
	upgrades("/ADMD=A/C=GB/DD.common=x/DD.a=b/",
	    "/CN=x/ADMD=A/C=GB/DD.a=b/");
	/* Longer than a type may be, but so it was written. */
	address(m, or, "/ADMD=A/C=GB/DD.Common=x/");
	or->attr[2].dda_type = message_memdup(m, "Common-Name", 11);
	or->attr[2].dda_len = 11;
	assert_int_equal(message_upgrade(m), 0);
	assert_non_null(or_address_get(or, OR_CN));
	message_free(m);

	/* Which of two is it? */
	stays("/ADMD=A/C=GB/DD.Common=x/DD.common=y/");
	stays("/CN=z/ADMD=A/C=GB/DD.Common=x/");
	stays("/ADMD=A/C=GB/DD.Common=*M{200}u/");
	stays("/ADMD=A/C=GB/DD.Communal=x/");

	/* Attributes, and a whole address around which there is its own. */
	upgrades("/ADMD=A/C=GB/DD.x400-88=$/PD-PN$=Jo$//",
	    "/ADMD=A/C=GB/PD-PN=Jo/");
	upgrades("/ADMD=A/C=GB/DD.X400-88=$/CN$=/DD.X400-C1=x$/ADMD$=A$/C$"
	    "=GB$//", "/CN=x/ADMD=A/C=GB/");
	/* Of another gateway */
	stays("/O=MHS-Relay/PRMD=UK.AC/ADMD= /C=GB/DD.X400-88="
	    "$/PRMD$=XX$/ADMD$=ZZ$/C$=US$/PD-ADDRESS$=Empire$//");
	/* What would not go to the next system of 1984 */
	stays("/DD.X400-88=$/PD-PN$=Jo$//");
	/* Malformed */
	stays("/ADMD=A/C=GB/DD.X400-88=PD-PN/");
	stays("/ADMD=A/C=GB/DD.X400-88=$/PD-PN$=(z)$//");
	stays("/ADMD=A/C=GB/DD.X400-88=$/PD-PN$=(300)$//");
	stays("/ADMD=A/C=GB/DD.X400-88=$/PD-PN$=(000)$//");
	stays("/ADMD=A/C=GB/DD.X400-88=$/PD-PN$=Jo$//DD.X400-C2=x/");
	stays("/ADMD=A/C=GB/DD.X400-88=$/PD-PN$=a$//DD.X400-88=x/");
	stays("/ADMD=A/C=GB/DD.X400-88=/");
}

/* Random addresses */

static uint32_t seed;

static uint32_t
random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return ((seed >> 8) % n);
}

static void
random_value(struct message *m, struct or_attr *a)
{
	static const char printable[] =
	    "abcXYZ019 '()+,-./:=?", numeric[] = "0123456789";
	static const char *const universal[] = { "M\303\274", "\316\251x",
	    "\342\202\254", "a|b", "plain" };
	const struct or_spec *spec = &or_specs[a->type];
	char s[256];
	int i, n;

	n = 1 + random_below(spec->max < 40 ? spec->max : 40);
	a->charset = OR_PRINTABLE;
	for (i = 0; i < n; i++)
		s[i] = printable[random_below(sizeof(printable) - 1)];
	switch (spec->kind) {
	case KIND_COUNTRY:
		memcpy(s, "GB", n = 2);
		break;
	case KIND_NUMERIC:
		a->charset = OR_NUMERIC;
		for (i = 0; i < n; i++)
			s[i] = numeric[random_below(10)];
		break;
	case KIND_HEX:
		a->charset = OR_OCTETS;
		for (i = 0; i < n; i++)
			s[i] = random_below(256);
		break;
	case KIND_TERMINAL:
		a->charset = OR_NUMERIC;
		s[0] = '3' + random_below(6);
		n = 1;
		break;
	case KIND_DOMAIN:
		memcpy(s, "Domain", n = 6);
		break;
	case KIND_TELETEX:
	case KIND_DDA:
		if (random_below(4) == 0) {
			a->charset = OR_TELETEX;
			for (i = 0; i < n; i++)
				s[i] = 0xa1 + random_below(0x1f);
		} else if (random_below(8) == 0) {
			a->charset = OR_UNIVERSAL;
			n = snprintf(s, sizeof(s), "%s",
			    universal[random_below(5)]);
		}
		break;
	}
	a->len = n;
	assert_non_null(a->value = message_memdup(m, s, n));
}

static void
random_address(struct message *m, struct or_address *or)
{
	static const char *const types[] = { "a", "RFC-822", "common",
	    "X400-88", "x=/y" };
	struct or_attr *a, attr[UB_OR_ATTRIBUTES];
	const char *t;
	int i, type, often = 1 + random_below(12);
	uint16_t n = 0;

	for (type = 1; type < OR_TYPE_MAX; type++) {
		if (type == OR_DDA || (type != OR_C && type != OR_A &&
		    random_below(often) != 0) ||
		    (type > OR_OU1 && type <= OR_OU4 &&
		    (n == 0 || attr[n - 1].type != type - 1)))
			continue;
		a = &attr[n++];
		memset(a, 0, sizeof(*a));
		a->type = type;
		random_value(m, a);
		if (a->charset == OR_PRINTABLE &&
		    or_specs[type].kind == KIND_TELETEX &&
		    random_below(4) == 0) {
			attr[n] = *a;
			attr[n++].charset = OR_TELETEX;
		}
	}
	for (i = random_below(5); i > 0; i--) {
		a = &attr[n++];
		memset(a, 0, sizeof(*a));
		a->type = OR_DDA;
		random_value(m, a);
		t = types[random_below(5)];
		a->dda_len = strlen(t);
		a->dda_type = message_memdup(m, t, a->dda_len);
	}
	memset(or, 0, sizeof(*or));
	or->attr = (struct or_attr *)(void *)message_memdup(m, attr,
	    n * sizeof(*attr));
	or->nattr = n;
}

/*
 * Of the address what is to come back: not the other forms of what is
 * printable; units and domain-defined attributes in T.61 if they have it.
 */
static int
other_form(const struct or_address *or, const struct or_attr *a)
{
	const struct or_attr *b;
	uint16_t i;

	for (i = 0, b = or->attr; i < or->nattr; i++, b++)
		if (b->type == a->type && b->charset <= OR_NUMERIC &&
		    a->charset > OR_NUMERIC && (a->type != OR_DDA ||
		    strcmp(a->dda_type, b->dda_type) == 0))
			return (1);
	return (0);
}

static void
normal(struct message *m, struct or_address *or)
{
	struct or_address all = *or;
	struct or_attr *a;
	uint16_t i, n = 0;

	all.attr = (struct or_attr *)(void *)message_memdup(m, or->attr,
	    or->nattr * sizeof(*or->attr));
	for (i = 0; i < all.nattr; i++) {
		a = &all.attr[i];
		if (other_form(&all, a))
			continue;
		or->attr[n] = *a;
		a = &or->attr[n++];
		if (a->charset == OR_UNIVERSAL && (a->type == OR_DDA ||
		    (a->type >= OR_OU1 && a->type <= OR_OU4))) {
			if (strcmp(a->value, "M\303\274") == 0) {
				a->value = message_memdup(m, "M\310u", 3);
				a->len = 3;
				a->charset = OR_TELETEX;
			} else if (strcmp(a->value, "\316\251x") == 0) {
				a->value = message_memdup(m, "\340x", 2);
				a->len = 2;
				a->charset = OR_TELETEX;
			} else if (a->value[0] != '\342')
				a->charset = OR_TELETEX;
		}
	}
	or->nattr = n;
}

static int
exactly(const struct or_address *a, const struct or_address *b)
{
	return (or_address_compare(a, b) == 0);
}

static void
test_round_trip(void **state)
{
	struct or_address or, was, back;
	struct message *m;
	const char *why;
	char text[4096];
	int done = 0, wrapped = 0;

	for (seed = 1; seed < 400000000; seed += 19999) {
		uint32_t keep = seed;

		m = message_new();
		random_address(m, &or);
		assert_int_equal(or_address_copy(m, &was, &or), 0);
		if (or_address_downgrade(m, &or, &why) == 0) {
			done++;
			wrapped += or.nattr < was.nattr;
			assert_int_equal(or_address_copy(m, &back, &or), 0);
			or_address_print(&was, text, sizeof(text), 0);
			/* once is enough */
			assert_int_equal(or_address_downgrade(m, &back, &why),
			    0);
			assert_int_equal(or_address_compare(&back, &or), 0);
			assert_int_equal(or_address_upgrade(m, &back), 0);
			if (!exactly(&or, &was))
				normal(m, &was);
			/* It may have come from 1984 in the first place. */
			if (!exactly(&back, &was))
				assert_int_equal(or_address_upgrade(m, &was),
				    0);
			if (!exactly(&back, &was)) {
				or_address_print(&back, text, sizeof(text),
				    0);
				fail_msg("seed %u: %s", keep, text);
			}
		}
		message_free(m);
		seed = keep;
	}
	/* ... and it does come to that. */
	assert_true(done > 2000);
	assert_true(wrapped > 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_1984),
		cmocka_unit_test(test_q232656_common_name),
		cmocka_unit_test(test_q188597_nothing_left),
		cmocka_unit_test(test_q177862_says_why),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_q169299_internal_trace),
		cmocka_unit_test(test_trace_of_list),
		cmocka_unit_test(test_teletex_beside),
		cmocka_unit_test(test_teletex_alone),
		cmocka_unit_test(test_postal),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_five_ddas),
		cmocka_unit_test(test_outer_makes_sense),
		cmocka_unit_test(test_directory_name),
		cmocka_unit_test(test_q191947_content_type),
		cmocka_unit_test(test_q191947_eits),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_round_trip),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
