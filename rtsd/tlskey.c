/* SPDX-License-Identifier: ISC */

/*
 * See tlskey.h; provider-keymgmt(7) and provider-signature(7) say what each
 * function is for.  Everything about a key but its use is asked of its
 * public half, a key of the default provider.  Only EVP_DigestSign(3) is
 * there, the one thing that libssl does with a private key where the key
 * exchange is Diffie-Hellman: no decryption, no signing of what was hashed
 * before.
 */

#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "mtad.h"
#include "tls.h"
#include "tlskey.h"

#define PROVIDER	"mtad"
#define PROPERTIES	"provider=" PROVIDER
#define PARAM_NUMBER	"mtad-certificate"

enum kind { KIND_RSA, KIND_EC, KIND_ED25519 };

static OSSL_PROVIDER *usual, *ours;

static const char *const kinds[] = { "RSA", "EC", "ED25519" };

struct key {
	enum kind	 kind;
	uint32_t	 number;	/* 0: a public key, to compare with */
	EVP_PKEY	*pub;
};

struct sign_ctx {
	struct key	*key;		/* lives as long as its EVP_PKEY */
	const EVP_MD	*md;		/* NULL: Ed25519 */
	EVP_MD		*fetched;
	uint16_t	 scheme;	/* but for the padding of RSA */
	int		 pss;
};

/* Keys */

static void *
key_new(enum kind kind)
{
	struct key *k;

	if ((k = calloc(1, sizeof(*k))) != NULL)
		k->kind = kind;
	return (k);
}

static void *
rsa_new(void *prov)
{
	return (key_new(KIND_RSA));
}

static void *
ec_new(void *prov)
{
	return (key_new(KIND_EC));
}

static void *
ed25519_new(void *prov)
{
	return (key_new(KIND_ED25519));
}

static void
key_free(void *arg)
{
	struct key *k = arg;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->pub);
	free(k);
}

static int
key_has(const void *arg, int selection)
{
	const struct key *k = arg;

	if (k == NULL || k->pub == NULL)
		return (0);
	return (!(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) ||
	    k->number != 0);
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;

	return (x->pub != NULL && y->pub != NULL &&
	    EVP_PKEY_eq(x->pub, y->pub) == 1);
}

/* The public key as the default provider has it, and perhaps our number. */
static int
key_import(void *arg, int selection, const OSSL_PARAM params[])
{
	struct key *k = arg;
	const OSSL_PARAM *p;
	EVP_PKEY_CTX *ctx;
	int ok = 0;

	if ((p = OSSL_PARAM_locate_const(params, PARAM_NUMBER)) != NULL &&
	    OSSL_PARAM_get_uint32(p, &k->number) != 1)
		return (0);
	if ((ctx = EVP_PKEY_CTX_new_from_name(NULL, kinds[k->kind],
	    "provider=default")) == NULL)
		return (0);
	if (EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx,
	    &k->pub, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params)
	    == 1)
		ok = 1;
	EVP_PKEY_CTX_free(ctx);
	return (ok);
}

static const OSSL_PARAM *
key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_uint32(PARAM_NUMBER, NULL),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	return (types);
}

static int
key_get_params(void *arg, OSSL_PARAM params[])
{
	struct key *k = arg;

	return (k->pub != NULL && EVP_PKEY_get_params(k->pub, params) == 1);
}

static const OSSL_PARAM *
key_gettable_params(void *prov)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL,
		    0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL,
		    0),
		OSSL_PARAM_END
	};

	return (params);
}

static const char *
ec_operation(int operation)
{
	return (operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL);
}

/* Signatures */

static void *
sign_newctx(void *prov, const char *propq)
{
	return (calloc(1, sizeof(struct sign_ctx)));
}

static void
sign_freectx(void *arg)
{
	struct sign_ctx *s = arg;

	if (s == NULL)
		return;
	EVP_MD_free(s->fetched);
	free(s);
}

static int
sign_set_ctx_params(void *arg, const OSSL_PARAM params[])
{
	struct sign_ctx *s = arg;
	const OSSL_PARAM *p;
	const char *name;
	int mode;

	if (params == NULL)
		return (1);
	/* The salt is as long as the digest: TLS knows no other. */
	if ((p = OSSL_PARAM_locate_const(params,
	    OSSL_SIGNATURE_PARAM_PAD_MODE)) == NULL)
		return (1);
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1)
			return (0);
		s->pss = strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		return (s->pss || strcmp(name,
		    OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0);
	}
	if (OSSL_PARAM_get_int(p, &mode) != 1)
		return (0);
	s->pss = mode == RSA_PKCS1_PSS_PADDING;
	return (s->pss || mode == RSA_PKCS1_PADDING);
}

static const OSSL_PARAM *
sign_settable_ctx_params(void *arg, void *prov)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	return (params);
}

/* SignatureScheme of RFC 8446 4.2.3 by digest; PSS is another one. */
static uint16_t
scheme_of(enum kind kind, const char *digest)
{
	static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
	int i;

	if (kind == KIND_ED25519)
		return (0x0807);
	for (i = 0; i < 3; i++)
		if (EVP_MD_is_a(EVP_get_digestbyname(digests[i]), digest))
			return ((0x0401 + 0x0100 * i) | (kind == KIND_EC ?
			    2 : 0));
	return (0);
}

