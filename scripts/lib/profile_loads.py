"""The profiler behind scripts/profile, which says how to use it: loads of the benchmark, watched by perf."""
import argparse
import collections
import html
import pathlib
import re
import signal
import subprocess
import sys
import zlib

import bench

LOADS = ("bulk1", "bulk1R", "bulk8", "rr1", "rr64", "conn32")
# A prime near 1 kHz: a round number could beat with the kernel's timers.
FREQUENCY = 997

# The layer of a sample: by the innermost frame, outside the kernel by its library, then by its name.
KERNEL = (
    (r"sendmsg|sendto|__sys_send|ksys_write|vfs_writev?|do_writev", "kernel: send"),
    (r"recvmsg|recvfrom|__sys_recv|ksys_read|vfs_read|do_readv", "kernel: receive"),
    (r"epoll", "kernel: epoll"),
    (r"sys_(accept|connect|socket|close|shutdown|bind|listen|setsockopt|getsockopt)", "kernel: open and close"),
    (r"asm_(exc_page_fault|sysvec)|exc_page_fault", "kernel: faults and interrupts"),
)
USER = (
    (r"libcrypto|libIPSec_MB", r"", "ciphers and certificates"),
    # BoringSSL is part of the binary.
    (r"meshctl", r"BoringSSL|aes_gcm|gcm_ghash|aes_hw|chacha20|poly1305", "ciphers and certificates"),
    (r"libssl", r"", "TLS library"),
    (r"libnghttp2", r"", "HTTP/2 library"),
    (r"", r"mem(move|cpy|set)|__mem", "copies"),
    (r"", r"swift_(retain|release|bridge|unknownObject)|RefCount", "reference counts"),
    (r"", r"malloc|free$|calloc|realloc|swift_(slow)?(alloc|dealloc)|_int_", "allocation"),
    (r"", r"swift_beginAccess|swift_endAccess|AccessSet", "exclusivity checks"),
)


def layer(frames):
    """The layer of one sample. Frames are (name, library), innermost first."""
    name, library = frames[0]
    if library.startswith("[k") or library.endswith(".ko"):
        for pattern, title in KERNEL:
            if any(re.search(pattern, frame) for frame, place in frames if place.startswith("[k")):
                return title
        return "kernel: other"
    for place, pattern, title in USER:
        if re.search(place, library) and re.search(pattern, name):
            return title
    return "C library" if "libc" in library or "ld-linux" in library else "own code"


def samples(data):
    """Stacks that perf recorded, as (frames, count): frames innermost first."""
    text = subprocess.run(
        ["perf", "script", "-i", str(data), "-F", "ip,sym,dso", "--no-inline"], capture_output=True, text=True, check=True,
    ).stdout
    counted = collections.Counter()
    for block in text.split("\n\n"):
        frames = []
        for line in block.splitlines():
            if found := re.match(r"\s*[0-9a-f]+ (.*) \(([^()]*)\)$", line):
                frames.append((found.group(1), pathlib.PurePath(found.group(2)).name))
        if frames:
            counted[tuple(frames)] += 1
    return counted


def readable(names):
    """Swift's mangled names as people read them."""
    mangled = sorted(name for name in names if re.match(r"_?\$s", name))
    if not mangled:
        return {}
    done = subprocess.run(["swift", "demangle", "--simplified", "--compact"], input="\n".join(mangled), text=True,
                          capture_output=True, check=False)
    plain = done.stdout.splitlines()
    return dict(zip(mangled, plain)) if len(plain) == len(mangled) else {}


