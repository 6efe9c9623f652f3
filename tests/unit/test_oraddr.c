/* SPDX-License-Identifier: ISC */

/*
 * O/R addresses: what is good parses into the right attributes, what is bad
 * is refused at the right character, and any address that is printed parses
 * into the same attributes again.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "envelope.h"
#include "oraddr.h"
#include "t61.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static struct message *
parsed(const char *text, struct or_address *or)
{
	struct message *m;
	const char *why;
	size_t where;

	assert_non_null(m = message_new());
	memset(or, 0, sizeof(*or));
	if (or_address_parse(m, or, text, &where, &why) == -1)
		fail_msg("%s: at %zu: %s", text, where, why);
	return (m);
}

/* Text, and what both printers make of it. */
static const struct {
	const char	*text;
	const char	*slash;
	const char	*semicolon;
} good[] = {
	{ "/G=Jo/S=Doe/O=Acme/A=GOLD 400/C=GB/",
	  "/G=Jo/S=Doe/O=Acme/ADMD=GOLD 400/C=GB/",
	  "G=Jo; S=Doe; O=Acme; A=GOLD 400; C=GB" },
	/* RFC 1685's own example. */
	{ "G=john; S=smith; O=a bank ltd; P=abl; A=snomail; C=aq",
	  "/G=john/S=smith/O=a bank ltd/PRMD=abl/ADMD=snomail/C=aq/",
	  "G=john; S=smith; O=a bank ltd; P=abl; A=snomail; C=aq" },
	{ "X.400: c=GB;admd=X;ou2=b;ou1=a;  q=Jr;Cn=x",
	  "/GQ=Jr/CN=x/OU1=a/OU2=b/ADMD=X/C=GB/",
	  "Q=Jr; CN=x; OU1=a; OU2=b; A=X; C=GB" },
	{ "X.400 C=GB; A=X", "/ADMD=X/C=GB/", "A=X; C=GB" },
	{ "  x.400:/C=GB/A=X",
	  "/ADMD=X/C=GB/", "A=X; C=GB" },
	/* No ADMD is any ADMD. */
	{ "/S=Doe/PRMD=P/C=FR", "/S=Doe/PRMD=P/ADMD= /C=FR/",
	  "S=Doe; P=P; A= ; C=FR" },
	{ "/S=Doe/C=FR", "/S=Doe/ADMD= /C=FR/", "S=Doe; A= ; C=FR" },
	{ "/S=Doe/ADMD=/C=FR", "/S=Doe/ADMD= /C=FR/",
	  "S=Doe; A= ; C=FR" },
	{ "/S=Doe/ADMD= /C=FR", "/S=Doe/ADMD= /C=FR/",
	  "S=Doe; A= ; C=FR" },
	{ "/X121=12345/T-ID=abc", "/X121=12345/T-ID=abc/",
	  "X.121=12345; T-ID=abc" },
	/* Literal delimiters. */
	{ "/O=a//b/OU1=c$/d", "/O=a$/b/OU1=c$/d/", "O=a/b; OU1=c/d" },
	{ "/O=a///OU1=c", "/O=a$//OU1=c/", "O=a/; OU1=c" },
	{ "O=a/b; OU1=c", "/O=a$/b/OU1=c/", "O=a/b; OU1=c" },
	{ "O=a$/S=b; OU1=c", "/O=a$/S$=b/OU1=c/", "O=a$/S=b; OU1=c" },
	{ "O=a;;b; OU1=c", "/O=*a{059}b/OU1=c/", "O=*a{059}b; OU1=c" },
	/* Mixed delimiters. */
	{ "/g=Jo;s=Doe/o=x; ou=y/", "/G=Jo/S=Doe/O=x/OU1=y/",
	  "G=Jo; S=Doe; O=x; OU1=y" },
	{ "g=Jo;s=Doe/o=x/y;c=gb", "/G=Jo/S=Doe/O=x$/y/ADMD= /C=gb/",
	  "G=Jo; S=Doe; O=x/y; A= ; C=gb" },
	{ "g=Jo/s=Doe/", "/G=Jo/S=Doe/", "G=Jo; S=Doe" },
	{ "o=a/b", "/O=a$/b/", "O=a/b" },
	{ ";g=Jo;s=Doe;", "/G=Jo/S=Doe/", "G=Jo; S=Doe" },
	/* Units without number: most significant on the right. */
	{ "/OU=low/OU=mid/OU=high/O=x", "/O=x/OU1=high/OU2=mid/OU3=low/",
	  "O=x; OU1=high; OU2=mid; OU3=low" },
	{ "/OU=low*ol/OU=high", "/OU1=high/OU2=low*ol/",
	  "OU1=high; OU2=low*ol" },
	/* DDAs. */
	{ "/DD.type=value/DDA:a==b=c=d/dd:RFC-822=fred(a)widget.co.uk",
	  "/DD.type=value/DD.a$=b=c$=d/RFC-822=fred(a)widget.co.uk/",
	  "DDA:type=value; DDA:a==b=c=d; DDA:RFC-822=fred(a)widget.co.uk" },
	{ "RFC-822=a(a)b; C=gb; A=x", "/ADMD=x/C=gb/RFC-822=a(a)b/",
	  "A=x; C=gb; DDA:RFC-822=a(a)b" },
	{ "/DD1.x=1/DD2.x=2", "/DD.x=1/DD.x=2/", "DDA:x=1; DDA:x=2" },
	{ "/DD.a//S=v/S=x", "/S=x/DD.a$/S=v/", "S=x; DDA:a$/S=v" },
	/* Personal names. */
	{ "/PN=Marshall.M.T.Rose", "/G=Marshall/I=MT/S=Rose/",
	  "G=Marshall; I=MT; S=Rose" },
	{ "/PN=Rose", "/S=Rose/", "S=Rose" },
	{ "/PN=J.Linnimouth", "/I=J/S=Linnimouth/", "I=J; S=Linnimouth" },
	{ "/PN=Marshall.Rose", "/G=Marshall/S=Rose/", "G=Marshall; S=Rose" },
	{ "/PN=Jo.van d.Berg", "/G=Jo/S=van d.Berg/", "G=Jo; S=van d.Berg" },
	{ "/PN=J\303\266rg.M\303\274ller",
	  "/G=*J{200}org/S=*M{200}uller/",
	  "G=*J{200}org; S=*M{200}uller" },
	{ "/PN=Jorg.Muller*J{200}org.M{200}uller",
	  "/G=Jorg*J{200}org/S=Muller*M{200}uller/",
	  "G=Jorg*J{200}org; S=Muller*M{200}uller" },
	{ "/PN=$@.A*B.C", "/I=$@*B/S=A*C/", "I=$@*B; S=A*C" },
	/* Teletex. */
	{ "/O=yen*{165}", "/O=yen*{165}/", "O=yen*{165}" },
	{ "/O=*a*b{200117}", "/O=*a{042}b{200}u/", "O=*a{042}b{200}u" },
	{ "/S=M\303\274ller", "/S=*M{200}uller/", "S=*M{200}uller" },
	{ "/O=R&D_#1", "/O=*R{038}D{095}{166}1/", "O=*R{038}D{095}{166}1" },
	{ "/O=*", "/O=*/", "O=*" },
	/* What is not in PrintableString, but was received in one. */
	{ "/O=R$&D$_$$$*$;", "/O=R$&D$_$$$*$;/", "O=R$&D$_$$$*$;" },
	/* Empty. */
	{ "/O=/S=x", "/S=x/O=/", "S=x; O=" },
	{ "S=x; O=", "/S=x/O=/", "S=x; O=" },
	/* Digits. */
	{ "/C=234/A=400/P=44x", "/PRMD=44x/ADMD=400/C=234/",
	  "P=44x; A=400; C=234" },
	/* The rest. */
	{ "/PD-A=a|b||d*x", "/PD-ADDRESS=a|b||d*x/", "PD-A=a|b||d*x" },
	{ "PD-A1=one; PD-A2=; PD-A3=three", "/PD-ADDRESS=one||three/",
	  "PD-A1=one; PD-A2=; PD-A3=three" },
	{ "/PD-SN=svc/PD-PC=123/PD-OF=o/PD-OFN=1/PD-EA=x/PD-ED=y/PD-S=s"
	  "/PD-B=b/PD-R=r/PD-U=u/PD-L=l/PD-PN=n/PD-O=o/PD-C=FR",
	  "/PD-SERVICE=svc/PD-C=FR/PD-CODE=123/PD-OFFICE=o/PD-OFFICE-NUM=1"
	  "/PD-EXT-ADDRESS=x/PD-PN=n/PD-O=o/PD-EXT-DELIVERY=y/PD-STREET=s"
	  "/PD-BOX=b/PD-RESTANTE=r/PD-UNIQUE=u/PD-LOCAL=l/",
	  "PD-SN=svc; PD-C=FR; PD-PC=123; PD-OF=o; PD-OFN=1; PD-EA=x; "
	  "PD-PN=n; PD-O=o; PD-ED=y; PD-S=s; PD-B=b; PD-R=r; PD-U=u; "
	  "PD-L=l" },
	{ "/E.164=12/NET-SUB=3/PSAP=00ffA5/T-TY=IA5/N-ID=77",
	  "/UA-ID=77/NET-NUM=12/NET-SUB=3/NET-PSAP=00FFA5/T-TY=ia5/",
	  "N-ID=77; ISDN=12; NET-SUB=3; PSAP=00FFA5; T-TY=ia5" },
	{ "/T-TY=3", "/T-TY=tlx/", "T-TY=tlx" },
	{ "/CN={u00410042}/O={x}", "/CN={u00410042}/O={x}/",
	  "CN={u00410042}; O={x}" },
	/* AMHS, EUR Doc 020: XF and CAAS. */
	{ "/OU1=LFPGYFYX/O=AFTN/PRMD=FRANCE/ADMD=ICAO/C=XX/",
	  "/O=AFTN/OU1=LFPGYFYX/PRMD=FRANCE/ADMD=ICAO/C=XX/",
	  "O=AFTN; OU1=LFPGYFYX; P=FRANCE; A=ICAO; C=XX" },
};

