#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What an incident would find: how little mtad keeps of root, who may use the
control socket, where a password is and where it is not, what a look-up of a
name can do, and that files of others are not believed."""

import grp
import os
import pwd
import random
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from e2e.mtadtest import (BUILD, Mta, Peer, address, password,  # noqa: E402
                          until)

LINES = ['retry 1s to 1s', 'delay 1s timeout 20s keep 60s', 'idle 60s',
         'associations 1', 'open timeout 20s', 'checkpoint 1 window 3']
# linux/capability.h
KEPT = {'CHOWN': 0, 'DAC_READ_SEARCH': 2, 'KILL': 5, 'SETGID': 6, 'SETUID': 7,
        'SETPCAP': 8, 'NET_BIND_SERVICE': 10, 'SYS_CHROOT': 18}
SANITIZED = 'MTAD_SANITIZED' in os.environ


def status(pid):
    with open('/proc/%d/status' % pid) as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f
                    if ':\t' in line)


def bounds():
    """Capabilities that there are here at all."""
    return int(status(os.getpid())['CapBnd'], 16)


def written(pid):
    """All that a process has in memory that it can write to."""
    with open('/proc/%d/maps' % pid) as maps, \
            open('/proc/%d/mem' % pid, 'rb', 0) as mem:
        for line in maps:
            m = re.match(r'([0-9a-f]+)-([0-9a-f]+) rw', line)
            if m and '[v' not in line:
                start, end = (int(x, 16) for x in m.groups())
                try:
                    mem.seek(start)
                    yield mem.read(end - start)
                except OSError:
                    pass


class Case(unittest.TestCase):
    def setUp(self):
        self.beta, self.alpha = self.mta('beta'), self.mta('alpha')
        self.sent = 0

    def mta(self, name):
        mta = Mta(name)
        self.addCleanup(mta.cleanup)
        return mta

    def pair(self, *lines, **kw):
        self.alpha.configure(Peer('beta', self.beta.port, *LINES), **kw)
        self.beta.configure(Peer('alpha', None, *LINES), lines=lines)
        self.beta.start()
        self.alpha.start()

    def carry(self, timeout=30):
        self.sent += 1
        self.alpha.inject(address('beta'), 500)
        until(lambda: len(self.beta.delivered()) == self.sent, timeout,
              'message delivered')

    def said(self, mta, pattern, since=0, timeout=20):
        return until(lambda: re.search(pattern, mta.log(since)), timeout,
                     'log of %s: %s' % (mta.name, pattern))

    def check(self, text=None, mta=None, *args):
        """mtad -n"""
        mta = mta or self.alpha
        if text is not None:
            mta.write(text)
        return subprocess.run(
            [os.path.join(BUILD, 'mtad', 'mtad'), '-n', '-f', mta.conf] +
            list(args), capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL)


class Root(Case):
    def test_mtad(self):
        """What it has is what it needs: it works, and there is no more."""
        self.pair()
        self.carry()
        s = status(self.alpha.pids()['mtad'])
        have = sum(1 << n for n in KEPT.values()) & bounds()
        for kind in ('CapPrm', 'CapEff', 'CapBnd'):
            self.assertEqual(int(s[kind], 16), have, kind)
        for kind in ('CapInh', 'CapAmb'):
            self.assertEqual(int(s[kind], 16), 0, kind)
        if bounds() >> 21 & 1:          # CAP_SYS_ADMIN
            self.assertEqual(s['Seccomp'], '2')
        for role, pid in self.alpha.pids().items():
            with open('/proc/%d/limits' % pid) as f:
                self.assertRegex(f.read(), r'(?m)^Max core file size +0 +0 ',
                                 role)
            # nobody but root looks into what is not dumpable
            self.assertEqual(os.stat('/proc/%d/mem' % pid).st_uid, 0, role)

    def test_reload_has_no_less(self):
        """A low port, and a directory that is made for spoold."""
        self.pair()
        for port in random.sample(range(600, 1023), 50):
            with socket.socket() as s:
                try:
                    s.bind(('127.0.0.1', port))
                    break
                except OSError:
                    continue
        other = os.path.join(self.beta.dir, 'other')
        self.beta.configure(Peer('alpha', None, *LINES), lines=[
            'listen on 127.0.0.1 port %d' % port,
            'deliver "/C=FR/ADMD=ATLAS/PRMD=BETA/O=X" to directory "%s"' %
            other])
        mark = self.beta.log_size()
        os.kill(self.beta.pids()['mtad'], signal.SIGHUP)
        self.said(self.beta, 'config-reloaded', mark)
        socket.create_connection(('127.0.0.1', port), 10).close()
        self.assertEqual(os.stat(other).st_uid, pwd.getpwnam('_spoold').pw_uid)
        self.assertEqual(stat.S_IMODE(os.stat(other).st_mode), 0o750)
        self.carry()

    @unittest.skipIf(SANITIZED, 'the sanitizer takes the signal')
    def test_crash_leaves_nothing(self):
        """No core, whatever the system would do with one."""
        self.pair()
        before = set(os.listdir(self.alpha.dir)) | set(os.listdir('/'))
        pid = self.alpha.pids()['rtsd']
        os.kill(pid, signal.SIGSEGV)
        self.said(self.alpha, 'process-ended process=rtsd .*signal')
        self.assertEqual(set(os.listdir(self.alpha.dir)) |
                         set(os.listdir('/')), before)
        until(lambda: self.alpha.pids().get('rtsd', pid) != pid, 10, 'rtsd')
        self.carry()


class Socket(Case):
    """The control socket: its mode, and who calls."""
    USER, GROUP = 'nobody', 'daemon'

    def setUp(self):
        super().setUp()
        self.program = os.path.join(self.beta.dir, 'mtactl')
        shutil.copy(os.path.join(BUILD, 'mtactl', 'mtactl'), self.program)

    def show(self, group, more=()):
        return subprocess.run(
            [self.program, '-s', self.beta.socket, 'show', 'summary'],
            user=self.USER, group=group, extra_groups=list(more),
            capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL).returncode

    def ask(self, group, gid):
        self.beta.configure(Peer('alpha', None, *LINES))
        with open(self.beta.conf) as f:
            text = f.read()
        if group:
            text = text.replace('control "%s"' % self.beta.socket,
                                'control "%s" group "%s"' % (
                                    self.beta.socket, group))
        self.beta.write(text)
        self.beta.start()
        st = os.stat(self.beta.socket)
        self.assertEqual((stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid),
                         (0o660 if group else 0o600, 0, gid))

    def test_group(self):
        gid = grp.getgrnam(self.GROUP).gr_gid
        nobody = pwd.getpwnam(self.USER).pw_gid
        self.ask(self.GROUP, gid)
        self.assertEqual(self.show(gid), 0)
        self.assertEqual(self.show(nobody, [gid]), 0)
        self.assertNotEqual(self.show(nobody), 0)
        self.assertEqual(self.beta.log().count('control-refused'), 0)
        # the mode is not what decides
        os.chmod(self.beta.socket, 0o666)
        self.assertNotEqual(self.show(nobody), 0)
        self.said(self.beta, 'control-refused uid=%d pid=[0-9]+: '
                  'neither root nor in the group' %
                  pwd.getpwnam(self.USER).pw_uid)
        self.assertEqual(self.show(nobody, [gid]), 0)
        self.beta.mtactl('show', 'summary')

    def test_root_alone(self):
        self.ask(None, 0)
        os.chmod(self.beta.socket, 0o666)
        self.assertNotEqual(self.show(pwd.getpwnam(self.USER).pw_gid), 0)
        # not for the group of root either
        self.assertNotEqual(self.show(0), 0)
        self.beta.mtactl('show', 'summary')


class Secrets(Case):
    def test_nowhere(self):
        """Not in arguments, environments, the log at its most talkative,
        what mtactl shows, the spool, or the memory of spoold."""
        self.pair()
        self.carry()
        # one that is not right, in both directions
        wrong = 'secret of nobody at all'
        with open(self.alpha.conf) as f:
            text = f.read()
        self.alpha.write(text.replace('password "%s"' % password('alpha'),
                                      'password "%s"' % wrong))
        self.alpha.mtactl('peer', 'beta', 'down')
        self.alpha.mtactl('reload')
        self.alpha.mtactl('peer', 'beta', 'up')
        self.alpha.inject(address('beta'), 100)
        self.said(self.beta, 'the password does not match')
        for mta in (self.alpha, self.beta):
            pids = mta.pids()
            for role, pid in pids.items():
                for name in ('cmdline', 'environ'):
                    with open('/proc/%d/%s' % (pid, name), 'rb') as f:
                        self.assertNotIn(b'secret of', f.read(), role)
            for what in ('summary', 'peers', 'associations', 'queue',
                         'transfers'):
                self.assertNotIn('secret of', repr(mta.mtactl('show', what)))
                out = subprocess.run(
                    [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
                     mta.socket, 'show', what], capture_output=True,
                    timeout=60, stdin=subprocess.DEVNULL)
                self.assertEqual(out.returncode, 0)
                self.assertNotIn(b'secret of', out.stdout + out.stderr)
            self.assertNotIn('secret of', mta.log())
            for where, _, names in os.walk(mta.spool):
                for name in names:
                    with open(os.path.join(where, name), 'rb') as f:
                        self.assertNotIn(b'secret of', f.read(), name)
            if SANITIZED:
                continue
            # what looks there does find what is there
            self.assertTrue(any(b'secret of' in m
                                for m in written(pids['rtsd'])))
            self.assertFalse(any(b'secret of' in m
                                 for m in written(pids['spoold'])))

    def test_memory_of_mtad(self):
        """Of a password that a reload has taken away nothing is left."""
        if SANITIZED:
            self.skipTest('what is freed stays')
        self.beta.configure(Peer('alpha', None, *LINES))
        with open(self.beta.conf) as f:
            text = f.read()
        other = 'a-good-deal-older-one'
        self.beta.write('old = "%s"\n' % other + text.replace(
            '"%s"' % password('alpha'), '$old'))
        self.beta.start()
        pid = self.beta.pids()['mtad']
        self.assertTrue(any(other.encode() in m for m in written(pid)))
        self.beta.write(text)
        self.beta.mtactl('reload')
        self.said(self.beta, 'config-reloaded')
        self.assertFalse(any(other.encode() in m for m in written(pid)))

    def test_mistakes(self):
        """What mtad -n says of a file with passwords in it."""
        self.alpha.configure(Peer('beta', None, *LINES))
        with open(self.alpha.conf) as f:
            text = f.read()
        here = 'password "%s"' % password('beta')
        self.assertIn(here, text)
        for bad in ('password my "hush hush"', 'password "hush', here +
                    ' "hush"', 'password hush hush', here + ' 4711hush',
                    'password "%s"' % ('hush' * 20), 'password "hush\t"'):
            out = self.check(text.replace(here, bad))
            self.assertEqual(out.returncode, 1, bad)
            self.assertRegex(out.stderr, r'mtad\.conf:[0-9]+:[0-9]+: ')
            self.assertNotIn('hush', out.stdout + out.stderr, bad)
        out = self.check('ours = "hush" hush\n' + text)
        self.assertEqual(out.returncode, 1)
        self.assertNotIn('hush', out.stdout + out.stderr)
        # other words are shown as ever
        out = self.check(text.replace('checkpoint 1', 'checkpoint one'))
        self.assertIn('"one"', out.stderr)
        out = self.check(text.replace(here, here + ' checkpoint one'))
        self.assertIn('"one"', out.stderr)

    def test_command_line(self):
        """-D may have one: ps does not show it."""
        self.beta.configure(Peer('alpha', None, *LINES))
        with open(self.beta.conf) as f:
            text = f.read()
        self.beta.write(text.replace('"%s"' % password('alpha'), '$theirs'))
        self.beta.flags = self.beta.flags + [
            '-D', 'theirs="%s"' % password('alpha')]
        self.alpha.configure(Peer('beta', self.beta.port, *LINES))
        self.beta.start()
        with open('/proc/%d/cmdline' % self.beta.pids()['mtad'], 'rb') as f:
            line = f.read()
        self.assertIn(b'theirs=', line)
        self.assertNotIn(b'secret of', line)
        # also after a reload
        self.beta.mtactl('reload')
        self.said(self.beta, 'config-reloaded')
        self.alpha.start()
        self.carry()


class Files(Case):
    def mode(self, mode, text, more=None):
        self.alpha.write(text)
        os.chmod(self.alpha.conf, mode)
        if more is not None:
            path = os.path.join(self.alpha.dir, 'more.conf')
            with open(path, 'w') as f:
                f.write(more[1])
            os.chmod(path, more[0])
        return self.check()

    def refused(self, pattern, *args):
        out = self.mode(*args)
        self.assertEqual(out.returncode, 1, args)
        self.assertRegex(out.stderr, pattern)
        self.assertNotIn('hush', out.stderr)

    def taken(self, *args):
        out = self.mode(*args)
        self.assertEqual((out.returncode, out.stderr),
                         (0, 'configuration OK\n'), args)

    def test_modes(self):
        head = 'mta "a" domain "/C=GB/ADMD=A"'
        both = head + ' password "hush"\n'
        head += '\n'
        reads = r' has mode 0644, which lets others read the password: 0600 or'
        writes = r'mtad\.conf: mode 06[26][0-9] lets others write it: '
        for mode in (0o600, 0o640, 0o440, 0o400):
            self.taken(mode, both)
        self.taken(0o644, head)
        self.refused(r'mtad\.conf:1:[0-9]+: the file' + reads, 0o644,
                     both)
        for mode in (0o660, 0o620, 0o622, 0o666):
            self.refused(writes, mode, head)
        include = head + 'include "more.conf"\n'
        peer = 'peer "b" {\nremote name "b" password %s\n}\n'
        self.taken(0o644, include, (0o600, peer % '"hush"'))
        self.taken(0o600, include, (0o644, 'limit loops 4\n'))
        self.refused(r'more\.conf:2:[0-9]+: the file' + reads, 0o600,
                     include, (0o644, peer % '"hush"'))
        self.taken(0o644, head + peer % '""')      # there is none to read
        # a macro is where it is defined
        self.taken(0o644, include + peer % '$theirs',
                   (0o600, 'theirs = "hush"\n'))
        out = self.check(None, None, '-D', 'include=x')
        self.assertEqual(out.returncode, 1)
        self.assertIn('no keyword', out.stderr)
        self.refused(r'mtad\.conf:4:[0-9]+: .*more\.conf' + reads, 0o600,
                     include + peer % '$theirs', (0o644, 'theirs = "hush"\n'))
        os.chown(self.alpha.conf, pwd.getpwnam('nobody').pw_uid, 0)
        out = self.check()
        self.assertEqual(out.returncode, 1)
        self.assertIn('root was expected', out.stderr)

    def test_links(self):
        """Each link on the way to a program, and each directory of each."""
        top = os.path.join(self.alpha.dir, 'p')

        def make(name, mode=0o755):
            path = os.path.join(top, name)
            os.makedirs(path)
            os.chmod(path, mode)
            return path
        make('')
        good, other, shared = make('good'), make('other'), \
            make('shared', 0o777)
        sticky = make('sticky', 0o1777)
        program = os.path.join(good, 'program')
        with open(program, 'w') as f:
            f.write('#!/bin/sh\n')
        os.chmod(program, 0o755)

        def link(target, *where):
            path = os.path.join(*where)
            os.symlink(target, path)
            return path
        plain = link(program, other, 'plain')
        link(good, shared, 'dir')
        through = link('../shared/dir/program', other, 'through')
        again = link('through', other, 'again')
        root = link(program, sticky, 'root')
        theirs = link(program, sticky, 'theirs')
        os.lchown(theirs, pwd.getpwnam('nobody').pw_uid, 0)
        loop = link('loop', other, 'loop')
        for path, what in (
                (program, None), (plain, None), (root, None),
                (other + '/../good/./program', None),
                (through, 'only root can write was expected, and .*shared'),
                (again, 'only root can write was expected, and .*shared'),
                (other + '/../shared/dir/program',
                 'only root can write was expected, and .*shared'),
                # some systems do not even let root go there
                (theirs, '(a link that belongs to root was expected, and '
                 '.*theirs|Permission denied)'),
                (loop, 'symbolic links')):
            self.alpha.configure(lines=[
                'deliver "/C=GB/ADMD=GOLD 400/PRMD=ALPHA/O=X" to command "%s" '
                'user nobody' % path])
            out = self.check()
            self.assertEqual(out.returncode, 0 if what is None else 1,
                             (path, out.stderr))
            if what is not None:
                self.assertRegex(out.stderr, r'mtad\.conf:6:[0-9]+: .*' + what)


class Limits(Case):
    """Those of connections, as the configuration has them."""
    CR = bytes.fromhex('0300000b06e00000000700')

    def called(self, *lines):
        self.beta.configure(Peer('alpha', None, *LINES), lines=lines)
        self.beta.start()

    def connect(self, address='127.0.0.1', octets=b''):
        s = socket.socket()
        self.addCleanup(s.close)
        s.settimeout(60)
        s.bind((address, 0))
        s.connect(('127.0.0.1', self.beta.port))
        if octets:
            s.sendall(octets)
        return s

    def closed(self, s):
        try:
            while s.recv(1000):
                pass
        except ConnectionResetError:
            pass

    def still_open(self, *sockets):
        for s in sockets:
            s.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while s.recv(1000):
                    pass

    def test_half_open_timeout(self):
        """From the first octet or without one, it is the same time."""
        self.called('limit half-open timeout 2s')
        start = time.monotonic()
        sockets = [self.connect(), self.connect(octets=self.CR[:5]),
                   self.connect(octets=self.CR)]
        for s in sockets:
            self.closed(s)
        self.assertGreater(time.monotonic() - start, 1.9)
        self.said(self.beta, 'not open after 2 s')

    def test_per_address(self):
        """The oldest that is silent goes, not who has said more."""
        self.called('limit connections 5 per address')
        spoke = self.connect(octets=self.CR)
        self.assertEqual(spoke.recv(6)[5:6], b'\xd0')
        silent = [self.connect() for _ in range(4)]
        other = self.connect('127.0.0.2')
        more = [self.connect() for _ in range(3)]
        for s in silent[:3]:
            self.closed(s)
        self.still_open(spoke, silent[3], other, *more)
        self.said(self.beta, 'association-not-begun .*: closed, for newer '
                  'ones to have room')

    def test_half_open(self):
        self.called('limit half-open 16')
        many = [self.connect('127.0.0.2') for _ in range(3)]
        others = [self.connect('127.0.1.%d' % (i + 1)) for i in range(13)]
        late = self.connect('127.0.0.9')
        self.closed(many[0])
        self.still_open(late, *many[1:], *others)

    def test_peer_in_a_full_house(self):
        """All places taken, by silent ones of its own address and of
        others: it comes in, and those that are open stay."""
        self.called('limit half-open 16', 'limit connections 10 per address')
        self.alpha.configure(Peer('beta', self.beta.port, *LINES))
        self.alpha.start()
        self.carry()
        association, = self.alpha.mtactl('show', 'associations')
        for i in range(100):
            self.connect('127.0.0.1' if i % 2 else '127.0.2.%d' % i)
        self.carry()
        self.assertEqual(self.alpha.mtactl('show', 'associations')[0]['id'],
                         association['id'])
        self.alpha.mtactl('peer', 'beta', 'down')
        until(lambda: not self.alpha.mtactl('show', 'associations'), 20,
              'released')
        for i in range(100):
            self.connect('127.0.0.1' if i % 2 else '127.0.2.%d' % i)
        self.alpha.mtactl('peer', 'beta', 'up')
        self.carry()

    @unittest.skipIf(SANITIZED, 'the sanitizer needs some')
    def test_few_descriptors(self):
        """Where the system gives few, they do not run out."""
        self.beta.wrapper = ['prlimit', '--nofile=160:160']
        self.called()
        self.said(self.beta, 'limit-lowered limit=half-open value=24: there '
                  'are only 160 ')
        self.alpha.configure(Peer('beta', self.beta.port, *LINES))
        self.alpha.start()
        for i in range(300):
            self.connect('127.0.%d.%d' % (i // 250, i % 250 + 1))
        self.carry()
        self.alpha.inject(address('beta'), 2000000, n=5)
        self.sent += 5
        until(lambda: len(self.beta.delivered()) == self.sent, 60,
              'messages delivered')


class Server(threading.Thread):
    """A name server with one answer, or none."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            self.address = '127.%d.%d.%d' % tuple(
                random.randrange(2, 250) for _ in range(3))
            try:
                self.socket.bind((self.address, 53))
                break
            except OSError:
                continue
        self.answer = None
        self.asked = 0
        self.start()

    def run(self):
        while True:
            try:
                query, who = self.socket.recvfrom(1000)
            except OSError:
                return
            if not query:
                return
            self.asked += 1
            if self.answer is None:
                continue
            end = query.index(b'\0', 12) + 5
            kind, = struct.unpack('!H', query[end - 4:end - 2])
            reply = query[:2] + struct.pack(
                '!HHHHH', 0x8180, 1, kind == 1, 0, 0) + query[12:end]
            if kind == 1:
                reply += b'\xc0\x0c' + struct.pack('!HHIH', 1, 1, 0, 4) + \
                    socket.inet_aton(self.answer)
            self.socket.sendto(reply, who)

    def stop(self):
        self.socket.sendto(b'', (self.address, 53))
        self.join()
        self.socket.close()


