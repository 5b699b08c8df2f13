"""Draws the state machine from its definition, as Mermaid: every state, or the main line that a reader needs first.

It reads the definition and nothing else, so that a picture cannot say what the definition does not do.
"""

import functools
from collections.abc import Iterator
from typing import Any

from tools.package import described

States = dict[str, dict[str, Any]]

SHAPES = {"Choice": ("{", "}"), "Wait": ("([", "])"), "Succeed": ("(((", ")))"), "Fail": ("(((", ")))")}

# The states of the overview, in reading order; what lies between two of them is left out.
RUN = {
    "GetParameters": {"en": "read and check the parameters", "ja": "パラメータを読み、検査する"},
    "CreateFileSystem": {"en": "create the file system", "ja": "ファイルシステムを作る"},
    "CreateAssociation": {"en": "link it to the bucket", "ja": "バケットに関連付ける"},
    "WaitForLustreCreation": {"en": "wait until both are AVAILABLE", "ja": "両方が AVAILABLE になるまで待つ"},
    "CreateLaunchTemplate": {"en": "create the launch template", "ja": "起動テンプレートを作る"},
    "UpdateComputeEnvironment": {
        "en": "point the compute environment at it, wait for VALID",
        "ja": "コンピューティング環境に設定し、VALID を待つ",
    },
    "RegisterJobDefinition": {"en": "register the job definition", "ja": "ジョブ定義を登録する"},
    "SubmitJob": {"en": "submit the job", "ja": "ジョブを送信する"},
    "WaitForJobCompletion": {"en": "wait for its end", "ja": "ジョブの終了を待つ"},
}
CLEAN_UP = {
    "StartReclaim": {"en": 'started with {"reclaim": …}', "ja": '{"reclaim": …} で開始'},
    "StartCleanUp": {
        "en": "started by EventBridge: an execution was stopped, timed out or failed",
        "ja": "EventBridge が開始: 実行が停止・タイムアウト・失敗した",
    },
    "FindWhatWasCreated": {"en": "find by its tags what the run created", "ja": "実行が作ったものをタグで探す"},
    "FindJobs": {"en": "stop jobs that still run", "ja": "まだ動いているジョブを止める"},
    "DeregisterJobDefinition": {"en": "deregister the job definition", "ja": "ジョブ定義を登録解除する"},
    "ReleaseComputeEnvironment": {
        "en": "take the template off the compute environment",
        "ja": "コンピューティング環境からテンプレートを外す",
    },
    "CheckMetrics": {"en": "wait until the export queue is seen empty", "ja": "エクスポートキューが空になるのを待つ"},
    "ReadExportErrors": {
        "en": "no task: read the log for files that could not be exported",
        "ja": "タスクなし: エクスポートできなかったファイルがないかログを調べる",
    },
    "DisableAutoExport": {"en": "switch automatic export off", "ja": "自動エクスポートを切る"},
    "CreateExportTask": {"en": "run an export task over everything", "ja": "全体にエクスポートタスクを実行する"},
    "KeepFileSystem": {"en": "keep the file system, tagged with the reason", "ja": "理由のタグを付けて残す"},
    "DeleteFileSystem": {"en": "delete the file system, see it gone", "ja": "ファイルシステムを削除し、確かめる"},
    "DeleteLaunchTemplate": {"en": "delete the launch template", "ja": "起動テンプレートを削除する"},
    "Notify": {"en": "tell the topic, if there is anything to tell", "ja": "伝えることがあればトピックに通知する"},
    "Failed": {"en": "FAILED: error, cause, Kept: …", "ja": "FAILED: エラー、原因、Kept: …"},
    "Succeeded": {"en": "SUCCEEDED", "ja": "SUCCEEDED"},
}
TITLES = {
    "run": {"en": "a run", "ja": "実行"},
    "clean_up": {"en": "clean-up, on every path", "ja": "後片付け（どの経路でも）"},
    "failure": {"en": "whatever fails", "ja": "何が失敗しても"},
}


def states() -> States:
    """The definition's states, in its order."""
    found: States = described("definition").read("run")["States"]
    return found


def successors(state: dict[str, Any]) -> list[str]:
    """What may follow a state when it does not fail."""
    following = [rule["Next"] for rule in state.get("Choices", [])] + [state.get("Default"), state.get("Next")]
    return [name for name in dict.fromkeys(following) if name]


def caught(state: dict[str, Any]) -> list[str]:
    """What may follow a state only when it fails."""
    usual = successors(state)
    return [name for name in dict.fromkeys(rule["Next"] for rule in state.get("Catch", [])) if name not in usual]


def state_diagram() -> str:
    """Every state as a flow chart: what follows what, failures dotted."""
    lines = []
    for name, state in states().items():
        opening, closing = SHAPES.get(state["Type"], ("[", "]"))
        lines.append(f"  {name}{opening}{name}{closing}")
        lines += [f"  {name} --> {target}" for target in successors(state)]
        lines += [f"  {name} -.-> {target}" for target in caught(state)]
    return _mermaid(lines)


def overview(language: str) -> str:
    """The main line: the steps of a run, the clean-up, and what leads from one to the other."""
    all_states, shown = states(), RUN | CLEAN_UP
    missing = [name for name in shown if name not in all_states]
    if missing:
        raise SystemExit(f"tools/diagrams.py shows states that the definition does not have: {', '.join(missing)}")
    order = list(shown)
    reached = {name: set(_next_shown(all_states, name, shown)) for name in order}
    forward = {name: {to for to in reached[name] if order.index(to) > order.index(name)} for name in order}
    # That any step of the run may end in the clean-up is drawn once, for all of them.
    fails = [name for name in RUN if "FindWhatWasCreated" in forward[name]]
    for name in fails:
        forward[name].discard("FindWhatWasCreated")
    lines = []
    for group, members in (("run", RUN), ("clean_up", CLEAN_UP)):
        lines += [f'  subgraph {group}["{TITLES[group][language]}"]', *_nodes(all_states, members, language), "  end"]
    lines += [f"  {name} --> {to}" for name in order for to in order if to in _nearest(forward, name)]
    if fails:
        lines.append(f'  run -. "{TITLES["failure"][language]}" .-> FindWhatWasCreated')
    return _mermaid(lines)


def _nodes(all_states: States, shown: dict[str, dict[str, str]], language: str) -> Iterator[str]:
    for name, label in shown.items():
        comment = all_states[name].get("Comment", "")
        step = comment.removeprefix("Step ").split(".")[0] + " · " if comment.startswith("Step ") else ""
        opening, closing = SHAPES.get(all_states[name]["Type"], ("[", "]")) if name in ("Succeeded", "Failed") else "[]"
        text = (step + label[language]).replace('"', "#quot;")
        yield f'    {name}{opening}"{text}"{closing}'


def _next_shown(all_states: States, start: str, shown: dict[str, dict[str, str]]) -> Iterator[str]:
    """The shown states that come next on some path from a state."""
    waiting, seen = [start], {start}
    while waiting:
        state = all_states[waiting.pop()]
        for name in successors(state) + caught(state):
            if name in seen:
                continue
            seen.add(name)
            if name in shown:
                yield name
            else:
                waiting.append(name)


def _nearest(edges: dict[str, set[str]], name: str) -> set[str]:
    """Successors without the short cuts: what another successor leads to as well is not drawn twice."""

    @functools.cache
    def beyond(start: str) -> set[str]:
        return set().union(*({to} | beyond(to) for to in edges[start]))

    return {to for to in edges[name] if not any(to in beyond(other) for other in edges[name])}


def _mermaid(lines: list[str]) -> str:
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])
