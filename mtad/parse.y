/* SPDX-License-Identifier: ISC */

/*
 * mtad.conf(5).  The grammar and what it means stand here; words, macros and
 * files in lex.c, checks of the whole in check.c.
 */

%code requires {
#include "conf.h"
#include "lex.h"
}

%{
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "lex.h"
#include "parse_int.h"

static struct conf_peer	*peer;		/* whose block is open */
static struct conf_list	*list;		/* the same of a list */
static unsigned		 list_errors;	/* there were when it began */
static struct listen_tls listen_tls;	/* of the statement at hand */
static struct command_options command_options;	/* of the one at hand */
static struct conf_selectors selectors;	/* of the address at hand */
%}

%code {
int		yylex(YYSTYPE *, YYLTYPE *);
static void	yyerror(const YYLTYPE *, const char *);
/* Any of them may be a password. */
static void
forget(char *s)
{
	if (s != NULL)
		freezero(s, strlen(s));
}

/* An address has one of each; the next address has its own. */
static void
only_one(const struct place *p, const struct selector *s, const char *what)
{
	if (s->len > 0)
		conf_error(p, "%s: this address has one already", what);
}
}

%define api.pure full
%define parse.error custom
/* What was expected is all that was, after an option as well. */
%define parse.lac full
%locations

%union {
	uint64_t	 number;
	char		*string;
}

%token MTA "mta" DOMAIN "domain" PASSWORD "password" SPOOL "spool"
%token RESERVE "reserve" CONTROL "control" GROUP "group" LISTEN "listen"
%token ON "on" PORT "port" TSEL "tsel" TLS "tls" PEER "peer"
%token ADDRESS "address" MODE "mode" DIALOGUE "dialogue" LOCAL "local"
%token REMOTE "remote" NAME "name" RESPONSE "response"
%token CHECKPOINT "checkpoint" WINDOW "window" SAFE_STORE "safe-store"
%token RECOVER "recover" YES "yes" NO "no" TIMEOUT "timeout" DELAY "delay"
%token KEEP "keep" MEMORY "memory" TPDU_SIZE "tpdu-size"
%token ASSOCIATIONS "associations" THRESHOLD "threshold" IDLE "idle"
%token RETRY "retry" TO "to" OPEN "open" TRANSFER "transfer"
%token CONTENT "content" MAX_CONTENT "max-content" DISABLED "disabled"
%token ROUTE "route" VIA "via" DELIVER "deliver" DIRECTORY "directory"
%token LIMIT "limit" LOG "log" VERBOSE "verbose" BRIEF "brief"
%token INCLUDE "include" MONOLOGUE "monologue" TWA "twa"
%token X410 "x410" X410_1984 "x410-1984" X410_1988 "x410-1988"
%token NORMAL "normal" SSEL "ssel" PSEL "psel" AP_TITLE "ap-title"
%token AE_QUALIFIER "ae-qualifier"
%token AUDIT "audit" POISON "poison"
%token REDIRECT "redirect" LIST "list" MEMBER "member" MEMBERS "members"
%token FROM "from" OWNER "owner" REPORTS "reports" SUBMIT "submit"
%token ORIGINATOR "originator" BOTH "both" NONE "none"
%token ACCEPT "accept" CONTENT_TYPE "content-type" EIT "eit" RATE "rate"
%token PER "per" MAX_RECIPIENTS "max-recipients" RECIPIENTS "recipients"
%token LOOPS "loops" HOPS "hops" RETURN "return"
%token INTERNAL_TRACE "internal-trace" STRIP "strip" AUTO "auto"
%token CERTIFICATE "certificate" KEY "key" CA "ca" VERIFY "verify"
%token AFTER "after" ALTERNATE "alternate" ATTEMPTS "attempts"
%token COMPLETE "complete" COST "cost" EXPIRE "expire" FAILURES "failures"
%token NON_URGENT "non-urgent" OLDEST "oldest" URGENT "urgent"
%token WEIGHT "weight"
%token OPTIONAL "optional" OPPORTUNISTIC "opportunistic"
%token COMMAND "command" USER "user" PARALLEL "parallel"
%token CONNECTIONS "connections" HALF_OPEN "half-open"
%token ASSOCIATION "association"
%token METRICS "metrics" ALARM "alarm" QUEUE "queue" AGE "age"
%token SPACE "space" CLEAR "clear"
%token NEWLINE "end of line" OPENB "'{'" CLOSEB "'}'" EQUALS "'='"
%token <string> STRING "string"
%token <string> WORD "word"
%token <number> NUMBER "number"

