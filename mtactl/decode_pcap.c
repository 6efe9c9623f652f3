/* SPDX-License-Identifier: ISC */

/*
 * Captures of a network for decode.h: files of tcpdump (pcap) and Wireshark
 * (pcapng, which "mtactl trace" writes), in which each direction of each TCP
 * connection is a stream of TPKTs.
 */

#include <sys/socket.h>
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "decode.h"

#define STREAMS_MAX	1024	/* directions, and what follows gaps in them */
#define INTERFACES_MAX	64	/* of a pcapng file */

#define SHB		0x0a0d0d0au
#define IDB		1
#define SPB		3
#define EPB		6
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

/* One direction of a connection, as far as nothing is missing in it. */
struct stream {
	uint8_t			 ends[2][16];
	uint16_t		 port[2];
	uint8_t			 v6;
	uint8_t			 open;		/* what comes next may go on */
	uint32_t		 next;		/* sequence number */
	uint64_t		 gap;		/* octets missing before it */
	struct decode_data	 data;
};

struct capture {
	struct decode	*d;
	const uint8_t	*end;
	int		 swapped;
	uint16_t	 link[INTERFACES_MAX];
	size_t		 nlinks;
	struct stream	*stream;
	size_t		 nstreams;
	int		 full;
};

static uint32_t
get_32(const struct capture *c, const uint8_t *p)
{
	uint32_t	v;

	memcpy(&v, p, sizeof(v));
	return (c->swapped ? __builtin_bswap32(v) : v);
}

static uint16_t
get_16(const struct capture *c, const uint8_t *p)
{
	uint16_t	v;

	memcpy(&v, p, sizeof(v));
	return (c->swapped ? (uint16_t)(v << 8 | v >> 8) : v);
}

static uint16_t
net_16(const uint8_t *p)
{
	return (p[0] << 8 | p[1]);
}

static uint32_t
net_32(const uint8_t *p)
{
	return ((uint32_t)net_16(p) << 16 | net_16(p + 2));
}

/* Streams */

static int
same_ends(const struct stream *a, const struct stream *b)
{
	return (a->v6 == b->v6 && memcmp(a->port, b->port,
	    sizeof(a->port)) == 0 && memcmp(a->ends, b->ends,
	    sizeof(a->ends)) == 0);
}

static struct stream *
stream_new(struct capture *c, const struct stream *like, uint32_t sequence)
{
	struct stream	*s;

	if (c->nstreams == STREAMS_MAX || (s = reallocarray(c->stream,
	    c->nstreams + 1, sizeof(*s))) == NULL) {
		c->full = 1;
		return (NULL);
	}
	c->stream = s;
	s += c->nstreams++;
	*s = *like;
	memset(&s->data, 0, sizeof(s->data));
	s->open = 1;
	s->next = sequence;
	s->gap = 0;
	return (s);
}

/* The newest of the direction; NULL: there is none that goes on. */
static struct stream *
stream_find(struct capture *c, const struct stream *like)
{
	size_t	i;

	for (i = c->nstreams; i > 0; i--)
		if (same_ends(&c->stream[i - 1], like))
			return (c->stream[i - 1].open ? &c->stream[i - 1] :
			    NULL);
	return (NULL);
}

#define TCP_FIN	0x01
#define TCP_SYN	0x02
#define TCP_RST	0x04

static void
segment(struct capture *c, struct stream *like, uint32_t sequence,
    uint8_t flags, const uint8_t *p, size_t len)
{
	struct stream	*s = stream_find(c, like);
	uint32_t	 gap;
	int32_t		 ahead;

	if (flags & TCP_SYN) {
		if (s != NULL)
			s->open = 0;
		stream_new(c, like, sequence + 1);
		return;
	}
	if (s == NULL && len > 0)	/* it began before the capture */
		s = stream_new(c, like, sequence);
	if (s == NULL)
		return;
	if (len > 0) {
		ahead = (int32_t)(sequence - s->next);
		if (ahead > 0) {
			gap = ahead;
			s->open = 0;
			if ((s = stream_new(c, like, sequence)) == NULL)
				return;
			s->gap = gap;
		} else {
			/* What was sent again is there already. */
			gap = -(uint32_t)ahead;
			if (gap >= len)
				len = 0;
			else {
				p += gap;
				len -= gap;
			}
		}
		data_add(c->d, &s->data, p, len);
		s->next += len;
	}
	if (flags & (TCP_FIN | TCP_RST))
		s->open = 0;
}

