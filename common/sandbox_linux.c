/* SPDX-License-Identifier: ISC */

/*
 * Linux: no capabilities, no new privileges, not dumpable, system calls by
 * seccomp-bpf, files by Landlock where the kernel has it.
 *
 * A call that is not on the list of its role fails with EPERM, so that
 * libraries that try and can do without go on; the lists hold what the role
 * does, seen with strace and by test, not what it might like.
 */

#ifdef __linux__

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <linux/landlock.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox_kernel.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif

#define C(name)	SCMP_SYS(name)

/* What every confined process needs: memory, time, loops, to end. */
static const int base_calls[] = {
	C(read), C(write), C(readv), C(writev), C(close), C(fstat),
	C(newfstatat), C(lseek), C(poll), C(ppoll), C(epoll_wait),
	C(epoll_pwait), C(epoll_ctl), C(epoll_create1), C(select),
	C(pselect6), C(brk), C(munmap), C(mremap), C(madvise), C(futex),
	C(clock_gettime), C(clock_getres), C(clock_nanosleep), C(nanosleep),
	C(gettimeofday), C(time), C(getrandom), C(getpid), C(gettid),
	C(getuid), C(geteuid), C(getgid), C(getegid), C(rt_sigaction),
	C(rt_sigprocmask), C(rt_sigreturn), C(sigaltstack), C(exit),
	C(exit_group), C(restart_syscall), C(sched_yield), C(uname),
	C(prlimit64), C(getrlimit), C(sysinfo), C(timerfd_settime),
	C(timerfd_create), C(eventfd2), C(dup), C(fadvise64), C(rseq),
	C(set_robust_list), C(sched_getaffinity), C(membarrier), C(getrusage),
#ifdef SANITIZED
	C(readlink), C(readlinkat), C(personality), C(tgkill), C(pipe2),
	C(process_vm_readv), C(prctl), C(arch_prctl),
#endif
};

/* Descriptors that come over a channel, and sockets that were made. */
static const int socket_calls[] = {
	C(recvmsg), C(sendmsg), C(sendto), C(recvfrom), C(shutdown),
	C(getsockopt), C(getsockname), C(getpeername), C(accept4), C(accept),
};

static const int rtsd_calls[] = {
	C(setsockopt), C(pread64),
};

static const int spoold_calls[] = {
	C(open), C(openat), C(creat), C(access), C(faccessat), C(faccessat2),
	C(stat), C(lstat), C(statx), C(unlink), C(unlinkat), C(rename),
	C(renameat), C(renameat2), C(link), C(linkat), C(mkdir), C(mkdirat),
	C(rmdir), C(fsync), C(fdatasync), C(syncfs), C(sync_file_range),
	C(ftruncate), C(fallocate), C(pread64), C(pwrite64), C(pwritev),
	C(pwritev2), C(preadv), C(getdents64), C(statfs), C(fstatfs),
	C(flock), C(copy_file_range), C(sendfile), C(readlink),
	C(readlinkat), C(getcwd), C(utimensat), C(fchmod), C(fchmodat),
	C(fchown), C(umask), C(set_tid_address), C(sched_setaffinity),
	C(setsockopt), C(getppid), C(fgetxattr), C(pipe2),
};

static const int ctl_calls[] = { C(pread64), C(statx) };

/* Relative to directories that are open. */
static const int agent_calls[] = {
	C(openat), C(linkat), C(unlinkat), C(fsync), C(getdents64),
	C(pread64),
};

/*
 * What nobody needs who starts programs, whatever these may be: they inherit
 * it.  All else is allowed.
 */
static const int mtad_denied[] = {
	C(acct), C(add_key), C(adjtimex), C(bpf), C(clock_adjtime),
	C(clock_settime), C(delete_module), C(fanotify_init), C(finit_module),
	C(fsconfig), C(fsmount), C(fsopen), C(fspick), C(init_module),
	C(io_uring_enter), C(io_uring_register), C(io_uring_setup),
	C(ioperm), C(iopl), C(kcmp), C(kexec_file_load), C(kexec_load),
	C(keyctl), C(lookup_dcookie), C(mount), C(mount_setattr),
	C(move_mount), C(nfsservctl), C(open_by_handle_at), C(open_tree),
	C(perf_event_open), C(pivot_root), C(process_madvise),
	C(process_vm_readv), C(process_vm_writev), C(ptrace), C(quotactl),
	C(quotactl_fd), C(reboot), C(request_key), C(setdomainname),
	C(sethostname), C(settimeofday), C(swapoff), C(swapon), C(syslog),
	C(umount), C(umount2), C(userfaultfd), C(vhangup),
};

static const int resolver_calls[] = {
	C(socket), C(connect), C(bind), C(setsockopt), C(openat), C(open),
	C(stat), C(lstat), C(statx), C(access), C(getdents64), C(sendmmsg),
	C(recvmmsg), C(readlink), C(pread64), C(socketpair), C(mprotect),
	C(alarm), C(uname),
};

