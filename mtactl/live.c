/* SPDX-License-Identifier: ISC */

/*
 * What acts on the running mtad: ping, peer, reload, stop.
 */

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "mtactl.h"

static const char *const layers[PING_LAYERS] = { "tcp", "tls", "transport",
    "session", "presentation", "acse", "rts", "mta", "release" };

/* Text of mtad's, on a line of ours. */
static void
printable(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static void __attribute__((noreturn))
unexpected(const struct ctl *c)
{
	errx(1, "%s: unexpected answer", c->path);
}

/* {"ok": true} */
static void
ok_json(int ok)
{
	struct json j;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_bool(&j, "ok", ok);
	json_close(&j, '}');
	json_end(&j);
}

/* Ping */

struct ping {
	struct ctl		 ctl;
	struct ctl_ping		 want;
	int			 as_json;
	struct json		 json;
	char			*text;		/* what json has written */
	size_t			 len;
	uint32_t		 answered, tried;
	int			 open;		/* an address is under way */
};

static void
ping_option(int ch, void *arg)
{
	struct ping *p = arg;

	switch (ch) {
	case 'a':
		p->want.all = 1;
		break;
	case 'n':
		p->want.address = number_arg("ping -n", optarg, 1,
		    PEER_ADDRESSES_MAX);
		break;
	case 't':
		p->want.limit = number_arg("ping -t", optarg, 1,
		    PING_LIMIT_MAX);
		break;
	}
}

static void
ping_address(struct ping *p, struct imsg *imsg)
{
	struct ctl_ping_address a;

	ctl_row(imsg, &a, sizeof(a));
	TERMINATE(a.text);
	printable(a.text);
	if (p->open)
		unexpected(&p->ctl);
	p->open = 1;
	p->tried++;
	if (p->as_json) {
		json_object(&p->json, NULL);
		json_uint(&p->json, "number", a.number);
		json_string(&p->json, "address", a.text);
		json_array(&p->json, "steps");
	} else
		printf("%s, address %u: %s\n", p->want.name, a.number,
		    a.text);
}

static void
ping_step(struct ping *p, struct imsg *imsg)
{
	struct ping_step s;

	ctl_row(imsg, &s, sizeof(s));
	TERMINATE(s.text);
	printable(s.text);
	if (s.layer >= PING_LAYERS || !p->open)
		unexpected(&p->ctl);
	if (p->as_json) {
		json_object(&p->json, NULL);
		json_string(&p->json, "layer", layers[s.layer]);
		json_bool(&p->json, "ok", s.ok);
		json_uint(&p->json, "ms", s.ms);
		json_string(&p->json, "text", s.text);
		json_close(&p->json, '}');
	} else
		printf("%7u ms  %-13s %-4s  %s\n", s.ms, layers[s.layer],
		    s.ok ? "ok" : "FAIL", s.text);
}

static void
ping_end(struct ping *p, struct imsg *imsg)
{
	struct ping_end e;

	ctl_row(imsg, &e, sizeof(e));
	if (!p->open)
		unexpected(&p->ctl);
	p->open = 0;
	p->answered += e.ok != 0;
	if (!p->as_json)
		return;
	json_close(&p->json, ']');
	json_bool(&p->json, "ok", e.ok);
	json_uint(&p->json, "ms", e.ms);
	json_close(&p->json, '}');
}

static void
ping_rows(struct ping *p)
{
	struct imsg imsg;
	uint32_t type;

	while ((type = ctl_next(&p->ctl, &imsg, NULL, NULL)) != CTL_END) {
		if (type == CTL_ROW)
			ping_address(p, &imsg);
		else if (type == CTL_ROW_STEP)
			ping_step(p, &imsg);
		else if (type == CTL_ROW_PING)
			ping_end(p, &imsg);
		else
			unexpected(&p->ctl);
		fflush(stdout);
	}
	if (p->open || p->tried == 0)
		unexpected(&p->ctl);
}

void
ping_run(const char *path, int argc, char **argv, int as_json)
{
	struct ping p;
	FILE *f = NULL;
	int ok;

	memset(&p, 0, sizeof(p));
	p.as_json = as_json;
	if (options(argc, &argv, "+an:t:", ping_option, &p) != 1)
		usage("ping: the name of a peer expected");
	if (p.want.all && p.want.address != 0)
		usage("ping: -a or -n, not both");
	peer_arg(p.want.name, "ping", argv[0]);
	ctl_open(&p.ctl, path);
	ctl_send(&p.ctl, CTL_PING, &p.want, sizeof(p.want));
	if (as_json) {		/* all of it, or nothing */
		if ((f = open_memstream(&p.text, &p.len)) == NULL)
			err(1, NULL);
		json_begin(&p.json, f);
		json_object(&p.json, NULL);
		json_string(&p.json, "peer", p.want.name);
		json_array(&p.json, "addresses");
	}
	ping_rows(&p);
	ok = p.answered > 0 && (!p.want.all || p.answered == p.tried);
	if (as_json) {
		json_close(&p.json, ']');
		json_bool(&p.json, "ok", ok);
		json_close(&p.json, '}');
		json_end(&p.json);
		if (fclose(f) != 0)
			err(1, NULL);
		fputs(p.text, stdout);
		free(p.text);
	} else
		printf("%s: %u of %u addresses answered\n", p.want.name,
		    p.answered, p.tried);
	if (!ok) {
		fflush(stdout);
		exit(1);
	}
}

/* Peer */

void
peer_run(const char *path, int argc, char **argv, int as_json)
{
	static const char *const states[] = { "down", "up", "hold" };
	struct ctl_peer_set set;
	struct imsg imsg;
	struct ctl c;

	if (argc != 3)
		usage("peer: a name and \"up\", \"down\" or \"hold\" "
		    "expected");
	memset(&set, 0, sizeof(set));
	peer_arg(set.name, "peer", argv[1]);
	while (set.state <= CTL_PEER_HOLD &&
	    strcmp(argv[2], states[set.state]) != 0)
		set.state++;
	if (set.state > CTL_PEER_HOLD)
		errx(EXIT_USAGE, "peer: %s: up, down or hold expected",
		    argv[2]);
	ctl_open(&c, path);
	ctl_send(&c, CTL_PEER, &set, sizeof(set));
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_END)
		unexpected(&c);
	if (as_json)
		ok_json(1);
}

