"""Draws the state machines from their definitions, as Mermaid: every state, or the main line that a reader needs first.

It reads the definitions and nothing else, so that a picture cannot say what they do not do.
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
    "TakeTicket": {"en": "take a ticket", "ja": "順番を取る"},
    "TakeLane": {"en": "take a lane, when it is its turn", "ja": "順番が来たらレーンを取る"},
    "RegisterJobDefinition": {"en": "register the job definition", "ja": "ジョブ定義を登録する"},
    "CreateFileSystem": {"en": "create the file system", "ja": "ファイルシステムを作る"},
    "CreateAssociation": {"en": "link it to the bucket", "ja": "バケットに関連付ける"},
    "CreateLaunchTemplate": {"en": "create the launch template", "ja": "起動テンプレートを作る"},
    "UpdateComputeEnvironment": {
        "en": "point the compute environment at it",
        "ja": "コンピューティング環境に設定する",
    },
    "WaitForLustreCreation": {"en": "wait until both are AVAILABLE", "ja": "両方が AVAILABLE になるまで待つ"},
    "FindImportTask": {"en": "wait for the bucket's listing", "ja": "バケットの一覧の取り込みを待つ"},
    "SubmitJob": {"en": "submit the job", "ja": "ジョブを送信する"},
    "WaitForJobCompletion": {"en": "wait for its end", "ja": "ジョブの終了を待つ"},
    "WaitForCleanUp": {"en": "start the clean-up, wait for its answer", "ja": "後片付けを始め、その応答を待つ"},
    "Notify": {
        "en": "publish to the topic, if there is anything to report",
        "ja": "伝えることがあればトピックに通知する",
    },
    "Failed": {"en": "FAILED: error, cause, what is left", "ja": "FAILED: エラー、原因、残ったもの"},
    "Succeeded": {"en": "SUCCEEDED", "ja": "SUCCEEDED"},
}
CLEAN_UP = {
    "SweepFileSystems": {"en": "sweep: look for what was left", "ja": "巡回: 残されたものを探す"},
    "WaitForLists": {"en": "the rule's event: wait a minute", "ja": "ルールのイベント: 1 分待つ"},
    "StartCleanUp": {
        "en": "start a clean-up for every execution that is over",
        "ja": "終わった実行それぞれの後片付けを始める",
    },
    "DescribeTarget": {"en": "is the execution over?", "ja": "実行は終わっているか"},
    "FindFileSystems": {"en": "find by its tags what the run created", "ja": "実行が作ったものをタグで探す"},
    "DescribeJobs": {"en": "stop jobs that still run", "ja": "まだ動いているジョブを止める"},
    "DeregisterJobDefinition": {"en": "deregister the job definition", "ja": "ジョブ定義を登録解除する"},
    "ReleaseEnvironment": {
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
    "ReadTasksBeforeDeletion": {"en": "read once more what permits the deletion", "ja": "削除の条件を読み直す"},
    "DeleteFileSystem": {"en": "delete the file system, see it gone", "ja": "ファイルシステムを削除し、確かめる"},
    "DeleteLaunchTemplate": {"en": "delete the launch template", "ja": "起動テンプレートを削除する"},
    "GiveBack": {"en": "give back lane and prefix", "ja": "レーンとプレフィックスを返す"},
    "CleanedUp": {"en": "answer: removed, retained, pending", "ja": "応答: 削除、保持、保留"},
}
PARTS = {"run": RUN, "clean_up": CLEAN_UP}
TITLES = {
    "run": {"en": "run", "ja": "run（実行）"},
    "clean_up": {"en": "clean_up", "ja": "clean_up（後片付け）"},
}
# Ways of the graph that no execution takes: what is kept is not considered for deletion (MayDeleteFileSystem).
NEVER_TAKEN = {("KeepFileSystem", "ReadTasksBeforeDeletion"), ("KeepFileSystem", "DeleteFileSystem")}
FAILURE = {"en": "whatever fails", "ja": "何が失敗しても"}
# Who starts a machine, and the shown state at which each comes in.
CALLERS = {
    "people": (
        "run",
        "GetParameters",
        {"en": "you, a schedule, another workflow", "ja": "利用者、スケジュール、別のワークフロー"},
    ),
    "schedule": ("clean_up", "SweepFileSystems", {"en": "the sweep, on a schedule", "ja": "スケジュールによる巡回"}),
    "rule": (
        "clean_up",
        "WaitForLists",
        {
            "en": "EventBridge: a run was stopped, timed out or failed",
            "ja": "EventBridge: 実行が停止・タイムアウト・失敗した",
        },
    ),
    "reclaimer": (
        "clean_up",
        "DescribeTarget",
        {"en": "{#quot;reclaim#quot;: …}, through run", "ja": "{#quot;reclaim#quot;: …}（run を通して）"},
    ),
}


def states(name: str) -> States:
    """A definition's states, in its order."""
    found: States = described("definition").read(name)["States"]
    return found


