/* SPDX-License-Identifier: ISC */

/*
 * The files of the audit log, one a day (UTC), in a directory of the spool.
 * A thread appends to them and syncs once a second, so that mail never waits
 * for it, and it is not woken for each commit; lines stay in memory until
 * they are durable.  What cannot be
 * written is tried again every second.  Files of days that are older than is
 * asked for are removed.
 */

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"

#define SYNC_EVERY	1000	/* ms */
#define GATHER		100	/* ms between writes */
#define LOOK_EVERY	60000	/* ms, whether it is another day */

/* Shared, under the lock. */
static struct audit_chunks todo = TAILQ_HEAD_INITIALIZER(todo);
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 work;
static pthread_t	 thread;
static int		 running, stopping, trouble;
static int		 idle;		/* it waits to be woken */
static int		 hurry;		/* somebody reads: write at once */
static size_t		 backlog;
static uint64_t		 durable;
static uint64_t		 put, wrote;	/* key of the last line so far */
static char		 directory[sizeof(sp.mta.audit)];
static uint32_t		 keep;

/* The thread's own. */
static struct audit_chunks written = TAILQ_HEAD_INITIALIZER(written);
static char		 dir[sizeof(sp.mta.audit)];
static int		 fd = -1;
static int64_t		 day = -1;	/* that fd is of */

void
audit_file_name(int64_t when, char *name, size_t size)
{
	struct tm	tm;
	time_t		t = when;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(name, size, "%Y-%m-%d.log", &tm) == 0)
		strlcpy(name, "unknown.log", size);
}

static int
append(const char *data, size_t len)
{
	struct stat	st;
	ssize_t		n;
	size_t		done = 0;
	int		error;

	if (fstat(fd, &st) == -1)
		return (-1);
	while (done < len) {
		if ((n = write(fd, data + done, len - done)) == -1) {
			if (errno == EINTR)
				continue;
			/* half a line is worse than none */
			error = errno;
			if (ftruncate(fd, st.st_size) == -1)
				error = errno;
			errno = error;
			return (-1);
		}
		done += n;
	}
	return (0);
}

/* A crash may have left the last line without its end. */
static int
end_line(void)
{
	off_t	size;
	char	last;

	if ((size = lseek(fd, 0, SEEK_END)) == -1)
		return (-1);
	if (size == 0 || (pread(fd, &last, 1, size - 1) == 1 && last == '\n'))
		return (0);
	return (append("\n", 1));
}

static void
close_file(void)
{
	if (fd != -1)
		close(fd);
	fd = -1;
	day = -1;
}

