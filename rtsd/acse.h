/* SPDX-License-Identifier: ISC */

/*
 * Association control (X.217, X.227), version 1, kernel: the five APDUs.
 * Decoded octets lie in the input or in the memory handed in; encoders
 * append to a dynamic ibuf, -1: no memory or a value out of its bounds.
 */

#ifndef ACSE_H
#define ACSE_H

#include "presentation.h"

enum acse_kind {
	ACSE_AARQ = 0, ACSE_AARE, ACSE_RLRQ, ACSE_RLRE, ACSE_ABRT
};

/* Associate-result. */
enum acse_result {
	ACSE_ACCEPTED = 0, ACSE_REJECTED_PERMANENT, ACSE_REJECTED_TRANSIENT
};

/* result-source-diagnostic: who, and acse-service-user's reasons. */
enum acse_source { ACSE_USER = 1, ACSE_PROVIDER = 2 };
enum acse_diagnostic {
	ACSE_NULL = 0, ACSE_NO_REASON, ACSE_CONTEXT_NAME_NOT_SUPPORTED,
	ACSE_CALLING_AP_TITLE, ACSE_CALLING_AP_INVOCATION,
	ACSE_CALLING_AE_QUALIFIER, ACSE_CALLING_AE_INVOCATION,
	ACSE_CALLED_AP_TITLE, ACSE_CALLED_AP_INVOCATION,
	ACSE_CALLED_AE_QUALIFIER, ACSE_CALLED_AE_INVOCATION,
	ACSE_MECHANISM_NOT_RECOGNIZED, ACSE_MECHANISM_REQUIRED,
	ACSE_AUTHENTICATION_FAILURE, ACSE_AUTHENTICATION_REQUIRED
};

/* Application entity title: whole elements, directory name (form 1) or
 * object identifier and INTEGER (form 2); len 0: not given. */
struct acse_title {
	struct asn1_octets	ap;
	struct asn1_octets	ae;
};

struct acse {
	enum acse_kind		kind;
	uint8_t			version_1;	/* AARQ, AARE */
	struct asn1_octets	context_name;	/* contents of the OID */
	struct acse_title	called, calling, responding;
	uint8_t			result;		/* AARE */
	uint8_t			source;
	int32_t			diagnostic;
	int32_t			reason;		/* RLRQ, RLRE, ABRT's source;
						 * -1: none */
	struct p_value		user;		/* context -1: none */
};

extern const struct asn1_octets oid_acse;		/* {2 2 1 0 1} */
extern const struct asn1_octets oid_mts_transfer;	/* {2 6 0 1 6} */

/* The tables, for who prints them. */
extern const struct asn1_type	acse_type_apdu;
extern const struct asn1_type	acse_type_external;

int	acse_decode(struct acse *, const uint8_t *, size_t,
	    struct asn1_memory *, const char **why);
int	acse_encode(const struct acse *, struct ibuf *);
/* For the log. */
const char *acse_diagnostic_text(int source, int diagnostic);

#endif
