"""The options of bakeryd, and what its configuration decides where it says nothing."""

import os

from bakery_test import BAKERY, BAKERYD, SOURCE, Case, main


class Options(Case):
    def test_wrong_options_are_usage(self):
        d = self.daemon("recipes: {}\n", start=False)
        for wrong in (["--chekc"], ["-c"], ["file.yaml"], ["--check", "--print-config"], ["--check-store"]):
            out, said = d.run([BAKERYD, *wrong], status=2)
            assert out == "" and "Usage: bakeryd" in said, (wrong, said)

    def test_help_and_version_go_to_standard_output(self):
        d = self.daemon("recipes: {}\n", start=False)
        out, said = d.run([BAKERYD, "--help"])
        for option in ("-c FILE", "--check", "--print-config", "--hash-password", "--verbose", "--version"):
            assert option in out, option
        assert said == ""
        assert d.run([BAKERYD, "--version"])[0].startswith("bakeryd ")

    def test_output_that_cannot_be_written_is_a_failure(self):
        d = self.daemon("recipes: {}\n", start=False)
        command = f"exec {BAKERYD} --print-config -c {d.config} >/dev/full"
        assert "cannot write" in d.run(["sh", "-c", command], status=1)[1]

    def test_the_samples_are_right(self):
        d = self.daemon("recipes: {}\n", start=False)
        for name in ("bakery.yaml", "quickstart.yaml"):
            assert "all right" in d.run([BAKERYD, "--check", "-c", os.path.join(SOURCE, "conf", name)])[0]

    def test_what_is_printed_is_a_configuration_of_the_same_meaning(self):
        d = self.daemon("recipes: {}\n", start=False)
        first = d.run([BAKERYD, "--print-config", "-c", os.path.join(SOURCE, "conf", "bakery.yaml")])[0]
        second = d.run([BAKERYD, "--print-config", "-c", self.path("printed", first)])[0]
        assert first == second

    def test_a_configuration_that_is_not_there(self):
        d = self.daemon("recipes: {}\n", start=False)
        path = self.path("nothing")
        assert d.run([BAKERYD, "--check", "-c", path], status=1)[1] == f"{path}: cannot be read: No such file or directory\n"
        assert d.run([BAKERYD, "--check"], env={"BAKERY_CONF": path}, status=1)[1].startswith(path)

    def test_passwords(self):
        d = self.daemon("recipes: {}\n", start=False)
        for wrong in (b"", b"\n", b"x" * 1024):
            out, said = d.run([BAKERYD, "--hash-password"], input=wrong, status=1)
            assert out == "" and "expected a password" in said
        a = d.run([BAKERYD, "--hash-password"], input=b"same\n")[0]
        b = d.run([BAKERYD, "--hash-password"], input=b"same")[0]
        assert a.startswith("scrypt$14$8$1$") and a != b

    def test_without_a_word_about_places_the_client_finds_the_daemon(self):
        d = self.daemon("recipes: {}\n", start=False)
        with open(os.path.join(SOURCE, "conf", "quickstart.yaml"), encoding="utf-8") as f, open(d.config, "w", encoding="utf-8") as to:
            to.write(f.read())
        d.start()
        assert os.path.exists(os.path.join(d.dir, "xdg-state", "bakery"))
        file = self.path("a file", "content")
        client = ["env", "-u", "BAKERY_SERVER", BAKERY]
        sums = d.run([*client, "order", "checksum", "file=a file", "--wait"], cwd=self.dir)[0]
        assert sums == d.run(["sha256sum", file])[0]
        order = d.run([*client, "order", "run", "argv=pwd", f"dir={self.dir}", "--wait"])[0]
        assert order == os.path.realpath(self.dir) + "\n", order


main()
