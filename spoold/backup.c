/* SPDX-License-Identifier: ISC */

/*
 * "mtactl backup": a copy of the store as it is at one moment, and the
 * contents that it names, while mail flows.
 *
 * The copy is made in the spool, some pages at a time between other work.
 * From before it begins until the client has all, no content is removed
 * (content_pin); contents do not change once they are in the store, so those
 * that the client gets are those of that moment.  The client gets descriptors
 * that can only be read, one after the other as it asks: who reads slowly
 * keeps space from being free and nothing else, and when the spool gets full
 * the backup ends.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "log.h"

#define COPY		"backup.tmp"
#define PAGES		64	/* of the store, at one time */
#define FILES		64	/* looked up at one time */

enum phase { PHASE_COPY, PHASE_FILES };

struct backup {
	enum phase	phase;
	uint64_t	id[FILES], size[FILES];
	int		n, next;
	uint64_t	files, missing;
};

static struct client	*owner;

void
backup_clean(void)
{
	unlinkat(sp.dirfd, COPY, 0);
	unlinkat(sp.dirfd, COPY "-wal", 0);
	unlinkat(sp.dirfd, COPY "-shm", 0);
}

void
backup_free(struct client *c)
{
	if (c->backup == NULL)
		return;
	free(c->backup);
	c->backup = NULL;
	owner = NULL;
	if (sp.store != NULL)
		store_backup_end(sp.store);
	backup_clean();
	content_unpin();
}

static void
fail(struct client *c, const char *why)
{
	log_warnx(EVT_BACKUP_FAILED, ": %s", why);
	client_fail(c, why);		/* which frees it */
}

/* All that is in the spool is for who may read it anyway. */
static int
allowed(const struct client *c)
{
	uid_t	uid;
	gid_t	gid;

	return (getpeereid(c->iev.fd, &uid, &gid) == 0 &&
	    (uid == 0 || uid == geteuid()));
}

void
backup_begin(struct client *c)
{
	struct stat	st;

	c->request = CTL_BACKUP;
	if (!allowed(c)) {
		client_fail(c, "a backup is for root only");
		return;
	}
	if (sp.store == NULL || sp.failing || sp.full || owner != NULL) {
		client_fail(c, owner != NULL ? "a backup is under way" :
		    sp.state);
		return;
	}
	if (fstatat(sp.dirfd, STORE_FILE, &st, 0) == -1 ||
	    content_free() < sp.mta.min_free + 2 * (uint64_t)st.st_size) {
		client_fail(c, "not enough space in the spool for a copy of "
		    "queue.db");
		return;
	}
	backup_clean();
	if ((c->backup = calloc(1, sizeof(*c->backup))) == NULL) {
		client_fail(c, "out of memory");
		return;
	}
	owner = c;
	content_pin();
	if (store_backup_begin(sp.store, COPY) == -1)
		fail(c, store_error(sp.store));
	else
		control_work();
}

/* A file: its name, and the descriptor. */
static void
give(struct client *c, const char *name, uint64_t size, int fd)
{
	struct ctl_file	f;

	memset(&f, 0, sizeof(f));
	strlcpy(f.name, name, sizeof(f.name));
	f.size = size;
	f.missing = fd == -1;
	if (imsgev_compose(&c->iev, CTL_ROW_FILE, 0, 0, fd, &f,
	    sizeof(f)) == -1 && fd != -1)
		close(fd);
}

/* The copy is complete. */
static void
give_store(struct client *c)
{
	struct ctl_backup	b;
	struct stat		st;
	int			fd;

	c->backup->phase = PHASE_FILES;
	fd = openat(sp.dirfd, COPY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		fail(c, strerror(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	memset(&b, 0, sizeof(b));
	if (store_backup_messages(sp.store, &b.messages) == -1) {
		fail(c, store_error(sp.store));
		close(fd);
		return;
	}
	strlcpy(b.name, sp.mta.name, sizeof(b.name));
	strlcpy(b.version, MTAD_VERSION, sizeof(b.version));
	b.time = (uint64_t)time(NULL);
	client_row(c, CTL_ROW, &b, sizeof(b));
	give(c, STORE_FILE, (uint64_t)st.st_size, fd);
}

/* Some pages more.  After that the client asks. */
void
backup_more(struct client *c)
{
	uint64_t	left, all;

	if (c->backup->phase != PHASE_COPY)
		return;
	switch (store_backup_step(sp.store, PAGES, &left, &all)) {
	case 1:
		control_work();
		return;
	case 0:
		give_store(c);
		return;
	default:
		fail(c, store_error(sp.store));
	}
}

int
backup_works(const struct client *c)
{
	return (c->backup != NULL && c->backup->phase == PHASE_COPY);
}

static void
give_content(struct client *c, uint64_t id, uint64_t size)
{
	struct store_message	sm;
	char			path[64];
	int			fd;

	memset(&sm, 0, sizeof(sm));
	sm.id = id;
	sm.size = size;
	content_path(id, path, sizeof(path));
	if ((fd = content_open_whole(&sm)) == -1) {
		c->backup->missing++;
		log_warnx(EVT_CONTENT, "file=%s: missing or not whole", path);
	}
	c->backup->files++;
	give(c, path, size, fd);
}

/* 1: there is one more. */
static int
look_up(struct backup *b)
{
	uint64_t	after = b->n > 0 ? b->id[b->n - 1] : 0;

	if (b->next < b->n)
		return (1);
	b->next = 0;
	b->n = store_backup_files(sp.store, after, b->id, b->size, FILES);
	return (b->n > 0 ? 1 : b->n);
}

int
backup_next(struct client *c)
{
	struct backup	*b = c->backup;

	if (b == NULL || b->phase != PHASE_FILES)
		return (-1);
	switch (look_up(b)) {
	case 1:
		give_content(c, b->id[b->next], b->size[b->next]);
		b->next++;
		break;
	case 0:
		log_info(EVT_BACKUP, "contents=%" PRIu64 " missing=%" PRIu64,
		    b->files, b->missing);
		client_end(c);
		break;
	default:
		fail(c, store_error(sp.store));
	}
	return (0);
}

void
backup_tick(void)
{
	if (owner != NULL && (sp.full || sp.failing || sp.store == NULL))
		fail(owner, sp.state);
}
