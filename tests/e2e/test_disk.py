#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Disks that are full, that fail, and data bases that cannot be read: peers
are told to come back, the log says why, nothing that was confirmed is lost,
and service returns by itself when its cause has gone."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from e2e.interop import Daemon, octets              # noqa: E402
from e2e.mtadtest import BUILD, DOMAINS, Peer, address, until   # noqa: E402
from e2e.shim import ShimMta                        # noqa: E402
from peer.proxy import Point, Proxy                 # noqa: E402

OPTIONS = ['recover yes', 'delay 1s timeout 120s keep 120s', 'retry 1s to 2s',
           'open timeout 5s', 'associations 1', 'idle 60s']
MB = 1 << 20
CANNOT = 'transfer-out-interrupted .*: the peer cannot receive now'


class SickMta(ShimMta, Daemon):
    """Its syncs fail while there is a file "eio" in its directory."""

    def before(self):
        return 'POWERCUT_FAIL="%s"\nexport POWERCUT_FAIL' % self.dir

    def sick(self, yes):
        path = os.path.join(self.dir, 'eio')
        if yes:
            open(path, 'w').close()
        else:
            os.unlink(path)


class SmallMta(Daemon):
    """Its spool is a file system of its own, of a few MB."""

    def __init__(self, name, size):
        super().__init__(name)
        self.disk = os.path.join(self.dir, 'disk')
        os.mkdir(self.disk)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%d,mode=755' %
                        size, 'none', self.disk], check=True)
        self.spool = os.path.join(self.disk, 'spool')
        self.filler = os.path.join(self.disk, 'filler')

    def fill(self, leave):
        """All but so many octets."""
        st = os.statvfs(self.disk)
        with open(self.filler, 'wb') as f:
            os.posix_fallocate(f.fileno(), 0,
                               st.f_bavail * st.f_frsize - leave)

    def empty(self):
        os.unlink(self.filler)

    def free(self):
        st = os.statvfs(self.disk)
        return st.f_bavail * st.f_frsize

    def grow(self, size):
        subprocess.run(['mount', '-o', 'remount,size=%d' % size, self.disk],
                       check=True)

    def cleanup(self):
        if self.proc is not None:
            self.crash()
            self.proc = None
        subprocess.run(['umount', '-l', self.disk], check=False)
        super().cleanup()


class Case(unittest.TestCase):
    """alpha sends to beta through a proxy."""

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix='mtad-disk-')
        self.addCleanup(shutil.rmtree, self.work, True)

    def pair(self, alpha, beta, checkpoint=1, alpha_lines=(), beta_lines=()):
        self.alpha, self.beta = alpha, beta
        for mta in (alpha, beta):
            self.addCleanup(mta.cleanup)
        self.proxy = Proxy(beta.port).start()
        self.addCleanup(self.proxy.stop)
        options = OPTIONS + ['checkpoint %d window 3' % checkpoint]
        alpha.configure(Peer('beta', self.proxy.port, *options),
                        lines=list(alpha_lines))
        beta.configure(Peer('alpha', None, *options), lines=list(beta_lines))
        alpha.start()
        beta.start()

    def submit(self, mta, content, to=None):
        path = os.path.join(self.work, 'content')
        with open(path, 'wb') as f:
            f.write(content)
        mta.mtactl('submit', '-b', '-f', address(mta.name), '-t',
                   to or address('beta'), path)

    def delivered(self, *contents, timeout=40):
        """These are in beta's directory, each once, and nothing else is."""
        self.beta.wait_delivered(len(contents), timeout)
        self.alpha.idle()
        self.beta.idle()
        got = sorted(self.beta.content(n) for n in self.beta.delivered())
        self.assertEqual([len(c) for c in got],
                         [len(c) for c in sorted(contents)])
        self.assertTrue(got == sorted(contents))

    def at(self, name, nth, call):
        """Calls when alpha's nth SPDU of that name goes through."""
        point = Point('out', name=name, nth=nth, at='after', action='go',
                      call=lambda proxy, point: call())
        self.proxy.add(point)
        return point