%type <string> string text
%type <number> time size optport optcost optweight rank cleartime clearnumber

%destructor { forget($$); } <string>

%%

conf		: /* empty */
		| conf NEWLINE
		| conf main NEWLINE
		| conf INCLUDE string NEWLINE {
			/* the end of this line comes before that file */
			lex_include(&@3, $3);
			forget($3);
		}
		| conf error NEWLINE	{
			conf_once_in(0);
			peer = NULL;
			list = NULL;
			yyerrok;
		}
		;

string		: STRING
		| WORD
		;

/* What may stand for a name or a text: keywords have to be quoted. */
text		: string
		| NUMBER		{
			if (asprintf(&$$, "%llu",
			    (unsigned long long)$1) == -1)
				YYNOMEM;
		}
		;

time		: NUMBER		{ $$ = $1; }
		| WORD			{
			if (parse_time($1, &$$) == -1) {
				conf_error(&@1, "\"%s\": a time was expected, "
				    "as 30, 90s, 5m, 2h or 1d", $1);
				$$ = 1;	/* one error is enough */
			}
			forget($1);
		}
		;

size		: NUMBER		{ $$ = $1; }
		| WORD			{
			if (parse_size($1, &$$) == -1) {
				conf_error(&@1, "\"%s\": a size was expected, "
				    "as 65536, 64K, 10M or 2G", $1);
				$$ = 0;
			}
			forget($1);
		}
		;

optport		: /* empty */		{ $$ = 102; }
		| PORT NUMBER		{
			if ($2 < 1 || $2 > 65535)
				conf_error(&@2, "port %llu: 1 to 65535 was "
				    "expected", (unsigned long long)$2);
			$$ = $2;
		}
		;

