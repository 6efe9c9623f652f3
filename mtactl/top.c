/* SPDX-License-Identifier: ISC */

/*
 * mtactl top: looks every few seconds, and shows it on the whole screen
 * where there is one that can be written to at any place, else as lines.
 * See top.h.
 */

#include <sys/types.h>
#include <sys/ioctl.h>

#include <curses.h>
#include <term.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtactl.h"
#include "sandbox.h"
#include "top.h"

#define COLUMNS_FILE	132

#define INTERVAL_MAX	3600	/* s */

static volatile sig_atomic_t	quit, suspend;
static sigset_t			 waiting;	/* the mask for that */
static int			 catches_stop;	/* SIGTSTP */
static SCREEN			*screen;
static struct top_lines		 shown;

static void
stop(int sig)
{
	if (sig == SIGTSTP)
		suspend = 1;
	else
		quit = 1;
}

static void
signals(void)
{
	struct sigaction	 sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = stop;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigprocmask(SIG_BLOCK, NULL, &waiting);
}

/*
 * With a screen signals are taken while it waits, and only then: one that
 * comes while it draws is neither lost nor left until the next look.  ^Z where
 * the shell knows it; curses, which ignores it while it draws, leaves alone
 * what has a handler already.
 */
static void
screen_signals(void)
{
	static const int	 all[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP,
				    SIGWINCH };
	struct sigaction	 sa;
	sigset_t		 set;
	size_t			 i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sigaddset(&set, all[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (sigaction(SIGTSTP, NULL, &sa) == -1 || sa.sa_handler != SIG_DFL)
		return;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = stop;
	sigaction(SIGTSTP, &sa, NULL);
	catches_stop = 1;
}

/* There is none after all. */
static void
no_screen_signals(void)
{
	if (catches_stop)
		signal(SIGTSTP, SIG_DFL);
	sigprocmask(SIG_SETMASK, &waiting, NULL);
}

/* Until somebody wants it to go on. */
static void
stand_by(void)
{
	struct sigaction	 sa, old;
	struct winsize		 ws;
	sigset_t		 set;

	suspend = 0;
	endwin();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	sigaction(SIGTSTP, &sa, &old);
	kill(getpid(), SIGTSTP);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGTSTP, &old, NULL);
	def_shell_mode();	/* as the shell has it now */
	/* nobody was told while it stood */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 &&
	    ws.ws_col > 0 && is_term_resized(ws.ws_row, ws.ws_col))
		resizeterm(ws.ws_row, ws.ws_col);
	clearok(curscr, TRUE);
	refresh();
}

/* The terminal as it was, whatever the reason is to go. */
static void
restore(void)
{
	if (screen != NULL) {
		endwin();
		screen = NULL;
	}
}

/* 0: there is no screen that can be addressed. */
static int
screen_open(void)
{
	const char	*cup;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return (0);
	screen_signals();
	if ((screen = newterm(NULL, stdout, stdin)) == NULL) {
		no_screen_signals();
		return (0);
	}
	cup = tigetstr("cup");
	if (cup == NULL || cup == (char *)-1) {
		endwin();
		screen = NULL;
		no_screen_signals();
		return (0);
	}
	atexit(restore);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if (getenv("NO_COLOR") == NULL && has_colors() &&
	    start_color() == OK) {
		use_default_colors();
		init_pair(TOP_ALARM, COLOR_RED, -1);
		init_pair(TOP_BUSY, COLOR_GREEN, -1);
		init_pair(TOP_TITLE, COLOR_CYAN, -1);
	}
	return (1);
}

static attr_t
attribute(enum top_style style)
{
	int	colour = getenv("NO_COLOR") == NULL && has_colors();

	switch (style) {
	case TOP_TITLE:
		return (A_BOLD | (colour ? (attr_t)COLOR_PAIR(TOP_TITLE) :
		    0));
	case TOP_HEADING:
		return (A_REVERSE);
	case TOP_ALARM:
		return (A_BOLD | (colour ? (attr_t)COLOR_PAIR(TOP_ALARM) :
		    0));
	case TOP_BUSY:
		return (colour ? (attr_t)COLOR_PAIR(TOP_BUSY) : A_NORMAL);
	default:
		return (A_NORMAL);
	}
}

