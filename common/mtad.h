/* SPDX-License-Identifier: ISC */

/*
 * What the three processes say to each other: every imsg type and every
 * structure that travels in one.  A receiver checks type, length, ranges
 * and its own state before it believes a message; the sender of a bad one
 * loses the channel.
 *
 * Channels: mtad-rtsd, mtad-spoold, rtsd-spoold (the data), mtad-rtsd once
 * more for signatures, and the control socket, mtactl-spoold (control.h).
 *
 * peerid of an imsg header names an association where the comment says so:
 * ids of associations that we initiate are given by spoold (bit 31 clear),
 * those of incoming ones by rtsd (bit 31 set).  They live as long as the
 * rtsd-spoold channel.
 */

#ifndef MTAD_H
#define MTAD_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stdint.h>

#include "envelope.h"
#include "bounds.h"

#define PROC_FD			3	/* a child's channel to mtad */
#define RESOLVED_MAX		8	/* addresses of one name */
#define ASSOC_INCOMING		0x80000000u

enum imsg_type {
	IMSG_NONE = 0,

	/* mtad -> rtsd, spoold: configuration, then CONF_END. */
	IMSG_CONF_BEGIN,	/* - */
	IMSG_CONF_MTA,		/* struct mta_conf */
	IMSG_CONF_PEER,		/* struct peer_conf */
	IMSG_CONF_TLS_PEM,	/* pieces of certificates, id theirs; rtsd */
	IMSG_CONF_TLS_PEER,	/* struct tls_peer_conf, after its peer; rtsd */
	IMSG_CONF_SOURCE,	/* struct source_conf; rtsd */
	IMSG_CONF_LISTEN,	/* struct listen_conf, fd; rtsd */
	IMSG_CONF_ROUTE,	/* struct route_conf; spoold */
	IMSG_CONF_DELIVER,	/* struct deliver_conf, directory fd; spoold */
	IMSG_CONF_COMMAND,	/* struct command_conf; spoold */
	IMSG_CONF_REDIRECT,	/* struct redirect_conf; spoold */
	IMSG_CONF_POLICY,	/* struct policy_conf, after its peer; spoold */
	IMSG_CONF_LIST,		/* struct list_conf; spoold */
	IMSG_CONF_LIST_ITEM,	/* struct list_item_conf, of the last; spoold */
	IMSG_CONF_CONTROL,	/* struct control_conf, fd of the listening
				 * control socket; spoold */
	IMSG_CONF_METRICS,	/* -, fd that listens for HTTP; spoold */
	IMSG_CONF_END,		/* - */
	IMSG_CHANNEL,		/* -, fd: rtsd-spoold channel (new peer) */
	IMSG_TLS_CHANNEL,	/* -, fd: mtad-rtsd channel for signatures */
	IMSG_VERBOSE,		/* struct log_verbose */
	IMSG_SHUTDOWN,		/* -: finish in order, then exit */
	/* rtsd, spoold -> mtad */
	IMSG_READY,		/* configured and confined; spoold:
				 * uint8_t, its spool does not work */
	IMSG_RELOAD,		/* -: spoold, on mtactl's behalf; peerid its
				 * number, not 0 */

	/* rtsd <-> mtad: outgoing sockets; peerid = association */
	IMSG_CONNECT,		/* uint32_t peer id, uint32_t address index */
	IMSG_CONNECT_CANCEL,	/* - */
	IMSG_CONNECT_DONE,	/* char[] numeric address, fd */
	IMSG_CONNECT_FAIL,	/* char[] text for the log */

	/* rtsd <-> mtad on the channel for signatures; peerid = request */
	IMSG_TLS_SIGN,		/* struct tls_sign, then what is to be signed */
	IMSG_TLS_SIGNATURE,	/* octets; none: mtad does not sign that */

	/* spoold <-> mtad: delivery by a command; peerid = request */
	IMSG_COMMAND_RUN,	/* struct command_run, values; fd of the content */
	IMSG_COMMAND_DONE,	/* struct command_done */

	/* spoold -> rtsd: associations; peerid = association */
	IMSG_ASSOC_OPEN,	/* struct assoc_open */
	IMSG_ASSOC_ANSWER,	/* struct assoc_answer, to ASSOC_IND */
	IMSG_ASSOC_CLOSE,	/* - : release when nothing is under way */
	IMSG_ASSOC_ABORT,	/* struct assoc_abort */
	/* rtsd -> spoold */
	IMSG_ASSOC_IND,		/* struct assoc_ind: PConnect was valid */
	IMSG_ASSOC_UP,		/* struct assoc_up: ready for transfers */
	IMSG_ASSOC_DOWN,	/* struct assoc_down: the last word on it */
	IMSG_TURN,		/* struct assoc_turn: the turn moved (twa) */

