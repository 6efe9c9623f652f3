/* SPDX-License-Identifier: ISC */

/*
 * Commands that mtad runs for spoold: what is asked for properly is run once
 * and its end told; what cannot be right, or is not configured, or too much,
 * is not run.
 */

#include <sys/wait.h>

#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "parent.h"

#define VALUES	"m\0message\0" "2\0normal\0o\0a\nb\0t\0" "0\0"

struct event_base	*base;
struct conf		*conf;

static struct conf		 configuration;
static struct conf_command	 cmd;
static struct imsgbuf		 theirs, ours;
static struct command_done	 done;
static uint32_t			 answered;
static int			 nanswers;

/* Of children.c: what spoold is told. */
void
child_send(enum role r, uint32_t type, uint32_t id, int fd, const void *p,
    size_t len)
{
	assert_int_equal(r, CHILD_SPOOLD);
	assert_int_equal(type, IMSG_COMMAND_DONE);
	assert_int_equal(len, sizeof(done));
	memcpy(&done, p, len);
	answered = id;
	nanswers++;
}

void
conf_forget_keys(struct conf *c)
{
}

static int
setup(void **state)
{
	struct passwd	*pw;
	int		 sv[2];

	log_init("test", 1, 0);
	signal(SIGPIPE, SIG_IGN);
	conf = &configuration;
	TAILQ_INIT(&conf->commands);
	pw = geteuid() == 0 ? getpwnam("nobody") : getpwuid(geteuid());
	assert_non_null(pw);
	cmd.uid = pw->pw_uid;
	cmd.gid = pw->pw_gid;
	strlcpy(cmd.user, pw->pw_name, sizeof(cmd.user));
	strlcpy(cmd.home, "/home/of", sizeof(cmd.home));
	cmd.command.id = 7;
	cmd.command.parallel = 2;
	cmd.timeout = 600;
	strlcpy(cmd.words, "/bin/sh", sizeof(cmd.words));
	cmd.argv[0] = cmd.words;
	cmd.argv[1] = (char *)(uintptr_t)"-c";
	TAILQ_INSERT_TAIL(&conf->commands, &cmd, entry);
	assert_non_null(base = event_base_new());
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(imsgbuf_init(&theirs, sv[0]), 0);
	assert_int_equal(imsgbuf_init(&ours, sv[1]), 0);
	imsgbuf_allow_fdpass(&theirs);
	imsgbuf_allow_fdpass(&ours);
	assert_int_equal(imsgbuf_set_maxsize(&theirs, IMSG_MAX), 0);
	assert_int_equal(imsgbuf_set_maxsize(&ours, IMSG_MAX), 0);
	return (0);
}

static int
teardown(void **state)
{
	imsgbuf_clear(&theirs);
	imsgbuf_clear(&ours);
	close(theirs.fd);
	close(ours.fd);
	event_base_free(base);
	return (0);
}

static void
script(const char *s)
{
	cmd.argv[2] = (char *)(uintptr_t)s;
}

static void
send_octets(uint32_t id, int fd, const void *p, size_t len)
{
	struct imsg	imsg;

	assert_int_equal(imsg_compose(&theirs, IMSG_COMMAND_RUN, id, 0, fd, p,
	    len), 1);
	assert_int_equal(imsgbuf_flush(&theirs), 0);
	while (imsgbuf_get(&ours, &imsg) == 0)
		assert_int_equal(imsgbuf_read(&ours), 1);
	nanswers = 0;
	memset(&done, 0xff, sizeof(done));
	command_imsg(&imsg);
	imsg_free(&imsg);
}

static void
ask(uint32_t id, uint32_t command, uint64_t message, int nvalues,
    int has_content, int fd, const char *values, size_t len)
{
	struct command_run	 cr;
	uint8_t			*p;

	memset(&cr, 0, sizeof(cr));
	cr.message = message;
	cr.command = command;
	cr.values = nvalues;
	cr.has_content = has_content;
	assert_non_null(p = malloc(sizeof(cr) + len));
	memcpy(p, &cr, sizeof(cr));
	memcpy(p + sizeof(cr), values, len);
	send_octets(id, fd, p, sizeof(cr) + len);
	free(p);
}

static void
ask_right(uint32_t id, uint64_t message)
{
	ask(id, 7, message, COMMAND_REPORT, 0, -1, VALUES,
	    sizeof(VALUES) - 1);
}

/* As children.c does, until one has ended. */
static void
reap(void)
{
	siginfo_t	si;
	int		status;

	for (;;) {
		memset(&si, 0, sizeof(si));
		assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOHANG |
		    WNOWAIT), 0);
		if (si.si_pid != 0)
			break;
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	command_ending(si.si_pid);
	assert_int_equal(waitpid(si.si_pid, &status, 0), si.si_pid);
	assert_int_equal(command_reap(si.si_pid, status), 1);
}

