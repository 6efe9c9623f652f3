/* SPDX-License-Identifier: ISC */

/* Redirections and distribution lists of the configuration. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "oid.h"
#include "parse_int.h"

#define LIST_LINE_MAX	2048	/* octets of a line of a file */

/* The address of somebody: messages go nowhere without a country. */
void
set_whole(const struct place *p, char *to, size_t size, const char *text)
{
	struct or_address a;
	struct message *m;
	const char *why;
	size_t where;

	set_prefix(p, to, size, text);
	if ((m = message_new()) == NULL)
		fatalx("out of memory");
	if (or_address_parse(m, &a, text, &where, &why) == 0 &&
	    or_address_get(&a, OR_C) == NULL &&
	    or_address_get(&a, OR_X121) == NULL)
		conf_error(p, "address \"%.200s\": a country (C=) was "
		    "expected in it", text);
	message_free(m);
}

void
add_redirect(const struct place *p, const char *from,
    const struct place *pt, const char *to)
{
	struct conf_redirect *r, *other;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatalx("out of memory");
	set_whole(p, r->redirect.from, sizeof(r->redirect.from), from);
	set_whole(pt, r->redirect.to, sizeof(r->redirect.to), to);
	r->line = p->line;
	TAILQ_FOREACH(other, &conf_now->redirects, entry)
		if (strcasecmp(other->redirect.from, r->redirect.from) == 0)
			conf_error(p, "%s is redirected by line %u already",
			    r->redirect.from, other->line);
	if (strcasecmp(r->redirect.from, r->redirect.to) == 0)
		conf_error(pt, "%s would be redirected to itself",
		    r->redirect.to);
	TAILQ_INSERT_TAIL(&conf_now->redirects, r, entry);
}

struct conf_list *
new_list(const struct place *p, const char *name)
{
	struct conf_list *l, *other;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatalx("out of memory");
	TAILQ_INIT(&l->items);
	set_whole(p, l->list.name, sizeof(l->list.name), name);
	l->line = p->line;
	TAILQ_FOREACH(other, &conf_now->lists, entry)
		if (strcasecmp(other->list.name, l->list.name) == 0)
			conf_error(p, "%s is a list by line %u already",
			    l->list.name, other->line);
	TAILQ_INSERT_TAIL(&conf_now->lists, l, entry);
	return (l);
}

void
end_list(const struct place *p, struct conf_list *l)
{
	if (l->nmembers == 0)
		conf_error(p, "list %s: member or members from was expected, "
		    "it has none", l->list.name);
	if (l->list.owner[0] == '\0' &&
	    (l->list.reports == LIST_REPORTS_OWNER ||
	    l->list.reports == LIST_REPORTS_BOTH))
		conf_error(p, "list %s: owner was expected, for reports to "
		    "the owner", l->list.name);
}

void
add_list_item(struct conf_list *l, int what, const struct place *p,
    const char *text)
{
	struct conf_list_item *i;

	if ((i = calloc(1, sizeof(*i))) == NULL)
		fatalx("out of memory");
	i->item.what = what;
	if (what == LIST_MEMBER)
		set_whole(p, i->item.text, sizeof(i->item.text), text);
	else
		set_prefix(p, i->item.text, sizeof(i->item.text), text);
	TAILQ_INSERT_TAIL(&l->items, i, entry);
	if (what != LIST_MEMBER)
		return;
	if (++l->nmembers == UB_RECIPIENTS + 1)
		conf_error(p, "list %s: more than %d members", l->list.name,
		    UB_RECIPIENTS);
}

void
add_list_file(struct conf_list *l, const struct place *p, const char *name)
{
	struct place at = { name, 0, 1 };
	char line[LIST_LINE_MAX], *s, *end;
	FILE *f;

	if (!conf_includes)
		return;
	if (name[0] != '/') {
		conf_error(p, "\"%s\": an absolute path was expected", name);
		return;
	}
	if ((f = fopen(name, "re")) == NULL) {
		conf_error(p, "\"%s\": %s", name, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		at.line++;
		if (strchr(line, '\n') == NULL && !feof(f)) {
			conf_error(&at, "the line is too long");
			break;
		}
		line[strcspn(line, "\r\n#")] = '\0';
		s = line + strspn(line, " \t");
		for (end = s + strlen(s); end > s && (end[-1] == ' ' ||
		    end[-1] == '\t'); end--)
			end[-1] = '\0';
		if (*s != '\0' && l->nmembers <= UB_RECIPIENTS)
			add_list_item(l, LIST_MEMBER, &at, s);
	}
	if (ferror(f))
		conf_error(p, "\"%s\": %s", name, strerror(errno));
	fclose(f);
}

void
add_policy(struct conf_peer *n, int what, const struct place *p,
    const char *text)
{
	struct conf_policy *c;
	uint8_t oid[UB_OID];

	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatalx("out of memory");
	c->policy.what = what;
	if (n != NULL)
		TAILQ_INSERT_TAIL(&n->policies, c, entry);
	else
		TAILQ_INSERT_TAIL(&conf_now->policies, c, entry);
	if (what == POLICY_FROM || what == POLICY_TO) {
		set_prefix(p, c->policy.text, sizeof(c->policy.text), text);
		return;
	}
	set_string(p, c->policy.text, sizeof(c->policy.text), "value", text);
	if (oid_from_text(text, strlen(text), oid) > 0)
		return;
	if (what == POLICY_EIT && eit_parse(text) == -1)
		conf_error(p, "\"%.40s\": an object identifier was expected, or "
		    "one of those of mtad.conf(5), as ia5-text", text);
	if (what == POLICY_CONTENT_TYPE &&
	    strspn(text, "0123456789") != strlen(text))
		conf_error(p, "\"%.40s\": a number was expected, as 22, or an "
		    "object identifier", text);
}

void
list_free(struct conf_list *l)
{
	struct conf_list_item *i;

	while ((i = TAILQ_FIRST(&l->items)) != NULL) {
		TAILQ_REMOVE(&l->items, i, entry);
		free(i);
	}
	free(l);
}