	/*
	 * spoold -> rtsd: one outgoing transfer, given ahead of time; the
	 * parts follow XFER_REQ in this order and XFER_GO closes it.
	 */
	IMSG_XFER_REQ,		/* struct xfer_req */
	IMSG_XFER_ENVELOPE,	/* octets of message_serialise(), in pieces */
	IMSG_XFER_HEAD,		/* octets before the content as first sent */
	IMSG_XFER_CONTENT,	/* a small content, in pieces */
	IMSG_XFER_GO,		/* uint32_t xfer; fd of a large content */
	IMSG_XFER_STORED,	/* struct xfer_serial: our record is durable */
	IMSG_XFER_CANCEL,	/* uint32_t xfer: drop if not begun */
	IMSG_XFER_SETTLED,	/* uint32_t n: so many ends are on record */
	/* rtsd -> spoold */
	IMSG_XFER_BEGUN,	/* struct xfer_begun: first octet is going out */
	IMSG_XFER_HEAD_OUT,	/* uint32_t xfer, then octets: keep for resume */
	IMSG_XFER_CONFIRMED,	/* struct xfer_serial: peer confirmed */
	IMSG_XFER_DONE,		/* struct xfer_serial: end confirmed */
	IMSG_XFER_FAILED,	/* struct xfer_failed */

	/* rtsd -> spoold: the incoming transfer of an association */
	IMSG_RECV_START,	/* struct recv_start */
	IMSG_RECV_RESUME,	/* struct recv_resume */
	IMSG_RECV_MARKUP,	/* octets of the MPDU outside the content */
	IMSG_RECV_CONTENT,	/* octets of the content */
	IMSG_RECV_CHECKPOINT,	/* uint32_t serial */
	IMSG_RECV_ENVELOPE,	/* message_serialise(), in pieces */
	IMSG_RECV_END,		/* uint32_t serial: all of the MPDU is there */
	IMSG_RECV_INTERRUPT,	/* uint32_t S reason: it may be resumed */
	IMSG_RECV_DISCARD,	/* uint32_t S reason: it is given up */
	/* spoold -> rtsd */
	IMSG_RECV_OLD_MARKUP,	/* octets secured before, to be decoded again */
	IMSG_RECV_RESUMED,	/* struct recv_resumed: RECV_RESUME is right */
	IMSG_RECV_CONFIRM,	/* uint32_t serial: durable up to it */
	IMSG_RECV_ENDED,	/* uint32_t serial: the message is ours */
	IMSG_RECV_INTERRUPTED,	/* -: to RECV_INTERRUPT; no RECV_CONFIRM of
				 * that activity follows it */
	IMSG_RECV_DISCARDED,	/* uint32_t: 0 gone, 1 was complete already */
	IMSG_RECV_REFUSE,	/* struct recv_refuse */

	/*
	 * On mtactl's behalf.  mtad -> spoold, within a configuration (to
	 * spoold goes IMSG_CONF_LISTEN as well, without a descriptor):
	 */
	IMSG_CONF_SHEET,	/* struct sheet_conf, after its peer */
	/* mtad -> spoold; peerid = that of IMSG_RELOAD */
	IMSG_RELOAD_LINE,	/* char[]: an error, or what has changed */
	IMSG_RELOAD_DONE,	/* uint32_t: 0 refused, 1 in force */
	/* spoold -> mtad; mtad -> spoold: a stop has begun, rtsd goes first */
	IMSG_STOP,		/* - */
	/* spoold -> rtsd; peerid = number of a ping, of a trace */
	IMSG_PING,		/* struct ping_open; number of an association */
	IMSG_PING_CANCEL,	/* - */
	IMSG_TRACE,		/* struct trace_open */
	IMSG_TRACE_STOP,	/* - */
	/* rtsd -> spoold */
	IMSG_PING_STEP,		/* struct ping_step */
	IMSG_PING_END,		/* struct ping_end: the last word on it */
	IMSG_TRACE_DATA,	/* struct trace_data, then octets */
	IMSG_CALL_REFUSED,	/* struct call_refused, of a peer that called */

