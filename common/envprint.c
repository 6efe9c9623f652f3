/* SPDX-License-Identifier: ISC */

/*
 * A message as readable text: the ".env" file beside a delivered content,
 * and the answer of "mtactl show message".
 *
 * One field a line, "name: value".  A value of several parts has them as
 * "name=value; " with the one that may hold blanks at the end.  Names are
 * those of X.411; a field that is absent has no line.  The lines, in this
 * order:
 *
 *	message-type:			user, report or probe
 *	message-identifier:		[/PRMD=P/ADMD=A/C=GB/;local]
 *	(report-identifier, probe-identifier)
 *	originator-name:		O/R address; of a report
 *	(report-destination-name)
 *	original-encoded-information-types:	ia5-text, ...
 *	content-type:			2 (P2), ...
 *	content-identifier:		text
 *	content-length:			octets; of a probe as stated in it
 *	priority:			normal, non-urgent or urgent
 *	per-message-indicators:		disclosure-allowed, ...
 *	deferred-delivery-time:		UTCTime as received
 *	per-domain-bilateral-information: info=hex; country=..; admd=..
 *	trace-information:		arrival=UTCTime; action=relayed; ...;
 *					domain=/C=GB/ADMD=A/PRMD=P
 *	recipient-name:			number=1; responsibility=yes;
 *					report=basic; user-report=none;
 *					address=O/R address
 *	subject-identifier:		of reports, and from here on
 *	subject-intermediate-trace-information:
 *	additional-information:		hex
 *	reported-recipient-name:	number=..; report=..; user-report=..;
 *					arrival=UTCTime; delivered=UTCTime and
 *					type-of-ua=.., or reason=.. and
 *					diagnostic=..; address=..
 *	originally-intended-recipient-name:	of the line above
 *	supplementary-information:	of the line above
 *
 * Extensions of 1988 follow that to which they belong, each in a line of its
 * name, with "critical=submission,transfer,delivery; " in front of the value
 * where it is critical; a history has a line for each element, oldest first.
 * Those that mtad only relays are "extension: type=..; value=hex".
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* X.411-1984 EncodedInformationTypes, by bit. */
static const char *const eit_names[] = {
	"undefined", "telex", "ia5-text", "g3-facsimile", "g4-class-1",
	"teletex", "videotex", "voice", "sfd", "mixed-mode"
};

static const char *const report_names[] = {
	"none", "basic", "confirmed", "audit-and-confirmed"
};

/* NonDeliveryReasonCode and NonDeliveryDiagnosticCode of X.411. */
static const char *const reason_names[] = {
	"transfer-failure", "unable-to-transfer", "conversion-not-performed",
	"physical-rendition-not-performed", "physical-delivery-not-performed",
	"restricted-delivery", "directory-operation-unsuccessful",
	"deferred-delivery-not-performed",
	"transfer-failure-for-security-reason"
};

static const char *const diagnostic_names[] = {
	"unrecognised-OR-name", "ambiguous-OR-name", "mts-congestion",
	"loop-detected", "UA-unavailable", "maximum-time-expired",
	"encoded-information-types-unsupported", "content-too-long",
	"conversion-impractical", "conversion-prohibited",
	"implicit-conversion-not-subscribed", "invalid-parameters",
	"content-syntax-error", "size-constraint-violation",
	"protocol-violation", "content-type-not-supported",
	"too-many-recipients", "no-bilateral-agreement",
	"unsupported-critical-function", "conversion-with-loss-prohibited",
	"line-too-long", "page-split", "pictorial-symbol-loss",
	"punctuation-symbol-loss", "alphabetic-character-loss",
	"multiple-information-loss", "recipient-reassignment-prohibited",
	"redirection-loop-detected", "dl-expansion-prohibited",
	"no-dl-submit-permission", "dl-expansion-failure",
	"physical-rendition-attributes-not-supported",
	"undeliverable-mail-physical-delivery-address-incorrect",
	"undeliverable-mail-physical-delivery-office-incorrect-or-invalid",
	"undeliverable-mail-physical-delivery-address-incomplete",
	"undeliverable-mail-recipient-unknown",
	"undeliverable-mail-recipient-deceased",
	"undeliverable-mail-organization-expired",
	"undeliverable-mail-recipient-refused-to-accept",
	"undeliverable-mail-recipient-did-not-claim",
	"undeliverable-mail-recipient-changed-address-permanently",
	"undeliverable-mail-recipient-changed-address-temporarily",
	"undeliverable-mail-recipient-changed-temporary-address",
	"undeliverable-mail-new-address-unknown",
	"undeliverable-mail-recipient-did-not-want-forwarding",
	"undeliverable-mail-originator-prohibited-forwarding",
	"secure-messaging-error", "unable-to-downgrade",
	"unable-to-complete-transfer", "transfer-attempts-limit-reached"
};

