/* SPDX-License-Identifier: ISC */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool_receiver.h"

uint64_t	even_extra;

uint64_t
even_len(uint32_t n)
{
	return (even_extra + (uint64_t)n * fake_checkpoint * 1024);
}

void
content(uint64_t from, size_t len)
{
	static uint8_t	buf[64 * 1024];

	CHECK(len <= sizeof(buf));
	fill_octets(buf, from, len);
	recv_octets(IMSG_RECV_CONTENT, RECEIVER_IN, buf, len);
}

void
even(uint32_t n)
{
	content(even_len(n - 1), fake_checkpoint * 1024);
	recv_number(IMSG_RECV_CHECKPOINT, RECEIVER_IN, n);
}

void
is_confirmed(uint32_t n)
{
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_RECV_CONFIRM)->data == n);
}

void
turn_until_sent(void)
{
	struct pollfd	pfd = { .fd = sync_event_fd(), .events = POLLIN };

	while (nothing_sent()) {
		CHECK(poll(&pfd, 1, 5000) == 1);
		sync_seen();
		recv_synced();
		if (sp.dirty)
			spool_commit_turn();
	}
}

void
window_of(uint32_t n)
{
	uint32_t	i;

	for (i = 0; i < 3; i++)
		even(n + i);
	if (sp.dirty)
		spool_commit_turn();
	turn_until_sent();
	for (i = 0; i < 3; i++)
		is_confirmed(n + i);
}

void
resume_at(uint32_t activity, uint32_t serial)
{
	struct recv_resume	rs;

	memset(&rs, 0, sizeof(rs));
	make_act(&rs.activity, activity);
	make_act(&rs.old_activity, 5);
	make_conn(&rs.old_connection, "beta", 1);
	rs.serial = serial;
	from_rtsd(IMSG_RECV_RESUME, RECEIVER_IN, &rs, sizeof(rs));
	spool_commit();
}
