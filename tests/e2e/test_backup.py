#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A spool is backed up while mail flows, restored, and saved when it is
damaged: what an operator does in an incident, as the manuals say."""

import hashlib
import io
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from e2e.interop import Daemon, octets              # noqa: E402
from e2e.mtadtest import BUILD, Peer, address, until    # noqa: E402
from peer.proxy import Point, Proxy                 # noqa: E402

OPTIONS = ['retry 1s to 2s', 'open timeout 5s', 'associations 1']
LIMIT = 60          # s, for what takes a moment
KB = 1024


class Spools(unittest.TestCase):
    """alpha has messages for beta, which is not there yet."""

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix='mtad-backup-')
        self.addCleanup(shutil.rmtree, self.work, True)
        self.alpha, self.beta = Daemon('alpha'), Daemon('beta')
        for mta in (self.alpha, self.beta):
            self.addCleanup(mta.cleanup)
        self.alpha.configure(Peer('beta', self.beta.port, *OPTIONS))
        self.beta.configure(Peer('alpha', None, *OPTIONS))
        self.alpha.start()
        self.sent = {}

    def path(self, name):
        return os.path.join(self.work, name)

    def submit(self, content, to=None):
        with open(self.path('content'), 'wb') as f:
            f.write(content)
        answer = self.alpha.mtactl(
            'submit', '-b', '-f', address('alpha'), '-t',
            to or address('beta'), self.path('content'))
        self.sent[answer['id']] = content
        return answer['id']

    def submit_some(self):
        return [self.submit(octets(n * KB, n)) for n in
                (1, 5, 31, 64, 200, 700)]

    def backup(self, name='backup.tar'):
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
             self.alpha.socket, 'backup', self.path(name)],
            capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.told = out.stderr.decode()
        return self.path(name)

    def mtad(self, *args, stdin=subprocess.DEVNULL):
        """Of alpha's configuration, in the foreground."""
        return subprocess.run(
            [os.path.join(BUILD, 'mtad', 'mtad'), '-f', self.alpha.conf,
             '-L', BUILD, *self.alpha.flags, *args], capture_output=True,
            timeout=300, stdin=stdin)

    def restore(self, path, option='-r'):
        out = self.mtad(option, path)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout.decode().split(), out.stderr.decode()

    def lose(self, keep=()):
        """The spool, but for some of it."""
        for name in os.listdir(self.alpha.spool):
            if name in keep:
                continue
            path = os.path.join(self.alpha.spool, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def queue(self):
        return {m['id']: m for m in self.alpha.mtactl('show', 'queue')}

    def arrived(self, ids):
        """beta has just these, each once."""
        self.beta.start()
        self.beta.wait_delivered(len(ids), LIMIT)
        self.alpha.idle(LIMIT)
        self.beta.idle(LIMIT)
        got = sorted(self.beta.content(n) for n in self.beta.delivered())
        self.assertEqual(got, sorted(self.sent[i] for i in ids))


class Backup(Spools):
    def test_archive(self):
        """Any tar reads it, and the sums are those of what is in it."""
        ids = self.submit_some()
        with tarfile.open(self.backup()) as tar:
            names = tar.getnames()
            data = {n: tar.extractfile(n).read() for n in names}
        self.assertRegex(self.told, r'^mtactl: backup: %d messages, %d '
                         r'files, \d+ octets\n$' % (len(ids), len(data) - 2))
        self.assertEqual(names[:2], ['mtad-backup', 'queue.db'])
        self.assertEqual(names[-1], 'SHA256SUMS')
        sums = dict(reversed(line.split('  ')) for line in
                    data.pop('SHA256SUMS').decode().splitlines())
        self.assertEqual(sums, {n: hashlib.sha256(d).hexdigest()
                                for n, d in data.items()})
        self.assertIn(b'\nmta alpha\n', data['mtad-backup'])
        contents = sorted(d for n, d in data.items()
                          if n.startswith('content/'))
        self.assertEqual(contents, sorted(
            self.sent[i] for i in ids if len(self.sent[i]) > 32 * KB))
        self.assertEqual(os.stat(self.path('backup.tar')).st_mode & 0o777,
                         0o600)
        self.assertFalse([n for n in os.listdir(self.alpha.spool)
                          if n.startswith('backup')])

    def test_others(self):
        """Only root gets one, and not who may use the socket otherwise."""
        self.alpha.stop()
        with open(self.alpha.conf) as f:
            text = f.read()
        self.alpha.write(text.replace(
            'control "%s"' % self.alpha.socket,
            'control "%s" group "daemon"' % self.alpha.socket))
        self.alpha.start()
        for group, why in (('nogroup', b'mtactl: '), ('daemon',
                                                      b'root only')):
            out = subprocess.run(
                ['setpriv', '--reuid=65534', '--regid=' + group,
                 '--clear-groups',
                 os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
                 self.alpha.socket, 'backup'], capture_output=True,
                timeout=60)
            self.assertEqual(out.returncode, 1)
            self.assertEqual(out.stdout, b'')
            self.assertIn(why, out.stderr)

    def test_pipe(self):
        """What is no file is written to, and is still there."""
        self.submit_some()
        os.mkfifo(self.path('fifo'))
        cat = subprocess.Popen(['cat', self.path('fifo')],
                               stdout=subprocess.PIPE)
        self.addCleanup(cat.stdout.close)
        self.addCleanup(cat.wait)
        self.addCleanup(cat.kill)
        read = []
        thread = threading.Thread(
            target=lambda: read.append(cat.stdout.read()), daemon=True)
        thread.start()
        self.backup('fifo')
        self.assertTrue(stat.S_ISFIFO(os.lstat(self.path('fifo')).st_mode))
        thread.join(LIMIT)
        with tarfile.open(fileobj=io.BytesIO(read[0])) as tar:
            self.assertEqual(tar.getnames()[-1], 'SHA256SUMS')
        self.assertEqual([n for n in os.listdir(self.work)
                          if n.endswith('.partial')], [])

    def test_link(self):
        """A symbolic link stays, and what it leads to is replaced."""
        os.mkdir(self.path('d'))
        with open(self.path('d/real'), 'w') as f:
            f.write('old')
        os.symlink('d/real', self.path('link'))
        self.backup('link')
        self.assertEqual(os.readlink(self.path('link')), 'd/real')
        self.assertTrue(tarfile.is_tarfile(self.path('d/real')))
        self.assertEqual(os.listdir(self.path('d')), ['real'])
        os.symlink('nowhere/at/all', self.path('dangling'))
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
             self.alpha.socket, 'backup', self.path('dangling')],
            capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(out.returncode, 1)
        self.assertIn(b'a symbolic link: No such file', out.stderr)

    def test_no_place(self):
        """Where nothing can be written, the directory is named, and what
        helps; nothing is left."""
        os.mkdir(self.path('full'))
        os.mkdir(self.path('full/x'))
        with open(self.path('plain'), 'w'):
            pass
        nobody = ['setpriv', '--reuid=65534', '--regid=65534',
                  '--clear-groups']
        os.chmod(self.work, 0o755)
        for before, name, why in (
                ([], 'none/', 'directory %s is not there: make it'),
                ([], 'none/a.tar', 'directory %s is not there: make it'),
                ([], 'plain/a.tar', '%s is not a directory'),
                (nobody, 'full', 'in directory %s: run it as root')):
            out = subprocess.run(
                before + [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
                          self.alpha.socket, 'backup', self.path(name)],
                capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
            self.assertEqual(out.returncode, 1)
            self.assertIn((why % self.path(name.split('/')[0])).encode(),
                          out.stderr)
            self.assertEqual(out.stderr.count(b'\n'), 1)
        self.assertEqual(os.listdir(self.path('full')), ['x'])
        self.assertFalse(os.path.exists(self.path('none')))

    def test_one_directory(self):
        """Backups of two MTAs in the same second: each has its own file, and
        so has one that is being written to the same name."""
        with open(self.alpha.conf) as f:
            text = f.read()
        self.alpha.stop()
        self.alpha.write(text.replace('mta "alpha"',
                                      'mta "al/pha 1"'))
        self.alpha.start()
        self.beta.start()
        tool = os.path.join(BUILD, 'mtactl', 'mtactl')
        place = self.path('bk')
        os.mkdir(place)

        def together(*names):
            running = [subprocess.Popen(
                [tool, '-s', mta.socket, 'backup', name],
                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
                for mta, name in zip((self.alpha, self.beta), names)]
            for process in running:
                _, errors = process.communicate(timeout=LIMIT)
                self.assertEqual(process.returncode, 0, errors)
        for _ in range(5):
            together(place, place)
            together(self.path('one'), self.path('one'))
            self.assertTrue(tarfile.is_tarfile(self.path('one')))
        found = sorted(os.listdir(place))
        for mta, name in (('al/pha 1', 'al_pha_1'), ('beta', 'beta')):
            mine = [n for n in found if re.match(
                r'mtad-%s-\d{8}T\d{6}Z\.tar$' % name, n)]
            self.assertTrue(mine, found)
            found = [n for n in found if n not in mine]
            for n in mine:
                with tarfile.open(os.path.join(place, n)) as tar:
                    about = tar.extractfile('mtad-backup').read().decode()
                self.assertIn('\nmta %s\n' % mta, about)
        self.assertEqual(found, [])
        self.assertEqual([n for n in os.listdir(self.work) if
                          'partial' in n], [])

    def test_slow_reader(self):
        """Who does not read stops nothing; and what is delivered while he
        does not, is in what he reads."""
        ids = [self.submit(octets(300 * KB, n)) for n in range(8)]
        reader = subprocess.Popen(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
             self.alpha.socket, 'backup'], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0)
        try:
            first = reader.stdout.read(512)
            second = subprocess.run(
                [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
                 self.alpha.socket, 'backup'], capture_output=True,
                timeout=60)
            self.assertIn(b'a backup is under way', second.stderr)
            self.arrived(ids)
            self.assertEqual(self.queue(), {})
            rest, errors = reader.communicate(timeout=120)
        finally:
            reader.kill()
        self.assertEqual(reader.returncode, 0, errors)
        with tarfile.open(fileobj=io.BytesIO(first + rest)) as tar:
            contents = sorted(tar.extractfile(n).read()
                              for n in tar.getnames() if '/' in n)
        self.assertEqual(len(contents), len(ids), errors)
        self.assertTrue(contents == sorted(self.sent[i] for i in ids))

        def removed():
            return not any(files for _, _, files in os.walk(
                os.path.join(self.alpha.spool, 'content')))
        until(removed, LIMIT, 'contents removed', 0.05)

    def test_reader_gone(self):
        self.submit(octets(900 * KB))
        reader = subprocess.Popen(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
             self.alpha.socket, 'backup'], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        reader.stdout.read(2048)
        reader.kill()
        reader.stdout.close()
        reader.wait()
        until(lambda: subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
             self.alpha.socket, 'backup', self.path('b')],
            capture_output=True, timeout=60).returncode == 0, LIMIT,
            'another backup', 0.2)

    def test_while_mail_flows(self):
        """Several, each whole, while messages come in and go."""
        self.beta.start()
        writer = subprocess.Popen(
            [os.path.join(BUILD, 'tests', 'bench', 'inject'), '-s',
             self.alpha.socket, '-f', address('alpha'), '-t',
             address('beta'), '-n', '400', '-l', str(40 * KB), '-c', '2'],
            stdout=subprocess.DEVNULL)
        made = 0
        try:
            while writer.poll() is None and made < 20:
                out = self.mtad('-n', '-r', self.backup())
                self.assertEqual(out.returncode, 0, out.stderr)
                self.assertIn(b'archive-checked messages=', out.stderr)
                self.assertNotRegex(out.stderr, rb'\brestored messages=')
                made += 1
        finally:
            writer.wait()
        self.assertGreater(made, 0)
        self.beta.wait_delivered(400, LIMIT)
        self.assertFalse(self.alpha.lines('missing or not whole'))


