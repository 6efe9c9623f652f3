/* SPDX-License-Identifier: ISC */

/*
 * RFC 1006 packets and X.224 class 0.  A TPDU other than DT is collected
 * whole (X.224 13.2: its header is at most 254 octets, what RFC 1006 lets
 * follow it is bounded here); of a DT only the three octets of its header
 * are held, its user data passes through.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport.h"

#define TPKT_HEADER	4
#define TPKT_MIN	7		/* RFC 1006 clause 6 */
#define DT_HEADER	3
#define TPDU_COLLECT	512		/* octets of a TPDU other than DT */
#define TPDU_MIN	128
#define GATHER		4096		/* small pieces that are joined */

#define TPDU_CR		0xe0
#define TPDU_CC		0xd0
#define TPDU_DR		0x80
#define TPDU_DT		0xf0
#define TPDU_ER		0x70

#define PARAM_SIZE	0xc0
#define PARAM_CALLING	0xc1
#define PARAM_CALLED	0xc2
#define PARAM_PREFERRED	0xf0

/* Reject causes of an ER, X.224 13.12.3 c). */
#define ER_UNSPECIFIED	0
#define ER_PARAM_CODE	1
#define ER_TPDU_TYPE	2
#define ER_PARAM_VALUE	3

enum t_state { T_IDLE, T_WAIT_CC, T_WAIT_CR, T_ASKED, T_OPEN, T_CLOSED };

struct transport {
	const struct t_user	*user;
	void			*arg;
	enum t_state		 state;
	int			 initiator;
	uint32_t		 max_tpdu;	/* ours */
	uint32_t		 tpdu;		/* in force, header included */
	uint16_t		 peer_ref;
	uint16_t		 our_ref;
	int			 size_by_preferred;	/* how CR asked */
	struct selector		 calling, called;

	/* input */
	uint8_t			 head[TPKT_HEADER + TPDU_COLLECT];
	size_t			 have;		/* octets of head */
	size_t			 want;		/* until the next decision */
	size_t			 data_left;	/* user data of a DT */
	int			 eot;

	/* output */
	uint8_t			 gather[GATHER];
	size_t			 gathered;
};

static void
over(struct transport *t, int reason, const char *why)
{
	if (t->state == T_CLOSED)
		return;
	t->state = T_CLOSED;
	t->user->t_disconnect_ind(t->arg, reason, why);
}

static void
put(struct transport *t, uint8_t *packet, size_t len)
{
	struct iovec iov;

	packet[0] = 3;
	packet[1] = 0;
	packet[2] = len >> 8;
	packet[3] = len & 0xff;
	iov.iov_base = packet;
	iov.iov_len = len;
	t->user->output(t->arg, &iov, 1);
}

/* ER with the TPDU that was bad, as far as the header goes. */
static void
error(struct transport *t, int cause, const char *why)
{
	uint8_t b[TPKT_HEADER + 64];
	size_t n = TPKT_HEADER, bad;

	bad = t->have > TPKT_HEADER ? t->have - TPKT_HEADER : 0;
	if (bad > 32)
		bad = 32;
	b[n + 1] = TPDU_ER;
	b[n + 2] = t->peer_ref >> 8;
	b[n + 3] = t->peer_ref & 0xff;
	b[n + 4] = cause;
	b[n + 5] = PARAM_CALLING;	/* invalid TPDU, code 1100 0001 */
	b[n + 6] = bad;
	memcpy(b + n + 7, t->head + TPKT_HEADER, bad);
	b[n] = 6 + bad;
	put(t, b, n + 7 + bad);
	over(t, 0, why);
}

static uint32_t
size_of_code(int code)
{
	return (code == 16 ? 65531 : 1u << code);
}

static int
code_of_size(uint32_t size)
{
	int code = 7;

	while (code < 13 && (2u << code) <= size)
		code++;
	return (code);
}

struct transport *
transport_new(const struct t_user *user, void *arg, int initiator,
    uint32_t max_tpdu)
{
	struct transport *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->user = user;
	t->arg = arg;
	t->initiator = initiator;
	if (max_tpdu > TPDU_SIZE_MAX)
		max_tpdu = TPDU_SIZE_MAX;
	if (max_tpdu < TPDU_MIN)
		max_tpdu = TPDU_MIN;
	t->max_tpdu = t->tpdu = max_tpdu;
	t->our_ref = 1;
	t->state = initiator ? T_IDLE : T_WAIT_CR;
	t->want = TPKT_HEADER;
	return (t);
}

void
transport_free(struct transport *t)
{
	free(t);
}

