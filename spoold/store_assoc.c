/* SPDX-License-Identifier: ISC */

/*
 * The store: what recovery needs (X.410 clause 4, X.228 clause 7.8).
 *
 * An association keeps its row over recoveries and gets one connection row
 * for each connection that it had, so that any of their identifiers finds
 * it.  A transfer received in part is known by every (connection, activity)
 * pair that it had; its checkpoints say how long markup and content were.
 */

#include <string.h>


#include "store_int.h"

int
store_association_put(struct store *s, const struct store_association *a)
{
	return (store_run(s, S_ASSOC_PUT, "iiiiiiiiiiit", I(a->id),
	    I(a->peer), I(a->initiator), I(a->dialogue), I(a->turn),
	    I(a->checkpoint), I(a->window), a->opened, a->lost,
	    I(a->next_activity), I(a->connection), a->address));
}

static void
association_row(sqlite3_stmt *st, struct store_association *a)
{
	const char	*address;

	memset(a, 0, sizeof(*a));
	a->id = column_u64(st, 0);
	a->peer = column_u32(st, 1);
	a->initiator = sqlite3_column_int(st, 2);
	a->dialogue = sqlite3_column_int(st, 3);
	a->turn = sqlite3_column_int(st, 4);
	a->checkpoint = column_u32(st, 5);
	a->window = column_u32(st, 6);
	a->opened = sqlite3_column_int64(st, 7);
	a->lost = sqlite3_column_int64(st, 8);
	a->next_activity = column_u32(st, 9);
	a->connection = column_u64(st, 10);
	if ((address = (const char *)sqlite3_column_text(st, 11)) != NULL)
		strlcpy(a->address, address, sizeof(a->address));
}

int
store_association_get(struct store *s, uint64_t id,
    struct store_association *a)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_ASSOC_GET, "i", I(id))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		association_row(st, a);
		sqlite3_reset(st);
	}
	return (r);
}

int
store_association_each(struct store *s, int initiator, int (*cb)(void *,
    const struct store_association *), void *arg)
{
	struct store_association a;
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_ASSOC_EACH, "i", I(initiator))) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		association_row(st, &a);
		if (cb(arg, &a) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (r == -1 ? -1 : 0);
}

static int
delete_receiving(void *arg, const struct store_receiving *r)
{
	return (store_receiving_delete(arg, r->id));
}

int
store_association_delete(struct store *s, uint64_t id)
{
	if (store_receiving_of(s, id, delete_receiving, s) == -1 ||
	    store_run(s, S_ACT_DELETE_CONN, "i", I(id)) == -1 ||
	    store_run(s, S_CONN_DELETE, "i", I(id)) == -1)
		return (-1);
	return (store_run(s, S_ASSOC_DELETE, "i", I(id)));
}

int
store_association_expired(struct store *s, uint32_t peer, int64_t before,
    int all, uint64_t *ids, int max)
{
	sqlite3_stmt	*st;
	int		 n = 0, r = 0;

	if ((st = store_bind(s, S_ASSOC_EXPIRED, "iiiii", I(peer), before,
	    I(max), I(LOST_MAX), I(all))) == NULL)
		return (-1);
	while (n < max && (r = store_step(s, st)) == 1)
		ids[n++] = column_u64(st, 0);
	sqlite3_reset(st);
	return (r == -1 ? -1 : n);
}

int
store_associations_lost(struct store *s, int64_t now)
{
	return (store_run(s, S_ASSOC_LOST, "i", now));
}

uint64_t
store_connection_id(struct store *s)
{
	return (++s->last_connection);
}

#define COMPLETED_OCTETS (1 + COMPLETED_MAX * (1 + S_ACTIVITY_ID_MAX))

/* As octets: count, then length and octets of each.  Returns how many. */
static size_t
completed_octets(const struct completed *c, uint8_t *buf)
{
	uint8_t	*p = buf;
	int	 i;

	*p++ = c->n;
	for (i = 0; i < c->n; i++) {
		*p++ = c->activity[i].len;
		memcpy(p, c->activity[i].octets, c->activity[i].len);
		p += c->activity[i].len;
	}
	return (p - buf);
}

int
store_connection_put(struct store *s, const struct store_connection *c)
{
	uint8_t	buf[COMPLETED_OCTETS];
	size_t	len = completed_octets(&c->completed, buf);

	return (store_run(s, S_CONN_PUT, "iibb", I(c->id), I(c->association),
	    (const void *)c->key.octets, (size_t)c->key.len,
	    (const void *)buf, len));
}

