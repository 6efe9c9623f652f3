/* SPDX-License-Identifier: ISC */

/*
 * What the log may say: every line begins with one of these identifiers.
 * They and the keys that follow them stay the same from release to release;
 * mtad-recovery(7) says what each means, which a test holds to this list.
 */

#ifndef EVENT_H
#define EVENT_H

#define EVENTS(E)						\
	/* mtad: start, configuration, processes */		\
	E(READY,		"ready")			\
	E(NOT_STARTED,		"not-started")			\
	E(STOPPING,		"stopping")			\
	E(STOPPED,		"stopped")			\
	E(CONFIG_ERROR,		"config-error")			\
	E(CONFIG_WARNING,	"config-warning")		\
	E(RELOADED,		"config-reloaded")		\
	E(CONFIG_CHANGED,	"config-changed")		\
	E(NOT_RELOADED,		"config-not-reloaded")		\
	E(CERTIFICATE,		"certificate-dates")		\
	E(ROUTE_BAD,		"route-bad")			\
	E(DIRECTORY,		"directory-bad")		\
	E(LISTEN,		"listen-failed")		\
	E(CONTROL,		"control-failed")		\
	E(CONFINEMENT,		"confinement")			\
	E(PROCESS_ENDED,	"process-ended")		\
	E(PROCESS_KILLED,	"process-killed")		\
	E(RESTART,		"process-restarts")		\
	E(CHANNEL_LOST,		"channel-lost")			\
	E(IMSG_BAD,		"imsg-bad")			\
	E(SYSTEM,		"system-error")			\
	E(LOG_LOST,		"log-lost")			\
	E(OUTPUT,		"output")			\
	E(FATAL,		"fatal")			\
	E(DEBUG,		"debug")			\
	/* Associations */					\
	E(ASSOC_UP,		"association-up")		\
	E(ASSOC_RECOVERED,	"association-recovered")	\
	E(ASSOC_DOWN,		"association-down")		\
	E(ASSOC_REFUSED,	"association-refused")		\
	E(ASSOC_UNKNOWN,	"association-not-begun")	\
	E(AUTHENTICATION,	"authentication-failed")	\
	E(PEER_WRONG,		"peer-not-expected")		\
	E(CALL_FAILED,		"call-failed")			\
	E(ADDRESS_NEXT,		"address-next")			\
	E(PEER_ANSWERS,		"peer-answers")			\
	E(PEER_SET,		"peer-set")			\
	E(PING,			"peer-pinged")			\
	E(TRACE,		"trace-begun")			\
	E(TRACE_ENDED,		"trace-ended")			\
	E(CONNECTION_DROPPED,	"connection-dropped")		\
	E(LINES_OMITTED,	"lines-omitted")		\
	E(LIMIT_LOWERED,	"limit-lowered")		\
	E(NAME_OLD,		"name-not-found")		\
	E(CONTROL_REFUSED,	"control-refused")		\
	E(TLS_WITHOUT,		"tls-without")			\
	E(SIGNATURE,		"tls-signature-failed")		\
	E(PACCEPT_BARE,		"paccept-without-identifier")	\
	E(CANNOT_RECOVER,	"peer-cannot-recover")		\
	E(NOT_RECOVERED,	"association-not-recovered")	\
	E(RECOVERY_TIMEOUT,	"recovery-timeout")		\
	/* Transfers out */					\
	E(TRANSFERRED,		"transfer-out-done")		\
	E(TRANSFER_CUT,		"transfer-out-interrupted")	\
	E(TRANSFER_RESUMED,	"transfer-out-resumed")		\
	E(TRANSFER_ANEW,	"transfer-out-anew")		\
	E(REJECTED,		"transfer-out-rejected")	\
	E(NOT_ENCODED,		"transfer-out-impossible")	\
	/* Transfers in */					\
	E(RECEIVED,		"transfer-in-done")		\
	E(DUPLICATE,		"transfer-in-duplicate")	\
	E(TRANSFER_IN_CUT,	"transfer-in-interrupted")	\
	E(TRANSFER_IN_RESUMED,	"transfer-in-resumed")		\
	E(TRANSFER_IN_MOVED,	"transfer-in-moved")		\
	E(TRANSFER_IN_DISCARDED, "transfer-in-discarded")	\
	E(TRANSFER_IN_REFUSED,	"transfer-in-refused")		\
	E(TRANSFER_IN_FAILED,	"transfer-in-failed")		\
	E(TRANSFER_REFUSED,	"transfer-in-malformed")	\
	/* Messages */						\
	E(SUBMITTED,		"message-submitted")		\
	E(DELIVERED,		"message-delivered")		\
	E(NOT_DELIVERED,	"message-not-delivered")	\
	E(HELD,			"message-held")			\
	E(REROUTED,		"message-rerouted")		\
	E(REDIRECTED,		"message-redirected")		\
	E(OPERATOR,		"message-operated")		\
	E(LIST_EXPANDED,	"list-expanded")		\
	E(LIST_LOOP,		"list-again")			\
	E(LIST_REPORT,		"list-report")			\
	E(REPORT_MADE,		"report-made")			\
	E(REPORT_DROPPED,	"report-dropped")		\
	E(QUARANTINED,		"message-quarantined")		\
	E(TRANSFER_GIVEN_UP,	"transfer-given-up")		\
	E(SUSPECT,		"suspect")			\
	E(SUSPECTS,		"suspects")			\
	E(PEER_SUSPECT,		"peer-suspect")		\
	E(PEER_SHUT_OUT,	"peer-shut-out")		\
	E(ALTERNATES,		"alternates-used")		\
	E(ALTERNATES_OVER,	"alternates-not-used")		\
	E(COMMAND_OUTPUT,	"command-output")		\
	E(COMMAND_TIMEOUT,	"command-timeout")		\
	E(COMMAND_LOST,		"command-lost")			\
	E(COMMAND_RUNNING,	"command-running")		\
	E(COMMANDS_WAIT,	"commands-wait")		\
	E(COMMANDS_GO_ON,	"commands-go-on")		\
	E(MAILDIR,		"maildir")			\
	/* Spool */						\
	E(SPOOL_NEW,		"spool-new")			\
	E(SPOOL_FAILED,		"spool-failed")			\
	E(SPOOL_WORKS,		"spool-works")			\
	E(SPOOL_FULL,		"spool-full")			\
	E(SPOOL_SPACE,		"spool-space")			\
	E(DIRECTORY_GONE,	"directory-gone")		\
	E(DIRECTORY_BACK,	"directory-back")		\
	E(SPOOL_CHECKED,	"spool-checked")		\
	E(SPOOL_DAMAGED,	"spool-damaged")		\
	E(SPOOL_SAVED,		"spool-saved")			\
	E(NOT_SAVED,		"spool-not-saved")		\
	E(MESSAGE_LOST,		"message-lost")			\
	E(BACKUP,		"backup-done")			\
	E(BACKUP_FAILED,	"backup-failed")		\
	E(RESTORED,		"restored")			\
	E(ARCHIVE,		"archive-checked")		\
	E(NOT_RESTORED,		"not-restored")			\
	E(ALARM,		"alarm-raised")			\
	E(ALARM_OVER,		"alarm-over")			\
	E(SPOOL_CLEANED,	"spool-cleaned")		\
	E(CONTENT,		"content-failed")		\
	E(AUDIT_FAILED,		"audit-failed")			\
	E(AUDIT_WORKS,		"audit-works")			\
	E(AUDIT_LOST,		"audit-lost")

enum event_id {
#define EVENT(name, text)	EVT_##name,
	EVENTS(EVENT)
#undef EVENT
	EVT_COUNT
};

#endif
