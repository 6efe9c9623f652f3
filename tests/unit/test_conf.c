/* SPDX-License-Identifier: ISC */

/*
 * mtad.conf: each statement and each option, right and wrong.  What is wrong
 * has to be told with its line, its column, and what was expected.
 */

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "aetitle.h"
#include "parse_int.h"

#define HEAD	"mta \"alpha\" domain \"/C=GB/ADMD=GOLD 400/PRMD=A\"\n"
#define P(s)	HEAD "peer \"b\" {\n" s "\n}\n"
#define RANKS(field, urgent, normal, non_urgent) do {			\
	assert_int_equal((field)[0], urgent);				\
	assert_int_equal((field)[1], normal);				\
	assert_int_equal((field)[2], non_urgent);			\
} while (0)

static char	errors[4096];
static unsigned	nerrors;

static void
hook(const char *text)
{
	strlcat(errors, text, sizeof(errors));
	strlcat(errors, "\n", sizeof(errors));
	nerrors++;
}

static struct conf *
parse(const char *text)
{
	conf_error_hook = hook;
	errors[0] = '\0';
	nerrors = 0;
	return (conf_parse_text("f", text, strlen(text)));
}

static struct conf *
good(const char *text)
{
	struct conf	*c = parse(text);

	if (c == NULL)
		fail_msg("%s\n%s", text, errors);
	return (c);
}

static struct peer_conf *
peer(struct conf *c)
{
	return (&TAILQ_FIRST(&c->peers)->peer);
}

/* Defaults as the manual has them. */
static void
test_defaults(void **state)
{
	struct conf		*c = good(P(""));
	struct peer_conf	*p = peer(c);

	assert_int_equal(p->checkpoint, 30);
	assert_int_equal(p->window, 5);
	assert_int_equal(p->safe_store, 1);
	assert_int_equal(p->recover, 1);
	assert_int_equal(p->recovery_delay, 60);
	assert_int_equal(p->recovery_timeout, 600);
	assert_int_equal(p->recovery_keep, 3600);
	assert_int_equal(p->no_recovery_memory, 3600);
	assert_int_equal(p->open_timeout, 60);
	assert_int_equal(p->transfer_timeout, 600);
	assert_int_equal(p->idle, 300);
	RANKS(p->retry_min, 60, 60, 60);
	RANKS(p->retry_max, 600, 600, 600);
	assert_int_equal(p->max_associations, 10);
	assert_int_equal(p->reserved_urgent, 1);
	RANKS(p->threshold, 3, 50, 50);
	assert_int_equal(p->tpdu_size, 65531);
	assert_int_equal(p->dialogue, DIALOGUE_MONOLOGUE);
	assert_string_equal(p->local.name, "alpha");
	assert_string_equal(p->remote.name, "b");
	assert_int_equal(p->naddress, 0);
	assert_int_equal(c->mta.max_associations, 500);
	assert_int_equal(c->mta.min_free, 64 << 20);
	assert_int_equal(c->mta.connections_per_address, 200);
	assert_int_equal(c->mta.half_open, 500);
	assert_int_equal(c->mta.half_open_time, 30);
	assert_int_equal(c->mta.association_memory, 64 << 20);
	assert_int_equal(c->mta.poison_after, 3);
	assert_int_equal(c->mta.audit_keep, 30 * 86400);
	assert_string_equal(c->mta.audit, "audit");
	conf_free(c);
}

static void
test_options(void **state)
{
	struct conf		*c;
	struct peer_conf	*p;

	c = good(HEAD "peer \"b\" {\n"
	    "address 192.0.2.1 port 1102 tsel \"591\"\n"
	    "address host.example.com tsel 0x00ff\n"
	    "domain \"/C=FR/ADMD=ATLAS\" mode x410-1984 dialogue twa\n"
	    "local tsel ABC local name \"l\" password \"lp\"\n"
	    "local response name lr password \"\"\n"
	    "remote name r password rp remote response name rr password q\n"
	    "checkpoint 0 window 255 safe-store 0 recover no timeout 5m\n"
	    "delay 90s keep 1d memory 2h tpdu-size 2048 associations 4\n"
	    "reserve 0 threshold 7 idle 2m retry 10s to 1h\n\n"
	    "open timeout 5s transfer timeout 1d\n"
	    "max-content 10M internal-trace strip disabled\n}\n"
	    "limit loops 9\nlimit hops 99\nlimit return 3K\n"
	    "limit connections 7 per address\nlimit half-open 16\n"
	    "limit half-open timeout 2m\nlimit memory 3M per association\n"
	    "poison after 0\naudit log records keep 1w\n");
	assert_int_equal(c->mta.poison_after, 0);
	assert_int_equal(c->mta.audit_keep, 7 * 86400);
	assert_string_equal(c->mta.audit, "records");
	p = peer(c);
	assert_int_equal(p->internal_trace, INTERNAL_TRACE_STRIP);
	assert_int_equal(c->mta.loop_limit, 9);
	assert_int_equal(c->mta.hop_limit, 99);
	assert_int_equal(c->mta.connections_per_address, 7);
	assert_int_equal(c->mta.half_open, 16);
	assert_int_equal(c->mta.half_open_time, 120);
	assert_int_equal(c->mta.association_memory, 3 << 20);
	assert_int_equal(c->mta.return_max, 3072);
	assert_int_equal(p->naddress, 2);
	assert_string_equal(TAILQ_FIRST(&c->peers)->address[0].host,
	    "192.0.2.1");
	assert_string_equal(TAILQ_FIRST(&c->peers)->address[0].port, "1102");
	assert_string_equal(TAILQ_FIRST(&c->peers)->address[1].port, "102");
	assert_int_equal(p->remote_tsel[0].len, 3);
	assert_int_equal(p->remote_tsel[1].len, 2);
	assert_memory_equal(p->remote_tsel[1].octets, "\0\377", 2);
	conf_free(c);
}

/* Upper selectors, titles of both forms, as their octets are on the wire. */
static void
test_normal(void **state)
{
	struct conf		*c;
	struct peer_conf	*p;

	c = good(HEAD "peer \"b\" {\n"
	    "address h port 1102 psel P1 tsel T1 ssel 0x0102\n"
	    "address i\n"
	    "local tsel a ssel b psel c\n"
	    "local ap-title 1.3.27.3.999 ae-qualifier 7\n"
	    "remote ap-title \"/C=XX/O=ICAO/CN=COM centre\" "
	    "ae-qualifier \"CN=AMS\"\n}\n");
	p = peer(c);
	assert_int_equal(p->mode, MODE_NORMAL);
	assert_int_equal(p->remote_tsel[0].len, 2);
	assert_int_equal(p->remote_ssel[0].len, 2);
	assert_memory_equal(p->remote_ssel[0].octets, "\1\2", 2);
	assert_int_equal(p->remote_psel[0].len, 2);
	assert_int_equal(p->remote_psel[1].len, 0);
	assert_int_equal(p->local_ssel.octets[0], 'b');
	assert_int_equal(p->local_psel.octets[0], 'c');
	assert_int_equal(p->local_title.ap_len, 7);
	assert_memory_equal(p->local_title.ap, "\6\5\x2b\x1b\3\x87\x67", 7);
	assert_int_equal(p->local_title.ae_len, 3);
	assert_memory_equal(p->local_title.ae, "\2\1\7", 3);
	assert_int_equal(p->remote_title.ap_len, 51);
	assert_memory_equal(p->remote_title.ap, "\x30\x31"
	    "\x31\x0b\x30\x09\6\3\x55\4\6\x13\2XX"
	    "\x31\x0d\x30\x0b\6\3\x55\4\x0a\x13\4ICAO"
	    "\x31\x13\x30\x11\6\3\x55\4\3\x13\x0a" "COM centre", 51);
	assert_int_equal(p->remote_title.ae_len, 14);
	assert_memory_equal(p->remote_title.ae,
	    "\x31\x0c\x30\x0a\6\3\x55\4\3\x13\3AMS", 14);
	conf_free(c);
}

