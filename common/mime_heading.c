/* SPDX-License-Identifier: ISC */

/*
 * Header fields as the heading of an IPM (X.420 7.2), by RFC 2156 5.1.  The
 * Date is not among them: the time of submission is that of the envelope.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "imsg.h"
#include "mime_impl.h"
#include "mixer.h"
#include "t61.h"

struct heading {
	struct mime_submission		*s;
	const struct mime_entity	*e;
	struct asn1_memory		 memory;
	struct x420_heading		 v;
};

static int
fail(struct mime_submission *s, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

static int
fail(struct mime_submission *s, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	return -1;
}

static int
no_memory(struct mime_submission *s)
{
	return fail(s, "out of memory");
}

int
mime_t61(struct asn1_memory *memory, struct asn1_octets *out, const char *s,
    size_t max)
{
	uint8_t	*p, c[2];
	size_t	 used, len = 0;
	int	 n;

	if ((p = asn1_memory_alloc(memory, max + 2)) == NULL)
		return -1;
	for (; *s != '\0'; s += used) {
		if ((used = t61_char(s, c, &n)) == 0) {
			used = 1;
			while ((s[used] & 0xc0) == 0x80)
				used++;
			c[0] = '?';
			n = 1;
		}
		if (len + n > max)
			break;
		memcpy(p + len, c, n);
		len += n;
	}
	out->p = p;
	out->len = len;
	out->tag = BER_T61_STRING;
	return 0;
}

int
mime_or_address(struct mime_submission *s, struct or_address *or,
    const struct mime_mailbox *m, const char **why)
{
	return mixer_address(s->m, or, m->local, m->domain,
	    s->originator.nattr > 0 ? &s->originator : NULL, why);
}

/* Envelope */

static int
envelope_originator(struct mime_submission *s, const struct mime_entity *e)
{
	static const char	*const names[] = { "Sender", "From" };
	struct mime_mailbox	 m;
	const char		*why = "no From field", *p;
	char			*value;
	size_t			 i;
	int			 r;

	for (i = 0; i < 2 && s->originator.nattr == 0; i++) {
		if ((value = mime_field(e, names[i], 0)) == NULL)
			continue;
		p = value;
		if ((r = mime_mailbox(&p, &m)) == 1) {
			mixer_address(s->m, &s->originator, m.local,
			    m.domain, NULL, &why);
			mime_mailbox_free(&m);
		} else
			why = "no address in the From field";
		free(value);
	}
	return s->originator.nattr > 0 ? 0 :
	    fail(s, "originator: %s", why);
}

static int
envelope_recipient(struct mime_submission *s, const struct mime_mailbox *m)
{
	struct or_address	*to;
	const char		*why;

	if (s->nto == UB_RECIPIENTS)
		return fail(s, "more than %d recipients", UB_RECIPIENTS);
	/* In the arena, twice as much when a power of two is full. */
	if ((s->nto & (s->nto - 1)) == 0) {
		to = message_alloc(s->m, (s->nto == 0 ? 1 : 2 * s->nto) *
		    sizeof(*to));
		if (to == NULL)
			return no_memory(s);
		if (s->nto > 0)
			memcpy(to, s->to, s->nto * sizeof(*to));
		s->to = to;
	}
	if (mime_or_address(s, &s->to[s->nto], m, &why) == -1)
		return fail(s, "recipient %.80s@%.80s: %s", m->local,
		    m->domain, why);
	s->nto++;
	return 0;
}

/* Every address of the fields of a name, until f returns -1, having said why. */
static int
each_mailbox(struct mime_submission *s, const struct mime_entity *e,
    const char *name, int (*f)(struct mime_submission *,
    const struct mime_mailbox *))
{
	struct mime_mailbox	 m;
	const char		*p;
	char			*value;
	unsigned int		 nth;
	int			 r = 0;

	for (nth = 0; r == 0 && (value = mime_field(e, name, nth)) != NULL;
	    nth++) {
		p = value;
		while ((r = mime_mailbox(&p, &m)) == 1) {
			r = f(s, &m);
			mime_mailbox_free(&m);
			if (r == -1)
				break;
		}
		if (r == -1 && s->why[0] == '\0')
			fail(s, "%s: malformed addresses", name);
		free(value);
	}
	return r;
}

