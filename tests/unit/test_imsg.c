/* SPDX-License-Identifier: ISC */

/*
 * Messages between processes: over a real socket pair, whole and in pieces,
 * with descriptors, and everything that a hostile process could send.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"

#define FD_BIT	0x80000000u

static struct imsgbuf	a, b;
static int		raw;		/* the other end, for octets by hand */

static int
setup(void **state)
{
	int	fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(imsgbuf_init(&a, fds[0]), 0);
	assert_int_equal(imsgbuf_init(&b, fds[1]), 0);
	imsgbuf_allow_fdpass(&a);
	imsgbuf_allow_fdpass(&b);
	raw = fds[0];
	return (0);
}

static int
teardown(void **state)
{
	imsgbuf_clear(&a);
	imsgbuf_clear(&b);
	close(a.fd);
	close(b.fd);
	return (0);
}

static int
open_descriptors(void)
{
	int	fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

static void
put(const void *p, size_t len)
{
	assert_int_equal(write(raw, p, len), len);
}

static void
put_header(uint32_t type, uint32_t len)
{
	struct imsg_hdr	h = { type, len, 7, 1 };

	put(&h, sizeof(h));
}

static void
put_descriptors(const void *p, size_t len, int n)
{
	union {
		struct cmsghdr	h;
		char		buf[CMSG_SPACE(sizeof(int) * 8)];
	} c;
	struct iovec	 iov = { (void *)(uintptr_t)p, len };
	struct msghdr	 m;
	int		 fds[8], i;

	memset(&m, 0, sizeof(m));
	memset(&c, 0, sizeof(c));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = &c;
	m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(sizeof(int) * n);
	for (i = 0; i < n; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	memcpy(CMSG_DATA(&c.h), fds, sizeof(int) * n);
	assert_int_equal(sendmsg(raw, &m, 0), len);
	for (i = 0; i < n; i++)
		close(fds[i]);
}

static void
test_carried(void **state)
{
	static const size_t	sizes[] = { 0, 1, 100, 4096,
	    MAX_IMSGSIZE - sizeof(struct imsg_hdr) };
	static uint8_t		body[MAX_IMSGSIZE];
	struct imsg		imsg;
	size_t			i, k;

	for (i = 0; i < sizeof(body); i++)
		body[i] = i * 3;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (k = 0; k < 3; k++)
			assert_int_equal(imsg_compose(&a, 10 + k, 20 + i, 30,
			    -1, body + k, sizes[i] < k ? 0 : sizes[i] - k),
			    1);
		assert_int_equal(imsgbuf_queuelen(&a), 3);
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_queuelen(&a), 0);
		for (k = 0; k < 3; k++) {
			while (imsgbuf_get(&b, &imsg) == 0)
				assert_int_equal(imsgbuf_read(&b), 1);
			assert_int_equal(imsg_get_type(&imsg), 10 + k);
			assert_int_equal(imsg_get_id(&imsg), 20 + i);
			assert_int_equal(imsg_get_pid(&imsg), 30);
			assert_int_equal(imsg_get_len(&imsg),
			    sizes[i] < k ? 0 : sizes[i] - k);
			assert_int_equal(imsg_get_fd(&imsg), -1);
			if (imsg_get_len(&imsg) > 0)
				assert_memory_equal(ibuf_data(&imsg.body),
				    body + k, imsg_get_len(&imsg));
			imsg_free(&imsg);
		}
		assert_int_equal(imsgbuf_get(&b, &imsg), 0);
	}
	errno = 0;
	assert_int_equal(imsg_compose(&a, 1, 1, 1, -1, body,
	    MAX_IMSGSIZE - sizeof(struct imsg_hdr) + 1), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
}

/* An octet at a time. */
static void
test_pieces(void **state)
{
	struct imsg_hdr	h = { 5, sizeof(h) + 3, 9, 1 };
	struct imsg	imsg;
	uint8_t		octets[sizeof(h) + 3], got[3];
	size_t		i;

	memcpy(octets, &h, sizeof(h));
	memcpy(octets + sizeof(h), "xyz", 3);
	for (i = 0; i < sizeof(octets); i++) {
		assert_int_equal(imsgbuf_get(&b, &imsg), 0);
		put(octets + i, 1);
		assert_int_equal(imsgbuf_read(&b), 1);
	}
	assert_int_equal(imsgbuf_get(&b, &imsg), 1);
	assert_int_equal(imsg_get_data(&imsg, got, 2), -1);
	assert_int_equal(imsg_get_data(&imsg, got, 4), -1);
	assert_int_equal(imsg_get_data(&imsg, got, 3), 0);
	assert_memory_equal(got, "xyz", 3);
	imsg_free(&imsg);
}

/* Lengths that cannot be. */
static void
test_lengths(void **state)
{
	static const uint32_t	bad[] = { 0, 1, sizeof(struct imsg_hdr) - 1,
	    MAX_IMSGSIZE + 1, 0x7fffffff, 0xffffffff, FD_BIT, FD_BIT | 3 };
	struct imsg		imsg;
	size_t			i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_header(1, bad[i]);
		assert_int_equal(imsgbuf_read(&b), 1);
		assert_int_equal(imsgbuf_get(&b, &imsg), -1);
		assert_true(errno == EBADMSG || errno == ERANGE);
		teardown(state);
		setup(state);
	}
}

