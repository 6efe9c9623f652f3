/* SPDX-License-Identifier: ISC */

/*
 * Delivery by commands of the configuration, for spoold, which cannot run
 * anything.  It asks for one by its number and hands the content over as a
 * descriptor and what goes into the environment as texts: they are checked
 * to be texts, and mean nothing here.  The command runs as its user, in a
 * session and environment of its own and with nothing open but standard
 * input, output and error; what it writes goes to the log, up to a point,
 * and how it ends to spoold.
 *
 * A run is known by command and message.  When spoold dies it goes on, and
 * the next spoold, which asks for the same, gets its end.
 */

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "mtad.h"
#include "parent.h"

#define STOP_GRACE	4		/* s to end by itself when mtad stops */
#define STOP_KILL	2		/* s more after SIGTERM */
#define TIMEOUT_KILL	10		/* the same after its timeout */
#define LINES_MAX	10		/* of its output in the log */
#define LINE_MAX_LEN	200
#define OUTPUT_MAX	(1024 * 1024)	/* octets, then nobody reads on */
#define FILES_MAX	1024
#define ENVIRONMENT_MAX	(COMMAND_VALUES + COMMAND_REPORTED_MAX + 8)

/* Names of the values, in the order of enum command_value. */
static const char *const	value_names[COMMAND_VALUES] = {
	"MTAD_MTS_ID", "MTAD_TYPE", "MTAD_CONTENT_TYPE", "MTAD_PRIORITY",
	"MTAD_ORIGINATOR", "MTAD_RECIPIENT", "MTAD_ARRIVAL",
	"MTAD_CONTENT_LENGTH", "MTAD_REPORT", "MTAD_SUBJECT_ID",
	"MTAD_REPORTING_MTA", "MTAD_SUBJECT_ARRIVAL",
	"MTAD_REPORTED"		/* MTAD_REPORTED_1 ... */
};

struct run {
	TAILQ_ENTRY(run)	 entry;
	uint32_t		 request;	/* of spoold */
	int			 asked;		/* it waits for the end */
	uint64_t		 message;
	uint32_t		 command;	/* its number */
	char			*values;
	size_t			 values_len;
	uint32_t		 nvalues;
	pid_t			 pid;
	struct event		*output, *timer;
	int			 timed_out, terminated;
	unsigned		 kill_after;	/* s from SIGTERM to SIGKILL */
	/* its output */
	size_t			 octets, line_len;
	unsigned		 lines;
	char			 line[LINE_MAX_LEN];
	char			 last[LINE_MAX_LEN];
};

static TAILQ_HEAD(, run) runs = TAILQ_HEAD_INITIALIZER(runs);
static uint32_t		 nruns;
static int		 stopping;

/* What the command writes */

static void
end_line(struct run *r)
{
	if (r->line_len == 0)
		return;
	r->line[r->line_len] = '\0';
	memcpy(r->last, r->line, r->line_len + 1);
	r->line_len = 0;
	if (r->lines < LINES_MAX)
		log_info(EVT_COMMAND_OUTPUT, "message=%016" PRIX64 " pid=%d: %s",
		    r->message, (int)r->pid, r->last);
	else if (r->lines == LINES_MAX)
		log_info(EVT_COMMAND_OUTPUT, "message=%016" PRIX64 " pid=%d: "
		    "says more, which is not logged", r->message, (int)r->pid);
	r->lines++;
}

static void
take_output(struct run *r, const char *p, size_t n)
{
	for (; n > 0; n--, p++) {
		if (*p == '\n')
			end_line(r);
		else if (r->line_len < sizeof(r->line) - 1)
			r->line[r->line_len++] = *p >= ' ' && *p <= '~' ? *p :
			    '?';
	}
}

static void
close_output(struct run *r)
{
	if (r->output == NULL)
		return;
	close(event_get_fd(r->output));
	event_free(r->output);
	r->output = NULL;
	end_line(r);
}

/* One piece.  0: there may be more. */
static int
read_output(struct run *r)
{
	char buf[4096];
	ssize_t n;

	n = read(event_get_fd(r->output), buf, sizeof(buf));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return (-1);
	if (n > 0) {
		take_output(r, buf, n);
		r->octets += n;
	}
	if (n <= 0 || r->octets > OUTPUT_MAX) {
		close_output(r);
		return (-1);
	}
	return (0);
}

