# SPDX-License-Identifier: ISC
"""X.410-1984 section 4: the APDUs of reliable transfer, to octets and back.

pconnect(), paccept(), prefuse() and abort_information() make trees for
ber.Form; the decode functions take every BER form.
"""

import itertools
import os
import time

from . import ber

LOCAL_SYSTEM_PROBLEM, INVALID_PARAMETER, UNRECOGNIZED_ACTIVITY = 0, 1, 2
TEMPORARY_PROBLEM, PROTOCOL_ERROR = 3, 4
PERMANENT_PROBLEM, USER_ERROR, TRANSFER_COMPLETED = 5, 6, 7

RTS_BUSY, CANNOT_RECOVER, VALIDATION_FAILURE = 0, 1, 2
UNACCEPTABLE_DIALOGUE_MODE = 3

MONOLOGUE, TWA = 0, 1

_T61, _UTC = 0x14, 0x17
_additional = itertools.count(os.getpid() * 31 + int(time.time() * 7))
_DIGITS = b'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'


def _unwrap(value):
    """Contents of an encoded string; of octets that are none, themselves."""
    try:
        node = ber.parse(value)
        if node.tag in (0x04, _T61, _UTC, 0x16):
            return node.string()
    except ber.BerError:
        pass
    return bytes(value)


