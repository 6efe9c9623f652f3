/* SPDX-License-Identifier: ISC */

/*
 * Private keys that are elsewhere: an OpenSSL provider whose keys are the
 * number of a certificate and its public key.  libssl takes such a key as
 * it takes any; what it has signed with it is signed by tls_sign().
 */

#ifndef TLSKEY_H
#define TLSKEY_H

#include <stdint.h>

#include <openssl/evp.h>

/* Adds the provider to those of OpenSSL, which stay what they are. */
int		 tlskey_init(void);
/* At the end, so that a look for leaks finds none. */
void		 tlskey_end(void);
/*
 * The key of a certificate whose public key is given (and stays the
 * caller's); NULL: out of memory, or of a kind that cannot be.
 */
EVP_PKEY	*tlskey_new(EVP_PKEY *, uint32_t certificate);

#endif
