/* SPDX-License-Identifier: ISC */

/*
 * deliver ... to command: the command's words, its program, its user.  What
 * runs there runs with nobody looking, so all that could let others than
 * root have a word in it is a mistake of the configuration.
 */

#include <sys/stat.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parse_int.h"

#define LINKS_MAX	40	/* on the way to a program */

/* One word from *s on to *to, both left behind it.  -1: a quote is open. */
static int
split_word(const char **s, char **to)
{
	char quote = 0;

	for (; **s != '\0'; (*s)++) {
		if (quote == 0 && (**s == ' ' || **s == '\t'))
			break;
		if (quote == 0 && (**s == '\'' || **s == '"'))
			quote = **s;
		else if (quote != 0 && **s == quote)
			quote = 0;
		else {
			if (**s == '\\' && quote != '\'' && (*s)[1] != '\0')
				(*s)++;
			*(*to)++ = **s;
		}
	}
	*(*to)++ = '\0';
	return (quote == 0 ? 0 : -1);
}

int
command_split(const char *s, char *buf, char **argv, int max,
    const char **why)
{
	int n = 0;

	for (;;) {
		while (*s == ' ' || *s == '\t')
			s++;
		if (*s == '\0')
			break;
		if (n == max) {
			*why = "fewer words were expected";
			return (-1);
		}
		argv[n++] = buf;
		if (split_word(&s, &buf) == -1) {
			*why = "a closing quote was expected";
			return (-1);
		}
	}
	argv[n] = NULL;
	*why = "a program was expected";
	return (n > 0 ? n : -1);
}

/* Root's, or that of who runs us, and nobody else's to write. */
static int
safe(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return (0);
	/* in a sticky directory nobody takes the place of what root has */
	return ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	    (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX));
}

static int
unsafe(const struct place *p, const char *program, const char *what,
    const char *path)
{
	conf_error(p, "program \"%.200s\": %s was expected, and %.200s is "
	    "none", program, what, path);
	return (-1);
}

static int
trouble(const struct place *p, const char *program, int error)
{
	conf_error(p, "program \"%.200s\": %s", program, strerror(error));
	return (-1);
}

/*
 * Puts what a link says in front of rest, what is still to be walked; at is
 * where the walk goes on, the directory that the link is in, or the root.
 */
