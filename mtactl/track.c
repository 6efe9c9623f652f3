/* SPDX-License-Identifier: ISC */

/*
 * "mtactl track": what the audit log has of messages.  spoold picks lines by
 * time, by ids and by a text that is in them; what exactly fits is decided
 * here, and then all lines of the messages found are asked for.
 */

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit_line.h"
#include "json.h"
#include "mtactl.h"

struct ids {
	uint64_t	*id;
	size_t		 n;
};

struct query {
	struct ctl		 ctl;
	struct ctl_track	 want;
	struct message		*arena;
	struct or_address	 address;	/* absent: not by address */
	const char		*mts_id;	/* NULL: not by it */
	struct ids		 found;
	size_t			 asked;		/* of them */
	void			*seen;		/* keys, tsearch(3) */
	struct line		*event;
	size_t			 nevent;
	int			 about_only;	/* mts_id: its reports alone */
	int			 as_json;
	int			 printed;
};

/* Lines */

static int
compare_key(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

/* After a crash a line may be there twice. */
static int
is_new(struct query *q, const struct line *e)
{
	uint64_t	*key, **found;

	if ((key = malloc(sizeof(*key))) == NULL)
		err(1, NULL);
	*key = e->key;
	if ((found = tsearch(key, &q->seen, compare_key)) == NULL)
		err(1, NULL);
	if (*found == key)
		return (1);
	free(key);
	return (0);
}

static void
add_id(struct ids *ids, uint64_t id)
{
	size_t	i;

	if (id == 0)
		return;
	for (i = ids->n; i > 0; i--)
		if (ids->id[i - 1] == id)
			return;
	if ((ids->id = reallocarray(ids->id, ids->n + 1,
	    sizeof(*ids->id))) == NULL)
		err(1, NULL);
	ids->id[ids->n++] = id;
}

/* What fits */

static int
is_address(const char *name)
{
	return (strcmp(name, "originator") == 0 ||
	    strcmp(name, "recipient") == 0 ||
	    strcmp(name, "destination") == 0 ||
	    strcmp(name, "redirected-to") == 0);
}

static int
has_address(const struct query *q, const struct line *e)
{
	struct or_address	 a;
	struct message		*m;
	const char		*why;
	size_t			 i, where;
	int			 fits = 0;

	for (i = 0; i < e->n && !fits; i++) {
		if (!is_address(e->field[i].name))
			continue;
		if ((m = message_new()) == NULL)
			err(1, NULL);
		fits = or_address_parse(m, &a, e->field[i].value, &where,
		    &why) == 0 && or_address_match(&q->address, &a) >= 0;
		message_free(m);
	}
	return (fits);
}

static int
fits(const struct query *q, const struct line *e)
{
	const char	*id, *subject;

	if (q->want.nids > 0)
		return (e->id == q->want.id[0]);
	if (q->mts_id != NULL) {
		id = line_field(e, "mts-id");
		subject = line_field(e, "subject-id");
		return ((id != NULL && !q->about_only &&
		    strcasecmp(id, q->mts_id) == 0) ||
		    (subject != NULL && strcasecmp(subject, q->mts_id) == 0));
	}
	return (q->address.nattr == 0 || has_address(q, e));
}

/* Printing */

static int
is_number(const char *name)
{
	static const char *const names[] = { "size", "octets", "recipients",
	    "part", "reason", "diagnostic", "members", "redirection-reason",
	    "content-type" };
	size_t	i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return (1);
	return (0);
}

static void
json_field(struct json *j, const struct field *f)
{
	char		*end;
	uint64_t	 v = strtoull(f->value, &end, 10);

	if (is_number(f->name) && isdigit((unsigned char)*f->value) &&
	    *end == '\0')
		json_uint(j, f->name, v);
	else
		json_string(j, f->name, f->value);
}

/* What comes behind a recipient, as far as the next one, is of that one. */
static void
print_json(const struct line *e)
{
	struct json	j;
	size_t		i;
	int		list = 0;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	for (i = 0; i < e->n; i++) {
		if (strcmp(e->field[i].name, "recipient") == 0) {
			if (list++ == 0)
				json_array(&j, "recipient_list");
			else
				json_close(&j, '}');
			json_object(&j, NULL);
			json_string(&j, "name", e->field[i].value);
		} else
			json_field(&j, &e->field[i]);
	}
	if (list > 0) {
		json_close(&j, '}');
		json_close(&j, ']');
	}
	json_close(&j, '}');
	json_end(&j);
}

static void
put(const char *s)
{
	for (; *s != '\0'; s++)
		putchar(*s < ' ' || *s > '~' ? '?' : *s);
}

/* Members that the first line of a history has said. */
static int
said(const char *name)
{
	static const char *const names[] = { "time", "key", "event", "id",
	    "type", "mts-id", "priority", "content-type", "originator",
	    "subject-id", "destination", "arrival", "size", "part",
	    "recipients", "transferred", "delivered", "trace" };
	size_t	i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return (1);
	return (0);
}

static void
print_event(const struct line *e)
{
	char	when[32];
	size_t	i;

	strlcpy(when, line_field(e, "time") != NULL ? line_field(e, "time") : "?",
	    sizeof(when));
	when[strcspn(when, "T")] = ' ';
	when[strcspn(when, "Z")] = '\0';
	printf("  ");
	put(when);
	printf("  %-11s", line_field(e, "event"));
	for (i = 0; i < e->n; i++) {
		if (said(e->field[i].name))
			continue;
		if (strcmp(e->field[i].name, "recipient") == 0)
			printf("\n%38s", "");
		else {
			putchar(' ');
			put(e->field[i].name);
			putchar(' ');
		}
		put(e->field[i].value);
	}
	putchar('\n');
}

static void
print_head(const struct line *e)
{
	static const char *const names[] = { "mts-id", "subject-id",
	    "originator", "destination", "priority", "size", "trace" };
	const char	*v;
	size_t		 i;

	v = line_field(e, "type");
	printf("%s %016" PRIX64 "\n", v != NULL ? v : "message", e->id);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((v = line_field(e, names[i])) != NULL) {
			printf("  %-12s", names[i]);
			put(v);
			putchar('\n');
		}
}

/* A history each, in the order of their first events. */
static void
print_all(struct query *q)
{
	struct ids	 ids = { NULL, 0 };
	struct line	*e;
	size_t		 i, k, n;

	for (k = 0; k < q->nevent; k++)
		add_id(&ids, q->event[k].id);
	for (i = 0; i < ids.n; i++)
		for (k = n = 0; k < q->nevent; k++) {
			e = &q->event[k];
			if (e->id != ids.id[i])
				continue;
			if (q->as_json)
				print_json(e);
			else {
				if (n++ == 0) {
					if (i > 0)
						putchar('\n');
					print_head(e);
				}
				print_event(e);
			}
			q->printed = 1;
		}
	free(ids.id);
}

/* Asking */

/* All lines that fit: kept, or printed, or only their ids. */
enum take { TAKE_IDS, TAKE_KEEP, TAKE_PRINT };

static void
take(struct query *q, const char *text, size_t len, enum take how)
{
	struct line	 e;
	const char	*report;

	if (!line_parse(&e, text, len))
		return;
	if (how == TAKE_IDS) {
		if (fits(q, &e))
			add_id(&q->found, e.id);
		line_free(&e);
		return;
	}
	if (!is_new(q, &e)) {
		line_free(&e);
		return;
	}
	if (how == TAKE_PRINT) {
		if (q->as_json)
			print_json(&e);
		else {
			printf("%016" PRIX64, e.id);
			print_event(&e);
		}
		q->printed = 1;
		line_free(&e);
		return;
	}
	if ((report = line_field(&e, "report")) != NULL)
		add_id(&q->found, strtoull(report, NULL, 16));
	if ((q->event = reallocarray(q->event, q->nevent + 1,
	    sizeof(*q->event))) == NULL)
		err(1, NULL);
	q->event[q->nevent++] = e;
}

static void
ask(struct query *q, const struct ctl_track *want, enum take how)
{
	struct imsg	 imsg;
	const char	*p, *end, *nl;

	ctl_send(&q->ctl, CTL_TRACK, want, sizeof(*want));
	while (ctl_next(&q->ctl, &imsg, NULL, NULL) != CTL_END) {
		p = ibuf_data(&imsg.body);
		end = p + imsg_get_len(&imsg);
		for (; p < end && (nl = memchr(p, '\n', end - p)) != NULL;
		    p = nl + 1)
			take(q, p, nl - p, how);
	}
}

/* All of the messages found, and of the reports about them. */
static void
histories(struct query *q)
{
	struct ctl_track	want;
	size_t			n;

	for (; q->asked < q->found.n; q->asked += n) {
		memset(&want, 0, sizeof(want));
		n = q->found.n - q->asked < TRACK_IDS ? q->found.n -
		    q->asked : TRACK_IDS;
		memcpy(want.id, q->found.id + q->asked,
		    n * sizeof(want.id[0]));
		want.nids = n;
		ask(q, &want, TAKE_KEEP);
	}
}

static void	want_mts_id(struct query *, const char *);

/*
 * By the name of the message: the reports about it, from here or from a peer,
 * at whatever time; and what a message that was redirected or expanded goes
 * on as.
 */
static void
related(struct query *q)
{
	const char	*event, *mts_id = q->mts_id;
	size_t		 i;

	q->about_only = 1;
	for (i = 0; i < q->nevent && q->mts_id == NULL; i++) {
		if (q->event[i].id != q->want.id[0])
			continue;
		if (mts_id == NULL)
			mts_id = line_field(&q->event[i], "mts-id");
		event = line_field(&q->event[i], "event");
		if (strcmp(event, "redirect") == 0 ||
		    strcmp(event, "expand") == 0)
			q->about_only = 0;
	}
	if (mts_id == NULL)
		return;
	memset(&q->want, 0, sizeof(q->want));
	want_mts_id(q, mts_id);
	ask(q, &q->want, TAKE_IDS);
	histories(q);
}

/* Arguments */

static int
parse_ago(const char *text, int64_t *when)
{
	static const char	 units[] = "smhdw";
	static const int	 seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char		*u;
	char			*end;
	unsigned long		 v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno != 0 || *end == '\0' ||
	    (u = strchr(units, *end)) == NULL || end[1] != '\0' ||
	    v > INT_MAX / 2)
		return (-1);
	*when = (int64_t)time(NULL) - (int64_t)v * seconds[u - units];
	if (*when < 0)
		*when = 0;
	return (0);
}

