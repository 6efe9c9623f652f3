# SPDX-License-Identifier: ISC
"""What the self tests of the peer have in common."""

import os
import unittest

from . import pcap
from .mta import Initiator, Responder
from .rts import Lost
from .script import Script

DATA = bytes(range(251)) * 40           # ten checkpoints of 1 K
LAST = 9                                # the last minor sync of DATA

ALPHA = {'C': 'GB', 'ADMD': 'GOLD 400', 'PRMD': 'ALPHA', 'O': 'Org',
         'S': 'Doe', 'G': 'Jo', 'OU': ['one', 'two'],
         'DDA': [('RFC-822', 'jo(a)example.org')]}
BETA = {'C': 'FR', 'ADMD': 'ATLAS', 'PRMD': 'BETA', 'S': 'Roe'}
DOMAIN = ('GB', 'GOLD 400', 'ALPHA')


def vector(*names):
    """Octets of a file of tests/vectors."""
    with open(os.path.join(pcap.VECTORS, *names), 'rb') as file:
        return file.read()


class Case(unittest.TestCase):
    """With a Responder, and no violation of either side at the end but those
    that contain one of the texts in allowed."""

    config = {}

    def setUp(self):
        self.responder = Responder(**dict({'name': 'beta'},
                                          **self.config)).start()
        self.addCleanup(self.responder.stop)
        self.initiators = []
        self.allowed = []

    def tearDown(self):
        for store in [self.responder.store] + \
                [i.store for i in self.initiators]:
            left = [v for v in store.violations
                    if not any(text in v for text in self.allowed)]
            self.assertEqual(left, [])
        for initiator in self.initiators:
            initiator.close_connection()

    def initiator(self, *faults, port=None, **kw):
        kw.setdefault('name', 'alpha')
        kw.setdefault('mode', self.config.get('mode', 'x410'))
        initiator = Initiator(port or self.responder.port, Script(*faults),
                              **kw)
        self.initiators.append(initiator)
        return initiator

    def received(self, *messages):
        self.responder.wait(len(messages))
        self.assertEqual([m.octets for m in self.responder.messages],
                         list(messages))

    @staticmethod
    def user_information(initiator, data=DATA):
        """Octets of the DTs that a transfer takes."""
        whole = initiator.stack.wrap(data)
        return sum(len(initiator.stack.data(whole[at:at + 1024]))
                   for at in range(0, len(whole), 1024))

    def lost(self, initiator, data=DATA):
        """A transfer that the script cuts."""
        initiator.open()
        with self.assertRaises(Lost):
            initiator.send(data)
