/* SPDX-License-Identifier: ISC */

/*
 * spoold -r, for "mtad -r": an archive of "mtactl backup" becomes the spool.
 * Nothing of it is believed: names, sizes, sums, the data base and that
 * envelopes and contents agree are checked in a directory of its own; only
 * then do content and queue.db get their names, queue.db last.
 *
 * What was restored is older than what the peers know.  Its messages may have
 * gone since: they are held, unless the operator says that they have not, and
 * those of which the audit log says so go from the queue.  What recovery
 * needs is forgotten: peers send again what they were sending, and what we
 * were sending is sent from the start.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "log.h"
#include "restore.h"
#include "salvage.h"
#include "tar.h"

#define ABOUT		"mtad-backup"
#define SUMS		"SHA256SUMS"
#define ABOUT_MAX	4096		/* octets */
#define SUMS_LINE	(64 + 2 + TAR_NAME_MAX)
#define NOT_THERE	"content lost: it is not in the backup"

struct member {
	char	name[32];		/* content/XX/ID */
	uint8_t	digest[SHA256_DIGEST_LENGTH];
	uint8_t	summed;
};

static struct {
	int		 fd;
	const struct restore_options *o;
	char		 about[ABOUT_MAX + 1];
	int64_t		 time;
	struct member	*member;
	size_t		 n, size;
	int		 store;		/* queue.db came */
	uint64_t	 messages, held, lost;
} r;

/* The archive */

static int
get(void *data, size_t len)
{
	uint8_t	*p = data;
	ssize_t	 n;

	while (len > 0) {
		if ((n = read(r.fd, p, len)) == -1) {
			if (errno == EINTR)
				continue;
			log_warn(EVT_NOT_RESTORED, ": the archive");
			return (-1);
		}
		if (n == 0) {
			log_warnx(EVT_NOT_RESTORED, ": the archive is not "
			    "complete");
			return (-1);
		}
		p += n;
		len -= (size_t)n;
	}
	return (0);
}

static int
skip(size_t len)
{
	uint8_t	buf[TAR_BLOCK];

	return (get(buf, len));
}

/* content/XX/ID, of 16 digits of which the last two are XX. */
static int
is_content(const char *name, uint64_t *id)
{
	char	path[64], *end;

	if (strlen(name) != strlen("content/00/0000000000000000"))
		return (0);
	*id = strtoull(name + strlen("content/00/"), &end, 16);
	if (*end != '\0' || *id == 0)
		return (0);
	content_path(*id, path, sizeof(path));
	return (strcmp(path, name) == 0);
}

static struct member *
add_member(const char *name)
{
	struct member	*m;

	if (r.n == r.size) {
		if ((m = reallocarray(r.member, r.size * 2 + 64,
		    sizeof(*m))) == NULL) {
			log_warn(EVT_NOT_RESTORED, ": archive");
			return (NULL);
		}
		r.member = m;
		r.size = r.size * 2 + 64;
	}
	m = &r.member[r.n++];
	memset(m, 0, sizeof(*m));
	strlcpy(m->name, name, sizeof(m->name));
	return (m);
}

static int
put_octets(int fd, uint64_t size, SHA2_CTX *sha)
{
	static uint8_t	buf[65536];
	size_t		n;

	for (; size > 0; size -= n) {
		n = size < sizeof(buf) ? (size_t)size : sizeof(buf);
		if (get(buf, n) == -1)
			return (-1);
		SHA256Update(sha, buf, n);
		if (write(fd, buf, n) != (ssize_t)n) {
			log_warn(EVT_NOT_RESTORED, ": the spool");
			return (-1);
		}
	}
	return (0);
}