uint32_t
transport_tpdu_size(const struct transport *t)
{
	return (t->tpdu);
}

void
transport_position(const struct transport *t, struct tpkt_position *p)
{
	size_t whole;

	memset(p, 0, sizeof(*p));
	if (t->data_left > 0)
		p->left = t->data_left;
	else if (t->have < TPKT_HEADER) {
		p->have = t->have;
		memcpy(p->head, t->head, t->have);
	} else {
		whole = t->head[2] << 8 | t->head[3];
		p->left = whole > t->have ? whole - t->have : 0;
	}
}

static size_t
put_param(uint8_t *b, int code, const uint8_t *p, size_t len)
{
	b[0] = code;
	b[1] = len;
	memcpy(b + 2, p, len);
	return (len + 2);
}

/* The size as CR proposes and CC answers it. */
static size_t
put_size(uint8_t *b, uint32_t size, int preferred)
{
	uint8_t v[2];

	if (preferred) {
		v[0] = (size / 128) >> 8;
		v[1] = (size / 128) & 0xff;
		return (put_param(b, PARAM_PREFERRED, v, 2));
	}
	v[0] = code_of_size(size);
	return (put_param(b, PARAM_SIZE, v, 1));
}

int
t_connect_req(struct transport *t, const struct selector *calling,
    const struct selector *called)
{
	uint8_t b[TPKT_HEADER + 96];
	size_t n = TPKT_HEADER + 1;

	if (t->state != T_IDLE)
		return (-1);
	b[n++] = TPDU_CR;
	b[n++] = 0;
	b[n++] = 0;
	b[n++] = t->our_ref >> 8;
	b[n++] = t->our_ref & 0xff;
	b[n++] = 0;		/* class 0 */
	/* 65531 is what silence means (RFC 1006 clause 5). */
	if (t->max_tpdu < TPDU_SIZE_MAX)
		n += put_size(b + n, t->max_tpdu, 0);
	if (calling->len > 0)
		n += put_param(b + n, PARAM_CALLING, calling->octets,
		    calling->len);
	if (called->len > 0)
		n += put_param(b + n, PARAM_CALLED, called->octets,
		    called->len);
	b[TPKT_HEADER] = n - TPKT_HEADER - 1;
	if (t->max_tpdu < TPDU_SIZE_MAX)
		t->max_tpdu = size_of_code(code_of_size(t->max_tpdu));
	t->tpdu = t->max_tpdu;
	t->state = T_WAIT_CC;
	put(t, b, n);
	return (0);
}

int
t_connect_rsp(struct transport *t)
{
	uint8_t b[TPKT_HEADER + 96], code;
	size_t n = TPKT_HEADER + 1;

	if (t->state != T_ASKED)
		return (-1);
	b[n++] = TPDU_CC;
	b[n++] = t->peer_ref >> 8;
	b[n++] = t->peer_ref & 0xff;
	b[n++] = t->our_ref >> 8;
	b[n++] = t->our_ref & 0xff;
	b[n++] = 0;
	/*
	 * The size is always said (RFC 2126 6.4).  65531 has no code of its
	 * own in X.224; it is said in units of 128 when it was asked for so.
	 */
	if (t->size_by_preferred)
		n += put_size(b + n, t->tpdu, 1);
	else if (t->tpdu < TPDU_SIZE_MAX) {
		code = code_of_size(t->tpdu);
		t->tpdu = size_of_code(code);
		n += put_param(b + n, PARAM_SIZE, &code, 1);
	}
	if (t->calling.len > 0)
		n += put_param(b + n, PARAM_CALLING, t->calling.octets,
		    t->calling.len);
	if (t->called.len > 0)
		n += put_param(b + n, PARAM_CALLED, t->called.octets,
		    t->called.len);
	b[TPKT_HEADER] = n - TPKT_HEADER - 1;
	t->state = T_OPEN;
	put(t, b, n);
	return (0);
}

int
t_connect_refuse(struct transport *t, int reason)
{
	uint8_t b[TPKT_HEADER + 7];

	if (t->state != T_ASKED)
		return (-1);
	b[4] = 6;
	b[5] = TPDU_DR;
	b[6] = t->peer_ref >> 8;
	b[7] = t->peer_ref & 0xff;
	b[8] = b[9] = 0;
	b[10] = reason;
	t->state = T_CLOSED;
	put(t, b, sizeof(b));
	return (0);
}

/* Output: TPDUs as full as they can be, large pieces not copied. */

