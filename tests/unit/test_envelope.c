/* SPDX-License-Identifier: ISC */

/*
 * envelope.c, domain.c, envprint.c: a message survives its serialisation
 * exactly, no cut or changed serialisation does harm, and the texts are
 * right.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <time.h>
#include <cmocka.h>

#include "envelope.h"
#include "imsg.h"

static void
attr(struct message *m, struct or_address *or, int type, int charset,
    const char *value, size_t len, const char *dda)
{
	struct or_attr *a, *n;

	n = message_alloc(m, (or->nattr + 1) * sizeof(*n));
	assert_non_null(n);
	if (or->nattr > 0)
		memcpy(n, or->attr, or->nattr * sizeof(*n));
	or->attr = n;
	a = &n[or->nattr++];
	a->type = type;
	a->charset = charset;
	a->value = message_memdup(m, value, len);
	a->len = len;
	if (dda != NULL) {
		a->dda_type = message_memdup(m, dda, strlen(dda));
		a->dda_len = strlen(dda);
		a->dda_charset = OR_TELETEX;
	}
}

static void
address(struct message *m, struct or_address *or, const char *surname)
{
	attr(m, or, OR_C, OR_PRINTABLE, "GB", 2, NULL);
	attr(m, or, OR_A, OR_NUMERIC, "400", 3, NULL);
	attr(m, or, OR_S, OR_PRINTABLE, surname, strlen(surname), NULL);
	attr(m, or, OR_O, OR_TELETEX, "a\0\310u", 4, NULL);
	attr(m, or, OR_DDA, OR_PRINTABLE, "", 0, "fax");
}

static void
domain(struct global_domain *d, const char *prmd)
{
	strcpy(d->country, "234");
	d->country_numeric = 1;
	strcpy(d->admd, "GOLD 400");
	strcpy(d->prmd, prmd);
}

static void
trace(struct message *m, struct trace_element **t, uint32_t *n)
{
	*n = 2;
	*t = message_alloc(m, 2 * sizeof(**t));
	domain(&(*t)[0].domain, "ALPHA");
	strcpy((*t)[0].arrival.text, "870410120000+0130");
	(*t)[0].has_previous = 1;
	domain(&(*t)[0].previous, "BETA");
	(*t)[0].action = TRACE_REROUTED;
	domain(&(*t)[1].domain, "GAMMA");
	strcpy((*t)[1].arrival.text, "8704101200Z");
	strcpy((*t)[1].deferred.text, "8704111200Z");
	(*t)[1].other_actions = TRACE_REDIRECTED |
	    TRACE_DL_OPERATION;
	(*t)[1].converted.present = 1;
	(*t)[1].converted.nbits = 10;
	(*t)[1].converted.bits = 0x20400000;
	(*t)[1].converted.other = (uint8_t *)message_memdup(m, "\x81\0", 2);
	(*t)[1].converted.other_len = 2;
}

static struct message *
sample(int type)
{
	struct message *m;
	struct reported_recipient *r;

	m = message_new();
	assert_non_null(m);
	m->type = type;
	m->priority = PRIORITY_URGENT;
	m->indicators = PMI_DISCLOSURE | PMI_CONTENT_RETURN;
	m->has_content = type != MESSAGE_PROBE;
	m->content_type = 2;
	m->content_len = 0x123456789aULL;
	m->probe_length = type == MESSAGE_PROBE ? 4711 : -1;
	domain(&m->id.domain, "");
	strcpy(m->id.local, "870410.abc*1");
	address(m, &m->originator, "Originator");
	m->original.present = 1;
	m->original.nbits = 3;
	m->original.bits = 0x20000000;
	strcpy(m->content_id, "sixteen octets!!");
	m->has_content_id = 1;
	strcpy(m->deferred.text, "870410120000Z");
	m->nbilateral = 1;
	m->bilateral = message_alloc(m, sizeof(*m->bilateral));
	strcpy(m->bilateral->country, "FR");
	strcpy(m->bilateral->admd, "ATLAS");
	m->bilateral->admd_numeric = 1;
	m->bilateral->info = (uint8_t *)message_memdup(m, "\x04\x01x", 3);
	m->bilateral->info_len = 3;
	trace(m, &m->trace, &m->ntrace);
	if (type != MESSAGE_REPORT) {
		m->nrecipient = 2;
		m->recipient = message_alloc(m, 2 * sizeof(*m->recipient));
		address(m, &m->recipient[0].name, "One");
		m->recipient[0].number = 1;
		m->recipient[0].flags = PRI_RESPONSIBILITY | PRI_REPORT(2);
		address(m, &m->recipient[1].name, "Two");
		m->recipient[1].number = 0xfffffffe;
		m->recipient[1].has_conversion = 1;
		m->recipient[1].explicit_conversion = 9;
		return (m);
	}
	domain(&m->subject.domain, "SUBJ");
	strcpy(m->subject.local, "subject id");
	trace(m, &m->subject_trace, &m->nsubject_trace);
	m->billing = (uint8_t *)message_memdup(m, "", 0);
	m->nreported = 2;
	m->reported = message_alloc(m, 2 * sizeof(*m->reported));
	r = &m->reported[0];
	address(m, &r->name, "Delivered");
	r->number = 1;
	r->delivered = 1;
	strcpy(r->arrival.text, "8704101200Z");
	strcpy(r->delivery.text, "8704101201Z");
	r->type_of_ua = 1;
	r->diagnostic = -1;
	r++;
	address(m, &r->name, "Not");
	r->number = 2;
	r->flags = PRI_USER_REPORT(3);
	strcpy(r->arrival.text, "8704101200Z");
	r->converted.present = 1;
	r->type_of_ua = -1;
	r->reason = 1;
	r->diagnostic = -1;
	address(m, &r->intended, "Intended");
	r->supplementary = message_memdup(m, "gone away", 9);
	return (m);
}

static void
octets(struct message *m, uint8_t **p, uint32_t *len, const char *s)
{
	*p = (uint8_t *)message_memdup(m, s, strlen(s));
	*len = strlen(s);
}

static void
utc_set(struct utctime *t, const char *text)
{
	strcpy(t->text, text);
}

static void
extensions(struct message *m, struct extensions *v)
{
	struct extension e = { .type = EXT_MESSAGE_SECURITY_LABEL };

	octets(m, &e.value, &e.len, "1\002\002\001");
	assert_int_equal(message_extension_add(m, v, &e), 0);
	memset(&e, 0, sizeof(e));
	e.oid = message_memdup(m, "2.25.340282366920938463463374607431768211455",
	    44);
	e.criticality = EXT_TRANSFER;
	assert_int_equal(message_extension_add(m, v, &e), 0);
}

/* Everything of 1988 that there is place for. */
static void
extend(struct message *m)
{
	static const char dn[] = "0\013";
	struct internal_trace_element *t;
	struct utctime now;
	struct recipient *r;

	utc_set(&now, "881123160000Z");
	m->content_type = -1;
	m->content_oid = message_memdup(m, "2.6.1.10.1", 10);
	m->original.nexternal = 2;
	m->original.external = message_alloc(m, 2 * sizeof(char *));
	m->original.external[0] = message_memdup(m, "1.0.10021.7.1.0.1", 17);
	m->original.external[1] = message_memdup(m, "1.3.26.0.4406.0.4", 17);
	m->originator.directory = (uint8_t *)message_memdup(m, dn, 2);
	m->originator.directory_len = 2;
	m->originator.unknown = (uint8_t *)message_memdup(m, dn, 2);
	m->originator.unknown_len = 2;
	strcpy(m->bilateral->prmd, "PRIVATE");
	m->reassignment_prohibited.set = 1;
	m->reassignment_prohibited.criticality = EXT_DELIVERY;
	m->dl_expansion_prohibited.set = 1;
	m->conversion_loss_prohibited.set = 1;
	m->latest_delivery.time = now;
	m->latest_delivery.criticality = EXT_DELIVERY | EXT_TRANSFER;
	m->dl_exempted.n = 2;
	m->dl_exempted.name = message_alloc(m,
	    2 * sizeof(*m->dl_exempted.name));
	address(m, &m->dl_exempted.name[0], "Exempted");
	m->correlator.kind = CORRELATOR_IA5;
	octets(m, &m->correlator.octets, &m->correlator.len, "cor\nrelate");
	assert_int_equal(dl_expansion_add(m, &m->dl_expansion, &m->originator,
	    &now, UB_DL_EXPANSIONS), 0);
	assert_int_equal(dl_expansion_add(m, &m->dl_expansion, &m->originator,
	    &now, UB_DL_EXPANSIONS), 0);
	assert_int_equal(dl_expansion_add(m, &m->dl_expansion, &m->originator,
	    &now, 2), -1);
	m->internal.n = 2;
	m->internal.e = t = message_alloc(m, 2 * sizeof(*t));
	domain(&t->domain, "ALPHA");
	strcpy(t->mta, "relay");
	t->arrival = now;
	t->attempted = ATTEMPTED_MTA;
	strcpy(t->attempted_mta, "other");
	t[1] = t[0];
	t[1].action = TRACE_REROUTED;
	t[1].deferred = now;
	t[1].attempted = ATTEMPTED_DOMAIN;
	domain(&t[1].attempted_domain, "BETA");
	t[1].converted = m->original;
	t[1].other_actions = TRACE_DL_OPERATION;
	extensions(m, &m->extension);
	if (m->type != MESSAGE_REPORT) {
		r = &m->recipient[1];
		address(m, &r->alternate.name, "Alternate");
		r->alternate.criticality = EXT_SUBMISSION;
		r->methods.n = 2;
		r->methods.method = message_alloc(m, 4);
		r->methods.method[0] = 256;
		r->methods.method[1] = 1;
		assert_int_equal(redirection_add(m, &r->redirection, &r->name,
		    &now, REDIRECTION_ALIAS), 0);
		extensions(m, &r->extension);
		return;
	}
	assert_int_equal(redirection_add(m, &m->redirection, &m->originator,
	    &now, REDIRECTION_RECIPIENT_ASSIGNED), 0);
	m->originator_and_dl = m->dl_expansion;
	m->reporting_dl.name = m->originator;
	m->reporting_mta.present = 1;
	domain(&m->reporting_mta.domain, "ALPHA");
	strcpy(m->reporting_mta.mta, "relay");
	m->reporting_mta.directory = m->originator.directory;
	m->reporting_mta.directory_len = 2;
	extensions(m, &m->content_extension);
	assert_int_equal(redirection_add(m, &m->reported[1].redirection,
	    &m->originator, &now, 9), 0);
	extensions(m, &m->reported[0].extension);
}

