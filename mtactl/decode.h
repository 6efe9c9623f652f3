/* SPDX-License-Identifier: ISC */

/*
 * "mtactl decode": what the octets of a trace are, printed through the tables
 * that rtsd decodes with.  Everything in them is hostile; nothing here opens
 * a file, and what is allocated is bounded by the octets that there are.
 */

#ifndef DECODE_H
#define DECODE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "asn1_walk.h"
#include "json.h"

#define DECODE_MAX	(128u * 1024 * 1024)	/* octets of input */
#define TPKT_MAX	65535u	/* octets of one */
#define DECODE_NESTED	12	/* spaces in each other */
#define DECODE_TEXT	200	/* characters of a value shown as text */
#define DECODE_WHOLE	4096	/* and as JSON */

/* What the octets are. */
enum decode_kind {
	DECODE_AUTO = 0, DECODE_PCAP, DECODE_TPKT, DECODE_TPDU, DECODE_TSDU,
	DECODE_APDU, DECODE_MPDU, DECODE_CONTENT, DECODE_BER, DECODE_KINDS
};
/* "tsdu" and so on; -1: none of them. */
int		 decode_kind(const char *);
const char	*decode_kind_name(enum decode_kind);

/* Octets that were put together of pieces: where those lay. */
struct decode_piece {
	size_t		 at;		/* in the space */
	uint64_t	 offset;	/* in the input */
};
struct decode_space {
	const uint8_t		*p;
	size_t			 len;
	const struct decode_piece *piece;
	size_t			 npieces;
	struct decode_space	*outer;
};

/* Octets collected: a segmented TSDU, the data of an activity. */
struct decode_data {
	uint8_t			*p;
	size_t			 len, size;
	struct decode_piece	*piece;
	size_t			 npieces, sizepieces;
	uint8_t			 lacking;	/* no memory for all of it */
};

/* The tree that comes out; silent: only what is wrong is counted. */
struct decode_tree {
	FILE		*f;
	struct json	 json;
	int		 as_json;
	int		 silent;
	int		 depth;
	uint64_t	 damages;
	uint64_t	 unknown;	/* elements that no table has */
	uint64_t	 known;		/* elements, without those */
	uint64_t	 enough;	/* silent: more misfit than that; 0 */
};

struct decode {
	struct decode_tree	*tree;
	struct asn1_walk	 walk;
	struct asn1_memory	 memory;
	struct decode_space	*space;
	int			 nested;
	/* The session: an activity, and whether it began here. */
	struct decode_data	 activity;
	uint8_t			 in_activity;
	uint8_t			 has_data;
	uint8_t			 p_data;	/* normal mode */
	uint8_t			 p1_88;		/* the protocol is known */
	uint8_t			 resumed;
	/* A stream that began before: all of it, and its first TSDU. */
	uint8_t			 before;
	uint8_t			 rest;
};

/*
 * Prints what p is as text, or as one JSON object with a newline.  Returns 0,
 * or -1 when something was damaged, which has been printed where it lies, or
 * could not be known.
 */
int	decode_octets(const uint8_t *p, size_t, enum decode_kind, FILE *,
	    int as_json);
/*
 * Octets out of a hexadecimal dump, whichever tool made it (offsets before
 * and characters behind are passed over).  NULL, with why: not one.
 */
uint8_t	*decode_hex(const char *, size_t, size_t *len, char *why, size_t);
/* decode_tree.c; offsets are those of the input, len -1: not known. */
void	tree_open(struct decode *, const uint8_t *at, int64_t len,
	    const char *name, const char *type, const char *value);
void	tree_close(struct decode *);
void	tree_leaf(struct decode *, const uint8_t *at, int64_t len,
	    const char *name, const char *type, const char *value);
void	tree_damage(struct decode *, const uint8_t *at, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));
/* An element that no table has. */
void	tree_unknown(struct decode *);
/* An element whose value has no name. */
void	tree_odd(struct decode *);
/* How badly it fits. */
uint64_t tree_misfit(const struct decode_tree *);
/* More of it is known than so many elements, and than what is damaged. */
int	tree_plausible(const struct decode_tree *, uint64_t outer);
uint64_t tree_offset(const struct decode *, const uint8_t *);
/* Into buf, which is returned: hexadecimal, or text in quotes. */
char	*tree_hex(const uint8_t *, uint64_t len, char *buf, size_t);
char	*tree_text(const uint8_t *, uint64_t len, char *buf, size_t);

/* decode_data.c */
void	data_add(struct decode *, struct decode_data *, const uint8_t *,
	    size_t);
void	data_free(struct decode_data *);
/* The octets as a space while it lasts; -1: too many in each other. */
int	space_enter(struct decode *, struct decode_space *,
	    const struct decode_data *);
void	space_leave(struct decode *);
/* The contents of a string in pieces, put together. */
void	data_string(struct decode *, struct decode_data *, const uint8_t *p,
	    size_t);

/* decode_apdu.c: tables; what is tried, and the best is printed. */
#define TRY_CONNECT	0x01	/* user data of CN, AC */
#define TRY_REFUSE	0x02	/* of RF */
#define TRY_ABORT	0x04
#define TRY_OTHER	0x08	/* of FN, DN, PT, ED, DT */
#define TRY_APDU	0x0f
#define TRY_ACSE	0x10	/* ACSE and RTSE alone */
#define TRY_MPDU	0x20
#define TRY_CONTENT	0x40
#define TRY_TURN	0x80	/* the INTEGER of a PT */
void	decode_best(struct decode *, const uint8_t *, size_t, int tries);
/*
 * How well the best of them fits; 0 perfectly, UINT64_MAX not at all: nothing
 * inside of the outermost element is as it should be.
 */
uint64_t decode_fit(struct decode *, const uint8_t *, size_t, int tries);
void	decode_ber(struct decode *, const uint8_t *, size_t);
/* A presentation data value by its tag. */
void	decode_value(struct decode *, const uint8_t *, size_t);

/* decode_pcap.c: every stream of a capture */
void	decode_pcap(struct decode *, const uint8_t *, size_t);
int	is_pcap(const uint8_t *, size_t);

/* decode_transport.c */
void	decode_tpdu(struct decode *, const uint8_t *, size_t,
	    struct decode_data *tsdu);
void	decode_tpkts(struct decode *, const uint8_t *, size_t);
/* Could it begin one? */
int	is_tpdu(const uint8_t *, size_t);
int	is_tpkt(const uint8_t *, size_t);
/* Octets of one that began before, when others follow it; 0: not so. */
size_t	tpkt_rest(const uint8_t *, size_t);

/* decode_session.c */
void	decode_tsdu(struct decode *, const uint8_t *, size_t);
/* The MPDU of an activity that ended, or of which no more comes. */
void	decode_activity_end(struct decode *, const char *how);
/* Could it begin one? */
int	is_tsdu(const uint8_t *, size_t);

#endif
