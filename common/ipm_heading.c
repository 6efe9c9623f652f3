/* SPDX-License-Identifier: ISC */

/*
 * The heading of an IPM (X.420 7.2) as header fields of RFC 5322, by RFC 2156
 * 5.3.  An O/R descriptor without an address becomes a group without members.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "charset.h"
#include "ipm_impl.h"
#include "mixer.h"
#include "oid.h"

static char *
text_of(struct mime_field *mf, const struct asn1_octets *s)
{
	char	*text;

	if ((text = charset_tagged(s->p, s->len, s->tag)) == NULL)
		mf->failed = 1;
	return text;
}

void
ipm_mailbox(struct ipm *i, struct mime_field *mf,
    const struct x420_descriptor *d)
{
	struct or_address	 or;
	struct message		*m;
	char			 spec[MIXER_MAX], *name = NULL;
	int			 known = 0;

	if (ASN1_HAS(d, XD_NAME)) {
		if ((m = message_new()) == NULL) {
			mf->failed = 1;
			return;
		}
		known = or_address_from_name(m, &or, &d->name) == 0 &&
		    mixer_addr_spec(&or, i->options->domain, spec,
		    sizeof(spec)) == 0;
		message_free(m);
	}
	if (ASN1_HAS(d, XD_FREE_FORM) && d->free_form.len > 0 &&
	    (name = text_of(mf, &d->free_form)) == NULL)
		return;
	if (name != NULL)
		mime_field_phrase(mf, name);
	else if (!known)
		mime_field_raw(mf, "\"no address\"");
	if (!known)
		mime_field_raw(mf, ":;");
	else {
		mime_field_raw(mf, name != NULL ? " <" : "<");
		mime_field_raw(mf, spec);
		mime_field_raw(mf, ">");
	}
	free(name);
	if (!ASN1_HAS(d, XD_TELEPHONE) || d->telephone.len == 0)
		return;
	if ((name = text_of(mf, &d->telephone)) == NULL)
		return;
	if (strpbrk(name, "()\\") == NULL) {
		mime_field_raw(mf, " (Tel ");
		mime_field_raw(mf, name);
		mime_field_raw(mf, ")");
	}
	free(name);
}

static int
descriptors(struct ipm *i, const char *name, const struct x420_descriptor *d,
    uint32_t n)
{
	struct mime_field	mf;
	uint32_t		k;

	if (n == 0)
		return 0;
	mime_field_begin(&mf, name);
	for (k = 0; k < n; k++) {
		if (k > 0)
			mime_field_raw(&mf, ", ");
		ipm_mailbox(i, &mf, &d[k]);
	}
	return mime_field_end(&mf, i->f);
}

static int
bit(const struct asn1_bits *bits, uint32_t n)
{
	return n < bits->nbits && (bits->p[n / 8] & 0x80 >> n % 8) != 0;
}

/* What is asked of a recipient stands behind the address (5.3.1.2). */
static int
recipients(struct ipm *i, const char *name, const struct asn1_list *list)
{
	static const char		*const requests[] = {
		" (Receipt Notification Requested)",
		" (Non Receipt Notification Requested)",
		" (IPM Return Requested)"
	};
	const struct x420_recipient	*r = list->p;
	struct mime_field		 mf;
	uint32_t			 k, b;

	if (list->n == 0)
		return 0;
	mime_field_begin(&mf, name);
	for (k = 0; k < list->n; k++) {
		if (k > 0)
			mime_field_raw(&mf, ", ");
		ipm_mailbox(i, &mf, &r[k].descriptor);
		for (b = 0; b < 3; b++)
			if (bit(&r[k].notifications, b))
				mime_field_raw(&mf, requests[b]);
		if (r[k].reply != 0)
			mime_field_raw(&mf, " (Reply Requested)");
	}
	return mime_field_end(&mf, i->f);
}

void
ipm_message_id(struct mime_field *mf, const struct x420_id *id)
{
	char	text[MIXER_MAX];

	if (mixer_msg_id(id, text, sizeof(text)) == -1)
		return;
	mime_field_raw(mf, "<");
	mime_field_raw(mf, text);
	mime_field_raw(mf, ">");
}

static int
ids(struct ipm *i, const char *name, const struct x420_id *id, uint32_t n)
{
	struct mime_field	mf;
	uint32_t		k;

	if (n == 0)
		return 0;
	mime_field_begin(&mf, name);
	for (k = 0; k < n; k++) {
		if (k > 0)
			mime_field_raw(&mf, " ");
		ipm_message_id(&mf, &id[k]);
	}
	return mime_field_end(&mf, i->f);
}

/* Minutes east of UTC at the end of a time: "+0130"; 0 for Z and none. */
static int
zone_of(const char *s)
{
	size_t	n = strlen(s);
	int	k, minutes;

	if (n < 5 || (s[n - 5] != '+' && s[n - 5] != '-'))
		return 0;
	for (k = 1; k <= 4; k++)
		if (!isdigit((unsigned char)s[n - k]))
			return 0;
	minutes = (s[n - 4] - '0') * 600 + (s[n - 3] - '0') * 60 +
	    (s[n - 2] - '0') * 10 + s[n - 1] - '0';
	return s[n - 5] == '+' ? minutes : -minutes;
}

