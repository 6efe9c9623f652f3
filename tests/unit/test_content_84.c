/* SPDX-License-Identifier: ISC */

/*
 * Contents of 1988 as P2 of 1984: RFC 1328 clauses 5 and 6.  Contents are
 * put together by hand, and so is what is to become of them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "content_84.h"
#include "imsg.h"

/* An element of octets in hexadecimal digits. */
struct hex {
	char	s[64 * 1024];
};

static const char *
cat(struct hex *h, const char *first, ...)
{
	va_list		ap;
	const char	*s;
	char		buf[sizeof(h->s)];
	size_t		n = 0;

	va_start(ap, first);
	for (s = first; s != NULL; s = va_arg(ap, const char *))
		for (; *s != '\0'; s++)
			if (*s != ' ' && n + 1 < sizeof(buf))
				buf[n++] = *s;
	va_end(ap);
	buf[n] = '\0';
	/* h may be one of the pieces */
	memcpy(h->s, buf, n + 1);
	return h->s;
}

/* Definite or, with the tag's length 0x80, indefinite. */
static const char *
element(struct hex *h, const char *tag, const char *octets, int indefinite)
{
	struct hex	in;
	size_t		len;
	char		header[32];

	cat(&in, octets, NULL);
	len = strlen(in.s) / 2;
	if (indefinite) {
		snprintf(header, sizeof(header), "%s80", tag);
		return cat(h, header, in.s, "0000", NULL);
	}
	if (len < 128)
		snprintf(header, sizeof(header), "%s%02zx", tag, len);
	else if (len < 256)
		snprintf(header, sizeof(header), "%s81%02zx", tag, len);
	else
		snprintf(header, sizeof(header), "%s82%04zx", tag, len);
	return cat(h, header, in.s, NULL);
}

/* A content; behind its octets there is nothing but one letter. */
struct content {
	uint8_t		octets[32 * 1024];
	size_t		n;
	uint64_t	len;
	uint64_t	read;		/* octets asked for */
	uint64_t	fails;		/* from there on; 0: does not */
};

static ssize_t
content_pread(void *arg, void *p, size_t n, uint64_t offset)
{
	struct content	*c = arg;
	size_t		 i;

	if (c->fails != 0 && offset + n > c->fails)
		return -1;
	/* A read that is cut short is no error. */
	if (n > 1000)
		n = 1000;
	for (i = 0; i < n && offset + i < c->len; i++)
		((uint8_t *)p)[i] = offset + i < c->n ?
		    c->octets[offset + i] : 'x';
	c->read += i;
	return i;
}

#define FAR	(3 * 1024 * 1024)	/* octets in between */

static void
content(struct content *c, const char *hex)
{
	unsigned int	v;

	memset(c, 0, sizeof(*c));
	for (; *hex != '\0'; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		assert_true(c->n < sizeof(c->octets));
		c->octets[c->n++] = v;
	}
	c->len = c->n;
}

/* The same with octets behind FAR others. */
static struct content	tail;

static ssize_t
far_pread(void *arg, void *p, size_t n, uint64_t offset)
{
	struct content	*c = arg;
	size_t		 i;

	for (i = 0; i < n; i++)
		((uint8_t *)p)[i] = offset + i < c->n ?
		    c->octets[offset + i] : offset + i < c->n + FAR ? 'x' :
		    tail.octets[offset + i - c->n - FAR];
	c->read += n;
	return n;
}

static void
far_content(struct content *c, const char *hex)
{
	content(&tail, hex);
	c->len = c->n + FAR + tail.n;
}

static void
out(struct content *c, const struct content_84 *r, struct hex *h)
{
	const uint8_t	*p = ibuf_data(r->prefix);
	size_t		 i, n = 0, size = ibuf_size(r->prefix);

	for (i = 0; i < size; i++)
		n += snprintf(h->s + n, sizeof(h->s) - n, "%02x", p[i]);
	for (i = r->offset; i < c->n; i++)
		n += snprintf(h->s + n, sizeof(h->s) - n, "%02x",
		    c->octets[i]);
	h->s[n] = '\0';
	assert_true(r->len == size + c->len - r->offset);
}

