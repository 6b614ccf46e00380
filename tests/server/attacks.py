"""attacks.py - what hostile clients, pages and pictures try: each is refused, or costs
itself alone, and afterwards the server answers as before.
"""
import base64
import csv
import json
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

import common
from common import FILM, Server, status_of

ROUTES = ["/api/search", "/api/facets", "/api/catalog", "/api/image/1", "/api/case/1",
          "/api/thumbnail/1", "/api/preview/1", "/api/original/1", "/api/classify",
          "/metrics"]


def png(width, height, rows=b"", depth=8):
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def slow_decoder(folder):
    """One that makes the file `begun` in `folder`, and waits for `go`."""
    path = os.path.join(folder, "slow-decode")
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\n>'{folder}/begun'\nwhile ! [ -e '{folder}/go' ]; do sleep 0.1; done\n"
                f"exec '{common.program('decode')}' \"$@\"\n")
    os.chmod(path, 0o700)
    return path


class Attacks(common.Case):
    def tearDown(self):
        self.is_alive()

    # ---- who asks ----

    def test_without_the_token_there_is_nothing(self):
        wrong = ["", "x", "Bearer", "Bearer ", "Bearer " + "0" * 32,
                 "Bearer " + self.server.token[:-1], "Bearer " + self.server.token + "0",
                 "Basic " + self.server.token, self.server.token,
                 "Bearer " + self.server.token * 20]
        for path in ROUTES:
            self.is_problem(self.server.ask(path, token=False), 401, "token")
        for value in wrong:
            answer = self.server.ask("/api/catalog", token=False,
                                     headers={"Authorization": value})
            self.is_problem(answer, 401, "token")
            self.assertEqual(answer[1]["WWW-Authenticate"], "Bearer")
        cookie = "plainfilm-%d=" % self.server.port
        for value in [cookie, cookie + "0" * 32, "x" + cookie + self.server.token,
                      cookie + self.server.token + "0", cookie[:-1],
                      "plainfilm-1=" + self.server.token]:
            self.is_problem(self.server.ask("/api/catalog", token=False,
                                            headers={"Cookie": value}), 401, "token")
        self.is_problem(self.server.ask("/?token=" + "0" * 32, token=False), 401)
        status, _, body = self.server.ask("/api/health", token=False)
        self.assertEqual((status, body), (200, b'{"status":"ok"}'))

    def test_the_address_becomes_a_cookie(self):
        status, headers, body = self.server.ask("/?token=" + self.server.token,
                                                token=False)
        self.assertEqual((status, headers["Location"], body), (303, "/", b""))
        cookie = headers["Set-Cookie"]
        self.assertIn("; HttpOnly", cookie)
        self.assertIn("; SameSite=Strict", cookie)
        value = cookie.split(";")[0]
        status, _, _ = self.server.ask("/api/catalog", token=False,
                                       headers={"Cookie": "a=b; %s; c=d" % value})
        self.assertEqual(status, 200)

    def test_names_of_others(self):
        for host in ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost",
                     self.server.host + ".evil.example", "evil.example:%d" %
                     self.server.port, "", "[::1]"]:
            for path in ["/", "/api/health", "/api/catalog"]:
                self.is_problem(self.server.ask(path, headers={"Host": host}), 421,
                                "host")
        for host in ["localhost:%d", "LOCALHOST:%d", "[::1]:%d"]:
            status, _, _ = self.server.ask("/api/health",
                                           headers={"Host": host % self.server.port})
            self.assertEqual(status, 200)
        raw = self.server.raw(b"GET /api/health HTTP/1.0\r\n\r\n")
        self.assertIn(status_of(raw), (0, 400, 421))

    def test_pages_of_others(self):
        ours = "http://" + self.server.host
        for origin in ["http://evil.example", "null", "https://" + self.server.host,
                       ours + ".evil.example", "http://127.0.0.1:1", ""]:
            for path, method in [("/api/catalog", "GET"), ("/api/search", "POST"),
                                 ("/api/search", "OPTIONS")]:
                answer = self.server.ask(path, method, headers={
                    "Origin": origin, "Content-Type": "application/json",
                    "Access-Control-Request-Method": "POST"})
                self.is_problem(answer, 403, "origin")
                self.assertIsNone(answer[1]["Access-Control-Allow-Origin"])
        for site in ["cross-site", "same-site"]:
            self.is_problem(self.server.ask("/api/catalog",
                                            headers={"Sec-Fetch-Site": site}), 403)
        for headers in [{"Origin": ours}, {"Sec-Fetch-Site": "same-origin"},
                        {"Sec-Fetch-Site": "none"}]:
            status, answered, _ = self.server.ask("/api/catalog", headers=headers)
            self.assertEqual(status, 200)
            self.assertIsNone(answered["Access-Control-Allow-Origin"])
        # a form that any page may send without asking
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""]:
            self.is_problem(self.server.ask("/api/search", "POST", '{"phrase":"a"}',
                                            {"Content-Type": kind}), 415)

    def test_every_answer_says_what_a_browser_may(self):
        for path in ["/", "/api/health", "/api/thumbnail/1", "/nothing",
                     "/api/catalog"]:
            _, headers, _ = self.server.ask(path)
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'self'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(headers["X-Frame-Options"], "DENY")

    # ---- what is asked ----

    def test_no_path_leads_anywhere(self):
        up = ["../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/etc/passwd",
              "..\\..\\etc\\passwd", "/etc/passwd", "//etc/passwd", "file:///etc/passwd",
              "%00", "1%00", "1/..", "%c0%ae%c0%ae/", "1;a", "-1", "0", "01", "1.0",
              "1e3", "9" * 30, "", " 1", "1 ", "+1", "0x1"]
        for route in ["/api/image/", "/api/case/", "/api/thumbnail/", "/api/preview/",
                      "/api/original/", "/", "/page/", "/api/"]:
            for tail in up:
                if route == "/" and tail == "":
                    continue
                raw = self.server.raw(
                    ("GET %s%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                     "Connection: close\r\n\r\n" % (route, tail, self.server.host,
                                                     self.server.token)).encode())
                self.assertIn(status_of(raw), (0, 400, 404, 505), route + tail)
                self.assertNotIn(b"root:", raw)
        for name in ["like", "image", "picture", "filter", "queries", "size", "window",
                     "frame", "format", "key", "find", "sort", "in"]:
            for value in up[:8]:
                for route in ["/api/search?q=a&", "/api/preview/1?", "/api/facets?"]:
                    _, _, body = self.server.ask(route + name + "=" + value.replace(
                        " ", "%20").replace("\\", "%5C"))
                    self.assertNotIn(b"root:", body)
        for question in [{"image": "/etc/passwd"}, {"like": FILM},
                         {"parts": [{"image": FILM}]}, {"like": "../1"},
                         {"evaluate": True, "queries": "/etc/passwd"}]:
            self.is_problem(self.server.post(question), 400, "misuse")

    def test_texts_stay_texts(self):
        """Markup in captions, names, keys and questions: JSON, and never a page."""
        script = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
        films = os.path.join(common.box, "<b>films\"'")
        os.makedirs(films)
        name = "<img src=x onerror=a>.jpg"
        with open(FILM, "rb") as f, open(os.path.join(films, name), "wb") as to:
            to.write(f.read())
        table = os.path.join(films, "captions.csv")
        with open(table, "w", newline="") as f:
            csv.writer(f).writerows([["filename", "caption", "<i>key\""],
                                     [name, script, script]])
        catalog = os.path.join(common.box, "marked")
        common.index(catalog, "--model", common.MODEL, "--captions", table, films)
        marked = Server(catalog)
        try:
            for path in ["/api/search?q=" + script.replace("<", "%3C").replace(
                    ">", "%3E").replace(" ", "+").replace("&", "%26"),
                         "/api/image/1", "/api/facets", "/api/nothing/<script>"]:
                status, headers, body = marked.ask(path.replace("<", "%3C"))
                self.assertIn(headers["Content-Type"],
                              ("application/json", "application/problem+json"))
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                json.loads(body)
            image = json.loads(marked.ask("/api/image/1")[2])
            self.assertEqual(image["captions"], [script])
            self.assertTrue(image["path"].endswith(name))
        finally:
            self.assertEqual(marked.end(), 0)

    # ---- how it is sent ----

    def head(self, method, path, *lines):
        return ("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n" % (
            method, path, self.server.host, self.server.token,
            "".join(line + "\r\n" for line in lines))).encode()

    def test_a_body_of_ten_gigabytes(self):
        for size in [10 << 30, 1 << 62, 200 << 20]:
            raw = self.server.raw(self.head(
                "POST", "/api/search", "Content-Type: application/json",
                "Content-Length: %d" % size))
            self.assertEqual(status_of(raw), 413)
            self.assertIn(b"application/problem+json", raw)
        for size in ["9" * 40, "-1", "abc", "1 2", "0x10"]:
            raw = self.server.raw(self.head(
                "POST", "/api/search", "Content-Type: application/json",
                "Content-Length: " + size), seconds=3)
            self.assertIn(status_of(raw), (0, 400, 413), size)

    def test_a_body_without_an_end(self):
        with self.server.connect() as s:
            s.settimeout(20)
            s.sendall(self.head("POST", "/api/search", "Content-Type: application/json",
                                "Transfer-Encoding: chunked"))
            chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
            sent = 0
            with self.assertRaises(OSError):
                while sent < 1 << 30:
                    s.sendall(chunk)
                    sent += len(chunk)
            self.assertLess(sent, 200 << 20)

    def test_a_request_that_reads_in_two_ways(self):
        for lines in [["Content-Length: 2", "Transfer-Encoding: chunked"],
                      ["Host: evil.example"], ["Authorization: Bearer x"],
                      ["Origin: http://a", "Origin: http://b"]]:
            raw = self.server.raw(self.head("POST", "/api/search", *lines, "") +
                                  b"2\r\n{}\r\n0\r\n\r\n", seconds=3)
            self.assertEqual(status_of(raw), 400, lines)
        raw = self.server.raw(self.head("GET", "/api/catalog", "Content-Length: 3") +
                              b"abc", seconds=3)
        self.assertEqual(status_of(raw), 400)

    def test_a_flood_of_headers(self):
        for flood in [b"X-%d: a\r\n", b"Cookie: %d=" + b"b" * 100 + b"\r\n"]:
            with self.server.connect() as s:
                s.settimeout(5)
                got = b""
                try:
                    s.sendall(self.head("GET", "/api/health")[:-2])
                    for i in range(20000):
                        s.sendall(flood % i)
                    got = s.recv(4096)
                except socket.timeout:
                    self.fail("all of them are taken")
                except OSError:
                    pass
                self.assertIn(status_of(got), (0, 400, 413, 431))
        for path in ["/" + "a" * 100000, "/api/search?q=" + "a" * 40000]:
            raw = self.server.raw(self.head("GET", path), seconds=5)
            self.assertIn(status_of(raw), (400, 413, 414, 431), path[:30])
        # What is no room for is closed at the deadline of a head, without an answer.
        raw = self.server.raw(self.head("GET", "/api/search?" + "a&" * 5000), seconds=25)
        self.assertIn(status_of(raw), (0, 400, 413, 414, 431))

    def test_nonsense(self):
        for data in [b"\0" * 1000, b"\xff" * 1000, b"GET\r\n\r\n", b"\r\n" * 1000,
                     b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00" * 50,
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET http:// HTTP/1.1\r\n\r\n",
                     b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"A" * 100000]:
            self.assertIn(status_of(self.server.raw(data, seconds=2, may_wait=True)),
                          (0, 400, 404, 405, 414, 421, 431, 505))
        for method in ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "X"]:
            answer = self.server.ask("/api/search", method)
            self.assertEqual(answer[0], 405)
            self.assertEqual(answer[1]["Allow"], "GET, HEAD, POST")
            self.assertEqual(self.server.ask("/", method)[0], 405)

    def test_slow_clients(self):
        """200 that send a byte now and then: another one is answered at once."""
        slow = []
        try:
            for i in range(200):
                s = self.server.connect()
                s.sendall(b"GET /api/search?q=a HTTP/1.1\r\nHost: ")
                slow.append(s)
            took = []
            for i in range(20):
                for s in slow[i::20]:
                    s.sendall(b"1")
                begun = time.monotonic()
                self.is_alive()
                took.append(time.monotonic() - begun)
            self.assertLess(sorted(took)[10], 1)
        finally:
            for s in slow:
                s.close()

    def test_bodies_that_are_malformed(self):
        film = b"x" * 100
        good, kind = common.form([("image", "a", film)])
        boundary = kind.split("=")[1]
        for body, type in [(good[:-20], kind), (good, kind[:-1]), (b"", kind),
                           (good, "multipart/form-data"), (b"\0" * 5000, kind),
                           (good.replace(b"\r\n", b"\n"), kind),
                           (good.replace(b"name=", b"nome="), kind),
                           (b"--" + boundary.encode() * 1000, kind),
                           (good, "multipart/form-data; boundary=" + "b" * 5000),
                           (good, "multipart/form-data; boundary=")]:
            status, _, answer = self.server.ask("/api/search", "POST", body,
                                                {"Content-Type": type})
            self.assertIn(status, (400, 415, 422), answer)
        many, kind = common.form([("a%d" % i, None, b"1") for i in range(2000)])
        status, _, _ = self.server.ask("/api/search", "POST", many,
                                       {"Content-Type": kind})
        self.assertIn(status, (400, 413))
        for text in ["", "{", "[]", "null", "\0", '{"phrase":"\\ud800"}', "[" * 100000,
                     '{"phrase":"a","phrase":"b"}', '{"phrase":"\xff"}',
                     '{"limit":1e999,"phrase":"a"}', '{"phrase":' + "[" * 5000]:
            status, headers, _ = self.server.post(text.encode("latin-1"))
            self.assertIn(status, (400, 422), text[:30])
            self.assertEqual(headers["Content-Type"], "application/problem+json")

    # ---- pictures ----

    def test_pictures_that_are_none(self):
        with open(FILM, "rb") as f:
            film = f.read()
        for data in [b"", b"x", b"GIF89a", film[:100], film[:-500], b"\x89PNG\r\n\x1a\n",
                     b"<svg xmlns='http://www.w3.org/2000/svg' onload='a()'/>",
                     b"%PDF-1.4", png(8, 8), png(0, 0), png(8, 8, b"\0" * 5)]:
            body, kind = common.form([("image", "a.jpg", data)])
            status, headers, answer = self.server.ask("/api/search", "POST", body,
                                                      {"Content-Type": kind})
            self.assertIn(status, (400, 413, 415, 422), answer)
            self.assertEqual(headers["Content-Type"], "application/problem+json")

    def test_pictures_that_are_bombs(self):
        bombs = [png(60000, 60000), png(2 ** 31 - 1, 2 ** 31 - 1),
                 png(9000, 9000, b"\0" * 9001 * 100)]
        for data in bombs:
            status, _, answer = self.server.post(
                {"image_bytes": base64.b64encode(data).decode()})
            self.assertIn(status, (413, 422), answer)
        body, kind = common.form([("image", "a", b"\0" * (66 << 20))])
        try:
            status, _, _ = self.server.ask("/api/search", "POST", body,
                                           {"Content-Type": kind})
        except ConnectionError:  # it is refused before all of it is sent
            status = 413
        self.assertEqual(status, 413)

    def test_they_do_not_hold_up_others(self):
        """More long questions than there are threads: quick ones are answered while
        most of these still wait."""
        films = [png(9000, 9000, b"\0" * 9001 * 9000 + bytes([i])) for i in range(6)]
        s, done = Server(self.catalog, "--threads", "2"), []
        threads = [threading.Thread(target=lambda film=film: done.append(s.post(
            {"image_bytes": base64.b64encode(film).decode()})[0])) for film in films]
        for t in threads:
            t.start()
        try:
            while b'state="busy"} 0' in s.ask("/metrics")[2]:
                self.assertEqual(done, [])
            for _ in range(10):
                self.assertEqual(s.ask("/api/search?q=knee&limit=1")[0], 200)
            self.assertLess(len(done), 3)
        finally:
            for t in threads:
                t.join()
            self.assertEqual(s.end(), 0)
        self.assertEqual(done, [200] * 6)

    def test_what_was_answered_waits_for_nobody(self):
        """The only thread is at a picture: what was asked before is answered, and how
        the server is, while something new waits."""
        folder, done = tempfile.mkdtemp(dir=common.box), []
        with open(FILM, "rb") as f:
            film = base64.b64encode(f.read()).decode()
        s = Server(self.catalog, "--threads", "1",
                   env={**os.environ, "PLAINFILM_DECODER": slow_decoder(folder)})
        threads = [threading.Thread(target=lambda q=q: done.append(s.post(q)[0]))
                   for q in [{"image_bytes": film}, {"phrase": "hip", "limit": 1}]]
        try:
            first = s.ask("/api/search?q=knee&limit=1")
            self.assertEqual(first[0], 200)
            threads[0].start()
            while not os.path.exists(os.path.join(folder, "begun")):
                self.assertEqual(done, [])
            threads[1].start()
            while b"plainfilm_waiting 1" not in s.ask("/metrics")[2]:
                self.assertEqual(done, [])
            for _ in range(10):
                self.assertEqual(s.ask("/api/search?q=knee&limit=1")[2], first[2])
            self.assertEqual(done, [])
        finally:
            with open(os.path.join(folder, "go"), "w"):
                pass
            for t in threads:
                t.join()
            self.assertEqual(s.end(), 0)
        self.assertEqual(done, [200] * 2)

    def test_nothing_is_written(self):
        before = os.listdir(self.catalog), os.listdir("/tmp")
        body, kind = common.form([("image", "evil-name.jpg", open_film())])
        self.assertEqual(self.server.ask("/api/search", "POST", body,
                                         {"Content-Type": kind})[0], 200)
        for folder, names in zip([self.catalog, "/tmp"], before):
            new = set(os.listdir(folder)) - set(names)
            self.assertFalse([n for n in new if "evil" in n or n.startswith("film")])
        held = os.readlink("/proc/%d/cwd" % self.server.process.pid)
        self.assertFalse(os.path.exists(os.path.join(held, "evil-name.jpg")))


