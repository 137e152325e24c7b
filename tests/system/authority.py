"""Certificates of servers, by the program openssl."""

import os
import shutil
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    """Signs certificates of servers; `root` is its own."""

    def __init__(self, directory):
        self.key, self.certificate = (os.path.join(directory, name) for name in ("root.key", "root.crt"))
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=the authority", "-keyout", self.key,
                "-out", self.certificate)
        with open(self.certificate, encoding="ascii") as file:
            self.root = file.read()

    def certify(self, server, names="IP:127.0.0.1"):
        """A new key and certificate for a server; it reads them when it starts, or at a reload."""
        key, certificate, request, extensions = (os.path.join(server.data, f"server.{end}") for end in ("key", "crt", "csr", "ext"))
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a server", "-keyout", key, "-out", request)
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
                "-extfile", extensions, "-out", certificate)
        for path in (key, certificate):
            os.chmod(path, 0o600)
            if server.user:
                shutil.chown(path, server.user.pw_name, server.user.pw_gid)
