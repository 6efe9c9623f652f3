/* SPDX-License-Identifier: ISC */

/* See spool_fake.h. */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"
#include "log.h"
#include "spool_fake.h"

struct peer_conf	 fake_peer[2];
struct mta_conf		 fake_mta;
int			 fake_connected = 1;
uint64_t		 fake_offset;

static TAILQ_HEAD(, sent) sent = TAILQ_HEAD_INITIALIZER(sent);
static struct sent	*given;

/* What spoold.c is for the others */

int
rtsd_connected(void)
{
	return (fake_connected);
}

int
rtsd_send(uint32_t type, uint32_t id, int fd, const void *data, size_t len)
{
	struct sent	*s;

	CHECK((s = calloc(1, sizeof(*s))) != NULL);
	s->type = type;
	s->id = id;
	s->len = len;
	s->fd = fd;
	CHECK((s->data = malloc(len + 1)) != NULL);
	if (len > 0)
		memcpy(s->data, data, len);
	TAILQ_INSERT_TAIL(&sent, s, entry);
	return (0);
}

int
rtsd_send_pieces(uint32_t type, uint32_t id, const void *data, size_t len)
{
	return (rtsd_send(type, id, -1, data, len));
}

void
mtad_send(uint32_t type, const void *data, size_t len)
{
}

int
mtad_ask(uint32_t type, uint32_t id, int fd, const void *data, size_t len)
{
	return (rtsd_send(type, id, fd, data, len));
}

int		fake_slow;
uint32_t	fake_checkpoint = 2;

uint64_t
spool_clock(void)
{
	struct timespec	ts;

	if (fake_slow)
		usleep(30000);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 +
	    fake_offset);
}

void
spool_wake(uint64_t when)
{
}

void
spool_turn(void)
{
	if (sp.dirty)
		spool_commit();
}

void
spool_turn_now(void)
{
}

void
spool_restart(void)
{
	_exit(FAKE_RESTART);
}

int	fake_patient;

void
spool_settle(void)
{
	if (fake_patient)
		return;
	sp.settle = 1;
	spool_dirty_later();
}

/* Lives */

void
fake_setup(char *dir, size_t size)
{
	char		 path[128];
	struct peer_conf *p;
	int		 i, k;

	strlcpy(dir, "/tmp/mtad-spool.XXXXXX", size);
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/in", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/spool", dir);
	mkdir(path, 0700);
	memset(&fake_mta, 0, sizeof(fake_mta));
	strlcpy(fake_mta.name, "alpha", sizeof(fake_mta.name));
	strlcpy(fake_mta.domain.country, "GB", UB_COUNTRY_NAME + 1);
	strlcpy(fake_mta.domain.admd, "GOLD 400", UB_DOMAIN_NAME + 1);
	strlcpy(fake_mta.domain.prmd, "ALPHA", UB_DOMAIN_NAME + 1);
	fake_mta.max_associations = 100;
	fake_mta.audit_keep = 30 * 86400;
	strlcpy(fake_mta.audit, "audit", sizeof(fake_mta.audit));
	fake_mta.loop_limit = 3;
	fake_mta.hop_limit = 50;
	fake_mta.return_max = 1024 * 1024;
	for (i = 0; i < 2; i++) {
		p = &fake_peer[i];
		memset(p, 0, sizeof(*p));
		p->id = i == 0 ? BETA : GAMMA;
		strlcpy(p->name, i == 0 ? "beta" : "gamma", sizeof(p->name));
		strlcpy(p->local.name, "alpha", sizeof(p->local.name));
		p->recover = 1;
		p->naddress = 1;
		p->checkpoint = fake_checkpoint > 4 || fake_checkpoint == 0 ?
		    fake_checkpoint : 4;
		p->window = 3;
		p->recovery_delay = 60;
		p->recovery_timeout = 600;
		p->recovery_keep = 1200;
		p->no_recovery_memory = 3600;
		p->idle = 300;
		for (k = 0; k < 3; k++) {
			p->retry_min[k] = 60;
			p->retry_max[k] = 600;
			p->threshold[k] = k == 0 ? 3 : 50;
			p->threshold_oldest[k] = 300;
		}
		p->max_associations = 4;
		p->reserved_urgent = 1;
	}
	fake_connected = 1;
	fake_offset = 0;
}

void
fake_teardown(const char *dir)
{
	char	cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		abort();
}

void *
fake_shared(size_t size)
{
	void	*p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		abort();
	return (p);
}

int
fake_life(void (*fn)(const char *), const char *dir)
{
	pid_t	pid;
	int	status;

	fflush(NULL);
	if ((pid = fork()) == -1)
		abort();
	if (pid == 0) {
		log_init("spool", getenv("VERBOSE") != NULL, 1);
		fn(dir);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) == -1)
		abort();
	return (WIFEXITED(status) ? WEXITSTATUS(status) :
	    256 + WTERMSIG(status));
}

