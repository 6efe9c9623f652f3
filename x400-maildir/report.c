/* SPDX-License-Identifier: ISC */

/*
 * A report of the MTS as a delivery status notification (RFC 3464), with the
 * status codes of RFC 2156 5.3.8.2.  What is known of the recipients comes in
 * MTAD_REPORTED_1, MTAD_REPORTED_2 ...:
 *
 *	delivered ORADDRESS
 *	failed REASON DIAGNOSTIC ORADDRESS
 *
 * numbers as in X.411, "-" for a diagnostic that was not given.  The text is
 * for people; who reported, and when the subject came there, are in
 * MTAD_REPORTING_MTA and MTAD_SUBJECT_ARRIVAL.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "ipm.h"
#include "maildir.h"
#include "mime_out.h"
#include "mixer.h"

#define BOUNDARY	"=_x400_report"

/* By diagnostic, of the reasons that have them. */
static const struct {
	int		 diagnostic;
	const char	*status;
} statuses[] = {
	{ 0, "5.1.1" }, { 1, "5.1.4" }, { 2, "4.3.1" }, { 3, "5.4.6" },
	{ 4, "4.2.1" }, { 5, "4.4.7" }, { 6, "5.6.1" }, { 7, "5.2.3" },
	{ 8, "5.6.3" }, { 9, "5.6.3" }, { 10, "5.6.3" }, { 11, "5.5.2" },
	{ 12, "5.5.2" }, { 13, "5.5.2" }, { 14, "5.5.0" }, { 15, "5.6.1" },
	{ 16, "5.5.3" }, { 17, "5.4.4" }, { 18, "5.3.3" }, { 19, "5.6.2" },
	{ 20, "5.6.0" }, { 21, "5.6.0" }, { 22, "5.6.0" }, { 23, "5.6.0" },
	{ 24, "5.6.0" }, { 25, "5.6.2" }, { 26, "5.4.0" }, { 27, "5.4.6" },
	{ 28, "5.7.2" }, { 29, "5.7.1" }, { 30, "4.2.4" }, { 43, "5.1.6" },
	{ 46, "5.7.0" }, { 47, "5.3.3" }, { 48, "5.3.4" }, { 49, "4.4.7" }
};

static const char *
status(int reason, int diagnostic)
{
	size_t	i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].diagnostic == diagnostic)
			return statuses[i].status;
	return reason == 0 ? "4.4.0" : reason == 6 ? "5.4.3" : "5.0.0";
}

static int
recipient(const char *value, FILE *f)
{
	char	address[MIXER_MAX], code[64], diagnostic[8];
	int	reason, n = 0;

	if (strncmp(value, "delivered ", 10) == 0) {
		snprintf(address, sizeof(address), "x400; %s", value + 10);
		putc('\n', f);
		return mime_raw_field(f, "Final-Recipient", address) == -1 ||
		    mime_raw_field(f, "Action", "delivered") == -1 ||
		    mime_raw_field(f, "Status", "2.0.0") == -1 ? -1 : 0;
	}
	if (sscanf(value, "failed %4d %7[-0-9] %n", &reason, diagnostic,
	    &n) != 2 || n == 0)
		return 0;
	snprintf(address, sizeof(address), "x400; %s", value + n);
	snprintf(code, sizeof(code), "x400; reason %d, diagnostic %s", reason,
	    diagnostic);
	putc('\n', f);
	return mime_raw_field(f, "Final-Recipient", address) == -1 ||
	    mime_raw_field(f, "Action", "failed") == -1 ||
	    mime_raw_field(f, "Status", status(reason,
	    diagnostic[0] == '-' ? -1 : atoi(diagnostic))) == -1 ||
	    mime_raw_field(f, "Diagnostic-Code", code) == -1 ? -1 : 0;
}

static const char *
reported(int i)
{
	char	name[32];

	snprintf(name, sizeof(name), "MTAD_REPORTED_%d", i);
	return getenv(name);
}

