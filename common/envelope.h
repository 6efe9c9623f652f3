/* SPDX-License-Identifier: ISC */

/*
 * The neutral form of what P1 carries: O/R addresses, envelopes, reports.
 * spoold and mtactl know these structures only; rtsd translates between
 * them and ASN.1.  A struct message owns an arena: everything that hangs
 * from it is allocated there and goes with it (message_free).
 *
 * Fields are named after X.411.  What the 1984 Recommendation calls
 * otherwise is noted.
 */

#ifndef MTAD_ENVELOPE_H
#define MTAD_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "bounds.h"

struct arena;
struct ibuf;

/* X.411 8.5.5, F.401 annex.  The order is that of RFC 1685 printing. */
enum or_type {
	OR_G = 1, OR_I, OR_S, OR_Q, OR_CN,
	OR_O, OR_OU1, OR_OU2, OR_OU3, OR_OU4,
	OR_P, OR_A, OR_C,
	OR_X121, OR_T_ID, OR_N_ID, OR_DDA,
	/* 1988: */
	OR_PD_SERVICE, OR_PD_C, OR_PD_CODE, OR_PD_OFFICE, OR_PD_OFFICE_NUM,
	OR_PD_EXT_ADDRESS, OR_PD_PN, OR_PD_O, OR_PD_EXT_DELIVERY,
	OR_PD_ADDRESS, OR_PD_STREET, OR_PD_BOX, OR_PD_RESTANTE,
	OR_PD_UNIQUE, OR_PD_LOCAL, OR_ISDN, OR_ISDN_SUB, OR_PSAP, OR_T_TY,
	OR_TYPE_MAX
};

/*
 * How the value was encoded.  PRINTABLE and NUMERIC values are ASCII, of
 * the repertoire that X.208 gives them; TELETEX is T.61 octets as received;
 * UNIVERSAL is UTF-8, and a NUL and the ISO 639 language when one was given.
 * The lines of a printable OR_PD_ADDRESS are joined with '|'.  The value of
 * OR_PSAP is the BER of a PresentationAddress.
 */
enum or_charset {
	OR_PRINTABLE = 0, OR_NUMERIC, OR_TELETEX, OR_UNIVERSAL, OR_OCTETS
};

struct or_attr {
	uint8_t		 type;		/* enum or_type */
	uint8_t		 charset;	/* enum or_charset */
	uint8_t		 dda_charset;	/* of dda_type, for OR_DDA */
	uint16_t	 len;		/* of value; also NUL terminated */
	uint16_t	 dda_len;
	char		*value;
	char		*dda_type;	/* OR_DDA only, else NULL */
};

/*
 * Attributes in the order received; OU1 is the most significant unit.  One
 * type may stand there in several character sets, the printable form first.
 * A name may have a directory name beside the address, or only that one:
 * BER that nobody here looks into, as are extension attributes of a number
 * that X.411 does not know.
 */
struct or_address {
	struct or_attr	*attr;
	uint16_t	 nattr;
	uint16_t	 directory_len;	/* 0: none */
	uint16_t	 unknown_len;	/* 0: none */
	uint8_t		*directory;	/* Name, one element */
	uint8_t		*unknown;	/* ExtensionAttributes, elements */
};
#define OR_ABSENT(or)	((or)->nattr == 0 && (or)->directory_len == 0 && \
    (or)->unknown_len == 0)

/* X.411 8.5.x GlobalDomainIdentifier; empty string: absent. */
struct global_domain {
	char	country[UB_COUNTRY_NAME + 1];
	char	admd[UB_DOMAIN_NAME + 1];
	char	prmd[UB_DOMAIN_NAME + 1];
	uint8_t	country_numeric;	/* NumericString chosen */
	uint8_t	admd_numeric;
	uint8_t	prmd_numeric;
};

/* MPDUIdentifier (1984), MTSIdentifier. */
struct mts_identifier {
	struct global_domain	domain;
	char			local[UB_LOCAL_IDENTIFIER + 1];
};