static int
follow(const char *link, char *at, char *rest)
{
	char target[PATH_MAX], all[PATH_MAX];
	ssize_t n;

	if ((n = readlink(link, target, sizeof(target) - 1)) == -1)
		return (-1);
	target[n] = '\0';
	if ((size_t)snprintf(all, sizeof(all), "%s/%s", target, rest) >=
	    sizeof(all)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	strlcpy(rest, all, PATH_MAX);
	if (target[0] == '/')
		at[0] = '\0';
	return (0);
}

/*
 * Takes the next part of rest and walks there from at ("" is the root), a
 * directory that is safe.
 */
static int
step(const struct place *p, const char *program, char *at, char *rest,
    int *links)
{
	char part[PATH_MAX], next[PATH_MAX];
	struct stat st;
	size_t n = strcspn(rest, "/");

	memcpy(part, rest, n);
	part[n] = '\0';
	memmove(rest, rest + n + (rest[n] == '/'), strlen(rest + n) +
	    (rest[n] != '/'));
	if (part[0] == '\0' || strcmp(part, ".") == 0)
		return (0);
	if (strcmp(part, "..") == 0) {
		if (at[0] != '\0')
			*strrchr(at, '/') = '\0';
		return (0);
	}
	if ((size_t)snprintf(next, sizeof(next), "%s/%s", at, part) >=
	    sizeof(next))
		return (trouble(p, program, ENAMETOOLONG));
	if (lstat(next, &st) == -1)
		return (trouble(p, program, errno));
	if (S_ISLNK(st.st_mode)) {
		/* in a sticky directory it may be anybody's */
		if (st.st_uid != 0 && st.st_uid != geteuid())
			return (unsafe(p, program, "a link that belongs to "
			    "root", next));
		if (++*links > LINKS_MAX)
			return (trouble(p, program, ELOOP));
		return (follow(next, at, rest) == -1 ?
		    trouble(p, program, errno) : 0);
	}
	if (S_ISDIR(st.st_mode) && !safe(&st))
		return (unsafe(p, program, "a directory that only root can "
		    "write", next));
	strlcpy(at, next, PATH_MAX);
	return (0);
}

/* All directories on the way, with those of all links that lie on it. */
static int
check_directories(const struct place *p, const char *program)
{
	char at[PATH_MAX] = "", rest[PATH_MAX];
	struct stat st;
	int links = 0;

	if (strlcpy(rest, program, sizeof(rest)) >= sizeof(rest))
		return (trouble(p, program, ENAMETOOLONG));
	if (stat("/", &st) == -1 || !safe(&st))
		return (unsafe(p, program, "a directory that only root can "
		    "write", "/"));
	while (rest[0] != '\0')
		if (step(p, program, at, rest, &links) == -1)
			return (-1);
	return (0);
}

/* By mode: what else keeps it from running shows when it is to be run. */
static int
may_execute(const struct stat *st, const struct conf_command *c)
{
	if (st->st_uid == c->uid)
		return ((st->st_mode & S_IXUSR) != 0);
	return ((st->st_mode & (S_IXGRP | S_IXOTH)) != 0);
}

static void
check_program(const struct place *p, const struct conf_command *c)
{
	const char *program = c->argv[0];
	struct stat st;

	if (program[0] != '/') {
		conf_error(p, "program \"%.200s\": a path that begins with / "
		    "was expected", program);
		return;
	}
	if (stat(program, &st) == -1) {
		conf_error(p, "program \"%.200s\": %s", program,
		    strerror(errno));
		return;
	}
	if (!S_ISREG(st.st_mode) || !may_execute(&st, c)) {
		conf_error(p, "program \"%.200s\": a file that user %s can "
		    "execute was expected", program, c->user);
		return;
	}
	if (!safe(&st)) {
		conf_error(p, "program \"%.200s\": a file that belongs to "
		    "root and that nobody else can write was expected",
		    program);
		return;
	}
	check_directories(p, program);
}

static int
set_user(const struct place *p, struct conf_command *c, const char *name)
{
	struct passwd *pw;

	set_string(p, c->user, sizeof(c->user), "user", name);
	if ((pw = getpwnam(name)) == NULL) {
		conf_error(p, "user \"%.80s\" does not exist: one that does "
		    "was expected", name);
		return (-1);
	}
	if (pw->pw_uid == 0) {
		conf_error(p, "user \"%.80s\": another one than root was "
		    "expected", name);
		return (-1);
	}
	c->uid = pw->pw_uid;
	c->gid = pw->pw_gid;
	if (strlcpy(c->home, pw->pw_dir, sizeof(c->home)) >= sizeof(c->home))
		strlcpy(c->home, "/", sizeof(c->home));
	return (0);
}

/* One command, one set of options, however many addresses it serves. */
static void
check_same(const struct place *p, const struct conf_command *c)
{
	const struct conf_command *other;

	TAILQ_FOREACH(other, &conf_now->commands, entry)
		if (strcmp(other->command.name, c->command.name) == 0 &&
		    (other->timeout != c->timeout ||
		    other->command.parallel != c->command.parallel)) {
			conf_error(p, "the same command: timeout and parallel "
			    "of line %u were expected", other->line);
			return;
		}
}

void
add_command(const struct place *p, const char *prefix,
    const struct place *pc, const char *command, const struct place *pu,
    const char *user, const struct command_options *o)
{
	struct conf_command *c;
	const char *why;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatalx("out of memory");
	set_subtree(p, c->command.prefix, prefix);
	check_prefix_new(p, c->command.prefix, "is delivered by");
	c->timeout = o->timeout;
	c->command.parallel = o->parallel;
	c->line = p->line;
	c->column = p->column;
	if (strlen(command) >= COMMAND_TEXT_MAX)
		conf_error(pc, "command: at most %d characters were expected",
		    COMMAND_TEXT_MAX - 1);
	else if (command_split(command, c->words, c->argv, COMMAND_WORDS_MAX,
	    &why) == -1)
		conf_error(pc, "command \"%.200s\": %s", command, why);
	else if (set_user(pu, c, user) == 0)
		check_program(pc, c);
	snprintf(c->command.name, sizeof(c->command.name), "%.*s as %.*s",
	    COMMAND_TEXT_MAX - 1, command, COMMAND_USER_MAX - 1, user);
	check_same(pc, c);
	TAILQ_INSERT_TAIL(&conf_now->commands, c, entry);
}
