/* SPDX-License-Identifier: ISC */

/*
 * Delivery to a directory: the content as ID.p2, the envelope as readable
 * ID.env, ID the message id in 16 hexadecimal digits.  One thread works off
 * batches: files under temporary names, one sync, then their names without
 * overwriting, one sync of the directory; and only then the message is done.
 * A name that is there already is the same message from a try that was cut
 * short, so a crash at any point delivers neither twice nor never.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#include "log.h"
#include "spoold.h"

#define OUTSTANDING_MAX		512		/* deliveries */
#define OUTSTANDING_OCTETS	(8 * 1024 * 1024)
#define FEW			4		/* files synced one by one */
#define GATHER			8000000		/* ns between batches */
#define RETRY_MIN		5		/* s */
#define RETRY_MAX		600

struct delivery {
	TAILQ_ENTRY(delivery)	 entry;
	struct job		*job;		/* the main thread's only */
	uint64_t		 id;
	int			 dirfd;
	int			 content_fd;	/* -1: content, or none */
	uint8_t			 link;		/* the file may be linked */
	uint8_t			 has_content;
	uint8_t			*envelope, *content;
	size_t			 envelope_len, content_len;
	uint32_t		*routing;	/* of its recipients */
	size_t			 nrouting;
	uint32_t		 target;
	uint64_t		 size;		/* for the audit log: */
	int64_t			 arrival;
	uint8_t			 audited;
	size_t			 octets;
	/* results */
	uint8_t			 written, failed, synced;
	uint8_t			 report;	/* may be asked for */
	char			*fields;	/* audit_fields */
	char			 why[128];
};
TAILQ_HEAD(deliveries, delivery);

static struct deliveries todo = TAILQ_HEAD_INITIALIZER(todo);
static struct deliveries done = TAILQ_HEAD_INITIALIZER(done);
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 work = PTHREAD_COND_INITIALIZER;
static pthread_t	 thread;
static int		 running, stopping, wake_pipe[2] = { -1, -1 };
static size_t		 outstanding, outstanding_octets;

/* The worker */

static void
names(const struct delivery *d, const char *suffix, char *tmp, char *name,
    size_t size)
{
	snprintf(tmp, size, ".%016" PRIX64 ".%s", d->id, suffix);
	snprintf(name, size, "%016" PRIX64 ".%s", d->id, suffix);
}

static int
fail(struct delivery *d, const char *what)
{
	snprintf(d->why, sizeof(d->why), "%s: %s", what, strerror(errno));
	d->failed = 1;
	return (-1);
}

