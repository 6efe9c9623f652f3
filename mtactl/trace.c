/* SPDX-License-Identifier: ISC */

/*
 * "mtactl trace": octets of associations as a pcapng file (IETF draft
 * tuexen-opsawg-pcapng), for wireshark(1).  The packets are raw IP with
 * headers of TCP that are made up: the answering side has port 102, by which
 * TPKT is known, the calling one a port of its own for each association.
 * Where octets were left out the sequence numbers have a gap, and what
 * follows begins with a TPKT.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "mtactl.h"

#define SECONDS_MAX	(7 * 86400)
#define FLOWS_MAX	8192		/* associations at one time */
#define LAST_WAIT	1000		/* ms for mtad when a signal has come */
#define SEGMENT		32768		/* octets of TCP in a packet */
#define FIRST_PORT	20000
#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_PSH		0x08
#define TCP_ACK		0x10

#define SHB		0x0a0d0d0a
#define IDB		1
#define EPB		6
#define OPT_END		0
#define OPT_COMMENT	1
#define OPT_IF_NAME	2
#define OPT_TSRESOL	9
#define LINKTYPE_RAW	101

struct flow {
	TAILQ_ENTRY(flow)	 entry;
	uint32_t		 assoc;
	uint16_t		 port;		/* of who calls */
	int			 initiator;	/* we are */
	uint64_t		 next[2];	/* offset of what follows */
	int			 family;
	uint8_t			 local[16], remote[16];
};

struct trace {
	struct ctl		 ctl;
	struct ctl_trace	 want;
	const char		*file;		/* NULL: standard output */
	int			 all;
	FILE			*f;
	TAILQ_HEAD(, flow)	 flows;
	unsigned		 nflows;
	unsigned		 nports;
	uint64_t		 packets, octets;
	uint64_t		 lost, skipped;	/* by mtad, by us */
};

static volatile sig_atomic_t	stopped;

static void
stop(int sig)
{
	stopped = 1;
}

/* Blocks */

static void
put(struct trace *t, const void *p, size_t len)
{
	static const uint8_t zero[4];

	if (fwrite(p, 1, len, t->f) != len ||
	    fwrite(zero, 1, -len & 3, t->f) != (-len & 3))
		err(1, "%s", t->file != NULL ? t->file : "standard output");
}

static void
put_32(struct trace *t, uint32_t v)
{
	put(t, &v, sizeof(v));
}

static size_t
padded(size_t len)
{
	return ((len + 3) & ~(size_t)3);
}

static void
put_option(struct trace *t, uint16_t code, const void *p, uint16_t len)
{
	uint16_t head[2] = { code, len };

	put(t, head, sizeof(head));
	put(t, p, len);
}

static void
file_begin(struct trace *t)
{
	static const uint8_t resolution = 9;	/* nanoseconds */
	uint16_t version[2] = { 1, 0 }, link[2] = { LINKTYPE_RAW, 0 };

	put_32(t, SHB);
	put_32(t, 28);
	put_32(t, 0x1a2b3c4d);
	put(t, version, sizeof(version));
	put_32(t, UINT32_MAX);		/* length of the section: unknown */
	put_32(t, UINT32_MAX);
	put_32(t, 28);
	put_32(t, IDB);
	put_32(t, 40);
	put(t, link, sizeof(link));
	put_32(t, 0);
	put_option(t, OPT_IF_NAME, "mtad", 4);
	put_option(t, OPT_TSRESOL, &resolution, 1);
	put_32(t, OPT_END);
	put_32(t, 40);
}

/* A packet with its headers, and a comment when there is one. */
static void
packet(struct trace *t, const struct trace_data *td, const uint8_t *head,
    size_t headlen, const uint8_t *p, size_t len, const char *comment)
{
	uint64_t at = (uint64_t)td->sec * 1000000000 + td->nsec;
	size_t n = strlen(comment), whole;
	static uint8_t buf[SEGMENT + 64];

	whole = 32 + padded(headlen + len) + (n > 0 ? 8 + padded(n) : 0);
	put_32(t, EPB);
	put_32(t, whole);
	put_32(t, 0);
	put_32(t, at >> 32);
	put_32(t, (uint32_t)at);
	put_32(t, headlen + len);
	put_32(t, headlen + len);
	memcpy(buf, head, headlen);
	if (len > 0)
		memcpy(buf + headlen, p, len);
	put(t, buf, headlen + len);
	if (n > 0) {
		put_option(t, OPT_COMMENT, comment, n);
		put_32(t, OPT_END);
	}
	put_32(t, whole);
	t->packets++;
}

