# SPDX-License-Identifier: ISC
"""Sequential synced writing to the disk that the spools are on."""

import errno
import mmap
import os
import tempfile
import time

BLOCK = 1 << 20


def write(directory, size, every=None, block=BLOCK, direct=False):
    """Octets a second of writing size octets to a new file, with fdatasync
    at the end, and after each `every' octets if given.  direct: past the page
    cache, from memory that is there already; a virtual machine may get its
    memory from its host more slowly than its disk takes octets.  None: that
    cannot be done here."""
    if every:
        block = min(block, every)
    octets = mmap.mmap(-1, block)
    octets.write(os.urandom(block))
    fd, name = tempfile.mkstemp(prefix='disk.', dir=directory)
    try:
        if direct:
            usual, fd = fd, os.open(name, os.O_WRONLY | os.O_DIRECT)
            os.close(usual)
            size -= size % 4096
        start = time.monotonic()
        done = since = 0
        while done < size:
            with memoryview(octets)[:min(block, size - done)] as piece:
                n = os.write(fd, piece)
            done += n
            since += n
            if every and since >= every:
                os.fdatasync(fd)
                since = 0
        os.fdatasync(fd)
        return size / (time.monotonic() - start)
    except OSError as e:
        if direct and e.errno == errno.EINVAL:
            return None
        raise
    finally:
        os.close(fd)
        os.unlink(name)


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