static int
delivery_status(const struct agent *a, FILE *f)
{
	const char	*subject = getenv("MTAD_SUBJECT_ID"), *value;
	const char	*name = getenv("MTAD_REPORTING_MTA");
	char		 mta[300], date[MIME_DATE_LEN];
	int		 i;

	if (name != NULL && *name != '\0')
		snprintf(mta, sizeof(mta), "x-x400; %s", name);
	else
		snprintf(mta, sizeof(mta), "dns; %s", a->domain);
	fputs("Content-Type: message/delivery-status\n\n", f);
	if (mime_raw_field(f, "Reporting-MTA", mta) == -1 ||
	    (subject != NULL &&
	    mime_raw_field(f, "Original-Envelope-Id", subject) == -1) ||
	    (a->has_subject_arrival && mime_raw_field(f, "Arrival-Date",
	    mime_date(date, a->subject_arrival, 0)) == -1))
		return -1;
	for (i = 1; i <= UB_RECIPIENTS && (value = reported(i)) != NULL; i++)
		if (recipient(value, f) == -1)
			return -1;
	return 0;
}

static void
text_pass(struct mime_text *t, const char *text, size_t len)
{
	struct charset	cs;

	charset_init(&cs, CS_UTF8);
	charset_feed(&cs, (const uint8_t *)text, len, mime_text_put, t);
	charset_end(&cs, mime_text_put, t);
	mime_text_end(t);
}

static void
text_part(const char *text, size_t len, FILE *f)
{
	struct mime_text	t;
	int			encoded;

	mime_text_begin(&t, NULL, 0);
	text_pass(&t, text, len);
	encoded = t.encoded;
	fprintf(f, "Content-Type: text/plain; charset=%s\n"
	    "Content-Transfer-Encoding: %s\n\n",
	    t.ascii ? "us-ascii" : "utf-8",
	    encoded ? "quoted-printable" : "7bit");
	mime_text_begin(&t, f, encoded);
	text_pass(&t, text, len);
}

/* Reasons and diagnostics of X.411 for people; the codes stand beside. */
static const char *
words(int reason, int diagnostic)
{
	static const char *const	diagnostics[] = {
		"the address is not known",
		"the address fits more than one recipient",
		"the mail system is overloaded",
		"the message went round in a loop",
		"the mailbox is not available",
		"it could not be delivered in time",
		"the recipient does not take what it contains",
		"it is too long",
		"it cannot be converted to what the recipient takes",
		"it may not be converted to what the recipient takes",
		"the recipient takes it unconverted only",
		"something in its envelope is wrong",
		"its content cannot be read",
		"something in it exceeds a limit",
		"something in it violates the protocol",
		"the recipient does not take contents of that type",
		"it has too many recipients",
		"the two domains have no agreement to exchange mail",
		"it asks for a service that is not supported"
	};
	static const char *const	reasons[] = {
		"it could not be transferred",
		"it cannot be transferred or delivered",
		"it could not be converted", "it could not be printed",
		"it could not be delivered physically",
		"the recipient does not take mail from you",
		"the directory could not be asked",
		"its delivery could not be deferred",
		"it was refused for reasons of security"
	};

	if (diagnostic >= 0 && (size_t)diagnostic < sizeof(diagnostics) /
	    sizeof(diagnostics[0]))
		return diagnostics[diagnostic];
	if (reason >= 0 && (size_t)reason < sizeof(reasons) /
	    sizeof(reasons[0]))
		return reasons[reason];
	return "the reason is not known";
}

/* What became of it for one recipient. */
static void
sentence(const struct agent *a, const char *value, FILE *f)
{
	const char	*subject = getenv("MTAD_SUBJECT_ID");
	char		 date[MIME_DATE_LEN], diagnostic[8] = "-";
	int		 reason = 0, n = 0;

	if (strncmp(value, "delivered ", 10) == 0)
		n = 10;
	else if (sscanf(value, "failed %4d %7[-0-9] %n", &reason, diagnostic,
	    &n) != 2 || n == 0)
		return;
	fputs("Your message", f);
	if (subject != NULL && *subject != '\0')
		fprintf(f, " %s", subject);
	if (a->has_subject_arrival)
		fprintf(f, "\nof %s", mime_date(date, a->subject_arrival, 0));
	fprintf(f, "\nto %s\n", value + n);
	if (value[0] == 'd')
		fputs("was delivered.\n\n", f);
	else
		fprintf(f, "could not be delivered: %s\n(reason %d, "
		    "diagnostic %s).\n\n", words(reason, diagnostic[0] == '-' ?
		    -1 : atoi(diagnostic)), reason, diagnostic);
}

