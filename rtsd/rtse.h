/* SPDX-License-Identifier: ISC */

/*
 * The APDUs of reliable transfer in normal mode (X.228 clause 9) and the
 * MTABind that they carry (X.411 clause 12.1.1, X.880 bind macro).  RTTP is
 * priority_encode of rtspdu.h, RTTR passes through pdata.c.
 *
 * Decoders: 0, or -1 with *why a text that names the field, valid until the
 * next call.  Encoders append to a dynamic ibuf; -1: no memory.
 */

#ifndef RTSE_H
#define RTSE_H

#include "asn1.h"
#include "rtspdu.h"

/* The tables, for who prints them; the last is what userDataRJ holds. */
extern const struct asn1_type	rtse_type_rtorq;
extern const struct asn1_type	rtse_type_rtoac;
extern const struct asn1_type	rtse_type_rtorj;
extern const struct asn1_type	rtse_type_rtab;
extern const struct asn1_type	rtse_type_connection_data;
extern const struct asn1_type	rtse_type_bind_error;

/*
 * *refuse: the enum rts_refuse to answer with.  Strong and protected
 * credentials are recognised and refused.
 */
int	rtorq_decode(struct pconnect *, const uint8_t *, size_t, int *refuse,
	    const char **why);
int	rtorq_encode(const struct pconnect *, struct ibuf *);
int	rtoac_decode(struct paccept *, const uint8_t *, size_t,
	    const char **why);
int	rtoac_encode(const struct paccept *, struct ibuf *);
/*
 * An RTORJ without user data says no more than no: it is what cannotRecover
 * is in this mode, which has no RefuseReason.
 */
int	rtorj_decode(int *reason, const uint8_t *, size_t, const char **why);
int	rtorj_encode(int reason, struct ibuf *);
int	rtab_decode(struct abort_information *, const uint8_t *, size_t,
	    const char **why);
int	rtab_encode(const struct abort_information *, struct ibuf *);

#endif
