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

/* path is cut, slash by slash. */
static int
check_parents(const struct place *p, const char *program, char *path)
{
	struct stat st;
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL) {
		slash[slash == path] = '\0';
		if (stat(path, &st) == -1 || !safe(&st)) {
			conf_error(p, "program \"%.200s\": a directory that "
			    "only root can write was expected, and %.200s is "
			    "none", program, path);
			return (-1);
		}
		if (slash == path)
			break;
	}
	return (0);
}

/* Those it is called by, where a link may be, and those where it is. */
static int
check_directories(const struct place *p, const char *program)
{
	char path[PATH_MAX];

	if (strlcpy(path, program, sizeof(path)) >= sizeof(path)) {
		conf_error(p, "program \"%.200s\": %s", program,
		    strerror(ENAMETOOLONG));
		return (-1);
	}
	if (check_parents(p, program, path) == -1)
		return (-1);
	if (realpath(program, path) == NULL) {
		conf_error(p, "program \"%.200s\": %s", program,
		    strerror(errno));
		return (-1);
	}
	return (check_parents(p, program, path));
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