static void
becomes(const char *in, const char *expected)
{
	struct content_84	 r, again;
	static struct content	 c, d;
	struct hex		 h;

	content(&c, in);
	if (content_84(content_pread, &c, c.len, &r) == -1)
		fail_msg("%s", r.why);
	out(&c, &r, &h);
	assert_string_equal(h.s, expected);
	/* What it is now is of 1984, and the same each time. */
	content(&d, h.s);
	assert_int_equal(content_84(content_pread, &d, d.len, &again), 0);
	assert_int_equal(again.offset, 0);
	assert_int_equal(ibuf_size(again.prefix), 0);
	content_84_free(&again);
	assert_int_equal(content_84(content_pread, &c, c.len, &again), 0);
	assert_int_equal(again.offset, r.offset);
	assert_int_equal(ibuf_size(again.prefix), ibuf_size(r.prefix));
	assert_memory_equal(ibuf_data(again.prefix), ibuf_data(r.prefix),
	    ibuf_size(r.prefix));
	content_84_free(&again);
	content_84_free(&r);
}

static void
stays(const char *in)
{
	becomes(in, in);
}

static void
cannot(const char *in, const char *why)
{
	struct content_84	 r;
	static struct content	 c;

	content(&c, in);
	assert_int_equal(content_84(content_pread, &c, c.len, &r), -1);
	assert_string_equal(r.why, why);
	assert_false(r.unreadable);
	content_84_free(&r);
}

/* Pieces */

/* C=GB, A=" " and, of 1984, S=Doe */
#define NAME_STD	"6104 1302 4742 6203 1301 20"
#define NAME_84		"6014 3012 " NAME_STD " a505 8003 446f65"
#define IM_ID		"6b05 1303 312041"
/* IA5 text "Hi" */
#define IA5		"a008 3100 1604 48690d0a"

static struct hex	h1, h2, h3, h4, h5, h6;

/* CN of one letter, so that lengths stay in sight. */
static const char *
name_cn(struct hex *h)
{
	struct hex	ext, attr, set;

	element(&attr, "30", "800101 a103 130178", 0);
	element(&set, "31", attr.s, 0);
	cat(&ext, "300b" NAME_STD, set.s, NULL);
	return element(h, "60", ext.s, 0);
}

static const char *
name_common(struct hex *h)
{
	struct hex	dda, all;

	element(&dda, "30", "1306 436f6d6d6f6e 1301 78", 0);
	element(&all, "30", dda.s, 0);
	cat(&dda, "300b" NAME_STD, all.s, NULL);
	return element(h, "60", dda.s, 0);
}

/* Heading with an originator and a recipient, both by that name. */
static const char *
heading(struct hex *h, const char *name, const char *more,
    const char *recipient_more, int indefinite)
{
	struct hex	originator, r, rs;

	element(&originator, "a0", name, indefinite);
	cat(&r, originator.s, "8101 06", recipient_more, NULL);
	element(&rs, "31", r.s, indefinite);
	element(&r, "a2", rs.s, indefinite);
	cat(&rs, IM_ID, originator.s, r.s, "a804 1402 4869", more, NULL);
	return element(h, "31", rs.s, indefinite);
}

static const char *
ipm(struct hex *h, const char *head, const char *parts, int indefinite)
{
	struct hex	body, all;

	element(&body, "30", parts, indefinite);
	cat(&all, head, body.s, NULL);
	return element(h, "a0", all.s, indefinite);
}

static void
test_of_1984(void **state)
{
	int	i;

	for (i = 0; i < 2; i++) {
		heading(&h1, NAME_84, "", "", i);
		ipm(&h2, h1.s, IA5 "8502 3132" IA5, i);
		stays(h2.s);
	}
	/* no recipients, no body parts */
	cat(&h1, "a00b 3107" IM_ID "3000", NULL);
	stays(h1.s);
}