def open_film():
    with open(FILM, "rb") as f:
        return f.read()


class Addresses(unittest.TestCase):
    """Where it listens, and what that needs."""

    @classmethod
    def setUpClass(cls):
        cls.catalog = common.make_catalog("addresses")
        cls.token = os.path.join(common.box, "token")
        with open(cls.token, "w") as f:
            f.write("a-token_of-24-letters-00\n")
        os.chmod(cls.token, 0o600)

    def refused(self, words, *options):
        done = subprocess.run([common.program("serve"), "-c", self.catalog, *options],
                              capture_output=True, timeout=20, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(words, done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def test_others_need_a_token(self):
        for listen in ["0.0.0.0:0", "[::]:0"]:
            self.refused("needs --token-file", "--listen", listen)
        self.refused("needs --root-url", "--behind-proxy")
        os.chmod(self.token, 0o644)
        self.refused("others can read the token", "--token-file", self.token)
        os.chmod(self.token, 0o600)
        with open(self.token + ".short", "w") as f:
            f.write("short\n")
        self.refused("is not 16 to 256", "--token-file", self.token + ".short")

    def test_addresses_are_read(self):
        for listen in ["", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:99999", "::1:80",
                       "127.0.0.1:1x", "[::1]", "a b:80"]:
            self.refused("--listen", "--listen=" + listen)
        for url in ["ftp://a/", "http://", "http://a@b/", "http://a/?b", "a"]:
            self.refused("--root-url", "--behind-proxy", "--root-url", url)

    def test_all_addresses_with_a_token(self):
        s = Server(self.catalog, "--token-file", self.token, "--root-url",
                   "http://films.example:8723", listen="0.0.0.0:0")
        try:
            self.assertEqual(s.address, "http://films.example:8723/?token="
                             "a-token_of-24-letters-00")
            s.port = self.port_of(s.process.pid)
            self.assertEqual(s.ask("/api/catalog")[0], 200)
            self.assertEqual(s.ask("/api/catalog", token=False)[0], 401)
            self.assertEqual(s.ask("/api/catalog", headers={"Host": "a"})[0], 421)
        finally:
            self.assertEqual(s.end(), 0)

    def test_behind_a_proxy(self):
        s = Server(self.catalog, "--behind-proxy", "--root-url",
                   "https://films.example/a/b")
        try:
            self.assertEqual(s.address, "https://films.example/a/b/")
            s.port, s.host = self.port_of(s.process.pid), "films.example"
            self.assertEqual(s.ask("/api/catalog")[0], 200)
            self.assertEqual(s.ask("/api/catalog", headers={
                "Origin": "https://films.example"})[0], 200)
            self.assertEqual(s.ask("/api/catalog", headers={
                "Origin": "http://films.example"})[0], 403)
        finally:
            self.assertEqual(s.end(), 0)

    def port_of(self, pid):
        sockets = set()
        for fd in os.listdir("/proc/%d/fd" % pid):
            try:
                target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
            except OSError:
                continue
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
        with open("/proc/net/tcp") as f:
            for line in list(f)[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in sockets:
                    return int(fields[1].split(":")[1], 16)
        self.fail("it does not listen")

    def test_another_site_that_is_named(self):
        s = Server(self.catalog, "--allow-origin", "https://viewer.example")
        try:
            for origin, status in [("https://viewer.example", 200),
                                   ("https://evil.example", 403)]:
                answer = s.ask("/api/catalog", headers={"Origin": origin})
                self.assertEqual(answer[0], status)
                self.assertEqual(answer[1]["Access-Control-Allow-Origin"],
                                 "https://viewer.example" if status == 200 else None)
            status, headers, _ = s.ask("/api/search", "OPTIONS", token=False, headers={
                "Origin": "https://viewer.example",
                "Access-Control-Request-Method": "POST"})
            self.assertEqual(status, 204)
            self.assertIn("Authorization", headers["Access-Control-Allow-Headers"])
        finally:
            self.assertEqual(s.end(), 0)

    def test_so_many_connections(self):
        s = Server(self.catalog, "--max-per-address", "5")
        taken = [s.connect() for _ in range(5)]
        try:
            time.sleep(0.3)
            with s.connect() as one_more:
                one_more.settimeout(5)
                try:
                    one_more.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    self.assertEqual(one_more.recv(100), b"")
                except ConnectionError:
                    pass
            for t in taken:
                t.close()
            time.sleep(0.5)
            self.assertEqual(s.ask("/api/health")[0], 200)
        finally:
            self.assertEqual(s.end(), 0)


if __name__ == "__main__":
    common.main()
