/* SPDX-License-Identifier: ISC */

/*
 * Session protocol data units (X.225 clause 8): parameters in, parameters
 * out.  One structure serves all SPDUs; what an SPDU does not carry is
 * absent (len 0 and the bit of its parameter not set in present).
 */

#ifndef SPDU_H
#define SPDU_H

#include "session.h"

struct ibuf;

/* SPDU identifiers.  Where two share one, category 1 (or 0) is alone or
 * first in its TSDU and category 2 is not. */
enum spdu_si {
	SI_GT = 1, SI_DT = 1, SI_PT = 2, SI_EX = 5, SI_PR = 7, SI_NF = 8,
	SI_FN = 9, SI_DN = 10, SI_RF = 12, SI_CN = 13, SI_AC = 14,
	SI_CDO = 15, SI_OA = 16, SI_GTC = 21, SI_GTA = 22, SI_AB = 25,
	SI_AI = 25, SI_AA = 26, SI_AIA = 26, SI_AR = 29, SI_TD = 33,
	SI_RA = 34, SI_AE = 41, SI_AEA = 42, SI_AS = 45, SI_ER = 0,
	SI_ED = 48, SI_MIP = 49, SI_MIA = 50, SI_RS = 53, SI_AD = 57,
	SI_ADA = 58, SI_CD = 61, SI_CDA = 62
};

enum spdu_pi {
	PGI_CONNECTION = 1, PGI_ITEM = 5, PI_CALLED_REF = 9,
	PI_CALLING_REF = 10, PI_COMMON_REF = 11, PI_ADDITIONAL_REF = 12,
	PI_SYNC_TYPE = 15, PI_TOKEN = 16, PI_DISCONNECT = 17,
	PI_OPTIONS = 19, PI_REQUIREMENTS = 20, PI_TSDU_SIZE = 21,
	PI_VERSION = 22, PI_INITIAL_SERIAL = 23, PI_PREPARE = 24,
	PI_ENCLOSURE = 25, PI_TOKEN_SETTING = 26, PGI_LINKING = 33,
	PI_ACTIVITY = 41, PI_SERIAL = 42, PI_MIA_DATA = 46, PI_REFLECT = 49,
	PI_REASON = 50, PI_CALLING_SSEL = 51, PI_CALLED_SSEL = 52,
	PGI_USER_DATA = 193, PGI_EXTENDED_DATA = 194
};

/* Bits of present: those parameters whose absence is not an empty value. */
#define SPDU_SERIAL		0x0001
#define SPDU_LINK_SERIAL	0x0002
#define SPDU_REQUIREMENTS	0x0004
#define SPDU_VERSION		0x0008
#define SPDU_INITIAL_SERIAL	0x0010
#define SPDU_TOKEN_SETTING	0x0020
#define SPDU_TOKEN		0x0040
#define SPDU_SYNC_TYPE		0x0080
#define SPDU_DISCONNECT		0x0100
#define SPDU_ENCLOSURE		0x0200
#define SPDU_LINKING		0x0400
#define SPDU_CONNECTION		0x0800
#define SPDU_OPTIONS		0x1000
#define SPDU_TSDU_SIZE		0x2000

struct spdu_refs {
	struct s_octets	called, calling, common, additional;
};

struct spdu {
	uint8_t			si;
	uint32_t		present;
	struct spdu_refs	refs;
	struct spdu_refs	link;
	struct s_octets		activity;
	struct s_octets		link_activity;
	uint32_t		serial;
	uint32_t		link_serial;
	uint32_t		initial_serial;
	uint16_t		requirements;
	uint8_t			options;
	uint8_t			version;
	uint8_t			token_setting;
	uint8_t			token;
	uint8_t			sync_type;
	uint8_t			disconnect;
	uint8_t			enclosure;
	uint16_t		tsdu_size[2];
	struct s_octets		reflect;
	struct s_octets		reason;		/* code, then data */
	struct s_octets		calling_ssel, called_ssel;
	struct s_octets		data;		/* 193, 194 or 46 */
};

/* Collected parameters of one SPDU at the most, octets. */
#define SPDU_MAX	(16 * 1024)

/*
 * Reads the parameter field (what LI counts).  Pointers go into p.  Unknown
 * parameters are passed over (X.225 8.2.1).  -1 with *why.
 */
int	spdu_decode(struct spdu *, uint8_t si, const uint8_t *p, size_t,
	    const char **why);
/*
 * Writes an SPDU of the parameters present, in the order of X.225, into a
 * buffer; returns its length, or 0 when it does not fit or a parameter is
 * too long.
 */
size_t	spdu_encode(const struct spdu *, uint8_t *, size_t);
/*
 * Length of the header (SI and LI) and of the parameters, from the first
 * octets.  0: more octets are needed.
 */
size_t	spdu_header(const uint8_t *, size_t have, size_t *params);
const char *spdu_name(uint8_t si, int first);
/* The reason code of a REFUSE in words (X.225 8.3.4.10). */
const char *spdu_refuse_text(uint8_t code);

#endif