static int
add_rules(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	size_t i;
	int e;

	for (i = 0; i < n; i++) {
		if (calls[i] < 0 || calls[i] == __NR_SCMP_ERROR)
			continue;	/* not on this architecture */
		e = seccomp_rule_add(ctx, action, calls[i], 0);
		if (e < 0 && e != -EEXIST) {
			errno = -e;
			return (-1);
		}
	}
	return (0);
}

#define ALLOW(ctx, list) add_rules(ctx, SCMP_ACT_ALLOW, list,		\
	sizeof(list) / sizeof((list)[0]))
#define DENY(ctx, list) add_rules(ctx, SCMP_ACT_ERRNO(EPERM), list,	\
	sizeof(list) / sizeof((list)[0]))

/* Calls that are fine with some arguments only. */
static int
allow_some(scmp_filter_ctx ctx, enum sandbox_role role)
{
	static const int fcntls[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL,
	    F_DUPFD_CLOEXEC, F_SETLK, F_GETLK, F_SETLKW, F_OFD_SETLK,
	    F_OFD_GETLK, F_DUPFD };
	size_t i;
	int bad = 0;

	for (i = 0; i < sizeof(fcntls) / sizeof(fcntls[0]); i++)
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl),
		    1, SCMP_A1(SCMP_CMP_EQ, fcntls[i], 0));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));
	if (role == ROLE_CTL || role == ROLE_TOP)
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl),
		    0);
	if (role == ROLE_TOP)	/* ^Z is told to itself */
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(kill),
		    1, SCMP_A0(SCMP_CMP_EQ, (uint32_t)getpid(), 0));
	/* Memory never becomes executable. */
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (role != ROLE_RESOLVER)
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
		    SCMP_SYS(mprotect), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	else			/* NSS modules are loaded late */
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap),
		    0);
	if (role == ROLE_SPOOLD) {
		/* Threads, never processes.  clone3 hides its flags. */
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone),
		    1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD,
		    CLONE_THREAD));
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl),
		    1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	}
	/* syslog(3) may want to connect again: it is told no, kindly. */
	return (bad < 0 ? -1 : 0);
}

static int
system_calls(enum sandbox_role role)
{
	scmp_filter_ctx ctx;
	int ret = -1, e;

	if ((ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM))) == NULL) {
		log_warnx(EVT_CONFINEMENT, ": no system call filters");
		return (-1);
	}
	if (ALLOW(ctx, base_calls) == -1 || allow_some(ctx, role) == -1)
		goto done;
	switch (role) {
	case ROLE_RTSD:
		if (ALLOW(ctx, socket_calls) == -1 ||
		    ALLOW(ctx, rtsd_calls) == -1)
			goto done;
		break;
	case ROLE_SPOOLD:
		if (ALLOW(ctx, socket_calls) == -1 ||
		    ALLOW(ctx, spoold_calls) == -1)
			goto done;
		break;
	case ROLE_RESOLVER:
		if (ALLOW(ctx, socket_calls) == -1 ||
		    ALLOW(ctx, resolver_calls) == -1)
			goto done;
		break;
	case ROLE_CTL:
	case ROLE_TOP:
		if (ALLOW(ctx, socket_calls) == -1 ||
		    ALLOW(ctx, ctl_calls) == -1)
			goto done;
		break;
	case ROLE_AGENT:
		if (ALLOW(ctx, agent_calls) == -1)
			goto done;
		break;
	case ROLE_MTAD:
		break;
	}
	if ((e = seccomp_load(ctx)) < 0) {
		errno = -e;
		goto done;
	}
	ret = 0;
done:
	if (ret == -1)
		log_warn(EVT_CONFINEMENT, ": system call filter");
	seccomp_release(ctx);
	return (ret);
}

/*
 * Of mtad: without new privileges being forbidden, for a command that
 * delivers may be a program of a group of its own (postdrop); who is allowed
 * to do so is who administers the system.  Where we are not, as where systemd
 * has taken it away, there is no such filter.
 */
static int
system_calls_mtad(void)
{
	scmp_filter_ctx ctx;
	int ret = -1, e;

	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 1) {
		log_debug("confinement: no system call filter for mtad "
		    "itself without CAP_SYS_ADMIN");
		return (0);
	}
	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL) {
		log_warnx(EVT_CONFINEMENT, ": no system call filters");
		return (-1);
	}
	if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) < 0 ||
	    DENY(ctx, mtad_denied) == -1)
		goto done;
	if ((e = seccomp_load(ctx)) < 0) {
		errno = -e;
		goto done;
	}
	ret = 0;
done:
	if (ret == -1)
		log_warn(EVT_CONFINEMENT, ": system call filter");
	seccomp_release(ctx);
	return (ret);
}

/*
 * What mtad needs of root: low ports (also those of a new configuration), the
 * users and the root directories of what it starts, its end, directories and
 * the control socket for others, and to read what it has handed over.
 */
static const int mtad_capabilities[] = {
	CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID,
	CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT
};

static int
is_kept(int cap)
{
	size_t i;

	for (i = 0; i < sizeof(mtad_capabilities) /
	    sizeof(mtad_capabilities[0]); i++)
		if (mtad_capabilities[i] == cap)
			return (1);
	return (0);
}

