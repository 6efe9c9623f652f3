/* SPDX-License-Identifier: ISC */

/*
 * Words of mtad.conf.  Sources (files, macros) lie on a stack; a macro is
 * read in place of its name, errors within it point at the name.
 */

#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse_int.h"
#include "parse.tab.h"

#define SOURCES_MAX	16
#define FILE_MAX	(4 * 1024 * 1024)
#define WORD_MAX	2048
#define MACRO_NAME_MAX	64	/* with its NUL */

struct source {
	const char	*name;
	char		*text;
	size_t		 len, pos;
	unsigned	 line, column;
	int		 macro;
	unsigned	 mode;		/* of the file; 0: none */
};

struct macro {
	TAILQ_ENTRY(macro)	 entry;
	char			*name, *value;
	int			 persist;	/* -D: wins over the file */
	const char		*file;		/* where it is defined */
	unsigned		 mode;		/* of that */
};

struct name {
	TAILQ_ENTRY(name)	 entry;
	char			*name;
};

static struct source	 stack[SOURCES_MAX];
static int		 depth;
static TAILQ_HEAD(, macro) macros = TAILQ_HEAD_INITIALIZER(macros);
static TAILQ_HEAD(, name) names = TAILQ_HEAD_INITIALIZER(names);
static YYSTYPE		 value;
static int		 ended;		/* the last NEWLINE has been given */
/* What follows on the line is not to be shown. */
static enum { SHOWN, ASSIGNED, SECRET } secret;

int	yylex(YYSTYPE *, YYLTYPE *);

static const struct {
	const char	*word;
	int		 token;
} keywords[] = {
	{ "accept", ACCEPT }, { "address", ADDRESS }, { "age", AGE },
	{ "alarm", ALARM }, { "clear", CLEAR }, { "metrics", METRICS },
	{ "queue", QUEUE }, { "space", SPACE },
	{ "ae-qualifier", AE_QUALIFIER }, { "after", AFTER },
	{ "alternate", ALTERNATE }, { "ap-title", AP_TITLE },
	{ "association", ASSOCIATION }, { "connections", CONNECTIONS },
	{ "half-open", HALF_OPEN },
	{ "associations", ASSOCIATIONS }, { "attempts", ATTEMPTS },
	{ "audit", AUDIT }, { "poison", POISON },
	{ "auto", AUTO }, { "both", BOTH }, { "brief", BRIEF }, { "ca", CA },
	{ "certificate", CERTIFICATE }, { "checkpoint", CHECKPOINT },
	{ "command", COMMAND }, { "complete", COMPLETE },
	{ "content", CONTENT }, { "content-type", CONTENT_TYPE },
	{ "control", CONTROL }, { "cost", COST }, { "delay", DELAY },
	{ "deliver", DELIVER }, { "dialogue", DIALOGUE },
	{ "directory", DIRECTORY }, { "disabled", DISABLED },
	{ "domain", DOMAIN }, { "eit", EIT }, { "expire", EXPIRE },
	{ "failures", FAILURES }, { "from", FROM }, { "group", GROUP },
	{ "hops", HOPS }, { "idle", IDLE }, { "include", INCLUDE },
	{ "internal-trace", INTERNAL_TRACE }, { "keep", KEEP }, { "key", KEY },
	{ "limit", LIMIT }, { "list", LIST }, { "listen", LISTEN },
	{ "local", LOCAL }, { "log", LOG }, { "loops", LOOPS },
	{ "max-content", MAX_CONTENT }, { "max-recipients", MAX_RECIPIENTS },
	{ "member", MEMBER }, { "members", MEMBERS }, { "memory", MEMORY },
	{ "mode", MODE }, { "monologue", MONOLOGUE }, { "mta", MTA },
	{ "name", NAME }, { "no", NO }, { "non-urgent", NON_URGENT },
	{ "none", NONE }, { "normal", NORMAL }, { "oldest", OLDEST },
	{ "on", ON }, { "open", OPEN }, { "opportunistic", OPPORTUNISTIC },
	{ "optional", OPTIONAL }, { "originator", ORIGINATOR },
	{ "owner", OWNER }, { "parallel", PARALLEL }, { "password", PASSWORD },
	{ "peer", PEER }, { "per", PER }, { "port", PORT }, { "psel", PSEL },
	{ "rate", RATE }, { "recipients", RECIPIENTS }, { "recover", RECOVER },
	{ "redirect", REDIRECT }, { "remote", REMOTE }, { "reports", REPORTS },
	{ "reserve", RESERVE }, { "response", RESPONSE }, { "retry", RETRY },
	{ "return", RETURN }, { "route", ROUTE }, { "safe-store", SAFE_STORE },
	{ "spool", SPOOL }, { "ssel", SSEL }, { "strip", STRIP },
	{ "submit", SUBMIT }, { "threshold", THRESHOLD },
	{ "timeout", TIMEOUT }, { "tls", TLS }, { "to", TO },
	{ "tpdu-size", TPDU_SIZE }, { "transfer", TRANSFER }, { "tsel", TSEL },
	{ "twa", TWA }, { "urgent", URGENT }, { "user", USER },
	{ "verbose", VERBOSE }, { "verify", VERIFY }, { "via", VIA },
	{ "weight", WEIGHT }, { "window", WINDOW }, { "x410", X410 },
	{ "x410-1984", X410_1984 }, { "x410-1988", X410_1988 }, { "yes", YES },
};

