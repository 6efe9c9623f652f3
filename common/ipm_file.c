/* SPDX-License-Identifier: ISC */

/*
 * Parameters of a file (X.420 7.4.12, FileTransferParameters) as header fields
 * of the part that it becomes: RFC 2157 2.3, RFC 2183.
 */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "charset.h"
#include "ipm_impl.h"
#include "oid.h"

/* The name without directories, whoever's separators they are. */
static const char *
base_name(const char *path)
{
	const char	*p, *base = path;

	for (p = path; *p != '\0'; p++)
		if (*p == '/' || *p == '\\' || *p == ':')
			base = p + 1;
	return base;
}

static char *
last_of(const struct asn1_list *list)
{
	const struct asn1_octets	*s = list->p;

	if (list->n == 0)
		return NULL;
	s += list->n - 1;
	return charset_tagged(s->p, s->len, s->tag);
}

static int
is_token(const char *s, size_t n)
{
	size_t	k;

	for (k = 0; k < n; k++)
		if (s[k] <= ' ' || s[k] > '~' ||
		    strchr("()<>@,;:\\\"/[]?=", s[k]) != NULL)
			return 0;
	return n > 0;
}

/* A description of the application that is a type of MIME (and no other). */
static int
is_mime_type(const char *s)
{
	const char	*slash;

	return s != NULL && (slash = strchr(s, '/')) != NULL &&
	    is_token(s, slash - s) && is_token(slash + 1, strlen(slash + 1)) &&
	    strncasecmp(s, "multipart/", 10) != 0 &&
	    strncasecmp(s, "message/", 8) != 0;
}

/* "type/subtype" and "; charset=x" may be what is described. */
static int
file_type(struct ipm *i, const struct x420_file *file, const char *name)
{
	const struct x420_application	*app = &file->environment.application;
	const struct asn1_octets	*s = app->descriptive.p;
	struct mime_field		 mf;
	char				*type = NULL, *set = NULL;
	char				 oid[UB_OID_TEXT + 1];

	mime_field_begin(&mf, "Content-Type");
	if (ASN1_HAS(&file->environment, XF_APPLICATION) &&
	    app->c.chosen == XF_DESCRIPTIVE && app->descriptive.n > 0)
		type = charset_tagged(s->p, s->len, s->tag);
	if (is_mime_type(type)) {
		mime_field_raw(&mf, type);
		if (app->descriptive.n > 1 && strncasecmp(type, "text/", 5) ==
		    0 && (set = charset_tagged(s[1].p, s[1].len, s[1].tag)) !=
		    NULL && is_token(set, strlen(set)))
			mime_field_parameter(&mf, "charset", set);
	} else
		mime_field_raw(&mf, "application/octet-stream");
	if (name != NULL && *name != '\0')
		mime_field_parameter(&mf, "name", name);
	if (ASN1_HAS(&file->environment, XF_APPLICATION) &&
	    app->c.chosen == XF_REGISTERED && oid_to_text(app->registered.p,
	    app->registered.len, oid) != -1)
		mime_field_parameter(&mf, "x400-application", oid);
	if (ASN1_HAS(file, XF_COMPRESSION))
		mime_field_parameter(&mf, "x400-compressed", "yes");
	free(type);
	free(set);
	return mime_field_end(&mf, i->f) == -1 ? ipm_no_memory(i) : 0;
}

static void
file_date(struct mime_field *mf, const char *name,
    const struct x420_file_time *t)
{
	char	date[MIME_DATE_LEN];

	if (t->c.chosen == XF_VALUE &&
	    ipm_generalized_date(&t->time, date) == 0)
		mime_field_parameter(mf, name, date);
}

static int
file_disposition(struct ipm *i, const struct x420_file *file,
    const char *name)
{
	const struct x420_file_attributes	*a = &file->attributes;
	struct mime_field			 mf;
	char					 size[24], *description;
	int					 r = 0;

	mime_field_begin(&mf, "Content-Disposition");
	mime_field_raw(&mf, "attachment");
	if (name != NULL && *name != '\0')
		mime_field_parameter(&mf, "filename", name);
	if (ASN1_HAS(a, XF_CREATED))
		file_date(&mf, "creation-date", &a->created);
	if (ASN1_HAS(a, XF_MODIFIED))
		file_date(&mf, "modification-date", &a->modified);
	if (ASN1_HAS(a, XF_SIZE) && a->size.c.chosen == XF_VALUE &&
	    a->size.octets >= 0) {
		snprintf(size, sizeof(size), "%lld",
		    (long long)a->size.octets);
		mime_field_parameter(&mf, "size", size);
	}
	if (mime_field_end(&mf, i->f) == -1)
		return ipm_no_memory(i);
	if ((description = last_of(&file->environment.visible)) != NULL &&
	    *description != '\0')
		r = mime_text_field(i->f, "Content-Description", description);
	free(description);
	return r == -1 ? ipm_no_memory(i) : 0;
}

static int
file_fields(struct ipm *i, const struct x420_file *file)
{
	const struct asn1_list	*path = &file->attributes.incomplete;
	char			*name;
	const char		*base = NULL;
	int			 r;

	if (path->n == 0)
		path = &file->attributes.complete;
	if ((name = last_of(path)) != NULL)
		base = base_name(name);
	r = file_type(i, file, base) == -1 ||
	    file_disposition(i, file, base) == -1 ? -1 : 0;
	free(name);
	return r;
}

int
ipm_file_fields(struct ipm *i, struct ber *level)
{
	struct asn1_memory	memory;
	struct x420_file	file;
	struct asn1		a;
	int			r;

	memset(&file, 0, sizeof(file));
	asn1_memory_init(&memory, IPM_MEMORY_MAX);
	asn1_init(&a, &memory);
	/* What is not understood is no reason to keep the file back. */
	if (level != NULL &&
	    asn1_decode(&a, &x420_type_file, level, &file) == -1)
		memset(&file, 0, sizeof(file));
	r = file_fields(i, &file);
	asn1_memory_free(&memory);
	return r;
}
