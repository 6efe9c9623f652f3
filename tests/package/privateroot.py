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
import stat
import subprocess
import tempfile

# Run as process 1 there.  It lives as long as its standard input.
INIT = r'''
set -eu
d=$1
mount -t tmpfs -o mode=755 tmpfs "$d"
mkdir "$d/upper" "$d/work" "$d/root"
mount -t overlay -o "lowerdir=/,upperdir=$d/upper,workdir=$d/work" \
    overlay "$d/root"
r=$d/root
mount -t tmpfs -o mode=755 tmpfs "$r/run"
mount -t tmpfs -o mode=1777 tmpfs "$r/tmp"
mount -t tmpfs -o mode=755 tmpfs "$r/dev"
mkdir "$r/dev/shm"
chmod 1777 "$r/dev/shm"
for node in null zero full random urandom tty; do
	: >"$r/dev/$node"
	mount --bind "/dev/$node" "$r/dev/$node"
done
ln -s /proc/self/fd "$r/dev/fd"
mount -t proc proc "$r/proc"
mount -t proc proc /proc
ip link set lo up
trap '' CHLD			# who has no other parent ends here
echo ready
read -r _ || true
'''


class PrivateRoot:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='mtad-root-')
        self.init = subprocess.Popen(
            ['unshare', '--mount', '--pid', '--net', '--ipc', '--uts',
             '--propagation', 'private', '--fork', '--kill-child=KILL',
             'sh', '-c', INIT, 'sh', self.dir],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        if self.init.stdout.readline() != 'ready\n':
            why = self.init.stderr.read()
            self.close()
            raise RuntimeError('no private root: ' + why)
        with open('/proc/%d/task/%d/children' % (self.init.pid,
                                                 self.init.pid)) as f:
            self.pid = int(f.read().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.init.stdin.close()
        try:
            self.init.wait(20)
        except subprocess.TimeoutExpired:
            self.init.kill()
            self.init.wait()
        self.init.stdout.close()
        self.init.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _outside(self, what, path):
        return '/proc/%d/root%s/%s%s' % (self.pid, self.dir, what, path)

    def path(self, path):
        return self._outside('root', path)

    def command(self, *args):
        return ['nsenter', '--target', str(self.pid), '--mount', '--pid',
                '--net', '--ipc', '--uts', 'chroot', self.dir + '/root',
                *args]

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
