import { describe, expect, it } from "vitest";
import { scaled } from "./paint";

describe("opacity of a layer", () => {
  it("goes to the outputs of a curve over zoom, which alone may stand at the top", () => {
    expect(scaled(["interpolate", ["linear"], ["zoom"], 10, 0.5, 14, 1], 0.5)).toEqual(["interpolate", ["linear"], ["zoom"], 10, 0.25, 14, 0.5]);
    expect(scaled(["step", ["zoom"], 0.2, 12, 0.8], 0.5)).toEqual(["step", ["zoom"], 0.1, 12, 0.4]);
    expect(scaled(["get", "weight"], 0.5)).toEqual(["*", ["get", "weight"], 0.5]);
    expect(scaled(undefined, 0.5)).toBe(0.5);
  });

  it("leaves at full strength what it finds", () => {
    const curve = ["get", "weight"];
    expect(scaled(curve, 1)).toBe(curve);
    expect(scaled(undefined, 1)).toBeUndefined();
  });
});
