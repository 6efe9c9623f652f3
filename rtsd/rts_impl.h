/* SPDX-License-Identifier: ISC */

/*
 * Inside of reliable transfer, between rts.c (the turn, transfers, aborts)
 * and rts_open.c (opening and closing).
 */

#ifndef RTS_IMPL_H
#define RTS_IMPL_H

#include "imsg.h"
#include "rts.h"

enum rts_phase {
	RTS_IDLE, RTS_OPENING, RTS_OPEN_IND, RTS_OPEN, RTS_CLOSING, RTS_DOWN
};

enum out_phase { OUT_NONE, OUT_DATA, OUT_END, OUT_GIVING_UP };
enum in_phase {
	IN_NONE, IN_DATA, IN_END, IN_EXCEPTION, IN_INTERRUPT, IN_DISCARD
};

struct rts {
	const struct rts_user	*user;
	void			*uarg;
	struct session		*s;
	enum rts_phase		 phase;
	int			 initiator;
	struct s_connect	 connect;	/* of the CN, for the answer */
	uint32_t		 offered_checkpoint;
	uint32_t		 offered_window;
	uint32_t		 checkpoint;	/* units of 1024 octets */
	uint32_t		 window;
	int			 dialogue;
	int			 is_normal;
	struct normal		 normal;
	struct p_data		 pdata;		/* of the SSDU coming in */
	int			 in_pdata;

	enum out_phase		 out;
	int			 resumed;	/* it began by a resume */
	int			 failure;	/* why it is given up */
	int			 failure_reason;
	uint64_t		 base;		/* octets before base_serial */
	uint32_t		 base_serial;
	uint64_t		 offset;	/* octets handed in */
	uint64_t		 total;
	uint64_t		 sent;		/* in this activity */
	uint64_t		 in_ssdu;	/* octets of the present SSDU */
	uint32_t		 serial;	/* last minor sync sent */
	uint32_t		 confirmed;
	uint32_t		 stored;
	uint32_t		 safe_store;

	enum in_phase		 in;
	uint32_t		 in_serial;	/* last one received */
	uint32_t		 in_confirmed;
};

static const struct s_octets no_data;

/* An APDU in memory as session user data. */
static inline struct s_octets
octets_of(struct ibuf *b)
{
	struct s_octets o;

	o.p = ibuf_data(b);
	o.len = ibuf_size(b);
	return (o);
}

/* Every way out passes here, once. */
void	rts_down(struct rts *, int kind, int reason, const char *why);

/* From the session. */
void	rts_connect_ind(void *, const struct s_connect *);
void	rts_connect_cnf(void *, int refused, const struct s_connect *);
void	rts_release_ind(void *, struct s_octets);
void	rts_release_cnf(void *, struct s_octets);

#endif
