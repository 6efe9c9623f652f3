# SPDX-License-Identifier: ISC
"""A Postfix of its own in a temporary directory, to measure beside mtad.

smtp-source sends through smtpd, cleanup, qmgr and smtp to smtp-sink: own
main.cf and master.cf, own queue and data directories, ephemeral loopback
ports.  Everything that decides durability is left at Debian's defaults.  The
system's Postfix is neither read, changed, started nor stopped.
"""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

DAEMONS = '/usr/lib/postfix/sbin'

MASTER = '''\
127.0.0.1:%(port)d inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
'''

MAIN = '''\
compatibility_level = 3.6
config_directory = %(dir)s/etc
queue_directory = %(dir)s/queue
data_directory = %(dir)s/data
syslog_name = postfix-bench
myhostname = bench.invalid
mydestination =
local_recipient_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:%(sink)d
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_destination_concurrency_limit = %(conc)d
initial_destination_concurrency = %(conc)d
alias_maps =
alias_database =
smtpd_client_restrictions = %(restrictions)s
'''


PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Be the one who waits for the daemons that outlive master."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def available():
    return all(shutil.which(p) or os.path.exists('/usr/sbin/' + p)
               for p in ('postfix', 'smtp-source', 'smtp-sink'))


def version():
    out = subprocess.run(['postconf', '-d', 'mail_version'],
                         capture_output=True, text=True).stdout
    return out.split('=')[-1].strip()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Sink:
    """smtp-sink, and how many messages it has got."""

    def __init__(self):
        self.port = free_port()
        self.proc = subprocess.Popen(
            ['smtp-sink', '-u', 'nobody', '-c', '-4', '127.0.0.1:%d' % self.port, '512'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.set_blocking(self.proc.stdout.fileno(), False)
        self.tail = b''
        self.count = 0

    def poll(self):
        try:
            octets = os.read(self.proc.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            return self.count
        self.tail = (self.tail + octets)[-200:]
        found = re.findall(rb'mesg=(\d+)', self.tail)
        # The last may be cut short: the one before it is complete.
        if len(found) > 1:
            self.count = int(found[-2])
        if self.tail.endswith((b'\r', b'\n')) and found:
            self.count = int(found[-1])
        return self.count

    def wait(self, count, timeout):
        """Time when count messages had come; None: not within timeout."""
        end = time.monotonic() + timeout
        while self.poll() < count:
            if time.monotonic() > end or self.proc.poll() is not None:
                return None
            time.sleep(0.002)
        return time.monotonic()

    def close(self):
        self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()


class Postfix:
    """hold: messages stay in the queue until release()."""

    def __init__(self, concurrency, hold=False, base=None):
        self.dir = tempfile.mkdtemp(prefix='mtad-postfix-', dir=base)
        os.chmod(self.dir, 0o755)
        self.sink = None
        self.master = None
        adopt_orphans()
        self.concurrency = concurrency
        try:
            self.sink = Sink()
            self.port = free_port()
            os.mkdir(self.dir + '/etc', 0o755)
            os.mkdir(self.dir + '/queue', 0o755)
            os.mkdir(self.dir + '/data', 0o700)
            shutil.chown(self.dir + '/data', 'postfix')
            self.configure('check_client_access static:HOLD' if hold else '')
            with open(self.dir + '/etc/master.cf', 'w') as f:
                f.write(MASTER % {'port': self.port})
            self.command('check')
            self.master = subprocess.Popen(
                [DAEMONS + '/master', '-c', self.dir + '/etc', '-d'],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True)
            self.wait_ready()
        except BaseException:
            self.close()
            raise

    def configure(self, restrictions):
        with open(self.dir + '/etc/main.cf', 'w') as f:
            f.write(MAIN % {'dir': self.dir, 'sink': self.sink.port,
                            'conc': self.concurrency,
                            'restrictions': restrictions})

    def command(self, *args):
        subprocess.run(['postfix', '-c', self.dir + '/etc', *args],
                       check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_ready(self):
        end = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(('127.0.0.1', self.port),
                                              5) as s:
                    if s.recv(100).startswith(b'220'):
                        s.sendall(b'QUIT\r\n')
                        return
            except OSError:
                pass
            if time.monotonic() > end or self.master.poll() is not None:
                raise RuntimeError('postfix does not answer')
            time.sleep(0.05)

    def source(self, count, size):
        return subprocess.Popen(
            ['smtp-source', '-4', '-s', str(self.concurrency), '-m',
             str(count), '-l', str(size), '-f', 'a@bench.invalid',
             '-t', 'b@sink.invalid', '127.0.0.1:%d' % self.port],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def release(self):
        """Send what was held."""
        subprocess.run(['postsuper', '-c', self.dir + '/etc', '-H', 'ALL'],
                       check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.command('flush')

    def close(self):
        if self.master is not None:
            self.master.send_signal(signal.SIGTERM)
            try:
                self.master.wait(10)
            except subprocess.TimeoutExpired:
                pass
            # All its children are of its group, and ours once it is gone.
            try:
                os.killpg(self.master.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.master.wait()
            try:
                while True:
                    os.waitpid(-self.master.pid, 0)
            except ChildProcessError:
                pass
        if self.sink is not None:
            self.sink.close()
        for _ in range(10):
            shutil.rmtree(self.dir, ignore_errors=True)
            if not os.path.exists(self.dir):
                break
            time.sleep(0.2)


def run(concurrency, count, size, timeout=120, base=None):
    """Messages a second, as a dict: through (from the first octet of
    smtp-source until smtp-sink has all), submit (until smtpd has taken all,
    nothing going out), drain (from the release of that queue until
    smtp-sink has all).  None where a step did not end in time."""
    out = {'through': None, 'submit': None, 'drain': None}
    postfix = Postfix(concurrency, base=base)
    try:
        start = time.monotonic()
        source = postfix.source(count, size)
        end = postfix.sink.wait(count, timeout)
        source.kill()
        source.wait()
        if end is not None:
            out['through'] = count / (end - start)
    finally:
        postfix.close()
    postfix = Postfix(concurrency, hold=True, base=base)
    try:
        start = time.monotonic()
        source = postfix.source(count, size)
        try:
            if source.wait(timeout) != 0:
                return out
        except subprocess.TimeoutExpired:
            source.kill()
            source.wait()
            return out
        out['submit'] = count / (time.monotonic() - start)
        start = time.monotonic()
        postfix.release()
        end = postfix.sink.wait(count, timeout)
        if end is not None:
            out['drain'] = count / (end - start)
    finally:
        postfix.close()
    return out