/* UTCTime exactly as received or as we made it; "" when absent. */
struct utctime {
	char	text[20];
};

/* EncodedInformationTypes; G3/teletex non-basic parameters kept as BER. */
struct eits {
	uint8_t		 present;
	uint8_t		 nbits;		/* significant bits, at most 32 */
	uint32_t	 bits;		/* bit 0 is the most significant */
	uint8_t		*other;		/* BER of the other SET members */
	uint32_t	 other_len;
	char		**external;	/* object identifiers, "1.0.10021.7" */
	uint32_t	 nexternal;
};

enum trace_action { TRACE_RELAYED = 0, TRACE_REROUTED = 1 };
/* OtherActions, of 1988. */
#define TRACE_REDIRECTED	0x80	/* bit 0 */
#define TRACE_DL_OPERATION	0x40	/* bit 1 */

struct trace_element {
	struct global_domain	domain;
	struct utctime		arrival;
	struct utctime		deferred;
	uint8_t			action;		/* enum trace_action */
	struct eits		converted;
	uint8_t			other_actions;	/* TRACE_REDIRECTED ... */
	uint8_t			has_previous;	/* 1984: rerouted from */
	struct global_domain	previous;	/* 1988: attempted-domain */
};

struct bilateral_info {
	char		 country[UB_COUNTRY_NAME + 1];
	uint8_t		 country_numeric;
	char		 admd[UB_DOMAIN_NAME + 1];
	uint8_t		 admd_numeric;
	char		 prmd[UB_DOMAIN_NAME + 1];	/* 1988; "": absent */
	uint8_t		 prmd_numeric;
	uint8_t		*info;		/* BER of the ANY */
	uint32_t	 info_len;
};

enum message_type { MESSAGE_USER = 0, MESSAGE_REPORT, MESSAGE_PROBE };

/* P1 Priority values. */
enum priority {
	PRIORITY_NORMAL = 0, PRIORITY_NON_URGENT = 1, PRIORITY_URGENT = 2
};

/* PerMessageFlag / PerMessageIndicators, bit numbers. */
#define PMI_DISCLOSURE			0x80	/* bit 0 */
#define PMI_CONVERSION_PROHIBITED	0x40	/* bit 1 */
#define PMI_ALTERNATE_RECIPIENT		0x20	/* bit 2 */
#define PMI_CONTENT_RETURN		0x10	/* bit 3 */

/* PerRecipientFlag: responsibility, report request, user report request. */
#define PRI_RESPONSIBILITY		0x80	/* bit 0 */
#define PRI_REPORT(v)			(((v) & 3) << 5)
#define PRI_USER_REPORT(v)		(((v) & 3) << 3)
#define PRI_DEFINED		0xf8	/* the others are reserved, and 0 */
#define PRI_REPORT_VALUE(f)		(((f) >> 5) & 3)
#define PRI_USER_REPORT_VALUE(f)	(((f) >> 3) & 3)
/* report request: 1 basic, 2 confirmed, 3 audit-and-confirmed;
 * user report request: 0 none, 1 basic, 2 confirmed. */

/*
 * Extensions of 1988 (X.411 9).  An MTA acts on some of them: these have a
 * field of their own, wherever X.411 provides for them, with a criticality
 * beside the value.  All others are in a list, by type and with the BER of
 * their value, which is normalised when rtsd knows the type and untouched
 * when it does not.  No extension is in both.
 */
#define EXT_SUBMISSION	0x80	/* critical for-submission, bit 0 */
#define EXT_TRANSFER	0x40	/* for-transfer */
#define EXT_DELIVERY	0x20	/* for-delivery */