static void
output_cb(int fd, short what, void *arg)
{
	read_output(arg);
}

/* Its end */

static void
answer(uint32_t request, int end, int status, const char *text)
{
	struct command_done d;

	memset(&d, 0, sizeof(d));
	d.end = end;
	d.status = status;
	strlcpy(d.text, text, sizeof(d.text));
	child_send(CHILD_SPOOLD, IMSG_COMMAND_DONE, request, -1, &d,
	    sizeof(d));
}

static void
run_free(struct run *r)
{
	if (r->output != NULL) {
		close(event_get_fd(r->output));
		event_free(r->output);
	}
	if (r->timer != NULL)
		event_free(r->timer);
	free(r->values);
	free(r);
}

static void
signal_run(struct run *r, int sig)
{
	/* the group is there as soon as it has got as far as setsid(2) */
	if (kill(-r->pid, sig) == -1)
		kill(r->pid, sig);
}

static void
set_timer(struct run *r, unsigned seconds)
{
	struct timeval tv = { seconds, 0 };

	event_add(r->timer, &tv);
}

static void
timer_cb(int fd, short what, void *arg)
{
	struct run *r = arg;

	if (r->terminated) {
		signal_run(r, SIGKILL);
		return;
	}
	r->terminated = 1;
	if (!stopping) {
		r->timed_out = 1;
		log_warnx(EVT_COMMAND_TIMEOUT, "message=%016" PRIX64
		    " pid=%d: takes too long, terminated", r->message,
		    (int)r->pid);
	}
	signal_run(r, SIGTERM);
	set_timer(r, r->kill_after);
}

static struct run *
find_pid(pid_t pid)
{
	struct run *r;

	TAILQ_FOREACH(r, &runs, entry)
		if (r->pid == pid)
			return (r);
	return (NULL);
}

void
command_ending(pid_t pid)
{
	struct run *r = find_pid(pid);

	/* nothing of one that had to be stopped stays behind */
	if (r != NULL && r->terminated)
		kill(-pid, SIGKILL);
}

int
command_reap(pid_t pid, int status)
{
	struct run *r = find_pid(pid);

	if (r == NULL)
		return (0);
	TAILQ_REMOVE(&runs, r, entry);
	nruns--;
	while (r->output != NULL && read_output(r) == 0)
		;
	close_output(r);
	if (!r->asked)
		log_info(EVT_COMMAND_LOST, "message=%016" PRIX64 " pid=%d: "
		    "ended while there was no spoold, it will run again",
		    r->message, (int)pid);
	else if (r->timed_out)
		answer(r->request, COMMAND_TIMEOUT, 0, r->last);
	else if (WIFSIGNALED(status))
		answer(r->request, COMMAND_SIGNALED, WTERMSIG(status),
		    r->last);
	else
		answer(r->request, COMMAND_EXITED, WEXITSTATUS(status),
		    r->last);
	run_free(r);
	return (1);
}

/* The child */

static void __attribute__((noreturn))
fail(const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(EX_OSERR);
}

static void
limit(int resource, rlim_t max)
{
	struct rlimit rl;

	if (getrlimit(resource, &rl) == -1)
		fail("getrlimit");
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > max)
		rl.rlim_max = max;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(resource, &rl) == -1)
		fail("setrlimit");
}

static void
default_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
become(const struct conf_command *c)
{
	/* only without confinement, where we may be anybody */
	if (geteuid() != 0) {
		if (geteuid() != c->uid) {
			errno = EPERM;
			fail(c->user);
		}
		return;
	}
	if (initgroups(c->user, c->gid) == -1 ||
	    setresgid(c->gid, c->gid, c->gid) == -1 ||
	    setresuid(c->uid, c->uid, c->uid) == -1)
		fail(c->user);
	if (setuid(0) != -1 || seteuid(0) != -1) {
		errno = EPERM;
		fail("root can be had back");
	}
}

static char *
setting(const char *name, const char *value)
{
	char *s;

	if (asprintf(&s, "%s=%s", name, value) == -1)
		fail("environment");
	return (s);
}

