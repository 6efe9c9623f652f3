# SPDX-License-Identifier: ISC
"""What an MTA remembers: transfers, associations across their connections,
messages; and its configuration."""

import hashlib
import threading
import time

from . import apdu, normal, session as ss
from .ber import BerError, DER, header, parse, parse_first
from .tpkt import Timeout

INITIATOR, RESPONDER = 'initiator', 'responder'


class Config:
    """What an MTA says and does.  Any of these may be given by name."""

    # 'x410', 'x410-1988' (1988 P1, protocol 12) or 'normal'; a responder may
    # have 'any'.  What it does with others: see on_open.
    mode = 'x410'
    on_other_mode = 'abort'

    # Who we are, and who may come (None: anyone).
    name = 'peer'
    password = ''
    credentials = None          # {name: password}
    style = 'tagged'            # of credentials: tagged, set, null

    # What we propose, or at most accept.  None leaves the member out.
    checkpoint = 1
    window = 3
    dialogue = apdu.MONOLOGUE
    protocol = 1                # 12, if it is not given, in x410-1988
    protocol_version = None
    session_version = 3         # bits: 1, 2; normal mode proposes 2
    requirements = ss.RTS_REQUIREMENTS
    form = DER                  # ber.Form of our APDUs
    answer = {}                 # members of PAccept as they are to be sent
    user_data = None            # octets in place of PConnect, PAccept
    scid_tag = None             # of the reference in recover, to lie with

    # Normal mode.  style: null is unauthenticated, all others simple.
    octet_string = False        # the password, not an IA5String
    contexts = ((1, normal.ACSE, (normal.BER,)),
                (3, normal.RTSE, (normal.BER,)),
                (5, normal.MTSE, (normal.BER,)))
    results = {}                # identifier: (result, transfer, reason)
    transfer_syntax = None      # name in every PDV-list; False: in none
    calling_psel = called_psel = responding_psel = None
    selector_last = False       # mode selector behind the parameters
    cp_indefinite = False       # outer lengths of CP and CPA
    application_context = normal.MTS_TRANSFER
    ap_title = ae_qualifier = None      # ours: '1.3.9', 7, or octets
    called_ap_title = called_ae_qualifier = None
    references = ('direct', 'indirect')     # of EXTERNAL in ACSE
    pdv = normal.SINGLE         # or OCTETS, ARBITRARY: PDV-lists
    external_encoding = normal.SINGLE       # the same of EXTERNAL in ACSE
    external_apdu = True        # what is transferred is an EXTERNAL
    apdu_encoding = normal.SINGLE           # of that
    rejection = None            # (result, source, diagnostic) with RTORJ
    aru_contexts = True         # identifier list in ARU
    release_reason = 0          # in RLRQ and RLRE; None: absent

    # Transport.
    tpdu_size = None            # log2
    preferred = None
    calling_tsel = called_tsel = None
    calling_ssel = called_ssel = None
    max_user = 65524
    sizes = None                # lengths of the first DT TPDUs of a TSDU
    zero_last = False
    reserved = 0                # second octet of our TPKTs
    transport_refuse = None     # reason of DR

    # Session habits.
    acks = 'PT'                 # prefix of MIA, AEA, AIA, ADA, ED
    tokens = 'GT'               # prefix of what the token holder sends
    pt_alone = False            # PT in a TSDU of its own before acks
    concatenate = False         # extended: AS+DT, MIP+DT in one TSDU
    serial_width = 0            # digits of a serial number, at least
    link_called = True          # called reference in linking information
    link = 'known'              # AR names the 'first' or the 'last'
                                # connection and identifier of the activity,
                                # or the last 'known' to the receiver, who
                                # may not have got an AR that was cut
    recover_name = 'first'      # recover names the 'first' or 'last' CN

    # What a responder does with an association, and with one to recover:
    # 'accept', a PRefuse reason, ('rf', reason of session), 'abort' or
    # ('abort', reason), 'ignore', 'die', or a function(association, PConnect)
    # that returns one of them.  Normal mode has also ('aare', result,
    # source, diagnostic) without RTORJ, ('cpr', reason of provider), and
    # ('abort', ('arp', reason, event)), ('abort', ('abrt', source)).
    on_open = 'accept'
    on_recover = 'accept'

    # Receiving.
    keep = True                 # messages in memory; else only a digest
    confirm = True              # minor syncs: or function(serial, transfer)
    confirm_end = True
    on_unknown = 'abort'        # resume of an unknown activity, or serial:
                                # 'abort', 'exception', 'accept'
    on_completed_discard = 'abort'      # of a completed one: 'abort',
                                        # 'confirm'
    exception_at = None         # (serial, reason): ED in place of MIA
    deduplicate = False         # MPDU identifiers: deliver once

    # Sending.
    on_exception = 'interrupt'  # 'discard', 'abort', 'nothing'
    interrupt_reason = None
    on_nothing = 'discard'      # to resume when nothing was confirmed: AR and
                                # AD and AS, or 'start': plain AS
    resume = True               # resume by itself when the turn is ours
    give_back = True            # a responder gives the turn when it is done
    idle = None                 # seconds that serve() waits

    timeout = 10.0

    def __init__(self, **kw):
        for name, value in kw.items():
            if not hasattr(type(self), name) or name.startswith('_'):
                raise TypeError('no configuration %r' % name)
            setattr(self, name, value)

    def but(self, **kw):
        new = type(self)()
        new.__dict__.update(self.__dict__)
        new.__dict__.update(type(self)(**kw).__dict__)
        return new


