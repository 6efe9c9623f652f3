/* SPDX-License-Identifier: ISC */

/*
 * Signatures on behalf of rtsd: what fits a key is signed, and the public
 * key says so; everything else gets an empty answer, and what cannot be a
 * request ends the channel.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "log.h"
#include "parent.h"

struct event_base	*base;
struct conf		*conf;

static struct conf	 configuration;
static struct conf_pem	 rsa, ec, ed, authority;
static struct imsgbuf	 us;
static uint8_t		 tbs[TLS_TBS_MAX + 1];
static uint8_t		 sig[TLS_SIGNATURE_MAX];

/* Of children.c: the end of the channel that is rtsd's. */
void
child_send(enum role r, uint32_t type, uint32_t id, int fd, const void *p,
    size_t len)
{
	assert_int_equal(r, CHILD_RTSD);
	assert_int_equal(type, IMSG_TLS_CHANNEL);
	assert_int_equal(imsgbuf_init(&us, dup(fd)), 0);
	evutil_make_socket_nonblocking(us.fd);
}

static void
add(struct conf_pem *e, uint32_t id, EVP_PKEY *key)
{
	e->id = id;
	e->key = key;
	TAILQ_INSERT_TAIL(&configuration.pems, e, entry);
}

static int
setup(void **state)
{
	size_t	i;

	log_init("test", 1, 0);
	conf = &configuration;
	TAILQ_INIT(&conf->pems);
	add(&rsa, 1, EVP_RSA_gen(2048));
	add(&ec, 2, EVP_EC_gen("P-256"));
	add(&ed, 3, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	add(&authority, 4, NULL);
	for (i = 0; i < sizeof(tbs); i++)
		tbs[i] = i;
	base = event_base_new();
	assert_non_null(base);
	return (0);
}

static int
teardown(void **state)
{
	EVP_PKEY_free(rsa.key);
	EVP_PKEY_free(ec.key);
	EVP_PKEY_free(ed.key);
	event_base_free(base);
	return (0);
}

static int
open_channel(void **state)
{
	sign_open();
	return (0);
}

static int
close_channel(void **state)
{
	int	fd = us.fd;

	imsgbuf_clear(&us);
	close(fd);
	sign_close();
	return (0);
}

/* Octets of the answer, or -1 when the channel was closed. */
static ssize_t
answer(uint32_t id)
{
	struct imsg	imsg;
	struct ibuf	b;
	size_t		len;
	int		n;

	while ((n = imsgbuf_get(&us, &imsg)) == 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (imsgbuf_read(&us) != 1)
			return (-1);
	}
	assert_int_equal(n, 1);
	assert_int_equal(imsg_get_type(&imsg), IMSG_TLS_SIGNATURE);
	assert_int_equal(imsg_get_id(&imsg), id);
	len = imsg_get_len(&imsg);
	assert_true(len <= sizeof(sig));
	if (len > 0) {
		assert_int_equal(imsg_get_ibuf(&imsg, &b), 0);
		memcpy(sig, ibuf_data(&b), len);
	}
	imsg_free(&imsg);
	return (len);
}

static ssize_t
ask(uint32_t certificate, uint16_t scheme, uint16_t len)
{
	static uint32_t	id;
	struct tls_sign	req;
	struct iovec	iov[2] = { { &req, sizeof(req) }, { tbs, len } };

	memset(&req, 0, sizeof(req));
	req.certificate = certificate;
	req.scheme = scheme;
	req.len = len;
	assert_int_equal(imsg_composev(&us, IMSG_TLS_SIGN, ++id, 0, -1, iov,
	    2), 1);
	assert_int_equal(imsgbuf_flush(&us), 0);
	return (answer(id));
}

static void
verify(EVP_PKEY *key, const char *digest, int pss, size_t len, ssize_t n)
{
	EVP_PKEY_CTX	*ctx;
	EVP_MD_CTX	*md;

	assert_true(n > 0);
	if (digest == NULL) {
		md = EVP_MD_CTX_new();
		assert_int_equal(EVP_DigestVerifyInit(md, NULL, NULL, NULL,
		    key), 1);
		assert_int_equal(EVP_DigestVerify(md, sig, n, tbs, len), 1);
		EVP_MD_CTX_free(md);
		return;
	}
	ctx = EVP_PKEY_CTX_new(key, NULL);
	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx,
	    EVP_get_digestbyname(digest)), 1);
	if (pss) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
		    RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_PKEY_verify(ctx, sig, n, tbs, len), 1);
	EVP_PKEY_CTX_free(ctx);
}

