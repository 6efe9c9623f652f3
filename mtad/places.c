/* SPDX-License-Identifier: ISC */

/*
 * Directories of the configuration: made if they are not there, looked at if
 * they are, and said to who asks (mtad -n -v).
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mtad.h"
#include "parent.h"

static int
make_directory(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		/* once it is another's its mode is his to change */
		if (chmod(path, mode) == -1 || chown(path, uid, gid) == -1) {
			log_warn(EVT_DIRECTORY, "path=\"%s\"", path);
			return (-1);
		}
		return (0);
	}
	if (errno != EEXIST) {
		log_warn(EVT_DIRECTORY, "path=\"%s\": cannot be made", path);
		return (-1);
	}
	if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode)) {
		log_warnx(EVT_DIRECTORY, "path=\"%s\": is no directory", path);
		return (-1);
	}
	return (0);
}

/* The spool has to belong to spoold, and to nobody else. */
static int
check_spool(const char *path, uid_t uid)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		log_warn(EVT_DIRECTORY, "path=\"%s\": spool", path);
		return (-1);
	}
	if (!options.unconfined && (st.st_uid != uid ||
	    st.st_mode & (S_IRWXG | S_IRWXO))) {
		log_warnx(EVT_DIRECTORY, "path=\"%s\": spool: owner %s and mode "
		    "0700 were expected", path, options.spoold_user);
		return (-1);
	}
	return (0);
}

/*
 * May spoold make files there?  Lists of access decide it as much as the mode
 * does, so it is asked in its place.  1 yes, 0 no, -1 not known, errno is set.
 */
static int
spoold_writes(const char *path, const struct passwd *pw)
{
	pid_t pid;
	int fd, rc, status;

	/* it gets the directory open: the way to it may be shut to it */
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (-1);
	if ((pid = fork()) == 0) {
		if (setgroups(1, &pw->pw_gid) == -1 ||
		    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
		    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
			_exit(2);
		_exit(faccessat(fd, ".", W_OK | X_OK, 0) == -1);
	}
	close(fd);
	if (pid == -1)
		return (-1);
	while ((rc = waitpid(pid, &status, 0)) == -1 && errno == EINTR)
		;
	if (rc == -1)
		return (-1);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		errno = EPERM;
		return (-1);
	}
	return (WEXITSTATUS(status) == 0);
}

/* What is delivered is to be put there by spoold, and not by everybody. */
static int
check_delivery(const char *path, const struct passwd *pw)
{
	struct stat st;

	if (options.unconfined)
		return (0);
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != 0) {
		log_warnx(EVT_DIRECTORY, "path=\"%s\": for delivery: a "
		    "symbolic link that is not root's", path);
		return (-1);
	}
	if (stat(path, &st) == -1) {
		log_warn(EVT_DIRECTORY, "path=\"%s\": for delivery", path);
		return (-1);
	}
	if (st.st_mode & S_IWOTH) {
		log_warnx(EVT_DIRECTORY, "path=\"%s\": for delivery: mode "
		    "%04o, everybody can write there; 0750 was expected", path,
		    (unsigned)st.st_mode & 07777);
		return (-1);
	}
	switch (spoold_writes(path, pw)) {
	case 1:
		return (0);
	case 0:
		log_warnx(EVT_DIRECTORY, "path=\"%s\": for delivery: user %s "
		    "cannot write there; owner %s and mode 0750 were "
		    "expected", path, options.spoold_user,
		    options.spoold_user);
		return (-1);
	default:
		log_warn(EVT_DIRECTORY, "path=\"%s\": for delivery", path);
		return (-1);
	}
}

int
make_directories(struct conf *c)
{
	struct conf_deliver *d;
	struct passwd *pw;
	char run[PATH_MAX], *slash;

	if (!options.unconfined && getpwnam(options.rtsd_user) == NULL) {
		log_warnx(EVT_NOT_STARTED, ": user %s does not exist; make it, "
		    "or build with another", options.rtsd_user);
		return (-1);
	}
	if ((pw = getpwnam(options.spoold_user)) == NULL) {
		log_warnx(EVT_NOT_STARTED, ": user %s does not exist; make it, "
		    "or build with another", options.spoold_user);
		return (-1);
	}
	if (make_directory(c->spool, pw->pw_uid, pw->pw_gid, 0700) == -1 ||
	    check_spool(c->spool, pw->pw_uid) == -1)
		return (-1);
	TAILQ_FOREACH(d, &c->delivers, entry)
		if (make_directory(d->deliver.directory, pw->pw_uid,
		    pw->pw_gid, 0750) == -1 ||
		    check_delivery(d->deliver.directory, pw) == -1)
			return (-1);
	strlcpy(run, c->control, sizeof(run));
	if ((slash = strrchr(run, '/')) != NULL && slash != run) {
		*slash = '\0';
		if (make_directory(run, 0, 0, 0755) == -1)
			return (-1);
	}
	return (make_directory(EMPTY_DIR, 0, 0, 0755));
}

void
say_places(const struct conf *c)
{
	const struct conf_deliver *d;

	printf("spool %s\n", c->spool);
	TAILQ_FOREACH(d, &c->delivers, entry)
		printf("deliver %s\n", d->deliver.directory);
}
