# SPDX-License-Identifier: ISC
"""What the tests of x400-maildir and of mtactl submit -m have in common."""

import email
import email.policy
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from mtactl.test_mtactl import (END, SUBMIT_END, SUBMITTED, ROW,  # noqa: E402
                                SUBMIT, SUBMIT_CONTENT, Server, imsg)
import struct                                               # noqa: E402

# set by the main of a test file
MAILDIR = MTACTL = None

DOE = {'C': 'GB', 'ADMD': 'GOLD 400', 'PRMD': 'ALPHA', 'S': 'Doe', 'G': 'Jo'}
POE = {'C': 'FR', 'ADMD': 'ATLAS', 'PRMD': 'BETA', 'S': 'Poe'}
BOB = {'C': 'FR', 'ADMD': 'ATLAS', 'PRMD': 'BETA',
       'DDA': [('RFC-822', 'bob(u)b(a)example.com')]}
DOE_TEXT = '/G=Jo/S=Doe/PRMD=ALPHA/ADMD=GOLD 400/C=GB/'
POE_TEXT = '/S=Poe/PRMD=BETA/ADMD=ATLAS/C=FR/'


def programs():
    """The two programs, from the end of the command line."""
    global MAILDIR, MTACTL
    MTACTL = os.path.abspath(sys.argv.pop())
    MAILDIR = os.path.abspath(sys.argv.pop())


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory(prefix='x400-maildir-')
        self.addCleanup(self.tmp.cleanup)
        self.dir = os.path.join(self.tmp.name, 'Maildir')
        self.number = 0

    def environment(self, **more):
        env = {'MTAD_MESSAGE_ID': '%016X' % self.number,
               'MTAD_MTS_ID': '[/PRMD=ALPHA/ADMD=GOLD 400/C=GB/;abc]',
               'MTAD_TYPE': 'message', 'MTAD_CONTENT_TYPE': '22',
               'MTAD_PRIORITY': 'urgent', 'MTAD_ORIGINATOR': DOE_TEXT,
               'MTAD_RECIPIENT': POE_TEXT + '\n' + DOE_TEXT + '\n',
               'MTAD_ARRIVAL': '2026-11-24T22:00:01Z',
               'PATH': os.environ['PATH']}
        if 'ASAN_OPTIONS' in os.environ:
            env['ASAN_OPTIONS'] = os.environ['ASAN_OPTIONS']
        env.update(more)
        return {k: v for k, v in env.items() if v is not None}

    def run_agent(self, content, *args, preexec=None, **more):
        return subprocess.run(
            [MAILDIR, '-R', '-D', 'gw.example', '-d', self.dir, *args],
            input=content, env=self.environment(**more), timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=preexec)

    def new(self):
        return sorted(os.listdir(os.path.join(self.dir, 'new')))

    def deliver(self, content, *args, **more):
        """The message as delivered, its octets checked."""
        self.number += 1
        if not isinstance(content, bytes):
            content = content.encode()
        before = self.new() if os.path.isdir(self.dir) else []
        out = self.run_agent(content, *args, **more)
        self.assertEqual(out.stderr.decode(), '')
        self.assertEqual(out.returncode, 0)
        added = set(self.new()) - set(before)
        self.assertEqual(len(added), 1)
        with open(os.path.join(self.dir, 'new', added.pop()), 'rb') as f:
            self.octets = f.read()
        self.assertEqual(os.listdir(os.path.join(self.dir, 'tmp')), [])
        self.assertFalse(any(c > 126 or c < 9 for c in self.octets))
        self.assertLess(max(map(len, self.octets.split(b'\n'))), 998)
        message = email.message_from_bytes(self.octets,
                                           policy=email.policy.default)
        for part in message.walk():
            self.assertEqual(part.defects, [])
        return message

    def submit(self, text, *args, code=0):
        """The content that mtactl makes of a text; code not 0: its error."""
        if isinstance(text, str):
            text = text.encode()
        path = os.path.join(self.tmp.name, 'sock')
        if os.path.exists(path):
            os.unlink(path)
        answer = [imsg(ROW, struct.pack(SUBMITTED, 5, b'[x]', 0)), imsg(END)]
        server = Server(path, answer, SUBMIT_END)
        out = subprocess.run([MTACTL, '-s', path, 'submit', '-m', *args],
                             input=text, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, timeout=120)
        self.assertEqual(out.returncode, code, out.stderr)
        if code:
            return out.stderr.decode()
        self.told = out.stderr.decode()
        server.join(30)
        self.assertIsNone(server.error)
        self.envelope = b''.join(b for k, b in server.got if k == SUBMIT)
        return b''.join(b for k, b in server.got if k == SUBMIT_CONTENT)
