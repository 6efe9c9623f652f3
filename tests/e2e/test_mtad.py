#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The three processes as an administrator has them: confinement, restarts,
reloads, mistakes, and an end that leaves nothing behind."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from e2e.mtadtest import (BUILD, DOMAINS, Mta, Peer, address,     # noqa: E402
                          until)

FAST = ['retry 1s to 1s', 'delay 1s timeout 20s keep 60s', 'idle 60s',
        'associations 1', 'open timeout 5s', 'checkpoint 1 window 3']


def status(pid):
    with open('/proc/%d/status' % pid) as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f
                    if ':\t' in line)


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rpartition(') ')[2][0] != 'Z'
    except OSError:
        return False


class Case(unittest.TestCase):
    def setUp(self):
        self.beta = Mta('beta')
        self.addCleanup(self.beta.cleanup)
        self.alpha = Mta('alpha')
        self.addCleanup(self.alpha.cleanup)

    def pair(self, *options):
        self.alpha.configure(Peer('beta', self.beta.port, *FAST, *options))
        self.beta.configure(Peer('alpha', None, *FAST, *options))
        self.beta.start()
        self.alpha.start()

    def carry(self, n=1, length=3000, timeout=20):
        """n messages arrive, once each."""
        before = len(self.beta.delivered())
        self.alpha.inject(address('beta'), length, n=n)
        until(lambda: len(self.beta.delivered()) >= before + n, timeout,
              'messages delivered')
        time.sleep(0.1)
        self.assertEqual(len(self.beta.delivered()), before + n)

    def said(self, mta, pattern, since=0, timeout=10):
        return until(lambda: re.search(pattern, mta.log(since)), timeout,
                     'log of %s: %s' % (mta.name, pattern))

    def same_processes(self, mta, pids):
        self.assertEqual(mta.pids(), pids)


