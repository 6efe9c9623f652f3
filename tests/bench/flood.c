/* SPDX-License-Identifier: ISC */

/*
 * flood: somebody who means harm, for tests and for measuring.
 *
 *	flood -p port [-a address] [-b network/bits] [-c connections]
 *	    [-n number] [-r octets] [-s seconds]
 *	    connect | loris | malformed | file
 *
 * connect opens connections and resets each as soon as it is there.  loris
 * holds as many as it can, sends an octet of a good first packet on each every
 * second, and opens another for each that is closed.  malformed sends a first
 * packet that is wrong, another one each time, and waits for the end.  The
 * name of a file, which has a slash in it: what it holds is sent, and the
 * connection reset when -r octets have come in answer, or at the end.
 *
 * -c are open at one time, by default 100; it ends after -n connections or -s
 * seconds.  -b is where they come from, one address after the other: all of
 * 127.0.0.0/8 can be used without further ado.  Prints a line of JSON.
 */

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT	24
#endif

#define PACKET_MAX	1024
#define PATIENCE	5.0	/* s for the end of a malformed one */

enum mode { CONNECT, LORIS, MALFORMED, FILE_GIVEN };

struct slot {
	int	fd;		/* -1: free */
	int	up;		/* connected */
	size_t	sent, answer;
	double	since, next;
};

/* A CR without selectors, and a CN that ends in the middle. */
static const uint8_t cr[] = { 3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 7, 0 };
static const uint8_t cn[] = { 3, 0, 0, 30, 2, 0xf0, 0x80, 0x0d, 0xf0, 5, 2,
    0x13, 1, 0, 0x16, 1 };

static enum mode		 mode;
static struct sockaddr_in	 to, from;
static uint32_t			 from_net, from_hosts = 1;
static struct slot		*slots;
static uint64_t			 started, up, closed, answered, failed, octets;
static uint8_t			 given[4096];	/* by the file */
static size_t			 given_len, enough = SIZE_MAX;
static uint64_t			 number = UINT64_MAX;
static uint32_t			 seed = 1;
static volatile sig_atomic_t	 stop;
static int			 ep;

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: flood -p port [-a address] "
	    "[-b network/bits] [-c connections]\n\t[-n number] [-r octets] "
	    "[-s seconds] connect | loris | malformed | file\n");
	exit(2);
}

static double
now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec + ts.tv_nsec / 1e9);
}

static void
terminate(int sig)
{
	stop = 1;
}

/* The same each time: what is found can be found again. */
static uint32_t
chance(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return ((seed >> 8) % n);
}

static size_t
noise(uint8_t *p, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++)
		p[i] = chance(256);
	return (len);
}

static size_t
put(uint8_t *p, const void *what, size_t len)
{
	memcpy(p, what, len);
	return (len);
}

/* Something that is no CR, or what follows one and is nothing. */
static size_t
malformed(uint8_t *p)
{
	static const char http[] = "GET / HTTP/1.0\r\n\r\n";
	size_t	 n = 0;

	switch (chance(8)) {
	case 0:
		return (noise(p, 1 + chance(PACKET_MAX - 1)));
	case 1:
		return (put(p, http, sizeof(http) - 1));
	case 2:		/* any packet in a TPKT that is right */
		n = 7 + chance(500);
		noise(p, n);
		p[0] = 3;
		p[2] = n >> 8;
		p[3] = n & 0xff;
		return (n);
	case 3:		/* the first octet of TLS and more */
		n = noise(p, 300);
		put(p, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
		return (n);
	case 4:		/* a CR with one octet that is another */
		n = put(p, cr, sizeof(cr));
		p[chance(n)] = chance(256);
		return (n);
	case 5:		/* one that is right, and the end of a CN too soon */
		n = put(p, cr, sizeof(cr));
		return (n + put(p + n, cn, 7 + chance(sizeof(cn) - 7)));
	case 6:		/* and any SPDU */
		n = put(p, cr, sizeof(cr));
		n += put(p + n, "\x03\x00\x00\x87\x02\xf0\x80", 7);
		return (n + noise(p + n, 128));
	default:	/* and a CN with anything for user data */
		n = put(p, cr, sizeof(cr));
		n += put(p + n, "\x03\x00\x00\x6b\x02\xf0\x80\x0d\x62\xc1\x60",
		    11);
		return (n + noise(p + n, 0x60));
	}
}

static void
forget(struct slot *s)
{
	struct linger	 reset = { 1, 0 };

	/* nothing is left that would take up a port for a minute */
	setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(s->fd);
	s->fd = -1;
}

static void
open_one(struct slot *s)
{
	struct epoll_event	 ev;
	int			 one = 1;

	if ((s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) == -1)
		err(1, "socket");
	if (from_hosts > 1) {
		from.sin_addr.s_addr = htonl(from_net + 1 + (uint32_t)
		    (started % (from_hosts - 2)));
		setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		    sizeof(one));
		if (bind(s->fd, (struct sockaddr *)&from, sizeof(from)) == -1)
			err(1, "bind");
	}
	started++;
	s->up = 0;
	s->sent = s->answer = 0;
	s->since = s->next = now();
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS) {
		failed++;
		forget(s);
		return;
	}
	ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	ev.data.ptr = s;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

