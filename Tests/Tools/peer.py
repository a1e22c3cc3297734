#!/usr/bin/env python3
"""A TCP application for the namespace tests: a server, and clients that check what they get.

usage: peer.py serve PORT[-PORT]                      every port of the range, IPv4 and IPv6
       peer.py transfer HOST PORT UP DOWN             bytes both ways at once, checked by SHA-256
       peer.py late HOST PORT UP DOWN                 the answer starts when the client has shut down its side
       peer.py early HOST PORT DOWN UP                the server shuts down its side first, the client goes on
       peer.py sink HOST PORT                         reads an endless answer; says how it ended
       peer.py hold HOST PORT                         a line each 20 ms and its echo; SIGUSR1 ends it properly
       peer.py tunnels HOST PORT[-PORT] COUNT         that many connections open at once, each used twice
       peer.py churn HOST PORT[-PORT] COUNT WORKERS   one connection after the other
       peer.py steady HOST PORT SECONDS               new connections and one kept, each used for an echo; latencies
       peer.py idle HOST PORT COUNT TEXT              that many connections that say only this, until SIGUSR1
       peer.py pour HOST PORT                         an endless upload; says how it ended
       peer.py echoes PORT                            a server that echoes on many connections at once
       peer.py many HOST PORT COUNT                   that many connections, each used, held until SIGUSR1, used again
       peer.py deaf PORT BYTES                        a server that reads nothing before SIGUSR1, then so much of each
       peer.py push HOST PORT COUNT BYTES             that many connections that send so much, however long it takes
       peer.py probe URL...                           asks them in turn, a new connection each, until SIGUSR1
       peer.py raw HOST PORT TEXT                     sends a text as it is; prints what comes back

Clients print one JSON object. A server reads one line that says what the client wants, then does it.
The bytes of a stream are blocks of 1 MiB: pseudo-random, and each begins with its number, so that loss,
repetition and reordering all change the checksum.
"""
import hashlib
import http.client
import json
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
import urllib.parse

BLOCK = 1 << 20
ENDLESS = random.Random(3).randbytes(BLOCK)


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


def answer(connection, words):
    """One connection of the server, behind the line that says what is wanted."""
    with connection:
        numbers = [int(word) for word in words[1:]]
        if words[0] == "echo":
            while data := connection.recv(65536):
                connection.sendall(data)
        elif words[0] == "who":
            connection.sendall(connection.getpeername()[0].removeprefix("::ffff:").encode())
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
            while True:
                connection.sendall(ENDLESS)
        elif words[0] == "stall":
            time.sleep(600)
        elif words[0] == "swallow":
            while connection.recv(65536):
                pass


def quietly(connection, words, rest=b""):
    try:
        connection.setblocking(True)
        connection.sendall(rest)
        answer(connection, words)
    except OSError:
        connection.close()


