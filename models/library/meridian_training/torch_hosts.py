"""The hosts that train one model together, and the device that each of them works on."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .job import Job

# What AWS's images use.
DEFAULT_PORT = "7777"


@dataclass(frozen=True)
class Hosts:
    # This one's place among `count`; the first of them writes what the job leaves behind.
    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def together(self, model: nn.Module) -> nn.Module:
        """The model, whose gradients become the mean over all hosts where there are several."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def agree(self, name: str, value: int) -> None:
        """Raises where the hosts do not have the same value: they would wait for each other without end."""
        if self.count == 1:
            return
        values = [torch.zeros(1, dtype=torch.int64, device=self.device) for _ in range(self.count)]
        distributed.all_gather(values, torch.tensor([value], device=self.device))
        found = [int(one.item()) for one in values]
        if len(set(found)) > 1:
            raise RuntimeError(f"{name}: found {found} on the hosts in their order, expected the same on all.")


@contextmanager
def joined_hosts(job: Job) -> Iterator[Hosts]:
    """Joins the other hosts of the job: as torchrun says where it started the program, else as SageMaker does."""
    rank, count = _place(job)
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(job.environment.get("LOCAL_RANK", "0"))) if gpu else torch.device("cpu")
    torch.set_num_threads(job.cpus)
    if gpu:
        torch.cuda.set_device(device)
    if count == 1:
        yield Hosts(0, 1, device)
        return
    os.environ.setdefault("MASTER_ADDR", _hosts(job)[0])
    os.environ.setdefault("MASTER_PORT", DEFAULT_PORT)
    distributed.init_process_group("nccl" if gpu else "gloo", rank=rank, world_size=count)
    print(f"host {rank + 1} of {count}, on {device}", flush=True)
    try:
        yield Hosts(rank, count, device)
    finally:
        distributed.destroy_process_group()


def _place(job: Job) -> tuple[int, int]:
    if "RANK" in job.environment and "WORLD_SIZE" in job.environment:
        return int(job.environment["RANK"]), int(job.environment["WORLD_SIZE"])
    hosts = _hosts(job)
    return hosts.index(_resources(job).get("current_host", hosts[0])), len(hosts)


def _hosts(job: Job) -> list[str]:
    return _resources(job).get("hosts") or ["algo-1"]


def _resources(job: Job) -> dict:
    """SageMaker's own description of the cluster; the toolkit's variables where there is no such file."""
    file = job.base_dir / "input" / "config" / "resourceconfig.json"
    if file.is_file():
        return json.loads(file.read_text())
    hosts = json.loads(job.environment.get("SM_HOSTS", "[]"))
    return {"hosts": hosts, "current_host": job.environment.get("SM_CURRENT_HOST", hosts[0])} if hosts else {}
