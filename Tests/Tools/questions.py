#!/usr/bin/env python3
"""Floods a resolver with questions, each for a name of its own, and counts the replies.

usage: questions.py HOST COUNT SECONDS     so many, spread over so many seconds; prints a JSON object

Replies are counted while it asks, and as long again as it asked: one for each question, or fewer.
"""
import json
import select
import socket
import struct
import sys
import time


def question(number):
    name = b"".join(bytes([len(label)]) + label for label in (b"x%d" % number, b"example"))
    return struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + name + b"\0" + struct.pack("!2H", 1, 1)


def flood(host, count, seconds):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((host, 53))
    client.setblocking(False)
    codes, sent, begun = {}, 0, time.monotonic()
    while (elapsed := time.monotonic() - begun) < 2 * seconds:
        due = min(count, int(count * elapsed / seconds) + 1)
        while sent < due:
            try:
                client.send(question(sent))
            except BlockingIOError:
                break
            sent += 1
        while select.select([client], [], [], 0.005)[0]:
            code = client.recv(4096)[3] & 0xF
            codes[code] = codes.get(code, 0) + 1
    return {"sent": sent, "codes": codes}


if __name__ == "__main__":
    print(json.dumps(flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))), flush=True)
