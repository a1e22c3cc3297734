"""The benchmark behind scripts/bench, which says how to use it; docs/performance.md says what it measures and why."""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import bench_envoy
import bench_variants
import processes

ROOT = pathlib.Path(__file__).resolve().parents[2]
BULK_PORT, WEB_PORT = 5201, 5280
IDLE_TUNNELS = 1000
MANY_TUNNELS = 10_000

# What a change must not exceed: (load, measure): bar, relative to Envoy, or absolute for measures of memory.
RELATIVE_BARS = {
    **{(load, "cpu_s/GiB"): 0.75 for load in ("bulk1", "bulk1R", "bulk8")},
    **{(load, "cpu_us/req"): 0.85 for load in ("rr1", "rr64")},
    ("conn32", "cpu_us/req"): 0.65,
}
ABSOLUTE_BARS = {("idle", "KiB/tunnel"): 3, ("idle", "rss_MiB"): 40, ("fair", "p99_1G/alone"): 3,
                 ("fair", "p99_3G/alone"): 3, ("fair", "p99_unlimited/alone"): 3}

RULES = f"""table ip bench {{
  chain out {{
    type nat hook output priority -100
    oifname lo accept
    meta mark 1337 accept
    tcp dport {{ {BULK_PORT}, {WEB_PORT} }} redirect to :15001
  }}
}}
"""


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def make_certificates(folder):
    """A P-256 authority and leaves for default/client and default/server, as the pair files name them."""
    folder.mkdir()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/O=bench",
        cwd=folder)
    for name in ("client", "server"):
        (folder / f"{name}.ext").write_text(
            f"subjectAltName=critical,URI:spiffe://cluster.local/ns/default/sa/{name}\n"
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            "extendedKeyUsage=serverAuth,clientAuth\n")
        run("openssl", "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/", cwd=folder)
        run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt", cwd=folder)


class Pair:
    """Two namespaces joined by a veth: client, outbound proxy | inbound proxy, iperf3 and nginx."""

    def __init__(self, number, spec, scratch, stack):
        self.name = spec["name"]
        self.folder = scratch / f"{self.name}{number}"
        self.folder.mkdir()
        self.client_namespace, self.server_namespace = f"bench{number}c-{os.getpid()}", f"bench{number}s-{os.getpid()}"
        self.client, self.server = f"10.78.{number}.1", f"10.78.{number}.2"
        self.stack = stack
        self.make_namespaces(f"b{number}")
        words = {"{C}": self.client, "{S}": self.server, "{DIR}": self.folder, "{CERTS}": scratch / "certs",
                 "{MESHCTL}": os.environ["MESHCTL"], "{ENVOY}": os.environ.get("ENVOY", "")}

        def fill(text):
            for word, value in words.items():
                text = text.replace(word, str(value))
            return text

        for name, text in spec["files"].items():
            (self.folder / name).write_text(fill(text if isinstance(text, str) else json.dumps(text)))
        environment = {key: fill(value) for key, value in spec.get("env", {}).items()}
        self.spawn(self.server_namespace, "iperf", "iperf3", "-s", "-p", str(BULK_PORT))
        self.spawn(self.server_namespace, "nginx", "nginx", "-c", str(scratch / "nginx.conf"), "-e",
                   str(self.folder / "nginx-errors.log"), "-g", f"pid {self.folder}/nginx.pid;")
        # In the order of every "out, in" below.
        inbound = self.spawn(self.server_namespace, "in", *map(fill, spec["in"]), environment=environment)
        outbound = self.spawn(self.client_namespace, "out", *map(fill, spec["out"]), environment=environment)
        self.proxies = {"out": outbound.pid, "in": inbound.pid}
        run("ip", "netns", "exec", self.client_namespace, "nft", "-f", "-", input=RULES)
        self.await_answer((outbound, inbound))

    def make_namespaces(self, device):
        for namespace in (self.client_namespace, self.server_namespace):
            run("ip", "netns", "add", namespace)
            self.stack.callback(subprocess.run, ["ip", "netns", "delete", namespace])
        run("ip", "-n", self.client_namespace, "link", "add", device, "type", "veth", "peer", "name", device, "netns",
            self.server_namespace)
        for namespace, address in ((self.client_namespace, self.client), (self.server_namespace, self.server)):
            run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", device)
            for link in ("lo", device):
                run("ip", "-n", namespace, "link", "set", link, "up")
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno",
                "net.ipv4.ip_local_port_range=2000 65000")

    def spawn(self, namespace, name, *command, environment=None):
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(["ip", "netns", "exec", namespace, *command], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        self.stack.callback(stop, process)
        return process

    def await_answer(self, proxies):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and all(proxy.poll() is None for proxy in proxies):
            if self.inside("curl", "-sf", "-m", "2", "-o", "/dev/null", f"http://{self.server}:{WEB_PORT}/1k").returncode == 0:
                return
            time.sleep(0.1)
        logs = "".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in self.folder.glob("*.log"))
        raise SystemExit(f"{self.name}: no answer through the tunnel\n{logs}")

    def inside(self, *command):
        return subprocess.run(["ip", "netns", "exec", self.client_namespace, *command], capture_output=True, text=True)

    def cpu(self):
        """CPU seconds that each proxy has used, in user and kernel mode."""
        return {side: sum(processes.cpu(pid)) for side, pid in self.proxies.items()}

    def resident(self):
        """KiB of memory that each proxy holds."""
        return {side: processes.resident(pid) for side, pid in self.proxies.items()}

    def allocated(self):
        """The part of it that is no code, in KiB."""
        return {side: processes.allocated(pid) for side, pid in self.proxies.items()}


