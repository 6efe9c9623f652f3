/* SPDX-License-Identifier: ISC */

/*
 * Routing: the prefix with the most attributes, of those that hold the
 * address, says to which peers or directory its copy goes, or that there is
 * no such address (X.411 14.3.4, 14.3.5; RFC 1801 has the model).
 *
 * Prefixes are paths in a tree, an edge for each attribute: the hierarchy
 * from the country down first, then the others in their order, patterns last.
 * The children of a node are found by attribute, so that the way to a prefix
 * costs the logarithm of how many there are; only the patterns of one node
 * are tried one after the other.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "oraddr.h"
#include "route.h"

RB_HEAD(route_nodes, node);
TAILQ_HEAD(patterns, node);

struct node {
	RB_ENTRY(node)		 by_attr;
	TAILQ_ENTRY(node)	 entry;		/* a pattern */
	const struct or_attr	*attr;		/* of the edge to it */
	struct route_nodes	 children;
	struct patterns		 patterns;
	struct route		*route;		/* NULL: only on the way */
};

struct table {
	struct routes	 routes;
	struct node	*root;
	struct message	*arena;		/* of the prefixes */
	uint32_t	 n;
};

static struct table	 now, incoming;
static uint64_t		 seed;

static int
node_cmp(struct node *a, struct node *b)
{
	return (or_attr_compare(a->attr, b->attr));
}

RB_PROTOTYPE(route_nodes, node, by_attr, node_cmp)
RB_GENERATE(route_nodes, node, by_attr, node_cmp)

static struct node *
node_new(const struct or_attr *attr)
{
	struct node	*n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return (NULL);
	n->attr = attr;
	RB_INIT(&n->children);
	TAILQ_INIT(&n->patterns);
	return (n);
}

static void
node_free(struct node *n)
{
	struct node	*c;

	if (n == NULL)
		return;
	while ((c = RB_ROOT(&n->children)) != NULL) {
		RB_REMOVE(route_nodes, &n->children, c);
		node_free(c);
	}
	while ((c = TAILQ_FIRST(&n->patterns)) != NULL) {
		TAILQ_REMOVE(&n->patterns, c, entry);
		node_free(c);
	}
	free(n);
}

static void
clear(struct table *t)
{
	struct route	*r;

	if (t->root != NULL)
		while ((r = TAILQ_FIRST(&t->routes)) != NULL) {
			TAILQ_REMOVE(&t->routes, r, entry);
			free(r);
		}
	node_free(t->root);
	if (t->arena != NULL)
		message_free(t->arena);
	memset(t, 0, sizeof(*t));
}

/* The hierarchy of X.402 18.1, then all else. */
static int
depth(const struct or_attr *a)
{
	switch (a->type) {
	case OR_C:
		return (0);
	case OR_A:
		return (1);
	case OR_P:
		return (2);
	case OR_O:
		return (3);
	case OR_OU1:
	case OR_OU2:
	case OR_OU3:
	case OR_OU4:
		return (4 + a->type - OR_OU1);
	default:
		return (8);
	}
}

static int
attr_order(const void *a, const void *b)
{
	const struct or_attr	*const *x = a, *const *y = b;
	int			 c;

	if ((c = depth(*x) - depth(*y)) != 0)
		return (c);
	return (or_attr_compare(*x, *y));
}

int
route_in_order(const struct or_address *or,
    const struct or_attr *attr[UB_OR_ATTRIBUTES])
{
	int	i, n = or->nattr;

	if (n > UB_OR_ATTRIBUTES)
		n = UB_OR_ATTRIBUTES;
	for (i = 0; i < n; i++)
		attr[i] = &or->attr[i];
	if (n > 1)
		qsort(attr, n, sizeof(*attr), attr_order);
	return (n);
}

static struct node *
child(struct node *n, const struct or_attr *attr)
{
	struct node	 key;

	key.attr = attr;
	return (RB_FIND(route_nodes, &n->children, &key));
}

static struct node *
pattern_child(struct node *n, const struct or_attr *attr)
{
	struct node	*c;

	TAILQ_FOREACH(c, &n->patterns, entry)
		if (or_attr_compare(c->attr, attr) == 0)
			break;
	return (c);
}

/* The node of a prefix, with all on the way to it. */
static struct node *
path(struct table *t, const struct or_address *prefix, struct route *r)
{
	const struct or_attr	*attr[UB_OR_ATTRIBUTES];
	struct node		*n = t->root, *c;
	int			 i, k, count;

	count = route_in_order(prefix, attr);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < count; i++) {
			if (or_any_admd(attr[i]) ||
			    or_attr_is_pattern(attr[i]) != k)
				continue;
			c = k ? pattern_child(n, attr[i]) : child(n, attr[i]);
			if (c == NULL) {
				if ((c = node_new(attr[i])) == NULL)
					return (NULL);
				if (k)
					TAILQ_INSERT_TAIL(&n->patterns, c,
					    entry);
				else
					RB_INSERT(route_nodes, &n->children, c);
			}
			n = c;
			r->nattr++;
			r->npattern += k;
		}
	}
	return (n);
}

void
route_begin(void)
{
	clear(&incoming);
	TAILQ_INIT(&incoming.routes);
	incoming.root = node_new(NULL);
	incoming.arena = message_new();
}