static void
put(int row, const struct top_line *l)
{
	attrset(attribute(l->style));
	mvaddnstr(row, 0, l->text, COLS);
	attrset(A_NORMAL);
}

static void
draw(struct top *t)
{
	int	i, room, most;

	top_lines(t, &shown, COLS);
	erase();
	for (i = 0; i < (int)shown.head && i < LINES; i++)
		put(i, &shown.line[i]);
	room = LINES - (int)shown.head - 1;
	most = (int)(shown.n - shown.head) - room;
	if (t->scroll > most)
		t->scroll = most;
	if (t->scroll < 0)
		t->scroll = 0;
	for (i = 0; i < room && shown.head + t->scroll + i < shown.n; i++)
		put((int)shown.head + i, &shown.line[shown.head + t->scroll +
		    i]);
	if (LINES > (int)shown.head) {
		attrset(A_REVERSE);
		mvaddnstr(LINES - 1, 0, most > 0 ? "q quit  p pause  s sort  "
		    "+ - interval  h help  (more: up, down)" : "q quit  "
		    "p pause  s sort  + - interval  h help", COLS - 1);
		attrset(A_NORMAL);
	}
	refresh();
}

/* 1: look at once. */
static int
key(struct top *t, int c)
{
	switch (c) {
	case 'q':
	case 'Q':
		quit = 1;
		break;
	case 'p':
	case 'P':
		t->paused = !t->paused;
		return (!t->paused);
	case 's':
	case 'S':
		t->sort = (t->sort + 1) % TOP_SORTS;
		top_sort(t);
		break;
	case '+':
		if (t->interval < INTERVAL_MAX)
			t->interval++;
		break;
	case '-':
		if (t->interval > 1)
			t->interval--;
		break;
	case ' ':
		return (1);
	case '1':
	case '2':
	case '3':
		t->hidden ^= 1 << (c - '1');
		break;
	case 'h':
	case '?':
		t->help = !t->help;
		break;
	case KEY_DOWN:
	case 'j':
		t->scroll++;
		break;
	case KEY_UP:
	case 'k':
		t->scroll--;
		break;
	case KEY_NPAGE:
		t->scroll += LINES > 4 ? LINES - 4 : 1;
		break;
	case KEY_PPAGE:
		t->scroll -= LINES > 4 ? LINES - 4 : 1;
		break;
	case KEY_HOME:
		t->scroll = 0;
		break;
	case '\f':
		clearok(stdscr, TRUE);
		break;
	default:
		break;
	}
	return (0);
}

/* Of a terminal that has one, else what fits into the lines of a file. */
static int
line_columns(void)
{
	struct winsize	ws;

	if (!isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0)
		return (COLUMNS_FILE);
	return (ws.ws_col);
}

static void
print(struct top *t, int as_json)
{
	size_t	i;

	if (as_json)
		top_json(t, stdout);
	else {
		top_lines(t, &shown, line_columns());
		for (i = 0; i < shown.n; i++)
			printf("%s\n", shown.line[i].text);
		putchar('\n');
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno == EPIPE)
			exit(1);	/* as other programs, without a word */
		err(1, "standard output");
	}
}

static int64_t
milliseconds(void)
{
	struct timespec	now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000);
}

/* Waits until something is to be done.  1: a look is complete. */
static int
wait_for(struct top *t, int64_t until)
{
	struct pollfd	pfd[3];
	struct timespec	ts;
	int64_t		left = until - milliseconds();
	int		n = 0, keys = -1, ctl = -1, done = 0;

	memset(pfd, 0, sizeof(pfd));
	pfd[n].fd = t->connector.fd;
	pfd[n++].events = POLLIN;
	if (screen != NULL) {
		keys = n;
		pfd[n].fd = STDIN_FILENO;
		pfd[n++].events = POLLIN;
	}
	if (t->connected) {
		ctl = n;
		pfd[n].fd = t->ctl.fd;
		pfd[n++].events = POLLIN |
		    (imsgbuf_queuelen(&t->ctl) > 0 ? POLLOUT : 0);
	}
	if (left < 0)
		left = 0;
	ts.tv_sec = left / 1000;
	ts.tv_nsec = left % 1000 * 1000000;
	if (ppoll(pfd, n, &ts, &waiting) == -1) {
		if (errno != EINTR)
			err(1, "poll");
		if (suspend)
			stand_by();
		return (0);
	}
	if (ctl != -1 && pfd[ctl].revents & POLLOUT)
		top_ctl_output(t);
	if (ctl != -1 && t->connected &&
	    pfd[ctl].revents & (POLLIN | POLLHUP | POLLERR))
		done = top_ctl_input(t);
	if (pfd[0].revents & (POLLIN | POLLHUP))
		top_connector_input(t);
	if (keys != -1 && pfd[keys].revents & (POLLHUP | POLLERR | POLLNVAL))
		quit = 1;
	return (done);
}