static void
test_good(void **state)
{
	static const char *const	texts[] = {
		"# nothing but this\n" HEAD,
		HEAD "spool /var/spool/x\nspool reserve 1G\n",
		HEAD "control /run/x group wheel\n",
		HEAD "listen on 127.0.0.1 port 10102 tsel \"P1\"\n",
		HEAD "listen on ::1\nlisten on 127.0.0.1\n",
		HEAD "peer b { idle 5m window 1 }\npeer c { }\n",
		HEAD "peer b { idle 5m\n\nwindow 1 }\npeer c {\n}\n",
		HEAD "listen on *\n",
		HEAD "limit associations 4000\nlimit content 2G\n",
		HEAD "domain \"/C=FR\" complete alternate to \"/C=FR/S=x\"\n",
		HEAD "limit content-type 22\nlimit eit 1.2.3\n"
		    "limit rate 10 per 1s\n",
		HEAD "log verbose\nlog brief\n",
		P("content-type 22 content-type 1.2.3 eit ia5-text eit 1.2 "
		    "accept from \"/C=FR\" accept to \"/C=GB\" rate 5 per 1m "
		    "max-recipients 512") "limit recipients 9\n",
		HEAD "redirect \"/C=FR/S=x\" to \"/C=FR/S=y\"\n",
		HEAD "list \"/C=FR/S=x\" {\nmember \"/C=FR/S=y\"\n\n"
		    "submit from \"/C=FR\"\nowner \"/C=FR/S=z\"\n"
		    "reports to both }\nlist \"/C=FR/S=y\" { member "
		    "\"/C=FR/S=x\" }\n",
		"who = \"alpha\"\nmta $who domain \"/C=GB/ADMD= \"\n",
		HEAD "deliver \"/C=GB/ADMD=GOLD 400/PRMD=A\" to directory "
		    "\"/tmp/x\"\n",
		P("address 192.0.2.1") "route \"/C=FR\" via \"b\"\n",
		P("") "route \"/C=FR/CN=a*b?\" via b\nroute \"/C=FR\" via b\n",
		P("") "domain \"/C=GB/ADMD=A\" complete\n",
		P("expire normal 2d mode normal expire urgent 0"),
		HEAD "retry 1s to 2s\nattempts 3\npeer b { }\n",
		HEAD "peer b { checkpoint 1\n\n\n window 2\n}\n",
		"mta \"al\\\"pha\" domain \\\n\"/C=GB/ADMD=X\"\n",
	};
	size_t	i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		conf_free(good(texts[i]));
}

static void
test_bad(void **state)
{
	static const struct {
		const char	*text, *where, *what;
	} t[] = {
		{ "", "", "mta statement" },
		{ HEAD HEAD, "f:2:1:", "second mta" },
		{ "mta \"\" domain \"/C=GB/ADMD=A\"\n", "f:1:5:",
		    "1 to 32 characters" },
		{ "mta \"x\" domain \"/C=GB/ADMD\"\n", "f:1:16:",
		    "character" },
		{ HEAD "spool relative\n", "f:2:7:", "begins with /" },
		{ HEAD "spool reserve much\n", "f:2:15:", "a size" },
		{ HEAD "listen on nowhere\n", "f:2:11:", "numeric" },
		{ HEAD "listen on 127.0.0.1 port 0\n", "f:2:26:",
		    "1 to 65535" },
		{ HEAD "listen on 127.0.0.1 port 65536\n", "f:2:26:",
		    "1 to 65535" },
		{ HEAD "listen on ::1\nlisten on ::1\n", "f:3:11:",
		    "said before" },
		{ HEAD "listen on ::1 tls\n", "f:2:18:",
		    "expected certificate or optional" },
		{ HEAD "listen on ::1 tls maybe\n", "f:2:19:",
		    "expected certificate or optional" },
		{ HEAD "listen on ::1 tls certificate /x\n", "f:2:33:",
		    "expected key" },
		{ HEAD "metrics listen on 192.0.2.1 port 9102\n", "f:2:19:",
		    "127.0.0.1, ::1 or the path" },
		{ HEAD "metrics listen on 0.0.0.0 port 9102\n", "f:2:19:",
		    "127.0.0.1, ::1 or the path" },
		{ HEAD "metrics listen on 127.0.0.1\n", "f:2:19:",
		    "a port from 1 to 65535" },
		{ HEAD "metrics listen on 127.0.0.1 port 0\n", "f:2:34:",
		    "a port from 1 to 65535" },
		{ HEAD "metrics listen on /run/x port 1\n", "f:2:31:",
		    "has no port" },
		{ HEAD "metrics listen on ::1 group daemon\n", "f:2:29:",
		    "a socket with a path" },
		{ HEAD "metrics listen on /x\nmetrics listen on /x\n",
		    "f:3:19:", "a second time" },
		{ HEAD "alarm queue 10 clear 10\n", "f:2:16:",
		    "less than the mark" },
		{ HEAD "alarm age 1h clear 2h\n", "f:2:14:",
		    "less than the mark" },
		{ HEAD "alarm space 1G clear 1M\n", "f:2:22:",
		    "more than the mark" },
		{ HEAD "alarm\n", "f:2:6:", "expected" },
		{ P("tls perhaps"), "f:3:5:", "expected" },
		{ P("tls"), "f:3:4:", "expected" },
		{ P("remote tls"), "f:3:11:", "expected name, yes or no" },
		{ HEAD "limit associations 0\n", "f:2:20:", "1 to 4000" },
		{ HEAD "limit content x\n", "f:2:15:", "a size" },
		{ HEAD "poison after 1001\n", "f:2:14:", "0 to 1000" },
		{ HEAD "poison 3\n", "f:2:8:", "expected after" },
		{ HEAD "audit maybe\n", "f:2:7:", "expected no or log" },
		{ HEAD "audit log a/b\n", "f:2:11:", "directory of its own" },
		{ HEAD "audit log \"..\"\n", "f:2:11:", "of its own" },
		{ HEAD "audit log \"content\"\n", "f:2:11:", "of its own" },
		{ HEAD "audit log queue.db-x\n", "f:2:11:", "of its own" },
		{ HEAD "audit log keep 2h\n", "f:2:16:", "86400 to" },
		{ HEAD "lisen on ::1\n", "f:2:7:", "no statement" },
		{ HEAD "route \"/C=FR\" via \"b\"\n", "f:2:19:",
		    "no such peer" },
		{ HEAD "route \"/C=F%\" via \"b\"\n", "f:2:7:", "character" },
		{ P("") "route \"/C=FR\" via b\nroute \"/c=fr\" via b\n",
		    "f:6:7:", "already" },
		{ P("") "route \"/C=FR\" via b via b\n", "f:5:25:",
		    "said before" },
		{ P("") "route \"/C=FR\"\n", "f:5:14:", "expected via" },
		{ P("") "route \"/C=FR\" via b cost 65536\n", "f:5:26:",
		    "0 to 65535" },
		{ P("") "route \"/C=FR\" via b weight 0\n", "f:5:28:",
		    "1 to 65535" },
		{ P("") "route \"/C=FR\" via b\ndomain \"/C=FR\" complete\n",
		    "f:6:8:", "line 5 already" },
		{ HEAD "domain \"/C=FR\"\n", "f:2:15:", "expected complete" },
		{ P("alternate after 3 trials"), "f:3:19:", "expected" },
		{ P("expire"), "f:3:7:", "expected normal, non-urgent "
		    "or urgent" },
		{ P("expire urgent 46d"), "f:3:15:", "0 to 3888000" },
		{ P("threshold urgent 0"), "f:3:18:", "1 to 1000000" },
		{ P("threshold non-urgent 0"), "f:3:22:", "1 to 1000000" },
		{ P("threshold urgent 5m"), "f:3:18:", "expected" },
		{ P("threshold oldest normal 2d"), "f:3:25:", "0 to 86400" },
		{ P("retry urgent 5s to 4s"), "f:3:20:", "shorter than" },
		{ P("retry urgent 5s"), "f:3:16:", "expected to" },
		{ P("retry fast"), "f:3:7:", "a time was expected" },
		{ P("") "retry non-urgent 5s to 9s\n", "f:5:18:",
		    "before the first" },
		{ P("") "attempts 3\n", "f:5:1:", "before the first" },
		{ P("") P(""), "f:5:1:", "second mta" },
		{ P("") "peer b {\n}\n", "f:5:6:", "of this name" },
		{ P("checkpoint 65536"), "f:3:12:", "0 to 65535" },
		{ P("window 0"), "f:3:8:", "1 to 255" },
		{ P("window 256"), "f:3:8:", "1 to 255" },
		{ P("window lots"), "f:3:8:", "expected" },
		{ P("recover maybe"), "f:3:9:", "yes or no" },
		{ P("timeout 0"), "f:3:9:", "1 to 604800" },
		{ P("timeout 5x"), "f:3:9:", "a time" },
		{ P("delay 2m timeout 1m"), "f:2:6:", "shorter than its delay" },
		{ P("retry 2m to 1m"), "f:3:13:", "shorter than the first" },
		{ P("tpdu-size 127"), "f:3:11:", "128 to 65531" },
		{ P("associations 0"), "f:3:14:", "1 to 1000" },
		{ P("associations 2 reserve 2"), "f:2:6:", "leaves none" },
		{ P("mode fast"), "f:3:6:", "expected" },
		{ P("mode x410 local ssel s"), "f:2:6:",
		    "belong to mode normal" },
		{ P("mode x410-1988 address a psel p"), "f:2:6:",
		    "belong to mode normal" },
		{ P("mode x410 remote ap-title 1.2"), "f:2:6:",
		    "belong to mode normal" },
		{ P("local ssel 12345678901234567"), "f:3:12:", "1 to 16" },
		{ P("local ap-title 3.1"), "f:3:16:",
		    "an object identifier as" },
		{ P("local ap-title \"/C=GBR\""), "f:3:16:",
		    "a directory name as" },
		{ P("local ap-title 1.2 ae-qualifier 65536"), "f:3:33:",
		    "a number up to 65535" },
		{ P("address a tsel \"\""), "f:3:16:", "1 to 32" },
		{ P("address a tsel 0x0"), "f:3:16:", "hexadecimal" },
		{ P("address a tsel 0xzz"), "f:3:16:", "hexadecimal" },
		{ P("remote name \"caf\303\251\" password x"), "f:3:13:",
		    "ASCII" },
		{ P("frobnicate 7"), "f:3:1:", "option of a peer" },
		{ HEAD "peer b {\n", "f:3:1:", "expected" },
		{ HEAD "limit hops 512\n", "f:2:12:", "1 to 511" },
		{ HEAD "limit connections 0 per address\n", "f:2:19:",
		    "1 to 4000" },
		{ HEAD "limit connections 9\n", "f:2:20:", "expected per" },
		{ HEAD "limit half-open 15\n", "f:2:17:", "16 to 1024" },
		{ HEAD "limit half-open timeout 2h\n", "f:2:25:",
		    "1 to 3600" },
		{ HEAD "limit memory 1023K per association\n", "f:2:14:",
		    "1048576 to 1073741824 octets" },
		{ P("max-recipients 0"), "f:3:16:", "1 to 32767" },
		{ P("rate 5 per 0"), "f:3:12:", "1 to 86400" },
		{ P("content-type P2"), "f:3:14:", "a number was expected" },
		{ P("eit fax"), "f:3:5:", "as ia5-text" },
		{ P("accept \"/C=FR\""), "f:3:8:", "expected to or from" },
		{ P("internal-trace yes"), "f:3:16:", "expected keep" },
		{ HEAD "list \"/C=FR/S=x\" {\n}\n", "f:2:6:",
		    "it has none" },
		{ HEAD "list \"/C=FR/S=x\" {\nmember \"/Q\"\n}\n", "f:3:8:",
		    "character" },
		{ HEAD "list \"/C=FR/S=x\" {\nmember \"/C=FR/S=y\"\n"
		    "reports to owner\n}\n", "f:2:6:", "owner was expected" },
		{ HEAD "list \"/C=FR/S=x\" {\nmember \"/S=y\"\n}\n", "f:3:8:",
		    "a country (C=) was expected" },
		{ HEAD "list \"/C=FR/S=x\" {\nwindow 3\n}\n", "f:3:1:",
		    "expected member" },
		{ HEAD "redirect \"/C=FR/S=x\" to \"/S=X/C=FR\"\n",
		    "f:2:25:", "to itself" },
		{ HEAD "redirect \"/C=FR/S=x\" to \"/C=FR/S=y\"\n"
		    "redirect \"/C=FR/S=x\" to \"/C=FR/S=z\"\n", "f:3:10:",
		    "already" },
		{ HEAD "log \"verbose\n", "f:2:5:", "" },
		{ HEAD "x = $y\n", "f:2:5:", "" },
		{ HEAD "include /etc/passwd\n", "f:2:9:", "not possible" },
		{ HEAD "\001\n", "f:2:1:", "not printable" },
		{ P("remote name z password s") "peer c {\nremote name z "
		    "password s\n}\n", "f:5:6:", "peers \"c\" and \"b\" of "
		    "line 2 cannot be told apart" },
		{ P("tls name x"), "f:2:6:", "\"tls yes\" or" },
		{ "limit hops 3\n\n", "f:3:1:", "no mta statement" },
		{ HEAD "a-b = x\n", "f:2:1:", "no name for a macro" },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].text) != NULL)
			fail_msg("taken: %s", t[i].text);
		if (strncmp(errors, t[i].where, strlen(t[i].where)) != 0 ||
		    strstr(errors, t[i].what) == NULL)
			fail_msg("%s\nsaid: %s\nwanted: %s %s", t[i].text,
			    errors, t[i].where, t[i].what);
	}
}

