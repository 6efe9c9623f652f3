/* SPDX-License-Identifier: ISC */

/*
 * MPDUs: whole, in pieces, and replayed after a cut they must come to the
 * same end, that of the tables alone; what is accepted must encode, and the
 * octets made must be the same again after another round, also through the
 * form in which messages go between processes.
 */

#include <string.h>

#include "fuzz.h"
#include "imsg.h"
#include "p1.h"

/* fuzz_p1_88.c is this one with another protocol. */
#ifndef FUZZ_PROTOCOL
#define FUZZ_PROTOCOL	P1_1984
#endif

struct kept {
	uint8_t	*markup, *content;
	size_t	 nmarkup, ncontent;
};

static uint32_t
random32(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

static int
feed(struct p1_in *in, const uint8_t *p, size_t n, struct kept *k)
{
	ssize_t	used;
	int	content = -1;

	while (n > 0) {
		if ((used = p1_in_octets(in, p, n, &content)) == -1) {
			MUST(p1_in_error(in)[0] != '\0');
			return -1;
		}
		MUST(used > 0 && (size_t)used <= n);
		MUST(content == 0 || content == 1);
		if (content) {
			memcpy(k->content + k->ncontent, p, used);
			k->ncontent += used;
		} else {
			memcpy(k->markup + k->nmarkup, p, used);
			k->nmarkup += used;
		}
		p += used;
		n -= used;
	}
	return 0;
}

static struct message *
decode(const uint8_t *p, size_t len, size_t max, uint64_t *seed,
    struct kept *k)
{
	struct p1_in	*in = p1_in_new(FUZZ_PROTOCOL, 0);
	struct message	*m;
	size_t		 n, off;

	MUST(in != NULL);
	k->nmarkup = k->ncontent = 0;
	for (off = 0; off < len; off += n) {
		n = max == 0 ? len : 1 + random32(seed) % max;
		if (n > len - off)
			n = len - off;
		if (feed(in, p + off, n, k) == -1)
			break;
	}
	m = off >= len ? p1_in_end(in) : NULL;
	MUST((m == NULL) == (p1_in_error(in)[0] != '\0'));
	p1_in_free(in);
	return m;
}

/* The transfer is cut and resumed: markup replayed, content counted. */
static struct message *
decode_resumed(const uint8_t *p, size_t len, size_t cut, struct kept *k)
{
	struct p1_in	*in = p1_in_new(FUZZ_PROTOCOL, 0);
	struct message	*m = NULL;
	size_t		 mark = 0, cont = 0;
	ssize_t		 used;
	uint64_t	 n;
	int		 r;

	MUST(in != NULL);
	k->nmarkup = k->ncontent = 0;
	r = feed(in, p, cut, k);
	p1_in_free(in);
	if (r == -1)
		return NULL;
	MUST((in = p1_in_new(FUZZ_PROTOCOL, 0)) != NULL);
	while (mark < k->nmarkup || cont < k->ncontent) {
		used = p1_in_markup(in, k->markup + mark, k->nmarkup - mark);
		MUST(used >= 0);
		mark += used;
		n = p1_in_skip(in, k->ncontent - cont);
		cont += n;
		MUST(used > 0 || n > 0);
	}
	if (feed(in, p + cut, len - cut, k) == 0)
		m = p1_in_end(in);
	p1_in_free(in);
	return m;
}

static struct ibuf *
encode(const struct message *m, const struct kept *k)
{
	struct ibuf	*b = ibuf_dynamic(0, 1 << 26);
	const char	*why = NULL;

	MUST(b != NULL);
	if (p1_out_head(FUZZ_PROTOCOL, m, b, &why) == -1) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	MUST(ibuf_add(b, k->content, k->ncontent) == 0);
	return b;
}

/* In the other protocol, which may have no place for all of it. */
static void
other(const struct message *m, enum p1_protocol protocol, int want)
{
	struct ibuf	*b = ibuf_dynamic(0, 1 << 26);
	const char	*why = NULL;
	int		 r;

	MUST(b != NULL);
	r = p1_out_head(protocol, m, b, &why);
	MUST(want == 0 || r == want);
	MUST((r == -1) == (why != NULL) && (r == 0 || ibuf_size(b) == 0));
	ibuf_free(b);
}

static void
same(struct ibuf *a, struct ibuf *b)
{
	MUST(ibuf_size(a) == ibuf_size(b));
	MUST(memcmp(ibuf_data(a), ibuf_data(b), ibuf_size(a)) == 0);
	ibuf_free(b);
}

static void
round_again(struct ibuf *octets, struct message *m, struct kept *k)
{
	struct message	*again;
	struct ibuf	*b;
	size_t		 ncontent = k->ncontent;
	uint64_t	 seed = 1;

	again = decode(ibuf_data(octets), ibuf_size(octets), 0, &seed, k);
	MUST(again != NULL);
	MUST(k->ncontent == ncontent && again->content_len == ncontent);
	same(octets, encode(again, k));
	message_free(again);

	MUST((b = ibuf_dynamic(0, 1 << 26)) != NULL);
	MUST(message_serialise(m, b) == 0);
	again = message_deserialise(ibuf_data(b), ibuf_size(b));
	MUST(again != NULL);
	same(octets, encode(again, k));
	message_free(again);
	ibuf_free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct message	*m[3];
	struct kept	 k, k2;
	struct ibuf	*b;
	uint64_t	 seed = len;
	size_t		 i;
	FILE		*fp;

	for (i = 0; i < len; i++)
		seed = seed * 31 + p[i];
	/* Canonical octets are shorter, but for eight bits of flags. */
	k.markup = malloc(4 * len + 4096);
	k.content = malloc(4 * len + 4096);
	k2.markup = malloc(4 * len + 4096);
	k2.content = malloc(4 * len + 4096);
	MUST(k.markup != NULL && k.content != NULL && k2.markup != NULL &&
	    k2.content != NULL);

	m[0] = decode(p, len, 0, &seed, &k);
	m[1] = decode(p, len, 1 + random32(&seed) % 64, &seed, &k2);
	MUST((m[0] == NULL) == (m[1] == NULL));
	if (m[0] != NULL) {
		MUST(k.nmarkup == k2.nmarkup && k.ncontent == k2.ncontent);
		MUST(memcmp(k.markup, k2.markup, k.nmarkup) == 0);
		MUST(memcmp(k.content, k2.content, k.ncontent) == 0);
	}
	m[2] = decode_resumed(p, len, random32(&seed) % (len + 1), &k2);
	MUST((m[0] == NULL) == (m[2] == NULL));
	fp = fopen("/dev/null", "w");
	MUST(fp != NULL);
	MUST((p1_print(FUZZ_PROTOCOL, p, len, fp) == -1) == (m[0] == NULL));
	fclose(fp);
	/* External types in P1 of 1984 have no place there on the way out. */
	if (m[0] != NULL && FUZZ_PROTOCOL == P1_1984 &&
	    message_is_1988(m[0]) != NULL) {
		other(m[0], P1_1984, -1);
		other(m[0], P1_1988, 0);
	} else if (m[0] != NULL) {
		MUST(m[0]->content_len == k.ncontent);
		other(m[0], FUZZ_PROTOCOL == P1_1984 ? P1_1988 : P1_1984, 0);
		b = encode(m[0], &k);
		same(b, encode(m[1], &k));
		same(b, encode(m[2], &k2));
		round_again(b, m[0], &k);
		ibuf_free(b);
	}
	for (i = 0; i < 3; i++)
		message_free(m[i]);
	free(k.markup);
	free(k.content);
	free(k2.markup);
	free(k2.content);
	return 0;
}