static void
run_screen(struct top *t, long count)
{
	int64_t	due = 0;
	int	c;

	while (!quit && count != 0) {
		if (!t->paused && milliseconds() >= due) {
			top_ask(t);
			due = milliseconds() + t->interval * (int64_t)1000;
		}
		draw(t);
		if (wait_for(t, due)) {
			top_sort(t);
			if (count > 0)
				count--;
		}
		while ((c = getch()) != ERR)
			if (key(t, c))
				due = 0;
		if (due > milliseconds() + t->interval * (int64_t)1000)
			due = milliseconds() + t->interval * (int64_t)1000;
		if (t->paused && due < milliseconds())
			due = milliseconds() + 1000;
	}
	if (count == 0)
		draw(t);
}

/* Rates need two looks: the first is not shown. */
static void
run_lines(struct top *t, long count, int as_json)
{
	int64_t	due = 0;
	int	looks = 0;

	while (!quit && count != 0) {
		if (milliseconds() >= due) {
			if (t->trouble[0] != '\0' && looks == 0)
				errx(1, "%s: %s: is mtad running?", t->path,
				    t->trouble);
			top_ask(t);
			due = milliseconds() + t->interval * (int64_t)1000;
		}
		if (wait_for(t, due) == 0)
			continue;
		top_sort(t);
		if (looks++ > 0) {
			print(t, as_json);
			if (count > 0)
				count--;
		}
	}
}

static void
arguments(struct top *t, int argc, char **argv, long *count)
{
	static char	 name[] = "mtactl";
	const char	*why;
	int		 ch, sort;

	argv[0] = name;			/* for the errors of getopt */
	optind = 1;
#ifdef LIBBSD_OVERLAY
	optreset = 1;
#endif
	while ((ch = getopt(argc, argv, "i:n:o:")) != -1) {
		switch (ch) {
		case 'i':
			t->interval = strtonum(optarg, 1, INTERVAL_MAX, &why);
			if (why != NULL)
				errx(EXIT_USAGE, "top: interval %s: 1 to %d "
				    "seconds expected", optarg, INTERVAL_MAX);
			break;
		case 'n':
			*count = strtonum(optarg, 1, 1000000, &why);
			if (why != NULL)
				errx(EXIT_USAGE, "top: count %s: 1 to 1000000 "
				    "expected", optarg);
			break;
		case 'o':
			if ((sort = top_sort_find(optarg)) == -1)
				errx(EXIT_USAGE, "top: order %s: name, "
				    "queued, oldest or rate expected", optarg);
			t->sort = sort;
			break;
		default:
			usage(NULL);
		}
	}
	if (optind != argc)
		usage("top: too many arguments");
}

void
top_run(const char *path, int argc, char **argv, int as_json)
{
	struct sandbox_conf	sc;
	struct top		t;
	long			count = 0;

	memset(&t, 0, sizeof(t));
	t.path = path;
	t.interval = 2;
	arguments(&t, argc, argv, &count);
	top_connector(&t);
	signals();
	if (!as_json)
		screen_open();
	memset(&sc, 0, sizeof(sc));
	if (sandbox_enter(ROLE_TOP, &sc) == -1)
		exit(1);
	if (screen != NULL)
		run_screen(&t, count > 0 ? count : -1);
	else
		run_lines(&t, count > 0 ? count : isatty(STDOUT_FILENO) ?
		    -1 : 1, as_json);
	restore();
	top_data_free(&t.now);
	top_data_free(&t.before);
	top_data_free(&t.next);
	free(shown.line);
}
