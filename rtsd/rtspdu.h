/* SPDX-License-Identifier: ISC */

/*
 * The APDUs of reliable transfer in X.410-1984 mode (X.410 clause 4,
 * X.228 annex): PConnect, PAccept, PRefuse, AbortInformation, the Priority
 * of a turn-please, and the P1 credentials inside (X.411-1984 clause 3.5).
 * Decoding takes every legal BER form.
 */

#ifndef RTSPDU_H
#define RTSPDU_H

#include "mtad.h"

struct asn1_type;
struct ibuf;

/* The tables, for who prints them; the last are what connectionData holds. */
extern const struct asn1_type	rts_type_pconnect;
extern const struct asn1_type	rts_type_pconnect_data;
extern const struct asn1_type	rts_type_paccept;
extern const struct asn1_type	rts_type_paccept_data;
extern const struct asn1_type	rts_type_prefuse;
extern const struct asn1_type	rts_type_abort;
extern const struct asn1_type	rts_type_connection_data;
extern const struct asn1_type	rts_type_open;

struct rts_connection_data {
	uint8_t			recover;	/* else open */
	uint8_t			has_credentials; /* open: not NULL/absent */
	struct credentials	credentials;	/* open */
	struct s_connection_id	recovered;	/* recover; octets with their
						 * tag and length, as PI 10-12
						 * carry them on the wire */
};

struct pconnect {
	uint8_t			normal;		/* mode: 0 X.410, 1 normal */
	uint32_t		checkpoint;	/* units of 1024 */
	uint32_t		window;
	uint8_t			dialogue;	/* enum dialogue_mode */
	uint32_t		protocol;	/* 1, 3, 12, 8883 */
	int32_t			version;	/* -1: absent */
	struct rts_connection_data data;
};

struct paccept {
	uint32_t		checkpoint;
	uint32_t		window;
	struct rts_connection_data data;
};

struct abort_information {
	int32_t			reason;		/* enum rts_abort, -1 absent */
	uint8_t			reflected_bits;	/* of the parameter */
	uint8_t			reflected;
};

/*
 * Decoders: 0, or -1 with *why a text that names the field and the error.
 * pconnect_decode sets *refuse to the enum rts_refuse that suits, and
 * fills in what could be read.  With normal set nothing else is read.
 * Encoders append to a dynamic ibuf, -1: no memory.
 */
int	pconnect_decode(struct pconnect *, const uint8_t *, size_t,
	    int *refuse, const char **why);
int	pconnect_encode(const struct pconnect *, struct ibuf *);
int	paccept_decode(struct paccept *, const uint8_t *, size_t,
	    const char **why);
int	paccept_encode(const struct paccept *, struct ibuf *);
int	prefuse_decode(int *reason, const uint8_t *, size_t,
	    const char **why);
int	prefuse_encode(int reason, struct ibuf *);
int	abort_decode(struct abort_information *, const uint8_t *, size_t,
	    const char **why);
int	abort_encode(const struct abort_information *, struct ibuf *);
int	priority_decode(int *priority, const uint8_t *, size_t);
int	priority_encode(int priority, struct ibuf *);
/*
 * Connection identifiers: octets of user and common references on the wire
 * are T61String and UTCTime TLVs.  Makes one; compares two (an absent and an
 * empty additional reference are the same): 0 equal.
 */
int	connection_id_make(struct s_connection_id *, const char *name,
	    const char *utctime, const char *additional);
int	connection_id_compare(const struct s_connection_id *,
	    const struct s_connection_id *);
/* "alpha 920509145249-0700 aa" for the log. */
int	connection_id_print(const struct s_connection_id *, char *, size_t);
/* Activity identifier: an INTEGER TLV. */
int	activity_id_make(struct activity_id *, uint32_t);
int	activity_id_print(const struct activity_id *, char *, size_t);

#endif