main		: WORD EQUALS text	{
			set_macro(&@1, $1, $3);
			forget($1);
			forget($3);
		}
		| MTA text DOMAIN text	{
			set_mta(&@1, &@2, $2, &@4, $4, NULL, NULL);
			forget($2);
			forget($4);
		}
		| MTA text DOMAIN text PASSWORD text {
			set_mta(&@1, &@2, $2, &@4, $4, &@6, $6);
			forget($2);
			forget($4);
			forget($6);
		}
		| SPOOL string		{
			conf_once_ever(&@1, "spool");
			set_path(&@2, conf_now->spool,
			    sizeof(conf_now->spool), $2);
			forget($2);
		}
		| SPOOL RESERVE size	{ conf_now->mta.min_free = $3; }
		| CONTROL string	{
			conf_once_ever(&@1, "control");
			set_path(&@2, conf_now->control,
			    sizeof(conf_now->control), $2);
			forget($2);
		}
		| CONTROL string GROUP text {
			conf_once_ever(&@1, "control");
			set_path(&@2, conf_now->control,
			    sizeof(conf_now->control), $2);
			set_string(&@4, conf_now->control_group,
			    sizeof(conf_now->control_group), "group", $4);
			forget($2);
			forget($4);
		}
		| LISTEN ON text optport listentls {
			add_listen(&@3, $3, $4, NULL, NULL, &listen_tls);
			forget($3);
		}
		| LISTEN ON text optport TSEL text listentls {
			add_listen(&@3, $3, $4, &@6, $6, &listen_tls);
			forget($3);
			forget($6);
		}
		| PEER text		{
			conf_once_in(1);
			peer = new_peer(&@2, $2);
			forget($2);
			$2 = NULL;	/* an error in the block frees it */
		}
		  peerblock {
			conf_once_in(0);
			end_peer(peer);
			peer = NULL;
		}
		| ROUTE text		{ begin_route(); }
		  vias			{
			add_route(&@2, $2);
			forget($2);
		}
		| DOMAIN text COMPLETE	{
			add_complete(&@2, $2, NULL, NULL);
			forget($2);
		}
		| DOMAIN text COMPLETE ALTERNATE TO text {
			add_complete(&@2, $2, &@6, $6);
			forget($2);
			forget($6);
		}
		| ladder
		| METRICS LISTEN ON text {
			add_metrics(&@4, $4, NULL, 0, NULL);
			forget($4);
		}
		| METRICS LISTEN ON text PORT NUMBER {
			add_metrics(&@4, $4, &@6, $6, NULL);
			forget($4);
		}
		| METRICS LISTEN ON text GROUP text {
			add_metrics(&@4, $4, &@6, 0, $6);
			forget($4);
			forget($6);
		}
		| ALARM SPACE size CLEAR size {
			set_alarm_space(&@5, $3, $5);
		}
		| ALARM SPACE size	{ set_alarm_space(&@3, $3, $3); }
		| DELIVER text TO DIRECTORY string {
			add_deliver(&@2, $2, &@5, $5);
			forget($2);
			forget($5);
		}
		| DELIVER text TO COMMAND string USER text nocommandopt
		  commandopts		{
			conf_once_in(0);
			add_command(&@2, $2, &@5, $5, &@7, $7,
			    &command_options);
			forget($2);
			forget($5);
			forget($7);
		}
		| REDIRECT text TO text	{
			add_redirect(&@2, $2, &@4, $4);
			forget($2);
			forget($4);
		}
		| LIST text		{
			conf_once_in(1);
			list = new_list(&@2, $2);
			list_errors = conf_errors;
			forget($2);
			$2 = NULL;	/* an error in the block frees it */
		}
		  listblock {
			conf_once_in(0);
			/* what is missing may be what was wrong */
			if (conf_errors == list_errors)
				end_list(&@2, list);
			list = NULL;
		}
		| LIMIT ASSOCIATIONS NUMBER {
			set_number(&@3, &conf_now->mta.max_associations, $3,
			    1, 4000, "associations");
		}
		| LIMIT CONNECTIONS NUMBER PER ADDRESS {
			set_number(&@3,
			    &conf_now->mta.connections_per_address, $3, 1,
			    4000, "connections");
		}
		| LIMIT HALF_OPEN NUMBER {
			set_number(&@3, &conf_now->mta.half_open, $3, 16,
			    1024, "half-open");
		}
		| LIMIT HALF_OPEN TIMEOUT time {
			set_number(&@4, &conf_now->mta.half_open_time, $4, 1,
			    3600, "half-open timeout");
		}
		| LIMIT MEMORY size PER ASSOCIATION {
			set_size(&@3, &conf_now->mta.association_memory, $3,
			    1024 * 1024, 1024 * 1024 * 1024, "memory");
		}
		| LIMIT CONTENT size	{ conf_now->mta.max_content = $3; }
		| LIMIT RECIPIENTS NUMBER {
			set_number(&@3, &conf_now->mta.max_recipients, $3, 1,
			    UB_RECIPIENTS, "recipients");
		}
		| LIMIT CONTENT_TYPE text {
			add_policy(NULL, POLICY_CONTENT_TYPE, &@3, $3);
			forget($3);
		}
		| LIMIT EIT text	{
			add_policy(NULL, POLICY_EIT, &@3, $3);
			forget($3);
		}
		| LIMIT RATE NUMBER PER time {
			set_number(&@3, &conf_now->mta.rate, $3, 1, 1000000,
			    "rate");
			set_number(&@5, &conf_now->mta.rate_time, $5, 1,
			    86400, "rate");
		}
		| LIMIT LOOPS NUMBER	{
			set_number(&@3, &conf_now->mta.loop_limit, $3, 1, 500,
			    "loops");
		}
		| LIMIT HOPS NUMBER	{
			set_number(&@3, &conf_now->mta.hop_limit, $3, 1, 511,
			    "hops");
		}
		| LIMIT RETURN size	{ conf_now->mta.return_max = $3; }
		| LOG VERBOSE		{ conf_now->mta.verbose = 1; }
		| LOG BRIEF		{ conf_now->mta.verbose = 0; }
		| POISON AFTER NUMBER	{
			set_number(&@3, &conf_now->mta.poison_after, $3, 0,
			    1000, "poison after");
		}
		| AUDIT NO		{ conf_now->mta.audit_keep = 0; }
		| AUDIT LOG auditname auditkeep
		;

auditname	: /* empty */
		| string		{
			set_audit(&@1, $1);
			forget($1);
		}
		;

