/* SPDX-License-Identifier: ISC */

/*
 * imsg_init(3): framed messages with descriptors over a Unix stream socket.
 *
 * Reading fills one buffer and hands out messages from its front; what is
 * left is moved only when the buffer has to take more, so that many small
 * messages cost one read and no copies.  Writing gathers as many messages
 * as sendmsg(2) takes; a message with a descriptor goes first in its call.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define IMSG_FD		0x80000000u
#define IMSG_LEN_MAX	(1024 * 1024 + 1024)
#define RBUF_SIZE	(256 * 1024)
#define WRITE_IOV	64
#define WRITE_OCTETS	(512 * 1024)
#define RECV_FDS	16
#define PENDING_FDS	256

int
imsgbuf_init(struct imsgbuf *ib, int fd)
{
	memset(ib, 0, sizeof(*ib));
	ib->fd = fd;
	ib->pid = getpid();
	ib->maxsize = MAX_IMSGSIZE;
	TAILQ_INIT(&ib->wq);
	ib->rsize = RBUF_SIZE;
	if ((ib->rbuf = malloc(ib->rsize)) == NULL)
		return (-1);
	return (0);
}

void
imsgbuf_allow_fdpass(struct imsgbuf *ib)
{
	ib->fdpass = 1;
}

void
imsgbuf_secret(struct imsgbuf *ib)
{
	ib->secret = 1;
}

static void
forget(const struct imsgbuf *ib, struct ibuf *b)
{
	if (ib->secret)
		explicit_bzero(b->buf, b->size);
	ibuf_free(b);
}

int
imsgbuf_set_maxsize(struct imsgbuf *ib, uint32_t max)
{
	if (max < IMSG_HEADER_SIZE || max > IMSG_LEN_MAX) {
		errno = EINVAL;
		return (-1);
	}
	ib->maxsize = max;
	return (0);
}

uint32_t
imsgbuf_queuelen(struct imsgbuf *ib)
{
	return (ib->wq_len);
}

size_t
imsgbuf_queued_bytes(struct imsgbuf *ib)
{
	return (ib->wq_octets);
}

void
imsgbuf_clear(struct imsgbuf *ib)
{
	struct ibuf *b;

	while ((b = TAILQ_FIRST(&ib->wq)) != NULL) {
		TAILQ_REMOVE(&ib->wq, b, entry);
		forget(ib, b);
	}
	ib->wq_len = 0;
	ib->wq_octets = 0;
	while (ib->rfds_n > 0) {
		close(ib->rfds[ib->rfds_head]);
		ib->rfds_head++;
		ib->rfds_n--;
	}
	free(ib->rfds);
	ib->rfds = NULL;
	ib->rfds_head = ib->rfds_size = 0;
	if (ib->secret && ib->rbuf != NULL)
		explicit_bzero(ib->rbuf, ib->rsize);
	free(ib->rbuf);
	ib->rbuf = NULL;
	ib->rsize = ib->rpos = ib->rlen = 0;
}

/* Descriptors wait in order for the messages that announce them. */
static int
push_fd(struct imsgbuf *ib, int fd)
{
	int *n;
	unsigned size;

	if (ib->rfds_head > 0 && ib->rfds_n == 0)
		ib->rfds_head = 0;
	if (ib->rfds_head + ib->rfds_n == ib->rfds_size) {
		if (ib->rfds_head > 0) {
			memmove(ib->rfds, ib->rfds + ib->rfds_head,
			    ib->rfds_n * sizeof(*ib->rfds));
			ib->rfds_head = 0;
		} else {
			size = ib->rfds_size + RECV_FDS;
			if (size > PENDING_FDS || (n = reallocarray(ib->rfds,
			    size, sizeof(*n))) == NULL) {
				errno = EBADMSG;
				return (-1);
			}
			ib->rfds = n;
			ib->rfds_size = size;
		}
	}
	ib->rfds[ib->rfds_head + ib->rfds_n++] = fd;
	return (0);
}

