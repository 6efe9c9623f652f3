#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The Debian package: built from what is under version control, without a
complaint of lintian, then installed, upgraded, removed and purged, in a root
of its own, with the init script and with systemd: the queue survives, nothing
is started that mtad -n does not find right, and at the end the machine is as
it was.

usage: test_package.py"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, 'tests'))
from privateroot import PrivateRoot, can_boot, possible  # noqa: E402
from e2e.mtadtest import until                          # noqa: E402

OLD, OLDER = '0.0.2', '0.0.1'
HERE = '/S=Doe/PRMD=ALPHA/ADMD=GOLD 400/C=GB/'
THERE = '/S=Dupont/PRMD=BETA/ADMD=ATLAS/C=FR/'

# What dpkg, passwd(5) and a journal note down of all that happens.
NOTED = re.compile(
    r'/var/lib/dpkg/|/var/log/dpkg\.log$|/var/log/journal/|/var/log/wtmp$|'
    r'/etc/(passwd|group|shadow|gshadow)-$|/etc/(subuid|subgid)-$|'
    r'/etc/\.pwd\.lock$|/var/lib/systemd/|/var/cache/ldconfig/aux-cache$|'
    r'/var/lib/systemd$|/run/|/tmp/')


def setUpModule():
    global work, packages
    work = tempfile.mkdtemp(prefix='mtad-package-')
    unittest.addModuleCleanup(shutil.rmtree, work)
    source = work + '/mtad'
    copy_source(source)
    with open(work + '/log', 'w+') as log:
        if subprocess.run(
                ['dpkg-buildpackage', '-us', '-uc'], cwd=source,
                env=build_environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT).returncode != 0:
            log.seek(0)
            raise AssertionError(log.read())
    version = version_of(source)
    packages = {version: only('mtad_%s_*.deb' % version), 'new': version}
    for other in OLDER, OLD:
        packages[other] = repack(packages[version], other)


