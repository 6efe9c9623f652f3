/* SPDX-License-Identifier: ISC */

/*
 * "mtactl submit": a text as an interpersonal message (X.420-1984, one IA5
 * body part; -m: MIME), or a ready content, to spoold over the control socket.
 * The
 * content goes in pieces as the socket takes them, so that its size is no
 * matter of memory; of a text that is not in a file a copy is made first,
 * since its length comes before it in the content.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include "downgrade.h"
#include "ipm.h"
#include "json.h"
#include "mtactl.h"
#include "oraddr.h"
#include "orname.h"
#include "p2.h"
#include "t61.h"

#define SUBJECT_MAX	256	/* octets of T.61; X.420 ub-subject-field */
#define EIT_IA5_TEXT	0x20000000u

struct submission {
	struct message	*m;
	struct or_address *to;
	size_t		 nto;
	int		 have_from;
	int		 ready;			/* -b, or made by -m */
	int		 mime;			/* -m */
	int		 have_priority;
	int		 flags;			/* PRI_REPORT, ... */
	const char	*subject;
	char		 subject_t61[SUBJECT_MAX + 1];
	const char	*name;			/* of the file, for errors */
	int		 fd;
	int		 is_1988;		/* P22, for its names */
	uint64_t	 text_len;		/* with CR LF */
	struct ibuf	*head, *tail;		/* around the text */
	uint64_t	 sent;			/* of the text */
	int		 last;			/* octet of the text read */
	uint8_t		 buf[FRAGMENT_MAX];
};

/* Arguments */

/* Where the value of the attribute stands, or the text itself. */
static size_t
attribute_at(const char *text, int type)
{
	size_t i, len;
	int key, begins = 1;

	for (i = 0; text[i] != '\0'; i++) {
		if (begins && text[i] != ' ') {
			key = or_key(text + i, &len);
			if (key == type || (key == KEY_PN && type >= OR_G &&
			    type <= OR_S) || (key == KEY_OU &&
			    type >= OR_OU1 && type <= OR_OU4))
				return (i + len + 1);
			begins = 0;
		}
		begins |= text[i] == '/' || text[i] == ';';
	}
	return (0);
}

static void
address(struct submission *s, const char *option, const char *text,
    struct or_address *or)
{
	const struct or_attr *attr;
	const char *why;
	size_t where;

	if (or_address_parse(s->m, or, text, &where, &why) == -1)
		bad_text(option, text, where, why);
	if (or_address_get(or, OR_C) == NULL &&
	    or_address_get(or, OR_X121) == NULL)
		bad_text(option, text, strlen(text),
		    "no country (C=) in the address");
	if (!or_address_has_form(or, &attr, &why))
		bad_text(option, text, attr != NULL ?
		    attribute_at(text, attr->type) : 0, why);
}

static void
add_recipient(struct submission *s, const char *text)
{
	if (s->nto == UB_RECIPIENTS)
		errx(EXIT_USAGE, "-t: more than %d recipients",
		    UB_RECIPIENTS);
	s->to = reallocarray(s->to, s->nto + 1, sizeof(*s->to));
	if (s->to == NULL)
		err(1, NULL);
	address(s, "-t", text, &s->to[s->nto++]);
}

static int
report_flags(const char *text)
{
	if (strcmp(text, "none") == 0)
		return (PRI_REPORT(1) | PRI_USER_REPORT(0));
	if (strcmp(text, "basic") == 0)
		return (PRI_REPORT(1) | PRI_USER_REPORT(1));
	if (strcmp(text, "confirmed") == 0)
		return (PRI_REPORT(2) | PRI_USER_REPORT(2));
	if (strcmp(text, "audit") == 0)
		return (PRI_REPORT(3) | PRI_USER_REPORT(2));
	errx(EXIT_USAGE, "-r: %s: none, basic, confirmed or audit expected",
	    text);
}

static void
set_subject(struct submission *s, const char *text)
{
	size_t where;

	if (t61_from_utf8(text, s->subject_t61, sizeof(s->subject_t61),
	    &where) == -1)
		bad_text("-s", text, where,
		    where >= SUBJECT_MAX - 1 ? "subject too long" :
		    "not UTF-8, or a character that teletex (T.61) does not "
		    "have");
	s->subject = s->subject_t61;
}

static int
by_address(const void *a, const void *b)
{
	const struct or_address *x = *(const struct or_address *const *)a;
	const struct or_address *y = *(const struct or_address *const *)b;
	int c = or_address_compare(x, y);

	return (c != 0 ? c : x < y ? -1 : x > y);
}