static void
same(const struct or_address *a, const struct or_address *b,
    const char *text)
{
	const struct or_attr *x, *y;
	int i, j, found;

	if (a->nattr != b->nattr)
		fail_msg("%s: %u attributes, not %u", text, b->nattr,
		    a->nattr);
	/* The order of different types is not kept, that of one type is. */
	for (i = 0; i < a->nattr; i++) {
		x = &a->attr[i];
		for (found = j = 0; j < b->nattr && !found; j++) {
			y = &b->attr[j];
			found = x->type == y->type &&
			    x->charset == y->charset && x->len == y->len &&
			    memcmp(x->value, y->value, x->len + 1) == 0 &&
			    x->dda_len == y->dda_len &&
			    x->dda_charset == y->dda_charset &&
			    (x->dda_type == NULL) == (y->dda_type == NULL) &&
			    (x->dda_type == NULL || memcmp(x->dda_type,
			    y->dda_type, x->dda_len + 1) == 0);
		}
		if (!found)
			fail_msg("%s: attribute %d is lost", text, i);
	}
}

static void
printed(const struct or_address *or, int semicolon, const char *want)
{
	char buf[2048], small[10];
	int n;

	n = or_address_print(or, buf, sizeof(buf), semicolon);
	assert_string_equal(buf, want);
	assert_int_equal(n, strlen(want));
	assert_int_equal(or_address_print(or, NULL, 0, semicolon), n);
	assert_int_equal(or_address_print(or, small, sizeof(small),
	    semicolon), n);
	assert_int_equal(strlen(small), n < 9 ? n : 9);
	assert_memory_equal(small, want, strlen(small));
}

