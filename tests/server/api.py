"""api.py - what each route gives, as openapi.json says; tags, kinds, windows, paths that
are hidden, files as they are.
"""
import hashlib
import json
import os
import re
import shutil
import struct
import unittest
import zlib

import common
from common import SAMPLE, SOURCE, Server


class Routes(common.Case):
    def get(self, path, status=200):
        got = self.server.ask(path)
        self.assertEqual(got[0], status, got[2][:300])
        return got

    def json(self, path):
        _, headers, body = self.get(path)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(headers["Cache-Control"], "no-store")
        return json.loads(body)

    def test_openapi_has_the_table(self):
        """Each route and method of the table, and no other; each is answered."""
        with open(os.path.join(SOURCE, "server", "routes.c")) as f:
            table = re.findall(r'\{([A-Z_ |]+),\s*"([^"]+)",\s*(api_\w+)', f.read())
        with open(os.path.join(SOURCE, "server", "openapi.json")) as f:
            api = json.load(f)
        self.assertEqual(api["openapi"][:4], "3.1.")
        ours = {(method.lower(), path) for methods, path, _ in table
                for method in ("GET", "POST") if "HTTP_" + method in methods}
        theirs = {(method, path) for path, methods in api["paths"].items()
                  for method in methods}
        self.assertEqual(ours, theirs)
        self.assertGreater(len(ours), 10)
        served = self.json_of_file("/openapi.json")
        self.assertEqual(served, api)
        for method, path in ours:
            open_to_all = api["paths"][path][method].get("security") == []
            status, _, _ = self.server.ask(
                path.replace("{id}", "1"), method.upper(), token=False,
                headers={"Content-Type": "application/json"})
            self.assertEqual(status == 401, not open_to_all, path)
            for code in api["paths"][path][method]["responses"]:
                self.assertRegex(code, "^[2-5]")

    def json_of_file(self, path):
        _, headers, body = self.get(path)
        self.assertEqual(headers["Content-Type"], "application/json")
        return json.loads(body)

    def test_openapi_has_the_keys(self):
        """Those of a question, as the library names them for one that it does not know;
        but for those that name files."""
        with open(os.path.join(SOURCE, "server", "openapi.json")) as f:
            api = json.load(f)
        answer = self.server.ask("/api/search?colour=red")
        known = self.is_problem(answer, 400)["detail"].partition("is none of: ")[2]
        question = api["components"]["schemas"]["Question"]["properties"]
        self.assertEqual(set(question) | {"image", "bytes", "queries"},
                         set(known.split(", ")))
        asked = {p["name"] for p in api["paths"]["/api/search"]["get"]["parameters"]}
        self.assertEqual(asked - {"q"} - set(question), set())

    def test_references_in_openapi_lead_somewhere(self):
        with open(os.path.join(SOURCE, "server", "openapi.json")) as f:
            text = f.read()
        api = json.loads(text)
        for ref in set(re.findall(r'"\$ref": *"#/([^"]+)"', text)):
            at = api
            for key in ref.split("/"):
                at = at[key]

    def test_what_there_is(self):
        catalog = self.json("/api/catalog")
        self.assertEqual((catalog["images"], catalog["cases"], catalog["generation"]),
                         (120, 88, 1))
        self.assertIs(catalog["indexing"], False)
        image = self.json("/api/image/5")
        self.assertEqual(image["path"], os.path.join(SAMPLE, "case0004-1.jpg"))
        self.assertEqual((image["id"], image["width"], image["frame"]), (5, 256, 0))
        self.assertEqual(image["attributes"]["modality"], "CT")
        self.assertEqual(len(image["captions"]), 1)
        case = self.json("/api/case/%d" % image["case_id"])
        self.assertEqual(case["case"], image["case"])
        self.assertIn(5, [i["id"] for i in case["images"]])
        facets = self.json("/api/facets")["facets"]
        self.assertEqual(facets["side"], sorted(facets["side"],
                                                key=lambda v: -v["images"]))
        few = self.json("/api/facets?key=anatomy&most=2")["facets"]
        self.assertEqual([list(few), len(few["anatomy"])], [["anatomy"], 2])
        for path in ["/api/image/99999", "/api/case/99999", "/api/thumbnail/99999",
                     "/api/preview/99999", "/api/original/99999"]:
            self.is_problem(self.get(path, 404), 404, "not_found")
        self.is_problem(self.get("/api/facets?most=x", 400), 400)

    def test_metrics(self):
        body = self.get("/metrics")[2].decode()
        for line in body.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) plainfilm_\w+ .+|'
                             r'plainfilm_\w+(\{\w+="\w+"\})? [0-9.]+)$')
        self.assertIn('plainfilm_generation 1\n', body)

    def test_tags(self):
        for path in ["/", "/api/thumbnail/1", "/api/preview/1", "/openapi.json"]:
            _, headers, body = self.get(path)
            tag = headers["ETag"]
            self.assertRegex(tag, '^"[0-9a-f]{32}"$')
            again = self.server.ask(path, headers={"If-None-Match": 'W/"x", ' + tag})
            self.assertEqual((again[0], again[2], again[1]["ETag"]), (304, b"", tag))
            other = self.server.ask(path, headers={"If-None-Match": '"x"'})
            self.assertEqual((other[0], other[2]), (200, body))
        self.assertIn("private", self.get("/api/thumbnail/1")[1]["Cache-Control"])
        head = self.server.ask("/api/thumbnail/1", "HEAD")
        self.assertEqual((head[0], head[2]), (200, b""))
        self.assertEqual(int(head[1]["Content-Length"]),
                         len(self.get("/api/thumbnail/1")[2]))

    def test_previews(self):
        _, headers, body = self.get("/api/preview/5?size=64")
        self.assertEqual(headers["Content-Type"], "image/jpeg")
        self.assertEqual(headers["Plainfilm-Size"], "256x256")
        self.assertEqual(body[:2], b"\xff\xd8")
        self.assertLess(len(body), len(self.get("/api/preview/5?size=99999999")[2]))
        _, headers, body = self.get("/api/preview/5?size=64&format=png")
        self.assertEqual(struct.unpack(">II", body[16:24]), (64, 64))
        for bad in ["size=0", "size=-1", "size=x", "size=", "frame=-1", "frame=x",
                    "window=1", "window=1,2,3", "window=1,-2", "window=nan,1",
                    "window=1,inf", "window=1e99,1", "window=skull", "format=svg"]:
            self.is_problem(self.get("/api/preview/5?" + bad, 400), 400, "misuse")
        self.is_problem(self.get("/api/preview/5?frame=1", 404), 404)
        _, headers, body = self.get("/api/original/5")
        self.assertEqual((headers["Content-Type"], body[:4]), ("image/png", b"\x89PNG"))
        self.assertIsNone(headers["Content-Disposition"])

    def test_kept_alive(self):
        """Many requests over one connection, answered in their order."""
        with self.server.connect() as s:
            f = s.makefile("rwb")
            for i in range(100):
                f.write(("GET /api/image/%d HTTP/1.1\r\nHost: %s\r\nAuthorization: "
                         "Bearer %s\r\n\r\n" % (i + 1, self.server.host,
                                                 self.server.token)).encode())
                f.flush()
                self.assertEqual(f.readline(), b"HTTP/1.1 200 OK\r\n")
                length = 0
                while (line := f.readline()) != b"\r\n":
                    if line.startswith(b"Content-Length:"):
                        length = int(line.split()[1])
                self.assertEqual(json.loads(f.read(length))["id"], i + 1)