class Processes(Case):
    def test_confined(self):
        self.pair()
        self.carry()
        for mta in (self.alpha, self.beta):
            pids = mta.pids()
            self.assertEqual(set(pids), {'mtad', 'rtsd', 'spoold'})
            for role in ('rtsd', 'spoold'):
                s = status(pids[role])
                uid = pwd.getpwnam('_' + role).pw_uid
                gid = pwd.getpwnam('_' + role).pw_gid
                self.assertEqual(s['Uid'].split(), [str(uid)] * 4)
                self.assertEqual(s['Gid'].split(), [str(gid)] * 4)
                self.assertEqual(s['Groups'].split(), [str(gid)])
                for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd',
                             'CapAmb'):
                    self.assertEqual(int(s[kind], 16), 0, role + kind)
                self.assertEqual(s['NoNewPrivs'], '1')
                self.assertEqual(s['Seccomp'], '2')
                root = os.readlink('/proc/%d/root' % pids[role])
                self.assertEqual(root, mta.spool if role == 'spoold' else
                                 '/var/empty')
            # nothing of what root has open is left to the others
            for role in ('rtsd', 'spoold'):
                for fd in os.listdir('/proc/%d/fd' % pids[role]):
                    to = os.readlink('/proc/%d/fd/%s' % (pids[role], fd))
                    self.assertNotIn('mtad.conf', to)
            # no password where everybody can read it
            for pid in pids.values():
                for name in ('cmdline', 'environ'):
                    with open('/proc/%d/%s' % (pid, name), 'rb') as f:
                        self.assertNotIn(b'secret of', f.read())

    def test_killed_child(self):
        self.pair()
        self.carry()
        for mta in (self.alpha, self.beta):
            for role in ('rtsd', 'spoold'):
                mark = mta.log_size()
                old = mta.pids()
                self.assertTrue(mta.kill(role))
                self.said(mta, 'process-ended process=%s signal=9: starting '
                          'it again' % role, mark)
                until(lambda: mta.pids().get(role, old[role]) != old[role],
                      10, 'new ' + role)
                new = mta.pids()
                self.assertEqual(new['mtad'], old['mtad'])
                other = 'spoold' if role == 'rtsd' else 'rtsd'
                self.assertEqual(new[other], old[other])
                self.carry()

    def test_replaced_programs(self):
        """An upgrade under a running mtad: it starts again what it started,
        and knows it by name."""
        programs = os.path.join(self.alpha.dir, 'libexec')
        os.mkdir(programs)
        self.pair()
        self.carry()
        self.alpha.stop()
        self.alpha.flags = ['-L', programs]
        self.alpha.start(ready=False)
        self.assertEqual(self.alpha.proc.wait(10), 1)
        self.assertIn('not-started path="%s/rtsd": No such file' % programs,
                      self.alpha.log())
        for role in 'rtsd', 'spoold':
            shutil.copy(os.path.join(BUILD, role, role), programs)
        self.alpha.start()
        for role in 'rtsd', 'spoold':
            new = os.path.join(programs, role + '.new')
            with open(new, 'w') as f:
                f.write('#!/bin/sh\nexit 3\n')
            os.chmod(new, 0o755)
            os.rename(new, os.path.join(programs, role))
        for role in 'rtsd', 'spoold':
            old = self.alpha.pids()
            self.assertTrue(self.alpha.kill(role))
            until(lambda: self.alpha.pids().get(role, old[role]) !=
                  old[role], 10, 'new ' + role)
            self.carry()
        self.assertNotIn('status=3', self.alpha.log())

    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as s:
                s.bind(('::1', self.beta.port))
        except OSError as e:
            self.skipTest('no IPv6 here: %s' % e)
        self.beta.configure(Peer('alpha', None, *FAST),
                            lines=['listen on ::1 port %d' % self.beta.port])
        self.alpha.configure(Peer('beta', None, *FAST,
                                  'address ::1 port %d' % self.beta.port))
        self.beta.start()
        self.alpha.start()
        self.carry()
        self.assertIn('::1 port %d' % self.beta.port, self.alpha.mtactl(
            'show', 'associations')[0]['address'])
        self.alpha.kill('rtsd')
        self.carry()

    def test_backoff(self):
        """A child that dies again and again is waited with longer."""
        self.alpha.configure().start()
        times = []
        for _ in range(4):
            pid = until(lambda: self.alpha.pids().get('rtsd'), 10, 'rtsd')
            os.kill(pid, signal.SIGKILL)
            start = time.monotonic()
            until(lambda: self.alpha.pids().get('rtsd', pid) != pid, 10,
                  'rtsd again')
            times.append(time.monotonic() - start)
        self.assertGreater(times[3], 2 * times[0])

    def test_dead_parent(self):
        """Children of a dead mtad end by themselves."""
        self.pair()
        pids = self.alpha.pids()
        self.alpha.kill('mtad')
        until(lambda: not any(alive(p) for p in pids.values()), 10,
              'children gone')
        self.alpha.start()
        self.carry()

    def test_queue_survives(self):
        self.alpha.configure(Peer('beta', self.beta.port, *FAST))
        self.alpha.start()
        self.alpha.inject(address('beta'), 2000, n=5)
        self.alpha.crash()
        self.alpha.start()
        self.assertEqual(
            self.alpha.mtactl('show', 'summary')['queued'], 5)
        self.beta.configure(Peer('alpha', None, *FAST)).start()
        until(lambda: len(self.beta.delivered()) == 5, 30, 'delivered')

    def test_stop(self):
        self.pair()
        self.carry()
        for mta in (self.alpha, self.beta):
            pids = mta.pids()
            self.assertEqual(mta.stop(), 0)
            self.assertFalse(any(alive(p) for p in pids.values()))
            self.assertFalse(os.path.exists(mta.socket))
            self.assertRegex(mta.log(), r'\]: stopping (.*\n)*.*\]: '
                             r'stopped mta=.*\n$')
        # and it all goes on
        self.beta.start()
        self.alpha.start()
        self.carry()

    def state_of(self, mta):
        return mta.mtactl('show', 'summary')['state']

    def test_state_tells_of_rtsd(self):
        self.pair()
        self.alpha.proc.send_signal(signal.SIGSTOP) # it starts none again
        try:
            self.alpha.kill('rtsd')
            until(lambda: self.state_of(self.alpha).startswith(
                'rtsd is not there'), 10, 'state')
        finally:
            self.alpha.proc.send_signal(signal.SIGCONT)
        until(lambda: self.state_of(self.alpha) == 'running', 20, 'state')

    def test_what_one_sent_the_other_received(self):
        """Figures that can be compared, of messages and of reports."""
        none = DOMAINS['beta'] + '/O=None'
        self.alpha.configure(Peer('beta', self.beta.port, *FAST))
        self.beta.configure(Peer('alpha', self.alpha.port, *FAST),
                            lines=['domain "%s" complete' % none])
        self.beta.start()
        self.alpha.start()
        self.carry(3, length=9000)
        self.alpha.inject(none + '/S=Doe', 100)
        until(lambda: self.alpha.mtactl('show', 'summary')['received'] == 1,
              20, 'report')

        def same():
            a, b = (m.mtactl('show', 'summary') for m in (self.alpha,
                                                          self.beta))
            p, q = (m.mtactl('show', 'peers')[0] for m in (self.alpha,
                                                           self.beta))
            return [(x['sent_octets'], x['received_mpdu_octets'])
                    for x in (a, p)] == [
                (x['received_mpdu_octets'], x['sent_octets'])
                for x in (b, q)]
        until(same, 20, 'the same on both sides')
        got = self.beta.mtactl('show', 'summary')
        self.assertGreaterEqual(got['received_octets'], 3 * 9000 + 100)
        self.assertGreater(got['received_mpdu_octets'],
                           got['received_octets'] + 400)
        got = self.alpha.mtactl('show', 'summary')
        self.assertEqual(got['received_octets'], 0)
        self.assertGreater(got['received_mpdu_octets'], 100)

    def test_directory_is_removed(self):
        """It is told of, what comes waits, and a reload is enough."""
        self.pair()
        self.carry()
        shutil.rmtree(self.beta.delivery)
        until(lambda: 'directory-gone path="%s": ' % self.beta.delivery in
              self.beta.log(), 10, 'log line')
        self.assertEqual(self.state_of(self.beta), 'no delivery: no '
                         'directory ' + self.beta.delivery)
        self.alpha.inject(address('beta'), 1000)
        until(lambda: self.beta.mtactl('show', 'queue'), 20, 'message')
        mark = self.beta.log_size()
        self.beta.mtactl('reload')
        until(lambda: 'directory-back path="%s"' % self.beta.delivery in
              self.beta.log(mark), 10, 'log line')

        def running():
            with contextlib.suppress(RuntimeError):
                return self.state_of(self.beta) == 'running'
        until(running, 20, 'state')
        for m in self.beta.mtactl('show', 'queue'):
            self.beta.mtactl('retry', m['id'])
        until(lambda: len(self.beta.delivered()) == 1, 30, 'delivered')
        self.assertEqual(self.beta.log().count('directory-gone'), 1)

    def test_stop_by_force(self):
        """One that has to be killed: whoever stopped mtad is told."""
        self.pair()
        self.beta.kill('spoold', signal.SIGSTOP)
        self.assertEqual(self.beta.stop(), 1)
        self.assertRegex(self.beta.log(), 'process-killed process=spoold: ')
        self.assertRegex(self.beta.log(), 'stopped mta=')

    def test_stop_in_a_transfer(self):
        self.pair()
        self.alpha.inject(address('beta'), 20_000_000)
        until(lambda: self.alpha.mtactl('show', 'transfers'), 10, 'transfer')
        self.assertEqual(self.alpha.stop(), 0)
        # a stop waits for a while, and that may have been enough
        until(lambda: self.beta.mtactl('show', 'peers')[0]['cut_in'] == 1 or
              self.beta.delivered(), 10, 'transfer that waits or is done')
        self.alpha.start()
        until(self.beta.delivered, 60, 'delivered')
        self.assertEqual(self.beta.mtactl('show', 'peers')[0]['cut_in'], 0)
        self.assertEqual(len(self.beta.delivered()), 1)
        self.assertGreater(
            os.path.getsize(os.path.join(self.beta.delivery,
                                         self.beta.delivered()[0])),
            20_000_000 - 1)