def ports(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


class Server:
    """Short echoes by one thread; whatever may take longer gets one of its own."""

    def __init__(self, port_range):
        self.poll, self.listeners, self.unread, self.echoing = select.epoll(), {}, {}, {}
        for port in ports(port_range):
            listener = socket.create_server(("::", port), family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True)
            listener.setblocking(False)
            self.listeners[listener.fileno()] = listener
            self.poll.register(listener, select.EPOLLIN)

    def run(self):
        while True:
            for descriptor, _ in self.poll.poll():
                try:
                    if descriptor in self.listeners:
                        self.accept(self.listeners[descriptor])
                    elif descriptor in self.echoing:
                        self.echo(self.echoing[descriptor])
                    else:
                        self.read_line(self.unread[descriptor])
                except BlockingIOError:
                    pass
                except OSError:
                    self.forget(descriptor).close()

    def accept(self, listener):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.unread[connection.fileno()] = connection
            self.poll.register(connection, select.EPOLLIN | select.EPOLLET)

    def forget(self, descriptor):
        connection = self.unread.pop(descriptor, None) or self.echoing.pop(descriptor)
        self.poll.unregister(connection)
        return connection

    def read_line(self, connection):
        seen = connection.recv(4096, socket.MSG_PEEK)
        end = seen.find(b"\n") + 1
        if not end and seen:
            return
        words = connection.recv(end).decode(errors="replace").split() if end else []
        if words == ["echo"]:
            self.echoing[connection.fileno()] = self.unread.pop(connection.fileno())
            self.echo(connection)
            return
        self.forget(connection.fileno())
        if words:
            self.hand_over(connection, words)
        else:
            connection.close()

    def echo(self, connection):
        while data := connection.recv(65536):
            try:
                sent = connection.send(data)
            except BlockingIOError:
                sent = 0
            if sent < len(data):
                self.forget(connection.fileno())
                self.hand_over(connection, ["echo"], data[sent:])
                return
        self.forget(connection.fileno()).close()

    def hand_over(self, connection, words, rest=b""):
        threading.Thread(target=quietly, args=(connection, words, rest), daemon=True).start()


def serve(port_range):
    threading.stack_size(256 << 10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    server = Server(port_range)
    print("listening", flush=True)
    server.run()


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


def tunnels(host, port_range, count):
    targets = list(ports(port_range))

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
                connection = connect(host, targets[number % len(targets)])
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


class Errand:
    """One connection of `churn`: it connects, gets a byte echoed, and has to see the end of its own."""

    def __init__(self, number, address):
        self.number, self.said = number, False
        self.connection = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.connection.setblocking(False)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.deadline = time.monotonic() + 30
        self.connection.connect_ex(address)

    def step(self):
        """Whether it is done; raises OSError for what went wrong."""
        if not self.said:
            if error := self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))
            self.connection.sendall(b"echo\nx")
            self.said = True
        try:
            answer = self.connection.recv(1)
        except BlockingIOError:
            return False
        if answer != b"x":
            raise ConnectionError("no echo")
        return True


