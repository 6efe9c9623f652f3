/* SPDX-License-Identifier: ISC */

/*
 * What of decode.h lies below the APDUs: TSDUs with their SPDUs and
 * parameters (X.225 clause 8).
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "spdu.h"

static const struct {
	uint8_t		 code;
	const char	*name;
} parameters[] = {
	{ PGI_CONNECTION, "Connection Identifier" },
	{ PGI_ITEM, "Connect/Accept Item" },
	{ PI_CALLED_REF, "Called SS-user Reference" },
	{ PI_CALLING_REF, "Calling SS-user Reference" },
	{ PI_COMMON_REF, "Common Reference" },
	{ PI_ADDITIONAL_REF, "Additional Reference Information" },
	{ PI_SYNC_TYPE, "Sync Type Item" },
	{ PI_TOKEN, "Token Item" },
	{ PI_DISCONNECT, "Transport Disconnect" },
	{ PI_OPTIONS, "Protocol Options" },
	{ PI_REQUIREMENTS, "Session User Requirements" },
	{ PI_TSDU_SIZE, "TSDU Maximum Size" },
	{ PI_VERSION, "Version Number" },
	{ PI_INITIAL_SERIAL, "Initial Serial Number" },
	{ PI_PREPARE, "Prepare Type" },
	{ PI_ENCLOSURE, "Enclosure Item" },
	{ PI_TOKEN_SETTING, "Token Setting Item" },
	{ 27, "Resync Type" },
	{ PGI_LINKING, "Linking Information" },
	{ PI_ACTIVITY, "Activity Identifier" },
	{ PI_SERIAL, "Serial Number" },
	{ PI_MIA_DATA, "User Data" },
	{ PI_REFLECT, "Reflect Parameter Values" },
	{ PI_REASON, "Reason Code" },
	{ PI_CALLING_SSEL, "Calling Session Selector" },
	{ PI_CALLED_SSEL, "Called Session Selector" },
	{ 55, "Second Resync Type" }, { 56, "Second Serial Number" },
	{ 57, "Second Initial Serial Number" },
	{ PGI_USER_DATA, "User Data" },
	{ PGI_EXTENDED_DATA, "Extended User Data" },
};

static const struct {
	uint8_t		 si;
	const char	*first, *later;
} titles[] = {
	{ SI_GT, "GIVE TOKENS", "DATA TRANSFER" },
	{ SI_PT, "PLEASE TOKENS", NULL }, { SI_EX, "EXPEDITED DATA", NULL },
	{ SI_PR, "PREPARE", NULL }, { SI_NF, "NOT FINISHED", NULL },
	{ SI_FN, "FINISH", NULL }, { SI_DN, "DISCONNECT", NULL },
	{ SI_RF, "REFUSE", NULL }, { SI_CN, "CONNECT", NULL },
	{ SI_AC, "ACCEPT", NULL }, { SI_CDO, "CONNECT DATA OVERFLOW", NULL },
	{ SI_OA, "OVERFLOW ACCEPT", NULL },
	{ SI_GTC, "GIVE TOKENS CONFIRM", NULL },
	{ SI_GTA, "GIVE TOKENS ACK", NULL },
	{ SI_AB, "ABORT", "ACTIVITY INTERRUPT" },
	{ SI_AA, "ABORT ACCEPT", "ACTIVITY INTERRUPT ACK" },
	{ SI_AR, "ACTIVITY RESUME", NULL }, { SI_TD, "TYPED DATA", NULL },
	{ SI_RA, "RESYNCHRONIZE ACK", NULL },
	{ SI_AE, "ACTIVITY END", NULL }, { SI_AEA, "ACTIVITY END ACK", NULL },
	{ SI_AS, "ACTIVITY START", NULL }, { SI_ER, "EXCEPTION REPORT", NULL },
	{ SI_ED, "EXCEPTION DATA", NULL },
	{ SI_MIP, "MINOR SYNC POINT", NULL },
	{ SI_MIA, "MINOR SYNC ACK", NULL }, { SI_RS, "RESYNCHRONIZE", NULL },
	{ SI_AD, "ACTIVITY DISCARD", NULL },
	{ SI_ADA, "ACTIVITY DISCARD ACK", NULL },
	{ SI_CD, "CAPABILITY DATA", NULL },
	{ SI_CDA, "CAPABILITY DATA ACK", NULL },
};
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Bits, the lowest first; a NULL is not used. */
static const char *const requirement_bits[16] = {
	"half-duplex", "duplex", "expedited", "minor-synchronize",
	"major-synchronize", "resynchronize", "activity-management",
	"negotiated-release", "capability-data", "exceptions", "typed-data"
};
static const char *const token_bits[16] = {
	"data", NULL, "synchronize-minor", NULL, "major/activity", NULL,
	"release"
};
static const char *const version_bits[16] = { "version-1", "version-2" };
static const char *const option_bits[16] = { "extended-concatenation" };
static const char *const enclosure_bits[16] = { "beginning", "end" };
static const char *const disconnect_bits[16] = {
	"transport-connection-released", "user-abort", "protocol-error",
	"no-reason", "implementation-restriction"
};