static void
test_good(void **state)
{
	struct or_address or, again;
	struct message *m, *n;
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		m = parsed(good[i].text, &or);
		printed(&or, 0, good[i].slash);
		printed(&or, 1, good[i].semicolon);
		n = parsed(good[i].slash, &again);
		same(&or, &again, good[i].slash);
		message_free(n);
		n = parsed(good[i].semicolon, &again);
		same(&or, &again, good[i].semicolon);
		assert_int_equal(or_address_compare(&or, &again), 0);
		message_free(n);
		message_free(m);
	}
}

/* A caret under the character that is wrong, and words to look for. */
static const struct {
	const char	*text;
	const char	*caret;
	const char	*why;
} bad[] = {
	{ "", "^", "no attribute" },
	{ "X.400:", "      ^", "no attribute" },
	{ "X.400", "     ^", "'=' expected" },
	{ "X.400=x", "^", "unknown" },
	{ "/", " ^", "no attribute" },
	{ "//S=x", " ^", "attribute expected" },
	{ "/S=x//", "     ^", NULL },		/* a literal '/': good */
	{ "hello", "     ^", "'=' expected" },
	{ "/S=x/foo/C=GB", "        ^", "'=' expected" },
	{ "/S=x/foo=y/C=GB", "     ^", "unknown" },
	{ "S=x; foo=y; C=GB", "     ^", "unknown" },
	{ "/S=x/S=y", "     ^", "twice" },
	{ "/S=x/PN=A.Jones", "     ^", "PN beside" },
	{ "/PN=A.Jones/S=x", "            ^", "twice" },
	{ "/C=G", "    ^", "two letters" },
	{ "/C=GBR", "     ^", "two letters" },
	{ "/C=G1", "    ^", "two letters" },
	{ "/C=12", "     ^", "three digits" },
	{ "/C=1234", "      ^", "three digits" },
	{ "/C=/A=x", "   ^", "two letters" },
	{ "/C=GB/A=a_b", "         ^", "PrintableString" },
	{ "/C=GB/A=12345678901234567", "                        ^",
	  "too long" },
	{ "/C=GB/A=a*b", "         ^", "no teletex form" },
	{ "/X121=12a", "        ^", "digit" },
	{ "/X121=", "      ^", "digit" },
	{ "/X121=1234567890123456", "                     ^", "too long" },
	{ "/T-ID=", "      ^", "empty" },
	{ "/I=ABCDEF", "        ^", "too long" },
	{ "/Q=abcd", "      ^", "too long" },
	{ "/G=12345678901234567", "                   ^", "too long" },
	/* Diacritical marks do not count. */
	{ "/Q=\303\274\303\274\303\274", NULL, NULL },
	{ "/Q=\303\274\303\274\303\274a", "         ^", "too long" },
	{ "/S=x\tz", "    ^", "control" },
	{ "/S=x\n", "    ^", "control" },
	{ "/S=x`", "    ^", "neither" },
	{ "/S=x\377", "    ^", "UTF-8" },
	{ "/S=x\302", "    ^", "UTF-8" },
	{ "/S=x\342\202\254", "    ^", "UTF-8" },	/* euro */
	{ "/S=x$", "    ^", "quote" },
	{ "/S=x{16}", "       ^", "three decimal" },
	{ "/S=x{}", "     ^", "three decimal" },
	{ "/S=x{256}", "     ^", "255" },
	{ "/S=x{165", "        ^", "'}'" },
	{ "/S=x{165/C=GB", "        ^", "three decimal" },
	{ "/S=a_b*c", "    ^", "before '*'" },
	{ "/S={x0", "      ^", "hexadecimal" },
	{ "/S={x01", "       ^", "hexadecimal" },
	{ "/S={x01}a", "        ^", "after '}'" },
	{ "/PSAP=0", "       ^", "hexadecimal" },
	{ "/PSAP=0g", "       ^", "hexadecimal" },
	{ "/PSAP=", "      ^", "hexadecimal" },
	{ "/T-TY=fax", "      ^", "g3fax" },
	{ "/OU=a/OU1=b", "      ^", "OU beside" },
	{ "/OU1=a/OU=b", "       ^", "OU beside" },
	{ "/OU2=a/O=b", " ^", "above" },
	{ "/OU1=a/OU3=b/O=b", "       ^", "above" },
	{ "/OU=a/OU=b/OU=c/OU=d/OU=e", "                     ^", "four" },
	{ "/DD.=x", "    ^", "empty type" },
	{ "/DD.typ/S=x", "       ^", "'=' expected" },
	{ "/DD.typ", "       ^", "'=' expected" },
	{ "/DD.toolongtype=x", "            ^", "too long" },
	{ "/DD.a*b=x", "     ^", "either" },
	{ "/DD.a=1/DD.b=2/DD.c=3/DD.d=4/DD.e=5",
	  "                             ^", "four" },
	{ "/DD.a=1*2/DD.b=3*4/DD.c=5", "                   ^", "four" },
	{ "/RFC-822=jo*x", "           ^", "PrintableString" },
	{ "/RFC-822=jo@example.org", "           ^", "(a)" },
	{ "/DD.rfc-822=j_o", "             ^", "(u)" },
	{ "/PN=", "    ^", "surname" },
	{ "/PN=Jo.", "       ^", "surname" },
	{ "/PN=A.B.", "        ^", "surname" },
	{ "/PN=A.B.C.D.E.F.Jones", "              ^", "too long" },
	{ "/PD-A2=x", " ^", "order" },
	{ "/PD-A=x/PD-A1=y", "        ^", "twice" },
	{ "/PD-A1=y/PD-A=x", "         ^", "twice" },
	{ "/PD-A=a|b|c|d|e|f|g", "                 ^", "six lines" },
	{ "/PD-A1=1234567890123456789012345678901",
	  "                                     ^", "too long" },
};

