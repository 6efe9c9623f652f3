/* SPDX-License-Identifier: ISC */

/*
 * The session layer (X.215, X.225): kernel, half-duplex, minor synchronize,
 * activity management and exceptions, protocol versions 1 and 2.
 *
 * A struct session is a machine in memory.  Its doors: TSDUs come in by
 * session_t_data_ind (in pieces of any size), requests and responses by the
 * functions named s_*_req and s_*_rsp, indications and confirms go to the
 * user through struct s_user, TSDUs go out through t_data_req.  It allocates
 * little and bounded memory and never collects the user data of an SSDU.
 *
 * All s_*_req/_rsp return 0, or -1 when the state tables (X.225 annex A) do
 * not allow the primitive; nothing is sent then.  An indication callback may
 * call any request, also s_u_abort_req, from within; it must not free the
 * session.  After a callback of s_u_abort_ind, s_p_abort_ind, s_release_cnf,
 * or a refused s_connect_cnf the session is idle for good.
 */

#ifndef SESSION_H
#define SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "mtad.h"

/* Session user requirements (X.225 8.3.1.16). */
#define S_HALF_DUPLEX		0x0001
#define S_DUPLEX		0x0002
#define S_EXPEDITED		0x0004
#define S_MINOR_SYNC		0x0008
#define S_MAJOR_SYNC		0x0010
#define S_RESYNC		0x0020
#define S_ACTIVITY		0x0040
#define S_NEGOTIATED_RELEASE	0x0080
#define S_CAPABILITY_DATA	0x0100
#define S_EXCEPTIONS		0x0200
#define S_TYPED_DATA		0x0400

/* Tokens, as bits of PI 16 (X.225 8.3.7.2). */
#define S_TOKEN_DATA		0x01
#define S_TOKEN_MINOR		0x04
#define S_TOKEN_MAJOR		0x10
#define S_TOKEN_RELEASE		0x40

/* Token setting item, PI 26, two bits for each token as in protocols.md. */
#define S_TOKENS_INITIATOR	0x00
#define S_TOKENS_RESPONDER	0x15	/* data, minor, major/activity */
#define S_TOKENS_ACCEPTOR	0x2a

#define S_VERSION_1		0x01
#define S_VERSION_2		0x02

/* Reason codes of RF (X.225 8.3.4.10). */
#define S_REFUSE_UNSPECIFIED	0
#define S_REFUSE_CONGESTION	1
#define S_REFUSE_USER		2	/* user data follows */
#define S_REFUSE_SELECTOR	129
#define S_REFUSE_NOT_ATTACHED	130
#define S_REFUSE_SPM_CONGESTION	131
#define S_REFUSE_VERSION	132
#define S_REFUSE_SPM_UNSPECIFIED 133
#define S_REFUSE_SPM_RESTRICTION 134

/* Reason codes of ED, AI, AD (X.225 8.3.20). */
#define S_REASON_UNSPECIFIED	0
#define S_REASON_JEOPARDIZED	1
#define S_REASON_SEQUENCE	3
#define S_REASON_LOCAL_USER	5
#define S_REASON_UNRECOVERABLE	6
#define S_REASON_DEMAND_DATA	128

struct s_octets {
	const uint8_t	*p;
	size_t		 len;
};

/* S-CONNECT in all four kinds.  Pointers are the caller's, for the call. */
struct s_connect {
	struct s_connection_id	 id;		/* calling + common + add. */
	uint8_t			 called_len;	/* called SS-user reference */
	uint8_t			 called[S_USER_REFERENCE_MAX];
	uint8_t			 calling_ssel_len, called_ssel_len;
	uint8_t			 calling_ssel[S_SELECTOR_MAX];
	uint8_t			 called_ssel[S_SELECTOR_MAX];
	uint16_t		 requirements;
	uint8_t			 versions;	/* proposed or chosen */
	uint8_t			 tokens;	/* token setting item */
	uint8_t			 serial_present;
	uint32_t		 serial;	/* initial serial number */
	struct s_octets		 data;		/* SS-user data */
};

struct s_resume {
	struct activity_id	 activity;
	struct activity_id	 old_activity;
	uint8_t			 has_connection; /* old_connection is there */
	struct s_connection_id	 old_connection;
	uint8_t			 called_len;
	uint8_t			 called[S_USER_REFERENCE_MAX];
	uint32_t		 serial;
};

