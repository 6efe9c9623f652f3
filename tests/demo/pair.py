# SPDX-License-Identifier: ISC
"""Two mtads, "alpha" and "beta", as they would run anywhere, in a directory
of their own; alpha sends to beta, over a Link if tell is given."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'e2e'))

import link as links                                            # noqa: E402
import mtadtest                                                 # noqa: E402

PairError = RuntimeError        # what mtadtest raises


class Chain:
    """alpha sends to gamma by way of beta, and the reports come back; as
    Pair for the rest."""

    def __init__(self, directory, build, associations=4, mode=None):
        mtadtest.BUILD = build
        self.alpha, self.beta, self.gamma = (
            mtadtest.Mta(name, os.path.join(directory, name))
            for name in ('alpha', 'beta', 'gamma'))
        self.originator = mtadtest.address('alpha', 'Doe')
        self.recipient = mtadtest.address('gamma', 'Maus')
        lines = ['recover yes delay 1s', 'retry 1s to 5s', 'associations %d '
                 'reserve 0 threshold 1' % associations]

        def peer(mta, **kw):
            return mtadtest.Peer(mta.name, mta.port, *lines, mode=mode, **kw)

        def through_beta(name):
            return ['route "%s" via "beta"' % mtadtest.DOMAINS[name]]

        self.alpha.configure(peer(self.beta), lines=through_beta('gamma'))
        self.beta.configure(peer(self.alpha), peer(self.gamma))
        self.gamma.configure(peer(self.beta), lines=through_beta('alpha'))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for mta in self.alpha, self.beta, self.gamma:
            mta.cleanup()

    def start(self):
        for mta in self.gamma, self.beta, self.alpha:
            mta.start()

    def delivered(self):
        return len(self.gamma.delivered())

    def last_delivery(self):
        return last_change(self.gamma.delivery)

    def reported(self):
        """Reports in alpha's directory: an envelope, and no content."""
        return sum(e.name[0] != '.' for e in os.scandir(self.alpha.delivery))

    def last_report(self):
        return last_change(self.alpha.delivery)


def last_change(directory):
    return max(e.stat().st_ctime for e in os.scandir(directory))


class Pair:
    """with Pair(directory, build) as pair: pair.start() ...

    tell: for the events of a Link between the two; without it alpha
    connects to beta itself.  tls: on the connection, with certificates made
    for it; statements go into both configurations.  The rest goes into the
    peer blocks."""

    def __init__(self, directory, build, tell=None, checkpoint=None,
                 window=None, associations=None, threshold=1, mode=None,
                 tls=False, statements=()):
        mtadtest.BUILD = build
        self.dir = directory
        self.alpha, self.beta = (
            mtadtest.Mta(name, os.path.join(directory, name))
            for name in ('alpha', 'beta'))
        self.link = None
        if tell is not None:
            self.link = links.Link(('127.0.0.1', self.beta.port), tell)
        self.originator = mtadtest.address('alpha', 'Doe')
        self.recipient = mtadtest.address('beta', 'Dupont')
        lines = ['recover yes delay 1s', 'retry 1s to 5s']
        if checkpoint is not None:
            lines.append('checkpoint %d window %d' % (checkpoint, window))
        if associations is not None:
            lines.append('associations %d reserve 0 threshold %d' % (
                associations, threshold))
        port = self.link.port if self.link else self.beta.port
        listen, calling = '', []
        if tls:
            from e2e.certificates import Authority
            ca = Authority(os.path.join(directory, 'ca'))
            listen = 'tls certificate "%s" key "%s"' % ca.issue('beta')
            calling = ['tls yes', 'tls ca "%s"' % ca.certificate]
        self.alpha.configure(mtadtest.Peer('beta', port, *lines, *calling,
                                           mode=mode), lines=statements)
        self.beta.configure(mtadtest.Peer('alpha', self.alpha.port, *lines,
                                          mode=mode), lines=statements,
                            tls=listen)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for mta in self.alpha, self.beta:
            mta.cleanup()
        if self.link is not None:
            self.link.close()

    def start(self):
        self.beta.start()
        self.alpha.start()

    def submit(self, name, subject):
        """A file, from alpha's user to beta's."""
        return self.alpha.mtactl('submit', '-f', self.originator, '-t',
                                 self.recipient, '-s', subject, name)

    def connect(self, up):
        """Let alpha connect to beta, or not."""
        self.alpha.mtactl('peer', 'beta', 'up' if up else 'down')

    def summary(self):
        """What alpha says of itself."""
        return self.alpha.mtactl('show', 'summary')

    def delivered(self):
        """How many messages beta has delivered."""
        return len(self.beta.delivered())

    def last_delivery(self):
        """Time of the last delivery, as time.time()."""
        return last_change(self.beta.delivery)

    def associations(self):
        return len(self.alpha.mtactl('show', 'associations'))

    def idle(self):
        """Nothing queued and nothing on its way, on either side."""
        for mta in self.alpha, self.beta:
            summary = mta.mtactl('show', 'summary')
            if summary['queued'] or summary['transfers']:
                return False
        return True

    def settle(self, timeout=3):
        """Until nothing is queued, and a moment longer."""
        end = time.monotonic() + timeout
        while not self.idle() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.3)

    def intact(self, name):
        """Does the one content delivered hold the text of that file, with
        nothing after it but ends of contents?"""
        contents = self.beta.delivered()
        if len(contents) != 1:
            return False
        with open(name, 'rb') as sent, open(os.path.join(
                self.beta.delivery, contents[0]), 'rb') as got:
            at = got.read(65536).find(sent.read(200))
            if at < 0:
                return False
            sent.seek(0)
            got.seek(at)
            while True:
                octets = sent.read(1 << 20)
                if not octets:
                    break
                if got.read(len(octets)) != octets:
                    return False
            return not got.read(64).strip(b'\0')