static void
test_bad(void **state)
{
	struct message *m;
	struct or_address or;
	const char *why;
	size_t i, where;

	for (i = 0; i < COUNT(bad); i++) {
		assert_non_null(m = message_new());
		memset(&or, 0, sizeof(or));
		why = NULL;
		where = 999;
		if (or_address_parse(m, &or, bad[i].text, &where, &why) == 0) {
			if (bad[i].why != NULL)
				fail_msg("%s is taken", bad[i].text);
			message_free(m);
			continue;
		}
		assert_int_equal(or.nattr, 0);
		if (bad[i].why == NULL)
			fail_msg("%s: at %zu: %s", bad[i].text, where, why);
		if (where != strlen(bad[i].caret) - 1)
			fail_msg("%s: at %zu (%s), not %zu", bad[i].text,
			    where, why, strlen(bad[i].caret) - 1);
		if (strstr(why, bad[i].why) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"",
			    bad[i].text, why, bad[i].why);
		message_free(m);
	}
}

static void
charset(const char *text, int type, int want, const char *value)
{
	struct or_address or;
	struct message *m;
	const struct or_attr *a;

	m = parsed(text, &or);
	assert_non_null(a = or_address_get(&or, type));
	assert_int_equal(a->charset, want);
	assert_string_equal(a->value, value);
	assert_int_equal(a->len, strlen(value));
	message_free(m);
}

