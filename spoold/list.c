/* SPDX-License-Identifier: ISC */

/*
 * Recipient-assigned redirections and distribution lists of the
 * configuration, and what expanding a list and reporting to it means
 * (X.411 14.3.4, 14.3.10, 14.4.3).
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "spoold.h"

struct redirection_rule {
	RB_ENTRY(redirection_rule) entry;
	struct or_address	 from, to;
};

struct item {
	TAILQ_ENTRY(item)	 entry;
	struct or_address	 name;
};
TAILQ_HEAD(items, item);

struct list {
	RB_ENTRY(list)		 entry;
	struct or_address	 name;
	struct or_address	 owner;		/* OR_ABSENT: none */
	uint8_t			 reports;	/* enum list_reports */
	struct items		 members, submitters;
	uint32_t		 nmembers;
};

static int
rule_cmp(const struct redirection_rule *a, const struct redirection_rule *b)
{
	return (or_address_compare(&a->from, &b->from));
}

static int
list_cmp(const struct list *a, const struct list *b)
{
	return (or_address_compare(&a->name, &b->name));
}

RB_HEAD(rules, redirection_rule);
RB_HEAD(lists, list);
RB_PROTOTYPE(rules, redirection_rule, entry, rule_cmp)
RB_PROTOTYPE(lists, list, entry, list_cmp)
RB_GENERATE(rules, redirection_rule, entry, rule_cmp)
RB_GENERATE(lists, list, entry, list_cmp)

/* One configuration's; all names are in the arena of a message. */
struct set {
	struct message	*arena;
	struct rules	 rules;
	struct lists	 lists;
	struct list	*last;
};
static struct set	*staged, *active;

static void
items_free(struct items *items)
{
	struct item	*i;

	while ((i = TAILQ_FIRST(items)) != NULL) {
		TAILQ_REMOVE(items, i, entry);
		free(i);
	}
}

static void
set_free(struct set *s)
{
	struct redirection_rule	*r;
	struct list		*l;

	if (s == NULL)
		return;
	while ((r = RB_ROOT(&s->rules)) != NULL) {
		RB_REMOVE(rules, &s->rules, r);
		free(r);
	}
	while ((l = RB_ROOT(&s->lists)) != NULL) {
		RB_REMOVE(lists, &s->lists, l);
		items_free(&l->members);
		items_free(&l->submitters);
		free(l);
	}
	message_free(s->arena);
	free(s);
}

void
list_begin(void)
{
	set_free(staged);
	if ((staged = calloc(1, sizeof(*staged))) == NULL ||
	    (staged->arena = message_new()) == NULL)
		fatalx("out of memory");
	RB_INIT(&staged->rules);
	RB_INIT(&staged->lists);
}

void
list_end(void)
{
	set_free(active);
	active = staged;
	staged = NULL;
}

/* What mtad printed parses; anything else is no address of mtad's. */
static int
parse(struct or_address *to, const char *text, size_t size)
{
	const char	*why;
	size_t		 where;

	return (memchr(text, '\0', size) == NULL ? -1 :
	    or_address_parse(staged->arena, to, text, &where, &why));
}

int
list_redirect(const struct redirect_conf *c)
{
	struct redirection_rule	*r;

	if (staged == NULL || (r = calloc(1, sizeof(*r))) == NULL)
		return (-1);
	if (parse(&r->from, c->from, sizeof(c->from)) == -1 ||
	    parse(&r->to, c->to, sizeof(c->to)) == -1 ||
	    RB_INSERT(rules, &staged->rules, r) != NULL) {
		free(r);
		return (-1);
	}
	return (0);
}

int
list_add(const struct list_conf *c)
{
	struct list	*l;

	if (staged == NULL || c->reports > LIST_REPORTS_NONE ||
	    (l = calloc(1, sizeof(*l))) == NULL)
		return (-1);
	TAILQ_INIT(&l->members);
	TAILQ_INIT(&l->submitters);
	l->reports = c->reports;
	if (parse(&l->name, c->name, sizeof(c->name)) == -1 ||
	    (c->owner[0] != '\0' && parse(&l->owner, c->owner,
	    sizeof(c->owner)) == -1) ||
	    RB_INSERT(lists, &staged->lists, l) != NULL) {
		free(l);
		return (-1);
	}
	staged->last = l;
	return (0);
}

int
list_item(const struct list_item_conf *c)
{
	struct item	*i;

	if (staged == NULL || staged->last == NULL ||
	    (c->what != LIST_MEMBER && c->what != LIST_SUBMIT) ||
	    (i = calloc(1, sizeof(*i))) == NULL)
		return (-1);
	if (parse(&i->name, c->text, sizeof(c->text)) == -1) {
		free(i);
		return (-1);
	}
	TAILQ_INSERT_TAIL(c->what == LIST_MEMBER ? &staged->last->members :
	    &staged->last->submitters, i, entry);
	staged->last->nmembers += c->what == LIST_MEMBER;
	return (0);
}

