/* SPDX-License-Identifier: ISC */

/* "mtactl -j top": one object a line for each look.  See top.h. */

#include <time.h>

#include "mtactl.h"
#include "top.h"

static void
rate(struct json *j, const char *key, const struct top_rate *r)
{
	if (!r->valid) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	json_decimal(j, "received", r->received);
	json_decimal(j, "sent", r->sent);
	json_decimal(j, "received_octets", r->received_octets);
	json_decimal(j, "sent_octets", r->sent_octets);
	json_close(j, '}');
}

void
top_json(const struct top *t, FILE *f)
{
	const struct top_data	*d = &t->now;
	struct top_rate		 r = top_rate(t);
	struct json		 j;
	double			 v;
	size_t			 i;

	json_begin(&j, f);
	json_object(&j, NULL);
	json_uint(&j, "time", time(NULL));
	show_json_summary(&j, "summary", &d->summary);
	rate(&j, "rate", &r);
	json_array(&j, "peers");
	for (i = 0; i < d->npeer; i++)
		show_json_peer(&j, &d->peer[i]);
	json_close(&j, ']');
	json_array(&j, "peer_rates");
	for (i = 0; i < d->npeer; i++) {
		r = top_peer_rate(t, &d->peer[i]);
		json_object(&j, NULL);
		json_string(&j, "name", d->peer[i].name);
		rate(&j, "rate", &r);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_array(&j, "associations");
	for (i = 0; i < d->nassociation; i++)
		show_json_association(&j, &d->association[i]);
	json_close(&j, ']');
	json_array(&j, "transfers");
	for (i = 0; i < d->ntransfer; i++)
		show_json_transfer(&j, &d->transfer[i]);
	json_close(&j, ']');
	json_array(&j, "transfer_rates");
	for (i = 0; i < d->ntransfer; i++) {
		v = top_transfer_rate(t, &d->transfer[i]);
		if (v < 0)
			json_null(&j, NULL);
		else
			json_decimal(&j, NULL, v);
	}
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
	fflush(f);
}