/* TypeOfMTSUser. */
static const char *const user_names[] = {
	"public", "private", "ms", "dl", "pdau", "physical-recipient", "other"
};

/* What a peer wrote, without what a terminal would act upon. */
static void
put_text(FILE *f, const char *s)
{
	for (; *s != '\0'; s++)
		putc(*s >= ' ' && *s < 127 ? *s : '?', f);
}

static void
put_hex(FILE *f, const uint8_t *p, uint32_t len)
{
	for (; len > 0; len--, p++)
		fprintf(f, "%02X", *p);
}

static int
put_address(FILE *f, const struct or_address *or)
{
	char buf[OR_TEXT_MAX], *text = buf;
	int len;

	len = or_address_print(or, buf, sizeof(buf), 0);
	if (len >= (int)sizeof(buf)) {
		if ((text = malloc((size_t)len + 1)) == NULL)
			return (-1);
		or_address_print(or, text, (size_t)len + 1, 0);
	}
	fputs(text, f);
	if (text != buf)
		free(text);
	if (or->directory_len > 0) {
		fputs("; directory-name=", f);
		put_hex(f, or->directory, or->directory_len);
	}
	if (or->unknown_len > 0) {
		fputs("; extension-attributes=", f);
		put_hex(f, or->unknown, or->unknown_len);
	}
	return (0);
}

static void
put_domain(FILE *f, const struct global_domain *d)
{
	char buf[128];

	global_domain_print(d, buf, sizeof(buf));
	fputs(buf, f);
}

static void
put_id(FILE *f, const char *name, const struct mts_identifier *id)
{
	char buf[256];

	mts_identifier_print(id, buf, sizeof(buf));
	fprintf(f, "%s: %s\n", name, buf);
}

int
eit_parse(const char *s)
{
	size_t i;

	for (i = 0; i < COUNT(eit_names); i++)
		if (strcasecmp(s, eit_names[i]) == 0)
			return ((int)i);
	return (-1);
}

static void
put_eits(FILE *f, const struct eits *e)
{
	const char *separator = "";
	unsigned bit;
	uint32_t i;

	for (bit = 0; bit < 32 && bit < e->nbits; bit++) {
		if ((e->bits & (0x80000000u >> bit)) == 0)
			continue;
		if (bit < COUNT(eit_names))
			fprintf(f, "%s%s", separator, eit_names[bit]);
		else
			fprintf(f, "%sbit-%u", separator, bit);
		separator = ",";
	}
	for (i = 0; i < e->nexternal; i++) {
		fprintf(f, "%s%s", separator, e->external[i]);
		separator = ",";
	}
	if (e->other_len > 0) {
		fprintf(f, "%snon-basic-parameters:", separator);
		put_hex(f, e->other, e->other_len);
	} else if (*separator == '\0')
		fputs("none", f);
}

