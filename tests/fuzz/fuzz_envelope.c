/* SPDX-License-Identifier: ISC */

/*
 * Serialised messages, as a process gets them from another: refused, or a
 * message that has that very serialisation and can be printed.
 */

#include <string.h>

#include "fuzz.h"
#include "envelope.h"
#include "imsg.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct message *m, *m2;
	struct ibuf *b, *b2;
	uint32_t magic;
	struct utctime t;
	char *text;
	size_t size;
	FILE *f;

	if (len > 0 && len < sizeof(t.text)) {
		memset(&t, 0, sizeof(t));
		memcpy(t.text, p, len);
		utctime_get(&t);
	}
	if ((m = message_deserialise(p, len)) == NULL)
		return (0);
	MUST((b = ibuf_dynamic(0, 2 * len + 64)) != NULL);
	MUST(message_serialise(m, b) == 0);
	/* One of the first version is written as the second. */
	memcpy(&magic, p, sizeof(magic));
	if (magic == 0x4d544531) {
		MUST((m2 = message_deserialise(ibuf_data(b),
		    ibuf_size(b))) != NULL);
		MUST((b2 = ibuf_dynamic(0, 2 * len + 64)) != NULL);
		MUST(message_serialise(m2, b2) == 0);
		MUST(ibuf_size(b) == ibuf_size(b2) &&
		    memcmp(ibuf_data(b), ibuf_data(b2), ibuf_size(b)) == 0);
		ibuf_free(b2);
		message_free(m2);
	} else
		MUST(ibuf_size(b) == len &&
		    memcmp(ibuf_data(b), p, len) == 0);
	ibuf_free(b);
	MUST((f = open_memstream(&text, &size)) != NULL);
	MUST(message_print(m, f) == 0);
	MUST(fclose(f) == 0);
	free(text);
	message_free(m);
	return (0);
}
