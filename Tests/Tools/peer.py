#!/usr/bin/env python3
"""A TCP application for the namespace tests: a server, and clients that check what they get.

usage: peer.py serve PORT[-PORT]                      every port of the range, IPv4 and IPv6
       peer.py transfer HOST PORT UP DOWN             bytes both ways at once, checked by SHA-256
       peer.py late HOST PORT UP DOWN                 the answer starts when the client has shut down its side
       peer.py early HOST PORT DOWN UP                the server shuts down its side first, the client goes on
       peer.py sink HOST PORT                         reads an endless answer; says how it ended
       peer.py hold HOST PORT                         a line each 20 ms and its echo; SIGUSR1 ends it properly
       peer.py tunnels HOST PORT COUNT                that many connections open at once, each used twice
       peer.py churn HOST PORT[-PORT] COUNT WORKERS   one connection after the other
       peer.py raw HOST PORT TEXT                     sends a text as it is; prints what comes back

Clients print one JSON object. A server reads one line that says what the client wants, then does it.
The bytes of a stream are blocks of 1 MiB: pseudo-random, and each begins with its number, so that loss,
repetition and reordering all change the checksum.
"""
import hashlib
import json
import random
import signal
import socket
import struct
import sys
import threading
import time

BLOCK = 1 << 20


def stream(seed, count):
    """The first `count` bytes of a stream, block by block."""
    base = random.Random(seed).randbytes(BLOCK)
    number = 0
    while count > 0:
        block = struct.pack("!Q", number) + base[8:]
        yield block[:count] if count < BLOCK else block
        count -= BLOCK
        number += 1


def checksum(seed, count):
    digest = hashlib.sha256()
    for block in stream(seed, count):
        digest.update(block)
    return digest.hexdigest()


def send_stream(connection, seed, count):
    for block in stream(seed, count):
        connection.sendall(block)


def receive(connection):
    """Reads to the end: how many bytes, and their checksum."""
    digest, count = hashlib.sha256(), 0
    buffer = bytearray(1 << 18)
    view = memoryview(buffer)
    while got := connection.recv_into(buffer):
        digest.update(view[:got])
        count += got
    return count, digest.hexdigest()


def line(connection):
    text = b""
    while not text.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        text += byte
    return text.decode().strip()


def answer(connection):
    """One connection of the server."""
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        words = line(connection).split()
        if not words:
            return
        numbers = [int(word) for word in words[1:]]
        if words[0] == "echo":
            while data := connection.recv(65536):
                connection.sendall(data)
        elif words[0] == "transfer":
            up, down = numbers
            sender = threading.Thread(target=send_stream, args=(connection, 2, down))
            sender.start()
            count, digest = receive(connection)
            sender.join()
            connection.sendall(json.dumps({"count": count, "digest": digest}).encode().rjust(200))
        elif words[0] == "late":
            count, digest = receive(connection)
            send_stream(connection, 2, numbers[0])
            connection.sendall(json.dumps({"count": count, "digest": digest}).encode().rjust(200))
        elif words[0] == "early":
            send_stream(connection, 2, numbers[0])
            connection.shutdown(socket.SHUT_WR)
            count, digest = receive(connection)
            print(json.dumps({"early": count, "digest": digest}), flush=True)
        elif words[0] == "flood":
            block = random.Random(3).randbytes(BLOCK)
            while True:
                connection.sendall(block)
        elif words[0] == "swallow":
            while connection.recv(65536):
                pass


def quietly(connection):
    try:
        answer(connection)
    except OSError:
        pass


def ports(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def serve(port_range):
    threading.stack_size(256 << 10)
    servers = [
        socket.create_server(("::", port), family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True)
        for port in ports(port_range)
    ]

    def accept(server):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=quietly, args=(connection,), daemon=True).start()

    print("listening", flush=True)
    for server in servers:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
    signal.pause()


def connect(host, port):
    connection = socket.create_connection((host, int(port)), timeout=15)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def split_report(connection, down):
    """Reads `down` bytes and the server's report behind them: (digest of the bytes, report)."""
    digest, left, tail = hashlib.sha256(), down, b""
    while data := connection.recv(1 << 18):
        digest.update(data[:left])
        tail += data[left:]
        left -= min(left, len(data))
    return digest.hexdigest(), json.loads(tail) if tail and not left else {}


def transfer(host, port, up, down):
    up, down = int(up), int(down)
    with connect(host, port) as connection:
        connection.sendall(b"transfer %d %d\n" % (up, down))

        def upload():
            send_stream(connection, 1, up)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=upload)
        sender.start()
        received, report = split_report(connection, down)
        sender.join()
    return {"up": report.get("digest") == checksum(1, up), "down": received == checksum(2, down), "report": report}