auditkeep	: /* empty */		{
			if (conf_now->mta.audit_keep == 0)
				conf_now->mta.audit_keep = 30 * 86400;
		}
		| KEEP time		{
			set_number(&@2, &conf_now->mta.audit_keep, $2, 86400,
			    3650 * 86400, "keep");
		}
		;

nocommandopt	: /* empty */		{
			conf_once_in(1);
			command_options.timeout = 600;
			command_options.parallel = 4;
		}
		;

commandopts	: /* empty */
		| commandopts TIMEOUT time {
			conf_once(&@2, "timeout");
			set_number(&@3, &command_options.timeout, $3, 1,
			    86400, "timeout");
		}
		| commandopts PARALLEL NUMBER {
			conf_once(&@2, "parallel");
			set_number(&@3, &command_options.parallel, $3, 1,
			    COMMANDS_MAX, "parallel");
		}
		;

vias		: via
		| vias via
		;

via		: VIA text optcost optweight {
			add_via(&@2, $2, $3, $4);
			forget($2);
		}
		;

optcost		: /* empty */		{ $$ = NO_COST; }
		| COST NUMBER		{
			uint32_t v = 0;

			set_number(&@2, &v, $2, 0, 65535, "cost");
			$$ = v;
		}
		;

optweight	: /* empty */		{ $$ = 1; }
		| WEIGHT NUMBER		{
			uint32_t v = 1;

			set_number(&@2, &v, $2, 1, 65535, "weight");
			$$ = v;
		}
		;

/* How long a message is tried, and where: of a peer, or of all. */
ladder		: RETRY retries
		| ALTERNATE AFTER NUMBER FAILURES {
			conf_once(&@1, "alternate after failures");
			set_number(&@3, &ladder_of(peer, &@1)->
			    alternate_failures, $3, 0, 1000000, "failures");
		}
		| ALTERNATE AFTER time	{
			conf_once(&@1, "alternate after");
			set_number(&@3, &ladder_of(peer, &@1)->
			    alternate_time, $3, 0, 7 * 86400,
			    "alternate after");
		}
		| ATTEMPTS NUMBER	{
			conf_once(&@1, "attempts");
			set_number(&@2, &ladder_of(peer, &@1)->attempts, $2,
			    0, 1000000, "attempts");
		}
		| EXPIRE expires
		| ALARM QUEUE NUMBER clearnumber {
			conf_once(&@1, "alarm queue");
			set_alarm_queue(peer, &@3, $3, &@4, $4);
		}
		| ALARM AGE time cleartime {
			conf_once(&@1, "alarm age");
			set_alarm_age(peer, &@3, $3, &@4, $4);
		}
		| THRESHOLD thresholds
		;

/* Messages of a priority, by their rank. */
rank		: URGENT		{ $$ = 0; }
		| NORMAL		{ $$ = 1; }
		| NON_URGENT		{ $$ = 2; }
		;

retries		: retry
		| retries retry
		;

retry		: time TO time		{
			conf_once(&@1, "retry");
			set_retry(peer, ALL_RANKS, &@1, $1, &@3, $3);
		}
		| rank time TO time	{
			conf_once_rank(&@1, "retry", $1);
			set_retry(peer, $1, &@2, $2, &@4, $4);
		}
		;

/* Without it half of the mark. */
clearnumber	: /* empty */		{ $$ = ALARM_HALF; }
		| CLEAR NUMBER		{ $$ = $2; }
		;

cleartime	: /* empty */		{ $$ = ALARM_HALF; }
		| CLEAR time		{ $$ = $2; }
		;

expires		: expire
		| expires expire
		;

expire		: rank time		{
			conf_once_rank(&@1, "expire", $1);
			set_expire(peer, &@2, $1, $2);
		}
		;

thresholds	: threshold
		| thresholds threshold
		;

threshold	: NUMBER		{
			conf_once(&@1, "threshold");
			set_threshold(peer, &@1, 1, $1);
			set_threshold(peer, &@1, 2, $1);
		}
		| rank NUMBER		{
			conf_once_rank(&@1, "threshold", $1);
			set_threshold(peer, &@2, $1, $2);
		}
		| OLDEST time		{
			conf_once(&@1, "threshold oldest");
			set_oldest(peer, &@2, ALL_RANKS, $2);
		}
		| OLDEST rank time	{
			conf_once_rank(&@1, "threshold oldest", $2);
			set_oldest(peer, &@3, $2, $3);
		}
		;

