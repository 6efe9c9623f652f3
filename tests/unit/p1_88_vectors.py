# SPDX-License-Identifier: ISC
"""MTS-APDUs of 1988, written octet by octet from X.411 figures 2, 4 and 6 and
X.690, for test_p1_88.c and for the corpus of the fuzzer.

usage: p1_88_vectors.py HEADER [DIRECTORY]

Of p1_88_good every APDU is in the one form that mtad writes: definite and
shortest lengths, no defaults, SETs in the order of the Recommendation's
fields as p1_84.h has them, extensions by their number.  p1_88_bad are out of
bounds or otherwise wrong.  p1_88_same are other forms of "message-one"."""

import os
import sys


def tlv(tag, *parts):
    octets = b''.join(parts)
    n = len(octets)
    if n < 128:
        length = bytes((n,))
    else:
        size = n.to_bytes((n.bit_length() + 7) // 8, 'big')
        length = bytes((0x80 | len(size),)) + size
    return bytes((tag,)) + length + octets


def indefinite(tag, *parts):
    return bytes((tag, 0x80)) + b''.join(parts) + b'\0\0'


def integer(n, tag=0x02):
    size = max(1, (n.bit_length() + 8) // 8)
    return tlv(tag, n.to_bytes(size, 'big', signed=True))


def enumerated(n):
    return integer(n, 0x0a)


def oid(text, tag=0x06):
    arcs = [int(arc) for arc in text.split('.')]
    out = b''
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        septets = [arc & 0x7f]
        while arc > 0x7f:
            arc >>= 7
            septets.insert(0, 0x80 | arc & 0x7f)
        out += bytes(septets)
    return tlv(tag, out)


def bits(*numbers, n=None, tag=0x03):
    n = n if n is not None else max(numbers) + 1 if numbers else 0
    value = bytearray((n + 7) // 8)
    for bit in numbers:
        value[bit // 8] |= 0x80 >> bit % 8
    return tlv(tag, bytes((-n % 8,)), bytes(value))


def seq(*parts):
    return tlv(0x30, *parts)


def set_(*parts):
    return tlv(0x31, *parts)


def ctx(n, *parts):
    """Constructed: an explicit tag, or an implicit one of a structure."""
    return tlv(0xa0 | n, *parts)


def prim(n, octets):
    return tlv(0x80 | n, octets)


def text(string):
    return string.encode('latin-1') if isinstance(string, str) else string


def printable(string):
    return tlv(0x13, text(string))


def numeric(string):
    return tlv(0x12, text(string))


def teletex(string):
    return tlv(0x14, text(string))


def ia5(string):
    return tlv(0x16, text(string))


def utc(string):
    return tlv(0x17, text(string))


TIME = '261123160000Z'


# 8.5.4, 8.5.5: identifiers and names

def domain(prmd='ALPHA'):
    return tlv(0x63, tlv(0x61, printable('GB')),
               tlv(0x62, printable('GOLD 400')),
               printable(prmd) if prmd else b'')


def identifier(local='local-1'):
    return tlv(0x64, domain(), ia5(local))


def attribute(number, value):
    return seq(integer(number, 0x80), ctx(1, value))


def standard(surname=None, organization=None):
    return seq(tlv(0x61, printable('GB')), tlv(0x62, printable('GOLD 400')),
               prim(3, text(organization)) if organization else b'',
               ctx(5, prim(0, text(surname))) if surname else b'')


def name(surname='Doe', attributes=(), directory=b'', tag=0x60,
         organization='Org', ddas=b''):
    return tlv(tag, standard(surname, organization), ddas,
               set_(*attributes) if attributes else b'',
               ctx(0, directory) if directory else b'')


NAME = name()


def bmp(string, language=None):
    return set_(tlv(0x1e, string.encode('utf-16-be')),
                printable(language) if language else b'')


def universal(string, language=None):
    return set_(tlv(0x1c, string.encode('utf-32-be')),
                printable(language) if language else b'')


def pds(plain=None, t61=None):
    return set_(printable(plain) if plain else b'',
                teletex(t61) if t61 else b'')


def retag(n, element):
    """IMPLICIT [n] of a constructed element."""
    return bytes((0xa0 | n,)) + element[1:]


ATTRIBUTES = (
    attribute(1, printable('common')),
    attribute(2, teletex(b'c\xc8o')),
    attribute(3, teletex('org')),
    attribute(4, set_(prim(0, b'sur'), prim(1, b'given'), prim(2, b'i'),
                      prim(3, b'III'))),
    attribute(5, seq(teletex('one'), teletex('two'))),
    attribute(6, seq(seq(teletex('type'), teletex('value')))),
    attribute(7, printable('pds')),
    attribute(8, numeric('234')),
    attribute(9, printable('W1A 1AA')),
    attribute(10, pds('p10', 't10')),
    attribute(11, pds('p11')), attribute(12, pds('p12')),
    attribute(13, pds('p13')), attribute(14, pds('p14')),
    attribute(15, pds('p15')),
    attribute(16, set_(seq(printable('line 1'), printable('line 2')),
                       teletex('all'))),
    attribute(17, pds('p17')), attribute(18, pds('p18')),
    attribute(19, pds('p19')), attribute(20, pds('p20')),
    attribute(21, pds('p21')),
    attribute(22, seq(prim(0, b'44123'), prim(1, b'7'))),
    attribute(23, integer(7)),
    attribute(24, bmp('\u00fc', 'en')),
    attribute(25, universal('\U0001f600')),
    attribute(26, set_(retag(0, bmp('S')), retag(1, bmp('G')))),
    attribute(27, seq(bmp('U'))),
    attribute(28, seq(seq(bmp('t'), bmp('v')))),
    attribute(29, bmp('u29')), attribute(30, bmp('u30')),
    attribute(31, bmp('u31')), attribute(32, bmp('u32')),
    attribute(33, bmp('u33')), attribute(34, bmp('u34')),
    attribute(35, bmp('u35')), attribute(36, bmp('u36')),
    attribute(37, bmp('u37')), attribute(38, bmp('u38')),
    attribute(39, bmp('u39')), attribute(40, bmp('u40')),
)
UNKNOWN_ATTRIBUTE = attribute(200, indefinite(0x30, integer(5)))
PSAP = attribute(22, ctx(0, ctx(0, tlv(4, b'P')), ctx(1, tlv(4, b'S')),
                         ctx(2, tlv(4, b'T')),
                         ctx(3, set_(tlv(4, b'\x54\0\x72\1')))))


# 8.3: fields of envelopes

def eits(*numbers, others=b'', external=()):
    return tlv(0x65, bits(*numbers, tag=0x80), others,
               ctx(4, *[oid(x) for x in external]) if external else b'')


def supplied(arrival=TIME, deferred=None, action=0, converted=b'',
             attempted=b'', other=b''):
    return set_(prim(0, text(arrival)),
                prim(1, text(deferred)) if deferred else b'',
                integer(action, 0x82), converted, attempted, other)


def trace(*elements):
    return tlv(0x69, *(elements or (seq(domain(), supplied()),)))


def internal(*elements):
    return seq(*elements)


# MTASuppliedInformation in the order of the figure
def mta_element(arrival=TIME, attempted=b'', deferred=b'', converted=b'',
                other=b'', mta='relay', action=0):
    return seq(domain(), ia5(mta),
               set_(prim(0, text(arrival)), integer(action, 0x82), attempted,
                    deferred, converted, other))


def extension(number, value, critical=(), private=None):
    kind = oid(private, 0x83) if private else integer(number, 0x80)
    return seq(kind, bits(*critical, tag=0x81) if critical else b'',
               ctx(2, value) if value else b'')


def recipient(extensions=(), number=1, indicators=None, conversion=b'',
              who=NAME):
    return set_(who, integer(number, 0x80),
                indicators or bits(0, 2, n=8, tag=0x81), conversion,
                ctx(3, *extensions) if extensions else b'')


CONTENT = tlv(0x04, b'hello')


def message(extensions=(), recipients=None, originator=NAME, original=b'',
            content_type=integer(22, 0x46), content_id=b'', priority=b'',
            indicators=b'', deferred=b'', bilateral=b'', traces=None,
            extended=b'', identity=None, content=CONTENT):
    return ctx(0, set_(
        identity or identifier(), originator, original, content_type,
        content_id, priority, indicators, deferred, bilateral,
        ctx(2, *(recipients or (recipient(),))), traces or trace(), extended,
        ctx(3, *extensions) if extensions else b''), content)


def probe(extensions=(), recipients=None, length=b'', extended=b'',
          content_type=integer(22, 0x46), original=b'', bilateral=b'',
          indicators=b'', content_id=b''):
    return ctx(2, identifier(), NAME, content_type, content_id, original,
               trace(), indicators, length, bilateral,
               ctx(2, *(recipients or (recipient(),))), extended,
               ctx(3, *extensions) if extensions else b'')


def reported(report, extensions=(), number=1, intended=b'',
             supplementary=b''):
    return set_(retag(0, NAME), integer(number, 0x81),
                bits(0, 1, n=8, tag=0x82),
                ctx(3, prim(0, text(TIME)), ctx(1, report)),
                intended, supplementary,
                ctx(6, *extensions) if extensions else b'')


DELIVERED = ctx(0, prim(0, text(TIME)), integer(3, 0x81))
FAILED = ctx(1, integer(1, 0x80), integer(18, 0x81))


def report(extensions=(), content_extensions=(), recipients=None,
           content_type=b'', original=b'', returned=b'', intermediate=b'',
           additional=b'', extended=b'', content_id=b''):
    return ctx(1, set_(
        identifier('report-1'), NAME, trace(),
        ctx(1, *extensions) if extensions else b''), set_(
            identifier('subject-1'), intermediate, content_id,
            ctx(0, *(recipients or (reported(FAILED),))), additional,
            original, content_type, extended,
            ctx(3, *content_extensions) if content_extensions else b'',
            returned))


# Extensions: what a value of each looks like.

ALGORITHM = seq(oid('1.2.840.113549.1.1.1'), b'\5\0')
SIGNATURE = seq(ALGORITHM, bits(0, 3, 9))
CERTIFICATE = seq(seq(integer(1), NAME), ALGORITHM, bits(1, 2))
CERTIFICATES = seq(CERTIFICATE, seq(set_(CERTIFICATE), set_(CERTIFICATE)))
TOKEN = seq(oid('2.6.3.6.0', 0x80), ctx(1, seq(seq(NAME, utc(TIME)),
                                               ALGORITHM, bits(5))))
LABEL = set_(oid('1.2.3'), integer(4), printable('mark'),
             set_(seq(oid('1.2.4', 0x80), ctx(1, integer(1)))))
ASSERTION = ctx(0, integer(7, 0x80))
REDIRECTIONS = seq(seq(seq(NAME, utc(TIME)), enumerated(2)))
DL_EXPANSIONS = seq(seq(name('List'), utc(TIME)))
ORIGINATOR_DL = seq(seq(NAME, utc(TIME)), seq(name('List'), utc(TIME)))
INTERNAL = seq(
    mta_element(attempted=ia5('other'), converted=eits(2),
                other=bits(1, tag=0x83)),
    mta_element(attempted=domain('BETA'), action=1,
                deferred=prim(1, text(TIME))))
REPORTING_MTA = seq(domain(), ia5('relay'), ctx(0, seq()))
ADDRESS = seq(standard('Return'))

VALUES = {
    1: enumerated(1), 2: name('Alternate', organization=None,
                              attributes=(attribute(1, printable('x')),)),
    3: enumerated(1), 4: enumerated(1), 5: utc('261124120000Z'),
    6: seq(integer(1), integer(2)), 7: enumerated(1), 8: enumerated(1),
    9: bits(2, 7), 10: integer(1), 11: teletex(b'+44 1\xc8'),
    12: oid('2.6.3.7.0'), 13: ADDRESS, 14: integer(3), 15: CERTIFICATES,
    16: TOKEN, 17: ALGORITHM, 18: SIGNATURE, 19: SIGNATURE, 20: LABEL,
    21: enumerated(1), 22: enumerated(1), 23: ia5('correlate'),
    24: SIGNATURE, 25: REDIRECTIONS, 26: DL_EXPANSIONS, 27: NAME,
    28: CERTIFICATES, 29: SIGNATURE, 30: ORIGINATOR_DL, 31: name('List'),
    32: CERTIFICATES, 33: SIGNATURE, 34: CERTIFICATES, 35: SIGNATURE,
    36: integer(3), 37: trace(), 38: INTERNAL, 39: REPORTING_MTA,
    40: set_(ctx(0, seq()), retag(1, CERTIFICATES)), 41: seq(), 42: set_(
        name('Exempted', directory=seq())), 43: seq(integer(1)),
    44: seq(integer(2)), 45: set_(ASSERTION, retag(2, ASSERTION)),
    46: set_(ASSERTION),
}
CRITICAL = {1: (2,), 3: (2,), 4: (2,), 5: (2,), 20: (2,), 22: (2,)}


def ext(number, **more):
    return extension(number, VALUES[number], CRITICAL.get(number, ()), **more)


PER_MESSAGE = (1, 3, 4, 5, 13, 15, 17, 19, 20, 23, 26, 38, 40, 42, 45)
PER_PROBE = (1, 3, 4, 15, 20, 23, 24, 38)
PER_RECIPIENT = (2, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 22, 25, 28, 41, 43,
                 44, 46)
PER_REPORT = (20, 25, 30, 31, 32, 33, 38, 39)
PER_REPORTED = (25, 27, 28, 29)


def bilateral(private):
    where = seq(ctx(0, printable('ATLAS')), ctx(1, printable('PRIV'))) \
        if private else tlv(0x62, printable('ATLAS'))
    return seq(tlv(0x61, printable('FR')), where, seq(integer(1)))


GOOD = {'message-one': message(
    (ext(1),), priority=integer(2, 0x47),
    indicators=bits(0, 2, n=4, tag=0x48), original=eits(2))}
for _n in VALUES:
    GOOD['message-%d' % _n] = message((ext(_n),))
    GOOD['recipient-%d' % _n] = message(recipients=(recipient((ext(_n),)),))
    GOOD['probe-%d' % _n] = probe((ext(_n),), (recipient((ext(_n),)),))
    GOOD['report-%d' % _n] = report((ext(_n),), (ext(_n),), (
        reported(DELIVERED, (ext(_n),)), reported(FAILED, number=2)))
GOOD['message-all'] = message(
    [ext(n) for n in PER_MESSAGE] + [extension(
        0, integer(1), (), private='1.2.3')],
    (recipient([ext(n) for n in PER_RECIPIENT],
               conversion=integer(8, 0x82)),
     recipient(number=32767, who=name(directory=seq(set_(seq(
         oid('2.5.4.6'), printable('GB'))))))),
    name(directory=seq()), eits(2, others=prim(1, b'\0'),
                                external=('1.0.10021.7.1.0.6',)),
    b'', tlv(0x4a, b'content id'), integer(1, 0x47), bits(0, n=4, tag=0x48),
    prim(0, text(TIME)), ctx(1, bilateral(True), bilateral(False)),
    trace(seq(domain(), supplied()), seq(domain(None), supplied(
        deferred=TIME, action=1, converted=eits(5), attempted=domain('BETA'),
        other=bits(1, tag=0x83)))), oid('2.6.1.10.1'))
GOOD['probe-all'] = probe(
    [ext(n) for n in PER_PROBE],
    (recipient([ext(n) for n in (2, 6, 12, 25)]),),
    integer(123456, 0x80), b'', integer(35, 0x46), eits(0, 9),
    ctx(1, bilateral(True)), bits(7, n=8, tag=0x48), tlv(0x4a, b'id'))
GOOD['report-all'] = report(
    [ext(n) for n in PER_REPORT],
    (extension(23, tlv(4, b'\0\xff')),
     extension(0, integer(1), (), private='1.2.3')),
    (reported(FAILED, [ext(n) for n in PER_REPORTED],
              intended=retag(4, NAME), supplementary=prim(5, b'gone')),
     reported(DELIVERED, number=2)),
    integer(22, 0x46), eits(2), prim(1, b'hello'), trace(),
    ctx(2, integer(5)), b'', tlv(0x4a, b'id'))
GOOD['report-oid'] = report(extended=oid('1.3.4'))
GOOD['correlator-any'] = message((extension(23, seq(integer(1))),))
GOOD['attributes'] = message(originator=name(
    None, ATTRIBUTES + (UNKNOWN_ATTRIBUTE,), organization=None))
GOOD['psap'] = message(originator=name(None, (PSAP,)))
GOOD['names'] = message(originator=tlv(0x60, seq(), ctx(0, seq())))
GOOD['dda'] = message(originator=name(ddas=seq(seq(
    printable('RFC-822'), printable('a(a)b')))))
GOOD['unknown'] = message(
    (extension(199, indefinite(0x30, integer(5))),
     extension(200, seq(), (1,)),
     extension(0, b'', (1, 2),
               private='2.25.340282366920938463463374607431768211455')),
    (recipient((extension(250, b'', (1,)),)),))
GOOD['empty'] = message(content=tlv(4))
GOOD['long'] = message(content=tlv(4, bytes(70000)))


# Wrong ones.

def many(n, element):
    return seq(element * n)


def label(mark='m', categories=1, classification=1):
    return set_(integer(classification), printable(mark), set_(
        *[seq(oid('1.2.4', 0x80), ctx(1, integer(1)))] * categories))


BAD_VALUES = {
    1: (enumerated(2), integer(1), b'', seq()),
    2: (seq(), b''), 3: (enumerated(2), enumerated(-1)), 4: (enumerated(2),),
    5: (tlv(0x17), utc('2' * 20), utc('yesterday'), ia5(TIME)),
    6: (seq(integer(257)), seq(integer(-1)), many(65, integer(1))),
    7: (enumerated(2),), 8: (enumerated(2),),
    9: (bits(16), integer(1)), 10: (integer(257), integer(-1)),
    11: (teletex('x' * 33), tlv(0x14), printable('1')),
    12: (tlv(6), tlv(6, b'\x2a\x80'), tlv(6, b'\x2a\x80\x01'),
         tlv(6, b'\x2a' * 61)),
    13: (NAME, seq(), integer(1)), 14: (integer(257),),
    15: (seq(), seq(seq(), ALGORITHM, bits(1))),
    16: (seq(oid('1.2.3', 0x80)), seq(ctx(1, integer(1)))),
    17: (seq(), seq(integer(1))), 18: (seq(ALGORITHM), bits(1)),
    19: (seq(ALGORITHM, bits(1), bits(1)),),
    20: (label('m' * 129), label(''), label(categories=65),
         label(categories=0), label(classification=257),
         set_(integer(1), integer(2))),
    21: (enumerated(2),), 22: (enumerated(2),),
    23: (ia5('c' * 513), tlv(4, bytes(513)), seq(tlv(4, bytes(511)))),
    24: (seq(),),
    25: (seq(), many(513, REDIRECTIONS[2:]), seq(seq(
        seq(NAME, utc(TIME)), enumerated(256))), seq(seq(
            seq(NAME), enumerated(1)))),
    26: (seq(), many(513, seq(name('L'), utc(TIME))),
         seq(seq(NAME))),
    27: (ADDRESS,), 28: (seq(),), 29: (seq(),),
    30: (seq(), many(514, seq(name('L'), utc(TIME)))), 31: (integer(1),),
    32: (seq(),), 33: (seq(),), 34: (seq(),), 35: (seq(),),
    37: (tlv(0x69, seq(domain(), supplied()) * 513), seq()),
    38: (seq(), many(513, mta_element()), seq(mta_element(mta='m' * 33)),
         seq(mta_element(action=2)), seq(mta_element(
             attempted=ia5('m' * 33))), seq(mta_element(
                 other=bits(16, tag=0x83)))),
    39: (seq(domain()), seq(domain(), ia5('m' * 33)),
         seq(domain(), ia5('m'), ctx(0))),
    40: (set_(), set_(*[ctx(0, seq())] * 65), set_(ctx(2, seq()))),
    42: (set_(integer(1)), NAME), 45: (set_(ctx(5, seq())), set_(
        ASSERTION, ASSERTION)), 46: (seq(),),
}

BAD = {}
for _n, _values in BAD_VALUES.items():
    for _i, _value in enumerate(_values):
        BAD['message-%d-%d' % (_n, _i)] = message(
            (extension(_n, _value),))
        BAD['reported-%d-%d' % (_n, _i)] = report(
            recipients=(reported(FAILED, (extension(_n, _value),)),))
BAD.update({
    'no-content-type': message(content_type=b''),
    'two-content-types': message(extended=oid('1.2.3')),
    'content-type': message(content_type=integer(32768, 0x46)),
    'content-oid': message(content_type=b'', extended=tlv(6)),
    'priority': message(priority=integer(3, 0x47)),
    'content-id': message(content_id=tlv(0x4a, b'c' * 17)),
    'indicators': message(indicators=bits(16, tag=0x48)),
    'per-recipient': message(recipients=(recipient(
        indicators=bits(16, tag=0x81)),)),
    'number-0': message(recipients=(recipient(number=0),)),
    'number-32768': message(recipients=(recipient(number=32768),)),
    'conversion': message(recipients=(recipient(
        conversion=integer(257, 0x82)),)),
    'local': message(identity=identifier('l' * 33)),
    'prmd': message(identity=tlv(0x64, domain('p' * 17), ia5('l'))),
    'action': message(traces=trace(seq(domain(), supplied(action=2)))),
    'other-actions': message(traces=trace(seq(domain(), supplied(
        other=bits(16, tag=0x83))))),
    'trace': message(traces=tlv(0x69, seq(domain(), supplied()) * 513)),
    'eits': message(original=eits(32)),
    'external-eits': message(original=tlv(0x65, bits(tag=0x80), ctx(4))),
    'external-eits-many': message(original=eits(
        external=('1.2.3',) * 1025)),
    'bilateral': message(bilateral=ctx(1, seq(
        tlv(0x61, printable('FR')), tlv(0x62, printable('A')),
        tlv(4, bytes(1025))))),
    'bilateral-prmd': message(bilateral=ctx(1, seq(
        tlv(0x61, printable('FR')), seq(
            ctx(0, printable('A')), ctx(1, printable(''))), integer(1)))),
    'twice': message((ext(1), ext(1))),
    'twice-unknown': message((extension(99, seq()),) * 2),
    'type-0': message((extension(0, seq()),)),
    'type-257': message((extension(257, seq()),)),
    'criticality': message((extension(99, seq(), (16,)),)),
    'extensions': message(tuple(extension(
        0, b'', private='1.2.%d' % i) for i in range(257))),
    'value': message((extension(99, tlv(4, bytes(256 * 1024))),)),
    'oid': message((seq(prim(3, b'\x80'), ctx(2, seq())),)),
    'no-type': message((seq(ctx(2, seq())),)),
    'report-type': report(recipients=(reported(ctx(2, seq())),)),
    'reason': report(recipients=(reported(ctx(1, integer(32768, 0x80))),)),
    'diagnostic': report(recipients=(reported(
        ctx(1, integer(1, 0x80), integer(32768, 0x81))),)),
    'user-type': report(recipients=(reported(
        ctx(0, prim(0, text(TIME)), integer(257, 0x81))),)),
    'supplementary': report(recipients=(reported(
        FAILED, supplementary=prim(5, b's' * 257)),)),
    'report-two-content-types': report(
        content_type=integer(2, 0x46), extended=oid('1.2.3')),
    'two-returned': report(returned=prim(1, b'a') + prim(1, b'b')),
    'attribute-twice': message(originator=name(
        None, (attribute(1, printable('a')), attribute(1, printable('b'))))),
    'attribute-257': message(originator=name(
        None, (attribute(257, printable('a')),))),
    'unit-twice': message(originator=tlv(0x60, seq(
        tlv(0x61, printable('GB')), ctx(6, teletex('u'))), set_(
            attribute(5, seq(teletex('v')))))),
    'bmp-half': message(originator=name(None, (attribute(
        24, set_(tlv(0x1e, b'\0a\0'))),))),
    'bmp-nul': message(originator=name(None, (attribute(
        24, set_(tlv(0x1e, b'\0a\0\0'))),))),
    'bmp-long': message(originator=name(None, (attribute(
        24, bmp('x' * 501)),))),
    'universal-high': message(originator=name(None, (attribute(
        24, set_(tlv(0x1c, b'\0\x11\0\0'))),))),
    'language': message(originator=name(None, (attribute(
        24, bmp('x', 'english')),))),
    'terminal': message(originator=name(None, (attribute(
        23, integer(257)),))),
    'lines': message(originator=name(None, (attribute(16, set_(seq(
        *[printable('l')] * 7))),))),
    'line': message(originator=name(None, (attribute(16, set_(seq(
        printable('a|b')))),))),
    'units': message(originator=name(None, (attribute(5, seq(
        *[teletex('u')] * 5)),))),
    'psap': message(originator=name(None, (attribute(22, ctx(0, ctx(
        0, tlv(4, b'P')))),))),
    'directory': message(originator=name(directory=tlv(4, bytes(4096)))),
    'directory-2': message(originator=name(directory=seq() + seq())),
    'unknown-attributes': message(originator=name(None, [attribute(
        i, tlv(4, bytes(1024))) for i in range(200, 204)])),
    'probe-length': probe(length=integer(-1, 0x80)),
})
for _name in ('message-all', 'probe-all', 'report-all'):
    BAD[_name + '-behind'] = GOOD[_name] + b'\0'

# Other forms of message-one.
ONE_EXTENSION = indefinite(0x30, integer(1, 0x80), bits(2, n=8, tag=0x81),
                           indefinite(0xa2, enumerated(1)))
FIELDS = [identifier(), NAME, eits(2), integer(22, 0x46), integer(2, 0x47),
          bits(0, 2, n=4, tag=0x48), ctx(2, recipient()), trace(),
          ctx(3, ONE_EXTENSION)]
SAME = {
    'itself': GOOD['message-one'],
    'backwards': ctx(0, set_(*FIELDS[::-1]), CONTENT),
    'indefinite': indefinite(0xa0, indefinite(0x31, *FIELDS), indefinite(
        0x24, tlv(4, b'he'), tlv(4, b'llo'))),
    'long-form': b'\xa0\x84' + len(GOOD['message-one'][3:]).to_bytes(
        4, 'big') + GOOD['message-one'][3:],
    'defaults': ctx(0, set_(*FIELDS, prim(9, b'later edition')), CONTENT),
    'not-prohibited': ctx(0, set_(*FIELDS[:8], ctx(
        3, ONE_EXTENSION, extension(3, enumerated(0), (2,)),
        extension(4, enumerated(0)))), CONTENT),
    'no-recipient-extensions': ctx(0, set_(*FIELDS[:6], ctx(2, set_(
        NAME, integer(1, 0x80), bits(0, 2, n=5, tag=0x81), ctx(3))),
        *FIELDS[7:]), CONTENT),
}
assert len(GOOD['message-one']) > 127 and GOOD['message-one'][1] == 0x81


def c_array(out, name, vectors):
    for i, octets in enumerate(vectors.values()):
        if not octets.strip(b'\0'):
            raise ValueError(name)
        out.append('static const uint8_t %s_%d[] = {' % (name, i))
        for off in range(0, len(octets), 16):
            out.append('\t' + ' '.join('0x%02x,' % c for c in
                                       octets[off:off + 16]))
        out.append('};')
    out.append('static const struct p1_88_vector %s[] = {' % name)
    for i, key in enumerate(vectors):
        out.append('\t{ "%s", %s_%d, sizeof(%s_%d) },' % (key, name, i, name,
                                                         i))
    out.append('};')
    out.append('#define %s (sizeof(%s) / sizeof(%s[0]))' % (
        name.upper(), name, name))


def main():
    out = ['/* Made by p1_88_vectors.py. */',
           'struct p1_88_vector {', '\tconst char\t*name;',
           '\tconst uint8_t\t*octets;', '\tsize_t\t\t len;', '};']
    c_array(out, 'p1_88_good', GOOD)
    c_array(out, 'p1_88_bad', BAD)
    c_array(out, 'p1_88_same', SAME)
    with open(sys.argv[1], 'w') as file:
        file.write('\n'.join(out) + '\n')
    if len(sys.argv) > 2:
        for key, octets in list(GOOD.items()) + list(SAME.items()):
            place, _, number = key.partition('-')
            if len(octets) < 20000 and (
                    not number.isdigit() or place == 'message'):
                with open(os.path.join(sys.argv[2], key), 'wb') as file:
                    file.write(octets)


if __name__ == '__main__':
    main()
