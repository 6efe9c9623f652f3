/* SPDX-License-Identifier: ISC */

/* What p1_message.c shares with p1_88_in.c and p1_88_out.c. */

#ifndef P1_IMPL_H
#define P1_IMPL_H

#include "p1_84.h"

/* From octets.  -1: no memory, or (EINVAL) no value that could be. */
void	 p1_text_get(char *, size_t, const struct asn1_octets *);
void	 p1_time_get(struct utctime *, const struct asn1_octets *);
void	 p1_domain_get(struct global_domain *, const struct p1_domain *);
uint8_t	 p1_flags_get(const struct asn1_bits *);
int	 p1_octets_get(struct message *, uint8_t **, uint32_t *,
	    const struct asn1_octets *);
int	 p1_eits_get(struct message *, struct eits *, const struct p1_eits *);

/* p1_88_in.c */
int	 p1_oid_get(struct message *, char **, const struct asn1_octets *);
int	 p1_external_get(struct message *, struct eits *,
	    const struct asn1_list *);
int	 p1_external_find(struct message *, struct eits *);
int	 p1_bilateral_88_get(struct message *, const struct asn1_list *);
int	 p1_message_extensions_get(struct message *,
	    const struct asn1_list *);
int	 p1_recipient_extensions_get(struct message *, struct recipient *,
	    const struct asn1_list *);
int	 p1_reported_extensions_get(struct message *,
	    struct reported_recipient *, const struct asn1_list *);
int	 p1_report_extensions_get(struct message *,
	    const struct asn1_list *envelope, const struct asn1_list *content);

/* To octets: what is allocated, and the first reason why not. */
struct p1_out {
	struct asn1_memory	*memory;
	const char		*why;
	enum p1_protocol	 protocol;
};

void	*p1_list_put(struct p1_out *, struct asn1_list *, uint32_t n, size_t);
void	 p1_text_put(struct asn1_octets *, const char *, int numeric);
uint32_t p1_time_put(struct asn1_octets *, const struct utctime *, int row);
void	 p1_domain_put(struct p1_domain *, const struct global_domain *);
void	 p1_name_put(struct p1_out *, struct or_name *,
	    const struct or_address *);
void	 p1_octets_put(struct asn1_octets *, const uint8_t *, size_t);
uint8_t	*p1_bits_put(struct p1_out *, struct asn1_bits *, uint32_t nbits);
uint32_t p1_eits_put(struct p1_out *, struct p1_eits *, const struct eits *,
	    int row);

/* p1_88_out.c; those of extensions return whether there are any. */
void	 p1_oid_put(struct p1_out *, struct asn1_octets *, const char *);
void	 p1_external_put(struct p1_out *, struct p1_eits *,
	    const struct eits *);
uint32_t p1_bilateral_88_put(struct p1_out *, struct asn1_list *,
	    const struct message *, int row);
int	 p1_message_extensions_put(struct p1_out *, struct asn1_list *,
	    const struct message *);
int	 p1_recipient_extensions_put(struct p1_out *, struct asn1_list *,
	    const struct recipient *);
int	 p1_reported_extensions_put(struct p1_out *, struct asn1_list *,
	    const struct reported_recipient *);
void	 p1_report_88_put(struct p1_out *, struct p1_report_mpdu *,
	    const struct message *);

/* OtherActions is a list of names: no bits behind the last that is set. */
#define P1_ACTIONS_BITS(v)	((v) & 0x3f ? 8 : \
    (v) & TRACE_DL_OPERATION ? 2 : 1)

#endif