/* The content, like the envelope: MS Mail refused what had it in one. */
static void
test_q232656_common_name(void **state)
{
	int	i;

	for (i = 0; i < 2; i++) {
		heading(&h1, name_cn(&h3), "", "", i);
		ipm(&h2, h1.s, IA5, i);
		heading(&h1, name_common(&h3), "", "", 0);
		if (i == 0)
			ipm(&h4, h1.s, IA5, 0);
		else {
			/* Only what is rewritten is of definite length. */
			element(&h5, "30", IA5, 1);
			cat(&h6, h1.s, h5.s, NULL);
			element(&h4, "a0", h6.s, 1);
		}
		becomes(h2.s, h4.s);
	}
}

/* Names that have nothing of 1988 are not touched, the others are. */
static void
test_mixed_names(void **state)
{
	struct hex	b, in, expected;

	cat(&h1, IM_ID, "a016" NAME_84, "a102 3000", NULL);
	element(&h5, "ab", name_cn(&h3), 0);
	cat(&b, h1.s, h5.s, NULL);
	element(&h6, "31", b.s, 0);
	ipm(&in, h6.s, "", 0);
	element(&h5, "ab", name_common(&h3), 0);
	cat(&b, h1.s, h5.s, NULL);
	element(&h6, "31", b.s, 0);
	ipm(&expected, h6.s, "", 0);
	becomes(in.s, expected.s);
}

/* RFC 1328 5: headings of 1988 are stripped. */
static void
test_heading_extensions(void **state)
{
	heading(&h1, NAME_84, "af0a 3008 0604 56010501 0500",
	    "a306 3004 0602 2a03", 0);
	ipm(&h2, h1.s, IA5, 0);
	heading(&h1, NAME_84, "", "", 0);
	ipm(&h3, h1.s, IA5, 0);
	becomes(h2.s, h3.s);
}

/* A heading that cannot go says why. */
static void
test_q177862_says_why(void **state)
{
	/* CN alone */
	heading(&h1, "600e 3000 310a 3008 8001 01 a103 1301 78", "", "", 0);
	ipm(&h2, h1.s, IA5, 0);
	cannot(h2.s, "no standard attribute of 1984 in an O/R name");
	/* attribute 77 */
	heading(&h1, "6019 300b" NAME_STD "310a 3008 8001 4d a103 1301 78",
	    "", "", 0);
	ipm(&h2, h1.s, IA5, 0);
	cannot(h2.s, "an extension attribute of an O/R name is not known");
	/* a directory name */
	heading(&h1, "6006 3000 a002 3000", "", "", 0);
	ipm(&h2, h1.s, IA5, 0);
	cannot(h2.s, "an O/R name that is a directory name only");
	/* a universal common name, attribute 24, that is none */
	heading(&h1, "6019 300b" NAME_STD "310a 3008 8001 18 a103 3101 00",
	    "", "", 0);
	ipm(&h2, h1.s, IA5, 0);
	cannot(h2.s, "an O/R name is malformed");
}