def deep_png(path):
    """A ramp of 16 bits, 0 to 65535 from left to right."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    row = b"\0" + b"".join(struct.pack(">H", x * 257) for x in range(256))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" +
                chunk(b"IHDR", struct.pack(">IIBBBBB", 256, 256, 16, 0, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(row * 256)) + chunk(b"IEND", b""))


def greys(png):
    """The middle row of an 8-bit RGB PNG with filters none, sub and up."""
    width, height = struct.unpack(">II", png[16:24])
    data, at = b"", 8
    while at < len(png):
        n, kind = struct.unpack(">I4s", png[at:at + 8])
        data += png[at + 8:at + 8 + n] if kind == b"IDAT" else b""
        at += 12 + n
    raw, row = zlib.decompress(data), bytearray(3 * width)
    for y in range(height // 2):
        line = raw[y * (3 * width + 1):(y + 1) * (3 * width + 1)]
        row = bytearray((b + (row[i] if line[0] == 2 else 0)) & 255
                        for i, b in enumerate(line[1:]))
    return row[::3]


class Files(unittest.TestCase):
    """Pictures of more than 8 bits, files that change, and paths that are hidden."""

    @classmethod
    def setUpClass(cls):
        cls.films = os.path.join(common.box, "deep")
        os.makedirs(cls.films)
        deep_png(os.path.join(cls.films, "ramp.png"))
        shutil.copy(common.FILM, os.path.join(cls.films, "secret-name.jpg"))
        cls.catalog = os.path.join(common.box, "files")
        common.index(cls.catalog, "--model", common.MODEL, cls.films)

    def test_windows(self):
        s = Server(self.catalog)
        try:
            _, headers, body = s.ask("/api/preview/1?format=png&size=256")
            self.assertEqual(headers["Plainfilm-Deep"], "1")
            row = greys(body)
            self.assertEqual((row[0], row[255]), (0, 255))
            row = greys(s.ask("/api/preview/1?format=png&size=256&window=32768,25700")[2])
            self.assertEqual((row[0], row[76], row[178], row[255]), (0, 0, 255, 255))
            self.assertLessEqual(abs(row[127] - 127), 2)
        finally:
            self.assertEqual(s.end(), 0)

    def test_files_as_they_are(self):
        s = Server(self.catalog, "--serve-originals")
        try:
            with open(os.path.join(self.films, "secret-name.jpg"), "rb") as f:
                wanted = f.read()
            status, headers, body = s.ask("/api/original/2")
            self.assertEqual((status, body), (200, wanted))
            self.assertEqual(headers["Content-Type"], "image/jpeg")
            self.assertEqual(headers["Content-Disposition"],
                             'attachment; filename="image-2.jpeg"')
        finally:
            self.assertEqual(s.end(), 0)

    def test_paths_are_hidden(self):
        s = Server(self.catalog, "--hide-paths")
        try:
            for path in ["/api/search?like=1", "/api/search?like=1&hide_paths=false",
                         "/api/image/2", "/api/preview/2?frame=9",
                         "/api/search?like=99"]:
                _, _, body = s.ask(path)
                self.assertNotIn(b"secret-name", body)
                self.assertNotIn(common.box.encode(), body)
        finally:
            self.assertEqual(s.end(), 0)

    def test_a_file_that_is_another_one(self):
        """Neither it nor anything else is shown in the place of what was indexed."""
        for change, status in [(lambda p: open(p, "ab").write(b"x"), 410),
                               (lambda p: shutil.copy("/etc/passwd", p), 410),
                               (os.remove, 404)]:
            films = os.path.join(common.box, "changing")
            catalog = os.path.join(common.box, "changed")
            os.makedirs(films)
            name = os.path.join(films, "a.jpg")
            shutil.copy(common.FILM, name)
            common.index(catalog, "--model", common.MODEL, films)
            change(name)
            s = Server(catalog, "--serve-originals")
            try:
                for path in ["/api/preview/1", "/api/original/1"]:
                    got = s.ask(path)
                    self.assertEqual(got[0], status, got[2])
                    self.assertNotIn(b"root:", got[2])
                self.assertEqual(s.ask("/api/thumbnail/1")[0], 200)
            finally:
                self.assertEqual(s.end(), 0)
            shutil.rmtree(films)
            shutil.rmtree(catalog)


if __name__ == "__main__":
    common.main()