	IMSG_TYPE_MAX
};

/* Configuration */

struct mta_conf {
	char			name[UB_MTA_NAME + 1];
	char			password[UB_PASSWORD + 1];
	struct global_domain	domain;
	uint32_t		max_associations;	/* all peers */
	uint64_t		max_content;		/* octets, 0 none */
	uint64_t		min_free;	/* octets kept free in spool */
	uint32_t		poison_after;	/* kills, refusals; 0 never */
	uint32_t		audit_keep;	/* s; 0: no audit log */
	char			audit[64];	/* its directory, in spool */
	uint32_t		expire[3];	/* s, as that of a peer */
	uint32_t		loop_limit;	/* times here before */
	uint32_t		hop_limit;	/* elements of trace */
	uint64_t		return_max;	/* content in reports */
	uint32_t		rate, rate_time; /* messages in s, 0 none */
	uint32_t		max_recipients;	/* of a message, 0 none */
	int32_t			verbose;
	uint64_t		alarm_space;	/* octets free, 0 off */
	uint64_t		alarm_space_clear;
	uint32_t		connections_per_address; /* incoming */
	uint32_t		half_open;	/* not yet of a peer */
	uint32_t		half_open_time;	/* s */
	uint64_t		association_memory; /* octets */
};

/* Who may use the control socket, besides root. */
struct control_conf {
	uint32_t	uid;
	uint32_t	gid;
	uint8_t		has_group;
};

enum peer_mode { MODE_X410_1984 = 0, MODE_X410_1988, MODE_NORMAL };
/* As mtad.conf has it: "normal" ... */
const char *mode_name(int);
/* To a peer: AUTO strips it where the domain ends. */
enum internal_trace_mode {
	INTERNAL_TRACE_AUTO = 0, INTERNAL_TRACE_KEEP, INTERNAL_TRACE_STRIP
};
enum dialogue_mode { DIALOGUE_MONOLOGUE = 0, DIALOGUE_TWA = 1 };

struct selector {
	uint8_t	len;
	uint8_t	octets[TSEL_MAX];
};

/* Whole elements, len 0: none; aetitle.h */
struct ae_title {
	uint8_t	ap_len, ae_len;
	uint8_t	ap[AE_TITLE_MAX];	/* AP-title */
	uint8_t	ae[AE_TITLE_MAX];	/* AE-qualifier */
};

struct credentials {
	char	name[UB_MTA_NAME + 1];
	char	password[UB_PASSWORD + 1];
};

/*
 * What rtsd and spoold need to know of a peer.  id is stable over reloads
 * for the same configuration name.
 */
struct peer_conf {
	uint32_t		id;
	char			name[PEER_NAME_MAX];
	struct global_domain	domain;
	uint8_t			mode;		/* enum peer_mode */
	uint8_t			dialogue;	/* proposed; at most accepted */
	uint8_t			recover;	/* 0: never ask for recovery */
	uint8_t			disabled;
	uint16_t		naddress;	/* 0: the peer calls us */
	uint16_t		tpdu_size;	/* 128..65531 octets */
	struct selector		local_tsel;
	struct selector		remote_tsel[PEER_ADDRESSES_MAX];
	struct selector		local_ssel, local_psel;	/* normal mode */
	struct selector		remote_ssel[PEER_ADDRESSES_MAX];
	struct selector		remote_psel[PEER_ADDRESSES_MAX];
	struct ae_title		local_title, remote_title;
	struct credentials	local;		/* we initiate: our PConnect */
	struct credentials	local_response;	/* we accept: our PAccept */
	struct credentials	remote;		/* its PConnect */
	struct credentials	remote_response; /* its PAccept */
	uint32_t		checkpoint;	/* units of 1024; 0 none */
	uint32_t		window;
	uint32_t		safe_store;	/* checkpoints, see rts.h */
	uint32_t		recovery_delay;	/* s between tries */
	uint32_t		recovery_timeout; /* s, as initiator */
	uint32_t		recovery_keep;	/* s, as responder */
	uint32_t		no_recovery_memory; /* s a peer counts as unable */
	uint32_t		open_timeout;	/* s for connect to PAccept */
	uint32_t		transfer_timeout; /* s without progress */
	uint32_t		idle;		/* s before release */
	/* by rank, urgent first */
	uint32_t		retry_min[3], retry_max[3];	/* s */
	uint32_t		max_associations;
	uint32_t		reserved_urgent; /* of them */
	uint32_t		threshold[3];	/* queued messages, by rank */
	uint32_t		threshold_oldest[3]; /* s one waits, 0 off */
	/* the ladder */
	uint32_t		alarm_queue;	/* messages, 0 off */
	uint32_t		alarm_queue_clear;
	uint32_t		alarm_age;	/* s, 0 off */
	uint32_t		alarm_age_clear;
	uint32_t		alternate_failures; /* failed opens, 0 never */
	uint32_t		alternate_time;	/* s without one, 0 never */
	uint32_t		attempts;	/* failed transfers, 0 any */
	uint32_t		expire[3];	/* s, by rank: urgent first; 0
						 * never */
	uint64_t		max_content;	/* octets, 0 none */
	uint32_t		max_recipients;	/* of a message, 0 none */
	uint32_t		rate, rate_time; /* messages in s, 0 none */
	uint8_t			internal_trace;	/* enum internal_trace_mode */
	uint8_t			verbose;	/* the log, of this peer */
};

