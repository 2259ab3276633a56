"""The settings of the private cluster: sized by the machine, reachable only through its socket."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["HBA", "cluster_settings", "memory_bytes"]

MIB = 1024 * 1024

# The socket lies in a folder that only the cluster's account (and root) can enter, so who reaches it may pass; there is no
# other way in.
HBA = "local all all trust\nlocal replication all trust\n"


def memory_bytes() -> int:
    """Return the memory this machine or container may use, in bytes."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return min(physical, int(Path(limit).read_text()))
        except (OSError, ValueError):
            continue
    return physical


def cluster_settings(socket: Path, port: int, *, throwaway: bool) -> str:
    """Return the text of `gis.conf`, which `postgresql.conf` includes.

    `socket` is the folder of the socket, `port` the number in its name. A throwaway cluster gives up safety against a
    crash of the machine, never against a crash of a process.
    """
    memory = memory_bytes() // MIB
    buffers = 256 if throwaway else max(128, min(memory // 4, 4096))
    values = {
        "listen_addresses": "",
        "port": port,
        # a folder name may hold blanks and commas, which only double quotes keep together
        "unix_socket_directories": '"' + str(socket).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "max_connections": 200 if throwaway else 100,
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "work_mem": "32MB" if memory > 4096 else "8MB",
        "maintenance_work_mem": f"{max(64, min(memory // 16, 1024))}MB",
        "dynamic_shared_memory_type": _shared_memory(),
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        # compiling a tile's plan costs more than running it
        "jit": "off",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "autovacuum_vacuum_scale_factor": 0.05,
        "autovacuum_analyze_scale_factor": 0.02,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_size": 0,
        "log_min_duration_statement": "5s",
        "log_checkpoints": "off",
        "tcp_keepalives_idle": 60,
    }
    if throwaway:
        values |= {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": 0,
                   "log_min_duration_statement": -1}
    return "".join(f"{name} = '{_escaped(value)}'\n" for name, value in values.items())


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("'", "''")


def _shared_memory() -> str:
    # Containers often come with 64 MB of /dev/shm, too little for one parallel query.
    try:
        space = os.statvfs("/dev/shm")
    except OSError:
        return "mmap"
    return "posix" if space.f_frsize * space.f_blocks >= 512 * MIB else "sysv"