/* Every attribute that X.411 has. */
static void
test_attributes(void **state)
{
	static const struct {
		const char	*value;
		int		 wrapped;
	} all[] = {
		/* teletex CN and O, with nothing beside them */
		{ "800102 a103 1401 c8", 1 },
		{ "800103 a103 1401 78", 1 },
		{ "800104 a108 3106 8001 78 8101 79", 1 },
		{ "800105 a105 3003 1401 78", 0 },
		{ "800106 a10a 3008 3006 1401 78 1401 79", 0 },
		{ "800107 a103 1301 78", 1 }, { "800108 a104 1302 5553", 1 },
		{ "800109 a103 1201 31", 1 },
		{ "80010a a108 3106 1301 78 1401 79", 1 },
		{ "80010b a105 3103 1301 78", 1 },
		{ "80010c a105 3103 1301 78", 1 },
		{ "80010d a105 3103 1301 78", 1 },
		{ "80010e a105 3103 1301 78", 1 },
		{ "80010f a105 3103 1301 78", 1 },
		{ "800110 a10d 310b 3006 1301 78 1301 79 1401 7a", 1 },
		{ "800111 a105 3103 1301 78", 1 },
		{ "800112 a105 3103 1301 78", 1 },
		{ "800113 a105 3103 1301 78", 1 },
		{ "800114 a105 3103 1301 78", 1 },
		{ "800115 a105 3103 1401 78", 1 },
		{ "800116 a108 3006 8001 31 8101 32", 1 },
		{ "800116 a109 a007 a305 3103 0401 31", 1 },
		{ "800117 a103 0201 07", 1 },
	};
	struct content_84	 r;
	static struct content	 c;
	struct hex		 attr, set, name;
	size_t			 i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		element(&attr, "30", all[i].value, 0);
		element(&set, "31", attr.s, 0);
		cat(&attr, "300b" NAME_STD, set.s, NULL);
		element(&name, "60", attr.s, 0);
		heading(&h1, name.s, "", "", 0);
		ipm(&h2, h1.s, IA5, 0);
		content(&c, h2.s);
		if (content_84(content_pread, &c, c.len, &r) == -1)
			fail_msg("%s: %s", all[i].value, r.why);
		out(&c, &r, &h3);
		/* "X400-88", but where T.61 may stand */
		if (all[i].wrapped)
			assert_non_null(strstr(h3.s, "583430302d3838"));
		else
			assert_null(strstr(h3.s, "583430302d3838"));
		content_84_free(&r);
	}
}

/* A name of the usual country and ADMD with extension attributes. */
static const char *
name_extended(struct hex *h, const char *attributes)
{
	struct hex	set, all;

	element(&set, "31", attributes, 0);
	cat(&all, "300b" NAME_STD, set.s, NULL);
	return element(h, "60", all.s, 0);
}

/* A heading with one name that becomes one with another. */
static void
name_becomes(const char *name, const char *expected)
{
	struct hex	in, all;

	heading(&h1, name, "", "", 0);
	ipm(&in, h1.s, IA5, 0);
	heading(&h1, expected, "", "", 0);
	ipm(&all, h1.s, IA5, 0);
	becomes(in.s, all.s);
}

/* The address as text in a name of 1984 beside what routes. */
static const char *
name_text(struct hex *h, const char *text)
{
	struct hex	value, dda;
	char		hex[2 * 128 + 1];
	size_t		i;

	for (i = 0; text[i] != '\0'; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text[i]);
	element(&value, "13", hex, 0);
	cat(&dda, "1307 583430302d3838", value.s, NULL);
	element(&value, "30", dda.s, 0);
	element(&dda, "30", value.s, 0);
	cat(&value, "300b" NAME_STD, dda.s, NULL);
	return element(h, "60", value.s, 0);
}

/* What has no form but the universal one goes like the others. */
static void
test_universal_only(void **state)
{
	struct hex	name, expected;

	/* a common name, u with diaeresis in a BMPString */
	name_extended(&name, "300b 800118 a106 3104 1e02 00fc");
	name_becomes(name.s, name_text(&expected,
	    "/CN=(123)uC3BC(125)/ADMD= /C=GB/"));
	/* in a UniversalString, and of a language */
	name_extended(&name, "3011 800118 a10c 310a 1c04 000000fc 1302 6465");
	name_becomes(name.s, name_text(&expected,
	    "/CN=(123)uC3BC006465(125)/ADMD= /C=GB/"));
	/* a surname */
	name_extended(&name, "300d 80011a a108 3106 a004 1e02 00fc");
	name_becomes(name.s, name_text(&expected,
	    "/S=(123)uC3BC(125)/ADMD= /C=GB/"));
	/* a unit: 1984 has T.61 for it */
	name_extended(&name, "300d 80011b a108 3006 3104 1e02 00fc");
	name_becomes(name.s, "6013 3011" NAME_STD "a604 1402 c875");
	/* beside the same in printable characters it is left out */
	name_extended(&name, "300b 800118 a106 3104 1e02 00fc"
	    "3008 800101 a103 1301 78");
	name_becomes(name.s, name_common(&expected));
}

