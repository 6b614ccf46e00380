"""common.py - what the tests of plainfilm-serve share: a catalog of the sample
collection, a server on it, and requests, byte for byte where that matters.

    BIN and SOURCE in the environment: the programs, the project.
"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

BIN = os.environ["BIN"]
SOURCE = os.environ["SOURCE"]
SAMPLE = os.path.join(SOURCE, "data", "sample")
MODEL = os.path.join(SOURCE, "data", "demo-model")
FILM = os.path.join(SAMPLE, "case0004-1.jpg")

box = tempfile.mkdtemp(prefix="plainfilm-serve.")


def program(name):
    return os.path.join(BIN, "plainfilm-" + name)


def index(catalog, *arguments):
    subprocess.run([program("index"), "-q", "-c", catalog, *arguments], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_catalog(name="catalog"):
    """The sample collection with the demo model."""
    catalog = os.path.join(box, name)
    index(catalog, "--model", MODEL, "--captions", os.path.join(SAMPLE, "captions.csv"),
          SAMPLE)
    return catalog


class Server:
    """plainfilm-serve at a port of its own, until end()."""

    def __init__(self, catalog, *options, listen="127.0.0.1:0", env=None, **popen):
        self.log = tempfile.TemporaryFile(dir=box)
        self.process = subprocess.Popen(
            [program("serve"), "-c", catalog, "--listen", listen, *options],
            stdout=subprocess.PIPE, stderr=self.log, env=env, **popen)
        self.address = self.process.stdout.readline().decode().strip()
        if not self.address:
            self.process.wait()
            raise RuntimeError(self.said())
        found = re.match(r"https?://([^/?]*)", self.address)
        self.host = found.group(1)
        self.port = int(self.host.rsplit(":", 1)[1]) if ":" in self.host else 0
        self.token = self.address.partition("?token=")[2]

    def said(self):
        self.log.seek(0)
        return self.log.read().decode()

    def end(self, how=signal.SIGTERM, seconds=20):
        self.process.send_signal(how)
        status = self.process.wait(seconds)
        self.process.stdout.close()
        return status

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, path, method="GET", body=None, headers=None, token=True):
        """(status, headers, bytes)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        all_headers = {"Host": self.host}
        if token and self.token:
            all_headers["Authorization"] = "Bearer " + self.token
        all_headers.update(headers or {})
        try:
            c.request(method, path, body=body, headers=all_headers)
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def post(self, question, path="/api/search"):
        body = question if isinstance(question, (bytes, str)) else json.dumps(question)
        return self.ask(path, "POST", body, {"Content-Type": "application/json"})

    def raw(self, data, seconds=20, may_wait=False):
        """All that comes back for these bytes until the server closes, or for so long; it
        may be nothing only when the server closes, or may wait for more."""
        with self.connect() as s:
            s.settimeout(seconds)
            got = b""
            try:
                s.sendall(data)
                while True:
                    some = s.recv(65536)
                    if not some:
                        break
                    got += some
            except ConnectionError:
                pass
            except socket.timeout:
                if not got and not may_wait:
                    raise
            return got


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def form(fields, boundary="----plainfilm"):
    """A multipart/form-data body of (name, filename or None, bytes), and its type."""
    body = b""
    for name, filename, data in fields:
        head = 'Content-Disposition: form-data; name="%s"' % name
        if filename is not None:
            head += '; filename="%s"\r\nContent-Type: application/octet-stream' % filename
        body += b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), data)
    body += b"--%s--\r\n" % boundary.encode()
    return body, "multipart/form-data; boundary=" + boundary


class Case(unittest.TestCase):
    """One server for all tests of a class."""
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.catalog = make_catalog(cls.__name__)
        cls.server = Server(cls.catalog, *cls.options)

    @classmethod
    def tearDownClass(cls):
        if cls.server.end() != 0:
            raise AssertionError("ended badly: " + cls.server.said())
        shutil.rmtree(cls.catalog)

    def is_alive(self):
        status, _, body = self.server.ask("/api/search?q=knee&limit=1")
        self.assertEqual(status, 200, body)

    def is_problem(self, answer, status, code=None):
        self.assertEqual(answer[0], status, answer[2][:300])
        self.assertEqual(answer[1]["Content-Type"], "application/problem+json")
        problem = json.loads(answer[2])
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["title"] and problem["detail"])
        if code:
            self.assertEqual(problem["code"], code)
        return problem


def main():
    try:
        ok = unittest.main(exit=False, verbosity=1).result.wasSuccessful()
    finally:
        shutil.rmtree(box, ignore_errors=True)
    sys.exit(0 if ok else 1)
