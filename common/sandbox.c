/* SPDX-License-Identifier: ISC */

/*
 * See sandbox.h.  This file does what is the same everywhere (user, root,
 * limits) and leaves the rest to sandbox_kernel() of the platform:
 * sandbox_linux.c (capabilities, seccomp-bpf, Landlock), below for OpenBSD
 * (pledge, unveil) and FreeBSD (Capsicum).
 */

#include <sys/types.h>
#include <sys/resource.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#ifdef __FreeBSD__
#include <sys/capsicum.h>
#endif

#include "log.h"
#include "sandbox_kernel.h"

static int
limit(int resource, const char *name, rlim_t max)
{
	struct rlimit rl;

	if (getrlimit(resource, &rl) == -1) {
		log_warn(EVT_CONFINEMENT, ": getrlimit %s", name);
		return (-1);
	}
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > max)
		rl.rlim_max = max;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(resource, &rl) == -1) {
		log_warn(EVT_CONFINEMENT, ": setrlimit %s", name);
		return (-1);
	}
	return (0);
}

static int
limits(enum sandbox_role role)
{
	if (limit(RLIMIT_CORE, "core", 0) == -1)
		return (-1);
	switch (role) {
	case ROLE_RTSD:
	case ROLE_SPOOLD:
		/* No limit on file size: the log may be one (mtad -d). */
		return (limit(RLIMIT_NOFILE, "files", 8192));
	case ROLE_RESOLVER:
	case ROLE_AGENT:
		return (limit(RLIMIT_NOFILE, "files", 64));
	default:
		return (0);
	}
}

static int
become(const struct sandbox_conf *sc)
{
	struct passwd *pw = NULL;

	if (sc->user != NULL && (pw = getpwnam(sc->user)) == NULL) {
		log_warnx(EVT_CONFINEMENT, ": user %s does not exist", sc->user);
		return (-1);
	}
	if (sc->root != NULL) {
		if (chroot(sc->root) == -1 || chdir("/") == -1) {
			log_warn(EVT_CONFINEMENT, ": chroot to %s", sc->root);
			return (-1);
		}
	}
	if (pw == NULL)
		return (0);
	if (pw->pw_uid == 0) {
		log_warnx(EVT_CONFINEMENT, ": user %s is root", sc->user);
		return (-1);
	}
	if (setgroups(1, &pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1) {
		log_warn(EVT_CONFINEMENT, ": becoming user %s", sc->user);
		return (-1);
	}
	if (setuid(0) != -1 || seteuid(0) != -1) {
		log_warnx(EVT_CONFINEMENT, ": root can be had back");
		return (-1);
	}
	return (0);
}

#ifndef __linux__
void
sandbox_before(enum sandbox_role role)
{
}

int
sandbox_kernel(enum sandbox_role role, const struct sandbox_conf *sc)
{
#if defined(__OpenBSD__)
	const char *promises;

	switch (role) {
	case ROLE_MTAD:
		return (0);	/* it executes and binds what it is told */
	case ROLE_RTSD:
		promises = "stdio inet recvfd";
		break;
	case ROLE_SPOOLD:
		promises = "stdio rpath wpath cpath fattr flock unix sendfd "
		    "recvfd";
		break;
	case ROLE_RESOLVER:
		promises = "stdio dns";
		break;
	case ROLE_TOP:
		promises = "stdio tty recvfd";
		break;
	case ROLE_AGENT:
		promises = "stdio rpath wpath cpath";
		break;
	case ROLE_CTL:
		promises = "stdio recvfd";	/* backup */
		break;
	default:
		promises = "stdio";
		break;
	}
	if (role == ROLE_SPOOLD && (unveil("/", "rwc") == -1 ||
	    unveil(NULL, NULL) == -1)) {
		log_warn(EVT_CONFINEMENT, ": unveil");
		return (-1);
	}
	if (pledge(promises, NULL) == -1) {
		log_warn(EVT_CONFINEMENT, ": pledge");
		return (-1);
	}
	return (0);
#elif defined(__FreeBSD__)
	/* spoold opens by path below its chroot: no capability mode. */
	if ((role == ROLE_RTSD || role == ROLE_CTL || role == ROLE_TOP ||
	    role == ROLE_AGENT) &&
	    cap_enter() == -1) {
		log_warn(EVT_CONFINEMENT, ": cap_enter");
		return (-1);
	}
	return (0);
#else
	if (role == ROLE_MTAD)
		return (0);
	log_info(EVT_CONFINEMENT, ": user and chroot only on this system");
	return (0);
#endif
}
#endif

int
sandbox_enter(enum sandbox_role role, const struct sandbox_conf *sc)
{
	if (sc->unconfined) {
		log_warnx(EVT_CONFINEMENT, ": NONE, as asked");
		return (0);
	}
	sandbox_before(role);
	if (limits(role) == -1 || become(sc) == -1 ||
	    sandbox_kernel(role, sc) == -1)
		return (-1);
	return (0);
}