/* StandardExtension. */
enum extension_type {
	EXT_PRIVATE = 0,		/* an object identifier */
	EXT_RECIPIENT_REASSIGNMENT_PROHIBITED = 1,
	EXT_ORIGINATOR_REQUESTED_ALTERNATE_RECIPIENT,
	EXT_DL_EXPANSION_PROHIBITED,
	EXT_CONVERSION_WITH_LOSS_PROHIBITED,
	EXT_LATEST_DELIVERY_TIME,
	EXT_REQUESTED_DELIVERY_METHOD,
	EXT_PHYSICAL_FORWARDING_PROHIBITED,
	EXT_PHYSICAL_FORWARDING_ADDRESS_REQUEST,
	EXT_PHYSICAL_DELIVERY_MODES,
	EXT_REGISTERED_MAIL_TYPE,
	EXT_RECIPIENT_NUMBER_FOR_ADVICE,
	EXT_PHYSICAL_RENDITION_ATTRIBUTES,
	EXT_ORIGINATOR_RETURN_ADDRESS,
	EXT_PHYSICAL_DELIVERY_REPORT_REQUEST,
	EXT_ORIGINATOR_CERTIFICATE,
	EXT_MESSAGE_TOKEN,
	EXT_CONTENT_CONFIDENTIALITY_ALGORITHM_IDENTIFIER,
	EXT_CONTENT_INTEGRITY_CHECK,
	EXT_MESSAGE_ORIGIN_AUTHENTICATION_CHECK,
	EXT_MESSAGE_SECURITY_LABEL,
	EXT_PROOF_OF_SUBMISSION_REQUEST,
	EXT_PROOF_OF_DELIVERY_REQUEST,
	EXT_CONTENT_CORRELATOR,
	EXT_PROBE_ORIGIN_AUTHENTICATION_CHECK,
	EXT_REDIRECTION_HISTORY,
	EXT_DL_EXPANSION_HISTORY,
	EXT_PHYSICAL_FORWARDING_ADDRESS,
	EXT_RECIPIENT_CERTIFICATE,
	EXT_PROOF_OF_DELIVERY,
	EXT_ORIGINATOR_AND_DL_EXPANSION_HISTORY,
	EXT_REPORTING_DL_NAME,
	EXT_REPORTING_MTA_CERTIFICATE,
	EXT_REPORT_ORIGIN_AUTHENTICATION_CHECK,
	EXT_ORIGINATING_MTA_CERTIFICATE,
	EXT_PROOF_OF_SUBMISSION,
	EXT_FORWARDING_REQUEST,		/* X.413 */
	EXT_TRACE_INFORMATION,
	EXT_INTERNAL_TRACE_INFORMATION,
	EXT_REPORTING_MTA_NAME,
	EXT_MULTIPLE_ORIGINATOR_CERTIFICATES,
	EXT_BLIND_COPY_RECIPIENTS,	/* X.420 */
	EXT_DL_EXEMPTED_RECIPIENTS,
	EXT_BODY_PART_ENCRYPTION_TOKEN,	/* X.420 */
	EXT_FORWARDED_CONTENT_TOKEN,	/* X.420 */
	EXT_CERTIFICATE_SELECTORS,
	EXT_CERTIFICATE_SELECTORS_OVERRIDE,
	EXT_TYPE_MAX			/* above: not known to us */
};

struct extension {
	uint16_t	 type;		/* StandardExtension, or 0 */
	uint8_t		 criticality;	/* EXT_* */
	char		*oid;		/* type 0: "1.3.12.2.1011" */
	uint8_t		*value;		/* BER; NULL: NULL, the default */
	uint32_t	 len;
};

struct extensions {
	struct extension	*e;	/* in the order received */
	uint32_t		 n;
};

/* ...-prohibited.  Not set is the same as absent. */
struct ext_flag {
	uint8_t	set;
	uint8_t	criticality;
};

struct ext_time {
	struct utctime	time;		/* "": absent */
	uint8_t		criticality;
};

struct ext_name {
	struct or_address	name;	/* OR_ABSENT: absent */
	uint8_t			criticality;
};

struct ext_names {
	struct or_address	*name;
	uint32_t		 n;	/* 0: absent */
	uint8_t			 criticality;
};

/* RequestedDeliveryMethod: most preferred first, 1 mhs, 2 physical ... */
struct ext_methods {
	uint16_t	*method;
	uint8_t		 n;		/* 0: absent */
	uint8_t		 criticality;
};

