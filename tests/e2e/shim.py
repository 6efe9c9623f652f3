# SPDX-License-Identifier: ISC
"""An mtad whose spoold runs under the library of tests/shim.

mtad gives its children an environment of its own, so it is told to take them
from a directory where spoold is a script."""

import os

from e2e.mtadtest import BUILD, Mta

SHIM = os.path.join(BUILD, 'tests', 'shim')
SCRIPT = '''#!/bin/sh
%(before)s
LD_PRELOAD="%(shim)s/libpowercut.so"
ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
export LD_PRELOAD ASAN_OPTIONS
exec "%(build)s/spoold/spoold" "$@"
'''


class ShimMta(Mta):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        libexec = os.path.join(self.dir, 'libexec')
        os.mkdir(libexec)
        os.symlink(os.path.join(BUILD, 'rtsd', 'rtsd'),
                   os.path.join(libexec, 'rtsd'))
        script = os.path.join(libexec, 'spoold')
        with open(script, 'w') as f:
            f.write(SCRIPT % {'shim': SHIM, 'build': BUILD,
                              'before': self.before()})
        os.chmod(script, 0o755)
        self.flags += ['-L', libexec]

    def before(self):
        """What the script does first; the shell's words."""
        return ''
