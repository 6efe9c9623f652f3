/* SPDX-License-Identifier: ISC */

/*
 * Header fields of a part as the parameters of a file (X.420 7.4.12, RFC 2157
 * 2.3): type of MIME and character set describe the application, the name is
 * a pathname of one component.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imsg.h"
#include "mime_impl.h"

/* UTF-8 as a GraphicString: escapes say what is not IA5. */
static int
graphic(struct asn1_memory *memory, struct asn1_octets *out, const char *s)
{
	size_t		 n, left = strlen(s);
	const char	*p;
	char		*q;

	if (left > X420_TEXT_MAX / 2)
		left = X420_TEXT_MAX / 2;
	if ((q = asn1_memory_alloc(memory, left + 4)) == NULL)
		return -1;
	for (p = s, n = 0; n < left && (unsigned char)p[n] < 128; n++)
		;
	out->p = (uint8_t *)q;
	out->len = left;
	out->tag = BER_GRAPHIC_STRING;
	if (n < left) {
		memcpy(q, "\033%G", 3);
		q += 3;
		out->len += 3;
	}
	memcpy(q, p, left);
	return 0;
}

static int
graphics(struct asn1_memory *memory, struct asn1_list *list,
    const char *const *s, uint32_t n)
{
	struct asn1_octets	*o;
	uint32_t		 i;

	list->n = n;
	if ((list->p = o = asn1_memory_alloc(memory, n * sizeof(*o))) == NULL)
		return -1;
	for (i = 0; i < n; i++)
		if (graphic(memory, &o[i], s[i]) == -1)
			return -1;
	return 0;
}

/* Type of MIME, and the character set of a text. */
static int
file_application(struct asn1_memory *memory, struct x420_environment *env,
    const struct mime_kind *k)
{
	const char	*texts[2] = { k->type, NULL };
	char		*charset = NULL;
	int		 r;

	if (strchr(k->type, '/') == NULL)
		return 0;
	if (strncmp(k->type, "text/", 5) == 0 && k->value != NULL)
		charset = mime_parameter(k->value, "charset");
	texts[1] = charset;
	ASN1_PUT(env, XF_APPLICATION);
	env->application.c.chosen = XF_DESCRIPTIVE;
	r = graphics(memory, &env->application.descriptive, texts,
	    charset != NULL ? 2 : 1);
	free(charset);
	return r;
}

static int
file_environment(struct asn1_memory *memory, struct x420_environment *env,
    const struct mime_entity *e, const struct mime_kind *k)
{
	const char	*one;
	char		*value, *text = NULL;
	int		 r = 0;

	if (file_application(memory, env, k) == -1)
		return -1;
	if ((value = mime_field(e, "Content-Description", 0)) != NULL &&
	    (one = text = mime_words(value)) != NULL) {
		ASN1_PUT(env, XF_VISIBLE);
		r = graphics(memory, &env->visible, &one, 1);
	}
	free(value);
	free(text);
	return r;
}

static int
file_time(struct asn1_memory *memory, struct x420_file_time *t,
    const char *disposition, const char *name)
{
	int64_t		 seconds;
	time_t		 when;
	struct tm	 tm;
	char		*value, *p;
	int		 r;

	if ((value = mime_parameter(disposition, name)) == NULL)
		return 0;
	r = mime_date_parse(value, &seconds);
	free(value);
	when = r == -1 ? 0 : seconds;
	if (r == -1 || gmtime_r(&when, &tm) == NULL || tm.tm_year > 8099)
		return 0;
	if ((p = asn1_memory_alloc(memory, 32)) == NULL)
		return -1;
	t->c.chosen = XF_VALUE;
	t->time.p = (uint8_t *)p;
	t->time.len = strftime(p, 32, "%Y%m%d%H%M%SZ", &tm);
	return 1;
}

static int
file_attributes(struct asn1_memory *memory, struct x420_file_attributes *a,
    const struct mime_kind *k, uint64_t octets)
{
	const char	*one;
	char		*name = NULL;
	int		 r = 0;

	ASN1_PUT(a, XF_SIZE);
	a->size.c.chosen = XF_VALUE;
	a->size.octets = octets;
	if (k->disposition != NULL)
		name = mime_parameter(k->disposition, "filename");
	if (name == NULL && k->value != NULL)
		name = mime_parameter(k->value, "name");
	if ((one = name) != NULL) {
		ASN1_PUT(a, XF_INCOMPLETE);
		r = graphics(memory, &a->incomplete, &one, 1);
	}
	free(name);
	if (r == -1 || k->disposition == NULL)
		return r;
	if ((r = file_time(memory, &a->created, k->disposition,
	    "creation-date")) == 1)
		ASN1_PUT(a, XF_CREATED);
	if (r == -1)
		return -1;
	if ((r = file_time(memory, &a->modified, k->disposition,
	    "modification-date")) == 1)
		ASN1_PUT(a, XF_MODIFIED);
	return r == -1 ? -1 : 0;
}

int
mime_file_parameters(struct mime_submission *s, const struct mime_entity *e,
    const struct mime_kind *k, uint64_t octets, struct ibuf *out)
{
	struct asn1_memory	memory;
	struct x420_file	file;
	struct ber_out		o;
	struct asn1		a;
	int			r = -1;

	memset(&file, 0, sizeof(file));
	asn1_memory_init(&memory, MIME_MEMORY_MAX);
	asn1_init(&a, &memory);
	ber_out_init(&o);
	file.a.present = 1 << XF_ATTRIBUTES | 1 << XF_ENVIRONMENT;
	strlcpy(s->why, "out of memory", sizeof(s->why));
	if (file_environment(&memory, &file.environment, e, k) == 0 &&
	    file_attributes(&memory, &file.attributes, k, octets) == 0) {
		if (asn1_encode(&a, &x420_type_file, &file, &o) == -1)
			strlcpy(s->why, a.error, sizeof(s->why));
		else
			r = ber_out_flush(&o, out);
	}
	if (r == 0)
		s->why[0] = '\0';
	ber_out_free(&o);
	asn1_memory_free(&memory);
	return r;
}
