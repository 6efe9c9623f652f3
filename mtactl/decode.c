/* SPDX-License-Identifier: ISC */

/*
 * What octets are, and all of them printed: the beginning of decode.h.
 */

#include <string.h>

#include "decode.h"

#define TPDU_ODD	1	/* parameter that is not known */

static const char *const kinds[DECODE_KINDS] = {
	"auto", "pcap", "tpkt", "tpdu", "tsdu", "apdu", "mpdu", "content",
	"ber"
};

int
decode_kind(const char *name)
{
	int	i;

	for (i = 0; i < DECODE_KINDS; i++)
		if (strcmp(kinds[i], name) == 0)
			return (i);
	return (-1);
}

const char *
decode_kind_name(enum decode_kind kind)
{
	return (kinds[kind]);
}

static void
by_kind(struct decode *d, enum decode_kind kind, const uint8_t *p, size_t len)
{
	struct decode_data	tsdu = { 0 };

	switch (kind) {
	case DECODE_PCAP:
		decode_pcap(d, p, len);
		break;
	case DECODE_TPKT:
		decode_tpkts(d, p, len);
		break;
	case DECODE_TPDU:
		decode_tpdu(d, p, len, &tsdu);
		data_free(&tsdu);
		break;
	case DECODE_TSDU:
		decode_tsdu(d, p, len);
		break;
	case DECODE_APDU:
		decode_best(d, p, len, TRY_APDU | TRY_ACSE);
		break;
	case DECODE_MPDU:
		decode_best(d, p, len, TRY_MPDU);
		break;
	case DECODE_CONTENT:
		decode_best(d, p, len, TRY_CONTENT);
		break;
	default:
		decode_ber(d, p, len);
		break;
	}
	decode_activity_end(d, "which does not end here");
}

/* How much is wrong when it is taken for that. */
static uint64_t
misfit(struct decode *d, enum decode_kind kind, const uint8_t *p, size_t len)
{
	struct decode_tree	*tree = d->tree, silent = { .silent = 1 };
	uint64_t		 more = 0;

	switch (kind) {
	case DECODE_APDU:
		return (decode_fit(d, p, len, TRY_APDU | TRY_ACSE));
	case DECODE_MPDU:
		return (decode_fit(d, p, len, TRY_MPDU));
	case DECODE_CONTENT:
		return (decode_fit(d, p, len, TRY_CONTENT));
	case DECODE_PCAP:
		/* Whatever is wrong with it. */
		return (is_pcap(p, len) ? 0 : UINT64_MAX);
	case DECODE_TPKT:
		if (!is_tpkt(p, len)) {
			if (tpkt_rest(p, len) == 0)
				return (UINT64_MAX);
			more = 1;	/* what fits from its beginning wins */
		}
		break;
	case DECODE_TPDU:
		if (!is_tpdu(p, len) || tpkt_rest(p, len) > 0)
			return (UINT64_MAX);
		break;
	default:
		/* Data can be anything, but seldom that. */
		if (!is_tsdu(p, len) || tpkt_rest(p, len) > 0)
			return (UINT64_MAX);
		break;
	}
	d->tree = &silent;
	by_kind(d, kind, p, len);
	d->tree = tree;
	d->walk.stop = 0;
	d->before = 0;
	/*
	 * Any octets can be references of a TPDU, nothing else in it may be
	 * odd; in a TPKT, or a TSDU, something else must be known too.
	 */
	if (kind == DECODE_TPDU ? tree_misfit(&silent) > TPDU_ODD :
	    !tree_plausible(&silent, 2))
		return (UINT64_MAX);
	return (tree_misfit(&silent) + more);
}

/* Nothing but characters and what ends lines. */
static int
is_text(const uint8_t *p, size_t len)
{
	size_t	i;

	for (i = 0; i < len; i++)
		if ((p[i] < 0x20 && strchr("\t\n\f\r", p[i]) == NULL) ||
		    p[i] == 0 || p[i] == 0x7f)
			return (0);
	return (1);
}

/*
 * What it fits best; the first of those that fit alike.  Text fits a little of
 * everything: it has to fit all of it.
 */
static enum decode_kind
recognise(struct decode *d, const uint8_t *p, size_t len, int text)
{
	static const enum decode_kind	order[] = {
		DECODE_PCAP, DECODE_TPKT, DECODE_APDU, DECODE_MPDU,
		DECODE_CONTENT, DECODE_TSDU, DECODE_TPDU
	};
	enum decode_kind	best = DECODE_BER;
	uint64_t		least = UINT64_MAX, n;
	size_t			i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]) && least > 0; i++)
		if ((n = misfit(d, order[i], p, len)) < least) {
			least = n;
			best = order[i];
		}
	return (text && least > 0 ? DECODE_BER : best);
}

int
decode_octets(const uint8_t *p, size_t len, enum decode_kind kind, FILE *f,
    int as_json)
{
	struct decode_tree	tree = { .f = f, .as_json = as_json };
	struct decode_space	all = { .p = p, .len = len };
	struct decode		d = { .tree = &tree, .space = &all };
	int			known = 1, text = is_text(p, len);

	asn1_memory_init(&d.memory, 4 * (size_t)DECODE_MAX);
	if (kind == DECODE_AUTO) {
		kind = recognise(&d, p, len, text);
		known = kind != DECODE_BER;
	}
	if (as_json) {
		json_begin(&tree.json, f);
		json_object(&tree.json, NULL);
		json_string(&tree.json, "kind", known ? kinds[kind] :
		    "unknown");
		json_uint(&tree.json, "octets", len);
		json_array(&tree.json, "elements");
	}
	if (len == 0)
		tree_damage(&d, p, "empty: octets were expected");
	else {
		if (!known)
			tree_damage(&d, p, "not recognised: a capture, TPKT, "
			    "TPDU, TSDU, APDU, MPDU or content was expected%s",
			    text ? ", this is text (a hexadecimal dump is "
			    "read with -x)" : "");
		if (known || !text)
			by_kind(&d, kind, p, len);
	}
	if (as_json) {
		json_close(&tree.json, ']');
		json_uint(&tree.json, "damages", tree.damages);
		json_bool(&tree.json, "ok", tree.damages == 0);
		json_close(&tree.json, '}');
		json_end(&tree.json);
	} else if (tree.damages > 0)
		fprintf(f, "%llu place%s damaged\n",
		    (unsigned long long)tree.damages, tree.damages == 1 ?
		    " is" : "s are");
	asn1_memory_free(&d.memory);
	return (tree.damages == 0 ? 0 : -1);
}
