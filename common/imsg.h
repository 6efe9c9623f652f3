/* SPDX-License-Identifier: ISC */

/*
 * Messages between processes over a Unix stream socket, with descriptors:
 * the interface of imsg_init(3) and ibuf_add(3) of OpenBSD, for systems that
 * do not have it.  Written for this project; the names and their meaning are
 * those of the manuals.
 *
 * A header that cannot be right (length out of range, a descriptor announced
 * that did not come) fails the read with EBADMSG or ERANGE; the caller drops
 * the channel.
 */

#ifndef IMSG_H
#define IMSG_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#define IMSG_HEADER_SIZE	sizeof(struct imsg_hdr)
#define MAX_IMSGSIZE		16384

struct ibuf {
	TAILQ_ENTRY(ibuf)	 entry;
	unsigned char		*buf;
	size_t			 size;		/* allocated */
	size_t			 max;		/* may grow to */
	size_t			 wpos;
	size_t			 rpos;
	int			 fd;
};
TAILQ_HEAD(ibufqueue, ibuf);

struct imsg_hdr {
	uint32_t	type;
	uint32_t	len;		/* with the header; bit 31: a descriptor */
	uint32_t	peerid;
	uint32_t	pid;
};

struct imsgbuf {
	int			 fd;
	pid_t			 pid;
	uint32_t		 maxsize;
	int			 fdpass;
	int			 secret;
	struct ibufqueue	 wq;
	uint32_t		 wq_len;	/* messages */
	size_t			 wq_octets;
	unsigned char		*rbuf;
	size_t			 rsize;		/* allocated */
	size_t			 rpos, rlen;	/* unread part */
	int			*rfds;		/* descriptors not yet claimed */
	unsigned		 rfds_head, rfds_n, rfds_size;
};

struct imsg {
	struct imsg_hdr	 hdr;
	struct ibuf	 body;		/* borrows from the imsgbuf */
	int		 fd;
};

/*
 * ibuf: growing buffers.  Those of ibuf_dynamic grow up to max octets; the
 * add functions return 0, or -1 with ERANGE or ENOMEM and no change.  get
 * functions consume from the front, -1 with EBADMSG when there is too little.
 */
struct ibuf	*ibuf_open(size_t);
struct ibuf	*ibuf_dynamic(size_t, size_t);
void		*ibuf_reserve(struct ibuf *, size_t);
int		 ibuf_add(struct ibuf *, const void *, size_t);
int		 ibuf_add_ibuf(struct ibuf *, const struct ibuf *);
int		 ibuf_add_zero(struct ibuf *, size_t);
int		 ibuf_add_n8(struct ibuf *, uint64_t);
int		 ibuf_add_n16(struct ibuf *, uint64_t);
int		 ibuf_add_n32(struct ibuf *, uint64_t);
int		 ibuf_add_n64(struct ibuf *, uint64_t);
int		 ibuf_add_h16(struct ibuf *, uint64_t);
int		 ibuf_add_h32(struct ibuf *, uint64_t);
int		 ibuf_add_h64(struct ibuf *, uint64_t);
int		 ibuf_set(struct ibuf *, size_t, const void *, size_t);
size_t		 ibuf_size(const struct ibuf *);
size_t		 ibuf_left(const struct ibuf *);
void		*ibuf_data(const struct ibuf *);
void		 ibuf_rewind(struct ibuf *);
int		 ibuf_truncate(struct ibuf *, size_t);
int		 ibuf_get(struct ibuf *, void *, size_t);
int		 ibuf_get_n8(struct ibuf *, uint8_t *);
int		 ibuf_get_n16(struct ibuf *, uint16_t *);
int		 ibuf_get_n32(struct ibuf *, uint32_t *);
int		 ibuf_get_n64(struct ibuf *, uint64_t *);
int		 ibuf_get_h16(struct ibuf *, uint16_t *);
int		 ibuf_get_h32(struct ibuf *, uint32_t *);
int		 ibuf_get_h64(struct ibuf *, uint64_t *);
int		 ibuf_get_ibuf(struct ibuf *, size_t, struct ibuf *);
int		 ibuf_skip(struct ibuf *, size_t);
/* A reader over memory of the caller's. */
void		 ibuf_from_buffer(struct ibuf *, void *, size_t);
void		 ibuf_from_ibuf(struct ibuf *, const struct ibuf *);
void		 ibuf_free(struct ibuf *);	/* NULL is fine */
int		 ibuf_fd_avail(struct ibuf *);
int		 ibuf_fd_get(struct ibuf *);
void		 ibuf_fd_set(struct ibuf *, int);

int		 imsgbuf_init(struct imsgbuf *, int);
void		 imsgbuf_allow_fdpass(struct imsgbuf *);
/* What has been written, or read and used, is wiped. */
void		 imsgbuf_secret(struct imsgbuf *);
/* Largest message either way, header included; up to 1 MB. */
int		 imsgbuf_set_maxsize(struct imsgbuf *, uint32_t);
/* 1: something was read, 0: end of file, -1: error (EAGAIN is 1). */
int		 imsgbuf_read(struct imsgbuf *);
/* Writes what the socket takes.  0, or -1 with errno (EAGAIN is 0). */
int		 imsgbuf_write(struct imsgbuf *);
/* Writes all, waiting for the socket. */
int		 imsgbuf_flush(struct imsgbuf *);
void		 imsgbuf_clear(struct imsgbuf *);
uint32_t	 imsgbuf_queuelen(struct imsgbuf *);
/* Octets that wait to be written. */
size_t		 imsgbuf_queued_bytes(struct imsgbuf *);
/* 1: *imsg is the next message, 0: none complete, -1: hostile. */
int		 imsgbuf_get(struct imsgbuf *, struct imsg *);
/* The same, returning the octets of the message. */
ssize_t		 imsg_get(struct imsgbuf *, struct imsg *);

int		 imsg_compose(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    int, const void *, size_t);
struct iovec;
int		 imsg_composev(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    int, const struct iovec *, int);
/*
 * As imsg_composev without a descriptor, but what waits and this are written
 * at once; only what the socket does not take is copied.  An error of the
 * socket shows at the next imsgbuf_write.
 */
int		 imsg_sendv(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    const struct iovec *, int);
/* Takes the ibuf over, whether it succeeds or not. */
int		 imsg_compose_ibuf(struct imsgbuf *, uint32_t, uint32_t,
		    pid_t, struct ibuf *);
struct ibuf	*imsg_create(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    size_t);
int		 imsg_add(struct ibuf *, const void *, size_t);
void		 imsg_close(struct imsgbuf *, struct ibuf *);
int		 imsg_forward(struct imsgbuf *, struct imsg *);
/* Closes a descriptor that nobody took. */
void		 imsg_free(struct imsg *);
/* The whole body as a reader; -1 when it is empty. */
int		 imsg_get_ibuf(struct imsg *, struct ibuf *);
/* The body, which must have just that length; -1 with EBADMSG. */
int		 imsg_get_data(struct imsg *, void *, size_t);
/* The descriptor, the caller's from then on; -1: none. */
int		 imsg_get_fd(struct imsg *);
uint32_t	 imsg_get_id(struct imsg *);
size_t		 imsg_get_len(struct imsg *);
pid_t		 imsg_get_pid(struct imsg *);
uint32_t	 imsg_get_type(struct imsg *);

#endif