static void
test_routes(void **state)
{
	struct conf_route	*r;
	struct conf		*c;

	c = good(HEAD "peer a { }\npeer b { }\npeer c { }\n"
	    "route \"/C=FR\" via a via b via c weight 3\n"
	    "route \"/C=DE/DD.x=a*\" via c cost 7 weight 2 via a cost 7 "
	    "via b\n"
	    "domain \"/C=GB/ADMD=GOLD 400\" complete\n");
	r = TAILQ_FIRST(&c->routes);
	assert_int_equal(r->route.nvia, 3);
	assert_string_equal(r->via[1].peer, "b");
	assert_int_equal(r->route.via[0].cost, 0);
	assert_int_equal(r->route.via[1].cost, 1);
	assert_int_equal(r->route.via[2].cost, 2);
	assert_int_equal(r->route.via[1].weight, 1);
	assert_int_equal(r->route.via[2].weight, 3);
	r = TAILQ_NEXT(r, entry);
	assert_string_equal(r->route.prefix, "/ADMD= /C=DE/DD.x=a$*/");
	assert_string_equal(r->via[0].peer, "c");
	assert_int_equal(r->route.via[0].cost, 7);
	assert_int_equal(r->route.via[0].weight, 2);
	assert_int_equal(r->route.via[1].cost, 7);
	assert_int_equal(r->route.via[2].cost, 8);
	assert_int_equal(r->route.complete, 0);
	r = TAILQ_NEXT(r, entry);
	assert_int_equal(r->route.complete, 1);
	assert_int_equal(r->route.nvia, 0);
	conf_free(c);
}