static void
put_dt(struct transport *t, const uint8_t *p, size_t len, int eot)
{
	uint8_t head[TPKT_HEADER + DT_HEADER];
	struct iovec iov[3];
	size_t total = sizeof(head) + t->gathered + len;
	int n = 0;

	head[0] = 3;
	head[1] = 0;
	head[2] = total >> 8;
	head[3] = total & 0xff;
	head[4] = 2;
	head[5] = TPDU_DT;
	head[6] = eot ? 0x80 : 0;
	iov[n].iov_base = head;
	iov[n++].iov_len = sizeof(head);
	if (t->gathered > 0) {
		iov[n].iov_base = t->gather;
		iov[n++].iov_len = t->gathered;
	}
	if (len > 0) {
		iov[n].iov_base = (void *)(uintptr_t)p;
		iov[n++].iov_len = len;
	}
	t->gathered = 0;
	t->user->output(t->arg, iov, n);
}

int
t_data_req(struct transport *t, const uint8_t *p, size_t len, int last)
{
	size_t room = t->tpdu - DT_HEADER, n;

	if (t->state != T_OPEN)
		return (-1);
	while (t->gathered + len > room) {
		n = room - t->gathered;
		put_dt(t, p, n, 0);
		p += n;
		len -= n;
	}
	if (last)
		put_dt(t, p, len, 1);
	else {
		if (t->gathered + len > sizeof(t->gather)) {
			/* Keep one: the last TPDU is not to be empty. */
			put_dt(t, p, len - 1, 0);
			p += len - 1;
			len = 1;
		}
		if (len > 0)
			memcpy(t->gather + t->gathered, p, len);
		t->gathered += len;
	}
	return (0);
}

/* Input */

/* Parameters of CR and CC.  -1: error() has been called. */
static int
params(struct transport *t, const uint8_t *p, size_t len, int cr)
{
	struct selector *s;
	uint32_t size = TPDU_SIZE_MAX, preferred = 0;
	size_t l;
	uint64_t v;
	size_t i;

	while (len > 0) {
		if (len < 2 || p[1] > len - 2) {
			error(t, ER_PARAM_VALUE, "transport parameter runs "
			    "past the header");
			return (-1);
		}
		l = p[1];
		switch (p[0]) {
		case PARAM_SIZE:
			if (l != 1 || p[2] < 7 || p[2] > 16) {
				error(t, ER_PARAM_VALUE, "bad TPDU size");
				return (-1);
			}
			/* 14 to 16 are not X.224, but seen on TCP. */
			size = p[2] >= 16 ? TPDU_SIZE_MAX :
			    size_of_code(p[2]);
			break;
		case PARAM_CALLING:
		case PARAM_CALLED:
			if (l > TSEL_MAX) {
				error(t, ER_PARAM_VALUE,
				    "transport selector too long");
				return (-1);
			}
			s = p[0] == PARAM_CALLING ? &t->calling : &t->called;
			if (cr) {
				s->len = l;
				memcpy(s->octets, p + 2, l);
			}
			break;
		case PARAM_PREFERRED:
			if (l < 1 || l > 4) {
				error(t, ER_PARAM_VALUE,
				    "bad preferred TPDU size");
				return (-1);
			}
			for (v = 0, i = 0; i < l; i++)
				v = v << 8 | p[2 + i];
			v *= 128;
			preferred = v > TPDU_SIZE_MAX ? TPDU_SIZE_MAX : v;
			break;
		default:
			break;	/* X.224 13.2.3: ignored in a CR */
		}
		p += 2 + l;
		len -= 2 + l;
	}
	if (cr && preferred >= TPDU_MIN) {
		/* Understood, so it is this that is answered (6.5.4). */
		t->size_by_preferred = 1;
		size = preferred;
	} else if (!cr && preferred >= TPDU_MIN)
		size = preferred;
	if (cr) {
		t->tpdu = size < t->max_tpdu ? size : t->max_tpdu;
		if (t->size_by_preferred)
			t->tpdu -= t->tpdu % 128;
	} else if (size < t->tpdu)
		t->tpdu = size;
	return (0);
}