static int
by_address(const void *a, const void *b)
{
	return or_address_compare(*(const struct or_address *const *)a,
	    *(const struct or_address *const *)b);
}

/* Counts one that is not among the recipients, sorted; the first is kept. */
static int
left_out(struct mime_submission *s, const struct mime_mailbox *m)
{
	struct or_address	 or, *key = &or;
	const char		*why;

	memset(&or, 0, sizeof(or));
	if ((mime_or_address(s, &or, m, &why) == -1 || bsearch(&key,
	    s->given, s->nto, sizeof(*s->given), by_address) == NULL) &&
	    s->left_out++ == 0)
		snprintf(s->left_out_first, sizeof(s->left_out_first),
		    "%s%s%s", m->local, m->domain[0] == '\0' ? "" : "@",
		    m->domain);
	return 0;
}

/* The recipients were given: whom the header names besides gets nothing. */
static int
envelope_given(struct mime_submission *s, const struct mime_entity *e)
{
	static const char	*const names[] = { "To", "Cc", "Bcc" };
	size_t			  i;
	int			  r = 0;

	if ((s->given = calloc(s->nto, sizeof(*s->given))) == NULL)
		return no_memory(s);
	for (i = 0; i < s->nto; i++)
		s->given[i] = &s->to[i];
	qsort(s->given, s->nto, sizeof(*s->given), by_address);
	for (i = 0; i < 3 && r == 0; i++)
		r = each_mailbox(s, e, names[i], left_out);
	free(s->given);
	s->given = NULL;
	return r;
}

static int
envelope_priority(const struct mime_entity *e)
{
	char	*value = mime_field(e, "Priority", 0);
	int	 priority = -1;

	if (value != NULL)
		priority = strcasecmp(value, "urgent") == 0 ?
		    PRIORITY_URGENT : strcasecmp(value, "non-urgent") == 0 ?
		    PRIORITY_NON_URGENT : strcasecmp(value, "normal") == 0 ?
		    PRIORITY_NORMAL : -1;
	free(value);
	return priority;
}

int
mime_envelope(struct mime_submission *s, const struct mime_entity *e)
{
	s->priority = envelope_priority(e);
	if (s->originator.nattr == 0 && envelope_originator(s, e) == -1)
		return -1;
	if (s->nto > 0)
		return envelope_given(s, e);
	if (each_mailbox(s, e, "To", envelope_recipient) == -1 ||
	    each_mailbox(s, e, "Cc", envelope_recipient) == -1 ||
	    each_mailbox(s, e, "Bcc", envelope_recipient) == -1)
		return -1;
	return s->nto > 0 ? 0 : fail(s, "no recipients");
}

/* O/R descriptors */

static int
name_put(struct heading *h, struct or_name *name, const struct or_address *or)
{
	const char	*why;

	return or_name_88_from_address(name, or, &h->memory, &why) == -1 ?
	    fail(h->s, "O/R name: %s", why) : 0;
}

/* An address that X.400 has no form for is the free-form name. */
static int
descriptor_put(struct heading *h, struct x420_descriptor *d,
    const struct mime_mailbox *m)
{
	struct or_address	*or;
	const char		*why;
	char			 text[UB_FREE_FORM * 4 + 1];

	if ((or = message_alloc(h->s->m, sizeof(*or))) == NULL)
		return no_memory(h->s);
	if (mime_or_address(h->s, or, m, &why) == 0) {
		ASN1_PUT(d, XD_NAME);
		if (name_put(h, &d->name, or) == -1)
			return -1;
	}
	snprintf(text, sizeof(text), "%s%s%s", m->local,
	    m->domain[0] == '\0' ? "" : "@", m->domain);
	if (m->name == NULL && ASN1_HAS(d, XD_NAME))
		return 0;
	ASN1_PUT(d, XD_FREE_FORM);
	return mime_t61(&h->memory, &d->free_form, m->name != NULL ?
	    m->name : text, UB_FREE_FORM) == -1 ? no_memory(h->s) : 0;
}