/* What trace elements of domains and of MTAs have in common. */
static void
put_actions(FILE *f, const struct utctime *deferred, int action,
    int other_actions, const struct eits *converted)
{
	if (deferred->text[0] != '\0') {
		fputs("; deferred=", f);
		put_text(f, deferred->text);
	}
	fprintf(f, "; action=%s",
	    action == TRACE_REROUTED ? "rerouted" : "relayed");
	if (other_actions & TRACE_REDIRECTED)
		fputs("; other-action=redirected", f);
	if (other_actions & TRACE_DL_OPERATION)
		fputs("; other-action=dl-operation", f);
	if (converted->present) {
		fputs("; converted=", f);
		put_eits(f, converted);
	}
}

static void
put_traces(FILE *f, const char *name, const struct trace_element *t,
    uint32_t n)
{
	for (; n > 0; n--, t++) {
		fprintf(f, "%s: arrival=", name);
		put_text(f, t->arrival.text);
		put_actions(f, &t->deferred, t->action, t->other_actions,
		    &t->converted);
		if (t->has_previous) {
			fputs("; previous=", f);
			put_domain(f, &t->previous);
		}
		fputs("; domain=", f);
		put_domain(f, &t->domain);
		putc('\n', f);
	}
}

static void
put_indicators(FILE *f, int v)
{
	static const struct {
		int		 bit;
		const char	*name;
	} names[] = {
		{ PMI_DISCLOSURE, "disclosure-of-recipients" },
		{ PMI_CONVERSION_PROHIBITED, "conversion-prohibited" },
		{ PMI_ALTERNATE_RECIPIENT, "alternate-recipient-allowed" },
		{ PMI_CONTENT_RETURN, "content-return-request" },
	};
	const char *separator = "";
	size_t i;

	if (v == 0)
		return;
	fputs("per-message-indicators: ", f);
	for (i = 0; i < COUNT(names); i++) {
		if ((v & names[i].bit) == 0)
			continue;
		fprintf(f, "%s%s", separator, names[i].name);
		separator = ",";
		v &= ~names[i].bit;
	}
	if (v != 0)
		fprintf(f, "%s0x%02x", separator, v);
	putc('\n', f);
}

static void
put_bilateral(FILE *f, const struct bilateral_info *b, uint32_t n)
{
	for (; n > 0; n--, b++) {
		fputs("per-domain-bilateral-information: info=", f);
		put_hex(f, b->info, b->info_len);
		fputs("; country=", f);
		put_text(f, b->country);
		fputs("; admd=", f);
		put_text(f, b->admd);
		if (b->prmd[0] != '\0') {
			fputs("; prmd=", f);
			put_text(f, b->prmd);
		}
		putc('\n', f);
	}
}

static void
put_flags(FILE *f, uint32_t number, int flags)
{
	fprintf(f, "number=%" PRIu32 "; responsibility=%s; report=%s; "
	    "user-report=%s", number,
	    flags & PRI_RESPONSIBILITY ? "yes" : "no",
	    report_names[PRI_REPORT_VALUE(flags)],
	    report_names[PRI_USER_REPORT_VALUE(flags)]);
}

static void
put_code(FILE *f, const char *name, int32_t v, const char *const *names,
    size_t n)
{
	fprintf(f, "; %s=%" PRId32, name, v);
	if (v >= 0 && (size_t)v < n)
		fprintf(f, " (%s)", names[v]);
}

/* The name of an extension, and for what it is critical. */
static void
put_name(FILE *f, const char *name, int criticality)
{
	static const char *const names[] = {
		"submission", "transfer", "delivery"
	};
	const char *separator = " critical=";
	int i;

	fprintf(f, "%s:", name);
	for (i = 0; i < 3; i++)
		if (criticality & EXT_SUBMISSION >> i) {
			fprintf(f, "%s%s", separator, names[i]);
			separator = ",";
		}
	fputs(*separator == ',' ? "; " : " ", f);
}

