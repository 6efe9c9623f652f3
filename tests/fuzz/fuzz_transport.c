/* SPDX-License-Identifier: ISC */

/*
 * The octets of a TCP stream: the first octet of the input says who we are
 * and in what pieces the rest comes.  Two machines get the same stream in
 * different pieces and have to say the same of it.
 */

#include <string.h>

#include "fuzz.h"
#include "transport.h"

struct side {
	struct transport	*t;
	uint64_t		 hash;
	unsigned		 downs, tsdus, connects;
	size_t			 octets;
};

static void
mix(struct side *s, uint8_t o)
{
	s->hash = (s->hash ^ o) * UINT64_C(0x100000001b3);
}

static void
connect_ind(void *arg, const struct selector *calling,
    const struct selector *called)
{
	struct side	*s = arg;

	MUST(calling->len <= TSEL_MAX && called->len <= TSEL_MAX);
	s->connects++;
	MUST(t_connect_rsp(s->t) == 0);
}

static void
connect_cnf(void *arg)
{
	struct side	*s = arg;

	s->connects++;
	MUST(transport_tpdu_size(s->t) >= 128);
}

static void
data_ind(void *arg, const uint8_t *p, size_t len, int last)
{
	struct side	*s = arg;
	size_t		 i;

	MUST(s->downs == 0);
	for (i = 0; i < len; i++)
		mix(s, p[i]);
	s->octets += len;
	if (last) {
		s->tsdus++;
		mix(s, 0xff);
		/* and something back */
		t_data_req(s->t, (const uint8_t *)"x", 1, 1);
	}
}

static void
disconnect_ind(void *arg, int reason, const char *why)
{
	struct side	*s = arg;

	MUST(why != NULL && why[0] != '\0');
	MUST(s->downs++ == 0);
}

static void
output(void *arg, const struct iovec *iov, int n)
{
	int	i;

	for (i = 0; i < n; i++)
		MUST(iov[i].iov_len == 0 || iov[i].iov_base != NULL);
}

static const struct t_user user = {
	connect_ind, connect_cnf, data_ind, disconnect_ind, output
};

static void
run(struct side *s, int initiator, const uint8_t *p, size_t len, size_t piece)
{
	struct selector	 sel;
	size_t		 i, n;

	memset(s, 0, sizeof(*s));
	memset(&sel, 0, sizeof(sel));
	s->t = transport_new(&user, s, initiator, 2048);
	MUST(s->t != NULL);
	if (initiator)
		MUST(t_connect_req(s->t, &sel, &sel) == 0);
	for (i = 0; i < len; i += n) {
		n = len - i < piece ? len - i : piece;
		transport_input(s->t, p + i, n);
	}
	transport_free(s->t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct side	a, b;

	if (len == 0)
		return 0;
	run(&a, p[0] & 1, p + 1, len - 1, SIZE_MAX);
	run(&b, p[0] & 1, p + 1, len - 1, (p[0] >> 1) % 32 + 1);
	MUST(a.downs == b.downs && a.tsdus == b.tsdus &&
	    a.connects == b.connects && a.octets == b.octets &&
	    a.hash == b.hash);
	return 0;
}