static void
test_schemes(void **state)
{
	verify(rsa.key, "SHA256", 0, 32, ask(1, 0x0401, 32));
	verify(rsa.key, "SHA384", 0, 48, ask(1, 0x0501, 48));
	verify(rsa.key, "SHA512", 0, 64, ask(1, 0x0601, 64));
	verify(rsa.key, "SHA256", 1, 32, ask(1, 0x0804, 32));
	verify(rsa.key, "SHA384", 1, 48, ask(1, 0x0805, 48));
	verify(rsa.key, "SHA512", 1, 64, ask(1, 0x0806, 64));
	verify(ec.key, "SHA256", 0, 32, ask(2, 0x0403, 32));
	verify(ec.key, "SHA384", 0, 48, ask(2, 0x0503, 48));
	verify(ec.key, "SHA512", 0, 64, ask(2, 0x0603, 64));
	verify(ed.key, NULL, 0, 146, ask(3, 0x0807, 146));
	verify(ed.key, NULL, 0, TLS_TBS_MAX, ask(3, 0x0807, TLS_TBS_MAX));
}

/* No key, an authority, another kind, another length, SHA-1, PSS keys. */
static void
test_refused(void **state)
{
	assert_int_equal(ask(0, 0x0401, 32), 0);
	assert_int_equal(ask(5, 0x0401, 32), 0);
	assert_int_equal(ask(4, 0x0401, 32), 0);
	assert_int_equal(ask(1, 0x0403, 32), 0);
	assert_int_equal(ask(2, 0x0401, 32), 0);
	assert_int_equal(ask(3, 0x0403, 32), 0);
	assert_int_equal(ask(1, 0x0807, 32), 0);
	assert_int_equal(ask(1, 0x0401, 31), 0);
	assert_int_equal(ask(1, 0x0401, 48), 0);
	assert_int_equal(ask(1, 0x0804, 256), 0);
	assert_int_equal(ask(1, 0x0201, 20), 0);
	assert_int_equal(ask(1, 0x0809, 32), 0);
	assert_int_equal(ask(1, 0, 32), 0);
	assert_int_equal(ask(1, 0xffff, 32), 0);
	/* and it goes on */
	verify(ec.key, "SHA256", 0, 32, ask(2, 0x0403, 32));
}

static void
raw(uint32_t type, const void *p, size_t len)
{
	assert_int_equal(imsg_compose(&us, type, 1, 0, -1, p, len), 1);
	assert_int_equal(imsgbuf_flush(&us), 0);
	assert_int_equal(answer(1), -1);
	close_channel(NULL);
	open_channel(NULL);
}

static void
test_hostile(void **state)
{
	struct tls_sign	req = { 1, 0x0401, 32 };
	uint8_t		buf[sizeof(req) + TLS_TBS_MAX + 1];

	memset(buf, 0, sizeof(buf));
	memcpy(buf, &req, sizeof(req));
	raw(IMSG_TLS_SIGN, NULL, 0);
	raw(IMSG_TLS_SIGN, buf, sizeof(req) - 1);
	raw(IMSG_TLS_SIGN, buf, sizeof(req));
	raw(IMSG_TLS_SIGN, buf, sizeof(req) + 31);
	raw(IMSG_TLS_SIGN, buf, sizeof(req) + 33);
	raw(IMSG_TLS_SIGNATURE, buf, sizeof(req) + 32);
	raw(IMSG_CONNECT, buf, sizeof(req) + 32);
	req.len = 0;
	memcpy(buf, &req, sizeof(req));
	raw(IMSG_TLS_SIGN, buf, sizeof(req));
	req.len = TLS_TBS_MAX + 1;
	memcpy(buf, &req, sizeof(req));
	raw(IMSG_TLS_SIGN, buf, sizeof(buf));
	verify(ec.key, "SHA256", 0, 32, ask(2, 0x0403, 32));
}

/* Who asks and does not take the answers is not served for ever. */
static void
test_flood(void **state)
{
	struct tls_sign	req = { 2, 0x0403, 32 };
	uint8_t		buf[sizeof(req) + 32];
	unsigned	i, n = 5000;

	memcpy(buf, &req, sizeof(req));
	memcpy(buf + sizeof(req), tbs, 32);
	for (i = 0; i < n; i++) {
		imsg_compose(&us, IMSG_TLS_SIGN, i, 0, -1, buf, sizeof(buf));
		if (i % 100 == 0) {
			imsgbuf_write(&us);
			event_base_loop(base, EVLOOP_NONBLOCK);
		}
	}
	/* then all are there after all, in their order */
	for (i = 0; i < n; i++) {
		imsgbuf_write(&us);
		event_base_loop(base, EVLOOP_NONBLOCK);
		assert_true(answer(i) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_schemes, open_channel,
		    close_channel),
		cmocka_unit_test_setup_teardown(test_refused, open_channel,
		    close_channel),
		cmocka_unit_test_setup_teardown(test_hostile, open_channel,
		    close_channel),
		cmocka_unit_test_setup_teardown(test_flood, open_channel,
		    close_channel),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
