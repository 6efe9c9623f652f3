/* SPDX-License-Identifier: ISC */

/*
 * Notifications (X.420 clause 8) as disposition notifications: multipart/
 * report of a text, fields and the IPM when it was returned (RFC 2156 5.3.5,
 * RFC 3798).
 */

#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "ipm_impl.h"
#include "mixer.h"

static const char	*const reasons[] = {
	"the message was discarded", "the message was auto-forwarded"
};
static const char	*const discards[] = {
	"it had expired", "it was obsoleted by another message",
	"the subscription of the user was terminated", "the user died"
};

/* The text of a small table; NULL: not in it. */
#define NAME_OF(t, v)	((v) >= 0 && (size_t)(v) < sizeof(t) / sizeof((t)[0]) \
	? (t)[v] : NULL)

/* "Name <a@b>" and the like, in a line of its own. */
static int
descriptor_line(struct ipm *i, const char *name,
    const struct x420_descriptor *d)
{
	struct mime_field	mf;

	mime_field_begin(&mf, name);
	ipm_mailbox(i, &mf, d);
	return mime_field_end(&mf, i->f);
}

static int
id_line(struct ipm *i, const char *name, const struct x420_id *id)
{
	struct mime_field	mf;

	mime_field_begin(&mf, name);
	ipm_message_id(&mf, id);
	return mime_field_end(&mf, i->f);
}

static int
string_line(struct ipm *i, const char *name, const struct asn1_octets *s)
{
	char	*text;
	int	 r;

	if ((text = charset_tagged(s->p, s->len, s->tag)) == NULL)
		return -1;
	r = mime_text_field(i->f, name, text);
	free(text);
	return r;
}

/* For people. */
static void
text(struct ipm *i, const struct x420_ipn *n)
{
	const struct x420_non_receipt	*nr = &n->choice.non_receipt;
	const struct x420_receipt	*r = &n->choice.receipt;
	const char			*why;
	char				 date[MIME_DATE_LEN];

	fputs("Content-Type: text/plain; charset=us-ascii\n\n", i->f);
	if (n->choice.c.chosen == XN_RECEIPT) {
		fprintf(i->f, "Your message was received%s%s%s.\n",
		    ipm_date(&r->time, date) == 0 ? " on " : "",
		    ipm_date(&r->time, date) == 0 ? date : "",
		    r->mode == 1 ? " (acknowledged automatically)" : "");
		return;
	}
	if (n->choice.c.chosen == XN_OTHER) {
		fputs("A notification of another type about your message.\n",
		    i->f);
		return;
	}
	why = NAME_OF(reasons, nr->reason);
	fprintf(i->f, "Your message was not received: %s",
	    why == NULL ? "reason unknown" : why);
	why = ASN1_HAS(nr, XN_DISCARD) ? NAME_OF(discards, nr->discard) :
	    NULL;
	fprintf(i->f, "%s%s.\n", why == NULL ? "" : ", ",
	    why == NULL ? "" : why);
}

static const char *
disposition(const struct x420_ipn *n)
{
	const struct x420_non_receipt	*nr = &n->choice.non_receipt;

	switch (n->choice.c.chosen) {
	case XN_RECEIPT:
		return n->choice.receipt.mode == 1 ?
		    "automatic-action/MDN-sent-automatically; displayed" :
		    "manual-action/MDN-sent-manually; displayed";
	case XN_NON_RECEIPT:
		return nr->reason == 1 ?
		    "automatic-action/MDN-sent-automatically; dispatched" :
		    "automatic-action/MDN-sent-automatically; deleted";
	default:
		return "automatic-action/MDN-sent-automatically; processed";
	}
}

/* Final-Recipient: the one whom the notification is from. */
static int
final_recipient(struct ipm *i, const char *name,
    const struct x420_descriptor *d)
{
	struct or_address	 or;
	struct message		*m;
	char			 text_or[MIXER_MAX] = "";
	struct mime_field	 mf;

	if (ASN1_HAS(d, XD_NAME)) {
		if ((m = message_new()) == NULL)
			return -1;
		if (or_address_from_name(m, &or, &d->name) == 0)
			or_address_print(&or, text_or, sizeof(text_or), 0);
		message_free(m);
	}
	mime_field_begin(&mf, name);
	mime_field_raw(&mf, "x400; ");
	mime_field_raw(&mf, text_or[0] != '\0' ? text_or : "unknown");
	return mime_field_end(&mf, i->f);
}

