/* SPDX-License-Identifier: ISC */

/*
 * Content files are synced by a thread of their own, one after the other,
 * while the loop goes on reading, and after each of them the store's log if
 * something in it is waiting for that; between them it writes what direct.c
 * has for it.  The loop alone decides what a sync that ended allows
 * (recv_sync.c); the thread knows descriptors and rings and no more.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "spoold.h"

static TAILQ_HEAD(, sync) todo = TAILQ_HEAD_INITIALIZER(todo);
static TAILQ_HEAD(, direct) writes = TAILQ_HEAD_INITIALIZER(writes);
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t	 ended = PTHREAD_COND_INITIALIZER;
static pthread_t	 thread;
static int		 running, stopping, wake_pipe[2] = { -1, -1 };
static int		 log_fd = -1;	/* of the store */
static uint64_t		 log_commits;	/* that are in it */
static uint64_t		 log_synced;	/* of them; 0: unknown */
static unsigned		 log_turn;	/* when that was forgotten */
static int		 log_broken;	/* errno of a sync that failed */

/* Called with the lock, as what follows is. */
static void
unqueue(struct direct *d)
{
	if (d->queued)
		TAILQ_REMOVE(&writes, d, entry);
	d->queued = 0;
}

/* It is nobody else's at work.  Returns with the lock. */
static void
write_one(struct direct *d)
{
	unqueue(d);
	d->busy = 1;
	pthread_mutex_unlock(&lock);
	direct_write(d);	/* that it failed is in it */
	pthread_mutex_lock(&lock);
	d->busy = 0;
	pthread_cond_broadcast(&ended);
}

/*
 * The same for a sync.  Whoever waits for room need not wait for more.
 * Returns errno, 0: written.
 */
static int
flush_direct(struct sync *s)
{
	struct direct	*d = s->direct;
	int		 error = 0;

	while (d->busy)
		pthread_cond_wait(&ended, &lock);
	d->busy = 1;
	pthread_mutex_unlock(&lock);
	if (direct_flush(d, s->len, s->whole) == -1)
		error = errno;
	pthread_mutex_lock(&lock);
	d->busy = 0;
	pthread_cond_broadcast(&ended);
	return (error);
}

static void *
worker(void *arg)
{
	struct sync	*s;
	char		 c = 0;
	uint64_t	 commits;
	unsigned	 turn;
	int		 error, log_error, fd;

	pthread_mutex_lock(&lock);
	for (;;) {
		/* a peer waits for each sync, seldom for a write */
		while ((s = TAILQ_FIRST(&todo)) == NULL) {
			if (!TAILQ_EMPTY(&writes))
				write_one(TAILQ_FIRST(&writes));
			else if (!stopping)
				pthread_cond_wait(&work, &lock);
			else
				break;
		}
		if (s == NULL)
			break;
		TAILQ_REMOVE(&todo, s, entry);
		error = s->direct != NULL ? flush_direct(s) : 0;
		pthread_mutex_unlock(&lock);
		if (error == 0 && (fdatasync(s->fd) == -1 ||
		    (s->new_file && content_sync_dir(s->id) == -1)))
			error = errno;
		pthread_mutex_lock(&lock);
		/* its own descriptor: the store may be closed meanwhile */
		commits = log_fd == -1 || error != 0 ? 0 : log_commits;
		turn = log_turn;
		fd = -1;
		/* the next sync would call good what the last one lost */
		log_error = commits != 0 ? log_broken : 0;
		if (log_error == 0 && commits != 0 && commits != log_synced &&
		    (fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 0)) == -1)
			commits = 0;
		pthread_mutex_unlock(&lock);
		if (fd != -1) {
			if (fdatasync(fd) == -1)
				log_error = errno;
			close(fd);
		}
		pthread_mutex_lock(&lock);
		if (turn == log_turn && log_error != 0)
			log_broken = log_error;
		else if (turn == log_turn && commits != 0)
			log_synced = commits;
		s->error = error;
		s->log_error = log_error;
		s->commits = log_error == 0 ? commits : 0;
		s->state = SYNC_ENDED;
		pthread_cond_broadcast(&ended);
		/* a full pipe wakes as well */
		if (write(wake_pipe[1], &c, 1) == -1 && errno != EAGAIN)
			break;
	}
	pthread_mutex_unlock(&lock);
	return (NULL);
}

void
sync_begin(struct sync *s)
{
	pthread_mutex_lock(&lock);
	s->state = SYNC_RUNNING;
	TAILQ_INSERT_TAIL(&todo, s, entry);
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
}

static void
queue_write(struct direct *d)
{
	if (d->queued)
		return;
	d->queued = 1;
	TAILQ_INSERT_TAIL(&writes, d, entry);
	pthread_cond_signal(&work);
}

void
sync_write(struct direct *d)
{
	pthread_mutex_lock(&lock);
	queue_write(d);
	pthread_mutex_unlock(&lock);
}

void
sync_write_wait(struct direct *d, uint64_t written)
{
	pthread_mutex_lock(&lock);
	while (d->busy && d->written == written)
		pthread_cond_wait(&ended, &lock);
	/* the thread may be at others for long */
	if (d->written == written)
		write_one(d);
	pthread_mutex_unlock(&lock);
}

void
sync_write_stop(struct direct *d)
{
	pthread_mutex_lock(&lock);
	unqueue(d);
	while (d->busy)
		pthread_cond_wait(&ended, &lock);
	pthread_mutex_unlock(&lock);
}

void
sync_log(int fd, uint64_t commits)
{
	pthread_mutex_lock(&lock);
	log_fd = fd;
	log_commits = commits;
	if (fd == -1) {
		log_synced = 0;
		log_broken = 0;
		log_turn++;
	}
	pthread_mutex_unlock(&lock);
}

enum sync_state
sync_look(struct sync *s, int wait)
{
	enum sync_state	state;

	pthread_mutex_lock(&lock);
	while (wait && s->state == SYNC_RUNNING)
		pthread_cond_wait(&ended, &lock);
	state = s->state;
	pthread_mutex_unlock(&lock);
	return (state);
}

void
sync_seen(void)
{
	char	buf[64];

	while (read(wake_pipe[0], buf, sizeof(buf)) > 0)
		;
}

int
sync_event_fd(void)
{
	return (wake_pipe[0]);
}

int
sync_available(void)
{
	return (running);
}

int
thread_start(pthread_t *t, void *(*function)(void *))
{
	sigset_t	all, old;
	int		r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(t, NULL, function, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		return (0);
	errno = r;
	return (-1);
}

int
sync_start(void)
{
	if (pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) == -1)
		return (-1);
	if (thread_start(&thread, worker) == -1)
		return (-1);
	running = 1;
	return (0);
}

void
sync_stop(void)
{
	if (!running)
		return;
	pthread_mutex_lock(&lock);
	stopping = 1;
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	running = 0;
	close(wake_pipe[0]);
	close(wake_pipe[1]);
}
