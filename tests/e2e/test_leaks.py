#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""No leak and no error of memory in any of the processes, over transfers,
recoveries in either role, refusals and what an operator does.

A build with sanitizers looks for its leaks itself, any other one runs under
valgrind.  Neither can look into a confined process, so these are not."""

import glob
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from e2e.certificates import Authority              # noqa: E402
from e2e.interop import Daemon, octets              # noqa: E402
from e2e.mtadtest import BUILD, Peer, address, until        # noqa: E402
from peer.proxy import Point, Proxy                 # noqa: E402

SANITIZED = 'MTAD_SANITIZED' in os.environ
VALGRIND = shutil.which('valgrind')
OPTIONS = ['checkpoint 1 window 3', 'recover yes',
           'delay 1s timeout 120s keep 120s', 'retry 1s to 2s',
           'open timeout 30s', 'associations 2', 'idle 60s']


class CheckedMta(Daemon):
    def __init__(self, name):
        super().__init__(name, env=dict(os.environ,
                                        ASAN_OPTIONS='detect_leaks=1',
                                        LSAN_OPTIONS='log_threads=1'))
        self.libexec = os.path.join(self.dir, 'libexec')
        os.mkdir(self.libexec)
        for role in ('rtsd', 'spoold'):
            path = os.path.join(self.libexec, role)
            with open(path, 'w') as f:
                f.write('#!/bin/sh\nexport ASAN_OPTIONS=detect_leaks=1\n'
                        'export LSAN_OPTIONS=log_threads=1\n'
                        'exec %s %s "$@"\n' % (
                            ' '.join(self.valgrind(role)),
                            os.path.join(BUILD, role, role)))
            os.chmod(path, 0o755)
        self.wrapper = self.valgrind('mtad')
        self.flags += ['-u', '-L', self.libexec]

    def valgrind(self, role):
        if SANITIZED:
            return []
        return [VALGRIND, '--leak-check=full',
                '--show-leak-kinds=definite,indirect',
                '--errors-for-leak-kinds=definite,indirect',
                '--error-exitcode=99', '--child-silent-after-fork=yes',
                '--log-file=%s/valgrind.%s.%%p' % (self.dir, role)]

    def reports(self):
        out = []
        for path in glob.glob(os.path.join(self.dir, 'valgrind.*')):
            with open(path) as f:
                out.append(os.path.basename(path) + ':\n' + f.read())
        return out

    def check(self, status):
        """All three came to their end, were looked at, and are clean."""
        if SANITIZED:
            looked = re.findall(r'^==\d+==Processing thread (\d+)',
                                self.log(), re.M)
            if len(set(looked)) < 3 or 'Sanitizer' in self.log():
                raise AssertionError(self.log())
        else:
            clean = [r for r in self.reports()
                     if 'ERROR SUMMARY: 0 errors' in r]
            if len(clean) < 3 or len(clean) < len(self.reports()):
                raise AssertionError('\n'.join(self.reports()))
        if status != 0 or 'process-ended' in self.log():
            raise AssertionError(self.log())


@unittest.skipUnless(SANITIZED or VALGRIND, 'no valgrind')
class Leaks(unittest.TestCase):
    def mail(self, sender, to, *sizes):
        for i, size in enumerate(sizes):
            path = os.path.join(sender.dir, 'content')
            with open(path, 'wb') as f:
                f.write(octets(size, i))
            sender.mtactl('submit', '-b', '-f', address(sender.name), '-t',
                          to, path)

    def operator(self, mta):
        for what in ('summary', 'peers', 'associations', 'queue',
                     'transfers'):
            mta.mtactl('show', what)
        self.mail(mta, '/C=US/ADMD=NOWHERE/S=Nobody', 300)
        held = until(lambda: mta.mtactl('show', 'queue'), 10, 'message')
        number = held[0]['id']
        mta.mtactl('show', 'message', number)
        mta.mtactl('hold', number)
        mta.mtactl('release', number)
        mta.mtactl('retry', check=False)
        mta.mtactl('reload')
        mta.mtactl('remove', number)
        mta.mtactl('show', 'message', number, check=False)
        mta.mtactl('log', 'brief')
        mta.mtactl('log', 'verbose')

    def strangers(self, port):
        """Those that do not speak it, or stop halfway."""
        for words in (b'', b'GET / HTTP/1.0\r\n\r\n', b'\3\0\0\7',
                      bytes.fromhex('0300000e09e000000001 00c0010a'),
                      bytes.fromhex('0300000b06e0000000010003000007'
                                    '02f0800d')):
            with socket.create_connection(('127.0.0.1', port)) as s:
                s.sendall(words)
                s.shutdown(socket.SHUT_WR)
                s.settimeout(10)
                try:
                    while s.recv(1000):
                        pass
                except OSError:
                    pass

    def run_pair(self, dialogue, way):
        alpha, beta = CheckedMta('alpha'), CheckedMta('beta')
        with alpha, beta, Proxy(beta.port) as proxy:
            options = OPTIONS + dialogue
            alpha.configure(Peer('beta', proxy.port, *options))
            beta.configure(Peer('alpha', None, *options))
            alpha.start()
            beta.start()
            self.strangers(beta.port)
            points = [Point(way, name=name, nth=nth, at=at) for
                      name, nth, at in (('MIP', 4, 0.5), ('MIP', 9, 'after'),
                                        ('AE', 2, 'after'), ('AR', 1, 0.5),
                                        ('AR', 1, 'after'))]
            proxy.add(*points, Point('in' if way == 'out' else 'out',
                                     name='MIA', nth=3, at='before'))
            sender, receiver = (alpha, beta) if way == 'out' else \
                (beta, alpha)
            self.mail(sender, address(receiver.name), 7000, 100, 50000, 0,
                      20000)
            if way == 'in':
                self.mail(alpha, address('beta'), 10)
            receiver.wait_delivered(5, 120)
            for mta in (alpha, beta):
                mta.idle(60)
                self.operator(mta)
            self.assertGreater(sum(p.done for p in points), 2)
            self.assertIn('transfer-out-resumed', sender.log())
            for mta in (alpha, beta):
                mta.check(mta.stop(120))

    def hello(self):
        out = ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        tls = context.wrap_bio(ssl.MemoryBIO(), out)
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        return out.read()

    def test_tls(self):
        """With certificates of both sides, handshakes that come to nothing
        while a signature is made, and contexts that are made anew."""
        alpha, beta = CheckedMta('alpha'), CheckedMta('beta')
        with alpha, beta, tempfile.TemporaryDirectory() as directory:
            ca = Authority(directory)
            pair = 'certificate "%s" key "%s"' % ca.issue('x', 'rsa')
            both = OPTIONS + ['tls yes tls ca "%s" tls %s' % (
                ca.certificate, pair)]
            alpha.configure(Peer('beta', beta.port, *both))
            beta.configure(Peer('alpha', None, *both))
            with open(beta.conf) as f:
                text = f.read()
            beta.write(text.replace(
                ' port %d\n' % beta.port, ' port %d tls %s ca "%s" verify\n'
                % (beta.port, pair, ca.certificate)))
            beta.start()
            hello = self.hello()
            for words in [hello[:1], hello[:99], hello[:-1] + b'x'] + \
                    [hello] * 5:
                with socket.create_connection(
                        ('127.0.0.1', beta.port)) as s:
                    s.sendall(words)
            self.strangers(beta.port)
            alpha.start()
            self.mail(alpha, address('beta'), 100, 200000)
            beta.wait_delivered(2, 120)
            for mta in (alpha, beta):
                mta.idle(60)
                self.operator(mta)
            self.mail(alpha, address('beta'), 100)
            beta.wait_delivered(3, 120)
            for mta in (alpha, beta):
                mta.check(mta.stop(120))

    def test_monologue(self):
        self.run_pair([], 'out')

    def test_responder(self):
        self.run_pair(['dialogue twa'], 'in')


class Detection(unittest.TestCase):
    def test_a_leak_is_found(self):
        """Else the tests above would prove nothing."""
        source = ('#include <stdlib.h>\n#include <unistd.h>\n'
                  'int main(void){void *volatile p = malloc(77);'
                  'p = NULL; return (p != NULL);}\n')
        mta = CheckedMta('alpha')
        with mta:
            program = os.path.join(mta.dir, 'leak')
            subprocess.run(['cc', '-g', '-x', 'c', '-', '-o', program] + (
                ['-fsanitize=address'] if SANITIZED else []),
                input=source.encode(), check=True)
            out = subprocess.run(mta.valgrind('leak') + [program],
                                 env=mta.env, capture_output=True)
            self.assertNotEqual(out.returncode, 0)
            self.assertIn('77 byte', ''.join(mta.reports()) +
                          out.stderr.decode())


if __name__ == '__main__':
    unittest.main()
