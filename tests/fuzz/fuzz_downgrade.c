/* SPDX-License-Identifier: ISC */

/*
 * Serialised messages made fit for 1984: refused with a reason, or a message
 * whose names P1 of 1984 has a place for, which stays as it is when it is
 * done again, and when it has come back from there.
 */

#include <string.h>

#include "downgrade.h"
#include "fuzz.h"
#include "imsg.h"
#include "orname.h"

static void
must_encode(const struct or_address *or)
{
	struct asn1_memory memory;
	struct or_name name;
	const char *why;

	asn1_memory_init(&memory, 1 << 20);
	MUST(or_name_from_address(&name, or, &memory, &why) == 0);
	MUST(name.standard.a.present != 0);
	asn1_memory_free(&memory);
}

static void
must_be_1984(const struct message *m)
{
	uint32_t i;

	MUST(message_is_1988(m) == NULL);
	must_encode(&m->originator);
	for (i = 0; i < m->nrecipient; i++)
		must_encode(&m->recipient[i].name);
	for (i = 0; i < m->nreported; i++) {
		must_encode(&m->reported[i].name);
		if (!OR_ABSENT(&m->reported[i].intended))
			must_encode(&m->reported[i].intended);
	}
}

static struct ibuf *
serialised(const struct message *m)
{
	struct ibuf *b;

	MUST((b = ibuf_dynamic(0, 64 * 1024 * 1024)) != NULL);
	MUST(message_serialise(m, b) == 0);
	return (b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	const char *why = NULL;
	struct message *m;
	struct ibuf *b, *b2;

	/* As it may come by P1 of 1984: what is upgraded can go on. */
	if ((m = message_deserialise(p, len)) == NULL)
		return (0);
	if (message_downgrade(m, &why) == 0) {
		message_free(m);
		MUST((m = message_deserialise(p, len)) != NULL);
		MUST(message_upgrade(m) == 0);
		MUST(message_downgrade(m, &why) == 0);
	}
	message_free(m);

	MUST((m = message_deserialise(p, len)) != NULL);
	if (message_downgrade(m, &why) == -1) {
		MUST(why != NULL && why[0] != '\0');
		message_free(m);
		return (0);
	}
	must_be_1984(m);
	b = serialised(m);
	MUST(message_downgrade(m, &why) == 0);
	b2 = serialised(m);
	MUST(ibuf_size(b) == ibuf_size(b2) &&
	    memcmp(ibuf_data(b), ibuf_data(b2), ibuf_size(b)) == 0);
	ibuf_free(b);
	ibuf_free(b2);
	MUST(message_upgrade(m) == 0);
	MUST(message_downgrade(m, &why) == 0);
	must_be_1984(m);
	message_free(m);
	return (0);
}
