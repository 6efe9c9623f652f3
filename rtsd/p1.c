/* SPDX-License-Identifier: ISC */

/*
 * P1: MPDUs made of messages, and printed.  X.411-1984 clause 4.3, X.411-1988
 * clause 12.
 */

#include <string.h>

#include "imsg.h"
#include "p1.h"
#include "p1_84.h"
#include "p1_88.h"

const struct asn1_type *
p1_type_of_apdu(enum p1_protocol protocol)
{
	return protocol == P1_1984 ? &p1_type_mpdu : &p1_88_type_apdu;
}

const struct asn1_type *
p1_type_of_envelope(enum p1_protocol protocol)
{
	return protocol == P1_1984 ? &p1_type_envelope :
	    &p1_88_type_envelope;
}

int
p1_out_head(enum p1_protocol protocol, const struct message *m,
    struct ibuf *ibuf, const char **why)
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
	if (p1_mpdu_from_message(protocol, &mpdu, m, &memory, why) == -1)
		goto out;
	if (asn1_encode(&a, p1_type_of_apdu(protocol), &mpdu, &o) == -1) {
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

/* Some of what is wrong comes out only when a message is made of it. */
static int
check(enum p1_protocol protocol, const struct p1_mpdu *mpdu, FILE *fp)
{
	struct message	*m;
	const char	*why = "out of memory";
	int		 r = -1;

	if ((m = message_new()) != NULL)
		r = p1_message_from_mpdu(protocol, m, mpdu, &why);
	if (r == -1)
		fprintf(fp, "%s: %s\n", p1_type_of_apdu(protocol)->name, why);
	message_free(m);
	return r;
}

int
p1_out_external(struct ibuf *head, uint64_t content_len, int64_t context)
{
	static const uint8_t	 basic[] = { 0x06, 0x02, 0x51, 0x01 };
	struct ber_out		 o;
	struct ibuf		*b;
	int			 r = -1;

	if ((b = ibuf_dynamic(512, ENVELOPE_MAX)) == NULL)
		return -1;
	ber_out_init(&o);
	o.after = content_len;
	ber_out_octets(&o, ibuf_data(head), ibuf_size(head));
	ber_out_header(&o, BER_CONTEXT(0), 1, 0);
	if (context >= 0)
		ber_out_integer(&o, BER_INTEGER, context);
	else
		ber_out_octets(&o, basic, sizeof(basic));
	ber_out_header(&o, BER_UNIVERSAL(8), 1, 0);
	if (ber_out_flush(&o, b) == 0 && ibuf_truncate(head, 0) == 0)
		r = ibuf_add_ibuf(head, b);
	ber_out_free(&o);
	ibuf_free(b);
	return r;
}

int
p1_print(enum p1_protocol protocol, const uint8_t *octets, size_t len,
    FILE *fp)
{
	const struct asn1_type	*type = p1_type_of_apdu(protocol);
	struct asn1_memory	 memory;
	struct asn1		 a;
	struct p1_mpdu		 mpdu;
	int			 r;

	memset(&mpdu, 0, sizeof(mpdu));
	asn1_memory_init(&memory, P1_MEMORY_MAX);
	asn1_init(&a, &memory);
	if ((r = asn1_decode_all(&a, type, octets, len, &mpdu)) == -1)
		fprintf(fp, "%s\n", a.error);
	else if ((r = check(protocol, &mpdu, fp)) == 0)
		asn1_print(type, &mpdu, fp, 2);
	asn1_memory_free(&memory);
	return r;
}