/* Another element of that size at the end of a list. */
static void *
list_add(struct heading *h, struct asn1_list *list, size_t size)
{
	void	*p;

	if (list->n == X420_NAMES_MAX)
		return NULL;
	if ((list->n & (list->n - 1)) == 0) {
		p = asn1_memory_alloc(&h->memory, (list->n == 0 ? 1 :
		    2 * (size_t)list->n) * size);
		if (p == NULL)
			return NULL;
		if (list->n > 0)
			memcpy(p, list->p, list->n * size);
		list->p = p;
	}
	return (uint8_t *)list->p + size * list->n++;
}

/* recipients: struct x420_recipient, whose first members are those bits. */
static int
mailboxes(struct heading *h, const char *name, struct asn1_list *list,
    int recipients)
{
	struct x420_recipient	*r;
	struct x420_descriptor	*d;
	struct mime_mailbox	 m;
	const char		*p;
	char			*value;
	unsigned int		 nth;
	int			 n = 0;

	for (nth = 0; n == 0 && (value = mime_field(h->e, name, nth)) != NULL;
	    nth++) {
		p = value;
		while ((n = mime_mailbox(&p, &m)) == 1) {
			if (recipients) {
				r = list_add(h, list, sizeof(*r));
				d = r == NULL ? NULL : &r->descriptor;
				if (r != NULL)
					ASN1_PUT(r, XR_DESCRIPTOR);
			} else
				d = list_add(h, list, sizeof(*d));
			n = d == NULL ? no_memory(h->s) :
			    descriptor_put(h, d, &m);
			mime_mailbox_free(&m);
			if (n == -1)
				break;
		}
		if (n == -1 && h->s->why[0] == '\0')
			fail(h->s, "%s: malformed addresses", name);
		free(value);
	}
	return n;
}

/* One From is the originator; else they authorize, and Sender originates. */
static int
originators(struct heading *h)
{
	struct asn1_list	 sender = { NULL, 0 }, from = { NULL, 0 };

	if (mailboxes(h, "Sender", &sender, 0) == -1 ||
	    mailboxes(h, "From", &from, 0) == -1)
		return -1;
	if (sender.n > 0 || from.n > 1) {
		if (from.n > 0) {
			h->v.authorizing = from;
			ASN1_PUT(&h->v, XH_AUTHORIZING);
		}
		if (sender.n == 0)
			sender = from;
	} else
		sender = from;
	ASN1_PUT(&h->v, XH_ORIGINATOR);
	if (sender.n > 0) {
		h->v.originator = *(struct x420_descriptor *)sender.p;
		return 0;
	}
	ASN1_PUT(&h->v.originator, XD_NAME);
	return name_put(h, &h->v.originator.name, &h->s->originator);
}

static int
notifications(struct heading *h)
{
	static const uint8_t	 rn_nrn = 0xc0;
	struct x420_recipient	*r = h->v.recipients[0].p;
	char			*value;
	uint32_t		 i;

	value = mime_field(h->e, "Disposition-Notification-To", 0);
	if (value == NULL)
		return 0;
	free(value);
	for (i = 0; i < h->v.recipients[0].n; i++) {
		ASN1_PUT(&r[i], XR_NOTIFICATIONS);
		r[i].notifications.p = &rn_nrn;
		r[i].notifications.nbits = 2;
	}
	return 0;
}

