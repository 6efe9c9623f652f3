/* SPDX-License-Identifier: ISC */

/*
 * O/R names in a content of 1988 (X.411-1988 8.5.5, figure 5) as ones of
 * 1984, by the tables and the rules that envelopes have.  Names that have
 * nothing of 1988 are not even decoded, so those of 1984 go octet for octet.
 */

#include <errno.h>
#include <string.h>

#include "downgrade.h"
#include "imsg.h"
#include "orname.h"
#include "content_84.h"

#define NAME_MEMORY_MAX	(1024 * 1024)	/* of one name decoded */

static int
fail(const char **why)
{
	*why = errno == ENOMEM ? "out of memory" : "an O/R name is malformed";
	return -1;
}

/*
 * Is there anything but the one or two lists of 1984: extension attributes,
 * a directory name, or what is no O/R name?
 */
static int
is_1988(const struct ber *level, const struct ber_element *name)
{
	struct ber_element	e;
	struct ber		in;
	int			n, lists = 0;

	ber_enter(level, name, &in);
	while ((n = ber_next(&in, &e)) == 1) {
		if (e.h.tag != BER_SEQUENCE || ++lists > 2)
			return 1;
		if (ber_skip(&in, &e) == -1)
			return -1;
	}
	return n;
}

/* Everything is copied: nothing points into memory that is freed here. */
static int
get_name(struct message *m, struct ber *level, struct or_address *or)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct or_name		name;
	int			r = -1;

	memset(&name, 0, sizeof(name));
	asn1_memory_init(&memory, NAME_MEMORY_MAX);
	asn1_init(&a, &memory);
	if (asn1_decode_tagged(&a, &type_or_name_88, level, &name) == 0)
		r = or_address_from_name(m, or, &name);
	asn1_memory_free(&memory);
	return r;
}

static int
put_name(const struct or_address *or, uint32_t tag, struct ibuf *out,
    const char **why)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct ber_out		o;
	struct or_name		name;
	size_t			at = ibuf_size(out);
	int			r = -1;

	asn1_memory_init(&memory, NAME_MEMORY_MAX);
	asn1_init(&a, &memory);
	ber_out_init(&o);
	if (or_name_from_address(&name, or, &memory, why) == -1)
		;
	else if (asn1_encode(&a, &type_or_name, &name, &o) == -1)
		*why = "an O/R name has no form of 1984";
	else if (ber_out_flush(&o, out) == -1)
		*why = "out of memory";
	else {
		/* Another tag of one octet in place of its own. */
		((uint8_t *)ibuf_data(out))[at] = 0x20 |
		    (BER_CLASS(tag) << 6) | BER_NUMBER(tag);
		r = 1;
	}
	ber_out_free(&o);
	asn1_memory_free(&memory);
	return r;
}

int
content_84_name(const uint8_t *p, size_t len, struct ibuf *out,
    const char **why)
{
	struct or_address	or;
	struct ber_element	e;
	struct ber		b;
	struct message		*m;
	int			r;

	errno = 0;
	ber_init(&b, p, len);
	if (ber_next(&b, &e) != 1 || !e.h.constructed ||
	    (r = is_1988(&b, &e)) == -1)
		return fail(why);
	if (r == 0)
		return 0;
	if ((m = message_new()) == NULL)
		return fail(why);
	ber_init(&b, p, len);
	if (get_name(m, &b, &or) == -1)
		r = fail(why);
	else if (or_address_downgrade(m, &or, why) == -1)
		r = -1;
	else
		r = put_name(&or, e.h.tag, out, why);
	message_free(m);
	return r;
}
