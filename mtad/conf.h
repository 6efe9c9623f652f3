/* SPDX-License-Identifier: ISC */

/*
 * The configuration as mtad holds it: what parse.y fills in, what the
 * children are sent, what mtad needs itself.
 */

#ifndef CONF_H
#define CONF_H

#include <sys/queue.h>
#include <sys/tree.h>
#include <sys/socket.h>

#include <limits.h>

#include "mtad.h"

#define CONF_HOST_MAX	256

/* Of a statement, for checks of the whole; file is not to outlive these. */
struct conf_place {
	const char		*file;
	unsigned		 line, column;
};

struct conf_address {
	char			 host[CONF_HOST_MAX];
	char			 port[8];
};

/*
 * A file of certificates: ours, with its key, or authorities.  The key stays
 * here (sign.c); the certificates are what rtsd is given.
 */
struct conf_pem {
	TAILQ_ENTRY(conf_pem)	 entry;
	uint32_t		 id;
	char			 file[PATH_MAX];
	char			 key_file[PATH_MAX];	/* "": authorities */
	uint8_t			*pem;	/* encoded anew, nothing else in it */
	size_t			 len;
	struct evp_pkey_st	*key;	/* NULL: authorities */
};
TAILQ_HEAD(conf_pems, conf_pem);

struct conf_selectors {
	struct selector		 tsel, ssel, psel;
};

struct conf_policy {
	TAILQ_ENTRY(conf_policy) entry;
	struct policy_conf	 policy;
};

struct conf_peer {
	TAILQ_ENTRY(conf_peer)	 entry;
	struct peer_conf	 peer;
	struct tls_peer_conf	 tls;
	char			 tls_name[TLS_NAME_MAX]; /* "": the host */
	struct conf_place	 tls_at, remote_tls_at;
	TAILQ_HEAD(, conf_policy) policies;
	struct conf_address	 address[PEER_ADDRESSES_MAX];
	uint8_t			 set;	/* CONF_SET_* */
	struct conf_place	 at;	/* its name */
};
#define CONF_SET_LOCAL		0x01
#define CONF_SET_LOCAL_RSP	0x02
#define CONF_SET_REMOTE		0x04
#define CONF_SET_REMOTE_RSP	0x08
#define CONF_SET_DOMAIN		0x10
#define CONF_SET_TLS		0x20	/* tls yes, no or opportunistic */
#define CONF_SET_REMOTE_TLS	0x40

struct conf_listen {
	TAILQ_ENTRY(conf_listen) entry;
	struct listen_conf	 listen;
	struct sockaddr_storage	 ss;
	socklen_t		 ss_len;
	int			 fd;		/* -1: not bound yet */
};

#define METRICS_LISTEN_MAX	4

struct conf_metrics {
	TAILQ_ENTRY(conf_metrics) entry;
	char			 address[CONF_HOST_MAX];	/* or path */
	char			 group[64];
	struct sockaddr_storage	 ss;
	socklen_t		 ss_len;
	int			 fd;		/* -1: not bound yet */
};

struct conf_via {
	char			 peer[PEER_NAME_MAX];
	struct conf_place	 at;
};

struct conf_route {
	TAILQ_ENTRY(conf_route)	 entry;
	struct route_conf	 route;
	struct conf_via		 via[ROUTE_VIAS_MAX];
};

/* Every prefix, of whatever statement, to find a second one. */
struct conf_prefix {
	RB_ENTRY(conf_prefix)	 entry;
	const char		*prefix;
	const char		*what;		/* "has a route" */
	unsigned		 line;
};
RB_HEAD(conf_prefixes, conf_prefix);

struct conf_deliver {
	TAILQ_ENTRY(conf_deliver) entry;
	struct deliver_conf	 deliver;
	struct conf_place	 at;		/* the directory */
};

#define COMMAND_WORDS_MAX	64
#define COMMAND_TEXT_MAX	960	/* with its NUL; also in its name */
#define COMMAND_USER_MAX	48

/* deliver ... to command ... */
struct conf_command {
	TAILQ_ENTRY(conf_command) entry;
	struct command_conf	 command;
	char			 words[COMMAND_TEXT_MAX];
	char			*argv[COMMAND_WORDS_MAX + 1]; /* in words */
	char			 user[COMMAND_USER_MAX];
	char			 home[PATH_MAX];
	uid_t			 uid;
	gid_t			 gid;
	uint32_t		 timeout;	/* s */
	unsigned		 line, column;
};

struct conf_redirect {
	TAILQ_ENTRY(conf_redirect) entry;
	struct redirect_conf	 redirect;
	unsigned		 line;
};

struct conf_list_item {
	TAILQ_ENTRY(conf_list_item) entry;
	struct list_item_conf	 item;
};

struct conf_list {
	TAILQ_ENTRY(conf_list)	 entry;
	struct list_conf	 list;
	TAILQ_HEAD(, conf_list_item) items;
	size_t			 nmembers;
	unsigned		 line;
};

struct conf {
	struct mta_conf		 mta;
	int			 has_mta;
	struct peer_conf	 defaults;	/* of peers to come */
	char			 spool[PATH_MAX];
	char			 control[PATH_MAX];
	char			 control_group[64];
	TAILQ_HEAD(conf_peers, conf_peer) peers;
	TAILQ_HEAD(, conf_listen) listeners;
	TAILQ_HEAD(, conf_route) routes;
	TAILQ_HEAD(, conf_deliver) delivers;
	TAILQ_HEAD(conf_commands, conf_command) commands;
	struct conf_prefixes	 prefixes;
	TAILQ_HEAD(, conf_redirect) redirects;
	TAILQ_HEAD(, conf_policy) policies;	/* of all messages */
	TAILQ_HEAD(, conf_list) lists;
	struct conf_pems	 pems;
	TAILQ_HEAD(conf_metrics_list, conf_metrics) metrics;
};

/*
 * Reads a file.  NULL after one line for each error, on standard error and
 * the log: file, line, column, what was found and what was expected.
 */
struct conf	*conf_parse(const char *file);
/* The same of a text in memory, without include (tests, fuzzing). */
struct conf	*conf_parse_text(const char *name, const char *, size_t);
/*
 * changes.c: a line for each thing by which new differs from old, without
 * any password; "nothing has changed" when it does not.
 */
void		 conf_changes(const struct conf *old, const struct conf *new,
		    void (*say)(const char *));
/* -D name=value; -1: not of that form. */
int		 conf_define(const char *);
void		 conf_free(struct conf *);
/* The private keys alone, in a process that is not to have them. */
void		 conf_forget_keys(struct conf *);
/* Where errors go instead of the log; tests put their own here. */
extern void	(*conf_error_hook)(const char *);
/* And who is told besides. */
extern void	(*conf_error_copy)(const char *);

#endif
