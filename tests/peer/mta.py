#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The two roles of the peer: Responder listens, Initiator connects.

As a program:
    mta.py listen [--port N] [--name N] [--password P] ...
    mta.py send --to HOST:PORT [--name N] ... FILE...
"""

import os
import socket
import sys
import threading
import time

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    __package__ = 'peer'
    import peer  # noqa: F401  (the package the relative imports are of)

from . import apdu, session as ss
from .ber import BerError, DER
from .rts import (ANY, Aborted, Association, Config, ExceptionReported,
                  INITIATOR, Lost, NORMAL, OutTransfer, ProtocolError,
                  RESPONDER, Record, Rejected, Released, Store, Timeout,
                  TransportRefused, X410_1988, X410_MODE)
from .stack import Refusal, mode_of, stack


def _references(scid, called=None):
    calling, common, additional = scid.references()
    return ss.connection_id_params(calling, common, additional, called)


class Initiator(Association):
    """Opens associations to an address (host, port), or a port of this
    machine.  Keeps its record over the connections, so that after Lost

        initiator.recover(); initiator.resume()

    goes on.  A new script may be given with each connection."""

    def __init__(self, address, script=None, store=None, config=None,
                 record_octets=None, **kw):
        super().__init__(store or Store(),
                         (config or Config()).but(**kw), script,
                         record_octets)
        self.address = ('127.0.0.1', address) if isinstance(address, int) \
            else address
        self.source = None          # (host, port) to call from
        self.role = INITIATOR
        self.pconnect = None

    def _connect(self, script):
        if script is not None:
            self.script = script
        c = self.config
        try:
            sock = socket.create_connection(self.address, c.timeout,
                                            self.source)
        except OSError as error:
            raise Lost('connect: %s' % error) from None
        self._open_session(sock)
        self.receiving = self.sending = self.exception = None
        self.ignoring = self.released = self.asked = False
        self.turn_wanted = self.ended = None
        self.session.connect(
            calling=c.calling_tsel, called=c.called_tsel, size=c.tpdu_size,
            preferred=c.preferred)

    def open(self, script=None, scid=None):
        """RT-OPEN: a new association."""
        c = self.config
        self.scid = self.stack.named(scid or apdu.Scid.new(c.name))
        self.record = Record(self.scid, INITIATOR, None)
        self._connect(script)
        self._request(self.stack.open_data(), 0)
        self.store.add(self.record)
        self._set_turn(True)
        return self

    def recover(self, script=None, name=None, tokens=None):
        """Re-establish the association after its connection was lost.

        name: Scid to name as the old association; tokens: token setting
        item of the CN."""
        record = self.record
        old = name or record.scids[0 if self.config.recover_name == 'first'
                                   else -1]
        self.close_connection()
        self.scid = self.stack.named(apdu.Scid.new(self.config.name))
        mine = record.my_turn
        if record.outgoing is not None and record.outgoing.state == 'active':
            mine = True
        if tokens is None:
            tokens = 0 if mine else ss.ALL_TOKENS
        before = record.checkpoint, record.window
        self._connect(script or type(self.script)())
        self._request(self.stack.recover_data(old), tokens)
        if (record.checkpoint, record.window) != before:
            self.violation('checkpoint and window %s, on recovery %s',
                           before, (record.checkpoint, record.window))
        if self.peer.recover is None:
            self.violation('recover answered by open')
        elif self.peer.recover.key() != old.key():
            self.violation('recover answered with %s', self.peer.recover)
        record.scids.append(self.scid)
        self.store.add(record)
        self._set_turn(mine)
        return self

    def _request(self, data, tokens):
        c = self.config
        pdu = c.user_data
        if pdu is None:
            pdu = self.stack.connect(data)
        self.pconnect = pdu
        self.session.send(ss.connect_spdu(
            _references(self.scid), self._versions(), c.requirements, pdu,
            tokens, c.calling_ssel, c.called_ssel))
        spdus = self.session.receive()
        spdu = spdus[-1]
        if len(spdus) != 1 or spdu.name not in ('AC', 'RF', 'AB'):
            self.violation('%s for CN', spdus)
            raise ProtocolError('%s for CN' % spdus)
        if spdu.name == 'AB':
            self._on_AB(spdu)
        if spdu.name == 'RF':
            reason = spdu.get(ss.REASON) or b'\0'
            self.close_connection()
            try:
                refusal = self.decoded(self.stack.decode_refuse, reason[1:])
            except BerError as error:
                self.violation('RF with user data %s: %s', reason[1:].hex(),
                               error)
                refusal = Refusal()
            raise Rejected(reason[0], refusal)
        self._accepted(spdu, pdu)

    def _versions(self):
        """Of session, to propose."""
        c = self.config
        return c.session_version if 'session_version' in vars(c) \
            else self.stack.session_version

    def _accepted(self, spdu, pdu):
        c = self.config
        try:
            self.peer = peer = self.decoded(self.stack.decode_accept,
                                            spdu.user_data() or b'')
        except BerError as error:
            self.violation('bad PAccept: %s', error)
            raise ProtocolError('bad PAccept: %s' % error) from None
        answer = apdu.Scid.from_references(
            spdu.get(ss.CONNECTION_ID, ss.CALLED_REF),
            spdu.get(ss.CONNECTION_ID, ss.COMMON_REF),
            spdu.get(ss.CONNECTION_ID, ss.ADDITIONAL_REF))
        self.called = spdu.get(ss.CONNECTION_ID, ss.CALLED_REF)
        if answer.common and answer.common != self.scid.common:
            self.violation('AC with common reference %r', answer.common)
        version = spdu.get(ss.CONNECT_ITEM, ss.VERSION) or b'\1'
        if not version[0] & self._versions():
            self.violation('AC with version %d', version[0])
        self.version = 2 if version[0] & self._versions() & 2 else 1
        requirements = int.from_bytes(
            spdu.get(ss.REQUIREMENTS) or b'\x03\x49', 'big')
        if requirements & ~c.requirements or \
                requirements & ss.RTS_REQUIREMENTS != ss.RTS_REQUIREMENTS:
            self.violation('AC with requirements %04x', requirements)
        offered = 0 if c.checkpoint is None else c.checkpoint
        if offered and peer.checkpoint > offered:
            self.violation('checkpoint %d for %d', peer.checkpoint, offered)
        window = 3 if c.window is None else c.window
        if peer.window > window:
            self.violation('window %d for %d', peer.window, window)
        self.record.checkpoint = peer.checkpoint
        self.record.window = peer.window
        self.record.dialogue = c.dialogue or 0
        self.record.peer = peer.name or self.record.peer

    def close(self):
        """RT-CLOSE.  The turn has to be ours."""
        self.release()

    def reach(self, source, attempts=20, pause=0.0, script=None):
        """Transfer an APDU whatever happens: recover and resume while that
        works, else open and send anew, pause seconds between two attempts.
        Returns the OutTransfer."""
        transfer = None
        for attempt in range(attempts):
            if attempt and pause:
                time.sleep(pause)
            try:
                if self.session is None or self.session.transport.closed:
                    if not self._back(transfer, script):
                        transfer = None
                    script = None
                if transfer is not None:
                    return self.resume(transfer=transfer)
                transfer = self.record.outgoing = OutTransfer(
                    self.stack.wrap(source))
                self.start(transfer)
                return self.go_on(transfer)
            except ExceptionReported:
                if transfer.state == 'discarded':
                    transfer = None
            except (Lost, Timeout, Aborted, TransportRefused,
                    Rejected) as error:
                self.close_connection()
                if transfer is not None and transfer.state == 'complete':
                    return transfer
                if isinstance(error, Aborted) and \
                        error.reason == apdu.UNRECOGNIZED_ACTIVITY:
                    transfer = None
        raise Lost('gave up after %d attempts' % attempts)

    def _back(self, transfer, script):
        """A connection again; whether it is the old association."""
        if self.record is None or transfer is None or not transfer.names:
            self.open(script)
            return False
        try:
            self.recover(script)
            return True
        except Rejected as error:
            if error.reason == apdu.RTS_BUSY:
                raise
        except (Aborted, Timeout):
            pass
        self.open(script)
        return False


class Responder:
    """Listens, and serves each association in a thread of its own.

        with Responder(name='beta', checkpoint=1) as responder:
            ... responder.port, responder.store.messages ...

    next(script=..., name=value, ...) says how the next connection is to be
    treated (one call for each; then the configuration of the responder
    again).  outbox: APDUs to send when the turn is ours."""

    def __init__(self, port=0, host='127.0.0.1', store=None, config=None,
                 record_octets=None, **kw):
        self.config = (config or Config()).but(**kw)
        self.store = store or Store()
        self.record_octets = record_octets
        self.host = host
        self.want_port = port
        self.port = None
        self.outbox = []
        self.sent = []
        self.scripts = []
        self.associations = []      # every one, in the order of connecting
        self.stopping = False
        self.listener = None

    @property
    def messages(self):
        return self.store.messages

    @property
    def transfers(self):
        return self.store.transfers

    @property
    def violations(self):
        return self.store.violations

    def start(self):
        family = socket.AF_INET6 if ':' in self.host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port or self.want_port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(
            target=self._accept, args=(self.listener,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        """End everything; start() listens again on the same port, with what
        is in the store."""
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for association in list(self.associations):
            association.close_connection()

    def __enter__(self):
        return self if self.listener is not None else self.start()

    def __exit__(self, *exc):
        self.stop()

    def next(self, script=None, **kw):
        self.scripts.append((script, kw))
        return script

    def wait(self, messages=None, condition=None, timeout=10.0):
        """Until so many messages are there, or a condition holds."""
        self.store.wait(condition or (
            lambda: len(self.store.messages) >= messages), timeout)

    def _accept(self, listener):
        while not self.stopping:
            try:
                sock, address = listener.accept()
            except OSError:
                return
            script, kw = self.scripts.pop(0) if self.scripts else (None, {})
            association = ResponderAssociation(self, self.config.but(**kw),
                                               script)
            association.address = address
            self.associations.append(association)
            threading.Thread(target=association.run, args=(sock,),
                             daemon=True).start()


class ResponderAssociation(Association):
    """One connection to a Responder."""

    def __init__(self, responder, config, script):
        super().__init__(responder.store, config, script,
                         responder.record_octets)
        self.responder = responder
        self.role = RESPONDER
        self.recovered = False
        self.finished = threading.Event()

    def run(self, sock):
        try:
            self._open_session(sock)
            if self.indication():
                self.serve()
        except (Lost, Timeout, ProtocolError, Aborted, Released,
                ExceptionReported, TransportRefused) as error:
            self.ended = error
            self.close_connection()
        except Exception as error:      # a fault of the peer itself
            self.violation('responder: %r', error)
            self.ended = error
            self.close_connection()
            raise
        finally:
            self.finished.set()
            self.store.notify()

    def indication(self):
        """The CN; whether it was accepted."""
        c = self.config
        session = self.session
        if c.transport_refuse is not None:
            session.transport.indication(c.timeout)
            session.transport.response(refuse=c.transport_refuse)
            self.close_connection()
            return False
        session.accept(size=c.tpdu_size)
        spdu = session.receive()[-1]
        if spdu.name != 'CN':
            self.violation('%s, not CN', spdu)
            return False
        self.cn = spdu
        self._cn_params = spdu.get(ss.CONNECTION_ID) or []
        references = dict(self._cn_params)
        self.scid = apdu.Scid.from_references(
            references.get(ss.CALLING_REF), references.get(ss.COMMON_REF),
            references.get(ss.ADDITIONAL_REF))
        if self.store.find(self.scid) is not None:
            self.violation('%s again', self.scid)
        for pi, most in ((ss.CALLING_REF, 64), (ss.COMMON_REF, 64),
                         (ss.ADDITIONAL_REF, 4)):
            if len(references.get(pi) or b'') > most:
                self.violation('reference %d of %d octets', pi,
                               len(references[pi]))
        if not spdu.get(ss.CONNECT_ITEM, ss.VERSION) or not self.scid.common:
            self.violation('CN without version or common reference')
        versions = (spdu.get(ss.CONNECT_ITEM, ss.VERSION) or b'\1')[0]
        common = versions & c.session_version
        if not common:
            self.refuse(None, 132)
            return False
        self.version = 2 if common & 2 else 1
        user_data = spdu.user_data() or b''
        self.stack = stack(mode_of(user_data) or c.mode, c)
        try:
            self.peer = self.decoded(self.stack.decode_connect, user_data)
        except BerError as error:
            self.violation('bad PConnect: %s', error)
            self.abort(apdu.PROTOCOL_ERROR)
            return False
        if c.mode not in (ANY, self.stack.mode):
            self.violation('CN of mode %s, not %s', self.stack.mode, c.mode)
            self._decide(c.on_other_mode)
            return False
        return self._recover() if self.peer.recover else self._open()

    def _decide(self, how):
        """Do what the script says; True to accept."""
        if callable(how):
            how = how(self, self.peer)
        if how == 'accept':
            return True
        if isinstance(how, int):
            self.refuse(how)
        elif how == 'ignore':
            self.session.transport.wait_closed(None)
        elif how == 'die':
            self.close_connection()
        elif how == 'abort' or how[0] == 'abort':
            self.abort(apdu.PROTOCOL_ERROR if how == 'abort' else how[1])
        elif how[0] == 'rf':
            self.refuse(None, how[1])
        elif how[0] in ('aare', 'cpr'):
            self.refuse(how)
        else:
            raise ValueError('what is %r?' % how)
        return False

    def _open(self):
        c = self.config
        peer = self.peer
        if not self._decide(c.on_open):
            return False
        if c.credentials is not None and \
                c.credentials.get(peer.name) != peer.password:
            self.refuse(apdu.VALIDATION_FAILURE)
            return False
        if peer.dialogue == apdu.TWA and c.dialogue != apdu.TWA:
            self.refuse(apdu.UNACCEPTABLE_DIALOGUE_MODE)
            return False
        self.record = record = Record(self.scid, RESPONDER, peer.name)
        if c.checkpoint and peer.checkpoint:
            record.checkpoint = min(c.checkpoint, peer.checkpoint)
        else:
            record.checkpoint = c.checkpoint or 0
        record.window = min(3 if c.window is None else c.window, peer.window)
        record.dialogue = peer.dialogue
        record.checkpoint = c.answer.get('checkpoint', record.checkpoint)
        record.window = c.answer.get('window', record.window)
        record.live = self
        self.store.add(record)
        self._turn_from_tokens()
        self.accept(self.stack.open_result())
        return True

    def _turn_from_tokens(self):
        setting = (self.cn.get(ss.CONNECT_ITEM, ss.TOKEN_SETTING)
                   or b'\0')[0]
        if setting & 3 == 2:
            self.violation('CN leaves the tokens to the acceptor')
        self._set_turn(setting & 3 == 1)

    def _recover(self):
        if not self._decide(self.config.on_recover):
            return False
        record = self.store.find(self.peer.recover)
        if record is None:
            self.refuse(apdu.CANNOT_RECOVER)
            return False
        old, record.live = record.live, self
        if old is not None:
            old.close_connection()      # half-open as like as not
            old.finished.wait(1)
        self.record = record
        self.recovered = True
        record.connections += 1
        record.scids.append(self.scid)
        self.store.add(record)
        self._turn_from_tokens()
        out = record.outgoing
        incoming = record.receiving
        if out is not None and out.state == 'active' and not self.my_turn \
                or incoming is not None and incoming.state == 'active' \
                and self.my_turn:
            self.violation('CN gives the turn to the side that was not '
                           'sending')
        self.accept(self.stack.recover_data(self.peer.recover))
        return True

    def accept(self, data):
        """AC with PAccept."""
        c = self.config
        pdu = c.user_data
        if pdu is None:
            members = {'checkpoint': self.record.checkpoint,
                       'window': self.record.window}
            members.update(c.answer)
            pdu = self.stack.accept(data, **members)
        self.called = self._called()
        self.session.send(ss.accept_spdu(
            self._identifier_params(), self.version, c.requirements, pdu,
            (self.cn.get(ss.CONNECT_ITEM, ss.TOKEN_SETTING) or b'\0')[0]))

    def _called(self):
        return apdu.ber.Prim(self.stack.tag,
                             self.config.name.encode()).encode()

    def _identifier_params(self):
        return [(ss.CALLED_REF, self._called())] + [
            (pi, value) for pi, value in self._cn_params
            if pi in (ss.COMMON_REF, ss.ADDITIONAL_REF)]

    def refuse(self, reason, session_reason=2):
        """RF: with PRefuse or CPR, or one of session alone."""
        user_data = b'' if reason is None else self.stack.refuse(reason)
        self.session.send(ss.refuse_spdu(self._identifier_params(),
                                         self.version, session_reason,
                                         user_data))
        self.session.transport.wait_closed(self.config.timeout)
        self.close_connection()

    def serve(self):
        """Receive, and send when it is our turn and there is something to
        send, until the connection ends."""
        record = self.record
        while True:
            out = record.outgoing
            unsent = out is not None and out.state in ('active',
                                                       'interrupted')
            if self.my_turn and self.receiving is None:
                if unsent and self.config.resume and self.sending is None:
                    self._sent(self.resume())
                    continue
                if self.responder.outbox and not unsent:
                    self._sent(self.send(self.responder.outbox.pop(0)))
                    continue
                if self.config.give_back and not unsent:
                    self.give()
                    continue
            elif (self.responder.outbox or unsent) and not self.asked \
                    and record.dialogue == apdu.TWA \
                    and self.receiving is None:
                self.please()
            self.step(self.config.idle if self.config.idle is not None
                      else 1e6)

    def _sent(self, transfer):
        self.responder.sent.append(transfer)
        self.store.notify()


def main(argv):
    """The command line: see README."""
    import argparse
    import json

    parser = argparse.ArgumentParser(prog='mta.py')
    verbs = parser.add_subparsers(dest='verb', required=True)

    def common(verb):
        verb.add_argument('--mode', default=X410_MODE, choices=(
            X410_MODE, X410_1988, NORMAL, ANY))
        verb.add_argument('--name', default='peer')
        verb.add_argument('--password', default='')
        verb.add_argument('--checkpoint', type=int, default=1)
        verb.add_argument('--window', type=int, default=3)
        verb.add_argument('--twa', action='store_true')
        verb.add_argument('--tpdu-size', type=int, help='log2')
        verb.add_argument('--cut', metavar='DIRECTION:INDEX[:AT]',
                          help='in or out; AT before, after or 0.0..1.0')
        verb.add_argument('--timeout', type=float, default=10.0)

    listen = verbs.add_parser('listen')
    common(listen)
    listen.add_argument('--host', default='127.0.0.1')
    listen.add_argument('--port', type=int, default=0)
    listen.add_argument('--accept', action='append', metavar='NAME:PASSWORD')
    listen.add_argument('--on-recover', default='accept')
    listen.add_argument('--on-open', default='accept')
    listen.add_argument('--directory', help='write messages there')
    listen.add_argument('--count', type=int, help='end after so many')
    send = verbs.add_parser('send')
    common(send)
    send.add_argument('--to', required=True, metavar='HOST:PORT')
    send.add_argument('files', nargs='+')
    args = parser.parse_args(argv)

    kw = dict(mode=args.mode, name=args.name, password=args.password,
              window=args.window,
              checkpoint=args.checkpoint, tpdu_size=args.tpdu_size,
              timeout=args.timeout,
              dialogue=apdu.TWA if args.twa else apdu.MONOLOGUE)
    script = None
    if args.cut:
        from .script import Cut, Script
        direction, index, at = (args.cut + ':before').split(':')[:3]
        script = Script(Cut(direction, int(index), at if at in (
            'before', 'after') else float(at)))

    def say(**what):
        print(json.dumps(what), flush=True)

    if args.verb == 'send':
        host, _, port = args.to.rpartition(':')
        initiator = Initiator((host, int(port)), script, **kw)
        for name in args.files:
            with open(name, 'rb') as file:
                transfer = initiator.reach(file.read())
            say(event='sent', file=name, octets=transfer.length,
                sent=transfer.octets)
        initiator.close()
        say(event='closed', violations=initiator.store.violations)
        return 0

    def policy(text):
        return int(text) if text.isdigit() else text

    if args.accept:
        kw['credentials'] = dict(a.split(':', 1) for a in args.accept)
    responder = Responder(args.port, args.host,
                          on_open=policy(args.on_open),
                          on_recover=policy(args.on_recover), **kw)
    if script is not None:
        responder.next(script)
    with responder:
        say(event='listening', port=responder.port)
        shown = 0
        while args.count is None or shown < args.count:
            try:
                responder.wait(shown + 1, timeout=3600)
            except Timeout:
                continue
            message = responder.messages[shown]
            shown += 1
            if args.directory:
                path = os.path.join(args.directory, '%d.mpdu' % shown)
                with open(path, 'wb') as file:
                    file.write(message.octets)
            say(event='received', octets=message.length,
                received=message.transfer.octets,
                resumed=message.transfer.resumed, sha256=message.digest(),
                violations=responder.violations)
        for association in responder.associations:
            association.finished.wait(args.timeout)
    return 0


__all__ = ['Config', 'DER', 'Initiator', 'Responder', 'main']

if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
