/* SPDX-License-Identifier: ISC */

/*
 * rtsd and spoold: executed each with a fresh address space, its channel as
 * descriptor PROC_FD and nothing else; restarted when they die, sooner at
 * first and then more slowly; stopped in order, rtsd before spoold, so that
 * what rtsd has to say still reaches the queue.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mtad.h"
#include "parent.h"

#define BACKOFF_MIN	100		/* ms */
#define BACKOFF_MAX	30000
#define STEADY		60		/* s after which it begins anew */
#define STOP_TIME	10		/* s for each to end */
#define CHANNEL_BUFFER	(1024 * 1024)
#define LOG_TURN	64		/* lines of a child at a time */
#define PROGRAM_FD	(PROC_FD + 1)	/* gone once it runs */
#define PROGRAM_FD_MIN	16		/* out of the way until then */

struct child {
	const char	*name;
	int		 program;	/* open */
	pid_t		 pid;		/* 0: not running */
	int		 up;		/* the channel stands */
	struct imsgev	 iev;
	struct event	*timer;
	unsigned	 backoff;	/* ms */
	time_t		 since;
	struct event	*log;		/* what it says */
};

static struct child	 children[CHILDREN] = {
	{ .name = "rtsd" }, { .name = "spoold" }
};
static int		 stopping, failed;

static void	start(enum role);

static enum role
role_of(struct child *c)
{
	return (c - children);
}

void
child_send(enum role r, uint32_t type, uint32_t id, int fd, const void *p,
    size_t len)
{
	struct child *c = &children[r];
	int copy = -1;

	if (!c->up)
		return;
	if (fd != -1 && (copy = dup(fd)) == -1) {
		log_warn(EVT_SYSTEM, ": descriptor for %s", c->name);
		return;
	}
	if (imsgev_compose(&c->iev, type, id, 0, copy, p, len) == -1) {
		log_warn(EVT_SYSTEM, ": imsg to %s", c->name);
		if (copy != -1)
			close(copy);
	}
}

static void
handler(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	child_imsg(role_of(arg), imsg);
}

static void
channel_closed(struct imsgev *iev, const char *why, void *arg)
{
	struct child *c = arg;

	c->up = 0;
	imsgev_free(&c->iev);
	/* Whoever lost its channel is of no more use. */
	if (c->pid != 0)
		kill(c->pid, SIGKILL);
}

static void
timer_cb(int fd, short what, void *arg)
{
	struct child *c = arg;

	if (!stopping)
		start(role_of(c));
	else if (c->pid != 0) {
		log_warnx(EVT_PROCESS_KILLED, "process=%s: does not end by "
		    "itself", c->name);
		kill(c->pid, SIGKILL);
	}
}

static void
set_timer(struct child *c, unsigned ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(c->timer, &tv);
}

/* In a build tree each lies in a directory of its own name. */
static void
program_path(enum role r, char *path, size_t size)
{
	struct stat st;

	snprintf(path, size, "%s/%s", options.libexec, children[r].name);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		snprintf(path, size, "%s/%s/%s", options.libexec,
		    children[r].name, children[r].name);
}

static char *const environment[] = { (char *)(uintptr_t)"PATH=/usr/bin:/bin",
    NULL };

int
children_open(void)
{
	char path[PATH_MAX];
	int i, fd;

	for (i = 0; i < CHILDREN; i++) {
		program_path(i, path, sizeof(path));
		children[i].program = -1;
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
			children[i].program = fcntl(fd, F_DUPFD_CLOEXEC,
			    PROGRAM_FD_MIN);
			close(fd);
		}
		if (children[i].program == -1 || access(path, X_OK) == -1) {
			log_warn(EVT_NOT_STARTED, "path=\"%s\"", path);
			return (-1);
		}
	}
	return (0);
}

void
child_execute(enum role r, char **argv, char *const env[])
{
	char path[PATH_MAX];

	program_path(r, path, sizeof(path));
	argv[0] = path;
	signal(SIGPIPE, SIG_DFL);
	if (dup3(children[r].program, PROGRAM_FD, O_CLOEXEC) != -1) {
		closefrom(PROGRAM_FD + 1);
#ifdef HAVE_FEXECVE
		fexecve(PROGRAM_FD, argv, env);
#endif
		/* a script cannot be had this way */
		execve(path, argv, env);
	}
	fprintf(stderr, "mtad: %s: %s\n", path, strerror(errno));
	_exit(127);
}

/*
 * What a child logs.  It cannot reach syslogd from its chroot once that was
 * started again, so its lines go through here.
 */