class Full(Case):
    def receiver(self, *lines):
        content = octets(12 * MB, 1)
        beta = SmallMta('beta', 24 * MB)
        self.pair(Daemon('alpha'), beta, 64, beta_lines=lines)
        # in the middle of a transfer
        self.at('MIP', 20, lambda: beta.fill(5 * MB))
        self.submit(self.alpha, content)
        self.alpha.said(CANNOT, 20)
        # whether a content or the data base found out
        beta.said('spool-full path=|disk is full: nothing is taken in')
        # and those who open an association are told so, too
        self.proxy.cut()
        if lines:
            self.alpha.said('call-failed .*: refused: busy', 20)
        self.assertEqual(beta.delivered(), [])
        beta.empty()
        if lines:
            beta.said('spool-(space|works): ', 15)
        self.alpha.said('transfer-out-resumed .* checkpoint=[1-9]', 20)
        self.delivered(content)

    def test_receiver_reserve(self):
        """Down to what is to stay free."""
        self.receiver('spool reserve 4M')

    def test_receiver_nothing_left(self):
        """To the last octet: writes fail."""
        self.receiver('spool reserve 0')

    def test_receiver_fast(self):
        """What comes within a second is more than there is room for: what
        is to stay free does, the peer waits, and goes on when there is
        more."""
        content = octets(72 * MB, 4)
        beta = SmallMta('beta', 64 * MB)
        self.pair(Daemon('alpha'), beta, 64,
                  beta_lines=['spool reserve 40M'])
        least, stop = [beta.free()], threading.Event()

        def watch():
            while not stop.wait(0.002):
                least.append(min(least.pop(), beta.free()))
        thread = threading.Thread(target=watch)
        thread.start()
        try:
            self.submit(self.alpha, content)
            self.alpha.said(CANNOT, 30)
            beta.said('spool-full path=', 10)
        finally:
            stop.set()
            thread.join()
        # the log of the data base and pieces on their way
        self.assertGreater(least[0], 35 * MB)
        self.assertEqual(beta.delivered(), [])
        beta.grow(192 * MB)
        beta.said('spool-space: ', 15)
        self.alpha.said('transfer-out-resumed .* checkpoint=[1-9]', 30)
        self.delivered(content, timeout=60)

    def test_sender(self):
        """Nothing is taken in, what is there goes out all the same."""
        first, second = octets(3 * MB, 2), octets(5000, 3)
        alpha = SmallMta('alpha', 24 * MB)
        self.pair(alpha, Daemon('beta'), 64,
                  alpha_lines=['spool reserve 4M'])
        self.beta.stop()
        self.submit(alpha, first)
        alpha.fill(2 * MB)
        alpha.said('spool-full path="%s": ' % re.escape(alpha.spool))
        with self.assertRaisesRegex(RuntimeError, 'spool full'):
            self.submit(alpha, second)
        self.beta.start()
        self.delivered(first)
        alpha.empty()
        alpha.said('spool-space: ')
        self.submit(alpha, second)
        self.delivered(first, second)


class Sync(Case):
    """A sync fails: what came since the last good one is not confirmed."""

    def sick(self, mta, size, checkpoint):
        content = octets(size, 4)
        self.at('MIP', 4, lambda: mta.sick(True))
        self.submit(self.alpha, content)
        mta.said('nothing is taken in until it works again', 20)
        return content

    def receiver(self, size, checkpoint):
        self.pair(Daemon('alpha'), SickMta('beta'), checkpoint)
        content = self.sick(self.beta, size, checkpoint)
        self.beta.said('spool-failed: .*(I/O|IO|error)')
        self.alpha.said(CANNOT)
        self.proxy.cut()
        self.alpha.said('call-failed .*: refused: busy', 20)
        self.beta.sick(False)
        self.beta.said('spool-works: ', 20)
        self.alpha.said('transfer-out-resumed .* checkpoint=[1-9]', 20)
        self.delivered(content)

    def test_receiver_small(self):
        self.receiver(8000, 1)

    def test_receiver_file(self):
        self.receiver(1000000, 64)

    def test_sender(self):
        """What it is told of confirmations, it cannot put on record."""
        self.pair(SickMta('alpha'), Daemon('beta'))
        content = self.sick(self.alpha, 20000, 1)
        with self.assertRaisesRegex(RuntimeError, 'spool failed'):
            self.submit(self.alpha, b'more')
        self.alpha.sick(False)
        self.alpha.said('spool-works: ', 20)
        self.delivered(content)