static int64_t
parse_when(const char *text)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S",
	    "%Y-%m-%dT%H:%M", "%Y-%m-%d" };
	const char	*end;
	struct tm	 tm;
	int64_t		 when;
	size_t		 i;

	if (parse_ago(text, &when) == 0)
		return (when);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (end != NULL && (*end == '\0' || strcmp(end, "Z") == 0) &&
		    (when = timegm(&tm)) >= 0)
			return (when);
	}
	errx(EXIT_USAGE, "%s: a time was expected, as 2026-11-24, "
	    "2026-11-24T22:18 (UTC), or 90s, 5m, 2h, 7d ago", text);
}

/* 0 is no end at all. */
static int64_t
parse_until(const char *text)
{
	int64_t	when = parse_when(text);

	return (when > 0 ? when : 1);
}

/* A word of the address that its lines have to have, in any case. */
static void
address_word(const struct or_address *a, char *out, size_t size)
{
	const char	*v;
	size_t		 i, n, best = 0;

	for (i = 0; i < a->nattr; i++) {
		v = a->attr[i].value;
		for (n = 0; isalnum((unsigned char)v[n]); n++)
			;
		if (n > best && n < size) {
			best = n;
			memcpy(out, v, n);
			out[n] = '\0';
		}
	}
}

static void
want_mts_id(struct query *q, const char *text)
{
	q->mts_id = text;
	/* a text in the log is escaped, so only as far as it can be */
	strlcpy(q->want.text, text, sizeof(q->want.text));
	q->want.text[strcspn(q->want.text, "\"\\")] = '\0';
}

