# SPDX-License-Identifier: ISC
"""Real mtads for tests: each in a directory of its own, confined, on ports of
its own, with its processes known by number.  Leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# of all peers that do not say otherwise
MODE = os.environ.get('MTAD_MODE', 'x410-1984')
BUILD = os.environ.get('MTAD_BUILD', os.path.join(TOP, 'build'))

# Looking for leaks needs ptrace, /proc and processes: a confined process of a
# build with sanitizers has none of these.
if '-u' not in os.environ.get('MTAD_FLAGS', '').split():
    os.environ.setdefault('ASAN_OPTIONS', 'detect_leaks=0')

DOMAINS = {
    'alpha': '/C=GB/ADMD=GOLD 400/PRMD=ALPHA',
    'beta': '/C=FR/ADMD=ATLAS/PRMD=BETA',
    'gamma': '/C=DE/ADMD=DBP/PRMD=GAMMA',
    'delta': '/C=DK/ADMD=DK400/PRMD=DELTA',
}


def address(name, surname='Doe'):
    """An O/R address in the domain of an MTA."""
    return '%s/S=%s' % (DOMAINS[name], surname)


def password(name):
    return 'secret of ' + name


SANITIZERS = re.compile(
    r'^.*(?:ERROR: \w+Sanitizer|runtime error: |SUMMARY: \w+Sanitizer).*$',
    re.M)


def reserve_port():
    """A socket that is bound and does not listen: with SO_REUSEADDR a daemon
    can still listen there, and no other test is given the same port."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 0))
    return s