int
ipm_date(const struct asn1_octets *s, char date[MIME_DATE_LEN])
{
	struct utctime	t;
	time_t		when;

	if (s->len >= sizeof(t.text))
		return -1;
	memset(&t, 0, sizeof(t));
	memcpy(t.text, s->p, s->len);
	if ((when = utctime_get(&t)) == -1)
		return -1;
	mime_date(date, when, zone_of(t.text));
	return 0;
}

/* YYYYMMDDHHMM[SS][.f][Z|+hhmm]; without a zone it is taken for UTC. */
int
ipm_generalized_date(const struct asn1_octets *s, char date[MIME_DATE_LEN])
{
	static const int	 width[] = { 4, 2, 2, 2, 2, 2 };
	int			 v[6] = { 0, 0, 0, 0, 0, 0 }, k, j, zone;
	char			 text[33], *p = text;
	struct tm		 tm;
	time_t			 when;

	if (s->len >= sizeof(text))
		return -1;
	memcpy(text, s->p, s->len);
	text[s->len] = '\0';
	for (k = 0; k < 6 && isdigit((unsigned char)*p); k++)
		for (j = 0; j < width[k]; j++, p++) {
			if (!isdigit((unsigned char)*p))
				return -1;
			v[k] = v[k] * 10 + *p - '0';
		}
	if (k < 4 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 ||
	    v[3] > 23 || v[4] > 59 || v[5] > 60)
		return -1;
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = v[0] - 1900;
	tm.tm_mon = v[1] - 1;
	tm.tm_mday = v[2];
	tm.tm_hour = v[3];
	tm.tm_min = v[4];
	tm.tm_sec = v[5];
	zone = zone_of(text);
	when = timegm(&tm);
	mime_date(date, when - zone * 60, zone);
	return 0;
}

static int
time_field(struct ipm *i, const char *name, const struct asn1_octets *s)
{
	char	date[MIME_DATE_LEN];

	return ipm_date(s, date) == -1 ? 0 : mime_raw_field(i->f, name, date);
}

static int
number_field(struct ipm *i, const char *name, const char *const *names,
    int64_t max, int64_t value)
{
	char	number[24];

	if (value >= 0 && value <= max)
		return names[value] == NULL ? 0 :
		    mime_raw_field(i->f, name, names[value]);
	snprintf(number, sizeof(number), "%lld", (long long)value);
	return mime_raw_field(i->f, name, number);
}

/* Extensions (7.2.17): the value of languages is a SET OF PrintableString. */
static int
languages(struct ipm *i, const struct asn1_octets *value)
{
	struct ber_element	 e;
	struct mime_field	 mf;
	struct ber		 all, in;
	char			*text;
	int			 first = 1;

	ber_init(&all, value->p, value->len);
	if (ber_next(&all, &e) != 1 || !e.h.constructed)
		return 0;
	ber_enter(&all, &e, &in);
	mime_field_begin(&mf, "Content-Language");
	while (ber_next(&in, &e) == 1 && !e.h.constructed) {
		text = charset_text(e.value, e.h.len, CS_ASCII);
		if (text == NULL)
			mf.failed = 1;
		else {
			mime_field_raw(&mf, first ? "" : ", ");
			mime_field_raw(&mf, text);
		}
		free(text);
		first = 0;
		in.p = e.value + e.h.len;
	}
	return mime_field_end(&mf, i->f);
}

static int
known_extension(struct ipm *i, int type, const struct asn1_octets *value)
{
	static const char	*const automatic[] = {
		NULL, "auto-generated", "auto-replied"
	};

	switch (type) {
	case HEX_INCOMPLETE_COPY:
		return mime_raw_field(i->f, "Incomplete-Copy", "yes");
	case HEX_LANGUAGES:
		return languages(i, value);
	default:
		return number_field(i, "Auto-Submitted", automatic, 2,
		    value->len == 3 ? value->p[2] : 0);
	}
}

static int
is_hex(const struct asn1_octets *type)
{
	return type->len == 4 && memcmp(type->p, X420_ID_HEX, 3) == 0 &&
	    type->p[3] <= HEX_AUTO_SUBMITTED;
}

static int
extensions(struct ipm *i, const struct asn1_list *list)
{
	const struct x420_extension	*e = list->p;
	struct mime_field		 mf;
	char				 text[UB_OID_TEXT + 1];
	uint32_t			 k, others = 0;

	for (k = 0; k < list->n; k++)
		if (!is_hex(&e[k].type))
			others++;
		else if (known_extension(i, e[k].type.p[3], &e[k].value) ==
		    -1)
			return -1;
	if (others == 0)
		return 0;
	mime_field_begin(&mf, "Discarded-X400-IPMS-Extensions");
	for (k = 0; k < list->n; k++)
		if (!is_hex(&e[k].type) && oid_to_text(e[k].type.p,
		    e[k].type.len, text) != -1) {
			mime_field_raw(&mf, text);
			mime_field_raw(&mf, --others > 0 ? ", " : "");
		}
	return mime_field_end(&mf, i->f);
}