/* For all peers, for one, and what is so anyway. */
static void
test_ladder(void **state)
{
	struct peer_conf	*p;
	struct conf		*c;

	c = good(P(""));
	p = peer(c);
	RANKS(p->retry_min, 60, 60, 60);
	RANKS(p->retry_max, 600, 600, 600);
	RANKS(p->threshold, 3, 50, 50);
	RANKS(p->threshold_oldest, 300, 300, 300);
	assert_int_equal(p->alternate_failures, 3);
	assert_int_equal(p->alternate_time, 0);
	assert_int_equal(p->attempts, 10);
	assert_int_equal(p->expire[0], 4 * 3600);
	assert_int_equal(p->expire[1], 24 * 3600);
	assert_int_equal(p->expire[2], 36 * 3600);
	assert_memory_equal(p->expire, c->mta.expire, sizeof(p->expire));
	conf_free(c);
	c = good(HEAD "expire urgent 1h normal 2h\nretry 1s to 2s\n"
	    "alternate after 7 failures\nalternate after 1h\n"
	    "threshold 5 urgent 6 oldest 7\nattempts 8\n"
	    "peer \"b\" { retry 3s to 4s expire normal 0 threshold oldest 9 "
	    "alternate after 0 failures }\npeer \"c\" { }\n");
	p = peer(c);
	RANKS(p->retry_min, 3, 3, 3);
	assert_int_equal(p->expire[0], 3600);
	assert_int_equal(p->expire[1], 0);
	assert_int_equal(p->expire[2], 36 * 3600);
	RANKS(p->threshold, 6, 5, 5);
	RANKS(p->threshold_oldest, 9, 9, 9);
	assert_int_equal(p->alternate_failures, 0);
	assert_int_equal(p->alternate_time, 3600);
	assert_int_equal(p->attempts, 8);
	assert_int_equal(c->mta.expire[1], 7200);
	p = &TAILQ_NEXT(TAILQ_FIRST(&c->peers), entry)->peer;
	assert_string_equal(p->name, "c");
	RANKS(p->retry_max, 2, 2, 2);
	assert_int_equal(p->expire[1], 7200);
	assert_int_equal(p->alternate_failures, 7);
	conf_free(c);
	c = good(HEAD "retry 10s to 1m urgent 1s to 2s\n"
	    "threshold 4 non-urgent 9 oldest 60 oldest urgent 0\n"
	    "peer \"b\" {\n retry normal 5 to 6 non-urgent 1h to 1d\n"
	    "threshold urgent 2 normal 7 oldest non-urgent 2h\n"
	    "threshold oldest normal 70 expire urgent 9 }\npeer \"c\" { }\n");
	p = peer(c);
	RANKS(p->retry_min, 1, 5, 3600);
	RANKS(p->retry_max, 2, 6, 86400);
	RANKS(p->threshold, 2, 7, 9);
	RANKS(p->threshold_oldest, 0, 70, 7200);
	assert_int_equal(p->expire[0], 9);
	p = &TAILQ_NEXT(TAILQ_FIRST(&c->peers), entry)->peer;
	RANKS(p->retry_min, 1, 10, 10);
	RANKS(p->retry_max, 2, 60, 60);
	RANKS(p->threshold, 3, 4, 9);
	RANKS(p->threshold_oldest, 0, 60, 60);
	conf_free(c);
}

/* One mistake does not hide the next; a flood of them is cut. */
static void
test_watch(void **state)
{
	static const char *const	unused[] = { "/run/x", "127.0.0.1",
	    "::1" };
	struct conf_metrics		*m;
	struct peer_conf		*p;
	struct conf			*c;
	int				 n = 0;

	c = good(P(""));
	assert_true(TAILQ_EMPTY(&c->metrics));
	assert_int_equal(c->mta.alarm_space, 0);
	assert_int_equal(peer(c)->alarm_queue, 0);
	assert_int_equal(peer(c)->alarm_age, 0);
	conf_free(c);
	c = good(HEAD "metrics listen on \"/run/x\" group daemon\n"
	    "metrics listen on 127.0.0.1 port 9102\n"
	    "metrics listen on ::1 port 9102\n"
	    "alarm space 1G clear 3G\nalarm queue 1000\nalarm age 2h\n"
	    "peer b {\nremote name r password x\n"
	    "alarm queue 10 clear 3 alarm age 30m clear 1m\n}\n"
	    "peer d {\nremote name q password x\n}\n");
	TAILQ_FOREACH(m, &c->metrics, entry)
		assert_string_equal(m->address, unused[n++]);
	assert_int_equal(n, 3);
	assert_int_equal(c->mta.alarm_space, 1 << 30);
	assert_int_equal(c->mta.alarm_space_clear, 3LL << 30);
	p = peer(c);
	assert_int_equal(p->alarm_queue, 10);
	assert_int_equal(p->alarm_queue_clear, 3);
	assert_int_equal(p->alarm_age, 1800);
	assert_int_equal(p->alarm_age_clear, 60);
	p = &TAILQ_LAST(&c->peers, conf_peers)->peer;
	assert_int_equal(p->alarm_queue, 1000);
	assert_int_equal(p->alarm_queue_clear, 500);
	assert_int_equal(p->alarm_age, 7200);
	assert_int_equal(p->alarm_age_clear, 3600);
	conf_free(c);
}

/* What is said where it is read is not said again by the grammar. */
static void
test_one_error(void **state)
{
	assert_null(parse(HEAD "limit hops $nothing\n"));
	assert_string_equal(errors, "f:2:12: macro \"nothing\" is not "
	    "defined\n");
	assert_null(parse(HEAD "limit hops !\n"));
	assert_string_equal(errors, "f:2:12: character '!' not expected "
	    "here\n");
}

static void
test_many(void **state)
{
	char	text[4096] = HEAD;
	int	i;

	assert_null(parse(HEAD "limit associations 0\nlisten on x\n"
	    "peer b {\nwindow 0\ncheckpoint 70000\n}\n"));
	assert_int_equal(nerrors, 4);
	for (i = 0; i < 100; i++)
		strlcat(text, "log loud\n", sizeof(text));
	assert_null(parse(text));
	assert_int_equal(nerrors, 20);
}

/* A macro of the command line goes before; one of the file ends with it. */
static void
test_macros(void **state)
{
	struct conf	*c;

	c = good("n = \"one\"\nmta $n domain \"/C=GB/ADMD=A\"\n");
	assert_string_equal(c->mta.name, "one");
	conf_free(c);
	assert_null(parse("mta $n domain \"/C=GB/ADMD=A\"\n"));
	assert_int_equal(conf_define("n=two"), 0);
	c = good("n = \"one\"\nmta $n domain \"/C=GB/ADMD=A\"\n");
	assert_string_equal(c->mta.name, "two");
	conf_free(c);
	assert_int_equal(conf_define("=x"), -1);
	assert_int_equal(conf_define("x"), -1);
	assert_int_equal(conf_define("1=x"), -1);
	assert_int_equal(conf_define("include=x"), -1);
	assert_int_equal(conf_define("half-open=x"), -1);
	/* a macro of itself ends */
	assert_null(parse("a = \"$a\"\nmta $a $a\n"));
}

/* Words of a command: what holds together, and nothing else has a meaning. */
static void
test_words(void **state)
{
	static const struct {
		const char	*text;
		int		 n;		/* -1: why */
		const char	*words;		/* each ended by | */
	} t[] = {
		{ "/bin/x", 1, "/bin/x|" },
		{ "  /bin/x\t-d  /var/mail ", 3, "/bin/x|-d|/var/mail|" },
		{ "a 'b c' \"d  e\" f", 4, "a|b c|d  e|f|" },
		{ "a'b c'd\"e f\"g", 1, "ab cde fg|" },
		{ "a '' \"\"", 3, "a|||" },
		{ "a\\ b \\\\ \\' \\\"", 4, "a b|\\|'|\"|" },
		{ "'a\\' \"a\\\"b\" \"'\" '\"'", 4, "a\\|a\"b|'|\"|" },
		{ "$HOME * ~ `id` ; > $(id) & \\", 9,
		    "$HOME|*|~|`id`|;|>|$(id)|&|\\|" },
		{ "", -1, "a program" },
		{ " \t ", -1, "a program" },
		{ "a 'b", -1, "a closing quote" },
		{ "a \"b\\\"", -1, "a closing quote" },
		{ "1 2 3 4 5 6 7 8 9 10", -1, "fewer words" },
	};
	char		 buf[128], got[256], *argv[10];
	const char	*why;
	size_t		 i;
	int		 n, k;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		why = "";
		n = command_split(t[i].text, buf, argv, 9, &why);
		if (t[i].n == -1) {
			assert_int_equal(n, -1);
			assert_non_null(strstr(why, t[i].words));
			continue;
		}
		got[0] = '\0';
		for (k = 0; k < n; k++) {
			strlcat(got, argv[k], sizeof(got));
			strlcat(got, "|", sizeof(got));
		}
		if (n != t[i].n || strcmp(got, t[i].words) != 0)
			fail_msg("%s: %d %s", t[i].text, n, got);
		assert_null(argv[n]);
	}
}

#define CMD(prefix, s)	"deliver \"/C=GB/ADMD=" prefix "\" to command " s "\n"

