# SPDX-License-Identifier: ISC
"""Certificates for tests, made with the openssl command: an authority with
what it signs, in a directory."""

import os
import subprocess

KEYS = {
    'rsa': ['rsa', '-pkeyopt', 'rsa_keygen_bits:2048'],
    'ecdsa': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    'p384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    'ed25519': ['ed25519'],
    'rsa1024': ['rsa', '-pkeyopt', 'rsa_keygen_bits:1024'],
}

CONFIG = '''[ca]
default_ca = d
[d]
database = %(dir)s/index
new_certs_dir = %(dir)s
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
'''


def openssl(*args):
    subprocess.run(['openssl'] + list(args), check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class Authority:
    def __init__(self, directory, name='Test CA'):
        self.dir = directory
        self.count = 0
        os.makedirs(directory, exist_ok=True)
        self.certificate = os.path.join(directory, 'ca.crt')
        self.key = os.path.join(directory, 'ca.key')
        openssl('req', '-x509', '-newkey', *KEYS['ecdsa'], '-nodes',
                '-keyout', self.key, '-out', self.certificate, '-days', '30',
                '-subj', '/CN=' + name)
        self.config = os.path.join(directory, 'ca.conf')
        with open(self.config, 'w') as f:
            f.write(CONFIG % {'dir': directory})
        open(os.path.join(directory, 'index'), 'w').close()

    def issue(self, name, kind='ecdsa', names='IP:127.0.0.1',
              start='20200101000000Z', end='20491231235959Z'):
        """(certificate, key): files."""
        self.count += 1
        base = os.path.join(self.dir, '%s-%d' % (name, self.count))
        out = base + '.crt', base + '.key'
        openssl('req', '-new', '-newkey', *KEYS[kind], '-nodes', '-keyout',
                out[1], '-out', base + '.csr', '-subj', '/CN=' + name)
        os.chmod(out[1], 0o600)
        with open(base + '.ext', 'w') as f:
            f.write('basicConstraints=CA:FALSE\n')
            if names:
                f.write('subjectAltName=%s\n' % names)
        openssl('ca', '-batch', '-notext', '-config', self.config, '-cert',
                self.certificate, '-keyfile', self.key, '-in', base + '.csr',
                '-out', out[0], '-extfile', base + '.ext', '-startdate',
                start, '-enddate', end)
        return out
