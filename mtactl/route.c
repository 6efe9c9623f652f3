/* SPDX-License-Identifier: ISC */

/*
 * "mtactl route" explains where an address goes, "mtactl check" what would
 * become of a message.  spoold decides and finds the words; nothing is
 * stored.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "mtactl.h"

/* Route */

static const char *const results[] = { "none", "unknown", "found" };
static const char *const hop_kinds[CTL_HOP_KINDS] = {
	"peer", "directory", "command"
};

struct answer {
	struct ctl_route	 route;
	struct ctl_hop		 hop[ROUTE_VIAS_MAX];
	uint32_t		 nhop;
	char			**step;
	size_t			 nstep;
};

static void
add_step(struct answer *a, struct imsg *imsg)
{
	size_t len = imsg_get_len(imsg);
	char *s;

	a->step = reallocarray(a->step, a->nstep + 1, sizeof(*a->step));
	if (a->step == NULL || (s = strndup(ibuf_data(&imsg->body),
	    len)) == NULL)
		err(1, NULL);
	a->step[a->nstep++] = s;
}

static void
get_answer(struct ctl *c, struct answer *a)
{
	struct ctl_hop *h;
	struct imsg imsg;
	uint32_t type;

	memset(a, 0, sizeof(*a));
	while ((type = ctl_next(c, &imsg, NULL, NULL)) != CTL_END) {
		if (type == CTL_ROW)
			ctl_row(&imsg, &a->route, sizeof(a->route));
		else if (type == CTL_ROW_STEP && imsg_get_len(&imsg) > 0)
			add_step(a, &imsg);
		else if (type == CTL_ROW_HOP && a->nhop < ROUTE_VIAS_MAX) {
			h = &a->hop[a->nhop++];
			ctl_row(&imsg, h, sizeof(*h));
			if (h->kind >= CTL_HOP_KINDS)
				errx(1, "%s: unexpected answer", c->path);
			TERMINATE(h->name);
			TERMINATE(h->state);
		} else
			errx(1, "%s: unexpected answer", c->path);
		imsg_free(&imsg);
	}
	TERMINATE(a->route.address);
	TERMINATE(a->route.prefix);
	TERMINATE(a->route.via);
	if (a->route.result > CTL_ROUTE_FOUND)
		errx(1, "%s: unexpected answer", c->path);
}

static void
json_text(struct json *j, const char *key, const char *s)
{
	if (s[0] == '\0')
		json_null(j, key);
	else
		json_string(j, key, s);
}