static int
put_extensions(FILE *f, const struct extensions *v)
{
	const struct extension *e;
	uint32_t i;

	for (i = 0, e = v->e; i < v->n; i++, e++) {
		put_name(f, "extension", e->criticality);
		if (e->oid != NULL)
			fprintf(f, "type=%s", e->oid);
		else if (extension_name(e->type) != NULL)
			fprintf(f, "type=%s", extension_name(e->type));
		else
			fprintf(f, "type=%d", e->type);
		fputs("; value=", f);
		if (e->len == 0)
			fputs("none", f);
		put_hex(f, e->value, e->len);
		putc('\n', f);
	}
	return (0);
}

static int
put_redirections(FILE *f, const struct redirection_history *v)
{
	static const char *const reasons[] = {
		"recipient-assigned", "originator-requested",
		"recipient-md-assigned", "directory-look-up", "alias"
	};
	uint32_t i;

	for (i = 0; i < v->n; i++) {
		put_name(f, "redirection-history", v->criticality);
		fputs("time=", f);
		put_text(f, v->e[i].time.text);
		put_code(f, "reason", v->e[i].reason, reasons,
		    COUNT(reasons));
		fputs("; intended=", f);
		if (put_address(f, &v->e[i].intended) == -1)
			return (-1);
		putc('\n', f);
	}
	return (0);
}

static int
put_dl_history(FILE *f, const char *name, const struct dl_history *v)
{
	uint32_t i;

	for (i = 0; i < v->n; i++) {
		put_name(f, name, v->criticality);
		fputs("time=", f);
		put_text(f, v->e[i].time.text);
		fputs("; name=", f);
		if (put_address(f, &v->e[i].name) == -1)
			return (-1);
		putc('\n', f);
	}
	return (0);
}

static int
put_extended_name(FILE *f, const char *name, const struct or_address *or,
    int criticality)
{
	if (OR_ABSENT(or))
		return (0);
	put_name(f, name, criticality);
	if (put_address(f, or) == -1)
		return (-1);
	putc('\n', f);
	return (0);
}

static void
put_internal(FILE *f, const struct internal_trace *v)
{
	const struct internal_trace_element *t;
	uint32_t i;

	for (i = 0, t = v->e; i < v->n; i++, t++) {
		put_name(f, "internal-trace-information", v->criticality);
		fputs("arrival=", f);
		put_text(f, t->arrival.text);
		put_actions(f, &t->deferred, t->action, t->other_actions,
		    &t->converted);
		if (t->attempted == ATTEMPTED_MTA) {
			fputs("; attempted-mta=", f);
			put_text(f, t->attempted_mta);
		} else if (t->attempted == ATTEMPTED_DOMAIN) {
			fputs("; attempted-domain=", f);
			put_domain(f, &t->attempted_domain);
		}
		fputs("; mta=", f);
		put_text(f, t->mta);
		fputs("; domain=", f);
		put_domain(f, &t->domain);
		putc('\n', f);
	}
}

static void
put_correlator(FILE *f, const struct ext_correlator *v)
{
	uint32_t i;

	if (v->kind == CORRELATOR_ABSENT)
		return;
	put_name(f, "content-correlator", v->criticality);
	if (v->kind == CORRELATOR_IA5)
		for (i = 0; i < v->len; i++)
			putc(v->octets[i] >= ' ' && v->octets[i] < 127 ?
			    v->octets[i] : '?', f);
	else
		put_hex(f, v->octets, v->len);
	putc('\n', f);
}

static void
put_flag(FILE *f, const char *name, const struct ext_flag *v)
{
	if (!v->set)
		return;
	put_name(f, name, v->criticality);
	fputs("yes\n", f);
}

