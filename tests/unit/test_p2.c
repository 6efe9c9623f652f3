/* SPDX-License-Identifier: ISC */

/* The interpersonal message that a text becomes (X.420-1984 clause 3). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "ber.h"
#include "imsg.h"
#include "p2.h"
#include "vectors.h"

#define ATTR(t, v)	{ .type = (t), .len = sizeof(v) - 1, \
	.value = (char *)(uintptr_t)(v) }

static struct or_attr	originator_attr[] = {
	ATTR(OR_C, "GB"), ATTR(OR_A, " "), ATTR(OR_S, "Doe")
};
static struct or_attr	to_attr[] = {
	ATTR(OR_C, "FR"), ATTR(OR_A, "ATLAS"), ATTR(OR_DDA, "a(b)c")
};
static const struct or_address	originator = {
	.attr = originator_attr, .nattr = 3
};
static const struct or_address	to[] = {
	{ .attr = to_attr, .nattr = 3 }, { .attr = to_attr, .nattr = 3 }
};

static void
ipm_head(const struct p2_heading *h, uint64_t len, struct ibuf **head)
{
	struct ibuf	*tail = ibuf_dynamic(0, 4096);
	const char	*why = "";

	*head = ibuf_dynamic(0, 1 << 20);
	if (p2_ipm_head(h, len, *head, tail, &why) == -1)
		fail_msg("%s", why);
	/* The text is the last member of all: nothing follows it. */
	assert_int_equal(ibuf_size(tail), 0);
	ibuf_free(tail);
}

/* Octets that tshark's X.420 dissector reads to the last. */
static void
test_octets(void **state)
{
	struct p2_heading	 h = { .id = "1 A", .originator = &originator,
				    .to = to, .nto = 2,
				    .subject = "Hi there" };
	struct ibuf		*head;
	uint8_t			*p;
	size_t			 len;

	to_attr[2].dda_type = (char *)(uintptr_t)"RFC-822";
	to_attr[2].dda_len = 7;
	p = hex_octets("a081b1 318199"
	    /* IPMessageId: the user, the relative identifier */
	    "6b1b 6014 3012 6104 1302 4742 6203 1301 20 a505 8003 446f65"
	    "1303 312041"
	    /* [0] originator */
	    "a016 6014 3012 6104 1302 4742 6203 1301 20 a505 8003 446f65"
	    /* [2] primary recipients */
	    "a256"
	    "3129 a027 6025 300f 6104 1302 4652 6207 1305 41544c4153"
	    "3012 3010 1307 5246432d383232 1305 6128622963"
	    "3129 a027 6025 300f 6104 1302 4652 6207 1305 41544c4153"
	    "3012 3010 1307 5246432d383232 1305 6128622963"
	    /* [8] subject */
	    "a80a 1408 4869207468657265"
	    /* body: one part of IA5 text, default repertoire */
	    "3013 a011 3100 160d", &len);
	ipm_head(&h, 13, &head);
	assert_int_equal(ibuf_size(head), len);
	assert_memory_equal(ibuf_data(head), p, len);
	ibuf_free(head);
	free(p);
}

/* Lengths of all that hold the text count it, whatever its size. */
static void
test_lengths(void **state)
{
	static const uint64_t	lengths[] = {
		0, 1, 127, 128, 65535, 65536, 5ULL << 30
	};
	struct p2_heading	 h = { .id = "x", .originator = &originator };
	struct ber_header	 bh;
	struct ibuf		*head;
	const char		*why;
	const uint8_t		*p;
	size_t			 i, n;
	int			 used;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		ipm_head(&h, lengths[i], &head);
		p = ibuf_data(head);
		n = ibuf_size(head);
		used = ber_header(p, n, &bh, &why);
		assert_true(used > 0);
		assert_int_equal(bh.tag, BER_CONTEXT(0));
		assert_true(used + bh.len == n + lengths[i]);
		/* the heading, then the body up to the end */
		p += used;
		n -= used;
		used = ber_header(p, n, &bh, &why);
		assert_true(used > 0);
		p += used + bh.len;
		n -= used + bh.len;
		used = ber_header(p, n, &bh, &why);
		assert_int_equal(bh.tag, BER_SEQUENCE);
		assert_true(used + bh.len == n + lengths[i]);
		ibuf_free(head);
	}
}

/* In 1988 a teletex surname is an extension attribute; X.411 figure 5. */
static void
test_1988(void **state)
{
	struct p2_heading	 h = { .id = "x", .originator = &originator };
	struct ibuf		*head;
	uint8_t			*p;
	size_t			 len;

	assert_int_equal(p2_is_1984(&h), 1);
	originator_attr[2].charset = OR_TELETEX;
	assert_int_equal(p2_is_1984(&h), 0);
	h.is_1988 = 1;
	ipm_head(&h, 0, &head);
	/* the user of the IPMIdentifier; { 4, { surname } } */
	p = hex_octets("a04f 3145 6b22"
	    "601d 300b 6104 1302 4742 6203 1301 20"
	    "310e 300c 8001 04 a107 3105 8003 446f65 1301 78"
	    "a01f"
	    "601d 300b 6104 1302 4742 6203 1301 20"
	    "310e 300c 8001 04 a107 3105 8003 446f65", &len);
	assert_true(ibuf_size(head) > len);
	assert_memory_equal(ibuf_data(head), p, len);
	originator_attr[2].charset = OR_PRINTABLE;
	ibuf_free(head);
	free(p);
}

static void
test_refused(void **state)
{
	struct p2_heading	 h = { .id = "x", .originator = &originator };
	struct ibuf		*head = ibuf_dynamic(0, 4096);
	struct ibuf		*tail = ibuf_dynamic(0, 4096);
	char			 subject[300];
	const char		*why = "";

	memset(subject, 's', sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '\0';
	h.subject = subject;
	assert_int_equal(p2_ipm_head(&h, 1, head, tail, &why), -1);
	assert_non_null(strstr(why, "heading.subject"));
	h.subject = NULL;
	h.id = "a\nb";
	assert_int_equal(p2_ipm_head(&h, 1, head, tail, &why), -1);
	assert_non_null(strstr(why, "iPMessageId.id"));
	h.id = "x";
	originator_attr[2].charset = OR_TELETEX;
	assert_int_equal(p2_ipm_head(&h, 1, head, tail, &why), -1);
	originator_attr[2].charset = OR_PRINTABLE;
	assert_int_equal(p2_ipm_head(&h, UINT64_MAX, head, tail, &why), -1);
	assert_int_equal(ibuf_size(head), 0);
	assert_int_equal(p2_ipm_head(&h, 1, head, tail, &why), 0);
	ibuf_free(head);
	ibuf_free(tail);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_1988),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