/* What the log is to tell in detail. */
struct log_verbose {
	int32_t			verbose;
	uint32_t		peer;		/* its id, 0: of all */
};

/* OPTIONAL, of those that call us, is what OPPORTUNISTIC is when we call. */
enum tls_mode { TLS_NO = 0, TLS_YES, TLS_OPTIONAL };

struct listen_conf {
	uint32_t		id;
	struct selector		tsel;		/* len 0: any */
	char			address[64];	/* for the log */
	uint8_t			tls;		/* enum tls_mode */
	uint8_t			tls_verify;	/* a certificate has to be shown */
	uint32_t		tls_certificate; /* CONF_TLS_PEM, ours */
	uint32_t		tls_ca;		/* 0: none is asked for */
};

/* An address that a peer has by the configuration. */
struct source_conf {
	uint8_t		family;		/* AF_INET, AF_INET6 */
	uint8_t		address[16];	/* as in_addr or in6_addr */
};

/*
 * Certificates are numbered over the life of mtad, so that a number never
 * comes to mean another key while rtsd still has the old configuration.
 * The names are those that have to stand in a certificate of the peer.
 */
struct tls_peer_conf {
	uint32_t	peer;
	uint8_t		mode;		/* enum tls_mode, when we call */
	uint8_t		remote;		/* when it calls: it has to use TLS */
	uint32_t	certificate;	/* ours as its client; 0 none */
	uint32_t	ca;		/* 0: its certificate is not checked */
	char		name[PEER_ADDRESSES_MAX][TLS_NAME_MAX];
	char		remote_name[TLS_NAME_MAX]; /* as a client; "": any */
};

/*
 * What is to be signed with the key of a certificate: the digest, or all of
 * it where the scheme has none (Ed25519).
 */
struct tls_sign {
	uint32_t	certificate;
	uint16_t	scheme;		/* SignatureScheme of RFC 8446 4.2.3 */
	uint16_t	len;		/* octets that follow */
};

struct route_via {
	uint32_t	peer;
	uint32_t	cost;		/* lowest first */
	uint32_t	weight;		/* share among equal costs, not 0 */
};

struct route_conf {
	char			prefix[OR_TEXT_MAX];	/* or_address_parse */
	uint8_t			complete;	/* all below it is known */
	char			alternate[OR_TEXT_MAX];	/* "": none */
	uint8_t			nvia;		/* 0 when complete */
	struct route_via	via[ROUTE_VIAS_MAX];
};

struct deliver_conf {
	uint32_t	id;
	char		prefix[OR_TEXT_MAX];
	char		directory[1024];	/* name, for the log */
};

/*
 * Delivery by commands.  They are numbered over the life of mtad, so that a
 * number never comes to mean another command while spoold still has the old
 * configuration.  A message that is under way stays so for mtad when spoold
 * dies: whoever asks the same again gets the end of that run.
 */
#define COMMANDS_MAX		64	/* that run at one time */
#define COMMAND_NAME_MAX	1024
#define COMMAND_VALUE_MAX	8192	/* octets of most values */
#define COMMAND_REPORT_MAX	(32 * 1024)
#define COMMAND_RECIPIENTS_MAX	(80 * 1024)
#define COMMAND_REPORTED_MAX	500	/* recipients of a report, one a line */
#define COMMAND_VALUES_MAX	(124 * 1024)	/* of all of them */