struct route *
route_add(const char *prefix, int complete, const char **why)
{
	struct route	*r;
	struct node	*n;
	size_t		 where;

	*why = "out of memory";
	if (incoming.root == NULL || incoming.arena == NULL ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	if (or_address_parse(incoming.arena, &r->prefix, prefix, &where,
	    why) == -1 || (n = path(&incoming, &r->prefix, r)) == NULL) {
		free(r);
		return (NULL);
	}
	r->complete = complete;
	r->number = incoming.n++;
	TAILQ_INSERT_TAIL(&incoming.routes, r, entry);
	if (n->route == NULL)
		n->route = r;
	return (r);
}

int
route_add_alternate(struct route *r, const char *address)
{
	const char	*why;
	size_t		 where;

	return (or_address_parse(incoming.arena, &r->alternate, address,
	    &where, &why));
}

const struct or_address *
route_alternate(const struct route *r)
{
	return (r == NULL || OR_ABSENT(&r->alternate) ? NULL :
	    &r->alternate);
}

void
route_add_hop(struct route *r, struct target *t, uint32_t cost,
    uint32_t weight)
{
	uint32_t	i;

	if (r->nhop == ROUTE_VIAS_MAX)
		return;
	for (i = r->nhop++; i > 0 && r->hop[i - 1].cost > cost; i--)
		r->hop[i] = r->hop[i - 1];
	r->hop[i].target = t;
	r->hop[i].cost = cost;
	r->hop[i].weight = weight == 0 ? 1 : weight;
}

void
route_end(void)
{
	struct target	*t;
	struct route	*r;
	uint32_t	 i;

	clear(&now);
	now = incoming;
	TAILQ_INIT(&now.routes);
	if (incoming.root != NULL)
		TAILQ_CONCAT(&now.routes, &incoming.routes, entry);
	memset(&incoming, 0, sizeof(incoming));
	TAILQ_FOREACH(t, &sp.targets, entry)
		t->alternates = 0;
	TAILQ_FOREACH(r, &now.routes, entry)
		for (i = 0; r->nhop > 1 && i < r->nhop; i++)
			r->hop[i].target->alternates = 1;
}

const struct routes *
route_all(void)
{
	return (&now.routes);
}

/* Looking up */

struct search {
	const struct or_attr	*attr[UB_OR_ATTRIBUTES];
	int			 n;
	const struct route	*best;
};

static int
better(const struct route *r, const struct route *best)
{
	if (best == NULL)
		return (1);
	if (r->nattr != best->nattr)
		return (r->nattr > best->nattr);
	if (r->npattern != best->npattern)
		return (r->npattern < best->npattern);
	return (r->number < best->number);
}

/* All of the tree below a node that holds the address. */
static void
explore(struct search *s, struct node *n, int from)
{
	struct node	*c;
	int		 i;

	if (n->route != NULL && better(n->route, s->best))
		s->best = n->route;
	for (i = from; i < s->n; i++)
		if ((i == from || or_attr_compare(s->attr[i - 1],
		    s->attr[i]) != 0) && (c = child(n, s->attr[i])) != NULL)
			explore(s, c, i + 1);
	TAILQ_FOREACH(c, &n->patterns, entry) {
		for (i = 0; i < s->n; i++)
			if (or_pattern_match(c->attr, s->attr[i]))
				break;
		if (i < s->n)
			explore(s, c, s->n);
	}
}

const struct route *
route_match(const struct or_address *address)
{
	struct search	s;

	if (now.root == NULL)
		return (NULL);
	s.n = route_in_order(address, s.attr);
	s.best = NULL;
	explore(&s, now.root, 0);
	return (s.best);
}

void
route_seed(uint64_t v)
{
	seed = v;
}

/* SplitMix64. */
static uint64_t
mix(uint64_t v)
{
	v += UINT64_C(0x9e3779b97f4a7c15);
	v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (v ^ (v >> 31));
}

/* n hops of one cost: each first as often as its weight says. */
static void
share(struct route_hop *hop, uint32_t n, uint64_t random)
{
	struct route_hop tmp;
	uint64_t	 total, at;
	uint32_t	 i, k;

	for (k = 0; k + 1 < n; k++) {
		for (total = 0, i = k; i < n; i++)
			total += hop[i].weight;
		random = mix(random);
		at = random % total;
		for (i = k; at >= hop[i].weight; i++)
			at -= hop[i].weight;
		tmp = hop[i];
		hop[i] = hop[k];
		hop[k] = tmp;
	}
}

int
route_lookup(const struct or_address *address, struct route_choice *c)
{
	const struct route	*r;
	uint64_t		 random = seed;
	uint32_t		 i, k;

	memset(c, 0, sizeof(*c));
	if ((r = c->route = route_match(address)) == NULL)
		return (ROUTE_NONE);
	if (r->complete)
		return (ROUTE_UNKNOWN);
	if (r->nhop == 0)
		return (ROUTE_NONE);
	memcpy(c->hop, r->hop, sizeof(c->hop));
	c->nhop = r->nhop;
	if (random == 0)
		arc4random_buf(&random, sizeof(random));
	for (i = 0; i < c->nhop; i = k) {
		for (k = i + 1; k < c->nhop &&
		    c->hop[k].cost == c->hop[i].cost; k++)
			;
		share(&c->hop[i], k - i, random);
	}
	return (ROUTE_FOUND);
}

int
target_usable(const struct target *t)
{
	const struct peer	*p = t->peer;

	if (p != NULL)
		return (!p->alternate && !p->down && !p->conf.disabled);
	return (target_configured(t));
}

struct target *
route_pick(const struct route_choice *c, const struct target *at)
{
	const struct route_hop	*first = NULL, *there = NULL;
	uint32_t		 i;

	for (i = 0; i < c->nhop; i++) {
		if (c->hop[i].target == at)
			there = &c->hop[i];
		if (first == NULL && target_usable(c->hop[i].target))
			first = &c->hop[i];
	}
	if (there != NULL && (first == NULL || (target_usable(at) &&
	    there->cost == first->cost)))
		return (there->target);
	if (first != NULL)
		return (first->target);
	return (c->nhop > 0 ? c->hop[0].target : NULL);
}
