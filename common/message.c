/* SPDX-License-Identifier: ISC */

/* The memory of a message: its arena, and addresses copied into it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"

#define ARENA_ALIGN		16
#define ARENA_FIRST		2048	/* octets of the first chunk */
#define ARENA_CHUNK_MAX		(64 * 1024)

/*
 * A bump allocator.  The first chunk holds the arena and the message too,
 * so that most messages cost one malloc and one free.
 */
struct chunk {
	struct chunk	*next;
	size_t		 size;		/* of data */
	size_t		 used;
	_Alignas(ARENA_ALIGN) unsigned char data[];
};

struct arena {
	struct chunk	*first;		/* the one being filled */
	size_t		 next_size;
};

_Static_assert(sizeof(struct arena) + sizeof(struct message) +
    2 * ARENA_ALIGN <= ARENA_FIRST, "the first chunk is too small");

static struct chunk *
chunk_new(size_t size)
{
	struct chunk *c;

	if ((c = malloc(sizeof(*c) + size)) == NULL)
		return (NULL);
	c->next = NULL;
	c->size = size;
	c->used = 0;
	return (c);
}

static size_t
aligned(size_t len)
{
	return ((len + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1));
}

static void *
chunk_take(struct chunk *c, size_t len)
{
	void *p;

	p = c->data + c->used;
	c->used += len;
	memset(p, 0, len);
	return (p);
}

struct message *
message_new(void)
{
	struct chunk *c;
	struct arena *a;
	struct message *m;

	if ((c = chunk_new(ARENA_FIRST)) == NULL)
		return (NULL);
	a = chunk_take(c, aligned(sizeof(*a)));
	m = chunk_take(c, aligned(sizeof(*m)));
	a->first = c;
	a->next_size = 2 * ARENA_FIRST;
	m->arena = a;
	m->content_type = -1;
	m->probe_length = -1;
	return (m);
}

void
message_free(struct message *m)
{
	struct chunk *c, *next;

	if (m == NULL)
		return;
	for (c = m->arena->first; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
}

void *
message_alloc(struct message *m, size_t len)
{
	struct arena *a = m->arena;
	struct chunk *c;

	if (len > SIZE_MAX / 2) {
		errno = ENOMEM;
		return (NULL);
	}
	len = aligned(len == 0 ? 1 : len);
	if (len <= a->first->size - a->first->used)
		return (chunk_take(a->first, len));
	if (len > a->next_size / 4) {
		/* Large: a chunk of its own, behind the one in use. */
		if ((c = chunk_new(len)) == NULL)
			return (NULL);
		c->next = a->first->next;
		a->first->next = c;
		return (chunk_take(c, len));
	}
	if ((c = chunk_new(a->next_size)) == NULL)
		return (NULL);
	c->next = a->first;
	a->first = c;
	if (a->next_size < ARENA_CHUNK_MAX)
		a->next_size *= 2;
	return (chunk_take(c, len));
}

char *
message_memdup(struct message *m, const void *p, size_t len)
{
	char *s;

	if (len == SIZE_MAX || (s = message_alloc(m, len + 1)) == NULL)
		return (NULL);
	if (len > 0)
		memcpy(s, p, len);
	return (s);
}

int
or_address_copy(struct message *m, struct or_address *to,
    const struct or_address *from)
{
	struct or_attr *attr;
	uint16_t i;

	if ((attr = message_alloc(m, from->nattr * sizeof(*attr))) == NULL)
		return (-1);
	for (i = 0; i < from->nattr; i++) {
		attr[i] = from->attr[i];
		attr[i].value = message_memdup(m, attr[i].value, attr[i].len);
		if (attr[i].value == NULL)
			return (-1);
		if (attr[i].dda_type == NULL)
			continue;
		attr[i].dda_type = message_memdup(m, attr[i].dda_type,
		    attr[i].dda_len);
		if (attr[i].dda_type == NULL)
			return (-1);
	}
	to->attr = attr;
	to->nattr = from->nattr;
	to->directory_len = from->directory_len;
	to->unknown_len = from->unknown_len;
	to->directory = to->unknown = NULL;
	if (from->directory_len > 0 && (to->directory = (uint8_t *)
	    message_memdup(m, from->directory, from->directory_len)) == NULL)
		return (-1);
	if (from->unknown_len > 0 && (to->unknown = (uint8_t *)
	    message_memdup(m, from->unknown, from->unknown_len)) == NULL)
		return (-1);
	return (0);
}