/* IP and TCP */

static void
set_16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static void
set_32(uint8_t *p, uint32_t v)
{
	set_16(p, v >> 16);
	set_16(p + 2, v & 0xffff);
}

static uint32_t
add_16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	if (len > 0)
		sum += p[0] << 8;
	return (sum);
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (~sum & 0xffff);
}

/* IPv4 or IPv6; octets of it. */
static size_t
put_ip(uint8_t *b, const struct flow *f, int out, size_t len)
{
	const uint8_t *from = out ? f->local : f->remote,
	    *to = out ? f->remote : f->local;

	if (f->family == AF_INET) {
		b[0] = 0x45;
		set_16(b + 2, 20 + len);
		b[8] = 64;
		b[9] = IPPROTO_TCP;
		memcpy(b + 12, from, 4);
		memcpy(b + 16, to, 4);
		set_16(b + 10, fold(add_16(0, b, 20)));
		return (20);
	}
	b[0] = 0x60;
	set_16(b + 4, len);
	b[6] = IPPROTO_TCP;
	b[7] = 64;
	memcpy(b + 8, from, 16);
	memcpy(b + 24, to, 16);
	return (40);
}

/* The pseudo-header of RFC 9293 3.1 and of RFC 8200 8.1 sum up alike. */
static uint16_t
checksum(const struct flow *f, const uint8_t *tcp, const uint8_t *p,
    size_t len)
{
	size_t n = f->family == AF_INET ? 4 : 16;
	uint32_t sum = IPPROTO_TCP + 20 + len;

	sum = add_16(sum, f->local, n);
	sum = add_16(sum, f->remote, n);
	sum = add_16(sum, tcp, 20);
	return (fold(add_16(sum, p, len)));
}

static void
segment(struct trace *t, const struct flow *f, const struct trace_data *td,
    int out, int flags, uint32_t seq, const uint8_t *p, size_t len,
    const char *comment)
{
	uint8_t head[60], *tcp;
	size_t n;
	int called = (out != 0) == (f->initiator != 0);

	memset(head, 0, sizeof(head));
	n = put_ip(head, f, out, 20 + len);
	tcp = head + n;
	set_16(tcp, called ? f->port : 102);
	set_16(tcp + 2, called ? 102 : f->port);
	set_32(tcp + 4, seq);
	if (flags & TCP_ACK)
		set_32(tcp + 8, (uint32_t)f->next[!out] + 1);
	tcp[12] = 0x50;
	tcp[13] = flags;
	set_16(tcp + 14, 65535);
	set_16(tcp + 16, checksum(f, tcp, p, len));
	packet(t, td, head, n + 20, p, len, comment);
}

/* Associations */

/* "192.0.2.1 port 102" as octets; its family, 0: it is none. */
static int
address(const char *text, uint8_t *out)
{
	char host[64];

	strlcpy(host, text, sizeof(host));
	host[strcspn(host, " %")] = '\0';
	if (inet_pton(AF_INET, host, out) == 1)
		return (AF_INET);
	return (inet_pton(AF_INET6, host, out) == 1 ? AF_INET6 : 0);
}

static void
set_addresses(struct flow *f, const struct trace_data *td)
{
	f->family = address(td->local, f->local);
	if (f->family != 0 && address(td->remote, f->remote) == f->family)
		return;
	f->family = AF_INET;
	memcpy(f->local, "\012\0\0\001", 4);
	memcpy(f->remote, "\012\0\0\002", 4);
}