class Reload(Case):
    def reload(self, mta, by='signal'):
        mark = mta.log_size()
        if by == 'signal':
            os.kill(mta.pids()['mtad'], signal.SIGHUP)
        else:
            mta.mtactl('reload')
        return mark

    def associations(self, mta):
        return {a['peer']: a['id'] for a in mta.mtactl('show',
                                                       'associations')}

    def test_unchanged_peer_stays(self):
        """Other peers come, change and go: beta's association stays."""
        gamma = Mta('gamma')
        self.addCleanup(gamma.cleanup)
        self.pair()
        self.carry()
        before = self.associations(self.alpha)
        pids = self.alpha.pids()
        beta = Peer('beta', self.beta.port, *FAST)
        self.alpha.configure(beta, Peer('gamma', gamma.port, *FAST))
        gamma.configure(Peer('alpha', None, *FAST)).start()
        for by in ('signal', 'mtactl'):
            mark = self.reload(self.alpha, by)
            self.said(self.alpha, 'config-reloaded', mark)
            self.assertEqual(self.associations(self.alpha)['beta'],
                             before['beta'])
        self.alpha.inject(address('gamma'), 100)
        until(gamma.delivered, 20, 'delivered to the new peer')
        self.carry()
        # gamma goes away again: its association is closed, beta's is not
        self.alpha.configure(beta)
        mark = self.reload(self.alpha)
        self.said(self.alpha, 'config-reloaded', mark)
        until(lambda: self.associations(self.alpha) == before, 10,
              'only beta is left')
        self.carry()
        self.same_processes(self.alpha, pids)

    def test_changed_peer(self):
        """What changed is in force for the next association."""
        self.pair()
        self.carry()
        self.alpha.configure(Peer('beta', self.beta.port, *FAST[:-1],
                                  'checkpoint 7 window 2'))
        self.beta.configure(Peer('alpha', None, *FAST[:-1],
                                 'checkpoint 8 window 9'))
        for mta in (self.beta, self.alpha):
            mark = self.reload(mta)
            self.said(mta, 'config-reloaded', mark)
        self.alpha.mtactl('peer', 'beta', 'down')
        until(lambda: not self.associations(self.alpha), 10, 'released')
        self.alpha.mtactl('peer', 'beta', 'up')
        self.carry()
        a, = self.alpha.mtactl('show', 'associations')
        self.assertEqual((a['checkpoint'], a['window']), (7, 2))

    def test_removed_peer_is_refused(self):
        self.pair()
        self.carry()
        self.beta.configure()
        mark = self.reload(self.beta)
        self.said(self.beta, 'config-reloaded', mark)
        until(lambda: not self.associations(self.beta), 10, 'released')
        self.alpha.inject(address('beta'), 100)
        self.said(self.beta, 'authentication-failed .*alpha', mark)
        self.assertEqual(len(self.beta.delivered()), 1)

    def test_mistake(self):
        self.pair()
        self.carry()
        pids = self.alpha.pids()
        before = self.associations(self.alpha)
        with open(self.alpha.conf) as f:
            text = f.read()
        self.alpha.write(text + 'limit associations 0\n')
        line = text.count('\n') + 1
        mark = self.reload(self.alpha)
        self.said(self.alpha, r'mtad\.conf:%d:20: .*1 to 4000 was expected'
                  % line, mark)
        self.said(self.alpha, 'config-not-reloaded', mark)
        self.assertEqual(self.associations(self.alpha), before)
        self.carry()
        # spool and control are not for a reload
        self.alpha.write(text.replace(self.alpha.spool,
                                      self.alpha.spool + '2'))
        mark = self.reload(self.alpha)
        self.said(self.alpha, 'spool: changed from .* which takes a restart',
                  mark)
        self.assertFalse(os.path.exists(self.alpha.spool + '2'))
        self.same_processes(self.alpha, pids)

    def test_listeners(self):
        """A new port is opened, an old one closed, a third one stays."""
        self.pair()
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('127.0.0.1', 0))
            extra = s.getsockname()[1]
            self.beta.configure(
                Peer('alpha', None, *FAST),
                lines=['listen on 127.0.0.1 port %d' % extra])
            mark = self.reload(self.beta)
            self.said(self.beta, 'config-reloaded', mark)
            socket.create_connection(('127.0.0.1', extra), 5).close()
            self.beta.configure(Peer('alpha', None, *FAST))
            mark = self.reload(self.beta)
            self.said(self.beta, 'config-reloaded', mark)

            def closed():
                try:
                    socket.create_connection(('127.0.0.1', extra), 5).close()
                except ConnectionRefusedError:
                    return True
            until(closed, 10, 'port closed')
        self.carry()

    def test_new_directory(self):
        """One that spoold could not reach when it was confined."""
        self.pair()
        self.carry()
        other = os.path.join(self.beta.dir, 'other')
        self.beta.configure(
            Peer('alpha', None, *FAST),
            lines=['deliver "%s/O=Other" to directory "%s"' % (
                DOMAINS['beta'], other)])
        mark = self.reload(self.beta)
        self.said(self.beta, 'config-reloaded', mark)
        self.alpha.inject(DOMAINS['beta'] + '/O=Other/S=Doe', 100)
        until(lambda: os.path.isdir(other) and
              [n for n in os.listdir(other) if n.endswith('.p2') and
               not n.startswith('.')], 20, 'delivered to the new directory')
        self.carry()


