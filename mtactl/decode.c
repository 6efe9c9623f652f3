/* SPDX-License-Identifier: ISC */

/*
 * What octets are, and all of them printed: the beginning of decode.h.
 */

#include <string.h>

#include "decode.h"

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
		if (!is_tpkt(p, len))
			return (UINT64_MAX);
		break;
	case DECODE_TPDU:
		if (!is_tpdu(p, len))
			return (UINT64_MAX);
		break;
	default:
		if (!is_tsdu(p, len))
			return (UINT64_MAX);
		break;
	}
	d->tree = &silent;
	by_kind(d, kind, p, len);
	d->tree = tree;
	d->walk.stop = 0;
	return (tree_misfit(&silent));
}

/* What it fits best; the first of those that fit alike. */
static enum decode_kind
recognise(struct decode *d, const uint8_t *p, size_t len)
{
	static const enum decode_kind	order[] = {
		DECODE_PCAP, DECODE_TPKT, DECODE_APDU, DECODE_MPDU, DECODE_CONTENT,
		DECODE_TSDU, DECODE_TPDU
	};
	enum decode_kind	best = DECODE_BER;
	uint64_t		least = UINT64_MAX, n;
	size_t			i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]) && least > 0; i++)
		if ((n = misfit(d, order[i], p, len)) < least) {
			least = n;
			best = order[i];
		}
	return (best);
}

int
decode_octets(const uint8_t *p, size_t len, enum decode_kind kind, FILE *f,
    int as_json)
{
	struct decode_tree	tree = { .f = f, .as_json = as_json };
	struct decode_space	all = { .p = p, .len = len };
	struct decode		d = { .tree = &tree, .space = &all };
	int			known = 1;

	asn1_memory_init(&d.memory, 4 * (size_t)DECODE_MAX);
	if (kind == DECODE_AUTO) {
		kind = recognise(&d, p, len);
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
			    "TPDU, TSDU, APDU, MPDU or content was expected");
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
