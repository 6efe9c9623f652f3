#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The peer against itself, over loopback, and against the captures."""

import os
import sys
import unittest

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from peer import apdu                                           # noqa: E402
from peer.ber import Form                                       # noqa: E402
from peer.mta import Initiator, Responder                       # noqa: E402
from peer.rts import (Aborted, Config, ExceptionReported, Lost,  # noqa: E402
                      Pattern, Rejected, Timeout, TransportRefused)
from peer.script import (AFTER, BEFORE, Call, Cut, Drop, Dup,   # noqa: E402
                         Insert, Replace, Script, Stall, Swap)

DATA = bytes(range(251)) * 40           # ten checkpoints of 1 K


class Case(unittest.TestCase):
    """With a Responder, and no violation of either side at the end."""

    config = {}

    def setUp(self):
        self.responder = Responder(name='beta', **self.config).start()
        self.addCleanup(self.responder.stop)
        self.initiators = []
        self.allowed = 0

    def tearDown(self):
        for store in [self.responder.store] + \
                [i.store for i in self.initiators]:
            if not self.allowed:
                self.assertEqual(store.violations, [])
        for initiator in self.initiators:
            initiator.close_connection()

    def initiator(self, *faults, **kw):
        kw.setdefault('name', 'alpha')
        initiator = Initiator(self.responder.port, Script(*faults), **kw)
        self.initiators.append(initiator)
        return initiator

    def received(self, *messages):
        self.responder.wait(len(messages))
        self.assertEqual([m.octets for m in self.responder.messages],
                         list(messages))


class Transfer(Case):

    def test_messages(self):
        i = self.initiator().open()
        messages = [b'', b'x', DATA[:1024], DATA[:2048], DATA]
        for message in messages:
            self.assertEqual(i.send(message).state, 'complete')
        i.close()
        self.received(*messages)


if __name__ == '__main__':
    unittest.main(verbosity=1)