static void
bits_text(unsigned int v, const char *const names[16], char *buf, size_t size)
{
	size_t	n = snprintf(buf, size, "0x%02x", v);
	int	i;

	for (i = 0; i < 16; i++)
		if (v >> i & 1 && n < size)
			n += snprintf(buf + n, size - n, " %s",
			    names[i] != NULL ? names[i] : "reserved");
}

/* PI 26: two bits for each token, who has it. */
static void
setting_text(uint8_t v, char *buf, size_t size)
{
	static const char *const side[] = {
		"initiator", "responder", "acceptor chooses", "reserved"
	};
	static const char *const token[] = {
		"data", "synchronize-minor", "major/activity", "release"
	};
	size_t	n = snprintf(buf, size, "0x%02x", v);
	int	i;

	for (i = 0; i < 4 && n < size; i++)
		n += snprintf(buf + n, size - n, "%s %s: %s", i > 0 ? "," : "",
		    token[i], side[v >> (2 * i) & 3]);
}

static const char *
exception_text(uint8_t code)
{
	switch (code) {
	case S_REASON_UNSPECIFIED:
		return ("no specific reason");
	case S_REASON_JEOPARDIZED:
		return ("user receiving ability jeopardized");
	case S_REASON_SEQUENCE:
		return ("user sequence error");
	case S_REASON_LOCAL_USER:
		return ("local SS-user error");
	case S_REASON_UNRECOVERABLE:
		return ("unrecoverable procedural error");
	case S_REASON_DEMAND_DATA:
		return ("demand data token");
	default:
		return ("reserved");
	}
}

static const char *
parameter_name(uint8_t pi)
{
	size_t	i;

	for (i = 0; i < COUNT(parameters); i++)
		if (parameters[i].code == pi)
			return (parameters[i].name);
	return (NULL);
}

/* A number of decimal digits, six at most. */
static void
serial_text(const uint8_t *p, size_t len, char *buf, size_t size)
{
	uint32_t	v = 0;
	size_t		i;

	for (i = 0; i < len && i < 6 && p[i] >= '0' && p[i] <= '9'; i++)
		v = v * 10 + (p[i] - '0');
	if (i < len || len == 0) {
		tree_hex(p, len, buf, size);
		return;
	}
	snprintf(buf, size, "%u (\"%.*s\")", v, (int)len, (const char *)p);
}

/* The string element that a reference, or an activity identifier, is. */
static void
reference_text(const uint8_t *p, size_t len, char *buf, size_t size)
{
	const char	*type;
	size_t		 n;

	if (len < 2 || p[1] != len - 2 || p[0] >= 0x20 ||
	    (type = asn1_universal_name(p[0])) == NULL) {
		tree_hex(p, len, buf, size);
		return;
	}
	n = snprintf(buf, size, "%s ", type);
	if (p[0] == BER_INTEGER && len > 2 && len <= 6) {
		int64_t	v = p[2] & 0x80 ? -1 : 0;
		size_t	i;

		for (i = 2; i < len; i++)
			v = v * 256 + p[i];
		snprintf(buf + n, size - n, "%" PRId64, v);
	} else
		tree_text(p + 2, len - 2, buf + n, size - n);
}

