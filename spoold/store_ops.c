/* SPDX-License-Identifier: ISC */

/*
 * The store: what is known against messages that may be poison, and the
 * lines that the audit log is not yet known to have.
 */

#include "store_int.h"

int
store_poison_put(struct store *s, const struct store_poison *p)
{
	return (store_run(s, S_POISON_PUT, "iiiiiiii", I(p->kind), I(p->id),
	    I(p->target), I(p->kills), I(p->refusals), I(p->suspect),
	    I(p->trial), I(p->offset)));
}

int
store_poison_delete(struct store *s, const struct store_poison *p)
{
	return (store_run(s, S_POISON_DELETE, "iii", I(p->kind), I(p->id),
	    I(p->target)));
}

int
store_poison_each(struct store *s, int (*cb)(void *,
    const struct store_poison *), void *arg)
{
	struct store_poison p;
	sqlite3_stmt	*st;
	int		 r;

	if (store_run(s, S_POISON_PRUNE, "") == -1 ||
	    (st = store_bind(s, S_POISON_EACH, "")) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		p.kind = sqlite3_column_int(st, 0);
		p.id = column_u64(st, 1);
		p.target = column_u32(st, 2);
		p.kills = column_u32(st, 3);
		p.refusals = column_u32(st, 4);
		p.suspect = sqlite3_column_int(st, 5);
		p.trial = sqlite3_column_int(st, 6);
		p.offset = column_u64(st, 7);
		if ((r = cb(arg, &p)) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (r == -1 ? -1 : 0);
}

int
store_audit_put(struct store *s, uint64_t id, const char *line)
{
	return (store_run(s, S_AUDIT_PUT, "it", I(id), line));
}

int
store_audit_delete(struct store *s, uint64_t id)
{
	return (store_run(s, S_AUDIT_DELETE, "i", I(id)));
}

int
store_audit_each(struct store *s, int (*cb)(void *, uint64_t, const char *),
    void *arg)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_AUDIT_EACH, "")) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		if ((r = cb(arg, column_u64(st, 0),
		    (const char *)sqlite3_column_text(st, 1))) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (r == -1 ? -1 : 0);
}
