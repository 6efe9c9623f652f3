/* SPDX-License-Identifier: ISC */

/*
 * What becomes of an association that we had opened when it is down
 * (X.410 clause 4, X.228 clause 7.8; rules 2 and 7 of recovery).  A table in
 * the form of a function: no state, no side effects.
 */

#include "spoold.h"

/* Would the same thing happen again? */
static int
permanent(int reason)
{
	switch (reason) {
	case RTS_ABORT_INVALID_PARAMETER:
	case RTS_ABORT_UNRECOGNIZED_ACTIVITY:
	case RTS_ABORT_PROTOCOL_ERROR:
	case RTS_ABORT_PERMANENT_PROBLEM:
	case RTS_ABORT_USER_ERROR:
		return (1);
	default:
		return (0);
	}
}

/* A PConnect with recover got this answer. */
static enum recovery_action
recover_failed(const struct recovery_case *c)
{
	switch (c->kind) {
	case DOWN_CONNECT_FAILED:
	case DOWN_RELEASED:
		break;		/* it never heard the question */
	case DOWN_REFUSED:
		if (c->reason == RTS_BUSY)
			break;
		if (c->reason == RTS_CANNOT_RECOVER && !c->again)
			return (RECOVERY_FRESH);
		return (RECOVERY_FRESH_REMEMBER);
	case DOWN_ABORTED_BY_US:
		if (!permanent(c->reason))
			break;
		return (RECOVERY_FRESH_REMEMBER);
	case DOWN_TRANSPORT_LOST:
		/* once may be an accident, of a peer that starts again */
		if (!c->again)
			break;
		return (RECOVERY_FRESH_REMEMBER);
	default:		/* refused below, aborted, silent */
		return (RECOVERY_FRESH_REMEMBER);
	}
	return (c->expired ? RECOVERY_FRESH : RECOVERY_LATER);
}

enum recovery_action
recovery_decide(const struct recovery_case *c)
{
	if (!c->in_question)
		return (RECOVERY_NONE);
	if (c->recovering && !c->was_up)
		return (recover_failed(c));
	switch (c->kind) {
	case DOWN_ABORTED_BY_PEER:
	case DOWN_ABORTED_BY_US:
		if (permanent(c->reason))
			return (RECOVERY_FRESH_PENALTY);
		break;
	case DOWN_TRANSPORT_LOST:
	case DOWN_TIMEOUT:
		break;
	default:
		return (RECOVERY_FRESH);
	}
	return (c->allowed && !c->expired ? RECOVERY_NOW : RECOVERY_FRESH);
}