static void
got_cr(struct transport *t, const uint8_t *p, size_t li)
{
	if (t->state != T_WAIT_CR) {
		error(t, ER_TPDU_TYPE, "CR on an open connection");
		return;
	}
	if (li < 6) {
		error(t, ER_UNSPECIFIED, "CR too short");
		return;
	}
	t->peer_ref = p[4] << 8 | p[5];
	/* Class in the high half; alternatives in parameter C7. */
	if ((p[6] & 0xf0) != 0) {
		size_t off = 7;
		int zero = 0;

		while (off + 1 < li + 1 && p[off + 1] <= li + 1 - off - 2) {
			size_t i;

			if (p[off] == 0xc7)
				for (i = 0; i < p[off + 1]; i++)
					if ((p[off + 2 + i] & 0xf0) == 0)
						zero = 1;
			off += 2 + p[off + 1];
		}
		/* An alternative counts only when it is named (C7). */
		if (!zero) {
			t->state = T_ASKED;
			t_connect_refuse(t, 0x82);	/* negotiation failed */
			t->user->t_disconnect_ind(t->arg, 0x82,
			    "transport class other than 0 proposed");
			return;
		}
	}
	if (params(t, p + 7, li - 6, 1) == -1)
		return;
	t->state = T_ASKED;
	t->user->t_connect_ind(t->arg, &t->calling, &t->called);
}

static void
got_cc(struct transport *t, const uint8_t *p, size_t li)
{
	if (t->state != T_WAIT_CC) {
		error(t, ER_TPDU_TYPE, "CC out of place");
		return;
	}
	if (li < 6) {
		error(t, ER_UNSPECIFIED, "CC too short");
		return;
	}
	t->peer_ref = p[4] << 8 | p[5];
	if ((p[6] & 0xf0) != 0) {
		error(t, ER_PARAM_VALUE, "CC with another class than 0");
		return;
	}
	if (params(t, p + 7, li - 6, 0) == -1)
		return;
	t->state = T_OPEN;
	t->user->t_connect_cnf(t->arg);
}

/* A whole TPDU other than DT: LI, code, the rest. */
static void
got_tpdu(struct transport *t, const uint8_t *p, size_t len)
{
	static char why[96];
	size_t li = p[0];

	if (li == 255 || li + 1 > len || li < 1) {
		error(t, ER_UNSPECIFIED, "bad TPDU length indicator");
		return;
	}
	switch (p[1] & 0xf0) {
	case TPDU_CR:
		got_cr(t, p, li);
		break;
	case TPDU_CC:
		got_cc(t, p, li);
		break;
	case TPDU_DR:
		snprintf(why, sizeof(why), "transport disconnected by the "
		    "peer, reason %u", li >= 6 ? p[6] : 0);
		over(t, li >= 6 ? p[6] : 0, why);
		break;
	case TPDU_ER:
		snprintf(why, sizeof(why), "the peer reports a transport "
		    "error, cause %u", li >= 4 ? p[4] : 0);
		over(t, 0, why);
		break;
	default:
		error(t, ER_TPDU_TYPE, "unknown TPDU");
		break;
	}
}

/* The octets of head that were wanted are there: what now?  */
static void
advance(struct transport *t)
{
	size_t len = t->head[2] << 8 | t->head[3];

	if (t->have == TPKT_HEADER) {
		/* The second octet is reserved: ignored (KB Q157015). */
		if (t->head[0] != 3) {
			over(t, 0, "not a TPKT (RFC 1006)");
			return;
		}
		if (len < TPKT_MIN) {
			over(t, 0, "TPKT too short");
			return;
		}
		t->want = TPKT_MIN;
		return;
	}
	if (t->have == TPKT_MIN && (t->head[5] & 0xf0) == TPDU_DT) {
		if (t->head[4] != 2) {
			error(t, ER_UNSPECIFIED, "bad DT header");
			return;
		}
		if (t->state != T_OPEN) {
			error(t, ER_TPDU_TYPE, "DT before the connection");
			return;
		}
		t->eot = (t->head[6] & 0x80) != 0;
		t->data_left = len - TPKT_MIN;
		t->have = 0;
		t->want = TPKT_HEADER;
		if (t->data_left == 0 && t->eot)
			t->user->t_data_ind(t->arg, NULL, 0, 1);
		return;
	}
	if (t->have < len) {
		if (len > TPKT_HEADER + TPDU_COLLECT) {
			error(t, ER_UNSPECIFIED, "TPDU too long");
			return;
		}
		t->want = len;
		return;
	}
	got_tpdu(t, t->head + TPKT_HEADER, len - TPKT_HEADER);
	t->have = 0;
	t->want = TPKT_HEADER;
}

void
transport_input(struct transport *t, const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0 && t->state != T_CLOSED) {
		if (t->data_left > 0) {
			n = len < t->data_left ? len : t->data_left;
			t->data_left -= n;
			t->user->t_data_ind(t->arg, p, n,
			    t->data_left == 0 && t->eot);
		} else {
			n = t->want - t->have;
			if (n > len)
				n = len;
			memcpy(t->head + t->have, p, n);
			t->have += n;
			if (t->have == t->want)
				advance(t);
		}
		p += n;
		len -= n;
	}
}
