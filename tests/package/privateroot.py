# SPDX-License-Identifier: ISC
"""This machine, to do with as one likes: its file system under a layer that
takes what is written, and processes, network and IPC of its own.

    with PrivateRoot() as root:
        root.run('dpkg', '-i', '/tmp/mtad.deb')
        root.path('/etc/mtad.conf')     # as seen from outside

Nothing of it reaches the machine itself, and all of it, processes and files,
is gone at the end, whatever the end is.  Needs root, unshare(1), nsenter(1)
and overlayfs."""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time

# Run as process 1 there.
INIT = r"""
set -eu
d=$1 group=$2
mount -t tmpfs -o mode=755 tmpfs "$d"
mkdir "$d/upper" "$d/work" "$d/root" "$d/groups"
mount -t overlay -o "lowerdir=/,upperdir=$d/upper,workdir=$d/work" \
    overlay "$d/root"
r=$d/root
mount -t tmpfs -o mode=755 tmpfs "$r/run"
mount -t tmpfs -o mode=1777 tmpfs "$r/tmp"
mount -t tmpfs -o mode=755 tmpfs "$r/dev"
mkdir "$r/dev/shm" "$r/dev/pts"
chmod 1777 "$r/dev/shm"
for node in null zero full random urandom tty; do
	: >"$r/dev/$node"
	mount --bind "/dev/$node" "$r/dev/$node"
done
ln -s /proc/self/fd "$r/dev/fd"
ln -s pts/ptmx "$r/dev/ptmx"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$r/dev/pts"
mount -t proc proc "$r/proc"
mount --bind "$r/proc/sys" "$r/proc/sys"
mount -o remount,ro,bind "$r/proc/sys"
mount -t proc proc /proc
mount -t sysfs -o ro sysfs "$r/sys"
ip link set lo up
if [ -z "$group" ]; then
	# who has no other parent ends with this one
	exec python3 -c 'import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
sys.stdin.read()'
fi
mount -t cgroup2 cgroup2 "$d/groups"
mkdir "$d/groups$group"
echo 0 >"$d/groups$group/cgroup.procs"
umount "$d/groups"
# Nothing of what this machine starts, and no way to the kernel of it.
rm -rf "$r"/etc/systemd/system/*.wants
exec unshare --cgroup sh -c '
	mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
	echo ready
	read -r _
	drop=-sys_module,-sys_time,-sys_boot,-sys_rawio
	drop=$drop,-audit_control,-audit_read,-syslog
	exec setpriv --bounding-set "$drop" chroot "$1" \
	    /usr/bin/env -i container=other \
	    PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
	    --system --unit=basic.target --log-target=console \
	    --show-status=no </dev/null >&2' sh "$r"
"""
TRY = r"""
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" \
    overlay "$1/root"
"""


def possible():
    """Can this machine have a root like that?"""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as d:
        return subprocess.run(
            ['unshare', '-m', '-p', '-f', '-n', '--propagation', 'private',
             'sh', '-c', TRY, 'sh', d], capture_output=True,
            timeout=60).returncode == 0


REMOVE_GROUP = r"""
mount -t cgroup2 cgroup2 "$1"
i=0
while grep -qs "populated 1" "$1$2/cgroup.events" && [ $i -lt 200 ]; do
	sleep 0.1
	i=$((i + 1))
done
find "$1$2" -depth -type d -exec rmdir {} +
"""


def unified_group():
    """Our control group of version 2, or None."""
    with open('/proc/filesystems') as f:
        if '\tcgroup2\n' not in f.read():
            return None
    with open('/proc/self/cgroup') as f:
        for line in f:
            if line.startswith('0::'):
                return line[3:].strip().rstrip('/')
    return None


def can_boot():
    return os.path.exists('/lib/systemd/systemd') and \
        unified_group() is not None


class PrivateRoot:
    """With systemd as process 1 there if asked for."""

    def __init__(self, systemd=False):
        self.dir = tempfile.mkdtemp(prefix='mtad-root-')
        self.group = self.pid = self.fd = None
        if systemd:
            self.group = '%s/%s' % (unified_group(),
                                    os.path.basename(self.dir))
        self.said = tempfile.TemporaryFile('w+', errors='replace')
        # whoever dies takes what he started with him
        self.init = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--pid',
             '--net', '--ipc', '--uts', '--propagation', 'private', '--fork',
             '--kill-child=KILL', 'sh', '-c', INIT, 'sh', self.dir,
             self.group or ''],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said,
            text=True)
        try:
            self._started(systemd)
        except BaseException:
            self.close()
            raise

    def _started(self, systemd):
        if self.init.stdout.readline() != 'ready\n':
            self.init.wait()
            self.said.seek(0)
            raise RuntimeError('no private root: ' + self.said.read())
        with open('/proc/%d/task/%d/children' % (self.init.pid,
                                                 self.init.pid)) as f:
            self.pid = int(f.read().split()[0])
        self.fd = os.open('/proc/%d/root' % self.pid, os.O_PATH)
        self.init.stdin.write('\n')        # seen, go on
        self.init.stdin.flush()
        if not systemd:
            return
        give_up = time.monotonic() + 120
        while self.run('systemctl', 'is-active', 'basic.target',
                       check=False).stdout != 'active\n':
            if time.monotonic() > give_up:
                self.said.seek(0)
                raise RuntimeError('no systemd: ' + self.said.read())
            time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        if self.pid is not None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        else:
            self.init.kill()
        self.init.wait()
        if self.fd is not None:
            os.close(self.fd)
        self.init.stdin.close()
        self.init.stdout.close()
        self.said.close()
        if self.group is not None:
            subprocess.run(['unshare', '--mount', '--propagation', 'private',
                            'sh', '-c', REMOVE_GROUP, 'sh', self.dir,
                            self.group], check=False,
                           stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _outside(self, what, path):
        return '/proc/%d/fd/%d%s/%s%s' % (os.getpid(), self.fd, self.dir,
                                          what, path)

    def path(self, path):
        return self._outside('root', path)

    def command(self, *args):
        return ['nsenter', '--target', str(self.pid), '--mount', '--pid',
                '--net', '--ipc', '--uts', '--cgroup', 'chroot',
                self.dir + '/root', *args]

    def run(self, *args, check=True, timeout=120, **more):
        """Standard output and standard error are one in what it returns."""
        out = subprocess.run(
            self.command(*args), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=timeout, env={
                'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root',
                'LC_ALL': 'C.UTF-8', 'DEBIAN_FRONTEND': 'noninteractive'},
            **more)
        if check and out.returncode != 0:
            raise AssertionError('%s: exit status %d\n%s' % (
                ' '.join(args), out.returncode, out.stdout))
        return out

    def changed(self):
        """What is not as on the machine: path: what it is, None: gone."""
        upper = self._outside('upper', '')
        found = {}
        for top, dirs, names in os.walk(upper):
            for name in dirs + names:
                full = os.path.join(top, name)
                path = '/' + os.path.relpath(full, upper)
                now = describe(full)
                if now != describe(path):
                    found[path] = now
        return found


def describe(path):
    """Type, mode, owner and content; None if it is not there."""
    try:
        st = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISCHR(st.st_mode) and st.st_rdev == 0:
        return None             # how a layer says that it is gone
    content = ''
    if stat.S_ISLNK(st.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(st.st_mode):
        with open(path, 'rb') as f:
            content = hashlib.sha256(f.read()).hexdigest()
    return '%o %d:%d %s' % (st.st_mode, st.st_uid, st.st_gid, content)
