import { beforeEach, describe, expect, it, vi } from "vitest";
import { read } from "../src/engine/frame";
import { decode, encode } from "../src/engine/link";
import { canonical, keyOf } from "../src/engine/recorded";

describe("links", () => {
  it("carry a state there and back", () => {
    const state = { e: "(w*x - y)**2", v: { w: 2, x: [1.5, -2] }, 语言: "العربية" };
    expect(decode(encode(state))).toEqual(state);
    expect(encode(state)).toMatch(/^[\w-]+$/);
  });
  it("that are damaged give nothing", () => {
    for (const text of ["", "%%%", "AAAA", encode({ a: 1 }).slice(3), "x".repeat(300_000)]) {
      expect(decode(text)).toBeUndefined();
    }
  });
});

describe("recorded answers", () => {
  it("have a key that does not depend on the order of what is asked", () => {
    expect(canonical({ b: [1, 2.0, { d: null, c: "é" }], a: 1e21, u: undefined })).toBe(
      '{"a":1e+21,"b":[1,2,{"c":"é","d":null}]}',
    );
    expect(keyOf("derive", { w: 2, e: "w" })).toBe(keyOf("derive", { e: "w", w: 2 }));
    expect(keyOf("derive", { e: "é", w: [2.0, 1e-7] })).toBe("f402c3c7ba25fdaf"); // as tests/web/server/test_site.py has it
  });
});

describe("frames", () => {
  it("are read as Python writes them", () => {
    const header = new TextEncoder().encode(
      JSON.stringify({ id: 8, loss: 0.5, arrays: [{ name: "map", dtype: "f4", shape: [2, 2], offset: 0 }] }),
    );
    const start = Math.ceil((4 + header.length) / 8) * 8;
    const bytes = new ArrayBuffer(start + 16);
    new DataView(bytes).setUint32(0, header.length, true);
    new Uint8Array(bytes).set(header, 4);
    new Float32Array(bytes, start).set([1, 2, 3, 4]);
    const frame = read(bytes);
    expect([frame.id, frame.loss, [...(frame.arrays.map?.data ?? [])]]).toEqual([8, 0.5, [1, 2, 3, 4]]);
  });
});

class Socket {
  static all: Socket[] = [];
  static OPEN = 1;
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: unknown }) => void;
  onclose?: () => void;
  constructor(readonly address: string) {
    Socket.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  opened() {
    this.readyState = 1;
    this.onopen?.();
  }
  hears(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  closed() {
    this.readyState = 3;
    this.onclose?.();
  }
}

describe("the socket", () => {
  beforeEach(() => {
    vi.resetModules();
    vi.useFakeTimers();
    Socket.all = [];
    vi.stubGlobal("WebSocket", Socket);
  });

  it("answers questions, and asks again after a drop what was not answered", async () => {
    const { connect, online, question } = await import("../src/engine/socket");
    connect();
    const first = question("derive", { w: 1 });
    Socket.all[0]?.opened();
    expect(online.value).toBe("on");
    Socket.all[0]?.hears({ id: 1, answer: { loss: 16 } });
    expect(await first).toEqual({ loss: 16 });
    const second = question("derive", { w: 2 });
    Socket.all[0]?.closed();
    expect(online.value).toBe("off");
    vi.runAllTimers();
    Socket.all[1]?.opened();
    expect(Socket.all[1]?.sent).toMatchObject([{ id: 2, ask: "derive", with: { w: 2 } }]);
    Socket.all[1]?.hears({ id: 2, answer: 7 });
    expect(await second).toBe(7);
  });

  it("asks a slow engine no more at once than it takes, and nothing twice", async () => {
    const { connect, open, question } = await import("../src/engine/socket");
    connect();
    const [first] = Array.from({ length: 40 }, (_, i) => question("derive", { w: i }));
    const handle = open("playground", {}, { frame: () => {} });
    for (let i = 0; i < 40; i++) void handle.tell("speed", { speed: i });
    Socket.all[0]?.opened();
    const sent = (word: string) => Socket.all[0]!.sent.filter((message) => word in message);
    expect([sent("ask").length, sent("tell").length]).toEqual([8, 8]);
    Socket.all[0]?.hears({ id: 1, answer: 5 });
    expect(await first).toBe(5);
    for (let id = 2; id <= 40; id++) Socket.all[0]?.hears({ id, answer: 0 });
    for (let call = 1; call <= 40; call++) Socket.all[0]?.hears({ id: 41, call, answer: 0 });
    expect(sent("ask").map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(sent("tell").map(({ call }) => call)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it("rejects with the engine's sentence", async () => {
    const { connect, question, EngineError } = await import("../src/engine/socket");
    connect();
    Socket.all[0]?.opened();
    const asked = question("derive", {});
    Socket.all[0]?.hears({ id: 1, error: { kind: "input", sentence: "no w", fix: "Give one." } });
    await expect(asked).rejects.toMatchObject({ kind: "input", sentence: "no w", fix: "Give one." });
    await expect(asked).rejects.toBeInstanceOf(EngineError);
  });

  it("opens sessions again after a drop, and tells them so", async () => {
    const { open } = await import("../src/engine/socket");
    const events: string[] = [];
    const handle = open("playground", { seed: 1 }, { frame: () => {}, event: (e) => events.push(e.event) });
    Socket.all[0]?.opened();
    Socket.all[0]?.closed();
    vi.runAllTimers();
    Socket.all[1]?.opened();
    expect(events).toEqual(["dropped"]);
    expect(Socket.all[1]?.sent).toMatchObject([{ open: "playground", with: { seed: 1 }, seen: 0 }]);
    // The token of the session is the same, and nobody else's.
    expect(Socket.all[1]?.sent[0]).toEqual(Socket.all[0]?.sent[0]);
    const other = open("playground", { seed: 1 }, { frame: () => {} });
    const [mine, its] = Socket.all[1]?.sent.map((one) => one.token) as string[];
    expect(mine).toMatch(/^[0-9a-f]{32}$/);
    expect(its).not.toBe(mine);
    other.stop();
    handle.stop();
    expect(Socket.all[1]?.sent.at(-1)).toMatchObject({ stop: true });
  });

  it("says which browser it is, always the same", async () => {
    const { connect } = await import("../src/engine/socket");
    connect();
    Socket.all[0]?.closed();
    vi.runAllTimers();
    const [first, second] = Socket.all.map((one) => one.address);
    expect(first).toMatch(/engine\?learner=[0-9a-f]{32}$/);
    expect(second).toBe(first);
  });
});