struct command_conf {
	uint32_t	id;
	uint32_t	parallel;	/* most at one time, 1.. */
	char		prefix[OR_TEXT_MAX];
	char		name[COMMAND_NAME_MAX];	/* words and user */
};

/*
 * The environment of a command beside MTAD_MESSAGE_ID, in this order: each
 * value in printable ASCII and with its NUL.  Those from COMMAND_REPORT on
 * are there of a report only.
 */
enum command_value {
	COMMAND_MTS_ID, COMMAND_TYPE, COMMAND_CONTENT_TYPE, COMMAND_PRIORITY,
	COMMAND_ORIGINATOR,
	COMMAND_RECIPIENT,	/* may have several lines */
	COMMAND_ARRIVAL, COMMAND_CONTENT_LENGTH,
	COMMAND_REPORT,		/* may have several lines */
	COMMAND_SUBJECT_ID,
	COMMAND_REPORTING_MTA,	/* "MTA in DOMAIN", or the domain alone */
	COMMAND_SUBJECT_ARRIVAL,	/* there; empty: it does not say */
	COMMAND_REPORTED,	/* each line is a variable of its own */
	COMMAND_VALUES
};

struct command_run {
	uint64_t	message;
	uint32_t	command;
	uint8_t		values;		/* COMMAND_REPORT or COMMAND_VALUES */
	uint8_t		has_content;	/* a descriptor has to be there */
};

enum command_end {
	COMMAND_EXITED = 0,	/* status */
	COMMAND_SIGNALED,	/* status is the number */
	COMMAND_TIMEOUT,	/* ended by us */
	COMMAND_NOT_RUN		/* text says why */
};

struct command_done {
	uint8_t		end;		/* enum command_end */
	uint8_t		status;
	char		text[128];	/* last line of its output, or why not */
};

/*
 * What a peer takes and sends, where it may not be anything: each of them
 * is one more that may be.
 */
enum policy_what {
	POLICY_CONTENT_TYPE = 0,	/* "22", "1.3.26.0.4406.0.4.1" */
	POLICY_EIT,			/* "ia5-text", "1.0.10021.7.1.0.6" */
	POLICY_FROM,			/* a subtree, originators of its */
	POLICY_TO			/* a subtree, recipients of its */
};
struct policy_conf {
	uint32_t	peer;			/* 0: all messages */
	uint8_t		what;			/* enum policy_what */
	char		text[OR_TEXT_MAX];
};

struct redirect_conf {
	char		from[OR_TEXT_MAX];
	char		to[OR_TEXT_MAX];
};

/* Who gets the reports about the members of a list (X.411 14.3.10). */
enum list_reports {
	LIST_REPORTS_ORIGINATOR = 0, LIST_REPORTS_OWNER, LIST_REPORTS_BOTH,
	LIST_REPORTS_NONE
};
struct list_conf {
	char		name[OR_TEXT_MAX];
	char		owner[OR_TEXT_MAX];	/* "": none */
	uint8_t		reports;		/* enum list_reports */
};
enum list_item { LIST_MEMBER = 0, LIST_SUBMIT };
struct list_item_conf {
	uint8_t		what;			/* enum list_item */
	char		text[OR_TEXT_MAX];	/* an address, a subtree */
};

/* Associations */

/* X.225 8.3.1.3: octets of the user data exactly as on the wire. */
struct s_connection_id {
	uint8_t	user_len;	/* calling SS-user reference */
	uint8_t	common_len;
	uint8_t	additional_len;
	uint8_t	user[S_USER_REFERENCE_MAX];
	uint8_t	common[S_COMMON_REFERENCE_MAX];
	uint8_t	additional[S_ADDITIONAL_REFERENCE_MAX];
};

struct activity_id {
	uint8_t	len;
	uint8_t	octets[S_ACTIVITY_ID_MAX];
};

enum rts_turn { TURN_INITIATOR = 0, TURN_RESPONDER = 1 };

struct assoc_open {
	uint32_t		peer;
	uint8_t			recover;	/* recovered is meant */
	uint8_t			turn;		/* enum rts_turn, after open */
	uint8_t			dialogue;
	uint32_t		checkpoint;	/* as at the original open */
	uint32_t		window;
	struct s_connection_id	id;		/* of the new connection */
	struct s_connection_id	recovered;
};