listentls	: /* empty */		{
			memset(&listen_tls, 0, sizeof(listen_tls));
		}
		| TLS CERTIFICATE string KEY string listenca {
			listen_tls.mode = TLS_YES;
			listen_tls.certificate = tls_certificate(&@3, $3,
			    &@5, $5);
			forget($3);
			forget($5);
		}
		| TLS OPTIONAL CERTIFICATE string KEY string listenca {
			listen_tls.mode = TLS_OPTIONAL;
			listen_tls.certificate = tls_certificate(&@4, $4,
			    &@6, $6);
			forget($4);
			forget($6);
			if (listen_tls.verify)
				conf_error(&@2, "optional: \"tls\" without it "
				    "was expected beside verify, for a caller "
				    "without TLS shows no certificate");
		}
		;

listenca	: /* empty */		{
			listen_tls.ca = listen_tls.verify = 0;
		}
		| CA string		{
			listen_tls.ca = tls_authorities(&@2, $2);
			listen_tls.verify = 0;
			forget($2);
		}
		| CA string VERIFY	{
			listen_tls.ca = tls_authorities(&@2, $2);
			listen_tls.verify = 1;
			forget($2);
		}
		;

optnl		: /* empty */
		| optnl NEWLINE
		;

listblock	: OPENB optnl CLOSEB
		| OPENB optnl listopt CLOSEB
		| OPENB optnl error CLOSEB	{ yyerrok; }
		| OPENB optnl listlines CLOSEB
		| OPENB optnl listlines listopt CLOSEB
		| OPENB optnl listlines error CLOSEB { yyerrok; }
		;

listlines	: listopt NEWLINE optnl
		| error NEWLINE optnl		{ yyerrok; }
		| listlines listopt NEWLINE optnl
		| listlines error NEWLINE optnl	{ yyerrok; }
		;

listopt		: MEMBER text		{
			add_list_item(list, LIST_MEMBER, &@2, $2);
			forget($2);
		}
		| MEMBERS FROM string	{
			add_list_file(list, &@3, $3);
			forget($3);
		}
		| SUBMIT FROM text	{
			add_list_item(list, LIST_SUBMIT, &@3, $3);
			forget($3);
		}
		| OWNER text		{
			conf_once(&@1, "owner");
			set_whole(&@2, list->list.owner,
			    sizeof(list->list.owner), $2);
			forget($2);
		}
		| REPORTS TO reportsto	{ conf_once(&@1, "reports"); }
		| REPORTS NONE		{
			conf_once(&@1, "reports");
			list->list.reports = LIST_REPORTS_NONE;
		}
		;

reportsto	: ORIGINATOR	{ list->list.reports = LIST_REPORTS_ORIGINATOR; }
		| OWNER		{ list->list.reports = LIST_REPORTS_OWNER; }
		| BOTH		{ list->list.reports = LIST_REPORTS_BOTH; }
		;

/* No rule of these is empty: an error has a place to go on from at once. */
peerblock	: OPENB optnl CLOSEB
		| OPENB optnl peerline CLOSEB
		| OPENB optnl error CLOSEB	{ yyerrok; }
		| OPENB optnl peerlines CLOSEB
		| OPENB optnl peerlines peerline CLOSEB
		| OPENB optnl peerlines error CLOSEB { yyerrok; }
		;

peerlines	: peerline NEWLINE optnl
		| error NEWLINE optnl		{ yyerrok; }
		| peerlines peerline NEWLINE optnl
		| peerlines error NEWLINE optnl	{ yyerrok; }
		;

peerline	: peeropt
		| peertls
		| ladder
		| peerline peeropt
		| peerline peertls
		| peerline ladder
		;