static void
test_charset(void **state)
{
	struct or_address or;
	struct message *m;

	charset("/C=GB", OR_C, OR_PRINTABLE, "GB");
	charset("/C=234", OR_C, OR_NUMERIC, "234");
	charset("/C=GB/A=400", OR_A, OR_NUMERIC, "400");
	charset("/C=GB/A=GOLD 400", OR_A, OR_PRINTABLE, "GOLD 400");
	charset("/C=GB/P=12", OR_P, OR_NUMERIC, "12");
	charset("/C=GB", OR_A, OR_PRINTABLE, " ");
	charset("/X121=123", OR_X121, OR_NUMERIC, "123");
	charset("/N-ID=123", OR_N_ID, OR_NUMERIC, "123");
	charset("/T-ID=123", OR_T_ID, OR_PRINTABLE, "123");
	charset("/O=123", OR_O, OR_PRINTABLE, "123");
	charset("/O=*abc", OR_O, OR_TELETEX, "abc");
	charset("/O=\303\251t\303\251", OR_O, OR_TELETEX, "\302et\302e");
	charset("/O=a&b", OR_O, OR_TELETEX, "a&b");
	charset("/O=a$&b", OR_O, OR_PRINTABLE, "a&b");
	charset("/PSAP=4142", OR_PSAP, OR_OCTETS, "AB");
	charset("/T-TY=ia5", OR_T_TY, OR_NUMERIC, "7");
	m = parsed("/O=yen*{165}{000}", &or);
	assert_int_equal(or.nattr, 2);
	assert_int_equal(or.attr[0].charset, OR_PRINTABLE);
	assert_int_equal(or.attr[1].charset, OR_TELETEX);
	assert_int_equal(or.attr[1].len, 2);
	assert_memory_equal(or.attr[1].value, "\245\0", 3);
	assert_null(or_address_get(&or, OR_S));
	message_free(m);
}

/* Addresses at random, printed in both forms and parsed again. */

static uint32_t seed = 4711;

static uint32_t
below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return ((seed >> 8) % n);
}