/*
 * A recover PConnect carries no credentials: peer is 0 then, and it is the
 * recovered identifier that tells whose association it is.  spoold accepts
 * it only from the host that the association was with.
 */
struct assoc_ind {
	uint32_t		peer;
	uint8_t			recover;
	uint8_t			turn;		/* as the CN places the tokens */
	uint8_t			dialogue;
	uint32_t		checkpoint;	/* proposed */
	uint32_t		window;
	struct s_connection_id	id;
	struct s_connection_id	recovered;
	char			address[64];	/* remote, for show and log */
};

/* X.410 RefuseReason. */
enum rts_refuse {
	RTS_BUSY = 0, RTS_CANNOT_RECOVER = 1, RTS_VALIDATION_FAILURE = 2,
	RTS_UNACCEPTABLE_DIALOGUE_MODE = 3
};

struct assoc_answer {
	uint8_t		accept;
	uint8_t		refuse;		/* enum rts_refuse */
	uint8_t		turn;
	uint8_t		dialogue;
	uint32_t	peer;		/* recover: found by the identifier */
	uint32_t	checkpoint;	/* answered */
	uint32_t	window;
};

struct assoc_up {
	uint32_t	peer;
	uint8_t		initiator;	/* we are */
	uint8_t		turn;
	uint8_t		dialogue;
	uint32_t	checkpoint;	/* negotiated, units of 1024 */
	uint32_t	window;
	char		address[64];
	char		tls[TLS_TEXT_MAX];	/* version, cipher; "": plain */
};

struct assoc_turn {
	uint8_t	ours;			/* we may send now */
};

/* X.410 AbortReason; X.228 adds 5 to 7. */
enum rts_abort {
	RTS_ABORT_LOCAL_SYSTEM_PROBLEM = 0, RTS_ABORT_INVALID_PARAMETER = 1,
	RTS_ABORT_UNRECOGNIZED_ACTIVITY = 2, RTS_ABORT_TEMPORARY_PROBLEM = 3,
	RTS_ABORT_PROTOCOL_ERROR = 4, RTS_ABORT_PERMANENT_PROBLEM = 5,
	RTS_ABORT_USER_ERROR = 6, RTS_ABORT_TRANSFER_COMPLETED = 7
};

struct assoc_abort {
	uint8_t	reason;			/* enum rts_abort */
	uint8_t	silent;			/* close without a word (superseded) */
};

enum assoc_down_kind {
	DOWN_RELEASED = 0,	/* orderly */
	DOWN_CONNECT_FAILED,	/* never reached the peer */
	DOWN_TRANSPORT_LOST,	/* connection closed or reset */
	DOWN_TIMEOUT,
	DOWN_REFUSED,		/* PRefuse; reason = enum rts_refuse */
	DOWN_REFUSED_BELOW,	/* DR or RF without PRefuse */
	DOWN_ABORTED_BY_PEER,	/* AB; reason = enum rts_abort or 255 */
	DOWN_ABORTED_BY_US	/* reason = enum rts_abort */
};

/* Before it was an association of spoold's: wrong password, mode, and so on. */
struct call_refused {
	uint32_t	peer;		/* whose name it has shown */
	char		address[64];
	char		why[160];
};

struct assoc_down {
	uint8_t	kind;			/* enum assoc_down_kind */
	uint8_t	reason;
	uint8_t	was_up;			/* PAccept had been exchanged */
	char	text[192];		/* the words of the log line */
};

/* Outgoing transfers */

struct xfer_req {
	uint32_t		xfer;		/* spoold's number for it */
	uint8_t			priority;	/* enum priority */
	uint8_t			content_follows;	/* in imsgs, else fd */
	uint8_t			resume;		/* ACTIVITY-RESUME */
	uint8_t			discard;	/* resume, then DISCARD */
	uint32_t		serial;		/* resume: last confirmed */
	uint64_t		offset;		/* resume: MPDU octets before it */
	uint64_t		content_len;
	struct activity_id	activity;	/* the new one */
	struct activity_id	old_activity;
	struct s_connection_id	old_connection;	/* user_len 0: this one */
	char			id[32];		/* message id for the log */
};

struct xfer_begun {
	uint32_t	xfer;
	uint64_t	total;		/* octets of the MPDU */
};

struct xfer_serial {
	uint32_t	xfer;
	uint32_t	serial;
	uint64_t	offset;		/* MPDU octets before it */
	uint64_t	sent;		/* octets put out in this activity */
};

