/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1984: MPDUs made of messages, and printed.  X.411-1984 clause 4.3.
 */

#include <string.h>

#include "imsg.h"
#include "p1.h"
#include "p1_84.h"

int
p1_out_head(const struct message *m, struct ibuf *ibuf, const char **why)
{
	static char		error[sizeof(((struct asn1 *)0)->error)];
	struct asn1_memory	memory;
	struct asn1		a;
	struct ber_out		o;
	struct p1_mpdu		mpdu;
	int			r = -1;

	asn1_memory_init(&memory, P1_MEMORY_MAX);
	asn1_init(&a, &memory);
	ber_out_init(&o);
	if (p1_mpdu_from_message(&mpdu, m, &memory, why) == -1)
		goto out;
	if (asn1_encode(&a, &p1_type_mpdu, &mpdu, &o) == -1) {
		strlcpy(error, a.error, sizeof(error));
		*why = error;
		goto out;
	}
	if ((r = ber_out_flush(&o, ibuf)) == -1)
		*why = "out of memory";
out:
	ber_out_free(&o);
	asn1_memory_free(&memory);
	return r;
}

int
p1_print(const uint8_t *octets, size_t len, FILE *fp)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct p1_mpdu		mpdu;
	int			r;

	memset(&mpdu, 0, sizeof(mpdu));
	asn1_memory_init(&memory, P1_MEMORY_MAX);
	asn1_init(&a, &memory);
	r = asn1_decode_all(&a, &p1_type_mpdu, octets, len, &mpdu);
	if (r == 0)
		asn1_print(&p1_type_mpdu, &mpdu, fp, 2);
	else
		fprintf(fp, "%s\n", a.error);
	asn1_memory_free(&memory);
	return r;
}
