/* SPDX-License-Identifier: ISC */

/*
 * mtad.conf: each statement and each option, right and wrong.  What is wrong
 * has to be told with its line, its column, and what was expected.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"

#define HEAD	"mta \"alpha\" domain \"/C=GB/ADMD=GOLD 400/PRMD=A\"\n"
#define P(s)	HEAD "peer \"b\" {\n" s "\n}\n"

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
	assert_int_equal(p->retry_min, 60);
	assert_int_equal(p->retry_max, 600);
	assert_int_equal(p->max_associations, 10);
	assert_int_equal(p->reserved_urgent, 1);
	assert_int_equal(p->threshold, 50);
	assert_int_equal(p->tpdu_size, 65531);
	assert_int_equal(p->dialogue, DIALOGUE_MONOLOGUE);
	assert_string_equal(p->local.name, "alpha");
	assert_string_equal(p->remote.name, "b");
	assert_int_equal(p->naddress, 0);
	assert_int_equal(c->mta.max_associations, 500);
	assert_int_equal(c->mta.min_free, 64 << 20);
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
	    "max-content 10M disabled\n}\n");
	p = peer(c);
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
		HEAD "log verbose\nlog brief\n",
		"who = \"alpha\"\nmta $who domain \"/C=GB/ADMD= \"\n",
		HEAD "deliver \"/C=GB/ADMD=GOLD 400/PRMD=A\" to directory "
		    "\"/tmp/x\"\n",
		P("address 192.0.2.1") "route \"/C=FR\" via \"b\"\n",
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
		{ HEAD "listen on 7 tls\n", "f:2:13:", "not available" },
		{ HEAD "limit associations 0\n", "f:2:20:", "1 to 4000" },
		{ HEAD "limit content x\n", "f:2:15:", "a size" },
		{ HEAD "lisen on ::1\n", "f:2:7:", "no statement" },
		{ HEAD "route \"/C=FR\" via \"b\"\n", "f:2:19:",
		    "no such peer" },
		{ HEAD "route \"/C=F%\" via \"b\"\n", "f:2:7:", "character" },
		{ P("") "route \"/C=FR\" via b\nroute \"/c=fr\" via b\n",
		    "f:6:7:", "already" },
		{ P("") P(""), "f:5:1:", "second mta" },
		{ P("") "peer b {\n}\n", "f:5:6:", "of this name" },
		{ P("checkpoint 65536"), "f:3:12:", "0 to 65535" },
		{ P("window 0"), "f:3:8:", "1 to 255" },
		{ P("window 256"), "f:3:8:", "1 to 255" },
		{ P("window lots"), "f:3:8:", "expected" },
		{ P("recover maybe"), "f:3:9:", "yes or no" },
		{ P("timeout 0"), "f:3:9:", "1 to 604800" },
		{ P("timeout 5x"), "f:3:9:", "a time" },
		{ P("delay 2m timeout 1m"), "", "shorter than its delay" },
		{ P("retry 2m to 1m"), "f:3:13:", "shorter than the first" },
		{ P("tpdu-size 127"), "f:3:11:", "128 to 65531" },
		{ P("associations 0"), "f:3:14:", "1 to 1000" },
		{ P("associations 2 reserve 2"), "", "leaves none" },
		{ P("mode fast"), "f:3:6:", "expected" },
		{ P("mode x410 local ssel s"), "", "belong to mode normal" },
		{ P("mode x410-1988 address a psel p"), "",
		    "belong to mode normal" },
		{ P("mode x410 remote ap-title 1.2"), "",
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
		{ HEAD "log \"verbose\n", "f:2:5:", "" },
		{ HEAD "x = $y\n", "f:2:5:", "" },
		{ HEAD "include /etc/passwd\n", "f:2:9:", "not possible" },
		{ HEAD "\001\n", "f:2:1:", "not printable" },
		{ P("remote name z password s") "peer c {\nremote name z "
		    "password s\n}\n", "", "cannot be told apart" },
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

/* One mistake does not hide the next; a flood of them is cut. */
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
	/* a macro of itself ends */
	assert_null(parse("a = \"$a\"\nmta $a $a\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_normal),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_macros),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
