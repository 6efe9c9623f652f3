/* SPDX-License-Identifier: ISC */

/*
 * mtactl backup: a tar archive (POSIX.1 ustar) of queue and contents.  First
 * mtad-backup, which says of what it is, then queue.db and the contents, at
 * the end SHA256SUMS of all of them: an archive without it is not complete.
 *
 * spoold passes descriptors; they are read here, so that it has no more to do
 * than to open them.
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "mtactl.h"
#include "tar.h"

struct archive {
	int		 fd;
	const char	*name;		/* for errors */
	int		 mta_fd;	/* whose it is, for the parent; or -1 */
	char		*sums;
	size_t		 sums_len, sums_size;
	uint64_t	 time, messages, octets, files, missing;
};

static void
put(struct archive *a, const void *data, size_t len)
{
	const uint8_t	*p = data;
	ssize_t		 n;

	a->octets += len;
	while (len > 0) {
		if ((n = write(a->fd, p, len)) == -1) {
			if (errno == EINTR)
				continue;
			err(1, "%s", a->name);
		}
		p += n;
		len -= (size_t)n;
	}
}

static void
begin_member(struct archive *a, const char *name, uint64_t size)
{
	uint8_t	header[TAR_BLOCK];

	tar_header(header, name, size, (int64_t)a->time);
	put(a, header, sizeof(header));
}

static void
end_member(struct archive *a, uint64_t size)
{
	static const uint8_t	zeros[TAR_BLOCK];

	put(a, zeros, tar_padding(size));
}

static void
add_sum(struct archive *a, SHA2_CTX *sha, const char *name)
{
	char	digest[SHA256_DIGEST_STRING_LENGTH], *p;
	size_t	need = sizeof(digest) + strlen(name) + 4;

	SHA256End(sha, digest);
	if (a->sums_len + need > a->sums_size) {
		a->sums_size = a->sums_size * 2 + 4096 + need;
		if ((p = realloc(a->sums, a->sums_size)) == NULL)
			err(1, NULL);
		a->sums = p;
	}
	a->sums_len += (size_t)snprintf(a->sums + a->sums_len,
	    a->sums_size - a->sums_len, "%s  %s\n", digest, name);
}

static void
put_text(struct archive *a, const char *name, const char *text, size_t len)
{
	SHA2_CTX	sha;

	begin_member(a, name, len);
	put(a, text, len);
	end_member(a, len);
	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)text, len);
	add_sum(a, &sha, name);
}

/* All of it, or the archive is none. */
static void
put_file(struct archive *a, const struct ctl_file *f, int fd)
{
	static uint8_t	buf[256 * 1024];
	SHA2_CTX	sha;
	uint64_t	left;
	ssize_t		n;

	SHA256Init(&sha);
	begin_member(a, f->name, f->size);
	for (left = f->size; left > 0; left -= (uint64_t)n) {
		n = read(fd, buf, left < sizeof(buf) ? (size_t)left :
		    sizeof(buf));
		if (n == -1 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n <= 0)
			errx(1, "%s in the spool: %s", f->name, n == 0 ?
			    "became shorter" : strerror(errno));
		SHA256Update(&sha, buf, (size_t)n);
		put(a, buf, (size_t)n);
	}
	end_member(a, f->size);
	add_sum(a, &sha, f->name);
	a->files++;
}

