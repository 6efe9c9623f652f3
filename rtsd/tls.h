/* SPDX-License-Identifier: ISC */

/*
 * TLS 1.2 and 1.3 below the transport: a connection over a descriptor that
 * is not blocking.  The private keys are with mtad: what is to be signed is
 * sent to it, and the handshake goes on when the answer comes, while other
 * connections go on in any case.
 */

#ifndef TLS_H
#define TLS_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct tls;
struct tls_ctx;		/* certificates and checks of one side */
struct tls_pem;		/* certificates of the configuration, as octets */

enum tls_status {
	TLS_DONE,		/* the handshake is over */
	TLS_WANT_READ, TLS_WANT_WRITE,
	TLS_WANT_SIGNATURE,	/* resume() is called */
	TLS_FAILED		/* tls_why() */
};

/*
 * Before confinement: OpenSSL with no configuration but ours, and its random
 * numbers seeded.  -1: it cannot be used.
 */
int	 tls_init(void);
void	 tls_end(void);
/* The channel over which mtad is asked for signatures; takes it over. */
int	 tls_channel(struct event_base *, int fd);

/*
 * Certificates by their number, which come in pieces, together at most
 * TLS_PEM_MAX octets each; -1: more than that, or out of memory.
 */
int	 tls_pem_add(struct tls_pem **, uint32_t id, const void *, size_t);
void	 tls_pem_free(struct tls_pem *);

/*
 * One for each combination: who asks for the same again gets the same, as
 * long as list (NULL at first) stands.  certificate and ca are numbers, 0 is
 * none; verify: a server refuses a client that shows no certificate, a
 * client checks the server's.  NULL with *why when they cannot be used.
 * What runs on one keeps it alive.
 */
struct tls_ctx	*tls_ctx_get(struct tls_ctx **list, struct tls_pem *,
		    int client, uint32_t certificate, uint32_t ca,
		    int verify, const char **why);
void		 tls_ctx_free(struct tls_ctx *list);

/*
 * fd stays the caller's.  A client names the host that its peer has to be,
 * in its certificate if that is checked; resume is called when a signature
 * has come.  NULL: out of memory.
 */
struct tls	*tls_new(struct tls_ctx *, int fd, const char *host,
		    void (*resume)(void *), void *);
/* Not from within resume(). */
void		 tls_free(struct tls *);
enum tls_status	 tls_handshake(struct tls *);
/*
 * As read(2) and write(2) on a socket that is not blocking, with EAGAIN and
 * EPROTO as the errors, 0 of tls_read after a close_notify; a write that
 * found EAGAIN is to be repeated with the same octets, more may follow them.
 * tls_read needs room for a record, TLS_RECORD octets.
 */
#define TLS_RECORD	16384
ssize_t		 tls_read(struct tls *, void *, size_t);
ssize_t		 tls_write(struct tls *, const void *, size_t);
/* Did tls_read find EAGAIN because it has something to write first? */
int		 tls_read_wants_write(const struct tls *);
/* close_notify, if there is room for it. */
void		 tls_close(struct tls *);
/* What went wrong, in words; there until tls_free. */
const char	*tls_why(const struct tls *);
/* The peer did not want it: no check of ours that failed. */
int		 tls_refused(const struct tls *);
/* Version and cipher. */
const char	*tls_text(struct tls *, char *, size_t);
/*
 * Is the peer's certificate, checked by now, for this name?  0: no, with
 * its subject in buf, or an empty text when there is none.
 */
int		 tls_peer_named(struct tls *, const char *, char *, size_t);

/*
 * Within a handshake: mtad's signature with the key of a certificate, at
 * most size octets to sig.  -1: there is none.
 */
int		 tls_sign(uint32_t certificate, uint16_t scheme,
		    const void *, size_t, uint8_t *sig, size_t *siglen,
		    size_t size);

#endif
