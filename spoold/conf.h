/* SPDX-License-Identifier: ISC */

/*
 * The configuration of mtad, one item a call between conf_begin and
 * conf_end.  -1: it cannot be right.  spool_configured() (spoold.h) puts it
 * into force once there is a store.
 */

#ifndef CONF_H
#define CONF_H

#include "mtad.h"

#define CONF_DIRS_MAX	64	/* directories to deliver to */

void	conf_begin(void);
int	conf_mta(const struct mta_conf *);
int	conf_peer(const struct peer_conf *);
/* For the sheet of a peer. */
int	conf_put_sheet(const struct sheet_conf *);
int	conf_listen(const struct listen_conf *);
/* Of the configuration in force; NULL: there is none (more). */
const struct sheet_conf *conf_sheet(uint32_t peer);
const struct listen_conf *conf_listener(size_t);
/*
 * What the configuration in force has, while the spool cannot be used, too.
 * The name is "?" of none.
 */
int	conf_has_peer(const char *name);
const char *conf_peer_name(uint32_t id);
int	conf_route(const struct route_conf *);
/* Takes the descriptor. */
int	conf_deliver(const struct deliver_conf *, int fd);
int	conf_command(const struct command_conf *);
/* policy.c */
void	policy_begin(void);
int	policy_add(const struct policy_conf *);
void	policy_end(void);
/* list.c */
void	list_begin(void);
int	list_redirect(const struct redirect_conf *);
int	list_add(const struct list_conf *);
int	list_item(const struct list_item_conf *);	/* of the last list */
void	list_end(void);
int	conf_end(void);
/*
 * Descriptors of the directories to deliver to, at most max, for the
 * sandbox.  Confined, a new one cannot be reached: has the configuration
 * one that was not among them?
 */
size_t	conf_dirs(int *, size_t max);
int	conf_has_new_dir(void);

#endif