static void
completed_parse(struct completed *c, const uint8_t *p, size_t len)
{
	const uint8_t	*end = p + len;
	int		 i, n;

	memset(c, 0, sizeof(*c));
	if (len == 0 || (n = *p++) > COMPLETED_MAX)
		return;
	for (i = 0; i < n; i++) {
		if (p == end || *p > S_ACTIVITY_ID_MAX || end - p - 1 < *p)
			return;
		c->activity[i].len = *p++;
		memcpy(c->activity[i].octets, p, c->activity[i].len);
		p += c->activity[i].len;
		c->n = i + 1;
	}
}

static void
connection_row(sqlite3_stmt *st, struct store_connection *c)
{
	int	len;

	memset(c, 0, sizeof(*c));
	c->id = column_u64(st, 0);
	c->association = column_u64(st, 1);
	if ((len = sqlite3_column_bytes(st, 2)) > 0 &&
	    len <= CONNECTION_KEY_MAX) {
		c->key.len = len;
		memcpy(c->key.octets, sqlite3_column_blob(st, 2), len);
	}
	completed_parse(&c->completed, sqlite3_column_blob(st, 3),
	    sqlite3_column_bytes(st, 3));
}

static int
connection_one(struct store *s, sqlite3_stmt *st, struct store_connection *c)
{
	int	r;

	if (st == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		connection_row(st, c);
		sqlite3_reset(st);
	}
	return (r);
}

int
store_connection_delete(struct store *s, uint64_t id)
{
	return (store_run(s, S_CONN_DROP, "i", I(id)));
}

int
store_connection_prune(struct store *s, uint64_t association,
    uint64_t before, uint64_t but)
{
	return (store_run(s, S_CONN_PRUNE, "iiii", I(association), I(before),
	    I(but), I(CONNECTIONS_KEEP)));
}

int
store_connection_get(struct store *s, uint64_t id,
    struct store_connection *c)
{
	return (connection_one(s, store_bind(s, S_CONN_GET, "i", I(id)), c));
}

int
store_connection_last(struct store *s, uint64_t association,
    struct store_connection *c)
{
	return (connection_one(s, store_bind(s, S_CONN_LAST, "i",
	    I(association)), c));
}

int
store_connection_find(struct store *s, const struct connection_key *key,
    int initiator, struct store_connection *c, int max)
{
	sqlite3_stmt	*st;
	int		 n = 0, r = 0;

	if ((st = store_bind(s, S_CONN_FIND, "bii",
	    (const void *)key->octets, (size_t)key->len, I(initiator),
	    I(max))) == NULL)
		return (-1);
	while (n < max && (r = store_step(s, st)) == 1)
		connection_row(st, &c[n++]);
	sqlite3_reset(st);
	return (r == -1 ? -1 : n);
}

int
completed_has(const struct completed *c, const struct activity_id *a)
{
	int	i;

	for (i = 0; i < c->n; i++)
		if (c->activity[i].len == a->len &&
		    memcmp(c->activity[i].octets, a->octets, a->len) == 0)
			return (1);
	return (0);
}

void
completed_add(struct completed *c, const struct activity_id *a)
{
	completed_remove(c, a);
	if (c->n == COMPLETED_MAX)
		c->n--;
	memmove(c->activity + 1, c->activity, c->n * sizeof(c->activity[0]));
	c->activity[0] = *a;
	c->n++;
}

void
completed_remove(struct completed *c, const struct activity_id *a)
{
	int	i, n = 0;

	for (i = 0; i < c->n; i++)
		if (c->activity[i].len != a->len ||
		    memcmp(c->activity[i].octets, a->octets, a->len) != 0)
			c->activity[n++] = c->activity[i];
	c->n = n;
}

int
store_completed(struct store *s, uint64_t connection,
    const struct activity_id *a, int complete)
{
	struct store_connection	 c;
	uint8_t			 buf[COMPLETED_OCTETS];
	size_t			 len;
	int			 r;

	if ((r = store_connection_get(s, connection, &c)) != 1)
		return (r);
	if (complete)
		completed_add(&c.completed, a);
	else
		completed_remove(&c.completed, a);
	/* the row alone: its indices stay as they are */
	len = completed_octets(&c.completed, buf);
	return (store_run(s, S_CONN_COMPLETED, "ib", I(c.id),
	    (const void *)buf, len));
}

