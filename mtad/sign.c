/* SPDX-License-Identifier: ISC */

/*
 * Private keys, used on behalf of rtsd and never given to it.  On a channel
 * of its own rtsd asks for a signature: which certificate, which scheme, the
 * digest.  Nothing of it is parsed here; certificate, scheme and length have
 * to fit each other, and what comes back is a signature or nothing.
 *
 * Whoever takes over rtsd can have things signed as long as it holds it, and
 * has no key afterwards.  There is no decryption to ask for.
 */

#include <sys/socket.h>

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "imsg.h"
#include "log.h"
#include "mtad.h"
#include "parent.h"

#define PENDING_MAX	(64 * 1024)	/* octets of answers not yet taken */

/* RFC 8446 4.2.3; those with SHA-1 and those without a use are not here. */
static const struct scheme {
	uint16_t	 code;
	const char	*type;
	const char	*digest;	/* NULL: the scheme has its own */
	uint16_t	 len;
	uint8_t		 pss;
} schemes[] = {
	{ 0x0401, "RSA", "SHA256", 32, 0 },
	{ 0x0501, "RSA", "SHA384", 48, 0 },
	{ 0x0601, "RSA", "SHA512", 64, 0 },
	{ 0x0804, "RSA", "SHA256", 32, 1 },
	{ 0x0805, "RSA", "SHA384", 48, 1 },
	{ 0x0806, "RSA", "SHA512", 64, 1 },
	{ 0x0403, "EC", "SHA256", 32, 0 },
	{ 0x0503, "EC", "SHA384", 48, 0 },
	{ 0x0603, "EC", "SHA512", 64, 0 },
	{ 0x0807, "ED25519", NULL, 0, 0 },
};

static struct imsgev channel = { .fd = -1 };
static int paused;

static const struct scheme *
find_scheme(uint16_t code)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].code == code)
			return (&schemes[i]);
	return (NULL);
}

static int
sign_digest(EVP_PKEY *key, const struct scheme *s, const uint8_t *p,
    uint8_t *sig, size_t *len)
{
	EVP_PKEY_CTX *ctx;
	int ret = -1;

	if ((ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) == NULL)
		return (-1);
	if (EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_signature_md(ctx,
	    EVP_get_digestbyname(s->digest)) == 1 && (!s->pss ||
	    (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
	    1)) && EVP_PKEY_sign(ctx, sig, len, p, s->len) == 1)
		ret = 0;
	EVP_PKEY_CTX_free(ctx);
	return (ret);
}

static int
sign_whole(EVP_PKEY *key, const uint8_t *p, size_t plen, uint8_t *sig,
    size_t *len)
{
	EVP_MD_CTX *ctx;
	int ret = -1;

	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return (-1);
	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, len, p, plen) == 1)
		ret = 0;
	EVP_MD_CTX_free(ctx);
	return (ret);
}

/* Octets of the signature, 0 when there is to be none (said). */
static size_t
sign(const struct tls_sign *req, const uint8_t *p, uint8_t *sig, size_t size)
{
	const struct scheme *s = find_scheme(req->scheme);
	const struct conf_pem *e;
	size_t len = size;

	TAILQ_FOREACH(e, &conf->pems, entry)
		if (e->id == req->certificate && e->key != NULL)
			break;
	if (e == NULL) {
		log_info(EVT_SIGNATURE, ": certificate %u is no longer in the "
		    "configuration", req->certificate);
		return (0);
	}
	if (s == NULL || !EVP_PKEY_is_a(e->key, s->type) ||
	    (s->digest != NULL && req->len != s->len)) {
		log_warnx(EVT_SIGNATURE, ": rtsd asks for what does not fit key "
		    "\"%s\" (scheme %04x, %u octets)", e->key_file, req->scheme,
		    req->len);
		return (0);
	}
	if ((s->digest != NULL ? sign_digest(e->key, s, p, sig, &len) :
	    sign_whole(e->key, p, req->len, sig, &len)) == -1) {
		log_warnx(EVT_SIGNATURE, ": key \"%s\": %s", e->key_file,
		    ERR_reason_error_string(ERR_peek_last_error()));
		ERR_clear_error();
		return (0);
	}
	return (len);
}

static void
sign_imsg(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	uint8_t tbs[TLS_TBS_MAX], sig[TLS_SIGNATURE_MAX];
	struct tls_sign req;
	struct ibuf b;
	size_t len;

	if (imsg_get_type(imsg) != IMSG_TLS_SIGN ||
	    imsg_get_ibuf(imsg, &b) == -1 ||
	    ibuf_get(&b, &req, sizeof(req)) == -1 ||
	    req.len == 0 || req.len > sizeof(tbs) ||
	    ibuf_size(&b) != req.len || ibuf_get(&b, tbs, req.len) == -1) {
		log_warnx(EVT_IMSG_BAD, "process=rtsd imsg=%u: on the channel "
		    "for signatures", imsg_get_type(imsg));
		sign_close();
		return;
	}
	len = sign(&req, tbs, sig, sizeof(sig));
	imsgev_compose(iev, IMSG_TLS_SIGNATURE, imsg_get_id(imsg), 0, -1, sig,
	    len);
	/* Who does not take the answers gets no more of them. */
	if (imsgev_pending(iev) > PENDING_MAX && !paused) {
		paused = 1;
		imsgev_pause(iev);
	}
}

static void
channel_closed(struct imsgev *iev, const char *why, void *arg)
{
	sign_close();
}

static void
drained(struct imsgev *iev, void *arg)
{
	if (paused) {
		paused = 0;
		imsgev_resume(iev);
	}
}

void
sign_close(void)
{
	imsgev_free(&channel);
	paused = 0;
}

void
sign_open(void)
{
	int sv[2];

	sign_close();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		log_warn(EVT_SYSTEM, ": channel for signatures");
		return;
	}
	child_send(CHILD_RTSD, IMSG_TLS_CHANNEL, 0, sv[1], NULL, 0);
	close(sv[1]);
	if (imsgev_init(&channel, base, sv[0], sign_imsg, channel_closed,
	    drained, NULL, NULL) == -1)
		fatalx("out of memory");
}