/* ContentCorrelator; that of 1988 may be any type. */
enum correlator_kind {
	CORRELATOR_ABSENT = 0, CORRELATOR_IA5, CORRELATOR_OCTETS,
	CORRELATOR_ANY			/* octets are BER */
};
struct ext_correlator {
	uint8_t		 kind;		/* enum correlator_kind */
	uint8_t		 criticality;
	uint8_t		*octets;
	uint32_t	 len;
};

/* RedirectionReason. */
enum redirection_reason {
	REDIRECTION_RECIPIENT_ASSIGNED = 0, REDIRECTION_ORIGINATOR_REQUESTED,
	REDIRECTION_RECIPIENT_MD_ASSIGNED, REDIRECTION_DIRECTORY_LOOK_UP,
	REDIRECTION_ALIAS
};
struct redirection {
	struct or_address	intended;
	struct utctime		time;
	uint8_t			reason;	/* enum redirection_reason */
};
struct redirection_history {
	struct redirection	*e;	/* oldest first */
	uint32_t		 n;	/* 0: absent */
	uint8_t			 criticality;
};

/* DLExpansion, OriginatorAndDLExpansion. */
struct dl_expansion {
	struct or_address	name;
	struct utctime		time;
};
struct dl_history {
	struct dl_expansion	*e;	/* oldest first */
	uint32_t		 n;	/* 0: absent */
	uint8_t			 criticality;
};

struct reporting_mta {
	uint8_t			 present;
	uint8_t			 criticality;
	uint16_t		 directory_len;	/* 0: none */
	uint8_t			*directory;	/* BER of the Name */
	struct global_domain	 domain;
	char			 mta[UB_MTA_NAME + 1];
};

/* InternalTraceInformationElement. */
enum trace_attempted { ATTEMPTED_NONE = 0, ATTEMPTED_MTA, ATTEMPTED_DOMAIN };
struct internal_trace_element {
	struct global_domain	domain;
	char			mta[UB_MTA_NAME + 1];
	struct utctime		arrival;
	struct utctime		deferred;
	uint8_t			action;		/* enum trace_action */
	uint8_t			other_actions;	/* TRACE_REDIRECTED ... */
	uint8_t			attempted;	/* enum trace_attempted */
	char			attempted_mta[UB_MTA_NAME + 1];
	struct global_domain	attempted_domain;
	struct eits		converted;
};
struct internal_trace {
	struct internal_trace_element	*e;	/* oldest first */
	uint32_t			 n;	/* 0: absent */
	uint8_t				 criticality;
};

struct recipient {
	struct or_address	name;
	uint32_t		number;		/* ExtensionIdentifier */
	uint8_t			flags;		/* PRI_* */
	uint8_t			has_conversion;
	uint32_t		explicit_conversion;
	/* 1988, where number is originally-specified-recipient-number: */
	struct ext_name		alternate;	/* originator-requested-... */
	struct ext_methods	methods;	/* requested-delivery-method */
	struct redirection_history redirection;
	struct extensions	extension;
};

/* ReportedRecipientInfo. */
struct reported_recipient {
	struct or_address	name;
	uint32_t		number;
	uint8_t			flags;
	uint8_t			delivered;	/* else not delivered */
	struct utctime		arrival;	/* LastTraceInformation */
	struct eits		converted;
	struct utctime		delivery;	/* delivered */
	int32_t			type_of_ua;	/* public 0, private 1, -1 */
	int32_t			reason;		/* not delivered */
	int32_t			diagnostic;	/* -1: absent */
	struct or_address	intended;	/* OR_ABSENT: absent */
	char			*supplementary;	/* PrintableString or NULL */
	struct redirection_history redirection;	/* 1988 */
	struct extensions	extension;
};

/*
 * One MPDU without its content, which is a string of octets of its own
 * (content_len octets, kept and passed apart from the envelope).
 */
