"""Tests of the module, with the program that is installed beside it: python -m unittest discover python/tests"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import presort

LIST = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"
LINES = b'{"email":"ada@example.com","phone":"617 555 0101"}\n{"email":"nobody"}\n{"email":"ada@example.com"}\n'


class Presort(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.input = self.dir / "in.ndjson"
        self.input.write_bytes(LINES)

    def test_run(self):
        done = presort.run(["clean", "--format", "ndjson"], input=LINES)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.count(b"\n"), 2)
        self.assertIn(b"EML", done.stderr)
        with self.assertRaises(presort.PresortError) as raised:
            presort.run(["clean", "--no-such-option"])
        self.assertEqual(raised.exception.status, 2)
        self.assertIn("--no-such-option", str(raised.exception))
        self.assertEqual(presort.run(["clean", "nothere"], check=False).returncode, 2)

    def test_clean_to_bodies(self):
        rejects = self.dir / "rejects.ndjson"
        receipt = presort.clean(self.input, output=self.dir / "bodies", list_ids=[LIST], rejects=rejects)
        counts = receipt.contacts
        self.assertEqual((counts.seen, counts.accepted, counts.rejected, counts.duplicates), (3, 2, 1, 1))
        self.assertEqual(receipt.findings["DUP001"], 1)
        (body,) = receipt.payloads
        self.assertEqual((body.file, body.contacts), ("payload-00001.json", 2))
        self.assertEqual((self.dir / "bodies" / body.file).stat().st_size, body.bytes)
        self.assertEqual(json.loads(rejects.read_text())["email"], "nobody")
        self.assertEqual(receipt.raw["mode"], "split")
        with self.assertRaisesRegex(presort.PresortError, "--append"):
            presort.clean(self.input, output=self.dir / "bodies", list_ids=[LIST])

    def test_clean_to_lines_and_check(self):
        out = self.dir / "-out"
        receipt = presort.clean([self.input, self.input], output=out, format="ndjson", options=["--duplicates", "first"])
        self.assertEqual(len(out.read_text().splitlines()), receipt.contacts.accepted)
        self.assertEqual(receipt.contacts.accepted, 1)
        findings = self.dir / "findings"
        receipt = presort.clean(str(self.input), findings=findings, options=["--list-id", LIST])
        self.assertEqual((receipt.raw["mode"], receipt.contacts.rejected), ("check", 1))
        self.assertTrue(findings.read_text())
        self.assertRaises(ValueError, presort.clean, self.input, format="csv")
        self.assertRaises(ValueError, presort.clean, self.input, rejects="x")

    def test_module(self):
        ran = subprocess.run([sys.executable, "-m", "presort", "clean", "--format", "ndjson", "-q"], input=LINES, stdout=subprocess.PIPE)
        self.assertEqual((ran.returncode, ran.stdout.count(b"\n")), (1, 2))
        self.assertTrue(os.path.isfile(presort.program()))
        self.assertTrue((Path(presort.__file__).parent / "py.typed").exists())


if __name__ == "__main__":
    unittest.main()
