/* SPDX-License-Identifier: ISC */

#ifndef METRICS_H
#define METRICS_H

#include <event2/event.h>

#include "spoold.h"

struct ibuf;

/* metrics.c: the text, to be freed.  NULL: no memory. */
struct ibuf *metrics_text(void);

/*
 * metrics_http.c: those who ask over HTTP.  Sockets that listen come between
 * begin and end, and replace those that were there.
 */
void	metrics_begin(void);
int	metrics_add(int fd);
int	metrics_end(struct event_base *);
void	metrics_stop(void);

/*
 * The answer to a request as far as it is there, which is to be answered when
 * it is complete.  1: *answer is it, to be freed; 0: there is more to come.
 */
int	metrics_answer(const char *request, size_t len, struct ibuf **answer);

#define METRICS_LISTEN_MAX	4
#define METRICS_REQUEST_MAX	8192

#endif
