/* SPDX-License-Identifier: ISC */

/*
 * A spoold without processes around it: what it would send to rtsd is kept
 * in a list, its clock can be set forward.  Lives are child processes, so
 * that one can end at any point as if by SIGKILL; a check that fails ends a
 * life with status 1.
 */

#ifndef SPOOL_FAKE_H
#define SPOOL_FAKE_H

#include "../../spoold/conf.h"
#include "../../spoold/spoold.h"

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		_exit(1);						\
	}								\
} while (0)

#define FAKE_RESTART	77	/* status of a life that wants another */
#define BETA	1		/* peer ids */
#define GAMMA	2

struct sent {
	TAILQ_ENTRY(sent)	 entry;
	uint32_t		 type, id;
	size_t			 len;
	int			 fd;
	uint8_t			*data;
};

/* What the peers' configuration is, before life_begin. */
extern struct peer_conf	 fake_peer[2];
extern struct mta_conf	 fake_mta;
extern int		 fake_connected;
extern uint64_t		 fake_offset;		/* ms, added to the clock */

/* A temporary spool with in/ to deliver to. */
void	 fake_setup(char *dir, size_t);
void	 fake_teardown(const char *dir);
/* Memory that all lives share. */
void	*fake_shared(size_t);
/* Runs fn in a child; its exit status, 256 + signal. */
int	 fake_life(void (*fn)(const char *), const char *dir);
/* In a child: opens the spool, configures it. */
void	 life_begin(const char *dir);

/* The next thing sent, which has to be of that type; freed by the next. */
const struct sent *next(uint32_t type);
int	 nothing_sent(void);
void	 forget_sent(void);
/* From rtsd; checked to be taken. */
void	 from_rtsd(uint32_t type, uint32_t id, const void *, size_t);

/* Helpers */
void	 make_conn(struct s_connection_id *, const char *name, int n);
void	 make_act(struct activity_id *, int n);
/* A peer opens an association (recover: of old): up when this returns. */
void	 peer_opens(uint32_t id, int peer, int n, int recover_n,
	    int dialogue);
void	 recv_number(uint32_t type, uint32_t id, uint32_t n);
void	 recv_octets(uint32_t type, uint32_t id, const void *, size_t);
void	 recv_begin(uint32_t id, int activity);
/* Sees the message of each envelope before it is serialised, or NULL. */
extern void	(*fake_message)(struct message *);
/* The envelope of message n for recipients at the given prefixes. */
void	 recv_envelope(uint32_t id, int n, int priority, int nrecipient,
	    const char *const *to);
/* A whole message; RECV_ENDED is checked. */
void	 recv_message(uint32_t id, int activity, int n, int priority,
	    const char *to, size_t size);
/* Octet at a position of every test content. */
uint8_t	 octet_at(uint64_t);
void	 fill_octets(uint8_t *, uint64_t from, size_t);
/* Waits for deliveries; commits. */
void	 settle(void);
/* Number of files in in/ with a suffix; checks that content is right. */
int	 delivered_files(const char *dir, const char *suffix);
int	 delivered_right(const char *dir, uint64_t size);
uint64_t queue_length(void);

#define TO_HERE		"/S=Doe/O=Here/PRMD=ALPHA/ADMD=GOLD 400/C=GB/"
#define TO_COMMAND	"/S=Doe/O=Cmd/PRMD=ALPHA/ADMD=GOLD 400/C=GB/"
#define FAKE_COMMAND	7	/* "/bin/x as jo", two at a time */
#define TO_BETA		"/S=Loup/O=Far/PRMD=BETA/ADMD=ATLAS/C=FR/"
#define TO_GAMMA	"/S=Maus/O=Far/PRMD=GAMMA/ADMD=DBP/C=DE/"
#define TO_NOWHERE	"/S=No/O=Where/PRMD=X/ADMD=Y/C=US/"

/* The milliseconds of spool_settle never pass by themselves. */
extern int	fake_patient;
/* What asks for the time takes longer than a sync. */
extern int	fake_slow;
/* KB, of incoming associations; set it before life_begin. */
extern uint32_t	fake_checkpoint;

#endif
