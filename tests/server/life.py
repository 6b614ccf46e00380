"""life.py - how plainfilm-serve starts, sees a new generation between two answers, and
ends.
"""
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

import common
from common import MODEL, SAMPLE, Server


class Life(unittest.TestCase):
    def wait_for(self, condition, seconds=20):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if condition():
                return
            time.sleep(0.05)
        self.fail("it does not happen")

    def test_it_ends_when_it_is_told(self):
        catalog = common.make_catalog("ends")
        for how in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            s = Server(catalog)
            self.assertEqual(s.ask("/api/health")[0], 200)
            self.assertEqual(s.end(how), 0)

    def test_it_may_be_told_twice(self):
        catalog = common.make_catalog("twice")
        for _ in range(5):
            s = Server(catalog)
            self.assertEqual(s.ask("/api/search?q=a")[0], 200)
            s.process.send_signal(signal.SIGTERM)
            s.process.send_signal(signal.SIGTERM)
            self.assertEqual(s.end(), 0)

    def test_what_is_under_way_is_finished(self):
        catalog = common.make_catalog("finishes")
        s = Server(catalog, "--threads", "2")
        got = []
        ask = threading.Thread(target=lambda: got.append(s.post({"evaluate": True})))
        idle = s.connect()
        ask.start()
        self.wait_for(lambda: b'state="busy"} 2' in s.ask("/metrics")[2] or got)
        self.assertEqual(s.end(), 0)
        ask.join()
        self.assertEqual(got[0][0], 200, got)
        self.assertIn("evaluation", json.loads(got[0][2]))
        idle.close()

    def test_a_catalog_that_is_none(self):
        nowhere = os.path.join(common.box, "nowhere")
        done = subprocess.run([common.program("serve"), "-c", nowhere],
                              capture_output=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_a_catalog_that_is_to_come(self):
        """Nothing was indexed yet: it is waited for, and then it is there."""
        catalog = os.path.join(common.box, "to-come")
        os.mkdir(catalog, 0o700)
        s = Server(catalog)
        try:
            status, _, body = s.ask("/api/catalog")
            self.assertEqual((status, json.loads(body)["images"]), (200, 0))
            status, headers, _ = s.ask("/api/search?q=a")
            self.assertEqual(status, 503)
            self.assertTrue(headers["Retry-After"])
            common.index(catalog, "--model", MODEL, SAMPLE)
            status, _, body = s.ask("/api/search?q=knee&by=meaning")
            self.assertEqual(status, 200, body)
            self.assertEqual(json.loads(s.ask("/api/catalog")[2])["images"], 120)
        finally:
            self.assertEqual(s.end(), 0)

    def test_no_answer_is_mixed(self):
        """Twenty times all captions are exchanged while clients ask: each answer is of
        the one generation or the next, in all of its hits."""
        films = os.path.join(common.box, "films")
        catalog = os.path.join(common.box, "exchanged")
        shutil.copytree(SAMPLE, films)
        names = sorted(n for n in os.listdir(films) if n.endswith(".jpg"))
        table = os.path.join(films, "captions.csv")

        def write(generation):
            with open(table, "w") as f:
                f.write("filename,caption,round\n")
                for name in names:
                    f.write("%s,a film of round%d,%d\n" % (name, generation, generation))
            common.index(catalog, "--model", MODEL, "--captions", table, films)

        write(0)
        s = Server(catalog)
        wrong, seen, stop = [], set(), threading.Event()

        def ask(path):
            while not stop.is_set():
                status, _, body = s.ask(path)
                hits = json.loads(body)["hits"] if status == 200 else []
                rounds = {h["attributes"]["round"] for h in hits}
                rounds |= {c.rsplit("round", 1)[1] for h in hits for c in h["captions"]}
                if len(rounds) != 1 or len(hits) != 50:
                    wrong.append((status, rounds, body[:200]))
                seen.update(rounds)

        clients = [threading.Thread(target=ask, args=("/api/search?limit=50&" + q,))
                   for q in ["q=film", "q=film&by=words", "like=3", "q=chest&by=meaning"]]
        for c in clients:
            c.start()
        try:
            for generation in range(1, 21):
                write(generation)
                self.wait_for(lambda: str(generation) in seen)
        finally:
            stop.set()
            for c in clients:
                c.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len(seen), 21)
        self.assertEqual(json.loads(s.ask("/api/catalog")[2])["generation"], 21)
        self.assertEqual(s.end(), 0)

    def test_the_same_is_answered_once(self):
        """And anew for a newer generation, for another catalog in the same place, and
        where each answer is to be another."""
        films = os.path.join(common.box, "again")
        catalog = os.path.join(common.box, "again-catalog")
        shutil.copytree(SAMPLE, films)
        names = sorted(n for n in os.listdir(films) if n.endswith(".jpg"))
        table = os.path.join(films, "captions.csv")

        def write(text):
            with open(table, "w") as f:
                f.write("filename,caption,round\n")
                f.writelines("%s,%s,%s\n" % (name, text, text) for name in names)
            common.index(catalog, "--model", MODEL, "--captions", table, films)

        def ask(path="q=film"):
            status, _, body = s.ask("/api/search?limit=3&" + path)
            self.assertEqual(status, 200, body)
            return body

        write("the first film")
        s = Server(catalog, "--threads", "2")
        try:
            first, hidden = ask(), ask("q=film&hide_paths=true")
            for _ in range(5): # the time that it took included
                self.assertEqual(ask(), first)
                self.assertEqual(ask("q=film&hide_paths=true"), hidden)
            self.assertIn(b"case0", first)
            self.assertNotIn(b"case0", hidden)
            for spelling in [b'{"phrase":"film","limit":3}',
                             b' { "limit": 3,\n"phrase": "f\\u0069lm" }']:
                self.assertEqual(s.post(spelling)[2], first)
            self.assertEqual(s.ask("/api/search?q=film&limit=3")[2], first)
            for _ in range(2):
                self.assertIn(b"the first film", s.ask("/api/facets?key=round")[2])
            seeds = {json.loads(ask("sort=random"))["query"]["seed"] for _ in range(5)}
            self.assertEqual(len(seeds), 5)

            write("the second film")
            second = ask()
            self.assertIn(b"the second film", second)
            self.assertNotIn(b"case0", ask("q=film&hide_paths=true"))
            self.assertEqual(ask(), second)
            self.assertIn(b"the second film", s.ask("/api/facets?key=round")[2])

            shutil.rmtree(catalog) # its generations begin at 1 again
            write("the third film")
            write("the fourth film")
            self.assertIn(b"the fourth film", ask())
            self.assertEqual(json.loads(s.ask("/api/catalog")[2])["generation"], 2)
        finally:
            self.assertEqual(s.end(), 0)

    def test_systemd(self):
        """A socket that was opened for it, and word when it is ready and when it ends."""
        catalog = common.make_catalog("systemd")
        notify = os.path.join(common.box, "notify")
        hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        hears.bind(notify)
        hears.settimeout(20)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        start = ("import os, sys; os.dup2(int(sys.argv[1]), 3, True); "
                 "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
                 "os.execv(sys.argv[2], sys.argv[2:])")
        process = subprocess.Popen(
            [sys.executable, "-c", start, str(listener.fileno()),
             common.program("serve"), "-c", catalog, "-q"],
            env=dict(os.environ, NOTIFY_SOCKET=notify), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, pass_fds=[listener.fileno()])
        try:
            self.assertEqual(hears.recv(100), b"READY=1")
            address = process.stdout.readline().decode()
            self.assertTrue(address.startswith("http://127.0.0.1:%d/?token=" % port))
            with socket.create_connection(("127.0.0.1", port)) as c:
                c.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                          b"Connection: close\r\n\r\n" % port)
                self.assertTrue(c.recv(4096).startswith(b"HTTP/1.1 200 "))
        finally:
            process.terminate()
        self.assertEqual(hears.recv(100), b"STOPPING=1")
        self.assertEqual(process.wait(20), 0)
        process.stdout.close()
        listener.close()
        hears.close()

    def test_the_log(self):
        """A line for each request, without what was asked unless that is wanted."""
        catalog = common.make_catalog("log")
        for options, wanted, unwanted in [
                ([], ["GET /api/search 200 ", "GET /api/image/{id} 200 ",
                      "GET - 404 "], ["secret", "/7", "case0004", "\x1b"]),
                (["--log-questions"], ["/api/search?q=secret", "/api/image/7"],
                 ["\x1b"]),
                (["--quiet"], [], ["GET"])]:
            s = Server(catalog, *options)
            s.ask("/api/search?q=secret")
            s.ask("/api/image/7")
            s.ask("/%1b%5b31msecret")
            s.ask("/?token=" + s.token)
            self.assertEqual(s.end(), 0)
            said = s.said()
            for words in wanted:
                self.assertIn(words, said)
            self.assertNotIn(s.token, said)
            for words in unwanted:
                self.assertNotIn(words, said)


if __name__ == "__main__":
    common.main()
