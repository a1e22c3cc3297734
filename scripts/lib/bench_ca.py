"""Measures `meshctl ca serve`: certificates per second on one core, and how long one takes at half of that.

The server has one core to itself; h2load asks on another, over TLS and HTTP/2, with a signing request per certificate
to verify, a node proxy to recognise, a pod of the identity to find on its node, a certificate to sign and a record to
bring to disk.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import processes

meshctl = os.environ["MESHCTL"]
METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate"
NODES, PODS_PER_NODE = 50, 100


def inventory():
    """Pods of as many accounts on each node, in the shape that kubectl prints."""
    pods = ({"kind": "Pod", "metadata": {"namespace": "shop", "name": f"pod-{node}-{number}", "uid": f"{node}-{number}"},
             "spec": {"serviceAccountName": f"account-{number}", "nodeName": f"node-{node}"},
             "status": {"phase": "Running"}}
            for node in range(NODES) for number in range(PODS_PER_NODE))
    return json.dumps({"kind": "List", "items": list(pods)})


def field(number, content):
    """A length-delimited protobuf field."""
    length, encoded = len(content), b""
    while length > 127:
        encoded += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + encoded + bytes([length]) + content


def request(folder, identity):
    """One gRPC message: a P-256 signing request, and the identity in the metadata."""
    csr = folder / "csr.pem"
    subprocess.run(
        ["openssl", "req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/O=",
         "-keyout", folder / "key.pem", "-out", csr], check=True, capture_output=True)
    value = field(3, identity.encode())
    entry = field(1, b"ImpersonatedIdentity") + field(2, value)
    message = field(1, csr.read_bytes()) + field(4, field(1, entry))
    file = folder / "request.bin"
    file.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
    return file


class Server:
    def __init__(self, folder, core):
        subprocess.run([meshctl, "ca", "init", "--dir", folder / "ca"], check=True, capture_output=True)
        (folder / "node.token").write_text("a-token-of-the-benchmark")
        (folder / "node.token").chmod(0o600)
        (folder / "callers.yaml").write_text("callers:\n  - name: node\n    tokenFile: node.token\n    node: node-7\n")
        (folder / "pods.json").write_text(inventory())
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), meshctl, "ca", "serve", "--dir", folder / "ca", "--callers",
             folder / "callers.yaml", "--inventory", folder / "pods.json", "--listen", "127.0.0.1:0", "--http",
             "127.0.0.1:0", "--caller-rate", "1000000", "--caller-burst", "1000000", "--output", "json"],
            stdout=subprocess.PIPE, stderr=open(folder / "log", "w"), text=True)
        text = ""
        while "}" not in text:
            line = self.process.stdout.readline()
            if not line:
                sys.exit("the server ended: " + (folder / "log").read_text())
            text += line
        bound = json.loads(text)
        self.address, self.http = bound["listening"], bound["http"]

    def counters(self):
        page = urllib.request.urlopen(f"http://{self.http}/metrics", timeout=10).read().decode()
        return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", page, re.M)}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


# Certificates that left, and every way in which none does.
ISSUED = "citadel_server_success_cert_issuance_count"
REFUSED = ("citadel_server_authentication_failure_count", "citadel_server_csr_sign_err_count", "meshctl_ca_requests_shed_total")


class Sample:
    """What server and kernel have counted by now."""

    def __init__(self, server):
        counters = server.counters()
        self.issued = counters[ISSUED]
        self.refused = sum(value for name, value in counters.items() if name.startswith(REFUSED))
        self.user, self.system = processes.cpu(server.process.pid)
        self.time, self.clock = time.monotonic(), time.time()


def load(server, folder, core, seconds, clients, streams, rate=None):
    """Lets h2load ask for a second, then measures for `seconds`: by the server's counters, and by h2load's log."""
    log = folder / "latencies"
    log.unlink(missing_ok=True)
    command = ["taskset", "-c", str(core), "h2load", f"--duration={seconds + 2}", "--warm-up-time=0",
               f"--clients={clients}", f"--max-concurrent-streams={streams}", f"--data={folder / 'request.bin'}",
               f"--log-file={log}", "--header=content-type: application/grpc", "--header=te: trailers",
               "--header=authorization: Bearer a-token-of-the-benchmark"]
    if rate:
        command.append(f"--rps={max(rate // clients, 1)}")
    asking = subprocess.Popen(
        command + [f"https://{server.address}{METHOD}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(1)
    before = Sample(server)
    time.sleep(seconds)
    after = Sample(server)
    said, _ = asking.communicate(timeout=60)
    if asking.returncode:
        sys.exit(f"h2load: {said}")
    rows = (line.split("\t") for line in log.read_text().splitlines())
    times = sorted(int(took) for begun, _, took, *_ in rows
                   if before.clock <= int(begun) / 1e6 and int(begun) / 1e6 + int(took) / 1e6 <= after.clock)
    issued, took = after.issued - before.issued, after.time - before.time
    user, system = after.user - before.user, after.system - before.system
    return {
        "rate": issued / took, "refused": after.refused - before.refused,
        "p50": times[len(times) // 2] / 1000, "p99": times[len(times) * 99 // 100] / 1000, "max": times[-1] / 1000,
        "user": user * 1e6 / issued, "system": system * 1e6 / issued, "busy": (user + system) / took,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--json")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("it takes two cores: one for the server, one for who asks")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meshctl-bench-ca-"))
    try:
        request(folder, "spiffe://cluster.local/ns/shop/sa/account-57")
        server = Server(folder, cores[0])
        load(server, folder, cores[1], 1, 4, 8)
        full = load(server, folder, cores[1], options.seconds, 16, 16)
        half = load(server, folder, cores[1], options.seconds, 16, 16, rate=int(full["rate"] / 2))
        memory = processes.resident(server.process.pid) / 1024
        server.stop()
        verified = subprocess.run(
            [meshctl, "ca", "audit", "verify", "--dir", folder / "ca", "--output", "json"], capture_output=True, text=True)
        audit = json.loads(verified.stdout)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    row = "| {:<34} | {:>8} | {:>7} |".format
    print(row("one core, real gRPC service", "measured", "bar"))
    print(row("---", "---", "---"))
    print(row("certificates/s", f"{full['rate']:,.0f}", "≥ 2,000"))
    print(row("CPU of the server, user µs each", f"{full['user']:.0f}", ""))
    print(row("CPU of the server, system µs each", f"{full['system']:.0f}", ""))
    print(row("core busy", f"{full['busy']:.0%}", ""))
    print(row("full load: p50 ms", f"{full['p50']:.1f}", ""))
    print(row("full load: p99 ms", f"{full['p99']:.1f}", ""))
    print(row("half load: certificates/s", f"{half['rate']:,.0f}", ""))
    print(row("half load: p50 ms", f"{half['p50']:.1f}", ""))
    print(row("half load: p99 ms", f"{half['p99']:.1f}", "≤ 50"))
    print(row("refused", f"{full['refused'] + half['refused']:.0f}", "0"))
    print(row("resident MiB", f"{memory:.0f}", ""))
    bound = "the CPU of the server" if full["busy"] > 0.9 else "something else than the CPU: the disk, or who asks"
    print(f"\nbounded by {bound}; audit log: {audit['records']:,} records, " + ("whole" if audit["whole"] else "BROKEN"))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"full": full, "half": half, "residentMiB": memory}))
    if not audit["whole"] or full["refused"] or half["refused"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