peertls		: TLS YES		{
			conf_once(&@1, "tls");
			set_tls(peer, TLS_YES, &@1);
		}
		| TLS NO		{
			conf_once(&@1, "tls");
			set_tls(peer, TLS_NO, &@1);
		}
		| TLS OPPORTUNISTIC	{
			conf_once(&@1, "tls");
			set_tls(peer, TLS_OPTIONAL, &@1);
		}
		| TLS CA string		{
			conf_once(&@1, "tls ca");
			peer->tls.ca = tls_authorities(&@3, $3);
			forget($3);
		}
		| TLS NAME text		{
			conf_once(&@1, "tls name");
			set_string(&@3, peer->tls_name,
			    sizeof(peer->tls_name), "name", $3);
			forget($3);
		}
		| TLS CERTIFICATE string KEY string {
			conf_once(&@1, "tls certificate");
			peer->tls.certificate = tls_certificate(&@3, $3, &@5,
			    $5);
			forget($3);
			forget($5);
		}
		| REMOTE TLS YES	{
			conf_once(&@1, "remote tls");
			set_remote_tls(peer, 1, &@2);
		}
		| REMOTE TLS NO		{
			conf_once(&@1, "remote tls");
			set_remote_tls(peer, 0, &@2);
		}
		| REMOTE TLS NAME text	{
			conf_once(&@1, "remote tls name");
			set_remote_tls(peer, 1, &@2);
			set_string(&@4, peer->tls.remote_name,
			    sizeof(peer->tls.remote_name), "name", $4);
			forget($4);
		}
		;

noselector	: /* empty */		{
			memset(&selectors, 0, sizeof(selectors));
		}
		;

addrsels	: /* empty */
		| addrsels TSEL text	{
			only_one(&@2, &selectors.tsel, "tsel");
			set_selector(&@3, &selectors.tsel, TSEL_MAX, $3);
			forget($3);
		}
		| addrsels SSEL text	{
			only_one(&@2, &selectors.ssel, "ssel");
			set_selector(&@3, &selectors.ssel, S_SELECTOR_MAX,
			    $3);
			forget($3);
		}
		| addrsels PSEL text	{
			only_one(&@2, &selectors.psel, "psel");
			set_selector(&@3, &selectors.psel, P_SELECTOR_MAX,
			    $3);
			forget($3);
		}
		;

localsel	: TSEL text		{
			conf_once(&@1, "local tsel");
			set_selector(&@2, &peer->peer.local_tsel, TSEL_MAX,
			    $2);
			forget($2);
		}
		| SSEL text		{
			conf_once(&@1, "local ssel");
			set_selector(&@2, &peer->peer.local_ssel,
			    S_SELECTOR_MAX, $2);
			forget($2);
		}
		| PSEL text		{
			conf_once(&@1, "local psel");
			set_selector(&@2, &peer->peer.local_psel,
			    P_SELECTOR_MAX, $2);
			forget($2);
		}
		;

localsels	: localsel
		| localsels localsel
		;