def until(condition, timeout=15.0, what='condition', step=0.005):
    """Waits for something to hold and returns it."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError('%s: not within %g s' % (what, timeout))
        time.sleep(step)


# Options of a peer that a test gives again to have its own instead of those
# that its file gives all peers.
OPTION = re.compile(
    r'(?<![\w-])((?:open |transfer )?timeout \S+|(?:idle|associations|delay|'
    r'keep|memory|checkpoint|window|recover|reserve|safe-store|attempts|'
    r'tpdu-size|dialogue) [^\s{}"]+|retry \S+ to \S+)')


def last_of_each(lines):
    """The lines, without the options that come again after them."""
    seen, out = set(), []
    for line in reversed(lines):
        if '"' in line or '\n' in line:
            out.append(line)        # texts may hold anything
            continue
        for found in reversed(list(OPTION.finditer(line))):
            key = re.match(r'(open |transfer )?\S+', found.group()).group()
            if key in seen:
                line = line[:found.start()] + line[found.end():]
            seen.add(key)
        out.append(line)
    return [line for line in reversed(out) if line.strip()]


class Peer:
    """One peer of a configuration: other's name, port (None: it calls us),
    and lines for its block."""

    def __init__(self, name, port=None, *lines, route=True, mode=None):
        self.name, self.port, self.lines, self.route = \
            name, port, list(lines), route
        self.mode = mode or MODE

    def text(self):
        out = ['peer "%s" {' % self.name]
        if self.port is not None:
            out.append('\taddress 127.0.0.1 port %d' % self.port)
        own = {'mode ': self.mode, 'domain ': '"%s"' % DOMAINS[self.name],
               'remote name ': '"%s" password "%s"' % (
                   self.name, password(self.name))}
        out += ['\t' + word + value for word, value in own.items()
                if not any(line.startswith(word) for line in self.lines)]
        out += ['\t' + line for line in last_of_each(self.lines)]
        out.append('}')
        if self.route:
            out.append('route "%s" via "%s"' % (DOMAINS[self.name],
                                                self.name))
        return '\n'.join(out) + '\n'


class Mta:
    def __init__(self, name, directory=None, env=None):
        self.name = name
        self.own = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix='mtad-%s-' % name)
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o755)
        self.delivery = os.path.join(self.dir, 'in')
        self.spool = os.path.join(self.dir, 'spool')
        self.socket = os.path.join(self.dir, 'run', 'mtad.sock')
        self.conf = os.path.join(self.dir, 'mtad.conf')
        self.logfile = os.path.join(self.dir, 'log')
        self.reserved = reserve_port()
        self.port = self.reserved.getsockname()[1]
        self.proc = None
        self.env = env
        self.wrapper = []           # in front of mtad's command line
        self.flags = os.environ.get('MTAD_FLAGS', '').split()

    def configure(self, *peers, lines=(), tls=''):
        """lines: more statements; tls: behind the address listened on."""
        text = ('mta "%s" domain "%s" password "%s"\n'
                'spool "%s"\ncontrol "%s"\nlisten on 127.0.0.1 port %d%s\n'
                'deliver "%s" to directory "%s"\n' % (
                    self.name, DOMAINS[self.name], password(self.name),
                    self.spool, self.socket, self.port, tls and ' ' + tls,
                    DOMAINS[self.name], self.delivery))
        text += ''.join(line + '\n' for line in lines)
        text += ''.join(peer.text() for peer in peers)
        self.write(text)
        return self

    def write(self, text):
        fd = os.open(self.conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, 'w') as f:
            f.write(text)

    def start(self, ready=True):
        mark = self.log_size()
        with open(self.logfile, 'ab') as log:
            self.proc = subprocess.Popen(
                self.wrapper +
                [os.path.join(BUILD, 'mtad', 'mtad'), '-d', '-f',
                 self.conf, '-L', BUILD] + self.flags,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.env, start_new_session=True)
        if ready:
            def up():
                if self.proc.poll() is not None:
                    raise RuntimeError('mtad did not start:\n' +
                                       self.log(mark))
                return ': ready mta=' in self.log(mark)
            until(up, 30, 'mtad %s ready' % self.name)
        return self

    def log_size(self):
        try:
            return os.path.getsize(self.logfile)
        except FileNotFoundError:
            return 0

    def log(self, since=0):
        try:
            with open(self.logfile, 'rb') as f:
                f.seek(since)
                return f.read().decode('utf-8', 'replace')
        except FileNotFoundError:
            return ''

    def pids(self):
        """Numbers of mtad, rtsd and spoold as they are now."""
        out = {'mtad': self.proc.pid}
        try:
            with open('/proc/%d/task/%d/children' % (
                    self.proc.pid, self.proc.pid)) as f:
                children = f.read().split()
        except OSError:
            return out
        for pid in children:
            try:
                with open('/proc/%s/comm' % pid) as f:
                    name = f.read().strip()
            except OSError:
                continue
            if name in ('rtsd', 'spoold'):
                out[name] = int(pid)
        return out

    def kill(self, role, sig=signal.SIGKILL):
        """True: there was one to kill."""
        pid = self.pids().get(role)
        if pid is None:
            return False
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            return False
        if role == 'mtad':
            self.proc.wait()
        return True

    def stop(self, timeout=30):
        """In order; the exit status."""
        if self.proc is None:
            return None
        if self.proc.poll() is None:
            self.proc.terminate()
        try:
            return self.proc.wait(timeout)
        finally:
            self.proc = None

    def crash(self):
        """All three at once."""
        pids = self.pids()
        for pid in pids.values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.proc.wait()
        self.wait_children_gone(pids)

    @staticmethod
    def wait_children_gone(pids):
        def gone():
            for role, pid in pids.items():
                try:
                    with open('/proc/%d/stat' % pid) as f:
                        state = f.read().split(') ')[1][0]
                    # a thread that syncs still holds what the others left
                    if state != 'Z' or len(os.listdir(
                            '/proc/%d/task' % pid)) > 1:
                        return False
                except OSError:
                    pass
            return True
        until(gone, 10, 'processes gone')

    def cleanup(self):
        if self.proc is not None and '-u' in self.flags:
            self.stop()         # unconfined: leaks are looked for at the end
        if self.proc is not None:
            pids = self.pids()
            for pid in pids.values():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.proc.wait()
            self.wait_children_gone(pids)
            self.proc = None
        self.reserved.close()
        found = SANITIZERS.findall(self.log())
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)
        if found:
            raise AssertionError('%s: %s' % (self.name, '\n'.join(found)))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.cleanup()

    def mtactl(self, *args, check=True, input=None):
        """Output of mtactl -j, parsed."""
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-j', '-s', self.socket]
            + list(args), input=input, capture_output=True, timeout=300,
            stdin=subprocess.DEVNULL if input is None else None)
        if check and out.returncode != 0:
            raise RuntimeError('mtactl %s: %s' % (
                ' '.join(args), out.stderr.decode().strip()))
        text = out.stdout.decode()
        return json.loads(text) if text.strip() else None

    def inject(self, to, length, n=1, priority=None, connections=1):
        """Submits messages as the benchmark does, in no time."""
        args = [os.path.join(BUILD, 'tests', 'bench', 'inject'), '-s',
                self.socket, '-f', address(self.name), '-t', to, '-n', str(n),
                '-l', str(length), '-c', str(connections)]
        if priority:
            args += ['-p', priority]
        subprocess.run(args, check=True, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, timeout=600)

    def delivered(self):
        """Names of the contents delivered so far."""
        try:
            return sorted(n for n in os.listdir(self.delivery)
                          if n.endswith('.p2') and not n.startswith('.'))
        except FileNotFoundError:
            return []

    def content(self, name):
        with open(os.path.join(self.delivery, name), 'rb') as f:
            return f.read()
