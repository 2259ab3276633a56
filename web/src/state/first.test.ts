import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Account } from "../api/types";

const asked = vi.hoisted(() => ({ config: 0, style: 0 }));
vi.mock("../api/config", () => ({ readConfig: () => Promise.resolve({ config: (asked.config += 1) }) }));
vi.mock("../api/style", () => ({ readStyle: () => Promise.resolve({ style: (asked.style += 1) }) }));

const account = { username: "wang", must_change: false } as Account;

describe("what was asked for with the page", () => {
  beforeEach(() => vi.resetModules());
  const opened = async () => ({ ...await import("./first"), ...await import("./session"), ...await import("./preferences") });

  it("is taken once, by the reader who opened the page, in his language", async () => {
    const { askFirst, takeConfig, takeStyle, useSession, usePreferences } = await opened();
    askFirst();
    useSession.setState({ account, known: true });
    const { language } = usePreferences.getState();
    expect([await takeConfig(), await takeStyle(language)]).toEqual([{ config: asked.config }, { style: asked.style }]);
    expect([takeConfig(), takeStyle(language)]).toEqual([null, null]);
    askFirst();
    expect(takeStyle(language === "zh" ? "en" : "zh")).toBeNull();
  });

  it("is nobody's any more when another reader signs in, or the session ends", async () => {
    for (const [first, second] of [[null, account], [account, null]] as const) {
      vi.resetModules();
      const { askFirst, firstAnswers, takeConfig, takeStyle, useSession, usePreferences } = await opened();
      askFirst();
      useSession.setState({ account: first, known: true });
      expect(firstAnswers()).not.toBeNull();
      useSession.setState({ account: second });
      expect([firstAnswers(), takeConfig(), takeStyle(usePreferences.getState().language)]).toEqual([null, null, null]);
    }
  });
});
