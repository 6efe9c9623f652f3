/* SPDX-License-Identifier: ISC */

/*
 * The octets of a long content on their way to the disk past the page cache:
 * a ring that the loop fills and the syncer's thread empties while further
 * octets travel, so that a sync finds only the last of them left to write.
 * One side each moves `put' and `written'; the thread knows no more of a
 * content than this.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spoold.h"

#ifndef O_DIRECT
#define O_DIRECT	0	/* then there is no ring */
#endif

#define ROOM_MAX	(2 * 1024 * 1024)	/* octets of one ring */
#define ROOM_ALL	(16 * 1024 * 1024)	/* of all of them */

static size_t	room_used;

static uint64_t
aligned(uint64_t n)
{
	return (n & ~(uint64_t)(DIRECT_ALIGN - 1));
}

struct direct *
direct_new(uint64_t id, int plain, uint64_t len, uint64_t room)
{
	struct direct	*d;
	void		*p;

	room = room > ROOM_MAX ? ROOM_MAX : aligned(room + DIRECT_ALIGN - 1);
	if (O_DIRECT == 0 || !sync_available() ||
	    room_used + room > ROOM_ALL ||
	    (d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	if ((d->fd = content_open(id, O_RDWR | O_DIRECT)) == -1) {
		free(d);
		return (NULL);
	}
	/* one more: the last octets of a sync, padded */
	if (posix_memalign(&p, DIRECT_ALIGN, room + DIRECT_ALIGN) != 0) {
		close(d->fd);
		free(d);
		return (NULL);
	}
	d->ring = p;
	d->tail = d->ring + room;
	d->room = room;
	d->plain = plain;
	d->begin = aligned(len + DIRECT_ALIGN - 1);
	atomic_init(&d->put, d->begin);
	atomic_init(&d->written, d->begin);
	room_used += room;
	return (d);
}

void
direct_free(struct direct *d)
{
	if (d == NULL)
		return;
	sync_write_stop(d);
	room_used -= d->room;
	close(d->fd);
	free(d->ring);
	free(d);
}

int
direct_add(struct direct *d, const uint8_t *data, size_t len)
{
	uint64_t	put = atomic_load_explicit(&d->put,
			    memory_order_relaxed), written;
	size_t		at, n;

	while (len > 0) {
		if ((errno = atomic_load(&d->error)) != 0)
			return (-1);
		written = atomic_load_explicit(&d->written,
		    memory_order_acquire);
		if ((n = d->room - (put - written)) == 0) {
			/* it keeps to no window, or the disk is slow */
			sync_write_wait(d, written);
			continue;
		}
		at = (put - d->begin) % d->room;
		if (n > d->room - at)
			n = d->room - at;
		if (n > len)
			n = len;
		memcpy(d->ring + at, data, n);
		data += n;
		len -= n;
		put += n;
		atomic_store_explicit(&d->put, put, memory_order_release);
	}
	if (put - atomic_load(&d->written) >= DIRECT_WRITE)
		sync_write(d);
	return (0);
}

/* What an alignment of ours is not good enough for goes the usual way. */
static int
write_at(struct direct *d, const uint8_t *data, size_t len, uint64_t offset)
{
	ssize_t	n;

	while (len > 0) {
		n = pwrite(d->usual || len % DIRECT_ALIGN != 0 ? d->plain :
		    d->fd, data, len, offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EINVAL && !d->usual) {
			d->usual = 1;
			continue;
		}
		if (n == -1)
			return (-1);
		data += n;
		len -= n;
		offset += n;
	}
	return (0);
}

int
direct_write(struct direct *d)
{
	uint64_t	put = aligned(atomic_load_explicit(&d->put,
			    memory_order_acquire));
	uint64_t	written = atomic_load_explicit(&d->written,
			    memory_order_relaxed);
	size_t		at, n;

	while (written < put && atomic_load(&d->error) == 0) {
		at = (written - d->begin) % d->room;
		n = put - written;
		if (n > d->room - at)
			n = d->room - at;
		if (write_at(d, d->ring + at, n, written) == -1)
			atomic_store(&d->error, errno);
		else {
			written += n;
			atomic_store_explicit(&d->written, written,
			    memory_order_release);
		}
	}
	if ((errno = atomic_load(&d->error)) != 0)
		return (-1);
	return (0);
}

/*
 * A block that is not full yet goes padded, and once more when it is: what
 * of it is durable stays as it is.  The last of all goes as long as it is.
 */
int
direct_flush(struct direct *d, uint64_t len, int whole)
{
	uint64_t	at = aligned(len);
	size_t		n = len - at;

	if (len < d->begin)
		return (0);
	if (direct_write(d) == -1)
		return (-1);
	/* more came meanwhile: it is written already */
	if (n > 0 && atomic_load(&d->written) == at) {
		memcpy(d->tail, d->ring + (at - d->begin) % d->room, n);
		memset(d->tail + n, 0, DIRECT_ALIGN - n);
		if (write_at(d, d->tail, whole ? n : DIRECT_ALIGN, at) == -1) {
			atomic_store(&d->error, errno);
			return (-1);
		}
		if (!whole)
			atomic_store(&d->padded, 1);
	}
	if (whole && atomic_load(&d->padded)) {
		if (ftruncate(d->plain, len) == -1)
			return (-1);
		atomic_store(&d->padded, 0);
	}
	return (0);
}

int
direct_padded(const struct direct *d)
{
	return (atomic_load(&d->padded));
}
