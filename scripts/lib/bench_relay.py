"""Measures four ways to pass bytes between two TCP connections, with Benchmarks/relay/relay.c: what the data path may choose.

A namespace holds the asking side and the relay, another one the answering side, joined by a veth, as a proxy of plain TCP
stands on a node. Ways take turns, so that the machine's drift hits all alike; medians are printed.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WAYS = ("copy", "splice", "zerocopy", "uring")
NEAR, FAR = "10.79.0.1", "10.79.0.2"


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Lab:
    def __init__(self, folder, stack):
        self.program = folder / "relay"
        run("cc", "-O2", "-o", self.program, ROOT / "Benchmarks/relay/relay.c")
        self.near, self.far = f"relay-n-{os.getpid()}", f"relay-f-{os.getpid()}"
        for namespace in (self.near, self.far):
            run("ip", "netns", "add", namespace)
            stack.callback(subprocess.run, ["ip", "netns", "delete", namespace])
        run("ip", "-n", self.near, "link", "add", "r0", "type", "veth", "peer", "name", "r0", "netns", self.far)
        for namespace, address in ((self.near, NEAR), (self.far, FAR)):
            run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "r0")
            for link in ("lo", "r0"):
                run("ip", "-n", namespace, "link", "set", link, "up")

    def start(self, namespace, *words):
        """A process that listens, once it does."""
        process = subprocess.Popen(["ip", "netns", "exec", namespace, self.program, *words], stdout=subprocess.PIPE, text=True)
        if process.stdout.readline() != "listening\n":
            raise SystemExit(f"relay {' '.join(words)} ended with {process.wait()}")
        return process

    def once(self, way, asking, answering, seconds):
        """What the relay said, and what the asking side did."""
        far = self.start(self.far, answering, "7801")
        relay = self.start(self.near, "pass", way, "7800", FAR, "7801")
        asked = subprocess.run(["ip", "netns", "exec", self.near, self.program, asking, "127.0.0.1", "7800", str(seconds)],
                               check=True, capture_output=True, text=True).stdout
        said = json.loads(relay.communicate(timeout=30)[0])
        far.wait(30)
        return said, asked

    def bulk(self, way, seconds):
        said, _ = self.once(way, "send", "sink", seconds)
        sends = said["copied"] + said["without"]
        return {"Gbit/s": said["bytes"] * 8 / seconds / 1e9, "cpu_s/GiB": said["cpu"] * (1 << 30) / said["bytes"],
                **({"copied after all": said["copied"] / sends} if sends else {})}

    def requests(self, way, seconds):
        said, asked = self.once(way, "ask", "echo", seconds)
        return {"requests/s": int(asked) / seconds, "cpu_us/request": said["cpu"] * 1e6 / int(asked)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meshctl-bench-relay-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        lab = Lab(folder, stack)
        samples = {way: [] for way in WAYS}
        for _ in range(options.rounds):
            for way in WAYS:
                samples[way].append(lab.bulk(way, options.seconds) | lab.requests(way, options.seconds))
    print("| measure | " + " | ".join(WAYS) + " |\n| --- |" + " ---: |" * len(WAYS))
    for measure in ("Gbit/s", "cpu_s/GiB", "copied after all", "requests/s", "cpu_us/request"):
        cells = []
        for way in WAYS:
            values = [sample[measure] for sample in samples[way] if measure in sample]
            cells.append(f"{statistics.median(values):,.2f}" if values else "–")
        print(f"| {measure} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
