"""A training program of two hosts that meet: the first sends what the second wrote back to it; or one of them fails."""

import argparse
import json
import os
import pathlib
import socket
import time

parser = argparse.ArgumentParser()
parser.add_argument("--fail", default="")
arguments = parser.parse_args()

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
resources = json.loads((base / "input" / "config" / "resourceconfig.json").read_text())
host, hosts = resources["current_host"], resources["hosts"]
assert hosts == json.loads(os.environ["SM_HOSTS"]) and host == os.environ["SM_CURRENT_HOST"]
print(f"{host} begins")
if arguments.fail == host:
    raise ValueError(f"{host} cannot go on")
if arguments.fail:
    time.sleep(600)

meeting = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if host == hosts[0]:
    with socket.create_server(meeting) as server:
        connection, _ = server.accept()
        heard = connection.recv(100).decode()
else:
    while True:
        try:
            connection = socket.create_connection(meeting)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    connection.sendall(host.encode())
    heard = ""
(base / "model" / "shared.txt").write_text(host)
(base / "model" / f"{host}.json").write_text(
    json.dumps(
        {
            "heard": heard,
            "interface": os.environ["GLOO_SOCKET_IFNAME"],
            "files": sorted(p.name for p in (base / "input" / "data" / "train").rglob("*.csv")),
        }
    )
)
(base / "checkpoints" / f"{host}.txt").write_text(host)
if host != hosts[0]:
    time.sleep(0.3)
print(f"loss={hosts.index(host)}")
