/* SPDX-License-Identifier: ISC */

/*
 * Contents as MIME: refused with a reason, or a message without octets that
 * have bit 8 and without lines too long, of which a content can be made that
 * becomes MIME again.  A first octet 'M' takes the rest for MIME.
 */

#include <string.h>

#include "fuzz.h"
#include "ipm.h"

#define LINE_OCTETS_MAX	998	/* RFC 5322 2.1.1 */

struct octets {
	char	*p;
	size_t	 len;
};

static int
to_mime(const uint8_t *p, size_t len, struct octets *out)
{
	struct ipm_options	 options = {
		.domain = "gw.example", .originator = "/S=Doe/C=GB/",
		.date = 1795557600
	};
	char			 why[IPM_WHY_MAX];
	FILE			*f;
	int			 r;

	out->p = NULL;
	MUST((f = open_memstream(&out->p, &out->len)) != NULL);
	r = ipm_to_mime(p, len, &options, f, why);
	MUST(fclose(f) == 0);
	MUST(r == 0 || r == -2 || why[0] != '\0');
	return r;
}

static int
from_mime(const uint8_t *p, size_t len, struct octets *out)
{
	static const char	 from[] = "/S=Doe/P=X/C=GB/";
	struct mime_submission	 s;
	const char		*why;
	size_t			 where;
	FILE			*f;
	int			 r;

	memset(&s, 0, sizeof(s));
	s.text = p;
	s.len = len;
	MUST((s.m = message_new()) != NULL);
	MUST(or_address_parse(s.m, &s.originator, from, &where, &why) == 0);
	s.to = &s.originator;
	s.nto = 1;
	MUST((f = open_memstream(&out->p, &out->len)) != NULL);
	r = ipm_from_mime(&s, f);
	MUST(fclose(f) == 0);
	MUST(r == 0 || s.why[0] != '\0');
	message_free(s.m);
	return r;
}

static void
check_lines(const struct octets *o)
{
	size_t	i, line = 0;

	for (i = 0; i < o->len; i++) {
		MUST((unsigned char)o->p[i] < 128 && o->p[i] != '\0' &&
		    o->p[i] != '\r');
		line = o->p[i] == '\n' ? 0 : line + 1;
		MUST(line <= LINE_OCTETS_MAX);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct octets	mime, content, again;
	int		r;

	if (len > 0 && p[0] == 'M') {
		r = from_mime(p + 1, len - 1, &content);
		if (r == 0) {
			MUST(to_mime((uint8_t *)content.p, content.len,
			    &mime) == 0);
			check_lines(&mime);
			free(mime.p);
		}
		free(content.p);
		return 0;
	}
	r = to_mime(p, len, &mime);
	if (r == 0) {
		check_lines(&mime);
		r = from_mime((uint8_t *)mime.p, mime.len, &content);
		if (r == 0) {
			MUST(to_mime((uint8_t *)content.p, content.len,
			    &again) == 0);
			free(again.p);
		}
		free(content.p);
	}
	free(mime.p);
	return 0;
}
