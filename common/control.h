/* SPDX-License-Identifier: ISC */

/*
 * mtactl and spoold on the control socket.  One request at a time; the
 * answer is any number of rows and one CTL_END.  spoold trusts nothing of a
 * client but the peer credentials of the socket.
 */

#ifndef CONTROL_H
#define CONTROL_H

#include "mtad.h"

#define CTL_WHERE_MAX	256

enum ctl_type {
	/* mtactl -> spoold */
	CTL_SHOW_SUMMARY = 200,	/* - ; row: struct ctl_summary */
	CTL_SHOW_PEERS,		/* - ; struct ctl_peer */
	CTL_SHOW_ASSOCIATIONS,	/* - ; struct ctl_association */
	CTL_SHOW_QUEUE,		/* - or char[PEER_NAME_MAX], copies for that
				 * peer alone ; struct ctl_message */
	CTL_SHOW_TRANSFERS,	/* - ; struct ctl_transfer */
	CTL_SHOW_MESSAGE,	/* uint64_t id ; struct ctl_message, then
				 * CTL_ROW_RECIPIENT rows, then the envelope
				 * as CTL_ROW_ENVELOPE pieces */
	CTL_SUBMIT,		/* message_serialise() pieces, see below */
	CTL_SUBMIT_CONTENT,	/* octets, in pieces, in order */
	CTL_SUBMIT_END,		/* - ; row: struct ctl_submitted, and if there
				 * are troubles CTL_ROW_TROUBLE, the first */
	CTL_RETRY,		/* struct ctl_change ; struct ctl_changed */
	CTL_PEER,		/* struct ctl_peer_set */
	CTL_RELOAD,		/* - */
	CTL_VERBOSE,		/* struct ctl_verbose */
	CTL_HOLD,		/* as CTL_RETRY */
	CTL_RELEASE,		/* the same */
	CTL_REMOVE,		/* the same */
	CTL_ROUTE,		/* char[]: address ; struct ctl_route, then
				 * CTL_ROW_STEP and CTL_ROW_HOP rows */
	CTL_CHECK,		/* in place of CTL_SUBMIT_END ; a struct
				 * ctl_check for each recipient */
	/* spoold -> mtactl */
	CTL_ROW,		/* a row of the kind asked for */
	CTL_ROW_RECIPIENT,	/* struct ctl_recipient */
	CTL_ROW_ENVELOPE,	/* message_serialise() octets */
	CTL_ROW_STEP,		/* char[]: of an explanation, with a NUL */
	CTL_ROW_HOP,		/* struct ctl_hop, in the order tried */
	CTL_END,		/* - : done */
	CTL_FAIL,		/* char[]: why not, NUL terminated */
	/* mtactl -> spoold */
	CTL_REROUTE,		/* as CTL_RETRY */
	CTL_EXPIRE,		/* the same */
	CTL_TRACK,		/* struct ctl_track ; lines of the audit log,
				 * several in a row, each with its newline */
	/* the state of the spool at one moment; root only */
	CTL_BACKUP = 230,	/* - ; struct ctl_backup, then CTL_ROW_FILE:
				 * queue.db, and one for each CTL_BACKUP_NEXT */
	CTL_BACKUP_NEXT,	/* - ; the next content, or CTL_END */
	CTL_ROW_FILE,		/* struct ctl_file, fd: to be read only */
	CTL_STATS,		/* - ; CTL_ROW pieces of OpenMetrics text */
	CTL_ROW_TROUBLE,	/* struct ctl_check */

	/* live.c: mtactl -> spoold */
	CTL_SHOW_PEER = 240,	/* char[PEER_NAME_MAX] ; struct ctl_sheet, a
				 * CTL_ROW_LISTEN for each address of ours */
	CTL_PING,		/* struct ctl_ping ; for each address a struct
				 * ctl_ping_address, then CTL_ROW_STEPs which
				 * are struct ping_step, and a CTL_ROW_PING,
				 * struct ping_end */
	CTL_TRACE,		/* struct ctl_trace ; CTL_ROW_TRACE until the
				 * client goes, at once one without octets */
	CTL_STOP,		/* - */
	/* spoold -> mtactl */
	CTL_ROW_LISTEN,		/* struct listen_conf */
	CTL_ROW_PING,
	CTL_ROW_TRACE,		/* struct trace_data, then octets */
	CTL_ROW_LINE		/* char[]: of CTL_RELOAD, no NUL; a CTL_ROW
				 * that follows is uint32_t: 1 in force */
};

struct ctl_verbose {
	int32_t		verbose;
	char		peer[PEER_NAME_MAX];	/* "": all */
};