peeropt		: ADDRESS text optport noselector addrsels {
			add_address(peer, &@2, $2, $3, &selectors);
			forget($2);
		}
		| DOMAIN text		{
			conf_once(&@1, "domain");
			set_domain(&@2, &peer->peer.domain, $2);
			peer->set |= CONF_SET_DOMAIN;
			forget($2);
		}
		| MODE X410		{
			conf_once(&@1, "mode");
			peer->peer.mode = MODE_X410_1984;
		}
		| MODE X410_1984	{
			conf_once(&@1, "mode");
			peer->peer.mode = MODE_X410_1984;
		}
		| MODE X410_1988	{
			conf_once(&@1, "mode");
			peer->peer.mode = MODE_X410_1988;
		}
		| MODE NORMAL		{
			conf_once(&@1, "mode");
			peer->peer.mode = MODE_NORMAL;
		}
		| DIALOGUE MONOLOGUE	{
			conf_once(&@1, "dialogue");
			peer->peer.dialogue = DIALOGUE_MONOLOGUE;
		}
		| DIALOGUE TWA		{
			conf_once(&@1, "dialogue");
			peer->peer.dialogue = DIALOGUE_TWA;
		}
		| LOCAL localsels
		| LOCAL AP_TITLE text	{
			conf_once(&@1, "local ap-title");
			set_title(&@3, &peer->peer.local_title, $3, NULL,
			    NULL);
			forget($3);
		}
		| LOCAL AP_TITLE text AE_QUALIFIER text {
			conf_once(&@1, "local ap-title");
			set_title(&@3, &peer->peer.local_title, $3, &@5, $5);
			forget($3);
			forget($5);
		}
		| REMOTE AP_TITLE text	{
			conf_once(&@1, "remote ap-title");
			set_title(&@3, &peer->peer.remote_title, $3, NULL,
			    NULL);
			forget($3);
		}
		| REMOTE AP_TITLE text AE_QUALIFIER text {
			conf_once(&@1, "remote ap-title");
			set_title(&@3, &peer->peer.remote_title, $3, &@5,
			    $5);
			forget($3);
			forget($5);
		}
		| LOCAL NAME text PASSWORD text {
			conf_once(&@1, "local name");
			set_credentials(&peer->peer.local, &@3, $3, &@5, $5);
			peer->set |= CONF_SET_LOCAL;
			forget($3);
			forget($5);
		}
		| LOCAL RESPONSE NAME text PASSWORD text {
			conf_once(&@1, "local response");
			set_credentials(&peer->peer.local_response, &@4, $4,
			    &@6, $6);
			peer->set |= CONF_SET_LOCAL_RSP;
			forget($4);
			forget($6);
		}
		| REMOTE NAME text PASSWORD text {
			conf_once(&@1, "remote name");
			set_credentials(&peer->peer.remote, &@3, $3, &@5, $5);
			peer->set |= CONF_SET_REMOTE;
			forget($3);
			forget($5);
		}
		| REMOTE RESPONSE NAME text PASSWORD text {
			conf_once(&@1, "remote response");
			set_credentials(&peer->peer.remote_response, &@4, $4,
			    &@6, $6);
			peer->set |= CONF_SET_REMOTE_RSP;
			forget($4);
			forget($6);
		}
		| CHECKPOINT NUMBER	{
			conf_once(&@1, "checkpoint");
			set_number(&@2, &peer->peer.checkpoint, $2, 0, 65535,
			    "checkpoint");
		}
		| WINDOW NUMBER		{
			conf_once(&@1, "window");
			set_number(&@2, &peer->peer.window, $2, 1, 255,
			    "window");
		}
		| SAFE_STORE NUMBER	{
			conf_once(&@1, "safe-store");
			set_number(&@2, &peer->peer.safe_store, $2, 0, 255,
			    "safe-store");
		}
		| RECOVER YES		{
			conf_once(&@1, "recover");
			peer->peer.recover = 1;
		}
		| RECOVER NO		{
			conf_once(&@1, "recover");
			peer->peer.recover = 0;
		}
		| TIMEOUT time	{
			conf_once(&@1, "timeout");
			set_number(&@2, &peer->peer.recovery_timeout, $2, 1,
			    7 * 86400, "recovery timeout");
		}
		| DELAY time		{
			conf_once(&@1, "delay");
			set_number(&@2, &peer->peer.recovery_delay, $2, 1,
			    86400, "recovery delay");
		}
		| KEEP time		{
			conf_once(&@1, "keep");
			set_number(&@2, &peer->peer.recovery_keep, $2, 1,
			    30 * 86400, "keep");
		}
		| MEMORY time		{
			conf_once(&@1, "memory");
			set_number(&@2, &peer->peer.no_recovery_memory, $2, 0,
			    30 * 86400, "memory");
		}
		| TPDU_SIZE NUMBER	{
			uint32_t v = 0;

			conf_once(&@1, "tpdu-size");
			set_number(&@2, &v, $2, 128, 65531, "tpdu-size");
			peer->peer.tpdu_size = v;
		}
		| ASSOCIATIONS NUMBER	{
			conf_once(&@1, "associations");
			set_number(&@2, &peer->peer.max_associations, $2, 1,
			    1000, "associations");
		}
		| RESERVE NUMBER	{
			conf_once(&@1, "reserve");
			set_number(&@2, &peer->peer.reserved_urgent, $2, 0,
			    999, "reserve");
		}
		| IDLE time		{
			conf_once(&@1, "idle");
			set_number(&@2, &peer->peer.idle, $2, 1, 7 * 86400,
			    "idle");
		}
		| OPEN TIMEOUT time	{
			conf_once(&@1, "open timeout");
			set_number(&@3, &peer->peer.open_timeout, $3, 1, 3600,
			    "open timeout");
		}
		| TRANSFER TIMEOUT time	{
			conf_once(&@1, "transfer timeout");
			set_number(&@3, &peer->peer.transfer_timeout, $3, 1,
			    86400, "transfer timeout");
		}
		| MAX_CONTENT size	{
			conf_once(&@1, "max-content");
			peer->peer.max_content = $2;
		}
		| MAX_RECIPIENTS NUMBER	{
			conf_once(&@1, "max-recipients");
			set_number(&@2, &peer->peer.max_recipients, $2, 1,
			    UB_RECIPIENTS, "max-recipients");
		}
		| RATE NUMBER PER time	{
			conf_once(&@1, "rate");
			set_number(&@2, &peer->peer.rate, $2, 1, 1000000,
			    "rate");
			set_number(&@4, &peer->peer.rate_time, $4, 1, 86400,
			    "rate");
		}
		| CONTENT_TYPE text	{
			add_policy(peer, POLICY_CONTENT_TYPE, &@2, $2);
			forget($2);
		}
		| EIT text		{
			add_policy(peer, POLICY_EIT, &@2, $2);
			forget($2);
		}
		| ACCEPT FROM text	{
			add_policy(peer, POLICY_FROM, &@3, $3);
			forget($3);
		}
		| ACCEPT TO text	{
			add_policy(peer, POLICY_TO, &@3, $3);
			forget($3);
		}
		| LOG VERBOSE		{
			conf_once(&@1, "log");
			peer->peer.verbose = 1;
		}
		| LOG BRIEF		{
			conf_once(&@1, "log");
			peer->peer.verbose = 0;
		}
		| INTERNAL_TRACE AUTO	{
			conf_once(&@1, "internal-trace");
			peer->peer.internal_trace = INTERNAL_TRACE_AUTO;
		}
		| INTERNAL_TRACE KEEP	{
			conf_once(&@1, "internal-trace");
			peer->peer.internal_trace = INTERNAL_TRACE_KEEP;
		}
		| INTERNAL_TRACE STRIP	{
			conf_once(&@1, "internal-trace");
			peer->peer.internal_trace = INTERNAL_TRACE_STRIP;
		}
		| DISABLED		{
			conf_once(&@1, "disabled");
			peer->peer.disabled = 1;
		}
		;

