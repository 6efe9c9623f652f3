/* SPDX-License-Identifier: ISC */

/*
 * "mtactl show peer NAME": what one tells the operator of the other side to
 * compare, ours beside theirs, and how it goes.  Passwords are set, or not.
 */

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aetitle.h"
#include "json.h"
#include "mtactl.h"
#include "table.h"

#define TEXT_MAX	320

static const char *const tls_modes[] = { "no", "yes", "opportunistic" };
static const char *const listen_modes[] = { "no", "yes", "optional" };

struct sheet {
	struct ctl_sheet	 s;
	struct listen_conf	*listen;
	size_t			 nlisten;
};

static void __attribute__((noreturn))
unexpected(const struct ctl *c)
{
	errx(1, "%s: unexpected answer", c->path);
}

/* In the form that mtad.conf(5) takes: as it is, or 0x and digits. */
static const char *
selector_text(const struct selector *s, char *out, size_t size)
{
	size_t i;

	out[0] = '\0';
	for (i = 0; i < s->len; i++)
		if (s->octets[i] <= ' ' || s->octets[i] > '~' ||
		    s->octets[i] == '"')
			break;
	if (i == s->len) {
		snprintf(out, size, "%.*s", s->len, (const char *)s->octets);
		return (out);
	}
	strlcpy(out, "0x", size);
	for (i = 0; i < s->len; i++)
		snprintf(out + 2 + 2 * i, size - 2 - 2 * i, "%02x",
		    s->octets[i]);
	return (out);
}

static const char *
domain_text(const struct global_domain *d, char *out, size_t size)
{
	if (global_domain_print(d, out, size) == -1)
		out[0] = '\0';
	return (out);
}

static void
check(struct ctl *c, struct ctl_sheet *s)
{
	int i;

	TERMINATE(s->live.name);
	TERMINATE(s->live.state);
	TERMINATE(s->conf.remote_name);
	TERMINATE(s->why);
	TERMINATE(s->refused_address);
	TERMINATE(s->refused_why);
	if (s->naddress > PEER_ADDRESSES_MAX || s->conf.tls > TLS_OPTIONAL ||
	    s->tsel.len > TSEL_MAX || s->ssel.len > TSEL_MAX ||
	    s->psel.len > TSEL_MAX || s->title.ap_len > AE_TITLE_MAX ||
	    s->title.ae_len > AE_TITLE_MAX ||
	    s->remote_title.ap_len > AE_TITLE_MAX ||
	    s->remote_title.ae_len > AE_TITLE_MAX)
		unexpected(c);
	for (i = 0; i < PEER_ADDRESSES_MAX; i++) {
		TERMINATE(s->conf.address[i]);
		if (s->remote_tsel[i].len > TSEL_MAX ||
		    s->remote_ssel[i].len > TSEL_MAX ||
		    s->remote_psel[i].len > TSEL_MAX)
			unexpected(c);
	}
	for (i = 0; i < 2; i++) {
		TERMINATE(s->name[i]);
		TERMINATE(s->remote_name[i]);
	}
	TERMINATE(s->domain.country);
	TERMINATE(s->domain.admd);
	TERMINATE(s->domain.prmd);
	TERMINATE(s->remote_domain.country);
	TERMINATE(s->remote_domain.admd);
	TERMINATE(s->remote_domain.prmd);
}

static void
get(struct ctl *c, const char *name, struct sheet *sh)
{
	char request[PEER_NAME_MAX] = "";
	struct listen_conf *l;
	struct imsg imsg;
	uint32_t type;
	int rows = 0;

	memset(sh, 0, sizeof(*sh));
	peer_arg(request, "show peer", name);
	ctl_send(c, CTL_SHOW_PEER, request, sizeof(request));
	while ((type = ctl_next(c, &imsg, NULL, NULL)) != CTL_END) {
		if (type == CTL_ROW && rows++ == 0) {
			ctl_row(&imsg, &sh->s, sizeof(sh->s));
			check(c, &sh->s);
			continue;
		}
		if (type != CTL_ROW_LISTEN || rows == 0)
			unexpected(c);
		if ((l = reallocarray(sh->listen, sh->nlisten + 1,
		    sizeof(*l))) == NULL)
			err(1, NULL);
		sh->listen = l;
		l += sh->nlisten++;
		ctl_row(&imsg, l, sizeof(*l));
		TERMINATE(l->address);
		if (l->tsel.len > TSEL_MAX || l->tls > TLS_OPTIONAL)
			unexpected(c);
	}
	if (rows == 0)
		unexpected(c);
}