static int
log_take(struct child *c)
{
	char packet[LOG_LINE_MAX + 8];
	ssize_t len;
	int n;

	for (n = 0; n < LOG_TURN; n++) {
		len = recv(event_get_fd(c->log), packet, sizeof(packet),
		    MSG_DONTWAIT);
		if (len == 0 || (len == -1 && errno != EAGAIN &&
		    errno != EINTR))
			event_del(c->log);	/* it closed its end */
		if (len <= 0)
			break;
		log_passed(c->name, (int)c->pid, packet, len);
	}
	return (n);
}

static void
log_cb(int fd, short what, void *arg)
{
	log_take(arg);
}

static void
log_close(struct child *c)
{
	if (c->log == NULL)
		return;
	/* Its last words come before that it is gone. */
	while (log_take(c) == LOG_TURN)
		;
	close(event_get_fd(c->log));
	event_free(c->log);
	c->log = NULL;
}

/* The child's end, or -1 where it logs to the terminal itself. */
static int
log_open(struct child *c)
{
	int sv[2];

	if (options.debug)
		return (-1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1) {
		log_warn(EVT_SYSTEM, ": log of %s", c->name);
		return (-1);
	}
	c->log = event_new(base, sv[0], EV_READ | EV_PERSIST, log_cb, c);
	if (c->log == NULL || event_add(c->log, NULL) == -1)
		fatalx("out of memory");
	return (sv[1]);
}

static void
execute(enum role r, int fd, int log_fd)
{
	char *argv[10];
	int n = 1;

	if (options.debug)
		argv[n++] = (char *)(uintptr_t)"-d";
	if (options.verbose)
		argv[n++] = (char *)(uintptr_t)"-v";
	if (options.unconfined)
		argv[n++] = (char *)(uintptr_t)"-u";
	argv[n++] = (char *)(uintptr_t)"-U";
	argv[n++] = (char *)(uintptr_t)(r == CHILD_RTSD ? options.rtsd_user :
	    options.spoold_user);
	if (r == CHILD_SPOOLD) {
		argv[n++] = (char *)(uintptr_t)"-R";
		argv[n++] = conf->spool;
	}
	argv[n] = NULL;
	if (log_fd != -1 && dup2(log_fd, STDERR_FILENO) == -1)
		_exit(127);
	if (fd != PROC_FD) {
		if (dup2(fd, PROC_FD) == -1)
			_exit(127);
	} else if (fcntl(fd, F_SETFD, 0) == -1)
		_exit(127);
	child_execute(r, argv, environment);
}

/* spoold -r, with the archive as its standard input. */
static void
execute_restore(int fd, int check)
{
	char *argv[16];
	int n = 1;

	argv[n++] = (char *)(uintptr_t)"-r";
	argv[n++] = (char *)(uintptr_t)"-m";
	argv[n++] = conf->mta.name;
	if (check)
		argv[n++] = (char *)(uintptr_t)"-n";
	if (options.as_it_was)
		argv[n++] = (char *)(uintptr_t)"-k";
	if (options.unconfined)
		argv[n++] = (char *)(uintptr_t)"-u";
	if (conf->mta.audit_keep != 0) {
		argv[n++] = (char *)(uintptr_t)"-a";
		argv[n++] = conf->mta.audit;
	}
	argv[n++] = (char *)(uintptr_t)"-U";
	argv[n++] = (char *)(uintptr_t)options.spoold_user;
	argv[n++] = (char *)(uintptr_t)"-R";
	argv[n++] = conf->spool;
	argv[n] = NULL;
	if (fd != STDIN_FILENO && dup2(fd, STDIN_FILENO) == -1)
		_exit(127);
	close(PROC_FD);
	child_execute(CHILD_SPOOLD, argv, environment);
}

int
children_restore(int fd, int check)
{
	pid_t pid;
	int status;

	switch (pid = fork()) {
	case -1:
		log_warn(EVT_SYSTEM, ": restore");
		return (1);
	case 0:
		execute_restore(fd, check);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return (1);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1);
}