static struct message *
sample_88(int type)
{
	struct message *m = sample(type);

	extend(m);
	return (m);
}

static struct ibuf *
serialised(const struct message *m)
{
	struct ibuf *b;

	assert_non_null(b = ibuf_dynamic(0, 8 * ENVELOPE_MAX));
	assert_int_equal(message_serialise(m, b), 0);
	return (b);
}

static void
same_address(const struct or_address *a, const struct or_address *b)
{
	int i;

	assert_int_equal(a->nattr, b->nattr);
	for (i = 0; i < a->nattr; i++) {
		assert_int_equal(a->attr[i].type, b->attr[i].type);
		assert_int_equal(a->attr[i].charset, b->attr[i].charset);
		assert_int_equal(a->attr[i].len, b->attr[i].len);
		assert_memory_equal(a->attr[i].value, b->attr[i].value,
		    a->attr[i].len + 1);
		assert_int_equal(a->attr[i].dda_len, b->attr[i].dda_len);
		assert_int_equal(a->attr[i].dda_charset,
		    b->attr[i].dda_charset);
		if (a->attr[i].dda_type == NULL)
			assert_null(b->attr[i].dda_type);
		else
			assert_string_equal(a->attr[i].dda_type,
			    b->attr[i].dda_type);
	}
}

