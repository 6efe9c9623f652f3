# SPDX-License-Identifier: ISC
"""X.420 of 1984 and 1988 for tests: contents made and taken apart, with the
rules of peer.ber alone, from the Recommendation (clauses 7 and 8, annexes).
p2.py has the one IA5 text of it with pyasn1.

Writing: functions give trees of ber.Seq and others.  Reading: decode() gives
a dict, with body parts as (kind, ...) tuples."""

from . import p1_88
from .ber import Prim, Seq, Set, Str, bits, integer, oid, parse

ET = '2.6.1.4.%d'               # id-et: types of extended body parts
EP = '2.6.1.11.%d'              # id-ep: of their parameters
HEX = '2.6.1.5.%d'              # id-hex: of heading extensions
BINARY = '1.0.8571.2.4'         # FTAM unstructured binary


def ctx(n, constructed=False):
    return 0x80 | n


def printable(text, tag=0x13):
    return Str(tag, text.encode('ascii'))


def teletex(octets, tag=0x14):
    return Str(tag, octets)


def read_orname(node):
    """What p1_88 says of it, without what is not there."""
    return {key: value for key, value in p1_88.read_orname(node).items()
            if value}


def descriptor(tag=0x11, name=None, free=None, telephone=None):
    return Set(tag, name and p1_88.orname(name),
               None if free is None else teletex(free, ctx(0)),
               None if telephone is None else printable(telephone, ctx(1)))


def read_descriptor(node):
    out = {}
    for member in node.children:
        if member.tag == 0x40:
            out['name'] = read_orname(member)
        elif member.tag == 0x80:
            out['free'] = member.string()
        elif member.tag == 0x81:
            out['telephone'] = member.string().decode('ascii')
    return out


def ipm_id(identifier, user=None, tag=0x4b):
    return Set(tag, user and p1_88.orname(user), printable(identifier))


def read_id(node):
    out = {}
    for member in node.children:
        if member.tag == 0x40:
            out['user'] = read_orname(member)
        else:
            out['id'] = member.string().decode('ascii')
    return out


def recipient(name=None, free=None, notify=None, reply=False):
    return Set(0x11, descriptor(ctx(0), name, free),
               notify and bits(notify, ctx(1)),
               Prim(ctx(2), b'\xff') if reply else None)


def utc(text, tag):
    return Str(tag, text.encode('ascii'))


def boolean(tag):
    return Prim(tag, b'\xff')


def heading(identifier, **fields):
    """Fields by the names of the Recommendation; values as above."""
    out = [identifier]
    if 'originator' in fields:
        out.append(descriptor(ctx(0), **fields['originator']))
    if 'authorizing' in fields:
        out.append(Seq(ctx(1), *[descriptor(**d)
                                 for d in fields['authorizing']]))
    for n, key in ((2, 'primary'), (3, 'copy'), (4, 'blind')):
        if key in fields:
            out.append(Seq(ctx(n), *[recipient(**r) for r in fields[key]]))
    if 'replied_to' in fields:
        out.append(ipm_id(*fields['replied_to'], tag=ctx(5)))
    for n, key in ((6, 'obsoleted'), (7, 'related')):
        if key in fields:
            out.append(Seq(ctx(n), *[ipm_id(*i) for i in fields[key]]))
    if 'subject' in fields:
        out.append(Seq(ctx(8), teletex(fields['subject'])))
    for n, key in ((9, 'expiry'), (10, 'reply_time')):
        if key in fields:
            out.append(utc(fields[key], ctx(n)))
    if 'reply_recipients' in fields:
        out.append(Seq(ctx(11), *[descriptor(**d)
                                  for d in fields['reply_recipients']]))
    for n, key in ((12, 'importance'), (13, 'sensitivity')):
        if key in fields:
            out.append(integer(fields[key], ctx(n)))
    if fields.get('auto_forwarded'):
        out.append(boolean(ctx(14)))
    if 'extensions' in fields:
        out.append(Set(ctx(15), *[Seq(0x10, oid(t), v)
                                  for t, v in fields['extensions']]))
    return Set(0x11, *out)


# Body parts

def ia5(octets):
    return Seq(ctx(0), Set(0x11), Str(0x16, octets))


def teletex_part(*pages):
    return Seq(ctx(5), Set(0x11, integer(len(pages), ctx(0))),
               Seq(0x10, *[teletex(p) for p in pages]))


def bilateral(octets):
    return Str(ctx(14), octets)


def external(kind, value, tag=0x08):
    return Seq(tag, oid(kind), Seq(ctx(0), value))


def aligned(kind, octets, tag=0x08):
    return Seq(tag, kind and oid(kind), Str(ctx(1), octets))


def extended(kind, data, parameters=None):
    return Seq(ctx(15), parameters and external(EP % kind, parameters,
                                                ctx(0)),
               external(ET % kind, data))


def general_text(octets, *sets):
    return extended(11, Str(0x1b, octets),
                    Set(0x11, *[integer(n) for n in sets]))


def file_transfer(octets, pathname=None, application=None, created=None,
                  modified=None, size=None, visible=None):
    """octets: one string, or several that are one behind the other."""
    def graphics(tag, texts):
        return Seq(tag, *[Str(0x19, t) for t in texts])

    def time(n, text):
        return Seq(ctx(n), Str(ctx(1), text.encode('ascii')))

    environment = Seq(
        ctx(2), application and Seq(ctx(0), graphics(ctx(1), application)),
        visible and graphics(ctx(3), visible))
    attributes = Seq(
        ctx(4), pathname and graphics(ctx(0), pathname),
        created and time(4, created), modified and time(5, modified),
        None if size is None else Seq(ctx(13), integer(size, ctx(1))))
    pieces = octets if isinstance(octets, list) else [octets]
    return extended(12, Seq(0x10, *[aligned(BINARY, p) for p in pieces]),
                    Seq(0x10, environment, attributes))