static int
take_fds(struct imsgbuf *ib, struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd, bad = 0;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(int));
			if (bad || !ib->fdpass || push_fd(ib, fd) == -1) {
				close(fd);
				bad = 1;
			}
		}
	}
	if (bad || (msg->msg_flags & MSG_CTRUNC)) {
		errno = EBADMSG;
		return (-1);
	}
	return (0);
}

int
imsgbuf_read(struct imsgbuf *ib)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int) * RECV_FDS)];
	} control;
	struct msghdr msg;
	struct iovec iov;
	unsigned char *bigger;
	ssize_t n;

	if (ib->rlen == 0) {
		if (ib->secret)
			explicit_bzero(ib->rbuf, ib->rpos);
		ib->rpos = 0;
	} else if (ib->rpos > 0 && ib->rsize - ib->rpos - ib->rlen <
	    ib->maxsize) {
		memmove(ib->rbuf, ib->rbuf + ib->rpos, ib->rlen);
		ib->rpos = 0;
	}
	if (ib->rsize - ib->rpos - ib->rlen < ib->maxsize) {
		bigger = realloc(ib->rbuf, ib->rsize + 2 * ib->maxsize);
		if (bigger == NULL)
			return (-1);
		ib->rbuf = bigger;
		ib->rsize += 2 * ib->maxsize;
	}
	memset(&msg, 0, sizeof(msg));
	iov.iov_base = ib->rbuf + ib->rpos + ib->rlen;
	iov.iov_len = ib->rsize - ib->rpos - ib->rlen;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	do
		n = recvmsg(ib->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return (errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -1);
	if (take_fds(ib, &msg) == -1)
		return (-1);
	if (n == 0)
		return (0);
	ib->rlen += n;
	return (1);
}

int
imsgbuf_get(struct imsgbuf *ib, struct imsg *imsg)
{
	struct imsg_hdr hdr;
	uint32_t len;

	if (ib->rlen < sizeof(hdr))
		return (0);
	memcpy(&hdr, ib->rbuf + ib->rpos, sizeof(hdr));
	len = hdr.len & ~IMSG_FD;
	if (len < sizeof(hdr) || len > ib->maxsize) {
		errno = ERANGE;
		return (-1);
	}
	if (ib->rlen < len)
		return (0);
	imsg->fd = -1;
	if (hdr.len & IMSG_FD) {
		if (ib->rfds_n == 0) {
			errno = EBADMSG;
			return (-1);
		}
		imsg->fd = ib->rfds[ib->rfds_head++];
		ib->rfds_n--;
	}
	imsg->hdr = hdr;
	imsg->hdr.len = len;
	ibuf_from_buffer(&imsg->body, ib->rbuf + ib->rpos + sizeof(hdr),
	    len - sizeof(hdr));
	ib->rpos += len;
	ib->rlen -= len;
	return (1);
}

ssize_t
imsg_get(struct imsgbuf *ib, struct imsg *imsg)
{
	int n;

	if ((n = imsgbuf_get(ib, imsg)) != 1)
		return (n);
	return (imsg->hdr.len);
}

void
imsg_free(struct imsg *imsg)
{
	if (imsg->fd != -1)
		close(imsg->fd);
	imsg->fd = -1;
}

int
imsg_get_ibuf(struct imsg *imsg, struct ibuf *b)
{
	if (ibuf_size(&imsg->body) == 0) {
		errno = EBADMSG;
		return (-1);
	}
	ibuf_from_ibuf(b, &imsg->body);
	return (0);
}

int
imsg_get_data(struct imsg *imsg, void *p, size_t len)
{
	if (len == 0 || ibuf_size(&imsg->body) != len) {
		errno = EBADMSG;
		return (-1);
	}
	memcpy(p, ibuf_data(&imsg->body), len);
	return (0);
}

int
imsg_get_fd(struct imsg *imsg)
{
	int fd = imsg->fd;

	imsg->fd = -1;
	return (fd);
}

uint32_t
imsg_get_id(struct imsg *imsg)
{
	return (imsg->hdr.peerid);
}

size_t
imsg_get_len(struct imsg *imsg)
{
	return (ibuf_size(&imsg->body));
}

