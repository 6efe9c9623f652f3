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

/* ReasonCode and DiagnosticCode of X.411-1984. */
static const char *const reason_names[] = {
	"transfer-failure", "unable-to-transfer", "conversion-not-performed"
};

static const char *const diagnostic_names[] = {
	"unrecognised-OR-name", "ambiguous-OR-name", "mts-congestion",
	"loop-detected", "UA-unavailable", "maximum-time-expired",
	"encoded-information-types-unsupported", "content-too-long",
	"conversion-impractical", "conversion-prohibited",
	"implicit-conversion-not-subscribed", "invalid-parameters"
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

static void
put_eits(FILE *f, const struct eits *e)
{
	const char *separator = "";
	unsigned bit;

	for (bit = 0; bit < 32 && bit < e->nbits; bit++) {
		if ((e->bits & (0x80000000u >> bit)) == 0)
			continue;
		if (bit < COUNT(eit_names))
			fprintf(f, "%s%s", separator, eit_names[bit]);
		else
			fprintf(f, "%sbit-%u", separator, bit);
		separator = ",";
	}
	if (e->other_len > 0) {
		fprintf(f, "%snon-basic-parameters:", separator);
		put_hex(f, e->other, e->other_len);
	} else if (*separator == '\0')
		fputs("none", f);
}

static void
put_traces(FILE *f, const char *name, const struct trace_element *t,
    uint32_t n)
{
	for (; n > 0; n--, t++) {
		fprintf(f, "%s: arrival=", name);
		put_text(f, t->arrival.text);
		if (t->deferred.text[0] != '\0') {
			fputs("; deferred=", f);
			put_text(f, t->deferred.text);
		}
		fprintf(f, "; action=%s",
		    t->action == TRACE_REROUTED ? "rerouted" : "relayed");
		if (t->other_actions & 1)
			fputs("; other-action=redirected", f);
		if (t->other_actions & 2)
			fputs("; other-action=dl-operation", f);
		if (t->converted.present) {
			fputs("; converted=", f);
			put_eits(f, &t->converted);
		}
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
		if (r->type_of_ua == 0 || r->type_of_ua == 1)
			fprintf(f, "; type-of-ua=%s",
			    r->type_of_ua == 0 ? "public" : "private");
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
	if (r->intended.nattr > 0) {
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
	return (0);
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
	if (put_recipients(f, m) == -1)
		return (-1);
	if (m->type == MESSAGE_REPORT && put_report(f, m) == -1)
		return (-1);
	return (ferror(f) ? -1 : 0);
}
