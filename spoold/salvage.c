/* SPDX-License-Identifier: ISC */

/*
 * A data base that is damaged is set aside, and what can be read of it goes
 * into a new one: messages whose envelope and content agree, their places in
 * the queue, what is known of duplicates.  A thread does it, so that peers
 * are told to wait meanwhile.
 *
 * The new one is made beside the old one and becomes SALVAGE_DONE when it is
 * complete and durable; from there on a crash changes nothing, the next start
 * goes on with the renaming.  The old one is only read, and a copy at that.
 *
 * Where it cannot be known whether a copy has gone already, it is held.  What
 * an audit log says went is not in the queue again.  Recovery of transfers
 * under way is given up: peers send those anew, and what we were sending goes
 * to the same peer again, which knows it when it has it.
 */

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "log.h"
#include "salvage.h"

#define COPY		"salvage.tmp"	/* of the damaged one */
#define NEW		"salvage.new"
#define NAMED_MAX	50		/* messages in the log, one by one */
#define CHUNK		500		/* messages in a transaction */
#define HELD_PLACE	"its place in the queue was lost: it may have gone"
#define HELD_ROUTE	"where it was to go was lost: it may have gone"

struct ids {
	uint64_t	*id;
	size_t		 n, size;
};

static struct work {
	pthread_mutex_t		 lock;
	pthread_t		 thread;
	atomic_bool		 stop;
	enum salvage_state	 state;
	char			 why[200];	/* the damage */
	char			 failed[200];
	char			 stamp[32];
	char			 audit[64];
	struct store_source	*src;
	struct store		*to;
	FILE			*report;
	struct ids		 ids;		/* of all of the next three */
	struct ids		 jobs, rows, files, partial, targets;
	int			 holes;		/* in the queue */
	int			 holes_accepted;
	uint64_t		 kept, held, lost, aside;
	struct audit_past	 past;
} w = { .lock = PTHREAD_MUTEX_INITIALIZER };

int
salvage_stopped(void)
{
	if (!atomic_load(&w.stop))
		return (0);
	strlcpy(w.failed, "mtad stops", sizeof(w.failed));
	return (1);
}

int
salvage_fail(const char *what)
{
	snprintf(w.failed, sizeof(w.failed), "%s: %s", what, strerror(errno));
	return (-1);
}

static int
fail_store(void)
{
	strlcpy(w.failed, store_error(w.to), sizeof(w.failed));
	return (-1);
}

/* In the report, and of the first ones in the log. */
static void
say(enum event_id event, uint64_t id, const char *why)
{
	fprintf(w.report, "message %016" PRIX64 ": %s: %s\n", id,
	    event == EVT_HELD ? "held" : "lost", why);
	if (w.held + w.lost <= NAMED_MAX)
		log_warnx(event, "message=%016" PRIX64 ": %s", id, why);
	else if (w.held + w.lost == NAMED_MAX + 1)
		log_warnx(event, "report=queue.db.damaged-%s.report: more "
		    "messages are named there", w.stamp);
}

static int
add_id(void *arg, uint64_t id)
{
	struct ids	*ids = arg;
	uint64_t	*p;

	if (ids->n == ids->size) {
		if ((p = reallocarray(ids->id, ids->size * 2 + 256,
		    sizeof(*p))) == NULL) {
			salvage_fail("ids");
			return (-1);
		}
		ids->id = p;
		ids->size = ids->size * 2 + 256;
	}
	ids->id[ids->n++] = id;
	return (0);
}

