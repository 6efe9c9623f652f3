/* SPDX-License-Identifier: ISC */

/*
 * The octets of one content as they arrive: in memory while they fit into a
 * row, then in a file of their own, whose writing starts early so that the
 * sync at the end finds little left to do; a long one past the page cache.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spoold.h"

#define WRITE_BEHIND		(128 * 1024)		/* octets */
#define WRITE_BEHIND_MAX	(64 * 1024 * 1024)

void
body_init(struct body *b, uint64_t id)
{
	memset(b, 0, sizeof(*b));
	b->id = id;
	b->fd = -1;
}

static int
write_all(int fd, const uint8_t *data, size_t len, uint64_t offset)
{
	ssize_t	n;

	while (len > 0) {
		if ((n = pwrite(fd, data, len, offset)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		data += n;
		len -= n;
		offset += n;
	}
	return (0);
}

#ifdef SYNC_FILE_RANGE_WRITE
/* A failed write is told once, to whoever asks first: no sync tells it again. */
static int
range(const struct body *b, uint64_t from, uint64_t len, unsigned flags)
{
	if (sync_file_range(b->fd, from, len, flags) == -1 &&
	    (errno == EIO || errno == ENOSPC || errno == EDQUOT))
		return (-1);
	return (0);
}
#endif

static int
write_behind(struct body *b)
{
#ifdef SYNC_FILE_RANGE_WRITE
	if (b->len - b->started < WRITE_BEHIND)
		return (0);
	if (range(b, b->started, b->len - b->started,
	    SYNC_FILE_RANGE_WRITE) == -1)
		return (-1);
	b->started = b->len;
	if (b->started - b->waited > WRITE_BEHIND_MAX) {
		if (range(b, b->waited, WRITE_BEHIND_MAX / 2,
		    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		    SYNC_FILE_RANGE_WAIT_AFTER) == -1)
			return (-1);
		b->waited += WRITE_BEHIND_MAX / 2;
	}
#endif
	return (0);
}

static int
to_file(struct body *b)
{
	if ((b->fd = content_create(b->id)) == -1)
		return (-1);
	b->new_file = 1;
	if (write_all(b->fd, b->octets, b->len, 0) == -1)
		return (-1);
	free(b->octets);
	b->octets = NULL;
	return (0);
}

void
body_direct(struct body *b, uint64_t room)
{
	if (b->fd != -1 && b->direct == NULL)
		b->direct = direct_new(b->id, b->fd, b->len, room);
}

static int
add_direct(struct body *b, const uint8_t *data, size_t len)
{
	size_t	n = 0;

	if (b->len < b->direct->begin) {
		n = b->direct->begin - b->len;
		if (n > len)
			n = len;
		if (write_all(b->fd, data, n, b->len) == -1)
			return (-1);
	}
	return (direct_add(b->direct, data + n, len - n));
}

int
body_add(struct body *b, const uint8_t *data, size_t len)
{
	if (b->fd == -1 && b->len + len > CONTENT_INLINE_MAX &&
	    to_file(b) == -1)
		return (-1);
	if (b->fd == -1) {
		if (b->octets == NULL &&
		    (b->octets = malloc(CONTENT_INLINE_MAX)) == NULL)
			return (-1);
		memcpy(b->octets + b->len, data, len);
	} else if ((b->direct != NULL ? add_direct(b, data, len) :
	    write_all(b->fd, data, len, b->len)) == -1)
		return (-1);
	b->len += len;
	if (b->fd != -1 && b->direct == NULL && write_behind(b) == -1)
		return (-1);
	/* the last thing: it may release this.  A row is in the log as well */
	spool_wrote(b->fd != -1 ? len : 2 * len);
	return (0);
}

int
body_sync(struct body *b)
{
	if (b->fd == -1)
		return (0);
	if (b->direct != NULL) {
		sync_write_stop(b->direct);
		if (direct_flush(b->direct, b->len, 1) == -1)
			return (-1);
	}
	if (fdatasync(b->fd) == -1 ||
	    (b->new_file && content_sync_dir(b->id) == -1))
		return (-1);
	b->new_file = 0;
	b->started = b->waited = b->len;
	return (0);
}

void
body_synced(struct body *b, uint64_t len)
{
	b->new_file = 0;
	if (b->started < len)
		b->started = len;
	if (b->waited < len)
		b->waited = len;
}

int
body_open(struct body *b, uint64_t len)
{
	off_t	size;

	if ((b->fd = content_open(b->id, O_RDWR)) == -1 ||
	    (size = lseek(b->fd, 0, SEEK_END)) == -1)
		return (-1);
	if ((uint64_t)size < len) {
		errno = EIO;	/* what was written before a power failure */
		return (-1);
	}
	if (ftruncate(b->fd, len) == -1)
		return (-1);
	b->len = b->started = b->waited = len;
	return (0);
}

void
body_release(struct body *b, int unlink_it)
{
	direct_free(b->direct);
	b->direct = NULL;
	if (b->fd != -1) {
		close(b->fd);
		if (unlink_it)
			content_unlink(b->id);
	}
	b->fd = -1;
	free(b->octets);
	b->octets = NULL;
}