static int
open_file(int64_t of)
{
	char	name[32], path[sizeof(dir) + 40];
	int	dfd;

	if (fd != -1 && day == of)
		return (0);
	if (fd != -1 && fsync(fd) == -1)
		return (-1);
	close_file();
	if (mkdirat(sp.dirfd, dir, 0700) == 0) {
		if (fsync(sp.dirfd) == -1)
			return (-1);
	} else if (errno != EEXIST)
		return (-1);
	audit_file_name(of * DAY, name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fd = openat(sp.dirfd, path, O_RDWR | O_CREAT | O_APPEND |
	    O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return (-1);
	day = of;
	if (end_line() == -1 || (dfd = openat(sp.dirfd, dir, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC)) == -1)
		goto fail;
	if (fsync(dfd) == -1) {
		close(dfd);
		goto fail;
	}
	close(dfd);
	return (0);
fail:
	close_file();
	return (-1);
}

/* Those at the front that are of one day and fit into one write. */
static int
write_some(struct audit_chunks *batch)
{
	static char		 buf[AUDIT_CHUNK_MAX];
	struct audit_chunk	*c, *next;
	size_t			 len = 0;

	c = TAILQ_FIRST(batch);
	if (open_file(c->day) == -1)
		return (-1);
	for (; c != NULL && c->day == day && len + c->len <= sizeof(buf);
	    c = TAILQ_NEXT(c, entry)) {
		memcpy(buf + len, c->text, c->len);
		len += c->len;
	}
	if (append(buf, len) == -1)
		return (-1);
	while ((next = TAILQ_FIRST(batch)) != c) {
		TAILQ_REMOVE(batch, next, entry);
		TAILQ_INSERT_TAIL(&written, next, entry);
	}
	return (0);
}

/* "2026-11-24.log" of a day before that.  1: yes. */
static int
is_older(const char *name, int64_t before)
{
	char	limit[32];
	size_t	i;

	if (strlen(name) != strlen("2026-11-24.log") ||
	    strcmp(name + 10, ".log") != 0)
		return (0);
	for (i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? name[i] != '-' :
		    name[i] < '0' || name[i] > '9')
			return (0);
	audit_file_name(before, limit, sizeof(limit));
	return (strcmp(name, limit) < 0);
}

static void
remove_old(int64_t seconds)
{
	struct dirent	*de;
	DIR		*d;
	int		 dfd;

	if (seconds == 0 || (dfd = openat(sp.dirfd, dir, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC)) == -1)
		return;
	if ((d = fdopendir(dfd)) == NULL) {
		close(dfd);
		return;
	}
	while ((de = readdir(d)) != NULL)
		if (is_older(de->d_name, time(NULL) - seconds))
			unlinkat(dirfd(d), de->d_name, 0);
	closedir(d);
}

static uint64_t
now_ms(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
wait_until(uint64_t when)
{
	struct timespec	ts;

	ts.tv_sec = when / 1000;
	ts.tv_nsec = when % 1000 * 1000000;
	pthread_cond_timedwait(&work, &lock, &ts);
}

/* Locked.  What was written and is durable now, or has to be once more. */
static void
settle(struct audit_chunks *batch, int error)
{
	struct audit_chunk	*c;

	if (error != 0) {
		TAILQ_CONCAT(&written, batch, entry);
		TAILQ_CONCAT(&written, &todo, entry);
		TAILQ_CONCAT(&todo, &written, entry);
		close_file();
	} else
		while ((c = TAILQ_FIRST(&written)) != NULL) {
			TAILQ_REMOVE(&written, c, entry);
			durable = c->id;
			backlog -= c->len;
			free(c->text);
			free(c);
		}
	trouble = error;
}

/* Unlocked: writes it all, and syncs when it is time.  errno, or 0. */
static int
write_all(struct audit_chunks *batch, int sync_it)
{
	while (!TAILQ_EMPTY(batch))
		if (write_some(batch) == -1)
			return (errno);
	if (sync_it && fd != -1 && fsync(fd) == -1)
		return (errno);
	return (0);
}

static void *
worker(void *arg)
{
	struct audit_chunks	 batch = TAILQ_HEAD_INITIALIZER(batch);
	uint64_t		 synced = 0, looked = 0, last = 0, now, key;
	int64_t			 seconds;
	int			 error = 0, sync_it;

	pthread_mutex_lock(&lock);
	for (;;) {
		now = now_ms();
		if (!stopping && error != 0 && now < synced + SYNC_EVERY) {
			wait_until(synced + SYNC_EVERY);
			continue;
		}
		if (!stopping && TAILQ_EMPTY(&todo) &&
		    now < looked + LOOK_EVERY && (TAILQ_EMPTY(&written) ||
		    now < synced + SYNC_EVERY)) {
			idle = 1;
			wait_until(TAILQ_EMPTY(&written) ? looked +
			    LOOK_EVERY : synced + SYNC_EVERY);
			idle = 0;
			continue;
		}
		if (!stopping && !hurry && !TAILQ_EMPTY(&todo) &&
		    now < last + GATHER) {
			wait_until(last + GATHER);
			continue;
		}
		last = now;
		hurry = 0;
		key = put;
		TAILQ_CONCAT(&batch, &todo, entry);
		if (strcmp(dir, directory) != 0) {
			close_file();
			strlcpy(dir, directory, sizeof(dir));
		}
		seconds = keep;
		sync_it = stopping || now >= synced + SYNC_EVERY;
		pthread_mutex_unlock(&lock);
		if (now >= looked + LOOK_EVERY || looked == 0) {
			looked = now;
			remove_old(seconds);
		}
		error = write_all(&batch, sync_it);
		pthread_mutex_lock(&lock);
		if (error == 0)
			wrote = key;
		if (sync_it || error != 0) {
			synced = now_ms();
			settle(&batch, error);
		}
		if (stopping && (error != 0 || TAILQ_EMPTY(&todo)))
			break;
	}
	pthread_mutex_unlock(&lock);
	close_file();
	return (NULL);
}

/* The main thread */

void
audit_file_put(struct audit_chunks *chunks)
{
	struct audit_chunk	*c;

	pthread_mutex_lock(&lock);
	TAILQ_FOREACH(c, chunks, entry) {
		backlog += c->len;
		put = c->id;
	}
	TAILQ_CONCAT(&todo, chunks, entry);
	strlcpy(directory, sp.mta.audit, sizeof(directory));
	keep = sp.mta.audit_keep;
	if (running && idle)
		pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
}

uint64_t
audit_file_hurry(void)
{
	uint64_t	key;

	pthread_mutex_lock(&lock);
	key = put;
	hurry = 1;
	if (running)
		pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
	return (key);
}

int
audit_file_has(uint64_t key)
{
	int	has;

	pthread_mutex_lock(&lock);
	has = !running || trouble != 0 || wrote >= key;
	pthread_mutex_unlock(&lock);
	return (has);
}

uint64_t
audit_file_durable(void)
{
	uint64_t	id;

	pthread_mutex_lock(&lock);
	id = durable;
	pthread_mutex_unlock(&lock);
	return (id);
}

size_t
audit_file_backlog(void)
{
	size_t	n;

	pthread_mutex_lock(&lock);
	n = backlog;
	pthread_mutex_unlock(&lock);
	return (n);
}

int
audit_file_trouble(void)
{
	int	error;

	pthread_mutex_lock(&lock);
	error = trouble;
	pthread_mutex_unlock(&lock);
	return (error);
}

int
audit_file_start(void)
{
	pthread_condattr_t	 attr;

	stopping = 0;
	strlcpy(directory, sp.mta.audit, sizeof(directory));
	keep = sp.mta.audit_keep;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&work, &attr);
	if (thread_start(&thread, worker) == -1)
		return (-1);
	running = 1;
	return (0);
}

void
audit_file_stop(void)
{
	if (!running)
		return;
	pthread_mutex_lock(&lock);
	stopping = 1;
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	running = 0;
}
