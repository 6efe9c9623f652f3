/* SPDX-License-Identifier: ISC */

/*
 * What envelope.c shares with envelope_88.c: pieces of the serialisation.
 * Each put returns 0 or -1 (no memory, or EINVAL for what get would refuse);
 * each get 0 or -1.
 */

#ifndef ENVELOPE_IMPL_H
#define ENVELOPE_IMPL_H

#include "envelope.h"

int	env_invalid(void);

int	env_put_string(struct ibuf *, const char *, size_t size);
int	env_put_octets(struct ibuf *, const void *, uint32_t len,
	    uint32_t max);
int	env_put_address(struct ibuf *, const struct or_address *);
int	env_put_domain(struct ibuf *, const struct global_domain *);
int	env_put_time(struct ibuf *, const struct utctime *);
int	env_put_eits(struct ibuf *, const struct eits *);
int	env_put_oid(struct ibuf *, const char *);

int	env_get_bool(struct ibuf *, uint8_t *);
int	env_get_string(struct ibuf *, char *, size_t size);
int	env_get_octets(struct message *, struct ibuf *, uint8_t **,
	    uint32_t *len, uint32_t max);
int	env_get_address(struct message *, struct ibuf *, struct or_address *);
int	env_get_domain(struct ibuf *, struct global_domain *);
int	env_get_time(struct ibuf *, struct utctime *);
int	env_get_eits(struct message *, struct ibuf *, struct eits *);
int	env_get_oid(struct message *, struct ibuf *, char **);
int	env_get_count(struct message *, struct ibuf *, uint32_t *count,
	    void *array, size_t size, uint32_t max, size_t least);

/* Digits and dots as an object identifier has them: "2.6.0.1.6". */
int	env_is_oid(const char *, size_t);

/* envelope_88.c: what version 2 has behind version 1. */
int	env_put_88(struct ibuf *, const struct message *);
int	env_get_88(struct message *, struct ibuf *);

#endif
