/* SPDX-License-Identifier: ISC */

/*
 * What a confined role can and cannot do.  Each check runs in a child that
 * enters the role and exits with 0 when all is as it has to be, else with
 * the line number of the first check that was not (modulo 250).
 */

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <poll.h>
#include <pthread.h>
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
#include <sqlite3.h>

#include "log.h"
#include "sandbox.h"

static char		 top[] = "/tmp/mtad-sandbox-XXXXXX";
static char		 spool[64], outside[64], other[64];
static const char	*user = "nobody";

#define MUST(c) do { if (!(c)) _exit(1 + __LINE__ % 250); } while (0)
#define DENIED(c) do {							\
	errno = 0;							\
	if ((c) != -1 || (errno != EPERM && errno != EACCES &&		\
	    errno != ENOENT && errno != ENOSYS && errno != EXDEV))	\
		_exit(1 + __LINE__ % 250);				\
} while (0)

/* The file that nobody may reach shows in what it says. */
static void
make_tree(void)
{
	struct passwd *pw = getpwnam(user);
	char link[96];
	int fd;

	assert_non_null(pw);
	assert_non_null(mkdtemp(top));
	assert_int_equal(chmod(top, 0755), 0);
	snprintf(spool, sizeof(spool), "%s/spool", top);
	snprintf(outside, sizeof(outside), "%s/outside", top);
	snprintf(other, sizeof(other), "%s/other", top);
	assert_int_equal(mkdir(spool, 0700), 0);
	assert_int_equal(mkdir(other, 0777), 0);
	assert_int_equal(chown(spool, pw->pw_uid, pw->pw_gid), 0);
	assert_int_equal(chown(other, pw->pw_uid, pw->pw_gid), 0);
	fd = open(outside, O_CREAT | O_WRONLY, 0666);
	assert_true(fd != -1);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	snprintf(link, sizeof(link), "%s/spool/link", top);
	assert_int_equal(symlink("../outside", link), 0);
}