static void
same_eits(const struct eits *a, const struct eits *b)
{
	assert_int_equal(a->present, b->present);
	assert_int_equal(a->nbits, b->nbits);
	assert_int_equal(a->bits, b->bits);
	assert_int_equal(a->other_len, b->other_len);
	if (a->other_len > 0)
		assert_memory_equal(a->other, b->other, a->other_len);
}

static void
same_trace(const struct trace_element *a, const struct trace_element *b,
    uint32_t n)
{
	for (; n > 0; n--, a++, b++) {
		assert_memory_equal(&a->domain, &b->domain,
		    sizeof(a->domain));
		assert_string_equal(a->arrival.text, b->arrival.text);
		assert_string_equal(a->deferred.text, b->deferred.text);
		assert_int_equal(a->action, b->action);
		assert_int_equal(a->other_actions, b->other_actions);
		same_eits(&a->converted, &b->converted);
		assert_int_equal(a->has_previous, b->has_previous);
		assert_memory_equal(&a->previous, &b->previous,
		    sizeof(a->previous));
	}
}

static void
same_message(const struct message *a, const struct message *b)
{
	const struct reported_recipient *x, *y;
	uint32_t i;

	assert_int_equal(a->type, b->type);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->indicators, b->indicators);
	assert_int_equal(a->has_content, b->has_content);
	assert_int_equal(a->content_type, b->content_type);
	assert_int_equal(a->content_len, b->content_len);
	assert_int_equal(a->probe_length, b->probe_length);
	assert_memory_equal(&a->id, &b->id, sizeof(a->id));
	same_address(&a->originator, &b->originator);
	same_eits(&a->original, &b->original);
	assert_string_equal(a->content_id, b->content_id);
	assert_int_equal(a->has_content_id, b->has_content_id);
	assert_string_equal(a->deferred.text, b->deferred.text);
	assert_int_equal(a->nbilateral, b->nbilateral);
	for (i = 0; i < a->nbilateral; i++) {
		assert_string_equal(a->bilateral[i].country,
		    b->bilateral[i].country);
		assert_string_equal(a->bilateral[i].admd,
		    b->bilateral[i].admd);
		assert_int_equal(a->bilateral[i].country_numeric,
		    b->bilateral[i].country_numeric);
		assert_int_equal(a->bilateral[i].admd_numeric,
		    b->bilateral[i].admd_numeric);
		assert_int_equal(a->bilateral[i].info_len,
		    b->bilateral[i].info_len);
		assert_memory_equal(a->bilateral[i].info,
		    b->bilateral[i].info, a->bilateral[i].info_len);
	}
	assert_int_equal(a->ntrace, b->ntrace);
	same_trace(a->trace, b->trace, a->ntrace);
	assert_int_equal(a->nrecipient, b->nrecipient);
	for (i = 0; i < a->nrecipient; i++) {
		same_address(&a->recipient[i].name, &b->recipient[i].name);
		assert_int_equal(a->recipient[i].number,
		    b->recipient[i].number);
		assert_int_equal(a->recipient[i].flags,
		    b->recipient[i].flags);
		assert_int_equal(a->recipient[i].has_conversion,
		    b->recipient[i].has_conversion);
		assert_int_equal(a->recipient[i].explicit_conversion,
		    b->recipient[i].explicit_conversion);
	}
	assert_memory_equal(&a->subject, &b->subject, sizeof(a->subject));
	assert_int_equal(a->nsubject_trace, b->nsubject_trace);
	same_trace(a->subject_trace, b->subject_trace, a->nsubject_trace);
	assert_int_equal(a->billing == NULL, b->billing == NULL);
	assert_int_equal(a->billing_len, b->billing_len);
	assert_int_equal(a->nreported, b->nreported);
	for (i = 0; i < a->nreported; i++) {
		x = &a->reported[i];
		y = &b->reported[i];
		same_address(&x->name, &y->name);
		assert_int_equal(x->number, y->number);
		assert_int_equal(x->flags, y->flags);
		assert_int_equal(x->delivered, y->delivered);
		assert_string_equal(x->arrival.text, y->arrival.text);
		same_eits(&x->converted, &y->converted);
		assert_string_equal(x->delivery.text, y->delivery.text);
		assert_int_equal(x->type_of_ua, y->type_of_ua);
		assert_int_equal(x->reason, y->reason);
		assert_int_equal(x->diagnostic, y->diagnostic);
		same_address(&x->intended, &y->intended);
		if (x->supplementary == NULL)
			assert_null(y->supplementary);
		else
			assert_string_equal(x->supplementary,
			    y->supplementary);
	}
}

