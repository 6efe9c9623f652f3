/* SPDX-License-Identifier: ISC */

/*
 * Contents of 1988 as P2 of 1984: refused with a reason, or octets that are
 * P2 already when they are taken for a content of 1988 again.
 */

#include <string.h>

#include "content_84.h"
#include "fuzz.h"
#include "imsg.h"

struct content {
	const uint8_t	*p;
	size_t		 len;
};

static ssize_t
content_pread(void *arg, void *buf, size_t n, uint64_t offset)
{
	struct content	*c = arg;

	MUST(offset <= c->len && n <= c->len - offset);
	memcpy(buf, c->p + offset, n);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct content		 c = { p, len };
	struct content_84	 r, again;
	struct ibuf		*b;

	if (content_84(content_pread, &c, len, &r) == -1) {
		MUST(r.why[0] != '\0' && !r.unreadable);
		content_84_free(&r);
		return 0;
	}
	MUST(r.offset <= len);
	MUST(r.len == ibuf_size(r.prefix) + len - r.offset);
	MUST((b = ibuf_dynamic(0, r.len + 1)) != NULL);
	MUST(ibuf_add_ibuf(b, r.prefix) == 0);
	MUST(ibuf_add(b, p + r.offset, len - r.offset) == 0);
	c.p = ibuf_data(b);
	c.len = ibuf_size(b);
	MUST(content_84(content_pread, &c, c.len, &again) == 0);
	MUST(again.offset == 0 && ibuf_size(again.prefix) == 0 &&
	    again.len == r.len);
	content_84_free(&again);
	content_84_free(&r);
	ibuf_free(b);
	return 0;
}