/* Strings in segments, which are put together. */
static void
test_segments(void **state)
{
	static const char	common[] = "6020 300b" NAME_STD
				    "3011 300f 1306 436f6d6d6f6e 1305"
				    "48656c6c6f";
	struct hex		name, expected;

	name_extended(&name, "3010 800101 a10b 3309 0403 48656c 0402 6c6f");
	name_becomes(name.s, common);
	/* indefinite, one in the other, of their own type */
	name_extended(&name, "3080 800101 a180 3380 1302 4865"
	    "3380 1301 6c 1302 6c6f 0000 0000 0000 0000");
	name_becomes(name.s, common);
	/* under a tag that is not theirs: a surname in T.61 */
	name_extended(&name, "3010 800104 a10b 3109 a007 0402 c875 0401 78");
	name_becomes(name.s, name_text(&expected,
	    "/S=(042)(123)200(125)ux/ADMD= /C=GB/"));
	/* in a name that is of 1984 already they stay */
	heading(&h1, "601c 301a" NAME_STD "a50d a00b 0403 446f65 0404"
	    "20446f65", "", "", 0);
	ipm(&h2, h1.s, IA5, 0);
	stays(h2.s);
}

/* Gigabytes of a body part are neither read nor counted wrong. */
static void
test_large(void **state)
{
	static const uint64_t	 part = UINT64_C(5) << 30;
	struct content_84	 r;
	static struct content	 c;
	struct hex		 head, head_84;
	uint8_t			 lengths[3][10];
	uint64_t		 len[3];
	int			 i, j;

	heading(&head, name_cn(&h3), "", "", 0);
	heading(&head_84, name_common(&h3), "", "", 0);
	len[2] = part;
	len[1] = part + 10;
	len[0] = len[1] + 10 + strlen(head.s) / 2;
	for (i = 0; i < 3; i++) {
		lengths[i][0] = i == 0 ? 0xa0 : i == 1 ? 0x30 : 0x85;
		lengths[i][1] = 0x88;
		for (j = 0; j < 8; j++)
			lengths[i][2 + j] = len[i] >> (56 - 8 * j);
	}
	content(&c, head.s);
	memmove(c.octets + 10, c.octets, c.n);
	memcpy(c.octets, lengths[0], 10);
	memcpy(c.octets + 10 + c.n, lengths[1], 10);
	memcpy(c.octets + 20 + c.n, lengths[2], 10);
	c.n += 30;
	c.len = 10 + len[0];
	assert_int_equal(content_84(content_pread, &c, c.len, &r), 0);
	/* The heading was it, and that the first length is in a new form. */
	assert_true(r.offset == 10 + strlen(head.s) / 2);
	assert_true(r.len == c.len - r.offset + ibuf_size(r.prefix));
	assert_int_equal(ibuf_size(r.prefix), 7 + strlen(head_84.s) / 2);
	assert_true(c.read < 16 * 1024);
	content_84_free(&r);
}

static const char *
forwarded(struct hex *h, const char *parameters, const char *head,
    const char *parts, int indefinite)
{
	struct hex	body, all;

	element(&body, "30", parts, indefinite);
	cat(&all, head, body.s, NULL);
	element(&body, "30", all.s, indefinite);
	cat(&all, parameters, body.s, NULL);
	return element(h, "a9", all.s, indefinite);
}

