#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The peer against itself in normal mode, and in X.410 mode with protocol
12: all of test_peer.py again, and what these modes have of their own."""

import os
import sys
import unittest

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from peer import apdu, test_peer                                # noqa: E402
from peer.case import vector                                    # noqa: E402
from peer.rts import Aborted                                    # noqa: E402


class NormalTransfer(test_peer.Transfer):
    config = {'mode': 'normal'}


class NormalRefusals(test_peer.Refusals):
    config = {'mode': 'normal'}


class NormalRecovery(test_peer.Recovery):
    config = {'mode': 'normal'}


class NormalFaults(test_peer.Faults):
    config = {'mode': 'normal'}

    def test_bad_pconnect(self):
        """Not a CP, or one with something of it missing."""
        whole = vector('x400-ping-success', 'cp.ber')
        cases = [b'', b'\x31', b'\x31\x00', b'\x30\x00', whole[:-1],
                 whole.replace(b'\x61\x50', b'\x60\x50'),
                 whole.replace(b'\x60\x47', b'\x61\x47'),
                 whole.replace(b'\xb0\x30', b'\xb1\x30'),
                 whole.replace(b'\xa3\x28', b'\xa2\x28'),
                 whole.replace(b'\xb0\x24', b'\xb1\x24'),
                 bytes.fromhex('3107a003800101a200')]
        for user_data in cases:
            with self.subTest(user_data=user_data.hex()):
                with self.assertRaises(Aborted) as caught:
                    self.initiator(user_data=user_data).open()
                self.assertEqual(caught.exception.reason,
                                 apdu.PROTOCOL_ERROR)
        self.assertEqual(len(self.responder.violations), len(cases))
        self.allowed = ['bad PConnect']


class NormalThroughProxy(test_peer.ThroughProxy):
    config = {'mode': 'normal'}


if __name__ == '__main__':
    unittest.main(verbosity=1)