static void
route_json(const struct answer *a)
{
	const struct ctl_hop *h;
	struct json j;
	size_t i;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "address", a->route.address);
	json_string(&j, "result", results[a->route.result]);
	json_text(&j, "prefix", a->route.prefix);
	json_uint(&j, "attributes", a->route.attributes);
	json_text(&j, "via", a->route.via);
	json_array(&j, "hops");
	for (i = 0; i < a->nhop; i++) {
		h = &a->hop[i];
		json_object(&j, NULL);
		json_string(&j, "name", h->name);
		json_string(&j, "kind", hop_kinds[h->kind]);
		json_uint(&j, "cost", h->cost);
		json_uint(&j, "weight", h->weight);
		json_bool(&j, "usable", h->usable);
		json_bool(&j, "chosen", h->chosen);
		json_string(&j, "state", h->state);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_array(&j, "steps");
	for (i = 0; i < a->nstep; i++)
		json_string(&j, NULL, a->step[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
}

static void
put_text(const char *s)
{
	for (; *s != '\0'; s++)
		putchar(*s >= ' ' && *s <= '~' ? *s : '?');
	putchar('\n');
}

static void
route_words(const struct answer *a)
{
	const struct ctl_hop *h;
	char line[CTL_WHERE_MAX + 256];
	size_t i;

	put_text(a->route.address);
	/* the last step is the outcome */
	for (i = 0; i + 1 < a->nstep; i++)
		put_text(a->step[i]);
	for (i = 0; i < a->nhop; i++) {
		h = &a->hop[i];
		snprintf(line, sizeof(line), "%zu. %s %s, cost %u weight %u, "
		    "%s: %s", i + 1, hop_kinds[h->kind], h->name,
		    h->cost, h->weight, h->usable ? "usable" :
		    "not usable", h->state);
		put_text(line);
	}
	if (a->nstep > 0)
		put_text(a->step[a->nstep - 1]);
}

static void
parse_address(struct message *m, struct or_address *or, const char *option,
    const char *text)
{
	const char *why;
	size_t where;

	if (or_address_parse(m, or, text, &where, &why) == -1)
		bad_text(option, text, where, why);
}

void
route_run(const char *path, int argc, char **argv, int as_json)
{
	struct or_address or;
	struct message *m;
	struct answer a;
	struct ctl c;

	if (argc != 2)
		usage("route: one address expected");
	if ((m = message_new()) == NULL)
		err(1, NULL);
	parse_address(m, &or, "route", argv[1]);
	message_free(m);
	ctl_open(&c, path);
	ctl_send(&c, CTL_ROUTE, argv[1], strlen(argv[1]));
	get_answer(&c, &a);
	if (as_json)
		route_json(&a);
	else
		route_words(&a);
}

/* Check */

static const char *const fates[CTL_FATES] = {
	"routed", "delivered", "held", "non-delivery", "refused", "replaced"
};

static void
add_recipient(struct message *m, const char *text)
{
	struct recipient *to;

	if (m->nrecipient == UB_RECIPIENTS)
		errx(EXIT_USAGE, "-t: more than %d recipients",
		    UB_RECIPIENTS);
	to = recallocarray(m->recipient, m->nrecipient, m->nrecipient + 1,
	    sizeof(*to));
	if (to == NULL)
		err(1, NULL);
	m->recipient = to;
	/* those of submit: what is not asked for would not be told */
	to[m->nrecipient].flags = PRI_REPORT(1) | PRI_USER_REPORT(1);
	parse_address(m, &to[m->nrecipient++].name, "-t", text);
}

static struct message *
check_message(int argc, char **argv)
{
	static char name[] = "mtactl";
	struct message *m;
	const char *why;
	int ch, priority;

	if ((m = message_new()) == NULL)
		err(1, NULL);
	m->type = MESSAGE_USER;
	m->content_type = 2;
	argv[0] = name;			/* for the errors of getopt */
	optind = 1;
#ifdef LIBBSD_OVERLAY
	optreset = 1;
#endif
	while ((ch = getopt(argc, argv, "f:l:p:t:")) != -1) {
		switch (ch) {
		case 'f':
			parse_address(m, &m->originator, "-f", optarg);
			break;
		case 'l':
			m->content_len = strtonum(optarg, 0, INT64_MAX,
			    &why);
			if (why != NULL)
				errx(EXIT_USAGE, "-l: %s: a number of octets "
				    "was expected", optarg);
			break;
		case 'p':
			if ((priority = priority_parse(optarg)) == -1)
				errx(EXIT_USAGE, "-p: %s: urgent, normal or "
				    "non-urgent expected", optarg);
			m->priority = priority;
			break;
		case 't':
			add_recipient(m, optarg);
			break;
		default:
			usage(NULL);
		}
	}
	if (optind != argc || m->nrecipient == 0)
		usage("check: at least one -t and no other argument expected");
	/* from whom does not matter for the way, but there has to be one */
	if (OR_ABSENT(&m->originator) && or_address_copy(m, &m->originator,
	    &m->recipient[0].name) == -1)
		err(1, NULL);
	return (m);
}

static void
send_check(struct ctl *c, const struct message *m)
{
	struct ibuf *buf;
	const uint8_t *p;
	size_t len, n;

	if ((buf = ibuf_dynamic(1024, ENVELOPE_MAX)) == NULL ||
	    message_serialise(m, buf) == -1)
		errx(1, "envelope too long");
	p = ibuf_data(buf);
	for (len = ibuf_size(buf); len > 0; p += n, len -= n) {
		n = len > FRAGMENT_MAX ? FRAGMENT_MAX : len;
		ctl_send(c, CTL_SUBMIT, p, n);
	}
	ctl_send(c, CTL_CHECK, NULL, 0);
	ibuf_free(buf);
}

static void
check_json(struct json *j, const struct ctl_check *r)
{
	json_object(j, NULL);
	json_string(j, "recipient", r->name);
	json_string(j, "fate", fates[r->fate]);
	json_text(j, "where", r->where);
	if (r->fate == CTL_NONDELIVERY && r->reason >= 0)
		json_uint(j, "reason", r->reason);
	else
		json_null(j, "reason");
	if (r->fate == CTL_NONDELIVERY && r->diagnostic >= 0)
		json_uint(j, "diagnostic", r->diagnostic);
	else
		json_null(j, "diagnostic");
	json_text(j, "text", r->text);
	json_close(j, '}');
}

void
check_line(struct ctl_check *r, char *line, size_t size)
{
	char codes[48] = "", *s;

	TERMINATE(r->name);
	TERMINATE(r->where);
	TERMINATE(r->text);
	if (r->fate >= CTL_FATES)
		errx(1, "unexpected answer");
	if (r->fate == CTL_NONDELIVERY && r->reason >= 0)
		snprintf(codes, sizeof(codes), r->diagnostic >= 0 ?
		    " %d/%d" : " %d", r->reason, r->diagnostic);
	snprintf(line, size, "%s: %s%s%s%s%s%s", r->name,
	    fates[r->fate], codes, r->where[0] == '\0' ? "" :
	    r->fate == CTL_ROUTED ? " to " : r->fate == CTL_DELIVERED ?
	    " in " : " at ", r->where, r->text[0] == '\0' ? "" : ": ",
	    r->text);
	for (s = line; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

void
check_run(const char *path, int argc, char **argv, int as_json)
{
	char line[2 * OR_TEXT_MAX];
	struct ctl_check r;
	struct message *m;
	struct imsg imsg;
	struct json j;
	struct ctl c;

	m = check_message(argc, argv);
	ctl_open(&c, path);
	send_check(&c, m);
	if (as_json) {
		json_begin(&j, stdout);
		json_array(&j, NULL);
	}
	while (ctl_next(&c, &imsg, NULL, NULL) == CTL_ROW) {
		ctl_row(&imsg, &r, sizeof(r));
		imsg_free(&imsg);
		check_line(&r, line, sizeof(line));
		if (as_json)
			check_json(&j, &r);
		else
			puts(line);
	}
	if (as_json) {
		json_close(&j, ']');
		json_end(&j);
	}
	free(m->recipient);
	message_free(m);
}