static void
test_forwarded(void **state)
{
	struct hex	head, head_84, in, expected, part;
	int		i;

	heading(&head, name_cn(&h3), "", "", 0);
	heading(&head_84, name_common(&h3), "", "", 0);
	/* one in one, and text in front and behind */
	forwarded(&part, "3100", head.s, IA5, 0);
	cat(&h1, IA5, part.s, IA5, NULL);
	forwarded(&part, "3100", head.s, h1.s, 0);
	cat(&h1, IA5, part.s, IA5, NULL);
	ipm(&in, head.s, h1.s, 0);
	forwarded(&part, "3100", head_84.s, IA5, 0);
	cat(&h1, IA5, part.s, IA5, NULL);
	forwarded(&part, "3100", head_84.s, h1.s, 0);
	cat(&h1, IA5, part.s, IA5, NULL);
	ipm(&expected, head_84.s, h1.s, 0);
	becomes(in.s, expected.s);

	/* Indefinite: nothing around it changes. */
	heading(&h6, NAME_84, "", "", 0);
	forwarded(&part, "3100", head.s, IA5, 1);
	ipm(&in, h6.s, part.s, 1);
	forwarded(&part, "3100", head_84.s, IA5, 1);
	ipm(&expected, h6.s, part.s, 1);
	becomes(in.s, expected.s);

	/* One that is of 1984 already leaves no trace. */
	forwarded(&part, "3100", h6.s, IA5, 0);
	ipm(&in, h6.s, part.s, 0);
	stays(in.s);

	cat(&part, IA5, NULL);
	for (i = 0; i < FORWARDED_MAX; i++) {
		forwarded(&h1, "3100", "3107" IM_ID, part.s, 0);
		cat(&part, h1.s, NULL);
	}
	ipm(&in, h6.s, part.s, 0);
	stays(in.s);
	forwarded(&h1, "3100", "3107" IM_ID, part.s, 0);
	ipm(&in, h6.s, h1.s, 0);
	cannot(in.s, "more than 8 messages in one another");
}

/* Delivery information: OtherMessageDeliveryFields to DeliverEnvelope. */
static void
test_forwarded_envelope(void **state)
{
	struct hex	fields, set, part, in, expected, name, name4;
	int		i;
	static const char *const types[] = { "8001 16", "0604 56010a01",
	    "4601 16" };

	heading(&h6, NAME_84, "", "", 0);
	for (i = 0; i < 3; i++) {
		cat(&name4, name_cn(&name), NULL);
		memcpy(name4.s, "a4", 2);
		cat(&fields, types[i], name_cn(&name), "a108 8002 0520 a402"
		    "0000", name4.s, "8701 31 8801 32 a902 3000", NULL);
		element(&set, "a1", fields.s, 0);
		element(&fields, "31", set.s, 0);
		forwarded(&part, fields.s, h6.s, IA5, 0);
		ipm(&in, h6.s, part.s, 0);

		cat(&name4, name_common(&name), NULL);
		memcpy(name4.s, "a4", 2);
		cat(&fields, "4601 02", name_common(&name), "a104 8002 0520",
		    name4.s, "8701 31", NULL);
		element(&set, "a1", fields.s, 0);
		element(&fields, "31", set.s, 0);
		forwarded(&part, fields.s, h6.s, IA5, 0);
		ipm(&expected, h6.s, part.s, 0);
		becomes(in.s, expected.s);
	}
	forwarded(&part, "3106 a104 0602 2a03", h6.s, IA5, 0);
	ipm(&in, h6.s, part.s, 0);
	cannot(in.s, "a forwarded message is of an extended content type");
}

/* A change behind more than is to be held; none behind it is no matter. */
static void
test_forwarded_far(void **state)
{
	struct content_84	 r;
	static struct content	 c;
	struct hex		 head, head_84;
	char			 header[32];
	int			 i;

	heading(&head, name_cn(&h3), "", "", 0);
	heading(&head_84, NAME_84, "", "", 0);
	for (i = 0; i < 2; i++) {
		/* [5] of 3 MB, then the other part: octets in the middle */
		snprintf(header, sizeof(header), "8583%06x", FAR);
		cat(&h1, "a080", head_84.s, "3080", header, NULL);
		content(&c, h1.s);
		forwarded(&h2, "3100", i == 0 ? head.s : head_84.s, IA5, 0);
		cat(&h4, h2.s, "0000 0000", NULL);
		far_content(&c, h4.s);
		if (i == 1) {
			assert_int_equal(content_84(far_pread, &c, c.len,
			    &r), 0);
			assert_int_equal(r.offset, 0);
			assert_true(r.len == c.len);
		} else {
			assert_int_equal(content_84(far_pread, &c, c.len,
			    &r), -1);
			assert_non_null(strstr(r.why, "too far into"));
			assert_false(r.unreadable);
		}
		assert_true(c.read < 64 * 1024);
		content_84_free(&r);
	}
}