static void
random_string(struct message *m, struct or_attr *a, int kind, int charset,
    size_t len)
{
	static const char letters[] = "ABCXYZabcxyz0189 '()+,-./:=?OUDS";
	static const char odd[] = "ABab01 /=;$*{}|@_&!#\\^~`<>[]\"%=/;$*";
	char buf[256];
	size_t i;

	for (i = 0; i < len; i++) {
		switch (charset) {
		case OR_NUMERIC:
			buf[i] = '0' + below(10);
			break;
		case OR_PRINTABLE:
			buf[i] = kind != KIND_DOMAIN && below(4) == 0 ?
			    odd[below(sizeof(odd) - 1)] :
			    letters[below(sizeof(letters) - 1)];
			/* A '|' of the text's own is not in its lines. */
			if (kind == KIND_LINES && (buf[i] == '|' ||
			    i % 20 == 19))
				buf[i] = i % 20 == 19 ? '|' : 'l';
			break;
		default:
			buf[i] = below(3) == 0 ?
			    letters[below(sizeof(letters) - 1)] :
			    (char)below(256);
		}
	}
	a->value = message_memdup(m, buf, len);
	a->len = len;
}

static void
random_attr(struct message *m, struct or_address *or, int type)
{
	const struct or_spec *spec = &or_specs[type];
	struct or_attr *a = &or->attr[or->nattr++], t;
	size_t max = spec->max;

	a->type = type;
	a->charset = OR_PRINTABLE;
	switch (spec->kind) {
	case KIND_COUNTRY:
		a->charset = below(2) ? OR_NUMERIC : OR_PRINTABLE;
		a->value = message_memdup(m, a->charset == OR_NUMERIC ?
		    "234" : "gB", a->len = a->charset == OR_NUMERIC ? 3 : 2);
		return;
	case KIND_DOMAIN:
		a->charset = below(2) ? OR_NUMERIC : OR_PRINTABLE;
		random_string(m, a, spec->kind, a->charset, 1 + below(max));
		if (a->charset == OR_PRINTABLE)
			a->value[0] = 'x';
		return;
	case KIND_NUMERIC:
		a->charset = OR_NUMERIC;
		break;
	case KIND_TERMINAL:
		a->charset = OR_NUMERIC;
		a->value = message_memdup(m, &"345678"[below(6)], 1);
		a->len = 1;
		return;
	case KIND_HEX:
		a->charset = OR_OCTETS;
		max /= 2;
		break;
	case KIND_LINES:
		max = 6 * 20 - 1;
		break;
	case KIND_TELETEX:
	case KIND_DDA:
		if (below(3) == 0)
			a->charset = below(4) == 0 ?
			    OR_UNIVERSAL + below(2) : OR_TELETEX;
		break;
	}
	random_string(m, a, spec->kind, a->charset, 1 + below(max));
	if (type != OR_DDA) {
		if (spec->kind == KIND_TELETEX && a->charset ==
		    OR_PRINTABLE && below(5) == 0) {
			a = &or->attr[or->nattr++];
			a->type = type;
			a->charset = OR_TELETEX;
			random_string(m, a, spec->kind, a->charset,
			    below(spec->max + 1));
		}
		return;
	}
	memset(&t, 0, sizeof(t));
	a->dda_charset = below(4) == 0 ? OR_TELETEX : OR_PRINTABLE;
	random_string(m, &t, KIND_DDA, a->dda_charset, 1 + below(8));
	a->dda_type = t.value;
	a->dda_len = t.len;
}

static void
test_round_trip(void **state)
{
	struct or_address or, again;
	struct message *m, *n;
	const char *why;
	char buf[16384];
	size_t where;
	int i, form, type, units, ddas;

	for (i = 0; i < 20000; i++) {
		assert_non_null(m = message_new());
		or.nattr = 0;
		or.attr = message_alloc(m, UB_OR_ATTRIBUTES *
		    sizeof(*or.attr));
		assert_non_null(or.attr);
		units = below(5);
		for (type = 1; type < OR_TYPE_MAX; type++) {
			if (type >= OR_OU1 && type <= OR_OU4) {
				if (type < OR_OU1 + units)
					random_attr(m, &or, type);
			} else if (type == OR_DDA) {
				for (ddas = below(5); ddas > 0; ddas--)
					random_attr(m, &or, type);
			} else if (type == OR_A || below(6) == 0)
				random_attr(m, &or, type);
		}
		for (form = 0; form < 2; form++) {
			or_address_print(&or, buf, sizeof(buf), form);
			assert_true(strlen(buf) + 1 < sizeof(buf));
			assert_non_null(n = message_new());
			if (or_address_parse(n, &again, buf, &where,
			    &why) == -1)
				fail_msg("%s\n%*s^ %s", buf, (int)where, "",
				    why);
			same(&or, &again, buf);
			assert_int_equal(or_address_compare(&or, &again), 0);
			message_free(n);
		}
		message_free(m);
	}
}