/* Parameters of one octet. */
static void
octet_text(uint8_t pi, uint8_t v, char *buf, size_t size)
{
	switch (pi) {
	case PI_TOKEN:
		bits_text(v, token_bits, buf, size);
		break;
	case PI_VERSION:
		bits_text(v, version_bits, buf, size);
		break;
	case PI_OPTIONS:
		bits_text(v, option_bits, buf, size);
		break;
	case PI_ENCLOSURE:
		bits_text(v, enclosure_bits, buf, size);
		break;
	case PI_DISCONNECT:
		bits_text(v, disconnect_bits, buf, size);
		break;
	case PI_TOKEN_SETTING:
		setting_text(v, buf, size);
		break;
	case PI_SYNC_TYPE:
		snprintf(buf, size, "0x%02x %s", v, v & 1 ?
		    "confirmation optional" : "explicit confirmation");
		break;
	case PI_PREPARE:
		snprintf(buf, size, "%u %s", v, v == 1 ? "MAA" :
		    v == 2 ? "RS" : v == 3 ? "RA" : v == 4 ? "AB" :
		    "reserved");
		break;
	default:
		tree_hex(&v, 1, buf, size);
		break;
	}
}

static void
parameter_text(uint8_t si, uint8_t pi, const uint8_t *p, size_t len,
    char *buf, size_t size)
{
	if (len == 0) {
		strlcpy(buf, "empty", size);
		return;
	}
	switch (pi) {
	case PI_CALLED_REF:
	case PI_CALLING_REF:
	case PI_COMMON_REF:
	case PI_ADDITIONAL_REF:
	case PI_ACTIVITY:
		reference_text(p, len, buf, size);
		return;
	case PI_SERIAL:
	case PI_INITIAL_SERIAL:
		serial_text(p, len, buf, size);
		return;
	case PI_REQUIREMENTS:
		if (len != 2)
			break;
		bits_text(p[0] << 8 | p[1], requirement_bits, buf, size);
		return;
	case PI_TSDU_SIZE:
		if (len != 4)
			break;
		snprintf(buf, size, "to the responder %u, to the initiator %u",
		    p[0] << 8 | p[1], p[2] << 8 | p[3]);
		return;
	case PI_REASON:
		snprintf(buf, size, "%u %s", p[0], si == SI_RF ?
		    spdu_refuse_text(p[0]) : exception_text(p[0]));
		return;
	case PI_CALLING_SSEL:
	case PI_CALLED_SSEL:
		tree_text(p, len, buf, size);
		return;
	default:
		break;
	}
	if (len == 1)
		octet_text(pi, p[0], buf, size);
	else
		tree_hex(p, len, buf, size);
}

/* What SS-user data can be, by the SPDU that carries it. */
static void
user_data(struct decode *d, uint8_t si, int first, const uint8_t *p,
    size_t len)
{
	int	tries;

	if (len == 0)
		return;
	switch (si) {
	case SI_CN:
	case SI_AC:
		tries = TRY_CONNECT;
		break;
	case SI_RF:
		tries = TRY_REFUSE;
		break;
	case SI_AB:
		tries = first ? TRY_ABORT : TRY_OTHER;
		break;
	case SI_PT:
		tries = TRY_OTHER | TRY_TURN;
		break;
	default:
		tries = TRY_OTHER;
		break;
	}
	decode_best(d, p, len, tries);
}

static int
is_group(uint8_t pi)
{
	return (pi == PGI_CONNECTION || pi == PGI_ITEM || pi == PGI_LINKING);
}

