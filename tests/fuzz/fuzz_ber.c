/* SPDX-License-Identifier: ISC */

/*
 * BER cursor and type tables: any octets; what the tables accept must encode,
 * and decode to the same canonical octets.
 */

#include <string.h>

#include "asn1_everything.h"
#include "fuzz.h"

static void
walk(struct ber *b, int depth)
{
	struct ber_element	e;
	struct ber		in, other;
	int			skipped;

	while (ber_next(b, &e) == 1) {
		MUST(e.start < e.value && b->p == e.value);
		MUST(e.h.len <= (uint64_t)(b->end - e.value));
		other = *b;
		skipped = ber_skip(&other, &e);
		if (skipped == 0)
			MUST(other.p >= e.value && other.p <= b->end);
		if (e.h.constructed && depth < 20) {
			ber_enter(b, &e, &in);
			walk(&in, depth + 1);
		}
		if (skipped == -1)
			return;
		*b = other;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct asn1_memory	m, m2;
	struct asn1		a;
	struct everything	v, w;
	struct ber_out		o, o2;
	struct ber		b;
	FILE			*fp;

	ber_init(&b, p, len);
	walk(&b, 0);

	memset(&v, 0, sizeof(v));
	memset(&w, 0, sizeof(w));
	asn1_memory_init(&m, 1 << 20);
	asn1_init(&a, &m);
	if (asn1_decode_all(&a, &t_everything, p, len, &v) == -1) {
		MUST(a.error[0] != '\0');
		asn1_memory_free(&m);
		return 0;
	}
	fp = fopen("/dev/null", "w");
	MUST(fp != NULL);
	asn1_print(&t_everything, &v, fp, 0);
	fclose(fp);
	ber_out_init(&o);
	MUST(asn1_encode(&a, &t_everything, &v, &o) == 0 && !o.error);
	asn1_memory_init(&m2, 1 << 20);
	asn1_init(&a, &m2);
	MUST(asn1_decode_all(&a, &t_everything, o.buf + o.pos,
	    o.size - o.pos, &w) == 0);
	ber_out_init(&o2);
	MUST(asn1_encode(&a, &t_everything, &w, &o2) == 0);
	MUST(o.size - o.pos == o2.size - o2.pos);
	MUST(memcmp(o.buf + o.pos, o2.buf + o2.pos, o.size - o.pos) == 0);
	ber_out_free(&o);
	ber_out_free(&o2);
	asn1_memory_free(&m);
	asn1_memory_free(&m2);
	return 0;
}