static void
test_command(void **state)
{
	struct conf		*c;
	struct conf_command	*d;

	c = good(HEAD CMD("A", "\"/bin/sh -c 'exit 0'\" user nobody")
	    CMD("B", "/bin/cat user \"nobody\" parallel 64 timeout 1d"));
	d = TAILQ_FIRST(&c->commands);
	assert_string_equal(d->command.name, "/bin/sh -c 'exit 0' as nobody");
	assert_string_equal(d->argv[2], "exit 0");
	assert_null(d->argv[3]);
	assert_int_not_equal(d->uid, 0);
	assert_int_equal(d->timeout, 600);
	assert_int_equal(d->command.parallel, 4);
	d = TAILQ_NEXT(d, entry);
	assert_int_equal(d->timeout, 86400);
	assert_int_equal(d->command.parallel, 64);
	conf_free(c);
	/* of one command, all the same */
	conf_free(good(HEAD CMD("A", "/bin/cat user nobody parallel 4")
	    CMD("B", "/bin/cat user nobody timeout 10m")));
	assert_null(parse(HEAD CMD("A", "/bin/cat user nobody")
	    CMD("B", "/bin/cat user nobody parallel 5")));
	assert_non_null(strstr(errors, "f:3:35: the same command: timeout "
	    "and parallel of line 2 were expected"));
	/* and not of an address that has one already */
	assert_null(parse(HEAD CMD("A", "/bin/cat user nobody")
	    CMD("A", "/bin/ls user nobody")));
	assert_non_null(strstr(errors, "f:3:9: /ADMD=A/C=GB/ is delivered by "
	    "line 2 already"));
}

/* TLS, with files as they should be and as they should not. */

static char	dir[64] = "/tmp/mtad-conf.XXXXXX";

static char *
path(const char *name)
{
	static char	buf[128];

	snprintf(buf, sizeof(buf), "%s/%s", dir, name);
	return (buf);
}

static FILE *
file(const char *name, mode_t mode)
{
	FILE	*f = fopen(path(name), "w");
	char	 macro[256];

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), mode), 0);
	snprintf(macro, sizeof(macro), "%s=\"%s\"", name, path(name));
	assert_int_equal(conf_define(macro), 0);
	return (f);
}

static void
make_key(const char *name, EVP_PKEY *k, mode_t mode)
{
	FILE	*f = file(name, mode);

	assert_int_equal(PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL,
	    NULL), 1);
	fclose(f);
}

static void
make_certificate(const char *name, EVP_PKEY *k, const EVP_MD *md,
    int with_key)
{
	FILE	*f = file(name, 0644);
	X509	*x = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, k);
	/* not signed by itself, where the signature counts */
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
	    "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0), 1);
	assert_true(X509_sign(x, k, md) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	if (with_key)
		PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
}

static int
setup(void **state)
{
	EVP_PKEY	*k, *other;
	FILE		*f;

	assert_non_null(mkdtemp(dir));
	k = EVP_EC_gen("P-256");
	other = EVP_EC_gen("P-256");
	make_certificate("crt", k, EVP_sha256(), 0);
	make_certificate("sha1", k, EVP_sha1(), 0);
	make_certificate("pair", k, EVP_sha256(), 1);
	make_key("priv", k, 0600);
	make_key("shown", k, 0640);
	make_key("other", other, 0600);
	EVP_PKEY_free(other);
	other = EVP_RSA_gen(1024);
	make_certificate("weakcrt", other, EVP_sha256(), 0);
	make_key("weak", other, 0600);
	EVP_PKEY_free(other);
	other = EVP_EC_gen("secp256k1");
	make_certificate("oddcrt", other, EVP_sha256(), 0);
	make_key("odd", other, 0600);
	EVP_PKEY_free(other);
	other = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	make_certificate("edcrt", other, NULL, 0);
	make_key("ed", other, 0600);
	EVP_PKEY_free(other);
	f = file("closed", 0600);
	PEM_write_PrivateKey(f, k, EVP_aes_128_cbc(),
	    (const unsigned char *)"x", 1, NULL, NULL);
	fclose(f);
	f = file("text", 0600);
	fprintf(f, "This is no certificate.\n");
	fclose(f);
	f = file("broken", 0600);
	fprintf(f, "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n");
	fclose(f);
	EVP_PKEY_free(k);
	return (0);
}

static int
teardown(void **state)
{
	static const char *const names[] = { "crt", "pair", "priv", "shown",
	    "other", "weakcrt", "weak", "oddcrt", "odd", "edcrt", "ed",
	    "closed", "text", "broken", "sha1" };
	size_t	i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path(names[i]));
	rmdir(dir);
	return (0);
}

static void
test_tls_listen(void **state)
{
	struct conf		*c;
	struct conf_listen	*l;
	struct conf_pem		*e;

	c = good(HEAD "listen on 192.0.2.1\n"
	    "listen on 192.0.2.2 port 3102 tls certificate $crt key $priv\n"
	    "listen on 192.0.2.3 tsel P1 tls optional certificate $crt "
	    "key $priv ca $pair\n"
	    "listen on 192.0.2.4 tls certificate $edcrt key $ed ca $pair "
	    "verify\n");
	l = TAILQ_FIRST(&c->listeners);
	assert_int_equal(l->listen.tls, TLS_NO);
	l = TAILQ_NEXT(l, entry);
	assert_int_equal(l->listen.tls, TLS_YES);
	assert_int_not_equal(l->listen.tls_certificate, 0);
	assert_int_equal(l->listen.tls_ca, 0);
	e = TAILQ_FIRST(&c->pems);
	assert_int_equal(e->id, l->listen.tls_certificate);
	assert_non_null(e->key);
	l = TAILQ_NEXT(l, entry);
	assert_int_equal(l->listen.tls, TLS_OPTIONAL);
	assert_int_equal(l->listen.tsel.len, 2);
	/* the same files are read once */
	assert_int_equal(l->listen.tls_certificate, e->id);
	assert_int_equal(l->listen.tls_verify, 0);
	/* a key beside an authority does not go on */
	e = TAILQ_NEXT(e, entry);
	assert_int_equal(l->listen.tls_ca, e->id);
	assert_null(e->key);
	assert_null(memmem(e->pem, e->len, "PRIVATE", 7));
	l = TAILQ_NEXT(l, entry);
	assert_int_equal(l->listen.tls_verify, 1);
	conf_forget_keys(c);
	assert_null(TAILQ_FIRST(&c->pems)->key);
	conf_free(c);
}

static void
test_tls_peer(void **state)
{
	struct conf		*c;
	struct tls_peer_conf	*t;

	c = good(HEAD "listen on ::1 tls certificate $crt key $priv ca $crt\n"
	    "peer a {\ntls yes tls ca $crt\n"
	    "address x.example address 192.0.2.1\n}\n"
	    "peer b {\naddress x.example tls yes tls ca $crt\n"
	    "tls name y.example tls certificate $crt key $priv\n"
	    "remote tls no\n}\n"
	    "peer c { tls opportunistic remote tls name z.example }\n"
	    "peer d { tls no tls ca $crt }\n");
	t = &TAILQ_FIRST(&c->peers)->tls;
	assert_int_equal(t->mode, TLS_YES);
	assert_int_equal(t->remote, 1);
	assert_int_not_equal(t->ca, 0);
	assert_int_equal(t->certificate, 0);
	assert_string_equal(t->name[0], "x.example");
	assert_string_equal(t->name[1], "192.0.2.1");
	t = &TAILQ_NEXT(TAILQ_FIRST(&c->peers), entry)->tls;
	assert_string_equal(t->name[0], "y.example");
	assert_int_equal(t->remote, 0);
	assert_int_not_equal(t->certificate, 0);
	t = &TAILQ_LAST(&c->peers, conf_peers)->tls;
	assert_int_equal(t->mode, TLS_NO);
	assert_int_equal(t->remote, 0);
	t = &TAILQ_PREV(TAILQ_LAST(&c->peers, conf_peers), conf_peers,
	    entry)->tls;
	assert_int_equal(t->mode, TLS_OPTIONAL);
	assert_int_equal(t->remote, 1);
	assert_string_equal(t->remote_name, "z.example");
	conf_free(c);
}

#define L(s)	HEAD "listen on ::1 tls " s "\n"