static void
test_round_trip(void **state)
{
	struct message *m, *n;
	struct ibuf *b;
	int type;

	for (type = MESSAGE_USER; type <= MESSAGE_PROBE; type++) {
		m = sample(type);
		b = serialised(m);
		n = message_deserialise(ibuf_data(b), ibuf_size(b));
		assert_non_null(n);
		same_message(m, n);
		message_free(m);
		message_free(n);
		ibuf_free(b);
	}
}

static void
same_serialised(const struct message *a, const struct message *b)
{
	struct ibuf *x = serialised(a), *y = serialised(b);

	assert_int_equal(ibuf_size(x), ibuf_size(y));
	assert_memory_equal(ibuf_data(x), ibuf_data(y), ibuf_size(x));
	ibuf_free(x);
	ibuf_free(y);
}

/* All of 1988 comes back, in a copy that does not need the first message. */
static void
test_round_trip_88(void **state)
{
	struct message *m, *n, *want;
	int type;

	for (type = MESSAGE_USER; type <= MESSAGE_PROBE; type++) {
		m = sample_88(type);
		want = sample_88(type);
		assert_non_null(n = message_copy(m));
		message_free(m);
		same_message(want, n);
		same_serialised(want, n);
		assert_string_equal(n->content_oid, "2.6.1.10.1");
		assert_string_equal(n->original.external[1],
		    "1.3.26.0.4406.0.4");
		assert_int_equal(n->originator.directory_len, 2);
		assert_int_equal(n->latest_delivery.criticality,
		    EXT_DELIVERY | EXT_TRANSFER);
		assert_string_equal(n->internal.e[1].attempted_domain.prmd,
		    "BETA");
		assert_string_equal(n->bilateral->prmd, "PRIVATE");
		assert_int_equal(n->extension.e[0].type,
		    EXT_MESSAGE_SECURITY_LABEL);
		assert_int_equal(n->extension.n, 2);
		if (type == MESSAGE_REPORT) {
			assert_int_equal(n->reported[1].redirection.e->reason,
			    9);
			assert_int_equal(n->reporting_dl.name.nattr, 5);
		} else {
			assert_int_equal(n->recipient[1].methods.method[0],
			    256);
			assert_int_equal(n->recipient[0].extension.n, 0);
		}
		message_free(n);
		message_free(want);
	}
}

/* What a spool of the first version holds is still read. */
static void
test_version_1(void **state)
{
	struct message *m, *n;
	struct ibuf *b;
	uint32_t magic;
	size_t len;
	int type;

	for (type = MESSAGE_USER; type <= MESSAGE_PROBE; type++) {
		m = sample(type);
		b = serialised(m);
		memcpy(&magic, ibuf_data(b), sizeof(magic));
		assert_int_equal(magic, 0x4d544532);
		magic--;
		memcpy(ibuf_data(b), &magic, sizeof(magic));
		len = ibuf_size(b) - 4 - m->nrecipient - m->nreported;
		n = message_deserialise(ibuf_data(b), len);
		assert_non_null(n);
		same_message(m, n);
		same_serialised(m, n);
		message_free(n);
		assert_null(message_deserialise(ibuf_data(b), len + 1));
		assert_null(message_deserialise(ibuf_data(b), len - 1));
		ibuf_free(b);
		message_free(m);
	}
}

