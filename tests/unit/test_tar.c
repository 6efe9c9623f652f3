/* SPDX-License-Identifier: ISC */

/* Headers of archives: what is written is read, and nothing else is taken. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tar.h"

static void
test_sizes(void **state)
{
	static const uint64_t	sizes[] = { 0, 1, 511, 512, 513,
	    077777777777, 0100000000000, UINT64_C(1) << 40,
	    UINT64_C(1) << 60 };
	uint8_t			h[TAR_BLOCK];
	char			name[TAR_NAME_MAX];
	uint64_t		size;
	size_t			i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		tar_header(h, "content/77/00C607230E08FC77", sizes[i],
		    1795569600);
		assert_int_equal(tar_parse(h, name, &size), 1);
		assert_string_equal(name, "content/77/00C607230E08FC77");
		assert_true(size == sizes[i]);
		assert_int_equal((sizes[i] + tar_padding(sizes[i])) %
		    TAR_BLOCK, 0);
		assert_true(tar_padding(sizes[i]) < TAR_BLOCK);
	}
}

/* Any octet that is another one. */
static void
test_bad(void **state)
{
	uint8_t		h[TAR_BLOCK];
	char		name[TAR_NAME_MAX];
	uint64_t	size;
	int		i;

	for (i = 0; i < TAR_BLOCK; i++) {
		tar_header(h, "queue.db", 4096, 0);
		h[i] ^= 0x15;
		/* behind the number of the sum nobody looks */
		if (i != 154 && i != 155)
			assert_int_equal(tar_parse(h, name, &size), -1);
	}
	memset(h, 0, sizeof(h));
	assert_int_equal(tar_parse(h, name, &size), 0);
	memset(h, 0xff, sizeof(h));
	assert_int_equal(tar_parse(h, name, &size), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad),
	};

	return (cmocka_run_group_tests_name("tar", tests, NULL, NULL));
}
