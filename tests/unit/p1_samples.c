/* SPDX-License-Identifier: ISC */

/*
 * Writes MPDUs with every field that P1 of 1984 has, and the APDUs of an
 * association, into the directory named: for other decoders to judge.
 */

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "imsg.h"
#include "p1.h"
#include "p1_sample.h"
#include "p2.h"
#include "rtspdu.h"

static void
save(const char *dir, const char *name, struct ibuf *b)
{
	char	 path[1024];
	FILE	*fp;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fp = fopen(path, "wb")) == NULL ||
	    fwrite(ibuf_data(b), 1, ibuf_size(b), fp) != ibuf_size(b) ||
	    fclose(fp) != 0)
		err(1, "%s", path);
	ibuf_free(b);
}

static struct ibuf *
new_ibuf(void)
{
	struct ibuf	*b = ibuf_dynamic(0, 1 << 20);

	if (b == NULL)
		err(1, NULL);
	return b;
}

static struct ibuf *
content(struct message *m)
{
	static const char	 text[] = "Hello, world\r\n";
	struct p2_heading	 h = { .id = "1 alpha", .subject = "Sample" };
	struct ibuf		*b = new_ibuf(), *tail = new_ibuf();
	const char		*why;

	h.originator = h.to = &m->originator;
	h.nto = 1;
	if (p2_ipm_head(&h, sizeof(text) - 1, b, tail, &why) == -1)
		errx(1, "content: %s", why);
	ibuf_add(b, text, sizeof(text) - 1);
	ibuf_free(tail);
	return b;
}

/* Fields that p1_sample leaves out. */
static void
fill(struct message *m)
{
	m->has_content_id = 1;
	strlcpy(m->content_id, "id 1", sizeof(m->content_id));
	if (m->type == MESSAGE_REPORT) {
		m->subject_trace = m->trace;
		m->nsubject_trace = m->ntrace;
		m->billing = (uint8_t *)message_memdup(m, "\x13\3abc", 5);
		m->billing_len = 5;
		return;
	}
	m->indicators = PMI_DISCLOSURE | PMI_CONVERSION_PROHIBITED |
	    PMI_ALTERNATE_RECIPIENT | PMI_CONTENT_RETURN;
	m->original.present = 1;
	m->original.nbits = 3;
	m->original.bits = 0x20000000;
	strlcpy(m->deferred.text, m->type == MESSAGE_USER ?
	    "261123170000Z" : "", sizeof(m->deferred.text));
	m->bilateral = message_alloc(m, sizeof(*m->bilateral));
	m->nbilateral = 1;
	strlcpy(m->bilateral->country, "FR", 3);
	strlcpy(m->bilateral->admd, "ATLAS", 6);
	m->bilateral->info = (uint8_t *)message_memdup(m, "\x13\3abc", 5);
	m->bilateral->info_len = 5;
	m->recipient->has_conversion = 1;
	m->trace->action = TRACE_REROUTED;
	m->trace->deferred = m->trace->arrival;
	m->trace->converted = m->original;
	m->trace->has_previous = 1;
	m->trace->previous = m->trace->domain;
	if (m->type == MESSAGE_PROBE)
		m->probe_length = 123456;
}

static void
mpdu(const char *dir, const char *name, int type, int has_content)
{
	struct message	*m = p1_sample(type);
	struct ibuf	*b = new_ibuf(), *c = content(m);
	const char	*why;

	fill(m);
	m->has_content = has_content;
	m->content_len = has_content ? ibuf_size(c) : 0;
	if (p1_out_head(P1_1984, m, b, &why) == -1)
		errx(1, "%s: %s", name, why);
	if (has_content && ibuf_add_ibuf(b, c) == -1)
		err(1, NULL);
	save(dir, name, b);
	ibuf_free(c);
	message_free(m);
}

static void
association(const char *dir, const char *name, int recover)
{
	struct pconnect	 pc = { .checkpoint = 30, .window = 5,
			    .dialogue = DIALOGUE_TWA, .protocol = 1,
			    .version = -1 };
	struct paccept	 pa = { .checkpoint = 30, .window = 3 };
	struct ibuf	*b;
	char		 file[64];

	pc.data.recover = recover;
	pc.data.has_credentials = !recover;
	if (recover)
		connection_id_make(&pc.data.recovered, "alpha",
		    "261123160000Z", "aa");
	else {
		strlcpy(pc.data.credentials.name, "alpha", 6);
		strlcpy(pc.data.credentials.password, "secret", 7);
	}
	pa.data = pc.data;
	b = new_ibuf();
	snprintf(file, sizeof(file), "%s.pconnect", name);
	if (pconnect_encode(&pc, b) == -1)
		err(1, "%s", file);
	save(dir, file, b);
	b = new_ibuf();
	snprintf(file, sizeof(file), "%s.paccept", name);
	if (paccept_encode(&pa, b) == -1)
		err(1, "%s", file);
	save(dir, file, b);
}

int
main(int argc, char *argv[])
{
	if (argc != 2)
		errx(1, "usage: p1_samples directory");
	mpdu(argv[1], "user.mpdu", MESSAGE_USER, 1);
	mpdu(argv[1], "report.mpdu", MESSAGE_REPORT, 0);
	mpdu(argv[1], "probe.mpdu", MESSAGE_PROBE, 0);
	association(argv[1], "open", 0);
	association(argv[1], "recover", 1);
	return 0;
}
