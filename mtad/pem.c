/* SPDX-License-Identifier: ISC */

/*
 * Certificates and keys that mtad.conf names, read while it is read: a file
 * that cannot be had, a key that others can read or that belongs to another
 * certificate is a mistake of the configuration, told with its place there.
 *
 * Certificates are encoded anew, so that nothing else that may stand in such
 * a file, least of all a key, goes on to rtsd.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "log.h"
#include "parse_int.h"

#define CHAIN_MAX	16	/* certificates of ours */
#define AUTHORITIES_MAX	1000
#define SECURITY_BITS	112
#define RSA_BITS_MIN	2048
#define RSA_BITS_MAX	8192	/* TLS_SIGNATURE_MAX */

static const char *
reason(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return (s == NULL ? "not in PEM form" : s);
}

/* A key is for its owner alone: not even a group is let in. */
static int
check_key_mode(const struct place *p, const char *file, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		conf_error(p, "key \"%s\": owned by user %u, root was "
		    "expected", file, st->st_uid);
		return (-1);
	}
	if (st->st_mode & (S_IRWXG | S_IRWXO)) {
		conf_error(p, "key \"%s\": mode %04o lets others than its "
		    "owner at it; 0600 or 0400 was expected", file,
		    st->st_mode & 07777);
		return (-1);
	}
	return (0);
}

/* The octets of a file, at most TLS_PEM_MAX; NULL after an error. */
static char *
slurp(const struct place *p, const char *what, const char *file, int secret,
    size_t *len)
{
	struct stat st;
	char *buf = NULL;
	ssize_t n = 0;
	int fd;

	if (file[0] != '/' || strlen(file) >= PATH_MAX) {
		conf_error(p, "%s \"%.80s\": a path that begins with / was "
		    "expected", what, file);
		return (NULL);
	}
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &st) == -1) {
		conf_error(p, "%s \"%s\": %s", what, file, strerror(errno));
		if (fd != -1)
			close(fd);
		return (NULL);
	}
	if (!S_ISREG(st.st_mode) || st.st_size > TLS_PEM_MAX)
		conf_error(p, "%s \"%s\": a file of at most %u KB was "
		    "expected", what, file, TLS_PEM_MAX / 1024);
	else if (!secret || check_key_mode(p, file, &st) == 0) {
		if ((buf = malloc(TLS_PEM_MAX)) == NULL)
			fatalx("out of memory");
		for (*len = 0; *len < TLS_PEM_MAX && (n = read(fd, buf + *len,
		    TLS_PEM_MAX - *len)) > 0; *len += n)
			;
		if (n == -1) {
			conf_error(p, "%s \"%s\": %s", what, file,
			    strerror(errno));
			free(buf);
			buf = NULL;
		}
	}
	close(fd);
	return (buf);
}

/*
 * As rtsd is going to judge it: 112 bits of security, RFC 9325 clause 4.5,
 * in the key and, but for one that is signed by itself, in the signature.
 */
static int
check_strength(const struct place *p, const char *file, X509 *x, int n)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int bits;

	if (key == NULL || EVP_PKEY_get_security_bits(key) < SECURITY_BITS) {
		conf_error(p, "certificate \"%s\": certificate %d: its key is "
		    "too short, or of a kind that is not known", file, n);
		return (-1);
	}
	if (!(X509_get_extension_flags(x) & EXFLAG_SS) &&
	    X509_get_signature_info(x, NULL, NULL, &bits, NULL) == 1 &&
	    bits < SECURITY_BITS) {
		conf_error(p, "certificate \"%s\": certificate %d: signed "
		    "with a digest that is too weak, SHA-256 was expected",
		    file, n);
		return (-1);
	}
	return (0);
}

/*
 * All certificates of a file, into out as they are passed on; the first of
 * them, the caller's to free, or NULL after an error.
 */
static X509 *
certificates(const struct place *p, const char *what, const char *file,
    int max, int ours, BIO *out)
{
	X509 *first = NULL, *x;
	size_t len;
	char *buf;
	BIO *in;
	int n = 0, bad, weak = 0;

	if ((buf = slurp(p, what, file, 0, &len)) == NULL)
		return (NULL);
	if ((in = BIO_new_mem_buf(buf, len)) == NULL)
		fatalx("out of memory");
	ERR_clear_error();
	while (n <= max && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) !=
	    NULL) {
		n++;
		if (ours && !weak)
			weak = check_strength(p, file, x, n) == -1;
		if (PEM_write_bio_X509(out, x) != 1)
			fatalx("out of memory");
		if (first == NULL)
			first = x;
		else
			X509_free(x);
	}
	BIO_free(in);
	free(buf);
	bad = n > max || ERR_GET_REASON(ERR_peek_last_error()) !=
	    PEM_R_NO_START_LINE;
	if (n > max)
		conf_error(p, "%s \"%s\": at most %d certificates were "
		    "expected", what, file, max);
	else if (bad)
		conf_error(p, "%s \"%s\": certificate %d: %s", what, file,
		    n + 1, reason());
	else if (n == 0)
		conf_error(p, "%s \"%s\": holds no certificate in PEM form",
		    what, file);
	ERR_clear_error();
	if ((bad || weak) && first != NULL) {
		X509_free(first);
		first = NULL;
	}
	return (first);
}

