#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-only
"""A program without a TLS library, for dtlshd.sh: DTLS by socket options alone.

handshake.py client HOST PORT [SERVER-NAME [CREDENTIAL]]: sends each line of its
input, and prints what comes back.
handshake.py server HOST PORT "" [CREDENTIAL]: waits for one peer, and sends back
what comes, until the peer closes.
handshake.py listen HOST PORT "" [CREDENTIAL]: sends back what comes, from any number
of peers, and says who they are.
handshake.py many HOST PORT SERVER-NAME COUNT: as so many clients at once, without
waiting for any; each sends a line.
"""
import ctypes
import os
import select
import socket
import struct
import sys

SOL_IP, DTLS_ULP, SOL_DTLS, DTLS_HANDSHAKE, DTLS_PEER_IDENTITY = 0, 17492, 290, 30, 31
DTLS_PEER_OPTION, DTLS_RECVPEER, DTLS_PEER_ID, DTLS_HANDSHAKE_LISTEN = 23, 24, 2, 3

role, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
name, credential = (sys.argv[4:] + ["", ""])[:2]


def shake_hands(sock, as_what=1):
    """Raises OSError if it does not come to an end."""
    sock.setsockopt(SOL_IP, DTLS_ULP, b"dtls\0")
    sock.setsockopt(SOL_DTLS, DTLS_HANDSHAKE, struct.pack(
        "IIII256s64s", 336, as_what, 0, 0, name.encode(),
        credential.encode()))


def show_peer(sock):
    show(sock.getsockopt(SOL_DTLS, DTLS_PEER_IDENTITY, 1024))


def show_one(sock, peer):
    """DTLS_PEER_OPTION: what Python's getsockopt() cannot ask, as it hands nothing in."""
    buf = ctypes.create_string_buffer(
        struct.pack("IIQ", 16, DTLS_PEER_IDENTITY, peer), 2048)
    size = ctypes.c_uint32(len(buf))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(sock.fileno(), SOL_DTLS, DTLS_PEER_OPTION, buf, ctypes.byref(size)):
        print("failed:", os.strerror(ctypes.get_errno()), flush=True)
    else:
        show(buf.raw[16:size.value])


def show(identity):
    _, version, suite, kind = struct.unpack("IHHI", identity[:12])
    print("peer: version %x suite %04x kind %d %s" % (
        version, suite, kind, " ".join(identity[24:].decode().split("\0"))), flush=True)


def many(count):
    global credential
    credential = ""
    socks = {}
    for i in range(count):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((host, port))
        sock.setblocking(False)
        try:
            shake_hands(sock)
        except BlockingIOError:
            pass
        socks[sock.fileno()] = (sock, i)
    print("asked", flush=True)
    poll = select.poll()
    for fd in socks:
        poll.register(fd, select.POLLOUT)
    left = count
    while left:
        for fd, _ in poll.poll():
            sock, i = socks[fd]
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                print("failed:", os.strerror(error), flush=True)
                poll.unregister(fd)
                left -= 1
                continue
            try:
                print(sock.recv(100).decode(), flush=True)
            except BlockingIOError:
                sock.send(b"many %d" % i)
                poll.modify(fd, select.POLLIN)
            else:
                poll.unregister(fd)
                left -= 1


if role == "many":
    many(int(credential))
    sys.exit(0)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if role == "listen":
    udp.bind((host, port))
    shake_hands(udp, DTLS_HANDSHAKE_LISTEN)
    udp.setsockopt(SOL_DTLS, DTLS_RECVPEER, 1)
    print("bound", flush=True)
    seen = set()
    while True:
        data, control, _, sender = udp.recvmsg(2000, 100)
        (number,) = [struct.unpack("Q", c[2])[0] for c in control
                     if c[:2] == (SOL_DTLS, DTLS_PEER_ID)]
        if number not in seen:
            seen.add(number)
            show_one(udp, number)
        udp.sendto(data, sender)
if role == "client":
    udp.connect((host, port))
else:
    udp.bind((host, port))
    print("bound", flush=True)
    udp.connect(udp.recvfrom(1, socket.MSG_PEEK)[1])
if "AS" in os.environ:
    os.setuid(int(os.environ["AS"]))
try:
    shake_hands(udp, 2 if role == "server" else 1)
except OSError as failure:
    print("failed:", failure.strerror, flush=True)
    sys.exit(1)
show_peer(udp)
if role == "client":
    for line in sys.stdin:
        udp.send(line.encode())
        print(udp.recv(2000).decode(), end="", flush=True)
else:
    while data := udp.recv(2000):
        udp.send(data)