static void
tcp(struct capture *c, struct stream *like, const uint8_t *p, size_t len)
{
	size_t	head;

	if (len < 20 || (head = (p[12] >> 4) * 4u) < 20 || head > len)
		return;
	like->port[0] = net_16(p);
	like->port[1] = net_16(p + 2);
	segment(c, like, net_32(p + 4), p[13], p + head, len - head);
}

/* Fragments of IP are not put together; what is no TCP is passed over. */
static void
ip(struct capture *c, const uint8_t *p, size_t len)
{
	struct stream	like;
	size_t		head, whole;

	memset(&like, 0, sizeof(like));
	if (len >= 20 && p[0] >> 4 == 4) {
		head = (p[0] & 0xf) * 4u;
		whole = net_16(p + 2);
		if (whole == 0 || whole > len)	/* left to the hardware, cut */
			whole = len;
		if (head < 20 || head > whole || p[9] != IPPROTO_TCP ||
		    (net_16(p + 6) & 0x3fff) != 0)
			return;
		memcpy(like.ends[0], p + 12, 4);
		memcpy(like.ends[1], p + 16, 4);
		tcp(c, &like, p + head, whole - head);
	} else if (len >= 40 && p[0] >> 4 == 6 && p[6] == IPPROTO_TCP) {
		whole = net_16(p + 4) + 40u;
		if (whole == 40 || whole > len)
			whole = len;
		like.v6 = 1;
		memcpy(like.ends[0], p + 8, 16);
		memcpy(like.ends[1], p + 24, 16);
		tcp(c, &like, p + 40, whole - 40);
	}
}

/* What stands before IP, by LINKTYPE. */
static void
packet(struct capture *c, uint16_t link, const uint8_t *p, size_t len)
{
	size_t	head;

	switch (link) {
	case 0:			/* BSD loopback */
	case 108:
		head = 4;
		break;
	case 1:			/* Ethernet, with VLANs */
		head = 14;
		while (len >= head + 4 && (net_16(p + head - 2) == 0x8100 ||
		    net_16(p + head - 2) == 0x88a8))
			head += 4;
		break;
	case 113:		/* Linux "any" */
		head = 16;
		break;
	case 276:
		head = 20;
		break;
	default:		/* raw IP */
		head = 0;
		break;
	}
	if (len > head)
		ip(c, p + head, len - head);
}

/* Files */

static void
pcap(struct capture *c, const uint8_t *p)
{
	uint16_t	link;
	uint32_t	len;

	link = get_32(c, p + 20) & 0xffff;
	for (p += 24; p < c->end; p += 16 + len) {
		if (c->end - p < 16 || (len = get_32(c, p + 8)) >
		    (size_t)(c->end - p) - 16) {
			tree_damage(c->d, p, "the file ends early: a whole "
			    "packet was expected");
			return;
		}
		packet(c, link, p + 16, len);
	}
}

static void
block(struct capture *c, uint32_t type, const uint8_t *p, size_t len)
{
	uint32_t	n, interface;

	switch (type) {
	case IDB:
		if (len >= 8 && c->nlinks < INTERFACES_MAX)
			c->link[c->nlinks++] = get_16(c, p);
		break;
	case EPB:
		if (len < 20)
			return;
		interface = get_32(c, p);
		n = get_32(c, p + 12);
		if (interface < c->nlinks && n <= len - 20)
			packet(c, c->link[interface], p + 20, n);
		break;
	case SPB:
		if (len < 4 || c->nlinks == 0)
			return;
		n = get_32(c, p);
		packet(c, c->link[0], p + 4, n < len - 4 ? n : len - 4);
		break;
	default:
		break;
	}
}