class Restore(Spools):
    def test_all(self):
        ids = self.submit_some()
        before = self.queue()
        archive = self.backup()
        self.alpha.stop()
        self.lose()
        held, _ = self.restore(archive)
        self.assertEqual(sorted(held), sorted(ids))
        self.alpha.start()
        after = self.queue()
        self.assertEqual(after.keys(), before.keys())
        for m in after.values():
            self.assertRegex(m['state'], '^held: restored from the backup '
                             'of .*: it may have gone since$')
        self.alpha.mtactl('release', 'all')
        self.arrived(ids)

    def test_as_it_was(self):
        ids = self.submit_some()
        self.alpha.mtactl('hold', ids[2])
        archive = self.backup()
        self.alpha.stop()
        self.lose()
        held, _ = self.restore(archive, '-R')
        self.assertEqual(held, [ids[2]])
        self.alpha.start()
        self.assertIn('by the operator', self.queue()[ids[2]]['state'])
        self.arrived([i for i in ids if i != ids[2]])

    def test_gone_since(self):
        """What the audit log has as transferred is not sent again, and that
        without anybody's doing; the rest is held."""
        ids = self.submit_some()
        archive = self.backup()
        self.arrived(ids)
        self.beta.stop()
        late = self.submit(b'after the backup')
        self.alpha.stop()
        self.lose(keep=('audit',))
        held, said = self.restore(archive, '-R')
        self.assertEqual(held, [])
        self.assertIn(' gone=%d: ' % len(ids), said)
        self.alpha.start()
        self.assertEqual(self.queue(), {})
        # what came after it is known to have come
        self.assertEqual(self.alpha.mtactl('track', late)['event'],
                         'submit')

    def test_refused(self):
        """While mtad runs, over what is there, and what is not whole."""
        self.submit_some()
        archive = self.backup()
        out = self.mtad('-r', archive)
        self.assertEqual(out.returncode, 1)
        self.assertIn(b'in use', out.stderr)
        self.alpha.stop()
        out = self.mtad('-r', archive)
        self.assertEqual(out.returncode, 1)
        self.assertIn(b'the spool is in use: there is queue.db', out.stderr)
        self.lose(keep=('content',))
        out = self.mtad('-r', archive)
        self.assertIn(b'there are contents', out.stderr)
        self.lose(keep=('audit',))
        self.bad_archives(archive)

    def test_another_mta(self):
        """What is not of this MTA is not good, and does not become its
        spool; both names are said."""
        self.submit_some()
        archive = self.backup()
        self.beta.start()
        self.beta.stop()
        for name in os.listdir(self.beta.spool):
            if name != 'audit':
                path = os.path.join(self.beta.spool, name)
                (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)
        for args in (['-n', '-r'], ['-n', '-R'], ['-r'], ['-R']):
            out = subprocess.run(
                [os.path.join(BUILD, 'mtad', 'mtad'), '-f', self.beta.conf,
                 '-L', BUILD, *self.beta.flags, *args, archive],
                capture_output=True, timeout=LIMIT,
                stdin=subprocess.DEVNULL)
            self.assertEqual(out.returncode, 1, args)
            self.assertRegex(
                out.stderr.decode(), 'not-restored mta="alpha": the archive '
                'is of that one, not of "beta": take one of this MTA, or')
            self.assertEqual([n for n in os.listdir(self.beta.spool)
                              if n != 'audit'], [])
        out = self.mtad('-n', '-r', archive)
        self.assertEqual(out.returncode, 0, out.stderr)

    def bad_archives(self, archive):
        with open(archive, 'rb') as f:
            good = f.read()
        rng = random.Random(5)
        bad = {'cut %d' % n: good[:n] for n in
               (0, 100, 512, 5000, len(good) // 2, len(good) - 2000)}
        for _ in range(6):
            at = rng.randrange(len(good) - 20 * KB)
            # past the padding, which nobody reads
            while not good[at]:
                at += 1
            bad['octet %d' % at] = good[:at] + bytes(
                [good[at] ^ 0x41]) + good[at + 1:]
        bad['names'] = good.replace(b'content/', b'../conte')
        bad['noise'] = rng.randbytes(20000)
        for what, data in bad.items():
            with open(self.path('bad'), 'wb') as f:
                f.write(data)
            out = self.mtad('-r', self.path('bad'))
            self.assertEqual(out.returncode, 1, what)
            self.assertIn(b'not-restored', out.stderr, what)
            self.assertEqual([n for n in os.listdir(self.alpha.spool)
                              if n != 'audit'], [], what)

    def test_peer_down(self):
        """What the operator had said of a peer is in force again, and that
        is said; ids alone are on standard output."""
        ids = self.submit_some()
        self.alpha.mtactl('peer', 'beta', 'up')
        before = self.backup('before')
        self.alpha.mtactl('peer', 'beta', 'down')
        archive = self.backup()
        self.alpha.mtactl('peer', 'beta', 'up')
        self.alpha.stop()
        self.lose()
        self.assertNotIn('peer-set', self.restore(before)[1])
        self.lose()
        held, said = self.restore(archive)
        self.assertEqual(sorted(held), sorted(ids))
        self.assertRegex(said, 'peer-set peer=beta state=down: as it was '
                         'when the backup was made: mtactl peer beta up')
        self.alpha.start()
        self.assertIn('down by operator',
                      self.alpha.mtactl('show', 'peers')[0]['state'])
        self.alpha.mtactl('release', 'all')
        self.alpha.mtactl('peer', 'beta', 'up')
        self.arrived(ids)

    def test_standard_input(self):
        ids = self.submit_some()
        archive = self.backup()
        self.alpha.stop()
        self.lose()
        with open(archive, 'rb') as f:
            out = self.mtad('-R', '-', stdin=f)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.alpha.start()
        self.arrived(ids)


class Peers(Spools):
    """What a spool that is older makes of its peers."""

    def test_peer_knows(self):
        """Sent again, for nothing says that it was: the peer has it."""
        ids = self.submit_some()
        archive = self.backup()
        self.arrived(ids)
        self.alpha.stop()
        self.lose()
        self.restore(archive, '-R')
        self.alpha.start()
        until(lambda: self.beta.mtactl('show', 'summary')['duplicates'] ==
              len(ids), LIMIT, 'duplicates')
        self.alpha.idle(LIMIT)
        self.beta.idle(LIMIT)
        self.assertEqual(len(self.beta.delivered()), len(ids))

    def test_coming_in(self):
        """Restored to the middle of a transfer: it comes from the start, and
        once."""
        options = OPTIONS + ['recover yes', 'delay 1s timeout 60s keep 60s',
                             'checkpoint 16 window 3']
        proxy = Proxy(self.alpha.port).start()
        self.addCleanup(proxy.stop)
        self.beta.configure(Peer('alpha', proxy.port, *options))
        self.alpha.configure(Peer('beta', None, *options))
        self.alpha.mtactl('reload')
        self.alpha.said('config-reloaded', LIMIT)
        done, archive = threading.Event(), []

        def middle(_proxy, _point):
            archive.append(self.backup())
            self.alpha.crash()
            done.set()
        proxy.add(Point('out', name='MIP', nth=30, at='after', action='go',
                        call=middle))
        self.beta.start()
        content = octets(2000 * KB, 9)
        with open(self.path('content'), 'wb') as f:
            f.write(content)
        self.beta.mtactl('submit', '-b', '-f', address('beta'), '-t',
                         address('alpha'), self.path('content'))
        self.assertTrue(done.wait(LIMIT))
        self.alpha.proc = None
        self.lose(keep=('audit',))
        self.assertEqual(self.restore(archive[0])[0], [])
        self.alpha.start()
        self.alpha.wait_delivered(1, LIMIT)
        self.beta.idle(LIMIT)
        self.assertEqual([self.alpha.content(n) == content for n in
                          self.alpha.delivered()], [True])


class Damage(Spools):
    def hurt(self, at, data):
        with open(os.path.join(self.alpha.spool, 'queue.db'), 'r+b') as f:
            f.seek(at)
            f.write(data)

    def test_header(self):
        """The data base is set aside, all of it is saved, and goes on."""
        ids = self.submit_some()
        self.alpha.stop()
        self.hurt(0, b'\0' * 100)
        self.alpha.start()
        self.alpha.said('spool-damaged: ', LIMIT)
        line = self.alpha.said('spool-saved messages=', LIMIT)
        self.assertIn('messages=%d held=0 lost=0 ' % len(ids), line)
        self.assertIn('duplicates=all', line)
        self.alpha.said('spool-works', LIMIT)
        self.assertTrue([n for n in os.listdir(self.alpha.spool) if
                         n.startswith('queue.db.damaged-') and
                         n.endswith('Z')])
        self.arrived(ids)
        self.assertEqual(self.alpha.mtactl('show', 'summary')['state'],
                         'running')

    def test_content(self):
        ids = self.submit_some()
        self.alpha.stop()
        os.unlink(os.path.join(self.alpha.spool, 'content', ids[4][-2:],
                               ids[4]))
        self.alpha.start()
        self.alpha.said('message-held message=%s: content lost' % ids[4],
                        LIMIT)
        self.arrived([i for i in ids if i != ids[4]])
        self.assertEqual(list(self.queue()), [ids[4]])

    def test_nothing_left(self):
        """What cannot be saved is named, as the audit log knows it."""
        ids = self.submit_some()
        self.alpha.stop()
        size = os.path.getsize(os.path.join(self.alpha.spool, 'queue.db'))
        self.hurt(0, os.urandom(size))
        self.alpha.start()
        self.alpha.said('spool-works', LIMIT)
        for i in ids:
            self.alpha.said('message-lost message=%s: ' % i, LIMIT)
        self.submit(b'and what is new')
        # nor is what the operator had said of peers known
        self.assertIn('held', self.alpha.mtactl('show', 'peers')[0]['state'])
        self.alpha.mtactl('peer', 'beta', 'up')
        self.arrived(list(self.sent)[-1:])

    def gone(self, ids):
        """All of queue.db is something else, after they went: none of them
        is said to be lost."""
        size = os.path.getsize(os.path.join(self.alpha.spool, 'queue.db'))
        self.hurt(0, os.urandom(size))
        self.alpha.start()
        self.alpha.said('spool-works', LIMIT)
        self.assertEqual([line for line in self.alpha.lines('message-lost')
                          if any(i in line for i in ids)], [])
        self.alpha.said('spool-saved messages=0 held=0 lost=0 ', LIMIT)

    def keys(self):
        """Of the lines of alpha's audit log, in their order."""
        path = os.path.join(self.alpha.spool, 'audit')
        keys = []
        for name in sorted(os.listdir(path)):
            with open(os.path.join(path, name)) as f:
                keys += [line.split()[1] for line in f]
        return keys

    def test_gone_after_restore(self):
        """What went after a backup is known to have gone, also after that
        was restored: no line of then comes again behind the later ones."""
        ids = self.submit_some()
        archive = self.backup()
        self.arrived(ids)
        self.beta.stop()
        self.alpha.stop()
        self.lose(keep=('audit',))
        _, said = self.restore(archive)
        self.assertIn(' gone=%d: ' % len(ids), said)
        self.alpha.start()
        self.assertEqual(self.queue(), {})
        self.assertEqual(self.alpha.stop(), 0)
        keys = self.keys()
        self.assertEqual(len(keys), 2 * len(ids))
        self.assertEqual(keys, sorted(set(keys)))
        self.gone(ids)

    def test_gone_after_crash(self):
        """Lines of the audit log that are there twice count once."""
        ids = []
        for n in range(20):
            ids.append(self.submit(octets(KB, n)))
            # written, and hardly durable
            self.alpha.mtactl('track', ids[-1])
            self.alpha.crash()
            self.alpha.proc = None
            self.alpha.start()
            self.alpha.mtactl('track', ids[-1])
            keys = self.keys()
            if len(keys) > len(set(keys)):
                break
        self.assertGreater(len(keys), len(set(keys)))
        self.arrived(ids)
        self.assertEqual(self.alpha.stop(), 0)
        self.gone(ids)

    def test_newer(self):
        self.submit_some()
        self.alpha.stop()
        self.hurt(60, (77).to_bytes(4, 'big'))
        self.alpha.start()
        self.alpha.said('made by a newer mtad \\(schema 77, known \\d+\\)',
                        LIMIT)
        self.assertIn('newer mtad',
                      self.alpha.mtactl('show', 'summary')['state'])


if __name__ == '__main__':
    unittest.main()
