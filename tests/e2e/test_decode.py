#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""mtactl decode on all that two mtads say to each other, in each mode: from
the TPKTs down to the text of the message.

usage: MTAD_BUILD=build test_decode.py [Class[.test]]"""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from mtadtest import BUILD, Mta, Peer, address, until    # noqa: E402
from peer.proxy import Proxy                             # noqa: E402

MTACTL = os.path.join(BUILD, 'mtactl', 'mtactl')
TEXT = 'What it says. ' * 600


def decode(octets, *args):
    out = subprocess.run([MTACTL, '-j', 'decode', *args, '-'], input=octets,
                         capture_output=True, timeout=120)
    return out.returncode, json.loads(out.stdout)


def every(tree):
    for element in tree['elements']:
        yield element
        if 'elements' in element:
            yield from every(element)


class Tape:
    """What each side said, in place of a pcap file (peer.pcap)."""

    def __init__(self):
        self.said = {True: b'', False: b''}

    def connection(self):
        return self

    def say(self, from_client, octets):
        self.said[from_client] += bytes(octets)

    def end(self, *_):
        pass


class Conversation(unittest.TestCase):
    def conversation(self, mode):
        """What the caller and what the called one said."""
        tape = Tape()
        with Mta('alpha') as alpha, Mta('beta') as beta, Proxy(
                ('127.0.0.1', beta.port), recorder=tape) as proxy:
            beta.configure(Peer('alpha', mode=mode)).start()
            alpha.configure(Peer('beta', proxy.port, 'checkpoint 1 window 3',
                                 mode=mode)).start()
            alpha.mtactl('submit', '-f', address('alpha'), '-t',
                         address('beta'), '-s', 'Of all layers',
                         input=TEXT.encode())
            until(beta.delivered, 60, 'delivered')
            content = beta.content(beta.delivered()[0])
            alpha.stop()
            until(lambda: 'DN' in ' '.join(proxy.names('in')), 30, 'the end')
        return tape.said[True], tape.said[False], content

    def check(self, mode, protocol, connect):
        out, into, content = self.conversation(mode)
        status, tree = decode(out)
        damaged = [e for e in every(tree) if 'damage' in e]
        self.assertEqual((status, tree['kind'], damaged), (0, 'tpkt', []))
        names = [e.get('name', '') for e in every(tree)]
        for name in ('CR (CONNECTION REQUEST)', 'CN (CONNECT)',
                     'AS (ACTIVITY START)', 'MIP (MINOR SYNC POINT)',
                     'AE (ACTIVITY END)', connect, 'activity data'):
            self.assertIn(name, names)
        self.assertTrue(any(n.startswith(protocol) for n in names), names)
        # an octet of the text, although the message came in pieces, is told
        # to be where it was
        parts = [e for e in every(tree) if e.get('name') == 'data' and
                 e.get('type') == 'IA5String']
        self.assertEqual(len(parts), 1)
        self.assertIn('What it says. ', parts[0]['value'])
        self.assertGreater(parts[0]['length'], len(TEXT))
        at = out.index(b'What it says. ')
        self.assertTrue(0 < at - parts[0]['offset'] < 16)
        subject = next(e for e in every(tree) if e.get('name') == 'subject')
        self.assertIn('Of all layers', subject['value'])
        status, tree = decode(into)
        self.assertEqual((status, [e for e in every(tree) if 'damage' in e]),
                         (0, []))
        names = [e.get('name', '') for e in every(tree)]
        for name in ('CC (CONNECTION CONFIRM)', 'AC (ACCEPT)',
                     'MIA (MINOR SYNC ACK)', 'AEA (ACTIVITY END ACK)'):
            self.assertIn(name, names)
        # what was delivered is a content
        status, tree = decode(content)
        self.assertEqual((status, tree['kind']), (0, 'content'))
        # a stream that is cut says so
        status, tree = decode(out[:len(out) // 2])
        self.assertEqual(status, 1)
        self.assertTrue(any(re.search('expected', e.get('damage', ''))
                            for e in every(tree)))

    def test_x410(self):
        self.check('x410-1984', 'MPDU (P1 of 1984)', 'PConnect')

    def test_x410_1988(self):
        self.check('x410-1988', 'MTS-APDU (P1 of 1988)', 'PConnect')

    def test_normal(self):
        self.check('normal', 'MTS-APDU (P1 of 1988)', 'CP or CPA')


if __name__ == '__main__':
    unittest.main(verbosity=2)