void
life_begin(const char *dir)
{
	struct route_conf	 r;
	struct deliver_conf	 d;
	struct command_conf	 c;
	char			 path[128];
	int			 i;

	memset(&sp, 0, sizeof(sp));
	TAILQ_INIT(&sp.peers);
	TAILQ_INIT(&sp.targets);
	TAILQ_INIT(&sp.directories);
	TAILQ_INIT(&sp.commands);
	TAILQ_INIT(&sp.assocs);
	RB_INIT(&sp.assoc_tree);
	conf_begin();
	CHECK(conf_mta(&fake_mta) == 0);
	for (i = 0; i < 2; i++)
		CHECK(conf_peer(&fake_peer[i]) == 0);
	memset(&r, 0, sizeof(r));
	strlcpy(r.prefix, "/C=FR", sizeof(r.prefix));
	r.nvia = 1;
	r.via[0].peer = BETA;
	r.via[0].weight = 1;
	CHECK(conf_route(&r) == 0);
	strlcpy(r.prefix, "/C=DE", sizeof(r.prefix));
	r.via[0].peer = GAMMA;
	CHECK(conf_route(&r) == 0);
	memset(&d, 0, sizeof(d));
	strlcpy(d.prefix, "/PRMD=ALPHA/ADMD=GOLD 400/C=GB",
	    sizeof(d.prefix));
	snprintf(path, sizeof(path), "%s/in", dir);
	strlcpy(d.directory, path, sizeof(d.directory));
	CHECK(conf_deliver(&d, open(path, O_RDONLY | O_DIRECTORY)) == 0);
	memset(&c, 0, sizeof(c));
	c.id = FAKE_COMMAND;
	c.parallel = 2;
	strlcpy(c.prefix, "/O=Cmd/PRMD=ALPHA/ADMD=GOLD 400/C=GB",
	    sizeof(c.prefix));
	strlcpy(c.name, "/bin/x as jo", sizeof(c.name));
	CHECK(conf_command(&c) == 0);
	CHECK(conf_end() == 0);
	snprintf(path, sizeof(path), "%s/spool", dir);
	CHECK(spool_open(path) == 0);
	CHECK(deliver_init() == 0 && deliver_start() == 0);
	deliver_wake();
}

/* What was sent */

const struct sent *
next(uint32_t type)
{
	struct sent	*s = TAILQ_FIRST(&sent);

	if (given != NULL) {
		free(given->data);
		free(given);
	}
	given = NULL;
	if (s == NULL || s->type != type)
		fprintf(stderr, "expected %u, got %u\n", type,
		    s == NULL ? 0 : s->type);
	CHECK(s != NULL && s->type == type);
	TAILQ_REMOVE(&sent, s, entry);
	given = s;
	return (s);
}

int
nothing_sent(void)
{
	return (TAILQ_EMPTY(&sent));
}

void
forget_sent(void)
{
	struct sent	*s;

	while ((s = TAILQ_FIRST(&sent)) != NULL) {
		TAILQ_REMOVE(&sent, s, entry);
		if (s->fd != -1)
			close(s->fd);
		free(s->data);
		free(s);
	}
}

void
from_rtsd(uint32_t type, uint32_t id, const void *data, size_t len)
{
	CHECK(rtsd_imsg(type, id, data, len) == 0);
}

void
make_conn(struct s_connection_id *id, const char *name, int n)
{
	char	common[16];

	memset(id, 0, sizeof(*id));
	id->user_len = strlen(name);
	memcpy(id->user, name, id->user_len);
	snprintf(common, sizeof(common), "2611231%05dZ", n);
	id->common_len = strlen(common);
	memcpy(id->common, common, id->common_len);
}

void
make_act(struct activity_id *a, int n)
{
	memset(a, 0, sizeof(*a));
	a->len = 3;
	a->octets[0] = 2;
	a->octets[1] = 1;
	a->octets[2] = n;
}

void
peer_opens(uint32_t id, int peer, int n, int recover_n, int dialogue)
{
	const struct assoc_answer	*ans;
	struct assoc_ind		 ind;
	struct assoc_up			 up;

	memset(&ind, 0, sizeof(ind));
	ind.peer = recover_n ? 0 : peer;
	ind.dialogue = dialogue;
	ind.checkpoint = fake_checkpoint;
	ind.window = 3;
	make_conn(&ind.id, "beta", n);
	if (recover_n) {
		ind.recover = 1;
		make_conn(&ind.recovered, "beta", recover_n);
	}
	strlcpy(ind.address, "192.0.2.7:4711", sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, id, &ind, sizeof(ind));
	spool_commit();
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(ans->accept == 1);
	CHECK(ans->peer == (uint32_t)peer);
	CHECK(ans->checkpoint == fake_checkpoint);
	CHECK(ans->window == 3);
	memset(&up, 0, sizeof(up));
	up.peer = peer;
	up.turn = ans->turn;
	up.dialogue = dialogue;
	up.checkpoint = fake_checkpoint;
	up.window = 3;
	strlcpy(up.address, ind.address, sizeof(up.address));
	from_rtsd(IMSG_ASSOC_UP, id, &up, sizeof(up));
	spool_commit();
}