static int
fields(struct ipm *i, const struct x420_ipn *n)
{
	const struct x420_non_receipt	*nr = &n->choice.non_receipt;
	const struct x420_receipt	*r = &n->choice.receipt;
	char				 date[MIME_DATE_LEN];

	fputs("Content-Type: message/disposition-notification\n\n", i->f);
	if (mime_raw_field(i->f, "Reporting-UA",
	    i->options->domain) == -1 ||
	    (ASN1_HAS(n, XN_PREFERRED) && final_recipient(i,
	    "Original-Recipient", &n->preferred) == -1) ||
	    final_recipient(i, "Final-Recipient", &n->originator) == -1 ||
	    id_line(i, "Original-Message-ID", &n->subject) == -1 ||
	    mime_raw_field(i->f, "Disposition", disposition(n)) == -1)
		return -1;
	if (n->choice.c.chosen == XN_RECEIPT) {
		if (ipm_date(&r->time, date) == 0 &&
		    mime_raw_field(i->f, "X400-Receipt-Time", date) == -1)
			return -1;
		return !ASN1_HAS(r, XN_SUPPLEMENTARY) ? 0 :
		    string_line(i, "X400-Supplementary-Information",
		    &r->supplementary);
	}
	if (n->choice.c.chosen != XN_NON_RECEIPT)
		return 0;
	fprintf(i->f, "X400-Non-Receipt-Reason: %lld\n",
	    (long long)nr->reason);
	if (ASN1_HAS(nr, XN_DISCARD))
		fprintf(i->f, "X400-Discard-Reason: %lld\n",
		    (long long)nr->discard);
	return !ASN1_HAS(nr, XN_COMMENT) ? 0 :
	    string_line(i, "X400-Auto-Forward-Comment", &nr->comment);
}

/* returned-ipm [3] IPM: its members are those of the element. */
static int
returned(struct ipm *i, const struct asn1_octets *s)
{
	struct ber_element	e;
	struct ber		all, in;
	int			r;

	ber_init(&all, s->p, s->len);
	if (ber_next(&all, &e) != 1 || !e.h.constructed)
		return ipm_fail(i, "a returned message is malformed");
	ber_enter(&all, &e, &in);
	fputs("Content-Type: message/rfc822\n\n", i->f);
	i->depth++;
	r = ipm_message(i, &in, i->options->date, NULL);
	i->depth--;
	return r;
}

static int
heading(struct ipm *i, const struct x420_ipn *n)
{
	char	date[MIME_DATE_LEN];

	if (mime_raw_field(i->f, "Date", mime_date(date, i->options->date,
	    0)) == -1)
		return -1;
	if ((ASN1_HAS(n, XN_ORIGINATOR) ?
	    descriptor_line(i, "From", &n->originator) :
	    mime_raw_field(i->f, "From", "\"no address\":;")) == -1)
		return -1;
	return mime_raw_field(i->f, "Subject",
	    n->choice.c.chosen == XN_RECEIPT ? "Receipt notification" :
	    n->choice.c.chosen == XN_NON_RECEIPT ?
	    "Non-receipt notification" : "Notification") == -1 ||
	    id_line(i, "In-Reply-To", &n->subject) == -1 ||
	    mime_raw_field(i->f, "Auto-Submitted", "auto-replied") == -1 ||
	    mime_raw_field(i->f, "MIME-Version", "1.0") == -1 ? -1 : 0;
}

static int
report(struct ipm *i, const struct x420_ipn *n)
{
	const struct x420_non_receipt	*nr = &n->choice.non_receipt;
	char				 boundary[IPM_BOUNDARY_LEN];

	ipm_boundary(i, boundary);
	if (heading(i, n) == -1)
		return ipm_no_memory(i);
	fprintf(i->f, "Content-Type: multipart/report;\n report-type="
	    "disposition-notification; boundary=\"%s\"\n\n--%s\n", boundary,
	    boundary);
	text(i, n);
	fprintf(i->f, "\n--%s\n", boundary);
	if (fields(i, n) == -1)
		return ipm_no_memory(i);
	if (n->choice.c.chosen == XN_NON_RECEIPT &&
	    ASN1_HAS(nr, XN_RETURNED)) {
		fprintf(i->f, "\n--%s\n", boundary);
		if (returned(i, &nr->returned) == -1)
			return -1;
	}
	fprintf(i->f, "\n--%s--\n", boundary);
	return 0;
}

int
ipm_notification(struct ipm *i, struct ber *level)
{
	struct asn1_memory	 memory;
	struct x420_ipn		*n;
	struct asn1		 a;
	int			 r;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return ipm_no_memory(i);
	asn1_memory_init(&memory, IPM_MEMORY_MAX);
	asn1_init(&a, &memory);
	r = asn1_decode(&a, &x420_type_ipn, level, n) == -1 ?
	    ipm_decode_fail(i, &a) : report(i, n);
	asn1_memory_free(&memory);
	free(n);
	return r;
}
