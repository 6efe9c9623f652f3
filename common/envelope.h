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
 * the repertoire that X.208 gives them; TELETEX is T.61 octets as received.
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

/* Attributes in the order received; OU1 is the most significant unit. */
struct or_address {
	struct or_attr	*attr;
	uint16_t	 nattr;
};

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
};

enum trace_action { TRACE_RELAYED = 0, TRACE_REROUTED = 1 };

struct trace_element {
	struct global_domain	domain;
	struct utctime		arrival;
	struct utctime		deferred;
	uint8_t			action;		/* enum trace_action */
	struct eits		converted;
	uint8_t			other_actions;	/* 1988: bit 0 redirected, 1 DL */
	uint8_t			has_previous;	/* 1984: rerouted from */
	struct global_domain	previous;
};

struct bilateral_info {
	char		 country[UB_COUNTRY_NAME + 1];
	uint8_t		 country_numeric;
	char		 admd[UB_DOMAIN_NAME + 1];
	uint8_t		 admd_numeric;
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
#define PRI_REPORT_VALUE(f)		(((f) >> 5) & 3)
#define PRI_USER_REPORT_VALUE(f)	(((f) >> 3) & 3)
/* report request: 1 basic, 2 confirmed, 3 audit-and-confirmed;
 * user report request: 0 none, 1 basic, 2 confirmed. */

struct recipient {
	struct or_address	name;
	uint32_t		number;		/* ExtensionIdentifier */
	uint8_t			flags;		/* PRI_* */
	uint8_t			has_conversion;
	uint32_t		explicit_conversion;
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
	struct or_address	intended;	/* nattr 0: absent */
	char			*supplementary;	/* PrintableString or NULL */
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
};

/* envelope.c: memory */

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

/* envelope.c: the one serialisation (host byte order, versioned) */

/*
 * Appends the serialised message to a dynamic ibuf.  -1: no memory.
 * message_deserialise checks every count and length against bounds.h as
 * if the octets were hostile; NULL with errno EINVAL or ENOMEM.
 */
int		 message_serialise(const struct message *, struct ibuf *);
struct message	*message_deserialise(const void *, size_t);

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
