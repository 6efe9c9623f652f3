/* SPDX-License-Identifier: ISC */

/*
 * Every APDU of X.410 mode: what is accepted must come out the same after it
 * was encoded and decoded again.
 */

#include <string.h>

#include "fuzz.h"
#include "imsg.h"
#include "rtspdu.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct abort_information	 info, info2;
	struct pconnect			 pc, pc2;
	struct paccept			 pa, pa2;
	struct ibuf			*b;
	const char			*why = NULL;
	char				 text[256];
	int				 refuse, reason, reason2;

	if (pconnect_decode(&pc, p, len, &refuse, &why) == -1)
		MUST(why != NULL && why[0] != '\0' && refuse >= 0 &&
		    refuse <= RTS_UNACCEPTABLE_DIALOGUE_MODE);
	else if (!pc.normal) {
		MUST((b = ibuf_dynamic(0, 65536)) != NULL);
		MUST(pconnect_encode(&pc, b) == 0);
		MUST(pconnect_decode(&pc2, ibuf_data(b), ibuf_size(b),
		    &refuse, &why) == 0);
		MUST(memcmp(&pc, &pc2, sizeof(pc)) == 0);
		ibuf_free(b);
		if (pc.data.recover)
			connection_id_print(&pc.data.recovered, text,
			    sizeof(text));
	}
	why = NULL;
	if (paccept_decode(&pa, p, len, &why) == -1)
		MUST(why != NULL && why[0] != '\0');
	else {
		MUST((b = ibuf_dynamic(0, 65536)) != NULL);
		MUST(paccept_encode(&pa, b) == 0);
		MUST(paccept_decode(&pa2, ibuf_data(b), ibuf_size(b), &why)
		    == 0);
		MUST(memcmp(&pa, &pa2, sizeof(pa)) == 0);
		ibuf_free(b);
	}
	if (prefuse_decode(&reason, p, len, &why) == 0) {
		MUST((b = ibuf_dynamic(0, 64)) != NULL);
		MUST(prefuse_encode(reason, b) == 0);
		MUST(prefuse_decode(&reason2, ibuf_data(b), ibuf_size(b),
		    &why) == 0 && reason == reason2);
		ibuf_free(b);
	}
	if (abort_decode(&info, p, len, &why) == 0) {
		MUST((b = ibuf_dynamic(0, 64)) != NULL);
		MUST(abort_encode(&info, b) == 0);
		MUST(abort_decode(&info2, ibuf_data(b), ibuf_size(b), &why)
		    == 0);
		MUST(memcmp(&info, &info2, sizeof(info)) == 0);
		ibuf_free(b);
	}
	if (priority_decode(&reason, p, len) == 0) {
		MUST((b = ibuf_dynamic(0, 64)) != NULL);
		MUST(priority_encode(reason, b) == 0);
		MUST(priority_decode(&reason2, ibuf_data(b), ibuf_size(b))
		    == 0 && reason == reason2);
		ibuf_free(b);
	}
	return 0;
}
