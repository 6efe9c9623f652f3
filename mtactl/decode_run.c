/* SPDX-License-Identifier: ISC */

/*
 * mtactl decode: reads a file, gives up what a decoder does not need, and
 * prints what the octets are.  See decode.h.
 */

#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"
#include "mtactl.h"
#include "sandbox.h"

static uint8_t *
read_all(int fd, const char *name, size_t *len)
{
	uint8_t	*buf = NULL, *more;
	size_t	 size = 0, used = 0;
	ssize_t	 n;

	for (;;) {
		if (used == size) {
			size = size == 0 ? 65536 : 2 * size;
			if ((more = realloc(buf, size + 1)) == NULL)
				err(1, NULL);
			buf = more;
		}
		n = read(fd, buf + used, size - used);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			err(1, "%s", name);
		if (n == 0)
			break;
		if ((used += n) > DECODE_MAX)
			errx(1, "%s: more than %u octets", name, DECODE_MAX);
	}
	buf[used] = '\0';
	*len = used;
	return (buf);
}

/* As somebody who may nothing, where there is nothing. */
static void
confine(void)
{
	struct sandbox_conf	sc;
	struct stat		sb;

	memset(&sc, 0, sizeof(sc));
	if (geteuid() == 0) {
		sc.user = getpwnam(RTSD_USER) != NULL ? RTSD_USER : "nobody";
		sc.root = stat(EMPTY_DIR, &sb) == 0 && S_ISDIR(sb.st_mode) ?
		    EMPTY_DIR : NULL;
	}
	if (sandbox_enter(ROLE_CTL, &sc) == -1)
		exit(1);
}

void
decode_run(int argc, char **argv, int as_json)
{
	static char	 name[] = "mtactl";
	const char	*file;
	uint8_t		*p, *octets;
	char		 why[200];
	size_t		 len;
	int		 ch, fd, hex = 0, kind = DECODE_AUTO;

	argv[0] = name;			/* for the errors of getopt */
	optind = 1;
#ifdef LIBBSD_OVERLAY
	optreset = 1;
#endif
	while ((ch = getopt(argc, argv, "t:x")) != -1) {
		switch (ch) {
		case 't':
			if ((kind = decode_kind(optarg)) == -1)
				errx(EXIT_USAGE, "decode: %s: auto, pcap, "
				    "tpkt, tpdu, tsdu, apdu, mpdu, content or ber "
				    "expected", optarg);
			break;
		case 'x':
			hex = 1;
			break;
		default:
			usage(NULL);
		}
	}
	if (argc - optind != 1)
		usage("decode: one file, or \"-\", expected");
	file = argv[optind];
	fd = STDIN_FILENO;
	if (strcmp(file, "-") == 0)
		file = "standard input";
	else if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		err(1, "%s", file);
	p = read_all(fd, file, &len);
	confine();
	if (hex) {
		octets = decode_hex((char *)p, len, &len, why, sizeof(why));
		if (octets == NULL)
			errx(1, "%s: %s", file, why);
		free(p);
		p = octets;
	}
	ch = decode_octets(p, len, kind, stdout, as_json);
	free(p);
	if (fflush(stdout) != 0 || ferror(stdout))
		err(1, "standard output");
	exit(ch == 0 ? 0 : 1);
}