/* A handshake, also for one that began before: the comment says so. */
static struct flow *
flow_new(struct trace *t, const struct trace_data *td)
{
	struct flow *f;
	char comment[512];
	int i;

	if (t->nflows >= FLOWS_MAX)
		return (NULL);
	if ((f = calloc(1, sizeof(*f))) == NULL)
		err(1, NULL);
	f->assoc = td->assoc;
	f->initiator = i = td->initiator != 0;
	f->port = FIRST_PORT + t->nports++ % (65536 - FIRST_PORT);
	set_addresses(f, td);
	TAILQ_INSERT_TAIL(&t->flows, f, entry);
	t->nflows++;
	snprintf(comment, sizeof(comment), "association %x, %s %s, %s to %s%s"
	    "%s%s", td->assoc & ~ASSOC_INCOMING, i ? "to" : "from",
	    td->peer[0] != '\0' ? td->peer : "a peer not known", td->local,
	    td->remote, td->tls[0] != '\0' ? ", " : "", td->tls,
	    td->offset + td->other > 0 ? ", that began before" : "");
	f->next[td->out != 0] = td->offset + td->first;
	f->next[td->out == 0] = td->other;
	segment(t, f, td, i, TCP_SYN, (uint32_t)f->next[i], NULL, 0,
	    comment);
	segment(t, f, td, !i, TCP_SYN | TCP_ACK, (uint32_t)f->next[!i], NULL,
	    0, "");
	segment(t, f, td, i, TCP_ACK, (uint32_t)f->next[i] + 1, NULL, 0, "");
	return (f);
}

static struct flow *
flow_of(struct trace *t, const struct trace_data *td)
{
	struct flow *f;

	TAILQ_FOREACH(f, &t->flows, entry)
		if (f->assoc == td->assoc)
			return (f);
	return (flow_new(t, td));
}

static void
flow_end(struct trace *t, struct flow *f, const struct trace_data *td,
    const uint8_t *why, size_t len)
{
	char comment[512];

	snprintf(comment, sizeof(comment), "over: %.*s", (int)(len < 400 ?
	    len : 400), (const char *)why);
	segment(t, f, td, 1, TCP_FIN | TCP_ACK, (uint32_t)f->next[1] + 1,
	    NULL, 0, comment);
	segment(t, f, td, 0, TCP_FIN | TCP_ACK, (uint32_t)f->next[0] + 1,
	    NULL, 0, "");
	TAILQ_REMOVE(&t->flows, f, entry);
	t->nflows--;
	free(f);
}

static void
octets(struct trace *t, struct flow *f, const struct trace_data *td,
    const uint8_t *p, size_t len)
{
	int out = td->out != 0;
	uint64_t offset = td->offset;
	char comment[80] = "";
	size_t n;

	if (offset != f->next[out]) {
		t->skipped += td->first;
		p += td->first;
		len -= td->first;
		offset += td->first;
	}
	if (offset != f->next[out])
		snprintf(comment, sizeof(comment), "%" PRIu64 " octets before "
		    "this are left out", offset - f->next[out]);
	for (; len > 0; p += n, len -= n, offset += n) {
		n = len < SEGMENT ? len : SEGMENT;
		f->next[out] = offset;
		segment(t, f, td, out, TCP_PSH | TCP_ACK,
		    (uint32_t)offset + 1, p, n, comment);
		f->next[out] = offset + n;
		t->octets += n;
		comment[0] = '\0';
	}
}

static void
data(struct trace *t, struct imsg *imsg)
{
	struct trace_data td;
	const uint8_t *p = ibuf_data(&imsg->body);
	size_t len = imsg_get_len(imsg);
	struct flow *f;

	if (len < sizeof(td))
		errx(1, "%s: unexpected answer", t->ctl.path);
	memcpy(&td, p, sizeof(td));
	p += sizeof(td);
	len -= sizeof(td);
	TERMINATE(td.peer);
	TERMINATE(td.local);
	TERMINATE(td.remote);
	TERMINATE(td.tls);
	if (td.first > len)
		errx(1, "%s: unexpected answer", t->ctl.path);
	if (td.lost > t->lost)
		t->lost = td.lost;
	if (td.assoc == 0 && len == 0)
		return;		/* only how much was left out */
	if ((f = flow_of(t, &td)) == NULL) {
		t->lost += len;
		return;
	}
	if (td.end)
		flow_end(t, f, &td, p, len);
	else if (td.offset + td.first >= f->next[td.out != 0])
		octets(t, f, &td, p, len);
}

/* The command */

static void
option(int ch, void *arg)
{
	struct trace *t = arg;

	switch (ch) {
	case 'a':
		t->all = 1;
		break;
	case 'p':
		t->want.secrets = 1;
		break;
	case 'w':
		t->file = strcmp(optarg, "-") == 0 ? NULL : optarg;
		break;
	}
}

