/* SPDX-License-Identifier: ISC */

/*
 * Normal mode: PPDUs with all that is inside of them, and P-DATA in pieces.
 * What was understood as a connect has to be the same after it was written
 * and read again.
 */

#include <string.h>

#include "fuzz.h"
#include "imsg.h"
#include "normal.h"

struct sink {
	uint64_t	hash;
	size_t		octets;
};

static void
data(void *arg, const uint8_t *p, size_t len)
{
	struct sink	*s = arg;
	size_t		 i;

	for (i = 0; i < len; i++)
		s->hash = (s->hash ^ p[i]) * UINT64_C(0x100000001b3);
	s->octets += len;
}

static int
stream(struct sink *s, const uint8_t *p, size_t len, size_t piece)
{
	struct p_data	 d;
	const char	*why = NULL;
	size_t		 i, n;

	memset(s, 0, sizeof(*s));
	p_data_init(&d, 3);
	for (i = 0; i < len; i += n) {
		n = len - i < piece ? len - i : piece;
		if (p_data_input(&d, p + i, n, i + n == len, data, s,
		    &why) == -1) {
			MUST(why != NULL && why[0] != '\0');
			return (-1);
		}
		MUST(s->octets <= len);
	}
	return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct abort_information info;
	struct pconnect		 pc, pc2;
	struct paccept		 pa;
	struct normal		 n, m;
	struct sink		 whole, pieces;
	struct ibuf		*b;
	const char		*why = NULL;
	int			 refusal, reason, r;

	normal_init(&n, NULL, NULL);
	if (normal_connect_decode(&n, &pc, p, len, &refusal, &reason,
	    &why) == -1) {
		MUST(why != NULL && why[0] != '\0' && reason >= 0);
		MUST((b = ibuf_dynamic(0, 65536)) != NULL);
		MUST(normal_refuse_encode(&n, refusal, reason, b) == 0);
		ibuf_free(b);
	} else {
		normal_init(&m, NULL, NULL);
		MUST((b = ibuf_dynamic(0, 65536)) != NULL);
		MUST(normal_connect_encode(&m, &pc, b) == 0);
		MUST(normal_connect_decode(&m, &pc2, ibuf_data(b),
		    ibuf_size(b), &refusal, &reason, &why) == 0);
		MUST(memcmp(&pc, &pc2, sizeof(pc)) == 0);
		ibuf_free(b);
		memset(&pa, 0, sizeof(pa));
		MUST((b = ibuf_dynamic(0, 65536)) != NULL);
		MUST(normal_accept_encode(&n, &pa, b) == 0);
		ibuf_free(b);
	}
	normal_init(&n, NULL, NULL);
	n.ncontext = 3;
	why = NULL;
	if (normal_accept_decode(&n, &pa, p, len, &why) == -1)
		MUST(why != NULL && why[0] != '\0');
	why = NULL;
	if (normal_refuse_decode(&n, &reason, p, len, &why) == -1)
		MUST(why != NULL && why[0] != '\0');
	if (normal_abort_decode(&n, &info, p, len, &why) == 0)
		MUST(info.reason >= -1);
	normal_priority_decode(&n, &reason, p, len);
	if (len == 0)
		return 0;
	r = stream(&whole, p, len, SIZE_MAX);
	MUST(stream(&pieces, p, len, p[0] % 16 + 1) == r);
	if (r == 0)
		MUST(whole.hash == pieces.hash &&
		    whole.octets == pieces.octets);
	return 0;
}