/* Transfers received in part */

int
store_receiving_put(struct store *s, const struct store_receiving *r)
{
	return (store_run(s, S_RECV_PUT, "iiiiiiiii", I(r->id), I(r->peer),
	    I(r->association), I(r->serial), I(r->markup_len),
	    I(r->content_len), I(r->kind), r->since, r->confirmed));
}

int
store_receiving_progress(struct store *s, const struct store_receiving *r)
{
	return (store_run(s, S_RECV_PROGRESS, "iiiiii", I(r->id),
	    I(r->serial), I(r->markup_len), I(r->content_len), I(r->kind),
	    r->confirmed));
}

static void
receiving_row(sqlite3_stmt *st, struct store_receiving *r)
{
	memset(r, 0, sizeof(*r));
	r->id = column_u64(st, 0);
	r->peer = column_u32(st, 1);
	r->association = column_u64(st, 2);
	r->serial = column_u32(st, 3);
	r->markup_len = column_u64(st, 4);
	r->content_len = column_u64(st, 5);
	r->kind = sqlite3_column_int(st, 6);
	r->since = sqlite3_column_int64(st, 7);
	r->confirmed = sqlite3_column_int64(st, 8);
}

int
store_receiving_get(struct store *s, uint64_t id, struct store_receiving *r)
{
	sqlite3_stmt	*st;
	int		 rc;

	if ((st = store_bind(s, S_RECV_GET, "i", I(id))) == NULL)
		return (-1);
	if ((rc = store_step(s, st)) == 1) {
		receiving_row(st, r);
		sqlite3_reset(st);
	}
	return (rc);
}

static int
receiving_rows(struct store *s, sqlite3_stmt *st, store_receiving_cb *cb,
    void *arg)
{
	struct store_receiving r;
	int		 rc;

	if (st == NULL)
		return (-1);
	while ((rc = store_step(s, st)) == 1) {
		receiving_row(st, &r);
		if ((rc = cb(arg, &r)) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (rc == -1 ? -1 : 0);
}

int
store_receiving_each(struct store *s, store_receiving_cb *cb, void *arg)
{
	return (receiving_rows(s, store_bind(s, S_RECV_EACH, ""), cb, arg));
}

int
store_receiving_of(struct store *s, uint64_t association,
    store_receiving_cb *cb, void *arg)
{
	return (receiving_rows(s, store_bind(s, S_RECV_OF, "i",
	    I(association)), cb, arg));
}

int
store_receiving_delete(struct store *s, uint64_t id)
{
	if (store_run(s, S_ACT_DELETE, "i", I(id)) == -1 ||
	    store_run(s, S_CP_DELETE, "i", I(id)) == -1 ||
	    store_run(s, S_PIECE_DELETE_ALL, "i", I(id)) == -1)
		return (-1);
	return (store_run(s, S_RECV_DELETE, "i", I(id)));
}

int
store_activity_put(struct store *s, uint64_t connection,
    const struct activity_id *a, uint64_t transfer)
{
	return (store_run(s, S_ACT_PUT, "ibi", I(connection),
	    (const void *)a->octets, (size_t)a->len, I(transfer)));
}

static int
activity_one(struct store *s, sqlite3_stmt *st, uint64_t *transfer)
{
	int	r;

	if (st == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		*transfer = column_u64(st, 0);
		sqlite3_reset(st);
	}
	return (r);
}

int
store_activity_find(struct store *s, uint64_t connection,
    const struct activity_id *a, uint64_t *transfer)
{
	return (activity_one(s, store_bind(s, S_ACT_FIND, "ib",
	    I(connection), (const void *)a->octets, (size_t)a->len),
	    transfer));
}

int
store_activity_find_association(struct store *s, uint64_t association,
    const struct activity_id *a, uint64_t *transfer)
{
	return (activity_one(s, store_bind(s, S_ACT_FIND_ASSOC, "ib",
	    I(association), (const void *)a->octets, (size_t)a->len),
	    transfer));
}

static void
activity_column(sqlite3_stmt *st, int n, struct activity_id *a)
{
	int	len = sqlite3_column_bytes(st, n);

	memset(a, 0, sizeof(*a));
	if (len > 0 && len <= S_ACTIVITY_ID_MAX) {
		a->len = len;
		memcpy(a->octets, sqlite3_column_blob(st, n), len);
	}
}

int
store_activity_each(struct store *s, uint64_t transfer, int (*cb)(void *,
    uint64_t, const struct activity_id *), void *arg)
{
	struct activity_id	 a;
	sqlite3_stmt		*st;
	int			 r;

	if ((st = store_bind(s, S_ACT_EACH, "i", I(transfer))) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		activity_column(st, 1, &a);
		if ((r = cb(arg, column_u64(st, 0), &a)) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (r == -1 ? -1 : 0);
}

int
store_activity_of(struct store *s, uint64_t transfer, uint64_t *connection,
    struct activity_id *a)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_ACT_OF, "i", I(transfer))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		*connection = column_u64(st, 0);
		activity_column(st, 1, a);
		sqlite3_reset(st);
	}
	return (r);
}

int
store_checkpoint_put(struct store *s, uint64_t transfer,
    const struct store_checkpoint *c)
{
	return (store_run(s, S_CP_PUT, "iiii", I(transfer), I(c->serial),
	    I(c->markup_len), I(c->content_len)));
}

int
store_checkpoint_get(struct store *s, uint64_t transfer, uint32_t serial,
    uint64_t content_len, struct store_checkpoint *c)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_CP_GET, "iii", I(transfer), I(serial),
	    I(content_len))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		c->serial = column_u32(st, 0);
		c->markup_len = column_u64(st, 1);
		c->content_len = column_u64(st, 2);
		sqlite3_reset(st);
	}
	return (r);
}