/* A place in a macro is the one behind its name. */
static void
test_tls_bad(void **state)
{
	static const struct {
		const char	*text, *where, *what;
	} t[] = {
		{ L("certificate crt key $priv"), "f:2:31:",
		    "begins with /" },
		{ L("certificate /none/x key $priv"), "f:2:31:",
		    "No such file" },
		{ L("certificate /tmp key $priv"), "f:2:31:", "a file" },
		{ L("certificate $text key $priv"), "f:2:36:",
		    "no certificate" },
		{ L("certificate $broken key $priv"), "f:2:38:",
		    "certificate 1: " },
		{ L("certificate $crt key $text"), "f:2:45:",
		    "no private key" },
		{ L("certificate $crt key $crt"), "f:2:44:",
		    "others than its owner" },
		{ L("certificate $crt key $shown"), "f:2:46:", "mode 0640" },
		{ L("certificate $crt key $closed"), "f:2:47:",
		    "passphrase" },
		{ L("certificate $crt key $other"), "f:2:46:",
		    "not the key of certificate" },
		{ L("certificate $weakcrt key $weak"), "f:2:39:",
		    "certificate 1: its key is too short" },
		{ L("certificate $crt key $weak"), "f:2:45:",
		    "2048 to 8192" },
		{ L("certificate $sha1 key $priv"), "f:2:36:",
		    "digest that is too weak" },
		{ L("certificate $oddcrt key $odd"), "f:2:47:", "P-256" },
		{ L("certificate $crt key $priv ca $text"), "f:2:54:",
		    "no certificate" },
		{ L("certificate $crt key $priv verify"), "f:2:46:",
		    "expected" },
		{ L("optional certificate $crt key $priv ca $crt verify"),
		    "f:2:19:", "beside verify" },
		{ P("tls yes"), "f:3:1:", "tls ca \"FILE\" was expected" },
		{ P("tls opportunistic tls name x"), "f:3:1:", "tls ca" },
		{ P("tls ca $crt"), "", "\"tls yes\" or" },
		{ P("remote tls yes"), "f:3:8:", "a listen statement" },
		{ L("certificate $crt key $priv") "peer b {\n"
		    "remote tls name x\n}\n", "f:4:8:", "tls and ca" },
		{ P("tls yes tls ca $crt tls name \"\""), "f:3:30:",
		    "1 to 255" },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].text) != NULL)
			fail_msg("taken: %s", t[i].text);
		if (strncmp(errors, t[i].where, strlen(t[i].where)) != 0 ||
		    strstr(errors, t[i].what) == NULL)
			fail_msg("%s\nsaid: %s\nwanted: %s %s", t[i].text,
			    errors, t[i].where, t[i].what);
	}
}

static char	changed[4096];

static void
change(const char *line)
{
	strlcat(changed, line, sizeof(changed));
	strlcat(changed, "\n", sizeof(changed));
}

#define UNKNOWN	"\"frobnicate\" found, which is no option of a peer, "	\
	"expected domain, reserve, tls, address, mode, dialogue, local, "	\
	"remote, checkpoint, window, safe-store, recover, timeout, delay, "	\
	"keep, memory, tpdu-size, associations, threshold, idle, retry, "	\
	"open, transfer, max-content, disabled, log, accept, "		\
	"content-type, eit, rate, max-recipients, internal-trace, "		\
	"alternate, attempts, expire, alarm, end of line or '}'\n"

/* What is said twice is a mistake somewhere, and only what is one is told. */
static void
test_told_once(void **state)
{
	static const char *const t[][2] = {
		{ P("window 4\nwindow 5"),
		    "f:4:1: window: it was given in line 3 already\n" },
		{ P("mode normal\nmode x410"),
		    "f:4:1: mode: it was given in line 3 already\n" },
		{ P("local tsel a local ssel b\nmode normal local tsel x"),
		    "f:4:19: local tsel: it was given in line 3 already\n" },
		{ P("tls no tls opportunistic"),
		    "f:3:8: tls: it was given in line 3 already\n" },
		{ P("retry urgent 1s to 2s 1s to 5s urgent 1s to 2s"),
		    "f:3:32: retry: it was given in line 3 already\n" },
		{ P("remote name x password y\nremote name z password y"),
		    "f:4:1: remote name: it was given in line 3 already\n" },
		{ P("address h tsel a tsel b\naddress i tsel c"),
		    "f:3:18: tsel: this address has one already\n" },
		{ HEAD "deliver \"/C=FR\" to command \"/bin/cat\" user "
		    "\"daemon\" timeout 3 parallel 1 timeout 5\n"
		    "deliver \"/C=DE\" to command \"/bin/cat\" user "
		    "\"daemon\" timeout 5 parallel 1",
		    "f:2:74: timeout: it was given in line 2 already\n" },
		{ HEAD "spool \"/a\"\nspool \"/b\"",
		    "f:3:1: spool: it was given in line 2 already\n" },
		{ HEAD "list \"/C=GB/ADMD=GOLD 400/PRMD=A/S=l\" {\n"
		    "member \"/C=FR/S=x\"\nreports none\nreports to originator\n}",
		    "f:5:1: reports: it was given in line 4 already\n" },
		/* and no more than what is wrong */
		{ P("window 4 frobnicate 7"), "f:3:10: " UNKNOWN },
		{ P("frobnicate 7\nwindow 4"), "f:3:1: " UNKNOWN },
		{ HEAD "peer \"b\" { frobnicate 7 }\nlog brief",
		    "f:2:12: " UNKNOWN },
		{ HEAD "peer \"b\" { window 4 frobnicate }\nlog brief",
		    "f:2:21: " UNKNOWN },
		{ HEAD "list \"/C=FR/S=x\" { window 4 }", "f:2:20: window "
		    "found, expected member, members, owner, reports, submit, "
		    "end of line or '}'\n" },
		{ HEAD "listen on 127.0.0.1 port 102 tsl x", "f:2:30: \"tsl\" "
		    "found, expected tsel, tls or end of line\n" },
		/* what may come again */
		{ HEAD "retry 1s to 2s\nretry 1s to 3s\npeer \"c\" {\n"
		    "address a\naddress b\nretry 1s to 2s\nretry urgent 1s to "
		    "2s\naccept from \"/C=FR\" accept from \"/C=DE\"\n}", "" },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		conf_free(parse(t[i][0]));
		if (strcmp(errors, t[i][1]) != 0)
			fail_msg("%s\nsaid: %s", t[i][0], errors);
	}
}

#define LISTEN	"listen on 127.0.0.1\n"

/* What only the whole of it tells, where it was written. */
static void
test_whole(void **state)
{
	static const char *const wrong[][2] = {
		{ HEAD "spool \"/nowhere/spool\"\ndeliver \"/C=FR\" to "
		    "directory \"/nowhere/spool\"", "f:3:30: directory "
		    "\"/nowhere/spool\": one outside of the spool" },
		{ HEAD "deliver \"/C=FR\" to directory \"/nowhere/spool/in\""
		    "\nspool \"/nowhere/spool/\"", "f:2:30: directory "
		    "\"/nowhere/spool/in\": one outside of the spool" },
		{ HEAD "deliver \"/C=FR\" to directory \"/nowhere/spool2\""
		    "\nspool \"/nowhere/spool\"", NULL },
		/* by whatever way */
		{ HEAD "deliver \"/C=FR\" to directory \"/nowhere/x/./..//"
		    "spool/in\"\nspool \"/tmp/../nowhere/spool\"",
		    "f:2:30: directory" },
		{ HEAD "deliver \"/C=FR\" to directory \"/proc/self/root/"
		    "nowhere/spool\"\nspool \"/nowhere/spool\"",
		    "f:2:30: directory" },
		{ HEAD "deliver \"/C=FR\" to directory \"/nowhere/spool/../"
		    "in\"\nspool \"/nowhere/spool\"", NULL },
		{ HEAD "deliver \"/C=FR\" to directory \"/etc/passwd\"",
		    "f:2:30: \"/etc/passwd\": a directory was expected" },
	};
	static const char *const odd[][2] = {
		{ P("") "route \"/C=FR\" via b", "f:5:19: route via \"b\": "
		    "nothing can be sent to it" },
		{ P("address a") "route \"/C=FR\" via b", "" },
		{ P("dialogue twa") "route \"/C=FR\" via b", "" },
		{ P(""), "" },
		{ P("") LISTEN, "f:2:6: peer \"b\": whoever calls and says that "
		    "it is \"b\" is taken for it: remote name" },
		{ P("remote name B password \"\"") LISTEN, "" },
		{ P("remote name B password x") LISTEN, "" },
	};
	struct conf	*c;
	size_t		 i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c = parse(wrong[i][0]);
		if (wrong[i][1] == NULL ? c == NULL :
		    strncmp(errors, wrong[i][1], strlen(wrong[i][1])) != 0)
			fail_msg("%s\nsaid: %s", wrong[i][0], errors);
		conf_free(c);
	}
	conf_error_copy = change;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		changed[0] = '\0';
		conf_free(good(odd[i][0]));
		if (strncmp(changed, odd[i][1], strlen(odd[i][1])) != 0 ||
		    (odd[i][1][0] == '\0' && changed[0] != '\0'))
			fail_msg("%s\nsaid: %s", odd[i][0], changed);
	}
	conf_error_copy = NULL;
}