%%

static const char *
token_text(const YYSTYPE *v, yysymbol_kind_t kind, char *buf, size_t len)
{
	switch (kind) {
	case YYSYMBOL_STRING:
	case YYSYMBOL_WORD:
	case YYSYMBOL_NUMBER:
		/* what is said goes to the log */
		if (lex_secret())
			return ("a text");
		break;
	default:
		break;
	}
	switch (kind) {
	case YYSYMBOL_STRING:
	case YYSYMBOL_WORD:
		snprintf(buf, len, "\"%.60s\"", v->string);
		return (buf);
	case YYSYMBOL_NUMBER:
		snprintf(buf, len, "%llu", (unsigned long long)v->number);
		return (buf);
	case YYSYMBOL_YYEOF:
		return ("the end of the file");
	default:
		return (yysymbol_name(kind));
	}
}

#define MANY	16	/* what a statement may begin with is more */

static int
yyreport_syntax_error(const yypcontext_t *ctx)
{
	yysymbol_kind_t expected[YYNTOKENS], found;
	char text[1000], what[96];
	int i, n;
	size_t len;

	found = yypcontext_token(ctx);
	if (found == YYSYMBOL_YYUNDEF)
		return (0);		/* said by who read it */
	n = yypcontext_expected_tokens(ctx, expected, YYNTOKENS);
	snprintf(text, sizeof(text), "%s found", found == YYSYMBOL_YYEMPTY ?
	    "nothing" : token_text(lex_value(), found, what, sizeof(what)));
	if (n == 1 && expected[0] == YYSYMBOL_EQUALS) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, " after what is no "
		    "statement of mtad.conf(5); '=' was expected, for a macro");
	} else if (n == 0 || (n >= MANY && peer == NULL))
		strlcat(text, ", expected a statement as in mtad.conf(5)",
		    sizeof(text));
	else {
		if (n >= MANY && found == YYSYMBOL_WORD)
			strlcat(text, ", which is no option of a peer",
			    sizeof(text));
		for (i = 0; i < n; i++) {
			len = strlen(text);
			snprintf(text + len, sizeof(text) - len, "%s%s",
			    i == 0 ? ", expected " : i == n - 1 ? " or " :
			    ", ", yysymbol_name(expected[i]));
		}
	}
	conf_error(yypcontext_location(ctx), "%s", text);
	return (0);
}

static void
yyerror(const YYLTYPE *loc, const char *why)
{
	conf_error(loc, "%s", why);
}

int
parse_run(void)
{
	conf_once_init();
	peer = NULL;
	return (yyparse());
}
