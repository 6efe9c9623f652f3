/* SPDX-License-Identifier: ISC */

/*
 * Routing: the longest subtree of O/R addresses that holds the address
 * says which peer or directory its copy goes to.  Prefixes of equal length
 * are taken in the order of the configuration.
 */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "spoold.h"

struct route {
	TAILQ_ENTRY(route)	 entry;
	struct or_address	 prefix;
	struct target		*target;
};
TAILQ_HEAD(routes, route);

static struct routes	 routes = TAILQ_HEAD_INITIALIZER(routes);
static struct routes	 incoming = TAILQ_HEAD_INITIALIZER(incoming);
static struct message	*arena, *new_arena;

static void
clear(struct routes *list, struct message **m)
{
	struct route	*r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, r, entry);
		free(r);
	}
	if (*m != NULL)
		message_free(*m);
	*m = NULL;
}

void
route_begin(void)
{
	clear(&incoming, &new_arena);
}

int
route_add(const char *prefix, struct target *target, const char **why)
{
	struct route	*r;
	size_t		 where;

	*why = "out of memory";
	if (new_arena == NULL && (new_arena = message_new()) == NULL)
		return (-1);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (-1);
	if (or_address_parse(new_arena, &r->prefix, prefix, &where,
	    why) == -1) {
		free(r);
		return (-1);
	}
	r->target = target;
	TAILQ_INSERT_TAIL(&incoming, r, entry);
	return (0);
}

void
route_end(void)
{
	clear(&routes, &arena);
	TAILQ_CONCAT(&routes, &incoming, entry);
	arena = new_arena;
	new_arena = NULL;
}

struct target *
route_find(const struct or_address *address)
{
	struct route	*r;
	struct target	*found = NULL;
	int		 n, longest = -1;

	TAILQ_FOREACH(r, &routes, entry) {
		n = or_address_match(&r->prefix, address);
		if (n > longest) {
			longest = n;
			found = r->target;
		}
	}
	return (found);
}
