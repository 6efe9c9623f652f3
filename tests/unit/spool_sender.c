/* SPDX-License-Identifier: ISC */

/* See spool_sender.h. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool_sender.h"

void
queue_up(int first, int n, int priority, size_t size)
{
	int	i;

	fake_connected = 0;
	if (assoc_find(SENDER_IN) == NULL)
		peer_opens(SENDER_IN, GAMMA, 1, 0, 0);
	for (i = 0; i < n; i++) {
		recv_message(SENDER_IN, (first + i) % 100 + 1, first + i,
		    priority, TO_BETA, size);
		next(IMSG_RECV_ENDED);
	}
	fake_connected = 1;
}

struct assoc_open	opened;

uint32_t
expect_open(int recover)
{
	const struct sent	*s;

	schedule_tick();
	spool_turn();
	s = next(IMSG_ASSOC_OPEN);
	memcpy(&opened, s->data, sizeof(opened));
	CHECK(opened.peer == BETA);
	CHECK(opened.recover == recover);
	CHECK(opened.id.user_len == 7 && opened.id.user[0] == 0x14 &&
	    memcmp(opened.id.user + 2, "alpha", 5) == 0);
	CHECK(opened.id.common_len == 15 && opened.id.common[0] == 0x17);
	CHECK(opened.id.additional_len == 4);
	return (s->id);
}

void
up(uint32_t id, int turn, int dialogue)
{
	struct assoc_up	u;

	memset(&u, 0, sizeof(u));
	u.peer = BETA;
	u.initiator = 1;
	u.turn = turn;
	u.dialogue = dialogue;
	u.checkpoint = 4;
	u.window = 3;
	strlcpy(u.address, "198.51.100.7:102", sizeof(u.address));
	from_rtsd(IMSG_ASSOC_UP, id, &u, sizeof(u));
	spool_turn();
}

void
down(uint32_t id, int kind, int reason)
{
	struct assoc_down	d;

	memset(&d, 0, sizeof(d));
	d.kind = kind;
	d.reason = reason;
	from_rtsd(IMSG_ASSOC_DOWN, id, &d, sizeof(d));
	spool_turn();
}

struct xfer_req	req;

uint32_t
expect_xfer(uint32_t id, int resume, int discard)
{
	const struct sent	*s;
	int			 inlined;

	s = next(IMSG_XFER_REQ);
	CHECK(s->id == id && s->len == sizeof(req));
	memcpy(&req, s->data, sizeof(req));
	CHECK(req.resume == resume && req.discard == discard);
	inlined = req.content_follows;
	if (!discard) {
		next(IMSG_XFER_ENVELOPE);
		if (resume && req.serial > 0)
			next(IMSG_XFER_HEAD);
		if (inlined && req.content_len > 0)
			CHECK(next(IMSG_XFER_CONTENT)->len ==
			    req.content_len);
	}
	s = next(IMSG_XFER_GO);
	CHECK((s->fd == -1) == (inlined || discard));
	if (s->fd != -1) {
		CHECK((fcntl(s->fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
		CHECK(lseek(s->fd, 0, SEEK_END) == (off_t)req.content_len);
		close(s->fd);
	}
	return (req.xfer);
}

void
begun(uint32_t id, uint32_t x, uint64_t total)
{
	struct xfer_begun	b;

	memset(&b, 0, sizeof(b));
	b.xfer = x;
	b.total = total;
	from_rtsd(IMSG_XFER_BEGUN, id, &b, sizeof(b));
}

void
done(uint32_t id, uint32_t x)
{
	struct xfer_serial	s;

	memset(&s, 0, sizeof(s));
	s.xfer = x;
	from_rtsd(IMSG_XFER_DONE, id, &s, sizeof(s));
	spool_turn();
}

void
confirmed(uint32_t id, uint32_t x, uint32_t serial, uint64_t offset)
{
	struct xfer_serial	s;

	memset(&s, 0, sizeof(s));
	s.xfer = x;
	s.serial = serial;
	s.offset = offset;
	s.sent = offset + 8192;
	from_rtsd(IMSG_XFER_CONFIRMED, id, &s, sizeof(s));
	CHECK(nothing_sent());
	spool_turn();
	CHECK(((const struct xfer_serial *)(const void *)
	    next(IMSG_XFER_STORED)->data)->serial == serial);
}

void
xfer_fails(uint32_t id, uint32_t x, int failure)
{
	struct xfer_failed	f;

	memset(&f, 0, sizeof(f));
	f.xfer = x;
	f.failure = failure;
	from_rtsd(IMSG_XFER_FAILED, id, &f, sizeof(f));
	spool_turn();
}

void
head(uint32_t id, uint32_t x)
{
	uint8_t	buf[12];

	memcpy(buf, &x, 4);
	memcpy(buf + 4, "the head", 8);
	from_rtsd(IMSG_XFER_HEAD_OUT, id, buf, sizeof(buf));
}