static void
is_answer(uint32_t id, int end, int status, const char *text)
{
	assert_int_equal(nanswers, 1);
	assert_int_equal(answered, id);
	if (strcmp(done.text, text) != 0 || done.end != end)
		fail_msg("%d %d %s", done.end, done.status, done.text);
	assert_int_equal(done.status, status);
}

static void
test_run(void **state)
{
	char	name[] = "/tmp/mtad-command.XXXXXX";
	int	fd;

	script("read a; echo first; echo \"$a $MTAD_MESSAGE_ID "
	    "$MTAD_RECIPIENT $MTAD_CONTENT_LENGTH $HOME\" | tr '\\n' ,; "
	    "exit 3");
	assert_true((fd = mkstemp(name)) != -1);
	assert_int_equal(write(fd, "hello\n", 6), 6);
	close(fd);
	assert_true((fd = open(name, O_RDONLY)) != -1);
	unlink(name);
	ask(1, 7, 0xabc, COMMAND_REPORT, 1, fd, VALUES, sizeof(VALUES) - 1);
	assert_int_equal(nanswers, 0);
	reap();
	is_answer(1, COMMAND_EXITED, 3,
	    "hello 0000000000000ABC a,b 0 /home/of,");
	/* it has its end from a signal, and no content */
	script("kill -9 $$");
	ask_right(2, 1);
	reap();
	is_answer(2, COMMAND_SIGNALED, 9, "");
	/* of a report */
	script("echo $MTAD_SUBJECT_ID,$MTAD_REPORTING_MTA,"
	    "$MTAD_SUBJECT_ARRIVAL,$MTAD_REPORTED_1,$MTAD_REPORTED_2,"
	    "${MTAD_REPORTED_3-none},${MTAD_REPORTED-none}");
	ask(3, 7, 1, COMMAND_VALUES, 0, -1, VALUES "r\nr\n\0s\0m\0t\0a b\nc d\n",
	    sizeof(VALUES "r\nr\n\0s\0m\0t\0a b\nc d\n"));
	reap();
	is_answer(3, COMMAND_EXITED, 0, "s,m,t,a b,c d,none,none");
	/* only what was asked for: no variable of an earlier one */
	script("echo ${MTAD_SUBJECT_ID-none}");
	ask_right(4, 1);
	reap();
	is_answer(4, COMMAND_EXITED, 0, "none");
}

static void
bad(int nvalues, int has_content, int fd, const char *values, size_t len)
{
	ask(9, 7, 1, nvalues, has_content, fd, values, len);
	is_answer(9, COMMAND_NOT_RUN, 0, "bad request");
}

static void
test_bad_values(void **state)
{
	static char	 longest[COMMAND_VALUES_MAX + 1];
	static const struct {
		const char	*values;
		size_t		 len;
	} t[] = {
#define V(s)	{ s, sizeof(s) - 1 }
		V(""),
		V("m\0message\0" "2\0normal\0o\0a\nb\0t\0" "0"),
		V("m\0message\0" "2\0normal\0o\0a\nb\0t\0"),
		V(VALUES "x"), V(VALUES "\0"),
		V("m\n\0message\0" "2\0normal\0o\0a\nb\0t\0" "0\0"),
		V("m\0message\0" "2\0normal\0o\n\0a\nb\0t\0" "0\0"),
		V("m\0message\0" "2\0normal\0o\0a\r\0t\0" "0\0"),
		V("m\0message\0" "2\0normal\0o\0\x1b[m\0t\0" "0\0"),
		V("m\0message\0" "2\0normal\0\x7f\0a\0t\0" "0\0"),
		V("m\0message\0" "2\0normal\0\xc3\xa9\0a\0t\0" "0\0"),
		V("m\0message\0" "2\0normal\0o\0a\0t\n\0" "0\0"),
#undef V
	};
	size_t	i;

	script("exit 0");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		bad(COMMAND_REPORT, 0, -1, t[i].values, t[i].len);
	bad(COMMAND_VALUES, 0, -1, VALUES, sizeof(VALUES) - 1);
	bad(COMMAND_REPORT - 1, 0, -1, VALUES, sizeof(VALUES) - 1);
	bad(COMMAND_VALUES + 1, 0, -1, VALUES, sizeof(VALUES) - 1);
	bad(0, 0, -1, "", 0);
	bad(255, 0, -1, VALUES, sizeof(VALUES) - 1);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + sizeof(longest) - sizeof(VALUES) + 1, VALUES,
	    sizeof(VALUES) - 1);
	bad(COMMAND_REPORT, 0, -1, longest, sizeof(longest));
	/* more variables than there may be */
	memcpy(longest, VALUES "\0\0\0", sizeof(VALUES) + 3);
	memset(longest + sizeof(VALUES) + 3, '\n', COMMAND_REPORTED_MAX + 1);
	longest[sizeof(VALUES) + COMMAND_REPORTED_MAX + 4] = '\0';
	bad(COMMAND_VALUES, 0, -1, longest, sizeof(VALUES) +
	    COMMAND_REPORTED_MAX + 5);
	/* too short for what says what it is */
	send_octets(9, -1, "short", 5);
	is_answer(9, COMMAND_NOT_RUN, 0, "bad request");
	send_octets(9, -1, NULL, 0);
	is_answer(9, COMMAND_NOT_RUN, 0, "bad request");
	/* and the most and the longest that may be are run */
	longest[sizeof(VALUES) + COMMAND_REPORTED_MAX + 3] = '\0';
	script("exit $(env | grep -c ^MTAD_REPORTED_)");
	ask(10, 7, 1, COMMAND_VALUES, 0, -1, longest, sizeof(VALUES) +
	    COMMAND_REPORTED_MAX + 4);
	reap();
	is_answer(10, COMMAND_EXITED, COMMAND_REPORTED_MAX & 0xff, "");
	script("exit 0");
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + sizeof(longest) - sizeof(VALUES) + 1, VALUES,
	    sizeof(VALUES) - 1);
	ask(10, 7, 1, COMMAND_REPORT, 0, -1, longest + 1,
	    sizeof(longest) - 1);
	reap();
	is_answer(10, COMMAND_EXITED, 0, "");
}

