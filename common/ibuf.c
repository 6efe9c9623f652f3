/* SPDX-License-Identifier: ISC */

/*
 * ibuf_add(3), ibuf_get(3): buffers that grow to a limit and readers that
 * cannot run past their end.
 */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

struct ibuf *
ibuf_open(size_t len)
{
	return (ibuf_dynamic(len, len));
}

struct ibuf *
ibuf_dynamic(size_t len, size_t max)
{
	struct ibuf *b;

	if (max < len) {
		errno = EINVAL;
		return (NULL);
	}
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	if (len > 0 && (b->buf = malloc(len)) == NULL) {
		free(b);
		return (NULL);
	}
	b->size = len;
	b->max = max;
	b->fd = -1;
	return (b);
}

void *
ibuf_reserve(struct ibuf *b, size_t len)
{
	unsigned char *n;
	size_t want;

	if (len > b->max || b->wpos > b->max - len) {
		errno = ERANGE;
		return (NULL);
	}
	if (b->wpos + len > b->size) {
		want = b->size < 64 ? 64 : b->size;
		while (want < b->wpos + len)
			want = want > b->max / 2 ? b->max : want * 2;
		if (want > b->max)
			want = b->max;
		if ((n = realloc(b->buf, want)) == NULL)
			return (NULL);
		b->buf = n;
		b->size = want;
	}
	n = b->buf + b->wpos;
	b->wpos += len;
	return (n);
}

int
ibuf_add(struct ibuf *b, const void *p, size_t len)
{
	void *to;

	if (len == 0)
		return (0);
	if ((to = ibuf_reserve(b, len)) == NULL)
		return (-1);
	memcpy(to, p, len);
	return (0);
}

int
ibuf_add_ibuf(struct ibuf *b, const struct ibuf *from)
{
	return (ibuf_add(b, ibuf_data(from), ibuf_size(from)));
}

int
ibuf_add_zero(struct ibuf *b, size_t len)
{
	void *to;

	if (len == 0)
		return (0);
	if ((to = ibuf_reserve(b, len)) == NULL)
		return (-1);
	memset(to, 0, len);
	return (0);
}

#define IBUF_ADD(name, type, conv)					\
int									\
name(struct ibuf *b, uint64_t value)					\
{									\
	type v;								\
									\
	if (value > (type)-1) {						\
		errno = EINVAL;						\
		return (-1);						\
	}								\
	v = conv((type)value);						\
	return (ibuf_add(b, &v, sizeof(v)));				\
}

#define IBUF_GET(name, type, conv)					\
int									\
name(struct ibuf *b, type *value)					\
{									\
	type v;								\
									\
	if (ibuf_get(b, &v, sizeof(v)) == -1)				\
		return (-1);						\
	*value = conv(v);						\
	return (0);							\
}

#define SAME(v)	(v)

IBUF_ADD(ibuf_add_n8, uint8_t, SAME)
IBUF_ADD(ibuf_add_n16, uint16_t, htobe16)
IBUF_ADD(ibuf_add_n32, uint32_t, htobe32)
IBUF_ADD(ibuf_add_n64, uint64_t, htobe64)
IBUF_ADD(ibuf_add_h16, uint16_t, SAME)
IBUF_ADD(ibuf_add_h32, uint32_t, SAME)
IBUF_ADD(ibuf_add_h64, uint64_t, SAME)
IBUF_GET(ibuf_get_n8, uint8_t, SAME)
IBUF_GET(ibuf_get_n16, uint16_t, be16toh)
IBUF_GET(ibuf_get_n32, uint32_t, be32toh)
IBUF_GET(ibuf_get_n64, uint64_t, be64toh)
IBUF_GET(ibuf_get_h16, uint16_t, SAME)
IBUF_GET(ibuf_get_h32, uint32_t, SAME)
IBUF_GET(ibuf_get_h64, uint64_t, SAME)

int
ibuf_set(struct ibuf *b, size_t pos, const void *p, size_t len)
{
	if (len > ibuf_size(b) || pos > ibuf_size(b) - len) {
		errno = ERANGE;
		return (-1);
	}
	memcpy(b->buf + b->rpos + pos, p, len);
	return (0);
}

size_t
ibuf_size(const struct ibuf *b)
{
	return (b->wpos - b->rpos);
}

size_t
ibuf_left(const struct ibuf *b)
{
	return (b->max - b->wpos);
}

void *
ibuf_data(const struct ibuf *b)
{
	return (b->buf + b->rpos);
}

void
ibuf_rewind(struct ibuf *b)
{
	b->rpos = 0;
}

int
ibuf_truncate(struct ibuf *b, size_t len)
{
	if (len > ibuf_size(b)) {
		errno = ERANGE;
		return (-1);
	}
	b->wpos = b->rpos + len;
	return (0);
}

int
ibuf_skip(struct ibuf *b, size_t len)
{
	if (len > ibuf_size(b)) {
		errno = EBADMSG;
		return (-1);
	}
	b->rpos += len;
	return (0);
}

int
ibuf_get(struct ibuf *b, void *p, size_t len)
{
	if (len > ibuf_size(b)) {
		errno = EBADMSG;
		return (-1);
	}
	if (len > 0)
		memcpy(p, ibuf_data(b), len);
	b->rpos += len;
	return (0);
}

int
ibuf_get_ibuf(struct ibuf *b, size_t len, struct ibuf *part)
{
	if (len > ibuf_size(b)) {
		errno = EBADMSG;
		return (-1);
	}
	ibuf_from_buffer(part, ibuf_data(b), len);
	b->rpos += len;
	return (0);
}

void
ibuf_from_buffer(struct ibuf *b, void *p, size_t len)
{
	memset(b, 0, sizeof(*b));
	b->buf = p;
	b->size = b->wpos = len;
	b->fd = -1;
}

void
ibuf_from_ibuf(struct ibuf *b, const struct ibuf *from)
{
	ibuf_from_buffer(b, ibuf_data(from), ibuf_size(from));
}

void
ibuf_free(struct ibuf *b)
{
	if (b == NULL)
		return;
	if (b->fd != -1)
		close(b->fd);
	free(b->buf);
	free(b);
}

int
ibuf_fd_avail(struct ibuf *b)
{
	return (b->fd >= 0);
}

int
ibuf_fd_get(struct ibuf *b)
{
	int fd = b->fd;

	b->fd = -1;
	return (fd);
}

void
ibuf_fd_set(struct ibuf *b, int fd)
{
	if (b->fd != -1)
		close(b->fd);
	b->fd = fd;
}