def churn(host, port_range, count, workers):
    """As many at a time as there are workers, without a thread for each."""
    targets, failures = list(ports(port_range)), []
    poll, open_errands, numbers = select.epoll(), {}, iter(range(int(count)))

    def begin():
        for number in numbers:
            try:
                errand = Errand(number, (host, targets[number % len(targets)]))
            except OSError as error:
                failures.append(f"{number}: {error}")
                continue
            open_errands[errand.connection.fileno()] = errand
            poll.register(errand.connection, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
            return

    begun = looked = time.monotonic()
    for _ in range(int(workers)):
        begin()
    while open_errands:
        ended = []
        for descriptor, _ in poll.poll(1):
            errand = open_errands[descriptor]
            try:
                if errand.step():
                    ended.append(descriptor)
            except OSError as error:
                failures.append(f"{errand.number}: {error}")
                ended.append(descriptor)
        if time.monotonic() - looked > 1:
            looked = time.monotonic()
            late = [descriptor for descriptor, errand in open_errands.items()
                    if errand.deadline < looked and descriptor not in ended]
            failures += [f"{open_errands[descriptor].number}: nothing within 30 s" for descriptor in late]
            ended += late
        for descriptor in ended:
            open_errands.pop(descriptor).connection.close()
            begin()
    return {"failures": len(failures), "first": failures[:3], "seconds": round(time.monotonic() - begun, 1)}


def steady(host, port, seconds):
    """One new connection after the other, and between them a request on one that is kept."""
    waits, failures, kept, count = [], [], None, 0
    ending = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: ending.set())
    deadline = time.monotonic() + float(seconds)

    def ask(connection, text):
        connection.sendall(text)
        got = b""
        while len(got) < len(text):
            data = connection.recv(4096)
            if not data:
                raise ConnectionError("end of stream")
            got += data

    while time.monotonic() < deadline and not ending.is_set():
        count += 1
        for keeps in (False, True):
            begun = time.monotonic()
            try:
                if keeps and kept:
                    ask(kept, b"kept %d\n" % count)
                else:
                    connection = connect(host, port)
                    connection.settimeout(15)
                    connection.sendall(b"echo\n")
                    ask(connection, b"new %d\n" % count)
                    if keeps:
                        kept = connection
                    else:
                        connection.close()
                waits.append(time.monotonic() - begun)
            except OSError as error:
                failures.append(f"{'kept' if keeps else 'new'} {count}: {error} after {time.monotonic() - begun:.2f} s")
                kept = None if keeps else kept
        if count == 1:
            print("steady", flush=True)
        ending.wait(0.005)
    waits.sort()
    return {"count": count, "failures": len(failures), "first": failures[:3],
            "median": waits[len(waits) // 2] if waits else None, "longest": waits[-1] if waits else None}


def idle(host, port, count, text):
    ending = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: ending.set())
    held = []
    for _ in range(int(count)):
        try:
            held.append(connect(host, port))
            held[-1].sendall(text.encode().decode("unicode_escape").encode("latin-1"))
        except OSError:
            pass
    print("open", flush=True)
    ending.wait()
    return {"held": len(held)}


def pour(host, port):
    count, end = 0, "eof"
    try:
        with connect(host, port) as connection:
            connection.sendall(b"swallow\n")
            while True:
                count += connection.send(ENDLESS)
                if count > BLOCK * 4 and count - BLOCK <= BLOCK * 4:
                    print("flowing", flush=True)
    except OSError as error:
        end = error.strerror
    return {"end": end, "count": count, "at": time.time()}


def echoes(port):
    """Without a thread for each connection: thousands of them are no burden."""
    server = socket.create_server(("::", int(port)), family=socket.AF_INET6, backlog=8192, dualstack_ipv6=True)
    server.setblocking(False)
    poll, held = select.epoll(), {}
    poll.register(server, select.EPOLLIN)
    print("listening", flush=True)
    while True:
        for descriptor, _ in poll.poll():
            try:
                if descriptor == server.fileno():
                    while True:
                        connection, _ = server.accept()
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        held[connection.fileno()] = connection
                        poll.register(connection, select.EPOLLIN)
                elif data := held[descriptor].recv(4096):
                    held[descriptor].send(data)
                else:
                    held.pop(descriptor).close()
            except BlockingIOError:
                pass
            except OSError:
                held.pop(descriptor).close()


def many(host, port, count):
    """Opens with at most 64 unanswered at a time; then uses all of them, in the order in which they were opened."""
    count, held, failures = int(count), [], []
    poll, waiting = select.epoll(), {}
    ending = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: ending.set())

    def await_one():
        for descriptor, _ in poll.poll(30) or [(None, None)]:
            if descriptor is None:
                failures.extend(["no answer within 30 s"] * len(waiting))
                return waiting.clear()
            connection = waiting[descriptor]
            try:
                if not connection.recv(64):
                    raise ConnectionError("ended early")
            except OSError as error:
                failures.append(str(error))
            poll.unregister(descriptor)
            del waiting[descriptor]

    def ask(connection):
        try:
            connection.sendall(b"echo")
        except OSError as error:
            return failures.append(str(error))
        poll.register(connection, select.EPOLLIN)
        waiting[connection.fileno()] = connection
        while len(waiting) >= 64:
            await_one()

    begun = time.monotonic()
    for _ in range(count):
        try:
            held.append(connect(host, port))
            ask(held[-1])
        except OSError as error:
            failures.append(str(error))
    while waiting:
        await_one()
    seconds = time.monotonic() - begun
    print("open", flush=True)
    ending.wait(120)
    for connection in held:
        ask(connection)
    while waiting:
        await_one()
    return {"held": len(held), "failures": len(failures), "first": failures[:3], "seconds": round(seconds, 2)}


