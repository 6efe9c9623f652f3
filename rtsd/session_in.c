/* SPDX-License-Identifier: ISC */

/*
 * The session protocol machine (X.225): SPDUs out of TSDUs (clauses 6.3.7
 * and 8.2).  Header and parameters of one SPDU are collected, SPDU_MAX octets
 * at the most; user data of a DT passes through.
 */

#include <stdio.h>
#include <stdlib.h>

#include "session_impl.h"

/*
 * Who takes an SPDU.  Of category 0 and 1 only where it is the first of its
 * TSDU, and category 1 alone; category 2 anywhere, for some leave the
 * category 0 SPDU in front of it out.
 */
static const struct {
	uint8_t	si;
	uint8_t	category;
	void	(*take)(struct session *, const struct spdu *);
} takers[] = {
	{ SI_GT, 0, spm_gt_tokens }, { SI_PT, 0, spm_pt_tokens },
	{ SI_CN, 1, spm_cn }, { SI_AC, 1, spm_ac }, { SI_RF, 1, spm_rf },
	{ SI_FN, 1, spm_fn }, { SI_DN, 1, spm_dn }, { SI_AB, 1, spm_ab },
	{ SI_AA, 1, spm_aa }, { SI_GTC, 1, spm_gtc }, { SI_GTA, 1, spm_gta },
	{ SI_AI, 2, spm_ai_ad }, { SI_AIA, 2, spm_aia_ada },
	{ SI_MIP, 2, spm_mip }, { SI_MIA, 2, spm_mia },
	{ SI_AE, 2, spm_ae }, { SI_AEA, 2, spm_aea },
	{ SI_AS, 2, spm_as_ar }, { SI_AR, 2, spm_as_ar },
	{ SI_AD, 2, spm_ai_ad }, { SI_ADA, 2, spm_aia_ada },
	{ SI_ED, 2, spm_ed_er }, { SI_ER, 2, spm_ed_er },
};

static void
bad_spdu(struct session *s, uint8_t si, int first, const char *what)
{
	char text[120];

	snprintf(text, sizeof(text), "%s %s", spdu_name(si, first), what);
	spm_error(s, text);
}

/* A complete SPDU other than DT. */
static void
dispatch(struct session *s, int first, const struct spdu *u)
{
	size_t i;

	for (i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		if (takers[i].si != u->si ||
		    (!first && takers[i].category != 2))
			continue;
		if (takers[i].category == 1)
			s->input = NO_MORE;
		if (takers[i].category == 2 && s->phase != DATA)
			break;
		takers[i].take(s, u);
		return;
	}
	bad_spdu(s, u->si, first, "out of place");
}

/* Header and parameters are complete. */
static void
got_spdu(struct session *s)
{
	struct spdu u;
	const char *why;
	int first = s->first;

	s->first = 0;
	s->input = HEADER;
	s->head_have = 0;
	if (s->trace != NULL)
		s->trace(s->trace_arg, 0, spdu_name(s->si, first),
		    s->head_len + s->params_len);
	if (s->phase == ABORTING && !(first && (s->si == SI_AB ||
	    s->si == SI_AA))) {
		s->input = NO_MORE;
		return;
	}
	if (spdu_decode(&u, s->si, s->params, s->params_len, &why) == -1) {
		bad_spdu(s, s->si, first, why);
		return;
	}
	if (first || s->si != SI_DT) {
		dispatch(s, first, &u);
		return;
	}
	if (!spm_dt_allowed(s)) {
		bad_spdu(s, s->si, first, "out of place");
		return;
	}
	s->input = USER_DATA;
	s->in_ssdu = 1;
	s->last_ssdu = !(u.present & SPDU_ENCLOSURE) || u.enclosure & 2;
}

static void
user_data(struct session *s, const uint8_t *p, size_t len, int last)
{
	if (last)
		s->in_ssdu = 0;
	/* Not after an exception report, or an abort from a callback. */
	if (s->phase == DATA && s->step == NORMAL && s->activity)
		s->user->s_data_ind(s->uarg, p, len, last && s->last_ssdu);
}

/* Room for the parameters of the SPDU whose header is there. */
static int
begin_params(struct session *s)
{
	uint8_t *p;

	s->si = s->head[0];
	s->params_have = 0;
	if (s->params_len > SPDU_MAX) {
		bad_spdu(s, s->si, s->first, "too long");
		return (-1);
	}
	if (s->params_len > s->params_size) {
		if ((p = realloc(s->params, s->params_len)) == NULL) {
			bad_spdu(s, s->si, s->first, "too long for our "
			    "memory");
			return (-1);
		}
		s->params = p;
		s->params_size = s->params_len;
	}
	s->input = PARAMETERS;
	return (0);
}

void
session_t_data_ind(struct session *s, const uint8_t *p, size_t len, int last)
{
	size_t n;

	while (len > 0 && s->phase != CLOSED) {
		switch (s->input) {
		case HEADER:
			/* Those of the last SPDU are not of this one. */
			s->params_have = 0;
			s->head[s->head_have++] = *p++;
			len--;
			s->head_len = spdu_header(s->head, s->head_have,
			    &s->params_len);
			if (s->head_len == 0)
				break;
			if (begin_params(s) == -1)
				s->input = NO_MORE;
			else if (s->params_len == 0)
				got_spdu(s);
			break;
		case PARAMETERS:
			n = s->params_len - s->params_have;
			if (n > len)
				n = len;
			memcpy(s->params + s->params_have, p, n);
			s->params_have += n;
			p += n;
			len -= n;
			if (s->params_have == s->params_len)
				got_spdu(s);
			break;
		case USER_DATA:
			user_data(s, p, len, last);
			len = 0;
			break;
		case NO_MORE:
			/* In an abort already under way this says nothing. */
			len = 0;
			spm_error(s, "octets after an SPDU that is alone in "
			    "its TSDU");
			break;
		}
	}
	if (!last || s->phase == CLOSED)
		return;
	if (s->in_ssdu)
		user_data(s, NULL, 0, 1);
	if (s->input == PARAMETERS || (s->input == HEADER &&
	    s->head_have > 0))
		spm_error(s, "TSDU ends within an SPDU");
	s->input = HEADER;
	s->head_have = s->head_len = s->params_have = 0;
	s->first = 1;
}