static void
start(enum role r)
{
	struct child *c = &children[r];
	int sv[2], log_fd;

	if (c->backoff == 0 || time(NULL) - c->since > STEADY)
		c->backoff = BACKOFF_MIN;
	c->since = time(NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		log_warn(EVT_SYSTEM, ": channel for %s", c->name);
		set_timer(c, c->backoff);
		return;
	}
	log_fd = log_open(c);
	switch (c->pid = fork()) {
	case -1:
		log_warn(EVT_SYSTEM, ": starting %s", c->name);
		c->pid = 0;
		log_close(c);
		if (log_fd != -1)
			close(log_fd);
		close(sv[0]);
		close(sv[1]);
		set_timer(c, c->backoff);
		return;
	case 0:
		execute(r, sv[1], log_fd);
	}
	close(sv[1]);
	if (log_fd != -1)
		close(log_fd);
	if (imsgev_init(&c->iev, base, sv[0], handler, channel_closed, NULL,
	    NULL, c) == -1 || (r == CHILD_SPOOLD &&
	    imsgbuf_set_maxsize(&c->iev.ibuf, IMSG_MAX) == -1))
		fatalx("out of memory");
	imsgbuf_secret(&c->iev.ibuf);
	c->up = 1;
	log_debug("process=%s pid=%d: started", c->name, (int)c->pid);
	child_started(r);
}

/* A fresh channel between the two, whenever one of them is new. */
static void
join(void)
{
	int sv[2], size = CHANNEL_BUFFER, i;

	if (!children[CHILD_RTSD].up || !children[CHILD_SPOOLD].up)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		log_warn(EVT_SYSTEM, ": channel between rtsd and spoold");
		return;
	}
	for (i = 0; i < 2; i++) {
		setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		setsockopt(sv[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	child_send(CHILD_RTSD, IMSG_CHANNEL, 0, sv[0], NULL, 0);
	child_send(CHILD_SPOOLD, IMSG_CHANNEL, 0, sv[1], NULL, 0);
	close(sv[0]);
	close(sv[1]);
}

void
children_join(void)
{
	join();
}

void
children_start(void)
{
	int i;

	for (i = 0; i < CHILDREN; i++) {
		children[i].timer = evtimer_new(base, timer_cb, &children[i]);
		if (children[i].timer == NULL)
			fatalx("out of memory");
		start(i);
	}
}

static void
stop_one(enum role r)
{
	struct child *c = &children[r];

	event_del(c->timer);
	child_send(r, IMSG_SHUTDOWN, 0, -1, NULL, 0);
	if (c->pid != 0)
		set_timer(c, STOP_TIME * 1000);
}

/* The next of the order, once the one before it has gone. */
static void
stop_next(void)
{
	if (children[CHILD_RTSD].pid != 0)
		stop_one(CHILD_RTSD);
	else if (children[CHILD_SPOOLD].pid != 0)
		stop_one(CHILD_SPOOLD);
	else
		children_gone();
}

void
children_stop(void)
{
	if (stopping)
		return;
	stopping = 1;
	command_stop();
	/* before rtsd goes, so that its end is no fault to spoold */
	if (children[CHILD_SPOOLD].pid != 0)
		child_send(CHILD_SPOOLD, IMSG_STOP, 0, -1, NULL, 0);
	stop_next();
}

int
children_failed(void)
{
	return (failed);
}

static void
gone(struct child *c, int status)
{
	log_close(c);
	if (WIFSIGNALED(status))
		log_warnx(EVT_PROCESS_ENDED, "process=%s signal=%d%s", c->name,
		    WTERMSIG(status), stopping ? "" : ": starting it again");
	else if (!stopping || WEXITSTATUS(status) != 0)
		log_warnx(EVT_PROCESS_ENDED, "process=%s status=%d%s", c->name,
		    WEXITSTATUS(status), stopping ? "" : ": starting it again");
	c->pid = 0;
	if (c->up) {
		c->up = 0;
		imsgev_free(&c->iev);
	}
	if (role_of(c) == CHILD_RTSD) {
		sockets_cancel_all();
		sign_close();
	} else
		command_spoold_gone();
	if (stopping) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			failed = 1;
		event_del(c->timer);
		stop_next();
		return;
	}
	if (time(NULL) - c->since > STEADY)
		c->backoff = BACKOFF_MIN;
	set_timer(c, c->backoff);
	c->backoff = c->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX :
	    c->backoff * 2;
}

void
children_reap(void)
{
	siginfo_t si;
	pid_t pid;
	int status, i;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    si.si_pid == 0)
			break;
		command_ending(si.si_pid);	/* its number is its own yet */
		if ((pid = waitpid(si.si_pid, &status, 0)) == -1)
			break;
		for (i = 0; i < CHILDREN; i++)
			if (children[i].pid == pid) {
				gone(&children[i], status);
				break;
			}
		if (i == CHILDREN && !command_reap(pid, status))
			sockets_reap(pid);
	}
}