void
recv_number(uint32_t type, uint32_t id, uint32_t n)
{
	from_rtsd(type, id, &n, sizeof(n));
}

void
recv_octets(uint32_t type, uint32_t id, const void *data, size_t len)
{
	from_rtsd(type, id, data, len);
}

void
recv_begin(uint32_t id, int activity)
{
	struct recv_start	st;

	memset(&st, 0, sizeof(st));
	make_act(&st.activity, activity);
	from_rtsd(IMSG_RECV_START, id, &st, sizeof(st));
}

void	(*fake_message)(struct message *);

void
recv_envelope(uint32_t id, int n, int priority, int nrecipient,
    const char *const *to)
{
	struct message	*m;
	struct ibuf	*b;
	const char	*why;
	size_t		 where;
	int		 i;

	CHECK((m = message_new()) != NULL);
	m->priority = priority;
	m->content_type = 2;
	m->has_content = 1;
	strlcpy(m->id.domain.country, "FR", UB_COUNTRY_NAME + 1);
	strlcpy(m->id.domain.admd, "ATLAS", UB_DOMAIN_NAME + 1);
	snprintf(m->id.local, sizeof(m->id.local), "m%d", n);
	CHECK(or_address_parse(m, &m->originator, "/S=From/PRMD=BETA/"
	    "ADMD=ATLAS/C=FR/", &where, &why) == 0);
	m->nrecipient = nrecipient;
	m->recipient = message_alloc(m, nrecipient * sizeof(*m->recipient));
	for (i = 0; i < nrecipient; i++) {
		CHECK(or_address_parse(m, &m->recipient[i].name, to[i],
		    &where, &why) == 0);
		m->recipient[i].number = i + 1;
		m->recipient[i].flags = PRI_RESPONSIBILITY | PRI_REPORT(1);
	}
	if (fake_message != NULL)
		fake_message(m);
	CHECK((b = ibuf_dynamic(512, ENVELOPE_MAX)) != NULL);
	CHECK(message_serialise(m, b) == 0);
	from_rtsd(IMSG_RECV_ENVELOPE, id, ibuf_data(b), ibuf_size(b));
	ibuf_free(b);
	message_free(m);
}

uint8_t
octet_at(uint64_t at)
{
	return ((uint8_t)(at * 31 + (at >> 8) * 7));
}

void
fill_octets(uint8_t *p, uint64_t from, size_t len)
{
	size_t	i;

	for (i = 0; i < len; i++)
		p[i] = octet_at(from + i);
}

void
recv_message(uint32_t id, int activity, int n, int priority, const char *to,
    size_t size)
{
	static uint8_t	buf[FRAGMENT_MAX];
	size_t		at, len;

	recv_begin(id, activity);
	recv_octets(IMSG_RECV_MARKUP, id, "markup", 6);
	for (at = 0; at < size; at += len) {
		len = size - at < sizeof(buf) ? size - at : sizeof(buf);
		fill_octets(buf, at, len);
		recv_octets(IMSG_RECV_CONTENT, id, buf, len);
	}
	recv_envelope(id, n, priority, 1, &to);
	recv_number(IMSG_RECV_END, id, 1);
	spool_commit();
}

void
settle(void)
{
	struct pollfd	pfd;
	int		i;

	spool_turn();
	deliver_wake();
	for (i = 0; i < 1000 && (deliver_busy() || sp.dirty); i++) {
		pfd.fd = deliver_event_fd();
		pfd.events = POLLIN;
		poll(&pfd, 1, 10);
		deliver_wake();
		spool_turn();
	}
	CHECK(!deliver_busy());
}

int
delivered_files(const char *dir, const char *suffix)
{
	struct dirent	*de;
	char		 path[128];
	size_t		 len;
	DIR		*d;
	int		 n = 0;

	snprintf(path, sizeof(path), "%s/in", dir);
	CHECK((d = opendir(path)) != NULL);
	while ((de = readdir(d)) != NULL) {
		len = strlen(de->d_name);
		if (de->d_name[0] != '.' && len > strlen(suffix) &&
		    strcmp(de->d_name + len - strlen(suffix), suffix) == 0)
			n++;
	}
	closedir(d);
	return (n);
}

int
delivered_right(const char *dir, uint64_t size)
{
	struct dirent	*de;
	char		 path[400];
	uint64_t	 at;
	FILE		*f;
	DIR		*d;
	int		 c, right = 1;

	snprintf(path, sizeof(path), "%s/in", dir);
	CHECK((d = opendir(path)) != NULL);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.' || strstr(de->d_name, ".p2") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/in/%s", dir, de->d_name);
		CHECK((f = fopen(path, "r")) != NULL);
		for (at = 0; (c = getc(f)) != EOF; at++)
			if (c != octet_at(at))
				right = 0;
		if (at != size)
			right = 0;
		fclose(f);
	}
	closedir(d);
	return (right);
}

uint64_t
queue_length(void)
{
	uint64_t	n, octets;

	CHECK(store_message_totals(sp.store, &n, &octets) == 0);
	return (n);
}