/* A file under its name there; content/XX is made when it is not. */
static int
make_file(const char *name)
{
	char	path[80], *slash;
	int	fd;

	snprintf(path, sizeof(path), RESTORE_TMP "/%s", name);
	if (strncmp(name, "content/", 8) == 0) {
		slash = strrchr(path, '/');
		*slash = '\0';
		(void)mkdirat(sp.dirfd, RESTORE_TMP "/content", 0700);
		(void)mkdirat(sp.dirfd, path, 0700);
		*slash = '/';
	}
	if ((fd = openat(sp.dirfd, path, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		log_warn(EVT_NOT_RESTORED, ": %s", path);
	return (fd);
}

static int
take_file(const char *name, uint64_t size)
{
	struct member	*m;
	SHA2_CTX	 sha;
	int		 fd, ret;

	if ((m = add_member(name)) == NULL || (fd = make_file(name)) == -1)
		return (-1);
	SHA256Init(&sha);
	ret = put_octets(fd, size, &sha);
	SHA256Final(m->digest, &sha);
#ifndef __linux__
	if (ret == 0)
		ret = fsync(fd);
#endif
	if (close(fd) == -1 && ret == 0) {
		log_warn(EVT_NOT_RESTORED, ": %s", name);
		ret = -1;
	}
	return (ret);
}

/* Another MTA's messages are none that this one is responsible for. */
static int
check_mta(void)
{
	char	*p, name[UB_MTA_NAME + 1];
	size_t	 i, len;

	if (r.o->mta[0] == '\0')
		return (0);
	if ((p = strstr(r.about, "\nmta ")) == NULL ||
	    (len = strcspn(p + 5, "\n")) >= sizeof(name)) {
		log_warnx(EVT_NOT_RESTORED, ": the archive does not say of "
		    "which MTA it is");
		return (-1);
	}
	memcpy(name, p + 5, len);
	name[len] = '\0';
	if (strcmp(name, r.o->mta) == 0)
		return (0);
	for (i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~' || name[i] == '"')
			name[i] = '?';
	log_warnx(EVT_NOT_RESTORED, "mta=\"%s\": the archive is of that one, "
	    "not of \"%s\": take one of this MTA, or the configuration of "
	    "that one", name, r.o->mta);
	return (-1);
}

static int
take_about(uint64_t size)
{
	struct member	*m;
	SHA2_CTX	 sha;
	const char	*p;

	if (size > ABOUT_MAX) {
		log_warnx(EVT_NOT_RESTORED, ": what the archive says of "
		    "itself is too long");
		return (-1);
	}
	if ((m = add_member(ABOUT)) == NULL || get(r.about, size) == -1)
		return (-1);
	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)r.about, size);
	SHA256Final(m->digest, &sha);
	if (strncmp(r.about, "format 1\n", 9) != 0 ||
	    (p = strstr(r.about, "\ntime ")) == NULL) {
		log_warnx(EVT_NOT_RESTORED, ": a backup of another format");
		return (-1);
	}
	r.time = strtoll(p + 6, NULL, 10);
	return (check_mta());
}

static int
compare(const void *a, const void *b)
{
	const struct member	*x = a, *y = b;

	return (strcmp(x->name, y->name));
}

static int
hex(const char *s, uint8_t *digest)
{
	unsigned	v;
	int		i;

	for (i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		if (sscanf(s + 2 * i, "%2x", &v) != 1)
			return (-1);
		digest[i] = (uint8_t)v;
	}
	return (0);
}

/* One line of the sums: a file that came, and came like this. */
static int
check_line(const char *line)
{
	struct member	 want, *m;
	uint8_t		 digest[SHA256_DIGEST_LENGTH];

	memset(&want, 0, sizeof(want));
	if (strlen(line) < 67 || line[64] != ' ' || line[65] != ' ' ||
	    strlcpy(want.name, line + 66, sizeof(want.name)) >=
	    sizeof(want.name) || hex(line, digest) == -1) {
		log_warnx(EVT_NOT_RESTORED, ": " SUMS " makes no sense");
		return (-1);
	}
	if ((m = bsearch(&want, r.member, r.n, sizeof(*m),
	    compare)) == NULL) {
		log_warnx(EVT_NOT_RESTORED, ": %s is not in the archive",
		    want.name);
		return (-1);
	}
	if (memcmp(digest, m->digest, sizeof(digest)) != 0) {
		log_warnx(EVT_NOT_RESTORED, ": %s is damaged", m->name);
		return (-1);
	}
	m->summed = 1;
	return (0);
}

static int
take_sums(uint64_t size)
{
	char	line[SUMS_LINE + 1], c;
	size_t	i, len = 0;

	if (size > (r.n + 1) * SUMS_LINE) {
		log_warnx(EVT_NOT_RESTORED, ": " SUMS " is too long");
		return (-1);
	}
	qsort(r.member, r.n, sizeof(*r.member), compare);
	for (; size > 0; size--) {
		if (get(&c, 1) == -1)
			return (-1);
		if (c != '\n' && len < SUMS_LINE) {
			line[len++] = c;
			continue;
		}
		line[len] = '\0';
		len = 0;
		if (check_line(line) == -1)
			return (-1);
	}
	for (i = 0; i < r.n; i++)
		if (!r.member[i].summed) {
			log_warnx(EVT_NOT_RESTORED, ": " SUMS " has no %s",
			    r.member[i].name);
			return (-1);
		}
	return (0);
}

/* 1: that was the last one. */
static int
take_member(const char *name, uint64_t size)
{
	uint64_t	id;

	if (r.n == 0)
		return (strcmp(name, ABOUT) == 0 ? take_about(size) : -1);
	if (strcmp(name, SUMS) == 0)
		return (take_sums(size) == -1 ? -1 : 1);
	if (strcmp(name, STORE_FILE) == 0 && !r.store) {
		r.store = 1;
		return (take_file(name, size));
	}
	if (r.store && is_content(name, &id))
		return (take_file(name, size));
	log_warnx(EVT_NOT_RESTORED, ": %.40s has no place in a backup", name);
	return (-1);
}

static int
take_archive(void)
{
	uint8_t		header[TAR_BLOCK];
	char		name[TAR_NAME_MAX];
	uint64_t	size;
	int		i, ret;

	for (;;) {
		if (get(header, sizeof(header)) == -1)
			return (-1);
		switch (tar_parse(header, name, &size)) {
		case 0:
			log_warnx(EVT_NOT_RESTORED, ": the archive is not "
			    "complete: " SUMS " is missing");
			return (-1);
		case -1:
			log_warnx(EVT_NOT_RESTORED, ": this is no archive of "
			    "mtactl backup");
			return (-1);
		}
		for (i = 0; name[i] != '\0'; i++)
			if (name[i] < ' ' || name[i] > '~')
				name[i] = '?';
		if ((ret = take_member(name, size)) == -1 && r.n == 0)
			log_warnx(EVT_NOT_RESTORED, ": this is no archive of "
			    "mtactl backup");
		if (ret != 0)
			return (ret == 1 && r.store ? 0 : -1);
		if (skip(tar_padding(size)) == -1)
			return (-1);
	}
}

/* The data base */

static int
hold_job(void *arg, const struct store_job *j)
{
	struct store_job	held = *j;
	const char		*why = arg;

	held.state = JOB_HELD;
	strlcpy(held.reason, why, sizeof(held.reason));
	return (store_job_state(sp.store, &held));
}

static int
hold(uint64_t id, const char *why)
{
	log_warnx(EVT_HELD, "message=%016" PRIX64 ": %s", id, why);
	r.lost++;
	return (store_job_of_message(sp.store, id, hold_job,
	    (void *)(uintptr_t)why));
}

/* Does its content file have that size? */
static int
has_content(const struct store_message *m)
{
	struct stat	st;
	char		name[64], path[80];

	content_path(m->id, name, sizeof(name));
	snprintf(path, sizeof(path), RESTORE_TMP "/%s", name);
	return (fstatat(sp.dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && (uint64_t)st.st_size == m->size);
}

static const char *
trouble(uint64_t id)
{
	struct store_message	 m;
	struct message		*msg;
	const char		*why = NULL;

	if (store_message_get(sp.store, id, &m, 1) != 1)
		return ("message lost: damaged in the data base");
	if ((msg = message_deserialise(m.envelope, m.envelope_len)) == NULL)
		why = "message lost: its envelope is damaged";
	else if (m.kind == CONTENT_FILE && !has_content(&m))
		why = NOT_THERE;
	if (msg != NULL)
		message_free(msg);
	store_message_release(sp.store);
	return (why);
}

static int
check_messages(void)
{
	uint64_t	ids[64], after = 0;
	const char	*why;
	int		i, n;

	do {
		if ((n = store_message_ids(sp.store, after, ids,
		    nitems(ids))) == -1)
			return (-1);
		for (i = 0; i < n; i++) {
			after = ids[i];
			r.messages++;
			if ((why = trouble(ids[i])) != NULL &&
			    hold(ids[i], why) == -1)
				return (-1);
		}
	} while (n == (int)nitems(ids));
	return (0);
}

/* What is said of each message that is held now. */
static int
list_held(void *arg, const struct store_job *j)
{
	*(int *)arg |= j->state == JOB_HELD;
	return (0);
}

static int
tell_held(void)
{
	uint64_t	ids[64], after = 0;
	int		i, n, held;

	do {
		if ((n = store_message_ids(sp.store, after, ids,
		    nitems(ids))) == -1)
			return (-1);
		for (i = 0; i < n; i++) {
			after = ids[i];
			held = 0;
			if (store_job_of_message(sp.store, ids[i], list_held,
			    &held) == -1)
				return (-1);
			r.held += held;
			if (held && !r.o->check)
				printf("%016" PRIX64 "\n", ids[i]);
		}
	} while (n == (int)nitems(ids));
	return (0);
}

static void
peer_was(const char *peer, int64_t state)
{
	if (state == CTL_PEER_DOWN || state == CTL_PEER_HOLD)
		log_warnx(EVT_PEER_SET, "peer=%s state=%s: as it was when the "
		    "backup was made: mtactl peer %s up", peer,
		    state == CTL_PEER_DOWN ? "down" : "hold",
		    strcmp(peer, "*") == 0 ? "NAME" : peer);
}

static int
tell_peer(void *arg, uint32_t number, int kind, const char *peer)
{
	char	name[32];
	int64_t	v;

	snprintf(name, sizeof(name), PEER_STATE, number);
	if (kind == TARGET_PEER && peer != NULL &&
	    store_meta_get(sp.store, name, &v) == 1)
		peer_was(peer, v);
	return (0);
}

/* What the operator had said of peers is in force again. */
static int
tell_peers(void)
{
	int64_t	v;

	if (store_meta_get(sp.store, PEERS_STATE, &v) == 1)
		peer_was("*", v);
	return (store_target_each(sp.store, tell_peer, NULL));
}

static int
change_store(void)
{
	struct audit_past	past;
	char			why[128], when[32];
	struct tm		tm;
	time_t			t = (time_t)r.time;

	if (gmtime_r(&t, &tm) == NULL || strftime(when, sizeof(when),
	    "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		strlcpy(when, "?", sizeof(when));
	snprintf(why, sizeof(why), "restored from the backup of %s: it may "
	    "have gone since", when);
	if (store_begin(sp.store) == -1 ||
	    store_forget_recovery(sp.store) == -1 ||
	    (r.o->as_it_was ? store_unsend_all(sp.store) :
	    store_hold_all(sp.store, why)) == -1 ||
	    check_messages() == -1 || audit_past(sp.store, sp.dirfd,
	    r.o->audit, r.time, &past) == -1 || audit_written(sp.store,
	    sp.dirfd, r.o->audit, r.time) == -1 || tell_held() == -1 ||
	    tell_peers() == -1 || store_commit(sp.store) == -1)
		return (-1);
	log_info(r.o->check ? EVT_ARCHIVE : EVT_RESTORED, "messages=%" PRIu64
	    " held=%" PRIu64 " damaged=%" PRIu64 " gone=%" PRIu64 ": backup "
	    "of %s", r.messages, r.held, r.lost, past.settled, when);
	return (0);
}

static int
take_store(const char *dir)
{
	char	path[1100], why[256];
	int	all, ret = -1;

	snprintf(path, sizeof(path), "%s/" RESTORE_TMP, dir);
	if ((sp.store = store_open_file(path, STORE_FILE, why,
	    sizeof(why))) == NULL) {
		log_warnx(EVT_NOT_RESTORED, ": queue.db of the archive: %s",
		    why);
		return (-1);
	}
	if (store_check(sp.store, 0, &all) != 0)
		log_warnx(EVT_NOT_RESTORED, ": queue.db of the archive is "
		    "damaged: %s", store_error(sp.store));
	else if ((ret = change_store()) == -1)
		log_warnx(EVT_NOT_RESTORED, ": %s", store_error(sp.store));
	store_close(sp.store);
	sp.store = NULL;
	return (ret);
}

int
restore(const char *dir, int fd, const struct restore_options *o)
{
	int	lock = -1, ret = -1;

	memset(&r, 0, sizeof(r));
	r.fd = fd;
	r.o = o;
	if ((sp.dirfd = open(dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1) {
		log_warn(EVT_NOT_RESTORED, ": spool");
		return (-1);
	}
	strlcpy(sp.dir, dir, sizeof(sp.dir));
	if (!o->check && !restore_place_empty())
		goto done;
	if ((lock = restore_tmp()) == -1)
		goto done;
	if (take_archive() == 0 && take_store(dir) == 0)
		ret = o->check ? 0 : restore_into_place();
	restore_clean();
	if (ret == 0 && o->check)
		log_info(EVT_ARCHIVE, ": it is good; nothing was changed");
	else if (ret == 0)
		log_info(EVT_RESTORED, ": it is in its place");
	else
		log_warnx(EVT_NOT_RESTORED, ": nothing was changed");
done:
	free(r.member);
	if (lock != -1)
		close(lock);
	close(sp.dirfd);
	sp.dirfd = -1;
	return (ret);
}