pid_t
imsg_get_pid(struct imsg *imsg)
{
	return (imsg->hdr.pid);
}

uint32_t
imsg_get_type(struct imsg *imsg)
{
	return (imsg->hdr.type);
}

/* Writing */

struct ibuf *
imsg_create(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    size_t len)
{
	struct imsg_hdr hdr;
	struct ibuf *b;

	if (len > ib->maxsize - sizeof(hdr)) {
		errno = ERANGE;
		return (NULL);
	}
	hdr.type = type;
	hdr.peerid = id;
	hdr.pid = pid != 0 ? (uint32_t)pid : (uint32_t)ib->pid;
	hdr.len = 0;
	if ((b = ibuf_dynamic(len + sizeof(hdr), ib->maxsize)) == NULL)
		return (NULL);
	ibuf_add(b, &hdr, sizeof(hdr));
	return (b);
}

int
imsg_add(struct ibuf *b, const void *p, size_t len)
{
	if (ibuf_add(b, p, len) == -1) {
		ibuf_free(b);
		return (-1);
	}
	return (len);
}

void
imsg_close(struct imsgbuf *ib, struct ibuf *b)
{
	struct imsg_hdr *hdr = (struct imsg_hdr *)(void *)b->buf;

	hdr->len = ibuf_size(b) | (b->fd != -1 ? IMSG_FD : 0);
	TAILQ_INSERT_TAIL(&ib->wq, b, entry);
	ib->wq_len++;
	ib->wq_octets += ibuf_size(b);
}

int
imsg_composev(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    int fd, const struct iovec *iov, int n)
{
	struct ibuf *b;
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	if ((b = imsg_create(ib, type, id, pid, len)) == NULL)
		return (-1);
	for (i = 0; i < n; i++)
		if (imsg_add(b, iov[i].iov_base, iov[i].iov_len) == -1)
			return (-1);
	b->fd = fd;
	imsg_close(ib, b);
	return (1);
}

int
imsg_compose(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    int fd, const void *p, size_t len)
{
	struct ibuf *b;

	if ((b = imsg_create(ib, type, id, pid, len)) == NULL)
		return (-1);
	if (imsg_add(b, p, len) == -1)
		return (-1);
	b->fd = fd;
	imsg_close(ib, b);
	return (1);
}

int
imsg_compose_ibuf(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    struct ibuf *body)
{
	struct ibuf *b;
	int ret = -1;

	b = imsg_create(ib, type, id, pid, ibuf_size(body));
	if (b != NULL && imsg_add(b, ibuf_data(body), ibuf_size(body)) != -1) {
		b->fd = ibuf_fd_get(body);
		imsg_close(ib, b);
		ret = 1;
	}
	ibuf_free(body);
	return (ret);
}

int
imsg_forward(struct imsgbuf *ib, struct imsg *imsg)
{
	return (imsg_compose(ib, imsg->hdr.type, imsg->hdr.peerid,
	    imsg->hdr.pid, imsg_get_fd(imsg), ibuf_data(&imsg->body),
	    ibuf_size(&imsg->body)));
}

/* Takes n octets off the front of the queue. */
static void
written(struct imsgbuf *ib, size_t n)
{
	struct ibuf *b;

	while (n > 0 && (b = TAILQ_FIRST(&ib->wq)) != NULL) {
		if (n < ibuf_size(b)) {
			b->rpos += n;
			ib->wq_octets -= n;
			return;
		}
		n -= ibuf_size(b);
		ib->wq_octets -= ibuf_size(b);
		TAILQ_REMOVE(&ib->wq, b, entry);
		ib->wq_len--;
		forget(ib, b);
	}
}

