"""The broker of tests and benchmarks as a process, and topics that keep what is old."""
import os
import pathlib
import socket
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BROKER = ROOT / ".build" / "test-broker"
NAME = pathlib.Path(sys.argv[0]).name


def create_topic(address, name, partitions):
    """CreateTopics, version 2 of the Kafka protocol; the topic keeps old records."""

    def text(value):
        return struct.pack(">h", len(value)) + value.encode()

    configuration = struct.pack(">i", 1) + text("retention.ms") + text("-1")
    topic = text(name) + struct.pack(">ihi", partitions, 1, 0) + configuration
    request = struct.pack(">hhi", 19, 2, 1) + text("chaos") + struct.pack(">i", 1) + topic + struct.pack(">i?", 10_000, False)
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        header = connection.recv(4)
        if len(header) < 4:
            sys.exit(f"{NAME}: the broker closed the connection instead of creating {name}")
        answer = connection.recv(struct.unpack(">i", header)[0])
    # Correlation, throttle time, number of topics; then a name and its error.
    length = struct.unpack(">h", answer[12:14])[0]
    code = struct.unpack(">h", answer[14 + length : 16 + length])[0]
    if code != 0:
        sys.exit(f"{NAME}: the broker refused to create {name}: error {code}")


class Broker:
    """The broker, until the block ends."""

    def __init__(self, folder):
        if not os.access(BROKER, os.X_OK):
            sys.exit(f"{NAME}: no test broker: run scripts/setup --test-broker")
        arguments = [BROKER, "start", "--only", "kafka", "--kafka-port", "0", "--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            arguments + ["--data-dir", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.address = None
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["kafka"]:
                self.address = words[1]
                break
        if self.address is None:
            sys.exit(f"{NAME}: the test broker ended before it was ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
