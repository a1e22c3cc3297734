"""Checks that the tests which docs/*-cases.md name exist. Run by scripts/check.

A cell names tests as `Suite` "name of a test, or of a row of its table, or its beginning". Exit status: 0 all exist,
1 some do not.
"""
import glob
import os
import re
import sys

NAME = r'"((?:[^"\\]|\\.)*)"'


def tests():
    """The names in each file, and the files of each suite: those that declare it, and those that are called so."""
    names, suites = {}, {}
    for path in glob.glob("Tests/**/*.swift", recursive=True):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        names[path] = re.findall(r"@Test\(\s*" + NAME, text) + re.findall(r"\bwhat: " + NAME, text)
        for suite in [*re.findall(r"\b(?:struct|class|enum) (\w+)", text), os.path.basename(path)[: -len(".swift")]]:
            suites.setdefault(suite, set()).add(path)
    return names, suites


def main():
    names, suites = tests()
    missing = 0
    for page in sorted(glob.glob("docs/*-cases.md")):
        with open(page, encoding="utf-8") as file:
            rows = [(number, line) for number, line in enumerate(file, 1) if line.startswith("| ")]
        for number, line in rows:
            cell = line.rstrip().rstrip("|").split(" | ")[-1]
            for suite, quoted in re.findall(r'`(\w+)`((?:(?:,| and|, and)? "[^"]*")+)', cell):
                known = [name for path in suites.get(suite, ()) for name in names[path]]
                for wanted in re.findall(r'"([^"]*)"', quoted):
                    wanted = wanted.removesuffix("…")
                    if not any(name.startswith(wanted) for name in known):
                        print(f'{page}:{number}: {suite} has no test "{wanted}"')
                        missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
