/* SPDX-License-Identifier: ISC */

/*
 * TLS by OpenSSL (RFC 5246, RFC 8446); see tls.h.
 *
 * The handshake runs as an OpenSSL job on a stack of its own
 * (ASYNC_start_job(3)), which pauses in tls_sign() until mtad has answered.
 * Where the system has no such jobs the process waits, for SIGN_TIME at
 * most; mtad answers within milliseconds.
 *
 * No record is read ahead, so that a descriptor that is readable says all
 * about what is to be read.
 */

#include <sys/queue.h>

#include <arpa/inet.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <openssl/async.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "imsgev.h"
#include "log.h"
#include "mtad.h"
#include "tls.h"
#include "tlskey.h"

#define SIGN_TIME	5		/* s that we stand still, see above */
#define CERTS_MAX	(64 * 1024)	/* octets of a peer's certificates */
#define DEPTH_MAX	8		/* authorities above its certificate */
#define SUBJECT_MAX	80

/* With forward secrecy and authentication, RFC 9325 4.2; 1.3 has no other. */
#define CIPHERS		"ECDHE+AESGCM:ECDHE+CHACHA20:!PSK:!SRP:!aNULL"
#define GROUPS		"X25519:P-256:P-384:P-521"
#define SIGALGS		"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:" \
	"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:" \
	"RSA+SHA384:RSA+SHA512"

struct tls_pem {
	struct tls_pem	*next;
	uint32_t	 id;
	size_t		 len;
	uint8_t		*octets;
};

struct tls_ctx {
	struct tls_ctx	*next;
	SSL_CTX		*ssl;
	int		 client, verify;
	uint32_t	 certificate, ca;
};

struct tls {
	TAILQ_ENTRY(tls)  entry;	/* waiting, while signing */
	SSL		*ssl;
	int		 client;
	void		(*resume)(void *);
	void		*arg;
	uint32_t	 sign_id;
	int		 signing;
	int		 no_signature;	/* mtad gave none */
	int		 broken;	/* nothing more can be written */
	uint8_t		 answer[TLS_SIGNATURE_MAX];
	size_t		 answer_len;
	char		 host[TLS_NAME_MAX];	/* client: who it has to be */
	char		 bad[400];	/* what is wrong with a certificate */
	char		 why[512];
};

static TAILQ_HEAD(, tls) waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct imsgev	 channel = { .fd = -1 };
static struct tls	*running;	/* whose handshake we are in */
static uint32_t		 last_sign;
static int		 ex_data;	/* of an SSL: its struct tls */

int
tls_init(void)
{
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
	    NULL) != 1 || tlskey_init() == -1 || RAND_status() != 1)
		return (-1);
	return ((ex_data = SSL_get_ex_new_index(0, NULL, NULL, NULL,
	    NULL)) == -1 ? -1 : 0);
}

void
tls_end(void)
{
	imsgev_free(&channel);
	tlskey_end();
}

/* Signatures */

static struct tls *
find_waiting(uint32_t id)
{
	struct tls *t;

	TAILQ_FOREACH(t, &waiting, entry)
		if (t->sign_id == id)
			return (t);
	return (NULL);
}

/* Its connection may be gone by now.  The one that was waiting, or NULL. */
static struct tls *
take_answer(struct imsg *imsg)
{
	struct tls *t;
	struct ibuf b;
	size_t len = imsg_get_len(imsg);

	if (imsg_get_type(imsg) != IMSG_TLS_SIGNATURE ||
	    len > TLS_SIGNATURE_MAX)
		fatalx("bad imsg %u on the channel for signatures",
		    imsg_get_type(imsg));
	if ((t = find_waiting(imsg_get_id(imsg))) == NULL)
		return (NULL);
	if (len > 0 && imsg_get_ibuf(imsg, &b) == 0)
		memcpy(t->answer, ibuf_data(&b), len);
	t->answer_len = len;
	t->signing = 0;
	TAILQ_REMOVE(&waiting, t, entry);
	return (t);
}

static void
channel_imsg(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	struct tls *t;

	if ((t = take_answer(imsg)) != NULL)
		t->resume(t->arg);
}