/*
 * Asks for it and waits until mtad has it; only then is a file one of a trace,
 * and the one that was there replaced.  The first piece is left in imsg.
 */
static void
begin(struct trace *t, const char *path, struct imsg *imsg)
{
	int last, n;

	if (t->file == NULL && isatty(STDOUT_FILENO))
		errx(EXIT_USAGE, "trace: standard output is a terminal: use "
		    "-w file, or a pipe");
	ctl_connect(&t->ctl, path);
	ctl_send(&t->ctl, CTL_TRACE, &t->want, sizeof(t->want));
	while (!ctl_try(&t->ctl, imsg)) {
		last = stopped;
		n = ctl_wait(&t->ctl, last ? LAST_WAIT : -1);
		if (n == -1)
			errx(1, "%s: mtad closed the connection: see its log",
			    path);
		if (n == 0 && last)
			errx(1, "%s: mtad did not answer", path);
	}
	if (imsg_get_type(imsg) != CTL_ROW_TRACE)
		errx(1, "%s: unexpected answer", path);
}

static void
open_file(struct trace *t)
{
	struct stat sb;
	int fd;

	if (t->file == NULL) {
		t->f = stdout;
		return;
	}
	/* messages are in it, also in one that was for others to read */
	if ((fd = open(t->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600)) == -1 || fstat(fd, &sb) == -1 || (S_ISREG(sb.st_mode) &&
	    fchmod(fd, 0600) == -1) || (t->f = fdopen(fd, "w")) == NULL)
		err(1, "%s", t->file);
}

static void
catch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = stop;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* Until time, signal or connection end; 0: it was the connection. */
static int
run(struct trace *t, uint64_t seconds)
{
	uint64_t end = now_ms() + seconds * 1000, now;
	struct imsg imsg;
	int ms = -1;

	while (!stopped) {
		if (seconds != 0) {
			if ((now = now_ms()) >= end)
				return (1);
			ms = end - now;
		}
		if (ctl_wait(&t->ctl, ms) == -1)
			return (stopped != 0);
		while (ctl_try(&t->ctl, &imsg))
			if (imsg_get_type(&imsg) == CTL_ROW_TRACE)
				data(t, &imsg);
			else
				errx(1, "%s: unexpected answer", t->ctl.path);
		if (fflush(t->f) != 0)
			err(1, "%s", t->file != NULL ? t->file :
			    "standard output");
	}
	return (1);
}

static void
tell(const struct trace *t, int as_json)
{
	struct json j;

	if (!as_json) {
		fprintf(stderr, "%" PRIu64 " packets, %" PRIu64 " octets, %"
		    PRIu64 " octets left out\n", t->packets, t->octets,
		    t->lost + t->skipped);
		return;
	}
	json_begin(&j, t->file != NULL ? stdout : stderr);
	json_object(&j, NULL);
	json_bool(&j, "ok", 1);
	json_uint(&j, "packets", t->packets);
	json_uint(&j, "octets", t->octets);
	json_uint(&j, "left_out", t->lost + t->skipped);
	json_close(&j, '}');
	json_end(&j);
}

void
trace_run(const char *path, int argc, char **argv, int as_json)
{
	struct trace t;
	struct imsg imsg;
	uint64_t seconds = 0;

	memset(&t, 0, sizeof(t));
	TAILQ_INIT(&t.flows);
	argc = options(argc, &argv, "+apw:", option, &t);
	if (!t.all && argc > 0) {
		peer_arg(t.want.name, "trace", argv[0]);
		argc--;
		argv++;
	} else if (!t.all)
		usage("trace: the name of a peer or -a expected");
	if (argc > 1)
		usage("trace: too many arguments");
	if (argc == 1)
		seconds = number_arg("trace", argv[0], 1, SECONDS_MAX);
	catch_signals();
	begin(&t, path, &imsg);
	open_file(&t);
	ctl_confine();
	file_begin(&t);
	data(&t, &imsg);
	if (fflush(t.f) != 0)
		err(1, "%s", t.file != NULL ? t.file : "standard output");
	if (!run(&t, seconds)) {
		tell(&t, as_json);
		errx(1, "%s: mtad closed the connection: see its log", path);
	}
	tell(&t, as_json);
	if (t.file != NULL && fclose(t.f) != 0)
		err(1, "%s", t.file);
}
