"""answers.py - 200 questions of all kinds: what the API answers is what plainfilm-query
does, byte for byte, but for the time that it took; and all ways to ask are one.
"""
import base64
import csv
import json
import os
import re
import subprocess
import urllib.parse

import common
from common import FILM, SAMPLE, program

TOOK = re.compile(rb'"(took_ms|seconds)":[-+.e0-9]+')


def plain(answer):
    return TOOK.sub(rb'"\1":0', answer.strip())


def questions():
    """Phrases of the collection's own captions, in every way they can be asked."""
    with open(os.path.join(SAMPLE, "captions.csv"), newline="") as f:
        rows = list(csv.DictReader(f))
    texts = [row["caption"] for row in rows]
    with open(FILM, "rb") as f:
        film = base64.b64encode(f.read()).decode()
    found = []
    for i in range(30):
        words = texts[3 * i].split()
        found += [
            {"phrase": " ".join(words[:3]), "limit": 1 + i % 7},
            {"phrase": texts[3 * i], "find": ["images", "captions", "cases"][i % 3]},
            {"phrase": words[0], "by": ["meaning", "words", "both"][i % 3], "id": i},
            {"like": 1 + 4 * i, "without": words[-1], "offset": i % 5, "limit": 4},
            {"phrase": "2:" + words[0], "like": str(2 + i), "min_score": i / 60},
            {"phrase": words[:2], "filter": ["modality!=CT", "path~*case*"][i % 2]},
        ]
    found += [
        {"image_bytes": film, "limit": 3},
        {"image_bytes": film, "phrase": "head CT", "find": "cases"},
        {"image_bytes": film, "classify": "head CT, chest x-ray"},
        {"image_bytes": [film, film], "classify": ["left", "right"], "template": "a {}"},
        {"phrase": "knee", "classify": ["left", "right"], "limit": 3},
        {"phrase": "knee", "phrases": ["knee radiograph", "# not a comment", "skull"]},
        {"phrase": "hip fracture", "embed": True},
        {"image_bytes": film, "embed": True},
        {"duplicates": 0.9},
        {"duplicates": True, "limit": 2},
        {"evaluate": True, "by": "words"},
        {"phrase": "chest", "collapse": 0.9, "limit": 5},
        {"phrase": "chest", "collapse": True, "hide_paths": True},
        {"phrase": "pleural efusion zzyzx", "by": "both"},
        {"phrase": "CXR", "min_percentile": 99.9},
        {"parts": [{"phrase": "3:a", "weight": -2}, {"like": 4, "weight": 1.5}]},
        {"filter": "modality=CT", "sort": "path", "offset": 2, "facets": ["side"]},
        {"filter": "modality=CT|MR", "sort": "random", "seed": 3, "limit": 4},
        {"phrase": "knee", "facets": ["modality", "side"], "limit": 1},
        {"values": True},
        {"values": "modality", "filter": "side=left"},
        # what cannot be answered
        {"phrase": ""},
        {"like": 99999},
        {"filter": "colour=red", "phrase": "a"},
        {"phrase": "a", "colour": 1},
        {"limit": 0, "phrase": "a"},
    ]
    return found