static int
put_message_extensions(FILE *f, const struct message *m)
{
	uint32_t i;

	put_flag(f, "recipient-reassignment-prohibited",
	    &m->reassignment_prohibited);
	put_flag(f, "dl-expansion-prohibited", &m->dl_expansion_prohibited);
	put_flag(f, "conversion-with-loss-prohibited",
	    &m->conversion_loss_prohibited);
	if (m->latest_delivery.time.text[0] != '\0') {
		put_name(f, "latest-delivery-time",
		    m->latest_delivery.criticality);
		put_text(f, m->latest_delivery.time.text);
		putc('\n', f);
	}
	put_correlator(f, &m->correlator);
	for (i = 0; i < m->dl_exempted.n; i++)
		if (put_extended_name(f, "dl-exempted-recipient",
		    &m->dl_exempted.name[i], m->dl_exempted.criticality) == -1)
			return (-1);
	if (put_dl_history(f, "dl-expansion-history",
	    &m->dl_expansion) == -1 ||
	    put_redirections(f, &m->redirection) == -1 ||
	    put_dl_history(f, "originator-and-DL-expansion-history",
	    &m->originator_and_dl) == -1 ||
	    put_extended_name(f, "reporting-DL-name", &m->reporting_dl.name,
	    m->reporting_dl.criticality) == -1)
		return (-1);
	if (m->reporting_mta.present) {
		put_name(f, "reporting-MTA-name",
		    m->reporting_mta.criticality);
		fputs("mta=", f);
		put_text(f, m->reporting_mta.mta);
		fputs("; domain=", f);
		put_domain(f, &m->reporting_mta.domain);
		if (m->reporting_mta.directory_len > 0) {
			fputs("; directory-name=", f);
			put_hex(f, m->reporting_mta.directory,
			    m->reporting_mta.directory_len);
		}
		putc('\n', f);
	}
	put_internal(f, &m->internal);
	if (put_extensions(f, &m->extension) == -1)
		return (-1);
	return (put_extensions(f, &m->content_extension));
}

static int
put_reported(FILE *f, const struct reported_recipient *r)
{
	fputs("reported-recipient-name: ", f);
	put_flags(f, r->number, r->flags);
	fputs("; arrival=", f);
	put_text(f, r->arrival.text);
	if (r->converted.present) {
		fputs("; converted=", f);
		put_eits(f, &r->converted);
	}
	if (r->delivered) {
		fputs("; delivered=", f);
		put_text(f, r->delivery.text);
		if (r->type_of_ua >= 0 &&
		    (size_t)r->type_of_ua < COUNT(user_names))
			fprintf(f, "; type-of-ua=%s",
			    user_names[r->type_of_ua]);
		else if (r->type_of_ua != -1)
			fprintf(f, "; type-of-ua=%" PRId32, r->type_of_ua);
	} else {
		put_code(f, "reason", r->reason, reason_names,
		    COUNT(reason_names));
		if (r->diagnostic != -1)
			put_code(f, "diagnostic", r->diagnostic,
			    diagnostic_names, COUNT(diagnostic_names));
	}
	fputs("; address=", f);
	if (put_address(f, &r->name) == -1)
		return (-1);
	putc('\n', f);
	if (!OR_ABSENT(&r->intended)) {
		fputs("originally-intended-recipient-name: ", f);
		if (put_address(f, &r->intended) == -1)
			return (-1);
		putc('\n', f);
	}
	if (r->supplementary != NULL) {
		fputs("supplementary-information: ", f);
		put_text(f, r->supplementary);
		putc('\n', f);
	}
	if (put_redirections(f, &r->redirection) == -1)
		return (-1);
	return (put_extensions(f, &r->extension));
}

static void
put_methods(FILE *f, const struct ext_methods *v)
{
	static const char *const names[] = {
		"any", "mhs", "physical", "telex", "teletex", "g3-facsimile",
		"g4-facsimile", "ia5-terminal", "videotex", "telephone"
	};
	int i;

	if (v->n == 0)
		return;
	put_name(f, "requested-delivery-method", v->criticality);
	for (i = 0; i < v->n; i++) {
		if (v->method[i] < COUNT(names))
			fprintf(f, "%s%s", i > 0 ? "," : "",
			    names[v->method[i]]);
		else
			fprintf(f, "%s%d", i > 0 ? "," : "", v->method[i]);
	}
	putc('\n', f);
}

