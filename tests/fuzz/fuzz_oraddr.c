/* SPDX-License-Identifier: ISC */

/*
 * O/R addresses in text: refused at a place within the text and with a
 * reason, or printed in both forms, each of which parses into the same.
 * The same for the domain of mtad.conf.
 */

#include <string.h>

#include "fuzz.h"
#include "envelope.h"
#include "oraddr.h"

static char *
printed(const struct or_address *or, int semicolon)
{
	char *text;
	int len;

	len = or_address_print(or, NULL, 0, semicolon);
	MUST(len > 0 && (text = malloc((size_t)len + 1)) != NULL);
	MUST(or_address_print(or, text, (size_t)len + 1, semicolon) == len);
	MUST(strlen(text) == (size_t)len);
	return (text);
}

static void
round_trip(const struct or_address *or, int semicolon)
{
	struct message *m;
	struct or_address again;
	const char *why;
	char *text, *second;
	size_t where;

	text = printed(or, semicolon);
	MUST((m = message_new()) != NULL);
	MUST(or_address_parse(m, &again, text, &where, &why) == 0);
	MUST(or_address_compare(or, &again) == 0);
	MUST(or_address_match(or, &again) != -1);
	second = printed(&again, semicolon);
	MUST(strcmp(text, second) == 0);
	free(second);
	free(text);
	message_free(m);
}

/* A prefix with patterns, each of which fits itself. */
static void
prefix(const char *given)
{
	struct message *m;
	struct or_address or, again;
	const char *why = NULL;
	char *text;
	size_t where = 0;
	uint16_t i;

	MUST((m = message_new()) != NULL);
	if (or_prefix_parse(m, &or, given, &where, &why) == -1)
		MUST(why != NULL && why[0] != '\0' && where <= strlen(given));
	else {
		text = printed(&or, 0);
		MUST(or_address_parse(m, &again, text, &where, &why) == 0);
		MUST(or_address_compare(&or, &again) == 0);
		for (i = 0; i < or.nattr; i++)
			if (or_attr_is_pattern(&or.attr[i]))
				MUST(or_pattern_match(&or.attr[i],
				    &or.attr[i]));
		free(text);
	}
	message_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct message *m;
	struct or_address or;
	struct global_domain d, again;
	const char *why = NULL;
	char *text, buf[256];
	size_t where = 0;

	MUST((text = malloc(len + 1)) != NULL);
	memcpy(text, p, len);
	text[len] = '\0';
	MUST((m = message_new()) != NULL);
	if (or_address_parse(m, &or, text, &where, &why) == -1)
		MUST(why != NULL && why[0] != '\0' && where <= strlen(text));
	else {
		round_trip(&or, 0);
		round_trip(&or, 1);
	}
	message_free(m);
	prefix(text);
	why = NULL;
	if (global_domain_parse(text, &d, &where, &why) == -1)
		MUST(why != NULL && why[0] != '\0' && where <= strlen(text));
	else {
		MUST(global_domain_print(&d, buf, sizeof(buf)) <
		    (int)sizeof(buf));
		MUST(global_domain_parse(buf, &again, &where, &why) == 0);
		MUST(memcmp(&d, &again, sizeof(d)) == 0);
	}
	free(text);
	return (0);
}
