/* SPDX-License-Identifier: ISC */

/*
 * Sizes and limits, with the clauses they come from.  Everything that is
 * taken from a peer is compared with one of these before memory is spent.
 */

#ifndef MTAD_BOUNDS_H
#define MTAD_BOUNDS_H

/* X.411 annex: upper bounds of P1. */
#define UB_COUNTRY_NAME		3
#define UB_DOMAIN_NAME		16
#define UB_MTA_NAME		32
#define UB_PASSWORD		62	/* octets of value, ub-password-length */
#define UB_LOCAL_IDENTIFIER	32
#define UB_CONTENT_ID		16
#define UB_RECIPIENTS		32767
#define UB_TRACE		512
#define UB_OR_ATTRIBUTES	96	/* every one in every character set */
#define UB_OR_VALUE		2048	/* octets of one attribute value */
#define UB_BILATERAL_INFO	1024
#define UB_EXTERNAL_EITS	1024	/* ub-encoded-information-types */
#define UB_REDIRECTIONS		512
#define UB_DL_EXPANSIONS	512
#define UB_ORIG_AND_DL		513	/* ub-orig-and-dl-expansions */
#define UB_CONTENT_CORRELATOR	512
#define UB_EXTENSIONS		256	/* ub-extension-types */
#define UB_SUPPLEMENTARY_INFO	256
#define UB_DELIVERY_METHODS	64	/* ours: each may be there once */
#define UB_EXTENSION_VALUE	(256 * 1024)	/* ours: octets of BER */
#define UB_OR_OPAQUE		4096	/* ours: of a directory name */
#define UB_OID_TEXT		255	/* ours: "1.2.3", and UB_OID octets */
#define UB_OID			60	/* octets that make no longer a text */

/* X.225 clause 8: session parameters. */
#define S_USER_REFERENCE_MAX	64
#define S_COMMON_REFERENCE_MAX	64
#define S_ADDITIONAL_REFERENCE_MAX 4
#define S_SELECTOR_MAX		16
#define P_SELECTOR_MAX		16	/* that we send; X.226: no bound */
#define AE_TITLE_MAX		127	/* octets of a title that we send */
#define S_ACTIVITY_ID_MAX	6
#define S_SERIAL_MAX		999999
#define S_USER_DATA_V1		512
#define S_USER_DATA_V2		10240

/* X.224 13.3.4, RFC 1006 clause 6. */
#define TSEL_MAX		32
#define TPDU_SIZE_MAX		65531

/* Ours. */
#define ENVELOPE_MAX		(4 * 1024 * 1024)	/* octets of markup */
#define IMSG_MAX		(FRAGMENT_MAX + 128)	/* octets of one imsg */
#define FRAGMENT_MAX		(128 * 1024)	/* octets in it */
#define PEER_NAME_MAX		64	/* of mtad.conf */
#define PEER_ADDRESSES_MAX	8
#define ROUTE_VIAS_MAX		8	/* peers of a route */
#define TLS_PEM_MAX		(1024 * 1024)	/* octets of a PEM file */
#define TLS_PIECE		8192	/* of it in one imsg */
#define TLS_NAME_MAX		256	/* a host name */
#define TLS_TEXT_MAX		64	/* version and cipher in words */
#define TLS_TBS_MAX		12288	/* octets to be signed in one imsg */
#define TLS_SIGNATURE_MAX	1024	/* octets: RSA of 8192 bits */
#define OR_TEXT_MAX		1024	/* an O/R address as text */

#endif
