"""hostile.py PORT: hostile clients of an HTTP server, each followed by a good one that must be served."""
import random
import socket
import struct
import sys
import time

port = int(sys.argv[1])
GOOD = b"GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def connect():
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    return client


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def read_all(client):
    got = b""
    try:
        while True:
            piece = client.recv(65536)
            if not piece:
                return got
            got += piece
    except (ConnectionResetError, BrokenPipeError):
        return got


def send(client, data):
    try:
        client.sendall(data)
    except (ConnectionResetError, BrokenPipeError):
        pass


def good(what):
    client = connect()
    client.sendall(GOOD)
    got = read_all(client)
    client.close()
    if not got.startswith(b"HTTP/1.1 200 OK\r\n") or not got.endswith(b"\r\n\r\nsmall\n"):
        sys.exit(f"after {what} a good client got {got!r}")


def garbage():
    chance = random.Random(1)
    for _ in range(200):
        client = connect()
        send(client, chance.randbytes(chance.randrange(1, 3000)))
        if chance.random() < 0.5:
            reset(client)
        else:
            client.shutdown(socket.SHUT_WR)
            read_all(client)
            client.close()


def broken_requests():
    chance = random.Random(2)
    text = b"GET /small.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3\r\nConnection: close\r\n\r\n"
    for _ in range(300):
        data = bytearray(text)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        client = connect()
        send(client, bytes(data))
        client.shutdown(socket.SHUT_WR)
        got = read_all(client)
        client.close()
        if got and not got.startswith(b"HTTP/1.1 "):
            sys.exit(f"{bytes(data)!r} got {got!r}")


def floods():
    for piece in (b"A" * 65536, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000, b"\r\n" * 32768, b"GET /" + b"a" * 65536):
        client = connect()
        client.settimeout(60)
        try:
            for _ in range(200):
                client.sendall(piece)
        except OSError:
            pass
        reset(client)


def many_requests_and_no_reading():
    """The answers must not gather in memory: the server stops reading."""
    client = connect()
    client.setblocking(False)
    sent = 0
    begin = time.monotonic()
    try:
        while sent < 100000000 and time.monotonic() < begin + 20:
            try:
                sent += client.send(GOOD.replace(b"Connection: close\r\n", b"") * 100)
            except BlockingIOError:
                time.sleep(0.05)
    except OSError:
        pass  # ended by the idle limit
    else:
        if sent >= 100000000:
            sys.exit("the server reads on although nobody reads its answers")
    reset(client)


def slow_reader():
    """More than the buffers of two sockets hold: the server has to wait, and must not for ever."""
    client = connect()
    client.sendall(b"GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n")
    return client


def expect_end(client, what, limit_s):
    """The server must end the connection by itself."""
    client.settimeout(limit_s)
    try:
        got = read_all(client)
    except TimeoutError:
        sys.exit(f"{what}: not ended within {limit_s} s")
    client.close()
    return got


def stalls():
    silent = connect()
    half = connect()
    half.sendall(b"GET / HTT")
    slow = slow_reader()
    expect_end(silent, "a silent client", 60)
    expect_end(half, "half a request", 60)
    time.sleep(12)  # the idle limit, which may be late, and the load of this machine
    if len(expect_end(slow, "a client that reads late", 60)) > 50000000:
        sys.exit("the server waits for a client that does not read")


def slowloris():
    """A byte now and then is no way to keep a connection."""
    client = connect()
    begin = time.monotonic()
    try:
        for byte in b"GET / HTTP/1.1\r\nHost: " + b"a" * 10000:
            client.sendall(bytes([byte]))
            time.sleep(0.1)
            if time.monotonic() > begin + 60:
                sys.exit("slowloris: a request of a minute is accepted")
    except OSError:
        pass
    client.close()


def too_many():
    """Beyond the limit connections wait; they are served when others end."""
    clients = [connect() for _ in range(150)]
    for client in clients:
        send(client, GOOD)
    served = sum(read_all(client).endswith(b"small\n") for client in clients)
    for client in clients:
        client.close()
    if served != len(clients):
        sys.exit(f"only {served} of {len(clients)} clients were served")


for test in (garbage, broken_requests, floods, many_requests_and_no_reading, stalls, slowloris, too_many):
    begin = time.monotonic()
    test()
    good(test.__name__)
    print(f"{test.__name__}: {time.monotonic() - begin:.1f} s")
