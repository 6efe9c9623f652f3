#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""session-spdus.json as a C header."""

import json
import sys

with open(sys.argv[1], encoding='ascii') as f:
    vectors = json.load(f)['vectors']
with open(sys.argv[2], 'w', encoding='ascii') as out:
    out.write('static const struct {\n\tconst char *name, *spdu;\n'
              '\tint category;\n\tsize_t len;\n\tconst char *octets;\n'
              '} vectors[] = {\n')
    for v in vectors:
        octets = bytes.fromhex(v['spdu_hex'])
        out.write('\t{ "%s", "%s", %d, %d,\n\t    "%s" },\n' % (
            v['name'], v['spdu'], v['category'], len(octets),
            ''.join('\\%03o' % o for o in octets)))
    out.write('};\n')