def copy_source(to):
    """What git knows of the tree, as it is; without git, all but builds."""
    git = subprocess.run(
        ['git', '-c', 'safe.directory=*', 'ls-files', '-z'], cwd=TOP,
        capture_output=True) if shutil.which('git') else None
    if git is None or git.returncode != 0:
        shutil.copytree(TOP, to, symlinks=True,
                        ignore=shutil.ignore_patterns(
                            'build*', '.git', '__pycache__', 'obj-*'))
        return
    for name in git.stdout.decode().split('\0')[:-1]:
        if os.path.lexists(os.path.join(TOP, name)):
            path = os.path.join(to, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy2(os.path.join(TOP, name), path,
                         follow_symlinks=False)


def build_environment():
    keep = {k: v for k, v in os.environ.items() if k in ('PATH', 'TMPDIR')}
    # the unit tests run elsewhere
    return dict(keep, HOME=work, LC_ALL='C.UTF-8',
                DEB_BUILD_OPTIONS='nocheck parallel=2')


def version_of(source):
    return subprocess.run(['dpkg-parsechangelog', '-S', 'Version'],
                          cwd=source, capture_output=True, text=True,
                          check=True).stdout.strip()


def only(pattern):
    found = glob.glob(os.path.join(work, pattern))
    if len(found) != 1:
        raise AssertionError('%s: %s' % (pattern, found))
    return found[0]


def repack(package, version):
    """The same as another version, to come from."""
    there = '%s/mtad-%s' % (work, version)
    subprocess.run(['dpkg-deb', '-R', package, there], check=True)
    with open(there + '/DEBIAN/control') as f:
        text = f.read()
    with open(there + '/DEBIAN/control', 'w') as f:
        f.write(re.sub('(?m)^Version: .*$', 'Version: ' + version, text))
    made = '%s/mtad_%s_old.deb' % (work, version)
    subprocess.run(['dpkg-deb', '-Zgzip', '--root-owner-group', '-b', there,
                    made], check=True, stdout=subprocess.DEVNULL)
    return made


class Built(unittest.TestCase):
    def test_lintian(self):
        out = subprocess.run(
            ['lintian', '--allow-root', '--fail-on', 'error,warning',
             only('mtad_*.changes')], env=build_environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.assertEqual(out.returncode, 0, out.stdout)
        self.assertNotRegex(out.stdout, '(?m)^[EW]: ')

    def test_version(self):
        """meson.build and debian/changelog speak of the same."""
        with open(TOP + '/meson.build') as f:
            self.assertEqual(re.search(r"\bversion: '([^']+)'",
                                       f.read()).group(1), packages['new'])

    def test_manuals(self):
        """They name the places of this system."""
        subprocess.run(['dpkg-deb', '-x', packages[packages['new']],
                        work + '/files'], check=True)
        for page in glob.glob(work + '/files/usr/share/man/*/*.gz'):
            text = subprocess.run(['zcat', page], capture_output=True,
                                  text=True, check=True).stdout
            self.assertNotRegex(text, r'/usr/local/(libexec|share|sbin)',
                                page)
            self.assertNotIn('/var/empty', text, page)
            for path in re.findall(r'/usr/(?:libexec/mtad|share)\b[\w/.-]*'
                                   r'\w', text):
                self.assertTrue(os.path.exists(work + '/files' + path), path)


class Life:
    systemd = False

    def setUp(self):
        self.root = PrivateRoot(self.systemd)
        self.addCleanup(self.root.close)
        run = self.root.run
        # As on a machine that never had one, and that starts services.
        for user in '_rtsd', '_spoold':
            run('userdel', user, check=False)
        run('sh', '-c', 'rm -rf /etc/mtad.conf /etc/default/mtad '
            '/var/spool/mtad /var/spool/mtad-in /usr/sbin/policy-rc.d '
            '/etc/dpkg/dpkg.cfg.d/* /var/lib/man-db/auto-update')
        if not self.systemd:            # whoever else is process 1
            run('sh', '-c', 'rm -f /sbin/runlevel; printf "#!/bin/sh\\n'
                'echo N 2\\n" >/sbin/runlevel; chmod 755 /sbin/runlevel')
        for package in set(packages.values()) - {packages['new']}:
            shutil.copy(package, self.root.path('/tmp'))
        self.before = self.changed()

    def changed(self):
        return {path: what for path, what in self.root.changed().items()
                if not NOTED.match(path)}

    def as_before(self):
        """All files that there were, and no other, and the same users."""
        now = self.changed()
        self.assertEqual({p: (self.before.get(p, 'as it was'),
                              now.get(p, 'as it was'))
                          for p in set(now) | set(self.before)
                          if now.get(p, '') != self.before.get(p, '')}, {})

    def dpkg(self, *args):
        return self.root.run('dpkg', *args).stdout

    def install(self, version):
        return self.dpkg('-i', '/tmp/' + os.path.basename(packages[version]))

    def state(self):
        """As dpkg has it: status and version."""
        out = self.root.run('dpkg-query', '-W', '-f',
                            '${db:Status-Status} ${Version}', 'mtad',
                            check=False)
        return out.stdout if out.returncode == 0 else ''

    def service(self, verb):
        return self.root.run('service', 'mtad', verb, check=False)

    def running(self):
        return self.service('status').returncode == 0

    def pid(self):
        with open(self.root.path('/run/mtad.pid')) as f:
            return int(f.read())

    def configure(self):
        """As README.Debian says."""
        self.root.run('install', '-m', '600',
                      '/usr/share/doc/mtad/examples/mtad.conf', '/etc')
        self.root.run('mtad', '-n')

    def append(self, path, text):
        with open(self.root.path(path), 'a') as f:
            f.write(text)

    def mend(self):
        self.root.run('sed', '-i', '/^lisen/d', '/etc/mtad.conf')

    def ctl(self, *args):
        return json.loads(self.root.run('mtactl', '-j', *args).stdout)

    def queue(self):
        return [m['id'] for m in self.ctl('show', 'queue')]

    def submit(self):
        self.root.run('sh', '-c', 'echo "A message" | mtactl submit -f "$1" '
                      '-t "$2" -s survives', 'sh', HERE, THERE)
        until(lambda: len(self.queue()) == 1, 60, 'the message is queued')
        return self.queue()[0]

    def user(self, name):
        out = self.root.run('getent', 'passwd', name, check=False)
        return out.stdout.strip().split(':') if out.returncode == 0 else None

    def exists(self, path):
        return os.path.lexists(self.root.path(path))

    def test_life(self):
        said = self.install(OLDER)
        self.installed(said)
        self.configure()
        self.assertEqual(self.service('start').returncode, 0)
        self.assertTrue(self.running())
        message = self.submit()
        self.mistake()
        self.upgrade(message)
        self.removal(message)
        self.end(message)
        self.as_before()

    def installed(self, said):
        self.assertIn('not started: there is no /etc/mtad.conf', said)
        self.assertEqual(self.state(), 'installed ' + OLDER)
        self.assertEqual(self.dpkg('-V', 'mtad'), '')
        self.assertFalse(self.running())
        for name in '_rtsd', '_spoold':
            user = self.user(name)
            self.assertIsNotNone(user, name)
            self.assertLess(int(user[2]), 1000)
            self.assertEqual(user[5:], ['/nonexistent', '/usr/sbin/nologin'])
        st = os.stat(self.root.path('/var/spool/mtad'))
        self.assertEqual((st.st_mode & 0o7777, st.st_uid),
                         (0o700, int(self.user('_spoold')[2])))
        self.assertEqual(self.root.run(
            'dpkg-query', '-W', '-f', '${Conffiles}', 'mtad').stdout.split(
            )[::2], ['/etc/default/mtad', '/etc/init.d/mtad'])
        self.assertTrue(glob.glob(self.root.path('/etc/rc3.d/S*mtad')))
        self.assertTrue(self.exists('/etc/systemd/system/multi-user.target'
                                    '.wants/mtad.service'))

    def mistake(self):
        """With a wrong file nothing starts, and nothing that runs stops."""
        pid = self.pid()
        self.append('/etc/mtad.conf', 'lisen on 127.0.0.1\n')
        self.assertNotEqual(self.service('reload').returncode, 0)
        said = self.install(OLD)
        self.assertEqual(self.state(), 'installed ' + OLD)
        self.assertRegex(said, r'/etc/mtad\.conf:\d+:7: ')
        self.assertIn('is not right for this version', said)
        self.assertTrue(self.running())
        self.assertEqual(self.pid(), pid)
        self.mend()
        self.assertEqual(self.service('reload').returncode, 0)
        self.assertEqual(self.pid(), pid)

    def upgrade(self, message):
        """What the administrator changed stays, and so does the queue."""
        pid = self.pid()
        self.append('/etc/default/mtad', 'OPTIONS=-v\n')
        self.install(packages['new'])
        self.assertEqual(self.state(), 'installed ' + packages['new'])
        self.assertTrue(self.running())
        self.assertNotEqual(self.pid(), pid)
        self.assertEqual(self.queue(), [message])
        with open(self.root.path('/proc/%d/cmdline' % self.pid())) as f:
            self.assertIn('-v', f.read().split('\0'))
        # who had stopped it finds it stopped
        self.assertEqual(self.service('stop').returncode, 0)
        self.install(packages['new'])
        self.assertFalse(self.running())
        self.assertEqual(self.service('start').returncode, 0)

    def removal(self, message):
        """A spool with a message stays, with its users, and that is said."""
        said = self.dpkg('-r', 'mtad')
        self.assertRegex(said, r'/var/spool/mtad: 1 messages')
        self.assertEqual(self.state().split()[0], 'config-files')
        self.assertFalse(self.exists('/run/mtad.pid'))
        self.assertEqual(self.root.run('ps', '-C', 'mtad,rtsd,spoold', '-o',
                                       'pid=,comm=', check=False).stdout, '')
        said = self.dpkg('-P', 'mtad')
        self.assertRegex(said, r'/var/spool/mtad is not removed: 1 messages')
        self.assertEqual(self.state(), '')
        self.assertTrue(self.exists('/var/spool/mtad/queue.db'))
        self.assertFalse(self.exists('/etc/default/mtad'))
        self.assertIsNotNone(self.user('_spoold'))
        # /etc/mtad.conf stayed as well: it goes on where it was
        self.install(packages['new'])
        self.assertTrue(self.running())
        self.assertEqual(self.queue(), [message])

    def end(self, message):
        self.root.run('mtactl', 'remove', message)
        until(lambda: self.queue() == [], 60, 'the queue is empty')
        # the record of it outlives it
        said = self.dpkg('-P', 'mtad')
        self.assertIn('/var/spool/mtad/audit is not removed', said)
        self.assertEqual(os.listdir(self.root.path('/var/spool/mtad')),
                         ['audit'])
        self.assertIsNotNone(self.user('_spoold'))
        self.install(packages['new'])
        self.assertEqual(self.queue(), [])
        self.assertEqual(self.service('stop').returncode, 0)
        self.root.run('rm', '-r', '/var/spool/mtad/audit')
        said = self.dpkg('-P', 'mtad')
        self.assertIn('/etc/mtad.conf is yours and stays', said)
        self.assertIsNone(self.user('_rtsd'))
        self.assertIsNone(self.user('_spoold'))
        self.assertTrue(self.exists('/etc/mtad.conf'))
        os.unlink(self.root.path('/etc/mtad.conf'))
        self.root.run('rmdir', '/var/spool/mtad-in')

    def test_not_ours(self):
        """Users and spool that were here before stay."""
        self.root.run('useradd', '--system', '--user-group', '_rtsd')
        self.root.run('useradd', '--system', '--user-group', '_spoold')
        self.root.run('install', '-d', '-o', '_spoold', '-m', '700',
                      '/var/spool/mtad')
        before = self.changed()
        self.install(packages['new'])
        said = self.dpkg('-P', 'mtad')
        self.assertIn('/var/spool/mtad is not removed', said)
        self.root.run('rm', '-r', '/var/lib/mtad')
        self.before = before
        self.as_before()


@unittest.skipUnless(possible(), 'not root, or no overlayfs')
class InitScript(Life, unittest.TestCase):
    def test_elsewhere(self):
        """A spool of another place, and what was delivered, stay with the
        users whose they are, and are named."""
        self.install(packages['new'])
        self.configure()
        self.append('/etc/mtad.conf', 'where = "/srv/mtad"\nspool $where\n')
        self.assertEqual(self.service('start').returncode, 0)
        self.assertEqual(self.service('stop').returncode, 0)
        self.root.run('sh', '-c', 'echo x >/var/spool/mtad-in/x')
        said = self.dpkg('-P', 'mtad')
        self.assertIn('/srv/mtad is not removed: it is the spool', said)
        self.assertIn('/var/spool/mtad-in is not removed: messages', said)
        self.assertIn('The users _rtsd and _spoold stay', said)
        self.assertTrue(self.exists('/srv/mtad/queue.db'))
        self.assertFalse(self.exists('/var/spool/mtad'))
        self.assertIsNotNone(self.user('_spoold'))
        # nor does anybody go when nobody can say where that is
        self.install(packages['new'])
        self.root.run('rm', '-r', '/srv/mtad', '/var/spool/mtad-in')
        self.append('/etc/mtad.conf', 'lisen on 127.0.0.1\n')
        said = self.dpkg('-P', 'mtad')
        self.assertIn('nobody knows what there is elsewhere', said)
        self.assertIsNotNone(self.user('_spoold'))
        self.install(packages['new'])
        os.unlink(self.root.path('/etc/mtad.conf'))
        self.dpkg('-P', 'mtad')
        self.as_before()

    def test_start_refused(self):
        self.install(packages['new'])
        out = self.service('start')
        self.assertEqual(out.returncode, 6, out.stdout)
        self.assertIn('/etc/mtad.conf', out.stdout)


@unittest.skipUnless(possible(), 'not root, or no overlayfs')
@unittest.skipUnless(can_boot(), 'no systemd or no control groups')
class Unit(Life, unittest.TestCase):
    systemd = True

    def test_start_refused(self):
        self.install(packages['new'])
        # not asked for, not a failure
        self.assertEqual(self.service('start').returncode, 0)
        self.assertFalse(self.running())
        self.configure()
        self.append('/etc/mtad.conf', 'lisen on 127.0.0.1\n')
        self.assertNotEqual(self.service('start').returncode, 0)
        self.assertRegex(self.journal(), r'/etc/mtad\.conf:\d+:7: ')

    def test_log(self):
        """By syslog, facility mail, with levels."""
        self.install(packages['new'])
        self.configure()
        self.assertEqual(self.service('start').returncode, 0)
        until(lambda: 'ready' in self.journal('SYSLOG_FACILITY=2',
                                              'PRIORITY=6',
                                              '_TRANSPORT=syslog'),
              60, 'mtad logs')

    def journal(self, *match):
        return self.root.run('journalctl', '--no-pager', '-u', 'mtad',
                             *match).stdout

    def test_work(self):
        """What the unit forbids leaves what mtad has to do: deliveries by a
        user to his home, look-ups, calls."""
        self.install(packages['new'])
        self.root.run('useradd', '--create-home', 'jo-of-mtad')
        self.configure()
        with open(self.root.path('/etc/mtad.conf')) as f:
            text = f.read()
        text = re.sub('(?m)^deliver .*$', 'deliver "%s" to command "%s" user '
                      '"jo-of-mtad"' % (
                          '/C=GB/ADMD=GOLD 400/PRMD=ALPHA',
                          '/usr/libexec/mtad/x400-maildir'), text)
        text = re.sub(r'(?m)^\s*disabled.*$', '', text)
        text = text.replace('192.0.2.7 port 102', 'localhost port 1')
        with open(self.root.path('/etc/mtad.conf'), 'w') as f:
            f.write(text)
        self.assertEqual(self.service('start').returncode, 0)
        self.root.run('sh', '-c', 'echo "A message" | mtactl submit -f "$1" '
                      '-t "$1" -t "$2"', 'sh', HERE, THERE)
        new = self.root.path('/home/jo-of-mtad/Maildir/new')
        until(lambda: os.path.isdir(new) and os.listdir(new), 60, 'delivery')
        until(lambda: 'port 1: Connection refused' in self.journal(), 60,
              'a call')

    def test_killed(self):
        """It is started again, and confined as its unit says."""
        self.install(packages['new'])
        self.configure()
        self.assertEqual(self.service('start').returncode, 0)
        first = self.pid()
        with open(self.root.path('/proc/%d/status' % first)) as f:
            status = dict(line.split(':\t', 1) for line in f if ':\t' in line)
        self.assertEqual(int(status['CapEff'], 16) &
                         ~int(status['CapBnd'], 16), 0)
        for absent in 21, 16, 25, 12:    # admin, module, time, net admin
            self.assertFalse(int(status['CapBnd'], 16) >> absent & 1)
        self.assertEqual(status['Seccomp'].strip(), '2')
        self.root.run('kill', '-KILL', str(first))
        until(lambda: self.running() and self.exists('/run/mtad.pid') and
              self.pid() != first, 60, 'another one')


if __name__ == '__main__':
    unittest.main()
