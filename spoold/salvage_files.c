/* SPDX-License-Identifier: ISC */

/*
 * The files of salvage.c: copies of what is damaged, names that change when
 * what was saved is complete, and contents that are not what they should be.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "salvage.h"

/* What cannot be read is zeros. */
int
salvage_copy(const char *from, const char *to)
{
	static uint8_t	buf[65536];
	struct stat	st;
	off_t		at;
	ssize_t		n;
	int		in, out, r = 0;

	unlinkat(sp.dirfd, to, 0);
	if ((in = openat(sp.dirfd, from, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return (errno == ENOENT ? 0 : salvage_fail(from));
	if ((out = openat(sp.dirfd, to, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600)) == -1 || fstat(in, &st) == -1) {
		salvage_fail(to);
		if (out != -1)
			close(out);
		close(in);
		return (-1);
	}
	for (at = 0; at < st.st_size && r == 0; at += n) {
		if (salvage_stopped()) {
			r = -1;
			break;
		}
		if ((n = pread(in, buf, sizeof(buf), at)) == 0)
			break;
		if (n == -1) {
			/* the good ones around a bad page are found below */
			n = 4096;
			if (pread(in, buf, n, at) != n)
				memset(buf, 0, n);
			if (n > st.st_size - at)
				n = st.st_size - at;
		}
		if (pwrite(out, buf, n, at) != n)
			r = salvage_fail(to);
	}
	close(in);
	if (close(out) == -1 && r == 0)
		r = salvage_fail(to);
	return (r);
}

void
salvage_remove(const char *name)
{
	static const char *const	ends[] = { "", "-wal", "-journal",
	    "-shm" };
	char				path[64];
	size_t				i;

	for (i = 0; i < nitems(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", name, ends[i]);
		unlinkat(sp.dirfd, path, 0);
	}
}

void
salvage_stamp(char *stamp, size_t size)
{
	struct tm	tm;
	time_t		now = time(NULL);
	char		path[96];
	struct stat	st;
	size_t		len;
	int		i;

	gmtime_r(&now, &tm);
	strftime(stamp, size, "%Y%m%dT%H%M%SZ", &tm);
	len = strlen(stamp);
	for (i = 2; i < 1000; i++) {
		snprintf(path, sizeof(path), "queue.db.damaged-%s", stamp);
		if (fstatat(sp.dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
			break;
		snprintf(stamp + len, size - len, "-%d", i);
	}
}

static int
set_aside(const char *stamp, const char *end)
{
	char	from[32], to[96];

	snprintf(from, sizeof(from), "queue.db%s", end);
	snprintf(to, sizeof(to), "queue.db.damaged-%s%s", stamp, end);
	if (renameat(sp.dirfd, from, sp.dirfd, to) == -1 && errno != ENOENT)
		return (salvage_fail(from));
	return (0);
}

int
salvage_rename(const char *stamp)
{
	if (set_aside(stamp, "") == -1 || set_aside(stamp, "-wal") == -1)
		return (-1);
	if (unlinkat(sp.dirfd, SALVAGE_MARK, 0) == -1 && errno != ENOENT)
		return (salvage_fail(SALVAGE_MARK));
	if (fsync(sp.dirfd) == -1)
		return (salvage_fail("spool"));
	if (renameat(sp.dirfd, SALVAGE_DONE, sp.dirfd, STORE_FILE) == -1)
		return (salvage_fail(SALVAGE_DONE));
	return (fsync(sp.dirfd) == -1 ? salvage_fail("spool") : 0);
}

int
salvage_finish(void)
{
	struct stat	st;
	char		stamp[32];

	if (fstatat(sp.dirfd, SALVAGE_DONE, &st, 0) == -1)
		return (errno == ENOENT ? 0 : -1);
	salvage_stamp(stamp, sizeof(stamp));
	if (salvage_rename(stamp) == -1)
		return (-1);
	log_info(EVT_SPOOL_SAVED, ": what was saved of queue.db before the "
	    "last stop is in its place");
	return (1);
}

int
salvage_wanted(char *why, size_t size)
{
	ssize_t	n;
	int	fd;

	if ((fd = openat(sp.dirfd, SALVAGE_MARK, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return (0);
	if ((n = read(fd, why, size - 1)) < 0)
		n = 0;
	why[n] = '\0';
	why[strcspn(why, "\n")] = '\0';
	close(fd);
	return (1);
}

int
salvage_mark(const char *why)
{
	size_t	len = strlen(why);
	int	fd, r = 0;

	if ((fd = openat(sp.dirfd, SALVAGE_MARK, O_WRONLY | O_CREAT |
	    O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return (-1);
	if (write(fd, why, len) != (ssize_t)len || fsync(fd) == -1)
		r = -1;
	close(fd);
	return (r == -1 || fsync(sp.dirfd) == -1 ? -1 : 0);
}

/* Contents */

const char *
content_trouble(uint64_t id, uint64_t size)
{
	static char	why[128];
	char		path[64];
	struct stat	st;

	content_path(id, path, sizeof(path));
	if (fstatat(sp.dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno != ENOENT)
			return (NULL);	/* that may be over next time */
		snprintf(why, sizeof(why), "content lost: %s is missing",
		    path);
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		snprintf(why, sizeof(why), "content lost: %s has %" PRId64
		    " octets, not %" PRIu64, path, (int64_t)st.st_size, size);
	else
		return (NULL);
	return (why);
}

struct holding {
	struct store	*s;
	const char	*why;
	int		 n, failed;
};

static int
hold_copy(void *arg, const struct store_job *j)
{
	struct holding		*h = arg;
	struct store_job	 held = *j;

	if (j->state == JOB_HELD && strcmp(j->reason, h->why) == 0)
		return (0);
	held.state = JOB_HELD;
	strlcpy(held.reason, h->why, sizeof(held.reason));
	h->failed |= store_job_state(h->s, &held) == -1;
	h->n++;
	return (0);
}

int
salvage_hold(struct store *s, uint64_t message, const char *why)
{
	struct holding	h = { .s = s, .why = why };

	if (store_job_of_message(s, message, hold_copy, &h) == -1 ||
	    h.failed)
		return (-1);
	return (h.n);
}

int
salvage_contents(struct store *s, unsigned seconds)
{
	uint64_t	 id[64], size[64], after = 0;
	uint64_t	 end = spool_clock() + seconds * UINT64_C(1000);
	const char	*why;
	int		 i, n, held, total = 0;

	if (store_begin(s) == -1)
		return (-1);
	do {
		if ((n = store_files(s, after, id, size, nitems(id))) == -1)
			goto fail;
		for (i = 0; i < n; i++) {
			after = id[i];
			if ((why = content_trouble(id[i], size[i])) == NULL)
				continue;
			if ((held = salvage_hold(s, id[i], why)) == -1)
				goto fail;
			total++;
			if (held > 0)
				log_warnx(EVT_HELD, "message=%016" PRIX64
				    ": %s", id[i], why);
		}
	} while (n == (int)nitems(id) && spool_clock() < end);
	if (store_commit(s) == -1)
		goto fail;
	return (total);
fail:
	store_rollback(s);
	return (-1);
}
