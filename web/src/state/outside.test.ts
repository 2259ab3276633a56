import { beforeEach, describe, expect, it } from "vitest";
import { saidOfTile, type TileError } from "./outside";
import { loadWords, usePreferences } from "./preferences";

const error = (status: number | undefined, body?: string): TileError =>
  Object.assign(new Error("AJAXError: Bad Gateway (502): http://city.test/x"), status === undefined ? {} : { status, body: new Blob([body ?? ""]) });

describe("what is told of a tile of another service", () => {
  beforeEach(async () => {
    await loadWords("zh");
    usePreferences.setState({ language: "zh" });
  });

  it("is the server's own sentence, which names the host", async () => {
    expect(await saidOfTile(error(502, JSON.stringify({ detail: "服务 maps.test 无应答。" })))).toBe("服务 maps.test 无应答。");
  });

  it("is a sentence of ours where something else answered, nobody did, or the picture is none; never the browser's own words", async () => {
    const said = [await saidOfTile(error(502, "<html>Bad Gateway</html>")), await saidOfTile(error(502, "null")), await saidOfTile(error(0)), await saidOfTile(error(undefined))];
    expect(said).toEqual(["服务器出错，请稍后重试。", "服务器出错，请稍后重试。", "无法连接服务器，请检查网络后重试。", "页面的这一部分出错，请重试或重新加载页面。"]);
  });
});