/* Each line under a number; behind the last of them. */
static char **
numbered(char **env, const char *name, const char *lines)
{
	const char *end;
	int n = 0;

	for (; (end = strchr(lines, '\n')) != NULL; lines = end + 1)
		if (asprintf(env++, "%s_%d=%.*s", name, ++n,
		    (int)(end - lines), lines) == -1)
			fail("environment");
	return (env);
}

static void
environment(const struct conf_command *c, const struct run *r, char **env)
{
	const char *tz = getenv("TZ"), *value = r->values;
	char id[20];
	uint32_t i;

	*env++ = setting("PATH", "/usr/local/bin:/usr/bin:/bin");
	*env++ = setting("HOME", c->home);
	*env++ = setting("USER", c->user);
	*env++ = setting("LOGNAME", c->user);
	*env++ = setting("SHELL", "/bin/sh");
	if (tz != NULL)
		*env++ = setting("TZ", tz);
	snprintf(id, sizeof(id), "%016" PRIX64, r->message);
	*env++ = setting("MTAD_MESSAGE_ID", id);
	for (i = 0; i < r->nvalues; i++) {
		if (i == COMMAND_REPORTED)
			env = numbered(env, value_names[i], value);
		else
			*env++ = setting(value_names[i], value);
		value += strlen(value) + 1;
	}
	*env = NULL;
}

static void __attribute__((noreturn))
execute(const struct conf_command *c, const struct run *r, int in, int out)
{
	char *env[ENVIRONMENT_MAX];

	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(out, STDERR_FILENO) == -1)
		_exit(EX_OSERR);
	closefrom(STDERR_FILENO + 1);
	conf_forget_keys(conf);
	if (setsid() == -1)
		fail("setsid");
	default_signals();
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
	environment(c, r, env);
	become(c);
	umask(077);
	if (chdir("/") == -1)
		fail("/");
	execve(c->argv[0], c->argv, env);
	fail(c->argv[0]);
}

/* What spoold asks */

/* n texts of printable ASCII, each with its NUL, and nothing behind them. */
static int
check_values(const char *p, size_t len, uint32_t n)
{
	uint32_t i = 0, reported = 0;

	for (; len > 0; p++, len--) {
		if (*p == '\0')
			i++;
		else if (*p == '\n' && i == COMMAND_REPORTED) {
			if (++reported > COMMAND_REPORTED_MAX)
				return (-1);
		} else if ((*p < ' ' || *p > '~') && !(*p == '\n' &&
		    (i == COMMAND_RECIPIENT || i == COMMAND_REPORT)))
			return (-1);
		if (i == n)
			break;
	}
	return (len == 1 && i == n ? 0 : -1);
}

/* A content is a file that can be read, and only read, from its beginning. */
static int
check_content(int fd, int wanted)
{
	struct stat st;
	int flags;

	if (!wanted || fd == -1)
		return (!wanted && fd == -1 ? 0 : -1);
	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    (flags & O_ACCMODE) != O_RDONLY || fstat(fd, &st) == -1 ||
	    !S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0)
		return (-1);
	return (0);
}

static const struct conf_command *
find_command(uint32_t id)
{
	const struct conf_command *c;

	TAILQ_FOREACH(c, &conf->commands, entry)
		if (c->command.id == id)
			return (c);
	return (NULL);
}

static uint32_t
running(uint32_t command)
{
	struct run *r;
	uint32_t n = 0;

	TAILQ_FOREACH(r, &runs, entry)
		n += r->command == command;
	return (n);
}

static struct run *
run_new(const struct command_run *cr, const char *values, size_t len)
{
	struct run *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->message = cr->message;
	r->command = cr->command;
	r->nvalues = cr->values;
	r->values_len = len;
	if ((r->values = malloc(len)) == NULL ||
	    (r->timer = event_new(base, -1, 0, timer_cb, r)) == NULL) {
		run_free(r);
		return (NULL);
	}
	memcpy(r->values, values, len);
	return (r);
}