static int
names(struct heading *h)
{
	static const char	*const fields[] = { "To", "Cc" };
	int			 i;

	if (originators(h) == -1)
		return -1;
	/* Bcc: who is blind is told to nobody, so to no one at all. */
	for (i = 0; i < 2; i++) {
		if (mailboxes(h, fields[i], &h->v.recipients[i], 1) == -1)
			return -1;
		if (h->v.recipients[i].n > 0)
			ASN1_PUT(&h->v, XH_PRIMARY + i);
	}
	if (mailboxes(h, "Reply-To", &h->v.reply_recipients, 0) == -1)
		return -1;
	if (h->v.reply_recipients.n > 0)
		ASN1_PUT(&h->v, XH_REPLY_RECIPIENTS);
	return notifications(h);
}

/* Identifiers */

static int
ids(struct heading *h, const char *name, struct asn1_list *list)
{
	struct x420_id	*id;
	const char	*p;
	char		*value, *one;
	int		 r = 0;

	if ((value = mime_field(h->e, name, 0)) == NULL)
		return 0;
	p = value;
	while (r == 0 && (one = mime_msg_id(&p)) != NULL) {
		if ((id = list_add(h, list, sizeof(*id))) == NULL)
			r = no_memory(h->s);
		else if (mixer_ipm_id(id, one, h->s->m, &h->memory) == -1)
			list->n--;	/* not ASCII: none that anyone has */
		free(one);
	}
	free(value);
	return r;
}

/* One of our own when there is none. */
static int
own_id(struct heading *h)
{
	struct utctime	now;
	char		text[UB_IPM_ID + 1], *p;

	utctime_set(&now, time(NULL));
	snprintf(text, sizeof(text), "%s.%ld.%08lX", now.text,
	    (long)getpid(), (unsigned long)arc4random());
	if ((p = asn1_memory_alloc(&h->memory, sizeof(text))) == NULL)
		return no_memory(h->s);
	memcpy(p, text, sizeof(text));
	h->v.id.a.present = 1 << XI_ID | 1 << XI_USER;
	h->v.id.id.p = (uint8_t *)p;
	h->v.id.id.len = strlen(p);
	return name_put(h, &h->v.id.user, &h->s->originator);
}

static int
identifiers(struct heading *h)
{
	struct asn1_list	 own = { NULL, 0 }, replied = { NULL, 0 };
	int			 r = 0;

	if (ids(h, "Message-ID", &own) == -1 ||
	    ids(h, "In-Reply-To", &replied) == -1 ||
	    ids(h, "References", &h->v.related) == -1 ||
	    ids(h, "Supersedes", &h->v.obsoleted) == -1)
		return -1;
	ASN1_PUT(&h->v, XH_ID);
	if (own.n > 0)
		h->v.id = *(struct x420_id *)own.p;
	else
		r = own_id(h);
	if (replied.n > 0) {
		h->v.replied_to = *(struct x420_id *)replied.p;
		ASN1_PUT(&h->v, XH_REPLIED_TO);
	}
	if (h->v.related.n > 0)
		ASN1_PUT(&h->v, XH_RELATED);
	if (h->v.obsoleted.n > 0)
		ASN1_PUT(&h->v, XH_OBSOLETED);
	return r;
}

/* The rest */

static int
time_put(struct heading *h, const char *name, int row, struct asn1_octets *t)
{
	struct utctime	*utc;
	int64_t		 seconds;
	char		*value;
	int		 r;

	if ((value = mime_field(h->e, name, 0)) == NULL)
		return 0;
	r = mime_date_parse(value, &seconds);
	free(value);
	if (r == -1)
		return 0;
	if ((utc = asn1_memory_alloc(&h->memory, sizeof(*utc))) == NULL)
		return no_memory(h->s);
	utctime_set(utc, seconds);
	t->p = (uint8_t *)utc->text;
	t->len = strlen(utc->text);
	ASN1_PUT(&h->v, row);
	return 0;
}