struct message {
	struct arena		*arena;
	uint8_t			 type;		/* enum message_type */
	uint8_t			 priority;	/* enum priority */
	uint8_t			 indicators;	/* PMI_* */
	uint8_t			 has_content;	/* a content was present */
	int32_t			 content_type;	/* 2 = P2; -1: absent */
	char			*content_oid;	/* 1988, extended; then -1 */
	uint64_t		 content_len;	/* octets */
	int64_t			 probe_length;	/* contentLength; -1 absent */
	struct mts_identifier	 id;		/* message, report, probe */
	struct or_address	 originator;	/* report: destination */
	struct eits		 original;
	char			 content_id[UB_CONTENT_ID + 1];
	uint8_t			 has_content_id;
	struct utctime		 deferred;
	struct bilateral_info	*bilateral;
	uint32_t		 nbilateral;
	struct trace_element	*trace;
	uint32_t		 ntrace;
	struct recipient	*recipient;	/* user MPDU and probe */
	uint32_t		 nrecipient;

	/* DeliveryReportContent */
	struct mts_identifier	 subject;
	struct trace_element	*subject_trace;	/* intermediate */
	uint32_t		 nsubject_trace;
	uint8_t			*billing;	/* BER of the ANY or NULL */
	uint32_t		 billing_len;
	struct reported_recipient *reported;
	uint32_t		 nreported;

	/* Extensions of 1988, of messages and probes (or one of them): */
	struct ext_flag		 reassignment_prohibited;
	struct ext_flag		 dl_expansion_prohibited;
	struct ext_flag		 conversion_loss_prohibited;
	struct ext_time		 latest_delivery;
	struct ext_names	 dl_exempted;
	struct dl_history	 dl_expansion;
	/* of all three; a report has the correlator in its content: */
	struct ext_correlator	 correlator;
	struct internal_trace	 internal;
	/* of reports: */
	struct redirection_history redirection;
	struct dl_history	 originator_and_dl;
	struct ext_name		 reporting_dl;
	struct reporting_mta	 reporting_mta;
	/* All others: of the envelope, and of ReportTransferContent. */
	struct extensions	 extension;
	struct extensions	 content_extension;
};

/* message.c: memory */

/* An empty message with defaults, or NULL when memory is short. */
struct message	*message_new(void);
void		 message_free(struct message *);
/* Zeroed memory that lives as long as the message; NULL: none left. */
void		*message_alloc(struct message *, size_t);
/* Copy of len octets, NUL terminated. */
char		*message_memdup(struct message *, const void *, size_t);
/* Deep copy of an address into the arena of a message.  -1: no memory. */
int		 or_address_copy(struct message *, struct or_address *,
		    const struct or_address *);

/* extension.c: extensions */

/* "latest-delivery-time"; NULL when X.411 has no such standard extension. */
const char	*extension_name(int type);
/* The first of that type, or of that object identifier, or NULL. */
const struct extension *message_extension_get(const struct extensions *,
		    int type);
const struct extension *message_extension_get_oid(const struct extensions *,
		    const char *oid);
/*
 * The first extension that is critical for one of the EXT_* given and of a
 * type that we do not know, or NULL.  X.411 14.3.2: transfer of such a
 * message is answered unable-to-transfer, unsupported-critical-function, for
 * one recipient when it is of that recipient.
 */
const struct extension *message_extension_unsupported(
		    const struct extensions *, int criticality);
/*
 * A deep copy of it at the end of the list, in place of one of the same type
 * if there is one.  -1: no memory, or UB_EXTENSIONS are there (EINVAL).
 */
int		 message_extension_add(struct message *, struct extensions *,
		    const struct extension *);
/* Takes it out of the list; returns whether it was there. */
int		 message_extension_remove(struct extensions *, int type);
/*
 * Is there anything in the message that P1 of 1984 has no place for?  The
 * name of the first such thing, else NULL.  O/R names are not looked into.
 */
const char	*message_is_1988(const struct message *);

/*
 * Another element behind those of a history, the name copied.  -1: no memory,
 * or as many as may be are there already (EINVAL).
 */