class Answers(common.Case):
    def query(self, lines, *options):
        return subprocess.run(
            [program("query"), "-q", "-c", self.catalog, "--batch", *options],
            input="\n".join(lines).encode() + b"\n", capture_output=True,
            check=False).stdout.splitlines()

    def test_they_are_those_of_the_query_tool(self):
        asked = [json.dumps(q) for q in questions()]
        self.assertGreaterEqual(len(asked), 200)
        wanted = self.query(asked)
        self.assertEqual(len(wanted), len(asked))
        failed = 0
        for question, answer in zip(asked, wanted):
            status, headers, body = self.server.post(question)
            if b'"error":{' in answer:
                error = json.loads(answer)["error"]
                problem = json.loads(body)
                self.assertGreaterEqual(status, 400)
                self.assertEqual(problem["code"], error["code"], question)
                self.assertEqual(problem["detail"], error["message"])
                failed += 1
                continue
            self.assertEqual(status, 200, body[:300])
            self.assertEqual(headers["Content-Type"], "application/json")
            self.assertEqual(plain(body), plain(answer), question[:200])
        self.assertEqual(failed, 5)

    def test_the_options_say_the_same(self):
        """Not only a line of --batch: --format json of the command line, too."""
        for options, path in [
                (["pleural", "effusion"], "q=pleural+effusion"),
                (["--like", "3", "--find", "cases", "-n", "2"],
                 "like=3&find=cases&limit=2"),
                (["--filter", "modality=CT", "--filter", "side=left", "head"],
                 "q=head&filter=modality%3DCT&filter=side%3Dleft"),
                (["--filter", "side=left", "--sort", "path", "--facets",
                  "modality,anatomy", "-n", "3"],
                 "filter=side%3Dleft&sort=path&facets=modality&facets=anatomy&limit=3"),
                (["--by", "words", "knee", "--hide-paths"],
                 "by=words&q=knee&hide_paths=true"),
                (["--min-percentile", "99", "--collapse=0.9", "knee"],
                 "q=knee&min_percentile=99&collapse=0.9")]:
            wanted = subprocess.run(
                [program("query"), "-q", "-c", self.catalog, "--format", "json",
                 *options], capture_output=True, check=True).stdout
            status, _, body = self.server.ask("/api/search?" + path)
            self.assertEqual(status, 200, body)
            self.assertEqual(plain(body), plain(wanted))

    def test_a_phrase_is_a_text(self):
        """Whatever it looks like; and what is there twice is a list."""
        for text in ["42", "true", "1e3", "null", "[1]", '"', "a&b=c", "\u00e9\u4e2d"]:
            path = "/api/search?limit=2&q=" + urllib.parse.quote(text)
            status, _, body = self.server.ask(path)
            wanted = self.query([json.dumps({"limit": 2, "phrase": text})])[0]
            self.assertEqual((status, plain(body)), (200, plain(wanted)))
        self.is_problem(self.server.ask("/api/search?q=a&limit=ten"), 400, "misuse")
        self.is_problem(self.server.ask("/api/search?q=a&limit=1&limit=2"), 400)

    def film(self):
        with open(FILM, "rb") as f:
            return f.read()

    def test_pictures_come_in_three_ways(self):
        film = self.film()
        encoded = base64.b64encode(film).decode()
        wanted = plain(self.query([json.dumps({"image_bytes": encoded, "limit": 4})])[0])
        for fields in [[("image", "a.jpg", film), ("limit", None, b"4")],
                       [("image", "../../etc/passwd", film),
                        ("query", None, b'{"limit": 4}')]]:
            body, kind = common.form(fields)
            status, _, got = self.server.ask("/api/search", "POST", body,
                                             {"Content-Type": kind})
            self.assertEqual((status, plain(got)), (200, wanted))
        # and again by its hash, which the answer has
        hash = json.loads(wanted)["query"]["parts"][0]["picture"]
        for ask in [lambda: self.server.ask("/api/search?limit=4&picture=" + hash),
                    lambda: self.server.post({"limit": 4, "picture": hash}),
                    lambda: self.server.post({"limit": 4, "parts": json.loads(
                        wanted)["query"]["parts"]})]:
            status, _, got = ask()
            self.assertEqual(status, 200, got)
            self.assertEqual(json.loads(got)["hits"], json.loads(wanted)["hits"])
        self.is_problem(self.server.ask("/api/search?picture=" + "0" * 32), 404,
                        "not_found")

    def test_labels(self):
        body, kind = common.form([("image", "a", self.film()),
                                  ("classify", None, b"head CT, knee")])
        status, _, got = self.server.ask("/api/classify", "POST", body,
                                         {"Content-Type": kind})
        self.assertEqual(status, 200, got)
        self.assertEqual(json.loads(got)["labels"][0]["label"], "head CT")
        self.is_problem(self.server.ask("/api/classify?q=knee"), 400, "misuse")


if __name__ == "__main__":
    common.main()