/* in: the content or -1, the caller's.  NULL, or why there is none. */
static const char *
run_start(struct run *r, const struct conf_command *c, int in)
{
	sigset_t all, old;
	const char *why;
	int out[2], empty = -1;

	if (in == -1 && (in = empty = open("/dev/null", O_RDONLY |
	    O_CLOEXEC)) == -1)
		return (strerror(errno));
	if (pipe2(out, O_CLOEXEC) == -1) {
		why = strerror(errno);
		if (empty != -1)
			close(empty);
		return (why);
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	if ((r->output = event_new(base, out[0], EV_READ | EV_PERSIST,
	    output_cb, r)) == NULL || event_add(r->output, NULL) == -1)
		fatalx("out of memory");
	/* a handler of ours in the child would be heard here */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	if ((r->pid = fork()) == 0)
		execute(c, r, in, out[1]);
	why = r->pid == -1 ? strerror(errno) : NULL;
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(out[1]);
	if (empty != -1)
		close(empty);
	if (why != NULL)
		return (why);
	set_timer(r, c->timeout);
	r->kill_after = TIMEOUT_KILL;
	TAILQ_INSERT_TAIL(&runs, r, entry);
	nruns++;
	return (NULL);
}

/* 1: what is asked for is under way; *why: and may not be waited for. */
static int
under_way(uint32_t request, const struct command_run *cr, const char *values,
    size_t len, const char **why)
{
	struct run *r;

	TAILQ_FOREACH(r, &runs, entry)
		if (r->message == cr->message && r->command == cr->command)
			break;
	if (r == NULL)
		return (0);
	if (r->asked || r->values_len != len ||
	    memcmp(r->values, values, len) != 0) {
		*why = "still running for the same message";
		return (1);
	}
	r->request = request;
	r->asked = 1;
	log_info(EVT_COMMAND_RUNNING, "message=%016" PRIX64 " pid=%d",
	    r->message, (int)r->pid);
	return (1);
}

static const char *
request(uint32_t id, const struct command_run *cr, const char *values,
    size_t len, int fd)
{
	const struct conf_command *c;
	const char *why = NULL;
	struct run *r;

	if ((cr->values != COMMAND_REPORT && cr->values != COMMAND_VALUES) ||
	    len > COMMAND_VALUES_MAX || check_values(values, len,
	    cr->values) == -1 || check_content(fd, cr->has_content) == -1) {
		log_warnx(EVT_IMSG_BAD, "process=spoold: bad request to run a "
		    "command");
		return ("bad request");
	}
	if (under_way(id, cr, values, len, &why))
		return (why);
	if (stopping)
		return ("mtad is stopping");
	if ((c = find_command(cr->command)) == NULL)
		return ("not in the configuration");
	if (nruns >= COMMANDS_MAX || running(c->command.id) >=
	    c->command.parallel)
		return ("too many are running");
	if ((r = run_new(cr, values, len)) == NULL)
		return ("out of memory");
	if ((why = run_start(r, c, fd)) != NULL) {
		run_free(r);
		return (why);
	}
	r->request = id;
	r->asked = 1;
	log_debug("message=%016" PRIX64 " pid=%d: is %s", r->message,
	    (int)r->pid, c->command.name);
	return (NULL);
}

void
command_imsg(struct imsg *imsg)
{
	struct command_run cr;
	struct ibuf body;
	const char *why = "bad request";
	int fd = imsg_get_fd(imsg);

	if (imsg_get_ibuf(imsg, &body) == -1 ||
	    ibuf_get(&body, &cr, sizeof(cr)) == -1)
		log_warnx(EVT_IMSG_BAD, "process=spoold: bad request to run a "
		    "command");
	else
		why = request(imsg_get_id(imsg), &cr, ibuf_data(&body),
		    ibuf_size(&body), fd);
	if (fd != -1)
		close(fd);
	if (why != NULL)
		answer(imsg_get_id(imsg), COMMAND_NOT_RUN, 0, why);
}

void
command_spoold_gone(void)
{
	struct run *r;

	TAILQ_FOREACH(r, &runs, entry)
		r->asked = 0;
}

void
command_stop(void)
{
	struct run *r;

	stopping = 1;
	TAILQ_FOREACH(r, &runs, entry) {
		r->kill_after = STOP_KILL;
		set_timer(r, r->terminated ? STOP_KILL : STOP_GRACE);
	}
}

void
command_kill(void)
{
	struct run *r;

	TAILQ_FOREACH(r, &runs, entry)
		signal_run(r, SIGKILL);
}