class Pattern:
    """Octets to send that nobody has to hold: a block, repeated.  length and
    digest() of all; slices by buffers()."""

    BLOCK = bytes(range(251)) * 4096    # 251 is prime: no TPDU is like another

    def __init__(self, length, prefix=b''):
        self.length = length
        self.prefix = prefix

    def __len__(self):
        return self.length

    def buffers(self, offset, length):
        out = []
        length = min(length, self.length - offset)
        while length > 0:
            if offset < len(self.prefix):
                piece = self.prefix[offset:offset + length]
            else:
                at = (offset - len(self.prefix)) % len(self.BLOCK)
                piece = memoryview(self.BLOCK)[at:at + length]
            out.append(piece)
            offset += len(piece)
            length -= len(piece)
        return out

    def digest(self):
        sha = hashlib.sha256()
        for offset in range(0, self.length, 1 << 20):
            for piece in self.buffers(offset, 1 << 20):
                sha.update(piece)
        return sha.hexdigest()


class _Part:
    """A part of a Pattern, as the user information of one DT."""

    def __init__(self, source, offset, length):
        self.source, self.offset, self.length = source, offset, length

    def __len__(self):
        return self.length

    def buffers(self, offset, length):
        return self.source.buffers(self.offset + offset,
                                   min(length, self.length - offset))


class InTransfer:
    """An APDU coming in.  state: active, interrupted, discarded, complete."""

    def __init__(self, keep, record, reader=None):
        self.record = record
        self.reader = reader        # normal.Apdu, if the APDU is in another
        self.keep = keep
        self.data = bytearray()
        self.sha = hashlib.sha256()
        self.length = 0             # octets held (without what was dropped)
        self.octets = 0             # octets come in, also again
        self.marks = {0: 0}         # serial: octets up to it
        self.shas = {0: self._progress()}
        self.serial = 0             # last minor sync that came
        self.confirmed = 0          # last one secured
        self.acked = 0              # last one that MIA was sent for
        self.state = 'active'
        self.resumed = []           # serials it was resumed from
        self.again = False          # resumed after it was complete
        self.since = 0              # octets since the last minor sync

    def add(self, data):
        self.octets += len(data)
        self.since += len(data)
        if self.again:
            return
        self.length += len(data)
        if self.keep:
            self.data += data
        elif self.reader is None:
            self.sha.update(data)
        else:
            self.sha.update(self.reader.feed(data))

    def _progress(self):
        return self.sha.copy(), self.reader and self.reader.copy()

    def mark(self, serial):
        self.serial = serial
        self.since = 0
        if not self.again:
            self.marks[serial] = self.length
            if not self.keep:
                self.shas[serial] = self._progress()

    def back_to(self, serial):
        """Drop what lies after a serial."""
        self.resumed.append(serial)
        self.state = 'active' if self.state != 'complete' else 'complete'
        self.serial = serial
        self.since = 0
        if self.again:
            return
        self.length = self.marks[serial]
        if self.keep:
            del self.data[self.length:]
        else:
            self.sha, self.reader = self.shas[serial]
            self.sha, self.reader = self._progress()
        for later in [s for s in self.marks if s > serial]:
            del self.marks[later]

    def apdu(self):
        """The octets of the APDU, which are data or in it."""
        if self.reader is None:
            return bytes(self.data)
        return normal.unwrap_apdu(bytes(self.data))[1]

    def digest(self):
        if self.keep:
            return hashlib.sha256(self.apdu()).hexdigest()
        return self.sha.hexdigest()


