"""The streams of EXT_meshopt_compression, written with numpy: attributes byte by byte, indices as a sequence.

Lossless: what a client decodes is what was given, feature ids included. The format is that of the extension's appendix A
(version 0 of attributes, version 1 of indices).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pack_attributes", "pack_indices"]

Bytes = NDArray[np.uint8]
GROUP = 16
# The decoder reads ahead so far.
TAIL_BYTES = 32


def pack_attributes(rows: Bytes) -> bytes:
    """Pack (n, stride) bytes, a row for each corner; the stride is a multiple of 4 and at most 256."""
    count, stride = rows.shape
    if stride % 4 or not 0 < stride <= 256 or not count:
        raise ValueError("attributes are packed in rows of 4, 8 … 256 bytes, at least one")
    previous = np.concatenate([rows[:1], rows[:-1]])
    change = (rows - previous).view(np.int8)
    folded = ((change.astype(np.int16) << 1) ^ (change >> 7)).astype(np.uint8)
    size = min((8192 // stride) & ~(GROUP - 1), 256)
    whole = count // size * size
    parts = [_blocks(folded[:whole].reshape(-1, size, stride))] if whole else []
    if whole < count:
        rest = np.zeros((1, -(-(count - whole) // GROUP) * GROUP, stride), np.uint8)
        rest[0, :count - whole] = folded[whole:]
        parts.append(_blocks(rest))
    return b"".join([b"\xa0", *parts, b"\0" * max(0, TAIL_BYTES - stride), rows[0].tobytes()])


def _blocks(folded: Bytes) -> bytes:
    """Pack (blocks, corners, stride) changes: for each block and byte a header, then groups of 16 in 0, 2, 4 or 8 bits."""
    blocks, corners, stride = folded.shape
    groups = folded.transpose(0, 2, 1).reshape(blocks * stride, corners // GROUP, GROUP)
    lines, per_line = groups.shape[:2]
    sizes = np.stack([np.where(groups.any(axis=2), 255, 0), 4 + (groups >= 3).sum(axis=2), 8 + (groups >= 15).sum(axis=2),
                      np.full((lines, per_line), GROUP)])
    mode = sizes.argmin(axis=0)
    size = np.take_along_axis(sizes, mode[None], 0)[0]
    header = -(-per_line // 4)
    start = np.cumsum(np.r_[0, header + size.sum(axis=1)])
    out = np.zeros(start[-1], np.uint8)
    modes = np.zeros((lines, header * 4), np.uint8)
    modes[:, :per_line] = mode
    out[start[:-1, None] + np.arange(header)] = (modes.reshape(lines, header, 4) << np.array([0, 2, 4, 6], np.uint8)).sum(axis=2, dtype=np.uint8)
    at = start[:-1, None] + header + np.cumsum(size, axis=1) - size
    out[at[mode == 3][:, None] + np.arange(GROUP)] = groups[mode == 3]
    for bits, chosen in ((2, mode == 1), (4, mode == 2)):
        _sentinels(out, at[chosen], groups[chosen], bits)
    return out.tobytes()


def _sentinels(out: Bytes, at: NDArray[np.int64], groups: Bytes, bits: int) -> None:
    """Write groups in few bits each; what does not fit follows them whole."""
    largest, each = 2**bits - 1, 8 // bits
    small = np.minimum(groups, largest).reshape(len(groups), GROUP // each, each)
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    out[at[:, None] + np.arange(GROUP // each)] = (small << shifts).sum(axis=2, dtype=np.uint8)
    is_large = groups >= largest
    rank = np.cumsum(is_large, axis=1) - 1
    out[(at[:, None] + GROUP // each + rank)[is_large]] = groups[is_large]


def pack_indices(indices: NDArray[np.uint32]) -> bytes:
    """Pack indices as steps from one to the next, in as many bytes of 7 bits as each takes."""
    step = np.diff(indices.astype(np.int64), prepend=0)
    # The lowest bit chooses between two baselines; one is enough where triangles follow one another.
    value = ((step << 1) ^ (step >> 63)) << 1
    length = 1 + sum((value >= 1 << 7 * n).astype(np.int64) for n in range(1, 5))
    at = np.cumsum(length) - length
    out = np.zeros(int(length.sum()), np.uint8)
    for n in range(5):
        here = length > n
        out[at[here] + n] = (value[here] >> 7 * n & 127) | np.where(length[here] > n + 1, 128, 0)
    return b"\xd1" + out.tobytes() + b"\0\0\0\0"