#define NEXT	" (with the next association)"

/* By what a configuration differs from the one before; never a password. */
static void
test_changes(void **state)
{
	static const struct {
		const char	*old, *new, *what;
	} t[] = {
		{ P(""), P(""), "nothing has changed\n" },
		{ P("window 3"), P("window 4"),
		    "peer \"b\": changed: window" NEXT "\n" },
		{ P("retry 1s to 5s"), P("retry 2s to 6s"),
		    "peer \"b\": changed: retry\n" },
		{ P("remote name x password one"),
		    P("remote name x password two"), "peer \"b\": changed: "
		    "remote password, remote response password" NEXT "\n" },
		{ P("retry 1s to 5s window 3 rate 1 per 1s"),
		    P("retry 2s to 6s window 4 rate 2 per 1s"),
		    "peer \"b\": changed: retry, rate; window" NEXT "\n" },
		{ P("address a"), P("address b"),
		    "peer \"b\": changed: address" NEXT "\n" },
		{ P("accept from \"/C=FR\""), P("accept from \"/C=DE\""),
		    "peer \"b\": changed: accept from\n" },
		{ P("accept to \"/C=FR\" content-type 2"), P("content-type 22"
		    " content-type 2 eit telex"), "peer \"b\": changed: "
		    "content-type, eit, accept to\n" },
		{ P("") "poison after 3", P("") "poison after 4",
		    "changed: poison\n" },
		{ P("") "route \"/C=FR\" via b", P(""),
		    "route \"/ADMD= /C=FR/\": removed\n" },
		{ P(""), P("") "route \"/C=FR\" via b",
		    "route \"/ADMD= /C=FR/\": added\n" },
		{ P("") "route \"/C=FR\" via b cost 3", P("")
		    "route \"/C=FR\" via b cost 4",
		    "route \"/ADMD= /C=FR/\": changed\n" },
		{ P("") "deliver \"/C=FR\" to directory \"/a\"", P("")
		    "deliver \"/C=FR\" to directory \"/b\"",
		    "deliver \"/ADMD= /C=FR/\": changed\n" },
		{ P("") "redirect \"/C=FR/S=x\" to \"/C=FR/S=y\"", P("")
		    "redirect \"/C=FR/S=z\" to \"/C=FR/S=y\"",
		    "redirect \"/S=x/ADMD= /C=FR/\": removed\n"
		    "redirect \"/S=z/ADMD= /C=FR/\": added\n" },
		{ P("") "limit content-type 22", P("")
		    "limit content-type 2",
		    "limit content-type \"2\": added\n"
		    "limit content-type \"22\": removed\n" },
		{ P("") "listen on 192.0.2.1 port 103", P(""),
		    "listen on 192.0.2.1 port 103: removed\n" },
	};
	struct conf	*old, *new;
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		old = good(t[i].old);
		new = good(t[i].new);
		changed[0] = '\0';
		conf_changes(old, new, change);
		if (strcmp(changed, t[i].what) != 0)
			fail_msg("%s\n%s\nsaid: %s", t[i].old, t[i].new,
			    changed);
		conf_free(old);
		conf_free(new);
	}
}

/*
 * Whatever statement and option there is, another value of it is a change
 * that has its name, and no other.
 */
