#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Metrics as Prometheus would have them: read by its own parser, by way of
mtactl, of a Unix socket and of the loopback; and those who mean harm."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from prometheus_client.openmetrics import parser        # noqa: E402

from e2e.interop import Daemon, octets              # noqa: E402
from e2e.mtadtest import BUILD, Peer, address, reserve_port, until  # noqa: E402,E501

LIMIT = 60          # s, for what takes a moment
OPTIONS = ['retry 1s to 2s', 'associations 1']


def parse(text):
    """Samples by name, and by label group if they have one."""
    out = {}
    for f in parser.text_string_to_metric_families(text):
        assert f.name.startswith('mtad_') and f.documentation, f
        for s in f.samples:
            key = [s.name] + [v for k, v in sorted(s.labels.items())
                              if k != 'kind']
            assert tuple(key) not in out, key
            out[tuple(key)] = s.value
    return out


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost')
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Metrics(unittest.TestCase):
    def setUp(self):
        self.alpha, self.beta = Daemon('alpha'), Daemon('beta')
        for mta in (self.alpha, self.beta):
            self.addCleanup(mta.cleanup)
        self.reserved = reserve_port()
        self.addCleanup(self.reserved.close)
        self.port = self.reserved.getsockname()[1]
        self.unix = os.path.join(self.alpha.dir, 'run', 'metrics')
        self.configure()
        self.beta.configure(Peer('alpha', None, *OPTIONS))
        self.alpha.start()

    def configure(self, *lines):
        self.alpha.configure(
            Peer('beta', self.beta.port, *OPTIONS),
            Peer('gamma', None, 'disabled'),
            lines=['alarm queue 4 clear 1', 'metrics listen on "%s" group '
                   'daemon' % self.unix, 'metrics listen on 127.0.0.1 port '
                   '%d' % self.port, *lines])

    def stats(self):
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
             self.alpha.socket, 'stats'], capture_output=True, timeout=60,
            check=True)
        return parse(out.stdout.decode())

    def get(self, connection, method='GET', path='/metrics'):
        connection.request(method, path, headers={
            'Accept': 'application/openmetrics-text; version=1.0.0'})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer, body

    def tcp(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)

    def test_figures(self):
        """What mail does to them."""
        m = self.stats()
        self.assertEqual(m['mtad_build_info', 'alpha', '0.1'], 1)
        self.assertEqual(m['mtad_receiving', ], 1)
        self.assertEqual(m['mtad_group_down', 'gamma'], 1)
        self.assertEqual(m['mtad_group_down', 'beta'], 0)
        for _ in range(5):
            self.alpha.inject(address('beta'), 1000)
        until(lambda: self.stats()['mtad_group_alarm', 'queue', 'beta'],
              LIMIT, 'alarm')
        self.alpha.said('alarm-raised peer=beta alarm=queue waiting=[45] '
                        'mark=4', LIMIT)
        m = self.stats()
        self.assertEqual(m['mtad_submitted_messages_total', ], 5)
        self.assertEqual(m['mtad_stored_messages', ], 5)
        self.assertEqual(sum(v for k, v in m.items() if k[:2] == (
            'mtad_group_stored_messages', 'beta')), 5)
        self.assertEqual(
            m['mtad_group_stored_messages', 'beta', 'held'], 0)
        until(lambda: self.stats()['mtad_group_failed_outbound_associations'
                                   '_total', 'beta'], LIMIT, 'failed')
        self.beta.start()
        self.beta.wait_delivered(5, LIMIT)
        self.alpha.said('alarm-over peer=beta alarm=queue waiting=[01]$',
                        LIMIT)
        self.alpha.idle(LIMIT)
        m = self.stats()
        self.assertEqual(m['mtad_group_alarm', 'queue', 'beta'], 0)
        self.assertEqual(m['mtad_transmitted_messages_total', ], 5)
        self.assertEqual(
            m['mtad_group_transmitted_messages_total', 'beta'], 5)
        self.assertGreater(
            m['mtad_group_transmitted_bytes_total', 'beta'], 5000)
        self.assertGreaterEqual(m['mtad_group_accumulated_outbound_'
                                  'associations_total', 'beta'], 1)
        self.assertGreater(
            m['mtad_group_last_outbound_activity_seconds', 'beta'],
            m['mtad_start_time_seconds', ] - 1)
        self.assertEqual(m['mtad_stored_messages', ], 0)

    def test_http(self):
        for connection in (UnixConnection(self.unix), self.tcp()):
            answer, body = self.get(connection)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.getheader('Content-Type'),
                             'application/openmetrics-text; version=1.0.0; '
                             'charset=utf-8')
            self.assertEqual(parse(body).keys(), self.stats().keys())
        answer, body = self.get(self.tcp(), 'HEAD')
        self.assertEqual((answer.status, body), (200, ''))
        self.assertGreater(int(answer.getheader('Content-Length')), 1000)
        self.assertEqual(self.get(self.tcp(), path='/')[0].status, 404)
        self.assertEqual(self.get(self.tcp(), 'POST')[0].status, 405)
        self.assertEqual(os.stat(self.unix).st_mode & 0o777, 0o660)

    def test_reload(self):
        """Sockets come and go with the configuration, and with mtad."""
        os.unlink(self.alpha.conf)
        self.alpha.configure(Peer('beta', self.beta.port, *OPTIONS))
        self.alpha.mtactl('reload')
        self.alpha.said('config-reloaded', LIMIT)
        until(lambda: not os.path.exists(self.unix), LIMIT, 'socket gone')

        def refused():
            try:
                self.get(self.tcp())
            except ConnectionRefusedError:
                return True
            return False
        until(refused, LIMIT, 'refused', 0.1)
        self.configure()
        self.alpha.mtactl('reload')
        until(lambda: os.path.exists(self.unix), LIMIT, 'socket')
        self.assertEqual(self.get(UnixConnection(self.unix))[0].status, 200)
        self.assertEqual(self.get(self.tcp())[0].status, 200)
        # a new spoold gets them, too
        self.alpha.kill('spoold')

        def answered():
            try:
                return self.get(self.tcp())[0].status == 200
            except (OSError, http.client.HTTPException):
                return False
        until(answered, LIMIT, 'answer', 0.1)
        self.alpha.stop()
        self.assertFalse(os.path.exists(self.unix))

    def test_hostile(self):
        """Who asks slowly, for too much, or does not read, is in nobody's
        way."""
        slow = []
        self.addCleanup(lambda: [s.close() for s in slow])
        for n in range(20):
            s = socket.create_connection(('127.0.0.1', self.port))
            s.sendall((b'GET /met', b'\0' * 5000, b'x', b'')[n % 4])
            slow.append(s)
        self.assertEqual(self.get(self.tcp())[0].status, 200)
        stop = threading.Event()

        def flood():
            while not stop.is_set():
                try:
                    with socket.create_connection(
                            ('127.0.0.1', self.port), timeout=5) as s:
                        s.sendall(b'GET /metrics HTTP/1.1\r\n\r\n')
                except OSError:
                    pass
        flooders = [threading.Thread(target=flood) for _ in range(3)]
        for t in flooders:
            t.start()
        try:
            self.beta.start()
            for n in range(20):
                self.alpha.inject(address('beta'), len(octets(2000)))
            self.beta.wait_delivered(20, LIMIT)
        finally:
            stop.set()
            for t in flooders:
                t.join()
        until(lambda: self.get(self.tcp())[0].status == 200, LIMIT, 'answer')
        self.assertEqual(self.alpha.lines('imsg-bad|process-ended'), [])


if __name__ == '__main__':
    unittest.main()