/* One copy for each, however often it is named; the first of them stays. */
static void
unique(struct submission *s)
{
	struct or_address **all;
	size_t i, n = 0, first = 0;

	if (s->nto < 2)
		return;
	if ((all = calloc(s->nto, sizeof(*all))) == NULL)
		err(1, NULL);
	for (i = 0; i < s->nto; i++)
		all[i] = &s->to[i];
	qsort(all, s->nto, sizeof(*all), by_address);
	for (i = 1; i < s->nto; i++) {
		if (or_address_compare(all[first], all[i]) == 0)
			all[i]->nattr = 0;
		else
			first = i;
	}
	free(all);
	for (i = 0; i < s->nto; i++)
		if (s->to[i].nattr > 0)
			s->to[n++] = s->to[i];
	s->nto = n;
}

/* What goes with what, and the file. */
static void
check_arguments(struct submission *s, const char *file)
{
	if (s->mime && (s->ready || s->subject != NULL))
		usage("submit: with -m neither -b nor -s");
	if (!s->have_from && !s->mime)
		usage("submit: -f with the O/R address of the originator "
		    "is missing");
	if (s->nto == 0 && !s->mime)
		usage("submit: -t with the O/R address of a recipient is "
		    "missing");
	if (s->ready && s->subject != NULL)
		usage("submit: a ready content (-b) has its own subject");
	s->name = "standard input";
	s->fd = STDIN_FILENO;
	if (file != NULL && strcmp(file, "-") != 0) {
		s->name = file;
		if ((s->fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
			err(1, "%s", s->name);
	}
}

static void
arguments(struct submission *s, int argc, char **argv)
{
	static char name[] = "mtactl";
	int ch, priority;

	argv[0] = name;			/* for the errors of getopt */
	optind = 1;
#ifdef LIBBSD_OVERLAY
	optreset = 1;
#endif
	while ((ch = getopt(argc, argv, "bf:mp:r:s:t:")) != -1) {
		switch (ch) {
		case 'b':
			s->ready = 1;
			break;
		case 'f':
			address(s, "-f", optarg, &s->m->originator);
			s->have_from = 1;
			break;
		case 'm':
			s->mime = 1;
			break;
		case 'p':
			s->have_priority = 1;
			if ((priority = priority_parse(optarg)) == -1)
				errx(EXIT_USAGE, "-p: %s: urgent, normal or "
				    "non-urgent expected", optarg);
			s->m->priority = priority;
			break;
		case 'r':
			s->flags = report_flags(optarg);
			break;
		case 's':
			set_subject(s, optarg);
			break;
		case 't':
			add_recipient(s, optarg);
			break;
		default:
			usage(NULL);
		}
	}
	argc -= optind;
	argv += optind;
	if (argc > 1)
		usage("submit: one file at most");
	check_arguments(s, argc == 1 ? argv[0] : NULL);
	unique(s);
}

/* Text */

static ssize_t
read_some(struct submission *s, void *buf, size_t len)
{
	ssize_t n;

	while ((n = read(s->fd, buf, len)) == -1 && errno == EINTR)
		;
	if (n == -1)
		err(1, "%s", s->name);
	return (n);
}

/*
 * Lines of IA5 text end with CR LF (X.420); those of a Unix file get
 * them.  to may be NULL.  Returns the octets written.
 */
static size_t
with_crlf(struct submission *s, const uint8_t *from, size_t len, uint8_t *to)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (from[i] == '\n' && s->last != '\r') {
			if (to != NULL)
				to[n] = '\r';
			n++;
		}
		if (to != NULL)
			to[n] = from[i];
		n++;
		s->last = from[i];
	}
	return (n);
}

static void
copy_out(FILE *copy, const void *buf, size_t len)
{
	if (copy != NULL && fwrite(buf, 1, len, copy) != len)
		err(1, "copy of the text");
}

/*
 * Reads the text once: for its length, and to see that it is IA5.  Of what
 * cannot be read twice a file without a name is made.
 */
