"""Files that are packed (.gz, .zip), unpacked piece by piece, into memory no farther than there is room for: a small file may say that it is an endless one."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from layers.errors import InvalidParameter

__all__ = ["MOST_BYTES", "TooLarge", "chunks_of", "ends_of", "inner_name", "text_of"]

# What is unpacked at most: read whole and taken apart it takes ten times as much memory.
MOST_BYTES = 512 << 20
MOST_MEMBERS, CHUNK = 10_000, 1 << 20
# How members of zip files may be packed. What the others (bzip2, LZMA) unpack to comes at once, however much it is.
_UNPACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


class TooLarge(InvalidParameter):
    """A file unpacks to more than is done in memory."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__("file", f"{path.name} unpacks to more than {most >> 20} MB, which is not done in memory; unpack it and import it part by part",
                         f"{path.name} 解压后超过 {most >> 20} MB，不在内存中处理；请先解压并分批导入")


def inner_name(path: Path, endings: tuple[str, ...], better: tuple[str, ...] = ()) -> str | None:
    """Return the name of what a file holds: its own, without '.gz', or of a zip file that of its only member with one of some endings.

    Of several members the one counts that has one of the `better` endings. None where a zip file has no such member. Raises InvalidParameter
    `file` for a damaged zip file, or one that has several.
    """
    match path.suffix.lower():
        case ".gz":
            return path.stem
        case ".zip":
            names = [each.filename for each in _members(path) if each.filename.lower().endswith(endings) and not each.is_dir()]
            # What macOS puts beside each file.
            names = [name for name in names if not name.startswith("__MACOSX/")]
            names = [name for name in names if name.lower().endswith(better)] or names
            if len(names) > 1:
                raise InvalidParameter("file", f"{path.name} holds {len(names)} files ({', '.join(sorted(names)[:8])}); unpack it and name one",
                                       f"{path.name} 内有 {len(names)} 个文件（{'、'.join(sorted(names)[:8])}）；请解压后指定其一")
            return names[0] if names else None
    return path.name


def text_of(path: Path, member: str | None = None, most: int = MOST_BYTES) -> bytes:
    """Read a file whole, unpacked where it is packed; `member` is the name in a zip file.

    Raises InvalidParameter `file` where it is damaged, or unpacks to more than `most` bytes.
    """
    if not _is_packed(path):
        return path.read_bytes()
    return b"".join(chunks_of(path, member, most))


def ends_of(path: Path, member: str | None, size: int) -> bytes:
    """Return the first and the last bytes (`size` of each) of a file, unpacked where it is packed; the first alone of what is too large.

    Raises InvalidParameter `file` where it is damaged.
    """
    if not _is_packed(path):
        with path.open("rb") as file:
            head = file.read(size)
            file.seek(max(0, path.stat().st_size - size))
            return head + file.read()
    head, tail = b"", b""
    try:
        for chunk in chunks_of(path, member, MOST_BYTES):
            head += chunk[:max(0, size - len(head))]
            tail = (tail + chunk)[-size:]
    except TooLarge:
        return head
    return head + tail


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() in (".gz", ".zip")


def _members(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, UnicodeDecodeError):
        raise InvalidParameter("file", f"{path.name} is no zip file, or a damaged one", f"{path.name} 不是 zip 文件或已损坏") from None
    if len(found) > MOST_MEMBERS:
        raise InvalidParameter("file", f"{path.name} holds {len(found)} files; unpack it and name one", f"{path.name} 内有 {len(found)} 个文件；请解压后指定其一")
    return found


def chunks_of(path: Path, member: str | None, most: int | None = None) -> Iterator[bytes]:
    """Give what a packed file unpacks to, in pieces of some megabytes at most.

    Raises InvalidParameter `file` where it is damaged, packed in a way that cannot be undone piece by piece, or more than `most` bytes.
    """
    size = 0
    try:
        with ExitStack() as stack:
            packed: IO[bytes] | Any
            if path.suffix.lower() == ".gz":
                packed = stack.enter_context(gzip.open(path))
            else:
                archive = stack.enter_context(zipfile.ZipFile(path))
                if archive.getinfo(str(member)).compress_type not in _UNPACKED:
                    raise InvalidParameter("file", f"{path.name} is packed otherwise than by 'deflate'; pack it again so, or unpack it",
                                           f"{path.name} 的压缩方式不是“deflate”；请重新压缩或先解压")
                packed = stack.enter_context(archive.open(str(member)))
            while chunk := packed.read(CHUNK):
                size += len(chunk)
                # What a file says of its own size is not believed.
                if most is not None and size > most:
                    raise TooLarge(path, most)
                yield chunk
    except _DAMAGED as error:
        raise InvalidParameter("file", f"{path.name} cannot be unpacked: {str(error)[:200] or type(error).__name__}",
                               f"{path.name} 无法解压：{str(error)[:200] or type(error).__name__}") from error
