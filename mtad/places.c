/* SPDX-License-Identifier: ISC */

/*
 * Directories of the configuration: made if they are not there, and said to
 * who asks (mtad -n -v).
 */

#include <sys/stat.h>

#include <errno.h>
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
		    pw->pw_gid, 0750) == -1)
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
