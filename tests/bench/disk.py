# SPDX-License-Identifier: ISC
"""Sequential synced writing to the disk that the spools are on."""

import os
import subprocess
import tempfile
import time

BLOCK = 1 << 20


def trim(directory):
    """Gives back all free blocks of the file system, so that whoever writes
    next, be it us or what is measured, finds blocks that are new to a disk
    which is only a file elsewhere: it may take those ten times as long as
    others.  False: it cannot be done."""
    path = os.path.realpath(directory)
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    os.sync()
    try:
        return subprocess.run(['fstrim', path],
                              stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        return False


def write(directory, size, every=None, block=BLOCK):
    """Octets a second of writing size octets to a new file, with fdatasync
    at the end, and after each `every` octets if given.  The file stays: a
    virtual disk may be several times faster where blocks have just been
    freed, and what is compared has to find the same."""
    if every:
        block = min(block, every)
    octets = os.urandom(block)
    fd, _ = tempfile.mkstemp(prefix='disk.', dir=directory)
    try:
        start = time.monotonic()
        done = since = 0
        while done < size:
            n = os.write(fd, octets[:min(block, size - done)])
            done += n
            since += n
            if every and since >= every:
                os.fdatasync(fd)
                since = 0
        os.fdatasync(fd)
        return size / (time.monotonic() - start)
    finally:
        os.close(fd)


def syncs(directory, count=200):
    """Appends of 4 KB with fdatasync, a second."""
    name = os.path.join(directory, 'sync.%d' % os.getpid())
    octets = os.urandom(4096)
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        start = time.monotonic()
        for _ in range(count):
            os.write(fd, octets)
            os.fdatasync(fd)
        return count / (time.monotonic() - start)
    finally:
        os.close(fd)
        os.unlink(name)