static void
test_changes_named(void **state)
{
	static const struct {
		const char	*fmt, *old, *new, *name;
	} t[] = {
		{ P("%s"), "", "disabled", "disabled" },
		{ P("%s"), "", "domain \"/C=DE/ADMD=X\"", "domain" },
		{ P("mode %s"), "x410-1984", "x410-1988", "mode" NEXT },
		{ P("dialogue %s"), "monologue", "twa",
		    "dialogue" NEXT },
		{ P("local tsel %s"), "\"1\"", "\"2\"", "local tsel" NEXT },
		{ P("mode normal local ssel %s"), "\"1\"", "\"2\"",
		    "local ssel" NEXT },
		{ P("mode normal local psel %s"), "\"1\"", "\"2\"",
		    "local psel" NEXT },
		{ P("address a tsel %s"), "\"1\"", "\"2\"",
		    "address selectors" NEXT },
		{ P("mode normal local ap-title %s"), "1.3.27.3", "1.3.27.4",
		    "local ap-title" NEXT },
		{ P("mode normal remote ap-title %s"), "1.3.27.3", "1.3.27.4",
		    "remote ap-title" NEXT },
		{ P("local name %s password p"), "x", "y", "local name, "
		    "local response name" NEXT },
		{ P("local response name %s password p"), "x", "y",
		    "local response name" NEXT },
		{ P("remote response name b password %s"), "x", "y",
		    "remote response password" NEXT },
		{ P("checkpoint %s"), "30", "31", "checkpoint" NEXT },
		{ P("window %s"), "3", "4", "window" NEXT },
		{ P("safe-store %s"), "1", "2", "safe-store" NEXT },
		{ P("recover %s"), "yes", "no", "recover" },
		{ P("timeout %s"), "10m", "11m", "timeout" },
		{ P("delay %s"), "60s", "61s", "delay" },
		{ P("keep %s"), "1h", "2h", "keep" },
		{ P("memory %s"), "1h", "2h", "memory" },
		{ P("tpdu-size %s"), "1024", "2048", "tpdu-size" NEXT },
		{ P("associations %s"), "10", "9", "associations" },
		{ P("associations 10 reserve %s"), "1", "2",
		    "reserve" },
		{ P("idle %s"), "5m", "6m", "idle" },
		{ P("open timeout %s"), "1m", "2m", "open timeout" NEXT },
		{ P("transfer timeout %s"), "1m", "2m", "transfer timeout" NEXT },
		{ P("retry %s"), "1s to 2s", "1s to 3s", "retry" },
		{ P("threshold %s"), "50", "51", "threshold" },
		{ P("threshold 50 oldest %s"), "5m", "6m", "threshold" },
		{ P("alternate after %s failures"), "3", "4", "alternate" },
		{ P("alternate after %s"), "1h", "2h", "alternate" },
		{ P("attempts %s"), "10", "11", "attempts" },
		{ P("expire normal %s"), "1d", "2d", "expire" },
		{ P("max-content %s"), "1M", "2M", "max-content" NEXT },
		{ P("max-recipients %s"), "1", "2", "max-recipients" },
		{ P("rate %s"), "1 per 1s", "1 per 2s", "rate" },
		{ P("internal-trace %s"), "auto", "keep", "internal-trace" },
		{ P("alarm queue %s"), "10", "10 clear 2", "alarm queue" },
		{ P("alarm queue %s"), "10 clear 2", "11 clear 2",
		    "alarm queue" },
		{ P("alarm age %s"), "1h", "2h", "alarm age" },
		{ P("log %s"), "brief", "verbose", "log" },
		{ P("eit %s"), "telex", "voice", "eit" },
		{ HEAD "limit associations %s", "1", "2",
		    "limit associations" },
		{ HEAD "limit content %s", "1M", "2M", "limit content" },
		{ HEAD "spool reserve %s", "64M", "65M", "spool reserve" },
		{ HEAD "poison after %s", "1", "2", "poison" },
		{ HEAD "audit %s", "log", "no", "audit" },
		{ HEAD "expire normal %s", "1d", "2d", "expire" },
		{ HEAD "limit loops %s", "1", "2", "limit loops" },
		{ HEAD "limit hops %s", "10", "11", "limit hops" },
		{ HEAD "limit return %s", "1M", "2M", "limit return" },
		{ HEAD "limit rate %s", "1 per 1s", "2 per 1s",
		    "limit rate" },
		{ HEAD "limit recipients %s", "1", "2", "limit recipients" },
		{ HEAD "limit connections %s per address", "1", "2",
		    "limit connections" },
		{ HEAD "limit half-open %s", "16", "17", "limit half-open" },
		{ HEAD "limit half-open timeout %s", "1s", "2s",
		    "limit half-open timeout" },
		{ HEAD "limit memory %s per association", "1M", "2M",
		    "limit memory" },
		{ HEAD "alarm space %s", "1G", "1G clear 2G", "alarm space" },
		{ HEAD "alarm space %s", "1G clear 3G", "2G clear 3G",
		    "alarm space" },
		{ HEAD "log %s", "brief", "verbose", "log" },
		{ P("tls %s"), "opportunistic", "no", "tls" NEXT },
		{ P("content-type %s"), "2", "22", "content-type" },
		{ P("accept from %s"), "\"/C=FR\"", "\"/C=DE\"",
		    "accept from" },
		{ P("accept to %s"), "\"/C=FR\"", "\"/C=DE\"",
		    "accept to" },
		{ "mta \"%s\" domain \"/C=GB/ADMD=A\"", "a", "b",
		    "mta name" },
		{ "mta \"a\" domain \"/C=GB/ADMD=%s\"", "a", "b",
		    "mta domain" },
		{ "mta \"a\" domain \"/C=GB/ADMD=A\" password %s", "a", "b",
		    "mta password" },
	};
#define DELIVER	"deliver \"/C=FR\" to command "
#define LIST(s)	HEAD "list \"/C=FR/S=l\" {\nmember \"/C=FR/S=m\"\n" s "\n}"
	static const struct {
		const char	*old, *new, *what;
	} whole[] = {
		{ HEAD DELIVER "\"/bin/cat\" user \"daemon\"", HEAD DELIVER
		    "\"/bin/cat\" user \"nobody\"",
		    "deliver \"/ADMD= /C=FR/\": changed\n" },
		{ HEAD DELIVER "\"/bin/cat\" user \"daemon\"", HEAD DELIVER
		    "\"/bin/cat -u\" user \"daemon\"",
		    "deliver \"/ADMD= /C=FR/\": changed\n" },
		{ HEAD DELIVER "\"/bin/cat\" user \"daemon\"", HEAD DELIVER
		    "\"/bin/cat\" user \"daemon\" timeout 9",
		    "deliver \"/ADMD= /C=FR/\": changed\n" },
		{ HEAD DELIVER "\"/bin/cat\" user \"daemon\"", HEAD DELIVER
		    "\"/bin/cat\" user \"daemon\" parallel 9",
		    "deliver \"/ADMD= /C=FR/\": changed\n" },
		{ HEAD "domain \"/C=FR\" complete", HEAD "domain \"/C=FR\" "
		    "complete alternate to \"/C=FR/S=x\"",
		    "domain \"/ADMD= /C=FR/\": changed\n" },
		{ LIST("reports none"), LIST("reports to originator"),
		    "list \"/S=l/ADMD= /C=FR/\": changed\n" },
		{ LIST(""), LIST("owner \"/C=FR/S=o\""),
		    "list \"/S=l/ADMD= /C=FR/\": changed\n" },
		{ LIST(""), LIST("member \"/C=FR/S=o\""),
		    "list \"/S=l/ADMD= /C=FR/\": changed\n" },
		{ LIST(""), LIST("submit from \"/C=FR\""),
		    "list \"/S=l/ADMD= /C=FR/\": changed\n" },
		{ HEAD "limit eit telex", HEAD, "limit eit \"telex\": removed\n" },
		{ HEAD "listen on ::1", HEAD "listen on ::1 tsel x",
		    "listen on ::1 port 102: removed\n"
		    "listen on ::1 port 102 tsel \"x\": added\n" },
		{ P("") "route \"/C=FR\" via b weight 3", P("")
		    "route \"/C=FR\" via b", "route \"/ADMD= /C=FR/\": "
		    "changed\n" },
		{ HEAD, HEAD "metrics listen on 127.0.0.1 port 9100",
		    "metrics listen on 127.0.0.1 port 9100: added\n" },
		{ HEAD "metrics listen on 127.0.0.1 port 9100", HEAD
		    "metrics listen on 127.0.0.1 port 9101",
		    "metrics listen on 127.0.0.1 port 9100: removed\n"
		    "metrics listen on 127.0.0.1 port 9101: added\n" },
		{ HEAD "metrics listen on \"/tmp/m\" group root", HEAD
		    "metrics listen on \"/tmp/m\" group daemon",
		    "metrics listen on /tmp/m: changed\n" },
		{ HEAD "control \"/tmp/c\" group root", HEAD
		    "control \"/tmp/c\"", "control group: changed, which "
		    "takes a restart\n" },
	};
	struct conf	*old, *new;
	char		 text[2][600], what[200];
	size_t		 i, n = sizeof(t) / sizeof(t[0]);
	int		 k;

	for (i = 0; i < n + sizeof(whole) / sizeof(whole[0]); i++) {
		for (k = 0; k < 2; k++)
			if (i < n)
				snprintf(text[k], sizeof(text[k]), t[i].fmt,
				    k == 0 ? t[i].old : t[i].new);
			else
				strlcpy(text[k], k == 0 ? whole[i - n].old :
				    whole[i - n].new, sizeof(text[k]));
		if (i < n)
			snprintf(what, sizeof(what), "%schanged: %s\n",
			    strncmp(t[i].fmt, P(""), sizeof(HEAD) + 4) == 0 ?
			    "peer \"b\": " : "", t[i].name);
		else
			strlcpy(what, whole[i - n].what, sizeof(what));
		old = good(text[0]);
		new = good(text[1]);
		changed[0] = '\0';
		conf_changes(old, new, change);
		if (strcmp(changed, what) != 0)
			fail_msg("%s\n%s\nsaid: %s", text[0], text[1],
			    changed);
		conf_free(old);
		conf_free(new);
	}
}

/* Titles come out as they went in; what is none is "?". */
static void
test_titles(void **state)
{
	static const char *const ap[] = { "1.3.27.3", "2.16.840.1",
	    "/C=XX/O=ICAO/CN=COM", "/C=XX/L=Here/ST=There/OU=a b" };
	static const char *const ae[] = { "0", "7", "128", "65535", "CN=AMS" };
	uint8_t		 b[AE_TITLE_MAX], len;
	char		 text[320];
	const char	*why;
	size_t		 i, k;

	for (i = 0; i < sizeof(ap) / sizeof(ap[0]); i++) {
		assert_int_equal(ap_title_parse(ap[i], b, &len, &why), 0);
		assert_string_equal(ae_element_print(b, len, text,
		    sizeof(text)), ap[i]);
		for (k = 0; k < len; k++)
			assert_string_equal(ae_element_print(b, k, text,
			    sizeof(text)), "?");
	}
	for (i = 0; i < sizeof(ae) / sizeof(ae[0]); i++) {
		assert_int_equal(ae_qualifier_parse(ae[i], b, &len, &why), 0);
		assert_string_equal(ae_element_print(b, len, text,
		    sizeof(text)), ae[i]);
	}
	/* not one of the attributes, not in printable characters */
	assert_string_equal(ae_element_print((const uint8_t *)"\x31\x0a\x30"
	    "\x08\x06\x03\x55\x04\x05\x13\x01x", 12, text, sizeof(text)),
	    "?");
	assert_string_equal(ae_element_print((const uint8_t *)"\x31\x0a\x30"
	    "\x08\x06\x03\x55\x04\x03\x13\x01\x1b", 12, text,
	    sizeof(text)), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_told_once),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_changes_named),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_normal),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_one_error),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_macros),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_tls_listen),
		cmocka_unit_test(test_tls_peer),
		cmocka_unit_test(test_tls_bad),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