static void
put_about(struct archive *a, struct imsg *imsg)
{
	struct ctl_backup	b;
	char			text[300], when[32];
	struct tm		tm;
	time_t			t;

	ctl_row(imsg, &b, sizeof(b));
	TERMINATE(b.name);
	TERMINATE(b.version);
	a->time = b.time;
	a->messages = b.messages;
	t = (time_t)b.time;
	if (gmtime_r(&t, &tm) == NULL || strftime(when, sizeof(when),
	    "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		errx(1, "bad answer");
	snprintf(text, sizeof(text), "format 1\nmta %s\nversion %s\n"
	    "time %" PRIu64 " %s\n", b.name, b.version, b.time, when);
	put_text(a, "mtad-backup", text, strlen(text));
	if (a->mta_fd != -1 && write(a->mta_fd, b.name, strlen(b.name)) == -1)
		err(1, "pipe");
}

static void
run(struct archive *a, const char *path)
{
	static const uint8_t	zeros[2 * TAR_BLOCK];
	struct ctl_file		f;
	struct imsg		imsg;
	struct ctl		c;
	uint32_t		type;
	int			fd;

	ctl_open(&c, path);
	imsgbuf_allow_fdpass(&c.ibuf);
	ctl_send(&c, CTL_BACKUP, NULL, 0);
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_ROW)
		errx(1, "%s: unexpected answer", path);
	put_about(a, &imsg);
	while ((type = ctl_next(&c, &imsg, NULL, NULL)) == CTL_ROW_FILE) {
		ctl_row(&imsg, &f, sizeof(f));
		TERMINATE(f.name);
		if ((fd = imsg_get_fd(&imsg)) != -1) {
			put_file(a, &f, fd);
			close(fd);
		} else {
			a->missing++;
			warnx("%s is missing in the spool, or not whole",
			    f.name);
		}
		ctl_send(&c, CTL_BACKUP_NEXT, NULL, 0);
	}
	if (type != CTL_END)
		errx(1, "%s: unexpected answer", path);
	begin_member(a, "SHA256SUMS", a->sums_len);
	put(a, a->sums, a->sums_len);
	end_member(a, a->sums_len);
	put(a, zeros, sizeof(zeros));
}

static void
tell(const struct archive *a, int as_json)
{
	struct json	j;

	if (!as_json) {
		fprintf(stderr, "mtactl: backup: %" PRIu64 " message%s, %"
		    PRIu64 " file%s, %" PRIu64 " octets\n", a->messages,
		    a->messages == 1 ? "" : "s", a->files,
		    a->files == 1 ? "" : "s", a->octets);
		return;
	}
	json_begin(&j, stderr);
	json_object(&j, NULL);
	json_bool(&j, "ok", a->missing == 0);
	json_uint(&j, "time", a->time);
	json_uint(&j, "messages", a->messages);
	json_uint(&j, "files", a->files);
	json_uint(&j, "missing", a->missing);
	json_uint(&j, "octets", a->octets);
	json_close(&j, '}');
	json_end(&j);
}

/* What is wrong with the place that was named, and what helps. */
static void __attribute__((__noreturn__))
no_file(const char *file, int error)
{
	char	 dir[1024], *p;

	strlcpy(dir, file, sizeof(dir));
	if ((p = strrchr(dir, '/')) == NULL)
		strlcpy(dir, ".", sizeof(dir));
	else
		p[p == dir] = '\0';
	switch (error) {
	case ENOENT:
		errx(1, "backup: directory %s is not there: make it (mkdir), "
		    "or name another", dir);
	case ENOTDIR:
		errx(1, "backup: %s is not a directory: name another", dir);
	case EACCES:
	case EPERM:
		errx(1, "backup: user %u may not write %s in directory %s: "
		    "run it as root, or name another", (unsigned)geteuid(),
		    p == NULL ? file : file + (p - dir) + 1, dir);
	case EROFS:
	case ENOSPC:
	case EDQUOT:
		errc(1, error, "backup: directory %s: name another", dir);
	default:
		errc(1, error, "backup: %s", file);
	}
}

/* Of the MTA, as far as it may be in the name of a file. */
static void
read_mta(int fd, char *mta, size_t size)
{
	size_t	i, len = 0;
	ssize_t	n;

	while (len + 1 < size && (n = read(fd, mta + len,
	    size - 1 - len)) != 0) {
		if (n == -1 && errno != EINTR)
			err(1, "pipe");
		len += n == -1 ? 0 : (size_t)n;
	}
	mta[len] = '\0';
	for (i = 0; i < len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
		    "XYZ0123456789-_", mta[i]) == NULL)
			mta[i] = '_';
}

/* The child is done.  0, or 3: contents are missing. */
static int
wait_for(pid_t pid, const char *tmp)
{
	int	status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			err(1, "waitpid");
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
	    WEXITSTATUS(status) == 3))
		return (WEXITSTATUS(status));
	unlink(tmp);
	exit(1);
}

/*
 * A name that is not there before all of it is: a child writes.  In a
 * directory the name has that of the MTA in it, for several may have their
 * backups there; until then it is one that nobody else has.
 */