static int
write_all(int fd, const uint8_t *data, size_t len)
{
	ssize_t	n;

	while (len > 0) {
		if ((n = write(fd, data, len)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		data += n;
		len -= n;
	}
	return (0);
}

static int
copy_all(int from, int to)
{
	uint8_t	buf[65536];
	off_t	at = 0;
	ssize_t	n;

	while ((n = pread(from, buf, sizeof(buf), at)) > 0) {
		if (write_all(to, buf, n) == -1)
			return (-1);
		at += n;
	}
	return ((int)n);
}

/* A file under its temporary name, synced when it is one of a few. */
static int
put_file(struct delivery *d, const char *suffix, const uint8_t *data,
    size_t len, int from, int sync_it)
{
	char	tmp[40], name[40];
	int	fd, r;

	names(d, suffix, tmp, name, sizeof(tmp));
	if ((fd = openat(d->dirfd, tmp, O_RDWR | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0640)) == -1)
		return (fail(d, tmp));
	r = from != -1 ? copy_all(from, fd) : write_all(fd, data, len);
	if (r == 0 && sync_it)
		r = fdatasync(fd);
	if (r == -1)
		fail(d, tmp);
	if (close(fd) == -1 && r == 0)
		r = fail(d, tmp);
	return (r);
}

int
deliver_wants_report(const struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->nrecipient; i++)
		if (PRI_REPORT_VALUE(m->recipient[i].flags) >= 2)
			return (m->type != MESSAGE_REPORT);
	return (0);
}

/*
 * X.411 8.2.1.1.1.9: who else gets it is told only where that is allowed; and
 * who was responsible elsewhere is not said to be here.
 */
static void
disclose(const struct delivery *d, struct message *m)
{
	uint32_t	i, n = 0;

	if (m->type != MESSAGE_USER || m->nrecipient != d->nrouting)
		return;
	for (i = 0; i < m->nrecipient; i++) {
		if (d->routing[i] == d->target)
			m->recipient[i].flags |= PRI_RESPONSIBILITY;
		else if (!(m->indicators & PMI_DISCLOSURE))
			continue;
		else
			m->recipient[i].flags &= ~PRI_RESPONSIBILITY;
		m->recipient[n++] = m->recipient[i];
	}
	m->nrecipient = n;
}

/* While the envelope is at hand. */
static char *
fields_of(const struct delivery *d, const struct message *m)
{
	struct store_message	sm;

	if (!d->audited)
		return (NULL);
	memset(&sm, 0, sizeof(sm));
	sm.size = d->size;
	sm.arrival = d->arrival;
	sm.routing = d->routing;
	sm.nrouting = d->nrouting;
	return (audit_fields(m, &sm, d->target));
}

static int
put_envelope(struct delivery *d, int sync_it)
{
	struct message	*m;
	FILE		*f;
	char		*text = NULL;
	size_t		 len = 0;
	int		 r = -1;

	if ((m = message_deserialise(d->envelope, d->envelope_len)) == NULL)
		return (fail(d, "envelope"));
	d->report = deliver_wants_report(m);
	d->fields = fields_of(d, m);
	disclose(d, m);
	if ((f = open_memstream(&text, &len)) == NULL ||
	    message_print(m, f) == -1 || fflush(f) != 0)
		fail(d, "envelope");
	else
		r = put_file(d, "env", (const uint8_t *)text, len, -1,
		    sync_it);
	if (f != NULL)
		fclose(f);
	free(text);
	message_free(m);
	return (r);
}

/* A content of its own file gets a second name, where that can be. */
static int
link_content(struct delivery *d)
{
	char	path[64], tmp[40], name[40];

	if (!d->link)
		return (-1);
	names(d, "p2", tmp, name, sizeof(tmp));
	content_path(d->id, path, sizeof(path));
	if (unlinkat(d->dirfd, tmp, 0) == -1 && errno != ENOENT)
		return (-1);
	return (linkat(sp.dirfd, path, d->dirfd, tmp, 0));
}

static void
put(struct delivery *d, int sync_it)
{
	if (d->has_content) {
		if (d->content_fd != -1 && link_content(d) == 0)
			;
		else if (put_file(d, "p2", d->content, d->content_len,
		    d->content_fd, sync_it) == -1)
			return;
	}
	if (put_envelope(d, sync_it) == 0)
		d->written = 1;
}

/* From the temporary to the final name; never over what is there. */
static void
name_file(struct delivery *d, const char *suffix)
{
	char	tmp[40], name[40];

	names(d, suffix, tmp, name, sizeof(tmp));
#ifdef RENAME_NOREPLACE
	if (renameat2(d->dirfd, tmp, d->dirfd, name, RENAME_NOREPLACE) == 0)
		return;
	if (errno != EEXIST && errno != EINVAL && errno != ENOSYS) {
		fail(d, name);
		return;
	}
#endif
	if (linkat(d->dirfd, tmp, d->dirfd, name, 0) == -1 &&
	    errno != EEXIST) {
		fail(d, name);
		return;
	}
	if (unlinkat(d->dirfd, tmp, 0) == -1)
		fail(d, tmp);
}

/*
 * One sync for each directory of a batch.  A descriptor is told of an error
 * once, so it is that of all that were written there.
 */
static void
sync_each(struct deliveries *batch, int (*sync_fd)(int), const char *what)
{
	struct delivery	*d, *e;
	int		 error;

	TAILQ_FOREACH(d, batch, entry)
		d->synced = 0;
	TAILQ_FOREACH(d, batch, entry) {
		if (!d->written || d->failed || d->synced)
			continue;
		error = sync_fd(d->dirfd) == -1 ? errno : 0;
		for (e = d; e != NULL; e = TAILQ_NEXT(e, entry)) {
			if (!e->written || e->failed || e->dirfd != d->dirfd)
				continue;
			e->synced = 1;
			if ((errno = error) != 0)
				fail(e, what);
		}
	}
}

/* One sync for all files written to the file systems of a batch. */
static void
sync_files(struct deliveries *batch)
{
#ifdef __linux__
	sync_each(batch, syncfs, "sync");
#endif
}

static void
sync_directories(struct deliveries *batch)
{
	sync_each(batch, fsync, "sync of the directory");
}

static void
deliver_batch(struct deliveries *batch, size_t n)
{
	struct delivery	*d;
	int		 few;

#ifdef __linux__
	few = n <= FEW;
#else
	few = 1;
#endif
	TAILQ_FOREACH(d, batch, entry)
		put(d, few);
	if (!few)
		sync_files(batch);
	TAILQ_FOREACH(d, batch, entry) {
		if (!d->written || d->failed)
			continue;
		if (d->has_content)
			name_file(d, "p2");
		if (!d->failed)
			name_file(d, "env");
	}
	sync_directories(batch);
}

/*
 * The first message after a pause goes at once.  Of a stream of them a few
 * are gathered: their syncs would delay those of the store.
 */
static void
gather(const struct timespec *last)
{
	struct timespec	now, ts;
	int64_t		since;

	clock_gettime(CLOCK_MONOTONIC, &now);
	since = (now.tv_sec - last->tv_sec) * INT64_C(1000000000) +
	    now.tv_nsec - last->tv_nsec;
	if (since >= GATHER)
		return;
	ts.tv_sec = 0;
	ts.tv_nsec = GATHER - since;
	pthread_mutex_unlock(&lock);
	nanosleep(&ts, NULL);
	pthread_mutex_lock(&lock);
}

static void *
worker(void *arg)
{
	struct deliveries	 batch;
	struct delivery		*d;
	struct timespec		 last = { 0, 0 };
	size_t			 n;
	char			 c = 0;

	TAILQ_INIT(&batch);
	pthread_mutex_lock(&lock);
	for (;;) {
		while (TAILQ_EMPTY(&todo) && !stopping)
			pthread_cond_wait(&work, &lock);
		if (!stopping)
			gather(&last);
		if (stopping)
			break;
		TAILQ_CONCAT(&batch, &todo, entry);
		pthread_mutex_unlock(&lock);
		n = 0;
		TAILQ_FOREACH(d, &batch, entry)
			n++;
		deliver_batch(&batch, n);
		clock_gettime(CLOCK_MONOTONIC, &last);
		pthread_mutex_lock(&lock);
		TAILQ_CONCAT(&done, &batch, entry);
		if (write(wake_pipe[1], &c, 1) == -1 && errno != EAGAIN)
			break;
	}
	pthread_mutex_unlock(&lock);
	return (NULL);
}

/* The main thread */

static void
delivery_free(struct delivery *d)
{
	outstanding--;
	outstanding_octets -= d->octets;
	if (d->content_fd != -1)
		close(d->content_fd);
	free(d->envelope);
	free(d->routing);
	free(d->content);
	free(d->fields);
	free(d);
}

static void *
copy(const void *data, size_t len)
{
	void	*p;

	if ((p = malloc(len + 1)) != NULL && len > 0)
		memcpy(p, data, len);
	return (p);
}

static struct delivery *
delivery_new(struct directory *dir, struct job *j, const char **why)
{
	struct store_message	 sm;
	struct delivery		*d;
	int			 r;

	*why = "message unreadable";
	if ((r = store_message_get(sp.store, j->message, &sm, 1)) == -1)
		spool_failed(store_error(sp.store));
	if (r != 1)
		return (NULL);
	*why = "out of memory";
	if ((d = calloc(1, sizeof(*d))) == NULL)
		goto fail;
	outstanding++;
	d->job = j;
	d->id = j->message;
	d->dirfd = dir->fd;
	d->content_fd = -1;
	d->has_content = sm.kind != CONTENT_NONE;
	d->envelope_len = sm.envelope_len;
	if ((d->envelope = copy(sm.envelope, sm.envelope_len)) == NULL ||
	    (d->routing = copy(sm.routing, sm.nrouting *
	    sizeof(*sm.routing))) == NULL)
		goto fail;
	d->nrouting = sm.nrouting;
	d->size = sm.size;
	d->arrival = sm.arrival;
	d->audited = sp.mta.audit_keep > 0;
	d->target = j->target->number;
	d->octets = sm.envelope_len;
	outstanding_octets += d->octets;
	if (sm.kind == CONTENT_FILE) {
		*why = "content unreadable";
		d->link = j->sole;
		if ((d->content_fd = content_open_whole(&sm)) == -1)
			goto fail;
	} else if (sm.kind == CONTENT_INLINE) {
		d->content_len = sm.size;
		if ((d->content = copy(sm.content, sm.size)) == NULL)
			goto fail;
		d->octets += sm.size;
		outstanding_octets += sm.size;
	}
	store_message_release(sp.store);
	return (d);
fail:
	store_message_release(sp.store);
	if (d != NULL)
		delivery_free(d);
	return (NULL);
}

void
deliver_later(struct job *j, const char *why, const char *said)
{
	uint32_t	s = 0, i;

	log_warnx(EVT_NOT_DELIVERED, "message=%016" PRIX64 " to=\"%s\": "
	    "%s%s%s", j->message, j->target->name, why, said[0] != '\0' ?
	    ": " : "", said);
	for (i = 0; i <= j->attempts && i < 16; i++)
		s = backoff_next(s, RETRY_MIN, RETRY_MAX);
	queue_defer(j, time(NULL) + jitter(s), why);
}

void
deliver_done(struct job *j, int report, const char *fields)
{
	log_info(EVT_DELIVERED, "message=%016" PRIX64 " to=\"%s\"", j->message,
	    j->target->name);
	sp.stats.delivered++;
	audit_deliver(j, fields);
	if (report && report_delivered(j) == -1)
		fatalx("out of memory");
	queue_done(j);
}

static void
collect(void)
{
	struct deliveries	 list;
	struct delivery		*d;
	char			 buf[64];

	while (read(wake_pipe[0], buf, sizeof(buf)) > 0)
		;
	TAILQ_INIT(&list);
	pthread_mutex_lock(&lock);
	TAILQ_CONCAT(&list, &done, entry);
	pthread_mutex_unlock(&lock);
	while ((d = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, d, entry);
		if (d->written && !d->failed)
			deliver_done(d->job, d->report, d->fields);
		else
			deliver_later(d->job, d->why, "");
		delivery_free(d);
	}
}

static void
fill(struct directory *dir)
{
	struct delivery	*d;
	struct job	*j;
	const char	*why, *lost;
	int		 n = 0;

	while (outstanding < OUTSTANDING_MAX &&
	    outstanding_octets < OUTSTANDING_OCTETS && !sp.failing &&
	    (j = queue_next(dir->target, 0)) != NULL) {
		if ((d = delivery_new(dir, j, &why)) == NULL) {
			if ((lost = message_trouble(j->message)) != NULL)
				queue_lost(j, lost);
			else
				deliver_later(j, why, "");
			continue;
		}
		pthread_mutex_lock(&lock);
		TAILQ_INSERT_TAIL(&todo, d, entry);
		pthread_mutex_unlock(&lock);
		n++;
	}
	if (n > 0)
		pthread_cond_signal(&work);
}

void
deliver_wake(void)
{
	struct directory	*dir;

	if (!running)
		return;
	collect();
	if (sp.failing || sp.store == NULL)
		return;
	TAILQ_FOREACH(dir, &sp.directories, entry)
		if (dir->seen && dir->target != NULL && dir->fd != -1)
			fill(dir);
}

/* Said once, and once more when there is one by that name again. */
void
deliver_directory_is(struct directory *dir, int there)
{
	if (dir->gone == !there)
		return;
	dir->gone = !there;
	if (there)
		log_info(EVT_DIRECTORY_BACK, "path=\"%s\"",
		    dir->target->name);
	else
		log_warnx(EVT_DIRECTORY_GONE, "path=\"%s\": what is for it "
		    "waits: mtactl reload makes it again", dir->target->name);
}

void
deliver_tick(void)
{
	struct directory	*dir;
	struct stat		 st;

	TAILQ_FOREACH(dir, &sp.directories, entry)
		if (dir->seen && dir->fd != -1 && fstat(dir->fd, &st) == 0)
			deliver_directory_is(dir, st.st_nlink > 0);
}

int
deliver_event_fd(void)
{
	return (wake_pipe[0]);
}

int
deliver_busy(void)
{
	return (outstanding > 0);
}

int
deliver_init(void)
{
	return (pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC));
}

int
deliver_start(void)
{
	stopping = 0;
	if (thread_start(&thread, worker) == -1)
		return (-1);
	running = 1;
	return (0);
}

void
deliver_stop(void)
{
	struct delivery	*d;

	if (!running)
		return;
	pthread_mutex_lock(&lock);
	stopping = 1;
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	running = 0;
	collect();
	while ((d = TAILQ_FIRST(&todo)) != NULL) {
		TAILQ_REMOVE(&todo, d, entry);
		queue_return(d->job, "");
		delivery_free(d);
	}
	close(wake_pipe[0]);
	close(wake_pipe[1]);
}