enum xfer_failure {
	XFER_INTERRUPTED = 0,	/* resumable, association lives */
	XFER_DISCARDED,		/* we discarded as asked, peer agreed */
	XFER_COMPLETED,		/* peer: transferCompleted; counts as done */
	XFER_UNRECOGNIZED,	/* peer does not know the activity */
	XFER_JEOPARDIZED,	/* peer: receiving ability jeopardized */
	XFER_REJECTED,		/* peer: unrecoverable or user error */
	XFER_NOT_BEGUN,		/* never went out */
	XFER_LOCAL,		/* content unreadable, envelope unencodable */
	XFER_UNABLE_TO_DOWNGRADE, /* P1 or P2 of 1984 has no place for it */
	XFER_LOSS_PROHIBITED	/* it has, but not for all of it */
};

struct xfer_failed {
	uint32_t	xfer;
	uint8_t		failure;	/* enum xfer_failure */
	uint8_t		reason;		/* S reason or enum rts_abort */
	char		text[128];	/* unable to downgrade: why */
};

/* Incoming transfers */

struct recv_start {
	struct activity_id	activity;
};

struct recv_resume {
	struct activity_id	activity;	/* the new one */
	struct activity_id	old_activity;
	struct s_connection_id	old_connection;	/* user_len 0: this one */
	uint32_t		serial;
};

struct recv_resumed {
	uint64_t	content_len;	/* secured, after the markup sent */
	uint8_t		complete;	/* take no data, only the end */
};

struct recv_refuse {
	uint8_t	kind;		/* enum recv_refusal */
	char	text[128];
};

enum recv_refusal {
	RECV_JEOPARDIZED = 0,	/* S-U-EXCEPTION-REPORT, come back later */
	RECV_UNRECOGNIZED,	/* unknown activity or serial: abort */
	RECV_UNACCEPTABLE	/* never acceptable (too long): procedural error */
};

/* Live: what mtactl looks at */

/* What is said to the operator of the other side, and only mtad knows. */
struct sheet_conf {
	uint32_t	peer;
	uint8_t		tls;		/* enum tls_mode, when we call */
	uint8_t		tls_certificate; /* we show one then */
	uint8_t		tls_checked;	/* theirs is */
	uint8_t		remote_tls;	/* when it calls: it has to use TLS */
	char		remote_name[TLS_NAME_MAX];
	char		address[PEER_ADDRESSES_MAX][TLS_NAME_MAX + 16];
};

enum ping_layer {
	PING_TCP = 0, PING_TLS, PING_TRANSPORT, PING_SESSION,
	PING_PRESENTATION, PING_ACSE, PING_RTS, PING_MTA, PING_RELEASE,
	PING_LAYERS
};
#define PING_LIMIT_MAX	300		/* s */

/* An association that carries nothing, to one address, and its release. */
struct ping_open {
	uint32_t		peer;
	uint32_t		address;	/* index */
	uint32_t		limit;		/* s, for all of it */
	struct s_connection_id	id;
};

struct ping_step {
	uint8_t		layer;		/* enum ping_layer */
	uint8_t		ok;
	uint32_t	ms;		/* since the ping began */
	char		text[448];
};

struct ping_end {
	uint8_t		ok;
	uint32_t	ms;
};

#define TRACES_MAX	4
#define TRACE_PIECE	(64 * 1024)	/* octets with one trace_data */

struct trace_open {
	uint32_t	peer;		/* 0: all associations */
	uint8_t		secrets;	/* passwords are not masked */
};

/*
 * Octets that crossed the boundary between transport and TCP, or TLS.  offset
 * tells where in the stream of that direction they are: a gap is what was
 * left out, and after one only what begins with a TPKT makes sense.
 */
struct trace_data {
	uint32_t	assoc;
	uint8_t		out;		/* from us */
	uint8_t		initiator;	/* we are */
	uint8_t		end;		/* over; the octets say why */
	uint32_t	first;		/* where in these octets one begins */
	uint32_t	nsec;
	int64_t		sec;		/* of the clock of day */
	uint64_t	offset;
	uint64_t	other;		/* octets so far the other way */
	uint64_t	lost;		/* octets left out of this trace */
	char		peer[PEER_NAME_MAX];	/* "": not known */
	char		local[64], remote[64];	/* "192.0.2.1 port 102" */
	char		tls[TLS_TEXT_MAX];	/* "": plain */
};

#endif
