/* SPDX-License-Identifier: ISC */

/*
 * Figures as OpenMetrics 1.0 text.  Names say what the objects of MADMAN say:
 * mtad_* is the mtaTable of RFC 2789, mtad_group_* its mtaGroupTable, a group
 * being a peer, a directory or a command; sizes are octets, not kilo-octets.
 * All of it is in memory: nothing is read for it.
 */

#include <sys/stat.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "imsg.h"
#include "log.h"
#include "metrics.h"

#define TEXT_MAX	(16 * 1024 * 1024)

static struct ibuf	*text;
static int		 failed;

static void	put(const char *, ...)
    __attribute__((__format__(printf, 1, 2)));

static void
put(const char *fmt, ...)
{
	char	line[2048];
	va_list	ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) ||
	    ibuf_add(text, line, (size_t)n) == -1)
		failed = 1;
}

static void
family(const char *name, const char *type, const char *unit, const char *help)
{
	put("# TYPE mtad_%s %s\n", name, type);
	if (unit != NULL)
		put("# UNIT mtad_%s %s\n", name, unit);
	put("# HELP mtad_%s %s\n", name, help);
}

static void
counter(const char *name, const char *unit, uint64_t v, const char *help)
{
	family(name, "counter", unit, help);
	put("mtad_%s_total %" PRIu64 "\n", name, v);
}

static void
gauge(const char *name, const char *unit, uint64_t v, const char *help)
{
	family(name, "gauge", unit, help);
	put("mtad_%s %" PRIu64 "\n", name, v);
}

/* A label's value: backslash, quote and newline are escaped (OpenMetrics). */
static const char *
escape(const char *s, char *buf, size_t size)
{
	size_t	n = 0;

	for (; *s != '\0' && n + 5 < size; s++) {
		if (*s == '\\' || *s == '"')
			buf[n++] = '\\';
		if (*s == '\n' || (unsigned char)*s >= 0x7f ||
		    (unsigned char)*s < ' ')
			buf[n++] = '?';	/* it may be no UTF-8 */
		else
			buf[n++] = *s;
	}
	buf[n] = '\0';
	return (buf);
}

static const char *
kind_name(const struct target *t)
{
	static const char *const	names[] = { "none", "peer",
	    "directory", "command" };

	return (t->kind >= 0 && t->kind <= TARGET_COMMAND ? names[t->kind] :
	    "none");
}

/* name{group="...",kind="..." */
static void
begin_sample(const char *name, const struct target *t)
{
	char	buf[sizeof(t->name) + 64];

	put("mtad_group_%s{group=\"%s\",kind=\"%s\"", name, escape(t->name,
	    buf, sizeof(buf)), kind_name(t));
}

/* Those that are of the configuration, or have messages. */
static int
shown(const struct target *t)
{
	return (target_configured(t) || queue_stored(t) > 0);
}

static int
shown_peer(const struct target *t)
{
	return (t->kind == TARGET_PEER && t->peer != NULL && t->peer->seen);
}

#define PEERS(name, type, unit, suffix, value, help) do {		\
	struct target	*t_;						\
	struct peer	*p;						\
									\
	family("group_" name, type, unit, help);			\
	TAILQ_FOREACH(t_, &sp.targets, entry) {				\
		if (!shown_peer(t_))					\
			continue;					\
		p = t_->peer;						\
		begin_sample(name suffix, t_);				\
		put("} %" PRIu64 "\n", (uint64_t)(value));		\
	}								\
} while (0)

#define PEER_COUNTER(name, unit, value, help)				\
	PEERS(name, "counter", unit, "_total", value, help)
#define PEER_GAUGE(name, unit, value, help)				\
	PEERS(name, "gauge", unit, "", value, help)