def deaf(port, size):
    """Answers each connection with one byte once it has read all of it."""
    size, hears = int(size), threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: hears.set())
    server = socket.create_server(("::", int(port)), family=socket.AF_INET6, backlog=8192, dualstack_ipv6=True)
    # Accepted sockets inherit it: the kernel is not to hear in the application's place.
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
    server.setblocking(False)
    poll, left = select.epoll(), {}
    poll.register(server, select.EPOLLIN)
    print("listening", flush=True)
    while True:
        if hears.is_set():
            hears.clear()
            for connection, _ in left.values():
                poll.register(connection, select.EPOLLIN)
        for descriptor, _ in poll.poll(0.1):
            if descriptor == server.fileno():
                connection, _ = server.accept()
                left[connection.fileno()] = [connection, size]
                continue
            entry = left[descriptor]
            entry[1] -= len(data := entry[0].recv(256 << 10))
            if entry[1] <= 0 or not data:
                if data:
                    entry[0].sendall(b"!")
                entry[0].close()
                del left[descriptor]


def push(host, port, count, size):
    """Says "stuck" when nothing has moved for two seconds; every connection is answered once all of it was read."""
    count, size, failures = int(count), int(size), []
    poll, left, bytes_out = select.epoll(), {}, memoryview(ENDLESS)
    begun = moved = time.monotonic()
    told = False

    def end(descriptor, failure):
        if failure:
            failures.append(failure)
        left.pop(descriptor)[0].close()

    def opened(number):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 10)
        connection.settimeout(15)
        connection.connect((host, int(port)))
        connection.setblocking(False)
        left[connection.fileno()] = [connection, size]
        poll.register(connection, select.EPOLLOUT | select.EPOLLIN)

    made = 0
    while made < count or left:
        for made in range(made + 1, min(made + 64, count) + 1):
            opened(made)
        for descriptor, ready in poll.poll(0.2):
            entry, moved = left[descriptor], time.monotonic()
            try:
                if ready & select.EPOLLOUT and entry[1]:
                    entry[1] -= entry[0].send(bytes_out[:min(entry[1], 64 << 10)])
                    if not entry[1]:
                        poll.modify(descriptor, select.EPOLLIN)
                elif ready & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                    end(descriptor, None if entry[0].recv(1) == b"!" and not entry[1] else "ended early")
            except BlockingIOError:
                pass
            except OSError as error:
                end(descriptor, str(error))
        if not told and made == count and time.monotonic() - moved > 2:
            told = True
            print("stuck", flush=True)
        if time.monotonic() - moved > 60:
            failures.extend(["nothing moved for a minute"] * len(left))
            break
    return {"count": count, "failures": len(failures), "first": failures[:3],
            "seconds": round(time.monotonic() - begun, 1)}


def probe(*urls):
    ending = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: ending.set())
    count, failures = 0, []
    while not ending.is_set():
        for url in map(urllib.parse.urlsplit, urls):
            begun = time.monotonic()
            try:
                connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
                connection.request("GET", url.path)
                connection.getresponse().read()
                connection.close()
            except (OSError, http.client.HTTPException) as error:
                failures.append(f"{url.geturl()}: {error!r} after {time.monotonic() - begun:.2f} s")
            count += 1
        if count == len(urls):
            print("steady", flush=True)
    return {"count": count, "failures": len(failures), "first": failures[:3]}


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


CLIENTS = {f.__name__: f for f in (
    transfer, late, early, sink, pour, hold, tunnels, churn, steady, idle, many, push, probe, raw)}

if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    arguments = sys.argv[1:]
    if arguments and arguments[0] == "serve":
        serve(*arguments[1:])
    elif arguments and arguments[0] == "echoes":
        echoes(*arguments[1:])
    elif arguments and arguments[0] == "deaf":
        deaf(*arguments[1:])
    elif arguments and arguments[0] in CLIENTS:
        try:
            result = CLIENTS[arguments[0]](*arguments[1:])
        except OSError as error:
            result = {"error": error.strerror or str(error)}
        print(json.dumps(result), flush=True)
        sys.exit(1 if "error" in result else 0)
    else:
        sys.exit(__doc__)