def flame_graph(counted, title):
    """An SVG: each box is a function, as wide as its share of the samples, on top of what called it."""
    words = readable({name for frames in counted for name, _ in frames})
    root = [0, {}]
    for frames, count in counted.items():
        node = root
        node[0] += count
        for name, _ in reversed(frames):
            node = node[1].setdefault(words.get(name, name), [0, {}])
            node[0] += count
    total, width, row = root[0], 1200, 17
    boxes, deepest = [], 0

    def draw(children, left, depth):
        nonlocal deepest
        for name, (count, below) in sorted(children.items()):
            span = count * width / total
            if span >= 0.4:
                deepest = max(deepest, depth)
                boxes.append((name, left, depth, span, count))
                draw(below, left, depth + 1)
            left += span

    draw(root[1], 0, 0)
    height = (deepest + 3) * row
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="monospace" '
             f'font-size="11"><rect width="100%" height="100%" fill="#fff"/><text x="4" y="13">{html.escape(title)}</text>']
    for name, left, depth, span, count in boxes:
        top = height - (depth + 1) * row
        colour = zlib.crc32(name.encode())
        fill = f"rgb({205 + colour % 50},{90 + colour // 50 % 120},{40 + colour // 6000 % 50})"
        shown = name[:max(0, int(span / 6.7) - 1)] if span > 20 else ""
        lines.append(f'<g><title>{html.escape(name)}: {count * 100 / total:.1f} %</title><rect x="{left:.1f}" y="{top}" '
                     f'width="{max(span - 0.3, 0.2):.1f}" height="{row - 1}" fill="{fill}"/>'
                     f'<text x="{left + 2:.1f}" y="{top + 12}">{html.escape(shown)}</text></g>')
    return "\n".join(lines) + "\n</svg>\n"


def watch(pair, load, seconds, folder):
    """Runs one load on a pair, and gives what each side did: side, measures of the load, stacks."""
    recorders = {}
    for side, pid in pair.proxies.items():
        data = folder / f"{load}-{pair.name}-{side}.data"
        recorders[side] = data, subprocess.Popen(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "-g", "-p", str(pid), "-o", str(data)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        measures = bench.LOADS[load](pair, seconds)
    finally:
        for _, recorder in recorders.values():
            recorder.send_signal(signal.SIGINT)
            recorder.wait()
    for side, (data, _) in recorders.items():
        yield side, measures, samples(data)
        data.unlink()


def report(load, pair, side, measures, counted):
    total = sum(counted.values())
    layers = collections.Counter()
    for frames, count in counted.items():
        layers[layer(frames)] += count
    cost = next((f"{value:.2f} {key.rsplit(' ', 1)[0]}" for key, value in measures.items()
                 if key.startswith("cpu_") and key.endswith(side)), "")
    yield f"{load}, {pair.name} {side}: {cost}, {total:,} samples"
    for title, count in layers.most_common():
        if count * 200 >= total:
            yield f"  {count * 100 / total:5.1f} %  {title}"


def main():
    parser = argparse.ArgumentParser(prog="scripts/profile")
    parser.add_argument("--only", default=",".join(LOADS))
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--out", type=pathlib.Path, default=bench.ROOT / ".build/profile")
    arguments = parser.parse_args()
    loads = bench.chosen(parser, arguments.only, LOADS, "load")
    arguments.out.mkdir(parents=True, exist_ok=True)
    well = True
    specs = ([bench.envoy_pair()] if arguments.peer else []) + [bench.own_pair()]
    with bench.workshop() as (scratch, stack):
        pairs = bench.started(specs, scratch, stack)
        for load in loads:
            for pair in pairs:
                try:
                    for side, measures, counted in watch(pair, load, arguments.seconds, arguments.out):
                        print("\n".join(report(load, pair, side, measures, counted)), flush=True)
                        title = f"{load}, {pair.name} {side}, {sum(counted.values()):,} samples"
                        (arguments.out / f"{load}-{pair.name}-{side}.svg").write_text(flame_graph(counted, title))
                except (RuntimeError, ValueError, KeyError, OSError, subprocess.CalledProcessError) as error:
                    print(f"{load} on {pair.name} failed: {error}", file=sys.stderr)
                    well = False
    print(f"flame graphs: {arguments.out}/*.svg", file=sys.stderr)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
