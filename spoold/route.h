/* SPDX-License-Identifier: ISC */

/*
 * The routes, as route.c (looking up) and explain.c (saying why) share them.
 */

#ifndef ROUTE_H
#define ROUTE_H

#include "spoold.h"

struct route {
	TAILQ_ENTRY(route)	 entry;		/* as configured */
	struct or_address	 prefix;
	int			 nattr;		/* that have to be there */
	int			 npattern;	/* of them */
	uint32_t		 number;	/* in the configuration */
	uint8_t			 complete;
	struct or_address	 alternate;	/* OR_ABSENT: none */
	uint32_t		 nhop;
	struct route_hop	 hop[ROUTE_VIAS_MAX];	/* by cost */
};
TAILQ_HEAD(routes, route);

/* Attributes in the order of the hierarchy; returns how many. */
int	 route_in_order(const struct or_address *,
	    const struct or_attr *[UB_OR_ATTRIBUTES]);
const struct routes *route_all(void);
/* The best one that holds the address, or NULL. */
const struct route *route_match(const struct or_address *);

#endif