int
lex_secret(void)
{
	return (secret != SHOWN);
}

const YYSTYPE *
lex_value(void)
{
	return (&value);
}

static const char *
keep_name(const char *name)
{
	struct name *n;

	if ((n = calloc(1, sizeof(*n))) == NULL ||
	    (n->name = strdup(name)) == NULL)
		abort();
	TAILQ_INSERT_TAIL(&names, n, entry);
	return (n->name);
}

static int
push(const char *name, const char *text, size_t len, int macro)
{
	struct source *s;

	if (depth == SOURCES_MAX)
		return (-1);
	s = &stack[depth];
	memset(s, 0, sizeof(*s));
	if ((s->text = malloc(len + 1)) == NULL)
		return (-1);
	memcpy(s->text, text, len);
	s->text[len] = '\0';
	s->len = len;
	s->name = macro ? stack[depth - 1].name : keep_name(name);
	s->line = macro ? stack[depth - 1].line : 1;
	s->column = macro ? stack[depth - 1].column : 1;
	s->macro = macro;
	depth++;
	return (0);
}

static void
pop(void)
{
	depth--;
	explicit_bzero(stack[depth].text, stack[depth].len);
	free(stack[depth].text);
}

void
lex_text(const char *name, const char *text, size_t len)
{
	secret = SHOWN;
	ended = 0;
	push(name, text, len, 0);
}

struct place
lex_place(void)
{
	struct place p = { NULL, 0, 0 };

	if (depth > 0) {
		p.file = stack[depth - 1].name;
		p.line = stack[depth - 1].line;
		p.column = stack[depth - 1].column;
	}
	return (p);
}

/* What is in it is root's and the owner's to say. */
static int
check_mode(const char *name, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		conf_error(NULL, "%s: owned by user %u, root was expected",
		    name, st->st_uid);
		return (-1);
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		conf_error(NULL, "%s: mode %04o lets others write it: 0600 "
		    "or 0640 was expected", name, st->st_mode & 07777);
		return (-1);
	}
	return (0);
}

/* A password from what everybody can read is none. */
static void
check_secret(const struct place *p, const char *file, unsigned *mode)
{
	if (secret != SECRET || (*mode & S_IROTH) == 0)
		return;
	/* a macro may be of another file than where it stands */
	if (p->file != NULL && strcmp(p->file, file) == 0)
		file = "the file";
	conf_error(p, "%s has mode %04o, which lets others read the password: "
	    "0600 or 0640 was expected", file, *mode);
	*mode = 0;		/* said */
}