def successors(state: dict[str, Any]) -> list[str]:
    """What may follow a state when it does not fail."""
    following = [rule["Next"] for rule in state.get("Choices", [])] + [state.get("Default"), state.get("Next")]
    return [name for name in dict.fromkeys(following) if name]


def caught(state: dict[str, Any]) -> list[str]:
    """What may follow a state only when it fails."""
    usual = successors(state)
    return [name for name in dict.fromkeys(rule["Next"] for rule in state.get("Catch", [])) if name not in usual]


def state_diagram(name: str) -> str:
    """Every state of a definition as a flow chart: what follows what, failures dotted."""
    lines = []
    for each, state in states(name).items():
        opening, closing = SHAPES.get(state["Type"], ("[", "]"))
        lines.append(f"  {each}{opening}{each}{closing}")
        lines += [f"  {each} --> {target}" for target in successors(state)]
        lines += [f"  {each} -.-> {target}" for target in caught(state)]
    return _mermaid(lines)


def overview(language: str) -> str:
    """The main line: the steps of a run, the clean-up, and who starts which."""
    lines = [f'  {caller}(["{words[language]}"])' for caller, (_, _, words) in CALLERS.items()]
    for part, shown in PARTS.items():
        all_states = states(part)
        missing = [name for name in shown if name not in all_states]
        if missing:
            raise SystemExit(f"tools/diagrams.py shows states that {part} does not have: {', '.join(missing)}")
        lines += [f'  subgraph {part}["{TITLES[part][language]}"]', *_nodes(all_states, shown, language), "  end"]
        lines += [f"  {name} --> {to}" for name, to in _arrows(all_states, shown)]
    lines += [f"  {caller} --> {entry}" for caller, (_, entry, _) in CALLERS.items()]
    lines += ["  WaitForCleanUp ==> DescribeTarget", "  StartCleanUp ==> DescribeTarget"]
    lines.append(f'  run -. "{FAILURE[language]}" .-> WaitForCleanUp')
    return _mermaid(lines)


def _arrows(all_states: States, shown: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    """What follows what among the shown states, without ways back, short cuts, and what every failure does."""
    order = list(shown)
    reached = {name: set(_next_shown(all_states, name, shown)) for name in order}
    forward = {name: {to for to in reached[name] if order.index(to) > order.index(name)} for name in order}
    for name, to in NEVER_TAKEN:
        forward.get(name, set()).discard(to)
    for name in order:
        if "WaitForCleanUp" in forward[name] and name != "WaitForJobCompletion":
            forward[name].discard("WaitForCleanUp")  # drawn once, for all of them
    return ((name, to) for name in order for to in order if to in _nearest(forward, name))


def _nodes(all_states: States, shown: dict[str, dict[str, str]], language: str) -> Iterator[str]:
    for name, label in shown.items():
        comment = all_states[name].get("Comment", "")
        step = comment.removeprefix("Step ").split(".")[0] + " · " if comment.startswith("Step ") else ""
        ends = all_states[name]["Type"] in ("Succeed", "Fail")
        opening, closing = SHAPES[all_states[name]["Type"]] if ends else ("[", "]")
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