static void
walk_parameters(struct decode *d, uint8_t si, int first, const uint8_t *p,
    size_t len, int depth)
{
	char		 text[400];
	const char	*name;
	size_t		 head, l;

	for (; len > 0; p += head + l, len -= head + l) {
		if ((head = spdu_header(p, len, &l)) == 0 || l > len - head) {
			tree_damage(d, p, "a parameter that ends with its SPDU "
			    "was expected: %zu octets are left", len);
			return;
		}
		if ((name = parameter_name(p[0])) == NULL) {
			tree_unknown(d);
			snprintf(text, sizeof(text), "parameter %u", p[0]);
			name = text;
		}
		if (is_group(p[0]) && depth == 0) {
			tree_open(d, p, head + l, name, NULL, NULL);
			walk_parameters(d, si, first, p + head, l, 1);
			tree_close(d);
			continue;
		}
		if (p[0] == PGI_USER_DATA || p[0] == PGI_EXTENDED_DATA ||
		    p[0] == PI_MIA_DATA || (p[0] == PI_REASON && l > 1)) {
			int	skip = p[0] == PI_REASON;

			if (skip)
				parameter_text(si, p[0], p + head, l, text,
				    sizeof(text));
			tree_open(d, p, head + l, parameter_name(p[0]), NULL,
			    skip ? text : NULL);
			user_data(d, si, first, p + head + skip, l - skip);
			tree_close(d);
			continue;
		}
		if (name == text) {
			char	hex[200];

			tree_hex(p + head, l, hex, sizeof(hex));
			tree_leaf(d, p, head + l, name, NULL, hex);
			continue;
		}
		parameter_text(si, p[0], p + head, l, text, sizeof(text));
		tree_leaf(d, p, head + l, name, NULL, text);
	}
}

static void
spdu_title(uint8_t si, int first, char *buf, size_t size)
{
	size_t	i;

	for (i = 0; i < COUNT(titles); i++)
		if (titles[i].si == si)
			break;
	if (i == COUNT(titles)) {
		snprintf(buf, size, "SPDU %u", si);
		return;
	}
	snprintf(buf, size, "%s (%s)", spdu_name(si, first),
	    first || titles[i].later == NULL ? titles[i].first :
	    titles[i].later);
}

void
decode_activity_end(struct decode *d, const char *how)
{
	struct decode_data	data = d->activity;
	struct decode_space	space;
	char			text[80];

	memset(&d->activity, 0, sizeof(d->activity));
	d->in_activity = 0;
	if (data.len > 0 && !d->tree->silent &&
	    space_enter(d, &space, &data) == 0) {
		snprintf(text, sizeof(text), "%zu octets, %s", data.len, how);
		tree_open(d, data.p, data.len, "activity data", NULL, text);
		if (d->resumed)
			tree_leaf(d, data.p, data.len, "rest of an MPDU that "
			    "began before", NULL, NULL);
		else
			decode_best(d, data.p, data.len, TRY_MPDU);
		tree_close(d);
		space_leave(d);
	}
	d->resumed = 0;
	data_free(&data);
}

/* A whole Fully-encoded-data, by the lengths of its first elements. */
static int
is_p_data(const uint8_t *p, size_t len)
{
	struct ber		b, in;
	struct ber_element	e;

	ber_init(&b, p, len);
	if (ber_next(&b, &e) != 1 || e.h.tag != BER_APPLICATION(1) ||
	    !e.h.constructed || (!e.h.indefinite && e.value + e.h.len != b.end))
		return (0);
	ber_enter(&b, &e, &in);
	return (ber_next(&in, &e) == 1 && e.h.tag == BER_SEQUENCE &&
	    e.h.constructed);
}

/* Data of an activity: an MPDU as it is, or P-DATA with a piece of it. */
static void
activity_data(struct decode *d, const uint8_t *p, size_t len)
{
	char	text[200];

	if (len == 0)
		return;
	/*
	 * The first of an activity tells: [APPLICATION 1] begins no MPDU, but
	 * a piece of one can be a text that begins with an "a".
	 */
	if (!d->in_activity || d->resumed)
		d->p_data = is_p_data(p, len);
	else if (!d->has_data)
		d->p_data = p[0] == 0x61;
	d->has_data = 1;
	if (d->p_data) {
		decode_best(d, p, len, TRY_OTHER);
		return;
	}
	tree_hex(p, len, text, 100);
	tree_leaf(d, p, len, "user information", NULL, text);
	if (d->tree->silent)
		return;
	/* Without its activity it may be any piece of an MPDU. */
	if (d->in_activity)
		data_add(d, &d->activity, p, len);
	else if (decode_fit(d, p, len, TRY_MPDU) == 0)
		decode_best(d, p, len, TRY_MPDU);
}

