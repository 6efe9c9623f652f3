/* SPDX-License-Identifier: ISC */

/*
 * Reliable transfer in normal mode on the session service: each SS-user data
 * that rts.c sends or gets, through presentation (X.226), association
 * control (X.227) and RTSE (X.228), in the application context mts-transfer.
 *
 * Decoders: 0, or -1 with *why a text valid until the next call of any of
 * them.  Encoders append to a dynamic ibuf; -1: no memory, or what is given
 * does not fit.
 */

#ifndef NORMAL_H
#define NORMAL_H

#include "presentation.h"
#include "rtspdu.h"

/* Selectors and presentation contexts of an association. */
struct normal {
	struct selector		calling_psel, called_psel;
	/* initiator: for AARQ; responder: called is for AARE */
	struct ae_title		calling_title, called_title;
	int64_t			acse, rtse;	/* context identifiers */
	/* responder: what was proposed, for one result each */
	uint8_t			result[P_CONTEXTS_MAX];
	uint8_t			rejection[P_CONTEXTS_MAX];
	uint32_t		ncontext;
};

/* Why a connect cannot be accepted: what is to be answered. */
enum normal_refusal {
	NORMAL_RTS,		/* RTORJ, reason an enum rts_refuse */
	NORMAL_ACSE,		/* AARE, reason an enum acse_diagnostic */
	NORMAL_PRESENTATION	/* CPR, reason an enum p_refuse */
};

void	normal_init(struct normal *, const struct selector *calling,
	    const struct selector *called);

/* CP [AARQ [RTORQ]] */
int	normal_connect_encode(struct normal *, const struct pconnect *,
	    struct ibuf *);
/* On -1 *refusal and *reason say what to answer with normal_refuse_encode. */
int	normal_connect_decode(struct normal *, struct pconnect *,
	    const uint8_t *, size_t, int *refusal, int *reason,
	    const char **why);
/* CPA [AARE [RTOAC]] */
int	normal_accept_encode(const struct normal *, const struct paccept *,
	    struct ibuf *);
int	normal_accept_decode(struct normal *, struct paccept *,
	    const uint8_t *, size_t, const char **why);
/* CPR [AARE [RTORJ]], CPR [AARE], CPR */
int	normal_refuse_encode(const struct normal *, int refusal, int reason,
	    struct ibuf *);
/*
 * *reason: enum rts_refuse, or -1 when it was refused below, with *why
 * telling by whom.
 */
int	normal_refuse_decode(const struct normal *, int *reason,
	    const uint8_t *, size_t, const char **why);
/* ARU [ABRT [RTAB]]; decoding also ARP */
int	normal_abort_encode(const struct normal *,
	    const struct abort_information *, struct ibuf *);
int	normal_abort_decode(const struct normal *,
	    struct abort_information *, const uint8_t *, size_t,
	    const char **why);
/* User-data [RLRQ] or [RLRE]; whatever a peer says there is fine. */
int	normal_release_encode(const struct normal *, int response,
	    struct ibuf *);
/* User-data [RTTP] */
int	normal_priority_encode(const struct normal *, int priority,
	    struct ibuf *);
int	normal_priority_decode(const struct normal *, int *priority,
	    const uint8_t *, size_t);

#endif
