# SPDX-License-Identifier: ISC
"""Basic encoding rules (X.209) by hand, for the few small PDUs of session
and reliable transfer that go into every test run; P1 and P2 use pyasn1.

Writing: a value is a tree of Prim, Str, Seq and Set, and encode() gives it
the shape a Form asks for, so that a test can send one value in every legal
form of X.209: shuffled SET members, indefinite lengths, long-form lengths,
constructed strings.  Reading: parse() takes all these forms.
"""

import random


class BerError(ValueError):
    """Octets that are not a well-formed encoding."""


class Form:
    """How to encode: each choice is legal and means the same value."""

    def __init__(self, shuffle=None, indefinite=False, long_length=0,
                 pieces=0, piece_tag=0x04):
        self.shuffle = shuffle          # seed for the order of SET members
        self.indefinite = indefinite    # constructed: 80 ... 00 00
        self.long_length = long_length  # octets of length, at least (0..126)
        self.pieces = pieces            # strings in segments of so many octets
        self.piece_tag = piece_tag      # tag of a segment

    def length(self, n):
        if not self.long_length and n < 128:
            return bytes((n,))
        size = max(self.long_length, (n.bit_length() + 7) // 8, 1)
        return bytes((0x80 | size,)) + n.to_bytes(size, 'big')

    def wrap(self, tag, content, constructed, indefinite=False):
        if constructed:
            tag |= 0x20
            if self.indefinite or indefinite:
                return bytes((tag, 0x80)) + content + b'\0\0'
        return bytes((tag,)) + self.length(len(content)) + content


DER = Form()


class Prim:
    """A primitive value: tag octet and contents octets."""

    def __init__(self, tag, content):
        self.tag = tag
        self.content = content

    def encode(self, form=DER):
        return form.wrap(self.tag, self.content, False)


class Str(Prim):
    """A string, which may also be sent constructed."""

    def encode(self, form=DER):
        if not form.pieces:
            return form.wrap(self.tag, self.content, False)
        parts = [Prim(form.piece_tag,
                      self.content[i:i + form.pieces]).encode(form)
                 for i in range(0, len(self.content), form.pieces)]
        return form.wrap(self.tag, b''.join(parts), True)


class Seq:
    """A constructed value, members in order.  None members are left out.
    indefinite: of indefinite length, whatever the form."""

    indefinite = False

    def __init__(self, tag, *members):
        self.tag = tag
        self.members = [m for m in members if m is not None]

    def order(self, parts, form):
        return parts

    def encode(self, form=DER):
        parts = [m if isinstance(m, (bytes, bytearray)) else m.encode(form)
                 for m in self.members]
        return form.wrap(self.tag, b''.join(self.order(parts, form)), True,
                         self.indefinite)


class Set(Seq):
    """A constructed value whose members may come in any order."""

    def order(self, parts, form):
        if form.shuffle is not None:
            random.Random(form.shuffle).shuffle(parts)
        return parts


def integer(n, tag=0x02):
    """INTEGER n under a tag octet."""
    size = 1
    while not -(1 << (8 * size - 1)) <= n < 1 << (8 * size - 1):
        size += 1
    return Prim(tag, n.to_bytes(size, 'big', signed=True))


def bits(text, tag=0x03):
    """BIT STRING of a text of 0 and 1 under a tag octet."""
    unused = -len(text) % 8
    number = int(text + '0' * unused, 2) if text else 0
    return Prim(tag, bytes((unused,)) +
                number.to_bytes((len(text) + unused) // 8, 'big'))


def oid(text, tag=0x06):
    """OBJECT IDENTIFIER of its numbers, '2.1.1', under a tag octet."""
    numbers = [int(n) for n in text.split('.')]
    out = bytearray()
    for n in [numbers[0] * 40 + numbers[1]] + numbers[2:]:
        octets = [n & 0x7f]
        while n >> 7:
            n >>= 7
            octets.append(0x80 | n & 0x7f)
        out += bytes(reversed(octets))
    return Prim(tag, bytes(out))


class Node:
    """A decoded value.  tag is the identifier octet without the constructed
    bit (class bits and number; several octets for high numbers), content the
    contents octets of a primitive, children the members of the others, raw
    the whole encoding."""

    __slots__ = ('tag', 'constructed', 'content', 'children', 'raw')

    def find(self, tag):
        for child in self.children:
            if child.tag == tag:
                return child
        return None

    def string(self):
        """Contents of a string, segments joined."""
        if not self.constructed:
            return bytes(self.content)
        return b''.join(child.string() for child in self.children)

    def bits(self):
        """A BIT STRING as a text of 0 and 1."""
        if self.constructed:
            return ''.join(child.bits() for child in self.children)
        if not self.content or self.content[0] > 7 or \
                len(self.content) == 1 and self.content[0]:
            raise BerError('bad BIT STRING %s' % self.raw.hex())
        text = ''.join('{:08b}'.format(b) for b in self.content[1:])
        return text[:len(text) - self.content[0]]

    def oid(self):
        """The numbers of an OBJECT IDENTIFIER, '2.1.1'."""
        if self.constructed or not self.content or self.content[-1] & 0x80:
            raise BerError('bad OBJECT IDENTIFIER %s' % self.raw.hex())
        numbers = []
        n = 0
        for octet in self.content:
            n = n << 7 | octet & 0x7f
            if not octet & 0x80:
                numbers.append(n)
                n = 0
        first = min(numbers[0] // 40, 2)
        return '.'.join(map(str, [first, numbers[0] - 40 * first] +
                            numbers[1:]))

    def integer(self):
        if self.constructed or not 1 <= len(self.content) <= 8:
            raise BerError('bad INTEGER %s' % self.raw.hex())
        return int.from_bytes(self.content, 'big', signed=True)


def header(buf, pos, end):
    """(tag, constructed, length or None, position of the contents)."""
    if pos >= end:
        raise BerError('no identifier')
    first = buf[pos]
    tag = first & 0xdf
    pos += 1
    if first & 0x1f == 0x1f:
        while True:
            if pos >= end or tag >> 32:
                raise BerError('bad identifier')
            octet = buf[pos]
            tag = tag << 8 | octet
            pos += 1
            if not octet & 0x80:
                break
    if pos >= end:
        raise BerError('no length')
    length = buf[pos]
    pos += 1
    if length == 0x80:
        if not first & 0x20:
            raise BerError('primitive of indefinite length')
        return tag, True, None, pos
    if length & 0x80:
        size = length & 0x7f
        if pos + size > end:
            raise BerError('length cut short')
        length = int.from_bytes(buf[pos:pos + size], 'big')
        pos += size
    return tag, bool(first & 0x20), length, pos


def _node(buf, pos, end, depth):
    if depth > 40:
        raise BerError('too deep')
    start = pos
    node = Node()
    node.tag, node.constructed, length, pos = header(buf, pos, end)
    node.content = None
    node.children = ()
    if length is not None:
        if pos + length > end:
            raise BerError('contents cut short')
        end = pos + length
    if not node.constructed:
        node.content = bytes(buf[pos:end])
        pos = end
    else:
        children = []
        while True:
            if length is not None and pos == end:
                break
            if length is None and bytes(buf[pos:pos + 2]) == b'\0\0':
                pos += 2
                break
            child, pos = _node(buf, pos, end, depth + 1)
            children.append(child)
        node.children = children
    node.raw = bytes(buf[start:pos])
    return node, pos


def parse(buf):
    """The one value that buf is."""
    node, pos = _node(buf, 0, len(buf), 0)
    if pos != len(buf):
        raise BerError('%d octets after the value' % (len(buf) - pos))
    return node


def parse_first(buf):
    """The value buf begins with, and where it ends."""
    return _node(buf, 0, len(buf), 0)


_STRINGS = {0x03, 0x04, 0x0c} | set(range(0x12, 0x1f))


def flatten(octets):
    """The same value with definite lengths, and with the constructed strings
    of universal tags made primitive (segments may have any string tag)."""
    def rewrite(node):
        if not node.constructed:
            return node.raw
        if node.tag == 0x03:
            parts = [child.string() for child in node.children]
            return Prim(0x03, (parts[-1][:1] or b'\0') +
                        b''.join(part[1:] for part in parts)).encode()
        if node.tag in _STRINGS:
            return Prim(node.tag, node.string()).encode()
        inner = b''.join(map(rewrite, node.children))
        size = max((node.tag.bit_length() + 7) // 8, 1)
        head = bytearray(node.tag.to_bytes(size, 'big'))
        head[0] |= 0x20
        return bytes(head) + DER.length(len(inner)) + inner

    return rewrite(parse(octets))
