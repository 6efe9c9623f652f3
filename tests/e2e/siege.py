#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""beta under siege: connections that say nothing, that are reset, that begin
with what is no packet, that open or recover an association as nobody knows
it, and that begin with TLS, from the address of its peer alpha and from
thousands of others.  alpha opens an association and sends messages meanwhile:
all arrive, and rtsd has no more memory at the end than after the first hit.

    siege.py            short (the test suite)
    siege.py -l         long: a million malformed packets, thousands of
                        sockets; prints the figures of tests/bench/README"""

import argparse
import json
import os
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from e2e.certificates import Authority                      # noqa: E402
from e2e.mtadtest import (BUILD, MODE, Mta, Peer, address,  # noqa: E402
                          reserve_port, until)
from peer import apdu                                       # noqa: E402
from peer.mta import Initiator                              # noqa: E402
from peer.rts import Rejected                               # noqa: E402
from peer.store import INITIATOR, Record                    # noqa: E402

FLOOD = os.path.join(BUILD, 'tests', 'bench', 'flood')
LINES = ['retry 1s to 1s', 'delay 1s timeout 60s keep 10m',
         'open timeout 10s', 'checkpoint 16 window 3', 'associations 4',
         'idle 10m', 'transfer timeout 60s']
OTHERS = '127.64.0.0/12'
GROWTH = 6 * 1024           # KB, beyond what the first of each kind took


def memory(pid, what='VmRSS'):
    with open('/proc/%d/status' % pid) as f:
        for line in f:
            if line.startswith(what + ':'):
                return int(line.split()[1])


class Siege:
    def __init__(self, long):
        self.long = long
        self.messages = 2000 if long else 100
        self.beta = Mta('beta')
        self.tls = reserve_port()
        pair = Authority(os.path.join(self.beta.dir, 'ca')).issue(
            'beta', 'ecdsa')
        self.beta.configure(
            Peer('alpha', None, *LINES), lines=[
                'listen on 127.0.0.1 port %d tls certificate "%s" key "%s"' %
                (self.tls.getsockname()[1], *pair)])
        self.alpha = Mta('alpha')
        self.alpha.configure(Peer('beta', self.beta.port, *LINES))
        self.gamma = Mta('gamma').configure()
        self.beta.start()
        self.alpha.start()
        if long:
            self.gamma.start()
        self.rtsd = self.beta.pids()['rtsd']
        self.pids = self.beta.pids(), self.alpha.pids()
        self.sent = 0

    def close(self):
        for mta in (self.alpha, self.beta, self.gamma):
            mta.cleanup()
        self.tls.close()

    def associations(self):
        return [a for a in self.alpha.mtactl('show', 'associations')]

    def serve(self):
        """A new association, then messages: s for it, messages a second."""
        self.alpha.mtactl('peer', 'beta', 'down')
        until(lambda: not self.associations(), 60, 'association released')
        start = time.monotonic()
        self.alpha.mtactl('peer', 'beta', 'up')
        self.carry(1)
        opened = time.monotonic() - start
        start = time.monotonic()
        self.carry(self.messages)
        return opened, self.messages / (time.monotonic() - start)

    def carry(self, n):
        self.sent += n
        self.alpha.inject(address('beta'), 2000, n=n, connections=min(n, 4))
        until(lambda: len(self.beta.delivered()) >= self.sent, 240,
              'messages delivered', 0.01)

    def flood(self, *args, at=None):
        return subprocess.Popen(
            [FLOOD, '-p', str((at or self.beta).port)] + list(args),
            stdout=subprocess.PIPE, text=True)

    def words(self, name, said, answer):
        """A file for flood, and after how much of an answer it goes on."""
        path = os.path.join(self.beta.dir, name)
        with open(path, 'wb') as f:
            f.write(said)
        return '-r', str(answer), path

    def refused(self, name, recover):
        """What an initiator says to be refused: both packets at once."""
        heard = {}

        def record(direction, octets):
            heard[direction] = heard.get(direction, b'') + bytes(octets)
        initiator = Initiator(
            self.beta.port, record_octets=record, name='alpha',
            password='not the one', mode='x410' if MODE == 'x410-1984' else
            MODE)
        try:
            if recover:
                initiator.record = Record(initiator.stack.named(
                    apdu.Scid.new('alpha')), INITIATOR, None)
                initiator.recover()
            else:
                initiator.open()
        except Rejected:
            pass
        else:
            raise AssertionError('%s: beta took it' % name)
        finally:
            initiator.close_connection()
        return self.words(name, heard['out'], len(heard['in']))

    def hello(self):
        """A ClientHello; the answer has the certificate and is signed."""
        out = ssl.MemoryBIO()
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.words('hello', out.read(), 500)

    def attack(self, name, *args, at=None):
        """Serves as long as it goes on; its figures and ours."""
        flood = self.flood(*args, at=at)
        try:
            time.sleep(1)                       # it is well under way
            opened, rate = self.serve()
            # what is counted ends by itself, all else goes on until now
            if '-n' not in args:
                if flood.poll() is not None:
                    raise AssertionError('%s: the flood ended' % name)
                flood.terminate()
            out, _ = flood.communicate(timeout=900)
        finally:
            if flood.poll() is None:
                flood.kill()
                flood.wait()
        figures = json.loads(out)
        figures.update(name=name, opened=opened, rate=rate,
                       rss=memory(self.rtsd), peak=memory(self.rtsd, 'VmHWM'))
        return figures

    def attacks(self):
        many = '3000' if self.long else '600'
        count = ['-n', '1000000'] if self.long else []
        stranger = self.refused('stranger', False)
        recovering = self.refused('recovering', True)
        hello = ['-p', str(self.tls.getsockname()[1]), *self.hello()]
        for where, more in (('the peer', []), ('others', ['-b', OTHERS])):
            yield 'silent, of ' + where, *more, '-c', many, 'loris'
            yield 'reset, of ' + where, *more, '-c', '100', 'connect'
            yield 'malformed, of ' + where, *more, '-c', '100', *count, \
                'malformed'
            yield 'stranger, of ' + where, *more, *stranger
            yield 'recovering, of ' + where, *more, *recovering
            yield 'TLS, of ' + where, *more, *hello

    def check(self):
        if (self.beta.pids(), self.alpha.pids()) != self.pids:
            raise AssertionError('a process died:\n' + self.beta.log())
        if len(self.beta.delivered()) != self.sent:
            raise AssertionError('%d delivered of %d' % (
                len(self.beta.delivered()), self.sent))

    def run(self):
        opened, rate = self.serve()
        rows = [dict(name='nobody', opened=opened, rate=rate, seconds=0,
                     connections=0, rss=memory(self.rtsd))]
        # the first hit: buffers, descriptors, what is remembered of addresses
        for args in (['-c', '1000', '-s', '1', 'loris'],
                     ['-c', '600', '-s', '1', '-b', OTHERS, 'loris'],
                     ['-n', '8000', '-b', OTHERS, 'malformed']):
            self.flood(*args).communicate(timeout=120)
        first = memory(self.rtsd)
        if self.long:
            # what it takes of the machine, and not of beta
            rows.append(self.attack('malformed, at gamma', '-c', '100',
                                    'malformed', at=self.gamma))
        for name, *args in self.attacks():
            rows.append(self.attack(name, *args))
        self.check()
        last = memory(self.rtsd)
        if 'MTAD_SANITIZED' not in os.environ and last > first + GROWTH:
            raise AssertionError('rtsd has %d KB, after the first hit it had '
                                 '%d KB' % (last, first))
        return first, rows


def table(first, rows):
    print('%-22s %8s %8s %8s %7s %8s %8s' % (
        'who calls besides', 'conn/s', 'closed', 'answered', 'open s',
        'msg/s', 'rss KB'))
    for r in rows:
        print('%-22s %8.0f %8d %8d %7.2f %8.1f %8d' % (
            r['name'], r['connections'] / r['seconds'] if r['seconds'] else 0,
            r.get('closed', 0), r.get('answered', 0), r['opened'], r['rate'],
            r['rss']))
    print('rss after the first hit: %d KB' % first)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-l', action='store_true', help='long')
    siege = Siege(parser.parse_args().l)
    try:
        first, rows = siege.run()
        lines = len(siege.beta.log().splitlines())
    except BaseException:
        print(siege.beta.log()[-4000:])
        raise
    finally:
        siege.close()
    table(first, rows)
    print('lines in the log of beta: %d' % lines)


if __name__ == '__main__':
    main()