def late(host, port, up, down):
    up, down = int(up), int(down)
    with connect(host, port) as connection:
        connection.sendall(b"late %d\n" % down)
        send_stream(connection, 1, up)
        connection.shutdown(socket.SHUT_WR)
        received, report = split_report(connection, down)
    return {"up": report.get("digest") == checksum(1, up), "down": received == checksum(2, down), "report": report}


def early(host, port, down, up):
    up, down = int(up), int(down)
    with connect(host, port) as connection:
        connection.sendall(b"early %d\n" % down)
        count, digest = receive(connection)
        send_stream(connection, 1, up)
    return {"down": digest == checksum(2, down), "count": count, "digest": checksum(1, up)}


def sink(host, port):
    count, end, begun = 0, "eof", time.monotonic()
    with connect(host, port) as connection:
        connection.sendall(b"flood\n")
        try:
            while data := connection.recv(1 << 18):
                if count < BLOCK <= count + len(data):
                    print("flowing", flush=True)
                count += len(data)
        except OSError as error:
            end = error.strerror
    return {"end": end, "count": count, "seconds": round(time.monotonic() - begun, 3), "at": time.time()}


def hold(host, port):
    ending = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: ending.set())
    echoed, end = 0, "eof"
    try:
        with connect(host, port) as connection:
            connection.sendall(b"echo\n")
            while not ending.is_set():
                text = b"%016d\n" % echoed
                connection.sendall(text)
                got = b""
                while len(got) < len(text):
                    data = connection.recv(len(text) - len(got))
                    if not data:
                        raise ConnectionError("end of stream")
                    got += data
                if got != text:
                    raise ConnectionError(f"sent {text!r}, got {got!r}")
                if not echoed:
                    print("open", flush=True)
                echoed += 1
                ending.wait(0.02)
            connection.shutdown(socket.SHUT_WR)
            if connection.recv(1):
                end = "unexpected data"
    except OSError as error:
        end = error.strerror or str(error)
    return {"end": end, "echoed": echoed, "asked": ending.is_set(), "at": time.time()}


def tunnels(host, port, count):
    def use(connection, text):
        connection.sendall(text)
        got = b""
        while len(got) < len(text) and (data := connection.recv(4096)):
            got += data
        return got == text

    failures, connections, lock = [], [], threading.Lock()

    def open_some(share):
        for number in share:
            try:
                connection = connect(host, port)
                connection.settimeout(30)
                connection.sendall(b"echo\n")
                if not use(connection, b"first %d\n" % number):
                    raise ConnectionError("ended early")
                with lock:
                    connections.append((number, connection))
            except OSError as error:
                with lock:
                    failures.append(f"{number}: {error}")

    threads = [threading.Thread(target=open_some, args=(range(i, int(count), 32),)) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = len(connections)
    for number, connection in connections:
        try:
            if not use(connection, b"second %d\n" % number):
                failures.append(f"{number}: ended while held")
        except OSError as error:
            failures.append(f"{number}: {error}")
        connection.close()
    return {"held": held, "failures": len(failures), "first": failures[:3]}


def churn(host, port_range, count, workers):
    targets, failures, lock = list(ports(port_range)), [], threading.Lock()

    def run(first):
        for number in range(first, int(count), int(workers)):
            try:
                with connect(host, targets[number % len(targets)]) as connection:
                    connection.settimeout(30)
                    connection.sendall(b"echo\nx")
                    if connection.recv(1) != b"x":
                        raise ConnectionError("no echo")
            except OSError as error:
                with lock:
                    failures.append(f"{number}: {error}")

    begun = time.monotonic()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(int(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"failures": len(failures), "first": failures[:3], "seconds": round(time.monotonic() - begun, 1)}


def raw(host, port, text):
    with connect(host, port) as connection:
        connection.settimeout(10)
        connection.sendall(text.encode().decode("unicode_escape").encode("latin-1"))
        data, end = b"", "eof"
        try:
            while got := connection.recv(65536):
                data += got
        except OSError as error:
            end = error.strerror or str(error)
    return {"end": end, "data": data.decode("latin-1")}


CLIENTS = {f.__name__: f for f in (transfer, late, early, sink, hold, tunnels, churn, raw)}

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments and arguments[0] == "serve":
        serve(*arguments[1:])
    elif arguments and arguments[0] in CLIENTS:
        try:
            result = CLIENTS[arguments[0]](*arguments[1:])
        except OSError as error:
            result = {"error": error.strerror or str(error)}
        print(json.dumps(result), flush=True)
        sys.exit(1 if "error" in result else 0)
    else:
        sys.exit(__doc__)