/* Sentences, and below them all that the report says.  -1: no memory. */
static int
told(const struct agent *a, const struct report *r, FILE *f)
{
	const char	*value;
	char		*text = NULL;
	size_t		 len = 0;
	FILE		*m;
	int		 i, failed;

	if ((m = open_memstream(&text, &len)) == NULL)
		return -1;
	for (i = 1; i <= UB_RECIPIENTS && (value = reported(i)) != NULL; i++)
		sentence(a, value, m);
	fputs("The report in full:\n\n", m);
	fwrite(r->text, 1, r->len, m);
	failed = ferror(m);
	if (fclose(m) == 0 && !failed)
		text_part(text, len, f);
	else
		failed = 1;
	free(text);
	return failed ? -1 : 0;
}

/* The address that the report is for. */
static int
to_field(const struct agent *a, FILE *f)
{
	const char		*to = getenv("MTAD_RECIPIENT"), *why;
	char			 line[MIXER_MAX], spec[MIXER_MAX];
	struct or_address	 or;
	struct message		*m;
	size_t			 where;
	int			 known;

	if (to == NULL || *to == '\0')
		return mime_raw_field(f, "To", "list:;");
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(to, "\n"), to);
	if ((m = message_new()) == NULL)
		return -1;
	known = or_address_parse(m, &or, line, &where, &why) == 0 &&
	    mixer_addr_spec(&or, a->domain, spec, sizeof(spec)) == 0;
	message_free(m);
	return mime_raw_field(f, "To", known ? spec : "list:;");
}

static int
heading(const struct agent *a, FILE *f)
{
	char	date[MIME_DATE_LEN], text[400];

	snprintf(text, sizeof(text), "\"X.400 message transfer\" "
	    "<MAILER-DAEMON@%s>", a->domain);
	if (mime_raw_field(f, "Date", mime_date(date, a->arrival, 0)) == -1 ||
	    mime_raw_field(f, "From", text) == -1 || to_field(a, f) == -1 ||
	    mime_raw_field(f, "Subject", "Delivery report") == -1)
		return -1;
	snprintf(text, sizeof(text), "<%.64s.report@%s>", a->message_id,
	    a->domain);
	return mime_raw_field(f, "Message-ID", text) == -1 ||
	    mime_raw_field(f, "Auto-Submitted", "auto-replied") == -1 ||
	    mime_raw_field(f, "MIME-Version", "1.0") == -1 ? -1 : 0;
}

static int
null_write(void *arg, const char *p, int n)
{
	return n;
}

/* Can it be made a message of?  1, 0, -1. */
static int
is_message(const struct report *r, const struct ipm_options *options)
{
	char	 why[IPM_WHY_MAX];
	FILE	*f;
	int	 n;

	if ((f = funopen(NULL, NULL, null_write, NULL, NULL)) == NULL)
		return -1;
	n = ipm_to_mime(r->returned, r->returned_len, options, f, why);
	fclose(f);
	return n == 0 ? 1 : n == -1 ? 0 : -1;
}

/* The content that was returned, as a message or as it is. */
static int
returned(const struct agent *a, const struct report *r, FILE *f)
{
	struct ipm_options	 options;
	struct mime_base64	 b;
	char			 why[IPM_WHY_MAX];
	int			 n;

	memset(&options, 0, sizeof(options));
	options.domain = a->domain;
	options.date = a->arrival;
	if ((n = is_message(r, &options)) == -1)
		return -1;
	if (n == 1) {
		fputs("Content-Type: message/rfc822\n\n", f);
		return ipm_to_mime(r->returned, r->returned_len, &options, f,
		    why) == 0 ? 0 : -1;
	}
	fputs("Content-Type: application/octet-stream\n"
	    "Content-Transfer-Encoding: base64\n\n", f);
	mime_base64_begin(&b, f);
	mime_base64_put(&b, r->returned, r->returned_len);
	mime_base64_end(&b);
	return 0;
}

int
report_write(const struct agent *a, const struct report *r, FILE *f)
{
	if (heading(a, f) == -1)
		return -1;
	if (reported(1) == NULL) {
		text_part(r->text, r->len, f);
		return 0;
	}
	fputs("Content-Type: multipart/report; report-type=delivery-status;\n"
	    " boundary=\"" BOUNDARY "\"\n\n--" BOUNDARY "\n", f);
	if (told(a, r, f) == -1)
		return -1;
	fputs("\n--" BOUNDARY "\n", f);
	if (delivery_status(a, f) == -1)
		return -1;
	if (r->returned_len > 0) {
		fputs("\n--" BOUNDARY "\n", f);
		if (returned(a, r, f) == -1)
			return -1;
	}
	fputs("\n--" BOUNDARY "--\n", f);
	return 0;
}