static void
peer_counters(void)
{
	PEER_COUNTER("received_messages", NULL, p->received,
	    "Messages received from the peer.");
	PEER_COUNTER("rejected_messages", NULL, p->rejected,
	    "Transfers from the peer that were refused for good.");
	PEER_COUNTER("transmitted_messages", NULL, p->sent,
	    "Messages sent to the peer.");
	PEER_COUNTER("received_bytes", "bytes", p->received_octets,
	    "Content octets received from the peer.");
	PEER_COUNTER("transmitted_bytes", "bytes", p->sent_octets,
	    "Octets sent to the peer, contents and envelopes.");
	PEER_COUNTER("resent_bytes", "bytes", p->resent_octets,
	    "Octets sent once more after a cut.");
	PEER_COUNTER("accumulated_inbound_associations", NULL, p->opened_in,
	    "Associations that the peer opened.");
	PEER_COUNTER("accumulated_outbound_associations", NULL,
	    p->opened_out, "Associations opened to the peer.");
	PEER_COUNTER("rejected_inbound_associations", NULL, p->refused_in,
	    "Associations of the peer that were refused.");
	PEER_COUNTER("failed_outbound_associations", NULL, p->failed_out,
	    "Associations to the peer that could not be opened.");
}

static uint64_t
retry_in(const struct peer *p)
{
	uint64_t	now = spool_clock(), at, send;

	if (p->target == NULL)
		return (0);
	at = ladder_due(p, &p->open, -1);
	send = ladder_due(p, &p->send, -1);
	if (send > at)
		at = send;
	return (at > now ? (at - now) / 1000 : 0);
}

static void
peer_gauges(void)
{
	PEER_GAUGE("inbound_associations", NULL, peer_associations(p, 0),
	    "Associations that the peer opened and that are open.");
	PEER_GAUGE("outbound_associations", NULL, peer_associations(p, 1),
	    "Associations opened to the peer that are open.");
	PEER_GAUGE("last_inbound_activity_seconds", "seconds", p->last_in,
	    "Time of the last message from the peer, 0 none.");
	PEER_GAUGE("last_outbound_activity_seconds", "seconds", p->last_out,
	    "Time of the last message to the peer, 0 none.");
	PEER_GAUGE("scheduled_retry_seconds", "seconds", retry_in(p),
	    "Time until the peer is tried again, 0 none.");
	PEER_GAUGE("down", NULL, p->down || p->conf.disabled,
	    "Is the peer taken down, by the operator or as disabled?");
}

static void
one_state(const struct target *t, const char *state, uint64_t n)
{
	begin_sample("stored_messages", t);
	put(",state=\"%s\"} %" PRIu64 "\n", state, n);
}

static void
stored(void)
{
	static const char *const	priorities[] = { "urgent", "normal",
	    "non-urgent" };
	struct target			*t;
	int				 i;

	family("group_stored_messages", "gauge", NULL,
	    "Copies of messages in the queue.");
	TAILQ_FOREACH(t, &sp.targets, entry) {
		if (!shown(t))
			continue;
		one_state(t, "ready", queue_ready(t, -1));
		one_state(t, "active", queue_taken(t));
		one_state(t, "deferred", t->deferred);
		one_state(t, "held", t->stuck);
	}
	family("group_ready_messages", "gauge", NULL,
	    "Those that may go, by priority.");
	TAILQ_FOREACH(t, &sp.targets, entry)
		for (i = 0; i < 3 && shown(t); i++) {
			begin_sample("ready_messages", t);
			put(",priority=\"%s\"} %" PRIu64 "\n",
			    priorities[i], queue_ready(t, i));
		}
	family("group_oldest_stored_seconds", "gauge", "seconds",
	    "Age of the oldest that may go, 0 none.");
	TAILQ_FOREACH(t, &sp.targets, entry)
		if (shown(t)) {
			begin_sample("oldest_stored_seconds", t);
			put("} %" PRIu64 "\n", queue_age(t));
		}
}

static void
alarms(void)
{
	struct target	*t;

	family("group_alarm", "gauge", NULL,
	    "Is more waiting, or for longer, than mtad.conf has it?");
	TAILQ_FOREACH(t, &sp.targets, entry) {
		if (!shown_peer(t))
			continue;
		begin_sample("alarm", t);
		put(",alarm=\"queue\"} %d\n",
		    (t->peer->alarms & ALARM_QUEUE) != 0);
		begin_sample("alarm", t);
		put(",alarm=\"age\"} %d\n",
		    (t->peer->alarms & ALARM_AGE) != 0);
	}
	gauge("space_alarm", NULL, (sp.alarms & ALARM_SPACE) != 0,
	    "Is less free in the spool than mtad.conf has it?");
}