/* Added, found, told to be unknown, replaced, taken out. */
static void
test_extensions(void **state)
{
	struct message *m = sample_88(MESSAGE_USER);
	struct extensions *v = &m->extension;
	struct extension e = { .type = 4711, .criticality = EXT_DELIVERY };
	const struct extension *x;
	uint32_t i;

	x = message_extension_get(v, EXT_MESSAGE_SECURITY_LABEL);
	assert_ptr_equal(x, &v->e[0]);
	assert_null(message_extension_get(v, EXT_PRIVATE));
	assert_null(message_extension_get(v, EXT_MESSAGE_TOKEN));
	assert_null(message_extension_get_oid(v, "1.2.3"));
	x = message_extension_get_oid(v,
	    "2.25.340282366920938463463374607431768211455");
	assert_ptr_equal(x, &v->e[1]);
	assert_ptr_equal(message_extension_unsupported(v, EXT_TRANSFER), x);
	assert_null(message_extension_unsupported(v, EXT_DELIVERY));
	assert_int_equal(message_extension_add(m, v, &e), 0);
	assert_int_equal(v->n, 3);
	x = message_extension_unsupported(v, EXT_DELIVERY);
	assert_int_equal(x->type, 4711);
	e.criticality = 0;
	assert_int_equal(message_extension_add(m, v, &e), 0);
	assert_int_equal(v->n, 3);
	assert_null(message_extension_unsupported(v, EXT_DELIVERY));
	assert_int_equal(message_extension_remove(v,
	    EXT_MESSAGE_SECURITY_LABEL), 1);
	assert_int_equal(message_extension_remove(v,
	    EXT_MESSAGE_SECURITY_LABEL), 0);
	assert_int_equal(v->n, 2);
	assert_int_equal(v->e[1].type, 4711);
	for (i = 2; i < UB_EXTENSIONS; i++) {
		e.type = 1000 + i;
		assert_int_equal(message_extension_add(m, v, &e), 0);
	}
	e.type = 1;
	assert_int_equal(message_extension_add(m, v, &e), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(extension_name(EXT_LATEST_DELIVERY_TIME),
	    "latest-delivery-time");
	assert_string_equal(extension_name(46),
	    "certificate-selectors-override");
	assert_null(extension_name(0));
	assert_null(extension_name(47));
	assert_null(extension_name(-1));
	for (i = 1; i < EXT_TYPE_MAX; i++)
		assert_non_null(extension_name(i));
	message_free(m);
}

/* Copies of parts own what they have. */
static void
test_copies(void **state)
{
	struct message *m, *n = message_new(), *want;
	struct message *r, *wantr;

	m = sample_88(MESSAGE_USER);
	want = sample_88(MESSAGE_USER);
	r = sample_88(MESSAGE_REPORT);
	wantr = sample_88(MESSAGE_REPORT);
	n->recipient = message_alloc(n, 2 * sizeof(*n->recipient));
	n->nrecipient = 2;
	assert_int_equal(recipient_copy(n, &n->recipient[0],
	    &m->recipient[0]), 0);
	assert_int_equal(recipient_copy(n, &n->recipient[1],
	    &m->recipient[1]), 0);
	assert_int_equal(internal_trace_copy(n, &n->internal,
	    &m->internal), 0);
	assert_int_equal(dl_history_copy(n, &n->dl_expansion,
	    &m->dl_expansion), 0);
	n->type = MESSAGE_REPORT;
	n->reported = message_alloc(n, 2 * sizeof(*n->reported));
	n->nreported = 2;
	assert_int_equal(reported_recipient_copy(n, &n->reported[0],
	    &r->reported[0]), 0);
	assert_int_equal(reported_recipient_copy(n, &n->reported[1],
	    &r->reported[1]), 0);
	message_free(m);
	message_free(r);
	/* The same things, not copied. */
	assert_non_null(m = message_new());
	m->type = MESSAGE_REPORT;
	m->recipient = want->recipient;
	m->nrecipient = 2;
	m->internal = want->internal;
	m->dl_expansion = want->dl_expansion;
	m->reported = wantr->reported;
	m->nreported = 2;
	same_serialised(m, n);
	message_free(m);
	message_free(n);
	message_free(want);
	message_free(wantr);
}

static void
test_is_1988(void **state)
{
	struct message *m = sample(MESSAGE_USER);

	assert_null(message_is_1988(m));
	m->latest_delivery.time = m->deferred;
	assert_string_equal(message_is_1988(m), "latest-delivery-time");
	message_free(m);
	m = sample_88(MESSAGE_USER);
	assert_string_equal(message_is_1988(m), "an extended content-type");
	message_free(m);
}

/* An empty message has its defaults again. */
static void
test_empty(void **state)
{
	struct message *m, *n;
	struct ibuf *b;

	assert_non_null(m = message_new());
	b = serialised(m);
	assert_true(ibuf_size(b) < 100);
	n = message_deserialise(ibuf_data(b), ibuf_size(b));
	assert_non_null(n);
	assert_int_equal(n->content_type, -1);
	assert_int_equal(n->probe_length, -1);
	same_message(m, n);
	message_free(m);
	message_free(n);
	ibuf_free(b);
}

/* Exact memory, so that the sanitizer sees a read past the end. */
static struct message *
deserialise_copy(const void *p, size_t len)
{
	struct message *m;
	void *copy;

	assert_non_null(copy = malloc(len == 0 ? 1 : len));
	memcpy(copy, p, len);
	m = message_deserialise(copy, len);
	free(copy);
	return (m);
}

static void
test_cut(void **state)
{
	struct message *m;
	struct ibuf *b;
	size_t len;
	int type;

	for (type = 0; type < 6; type++) {
		m = type < 3 ? sample(type) : sample_88(type - 3);
		b = serialised(m);
		for (len = 0; len < ibuf_size(b); len++) {
			errno = 0;
			assert_null(deserialise_copy(ibuf_data(b), len));
			assert_int_equal(errno, EINVAL);
		}
		assert_int_equal(ibuf_add_n8(b, 0), 0);
		assert_null(deserialise_copy(ibuf_data(b), ibuf_size(b)));
		message_free(m);
		ibuf_free(b);
	}
}

/*
 * Every octet changed in some ways: refused, or a message that has that
 * very serialisation.
 */
static void
test_changed(void **state)
{
	struct message *m, *n;
	struct ibuf *b, *c;
	unsigned char *p, was;
	size_t i;
	int type, v, accepted = 0, refused = 0;

	for (type = 0; type < 6; type++) {
		m = type < 3 ? sample(type) : sample_88(type - 3);
		b = serialised(m);
		p = ibuf_data(b);
		for (i = 0; i < ibuf_size(b); i++) {
			was = p[i];
			for (v = 0; v < 20; v++) {
				p[i] = v < 10 ? v : v < 18 ?
				    was ^ 1 << (v - 10) : v == 18 ? 0xff : 100;
				n = deserialise_copy(p, ibuf_size(b));
				if (n == NULL) {
					refused++;
					continue;
				}
				accepted++;
				c = serialised(n);
				/* Version 1 is written as version 2. */
				if (i < 4) {
					ibuf_free(c);
					message_free(n);
					continue;
				}
				assert_int_equal(ibuf_size(c), ibuf_size(b));
				assert_memory_equal(ibuf_data(c), p,
				    ibuf_size(b));
				ibuf_free(c);
				message_free(n);
			}
			p[i] = was;
		}
		message_free(m);
		ibuf_free(b);
	}
	assert_true(accepted > 1000 && refused > 1000);
}

/* What no reader takes is not written, and the buffer is as it was. */
static void
test_unwritable(void **state)
{
	struct message *m;
	struct ibuf *b;

	m = sample(MESSAGE_USER);
	assert_non_null(b = ibuf_dynamic(0, ENVELOPE_MAX));
	assert_int_equal(ibuf_add(b, "before", 6), 0);
	m->recipient[1].name.attr[0].type = OR_TYPE_MAX;
	assert_int_equal(message_serialise(m, b), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ibuf_size(b), 6);
	m->recipient[1].name.attr[0].type = OR_C;
	m->recipient[1].name.attr[0].len = UB_OR_VALUE + 1;
	assert_int_equal(message_serialise(m, b), -1);
	m->recipient[1].name.attr[0].len = 2;
	assert_int_equal(message_serialise(m, b), 0);
	m->ntrace = UB_TRACE + 1;
	assert_int_equal(message_serialise(m, b), -1);
	message_free(m);
	ibuf_free(b);
}

/* As many recipients as there may be; memory grows with them only. */
static void
test_recipients(void **state)
{
	struct message *m, *n;
	struct ibuf *b;
	uint32_t i;

	assert_non_null(m = message_new());
	m->nrecipient = UB_RECIPIENTS;
	m->recipient = message_alloc(m, UB_RECIPIENTS * sizeof(*m->recipient));
	assert_non_null(m->recipient);
	for (i = 0; i < UB_RECIPIENTS; i++) {
		m->recipient[i].number = i + 1;
		attr(m, &m->recipient[i].name, OR_C, OR_PRINTABLE, "GB", 2,
		    NULL);
	}
	b = serialised(m);
	n = message_deserialise(ibuf_data(b), ibuf_size(b));
	assert_non_null(n);
	same_message(m, n);
	message_free(n);
	/* A count that the octets cannot hold costs nothing. */
	assert_int_equal(ibuf_truncate(b, 200), 0);
	assert_null(message_deserialise(ibuf_data(b), ibuf_size(b)));
	message_free(m);
	ibuf_free(b);
}

static void
test_arena(void **state)
{
	struct message *m;
	unsigned char *p[2000];
	size_t i, j, len;

	assert_non_null(m = message_new());
	for (i = 0; i < 2000; i++) {
		len = (i * 7919) % (i % 50 == 0 ? 100000 : 300);
		assert_non_null(p[i] = message_alloc(m, len));
		assert_int_equal((uintptr_t)p[i] % sizeof(void *), 0);
		for (j = 0; j < len; j++)
			assert_int_equal(p[i][j], 0);
		memset(p[i], (int)(i & 0xff), len);
	}
	for (i = 0; i < 2000; i++) {
		len = (i * 7919) % (i % 50 == 0 ? 100000 : 300);
		for (j = 0; j < len; j++)
			assert_int_equal(p[i][j], i & 0xff);
	}
	assert_null(message_alloc(m, SIZE_MAX));
	assert_null(message_memdup(m, "", SIZE_MAX));
	message_free(m);
	message_free(NULL);
}

static void
test_copy(void **state)
{
	struct message *m, *n;
	struct or_address or;

	m = sample(MESSAGE_USER);
	n = sample(MESSAGE_USER);
	assert_int_equal(or_address_copy(n, &or, &m->originator), 0);
	same_address(&or, &n->originator);
	message_free(m);
	same_address(&or, &n->originator);
	message_free(n);
}

static void
test_priority(void **state)
{
	assert_int_equal(priority_parse("urgent"), PRIORITY_URGENT);
	assert_int_equal(priority_parse("Non-Urgent"), PRIORITY_NON_URGENT);
	assert_int_equal(priority_parse("normal"), PRIORITY_NORMAL);
	assert_int_equal(priority_parse("nonurgent"), -1);
	assert_int_equal(priority_parse(""), -1);
	assert_string_equal(priority_name(PRIORITY_URGENT), "urgent");
	assert_string_equal(priority_name(3), "unknown");
	assert_string_equal(priority_name(-1), "unknown");
}

static void
utc(const char *text, time_t want)
{
	struct utctime t;

	memset(&t, 0, sizeof(t));
	strncpy(t.text, text, sizeof(t.text) - 1);
	if (utctime_get(&t) != want)
		fail_msg("%s: %lld, not %lld", text,
		    (long long)utctime_get(&t), (long long)want);
}

static void
test_utctime(void **state)
{
	struct utctime t;
	struct tm tm;
	time_t now = time(NULL), then;
	int year, this;

	utctime_set(&t, 951782400);
	assert_string_equal(t.text, "000229000000Z");
	utc("000229000000Z", 951782400);
	utc("0002290000Z", 951782400);
	utc("0002290130+0130", 951782400);
	utc("000228223000-0130", 951782400);
	utc("870410120000Z", 545054400);
	utc("", -1);
	utc("000229000000", -1);
	utc("0002290000", -1);
	utc("000229000000Zx", -1);
	utc("000229000000z", -1);
	utc("000230000000Z", -1);
	utc("010229000000Z", -1);
	utc("001301000000Z", -1);
	utc("000100000000Z", -1);
	utc("000101240000Z", -1);
	utc("000101006000Z", -1);
	utc("000101000060Z", -1);
	utc("00010100000Z", -1);
	utc("0001010000+01", -1);
	utc("0001010000+0160", -1);
	utc("0001010000+01000", -1);
	utc("00010 0000Z", -1);
	utc("-00101000000Z", -1);
	/* The window slides with the present year. */
	gmtime_r(&now, &tm);
	this = tm.tm_year;
	for (year = this - 10; year <= this + 40; year++) {
		memset(&tm, 0, sizeof(tm));
		tm.tm_year = year;
		tm.tm_mon = 5;
		tm.tm_mday = 7;
		then = timegm(&tm);
		utctime_set(&t, then);
		assert_int_equal(utctime_get(&t), then);
	}
}

static void
bad_domain(const char *text, size_t want)
{
	struct global_domain d;
	const char *why = NULL;
	size_t where = 999;

	memset(&d, 0, sizeof(d));
	assert_int_equal(global_domain_parse(text, &d, &where, &why), -1);
	assert_non_null(why);
	if (where != want)
		fail_msg("%s: at %zu (%s), not %zu", text, where, why, want);
	assert_string_equal(d.country, "");
}

static void
test_domain(void **state)
{
	struct global_domain d, e;
	struct mts_identifier id;
	const char *why;
	size_t where;
	char buf[128], small[8];
	int n;

	assert_int_equal(global_domain_parse("/C=GB/ADMD=GOLD 400/PRMD=ALPHA",
	    &d, &where, &why), 0);
	assert_string_equal(d.country, "GB");
	assert_string_equal(d.admd, "GOLD 400");
	assert_string_equal(d.prmd, "ALPHA");
	assert_int_equal(d.admd_numeric, 0);
	n = global_domain_print(&d, buf, sizeof(buf));
	assert_string_equal(buf, "/C=GB/ADMD=GOLD 400/PRMD=ALPHA");
	assert_int_equal(n, strlen(buf));
	assert_int_equal(global_domain_print(&d, small, sizeof(small)), n);
	assert_string_equal(small, "/C=GB/A");
	assert_int_equal(global_domain_print(&d, NULL, 0), n);

	assert_int_equal(global_domain_parse("p=alpha; a=gold  400 ; c=gb",
	    &e, &where, &why), 0);
	assert_int_equal(global_domain_compare(&d, &e), 0);
	assert_int_equal(global_domain_parse("/C=GB/A=GOLD400/P=ALPHA/", &e,
	    &where, &why), 0);
	assert_int_not_equal(global_domain_compare(&d, &e), 0);
	assert_int_equal(global_domain_parse("/C=234/ADMD=400/", &e, &where,
	    &why), 0);
	assert_int_equal(e.country_numeric + e.admd_numeric, 2);
	assert_string_equal(e.prmd, "");
	assert_int_equal(global_domain_parse("C=GB/P=a//b", &e, &where,
	    &why), 0);
	assert_string_equal(e.prmd, "a/b");
	assert_string_equal(e.admd, " ");
	global_domain_print(&e, buf, sizeof(buf));
	assert_string_equal(buf, "/C=GB/ADMD= /PRMD=a//b");
	assert_int_equal(global_domain_parse(buf, &d, &where, &why), 0);
	assert_memory_equal(&d, &e, sizeof(d));

	bad_domain("", 0);
	bad_domain("/ADMD=GOLD", 10);
	bad_domain("/C=GB/O=x", 6);
	bad_domain("/C=GB/ADMD", 6);
	bad_domain("/C=GBXX", 6);
	bad_domain("/C=G1/A=x", 3);
	bad_domain("/C=12/A=x", 3);
	bad_domain("/C=GB/C=FR", 6);
	bad_domain("/C=GB/A=a_b", 9);
	bad_domain("/C=/A=a", 3);
	bad_domain("/C=GB/P=12345678901234567", 24);

	memset(&id, 0, sizeof(id));
	id.domain = e;
	strcpy(id.local, "x\033[1");
	mts_identifier_print(&id, buf, sizeof(buf));
	assert_string_equal(buf, "[/PRMD=a//b/ADMD= /C=GB/;x?[1]");
}

static void
printed(int type, const char *want)
{
	struct message *m;
	char *text;
	size_t len;
	FILE *f;

	m = sample(type);
	strcpy(m->content_id, "esc\033[0m");
	assert_non_null(f = open_memstream(&text, &len));
	assert_int_equal(message_print(m, f), 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
	message_free(m);
}

#define ADDRESS(s)	"/S=" s "/O=*a{000}{200}u/ADMD=400/C=GB/DD.*fax=/"
#define TRACE(name)							\
	name ": arrival=870410120000+0130; action=rerouted; "		\
	    "previous=/C=234/ADMD=GOLD 400/PRMD=BETA; "			\
	    "domain=/C=234/ADMD=GOLD 400/PRMD=ALPHA\n"			\
	name ": arrival=8704101200Z; deferred=8704111200Z; "		\
	    "action=relayed; other-action=redirected; "			\
	    "other-action=dl-operation; "				\
	    "converted=ia5-text,mixed-mode,non-basic-parameters:8100; "	\
	    "domain=/C=234/ADMD=GOLD 400/PRMD=GAMMA\n"

static void
test_print(void **state)
{
	printed(MESSAGE_USER,
	    "message-type: user\n"
	    "message-identifier: [/ADMD=GOLD 400/C=234/;870410.abc*1]\n"
	    "originator-name: " ADDRESS("Originator") "\n"
	    "original-encoded-information-types: ia5-text\n"
	    "content-type: 2 (P2)\n"
	    "content-identifier: esc?[0m\n"
	    "content-length: 78187493530\n"
	    "priority: urgent\n"
	    "per-message-indicators: disclosure-of-recipients,"
	    "content-return-request\n"
	    "deferred-delivery-time: 870410120000Z\n"
	    "per-domain-bilateral-information: info=040178; country=FR; "
	    "admd=ATLAS\n"
	    TRACE("trace-information")
	    "recipient-name: number=1; responsibility=yes; "
	    "report=confirmed; user-report=none; address=" ADDRESS("One") "\n"
	    "recipient-name: number=4294967294; responsibility=no; "
	    "report=none; user-report=none; explicit-conversion=9; "
	    "address=" ADDRESS("Two") "\n");
	printed(MESSAGE_REPORT,
	    "message-type: report\n"
	    "report-identifier: [/ADMD=GOLD 400/C=234/;870410.abc*1]\n"
	    "report-destination-name: " ADDRESS("Originator") "\n"
	    "original-encoded-information-types: ia5-text\n"
	    "content-type: 2 (P2)\n"
	    "content-identifier: esc?[0m\n"
	    "content-length: 78187493530\n"
	    "per-message-indicators: disclosure-of-recipients,"
	    "content-return-request\n"
	    "deferred-delivery-time: 870410120000Z\n"
	    "per-domain-bilateral-information: info=040178; country=FR; "
	    "admd=ATLAS\n"
	    TRACE("trace-information")
	    "subject-identifier: "
	    "[/PRMD=SUBJ/ADMD=GOLD 400/C=234/;subject id]\n"
	    TRACE("subject-intermediate-trace-information")
	    "additional-information: \n"
	    "reported-recipient-name: number=1; responsibility=no; "
	    "report=none; user-report=none; arrival=8704101200Z; "
	    "delivered=8704101201Z; type-of-ua=private; address="
	    ADDRESS("Delivered") "\n"
	    "reported-recipient-name: number=2; responsibility=no; "
	    "report=none; user-report=audit-and-confirmed; "
	    "arrival=8704101200Z; converted=none; "
	    "reason=1 (unable-to-transfer); address=" ADDRESS("Not") "\n"
	    "originally-intended-recipient-name: " ADDRESS("Intended") "\n"
	    "supplementary-information: gone away\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_round_trip_88),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_is_1988),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_utctime),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_print),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
