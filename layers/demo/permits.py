"""Milestones of projects and the documents they leave: permits, filings, certificates."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from layers.demo.calendar import REFERENCE, days
from layers.demo.frame import Frame
from layers.demo.projects import STEPS, Projects
from layers.demo.table import Fids, versions

__all__ = ["milestone_and_document_tables"]

NAN = float("nan")
# Of each step: kind of its document, title, and for how many years it holds (NaN: it does not expire).
_PAPERS = (("approval", "立项批复", 2), ("site_opinion", "用地预审与选址意见书", 3), ("land_permit", "建设用地规划许可证", 2), ("land_contract", "国有建设用地使用权出让合同", NAN),
           ("works_permit", "建设工程规划许可证", 1), ("drawing_review", "施工图审查合格书", NAN), ("tender_notice", "中标通知书", NAN), ("contract", "施工合同备案", NAN),
           ("energy_filing", "节能设计审查备案表", NAN), ("supervision", "质量安全监督登记书", NAN), ("construction_permit", "建筑工程施工许可证", NAN), None,
           ("presale_permit", "商品房预售许可证", NAN), ("acceptance", "竣工联合验收意见书", NAN), ("completion_filing", "竣工验收备案表", NAN), ("certificate", "不动产权证书", NAN))


def _number(step: int, district: str, at: float, serial: int, phase: int, counts: Counter[str]) -> str:
    """Return the number printed on the document of a step; `counts` numbers the construction permits of a day or a year."""
    year = int(at)
    month, day = int((at - year) * 12) + 1, int((at - year) * 365) % 28 + 1
    match step:
        case 2:
            return f"地字第{district}{year}{serial:05d}号"
        case 4:
            return f"建字第{district}{year}{serial:05d}{'' if phase == 1 else f'-{phase}'}号"
        case 10:
            short = {"119901": "永", "119902": "定", "119903": "朝", "119904": "云", "119905": "海", "119906": "石", "119907": "丰", "119908": "通"}[district]
            key = f"[{year}]施[{short}]建字" if year < 2018 else f"{district}{year}{month:02d}{day:02d}"
            counts[key] += 1
            return f"{key}{counts[key]:04d}号" if year < 2018 else f"{key}{counts[key]:02d}01"
        case 12:
            return f"示房售证字({year}){serial:05d}-{phase}号"
        case 15:
            return f"示({year})不动产权第{serial:05d}{phase}号"
        case _:
            word = ("发改批", "规预选", "", "土让", "", "图审", "招中", "合备", "节备", "质安监", "", "", "", "联验", "竣备", "")[step]
            return f"示{word}〔{year}〕{serial:05d}-{phase}号"


def milestone_and_document_tables(frame: Frame, p: Projects, fids: Fids, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the layers `milestone` and `document`.

    A step is pending from the day the project is known, in progress when the step before it is done, then done; steps that
    lie ahead stay pending with a planned date, some of which have passed (late). A cancelled project's open steps are
    revoked, a suspended one's paused.
    """
    rng = np.random.default_rng([seed, 23])
    feature: list[tuple[int, int, int]] = []
    rows: list[tuple[int, float, float, str]] = []
    papers: list[tuple[int, int, int, int, float]] = []
    actual_of: list[float] = []
    planned_of: list[float] = []
    for k in range(len(p.fid)):
        known = p.dates[k, 0]
        stop = p.fate_at[k] if p.fate[k] else np.inf
        for phase in range(1, p.phases[k] + 1):
            before = known
            for step in range(16):
                at = p.dates[k, step]
                if np.isnan(at) or (step < 5 and phase > 1):
                    continue
                if step >= 5:
                    at = max(at - 0.12 * (p.phases[k] - phase), before)
                done = at <= min(REFERENCE, stop)
                number = len(feature)
                feature.append((k, phase, step))
                planned = at - rng.uniform(0, 0.12) if done or rng.random() < 0.8 else REFERENCE - rng.uniform(0.02, 0.3)
                planned_of.append(max(planned, known))
                actual_of.append(at if done else NAN)
                if done:
                    if known < before and at > 2023:
                        rows.append((number, known, before, "pending"))
                    if before < at and at > 2023:
                        rows.append((number, before, at, "processing"))
                    rows.append((number, at, NAN, "done"))
                    if _PAPERS[step]:
                        papers.append((number, k, phase, step, at))
                    before = at
                else:
                    begun = before <= REFERENCE and step and (not np.isnan(actual_of[-2]) if len(actual_of) > 1 else True)
                    last = min(stop, np.inf)
                    if known < last:
                        rows.append((number, known, last if np.isfinite(last) else before if begun and before > known else NAN, "pending"))
                    if np.isfinite(last):
                        rows.append((number, last, NAN, "revoked" if p.fate[k] == "cancelled" else "suspended"))
                    elif begun and before > known:
                        rows.append((number, before, NAN, "processing"))
    fid = fids.take(len(feature))
    project, phase, step = np.array(feature).T
    row, begin, end, state = (np.array(c) for c in zip(*rows, strict=True))
    counts: Counter[str] = Counter()
    number_of = {n: _number(s, p.district[k], at, k + 1, ph, counts) for n, k, ph, s, at in papers}
    done = state == "done"
    document_no = np.array([number_of.get(n) for n in range(len(feature))], dtype=object)
    valid_a = np.array([paper[2] if paper else NAN for paper in _PAPERS])
    actual, planned = days(np.array(actual_of)), days(np.array(planned_of))
    expires = days(np.array(actual_of) + valid_a[step])
    milestones = versions(frame, fid[row], begin, end, {
        "project_fid": p.fid[project[row]], "phase": phase[row], "step": np.array([s for s, _ in STEPS], dtype=object)[step[row]], "step_no": step[row] + 1,
        "state": state.astype(object), "planned_date": planned[row], "actual_date": np.where(done, actual[row], np.datetime64("NaT", "D")),
        "document_no": np.where(done, document_no[row], None), "expires": np.where(done, expires[row], np.datetime64("NaT", "D")),
        "authority": np.array([a for _, a in STEPS], dtype=object)[step[row]], "district_code": p.district[project[row]]})
    number, k, _, s, at = (np.array(c) for c in zip(*papers, strict=True))
    documents = versions(frame, fids.take(len(papers)), at, np.full(len(papers), NAN), {
        "project_fid": p.fid[k], "milestone_fid": fid[number], "title": np.array([f"{p.name[x]}{_PAPERS[y][1]}" for x, y in zip(k, s, strict=True)], dtype=object),
        "kind": np.array([_PAPERS[y][0] for y in s], dtype=object), "document_no": document_no[number],
        "issuer": np.array(["示范市" + STEPS[y][1] for y in s], dtype=object), "issued_on": actual[number], "expires_on": expires[number],
        "district_code": p.district[k]})
    return milestones, documents
