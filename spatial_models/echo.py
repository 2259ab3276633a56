"""Echo: gives back what it was given, after a pause if asked. For conformance suites, and to try out the queue."""

from __future__ import annotations

import time

from spatial_models.process import Inputs, Output, Process, Task, Value, given
from spatial_models.words import Words

__all__ = ["ECHO", "EchoInputs", "echo"]

LONGEST_PAUSE_S = 20
# Who waits for the answer holds a thread of the server meanwhile.
LONGEST_WAIT_S = 1
_STEP_S = 0.1


class EchoInputs(Inputs):
    """The message, and how long to wait before it comes back."""

    message: str = given(Words("Message", "消息"), Words("The text that comes back", "原样返回的文本"), max_length=10_000)
    pause: float = given(Words("Pause", "等待"), Words("Seconds to wait before answering", "应答前等待的秒数"), 0, ge=0, le=LONGEST_PAUSE_S)


def echo(task: Task, inputs: EchoInputs) -> Value:
    """Return the message after `pause` seconds."""
    begun = time.monotonic()
    while (left := begun + inputs.pause - time.monotonic()) > 0:
        task.progress(1 - left / inputs.pause, Words(f"Waiting, {left:.0f} s left", f"等待中，还有 {left:.0f} 秒"))
        time.sleep(min(_STEP_S, left))
    return Value(inputs.message)


ECHO = Process(
    id="echo",
    title=Words("Echo", "回声"),
    description=Words("Gives back the message. For conformance suites and to try out the queue of jobs.",
                      "原样返回消息，用于一致性测试和试用任务队列。"),
    inputs=EchoInputs,
    output=Output("echo", Words("Echo", "回声"), Words("The message", "所给的消息"), {"type": "string"}),
    run=echo,
    needs_job=lambda inputs: Words(f"Nobody waits longer than {LONGEST_WAIT_S} s for an echo", f"同步等待不超过 {LONGEST_WAIT_S} 秒")
    if inputs.pause > LONGEST_WAIT_S else None,
    example={"message": "你好, city", "pause": 0},
    keywords=("echo", "test"),
    is_open=True,
    time_limit_s=60,
)