static void
to_file(struct archive *a, const char *path, const char *file,
    const char *when, int as_json)
{
	char	tmp[1024], name[1024], mta[UB_MTA_NAME + 1];
	pid_t	pid;
	int	missing, error, p[2];

	if ((size_t)snprintf(tmp, sizeof(tmp), when == NULL ?
	    "%s.XXXXXX.partial" : "%s/mtad.XXXXXX.partial", file) >=
	    sizeof(tmp))
		errx(1, "%s: name too long", file);
	if ((a->fd = mkostemps(tmp, strlen(".partial"), O_CLOEXEC)) == -1)
		no_file(when == NULL ? file : tmp, errno);
	a->name = tmp;
	if (pipe(p) == -1 || (pid = fork()) == -1) {
		error = errno;
		unlink(tmp);
		errc(1, error, "backup");
	}
	if (pid == 0) {
		close(p[0]);
		a->mta_fd = p[1];
		run(a, path);
		tell(a, as_json);
		_exit(a->missing > 0 ? 3 : 0);
	}
	close(p[1]);
	read_mta(p[0], mta, sizeof(mta));
	missing = wait_for(pid, tmp);
	error = (size_t)snprintf(name, sizeof(name), when == NULL ? "%s" :
	    "%s/mtad-%s-%s.tar", file, mta, when) < sizeof(name) ? 0 :
	    ENAMETOOLONG;
	/* a device has nothing to be synced */
	if (error == 0 && ((fsync(a->fd) == -1 && errno != EINVAL &&
	    errno != ENOTSUP) || rename(tmp, name) == -1))
		error = errno;
	if (error != 0) {
		unlink(tmp);
		no_file(name, error);
	}
	if (missing)
		exit(1);
}

/* Complete or not, there is nothing to give a name to. */
static void
to_open(struct archive *a, const char *path, int as_json)
{
	run(a, path);
	tell(a, as_json);
	if (a->missing > 0)
		exit(1);
}

/*
 * A device (tape, /dev/null) or a pipe is written to: another file in its
 * place would be the end of it.
 */
static void
to_device(struct archive *a, const char *path, const char *file, mode_t mode,
    int as_json)
{
	if ((a->fd = open(file, O_WRONLY | O_NOCTTY | O_CLOEXEC |
	    (S_ISBLK(mode) ? O_SYNC : 0))) == -1)
		err(1, "%s", file);
	if (isatty(a->fd))
		errx(EXIT_USAGE, "backup: %s: an archive is not for a "
		    "terminal", file);
	a->name = file;
	to_open(a, path, as_json);
}

/* What a symbolic link leads to is replaced, not the link. */
static const char *
behind_link(const char *file)
{
	struct stat	 st;
	char		*real;

	if (lstat(file, &st) == -1 || !S_ISLNK(st.st_mode))
		return (file);
	if ((real = realpath(file, NULL)) == NULL)
		err(1, "%s: a symbolic link", file);
	return (real);
}

void
backup_run(const char *path, int argc, char **argv, int as_json)
{
	struct archive	a;
	struct stat	st;
	char		when[32];
	struct tm	tm;
	time_t		now = time(NULL);

	memset(&a, 0, sizeof(a));
	a.mta_fd = -1;
	if (argc > 2)
		usage("backup: one file or directory expected");
	if (argc == 2 && strcmp(argv[1], "-") != 0) {
		if (stat(argv[1], &st) == 0 && !S_ISREG(st.st_mode) &&
		    !S_ISDIR(st.st_mode)) {
			to_device(&a, path, argv[1], st.st_mode, as_json);
			return;
		}
		if (stat(argv[1], &st) == -1 || !S_ISDIR(st.st_mode)) {
			to_file(&a, path, behind_link(argv[1]), NULL,
			    as_json);
			return;
		}
		if (gmtime_r(&now, &tm) == NULL || strftime(when,
		    sizeof(when), "%Y%m%dT%H%M%SZ", &tm) == 0)
			errx(1, "backup: the time makes no sense");
		to_file(&a, path, argv[1], when, as_json);
		return;
	}
	if (isatty(STDOUT_FILENO))
		errx(EXIT_USAGE, "backup: an archive is not for a terminal: "
		    "name a file, or redirect the output");
	a.fd = STDOUT_FILENO;
	a.name = "standard output";
	to_open(&a, path, as_json);
}