static int
put_recipients(FILE *f, const struct message *m)
{
	const struct recipient *r;
	uint32_t i;

	for (i = 0; i < m->nrecipient; i++) {
		r = &m->recipient[i];
		fputs("recipient-name: ", f);
		put_flags(f, r->number, r->flags);
		if (r->has_conversion)
			fprintf(f, "; explicit-conversion=%" PRIu32,
			    r->explicit_conversion);
		fputs("; address=", f);
		if (put_address(f, &r->name) == -1)
			return (-1);
		putc('\n', f);
		if (put_extended_name(f,
		    "originator-requested-alternate-recipient",
		    &r->alternate.name, r->alternate.criticality) == -1)
			return (-1);
		put_methods(f, &r->methods);
		if (put_redirections(f, &r->redirection) == -1 ||
		    put_extensions(f, &r->extension) == -1)
			return (-1);
	}
	return (0);
}

static int
put_report(FILE *f, const struct message *m)
{
	uint32_t i;

	put_id(f, "subject-identifier", &m->subject);
	put_traces(f, "subject-intermediate-trace-information",
	    m->subject_trace, m->nsubject_trace);
	if (m->billing != NULL) {
		fputs("additional-information: ", f);
		put_hex(f, m->billing, m->billing_len);
		putc('\n', f);
	}
	for (i = 0; i < m->nreported; i++)
		if (put_reported(f, &m->reported[i]) == -1)
			return (-1);
	return (0);
}

static void
put_content(FILE *f, const struct message *m)
{
	if (m->content_type != -1) {
		fprintf(f, "content-type: %" PRId32, m->content_type);
		if (m->content_type == 2)
			fputs(" (P2)", f);
		else if (m->content_type == 22)
			fputs(" (P22)", f);
		putc('\n', f);
	}
	if (m->content_oid != NULL)
		fprintf(f, "content-type: %s\n", m->content_oid);
	if (m->has_content_id) {
		fputs("content-identifier: ", f);
		put_text(f, m->content_id);
		putc('\n', f);
	}
	if (m->has_content)
		fprintf(f, "content-length: %" PRIu64 "\n", m->content_len);
	else if (m->probe_length != -1)
		fprintf(f, "content-length: %" PRId64 "\n", m->probe_length);
}

int
message_print(const struct message *m, FILE *f)
{
	static const char *const types[][3] = {
		{ "user", "message-identifier", "originator-name" },
		{ "report", "report-identifier", "report-destination-name" },
		{ "probe", "probe-identifier", "originator-name" },
	};

	fprintf(f, "message-type: %s\n", types[m->type][0]);
	put_id(f, types[m->type][1], &m->id);
	fprintf(f, "%s: ", types[m->type][2]);
	if (put_address(f, &m->originator) == -1)
		return (-1);
	putc('\n', f);
	if (m->original.present) {
		fputs("original-encoded-information-types: ", f);
		put_eits(f, &m->original);
		putc('\n', f);
	}
	put_content(f, m);
	if (m->type != MESSAGE_REPORT)
		fprintf(f, "priority: %s\n", priority_name(m->priority));
	put_indicators(f, m->indicators);
	if (m->deferred.text[0] != '\0') {
		fputs("deferred-delivery-time: ", f);
		put_text(f, m->deferred.text);
		putc('\n', f);
	}
	put_bilateral(f, m->bilateral, m->nbilateral);
	put_traces(f, "trace-information", m->trace, m->ntrace);
	if (put_message_extensions(f, m) == -1)
		return (-1);
	if (put_recipients(f, m) == -1)
		return (-1);
	if (m->type == MESSAGE_REPORT && put_report(f, m) == -1)
		return (-1);
	return (ferror(f) ? -1 : 0);
}