static int
compare(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

static void
sort(struct ids *ids)
{
	size_t	i, n = 0;

	if (ids->n > 1)
		qsort(ids->id, ids->n, sizeof(*ids->id), compare);
	for (i = 0; i < ids->n; i++)
		if (n == 0 || ids->id[n - 1] != ids->id[i])
			ids->id[n++] = ids->id[i];
	ids->n = n;
}

static int
has(const struct ids *ids, uint64_t id)
{
	return (ids->n > 0 && bsearch(&id, ids->id, ids->n, sizeof(id),
	    compare) != NULL);
}

/* From the one to the other */

static int
put_target(void *arg, uint32_t number, int kind, const char *name,
    int64_t no_recovery)
{
	if (number == 0 || kind < TARGET_PEER || kind > TARGET_COMMAND ||
	    has(&w.targets, number))
		return (0);
	/* one of two alike is damaged */
	if (store_target_put(w.to, number, kind, name, no_recovery) == -1)
		return (0);
	return (add_id(&w.targets, number));
}

static int
put_job(void *arg, const struct store_job *j)
{
	struct store_job	job = *j;

	if (job.state == JOB_SENDING) {
		job.state = JOB_READY;
		job.pinned = 1;
	}
	if (!has(&w.targets, job.attempted))
		job.attempted = 0;
	if (store_job_add(w.to, &job) == -1)
		return (fail_store());
	return (add_id(&w.jobs, job.message));
}

static int
put_accepted(void *arg, uint32_t peer, const void *key, size_t len,
    const void *recipients, size_t n, int64_t when)
{
	if (salvage_stopped())
		return (-1);
	if (!has(&w.targets, peer) || key == NULL || len == 0)
		return (0);
	if (store_accepted_put(w.to, peer, key, len, recipients,
	    recipients == NULL ? 0 : n / sizeof(uint32_t), when) == -1)
		return (fail_store());
	return (0);
}

/* Begin anew: what was done counts. */
static int
commit(void)
{
	if (store_commit(w.to) == -1 || store_begin(w.to) == -1)
		return (fail_store());
	return (0);
}

static int
put_queue(void)
{
	size_t	i;
	int	rank, r;

	if ((r = source_targets(w.src, put_target, NULL)) == -1)
		return (-1);
	w.holes = r;
	if (add_id(&w.targets, 0) == -1)
		return (-1);
	sort(&w.targets);
	for (i = 0; i < w.targets.n; i++)
		for (rank = 0; rank < 3; rank++) {
			if ((r = source_jobs(w.src, (uint32_t)w.targets.id[i],
			    rank, put_job, NULL)) == -1)
				return (-1);
			w.holes |= r;
		}
	return (commit());
}

/* Names of content files are ids, too. */
static int
content_ids(int (*cb)(void *, uint64_t), void *arg)
{
	struct dirent	*de;
	char		 path[32], *end;
	uint64_t	 id;
	DIR		*d;
	int		 fd, i, r = 0;

	for (i = 0; i < 256 && r == 0; i++) {
		snprintf(path, sizeof(path), "content/%02X", i);
		if ((fd = openat(sp.dirfd, path, O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC)) == -1)
			continue;
		if ((d = fdopendir(fd)) == NULL) {
			close(fd);
			continue;
		}
		while (r == 0 && (de = readdir(d)) != NULL) {
			id = strtoull(de->d_name, &end, 16);
			if (de->d_name[0] != '.' && *end == '\0')
				r = cb(arg, id);
		}
		closedir(d);
	}
	return (r);
}

static int
count_copy(void *arg, const struct store_job *j)
{
	++*(int *)arg;
	return (0);
}

static int
ours(uint32_t target)
{
	return (target != TARGET_NOT_OURS && target != TARGET_SETTLED);
}

/* Envelope and routing agree?  0: neither is of use. */
static int
agree(struct store_message *m, uint32_t **routing, int *rerouted)
{
	struct message	*msg;
	uint32_t	*r;
	size_t		 i, n;
	int		 ok;

	*rerouted = 0;
	if ((msg = message_deserialise(m->envelope, m->envelope_len)) == NULL)
		return (0);
	n = msg->type == MESSAGE_REPORT ? 1 : msg->nrecipient;
	ok = n > 0 && msg->type == m->type;
	if (ok && (r = calloc(n, sizeof(*r))) != NULL) {
		for (i = 0; i < n; i++)
			r[i] = m->nrouting == n && (!ours(m->routing[i]) ||
			    has(&w.targets, m->routing[i])) ? m->routing[i] :
			    0;
		for (i = 0; i < n; i++)
			*rerouted |= m->nrouting != n ||
			    r[i] != m->routing[i];
		*routing = r;
		m->nrouting = n;
	} else
		ok = 0;
	message_free(msg);
	return (ok);
}

static int
rank_of(int priority)
{
	return (priority == PRIORITY_URGENT ? 0 :
	    priority == PRIORITY_NON_URGENT ? 2 : 1);
}

/* One that is held, where there is none. */
static int
put_held(const struct store_message *m, uint32_t target, const char *why)
{
	struct store_job	j;

	memset(&j, 0, sizeof(j));
	j.target = target;
	j.rank = rank_of(m->priority);
	j.message = m->id;
	j.state = JOB_HELD;
	j.size = m->size;
	strlcpy(j.reason, why, sizeof(j.reason));
	return (store_job_add(w.to, &j) == -1 ? fail_store() : 0);
}

/*
 * The places in the queue that it should have: none at all, or some while not
 * all could be read, says nothing about what has gone.
 */
static int
places(const struct store_message *m, const uint32_t *routing, int rerouted)
{
	const char	*why = rerouted ? HELD_ROUTE : HELD_PLACE;
	size_t		 i;
	int		 found, all = 0, held = 0;

	for (i = 0; i < m->nrouting; i++)
		if (ours(routing[i]) && store_job_get(w.to, routing[i],
		    rank_of(m->priority), m->id, count_copy, &all) == -1)
			return (fail_store());
	for (i = 0; i < m->nrouting && (all == 0 || w.holes || rerouted);
	    i++) {
		found = 0;
		if (!ours(routing[i]))
			continue;
		if (store_job_get(w.to, routing[i], rank_of(m->priority),
		    m->id, count_copy, &found) == -1)
			return (fail_store());
		if (found > 0)
			continue;
		if (put_held(m, routing[i], why) == -1)
			return (-1);
		held = 1;
	}
	if (held) {
		w.held++;
		say(EVT_HELD, m->id, why);
	}
	return (0);
}

static int
put_message(struct store_message *m)
{
	const char	*why;
	uint32_t	*routing = NULL;
	int		 rerouted, r = -1;

	if (!agree(m, &routing, &rerouted)) {
		w.lost++;
		say(EVT_MESSAGE_LOST, m->id, "its envelope is damaged");
		return (0);
	}
	m->routing = routing;
	if (store_message_add(w.to, m) == -1) {
		fail_store();
		goto done;
	}
	if (places(m, routing, rerouted) == -1)
		goto done;
	w.kept++;
	r = 0;
	if (m->kind == CONTENT_FILE &&
	    (why = content_trouble(m->id, m->size)) != NULL) {
		w.lost++;
		say(EVT_HELD, m->id, why);
		if (salvage_hold(w.to, m->id, why) == -1)
			r = fail_store();
	}
done:
	free(routing);
	return (r);
}

static int
all_ids(void)
{
	const struct ids	*from[] = { &w.jobs, &w.rows, &w.files };
	size_t			 i, k;
	int			 r;

	if ((r = source_message_ids(w.src, add_id, &w.rows)) == -1 ||
	    content_ids(add_id, &w.files) == -1 ||
	    source_receiving_ids(w.src, add_id, &w.partial) == -1)
		return (-1);
	sort(&w.partial);
	sort(&w.jobs);
	sort(&w.rows);
	for (i = 0; i < nitems(from); i++)
		for (k = 0; k < from[i]->n; k++)
			if (add_id(&w.ids, from[i]->id[k]) == -1)
				return (-1);
	sort(&w.ids);
	return (r);
}

static int
put_messages(void)
{
	struct store_message	m;
	size_t			i;
	int			r;

	for (i = 0; i < w.ids.n; i++) {
		if (salvage_stopped())
			return (-1);
		r = source_message(w.src, w.ids.id[i], &m);
		if (r == 1 && put_message(&m) == -1)
			return (-1);
		if (r == -1 && !has(&w.jobs, m.id) && !has(&w.rows, m.id))
			continue;	/* a file's name: set aside */
		if (r == -1 || (r == 0 && has(&w.jobs, m.id))) {
			w.lost++;
			say(EVT_MESSAGE_LOST, m.id, "damaged in the data "
			    "base");
		}
		if (i % CHUNK == CHUNK - 1 && commit() == -1)
			return (-1);
	}
	return (commit());
}

static int
was_for(void *arg, uint64_t id, const char *target)
{
	fprintf(w.report, "message %016" PRIX64 ": was for %s\n", id, target);
	return (0);
}

static int
put_line(void *arg, uint64_t id, const char *line)
{
	/* one that is there twice is damaged */
	(void)store_audit_put(w.to, id, line);
	return (0);
}

/*
 * What the operator said of peers.  Where that cannot be known nothing goes
 * out before he says so again.
 */
static int
put_peer_states(int known)
{
	char	name[32];
	int64_t	v;
	size_t	i;

	for (i = 0; known && i < w.targets.n; i++) {
		snprintf(name, sizeof(name), PEER_STATE,
		    (unsigned)w.targets.id[i]);
		if (source_meta(w.src, name, &v) == 1 &&
		    (v == CTL_PEER_DOWN || v == CTL_PEER_HOLD ||
		    v == CTL_PEER_UP) && store_meta_put(w.to, name, v) == -1)
			return (fail_store());
	}
	if (!known) {
		if (store_meta_put(w.to, PEERS_STATE, CTL_PEER_HOLD) == -1)
			return (fail_store());
		fprintf(w.report, "states of peers: lost, all are held\n");
		log_warnx(EVT_PEER_SET, "state=hold: of all peers, for their "
		    "states were lost: mtactl peer NAME up");
	}
	return (0);
}

static int
put_rest(void)
{
	static const char *const	names[] = { "id", "connection second" };
	struct stat			st;
	int64_t				v;
	size_t				i;

	if (store_orphans(w.to, was_for, NULL) == -1)
		return (fail_store());
	if ((w.holes_accepted = source_accepted(w.src, put_accepted,
	    NULL)) == -1 || source_audit(w.src, put_line, NULL) == -1)
		return (-1);
	for (i = 0; i < nitems(names); i++)
		if (source_meta(w.src, names[i], &v) == 1 && v > 0 &&
		    v < INT64_MAX / 2 &&
		    store_meta_put(w.to, names[i], v) == -1)
			return (fail_store());
	if (source_meta(w.src, PEERS_STATE, &v) == 1 &&
	    store_meta_put(w.to, PEERS_STATE, v) == -1)
		return (fail_store());
	if (put_peer_states(source_meta(w.src, "id", &v) == 1) == -1)
		return (-1);
	/* what the log had may be lost: since it was last emptied */
	if (fstatat(sp.dirfd, STORE_FILE, &st, 0) == -1)
		return (salvage_fail(STORE_FILE));
	if (audit_past(w.to, sp.dirfd, w.audit, st.st_mtime, &w.past) == -1)
		return (fail_store());
	return (commit());
}

/* Contents without a message, which are no unfinished transfers. */
static int
put_aside(void *arg, uint64_t id)
{
	char	dir[64], from[64], to[96];
	int	r;

	if ((r = store_file_wanted(w.to, id)) == -1)
		return (fail_store());
	if (r == 1 || has(&w.partial, id))
		return (0);
	snprintf(dir, sizeof(dir), "content.damaged-%s", w.stamp);
	if (mkdirat(sp.dirfd, dir, 0700) == -1 && errno != EEXIST)
		return (salvage_fail(dir));
	content_path(id, from, sizeof(from));
	snprintf(to, sizeof(to), "%s/%016" PRIX64, dir, id);
	if (renameat(sp.dirfd, from, sp.dirfd, to) == -1)
		return (salvage_fail(from));
	w.aside++;
	fprintf(w.report, "content %016" PRIX64 ": no message for it, in %s\n",
	    id, dir);
	return (0);
}

static int
open_all(void)
{
	char	path[96], why[200];
	int	fd;

	salvage_stamp(w.stamp, sizeof(w.stamp));
	snprintf(path, sizeof(path), "queue.db.damaged-%s.report", w.stamp);
	if ((fd = openat(sp.dirfd, path, O_WRONLY | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0600)) == -1 ||
	    (w.report = fdopen(fd, "w")) == NULL) {
		salvage_fail(path);
		if (fd != -1)
			close(fd);
		return (-1);
	}
	fprintf(w.report, "queue.db: %s\n", w.why);
	salvage_remove(NEW);
	salvage_remove(COPY);
	if (salvage_copy(STORE_FILE, COPY) == -1 ||
	    salvage_copy(STORE_FILE "-wal", COPY "-wal") == -1)
		return (-1);
	if ((w.to = store_open_file(sp.dir, NEW, why, sizeof(why))) == NULL) {
		snprintf(w.failed, sizeof(w.failed), "%s", why);
		return (-1);
	}
	if ((w.src = source_open(sp.dir, COPY, why, sizeof(why))) == NULL)
		fprintf(w.report, "%s\n", why);
	return (0);
}

/* All of it is on disk, and its log in it. */
static int
complete(void)
{
	struct stat	st;
	int		fd, r;

	store_close(w.to);
	w.to = NULL;
	if (fstatat(sp.dirfd, NEW "-wal", &st, 0) == 0 && st.st_size > 0) {
		errno = ENOSPC;
		return (salvage_fail(NEW));
	}
	unlinkat(sp.dirfd, NEW "-wal", 0);
	if ((fd = openat(sp.dirfd, NEW, O_RDWR | O_CLOEXEC)) == -1)
		return (salvage_fail(NEW));
	r = fsync(fd);
	close(fd);
	if (r == -1)
		return (salvage_fail(NEW));
	fprintf(w.report, "%" PRIu64 " messages saved, %" PRIu64 " of them "
	    "held, %" PRIu64 " lost\n", w.kept, w.held, w.lost);
	if (fflush(w.report) != 0 || fsync(fileno(w.report)) == -1)
		return (salvage_fail("report"));
	if (renameat(sp.dirfd, NEW, sp.dirfd, SALVAGE_DONE) == -1 ||
	    fsync(sp.dirfd) == -1)
		return (salvage_fail(NEW));
	return (salvage_rename(w.stamp));
}

/* One that came and is nowhere: nothing but the audit log knows of it. */
static int
missing(void *arg, uint64_t id)
{
	struct store_message	m;
	int			r;

	if (salvage_stopped())
		return (-1);
	if ((r = store_message_get(w.to, id, &m, 0)) == -1)
		return (fail_store());
	store_message_release(w.to);
	if (r == 1 || has(&w.jobs, id) || has(&w.rows, id))
		return (0);
	w.lost++;
	say(EVT_MESSAGE_LOST, id, "the audit log has it as waiting");
	return (0);
}

static int
save(void)
{
	int	r = 1;

	if (open_all() == -1)
		return (-1);
	if (store_begin(w.to) == -1)
		return (fail_store());
	if (w.src != NULL && (put_queue() == -1 || (r = all_ids()) == -1 ||
	    put_messages() == -1 || put_rest() == -1))
		return (-1);
	if (r == 1 && audit_unsettled(w.to, sp.dirfd, w.audit, missing,
	    NULL) == -1)
		return (-1);
	if (content_ids(put_aside, NULL) == -1)
		return (-1);
	if (store_commit(w.to) == -1)
		return (fail_store());
	return (complete());
}

static void
close_all(void)
{
	struct ids	*ids[] = { &w.ids, &w.jobs, &w.rows, &w.files,
			    &w.partial, &w.targets };
	size_t		 i;

	if (w.src != NULL)
		source_close(w.src);
	store_close(w.to);
	w.src = NULL;
	w.to = NULL;
	if (w.report != NULL)
		fclose(w.report);
	w.report = NULL;
	salvage_remove(COPY);
	salvage_remove(NEW);
	for (i = 0; i < nitems(ids); i++) {
		free(ids[i]->id);
		memset(ids[i], 0, sizeof(*ids[i]));
	}
}

/* Of one that did not end; what it set aside stays, and is told of. */
static void
forget_report(void)
{
	char	path[96];

	if (w.aside > 0 || w.stamp[0] == '\0')
		return;
	snprintf(path, sizeof(path), "queue.db.damaged-%s.report", w.stamp);
	unlinkat(sp.dirfd, path, 0);
}

static void *
worker(void *arg)
{
	enum salvage_state	state;

	state = save() == -1 ? SALVAGE_FAILED : SALVAGE_SAVED;
	close_all();
	if (state == SALVAGE_FAILED)
		forget_report();
	pthread_mutex_lock(&w.lock);
	w.state = state;
	pthread_mutex_unlock(&w.lock);
	return (NULL);
}

int
salvage_begin(const char *why)
{
	strlcpy(w.why, why, sizeof(w.why));
	strlcpy(w.audit, sp.mta.audit_keep == 0 ? "" : sp.mta.audit,
	    sizeof(w.audit));
	w.failed[0] = w.stamp[0] = '\0';
	atomic_store(&w.stop, 0);
	w.kept = w.held = w.lost = w.aside = 0;
	w.holes = w.holes_accepted = 0;
	memset(&w.past, 0, sizeof(w.past));
	w.state = SALVAGE_RUNNING;
	if (thread_start(&w.thread, worker) == 0)
		return (0);
	w.state = SALVAGE_NONE;
	return (-1);
}

static void
told(void)
{
	log_warnx(EVT_SPOOL_SAVED, "messages=%" PRIu64 " held=%" PRIu64
	    " lost=%" PRIu64 " contents=%" PRIu64 " gone=%" PRIu64
	    " file=queue.db.damaged-%s duplicates=%s: see its .report in the "
	    "spool", w.kept, w.held, w.lost, w.aside, w.past.settled, w.stamp,
	    w.holes_accepted ? "some" : "all");
}

enum salvage_state
salvage_look(void)
{
	enum salvage_state	state;

	pthread_mutex_lock(&w.lock);
	state = w.state;
	pthread_mutex_unlock(&w.lock);
	if (state != SALVAGE_SAVED && state != SALVAGE_FAILED)
		return (state);
	pthread_join(w.thread, NULL);
	w.state = SALVAGE_NONE;
	if (state == SALVAGE_SAVED)
		told();
	return (state);
}

const char *
salvage_why(void)
{
	return (w.failed);
}

void
salvage_end(void)
{
	atomic_store(&w.stop, 1);
}

void
salvage_stop(void)
{
	enum salvage_state	state;

	salvage_end();
	if ((state = salvage_look()) == SALVAGE_RUNNING) {
		pthread_join(w.thread, NULL);
		if ((state = w.state) == SALVAGE_SAVED)
			told();
	}
	if (state == SALVAGE_FAILED)
		log_warnx(EVT_NOT_SAVED, ": %s: it is tried again at the next "
		    "start", w.failed);
	w.state = SALVAGE_NONE;
}
