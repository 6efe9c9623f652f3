/* SPDX-License-Identifier: ISC */

/* Between parse.y, lex.c and check.c. */

#ifndef PARSE_INT_H
#define PARSE_INT_H

#include "conf.h"
#include "lex.h"

extern struct conf	*conf_now;	/* being filled */
extern unsigned		 conf_errors;
extern int		 conf_includes;	/* include is allowed */

void	conf_error(const struct place *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* Something that is allowed and does not do what one might think. */
void	conf_warning(const struct place *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/*
 * An option that may be given once in the block that is open, or what may be
 * once in all; what is not copied.  Options outside of a block hold for the
 * peers after them and may come again.
 */
void	conf_once(const struct place *, const char *what);
void	conf_once_rank(const struct place *, const char *what, int rank);
void	conf_once_ever(const struct place *, const char *what);
/* A block begins, or is over. */
void	conf_once_in(int);
/* Before the first file. */
void	conf_once_init(void);
/*
 * "line 7", with its file when here is another one; until the next call.
 */
const char *line_from(const struct place *here, const char *file,
	    unsigned line);
int	parse_run(void);
int	parse_time(const char *, uint64_t *);
int	parse_size(const char *, uint64_t *);

void	set_macro(const struct place *, const char *, const char *);
void	set_mta(const struct place *, const struct place *, const char *,
	    const struct place *, const char *, const struct place *,
	    const char *);
/* A name in the spool that is nothing else there. */
void	set_audit(const struct place *, const char *);
void	set_path(const struct place *, char *, size_t, const char *);
void	set_string(const struct place *, char *, size_t, const char *,
	    const char *);
void	set_number(const struct place *, uint32_t *, uint64_t, uint32_t min,
	    uint32_t max, const char *);
/* octets */
void	set_size(const struct place *, uint64_t *, uint64_t v, uint64_t min,
	    uint64_t max, const char *);
void	set_domain(const struct place *, struct global_domain *,
	    const char *);
/* max: octets it may have. */
void	set_selector(const struct place *, struct selector *, int max,
	    const char *);
void	set_title(const struct place *, struct ae_title *, const char *ap,
	    const struct place *, const char *ae);
void	set_credentials(struct credentials *, const struct place *,
	    const char *, const struct place *, const char *);
/* What follows tls of a listen statement. */
struct listen_tls {
	uint8_t		mode;		/* enum tls_mode */
	uint8_t		verify;
	uint32_t	certificate, ca;
};
void	add_listen(const struct place *, const char *, uint64_t,
	    const struct place *, const char *, const struct listen_tls *);
struct conf_peer *new_peer(const struct place *, const char *);
void	end_peer(struct conf_peer *);
void	add_address(struct conf_peer *, const struct place *, const char *,
	    uint64_t, const struct conf_selectors *);
void	set_tls(struct conf_peer *, int mode, const struct place *);
void	set_remote_tls(struct conf_peer *, int required,
	    const struct place *);
/* One more that a peer, or NULL any message, may be: enum policy_what. */
void	add_policy(struct conf_peer *, int what, const struct place *,
	    const char *);
/* A route: begin_route, add_via for each of its peers, add_route. */
void	begin_route(void);
#define NO_COST	UINT32_MAX	/* one more than the peer before it */
void	add_via(const struct place *, const char *, uint32_t cost,
	    uint32_t weight);
void	add_route(const struct place *, const char *);
/* alternate: who gets what is for nobody there, or NULL. */
void	add_complete(const struct place *, const char *,
	    const struct place *, const char *alternate);
/* expire, alternate ...: of the open block, or of all peers after this. */
struct peer_conf *ladder_of(struct conf_peer *, const struct place *);
/* Of messages of one rank, 0 urgent, or of all. */
#define ALL_RANKS	3
void	set_retry(struct conf_peer *, int rank, const struct place *,
	    uint64_t first, const struct place *, uint64_t longest);
void	set_threshold(struct conf_peer *, const struct place *, int rank,
	    uint64_t);
void	set_oldest(struct conf_peer *, const struct place *, int rank,
	    uint64_t);
void	set_expire(struct conf_peer *, const struct place *, int rank,
	    uint64_t);
void	add_deliver(const struct place *, const char *, const struct place *,
	    const char *);
/* A prefix as it is printed; one that no other statement has. */
void	set_prefix(const struct place *, char *, size_t, const char *);
/* The same with patterns, of OR_TEXT_MAX. */
void	set_subtree(const struct place *, char *, const char *);
/*
 * Said before?  The prefix stays where it is as long as the configuration;
 * what: "is delivered by".
 */
void	check_prefix_new(const struct place *, const char *prefix,
	    const char *what);

/* whole.c: what only all statements together tell. */
void	check_whole(void);

/* cmdline.c */
struct command_options {
	uint32_t	timeout, parallel;
};
void	add_command(const struct place *, const char *prefix,
	    const struct place *, const char *command, const struct place *,
	    const char *user, const struct command_options *);
/*
 * Splits a text into words, which lie in buf of at least its size: blanks
 * separate, quotes of either kind hold together, a backslash takes the next
 * character as it is except between single quotes.  Nothing else has a
 * meaning.  argv ends with NULL.  The number of words, or -1: why.
 */
int	command_split(const char *, char *buf, char **argv, int max,
	    const char **why);

/* An O/R address, or a subtree, as it is printed. */
void	set_prefix(const struct place *, char *, size_t, const char *);

/* watch.c */
/* Where it is asked for metrics; group: of the socket, or NULL. */
void	add_metrics(const struct place *, const char *,
	    const struct place *, uint64_t port, const char *group);
#define ALARM_HALF	UINT64_MAX	/* clear at half of the mark */
void	set_alarm_queue(struct conf_peer *, const struct place *, uint64_t,
	    const struct place *, uint64_t clear);
void	set_alarm_age(struct conf_peer *, const struct place *, uint64_t,
	    const struct place *, uint64_t clear);
void	set_alarm_space(const struct place *, uint64_t, uint64_t clear);

/* lists.c */
/* An O/R address with a country in it. */
void	set_whole(const struct place *, char *, size_t, const char *);
void	add_redirect(const struct place *, const char *,
	    const struct place *, const char *);
struct conf_list *new_list(const struct place *, const char *);
void	end_list(const struct place *, struct conf_list *);
void	add_list_item(struct conf_list *, int what, const struct place *,
	    const char *);
/* One address a line; what follows # is a comment. */
void	add_list_file(struct conf_list *, const struct place *,
	    const char *);
void	list_free(struct conf_list *);

/* pem.c: read and checked; their number, or 0 after an error. */
uint32_t tls_certificate(const struct place *, const char *file,
	    const struct place *, const char *key);
uint32_t tls_authorities(const struct place *, const char *file);
void	 pem_free(struct conf_pem *);

#endif
