/* SPDX-License-Identifier: ISC */

/*
 * MIME of a content (X.420 7.1): InformationObject, UAPDU of 1984.
 *
 *	[0] IPM { SET heading, SEQUENCE OF body part }
 *	[1] IPN SET
 */

#include <stdarg.h>
#include <string.h>

#include "ipm_impl.h"

int
ipm_fail(struct ipm *i, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(i->why, IPM_WHY_MAX, fmt, ap);
	va_end(ap);
	return -1;
}

int
ipm_no_memory(struct ipm *i)
{
	i->no_memory = 1;
	return ipm_fail(i, "out of memory");
}

int
ipm_decode_fail(struct ipm *i, const struct asn1 *a)
{
	if (strstr(a->error, "out of memory") != NULL &&
	    a->memory->total < a->memory->max / 2)
		return ipm_no_memory(i);
	return ipm_fail(i, "%s", a->error);
}

/*
 * A number is enough to tell boundaries apart; that no text looks like one
 * is what mime_text_put sees to.
 */
void
ipm_boundary(struct ipm *i, char boundary[IPM_BOUNDARY_LEN])
{
	snprintf(boundary, IPM_BOUNDARY_LEN, "=_x400_%08u", ++i->boundaries);
}

int
ipm_expect(struct ipm *i, struct ber *level, uint32_t tag,
    struct ber_element *e)
{
	char	name[40];
	int	n;

	if ((n = ber_next(level, e)) == -1)
		return ipm_fail(i, "%s", level->why);
	if (n == 0)
		return ipm_fail(i, "element %s is missing",
		    asn1_tag_name(tag, name, sizeof(name)));
	if (e->h.tag != tag || !e->h.constructed)
		return ipm_fail(i, "unexpected element %s",
		    asn1_tag_name(e->h.tag, name, sizeof(name)));
	return 0;
}

int
ipm_message(struct ipm *i, struct ber *level, int64_t date,
    const char *delivered)
{
	struct ber_element	e;

	if (ipm_heading(i, level, date, delivered) == -1 ||
	    ipm_expect(i, level, BER_SEQUENCE, &e) == -1)
		return -1;
	return ipm_body(i, level, &e);
}

static int
information_object(struct ipm *i, const uint8_t *p, size_t len)
{
	struct ber_element	e;
	struct ber		all, in;

	ber_init(&all, p, len);
	in = all;
	if (ber_next(&in, &e) == 1 && e.h.tag == BER_CONTEXT(1))
		return ipm_notification(i, &all);
	if (ipm_expect(i, &all, BER_CONTEXT(0), &e) == -1)
		return -1;
	ber_enter(&all, &e, &in);
	return ipm_message(i, &in, i->options->date, NULL);
}

int
ipm_to_mime(const uint8_t *p, size_t len, const struct ipm_options *options,
    FILE *f, char why[IPM_WHY_MAX])
{
	struct ipm	i;

	memset(&i, 0, sizeof(i));
	i.options = options;
	i.f = f;
	i.why = why;
	why[0] = '\0';
	if (information_object(&i, p, len) == 0)
		return 0;
	return i.no_memory ? -2 : -1;
}