struct ctl_summary {
	char		name[UB_MTA_NAME + 1];
	char		version[32];
	char		state[128];	/* "running", "spool full: ..." */
	uint64_t	uptime;		/* s */
	uint64_t	queued, held, deferred;	/* copies, each in one of */
	uint64_t	active, stored;	/* under way, all of them */
	uint64_t	queued_octets;	/* of all messages */
	uint64_t	oldest;		/* s, of those queued or under way */
	uint64_t	received, sent, delivered, duplicates;
	/* of contents, of MPDUs, of MPDUs; the first as MPDUs, too */
	uint64_t	received_octets, sent_octets, resent_octets;
	uint64_t	received_mpdu_octets;
	uint64_t	recoveries_in, recoveries_out;	/* successful */
	uint64_t	associations, transfers;
	uint64_t	commits;
	uint64_t	confirmed_in, confirmed_out;	/* octets, also of
							 * transfers under way */
};

struct ctl_peer {
	char		name[PEER_NAME_MAX];
	char		state[128];	/* "up", "retry in 12 s: reason" */
	uint32_t	associations_in, associations_out;
	uint64_t	queued[3];	/* by enum priority */
	uint64_t	active, stored;	/* under way; all of them */
	uint64_t	oldest;		/* s, of those queued or under way */
	uint32_t	cut_in, cut_out;	/* transfers that wait for
						 * recovery */
	uint64_t	received, sent, received_octets, sent_octets;
	uint64_t	received_mpdu_octets, resent_octets;
	uint64_t	confirmed_in, confirmed_out;	/* as of ctl_summary */
	uint64_t	last_in, last_out;	/* time_t, 0 never */
	uint32_t	retry_in;		/* s */
	uint8_t		down, held;		/* by the operator */
	uint8_t		no_recovery;		/* remembered */
};

struct ctl_association {
	uint32_t	id;
	char		peer[PEER_NAME_MAX];
	char		address[64];
	char		connection[160];	/* connection_id_print */
	uint8_t		initiator;
	uint8_t		dialogue;
	uint8_t		up;
	uint8_t		ours;		/* the turn */
	uint32_t	checkpoint, window;
	uint64_t	age;		/* s */
	uint64_t	idle;		/* s */
	uint64_t	sent, received;	/* transfers */
	char		tls[TLS_TEXT_MAX];	/* "": plain, or not up */
};

struct ctl_message {
	uint64_t	id;
	char		mts_id[160];
	char		originator[OR_TEXT_MAX];
	uint8_t		type;
	uint8_t		priority;
	uint8_t		held;
	uint32_t	recipients, waiting;
	uint64_t	size;		/* octets of content */
	uint64_t	arrival;	/* time_t */
	char		from[PEER_NAME_MAX];	/* "" local */
	char		where[PEER_NAME_MAX];	/* of what the state says, or "" */
	char		state[128];
};

struct ctl_recipient {
	char		name[OR_TEXT_MAX];
	char		where[PEER_NAME_MAX];	/* peer or directory */
	char		state[128];
	uint8_t		over;	/* nothing waits here for it (any more) */
};

struct ctl_transfer {
	char		peer[PEER_NAME_MAX];
	uint8_t		out;		/* direction */
	uint64_t	message;	/* id; 0 not yet known */
	char		activity[32];
	char		connection[160];
	uint64_t	octets;		/* so far */
	uint64_t	total;		/* 0 not known */
	uint32_t	checkpoint;	/* last confirmed serial */
	uint64_t	checkpoint_octets;
	uint64_t	age;		/* s since its first activity */
	char		state[96];	/* "sending", "waiting for recovery" */
	int64_t		left;		/* s at the rate since it (re)began,
					 * -1 not known */
	int64_t		recovery;	/* s until it is tried, -1: it is not,
					 * or not by us */
};

struct ctl_submitted {
	uint64_t	id;
	char		mts_id[160];
	uint32_t	troubles;	/* recipients that it goes not to */
};

/* What of the queue is changed: a message, or all, or all for a peer. */
struct ctl_change {
	uint64_t	id;		/* 0: not one message */
	char		peer[PEER_NAME_MAX];	/* "": for anybody */
	char		via[PEER_NAME_MAX];	/* reroute; "": by the routes */
	uint8_t		report;		/* remove: tell the originator */
};

/* Messages; one of several copies may be in more than one figure. */
struct ctl_changed {
	uint64_t	changed;
	uint64_t	under_way;	/* being sent or delivered: as it was */
	uint64_t	unchanged;	/* nothing to change */
	/* CTL_RETRY: */
	uint64_t	tried;		/* messages that go as soon as may be */
	uint64_t	peers;		/* that are called for them */
	/* why the first that is unchanged, or not tried, is so; "": none is */
	char		why[160];
};

