/* SPDX-License-Identifier: ISC */

/*
 * The presentation layer (X.216, X.226), kernel functional unit in normal
 * mode: the PPDUs of connection, refusal and abort, user data in a
 * presentation context, and the stream of P-DATA.
 *
 * Decoders fill in values whose octets lie in the input or in the memory
 * that is handed in; both must outlive them.  They return 0, or -1 with *why
 * a text that names the field, valid until the next call.  Encoders append
 * to a dynamic ibuf; -1: no memory, or a value out of its bounds.
 */

#ifndef PRESENTATION_H
#define PRESENTATION_H

#include "asn1.h"

struct ibuf;

#define P_CONTEXTS_MAX	32	/* in one list; more is refused */
#define P_OID_MAX	32	/* octets of an object identifier */

/* provider-reason of CPR (X.226 8.2). */
enum p_refuse {
	P_REASON_NOT_SPECIFIED = 0, P_TEMPORARY_CONGESTION, P_LOCAL_LIMIT,
	P_ADDRESS_UNKNOWN, P_VERSION_NOT_SUPPORTED,
	P_DEFAULT_CONTEXT_NOT_SUPPORTED, P_USER_DATA_NOT_READABLE,
	P_NO_PSAP_AVAILABLE
};

/* Result of a context, and why the provider refused it. */
enum p_result { P_ACCEPTANCE = 0, P_USER_REJECTION, P_PROVIDER_REJECTION };
enum p_rejection {
	P_REJECT_NOT_SPECIFIED = 0, P_ABSTRACT_SYNTAX_NOT_SUPPORTED,
	P_TRANSFER_SYNTAXES_NOT_SUPPORTED, P_LIMIT_ON_DCS_EXCEEDED
};

struct p_context {
	int64_t			id;
	struct asn1_octets	abstract;	/* contents of the OID */
	uint8_t			basic;		/* basic encoding proposed */
	uint8_t			result;		/* enum p_result */
	uint8_t			rejection;	/* enum p_rejection */
};

/* One presentation data value. */
struct p_value {
	int64_t			context;	/* -1: there is none */
	struct asn1_octets	octets;		/* a whole element */
};

/* CP, CPA and CPR in one: what a PPDU does not have stays empty. */
struct p_connect {
	struct asn1_octets	calling, called, responding;	/* selectors */
	struct p_context	context[P_CONTEXTS_MAX];
	uint32_t		ncontext;
	uint8_t			default_context;	/* one was named */
	int32_t			provider_reason;	/* CPR; -1: none */
	struct p_value		user;
};

/*
 * cp: *x410 is set, and nothing else read, when the mode selector says
 * x410-1984.  On -1 *refuse is the enum p_refuse to answer with.
 * cpa: results come in the order in which the contexts were proposed.
 */
int	cp_decode(struct p_connect *, const uint8_t *, size_t,
	    struct asn1_memory *, int *x410, int *refuse, const char **why);
int	cp_encode(const struct p_connect *, struct ibuf *);
int	cpa_decode(struct p_connect *, const uint8_t *, size_t,
	    struct asn1_memory *, const char **why);
int	cpa_encode(const struct p_connect *, struct ibuf *);
int	cpr_decode(struct p_connect *, const uint8_t *, size_t,
	    struct asn1_memory *, const char **why);
int	cpr_encode(const struct p_connect *, struct ibuf *);

/* ARU, or ARP with its reason (-1: not given) and no user value. */
struct p_abort {
	uint8_t			provider;
	int32_t			reason;
	struct p_value		user;
};
int	p_abort_decode(struct p_abort *, const uint8_t *, size_t,
	    struct asn1_memory *, const char **why);
/* contexts: those of the lists that user data is in, at least its own. */
int	aru_encode(const struct p_value *, struct ibuf *);
int	arp_encode(int reason, struct ibuf *);

/* User data of one value: release, turn, exceptions. */
int	p_user_data_decode(struct p_value *, const uint8_t *, size_t,
	    struct asn1_memory *, const char **why);
int	p_user_data_encode(const struct p_value *, struct ibuf *);

/*
 * P-DATA of one OCTET STRING (RTTR) of any length, as it passes.
 *
 * Out: the octets that go before len octets of contents; none follow them.
 * buf has room for P_DATA_HEADER_MAX.
 */
#define P_DATA_HEADER_MAX	64
size_t	p_data_header(uint8_t *buf, int64_t context, uint64_t len);

/*
 * In: a machine that takes the octets of one SSDU in pieces of any size and
 * hands on the contents of the OCTET STRINGs in it, in every legal BER form
 * and in single-ASN1-type, octet-aligned or arbitrary encoding.  It holds no
 * data but a header that was cut in two.
 */
#define P_DATA_DEPTH	24
struct p_level {
	uint8_t		 what;
	uint8_t		 seen;
	uint8_t		 indefinite;
	uint64_t	 left;		/* octets, of a definite one */
};
struct p_stream {
	struct p_level	 level[P_DATA_DEPTH];
	int		 depth;
	uint64_t	 primitive;	/* octets left of a primitive */
	int		 kind;		/* what they are */
	uint8_t		 header[32];	/* one that was cut */
	size_t		 nheader;
	size_t		 used;		/* octets of the present piece */
};
struct p_data {
	int64_t		 context;	/* the one that it has to be in */
	int64_t		 value;		/* the one that it is in */
	uint8_t		 first;		/* no octet of the number so far */
	struct p_stream	 outer;
	struct p_stream	 inner;		/* octet-aligned or arbitrary */
};
void	p_data_init(struct p_data *, int64_t context);
/*
 * -1: malformed, *why says how.  data may be called with pieces of the
 * octets that were handed in.  last: the SSDU is complete.
 */
int	p_data_input(struct p_data *, const uint8_t *, size_t, int last,
	    void (*data)(void *, const uint8_t *, size_t), void *,
	    const char **why);

/* The tables, for who prints them: User-data, CP and CPA, CPR, ARU, ARP. */
extern const struct asn1_type	p_type_pdv_list;	/* one of User-data */
extern const struct asn1_type	p_type_user_data;
extern const struct asn1_type	p_type_cp;
extern const struct asn1_type	p_type_normal_mode;	/* also CPR, CPA */
extern const struct asn1_type	p_type_aru;
extern const struct asn1_type	p_type_arp;

/* Object identifiers in the form that tables and comparisons take. */
extern const struct asn1_octets oid_basic_encoding;	/* {2 1 1} */
int	oid_equal(const struct asn1_octets *, const struct asn1_octets *);
/* "2.6.0.1.6" for the log; never fails. */
const char *oid_print(const struct asn1_octets *, char *, size_t);

#endif