@unittest.skipUnless(subprocess.run(['unshare', '-m', 'true'],
                                    capture_output=True).returncode == 0,
                     'no mount namespaces')
class Names(Case):
    """A peer's host has a name."""

    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.stop)
        files = {'resolv.conf': 'nameserver %s\noptions timeout:4 attempts:1'
                 '\n' % self.server.address,
                 'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: dns\n'}
        binds = []
        for name, text in files.items():
            path = os.path.join(self.alpha.dir, name)
            with open(path, 'w') as f:
                f.write(text)
            os.chmod(path, 0o644)
            binds.append('mount --bind %s /etc/%s' % (path, name))
        self.alpha.wrapper = ['unshare', '-m', 'sh', '-c', ' && '.join(
            binds) + ' && exec "$@"', 'sh']
        self.beta.configure(Peer('alpha', None, *LINES)).start()
        self.alpha.configure(Peer('beta', None, *LINES,
                                  'address host.example port %d' %
                                  self.beta.port))

    def reopen(self):
        self.alpha.mtactl('peer', 'beta', 'down')
        until(lambda: not self.alpha.mtactl('show', 'associations'), 20,
              'released')
        self.alpha.mtactl('peer', 'beta', 'up')

    def resolver(self):
        """The look-up that is under way: (pid, status, arguments)."""
        mtad = self.alpha.proc.pid
        with open('/proc/%d/task/%d/children' % (mtad, mtad)) as f:
            for pid in f.read().split():
                try:
                    with open('/proc/%s/cmdline' % pid, 'rb') as g:
                        line = g.read().split(b'\0')
                    if b'-r' in line:
                        s = status(int(pid))
                        if s.get('Seccomp') == '2' and \
                                s['NoNewPrivs'] == '1' and 'VmRSS' in s:
                            return int(pid), s, line
                except (OSError, ValueError):
                    continue

    def test_look_up(self):
        """Before each call, beside all else, by one who knows nothing."""
        self.server.answer = '127.0.0.1'
        self.alpha.start()
        self.carry()
        asked = self.server.asked
        self.assertGreater(asked, 0)
        self.reopen()
        self.carry()
        self.assertGreater(self.server.asked, asked)
        # the server is silent: mtad is not, and the name is still known
        self.server.answer = None
        mark = self.alpha.log_size()
        self.reopen()
        self.alpha.inject(address('beta'), 500)
        self.sent += 1
        pid, s, line = until(self.resolver, 20, 'a look-up', 0.001)
        start = time.monotonic()
        self.assertIn(b'host.example', line)
        self.assertNotIn(b'secret', b' '.join(line))
        user = pwd.getpwnam('_rtsd')
        self.assertEqual(s['Uid'].split(), [str(user.pw_uid)] * 4)
        self.assertEqual(s['Groups'].split(), [str(user.pw_gid)])
        for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
            self.assertEqual(int(s[kind], 16), 0, kind)
        if not SANITIZED:
            try:
                for piece in written(pid):
                    self.assertNotIn(b'secret of', piece)
            except FileNotFoundError:
                pass                    # it has ended meanwhile
        self.alpha.mtactl('reload')
        self.said(self.alpha, 'config-reloaded', mark)
        if time.monotonic() - start < 3:
            self.assertIsNotNone(self.resolver())
        until(lambda: len(self.beta.delivered()) == self.sent, 30,
              'message delivered')
        self.said(self.alpha, r'name-not-found host="host\.example" '
                  'seconds=[0-9]+: ', mark)
        # it has moved
        self.server.answer = '127.0.0.99'
        self.reopen()
        self.alpha.inject(address('beta'), 500)
        self.said(self.alpha, r'127\.0\.0\.99 port [0-9]+|host\.example port '
                  '[0-9]+: Connection refused', mark)
        self.server.answer = '127.0.0.1'
        self.sent += 1
        until(lambda: len(self.beta.delivered()) == self.sent, 30,
              'message delivered')

    def test_never_found(self):
        self.alpha.start()
        self.alpha.inject(address('beta'), 500)
        self.said(self.alpha, r'host\.example port [0-9]+: Temporary failure')
        self.server.answer = '127.0.0.1'
        until(self.beta.delivered, 30, 'message delivered')


if __name__ == '__main__':
    unittest.main()