/* One sendmsg.  1: wrote something, 0: the socket is full, -1: error. */
static int
write_some(struct imsgbuf *ib)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[WRITE_IOV];
	struct msghdr msg;
	struct cmsghdr *c;
	struct ibuf *b, *carrier = NULL;
	size_t octets = 0;
	ssize_t n;
	int i = 0;

	memset(&msg, 0, sizeof(msg));
	TAILQ_FOREACH(b, &ib->wq, entry) {
		if (b->fd != -1) {
			if (i > 0)
				break;
			carrier = b;
		}
		iov[i].iov_base = ibuf_data(b);
		iov[i].iov_len = ibuf_size(b);
		octets += ibuf_size(b);
		if (++i == WRITE_IOV || octets >= WRITE_OCTETS)
			break;
	}
	if (i == 0)
		return (0);
	msg.msg_iov = iov;
	msg.msg_iovlen = i;
	if (carrier != NULL) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_len = CMSG_LEN(sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(c), &carrier->fd, sizeof(int));
	}
	do
		n = sendmsg(ib->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		if (errno == EAGAIN || errno == EWOULDBLOCK ||
		    errno == ENOBUFS)
			return (0);
		return (-1);
	}
	if (carrier != NULL) {
		close(carrier->fd);
		carrier->fd = -1;
	}
	written(ib, n);
	return (1);
}

/* Queues what is left of a message of which n octets have gone. */
static int
queue_rest(struct imsgbuf *ib, const struct iovec *iov, int niov, size_t len,
    size_t n)
{
	struct ibuf *b;
	size_t off;
	int i;

	if ((b = ibuf_dynamic(len - n, len - n)) == NULL)
		return (-1);
	for (i = 0; i < niov; i++) {
		off = n < iov[i].iov_len ? n : iov[i].iov_len;
		n -= off;
		ibuf_add(b, (const char *)iov[i].iov_base + off,
		    iov[i].iov_len - off);
	}
	TAILQ_INSERT_TAIL(&ib->wq, b, entry);
	ib->wq_len++;
	ib->wq_octets += ibuf_size(b);
	return (1);
}

int
imsg_sendv(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    const struct iovec *body, int n)
{
	struct imsg_hdr hdr;
	struct iovec iov[2 * WRITE_IOV];
	struct msghdr msg;
	struct ibuf *b;
	size_t len = sizeof(hdr), waiting = ib->wq_octets, sent = 0;
	ssize_t ret;
	int i, first = 0;

	if (n > WRITE_IOV - 1 || ib->wq_len > WRITE_IOV)
		return (imsg_composev(ib, type, id, pid, -1, body, n));
	TAILQ_FOREACH(b, &ib->wq, entry) {
		if (b->fd != -1)
			return (imsg_composev(ib, type, id, pid, -1, body, n));
		iov[first].iov_base = ibuf_data(b);
		iov[first++].iov_len = ibuf_size(b);
	}
	for (i = 0; i < n; i++) {
		len += body[i].iov_len;
		iov[first + 1 + i] = body[i];
	}
	if (len > ib->maxsize) {
		errno = ERANGE;
		return (-1);
	}
	hdr.type = type;
	hdr.peerid = id;
	hdr.pid = pid != 0 ? (uint32_t)pid : (uint32_t)ib->pid;
	hdr.len = len;
	iov[first].iov_base = &hdr;
	iov[first].iov_len = sizeof(hdr);
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = iov;
	msg.msg_iovlen = first + 1 + n;
	do
		ret = sendmsg(ib->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (ret == -1 && errno == EINTR);
	if (ret > 0)
		sent = ret;
	if (sent <= waiting) {
		written(ib, sent);
		sent = 0;
	} else {
		written(ib, waiting);
		sent -= waiting;
	}
	if (sent == len)
		return (1);
	return (queue_rest(ib, iov + first, 1 + n, len, sent));
}

int
imsgbuf_write(struct imsgbuf *ib)
{
	int n;

	while (ib->wq_len > 0)
		if ((n = write_some(ib)) != 1)
			return (n);
	return (0);
}

int
imsgbuf_flush(struct imsgbuf *ib)
{
	struct pollfd pfd;

	while (ib->wq_len > 0) {
		switch (write_some(ib)) {
		case -1:
			return (-1);
		case 0:
			pfd.fd = ib->fd;
			pfd.events = POLLOUT;
			if (poll(&pfd, 1, -1) == -1 && errno != EINTR)
				return (-1);
			break;
		}
	}
	return (0);
}