/* All but these; what is executed gets no more either. */
static int
few_capabilities(void)
{
	struct __user_cap_header_struct hdr = {
		_LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int cap, i;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		goto bad;
	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!is_kept(cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) ==
		    -1)
			goto bad;
	if (syscall(SYS_capget, &hdr, data) == -1)
		goto bad;
	for (i = 0; i < 64; i++)
		if (!is_kept(i)) {
			data[i / 32].effective &= ~(1u << i % 32);
			data[i / 32].permitted &= ~(1u << i % 32);
		}
	data[0].inheritable = data[1].inheritable = 0;
	if (syscall(SYS_capset, &hdr, data) == -1)
		goto bad;
	return (0);
bad:
	log_warn(EVT_CONFINEMENT, ": capabilities");
	return (-1);
}

/* All capabilities of all sets, for this process and what comes of it. */
static int
no_capabilities(void)
{
	struct __user_cap_header_struct hdr = {
		_LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int cap;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		goto bad;
	/* Without CAP_SETPCAP the bounding set stays; it gives nothing. */
	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 &&
		    errno != EPERM)
			goto bad;
	memset(data, 0, sizeof(data));
	if (syscall(SYS_capset, &hdr, data) == -1)
		goto bad;
	return (0);
bad:
	log_warn(EVT_CONFINEMENT, ": capabilities");
	return (-1);
}

/* The bounding set has to go while there is the right to shed it. */
static void
bounding_set(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

void
sandbox_before(enum sandbox_role role)
{
	if (role != ROLE_MTAD && role != ROLE_CTL)
		bounding_set();
}

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER	(1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif
#define FS_IOCTL_DEV			(1ULL << 15)
#define FS_V1				((1ULL << 13) - 1)
#define NET_ALL				3ULL	/* bind, connect: ABI 4 */
#define SCOPE_ALL			3ULL	/* sockets, signals: ABI 6 */

#define FS_DIR	(LANDLOCK_ACCESS_FS_READ_FILE | \
	LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE)

#define FS_AGENT (LANDLOCK_ACCESS_FS_READ_FILE | \
	LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE)

/* As newer kernels have it; older ones look at the size. */
struct ruleset {
	uint64_t	fs, net, scoped;
};

static int
beneath(int ruleset, int dir, uint64_t access)
{
	struct landlock_path_beneath_attr rule;

	memset(&rule, 0, sizeof(rule));
	rule.allowed_access = access;
	rule.parent_fd = dir;
	return (syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

static int
beneath_all(int ruleset, const struct sandbox_conf *sc, uint64_t access)
{
	size_t i;

	for (i = 0; i < sc->ndirs; i++)
		if (beneath(ruleset, sc->dirs[i], access) == -1)
			return (-1);
	return (0);
}

static int
files(enum sandbox_role role, const struct sandbox_conf *sc)
{
	struct ruleset r;
	size_t size;
	long abi;
	int fd, dir, ret = -1;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	/* The first let nothing be linked into another directory. */
	if (abi < (role == ROLE_AGENT ? 2 : 1)) {
		log_debug(": no Landlock in this kernel");
		return (0);
	}
	memset(&r, 0, sizeof(r));
	r.fs = FS_V1;
	if (abi >= 2)
		r.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		r.fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 4 && role != ROLE_RESOLVER)
		r.net = NET_ALL;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	fd = syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd == -1) {
		log_warn(EVT_CONFINEMENT, ": Landlock");
		return (-1);
	}
	if (role == ROLE_SPOOLD) {
		if ((dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
			goto done;
		if (beneath(fd, dir, FS_DIR & r.fs) == -1) {
			close(dir);
			goto done;
		}
		close(dir);
		if (beneath_all(fd, sc, FS_DIR & r.fs) == -1)
			goto done;
	}
	if (role == ROLE_RESOLVER) {	/* it reads /etc, and modules */
		if ((dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
			goto done;
		ret = beneath(fd, dir, LANDLOCK_ACCESS_FS_READ_FILE |
		    LANDLOCK_ACCESS_FS_READ_DIR);
		close(dir);
		if (ret == -1)
			goto done;
		ret = -1;
	}
	if (role == ROLE_AGENT && beneath_all(fd, sc, FS_AGENT & r.fs) == -1)
		goto done;
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		goto done;
	ret = 0;
done:
	if (ret == -1)
		log_warn(EVT_CONFINEMENT, ": Landlock");
	close(fd);
	return (ret);
}

int
sandbox_kernel(enum sandbox_role role, const struct sandbox_conf *sc)
{
	if (role == ROLE_MTAD)
		return (system_calls_mtad() == -1 ||
		    few_capabilities() == -1 ? -1 : 0);
	if (no_capabilities() == -1)
		return (-1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		log_warn(EVT_CONFINEMENT, ": no_new_privs");
		return (-1);
	}
	if (role != ROLE_CTL && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
		log_warn(EVT_CONFINEMENT, ": dumpable");
		return (-1);
	}
	if (files(role, sc) == -1)
		return (-1);
	return (system_calls(role));
}

#endif