int
store_checkpoint_forget(struct store *s, uint64_t transfer, uint32_t serial)
{
	return (store_run(s, S_CP_TRUNCATE, "ii", I(transfer),
	    I(serial - 1)));
}

/* Pieces of one kind from a length on. */
static int
truncate_pieces(struct store *s, uint64_t transfer, int kind, uint64_t len)
{
	sqlite3_stmt	*st;
	uint64_t	 offset;
	int64_t		 id;
	int		 r;

	if (store_run(s, S_PIECE_AFTER, "iii", I(transfer), I(kind),
	    I(len)) == -1)
		return (-1);
	if ((st = store_bind(s, S_PIECE_LAST, "ii", I(transfer),
	    I(kind))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) != 1)
		return (r);
	id = sqlite3_column_int64(st, 0);
	offset = column_u64(st, 1);
	if (offset + sqlite3_column_bytes(st, 2) > len)
		r = store_run(s, S_PIECE_CUT, "bi", sqlite3_column_blob(st,
		    2), (size_t)(len - offset), id);
	else
		r = 0;
	sqlite3_reset(st);
	return (r);
}

int
store_receiving_truncate(struct store *s, uint64_t transfer,
    const struct store_checkpoint *c)
{
	if (store_run(s, S_CP_TRUNCATE, "ii", I(transfer),
	    I(c->serial)) == -1 ||
	    truncate_pieces(s, transfer, PIECE_MARKUP, c->markup_len) == -1)
		return (-1);
	return (truncate_pieces(s, transfer, PIECE_CONTENT, c->content_len));
}

int
store_piece_put(struct store *s, uint64_t transfer, int kind,
    uint64_t offset, const void *data, size_t len)
{
	return (store_run(s, S_PIECE_PUT, "iiib", I(transfer), I(kind),
	    I(offset), data, len));
}

int
store_piece_each(struct store *s, uint64_t transfer, int kind,
    int (*cb)(void *, uint64_t, const void *, size_t), void *arg)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_PIECE_EACH, "ii", I(transfer),
	    I(kind))) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		if (cb(arg, column_u64(st, 0), sqlite3_column_blob(st, 1),
		    sqlite3_column_bytes(st, 1)) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (r == -1 ? -1 : 0);
}

int
store_piece_delete(struct store *s, uint64_t transfer, int kind)
{
	return (store_run(s, S_PIECE_DELETE, "ii", I(transfer), I(kind)));
}

int
store_file_wanted(struct store *s, uint64_t id)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_FILE_MSG, "i", I(id))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 0) {
		if ((st = store_bind(s, S_FILE_RECV, "i", I(id))) == NULL)
			return (-1);
		r = store_step(s, st);
	}
	if (r == 1)
		sqlite3_reset(st);
	return (r);
}