class Scid:
    """SessionConnectionIdentifier.  The strings without tag and length;
    additional None if absent.  tag is that of the SS-user reference: a
    T61String in X.410 mode, an OCTET STRING in normal mode; None until it is
    used in one of them."""

    def __init__(self, calling, common, additional=None, tag=None):
        self.calling = calling
        self.common = common
        self.additional = additional
        self.tag = tag

    @classmethod
    def new(cls, name):
        """One that this process does not use again."""
        number = next(_additional)
        return cls(name.encode('latin-1')[:60],
                   time.strftime('%y%m%d%H%M%SZ', time.gmtime()).encode(),
                   bytes((_DIGITS[number // 62 % 62], _DIGITS[number % 62])))

    @classmethod
    def from_references(cls, calling, common, additional):
        """From session parameters, which hold encoded values."""
        tag = calling[0] & 0xdf if calling else None
        return cls(_unwrap(calling or b''), _unwrap(common or b''),
                   None if additional is None else _unwrap(additional),
                   tag if tag in (0x04, _T61) else None)

    def key(self):
        """To compare: an absent and an empty additional reference are the
        same."""
        return self.calling, self.common, self.additional or b''

    def references(self):
        """(calling, common, additional) as session parameter values."""
        additional = None
        if self.additional is not None:
            additional = ber.Prim(_T61, self.additional).encode()
        return (ber.Prim(self.tag or _T61, self.calling).encode(),
                ber.Prim(_UTC, self.common).encode(), additional)

    def members(self, tag=None):
        out = [ber.Str(tag or self.tag or _T61, self.calling),
               ber.Str(_UTC, self.common)]
        if self.additional is not None:
            out.append(ber.Str(0x80, self.additional))
        return out

    @classmethod
    def from_node(cls, node):
        if not node.constructed or not 2 <= len(node.children) <= 3:
            raise ber.BerError('bad SessionConnectionIdentifier')
        # T61String here; OCTET STRING is what normal mode has.
        if node.children[0].tag not in (_T61, 0x04) \
                or node.children[1].tag != _UTC \
                or len(node.children) == 3 and node.children[2].tag != 0x80:
            raise ber.BerError('bad SessionConnectionIdentifier')
        scid = cls(*(child.string() for child in node.children))
        scid.tag = node.children[0].tag
        return scid

    def __repr__(self):
        return 'Scid(%r, %r, %r)' % self.key()


def open_data(name=None, password='', style='tagged'):
    """ConnectionData open: [0] ANY.  style 'tagged': [1] IMPLICIT SET (as
    most do), 'set': a plain SET, 'null': NULL."""
    if style == 'null' or name is None:
        return ber.Seq(0x80, ber.Prim(0x05, b''))
    return ber.Seq(0x80, ber.Set(
        0x81 if style == 'tagged' else 0x11,
        ber.Str(0x80, name.encode('latin-1')),
        None if password is None else
        ber.Seq(0x81, ber.Str(0x16, password.encode('latin-1')))))


def recover_data(scid, tag=None):
    """ConnectionData recover: [1] IMPLICIT SessionConnectionIdentifier.
    tag: of the SS-user reference, to lie with."""
    return ber.Seq(0x81, *scid.members(tag))


def _syntax():
    return ber.Set(0x80, ber.integer(0, 0x80))


def _optional(tag, n):
    return None if n is None else ber.integer(n, tag)


def pconnect(data, checkpoint=None, window=None, dialogue=None,
             protocol=None, version=None):
    """PConnect; None leaves a member out (so that its DEFAULT holds)."""
    return ber.Set(0x11, _syntax(), ber.Set(
        0x81, _optional(0x80, checkpoint), _optional(0x81, window),
        _optional(0x82, dialogue), ber.Seq(0x83, data),
        _optional(0x84, protocol), _optional(0x85, version)))


def paccept(data, checkpoint=None, window=None):
    return ber.Set(0x11, _syntax(), ber.Set(
        0x81, _optional(0x80, checkpoint), _optional(0x81, window),
        ber.Seq(0x82, data)))


def prefuse(reason):
    return ber.Set(0x11, ber.integer(reason, 0x80))


def abort_information(reason=None, reflected=None):
    return ber.Set(0x11, _optional(0x80, reason), None if reflected is None
                   else ber.Prim(0x81, b'\0' + reflected))


class Connect:
    """PConnect or PAccept, decoded.  Members that were absent have their
    DEFAULT; given is the set of those present."""

    checkpoint, window, dialogue, protocol, version = 0, 3, MONOLOGUE, 1, None
    name = password = recover = None


def _connection_data(pdu, node):
    if len(node.children) != 1:
        raise ber.BerError('bad ConnectionData')
    choice = node.children[0]
    if choice.tag == 0x81:
        pdu.recover = Scid.from_node(choice)
        return
    if choice.tag == 0x80 and not choice.constructed and not choice.content:
        return                          # [0] IMPLICIT NULL: no user data
    if choice.tag != 0x80 or len(choice.children) != 1:
        raise ber.BerError('bad ConnectionData')
    credentials = choice.children[0]
    if credentials.tag == 0x05:
        return
    if credentials.tag not in (0x81, 0x11):
        raise ber.BerError('credentials with tag %x' % credentials.tag)
    name = credentials.find(0x80)
    if name is not None:
        pdu.name = name.string().decode('latin-1')
    password = credentials.find(0x81)
    if password is not None and password.children:
        pdu.password = password.children[0].string().decode('latin-1')


def _decode_connect(octets, data_tag, integers):
    node = ber.parse(octets)
    if node.tag != 0x11 or not node.constructed:
        raise ber.BerError('not a SET')
    if {child.tag for child in node.children} != {0x80, 0x81}:
        raise ber.BerError('members are not [0] and [1]')
    syntax = node.find(0x80)
    if len(syntax.children) != 1 or syntax.children[0].integer() != 0:
        raise ber.BerError('bad DataTransferSyntax')
    pdu = Connect()
    pdu.given = set()
    for child in node.find(0x81).children:
        if child.tag == data_tag:
            _connection_data(pdu, child)
            pdu.given.add('data')
        elif child.tag in integers:
            setattr(pdu, integers[child.tag], child.integer())
            pdu.given.add(integers[child.tag])
        else:
            raise ber.BerError('member with tag %x' % child.tag)
    if 'data' not in pdu.given:
        raise ber.BerError('no ConnectionData')
    return pdu


def decode_pconnect(octets):
    return _decode_connect(octets, 0x83, {
        0x80: 'checkpoint', 0x81: 'window', 0x82: 'dialogue',
        0x84: 'protocol', 0x85: 'version'})


def decode_paccept(octets):
    return _decode_connect(octets, 0x82, {0x80: 'checkpoint',
                                          0x81: 'window'})


def decode_prefuse(octets):
    """The reason."""
    node = ber.parse(octets)
    if node.tag != 0x11 or len(node.children) != 1 \
            or node.children[0].tag != 0x80:
        raise ber.BerError('bad PRefuse')
    return node.children[0].integer()


def decode_abort(octets):
    """(reason or None, reflected parameter or None)."""
    node = ber.parse(octets)
    if node.tag != 0x11:
        raise ber.BerError('bad AbortInformation')
    reason, reflected = node.find(0x80), node.find(0x81)
    return (None if reason is None else reason.integer(),
            None if reflected is None else reflected.string()[1:])


def activity_identifier(n):
    """INTEGER PSDU."""
    return ber.integer(n).encode()


def priority(n):
    """User data of a turn-please."""
    return ber.integer(n).encode()