static int
in_child(void (*f)(void *), void *arg)
{
	pid_t pid;
	int status;

	if ((pid = fork()) == -1)
		return (-1);
	if (pid == 0) {
		f(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		print_message("signal %d\n", WTERMSIG(status));
		return (-1);
	}
	return (WEXITSTATUS(status));
}

static void
denials_but_kill(void)
{
	struct sockaddr_in sin;
	char *argv[] = { NULL };
	int s;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(9);
	DENIED(socket(AF_INET, SOCK_STREAM, 0));
	DENIED(socket(AF_UNIX, SOCK_STREAM, 0));
	DENIED(connect(0, (struct sockaddr *)&sin, sizeof(sin)));
	DENIED(bind(0, (struct sockaddr *)&sin, sizeof(sin)));
	DENIED(execve("/bin/true", argv, argv));
	DENIED(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	DENIED(kill(getppid(), 0));
	DENIED(syscall(SYS_fork));
	DENIED(syscall(SYS_vfork));
	DENIED(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
	DENIED(setuid(0));
	DENIED(chroot("/"));
	DENIED(syscall(SYS_mount, "a", "/", "tmpfs", 0, NULL));
	DENIED(syscall(SYS_bpf, 0, NULL, 0));
	DENIED(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	DENIED(syscall(SYS_unshare, 0x10000000));
	s = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
	MUST(s);
}

static void
common_denials(void)
{
	denials_but_kill();
	DENIED(syscall(SYS_kill, getpid(), 0));
}

/* mtactl, also as root. */
static void
ctl(void *arg)
{
	struct sandbox_conf sc;
	int sv[2];

	memset(&sc, 0, sizeof(sc));
	MUST(sandbox_enter(ROLE_CTL, &sc) == 0);
	common_denials();
	DENIED(open("/etc/passwd", O_RDONLY));
	DENIED(openat(AT_FDCWD, ".", O_RDONLY));
	DENIED(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
}

/* mtactl top: is sent descriptors, and stops itself. */
static void
live_view(void *arg)
{
	struct sandbox_conf sc;
	struct msghdr msg;
	struct iovec iov;
	int sv[2];
	char c;

	memset(&sc, 0, sizeof(sc));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	MUST(sandbox_enter(ROLE_TOP, &sc) == 0);
	denials_but_kill();
	MUST(syscall(SYS_kill, getpid(), 0) == 0);
	DENIED(kill(-1, 0));
	DENIED(kill(0, 0));
	DENIED(open("/etc/passwd", O_RDONLY));
	MUST(write(sv[0], "x", 1) == 1);
	iov.iov_base = &c;
	iov.iov_len = 1;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	MUST(recvmsg(sv[1], &msg, 0) == 1 && c == 'x');
}

static void
rtsd(void *arg)
{
	struct sandbox_conf sc;
	int sv[2];
	char c;

	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	sc.root = other;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	MUST(sandbox_enter(ROLE_RTSD, &sc) == 0);
	common_denials();
	DENIED(open("/", O_RDONLY));
	DENIED(open("/x", O_CREAT | O_WRONLY, 0600));
	DENIED(openat(AT_FDCWD, ".", O_RDONLY));
	DENIED(syscall(SYS_openat2, AT_FDCWD, ".", NULL, 0));
	DENIED(unlink("/x"));
	DENIED(mkdir("/x", 0700));
	DENIED(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	/* What it lives from works. */
	MUST(write(sv[0], "x", 1) == 1);
	MUST(read(sv[1], &c, 1) == 1 && c == 'x');
	MUST(getuid() != 0);
}

static void
agent(void *arg)
{
	struct sandbox_conf sc;
	int dirs[2], sv[2], fd;

	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	MUST((dirs[0] = open(spool, O_RDONLY | O_DIRECTORY)) != -1);
	MUST((dirs[1] = open(other, O_RDONLY | O_DIRECTORY)) != -1);
	sc.dirs = dirs;
	sc.ndirs = 2;
	MUST(sandbox_enter(ROLE_AGENT, &sc) == 0);
	common_denials();
	MUST((fd = openat(dirs[0], "m", O_CREAT | O_EXCL | O_WRONLY,
	    0600)) != -1);
	MUST(write(fd, "hello", 5) == 5);
	MUST(fsync(fd) == 0);
	MUST(linkat(dirs[0], "m", dirs[1], "agent", 0) == 0);
	MUST(unlinkat(dirs[0], "m", 0) == 0);
	MUST(unlinkat(dirs[1], "agent", 0) == 0);
	MUST(fsync(dirs[1]) == 0);
	DENIED(mkdirat(dirs[0], "d", 0700));
	DENIED(openat(dirs[0], "../x", O_CREAT | O_WRONLY, 0600));
	DENIED(open("/etc/passwd", O_RDONLY));
	DENIED(open(outside, O_RDONLY));
	DENIED(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	DENIED(rename("/a", "/b"));
	DENIED(fchmod(fd, 0666));
	MUST(getuid() != 0);
}

static void *
thread(void *arg)
{
	*(int *)arg = 1;
	return (NULL);
}

static void
spoold(void *arg)
{
	struct sandbox_conf sc;
	sqlite3 *db;
	pthread_t t;
	int dir, fd, ran = 0, dirs[1];

	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	sc.root = spool;
	MUST((dir = open(other, O_RDONLY | O_DIRECTORY)) != -1);
	dirs[0] = dir;
	sc.dirs = dirs;
	sc.ndirs = 1;
	MUST(sandbox_enter(ROLE_SPOOLD, &sc) == 0);
	common_denials();
	/* Its spool. */
	MUST((fd = open("/a", O_CREAT | O_EXCL | O_RDWR, 0600)) != -1);
	MUST(write(fd, "hello", 5) == 5);
	MUST(fdatasync(fd) == 0);
	MUST(rename("/a", "/b") == 0);
	MUST(mkdir("/d", 0700) == 0);
	MUST(sqlite3_open("/db", &db) == SQLITE_OK);
	MUST(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE;"
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "CREATE TABLE t (x); INSERT INTO t VALUES (1);"
	    "PRAGMA wal_checkpoint(TRUNCATE);", NULL, NULL, NULL) ==
	    SQLITE_OK);
	MUST(sqlite3_close(db) == SQLITE_OK);
	/* A directory that it was handed. */
	MUST(linkat(AT_FDCWD, "/b", dir, "delivered", 0) == 0);
	MUST(fsync(dir) == 0);
	/* Threads, for delivery. */
	MUST(pthread_create(&t, NULL, thread, &ran) == 0);
	MUST(pthread_join(t, NULL) == 0 && ran);
	/* Nothing else. */
	DENIED(open("/etc/passwd", O_RDONLY));
	DENIED(open("/link", O_RDONLY));
	DENIED(open("/../outside", O_RDONLY));
	DENIED(openat(dir, "../outside", O_RDONLY));
	DENIED(openat(dir, "../../../etc/passwd", O_RDONLY));
	DENIED(open("/proc/self/status", O_RDONLY));
	DENIED(symlink("/etc", "/s"));
	DENIED(mknod("/n", S_IFCHR | 0600, 0));
}

static void
test_rtsd(void **state)
{
	assert_int_equal(in_child(rtsd, NULL), 0);
}

static void
test_spoold(void **state)
{
	assert_int_equal(in_child(spoold, NULL), 0);
}

static void
test_ctl(void **state)
{
	assert_int_equal(in_child(ctl, NULL), 0);
	assert_int_equal(in_child(live_view, NULL), 0);
}

static void
test_agent(void **state)
{
	assert_int_equal(in_child(agent, NULL), 0);
}

/* Seen from outside: no capability, no new privileges, a filter. */
static void
test_status(void **state)
{
	struct sandbox_conf sc;
	char path[64], line[256];
	int up[2], seen = 0;
	pid_t pid;
	FILE *f;
	char c;

	assert_int_equal(pipe(up), 0);
	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	sc.root = other;
	if ((pid = fork()) == 0) {
		if (sandbox_enter(ROLE_RTSD, &sc) == -1 ||
		    write(up[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			poll(NULL, 0, 1000);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "Cap", 3) == 0) {
			assert_non_null(strstr(line, "0000000000000000"));
			seen++;
		} else if (strncmp(line, "NoNewPrivs:", 11) == 0) {
			assert_string_equal(line, "NoNewPrivs:\t1\n");
			seen++;
		} else if (strncmp(line, "Seccomp:", 8) == 0) {
			assert_string_equal(line, "Seccomp:\t2\n");
			seen++;
		}
	}
	fclose(f);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(up[0]);
	close(up[1]);
	assert_int_equal(seen, 7);
}

static void
no_such_user(void *arg)
{
	struct sandbox_conf sc;

	memset(&sc, 0, sizeof(sc));
	sc.user = "no-such-user-here";
	MUST(sandbox_enter(ROLE_RTSD, &sc) == -1);
	sc.user = "root";
	MUST(sandbox_enter(ROLE_RTSD, &sc) == -1);
	sc.user = user;
	sc.root = "/no/such/directory";
	MUST(sandbox_enter(ROLE_RTSD, &sc) == -1);
}

/* It does not run half confined. */
static void
test_refuses(void **state)
{
	assert_int_equal(in_child(no_such_user, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtsd),
		cmocka_unit_test(test_spoold),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_ctl),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_refuses),
	};
	char cmd[96];
	int failed;

	if (geteuid() != 0) {
		print_message("needs root\n");
		return (77);
	}
	log_init("test_sandbox", 1, 0);
	make_tree();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	if (system(cmd) != 0)
		failed++;
	return (failed);
}
