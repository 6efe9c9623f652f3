/* SPDX-License-Identifier: ISC */

/*
 * Passwords in a trace: whatever form of PConnect our decoders take, the
 * password in it is masked, and nothing else, or all of it is to go.  The
 * input is the user data of a CN, and packets as they come in.
 */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mask.h"
#include "normal.h"
#include "rtspdu.h"

static int
decode(struct pconnect *pc, const uint8_t *p, size_t len)
{
	struct normal	 n;
	const char	*why;
	int		 refuse, refusal;

	memset(pc, 0, sizeof(*pc));
	if (pconnect_decode(pc, p, len, &refuse, &why) == -1)
		return (-1);
	if (!pc->normal)
		return (0);
	normal_init(&n, NULL, NULL);
	return (normal_connect_decode(&n, pc, p, len, &refusal, &refuse,
	    &why));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct pconnect	 was, is;
	uint8_t		*copy;
	int		 decoded, masked;

	MUST((copy = malloc(len + 1)) != NULL);
	if (len > 0)
		memcpy(copy, p, len);
	mask_opening(copy, len);
	if (len > 0)
		memcpy(copy, p, len);
	decoded = decode(&was, p, len);
	masked = mask_user_data(copy, len);
	if (decoded == 0 && masked == 0) {
		MUST(decode(&is, copy, len) == 0);
		MUST(strspn(is.data.credentials.password, "*") ==
		    strlen(is.data.credentials.password));
		MUST(strlen(is.data.credentials.password) ==
		    strlen(was.data.credentials.password));
		memcpy(is.data.credentials.password,
		    was.data.credentials.password,
		    sizeof(is.data.credentials.password));
		MUST(strcmp(is.data.credentials.name,
		    was.data.credentials.name) == 0);
		MUST(was.data.recover == is.data.recover &&
		    was.checkpoint == is.checkpoint &&
		    was.window == is.window);
	}
	free(copy);
	return 0;
}