class Mistakes(Case):
    def mtad(self, *args):
        return subprocess.run(
            [os.path.join(BUILD, 'mtad', 'mtad')] + list(args),
            capture_output=True, text=True, timeout=30,
            stdin=subprocess.DEVNULL)

    def refused(self, pattern, *args):
        out = self.mtad('-d', '-f', self.alpha.conf, '-L', BUILD, *args)
        self.assertEqual(out.returncode, 1)
        self.assertRegex(out.stderr, pattern)

    def test_check(self):
        self.alpha.configure()
        out = self.mtad('-n', '-f', self.alpha.conf)
        self.assertEqual((out.returncode, out.stderr),
                         (0, 'configuration OK\n'))
        out = self.mtad('-nvf', self.alpha.conf)
        self.assertEqual((out.returncode, out.stdout),
                         (0, 'spool %s\ndeliver %s\n' % (
                             self.alpha.spool, self.alpha.delivery)))
        # it makes nothing
        self.assertFalse(os.path.exists(self.alpha.spool))
        self.alpha.write('mta "a" domain "/C=GB/ADMD=A"\nwindow 3\n')
        out = self.mtad('-n', '-f', self.alpha.conf)
        self.assertEqual(out.returncode, 1)
        self.assertRegex(out.stderr, r'mtad\.conf:2:1: .*expected')
        out = self.mtad('-n', '-f', self.alpha.conf + '.not')
        self.assertEqual(out.returncode, 1)
        self.assertRegex(out.stderr, r'No such file or directory: one to '
                         r'begin with is /.*/examples/mtad\.conf\n')
        self.alpha.write('include "/none/x"\n')
        out = self.mtad('-n', '-f', self.alpha.conf)
        self.assertRegex(out.stderr, '/none/x: No such file or directory\n')

    def test_usage(self):
        for args in (('-x',), ('-n', '--help'), ('-n', '-h'), ('file',)):
            out = self.mtad(*args)
            self.assertEqual((out.returncode, out.stdout), (1, ''))
            self.assertIn('usage: mtad', out.stderr)
        for option in '--help', '-h':
            out = self.mtad(option)
            self.assertEqual((out.returncode, out.stderr), (0, ''))
            self.assertRegex(out.stdout, '^usage: mtad')

    def test_files_of_others(self):
        self.alpha.configure()
        os.chmod(self.alpha.conf, 0o644)
        self.refused('0600 or 0640 was expected')
        os.chmod(self.alpha.conf, 0o600)
        os.chown(self.alpha.conf, pwd.getpwnam('_rtsd').pw_uid, 0)
        self.refused('root was expected')

    def test_includes(self):
        self.alpha.configure()
        more = os.path.join(self.alpha.dir, 'more.conf')
        with open(self.alpha.conf, 'a') as f:
            f.write('include "%s"\n' % more)
        with os.fdopen(os.open(more, os.O_WRONLY | os.O_CREAT, 0o600),
                       'w') as f:
            f.write('limit associations 7\n\nlimit associations x\n')
        out = self.mtad('-n', '-f', self.alpha.conf)
        self.assertEqual(out.returncode, 1)
        self.assertRegex(out.stderr, r'more\.conf:3:20: ')
        with open(more, 'w') as f:
            f.write('include "%s"\n' % more)
        out = self.mtad('-n', '-f', self.alpha.conf)
        self.assertEqual(out.returncode, 1)
        self.assertIn('includes itself', out.stderr)
        with open(more, 'w') as f:
            f.write('limit associations 7\n')
        self.assertEqual(self.mtad('-n', '-f', self.alpha.conf).returncode,
                         0)

    def test_port_in_use(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            s.listen()
            self.alpha.configure(
                lines=['listen on 127.0.0.1 port %d' % s.getsockname()[1]])
            self.refused('port %d": Address already in use' %
                         s.getsockname()[1])

    def test_no_such_user(self):
        self.alpha.configure()
        self.refused('user _nobody_has_this does not exist', '-U',
                     '_rtsd,_nobody_has_this')

    def test_spool_of_another(self):
        self.alpha.configure()
        os.mkdir(self.alpha.spool, 0o755)
        self.refused('owner _spoold and mode 0700 were expected')

    def bad_deliveries(self):
        """Makes of the delivery directory one that cannot be used."""
        who = pwd.getpwnam('_spoold')
        path = self.alpha.delivery
        other = os.path.join(self.alpha.dir, 'other')

        def put_away():
            if os.path.islink(path):
                os.unlink(path)
            elif os.path.exists(path):
                os.rmdir(path)

        put_away()
        os.mkdir(path)
        os.chmod(path, 0o700)           # of root
        yield 'user _spoold cannot write there'
        os.chown(path, who.pw_uid, who.pw_gid)
        os.chmod(path, 0o550)
        yield 'user _spoold cannot write there'
        os.chmod(path, 0o757)
        yield 'mode 0757, everybody can write there'
        put_away()
        os.symlink('/etc', path)
        yield 'user _spoold cannot write there'
        put_away()
        os.makedirs(other, exist_ok=True)
        os.chown(other, who.pw_uid, who.pw_gid)
        os.symlink(other, path)
        os.lchown(path, who.pw_uid, who.pw_gid)
        yield "a symbolic link that is not root's"
        put_away()

    def test_delivery_of_another(self):
        self.alpha.configure()
        for words in self.bad_deliveries():
            with self.subTest(words):
                self.refused(r'directory-bad path="%s": for delivery: %s' %
                             (self.alpha.delivery, words))
        # root's own link to a good one, or one by the group, is all right
        os.symlink('other', self.alpha.delivery)
        self.alpha.start()
        self.alpha.stop()
        os.unlink(self.alpha.delivery)
        os.mkdir(self.alpha.delivery)
        os.chown(self.alpha.delivery, 0, pwd.getpwnam('_spoold').pw_gid)
        os.chmod(self.alpha.delivery, 0o770)
        self.alpha.start()
        # and at a reload
        self.assertTrue(self.alpha.mtactl('reload'))
        for words in self.bad_deliveries():
            mark = self.alpha.log_size()
            self.assertIn('directory-bad path="%s": ' % self.alpha.delivery,
                          str(self.alpha.mtactl('reload', check=False)))
            self.assertIn('for delivery: ' + words, self.alpha.log(mark))

    def test_one_spool_two_mtads(self):
        self.alpha.configure().start()
        twin = Mta('alpha')
        self.addCleanup(twin.cleanup)
        twin.spool = self.alpha.spool
        twin.configure()
        twin.start(ready=False)
        self.said(twin, 'spool is in use by another mtad')
        self.assertEqual(twin.proc.wait(10), 1)
        self.assertNotIn(': ready mta=', twin.log())
        self.assertEqual(
            self.alpha.mtactl('show', 'summary')['queued'], 0)

    def test_one_socket_two_mtads(self):
        """Who is there is named, and nothing is waited for."""
        self.alpha.configure().start()
        twin = Mta('alpha')
        self.addCleanup(twin.cleanup)
        twin.socket = self.alpha.socket
        twin.configure()
        twin.start(ready=False)
        self.assertEqual(twin.proc.wait(5), 1)
        self.assertIn('pid=%d: another mtad answers there' %
                      self.alpha.proc.pid, twin.log())
        self.assertEqual(
            self.alpha.mtactl('show', 'summary')['queued'], 0)
        # one in the background is not the process that was called
        self.alpha.stop()
        name = os.path.join(self.alpha.dir, 'pid')
        self.assertEqual(subprocess.run(
            [os.path.join(BUILD, 'mtad', 'mtad'), '-f', self.alpha.conf,
             '-L', BUILD, '-p', name] + self.alpha.flags,
            stdin=subprocess.DEVNULL, timeout=40).returncode, 0)
        with open(name) as f:
            pid = int(f.read())
        try:
            twin.start(ready=False)
            self.assertEqual(twin.proc.wait(5), 1)
            self.assertIn('pid=%d: another mtad answers there' % pid,
                          twin.log())
        finally:
            os.kill(pid, signal.SIGTERM)
            until(lambda: not os.path.exists(name), 20, 'its end')


if __name__ == '__main__':
    unittest.main()
