/* SPDX-License-Identifier: ISC */

/*
 * mtactl decode: whatever the octets are, and whatever they are taken for,
 * they are printed, as text and as JSON; damage is told when, and only when,
 * that is what the result says.  A dump of them is read as what they are.
 */

#include <string.h>

#include "decode.h"
#include "fuzz.h"

static char *
print(const uint8_t *p, size_t len, enum decode_kind kind, int as_json,
    int *result)
{
	char	*text = NULL;
	size_t	 size = 0;
	FILE	*f = open_memstream(&text, &size);

	MUST(f != NULL);
	*result = decode_octets(p, len, kind, f, as_json);
	MUST(fclose(f) == 0 && text != NULL && size > 0);
	MUST(text[size - 1] == '\n');
	return (text);
}

/* Is there a line that tells of damage, behind its offset? */
static int
tells_damage(const char *text)
{
	const char	*line, *p;

	for (line = text; line != NULL && *line != '\0';
	    line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL)
		if ((p = strchr(line, ' ')) != NULL &&
		    strncmp(p, " ******  ", 9) == 0)
			return (1);
	return (0);
}

static void
damage(const uint8_t *p, size_t len, enum decode_kind kind)
{
	char	*text, *json;
	int	 r, again;

	text = print(p, len, kind, 0, &r);
	json = print(p, len, kind, 1, &again);
	MUST(r == again && (r == 0 || r == -1));
	MUST(tells_damage(text) == (r == -1));
	MUST(strstr(json, r == 0 ? "\"ok\":true" : "\"ok\":false") != NULL);
	free(text);
	free(json);
}

/* In the manner of xxd. */
static void
dump(const uint8_t *p, size_t len)
{
	char	*text = NULL, why[200];
	uint8_t	*out;
	size_t	 size = 0, i, k, n = 0;
	FILE	*f = open_memstream(&text, &size);

	MUST(f != NULL);
	for (i = 0; i < len; i += 16) {
		fprintf(f, "%08zx:", i);
		for (k = 0; k < 16; k++)
			if (i + k < len)
				fprintf(f, "%s%02x", k % 2 == 0 ? " " : "",
				    p[i + k]);
			else
				fputs(k % 2 == 0 ? "   " : "  ", f);
		fputs("  ", f);
		for (k = 0; k < 16 && i + k < len; k++)
			fputc(p[i + k] > 0x20 && p[i + k] < 0x7f ? p[i + k] :
			    '.', f);
		fputc('\n', f);
	}
	MUST(fclose(f) == 0);
	out = decode_hex(text, size, &n, why, sizeof(why));
	MUST(out != NULL && n == len && memcmp(out, p, n) == 0);
	free(out);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	char	 why[200] = "";
	uint8_t	*out;
	size_t	 n;
	int	 kind;

	for (kind = DECODE_AUTO; kind < DECODE_KINDS; kind++)
		damage(p, len, kind);
	if (len > 0)
		dump(p, len);
	out = decode_hex((const char *)p, len, &n, why, sizeof(why));
	MUST((out == NULL) == (why[0] != '\0'));
	MUST(out == NULL || n > 0);
	free(out);
	return (0);
}