struct s_user {
	void (*s_connect_ind)(void *, const struct s_connect *);
	/* refused: result is the RF reason code, else -1 for accepted */
	void (*s_connect_cnf)(void *, int refused, const struct s_connect *);
	/* pieces of one SSDU; last is set with its final, maybe empty, piece */
	void (*s_data_ind)(void *, const uint8_t *, size_t, int last);
	void (*s_token_please_ind)(void *, int tokens, struct s_octets);
	void (*s_token_give_ind)(void *, int tokens);
	void (*s_control_give_ind)(void *);
	void (*s_sync_minor_ind)(void *, uint32_t serial, int explicit_cnf,
	    struct s_octets);
	void (*s_sync_minor_cnf)(void *, uint32_t serial, struct s_octets);
	void (*s_u_exception_report_ind)(void *, int reason, struct s_octets);
	void (*s_p_exception_report_ind)(void *);
	void (*s_activity_start_ind)(void *, const struct activity_id *,
	    struct s_octets);
	void (*s_activity_resume_ind)(void *, const struct s_resume *,
	    struct s_octets);
	void (*s_activity_interrupt_ind)(void *, int reason);
	void (*s_activity_interrupt_cnf)(void *);
	void (*s_activity_discard_ind)(void *, int reason);
	void (*s_activity_discard_cnf)(void *);
	void (*s_activity_end_ind)(void *, uint32_t serial, struct s_octets);
	void (*s_activity_end_cnf)(void *, uint32_t serial, struct s_octets);
	void (*s_release_ind)(void *, struct s_octets);
	void (*s_release_cnf)(void *, struct s_octets);	/* DN */
	void (*s_u_abort_ind)(void *, struct s_octets);
	/* why: text good for the call, with the SPDU and the state; local:
	 * our SPM found the error and has sent an AB; else the peer's SPM
	 * aborted or the transport is gone */
	void (*s_p_abort_ind)(void *, int local, const char *why);
};

/*
 * Below.  t_data_req passes a piece of an outgoing TSDU, of any length, also
 * 0; last marks its end.  t_disconnect_req says that nothing more will be
 * sent or understood: after DN and AA, after an AB that crossed ours, or when
 * an initiator does not begin with a CN.
 */
struct s_transport {
	void (*t_data_req)(void *, const uint8_t *, size_t, int last);
	void (*t_disconnect_req)(void *);
};

struct session;

/* user and transport tables must outlive the session.  NULL: no memory. */
struct session	*session_new(const struct s_user *, void *uarg,
		    const struct s_transport *, void *targ, int initiator);
void		 session_free(struct session *);

/* From below.  A piece of an incoming TSDU; the transport is gone. */
void	session_t_data_ind(struct session *, const uint8_t *, size_t, int last);
void	session_t_disconnect_ind(struct session *, const char *why);

/*
 * X.225 version in force (1 or 2) and the largest SS-user data of an SPDU
 * but of CN, AB in version 1 (9; longer data is left out) and DT.
 */
int	session_version(const struct session *);
size_t	session_user_data_max(const struct session *);
/* Do we hold that token (S_TOKEN_*)? */
int	session_owns(const struct session *, int tokens);
/* Name of the present state as in X.225 annex A, for the log. */
const char *session_state(const struct session *);

int	s_connect_req(struct session *, const struct s_connect *);
int	s_connect_rsp(struct session *, const struct s_connect *);
int	s_connect_refuse_rsp(struct session *, const struct s_connect *,
	    int reason);	/* data of s_connect is sent for reason 2 */
/*
 * One SSDU: first (with the header), pieces, last.  1 piece: both.  -1 also
 * for a first piece within an SSDU and a later one outside.  An abort,
 * interrupt or discard may come between pieces: the SSDU is ended there.
 * A synchronization, an activity end or a token may not: -1.
 */
int	s_data_req(struct session *, const uint8_t *, size_t, int first,
	    int last);
int	s_token_please_req(struct session *, int tokens, struct s_octets);
int	s_token_give_req(struct session *, int tokens);
int	s_control_give_req(struct session *);
/* The serial number used is stored in *serial. */
int	s_sync_minor_req(struct session *, uint32_t *serial);
int	s_sync_minor_rsp(struct session *, uint32_t serial);
int	s_u_exception_report_req(struct session *, int reason,
	    struct s_octets);
int	s_activity_start_req(struct session *, const struct activity_id *);
int	s_activity_resume_req(struct session *, const struct s_resume *);
int	s_activity_interrupt_req(struct session *, int reason);
int	s_activity_interrupt_rsp(struct session *);
int	s_activity_discard_req(struct session *, int reason);
int	s_activity_discard_rsp(struct session *);
int	s_activity_end_req(struct session *, uint32_t *serial);
int	s_activity_end_rsp(struct session *);
int	s_release_req(struct session *, struct s_octets);
int	s_release_rsp(struct session *, struct s_octets);
int	s_u_abort_req(struct session *, struct s_octets);

/*
 * For the log: name of an SPDU by SI, context "GT first" aside.  Every SPDU
 * that goes in or out can be watched with session_trace (NULL: off).
 */
void	session_trace(struct session *, void (*)(void *, int out,
	    const char *spdu, size_t octets), void *);

#endif
