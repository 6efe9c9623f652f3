/* SPDX-License-Identifier: ISC */

/*
 * Inside the session protocol machine (X.225), between its three files:
 * session.c (connection, tokens, release, abort), session_act.c (data,
 * minor synchronization, activities, exceptions), session_in.c (SPDUs out of
 * TSDUs).
 *
 * The states of annex A fold into three variables here: the phase of the
 * connection; while it is open, whether an activity is in progress (Vact);
 * and step, what is awaited within or around the activity.
 *
 *	STA01  closed		STA713 data, step NORMAL
 *	STA02A calling		STA04B end_sent, STA10B end_rcvd
 *	STA08  called		STA05A/B interrupt_/discard_sent
 *	STA03  releasing	STA11A/B interrupt_/discard_rcvd
 *	STA09  release_rcvd	STA18 give_sent, STA20 exception_sent,
 *	STA16  aborting		STA19 exception_rcvd
 */

#ifndef SESSION_IMPL_H
#define SESSION_IMPL_H

#include <string.h>

#include "spdu.h"

enum phase {
	IDLE, WAIT_CN, CALLING, CALLED, DATA, RELEASING, RELEASE_RCVD,
	ABORTING, CLOSED
};

enum step {
	NORMAL, END_SENT, END_RCVD, INTERRUPT_SENT, INTERRUPT_RCVD,
	DISCARD_SENT, DISCARD_RCVD, GIVE_SENT, EXCEPTION_SENT, EXCEPTION_RCVD
};

/* Where we are in an incoming TSDU. */
enum input { HEADER, PARAMETERS, USER_DATA, NO_MORE };

#define TOKENS_ALL	(S_TOKEN_DATA | S_TOKEN_MINOR | S_TOKEN_MAJOR)
#define RTS_UNITS	(S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY | \
			    S_EXCEPTIONS)
#define SPDU_HEAD_MAX	4		/* SI and LI */
#define REFLECT_MAX	9		/* X.225 8.3.9.4 */
#define AB_DATA_V1	9		/* X.225 8.3.9.5 */

struct session {
	const struct s_user		*user;
	void				*uarg;
	const struct s_transport	*t;
	void				*targ;
	int				 initiator;
	enum phase			 phase;
	enum step			 step;
	int				 activity;	/* Vact */
	int				 tokens;	/* that we own */
	int				 version;
	uint8_t				 proposed;	/* versions in CN */
	uint16_t			 requirements;	/* proposed by us */
	uint8_t				 setting;	/* token setting of CN */
	uint32_t			 va;	/* lowest serial unconfirmed */
	uint32_t			 vm;	/* next serial */
	int				 syncs_ours;	/* who sent them */

	/* output */
	int				 sending;	/* a DT is unfinished */

	/* input */
	enum input			 input;
	int				 first;		/* SPDU of its TSDU */
	int				 last_ssdu;	/* DT ends its SSDU */
	int				 in_ssdu;	/* its end is not told */
	uint8_t				 si;
	uint8_t				 head[SPDU_HEAD_MAX];
	size_t				 head_have, head_len;
	uint8_t				*params;
	size_t				 params_size, params_have, params_len;

	void				(*trace)(void *, int, const char *,
					    size_t);
	void				*trace_arg;
};

/* Prefixes of category 2. */
extern const uint8_t	spm_gt[2], spm_pt[2];

/* Clears an SPDU and names it. */
void	spm_start(struct spdu *, uint8_t si);
/*
 * One TSDU: a prefix or none, and the SPDU.  A TSDU that is not finished is
 * ended first.  -1: user data or parameters too long; nothing is sent.
 */
int	spm_send(struct session *, const uint8_t *prefix,
	    const struct spdu *);
/* The peer broke the protocol: AB, and s_p_abort_ind saying what. */
void	spm_error(struct session *, const char *what);

/* Each takes its SPDU in any state. */
void	spm_cn(struct session *, const struct spdu *);
void	spm_ac(struct session *, const struct spdu *);
void	spm_rf(struct session *, const struct spdu *);
void	spm_gtc(struct session *, const struct spdu *);
void	spm_gta(struct session *, const struct spdu *);
void	spm_gt_tokens(struct session *, const struct spdu *);
void	spm_pt_tokens(struct session *, const struct spdu *);
void	spm_fn(struct session *, const struct spdu *);
void	spm_dn(struct session *, const struct spdu *);
void	spm_ab(struct session *, const struct spdu *);
void	spm_aa(struct session *, const struct spdu *);

/* These in phase DATA only. */
void	spm_mip(struct session *, const struct spdu *);
void	spm_mia(struct session *, const struct spdu *);
void	spm_as_ar(struct session *, const struct spdu *);
void	spm_ae(struct session *, const struct spdu *);
void	spm_aea(struct session *, const struct spdu *);
void	spm_ai_ad(struct session *, const struct spdu *);
void	spm_aia_ada(struct session *, const struct spdu *);
void	spm_ed_er(struct session *, const struct spdu *);
/* May user data of a DT come now? */
int	spm_dt_allowed(const struct session *);

static inline struct s_octets
octets_at(const uint8_t *p, size_t len)
{
	struct s_octets o = { p, len };

	return (o);
}

/* spdu_decode has checked the bounds of what is copied. */
static inline void
octets_copy(uint8_t *to, uint8_t *to_len, struct s_octets from)
{
	*to_len = from.len;
	if (from.len > 0)
		memcpy(to, from.p, from.len);
}

#endif