/* The connection stands. */
static void
begin(struct slot *s)
{
	struct epoll_event	 ev;
	uint8_t			 packet[PACKET_MAX + 64];
	ssize_t			 n;

	s->up = 1;
	up++;
	if (mode == CONNECT) {
		forget(s);
		return;
	}
	if (mode == MALFORMED) {
		n = send(s->fd, packet, malformed(packet), MSG_NOSIGNAL);
		if (n > 0)
			octets += n;
		shutdown(s->fd, SHUT_WR);
	}
	if (mode == FILE_GIVEN && (n = send(s->fd, given, given_len,
	    MSG_NOSIGNAL)) > 0)
		octets += n;
	ev.events = EPOLLIN | EPOLLRDHUP;
	ev.data.ptr = s;
	epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &ev);
}

static void
event(struct slot *s, uint32_t what)
{
	char	 buf[4096];
	ssize_t	 n;

	if (s->fd == -1)
		return;
	if (!s->up) {
		if (what & (EPOLLERR | EPOLLHUP)) {
			failed++;
			forget(s);
		} else if (what & EPOLLOUT)
			begin(s);
		return;
	}
	while ((n = recv(s->fd, buf, sizeof(buf), 0)) > 0)
		if ((s->answer += n) >= enough) {
			answered++;
			forget(s);
			return;
		}
	if (n == 0 || errno != EAGAIN) {
		closed++;
		forget(s);
	}
}

/* What time brings: the next octet, or the end of our patience. */
static void
tick(struct slot *s, double t)
{
	if (s->fd == -1)
		return;
	if ((mode == MALFORMED || mode == FILE_GIVEN) && t - s->since > PATIENCE) {
		failed++;
		forget(s);
	} else if (mode == LORIS && s->up && t >= s->next) {
		if (s->sent < sizeof(cr) - 1 && send(s->fd, cr + s->sent, 1,
		    MSG_NOSIGNAL) == 1) {
			s->sent++;
			octets++;
		}
		s->next = t + 1;
	}
}

static void
network(char *arg)
{
	struct in_addr	 in;
	char		*slash;
	int		 bits;

	if ((slash = strchr(arg, '/')) == NULL)
		usage();
	*slash = '\0';
	bits = atoi(slash + 1);
	if (inet_pton(AF_INET, arg, &in) != 1 || bits < 8 || bits > 30)
		usage();
	from_net = ntohl(in.s_addr);
	from_hosts = 1u << (32 - bits);
	from.sin_family = AF_INET;
}

static void
read_file(const char *name)
{
	FILE	*f;

	if ((f = fopen(name, "r")) == NULL ||
	    (given_len = fread(given, 1, sizeof(given), f)) == 0)
		err(1, "%s", name);
	fclose(f);
}

static void
run(size_t n, double seconds)
{
	struct epoll_event	 evs[256];
	double			 t, end = now() + seconds, last = 0;
	size_t			 i;
	int			 k, j, busy = 1;

	while (busy && !stop && (t = now()) < end) {
		busy = 0;
		for (i = 0; i < n; i++) {
			if (slots[i].fd == -1 && started < number)
				open_one(&slots[i]);
			busy |= slots[i].fd != -1;
		}
		if ((k = epoll_wait(ep, evs, 256, 100)) == -1 &&
		    errno != EINTR)
			err(1, "epoll_wait");
		for (j = 0; j < k; j++)
			event(evs[j].data.ptr, evs[j].events);
		if (t - last > 0.2) {
			for (i = 0; i < n; i++)
				tick(&slots[i], t);
			last = t;
		}
	}
}

int
main(int argc, char **argv)
{
	static const char *const	 modes[] = { "connect", "loris",
					    "malformed" };
	struct rlimit			 rl;
	double				 seconds = 1e9, begun;
	size_t				 n = 100, i;
	int				 ch, port = 0;

	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((ch = getopt(argc, argv, "a:b:c:n:p:r:s:")) != -1) {
		switch (ch) {
		case 'a':
			if (inet_pton(AF_INET, optarg, &to.sin_addr) != 1)
				usage();
			break;
		case 'b':
			network(optarg);
			break;
		case 'c':
			n = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			number = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			port = atoi(optarg);
			break;
		case 'r':
			enough = strtoul(optarg, NULL, 10);
			break;
		case 's':
			seconds = atof(optarg);
			break;
		default:
			usage();
		}
	}
	for (i = 0; i < 3 && optind + 1 == argc; i++)
		if (strcmp(argv[optind], modes[i]) == 0)
			break;
	if (optind + 1 != argc || port == 0 || n == 0 || enough == 0 ||
	    (i == 3 && strchr(argv[optind], '/') == NULL))
		usage();
	if (i == 3)
		read_file(argv[optind]);
	mode = i;
	to.sin_port = htons(port);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	if ((ep = epoll_create1(0)) == -1 ||
	    (slots = calloc(n, sizeof(*slots))) == NULL)
		err(1, NULL);
	for (i = 0; i < n; i++)
		slots[i].fd = -1;
	signal(SIGTERM, terminate);
	signal(SIGINT, terminate);
	begun = now();
	run(n, seconds);
	printf("{\"connections\": %llu, \"connected\": %llu, \"closed\": "
	    "%llu, \"answered\": %llu, \"failed\": %llu, \"octets\": %llu, "
	    "\"seconds\": %.2f}\n",
	    (unsigned long long)started, (unsigned long long)up,
	    (unsigned long long)closed, (unsigned long long)answered,
	    (unsigned long long)failed, (unsigned long long)octets,
	    now() - begun);
	return (0);
}