class OutTransfer:
    """An APDU going out.  state: new, active, interrupted, discarded,
    complete."""

    def __init__(self, source):
        self.source = source
        self.length = len(source)
        self.offset = 0
        self.octets = 0             # octets sent, also again
        self.marks = {0: 0}
        self.serial = 0
        self.confirmed = 0
        self.state = 'new'
        self.names = []             # (Scid, called reference, identifier)
        self.known = 0              # index of the last that was answered

    def part(self, length):
        length = min(length, self.length - self.offset)
        if hasattr(self.source, 'buffers'):
            return _Part(self.source, self.offset, length)
        return memoryview(self.source)[self.offset:self.offset + length]


class Message:
    """A message received.  octets None if they were not kept."""

    def __init__(self, transfer, identifier, octets):
        self.transfer = transfer
        self.octets = octets
        self.length = len(octets) if octets is not None else \
            transfer.reader.length if transfer.reader else transfer.length
        self.identifier = identifier
        self.time = time.monotonic()

    def digest(self):
        return self.transfer.digest()


class Record:
    """What is remembered of an association across its connections."""

    def __init__(self, scid, role, peer):
        self.scids = [scid]
        self.role = role            # ours
        self.peer = peer
        self.checkpoint = self.window = self.dialogue = 0
        self.incoming = {}          # (key of Scid, identifier): InTransfer
        self.outgoing = None
        self.receiving = None       # the InTransfer last active
        self.next_activity = 1
        self.my_turn = role == INITIATOR
        self.live = None            # Association
        self.connections = 0


class Store:
    """The memory of an MTA, shared by its associations."""

    def __init__(self):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.records = {}           # key of Scid: Record
        self.messages = []
        self.transfers = []         # every InTransfer
        self.violations = []
        self.identifiers = set()
        self.duplicates = 0

    def add(self, record):
        with self.lock:
            for scid in record.scids:
                self.records[scid.key()] = record

    def find(self, scid):
        with self.lock:
            return self.records.get(scid.key())

    def forget(self):
        """As a responder whose recovery timeout has passed."""
        with self.lock:
            self.records.clear()

    def deliver(self, transfer, deduplicate):
        identifier = octets = None
        if transfer.keep:
            try:
                octets = transfer.apdu()
            except BerError as error:
                with self.lock:
                    self.violations.append('APDU: %s' % error)
                transfer.reader = None
                octets = transfer.apdu()
            try:
                identifier = mpdu_identifier(octets)
            except BerError:
                pass
        with self.lock:
            if deduplicate and identifier is not None:
                if identifier in self.identifiers:
                    self.duplicates += 1
                    self.changed.notify_all()
                    return
                self.identifiers.add(identifier)
            self.messages.append(Message(transfer, identifier, octets))
            self.changed.notify_all()

    def wait(self, condition, timeout):
        """Until condition() holds, looked at when something changes."""
        deadline = time.monotonic() + timeout
        with self.lock:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout('%d messages, %d transfers' % (
                        len(self.messages), len(self.transfers)))
                self.changed.wait(min(left, 0.2))

    def notify(self):
        with self.lock:
            self.changed.notify_all()


def mpdu_identifier(octets):
    """The encoded [APPLICATION 4] MPDUIdentifier of an MPDU."""
    tag, constructed, _, pos = header(octets, 0, len(octets))
    if tag == 0x82:
        envelope = parse(octets)            # a probe is its envelope
    elif tag in (0x80, 0x81) and constructed:
        envelope, _ = parse_first(octets[pos:pos + (1 << 20)])
    else:
        raise BerError('not an MPDU')
    found = envelope.find(0x44)
    if found is None:
        raise BerError('no MPDU identifier')
    return found.raw