static int
compared(const char *a, const char *b)
{
	struct or_address x, y;
	struct message *m, *n;
	int r;

	m = parsed(a, &x);
	n = parsed(b, &y);
	r = or_address_compare(&x, &y);
	assert_int_equal(r > 0, or_address_compare(&y, &x) < 0);
	message_free(m);
	message_free(n);
	return (r);
}

static void
test_compare(void **state)
{
	assert_int_equal(compared("/S=Doe/C=GB/A=X Y", "c=gb;a= x  y ;s=DOE"),
	    0);
	assert_int_not_equal(compared("/S=Doe/C=GB/A=XY",
	    "/S=Doe/C=GB/A=X Y"), 0);
	assert_int_not_equal(compared("/S=Doe/C=GB/A=X",
	    "/S=Doe/C=GB/A=X/O=o"), 0);
	assert_int_not_equal(compared("/S=Doe", "/G=Doe"), 0);
	assert_int_equal(compared("/DD.x=1/DD.y=2", "/DD.X=1/DD.Y=2"), 0);
	assert_int_not_equal(compared("/DD.x=1", "/DD.y=1"), 0);
	assert_int_equal(compared("/O=abc", "/O=*ABC"), 0);
	assert_int_not_equal(compared("/O={x41}", "/O={x61}"), 0);
	assert_int_not_equal(compared("/O={x41}", "/O=A"), 0);
}

static int
match(const char *prefix, const char *text)
{
	struct or_address x, y;
	struct message *m, *n;
	int r;

	m = parsed(prefix, &x);
	n = parsed(text, &y);
	r = or_address_match(&x, &y);
	message_free(m);
	message_free(n);
	return (r);
}

static void
test_match(void **state)
{
	static const char jo[] = "/G=Jo/S=Doe/OU1=u/O=o/PRMD=BETA/ADMD=ATLAS"
	    "/C=FR/DD.fax=1";

	assert_int_equal(match("/C=FR/ADMD=ATLAS/PRMD=BETA", jo), 3);
	assert_int_equal(match("/c=fr/a=atlas/p=beta/o=O/ou1=U", jo), 5);
	assert_int_equal(match("/C=FR", jo), 1);
	assert_int_equal(match("/C=FR/PRMD=BETA", jo), 2);
	assert_int_equal(match("/C=FR/ADMD= /PRMD=BETA", jo), 2);
	assert_int_equal(match("/C=GB", jo), -1);
	assert_int_equal(match("/C=FR/ADMD=ATLAS/PRMD=GAMMA", jo), -1);
	assert_int_equal(match("/C=FR/ADMD=ATLAS/PRMD=BETA/X121=1", jo), -1);
	assert_int_equal(match("/C=FR/DD.FAX=1", jo), 2);
	assert_int_equal(match("/C=FR/DD.FAX=2", jo), -1);
	/* An address that leaves its ADMD open is not in a certain one. */
	assert_int_equal(match("/C=FR/ADMD=ATLAS", "/S=x/C=FR"), -1);
	assert_int_equal(match("/C=FR", "/S=x/C=FR"), 1);
}

static void
test_t61(void **state)
{
	char buf[16];
	size_t where = 99;

	assert_int_equal(t61_from_utf8("na\303\257ve #$\302\244", buf,
	    sizeof(buf), &where), 10);
	assert_string_equal(buf, "na\310ive \246\244\250");
	assert_int_equal(t61_from_utf8("", buf, sizeof(buf), &where), 0);
	assert_int_equal(t61_from_utf8("ab\342\202\254", buf, sizeof(buf),
	    &where), -1);
	assert_int_equal(where, 2);
	assert_int_equal(t61_from_utf8("abcd", buf, 4, &where), -1);
	assert_int_equal(where, 3);
	assert_int_equal(t61_from_utf8("abcd", buf, 5, &where), 4);
	assert_int_equal(t61_from_utf8("a\\", buf, sizeof(buf), &where), -1);
	assert_int_equal(where, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_charset),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_t61),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
