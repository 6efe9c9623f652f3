/* SPDX-License-Identifier: ISC */

/*
 * Which system calls a role has, asked of the kernel: sandbox_calls ROLE.
 *
 * A filter of ours, below that of the role, has each call whose sixth argument
 * is MAGIC fail with ENOSYS, as a tracer that is not there does.  Of two
 * filters the stricter decides, and refusing is stricter: what the role does
 * not let through fails with its EPERM, what it does with ENOSYS, and nothing
 * is ever done.
 *
 * Lines of standard input, "name [argument ...]", in which self is the number
 * of the process, are answered with the line and yes or no; then all calls of
 * this architecture are, without arguments.
 */

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

#define MAGIC		0x6d746164UL
#define CALLS_MAX	1024
#define PROBES_MAX	64
#define OUTPUT_MAX	65536

struct probe {
	char		line[128];
	int		nr;
	unsigned long	arg[5];
};

static struct probe	 probes[PROBES_MAX];
static char		*names[CALLS_MAX];
static char		 output[OUTPUT_MAX];
static int		 nprobes;

static const struct {
	const char		*name;
	enum sandbox_role	 role;
} roles[] = {
	{ "mtad", ROLE_MTAD }, { "rtsd", ROLE_RTSD },
	{ "spoold", ROLE_SPOOLD }, { "resolver", ROLE_RESOLVER },
	{ "mtactl", ROLE_CTL }, { "top", ROLE_TOP }, { "x400-maildir", ROLE_AGENT }
};

static void
read_probes(void)
{
	struct probe	*p;
	char		*s, *word, line[128];
	int		 i;

	while (nprobes < PROBES_MAX && fgets(line, sizeof(line), stdin) !=
	    NULL) {
		line[strcspn(line, "\n")] = '\0';
		p = &probes[nprobes++];
		snprintf(p->line, sizeof(p->line), "%s", line);
		s = line;
		word = strsep(&s, " ");
		p->nr = seccomp_syscall_resolve_name(word);
		for (i = 0; i < 5 && (word = strsep(&s, " ")) != NULL; i++)
			p->arg[i] = strcmp(word, "self") == 0 ?
			    (unsigned long)getpid() : strtoul(word, NULL, 0);
	}
}

static int
below(void)
{
	scmp_filter_ctx	ctx;
	int		nr;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) < 0)
		return (-1);
	for (nr = 0; nr < CALLS_MAX; nr++)
		if (names[nr] != NULL && seccomp_rule_add(ctx,
		    SCMP_ACT_TRACE(0), nr, 1, SCMP_A5(SCMP_CMP_EQ, MAGIC,
		    0)) < 0)
			return (-1);
	return (seccomp_load(ctx));
}

static const char *
answer(int nr, const unsigned long *a)
{
	errno = 0;
	if (syscall(nr, a[0], a[1], a[2], a[3], a[4], MAGIC) != -1)
		return ("done?");
	return (errno == ENOSYS ? "yes" : errno == EPERM ? "no" :
	    strerror(errno));
}

static void
say(const char *name, const char *what)
{
	size_t	n = strlen(output);

	snprintf(output + n, sizeof(output) - n, "%s: %s\n", name, what);
}

static void
ask(void)
{
	static const unsigned long none[5];
	int	 i;

	for (i = 0; i < nprobes; i++)
		say(probes[i].line, probes[i].nr < 0 ? "unknown" :
		    answer(probes[i].nr, probes[i].arg));
	for (i = 0; i < CALLS_MAX; i++)
		if (names[i] != NULL)
			say(names[i], answer(i, none));
}

int
main(int argc, char **argv)
{
	struct sandbox_conf	 sc;
	char			*p;
	size_t			 i;
	ssize_t			 n;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (argc == 2 && strcmp(argv[1], roles[i].name) == 0)
			break;
	if (i == sizeof(roles) / sizeof(roles[0]))
		return (2);
	log_init("sandbox_calls", 1, 0);
	read_probes();
	for (n = 0; n < CALLS_MAX; n++)
		names[n] = seccomp_syscall_resolve_num_arch(
		    seccomp_arch_native(), n);
	memset(&sc, 0, sizeof(sc));
	if (roles[i].role != ROLE_MTAD && roles[i].role != ROLE_CTL &&
	    roles[i].role != ROLE_TOP)
		sc.user = "nobody";
	if (roles[i].role == ROLE_RTSD || roles[i].role == ROLE_SPOOLD)
		sc.root = "/var/empty";
	if (below() < 0) {
		log_warn(EVT_CONFINEMENT, ": no filter below");
		return (77);
	}
	if (sandbox_enter(roles[i].role, &sc) == -1)
		return (1);
	ask();
	for (p = output; *p != '\0'; p += n)
		if ((n = write(STDOUT_FILENO, p, strlen(p))) <= 0)
			_exit(1);
	_exit(0);
}
