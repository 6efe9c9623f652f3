/* SPDX-License-Identifier: ISC */

/*
 * SPDUs: what is understood says the same after it was written and read
 * again.  The input is one SPDU with its header.
 */

#include <string.h>

#include "fuzz.h"
#include "spdu.h"

static int
same(struct s_octets a, struct s_octets b)
{
	return (a.len == b.len && (a.len == 0 ||
	    memcmp(a.p, b.p, a.len) == 0));
}

static int
same_refs(const struct spdu_refs *a, const struct spdu_refs *b)
{
	return (same(a->called, b->called) && same(a->calling, b->calling) &&
	    same(a->common, b->common) && same(a->additional, b->additional));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static uint8_t	 buf[2 * SPDU_MAX];
	struct spdu	 s, t;
	const char	*why = NULL;
	size_t		 head, params, n;

	if ((head = spdu_header(p, len, &params)) == 0)
		return 0;
	MUST(head == 2 || head == 4);
	if (params > len - head)
		params = len - head;
	if (spdu_decode(&s, p[0], p + head, params, &why) == -1) {
		MUST(why != NULL && why[0] != '\0');
		return 0;
	}
	MUST(spdu_name(s.si, 0) != NULL && spdu_name(s.si, 1) != NULL);
	/* What only a CN and an AC carry is not written elsewhere. */
	if (s.si != SI_CN && s.si != SI_AC)
		s.present &= ~(SPDU_INITIAL_SERIAL | SPDU_TOKEN_SETTING |
		    SPDU_OPTIONS | SPDU_TSDU_SIZE);
	if ((n = spdu_encode(&s, buf, sizeof(buf))) == 0)
		return 0;
	MUST(spdu_header(buf, n, &params) + params == n);
	head = n - params;
	MUST(spdu_decode(&t, buf[0], buf + head, params, &why) == 0);
	MUST(t.si == s.si);
	MUST(same(s.activity, t.activity) && same(s.reflect, t.reflect) &&
	    same(s.reason, t.reason) && same(s.data, t.data) &&
	    same(s.calling_ssel, t.calling_ssel) &&
	    same(s.called_ssel, t.called_ssel));
	if (s.present & SPDU_CONNECTION)
		MUST(same_refs(&s.refs, &t.refs));
	if (s.present & SPDU_LINKING)
		MUST(same_refs(&s.link, &t.link) &&
		    same(s.link_activity, t.link_activity) &&
		    s.link_serial == t.link_serial);
	if (s.present & SPDU_SERIAL)
		MUST((t.present & SPDU_SERIAL) && s.serial == t.serial);
	if (s.present & SPDU_REQUIREMENTS)
		MUST(s.requirements == t.requirements);
	return 0;
}
