/* SPDX-License-Identifier: ISC */

/*
 * The octets of a channel between processes.  The first octet of the input
 * is the size of the pieces in which the rest comes over a socket pair.
 */

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "imsg.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct imsgbuf	 ib;
	struct imsg	 imsg;
	struct ibuf	 body;
	uint8_t		 o;
	size_t		 i, n, piece, total = 0;
	int		 fds[2], r = 1, got;

	if (len == 0 || len > 100000)
		return 0;
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	MUST(imsgbuf_init(&ib, fds[1]) == 0);
	imsgbuf_allow_fdpass(&ib);
	piece = p[0] == 0 ? len : (size_t)p[0] * 16;
	p++;
	len--;
	for (i = 0; i < len && r == 1; i += n) {
		n = len - i < piece ? len - i : piece;
		MUST(write(fds[0], p + i, n) == (ssize_t)n);
		if ((r = imsgbuf_read(&ib)) != 1)
			break;
		while ((got = imsgbuf_get(&ib, &imsg)) == 1) {
			total += sizeof(struct imsg_hdr) + imsg_get_len(&imsg);
			MUST(total <= len);
			MUST(imsg_get_len(&imsg) <= MAX_IMSGSIZE);
			MUST(imsg_get_fd(&imsg) == -1);
			if (imsg_get_ibuf(&imsg, &body) == 0)
				while (ibuf_get_n8(&body, &o) == 0)
					;
			imsg_free(&imsg);
		}
		if (got == -1) {
			MUST(errno == EBADMSG || errno == ERANGE);
			break;
		}
	}
	imsgbuf_clear(&ib);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