/* From and Sender (5.3.1.2): the authorizing users, when there are any. */
static int
from(struct ipm *i, const struct x420_heading *h)
{
	const struct x420_descriptor	*d = &h->originator;
	struct or_address		 or;
	struct message			*m;
	const char			*why;
	char				 spec[MIXER_MAX];
	size_t				 where;
	int				 known;

	if (h->authorizing.n > 0) {
		if (descriptors(i, "From", h->authorizing.p,
		    h->authorizing.n) == -1)
			return -1;
		return !ASN1_HAS(h, XH_ORIGINATOR) ? 0 :
		    descriptors(i, "Sender", d, 1);
	}
	if (ASN1_HAS(h, XH_ORIGINATOR) || i->options->originator == NULL ||
	    i->depth > 0)
		return descriptors(i, "From", d, 1);
	if ((m = message_new()) == NULL)
		return -1;
	known = or_address_parse(m, &or, i->options->originator, &where,
	    &why) == 0 && mixer_addr_spec(&or, i->options->domain, spec,
	    sizeof(spec)) == 0;
	message_free(m);
	return mime_raw_field(i->f, "From", known ? spec :
	    "\"no address\":;");
}

static int
subject(struct ipm *i, const struct asn1_octets *s)
{
	char	*text;
	int	 r;

	if ((text = charset_tagged(s->p, s->len, s->tag)) == NULL)
		return -1;
	r = mime_text_field(i->f, "Subject", text);
	free(text);
	return r;
}

static int
indications(struct ipm *i, const struct x420_heading *h)
{
	static const char	*const importance[] = { "low", NULL, "high" };
	static const char	*const sensitivity[] = {
		NULL, "Personal", "Private", "Company-Confidential"
	};

	if (ASN1_HAS(h, XH_EXPIRY) &&
	    time_field(i, "Expires", &h->expiry) == -1)
		return -1;
	if (ASN1_HAS(h, XH_REPLY_TIME) &&
	    time_field(i, "Reply-By", &h->reply_time) == -1)
		return -1;
	if (number_field(i, "Importance", importance, 2, h->importance) == -1)
		return -1;
	if (ASN1_HAS(h, XH_SENSITIVITY) && number_field(i, "Sensitivity",
	    sensitivity, 3, h->sensitivity) == -1)
		return -1;
	if (h->auto_forwarded != 0 &&
	    mime_raw_field(i->f, "Autoforwarded", "TRUE") == -1)
		return -1;
	return extensions(i, &h->extensions);
}

static int
fields(struct ipm *i, const struct x420_heading *h, int64_t date,
    const char *delivered)
{
	char	text[MIME_DATE_LEN];

	if (mime_raw_field(i->f, "Date", mime_date(text, date, 0)) == -1 ||
	    (delivered != NULL &&
	    mime_raw_field(i->f, "Delivery-Date", delivered) == -1) ||
	    from(i, h) == -1 ||
	    recipients(i, "To", &h->recipients[0]) == -1 ||
	    recipients(i, "Cc", &h->recipients[1]) == -1 ||
	    recipients(i, "Bcc", &h->recipients[2]) == -1)
		return -1;
	if (ASN1_HAS(h, XH_SUBJECT) && subject(i, &h->subject) == -1)
		return -1;
	if (ids(i, "Message-ID", &h->id, 1) == -1 ||
	    (ASN1_HAS(h, XH_REPLIED_TO) &&
	    ids(i, "In-Reply-To", &h->replied_to, 1) == -1) ||
	    ids(i, "References", h->related.p, h->related.n) == -1 ||
	    ids(i, "Supersedes", h->obsoleted.p, h->obsoleted.n) == -1 ||
	    descriptors(i, "Reply-To", h->reply_recipients.p,
	    h->reply_recipients.n) == -1)
		return -1;
	if (indications(i, h) == -1)
		return -1;
	return mime_raw_field(i->f, "MIME-Version", "1.0");
}

int
ipm_heading(struct ipm *i, struct ber *level, int64_t date,
    const char *delivered)
{
	struct x420_heading	*h;
	struct asn1_memory	 memory;
	struct asn1		 a;
	int			 r = -1;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return ipm_no_memory(i);
	asn1_memory_init(&memory, IPM_MEMORY_MAX);
	asn1_init(&a, &memory);
	if (asn1_decode(&a, &x420_type_heading, level, h) == -1)
		ipm_decode_fail(i, &a);
	else if (fields(i, h, date, delivered) == -1)
		ipm_no_memory(i);
	else
		r = 0;
	asn1_memory_free(&memory);
	free(h);
	return r;
}