/* A key with a passphrase is of no use to a daemon: nobody is there. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	*(int *)arg = 1;
	return (-1);
}

static EVP_PKEY *
private_key(const struct place *p, const char *file)
{
	EVP_PKEY *key;
	size_t len;
	char *buf;
	BIO *in;
	int asked = 0;

	if ((buf = slurp(p, "key", file, 1, &len)) == NULL)
		return (NULL);
	if ((in = BIO_new_mem_buf(buf, len)) == NULL)
		fatalx("out of memory");
	ERR_clear_error();
	key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &asked);
	BIO_free(in);
	explicit_bzero(buf, len);
	free(buf);
	if (key == NULL && asked)
		conf_error(p, "key \"%s\": has a passphrase; one without was "
		    "expected", file);
	else if (key == NULL)
		conf_error(p, "key \"%s\": holds no private key in PEM form",
		    file);
	ERR_clear_error();
	return (key);
}

/* What sign.c can sign with, and what is strong enough for others. */
static int
check_key(const struct place *p, const char *file, EVP_PKEY *key)
{
	char group[32] = "";
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA")) {
		if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
			return (0);
		conf_error(p, "key \"%s\": RSA of %d bits; %d to %d were "
		    "expected", file, bits, RSA_BITS_MIN, RSA_BITS_MAX);
		return (-1);
	}
	if (EVP_PKEY_is_a(key, "ED25519"))
		return (0);
	if (EVP_PKEY_is_a(key, "EC")) {
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
		if (strcmp(group, "prime256v1") == 0 ||
		    strcmp(group, "secp384r1") == 0 ||
		    strcmp(group, "secp521r1") == 0)
			return (0);
	}
	conf_error(p, "key \"%s\": RSA, ECDSA on P-256, P-384 or P-521, or "
	    "Ed25519 was expected", file);
	return (-1);
}

/* Peers will refuse it: worth a word, and no reason not to run. */
static void
warn_if_expired(const struct place *p, const char *file, const X509 *x)
{
	if (conf_error_hook != NULL)
		return;
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		log_warnx(EVT_CERTIFICATE, ": %.300s:%u:%u: certificate \"%s\" "
		    "has expired", p->file, p->line, p->column, file);
	else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		log_warnx(EVT_CERTIFICATE, ": %.300s:%u:%u: certificate \"%s\" "
		    "is not valid yet", p->file, p->line, p->column, file);
}

void
pem_free(struct conf_pem *e)
{
	EVP_PKEY_free(e->key);
	free(e->pem);
	free(e);
}

void
conf_forget_keys(struct conf *c)
{
	struct conf_pem *e;

	TAILQ_FOREACH(e, &c->pems, entry) {
		EVP_PKEY_free(e->key);
		e->key = NULL;
	}
}

static struct conf_pem *
known(const char *file, const char *key_file)
{
	struct conf_pem *e;

	TAILQ_FOREACH(e, &conf_now->pems, entry)
		if (strcmp(e->file, file) == 0 &&
		    strcmp(e->key_file, key_file) == 0)
			return (e);
	return (NULL);
}

/* Takes what out holds; key is its own from then on.  The number. */
static uint32_t
add(const struct place *p, const char *file, const char *key_file,
    EVP_PKEY *key, BIO *out)
{
	static uint32_t last;
	struct conf_pem *e;
	char *pem;
	long len;

	if ((len = BIO_get_mem_data(out, &pem)) <= 0 || len > TLS_PEM_MAX) {
		conf_error(p, "\"%s\": more than %u KB of certificates", file,
		    TLS_PEM_MAX / 1024);
		EVP_PKEY_free(key);
		return (0);
	}
	if ((e = calloc(1, sizeof(*e))) == NULL ||
	    (e->pem = malloc(len)) == NULL)
		fatalx("out of memory");
	memcpy(e->pem, pem, len);
	e->len = len;
	e->key = key;
	e->id = ++last;
	strlcpy(e->file, file, sizeof(e->file));
	strlcpy(e->key_file, key_file, sizeof(e->key_file));
	TAILQ_INSERT_TAIL(&conf_now->pems, e, entry);
	return (e->id);
}

static BIO *
memory(void)
{
	BIO *b;

	/* Nothing of the configuration of OpenSSL is to change ours. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if ((b = BIO_new(BIO_s_mem())) == NULL)
		fatalx("out of memory");
	return (b);
}

uint32_t
tls_certificate(const struct place *p, const char *file,
    const struct place *pk, const char *key_file)
{
	struct conf_pem *e;
	EVP_PKEY *key = NULL;
	X509 *x;
	BIO *out;
	uint32_t id = 0;

	if ((e = known(file, key_file)) != NULL)
		return (e->id);
	out = memory();
	x = certificates(p, "certificate", file, CHAIN_MAX, 1, out);
	if ((key = private_key(pk, key_file)) != NULL && x != NULL &&
	    check_key(pk, key_file, key) == 0) {
		if (X509_check_private_key(x, key) != 1) {
			conf_error(pk, "key \"%s\": is not the key of "
			    "certificate \"%s\"", key_file, file);
			ERR_clear_error();
		} else {
			warn_if_expired(p, file, x);
			id = add(p, file, key_file, key, out);
			key = NULL;
		}
	}
	EVP_PKEY_free(key);
	X509_free(x);
	BIO_free(out);
	return (id);
}

uint32_t
tls_authorities(const struct place *p, const char *file)
{
	struct conf_pem *e;
	X509 *x;
	BIO *out;
	uint32_t id = 0;

	if ((e = known(file, "")) != NULL)
		return (e->id);
	out = memory();
	if ((x = certificates(p, "ca", file, AUTHORITIES_MAX, 0,
	    out)) != NULL) {
		X509_free(x);
		id = add(p, file, "", NULL, out);
	}
	BIO_free(out);
	return (id);
}
