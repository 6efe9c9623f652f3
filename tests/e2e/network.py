# SPDX-License-Identifier: ISC
"""MTAs in network namespaces of their own, each two joined by a cable.

    with Network('alpha', 'beta', 'gamma') as net:
        net.cable('alpha', 'beta')
        net['alpha'].configure(net.peer('alpha', 'beta', ...), ...)

A cable is a pair of virtual interfaces; pulled out, octets go nowhere and
nobody is told, as it is with a real one.  Needs root, ip(8) and ss(8)."""

import itertools
import os
import shutil
import subprocess

from e2e.mtadtest import Mta, Peer

_numbers = itertools.count(1)


def ip(*args, check=True):
    return subprocess.run(('ip',) + args, check=check,
                          stdin=subprocess.DEVNULL, capture_output=True)


def available():
    """Can there be namespaces here?"""
    if os.geteuid() != 0 or not shutil.which('ip') or not shutil.which('ss'):
        return False
    name = 'mtad-probe-%d' % os.getpid()
    if ip('netns', 'add', name, check=False).returncode != 0:
        return False
    ok = ip('-n', name, 'link', 'add', 'name', 'one', 'type', 'veth', 'peer',
            'name', 'other', check=False).returncode == 0
    ip('netns', 'del', name, check=False)
    return ok


class Node(Mta):
    """One in a namespace; it listens on all addresses there."""

    def __init__(self, name):
        super().__init__(name)
        self.space = 'mtad-%d-%s-%d' % (os.getpid(), name, next(_numbers))
        ip('netns', 'add', self.space)
        ip('-n', self.space, 'link', 'set', 'lo', 'up')
        self.wrapper = ['ip', 'netns', 'exec', self.space]

    def write(self, text):
        super().write(text.replace('listen on 127.0.0.1 port', 'listen on * '
                                   'port'))

    def reset(self, address):
        """Its connections to an address end at once, on this side."""
        subprocess.run(self.wrapper + ['ss', '-K', 'dst', address],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)

    def cleanup(self):
        try:
            super().cleanup()
        finally:
            ip('netns', 'del', self.space, check=False)


class Network:
    def __init__(self, *names):
        self.nodes = {}
        self.cables = {}        # (a, b): address of b as a sees it
        try:
            for name in names:
                self.nodes[name] = Node(name)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def __getitem__(self, name):
        return self.nodes[name]

    def __iter__(self):
        return iter(self.nodes.values())

    def close(self):
        problems = []
        for node in self.nodes.values():
            try:
                node.cleanup()
            except AssertionError as error:
                problems.append(str(error))
        if problems:
            raise AssertionError('\n'.join(problems))

    def cable(self, a, b):
        n = len(self.cables) // 2
        one, other = self.nodes[a], self.nodes[b]
        ip('-n', one.space, 'link', 'add', 'name', 'to-' + b, 'type', 'veth',
           'peer', 'name', 'to-' + a, 'netns', other.space)
        for node, peer, host in (one, b, 1), (other, a, 2):
            ip('-n', node.space, 'addr', 'add', '10.9.%d.%d/24' % (n, host),
               'dev', 'to-' + peer)
            ip('-n', node.space, 'link', 'set', 'to-' + peer, 'up')
        self.cables[a, b] = '10.9.%d.2' % n
        self.cables[b, a] = '10.9.%d.1' % n

    def peer(self, name, other, *lines, route=True, mode=None):
        """For the configuration of one of them: the other, over the cable
        between them."""
        peer = Peer(other, self.nodes[other].port, *lines, route=route,
                    mode=mode)
        address = self.cables[name, other]
        text = peer.text

        def over_the_cable():
            return text().replace('address 127.0.0.1', 'address ' + address)
        peer.text = over_the_cable
        return peer

    def plug(self, a, b, inside):
        """In or out, at both ends."""
        for name, other in (a, b), (b, a):
            ip('-n', self.nodes[name].space, 'link', 'set', 'to-' + other,
               'up' if inside else 'down')

    def reset(self, a, b):
        """The connections between them end, and both notice."""
        self.nodes[a].reset(self.cables[a, b])
        self.nodes[b].reset(self.cables[b, a])

    def start(self):
        for node in self:
            node.start()
