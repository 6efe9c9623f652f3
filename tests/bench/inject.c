/* SPDX-License-Identifier: ISC */

/*
 * inject: submits many messages on the control socket, for measuring.
 * mtactl submits one message a process; here each connection submits one
 * after the other, and there may be several connections.
 *
 *	inject -s socket -f originator -t recipient [-c connections]
 *	    [-l octets] [-n messages] [-p priority] [-r]
 *
 * With -r a delivery report is asked for.
 *
 * Each message is an interpersonal message with an IA5 text of -l octets
 * (the content is a little longer).  Prints one line, messages and seconds:
 * from the first request to the last answer, which says that the message is
 * durable.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "imsg.h"
#include "p2.h"

#define CONNECTIONS_MAX	256
#define PIECE		8192	/* octets of one imsg */
#define ANSWER_WAIT	60000	/* ms */

struct submitter {
	struct imsgbuf	 imsgbuf;
	int		 busy;
};

static struct ibuf	*envelope;
static struct ibuf	*content;

static void
usage(void)
{
	fprintf(stderr, "usage: inject -s socket -f originator -t recipient "
	    "[-c connections]\n\t[-l octets] [-n messages] [-p priority] [-r]\n");
	exit(2);
}

static double
now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void
address(struct message *m, struct or_address *a, const char *text)
{
	const char	*why;
	size_t		 where;

	if (or_address_parse(m, a, text, &where, &why) == -1)
		errx(1, "%s: at character %zu: %s", text, where + 1, why);
}

/* The one message that is submitted again and again. */
static void
make_message(const char *from, const char *to, size_t len, int priority,
    int flags)
{
	struct message		*m;
	struct p2_heading	 heading;
	struct ibuf		*tail;
	const char		*why;
	char			 line[72];
	char			 number[24];
	size_t			 left, n;

	if ((m = message_new()) == NULL ||
	    (m->recipient = message_alloc(m, sizeof(*m->recipient))) == NULL ||
	    (content = ibuf_dynamic(len, len + 65536)) == NULL ||
	    (tail = ibuf_dynamic(0, 65536)) == NULL ||
	    (envelope = ibuf_dynamic(1024, ENVELOPE_MAX)) == NULL)
		err(1, NULL);
	m->nrecipient = 1;
	address(m, &m->originator, from);
	address(m, &m->recipient[0].name, to);
	m->recipient[0].number = 1;
	m->recipient[0].flags = PRI_RESPONSIBILITY | flags;

	memset(&heading, 0, sizeof(heading));
	heading.id = "1";
	heading.originator = &m->originator;
	heading.to = &m->recipient[0].name;
	heading.nto = 1;
	heading.subject = "measuring";
	if (p2_ipm_head(&heading, len, content, tail, &why) == -1)
		errx(1, "%s", why);
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (left = len; left > 0; left -= n) {
		n = left < sizeof(line) ? left : sizeof(line);
		/* No two lines alike: what gets out of order shows. */
		snprintf(number, sizeof(number), "%010zu", len - left);
		memcpy(line, number, 10);
		if (ibuf_add(content, line, n) == -1)
			err(1, NULL);
	}
	if (ibuf_add_ibuf(content, tail) == -1)
		err(1, NULL);
	ibuf_free(tail);

	m->type = MESSAGE_USER;
	m->priority = priority;
	m->content_type = 2;
	m->has_content = 1;
	m->content_len = ibuf_size(content);
	if (message_serialise(m, envelope) == -1)
		err(1, NULL);
	message_free(m);
}

static void
compose(struct imsgbuf *imsgbuf, uint32_t type, const struct ibuf *octets)
{
	const unsigned char	*p = ibuf_data(octets);
	size_t			 left = ibuf_size(octets), n;

	do {
		n = left < PIECE ? left : PIECE;
		if (imsg_compose(imsgbuf, type, 0, 0, -1, p, n) == -1)
			err(1, "imsg_compose");
		p += n;
		left -= n;
	} while (left > 0);
}