def stop(process):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def per_side(measure, before, after, count, scale=1):
    return {f"{measure} {side}": (after[side] - before[side]) * scale / count for side in before}


def bulk(pair, seconds, *options):
    before = pair.cpu()
    done = pair.inside("iperf3", "-c", pair.server, "-p", str(BULK_PORT), "-t", str(seconds), "-J", *options)
    after = pair.cpu()
    report = json.loads(done.stdout)
    if "error" in report:
        raise RuntimeError(report["error"])
    received = report["end"]["sum_received"]
    return {"Gbit/s": received["bytes"] * 8 / received["seconds"] / 1e9,
            **per_side("cpu_s/GiB", before, after, received["bytes"] / (1 << 30))}


def web(pair, seconds, connections, *options):
    before = pair.cpu()
    done = pair.inside("wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", *options,
                       f"http://{pair.server}:{WEB_PORT}/1k")
    after = pair.cpu()
    text = done.stdout
    requests = re.search(r"(\d+) requests in", text)
    if done.returncode or not requests or "Socket errors" in text or "Non-2xx" in text:
        raise RuntimeError(text.strip()[-300:] + done.stderr)

    def microseconds(percentile):
        value, unit = re.search(rf"^\s+{percentile}%\s+([\d.]+)(us|ms|s)", text, re.MULTILINE).groups()
        return float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]

    return {"per_s": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
            "p50_us": microseconds(50), "p99_us": microseconds(99),
            **per_side("cpu_us/req", before, after, int(requests.group(1)), 1e6)}


HOLDER = """
import socket, sys
count, host, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
held = []
for _ in range(count):
    connection = socket.create_connection((host, port))
    connection.sendall(b"GET /1k HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n")
    answer = b""
    while len(answer) < 1100:
        data = connection.recv(4096)
        if not data:
            sys.exit("a tunnel was closed")
        answer += data
    held.append(connection)
print("open", flush=True)
sys.stdin.readline()
"""