int
lex_file(const char *name)
{
	struct stat st;
	char *text;
	ssize_t n;
	size_t len = 0;
	int fd, ret = -1;

	ended = 0;
	secret = SHOWN;
	if ((fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		conf_error(NULL, "%s: %s%s", name, strerror(errno),
		    errno == ENOENT && depth == 0 ? ": one to begin with is "
		    EXAMPLE_DIR "/mtad.conf" : "");
		return (-1);
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		conf_error(NULL, "%s: not a file", name);
		close(fd);
		return (-1);
	}
	if (check_mode(name, &st) == -1) {
		close(fd);
		return (-1);
	}
	if (st.st_size > FILE_MAX || (text = malloc(FILE_MAX)) == NULL) {
		conf_error(NULL, "%s: too long", name);
		close(fd);
		return (-1);
	}
	while (len < FILE_MAX && (n = read(fd, text + len,
	    FILE_MAX - len)) > 0)
		len += n;
	if (depth == SOURCES_MAX)
		conf_error(NULL, "%s: includes are nested too deeply", name);
	else
		ret = push(name, text, len, 0);
	if (ret == 0)
		stack[depth - 1].mode = st.st_mode & 07777;
	explicit_bzero(text, len);
	free(text);
	close(fd);
	return (ret);
}

/* Beside the file that names it, wherever we are when it is read again. */
static int
beside(const char *file, const char *name, char *path, size_t size)
{
	const char *slash;
	int n;

	if (name[0] == '/' || (slash = strrchr(file, '/')) == NULL)
		n = snprintf(path, size, "%s", name);
	else
		n = snprintf(path, size, "%.*s/%s", (int)(slash - file), file,
		    name);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

void
lex_include(const struct place *p, const char *what)
{
	char name[PATH_MAX];
	int i;

	if (!conf_includes) {
		conf_error(p, "include is not possible here");
		return;
	}
	if (beside(p->file, what, name, sizeof(name)) == -1) {
		conf_error(p, "include: the path is too long");
		return;
	}
	for (i = 0; i < depth; i++)
		if (strcmp(stack[i].name, name) == 0) {
			conf_error(p, "%s includes itself", name);
			return;
		}
	if (lex_file(name) == -1)
		conf_error(p, "include \"%s\": see above", what);
}

void
lex_end(void)
{
	struct macro *m, *next;
	struct name *n;

	while (depth > 0)
		pop();
	for (m = TAILQ_FIRST(&macros); m != NULL; m = next) {
		next = TAILQ_NEXT(m, entry);
		if (m->persist)
			continue;
		TAILQ_REMOVE(&macros, m, entry);
		free(m->name);
		freezero(m->value, strlen(m->value));
		free(m);
	}
	while ((n = TAILQ_FIRST(&names)) != NULL) {
		TAILQ_REMOVE(&names, n, entry);
		free(n->name);
		free(n);
	}
}

/* Its token, or -1. */
static int
find_keyword(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(s, keywords[i].word) == 0)
			return (keywords[i].token);
	return (-1);
}

static int
macro_char(int c)
{
	return (isalnum(c) || c == '_');
}

/* One that a file may define and $ can name. */
static int
macro_name(const char *name)
{
	const char *s;

	if (isdigit((unsigned char)name[0]) || find_keyword(name) != -1)
		return (0);
	for (s = name; macro_char((unsigned char)*s); s++)
		;
	return (s != name && *s == '\0' && s - name < MACRO_NAME_MAX);
}

int
macro_set(const char *name, const char *text, int persist)
{
	struct macro *m;
	char *copy;

	if (!macro_name(name))
		return (-1);
	TAILQ_FOREACH(m, &macros, entry)
		if (strcmp(m->name, name) == 0)
			break;
	if (m != NULL && m->persist && !persist)
		return (0);
	if ((copy = strdup(text)) == NULL)
		return (-1);
	if (m != NULL)
		freezero(m->value, strlen(m->value));
	else {
		if ((m = calloc(1, sizeof(*m))) == NULL ||
		    (m->name = strdup(name)) == NULL) {
			free(m);
			free(copy);
			return (-1);
		}
		TAILQ_INSERT_TAIL(&macros, m, entry);
	}
	m->value = copy;
	m->persist = persist;
	m->file = persist || depth == 0 ? "" : stack[depth - 1].name;
	m->mode = persist || depth == 0 ? 0 : stack[depth - 1].mode;
	return (0);
}

/* Characters, with a backslash before the end of a line taken out. */
static int
next(void)
{
	struct source *s;
	int c;

	for (;;) {
		if (depth == 0)
			return (EOF);
		s = &stack[depth - 1];
		if (s->pos == s->len)
			return (EOF);
		c = (unsigned char)s->text[s->pos++];
		if (c == '\\' && s->pos < s->len && s->text[s->pos] == '\n' &&
		    !s->macro) {
			s->pos++;
			s->line++;
			s->column = 1;
			continue;
		}
		if (s->macro)
			return (c);
		if (c == '\n') {
			s->line++;
			s->column = 1;
		} else
			s->column++;
		return (c);
	}
}

static int
peek(void)
{
	struct source *s;

	if (depth == 0)
		return (EOF);
	s = &stack[depth - 1];
	return (s->pos < s->len ? (unsigned char)s->text[s->pos] : EOF);
}

static int
word_char(int c)
{
	return (c != EOF && (isalnum(c) || strchr("-_./:+@*,;%&[]~", c) !=
	    NULL) && c != '\0');
}

static int
quoted(const struct place *p)
{
	char buf[WORD_MAX];
	size_t n = 0;
	int c;

	while ((c = next()) != '"') {
		if (c == EOF || c == '\n') {
			conf_error(p, "string without its closing quote");
			break;
		}
		if (c == '\\' && (peek() == '"' || peek() == '\\'))
			c = next();
		if (c == '\0') {
			conf_error(p, "string holds a zero octet");
			continue;
		}
		if (n == sizeof(buf) - 1) {
			conf_error(p, "string longer than %d characters",
			    WORD_MAX - 1);
			while ((c = next()) != '"' && c != '\n' && c != EOF)
				;
			break;
		}
		buf[n++] = c;
	}
	buf[n] = '\0';
	value.string = strdup(buf);
	explicit_bzero(buf, sizeof(buf));
	if (value.string == NULL)
		conf_error(p, "out of memory");
	return (value.string == NULL ? YYUNDEF : STRING);
}

static int
word(const struct place *p, int c)
{
	char buf[WORD_MAX], *end;
	size_t n = 0;
	int digits = 1, keyword;

	for (;; c = next()) {
		if (!isdigit(c))
			digits = 0;
		if (n == sizeof(buf) - 1) {
			conf_error(p, "word longer than %d characters",
			    WORD_MAX - 1);
			break;
		}
		buf[n++] = c;
		if (!word_char(peek()))
			break;
	}
	buf[n] = '\0';
	if (digits && n <= 19) {
		value.number = strtoull(buf, &end, 10);
		return (NUMBER);
	}
	if ((keyword = find_keyword(buf)) != -1)
		return (keyword);
	value.string = strdup(buf);
	if (value.string == NULL)
		conf_error(p, "out of memory");
	return (value.string == NULL ? YYUNDEF : WORD);
}

/* $name: its value is read next.  0, or -1 when there is no such macro. */
static int
expand(const struct place *p)
{
	struct macro *m;
	char buf[MACRO_NAME_MAX];
	size_t n = 0;
	int c;

	while ((c = peek()) != EOF && macro_char(c) &&
	    n < sizeof(buf) - 1)
		buf[n++] = next();
	buf[n] = '\0';
	TAILQ_FOREACH(m, &macros, entry)
		if (strcmp(m->name, buf) == 0)
			break;
	if (m == NULL) {
		conf_error(p, "macro \"%s\" is not defined", buf);
		return (-1);
	}
	if (strcmp(m->value, "") != 0 && strcmp(m->value, "\"\"") != 0)
		check_secret(p, m->file, &m->mode);
	if (push(NULL, m->value, strlen(m->value), 1) == -1) {
		conf_error(p, "macros are nested too deeply");
		return (-1);
	}
	return (0);
}

int
yylex(YYSTYPE *lval, YYLTYPE *loc)
{
	int c, token;

	for (;;) {
		if (depth == 0)
			return (YYEOF);
		loc->file = stack[depth - 1].name;
		loc->line = stack[depth - 1].line;
		loc->column = stack[depth - 1].column;
		c = next();
		switch (c) {
		case EOF:
			if (stack[depth - 1].macro) {
				pop();
				continue;
			}
			/* A last line without its end is a line too. */
			if (depth > 1) {
				pop();
				return (NEWLINE);
			}
			if (!ended) {
				ended = 1;
				return (NEWLINE);
			}
			return (YYEOF);
		case ' ':
		case '\t':
		case '\r':
			continue;
		case '#':
			while ((c = peek()) != EOF && c != '\n')
				next();
			continue;
		case '\n':
			secret = SHOWN;
			return (NEWLINE);
		case '{':
			return (OPENB);
		case '}':
			return (CLOSEB);
		case '=':
			secret = ASSIGNED;	/* it may be a password */
			return (EQUALS);
		case '$':
			if (expand(loc) == -1)
				return (YYUNDEF);
			continue;
		case '"':
			token = quoted(loc);
			break;
		default:
			if (!word_char(c)) {
				conf_error(loc, "character %s%c%s not "
				    "expected here", isprint(c) ? "'" : "",
				    isprint(c) ? c : '?', isprint(c) ? "'" :
				    " (not printable)");
				return (YYUNDEF);
			}
			token = word(loc, c);
			break;
		}
		if (token == PASSWORD)
			secret = SECRET;
		else if (token == STRING && value.string[0] == '\0')
			;	/* no password at all */
		else if (token == STRING || token == WORD || token == NUMBER)
			check_secret(loc, stack[depth - 1].name,
			    &stack[depth - 1].mode);
		else
			secret = SHOWN;
		*lval = value;
		return (token);
	}
}