/* mtad is gone, or gave us up. */
static void
channel_closed(struct imsgev *iev, const char *why, void *arg)
{
	_exit(1);
}

int
tls_channel(struct event_base *base, int fd)
{
	imsgev_free(&channel);
	return (imsgev_init(&channel, base, fd, channel_imsg, channel_closed,
	    NULL, NULL, NULL));
}

/* Without jobs: until the answer is there, or time is over. */
static void
stand_still(struct tls *t)
{
	struct pollfd pfd = { channel.fd, POLLIN, 0 };
	struct imsg imsg;
	int n;

	imsgev_flush(&channel);
	while (t->signing) {
		if (poll(&pfd, 1, SIGN_TIME * 1000) != 1)
			break;
		if (imsgbuf_read(&channel.ibuf) != 1)
			break;
		while ((n = imsgbuf_get(&channel.ibuf, &imsg)) == 1) {
			take_answer(&imsg);
			imsg_free(&imsg);
		}
		if (n == -1)
			break;
	}
	if (t->signing) {
		t->signing = 0;
		TAILQ_REMOVE(&waiting, t, entry);
	}
}

int
tls_sign(uint32_t certificate, uint16_t scheme, const void *p, size_t len,
    uint8_t *sig, size_t *siglen, size_t size)
{
	struct tls *t = running;
	struct tls_sign req;
	struct iovec iov[2];

	if (t == NULL || t->signing || len == 0 || len > TLS_TBS_MAX)
		return (-1);
	memset(&req, 0, sizeof(req));
	req.certificate = certificate;
	req.scheme = scheme;
	req.len = len;
	iov[0].iov_base = &req;
	iov[0].iov_len = sizeof(req);
	iov[1].iov_base = (void *)(uintptr_t)p;
	iov[1].iov_len = len;
	t->sign_id = ++last_sign;
	t->answer_len = 0;
	if (imsgev_composev(&channel, IMSG_TLS_SIGN, t->sign_id, 0, -1, iov,
	    2) == -1) {
		t->no_signature = 1;
		return (-1);
	}
	t->signing = 1;
	TAILQ_INSERT_TAIL(&waiting, t, entry);
	if (ASYNC_get_current_job() == NULL)
		stand_still(t);
	else
		while (t->signing && ASYNC_pause_job() == 1)
			;
	if (t->answer_len == 0 || t->answer_len > size) {
		t->no_signature = 1;
		return (-1);
	}
	memcpy(sig, t->answer, t->answer_len);
	*siglen = t->answer_len;
	return (0);
}

/* Certificates */

int
tls_pem_add(struct tls_pem **list, uint32_t id, const void *p, size_t len)
{
	struct tls_pem *e;
	uint8_t *octets;

	if ((e = *list) == NULL || e->id != id) {
		if ((e = calloc(1, sizeof(*e))) == NULL)
			return (-1);
		e->id = id;
		e->next = *list;
		*list = e;
	}
	if (len > TLS_PEM_MAX - e->len ||
	    (octets = realloc(e->octets, e->len + len)) == NULL)
		return (-1);
	memcpy(octets + e->len, p, len);
	e->octets = octets;
	e->len += len;
	return (0);
}

void
tls_pem_free(struct tls_pem *e)
{
	struct tls_pem *next;

	for (; e != NULL; e = next) {
		next = e->next;
		free(e->octets);
		free(e);
	}
}

static BIO *
pem_bio(struct tls_pem *e, uint32_t id)
{
	for (; e != NULL; e = e->next)
		if (e->id == id)
			return (BIO_new_mem_buf(e->octets, e->len));
	return (NULL);
}

/* Ours: the certificate, those above it, and the key that is with mtad. */
static int
use_certificate(SSL_CTX *ssl, struct tls_pem *pems, uint32_t id)
{
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	BIO *b;
	int ret = -1;

	if ((b = pem_bio(pems, id)) == NULL)
		return (-1);
	if ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) == NULL ||
	    SSL_CTX_use_certificate(ssl, x) != 1 ||
	    (key = tlskey_new(X509_get0_pubkey(x), id)) == NULL ||
	    SSL_CTX_use_PrivateKey(ssl, key) != 1)
		goto done;
	X509_free(x);
	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		if (SSL_CTX_add_extra_chain_cert(ssl, x) != 1)
			goto done;
	ret = 0;
