/* SPDX-License-Identifier: ISC */

/* Decoding of MPDUs in pieces, for tests; cmocka.h comes before this. */

#ifndef P1_DECODE_H
#define P1_DECODE_H

#include <string.h>

#include "asn1_random.h"
#include "imsg.h"
#include "p1.h"
#include "p1_84.h"
#include "vectors.h"

static const char *const	mpdus[] = {
	"ean-1985/msg1.mpdu-reassembled.ber",
	"ean-1985/msg2.mpdu-reassembled.ber",
	"ean-1985/msg3.mpdu-reassembled.ber"
};

/* Octets of an MPDU kept as spoold keeps them. */
struct kept {
	uint8_t	*markup, *content;
	size_t	 nmarkup, ncontent;
};

static inline void
kept_init(struct kept *k, size_t len)
{
	k->markup = malloc(len + 1);
	k->content = malloc(len + 1);
	k->nmarkup = k->ncontent = 0;
}

static inline void
kept_free(struct kept *k)
{
	free(k->markup);
	free(k->content);
}

/* Hands in n octets; -1 when they are refused. */
static inline int
feed(struct p1_in *in, const uint8_t *p, size_t n, struct kept *k)
{
	ssize_t	used;
	int	content;

	while (n > 0) {
		if ((used = p1_in_octets(in, p, n, &content)) == -1)
			return -1;
		assert_true(used > 0 && (size_t)used <= n);
		if (k != NULL && content) {
			memcpy(k->content + k->ncontent, p, used);
			k->ncontent += used;
		} else if (k != NULL) {
			memcpy(k->markup + k->nmarkup, p, used);
			k->nmarkup += used;
		}
		p += used;
		n -= used;
	}
	return 0;
}

/* Decodes in pieces of the size given (0: of random sizes). */
static inline struct message *
decode_pieces(const uint8_t *p, size_t len, size_t piece, uint64_t *seed,
    struct kept *k, char *error, size_t size)
{
	struct p1_in	*in = p1_in_new(P1_1984, 0);
	struct message	*m = NULL;
	size_t		 n, off;

	for (off = 0; off < len; off += n) {
		n = piece != 0 ? piece : 1 + test_random(seed) % 40;
		if (n > len - off)
			n = len - off;
		if (feed(in, p + off, n, k) == -1)
			break;
	}
	if (off >= len)
		m = p1_in_end(in);
	if (error != NULL)
		strlcpy(error, p1_in_error(in), size);
	assert_true((m == NULL) == (p1_in_error(in)[0] != '\0'));
	p1_in_free(in);
	return m;
}

static inline struct message *
decode(const uint8_t *p, size_t len)
{
	char		 error[256];
	struct message	*m = decode_pieces(p, len, len, NULL, NULL, error,
			    sizeof(error));

	if (m == NULL)
		fail_msg("%s", error);
	return m;
}

/* The MPDU of a message and a content. */
static inline struct ibuf *
encode(const struct message *m, const uint8_t *content, size_t len)
{
	struct ibuf	*b = ibuf_dynamic(0, 1 << 24);
	const char	*why = "";

	if (p1_out_head(P1_1984, m, b, &why) == -1)
		fail_msg("cannot encode: %s", why);
	assert_int_equal(ibuf_add(b, content, len), 0);
	return b;
}

/* One random MPDU in a random form. */
static inline struct ibuf *
random_mpdu(uint64_t *seed)
{
	struct asn1_memory	 mem;
	struct asn1		 a;
	struct p1_mpdu		 v = { 0 };
	struct ber_out		 o;
	struct ibuf		*b = ibuf_dynamic(0, 1 << 22);

	asn1_memory_init(&mem, 1 << 22);
	asn1_init(&a, &mem);
	asn1_random(&p1_type_mpdu, &v, &mem, seed);
	ber_out_init(&o);
	o.form = asn1_random_form;
	o.form_arg = seed;
	assert_int_equal(asn1_encode(&a, &p1_type_mpdu, &v, &o), 0);
	assert_int_equal(ber_out_flush(&o, b), 0);
	asn1_memory_free(&mem);
	return b;
}

#endif