class DataBase(Case):
    """beta has a message for gamma when its data base is damaged."""

    FIRST, SECOND = octets(300000, 5), octets(5000, 6)

    def start(self, damage):
        """beta is as far; what damage returned, and where the log begins."""
        self.pair(Daemon('alpha'), Daemon('beta'), 8)
        alpha, beta = self.alpha, self.beta
        with open(alpha.conf, 'a') as f:
            f.write('route "%s" via "beta"\n' % DOMAINS['gamma'])
        alpha.mtactl('reload')
        with open(beta.conf) as f:
            conf = f.read()
        beta.write(conf + Peer('gamma', None).text())
        beta.mtactl('reload')
        until(lambda: len(beta.mtactl('show', 'peers')) == 2, 10,
              'new configuration')
        self.submit(alpha, self.FIRST, address('gamma'))
        until(lambda: beta.mtactl('show', 'summary')['queued'] == 1, 20,
              'message at beta')
        alpha.idle()
        beta.mtactl('peer', 'gamma', 'hold')
        beta.stop()
        undo = damage(os.path.join(beta.spool, 'queue.db'))
        mark = beta.log_size()
        beta.start()
        self.conf = conf
        return undo, mark

    def finish(self, *contents):
        """It gets a second one, and delivers what it has."""
        alpha, beta = self.alpha, self.beta
        self.submit(alpha, self.SECOND, address('gamma'))
        until(lambda: beta.mtactl('show', 'summary')['queued'] ==
              len(contents), 20, 'all at beta')
        beta.write(self.conf + 'deliver "%s" to directory "%s"\n' % (
            DOMAINS['gamma'], beta.delivery))
        beta.mtactl('reload')
        self.delivered(*contents)

    def states(self):
        """Which peers are held."""
        return {p['name']: 'hold' in p['state'] or 'held' in p['state']
                for p in self.beta.mtactl('show', 'peers')}

    def damaged(self, damage, repair, log):
        undo, mark = self.start(damage)
        alpha, beta = self.alpha, self.beta
        line = until(lambda: [x for x in beta.log(mark).splitlines()
                              if 'nothing is taken in until' in x], 10,
                     'complaint in:\n' + beta.log(mark))[0]
        self.assertRegex(line, log)
        self.submit(alpha, b'waits', address('gamma'))
        alpha.said('call-failed .*: refused: busy', 20)
        repair(os.path.join(beta.spool, 'queue.db'), undo)
        until(lambda: 'spool-works: ' in beta.log(mark), 15,
              'works again')
        self.finish(self.FIRST, b'waits', self.SECOND)

    def test_garbage(self):
        """Something else has been written over its beginning: all is saved.
        """
        def damage(path):
            with open(path, 'r+b') as f:
                f.write(b'x' * 4096)
        self.start(damage)
        self.beta.said('spool-damaged: .*not a database', 20)
        self.beta.said('spool-saved messages=1 held=0 lost=0 ', 20)
        self.beta.said('spool-works: ', 20)
        # what the operator said of a peer holds
        self.assertEqual(self.states(), {'alpha': False, 'gamma': True})
        self.finish(self.FIRST, self.SECOND)

    def test_pages(self):
        """All but the first page is something else: what was in it is named,
        and the content is not thrown away."""
        def damage(path):
            with open(path, 'r+b') as f:
                before = f.read()
                f.seek(4096)
                f.write(b'x' * (len(before) - 4096))
        self.start(damage)
        lost = self.beta.said('message-lost message=', 20)
        self.assertIn('the audit log has it as waiting', lost)
        self.beta.said('spool-saved messages=0 held=0 lost=1 contents=1 ',
                       20)
        self.beta.said('spool-works: ', 20)
        aside = [os.path.join(d, f) for d, _, files in
                 os.walk(self.beta.spool) for f in files
                 if 'content.damaged-' in d]
        self.assertEqual(len(aside), 1)
        with open(aside[0], 'rb') as f:
            self.assertTrue(f.read() == self.FIRST)
        # what he said is lost, so nothing goes out before he says it again
        self.assertEqual(self.states(), {'alpha': True, 'gamma': True})
        self.beta.said('peer-set state=hold: of all peers', 20)
        self.finish(self.SECOND)

    def test_stopped_while_saved(self):
        """mtad ends in order, with nothing changed, and says so; at the next
        start all is saved."""
        beta = Daemon('beta')
        self.addCleanup(beta.cleanup)
        beta.configure(Peer('gamma', 1))
        beta.start()
        beta.mtactl('peer', 'gamma', 'hold')
        beta.inject(address('gamma'), 2000, 20000, connections=8)
        self.assertEqual(beta.stop(), 0)
        path = os.path.join(beta.spool, 'queue.db')
        with open(path, 'r+b') as f:
            f.write(b'x' * 4096)
        with open(path, 'rb') as f:
            damaged = f.read()
        mark = beta.log_size()
        beta.start()
        self.assertRegex(beta.log(mark), 'ready .*: but nothing is taken in '
                         'yet, see spool-failed')
        self.assertEqual(beta.stop(), 0)
        log = beta.log(mark)
        self.assertRegex(log, 'spool-not-saved: mtad stops: it is tried '
                         'again at the next start')
        self.assertNotIn('spool-saved', log)
        with open(path, 'rb') as f:
            self.assertTrue(f.read() == damaged)
        self.assertEqual([n for n in os.listdir(beta.spool)
                          if 'damaged' in n or 'salvage' in n], [])
        beta.start()
        beta.said('spool-saved messages=20000 held=0 lost=0 ', 60)
        beta.said('spool-works: ', 20)

    def test_permissions(self):
        def damage(path):
            os.chown(path, 0, 0)
            os.chmod(path, 0o600)

        def repair(path, _):
            who = pwd.getpwnam('_spoold')
            os.chown(path, who.pw_uid, who.pw_gid)
        self.damaged(damage, repair, 'queue.db: unable to open')

    def test_missing(self):
        """One that is made anew would lose what the contents belong to."""
        def damage(path):
            os.rename(path, path + '.old')

        def repair(path, _):
            self.assertFalse(os.path.exists(path))
            os.rename(path + '.old', path)
        self.damaged(damage, repair, 'queue.db is missing or empty but '
                     'it had messages')

    def test_answers(self):
        """While no peer is known, for the spool is out of order, that is
        what is said: of one that the configuration has, of all of them, and
        of routes; and what was not done is not said to be done."""
        self.pair(Daemon('alpha'), Daemon('beta'), 8)
        alpha, beta = self.alpha, self.beta
        self.submit(alpha, self.FIRST)
        beta.wait_delivered(1, 20)
        alpha.idle()
        self.assertEqual(beta.stop(), 0)
        path = os.path.join(beta.spool, 'queue.db')
        os.rename(path, path + '.old')
        os.makedirs(os.path.join(beta.spool, 'content', '00'), exist_ok=True)
        with open(os.path.join(beta.spool, 'content', '00',
                               '0000000000000100'), 'w') as f:
            f.write('x')
        mark = beta.log_size()
        beta.start()
        state = 'spool failed: queue.db is missing or empty but it had'
        for args in (['peer', 'alpha', 'up'], ['peer', 'alpha', 'down'],
                     ['show', 'peer', 'alpha'], ['show', 'peers'],
                     ['show', 'queue'], ['ping', 'alpha'],
                     ['trace', 'alpha', '1'], ['log', 'verbose', 'alpha'],
                     ['retry', '-P', 'alpha'],
                     ['route', address('alpha')]):
            with self.assertRaisesRegex(RuntimeError, state, msg=args):
                beta.mtactl(*args)
        for args in (['peer', 'nobody', 'up'], ['show', 'peer', 'nobody'],
                     ['ping', 'nobody']):
            with self.assertRaisesRegex(RuntimeError, 'no such peer'):
                beta.mtactl(*args)
        # nor is a caller that is known somebody else
        self.submit(alpha, self.SECOND)
        alpha.said('call-failed .*: refused: busy', 20)
        until(lambda: 'association-refused' in beta.log(mark), 20,
              'refused')
        self.assertNotIn('association-refused peer=?', beta.log(mark))
        os.rename(path + '.old', path)
        until(lambda: 'spool-works: ' in beta.log(mark), 15, 'works again')
        self.assertEqual([p['name'] for p in beta.mtactl('show', 'peers')],
                         ['alpha'])
        beta.mtactl('peer', 'alpha', 'up')
        self.delivered(self.FIRST, self.SECOND)

    def test_started_without(self):
        """Whoever starts mtad as a daemon hears that there is no service,
        since the log is elsewhere; it runs, and waits for its spool."""
        beta = Daemon('beta')
        self.addCleanup(beta.cleanup)
        beta.configure(Peer('alpha', 1))
        beta.start()
        beta.stop()
        path = os.path.join(beta.spool, 'queue.db')
        pid_file = os.path.join(beta.spool, os.pardir, 'pid')

        def start():
            out = subprocess.run(
                [os.path.join(BUILD, 'mtad', 'mtad'), '-f', beta.conf, '-L',
                 BUILD, '-p', pid_file, *beta.flags], capture_output=True,
                text=True, timeout=60, stdin=subprocess.DEVNULL)
            with open(pid_file) as f:
                pid = int(f.read())
            self.addCleanup(stop, pid)
            self.assertEqual(out.returncode, 0)
            state = beta.mtactl('show', 'summary')['state']
            stop(pid)
            return out.stderr, state

        def stop(pid):
            if not os.path.exists(pid_file):
                return
            os.kill(pid, signal.SIGTERM)
            until(lambda: not os.path.exists(pid_file), 20, 'stopped')
        self.assertEqual(start(), ('', 'running'))
        with open(path, 'r+b') as f:
            f.truncate(0)
        said, state = start()
        self.assertEqual(said, 'mtad: started, but nothing is taken in yet: '
                         'the log says why\n')
        self.assertIn('spool failed: queue.db is missing', state)

    def test_removed(self):
        """Under a running mtad: nothing more is taken in, nor confirmed."""
        self.pair(Daemon('alpha'), Daemon('beta'), 8)
        alpha, beta = self.alpha, self.beta
        self.assertEqual(len(beta.lines('spool-new: ')), 1)
        path = os.path.join(beta.spool, 'queue.db')
        os.rename(path, path + '.old')
        beta.said('spool-failed: queue.db is gone', 20)
        with self.assertRaisesRegex(RuntimeError, 'queue.db is gone'):
            self.submit(beta, self.SECOND, address('beta'))
        self.submit(alpha, self.SECOND)
        alpha.said('call-failed .*: refused: busy', 20)
        self.assertEqual(beta.delivered(), [])
        # it is not put back by itself, and not made anew
        self.assertFalse(os.path.exists(path))
        beta.stop()
        os.rename(path + '.old', path)
        beta.start()
        self.delivered(self.SECOND)


if __name__ == '__main__':
    unittest.main()