done:
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(b);
	return (ret);
}

/* Those that may have signed the peer's; a client is told their names. */
static int
use_authorities(SSL_CTX *ssl, struct tls_pem *pems, uint32_t id, int client)
{
	X509 *x;
	BIO *b;
	int ret = 0;

	if ((b = pem_bio(pems, id)) == NULL)
		return (-1);
	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), x) != 1 ||
		    (!client && SSL_CTX_add_client_CA(ssl, x) != 1))
			ret = -1;
		X509_free(x);
	}
	BIO_free(b);
	return (ret);
}

static void
subject_text(X509 *x, char *buf, size_t size)
{
	char name[SUBJECT_MAX];

	if (X509_NAME_oneline(X509_get_subject_name(x), name,
	    sizeof(name)) == NULL)
		name[0] = '\0';
	strlcpy(buf, log_octets(name, strlen(name)), size);
}

/* The first check that fails, in words. */
static int
verify_cb(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_ex_data(ssl, ex_data);
	X509 *x = X509_STORE_CTX_get_current_cert(store);
	int depth = X509_STORE_CTX_get_error_depth(store);
	char subject[SUBJECT_MAX + 8] = "";

	if (ok || t->bad[0] != '\0')
		return (ok);
	if (x != NULL)
		subject_text(x, subject, sizeof(subject));
	switch (X509_STORE_CTX_get_error(store)) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		snprintf(t->bad, sizeof(t->bad), "its certificate \"%s\" is "
		    "not for \"%s\"", subject, t->host);
		break;
	default:
		snprintf(t->bad, sizeof(t->bad), "%s \"%s\" is not accepted: "
		    "%s", depth == 0 ? "its certificate" : "the authority",
		    subject, X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(store)));
		break;
	}
	return (0);
}

static int
set_up(struct tls_ctx *c, struct tls_pem *pems, const char **why)
{
	SSL_CTX *ssl = c->ssl;
	int mode = SSL_VERIFY_NONE;

	*why = "OpenSSL does not take its settings";
	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
	    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_SINGLE_ECDH_USE);
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ssl, CERTS_MAX);
	SSL_CTX_set_verify_depth(ssl, DEPTH_MAX);
	SSL_CTX_set_read_ahead(ssl, 0);
	SSL_CTX_set_security_level(ssl, 2);
	if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ssl, 0) != 1 ||
	    SSL_CTX_set_cipher_list(ssl, CIPHERS) != 1 ||
	    SSL_CTX_set1_groups_list(ssl, GROUPS) != 1 ||
	    SSL_CTX_set1_sigalgs_list(ssl, SIGALGS) != 1 ||
	    SSL_CTX_set1_client_sigalgs_list(ssl, SIGALGS) != 1)
		return (-1);
	*why = "our certificate cannot be used";
	if (c->certificate != 0 &&
	    use_certificate(ssl, pems, c->certificate) == -1)
		return (-1);
	*why = "the authorities cannot be used";
	if (c->ca != 0) {
		if (use_authorities(ssl, pems, c->ca, c->client) == -1)
			return (-1);
		mode = SSL_VERIFY_PEER;
		if (c->verify && !c->client)
			mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	}
	/* Where nothing is checked a check that fails is not the reason. */
	SSL_CTX_set_verify(ssl, mode, mode == SSL_VERIFY_NONE ? NULL :
	    verify_cb);
	return (0);
}

struct tls_ctx *
tls_ctx_get(struct tls_ctx **list, struct tls_pem *pems, int client,
    uint32_t certificate, uint32_t ca, int verify, const char **why)
{
	struct tls_ctx *c;

	for (c = *list; c != NULL; c = c->next)
		if (c->client == client && c->certificate == certificate &&
		    c->ca == ca && c->verify == verify)
			return (c);
	*why = "out of memory";
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->client = client;
	c->certificate = certificate;
	c->ca = ca;
	c->verify = verify;
	ERR_clear_error();
	if ((c->ssl = SSL_CTX_new(client ? TLS_client_method() :
	    TLS_server_method())) == NULL || set_up(c, pems, why) == -1) {
		SSL_CTX_free(c->ssl);
		free(c);
		return (NULL);
	}
	ERR_clear_error();
	c->next = *list;
	*list = c;
	return (c);
}