/* Reload */

static void
reload_line(struct ctl *c, struct imsg *imsg, struct json *j, FILE *f)
{
	size_t len = imsg_get_len(imsg);
	char *s;

	if (len == 0)
		unexpected(c);
	if ((s = strndup(ibuf_data(&imsg->body), len)) == NULL)
		err(1, NULL);
	printable(s);
	if (j != NULL)
		json_string(j, NULL, s);
	else
		fprintf(f, "%s\n", s);
	free(s);
}

void
reload_run(const char *path, int argc, char **argv, int as_json)
{
	uint32_t type, in_force = 2;
	struct imsg imsg;
	struct json j;
	struct ctl c;
	char *text;
	size_t len;
	FILE *f;

	if (argc != 1)
		usage("reload: too many arguments");
	ctl_open(&c, path);
	ctl_send(&c, CTL_RELOAD, NULL, 0);
	if ((f = open_memstream(&text, &len)) == NULL)
		err(1, NULL);
	json_begin(&j, f);
	if (as_json) {
		json_object(&j, NULL);
		json_array(&j, "lines");
	}
	while ((type = ctl_next(&c, &imsg, NULL, NULL)) != CTL_END) {
		if (type == CTL_ROW_LINE)
			reload_line(&c, &imsg, as_json ? &j : NULL, f);
		else if (type == CTL_ROW)
			ctl_row(&imsg, &in_force, sizeof(in_force));
		else
			unexpected(&c);
	}
	if (in_force > 1)
		unexpected(&c);
	if (as_json) {
		json_close(&j, ']');
		json_bool(&j, "ok", in_force);
		json_close(&j, '}');
		json_end(&j);
	}
	if (fclose(f) != 0)
		err(1, NULL);
	/* errors of the file are errors */
	fputs(text, as_json || in_force ? stdout : stderr);
	free(text);
	fflush(stdout);
	if (!in_force)
		errx(1, "configuration not reloaded: what was in force stays "
		    "in force");
}

/* Stop */

void
stop_run(const char *path, int argc, char **argv, int as_json)
{
	struct imsg imsg;
	struct ctl c;

	if (argc != 1)
		usage("stop: too many arguments");
	ctl_open(&c, path);
	ctl_send(&c, CTL_STOP, NULL, 0);
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_END)
		unexpected(&c);
	/* the connection ends with spoold, which is the last but mtad */
	while (ctl_wait(&c, -1) != -1)
		;
	if (as_json)
		ok_json(1);
}