static int
sign_init(void *arg, const char *digest, void *provkey,
    const OSSL_PARAM params[])
{
	struct sign_ctx *s = arg;
	struct key *k = provkey;

	if (k == NULL || k->number == 0)
		return (0);
	s->key = k;
	s->pss = 0;
	if ((digest == NULL || digest[0] == '\0') != (k->kind ==
	    KIND_ED25519) || (s->scheme = scheme_of(k->kind, digest)) == 0)
		return (0);
	if (k->kind != KIND_ED25519) {
		EVP_MD_free(s->fetched);
		if ((s->fetched = EVP_MD_fetch(NULL, digest, NULL)) == NULL)
			return (0);
	}
	s->md = s->fetched;
	return (sign_set_ctx_params(s, params));
}

static int
sign_now(void *arg, unsigned char *sig, size_t *siglen, size_t size,
    const unsigned char *tbs, size_t len)
{
	struct sign_ctx *s = arg;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n;
	uint16_t scheme = s->scheme;

	if (sig == NULL) {
		*siglen = EVP_PKEY_get_size(s->key->pub);
		return (1);
	}
	if (s->pss)
		scheme = 0x0804 + ((scheme >> 8) - 4);
	if (s->md != NULL) {
		if (EVP_Digest(tbs, len, digest, &n, s->md, NULL) != 1)
			return (0);
		tbs = digest;
		len = n;
	}
	return (tls_sign(s->key->number, scheme, tbs, len, sig, siglen,
	    size) == 0);
}

/* Tables */

#define F(id, f)	{ id, (void (*)(void))(f) }
#define KEY_FUNCTIONS(new)						\
	F(OSSL_FUNC_KEYMGMT_NEW, new),					\
	F(OSSL_FUNC_KEYMGMT_FREE, key_free),				\
	F(OSSL_FUNC_KEYMGMT_HAS, key_has),				\
	F(OSSL_FUNC_KEYMGMT_MATCH, key_match),				\
	F(OSSL_FUNC_KEYMGMT_IMPORT, key_import),			\
	F(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),		\
	F(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),		\
	F(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params)

static const OSSL_DISPATCH rsa_key[] = {
	KEY_FUNCTIONS(rsa_new),
	{ 0, NULL }
};

static const OSSL_DISPATCH ec_key[] = {
	KEY_FUNCTIONS(ec_new),
	F(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
	{ 0, NULL }
};

static const OSSL_DISPATCH ed25519_key[] = {
	KEY_FUNCTIONS(ed25519_new),
	{ 0, NULL }
};

static const OSSL_DISPATCH signature[] = {
	F(OSSL_FUNC_SIGNATURE_NEWCTX, sign_newctx),
	F(OSSL_FUNC_SIGNATURE_FREECTX, sign_freectx),
	F(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, sign_init),
	F(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign_now),
	F(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, sign_set_ctx_params),
	F(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, sign_settable_ctx_params),
	{ 0, NULL }
};

static const OSSL_ALGORITHM keymgmts[] = {
	{ "RSA", PROPERTIES, rsa_key, NULL },
	{ "EC", PROPERTIES, ec_key, NULL },
	{ "ED25519", PROPERTIES, ed25519_key, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM signatures[] = {
	{ "RSA", PROPERTIES, signature, NULL },
	{ "ECDSA", PROPERTIES, signature, NULL },
	{ "ED25519", PROPERTIES, signature, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM *
query(void *prov, int operation, int *no_cache)
{
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return (keymgmts);
	case OSSL_OP_SIGNATURE:
		return (signatures);
	default:
		return (NULL);
	}
}

static const OSSL_DISPATCH provider[] = {
	F(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
	{ 0, NULL }
};

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ctx)
{
	static int something;

	*out = provider;
	*ctx = &something;
	return (1);
}

int
tlskey_init(void)
{
	/* What both of them have is to be had of the default provider. */
	if ((usual = OSSL_PROVIDER_load(NULL, "default")) == NULL ||
	    OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init) != 1 ||
	    (ours = OSSL_PROVIDER_load(NULL, PROVIDER)) == NULL ||
	    EVP_set_default_properties(NULL, "?provider=default") != 1)
		return (-1);
	return (0);
}

void
tlskey_end(void)
{
	OSSL_PROVIDER_unload(ours);
	OSSL_PROVIDER_unload(usual);
}

EVP_PKEY *
tlskey_new(EVP_PKEY *pub, uint32_t certificate)
{
	OSSL_PARAM number[2], *params = NULL, *all = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (EVP_PKEY_is_a(pub, kinds[i]))
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return (NULL);
	number[0] = OSSL_PARAM_construct_uint32(PARAM_NUMBER, &certificate);
	number[1] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_todata(pub, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
	    (all = OSSL_PARAM_merge(params, number)) != NULL &&
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, kinds[i], PROPERTIES)) !=
	    NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, all) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	/* What merge made are references to the other two. */
	OPENSSL_free(all);
	OSSL_PARAM_free(params);
	return (key);
}