void
tls_ctx_free(struct tls_ctx *c)
{
	struct tls_ctx *next;

	for (; c != NULL; c = next) {
		next = c->next;
		SSL_CTX_free(c->ssl);
		free(c);
	}
}

/* Connections */

static int
is_address(const char *host)
{
	uint8_t buf[sizeof(struct in6_addr)];

	return (inet_pton(AF_INET, host, buf) == 1 ||
	    inet_pton(AF_INET6, host, buf) == 1);
}

/* Who the server has to be, and what it is told that it is called. */
static int
set_host(SSL *ssl, char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (is_address(host))
		return (X509_VERIFY_PARAM_set1_ip_asc(param, host));
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return (X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
	    SSL_set_tlsext_host_name(ssl, host) == 1);
}

struct tls *
tls_new(struct tls_ctx *c, int fd, const char *host, void (*resume)(void *),
    void *arg)
{
	struct tls *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->client = c->client;
	t->resume = resume;
	t->arg = arg;
	if (host != NULL)
		strlcpy(t->host, host, sizeof(t->host));
	if ((t->ssl = SSL_new(c->ssl)) == NULL ||
	    SSL_set_fd(t->ssl, fd) != 1 ||
	    SSL_set_ex_data(t->ssl, ex_data, t) != 1 ||
	    (c->client && set_host(t->ssl, t->host) != 1)) {
		ERR_clear_error();
		SSL_free(t->ssl);
		free(t);
		return (NULL);
	}
	if (ASYNC_is_capable())
		SSL_set_mode(t->ssl, SSL_MODE_ASYNC);
	if (c->client)
		SSL_set_connect_state(t->ssl);
	else
		SSL_set_accept_state(t->ssl);
	return (t);
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->signing) {
		/* A job that is left alone keeps its stack: it has to end. */
		t->signing = 0;
		t->answer_len = 0;
		TAILQ_REMOVE(&waiting, t, entry);
		running = t;
		SSL_do_handshake(t->ssl);
		running = NULL;
	}
	SSL_free(t->ssl);
	ERR_clear_error();
	free(t);
}

/* The words for what OpenSSL has put on its queue, or errno holds. */
static void
set_why(struct tls *t, int error, const char *when)
{
	int e = errno;
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) :
	    0;

	if (t->broken)
		return;		/* what went wrong first counts */
	t->broken = 1;
	if (t->no_signature)
		snprintf(t->why, sizeof(t->why), "%s: mtad did not sign with "
		    "our key", when);
	else if (t->bad[0] != '\0')
		snprintf(t->why, sizeof(t->why), "%s: %s", when, t->bad);
	else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING ||
	    (error == SSL_ERROR_SYSCALL && code == 0 && e == 0))
		snprintf(t->why, sizeof(t->why), "%s: connection closed by "
		    "the peer, without notice", when);
	else if (error == SSL_ERROR_ZERO_RETURN)
		snprintf(t->why, sizeof(t->why), "%s: connection closed by "
		    "the peer", when);
	else if (error == SSL_ERROR_SYSCALL)
		snprintf(t->why, sizeof(t->why), "%s: %s", when,
		    e == 0 ? "connection lost" : strerror(e));
	else if (reason > SSL_AD_REASON_OFFSET)
		snprintf(t->why, sizeof(t->why), "%s: the peer says \"%s\"",
		    when, SSL_alert_desc_string_long(reason -
		    SSL_AD_REASON_OFFSET));
	else if (reason == SSL_R_WRONG_VERSION_NUMBER ||
	    reason == SSL_R_HTTP_REQUEST || reason ==
	    SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_BAD_RECORD_TYPE ||
	    reason == SSL_R_RECORD_LENGTH_MISMATCH)
		snprintf(t->why, sizeof(t->why), "%s: what came from the peer "
		    "is not TLS", when);
	else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		snprintf(t->why, sizeof(t->why), "%s: the peer shows no "
		    "certificate, and one is required", when);
	else
		snprintf(t->why, sizeof(t->why), "%s: %s", when, code == 0 ?
		    "failed" : ERR_reason_error_string(code));
	ERR_clear_error();
}