static void
pcapng(struct capture *c, const uint8_t *p)
{
	uint32_t	type, len;

	for (; p < c->end; p += len) {
		if (c->end - p < 12)
			break;
		memcpy(&type, p, sizeof(type));	/* the same both ways */
		if (type == SHB) {
			c->swapped = 0;
			c->swapped = get_32(c, p + 8) != BYTE_ORDER_MAGIC;
			c->nlinks = 0;
		}
		type = get_32(c, p);
		len = get_32(c, p + 4);
		if (len < 12 || len % 4 != 0 || len > (size_t)(c->end - p))
			break;
		block(c, type, p + 8, len - 12);
	}
	if (p < c->end)
		tree_damage(c->d, p, "a whole block of pcapng was expected");
}

/* 1 pcap, 2 with its octets the other way round, 3 pcapng, 0 neither. */
static int
format(const uint8_t *p, size_t len)
{
	uint32_t	magic;

	if (len < 24)
		return (0);
	memcpy(&magic, p, sizeof(magic));
	switch (magic) {
	case 0xa1b2c3d4u:
	case 0xa1b23c4du:
		return (1);
	case 0xd4c3b2a1u:
	case 0x4d3cb2a1u:
		return (2);
	case SHB:
		return (3);
	default:
		return (0);
	}
}

int
is_pcap(const uint8_t *p, size_t len)
{
	return (format(p, len) != 0);
}

static void
show(struct decode *d, struct stream *s)
{
	struct decode_space	space;
	char			ends[2][INET6_ADDRSTRLEN], name[160], text[80];
	int			family = s->v6 ? AF_INET6 : AF_INET;

	if (s->data.len == 0 || space_enter(d, &space, &s->data) == -1)
		return;
	inet_ntop(family, s->ends[0], ends[0], sizeof(ends[0]));
	inet_ntop(family, s->ends[1], ends[1], sizeof(ends[1]));
	snprintf(name, sizeof(name), "%s.%u > %s.%u", ends[0], s->port[0],
	    ends[1], s->port[1]);
	snprintf(text, sizeof(text), "%zu octets", s->data.len);
	if (s->gap > 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    ", after %llu that are not here",
		    (unsigned long long)s->gap);
	tree_open(d, s->data.p, s->data.len, name, NULL, text);
	if (is_tpkt(s->data.p, s->data.len) || s->port[0] == 102 ||
	    s->port[1] == 102 || tpkt_rest(s->data.p, s->data.len) > 0) {
		decode_tpkts(d, s->data.p, s->data.len);
		decode_activity_end(d, "which does not end here");
	} else
		tree_leaf(d, s->data.p, s->data.len, "no TPKTs", NULL, NULL);
	tree_close(d);
	space_leave(d);
}

void
decode_pcap(struct decode *d, const uint8_t *p, size_t len)
{
	struct capture	*c;
	size_t		 i;
	int		 found = 0;

	if (!is_pcap(p, len) || (c = calloc(1, sizeof(*c))) == NULL) {
		tree_damage(d, p, "a file of pcap or pcapng was expected");
		return;
	}
	c->d = d;
	c->end = p + len;
	c->swapped = format(p, len) == 2;
	if (format(p, len) == 3)
		pcapng(c, p);
	else
		pcap(c, p);
	for (i = 0; i < c->nstreams; i++) {
		found |= c->stream[i].data.len > 0;
		if (!d->tree->silent)
			show(d, &c->stream[i]);
		data_free(&c->stream[i].data);
	}
	if (c->full)
		tree_damage(d, p, "more than %d streams: the others were left "
		    "out", STREAMS_MAX);
	if (!found)
		tree_damage(d, p, "a TCP connection with octets was expected");
	free(c->stream);
	free(c);
}