const struct or_address *
redirect_find(const struct or_address *name)
{
	struct redirection_rule	key, *r;

	if (active == NULL || RB_EMPTY(&active->rules))
		return (NULL);
	key.from = *name;
	r = RB_FIND(rules, &active->rules, &key);
	return (r == NULL ? NULL : &r->to);
}

const struct list *
list_find(const struct or_address *name)
{
	struct list	key;

	if (active == NULL || RB_EMPTY(&active->lists))
		return (NULL);
	key.name = *name;
	return (RB_FIND(lists, &active->lists, &key));
}

/* Who sends to the list: the list before it, or the originator. */
static int
may_submit(const struct list *l, const struct message *m)
{
	const struct or_address	*from = m->dl_expansion.n == 0 ?
	    &m->originator : &m->dl_expansion.e[m->dl_expansion.n - 1].name;
	const struct item	*i;

	TAILQ_FOREACH(i, &l->submitters, entry)
		if (or_address_match(&i->name, from) != -1)
			return (1);
	return (TAILQ_EMPTY(&l->submitters));
}

static int
expanded_before(const struct list *l, const struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->dl_expansion.n; i++)
		if (or_address_compare(&m->dl_expansion.e[i].name,
		    &l->name) == 0)
			return (1);
	return (0);
}

/* Octets of the extensions, which may be anything. */
static size_t
extensions_size(const struct recipient *r)
{
	size_t		n = 0;
	uint32_t	i;

	for (i = 0; i < r->extension.n; i++)
		n += r->extension.e[i].len;
	return (n);
}

int
list_refuses(const struct list *l, const struct message *m, size_t recipient,
    struct outcome *o)
{
	o->reason = REASON_UNABLE_TO_TRANSFER;
	if (m->dl_expansion_prohibited.set) {
		o->diagnostic = DIAGNOSTIC_DL_EXPANSION_PROHIBITED;
		return (1);
	}
	if (!may_submit(l, m)) {
		o->diagnostic = DIAGNOSTIC_NO_DL_SUBMIT_PERMISSION;
		return (1);
	}
	if (m->dl_expansion.n >= LIST_DEPTH_MAX && !expanded_before(l, m)) {
		o->diagnostic = DIAGNOSTIC_DL_EXPANSION_FAILURE;
		o->text = "lists in lists, too many";
		return (1);
	}
	if (extensions_size(&m->recipient[recipient]) * l->nmembers >
	    LIST_OCTETS_MAX) {
		o->diagnostic = DIAGNOSTIC_DL_EXPANSION_FAILURE;
		o->text = "extensions too long for so many members";
		return (1);
	}
	return (0);
}

/* dl-exempted-recipients in order: they may be as many as the members. */
struct exempted {
	const struct or_address	**name;
	size_t			  n;
};

static int
name_cmp(const void *a, const void *b)
{
	const struct or_address	*const *x = a, *const *y = b;

	return (or_address_compare(*x, *y));
}

/* -1: no memory.  x->name is to be freed. */
static int
exempted_sort(struct exempted *x, const struct message *m)
{
	size_t	i;

	x->n = m->dl_exempted.n;
	if ((x->name = calloc(x->n + 1, sizeof(*x->name))) == NULL)
		return (-1);
	for (i = 0; i < x->n; i++)
		x->name[i] = &m->dl_exempted.name[i];
	qsort(x->name, x->n, sizeof(*x->name), name_cmp);
	return (0);
}

static int
is_exempted(const struct exempted *x, const struct or_address *name)
{
	return (x->n > 0 && bsearch(&name, x->name, x->n, sizeof(*x->name),
	    name_cmp) != NULL);
}

/*
 * The reports about a member that are asked for.  Where the originator gets
 * none, ours about the list is all, and it hears of no member.
 */
static uint8_t
member_flags(const struct list *l, const struct recipient *r)
{
	switch (l->reports) {
	case LIST_REPORTS_NONE:
		return (PRI_RESPONSIBILITY | PRI_REPORT(1));
	case LIST_REPORTS_OWNER:
		return (PRI_RESPONSIBILITY | PRI_REPORT(1) |
		    PRI_USER_REPORT(1));
	default:
		return (PRI_RESPONSIBILITY | r->flags);
	}
}

/* All of it but the recipients, who may be very many. */
static struct message *
copy_for_nobody(const struct message *m)
{
	struct message	bare = *m;

	bare.nrecipient = 0;
	bare.recipient = NULL;
	return (message_copy(&bare));
}

/*
 * A copy for some of the members, from the i-th on; NULL: no memory.  All of
 * them have what the list had as a recipient, its number included.  They are
 * as many as an envelope of a length that the store takes can have.
 */