static void
parse_what(struct query *q, const char *text)
{
	const char	*why;
	size_t		 where;

	if (text[0] == '[')
		want_mts_id(q, text);
	else if (strchr(text, '=') == NULL) {
		q->want.id[0] = parse_id(text);
		q->want.nids = 1;
	} else if (or_address_parse(q->arena, &q->address, text, &where,
	    &why) == -1)
		bad_text("track", text, where, why);
	else
		address_word(&q->address, q->want.text,
		    sizeof(q->want.text));
}

static void
parse_args(struct query *q, int argc, char **argv)
{
	int	i = 1;

	if (argc > 1 && strcmp(argv[1], "since") != 0 &&
	    strcmp(argv[1], "until") != 0)
		parse_what(q, argv[i++]);
	for (; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "since") == 0)
			q->want.since = parse_when(argv[i + 1]);
		else if (strcmp(argv[i], "until") == 0)
			q->want.until = parse_until(argv[i + 1]);
		else
			break;
	}
	if (i < argc)
		usage("track: an id, an MTS identifier or an O/R address, "
		    "\"since\" or \"until\" and a time expected");
	if (q->want.until != 0 && q->want.since > q->want.until)
		errx(EXIT_USAGE, "track: \"since\" is later than \"until\": "
		    "nothing lies between");
	if (argc < 2)
		q->want.since = parse_when("1d");
}

void
track_run(const char *path, int argc, char **argv, int as_json)
{
	static struct query	q;
	size_t			i;
	int			timed;

	q.as_json = as_json;
	if ((q.arena = message_new()) == NULL)
		err(1, NULL);
	parse_args(&q, argc, argv);
	timed = q.want.since != 0 || q.want.until != 0;
	ctl_open(&q.ctl, path);
	if (q.want.nids == 0 && q.mts_id == NULL && q.address.nattr == 0)
		ask(&q, &q.want, TAKE_PRINT);
	else {
		/* the time says which messages; of them all is shown */
		if (q.want.nids > 0 && !timed)
			add_id(&q.found, q.want.id[0]);
		else
			ask(&q, &q.want, TAKE_IDS);
		histories(&q);
		if (q.nevent > 0 && (q.want.nids > 0 ||
		    (q.mts_id != NULL && timed)))
			related(&q);
		print_all(&q);
	}
	/* what was asked for by name should be there */
	if (!q.printed && (q.want.nids > 0 || q.mts_id != NULL ||
	    q.address.nattr > 0))
		errx(1, "nothing in the audit log");
	if (!q.printed && !as_json)
		warnx("nothing in the audit log%s", argc < 2 ?
		    " of the last day" : "");
	for (i = 0; i < q.nevent; i++)
		line_free(&q.event[i]);
	free(q.event);
	free(q.found.id);
	message_free(q.arena);
}
