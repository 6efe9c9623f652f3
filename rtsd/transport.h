/* SPDX-License-Identifier: ISC */

/*
 * Transport: RFC 1006 packets (TPKT) and X.224 class 0 (COTP), one machine
 * in memory for each connection.  Octets of the TCP stream come in by
 * transport_input in pieces of any size; they go out through the output
 * function.  TSDUs are streamed in both directions, never collected: at most
 * one TPDU header is held.
 */

#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <sys/uio.h>

#include <stddef.h>
#include <stdint.h>

#include "mtad.h"

struct transport;

struct t_user {
	/* responder: CR arrived.  Answer with t_connect_rsp or _refuse. */
	void (*t_connect_ind)(void *, const struct selector *calling,
	    const struct selector *called);
	void (*t_connect_cnf)(void *);
	void (*t_data_ind)(void *, const uint8_t *, size_t, int last);
	/*
	 * The connection is over: DR or ER received, or an error that we
	 * found (why is good for the call; an ER or DR has been output where
	 * X.224 asks for one).  Close the TCP connection after
	 * what was output has been written.
	 */
	void (*t_disconnect_ind)(void *, int reason, const char *why);
	/* The octets must be taken at once (copied or written). */
	void (*output)(void *, const struct iovec *, int);
};

/* max_tpdu: largest TPDU to propose or accept, 128..TPDU_SIZE_MAX. */
struct transport *transport_new(const struct t_user *, void *, int initiator,
		    uint32_t max_tpdu);
void	 transport_free(struct transport *);
/*
 * Octets of the stream.  Callbacks run from within; they may call any
 * function but transport_free.  Input after a disconnect is ignored.
 */
void	 transport_input(struct transport *, const uint8_t *, size_t);

/* -1 when the state does not allow it; nothing is put out then. */
int	 t_connect_req(struct transport *, const struct selector *calling,
	    const struct selector *called);
int	 t_connect_rsp(struct transport *);
int	 t_connect_refuse(struct transport *, int reason);	/* DR */
/*
 * A piece of a TSDU, last with its end.  Small pieces are gathered until
 * there are 4096 octets or last is set; a larger piece goes out at once and
 * without a copy, in TPDUs of the negotiated size and one for the rest.  One
 * octet of it is held back when last is not set: a TSDU with octets in it
 * never ends in an empty TPDU, which some refuse (KB Q123824).
 * -1: not connected.
 */
int	 t_data_req(struct transport *, const uint8_t *, size_t, int last);
/*
 * Where the input stands between TPKTs: octets of the present one that are
 * still to come or, when it is so short, what there is of its header.
 */
struct tpkt_position {
	uint8_t		head[4];
	size_t		have;
	size_t		left;
};
void	 transport_position(const struct transport *, struct tpkt_position *);
/* Octets of a TPDU in force, its header included. */
uint32_t transport_tpdu_size(const struct transport *);

#endif