static struct message *
copy_for(const struct list *l, const struct message *m, size_t recipient,
    const struct exempted *x, const struct item **i)
{
	const struct recipient	*from = &m->recipient[recipient];
	struct recipient	*r;
	struct message		*c;
	struct utctime		 now;
	size_t			 n = extensions_size(from), len = 0;

	utctime_set(&now, time(NULL));
	if ((c = copy_for_nobody(m)) == NULL)
		return (NULL);
	c->recipient = message_alloc(c, LIST_PIECE * sizeof(*c->recipient));
	if (c->recipient == NULL || dl_expansion_add(c, &c->dl_expansion,
	    &l->name, &now, UB_DL_EXPANSIONS) == -1)
		goto fail;
	trace_action(c, TRACE_DL_OPERATION);
	for (; *i != NULL && c->nrecipient < LIST_PIECE &&
	    (len == 0 || len + n <= ENVELOPE_MAX / 2);
	    *i = TAILQ_NEXT(*i, entry)) {
		if (is_exempted(x, &(*i)->name))
			continue;
		len += n;
		r = &c->recipient[c->nrecipient++];
		if (recipient_copy(c, r, from) == -1 ||
		    or_address_copy(c, &r->name, &(*i)->name) == -1)
			goto fail;
		r->flags = member_flags(l, from);
		memset(&r->redirection, 0, sizeof(r->redirection));
		memset(&r->alternate, 0, sizeof(r->alternate));
	}
	return (c);
fail:
	message_free(c);
	return (NULL);
}

int
list_expand(const struct list *l, struct arrival *a, size_t recipient)
{
	const struct item	*i = TAILQ_FIRST(&l->members);
	struct exempted		 x;
	struct message		*c;
	char			 name[OR_TEXT_MAX];
	size_t			 n = 0;
	int			 r = 0;

	or_address_print(&l->name, name, sizeof(name), 0);
	/* its members have it already */
	if (expanded_before(l, a->message)) {
		log_info(EVT_LIST_LOOP, "message=%016" PRIX64 " list=\"%s\": "
		    "not expanded again", a->id, name);
		return (0);
	}
	if (exempted_sort(&x, a->message) == -1)
		return (-1);
	while (i != NULL && r == 0) {
		if ((c = copy_for(l, a->message, recipient, &x,
		    &i)) == NULL) {
			r = -1;
			break;
		}
		n += c->nrecipient;
		if (c->nrecipient == 0)
			message_free(c);
		else
			r = arrival_add(a, c, 1, 1);
	}
	free(x.name);
	if (r == -1)
		return (-1);
	audit_expand(a, &l->name, n);
	log_info(EVT_LIST_EXPANDED, "message=%016" PRIX64
	    " list=\"%s\" members=%zu", a->id, name, n);
	return (0);
}

int
list_reports_itself(const struct list *l)
{
	return (l->reports == LIST_REPORTS_OWNER ||
	    l->reports == LIST_REPORTS_NONE);
}

/*
 * Whom the list had the message from: the one before it in the history, where
 * it is there for the first time.  The history is what a peer says; this way
 * it leads from list to list towards its beginning, and to an end.
 */
static const struct or_address *
before(const struct list *l, const struct message *r)
{
	uint32_t	i;

	for (i = 0; i < r->originator_and_dl.n; i++)
		if (or_address_compare(&r->originator_and_dl.e[i].name,
		    &l->name) == 0)
			return (i == 0 ? NULL :
			    &r->originator_and_dl.e[i - 1].name);
	return (NULL);
}

/*
 * An owner that is a list gets what came for this one, but nothing that was
 * passed on: lists may own each other.
 */
static int
to_owner(const struct list *l, const struct arrival *a)
{
	return ((l->reports == LIST_REPORTS_OWNER ||
	    l->reports == LIST_REPORTS_BOTH) && !OR_ABSENT(&l->owner) &&
	    (!a->copy || list_find(&l->owner) == NULL));
}

static int
pass(const struct list *l, struct arrival *a, const struct or_address *to)
{
	struct message	*c;

	if ((c = message_copy(a->message)) == NULL)
		return (-1);
	if (or_address_copy(c, &c->originator, to) == -1 ||
	    or_address_copy(c, &c->reporting_dl.name, &l->name) == -1) {
		message_free(c);
		return (-1);
	}
	return (arrival_add(a, c, 1, 1));
}

int
list_report(const struct list *l, struct arrival *a)
{
	const struct or_address	*to = before(l, a->message);
	char			 name[OR_TEXT_MAX];

	if (to_owner(l, a) && pass(l, a, &l->owner) == -1)
		return (-1);
	if ((l->reports == LIST_REPORTS_ORIGINATOR ||
	    l->reports == LIST_REPORTS_BOTH) && to != NULL &&
	    pass(l, a, to) == -1)
		return (-1);
	or_address_print(&l->name, name, sizeof(name), 0);
	log_info(EVT_LIST_REPORT, "message=%016" PRIX64 " list=\"%s\": %s",
	    a->id, name, a->has_more ? "passed on" : "dropped");
	return (0);
}