static void
test_descriptors(void **state)
{
	struct imsg	imsg;
	int		before, fd, k;

	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	before = open_descriptors() - 1;
	assert_int_equal(imsg_compose(&a, 1, 0, 0, fd, "x", 1), 1);
	assert_int_equal(imsg_compose(&a, 2, 0, 0, -1, "y", 1), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	/* the sender's copy is gone */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	for (k = 0; k < 2; k++) {
		while (imsgbuf_get(&b, &imsg) == 0)
			assert_int_equal(imsgbuf_read(&b), 1);
		fd = imsg_get_fd(&imsg);
		assert_int_equal(fd != -1, k == 0);
		if (fd != -1) {
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			assert_int_equal(imsg_get_fd(&imsg), -1);
			close(fd);
		}
		imsg_free(&imsg);
	}
	/* one that nobody takes is closed with its message */
	assert_int_equal(imsg_compose(&a, 1, 0, 0, open("/dev/null",
	    O_RDONLY), NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	while (imsgbuf_get(&b, &imsg) == 0)
		assert_int_equal(imsgbuf_read(&b), 1);
	imsg_free(&imsg);
	assert_int_equal(open_descriptors(), before);
}

/* One that is announced and does not come; ones that nobody announced. */
static void
test_hostile_descriptors(void **state)
{
	struct imsg_hdr	h = { 1, sizeof(h), 0, 1 };
	struct imsg	imsg;
	int		before = open_descriptors(), i, r;

	put_header(1, sizeof(h) | FD_BIT);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_get(&b, &imsg), -1);
	teardown(state);
	setup(state);
	/* a flood: refused at some point, and none is left behind */
	for (i = 0, r = 1; i < 400 && r == 1; i++) {
		put_descriptors(&h, sizeof(h), 8);
		r = imsgbuf_read(&b);
		while (r == 1 && imsgbuf_get(&b, &imsg) == 1)
			imsg_free(&imsg);
	}
	assert_int_equal(r, -1);
	teardown(state);
	setup(state);
	assert_int_equal(open_descriptors(), before);
}

/* Nobody who does not expect descriptors is given any. */
static void
test_not_allowed(void **state)
{
	struct imsg_hdr	h = { 1, sizeof(h) | FD_BIT, 0, 1 };
	struct imsg	imsg;
	int		before, r;

	b.fdpass = 0;
	before = open_descriptors();
	put_descriptors(&h, sizeof(h), 1);
	r = imsgbuf_read(&b);
	if (r == 1)
		assert_int_equal(imsgbuf_get(&b, &imsg), -1);
	assert_int_equal(open_descriptors(), before);
}

static void
test_end(void **state)
{
	struct imsg	imsg;

	put_header(1, sizeof(struct imsg_hdr) + 5);
	put("abc", 3);
	shutdown(raw, SHUT_WR);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_get(&b, &imsg), 0);
	assert_int_equal(imsgbuf_read(&b), 0);
	assert_int_equal(imsgbuf_get(&b, &imsg), 0);
}

/* More than the socket takes waits, in order. */
static void
test_full_socket(void **state)
{
	static uint8_t	body[8000];
	struct imsg	imsg;
	uint32_t	i, got = 0, n = 200;

	for (i = 0; i < n; i++) {
		memset(body, i, sizeof(body));
		assert_int_equal(imsg_compose(&a, i, 0, 0, -1, body,
		    sizeof(body)), 1);
	}
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_true(imsgbuf_queuelen(&a) > 0);
	assert_true(imsgbuf_queued_bytes(&a) > 0);
	while (got < n) {
		assert_int_equal(imsgbuf_read(&b), 1);
		while (imsgbuf_get(&b, &imsg) == 1) {
			assert_int_equal(imsg_get_type(&imsg), got);
			memset(body, got, sizeof(body));
			assert_memory_equal(ibuf_data(&imsg.body), body,
			    sizeof(body));
			imsg_free(&imsg);
			got++;
		}
		assert_int_equal(imsgbuf_write(&a), 0);
	}
	assert_int_equal(imsgbuf_queued_bytes(&a), 0);
}

static void
test_ibuf(void **state)
{
	struct ibuf	*i = ibuf_dynamic(4, 64), r, part;
	uint64_t	 v64;
	uint32_t	 v32;
	uint16_t	 v16;
	uint8_t		 v8;
	char		 rest[60] = { 0 };

	assert_non_null(i);
	assert_int_equal(ibuf_add_n8(i, 0x12), 0);
	assert_int_equal(ibuf_add_n16(i, 0x3456), 0);
	assert_int_equal(ibuf_add_n32(i, 0x789abcde), 0);
	assert_int_equal(ibuf_add_n64(i, UINT64_C(0x0102030405060708)), 0);
	assert_int_equal(ibuf_add_n8(i, 256), -1);
	assert_int_equal(ibuf_add_n16(i, 65536), -1);
	assert_int_equal(ibuf_size(i), 15);
	/* nothing of it is added when it does not fit */
	assert_int_equal(ibuf_add(i, rest, 50), -1);
	assert_int_equal(ibuf_size(i), 15);
	assert_int_equal(ibuf_add(i, rest, 49), 0);
	ibuf_from_ibuf(&r, i);
	assert_int_equal(ibuf_get_n8(&r, &v8), 0);
	assert_int_equal(ibuf_get_n16(&r, &v16), 0);
	assert_int_equal(ibuf_get_n32(&r, &v32), 0);
	assert_int_equal(ibuf_get_n64(&r, &v64), 0);
	assert_int_equal(v8, 0x12);
	assert_int_equal(v16, 0x3456);
	assert_int_equal(v32, 0x789abcde);
	assert_true(v64 == UINT64_C(0x0102030405060708));
	assert_int_equal(ibuf_get_ibuf(&r, 50, &part), -1);
	assert_int_equal(ibuf_get_ibuf(&r, 40, &part), 0);
	assert_int_equal(ibuf_size(&part), 40);
	assert_int_equal(ibuf_skip(&r, 10), -1);
	assert_int_equal(ibuf_skip(&r, 9), 0);
	assert_int_equal(ibuf_get_n8(&r, &v8), -1);
	assert_int_equal(errno, EBADMSG);
	ibuf_free(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_carried, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lengths, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_hostile_descriptors,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_allowed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_socket, setup,
		    teardown),
		cmocka_unit_test(test_ibuf),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