static void
measure(struct submission *s)
{
	uint8_t buf[16384];
	uint64_t lines = 1;
	struct stat st;
	FILE *copy = NULL;
	ssize_t n, i;

	if (fstat(s->fd, &st) == -1)
		err(1, "%s", s->name);
	if (S_ISDIR(st.st_mode))
		errx(1, "%s: is a directory", s->name);
	if ((!S_ISREG(st.st_mode) || lseek(s->fd, 0, SEEK_CUR) != 0) &&
	    (copy = tmpfile()) == NULL)
		err(1, "copy of the text");
	while ((n = read_some(s, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++) {
			if (buf[i] >= 128)
				errx(1, "%s: line %" PRIu64 ": octet 0x%02x "
				    "is not of IA5 text; -m sends other "
				    "characters, of a text with a header of "
				    "MIME", s->name, lines, buf[i]);
			lines += buf[i] == '\n';
		}
		s->text_len += with_crlf(s, buf, n, NULL);
		copy_out(copy, buf, n);
	}
	if (copy != NULL) {
		if (fflush(copy) != 0 || (s->fd = dup(fileno(copy))) == -1)
			err(1, "copy of the text");
		fclose(copy);
	}
	if (lseek(s->fd, 0, SEEK_SET) == -1)
		err(1, "%s", s->name);
	s->last = 0;
}

/* The content around the text. */
static void
frame(struct submission *s)
{
	struct p2_heading h;
	struct utctime now;
	const char *why;
	char id[64];

	memset(&h, 0, sizeof(h));
	utctime_set(&now, time(NULL));
	snprintf(id, sizeof(id), "%s.%ld.%08" PRIX32, now.text,
	    (long)getpid(), arc4random());
	h.id = id;
	h.originator = &s->m->originator;
	h.to = s->to;
	h.nto = s->nto;
	h.subject = s->subject;
	s->is_1988 = h.is_1988 = !p2_is_1984(&h);
	if ((s->head = ibuf_dynamic(0, ENVELOPE_MAX)) == NULL ||
	    (s->tail = ibuf_dynamic(0, ENVELOPE_MAX)) == NULL)
		err(1, NULL);
	if (p2_ipm_head(&h, s->text_len, s->head, s->tail, &why) == -1)
		errx(1, "heading of the message: %s", why);
}

/* MIME */

#define GENERAL_TEXT	"1.0.10021.7.1.0."	/* and a registration */
#define FILE_TRANSFER	"2.6.1.12.0"		/* id-eit-file-transfer */

/* Encoded information types that have no bit. */
static void
external_eits(struct submission *s, const struct mime_submission *ms)
{
	static const char *const sets[] = {
		GENERAL_TEXT "1", GENERAL_TEXT "6", GENERAL_TEXT "100"
	};
	struct eits *eits = &s->m->original;
	size_t i;

	eits->external = message_alloc(s->m, 4 * sizeof(char *));
	if (eits->external == NULL)
		err(1, NULL);
	for (i = 0; ms->general_text && i < 3; i++)
		eits->external[eits->nexternal++] =
		    message_memdup(s->m, sets[i], strlen(sets[i]));
	if (ms->file_transfer)
		eits->external[eits->nexternal++] = message_memdup(s->m,
		    FILE_TRANSFER, strlen(FILE_TRANSFER));
	for (i = 0; i < eits->nexternal; i++)
		if (eits->external[i] == NULL)
			err(1, NULL);
}

/* A user who gives -t may think that the header counts as well. */
static void
warn_left_out(const struct mime_submission *ms)
{
	char first[sizeof(ms->left_out_first)], others[64] = "";
	char *c;

	strlcpy(first, ms->left_out_first, sizeof(first));
	for (c = first; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	if (ms->left_out > 1)
		snprintf(others, sizeof(others), " and %zu other%s",
		    ms->left_out - 1, ms->left_out == 2 ? "" : "s");
	warnx("it does not go to %s%s of To, Cc or Bcc: with -t only to those "
	    "of -t", first, others);
}

/* The text becomes a ready content, and the envelope what it says. */
static void
convert(struct submission *s)
{
	struct mime_submission ms;
	struct stat st;

	memset(&ms, 0, sizeof(ms));
	ms.m = s->m;
	if (s->have_from)
		ms.originator = s->m->originator;
	ms.to = s->to;
	ms.nto = s->nto;
	s->fd = submit_mime(&ms, s->fd, s->name);
	if (fstat(s->fd, &st) == -1)
		err(1, "content of the message");
	s->name = "content of the message";
	s->ready = 1;
	s->m->content_len = st.st_size;
	s->m->originator = ms.originator;
	if (s->nto == 0) {
		s->to = reallocarray(NULL, ms.nto, sizeof(*s->to));
		if (s->to == NULL)
			err(1, NULL);
		memcpy(s->to, ms.to, ms.nto * sizeof(*s->to));
		s->nto = ms.nto;
		unique(s);
	}
	if (ms.left_out > 0)
		warn_left_out(&ms);
	if (ms.priority != -1 && !s->have_priority)
		s->m->priority = ms.priority;
	s->m->content_type = ms.content_type;
	s->m->original.present = 1;
	s->m->original.nbits = 3;
	s->m->original.bits = ms.eits;
	external_eits(s, &ms);
}

/* Sending */

static void
envelope(struct submission *s, struct ctl *c)
{
	struct message *m = s->m;
	struct ibuf *b;
	size_t i, len;

	if (!s->mime)
		m->content_type = s->is_1988 ? CONTENT_P22 : CONTENT_P2;
	m->has_content = 1;
	if (!s->ready) {
		m->original.present = 1;
		m->original.nbits = 3;
		m->original.bits = EIT_IA5_TEXT;
		m->content_len = ibuf_size(s->head) + s->text_len +
		    ibuf_size(s->tail);
	}
	m->nrecipient = s->nto;
	m->recipient = message_alloc(m, s->nto * sizeof(*m->recipient));
	if (m->recipient == NULL ||
	    (b = ibuf_dynamic(4096, 4 * ENVELOPE_MAX)) == NULL)
		err(1, NULL);
	for (i = 0; i < s->nto; i++) {
		m->recipient[i].name = s->to[i];
		m->recipient[i].number = i + 1;
		m->recipient[i].flags = PRI_RESPONSIBILITY | s->flags;
	}
	if (message_serialise(m, b) == -1)
		err(1, "envelope");
	for (; ibuf_size(b) > 0; ibuf_skip(b, len)) {
		len = ibuf_size(b) < FRAGMENT_MAX ? ibuf_size(b) :
		    FRAGMENT_MAX;
		ctl_send(c, CTL_SUBMIT, ibuf_data(b), len);
	}
	ibuf_free(b);
}

static size_t
take(struct ibuf *b, uint8_t *buf, size_t size)
{
	if (b == NULL || ibuf_size(b) == 0)
		return (0);
	if (size > ibuf_size(b))
		size = ibuf_size(b);
	ibuf_get(b, buf, size);
	return (size);
}

static void __attribute__((noreturn))
changed(const struct submission *s)
{
	errx(1, "%s: changed while it was read", s->name);
}

/* The next octets of the content; 0 at its end. */
static size_t
content(struct submission *s, uint8_t *buf, size_t size)
{
	uint8_t text[FRAGMENT_MAX / 2];
	size_t len;
	ssize_t n;

	if (s->ready)
		return ((size_t)read_some(s, buf, size));
	if ((len = take(s->head, buf, size)) > 0)
		return (len);
	if ((n = read_some(s, text, size / 2)) > 0) {
		len = with_crlf(s, text, n, buf);
		if ((s->sent += len) > s->text_len)
			changed(s);
		return (len);
	}
	if (s->sent != s->text_len)
		changed(s);
	return (take(s->tail, buf, size));
}

static int
more(struct ctl *c, void *arg)
{
	struct submission *s = arg;
	size_t len;

	len = content(s, s->buf, sizeof(s->buf));
	if (len == 0) {
		ctl_send(c, CTL_SUBMIT_END, NULL, 0);
		return (0);
	}
	ctl_send(c, CTL_SUBMIT_CONTENT, s->buf, len);
	return (1);
}

static void
print(const struct ctl_submitted *r, int as_json)
{
	struct json j;

	if (!as_json) {
		printf("%016" PRIX64 " %s\n", r->id, r->mts_id);
		return;
	}
	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_id(&j, "id", r->id);
	json_string(&j, "mts_id", r->mts_id);
	json_close(&j, '}');
	json_end(&j);
}

/* It is in the spool nevertheless, perhaps only to be reported about. */
static void
warn_trouble(struct imsg *imsg, uint32_t n)
{
	struct ctl_check t;
	char line[2 * OR_TEXT_MAX], others[64] = "";

	ctl_row(imsg, &t, sizeof(t));
	check_line(&t, line, sizeof(line));
	if (n > 1)
		snprintf(others, sizeof(others), "; %" PRIu32 " other%s not "
		    "reached either", n - 1, n == 2 ? " is" : "s are");
	warnx("%s%s", line, others);
}

void
submit_run(const char *path, int argc, char **argv, int as_json)
{
	struct ctl_submitted r;
	struct submission *s;
	struct imsg imsg;
	struct ctl c;
	uint32_t type;
	int done = 0;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->m = message_new()) == NULL)
		err(1, NULL);
	s->flags = report_flags("basic");
	arguments(s, argc, argv);
	if (s->mime)
		convert(s);
	if (!s->ready) {
		measure(s);
		frame(s);
	}
	ctl_open(&c, path);
	envelope(s, &c);
	while ((type = ctl_next(&c, &imsg, more, s)) != CTL_END) {
		if (type == CTL_ROW_TROUBLE && done) {
			warn_trouble(&imsg, r.troubles);
			continue;
		}
		ctl_row(&imsg, &r, sizeof(r));
		TERMINATE(r.mts_id);
		print(&r, as_json);
		if (fflush(stdout) != 0)
			err(1, "it is submitted, as %016" PRIX64 ", but "
			    "standard output", r.id);
		done = 1;
	}
	if (!done)
		errx(1, "mtad gave the message no identifier");
	ibuf_free(s->head);
	ibuf_free(s->tail);
	message_free(s->m);
	free(s->to);
	free(s);
}