int		 redirection_add(struct message *,
		    struct redirection_history *, const struct or_address *,
		    const struct utctime *, int reason);
int		 dl_expansion_add(struct message *, struct dl_history *,
		    const struct or_address *, const struct utctime *,
		    uint32_t max);

/*
 * Deep copies into the arena of a message; what was in the target is
 * overwritten.  -1: no memory.  The message itself is copied by
 * message_copy, which returns NULL then.
 */
int		 eits_copy(struct message *, struct eits *,
		    const struct eits *);
int		 extensions_copy(struct message *, struct extensions *,
		    const struct extensions *);
int		 redirection_history_copy(struct message *,
		    struct redirection_history *,
		    const struct redirection_history *);
int		 dl_history_copy(struct message *, struct dl_history *,
		    const struct dl_history *);
int		 internal_trace_copy(struct message *, struct internal_trace *,
		    const struct internal_trace *);
int		 recipient_copy(struct message *, struct recipient *,
		    const struct recipient *);
int		 reported_recipient_copy(struct message *,
		    struct reported_recipient *,
		    const struct reported_recipient *);
struct message	*message_copy(const struct message *);

/* envelope.c: the one serialisation (host byte order, versioned) */

/*
 * Appends the serialised message to a dynamic ibuf.  -1: no memory.
 * message_deserialise checks every count and length against bounds.h as
 * if the octets were hostile; NULL with errno EINVAL or ENOMEM.
 */
int		 message_serialise(const struct message *, struct ibuf *);
struct message	*message_deserialise(const void *, size_t);

/* Bit of an EncodedInformationTypes by name ("ia5-text"); -1: unknown. */
int		 eit_parse(const char *);
/* The message as readable text, one field a line (".env" files, show). */
int		 message_print(const struct message *, FILE *);
const char	*priority_name(int);		/* "urgent" ... */
int		 priority_parse(const char *);	/* -1: unknown */

/* oraddr.c: O/R addresses in text (RFC 1685, RFC 2156 section 4) */

/*
 * Parses "/G=Jo/S=Doe/O=.../C=GB/" or "g=Jo; s=Doe; ...", optionally with
 * "X.400:" in front, into the arena of m.  On error returns -1, sets *where
 * to the offset of the offending character and *why to a constant text.
 * Country without ADMD gives ADMD a single space (RFC 1685).
 */
int		 or_address_parse(struct message *m, struct or_address *,
		    const char *, size_t *where, const char **why);
/*
 * Prints in the slash form, or with ';' when semicolons is set; escapes as
 * the grammar asks, so that parsing gives the same attributes again.
 * Returns the length as snprintf does.
 */
int		 or_address_print(const struct or_address *, char *, size_t,
		    int semicolons);
/* Case-insensitive, blanks folded (X.402 18): 0 equal. */
int		 or_address_compare(const struct or_address *,
		    const struct or_address *);
/*
 * Does prefix, a subtree such as /C=FR/ADMD=ATLAS/PRMD=BETA, hold the
 * address?  Returns the number of attributes matched, -1 when it does not.
 */
int		 or_address_match(const struct or_address *prefix,
		    const struct or_address *);
/* First attribute of that type or NULL. */
const struct or_attr *or_address_get(const struct or_address *, int type);

/* domain text "/C=GB/ADMD=GOLD 400/PRMD=ALPHA" <-> struct.  -1: bad. */
int		 global_domain_parse(const char *, struct global_domain *,
		    size_t *where, const char **why);
int		 global_domain_print(const struct global_domain *, char *,
		    size_t);
int		 global_domain_compare(const struct global_domain *,
		    const struct global_domain *);
/* "[/PRMD=ALPHA/ADMD=GOLD 400/C=GB/;local]" as RFC 2156 prints it. */
int		 mts_identifier_print(const struct mts_identifier *, char *,
		    size_t);

/* UTCTime of now "YYMMDDhhmmssZ"; back to seconds, -1 when malformed. */
void		 utctime_set(struct utctime *, time_t);
time_t		 utctime_get(const struct utctime *);

#endif