static void
number_put(struct heading *h, const char *name, const char *const *known,
    int n, int row, int64_t *v)
{
	char	*value;
	int	 i;

	if ((value = mime_field(h->e, name, 0)) == NULL)
		return;
	for (i = 0; i < n; i++)
		if (known[i] != NULL && strcasecmp(value, known[i]) == 0) {
			*v = i;
			ASN1_PUT(&h->v, row);
		}
	free(value);
}

static int
subject_put(struct heading *h)
{
	char	*value, *text;
	int	 r;

	if ((value = mime_field(h->e, "Subject", 0)) == NULL)
		return 0;
	text = mime_words(value);
	free(value);
	if (text == NULL)
		return no_memory(h->s);
	r = mime_t61(&h->memory, &h->v.subject, text, UB_SUBJECT);
	ASN1_PUT(&h->v, XH_SUBJECT);
	free(text);
	return r == -1 ? no_memory(h->s) : 0;
}

static int
indications(struct heading *h)
{
	static const char	*const importance[] = {
		"low", "normal", "high"
	};
	static const char	*const sensitivity[] = {
		NULL, "Personal", "Private", "Company-Confidential"
	};
	static const char	*const forwarded[] = { NULL, "TRUE" };

	h->v.importance = 1;
	number_put(h, "Importance", importance, 3, XH_IMPORTANCE,
	    &h->v.importance);
	number_put(h, "Sensitivity", sensitivity, 4, XH_SENSITIVITY,
	    &h->v.sensitivity);
	number_put(h, "Autoforwarded", forwarded, 2, XH_AUTO_FORWARDED,
	    &h->v.auto_forwarded);
	if (h->v.auto_forwarded)
		h->v.auto_forwarded = -1;	/* TRUE is 255 */
	if (time_put(h, "Expires", XH_EXPIRY, &h->v.expiry) == -1 ||
	    time_put(h, "Reply-By", XH_REPLY_TIME, &h->v.reply_time) == -1)
		return -1;
	return subject_put(h);
}

static int
list_is_1988(const struct asn1_list *list, int recipients)
{
	const struct x420_descriptor	*d = list->p;
	const struct x420_recipient	*r = list->p;
	uint32_t			 i;

	for (i = 0; i < list->n; i++)
		if (ASN1_HAS(recipients ? &r[i].descriptor.name : &d[i].name,
		    OR_EXTENSION))
			return 1;
	return 0;
}

static int
is_1988(const struct x420_heading *v)
{
	return ASN1_HAS(&v->originator.name, OR_EXTENSION) ||
	    ASN1_HAS(&v->id.user, OR_EXTENSION) ||
	    ASN1_HAS(&v->replied_to.user, OR_EXTENSION) ||
	    list_is_1988(&v->authorizing, 0) ||
	    list_is_1988(&v->reply_recipients, 0) ||
	    list_is_1988(&v->recipients[0], 1) ||
	    list_is_1988(&v->recipients[1], 1);
}

int
mime_heading(struct mime_submission *s, const struct mime_entity *e,
    struct ibuf *out, int *is_88)
{
	struct heading	*h;
	struct ber_out	 o;
	struct asn1	 a;
	int		 r = -1;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return no_memory(s);
	h->s = s;
	h->e = e;
	asn1_memory_init(&h->memory, MIME_MEMORY_MAX);
	asn1_init(&a, &h->memory);
	ber_out_init(&o);
	if (names(h) == -1 || identifiers(h) == -1 || indications(h) == -1)
		goto out;
	*is_88 |= is_1988(&h->v);
	if (asn1_encode(&a, &x420_type_heading, &h->v, &o) == -1)
		fail(s, "%s", a.error);
	else if ((r = ber_out_flush(&o, out)) == -1)
		no_memory(s);
out:
	ber_out_free(&o);
	asn1_memory_free(&h->memory);
	free(h);
	return r;
}