/* Nothing but a file, read only, from its beginning, and when announced. */
static void
test_bad_content(void **state)
{
	char	name[] = "/tmp/mtad-command.XXXXXX";
	int	fd, p[2];

	script("exit 0");
	assert_true((fd = mkstemp(name)) != -1);
	assert_int_equal(write(fd, "hello\n", 6), 6);
	bad(COMMAND_REPORT, 1, -1, VALUES, sizeof(VALUES) - 1);
	bad(COMMAND_REPORT, 1, fd, VALUES, sizeof(VALUES) - 1);
	assert_true((fd = open(name, O_WRONLY)) != -1);
	bad(COMMAND_REPORT, 1, fd, VALUES, sizeof(VALUES) - 1);
	assert_true((fd = open(name, O_RDONLY)) != -1);
	bad(COMMAND_REPORT, 0, fd, VALUES, sizeof(VALUES) - 1);
	assert_true((fd = open(name, O_RDONLY)) != -1);
	lseek(fd, 1, SEEK_SET);
	bad(COMMAND_REPORT, 1, fd, VALUES, sizeof(VALUES) - 1);
	assert_int_equal(pipe(p), 0);
	bad(COMMAND_REPORT, 1, p[0], VALUES, sizeof(VALUES) - 1);
	close(p[1]);
	assert_true((fd = open("/", O_RDONLY)) != -1);
	bad(COMMAND_REPORT, 1, fd, VALUES, sizeof(VALUES) - 1);
	unlink(name);
}

static void
test_bounds(void **state)
{
	script("sleep 1000");
	ask(1, 8, 1, COMMAND_REPORT, 0, -1, VALUES, sizeof(VALUES) - 1);
	is_answer(1, COMMAND_NOT_RUN, 0, "not in the configuration");
	ask_right(2, 1);
	ask_right(3, 2);
	assert_int_equal(nanswers, 0);
	ask_right(4, 3);
	is_answer(4, COMMAND_NOT_RUN, 0, "too many are running");
	/* the same one is never run twice at a time */
	ask_right(5, 2);
	is_answer(5, COMMAND_NOT_RUN, 0,
	    "still running for the same message");
	command_kill();
	nanswers = 0;
	reap();
	reap();
	assert_int_equal(nanswers, 2);
	assert_int_equal(done.end, COMMAND_SIGNALED);
}

/* What another spoold asks for again. */
static void
test_adopted(void **state)
{
	script("read a < /dev/zero");
	ask_right(1, 1);
	command_spoold_gone();
	ask(2, 7, 1, COMMAND_REPORT, 0, -1, "n" VALUES, sizeof(VALUES));
	is_answer(2, COMMAND_NOT_RUN, 0,
	    "still running for the same message");
	ask_right(3, 1);
	assert_int_equal(nanswers, 0);
	command_kill();
	reap();
	is_answer(3, COMMAND_SIGNALED, 9, "");
	/* nobody is told of one that nobody asked for */
	ask_right(4, 1);
	command_spoold_gone();
	command_kill();
	reap();
	assert_int_equal(nanswers, 0);
}

static void
test_timeout(void **state)
{
	script("sleep 1000");
	cmd.timeout = 1;
	ask_right(1, 1);
	reap();
	assert_int_equal(nanswers, 1);
	assert_int_equal(done.end, COMMAND_TIMEOUT);
	cmd.timeout = 600;
}

/* Last: nothing is run any more. */
static void
test_stop(void **state)
{
	script("trap 'echo caught; exit 5' TERM; "
	    "while :; do sleep 0.1; done");
	ask_right(1, 1);
	command_stop();
	ask_right(2, 2);
	is_answer(2, COMMAND_NOT_RUN, 0, "mtad is stopping");
	nanswers = 0;
	reap();
	is_answer(1, COMMAND_EXITED, 5, "caught");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_bad_content),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_adopted),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_stop),
	};

	return (cmocka_run_group_tests_name("command", tests, setup,
	    teardown));
}