/* JSON */

static void
text_or_null(struct json *j, const char *key, const char *s)
{
	if (s[0] != '\0')
		json_string(j, key, s);
	else
		json_null(j, key);
}

static void
name_json(struct json *j, const char *key, const char *name, int password)
{
	json_object(j, key);
	text_or_null(j, "name", name);
	json_bool(j, "password", password);
	json_close(j, '}');
}

static void
title_json(struct json *j, const struct ae_title *t)
{
	char buf[TEXT_MAX];

	text_or_null(j, "ap_title", t->ap_len == 0 ? "" :
	    ae_element_print(t->ap, t->ap_len, buf, sizeof(buf)));
	text_or_null(j, "ae_qualifier", t->ae_len == 0 ? "" :
	    ae_element_print(t->ae, t->ae_len, buf, sizeof(buf)));
}

static void
selectors_json(struct json *j, const struct selector *t,
    const struct selector *s, const struct selector *p)
{
	char buf[80];

	text_or_null(j, "tsel", selector_text(t, buf, sizeof(buf)));
	text_or_null(j, "ssel", selector_text(s, buf, sizeof(buf)));
	text_or_null(j, "psel", selector_text(p, buf, sizeof(buf)));
}

static void
ours_json(struct json *j, const struct sheet *sh)
{
	const struct ctl_sheet *s = &sh->s;
	const struct listen_conf *l;
	char buf[TEXT_MAX];
	size_t i;

	json_object(j, "ours");
	text_or_null(j, "domain", domain_text(&s->domain, buf, sizeof(buf)));
	name_json(j, "calling", s->name[PASSWORD_CALLING],
	    s->password[PASSWORD_CALLING]);
	name_json(j, "answering", s->name[PASSWORD_ANSWERING],
	    s->password[PASSWORD_ANSWERING]);
	title_json(j, &s->title);
	selectors_json(j, &s->tsel, &s->ssel, &s->psel);
	json_string(j, "tls", tls_modes[s->conf.tls]);
	json_bool(j, "certificate", s->conf.tls_certificate);
	json_array(j, "addresses");
	for (i = 0; i < sh->nlisten; i++) {
		l = &sh->listen[i];
		json_object(j, NULL);
		json_string(j, "address", l->address);
		text_or_null(j, "tsel", selector_text(&l->tsel, buf,
		    sizeof(buf)));
		json_string(j, "tls", listen_modes[l->tls]);
		json_bool(j, "certificate", l->tls_verify);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void
theirs_json(struct json *j, const struct ctl_sheet *s)
{
	char buf[TEXT_MAX];
	int i;

	json_object(j, "theirs");
	text_or_null(j, "domain", domain_text(&s->remote_domain, buf,
	    sizeof(buf)));
	name_json(j, "calling", s->remote_name[PASSWORD_CALLING],
	    s->remote_password[PASSWORD_CALLING]);
	name_json(j, "answering", s->remote_name[PASSWORD_ANSWERING],
	    s->remote_password[PASSWORD_ANSWERING]);
	title_json(j, &s->remote_title);
	json_string(j, "tls", s->conf.remote_tls ? "yes" : "no");
	text_or_null(j, "certificate_name", s->conf.remote_name);
	json_array(j, "addresses");
	for (i = 0; i < s->naddress; i++) {
		json_object(j, NULL);
		json_string(j, "address", s->conf.address[i]);
		selectors_json(j, &s->remote_tsel[i], &s->remote_ssel[i],
		    &s->remote_psel[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void
print_json(const struct sheet *sh)
{
	const struct ctl_sheet *s = &sh->s;
	struct json j;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	peer_members(&j, &s->live);
	json_bool(&j, "disabled", s->disabled);
	text_or_null(&j, "last_failure", s->why);
	json_uint(&j, "refused", s->refused);
	time_or_null(&j, "last_refused", s->last_refused);
	text_or_null(&j, "refused_address", s->refused_address);
	text_or_null(&j, "refused_reason", s->refused_why);
	json_string(&j, "mode", mode_name(s->mode));
	json_string(&j, "dialogue", s->dialogue == DIALOGUE_TWA ? "twa" :
	    "monologue");
	json_uint(&j, "checkpoint", s->checkpoint);
	json_uint(&j, "window", s->window);
	json_bool(&j, "recover", s->recover);
	json_uint(&j, "recover_timeout", s->recovery_timeout);
	json_uint(&j, "recover_keep", s->recovery_keep);
	json_uint(&j, "tpdu_size", s->tpdu_size);
	json_uint(&j, "associations", s->max_associations);
	json_uint(&j, "idle", s->idle);
	if (s->max_content != 0)
		json_uint(&j, "max_content", s->max_content);
	else
		json_null(&j, "max_content");
	ours_json(&j, sh);
	theirs_json(&j, s);
	json_close(&j, '}');
	json_end(&j);
}

/* For people */

static const char *
or_dash(const char *s)
{
	return (s[0] != '\0' ? s : "-");
}

static void
row(struct table *t, const char *what, const char *ours, const char *theirs)
{
	table_text(t, what);
	table_text(t, or_dash(ours));
	table_text(t, or_dash(theirs));
}

static void
title_rows(struct table *t, const struct ctl_sheet *s)
{
	char a[TEXT_MAX] = "", b[TEXT_MAX] = "";

	if (s->mode != MODE_NORMAL)
		return;
	if (s->title.ap_len > 0)
		ae_element_print(s->title.ap, s->title.ap_len, a, sizeof(a));
	if (s->remote_title.ap_len > 0)
		ae_element_print(s->remote_title.ap, s->remote_title.ap_len,
		    b, sizeof(b));
	row(t, "AP-title", a, b);
	a[0] = b[0] = '\0';
	if (s->title.ae_len > 0)
		ae_element_print(s->title.ae, s->title.ae_len, a, sizeof(a));
	if (s->remote_title.ae_len > 0)
		ae_element_print(s->remote_title.ae, s->remote_title.ae_len,
		    b, sizeof(b));
	row(t, "AE-qualifier", a, b);
}

static const char *
set_text(int set)
{
	return (set ? "set" : "not set");
}

static void
print_both(const struct ctl_sheet *s)
{
	char a[TEXT_MAX], b[TEXT_MAX];
	struct table t;

	table_begin(&t, stdout, "TO COMPARE,OURS,THEIRS");
	row(&t, "domain", domain_text(&s->domain, a, sizeof(a)),
	    domain_text(&s->remote_domain, b, sizeof(b)));
	row(&t, "MTA name of who calls", s->name[PASSWORD_CALLING],
	    s->remote_name[PASSWORD_CALLING]);
	row(&t, "its password", set_text(s->password[PASSWORD_CALLING]),
	    set_text(s->remote_password[PASSWORD_CALLING]));
	row(&t, "MTA name of who answers", s->name[PASSWORD_ANSWERING],
	    s->remote_name[PASSWORD_ANSWERING][0] != '\0' ?
	    s->remote_name[PASSWORD_ANSWERING] : "not checked");
	row(&t, "its password", set_text(s->password[PASSWORD_ANSWERING]),
	    s->remote_name[PASSWORD_ANSWERING][0] != '\0' ?
	    set_text(s->remote_password[PASSWORD_ANSWERING]) : "");
	title_rows(&t, s);
	row(&t, "TLS when calling", tls_modes[s->conf.tls],
	    s->conf.remote_tls ? "required" : "as it likes");
	row(&t, "certificate of who calls", s->conf.tls_certificate ?
	    "shown" : "none", s->conf.remote_name[0] != '\0' ?
	    s->conf.remote_name : "not checked");
	table_end(&t);
}

static void
print_addresses(const struct sheet *sh)
{
	const struct ctl_sheet *s = &sh->s;
	char buf[80];
	struct table t;
	size_t i;

	putchar('\n');
	table_begin(&t, stdout, "WHOSE,ADDRESS,T-SEL,S-SEL,P-SEL,TLS");
	for (i = 0; i < sh->nlisten; i++) {
		table_text(&t, "ours");
		table_text(&t, sh->listen[i].address);
		table_text(&t, sh->listen[i].tsel.len == 0 ? "any" :
		    selector_text(&sh->listen[i].tsel, buf, sizeof(buf)));
		table_text(&t, "any");
		table_text(&t, "any");
		table_text(&t, listen_modes[sh->listen[i].tls]);
	}
	table_text(&t, "ours");
	table_text(&t, "when we call");
	table_text(&t, or_dash(selector_text(&s->tsel, buf, sizeof(buf))));
	table_text(&t, or_dash(selector_text(&s->ssel, buf, sizeof(buf))));
	table_text(&t, or_dash(selector_text(&s->psel, buf, sizeof(buf))));
	table_text(&t, tls_modes[s->conf.tls]);
	for (i = 0; i < s->naddress; i++) {
		table_text(&t, "theirs");
		table_text(&t, s->conf.address[i]);
		table_text(&t, or_dash(selector_text(&s->remote_tsel[i], buf,
		    sizeof(buf))));
		table_text(&t, or_dash(selector_text(&s->remote_ssel[i], buf,
		    sizeof(buf))));
		table_text(&t, or_dash(selector_text(&s->remote_psel[i], buf,
		    sizeof(buf))));
		table_text(&t, tls_modes[s->conf.tls]);
	}
	table_end(&t);
}

static void
when(char *out, size_t size, uint64_t then)
{
	char age[AMOUNT_LEN];
	uint64_t now = time(NULL);

	if (then == 0)
		strlcpy(out, "never", size);
	else
		snprintf(out, size, "last %s ago", age_text(age,
		    then < now ? now - then : 0));
}

static void
print_live(const struct ctl_sheet *s)
{
	const struct ctl_peer *p = &s->live;
	char a[AMOUNT_LEN], b[64], c[AMOUNT_LEN];

	printf("associations  %u in, %u out, at most %u\n",
	    p->associations_in, p->associations_out, s->max_associations);
	printf("queued        %" PRIu64 " urgent, %" PRIu64 " normal, %"
	    PRIu64 " non-urgent, oldest %s; %" PRIu64 " in all, %" PRIu64
	    " under way\n", p->queued[PRIORITY_URGENT],
	    p->queued[PRIORITY_NORMAL], p->queued[PRIORITY_NON_URGENT],
	    age_text(a, p->oldest), p->stored, p->active);
	if (p->cut_in + p->cut_out > 0)
		printf("cut           %u in, %u out, wait for recovery\n",
		    p->cut_in, p->cut_out);
	when(b, sizeof(b), p->last_in);
	printf("received      %" PRIu64 ", %s, %s\n", p->received,
	    size_text(a, p->received_mpdu_octets), b);
	when(b, sizeof(b), p->last_out);
	printf("sent          %" PRIu64 ", %s, %s sent again, %s\n", p->sent,
	    size_text(a, p->sent_octets), size_text(c, p->resent_octets), b);
	if (s->refused > 0) {
		when(b, sizeof(b), s->last_refused);
		printf("refused       %" PRIu64 " calls, %s, %s: %s\n",
		    s->refused, b, s->refused_address, s->refused_why);
	}
}

static void
print_text(const struct sheet *sh)
{
	const struct ctl_sheet *s = &sh->s;
	char a[AMOUNT_LEN], b[AMOUNT_LEN];
	char state[160];
	const char *what;
	char *ch;

	what = s->disabled ? " (disabled in the configuration)" : "";
	snprintf(state, sizeof(state), "%s%s", s->live.state, what);
	for (ch = state; *ch != '\0'; ch++)
		if (*ch < ' ' || *ch > '~')
			*ch = '?';
	printf("peer          %s\nstate         %s\n", s->live.name, state);
	print_live(s);
	printf("mode          %s, %s\n", mode_name(s->mode), s->dialogue ==
	    DIALOGUE_TWA ? "two-way alternate" : "monologue");
	if (s->checkpoint == 0)
		printf("checkpoint    none, window %u\n", s->window);
	else
		printf("checkpoint    %u KB, window %u\n", s->checkpoint,
		    s->window);
	if (s->recover)
		printf("recovery      yes, asked for within %s, answered "
		    "within %s%s\n", age_text(a, s->recovery_timeout),
		    age_text(b, s->recovery_keep), s->live.no_recovery ?
		    "; it did not recover lately" : "");
	else
		printf("recovery      not asked for, answered within %s\n",
		    age_text(b, s->recovery_keep));
	printf("TPDU          %u octets\n", s->tpdu_size);
	printf("content       %s\n\n", s->max_content != 0 ? size_text(a,
	    s->max_content) : "of any length");
	print_both(s);
	print_addresses(sh);
}

void
sheet_run(const char *path, const char *name, int as_json)
{
	struct sheet sh;
	struct ctl c;

	ctl_open(&c, path);
	get(&c, name, &sh);
	if (as_json)
		print_json(&sh);
	else
		print_text(&sh);
	free(sh.listen);
}