struct ctl_backup {
	char		name[UB_MTA_NAME + 1];
	char		version[32];
	uint64_t	time;		/* time_t of that moment */
	uint64_t	messages;
};

struct ctl_file {
	char		name[64];	/* within the spool */
	uint64_t	size;
	uint8_t		missing;	/* no fd: it is not, or not whole */
};

#define TRACK_IDS	32
#define TRACK_TEXT	512
struct ctl_track {
	int64_t		since, until;	/* time_t; until 0: now */
	uint32_t	nids;
	uint64_t	id[TRACK_IDS];	/* of lines with one of them */
	char		text[TRACK_TEXT]; /* with that, in any case; "": all */
};

enum ctl_route_result {
	CTL_ROUTE_NONE = 0, CTL_ROUTE_UNKNOWN, CTL_ROUTE_FOUND
};

struct ctl_route {
	uint8_t		result;		/* enum ctl_route_result */
	char		address[OR_TEXT_MAX];
	char		prefix[OR_TEXT_MAX];	/* "": none */
	uint32_t	attributes;	/* of it, that matched */
	char		via[CTL_WHERE_MAX];	/* where it goes, "" */
};

enum ctl_hop_kind {
	CTL_HOP_PEER = 0, CTL_HOP_DIRECTORY, CTL_HOP_COMMAND, CTL_HOP_KINDS
};

struct ctl_hop {
	char		name[CTL_WHERE_MAX];	/* peer, directory, command */
	uint8_t		kind;			/* enum ctl_hop_kind */
	uint8_t		usable;
	uint8_t		chosen;
	uint32_t	cost, weight;
	char		state[128];
};

enum ctl_fate {
	CTL_ROUTED = 0, CTL_DELIVERED, CTL_HELD, CTL_NONDELIVERY, CTL_REFUSED,
	CTL_REPLACED,		/* by recipients in the rows that follow */
	CTL_FATES
};

struct ctl_check {
	char		name[OR_TEXT_MAX];
	uint8_t		fate;		/* enum ctl_fate */
	char		where[CTL_WHERE_MAX];	/* peer or directory, "" */
	int32_t		reason, diagnostic;	/* CTL_NONDELIVERY; -1 none */
	char		text[192];
};

enum ctl_peer_state { CTL_PEER_DOWN = 0, CTL_PEER_UP, CTL_PEER_HOLD };
struct ctl_peer_set {
	char	name[PEER_NAME_MAX];
	uint8_t	state;			/* enum ctl_peer_state */
};

/* What one tells the operator of the other side, and how it goes. */
enum { PASSWORD_CALLING, PASSWORD_ANSWERING };
struct ctl_sheet {
	struct ctl_peer		live;
	struct sheet_conf	conf;
	struct global_domain	domain, remote_domain;	/* ours, theirs */
	uint8_t			mode, dialogue, recover, disabled;
	uint16_t		naddress, tpdu_size;
	uint32_t		checkpoint, window;
	uint32_t		recovery_timeout, recovery_keep;
	uint32_t		max_associations, idle;
	uint64_t		max_content;
	/* MTA names, and whether there are passwords, by PASSWORD_* */
	char			name[2][UB_MTA_NAME + 1];
	char			remote_name[2][UB_MTA_NAME + 1];
	uint8_t			password[2], remote_password[2];
	struct selector		tsel, ssel, psel;
	struct selector		remote_tsel[PEER_ADDRESSES_MAX];
	struct selector		remote_ssel[PEER_ADDRESSES_MAX];
	struct selector		remote_psel[PEER_ADDRESSES_MAX];
	struct ae_title		title, remote_title;
	char			why[128];	/* of the last failure */
	uint64_t		refused;	/* of its calls */
	uint64_t		last_refused;	/* time_t, 0 never */
	char			refused_address[64], refused_why[160];
};

struct ctl_ping {
	char		name[PEER_NAME_MAX];
	uint8_t		all;		/* every address, not the first */
	uint32_t	address;	/* from 1 on, 0: any of them */
	uint32_t	limit;		/* s, for each; 0: that of the peer */
};

struct ctl_ping_address {
	uint32_t	number;		/* from 1 on */
	char		text[TLS_NAME_MAX + 16];
};

struct ctl_trace {
	char		name[PEER_NAME_MAX];	/* "": all */
	uint8_t		secrets;
};

/*
 * CTL_SUBMIT: a message with originator, recipients, priority, content type
 * and so on; spoold gives identifier, trace and arrival.  Envelope pieces
 * end with the first CTL_SUBMIT_CONTENT or CTL_SUBMIT_END.
 */

#endif