def forwarded(head, body, delivery=None, submission=None):
    envelope = submission and Set(ctx(1), utc(submission, ctx(7)))
    return Seq(ctx(9), Set(0x11, delivery and utc(delivery, ctx(0)),
                           envelope), Seq(0x10, head, Seq(0x10, *body)))


def ipm(head, *body):
    return Seq(ctx(0), head, Seq(0x10, *body))


def receipt(subject, originator, time, mode=None, info=None):
    return Set(ctx(1), subject, descriptor(ctx(1), **originator), Seq(
        ctx(0), Set(ctx(1), utc(time, ctx(0)),
                    None if mode is None else integer(mode, ctx(1)),
                    info and printable(info, ctx(2)))))


def non_receipt(subject, originator, reason, discard=None, comment=None,
                returned=None):
    return Set(ctx(1), subject, descriptor(ctx(1), **originator), Seq(
        ctx(0), Set(ctx(0), integer(reason, ctx(0)),
                    None if discard is None else integer(discard, ctx(1)),
                    comment and printable(comment, ctx(2)),
                    returned and Seq(ctx(3), *returned))))


# Reading

def read_heading(node):
    out = {}
    names = {0x80: 'originator', 0x85: 'replied_to', 0x89: 'expiry',
             0x8a: 'reply_time', 0x8c: 'importance', 0x8d: 'sensitivity'}
    lists = {0x81: 'authorizing', 0x8b: 'reply_recipients',
             0x86: 'obsoleted', 0x87: 'related'}
    for member in node.children:
        tag = member.tag
        if tag == 0x4b:
            out['id'] = read_id(member)
        elif tag == 0x80:
            out['originator'] = read_descriptor(member)
        elif tag in (0x82, 0x83, 0x84):
            key = ('primary', 'copy', 'blind')[tag - 0x82]
            out[key] = []
            for r in member.children:
                one = read_descriptor(r.find(0x80))
                if r.find(0x81):
                    one['notify'] = r.find(0x81).bits()
                out[key].append(one)
        elif tag == 0x85:
            out['replied_to'] = read_id(member)
        elif tag in lists:
            read = read_id if tag in (0x86, 0x87) else read_descriptor
            out[lists[tag]] = [read(m) for m in member.children]
        elif tag == 0x88:
            out['subject'] = member.children[0].string()
        elif tag in (0x89, 0x8a):
            out[names[tag]] = member.string().decode('ascii')
        elif tag in (0x8c, 0x8d):
            out[names[tag]] = member.integer()
        elif tag == 0x8e:
            out['auto_forwarded'] = member.content != b'\0'
        else:
            raise ValueError('heading member %x' % tag)
    return out


def read_external(node):
    kind = node.find(0x06)
    kind = kind and kind.oid()
    single = node.find(0x80)
    if single is not None and single.constructed:
        return kind, single.children[0]
    return kind, node.find(0x81)


def read_file(parameters, data):
    out = {'data': b''.join(read_external(e)[1].string()
                            for e in data.children)}

    def strings(node):
        return [child.string() for child in node.children]

    environment = parameters.find(0x82)
    if environment is not None:
        application = environment.find(0x80)
        if application is not None:
            out['application'] = strings(application.children[0])
        if environment.find(0x83):
            out['visible'] = strings(environment.find(0x83))
    attributes = parameters.find(0x84)
    if attributes is not None:
        for tag, key in ((0x84, 'created'), (0x85, 'modified')):
            if attributes.find(tag):
                out[key] = attributes.find(tag).children[0].string().decode()
        if attributes.find(0x80):
            out['pathname'] = strings(attributes.find(0x80))
        if attributes.find(0x8d):
            out['size'] = attributes.find(0x8d).children[0].integer()
    return out


def read_part(node):
    if node.tag == 0x80:
        return ('ia5', node.children[1].string())
    if node.tag == 0x8e:
        return ('bilateral', node.string())
    if node.tag == 0x89:
        parameters = node.children[0]
        delivery = parameters.find(0x80)
        return ('message', delivery and delivery.string().decode(),
                read_ipm(node.children[1]))
    if node.tag == 0x8f:
        parameters = node.find(0x80)
        kind, data = read_external(node.find(0x08))
        ep, value = read_external(parameters) if parameters else (None, None)
        if kind == ET % 11:
            assert ep == EP % 11
            return ('general', [n.integer() for n in value.children],
                    data.string())
        if kind == ET % 12:
            assert ep == EP % 12
            return ('file', read_file(value, data))
        return ('extended', kind, data.raw)
    return ('other', node.tag, node.raw)


def read_ipm(node):
    if len(node.children) != 2:
        raise ValueError('an IPM of %d members' % len(node.children))
    return {'heading': read_heading(node.children[0]),
            'body': [read_part(p) for p in node.children[1].children]}


def decode(octets):
    """{'heading': {...}, 'body': [...]} of an IPM."""
    node = parse(octets)
    if node.tag != 0x80:
        raise ValueError('no IPM')
    return read_ipm(node)