#define ET(n)	"0604 560104" n
#define EP(n)	"0604 56010b" n

static void
extended(struct hex *h, const char *parameters, const char *oid,
    const char *data)
{
	struct hex	single, ext, all;

	element(&single, "a0", data, 0);
	cat(&ext, oid, single.s, NULL);
	element(&all, "28", ext.s, 0);
	cat(&ext, parameters, all.s, NULL);
	element(h, "af", ext.s, 0);
}

static void
test_extended(void **state)
{
	static const struct {
		const char	*parameters, *oid, *data, *basic;
	} parts[] = {
		{ "", ET("00"), "1602 4869", "a006 3100 1602 4869" },
		{ "a00d" EP("00") "a005 3103 8001 05", ET("00"), "1602 4869",
		    "a009 3103 8001 05 1602 4869" },
		{ "", ET("00"), "3680 1601 48 1601 69 0000",
		    "a00c 3100 3680 1601 48 1601 69 0000" },
		{ "", ET("02"), "3004 0302 00ff", "a308 3100 3004 0302 00ff" },
		{ "", ET("03"), "3004 0402 00ff", "a404 0402 00ff" },
		{ "", ET("04"), "3003 1401 78", "a507 3100 3003 1401 78" },
		{ "", ET("05"), "1501 78", "a605 3100 1501 78" },
		{ "", ET("06"), "0302 00ff", "a806 3100 0302 00ff" },
		{ "", ET("08"), "3000", "ab00" },
	};
	struct hex	part;
	size_t		i;

	heading(&h6, NAME_84, "", "", 0);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		extended(&part, parts[i].parameters, parts[i].oid,
		    parts[i].data);
		cat(&h1, IA5, part.s, IA5, NULL);
		ipm(&h2, h6.s, h1.s, 0);
		cat(&h1, IA5, parts[i].basic, IA5, NULL);
		ipm(&h3, h6.s, h1.s, 0);
		becomes(h2.s, h3.s);
	}

	/* general-text, file-transfer, and what is not X.420 at all */
	extended(&part, "", ET("0b"), "1b01 78");
	ipm(&h2, h6.s, part.s, 0);
	cannot(h2.s, "extended body part 2.6.1.4.11");
	extended(&part, "a006" EP("0c"), ET("0c"), "3000");
	ipm(&h2, h6.s, part.s, 0);
	cannot(h2.s, "extended body part 2.6.1.4.12");
	extended(&part, "", "0602 2a03", "3000");
	ipm(&h2, h6.s, part.s, 0);
	cannot(h2.s, "extended body part 1.2.3");
	extended(&part, "", "0201 01", "3000");
	ipm(&h2, h6.s, part.s, 0);
	cannot(h2.s, "extended body part without an object identifier");
	/* octets aligned, indefinite, and parameters that are none */
	ipm(&h2, h6.s, "af0b 2809" ET("00") "8101 78", 0);
	cannot(h2.s, "extended body part 2.6.1.4.0");
	ipm(&h2, h6.s, "af80 280b" ET("00") "a003 1601 78 0000", 0);
	cannot(h2.s, "extended body part 2.6.1.4.0");
	extended(&part, "a009" EP("00") "8101 78", ET("00"), "1601 78");
	ipm(&h2, h6.s, part.s, 0);
	cannot(h2.s, "extended body part 2.6.1.11.0");
}