enum tls_status
tls_handshake(struct tls *t)
{
	int ret, error;

	ERR_clear_error();
	errno = 0;
	running = t;
	ret = SSL_do_handshake(t->ssl);
	running = NULL;
	if (ret == 1) {
		/* From here on there is nothing to be signed. */
		SSL_clear_mode(t->ssl, SSL_MODE_ASYNC);
		return (TLS_DONE);
	}
	switch (error = SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return (TLS_WANT_READ);
	case SSL_ERROR_WANT_WRITE:
		return (TLS_WANT_WRITE);
	case SSL_ERROR_WANT_ASYNC:
		return (TLS_WANT_SIGNATURE);
	}
	set_why(t, error, "TLS handshake");
	return (TLS_FAILED);
}

static ssize_t
result(struct tls *t, int ret, int at_end)
{
	int error;

	if (ret > 0)
		return (ret);
	switch (error = SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return (-1);
	case SSL_ERROR_ZERO_RETURN:
		if (at_end == 0)
			return (0);
		break;
	}
	set_why(t, error, "TLS");
	errno = EPROTO;
	return (-1);
}

ssize_t
tls_read(struct tls *t, void *p, size_t size)
{
	if (t->broken) {
		errno = EPROTO;
		return (-1);
	}
	ERR_clear_error();
	errno = 0;
	return (result(t, SSL_read(t->ssl, p, size > INT32_MAX ? INT32_MAX :
	    size), 0));
}

/*
 * The connection takes nothing any more.  What the peer said before it went
 * tells more than that, and may still be there to be read.
 */
static void
last_words(struct tls *t)
{
	uint8_t buf[512];
	int e = errno, i, ret = 1;

	for (i = 0; ret > 0 && i < 128; i++) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_read(t->ssl, buf, sizeof(buf));
	}
	if (SSL_get_error(t->ssl, ret) == SSL_ERROR_SSL && ERR_GET_REASON(
	    ERR_peek_error()) > SSL_AD_REASON_OFFSET)
		set_why(t, SSL_ERROR_SSL, "TLS");
	ERR_clear_error();
	errno = e;
}

ssize_t
tls_write(struct tls *t, const void *p, size_t len)
{
	int ret;

	if (t->broken) {
		errno = EPROTO;
		return (-1);
	}
	ERR_clear_error();
	errno = 0;
	ret = SSL_write(t->ssl, p, len > TLS_RECORD ? TLS_RECORD : len);
	if (ret > 0 || SSL_get_error(t->ssl, ret) != SSL_ERROR_SYSCALL)
		return (result(t, ret, -1));
	last_words(t);
	set_why(t, SSL_ERROR_SYSCALL, "TLS");
	errno = EPROTO;
	return (-1);
}

int
tls_read_wants_write(const struct tls *t)
{
	return (SSL_want_write(t->ssl));
}

void
tls_close(struct tls *t)
{
	if (t->broken || !SSL_is_init_finished(t->ssl))
		return;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ERR_clear_error();
	t->broken = 1;
}

const char *
tls_why(const struct tls *t)
{
	return (t->why);
}

int
tls_refused(const struct tls *t)
{
	return (t->bad[0] == '\0' && !t->no_signature);
}

const char *
tls_text(struct tls *t, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s", SSL_get_version(t->ssl),
	    SSL_get_cipher_name(t->ssl));
	return (buf);
}

int
tls_peer_named(struct tls *t, const char *name, char *buf, size_t size)
{
	X509 *x;
	int ok;

	buf[0] = '\0';
	if ((x = SSL_get1_peer_certificate(t->ssl)) == NULL)
		return (0);
	ok = X509_check_host(x, name, 0, X509_CHECK_FLAG_NO_WILDCARDS,
	    NULL) == 1 || X509_check_ip_asc(x, name, 0) == 1;
	if (!ok)
		subject_text(x, buf, size);
	X509_free(x);
	ERR_clear_error();
	return (ok);
}