/* What an SPDU means for the activity. */
static void
activity(struct decode *d, uint8_t si, int first)
{
	switch (si) {
	case SI_AS:
	case SI_AR:
		if (d->in_activity)
			decode_activity_end(d, "until the next one began");
		d->in_activity = 1;
		d->has_data = 0;
		d->resumed = si == SI_AR;
		break;
	case SI_AE:
		decode_activity_end(d, "to the end of the activity");
		break;
	case SI_AD:
		decode_activity_end(d, "until it was discarded");
		break;
	case SI_AI:
		if (!first)
			decode_activity_end(d, "until it was interrupted");
		break;
	default:
		break;
	}
}

/* Do octets of user information follow the parameters (X.225 6.3.5)? */
static int
has_information(uint8_t si, int first)
{
	return ((si == SI_DT && !first) || si == SI_EX || si == SI_TD);
}

/* One SPDU; returns how many octets it takes, 0 when nobody can tell. */
static size_t
spdu(struct decode *d, const uint8_t *p, size_t len, int first)
{
	struct spdu	 s;
	const char	*why = NULL;
	char		 title[80];
	uint64_t	 damages = d->tree->damages;
	size_t		 head, l, n;
	int		 bad;

	spdu_title(p[0], first, title, sizeof(title));
	memset(&s, 0, sizeof(s));
	if ((head = spdu_header(p, len, &l)) == 0 || l > len - head) {
		if (head == 0) {
			tree_damage(d, p, "%s: a length indicator was "
			    "expected", title);
			return (0);
		}
		tree_open(d, p, len, title, NULL, NULL);
		tree_damage(d, p, "%s: %zu octets of parameters were expected, "
		    "%zu are there", title, l, len - head);
		walk_parameters(d, p[0], first, p + head, len - head, 0);
		tree_close(d);
		return (0);
	}
	n = has_information(p[0], first) ? len : head + l;
	bad = spdu_decode(&s, p[0], p + head, l, &why) == -1;
	/* They share a code; only the one has a type. */
	if (p[0] == SI_AE && s.present & SPDU_SYNC_TYPE)
		strlcpy(title, "MAP (MAJOR SYNC POINT)", sizeof(title));
	tree_open(d, p, n, title, NULL, NULL);
	walk_parameters(d, p[0], first, p + head, l, 0);
	if (bad && d->tree->damages == damages)
		tree_damage(d, p, "%s", why);
	if (n > head + l) {
		if (p[0] == SI_DT)
			activity_data(d, p + head + l, n - head - l);
		else
			decode_best(d, p + head + l, n - head - l, TRY_APDU);
	}
	tree_close(d);
	if (!d->tree->silent && !(s.present & SPDU_SYNC_TYPE))
		activity(d, p[0], first);
	return (n);
}

void
decode_tsdu(struct decode *d, const uint8_t *p, size_t len)
{
	uint8_t	si;
	size_t	n;
	int	first = 1;

	tree_open(d, p, len, "TSDU", NULL, NULL);
	while (len > 0) {
		if (spdu_name(p[0], first)[0] == 'u')
			tree_damage(d, p, "SPDU identifier %u is none of "
			    "X.225: an SPDU was expected", p[0]);
		si = p[0];
		if ((n = spdu(d, p, len, first)) == 0)
			break;
		p += n;
		len -= n;
		/* GT and PT are in front of others; all else is alone. */
		if (first && len > 0 && si != SI_GT && si != SI_PT) {
			tree_damage(d, p, "%zu octets behind an SPDU that is "
			    "alone in its TSDU", len);
			break;
		}
		first = 0;
	}
	tree_close(d);
}

/* Could it begin one? */

int
is_tsdu(const uint8_t *p, size_t len)
{
	size_t	params;

	return (len >= 2 && spdu_name(p[0], 1)[0] != 'u' &&
	    spdu_header(p, len, &params) != 0);
}