static void
transfers(void)
{
	struct assoc	*a;
	uint64_t	 in = 0, out = 0, up = 0;

	TAILQ_FOREACH(a, &sp.assocs, entry) {
		up += a->state == ASSOC_IS_UP;
		out += a->nxfers;
		in += a->in != NULL;
	}
	gauge("associations", NULL, up, "Associations that are open.");
	family("transfers", "gauge", NULL, "Transfers under way.");
	put("mtad_transfers{direction=\"in\"} %" PRIu64 "\n"
	    "mtad_transfers{direction=\"out\"} %" PRIu64 "\n", in, out);
	family("recoveries", "counter", NULL,
	    "Associations that were recovered.");
	put("mtad_recoveries_total{direction=\"in\"} %" PRIu64 "\n"
	    "mtad_recoveries_total{direction=\"out\"} %" PRIu64 "\n",
	    sp.stats.recoveries_in, sp.stats.recoveries_out);
}

static void
whole(void)
{
	struct target	*t;
	struct stat	 st;
	uint64_t	 n = 0;

	counter("received_messages", NULL, sp.stats.received +
	    sp.stats.submitted, "Messages received or submitted.");
	counter("submitted_messages", NULL, sp.stats.submitted,
	    "Those that were submitted.");
	counter("transmitted_messages", NULL, sp.stats.sent +
	    sp.stats.delivered, "Copies sent or delivered.");
	counter("delivered_messages", NULL, sp.stats.delivered,
	    "Those that were delivered.");
	counter("duplicate_messages", NULL, sp.stats.duplicates,
	    "Messages that came again and were not taken.");
	counter("loops_detected", NULL, sp.stats.loops,
	    "Messages that were taken for looping.");
	counter("received_bytes", "bytes", sp.stats.received_octets,
	    "Content octets received from peers.");
	counter("transmitted_bytes", "bytes", sp.stats.sent_octets,
	    "Octets sent to peers, contents and envelopes.");
	counter("resent_bytes", "bytes", sp.stats.resent_octets,
	    "Octets sent once more after a cut.");
	TAILQ_FOREACH(t, &sp.targets, entry)
		n += queue_stored(t);
	gauge("stored_messages", NULL, n, "Copies of messages in the queue.");
	gauge("receiving", NULL, (uint64_t)spool_receiving(),
	    "Are messages taken in?");
	counter("commits", NULL, sp.store == NULL ? 0 :
	    store_commits(sp.store), "Transactions of the store.");
	gauge("spool_free_bytes", "bytes", content_free(),
	    "Octets that are free in the spool.");
	gauge("spool_reserve_bytes", "bytes", sp.mta.min_free,
	    "Below that nothing is taken in.");
	if (fstatat(sp.dirfd, STORE_FILE, &st, 0) == 0)
		gauge("queue_file_bytes", "bytes", (uint64_t)st.st_size,
		    "Size of queue.db.");
}

struct ibuf *
metrics_text(void)
{
	char	name[2 * sizeof(sp.mta.name)];

	failed = 0;
	if ((text = ibuf_dynamic(16384, TEXT_MAX)) == NULL)
		return (NULL);
	family("build", "info", NULL, "The MTA and its version.");
	put("mtad_build_info{mta=\"%s\",version=\"%s\"} 1\n",
	    escape(sp.mta.name, name, sizeof(name)), MTAD_VERSION);
	gauge("start_time_seconds", "seconds", (uint64_t)sp.started,
	    "When the counters began.");
	whole();
	transfers();
	peer_counters();
	peer_gauges();
	stored();
	alarms();
	put("# EOF\n");
	if (failed) {
		ibuf_free(text);
		return (NULL);
	}
	return (text);
}