static void
submit(struct submitter *s)
{
	compose(&s->imsgbuf, CTL_SUBMIT, envelope);
	compose(&s->imsgbuf, CTL_SUBMIT_CONTENT, content);
	if (imsg_compose(&s->imsgbuf, CTL_SUBMIT_END, 0, 0, -1, NULL,
	    0) == -1)
		err(1, "imsg_compose");
	if (imsgbuf_flush(&s->imsgbuf) == -1)
		err(1, "write to spoold");
	s->busy = 1;
}

static void
answer(struct submitter *s)
{
	struct imsg	 imsg;
	char		 text[256];
	size_t		 len;
	ssize_t		 n;

	if ((n = imsgbuf_read(&s->imsgbuf)) == -1)
		err(1, "read from spoold");
	if (n == 0)
		errx(1, "spoold closed the control socket");
	while ((n = imsg_get(&s->imsgbuf, &imsg)) > 0) {
		switch (imsg_get_type(&imsg)) {
		case CTL_ROW:
			break;
		case CTL_END:
			s->busy = 0;
			break;
		case CTL_FAIL:
			len = imsg_get_len(&imsg);
			if (len >= sizeof(text))
				len = sizeof(text) - 1;
			memset(text, 0, sizeof(text));
			if (len > 0)
				memcpy(text, imsg.body.buf, len);
			errx(1, "refused: %s", text);
		default:
			errx(1, "answer of type %u", imsg_get_type(&imsg));
		}
		imsg_free(&imsg);
	}
	if (n == -1)
		err(1, "answer of spoold");
}

static void
attach(struct submitter *s, const char *path)
{
	struct sockaddr_un	 sun;
	int			 fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(1, "%s: too long", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "%s", path);
	if (imsgbuf_init(&s->imsgbuf, fd) == -1)
		err(1, "imsgbuf_init");
}

int
main(int argc, char *argv[])
{
	static struct submitter	 submitters[CONNECTIONS_MAX];
	struct pollfd		 pfd[CONNECTIONS_MAX];
	const char		*path = NULL, *from = NULL, *to = NULL, *bad;
	double			 start;
	size_t			 len = 2048;
	long			 total = 1, begun = 0, done = 0;
	int			 flags = PRI_REPORT(1);
	int			 nsub = 1, priority = PRIORITY_NORMAL, ch, i;

	while ((ch = getopt(argc, argv, "c:f:l:n:p:rs:t:")) != -1) {
		bad = NULL;
		switch (ch) {
		case 'c':
			nsub = strtonum(optarg, 1, CONNECTIONS_MAX, &bad);
			break;
		case 'f':
			from = optarg;
			break;
		case 'l':
			len = strtonum(optarg, 0, 64 * 1024 * 1024, &bad);
			break;
		case 'n':
			total = strtonum(optarg, 1, 10000000, &bad);
			break;
		case 'p':
			if ((priority = priority_parse(optarg)) == -1)
				bad = "no priority";
			break;
		case 'r':
			flags = PRI_REPORT(2) | PRI_USER_REPORT(2);
			break;
		case 's':
			path = optarg;
			break;
		case 't':
			to = optarg;
			break;
		default:
			usage();
		}
		if (bad != NULL)
			errx(2, "-%c %s: %s", ch, optarg, bad);
	}
	if (argc != optind || path == NULL || from == NULL || to == NULL)
		usage();
	make_message(from, to, len, priority, flags);
	for (i = 0; i < nsub; i++)
		attach(&submitters[i], path);

	start = now();
	while (done < total) {
		for (i = 0; i < nsub; i++) {
			if (!submitters[i].busy && begun < total) {
				submit(&submitters[i]);
				begun++;
			}
			pfd[i].fd = submitters[i].busy ?
			    submitters[i].imsgbuf.fd : -1;
			pfd[i].events = POLLIN;
		}
		switch (poll(pfd, nsub, ANSWER_WAIT)) {
		case -1:
			err(1, "poll");
		case 0:
			errx(1, "no answer for %d s", ANSWER_WAIT / 1000);
		}
		for (i = 0; i < nsub; i++) {
			if (pfd[i].fd == -1 || pfd[i].revents == 0)
				continue;
			answer(&submitters[i]);
			if (!submitters[i].busy)
				done++;
		}
	}
	printf("%ld %.6f\n", done, now() - start);
	return 0;
}
