#!/usr/bin/env python3
"""Writes every frame that crosses an interface to a pcap file, until SIGINT or SIGTERM.

usage: capture.py INTERFACE FILE

For user namespaces with one user: tcpdump insists on changing its groups there, which the kernel refuses.
"""
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SNAPSHOT = 262144

interface, path = sys.argv[1:]
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: sys.exit(0))
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire, open(path, "wb", 0) as file:
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    wire.bind((interface, ETH_P_ALL))
    file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPSHOT, 1))
    print(f"listening on {interface}", flush=True)
    while True:
        frame = wire.recv(SNAPSHOT)
        now = time.time()
        file.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)