def idle(pair, _seconds):
    """Memory that each open tunnel adds, after each has carried one request."""
    before = pair.allocated()
    command = ["ip", "netns", "exec", pair.client_namespace, sys.executable, "-c", HOLDER, str(IDLE_TUNNELS),
               pair.server, str(WEB_PORT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        opened = holder.stdout.readline().strip() == "open"
        time.sleep(1)
        after, resident = pair.allocated(), pair.resident()
        holder.stdin.close()
    if not opened:
        raise RuntimeError("the tunnels did not open")
    return {**per_side("KiB/tunnel", before, after, IDLE_TUNNELS),
            **{f"rss_MiB {side}": held / 1024 for side, held in resident.items()}}


TUNNELLER = """
import resource, select, socket, sys
host, port, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
request, held = b"GET /1k HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n", []

def open_until(count):
    poll, waiting = select.epoll(), {}
    while len(held) < count or waiting:
        while len(held) < count and len(waiting) < 64:
            connection = socket.create_connection((host, port))
            connection.sendall(request)
            held.append(connection)
            waiting[connection.fileno()] = [connection, 0]
            poll.register(connection, select.EPOLLIN)
        for descriptor, _ in poll.poll(30) or sys.exit("no answer"):
            entry = waiting[descriptor]
            data = entry[0].recv(4096)
            if not data:
                sys.exit("a tunnel was closed")
            entry[1] += len(data)
            if entry[1] > 1100:
                poll.unregister(descriptor)
                del waiting[descriptor]

for count in (first, last):
    open_until(count)
    print("open", flush=True)
    sys.stdin.readline()
"""


def many(pair, streams):
    """Memory for each tunnel, at 1,000 and at 10,000, or as many as open files allow: one for each, and for its TLS."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    last = min(MANY_TUNNELS, (most - 300) * streams // (streams + 1))
    before = pair.allocated()
    command = ["ip", "netns", "exec", pair.client_namespace, sys.executable, "-c", TUNNELLER, pair.server,
               str(WEB_PORT), str(IDLE_TUNNELS), str(last)]
    measures = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        for count in (IDLE_TUNNELS, last):
            if holder.stdout.readline().strip() != "open":
                holder.stdin.close()
                raise RuntimeError(f"{count} tunnels did not open")
            time.sleep(1)
            measures |= per_side(f"KiB/tunnel@{count}", before, pair.allocated(), count)
            measures |= {f"rss_MiB@{count} {side}": value / 1024 for side, value in pair.resident().items()}
            holder.stdin.write("\n")
            holder.stdin.flush()
    return measures


def bulk_beside(pair, carrier, seconds, rate="0"):
    """Small requests through one pair while a bulk stream goes through another one, or the same: both results."""
    stream = subprocess.Popen(
        ["ip", "netns", "exec", carrier.client_namespace, "iperf3", "-c", carrier.server, "-p", str(BULK_PORT), "-t",
         str(seconds + 2), "-b", rate, "-J"], stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    requests = web(pair, seconds, 1)
    report = json.loads(stream.communicate()[0])
    if "error" in report:
        raise RuntimeError(report["error"])
    return requests, report["end"]["sum_received"]["bits_per_second"] / 1e9


def fair(pair, seconds):
    """What a bulk stream does to small requests: through the same reactors, at rates that leave the cores something to do
    and without limit; and without limit through other processes of the same kind, which compete for the cores alone."""
    alone = web(pair, seconds, 1)
    measures = {"p50_us alone": alone["p50_us"], "p99_us alone": alone["p99_us"]}
    for name, carrier, rate in (("1G", pair, "1G"), ("3G", pair, "3G"), ("unlimited", pair, "0"),
                                ("elsewhere", pair.twin, "0")):
        beside, carried = bulk_beside(pair, carrier, seconds, rate)
        measures |= {f"p50_us {name}": beside["p50_us"], f"p99_us {name}": beside["p99_us"],
                     f"p99_{name}/alone": beside["p99_us"] / alone["p99_us"], f"Gbit/s {name}": carried}
    return measures


LOADS = {
    "bulk1": lambda pair, seconds: bulk(pair, seconds),
    "bulk1R": lambda pair, seconds: bulk(pair, seconds, "-R"),
    "bulk8": lambda pair, seconds: bulk(pair, seconds, "-P", "8"),
    "rr1": lambda pair, seconds: web(pair, seconds, 1),
    "rr64": lambda pair, seconds: web(pair, seconds, 64),
    "conn32": lambda pair, seconds: web(pair, seconds, 32, "-H", "Connection: close"),
    "idle": idle,
    "fair": fair,
}
# The load "many" is both of these, each with proxies of its own that put so many tunnels on one TLS connection.
STREAMS = {"pooled": 100, "alone": 1}
LOADS |= {load: lambda pair, _seconds, streams=streams: many(pair, streams) for load, streams in STREAMS.items()}


def measure(pairs, loads, rounds, seconds):
    """Medians by load and pair, and whether all went well. Pairs take turns, so that the machine's drift hits all."""
    medians, well = {}, True
    for load in loads:
        samples = {pair.name: [] for pair in pairs}
        for _ in range(1 if load in ("idle", *STREAMS) else rounds):
            for pair in pairs:
                try:
                    samples[pair.name].append(LOADS[load](pair, seconds))
                except (RuntimeError, ValueError, KeyError, OSError, AttributeError) as error:
                    print(f"{load} on {pair.name} failed: {error}", file=sys.stderr)
                    well = False
        medians[load] = {
            name: {key: statistics.median(sample[key] for sample in got) for key in got[0]}
            for name, got in samples.items() if got
        }
        print(f"{load} done", file=sys.stderr, flush=True)
    return medians, well


def rows(medians):
    """One row a measure: load, measure, Envoy's value, ours, ratio, the bar and whether it holds."""
    for load, pairs in medians.items():
        ours, theirs = pairs.get("meshctl", {}), pairs.get("envoy", {})
        for key, value in ours.items():
            measure_name = key.split()[0]
            peer = theirs.get(key)
            ratio = value / peer if peer else None
            relative, absolute = RELATIVE_BARS.get((load, measure_name)), ABSOLUTE_BARS.get((load, measure_name))
            if relative is not None and ratio is not None:
                bar = f"≤ {relative:.2f}× " + ("yes" if ratio <= relative else "NO")
            elif absolute is not None:
                bar = f"≤ {absolute} " + ("yes" if value <= absolute else "NO")
            else:
                bar = ""
            yield load, key, peer, value, ratio, bar


def number(value):
    return "–" if value is None else f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def table(medians):
    head = ("load", "measure", "Envoy", "meshctl", "ratio", "bar")
    lines = ["| " + " | ".join(head) + " |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for load, key, theirs, ours, ratio, bar in rows(medians):
        lines.append(f"| {load} | {key} | {number(theirs)} | {number(ours)} | {number(ratio)} | {bar} |")
    return "\n".join(lines)


def variant_table(medians, names):
    """One row a measure: meshctl's value, then each variant's ratio to it."""
    lines = ["| load | measure | meshctl | " + " | ".join(names) + " |", "| --- | --- | ---: |" + " ---: |" * len(names)]
    for load, pairs in medians.items():
        base = pairs.get("meshctl", {})
        for key, value in base.items():
            ratios = (pairs.get(name, {}).get(key) for name in names)
            cells = (f"{other / value:.2f}×" if other is not None and value else "–" for other in ratios)
            lines.append(f"| {load} | {key} | {number(value)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine():
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} × {model.group(1) if model else platform.machine()}, Linux {platform.release()}"


def versions():
    envoy = re.search(r"/(\d+\.\d+\.\d+)/", run(os.environ["ENVOY"], "--version"))
    with contextlib.suppress(subprocess.CalledProcessError, FileNotFoundError):
        commit = run("git", "describe", "--always", "--dirty", cwd=ROOT).strip()
        return f"meshctl {commit}, Envoy {envoy.group(1) if envoy else '?'}, {run('openssl', 'version').split(' (')[0].strip()}"
    return f"Envoy {envoy.group(1) if envoy else '?'}"


def record(text, rounds, seconds):
    """Replaces what stands between the two markers of docs/performance.md."""
    page = ROOT / "docs/performance.md"
    begin, end = "<!-- scripts/bench --record writes below -->", "<!-- scripts/bench --record writes above -->"
    before, rest = page.read_text().split(begin)
    after = rest.split(end)[1]
    about = (f"{time.strftime('%Y-%m-%d', time.gmtime())}; {machine()}; {versions()}; "
             f"medians of {rounds} rounds of {seconds} s, one worker thread each.")
    page.write_text(f"{before}{begin}\n{about}\n\n{text}\n{end}{after}")


def own_pair():
    """The pair file of meshctl."""
    return json.loads((ROOT / "Benchmarks/tunnel/meshctl.json").read_text())


@contextlib.contextmanager
def workshop():
    """A folder with the server's files and the certificates, and the stack that ends what is started."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="meshctl-bench-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        scratch.chmod(0o755)
        (scratch / "1k").write_bytes(b"x" * 1024)
        folders = "".join(f"{kind}_temp_path {scratch}/{kind}; "
                          for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (scratch / "nginx.conf").write_text(
            "daemon off; worker_processes 1; user root; events { worker_connections 16384; }\n"
            f"worker_rlimit_nofile {resource.getrlimit(resource.RLIMIT_NOFILE)[1]};\n"
            f"http {{ access_log off; keepalive_requests 100000000; {folders}\n"
            f"server {{ listen 0.0.0.0:{WEB_PORT} backlog=4096; root {scratch}; }} }}\n")
        make_certificates(scratch / "certs")
        yield scratch, stack


def envoy_pair(**options):
    return bench_envoy.pair((BULK_PORT, WEB_PORT), **options)


def started(specs, scratch, stack, first=0):
    """Running pairs, numbered from the first: no two of a workshop may have one number."""
    return [Pair(number, spec, scratch, stack) for number, spec in enumerate(specs, first)]


def chosen(parser, text, known, kind):
    """The names in a list with commas; ends the program, naming those that are not known."""
    names = [name for name in text.split(",") if name]
    if unknown := set(names) - set(known):
        parser.error(f"no such {kind}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return names


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", default=",".join(load for load in LOADS if load not in STREAMS) + ",many")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--variants", default="")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    if arguments.variants and arguments.record:
        parser.error("--record is for the comparison with Envoy")
    loads = chosen(parser, arguments.only.replace("many", ",".join(STREAMS)), LOADS, "load")
    names = chosen(parser, arguments.variants, bench_variants.VARIANTS, "variant")
    ours = own_pair()

    def peers(**options):
        """What meshctl is compared with: itself, changed, or Envoy."""
        return [bench_variants.varied(ours, name) for name in names] or [envoy_pair(**options)]

    with workshop() as (scratch, stack):
        medians, well, used = {}, True, 0
        sets = [([load for load in loads if load not in STREAMS], {})]
        sets += [([load], {"streams": streams}) for load, streams in STREAMS.items() if load in loads]
        for some, options in sets:
            if not some:
                continue
            if "streams" in options:
                ours["env"]["POOL_MAX_STREAMS_PER_CONNECTION"] = str(options["streams"])
            pairs = started([*peers(**options), ours], scratch, stack, first=used)
            used += len(pairs)
            if "fair" in some:
                for pair, twin in zip(pairs, started([*peers(), ours], scratch, stack, first=used)):
                    pair.twin = twin
                used += len(pairs)
            counted, counted_well = measure(pairs, some, arguments.rounds, arguments.seconds)
            medians, well = medians | counted, well and counted_well
    text = variant_table(medians, names) if names else table(medians)
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(medians, indent=1) + "\n")
    if arguments.record:
        record(text, arguments.rounds, arguments.seconds)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