static void
test_notification(void **state)
{
	struct hex	name, d1, d2, returned, in, expected, head;

	/* subject-ipm, originator, preferred recipient, EITs, receipt */
	element(&d1, "a1", name_cn(&name), 0);
	element(&d2, "a2", NAME_84, 0);
	cat(&h1, IM_ID, d1.s, d2.s, "6508 8002 0520 a402 3000"
	    "a00b a109 8001 31 a304 3002 0500 a302 3000", NULL);
	element(&in, "a1", h1.s, 0);
	element(&d1, "a1", name_common(&name), 0);
	cat(&h1, IM_ID, d1.s, d2.s, "6504 8002 0520"
	    "a005 a103 8001 31", NULL);
	element(&expected, "a1", h1.s, 0);
	becomes(in.s, expected.s);

	/* non-receipt, with the message returned */
	heading(&head, name_cn(&name), "", "", 0);
	ipm(&returned, head.s, IA5, 0);
	memcpy(returned.s, "a3", 2);
	cat(&h1, "8001 00", returned.s, "a400", NULL);
	element(&h2, "a0", h1.s, 0);
	element(&h3, "a0", h2.s, 0);
	cat(&h1, IM_ID, h3.s, NULL);
	element(&in, "a1", h1.s, 0);
	heading(&head, name_common(&name), "", "", 0);
	ipm(&returned, head.s, IA5, 0);
	memcpy(returned.s, "a3", 2);
	cat(&h1, "8001 00", returned.s, NULL);
	element(&h2, "a0", h1.s, 0);
	element(&h3, "a0", h2.s, 0);
	cat(&h1, IM_ID, h3.s, NULL);
	element(&expected, "a1", h1.s, 0);
	becomes(in.s, expected.s);

	cat(&h1, IM_ID, "a004 a202 3000", NULL);
	element(&in, "a1", h1.s, 0);
	cannot(in.s, "notification of another type than receipt and "
	    "non-receipt");
}

static void
test_no_ipm(void **state)
{
	struct content_84	 r;
	static struct content	 c;
	size_t			 i;

	cannot("", "the content is no interpersonal message, octet 0");
	cannot("a280", "the content is no interpersonal message, octet 0");
	cannot("a0023100", "the content is no interpersonal message, "
	    "octet 4");
	cannot("a0043100b000", "the content is no interpersonal message, "
	    "octet 4");
	heading(&h1, name_cn(&h3), "", "", 0);
	ipm(&h2, h1.s, "b000", 0);
	content(&c, h2.s);
	assert_int_equal(content_84(content_pread, &c, c.len, &r), -1);
	content_84_free(&r);
	/* Cut anywhere, it is none. */
	heading(&h1, name_cn(&h3), "", "", 1);
	ipm(&h2, h1.s, IA5, 1);
	content(&c, h2.s);
	for (i = 0; i < c.n; i++) {
		assert_int_equal(content_84(content_pread, &c, i, &r), -1);
		assert_false(r.unreadable);
		content_84_free(&r);
	}
	/* That it cannot be read is another matter. */
	for (i = 1; i < c.n; i++) {
		c.fails = i;
		assert_int_equal(content_84(content_pread, &c, c.len, &r),
		    -1);
		assert_true(r.unreadable);
		content_84_free(&r);
	}
}

/* So many elements that following them would keep the others waiting. */
static ssize_t
endless(void *arg, void *p, size_t n, uint64_t offset)
{
	static const uint8_t	head[] = { 0xa0, 0x80, 0x31, 0x00, 0x30,
				    0x80 };
	size_t			i;

	for (i = 0; i < n; i++, offset++)
		((uint8_t *)p)[i] = offset < sizeof(head) ? head[offset] :
		    offset % 2 == 0 ? 0x80 : 0;
	return n;
}

static void
test_endless(void **state)
{
	struct content_84	r;

	assert_int_equal(content_84(endless, NULL, UINT64_C(1) << 40, &r),
	    -1);
	assert_string_equal(r.why, "the content has too many elements");
	content_84_free(&r);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_of_1984),
		cmocka_unit_test(test_q232656_common_name),
		cmocka_unit_test(test_mixed_names),
		cmocka_unit_test(test_heading_extensions),
		cmocka_unit_test(test_q177862_says_why),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_universal_only),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_forwarded_envelope),
		cmocka_unit_test(test_forwarded_far),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_notification),
		cmocka_unit_test(test_no_ipm),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
