/**
 * The one socket to the engine: questions with their answers, sessions with their frames (docs/web.md).
 * It connects again by itself; what was asked meanwhile is asked again, and sessions go on where they were.
 */
import { signal } from "@preact/signals";
import { keep, kept } from "../app/keep";
import { language, type Message } from "../i18n/t";
import { read, type Frame } from "./frame";

export type { Frame } from "./frame";

export class EngineError extends Error {
  constructor(
    readonly kind: "input" | "busy" | "limit" | "lost" | "internal",
    readonly sentence: string,
    readonly fix: string | null = null,
    readonly said: Message | null = null,
  ) {
    super(sentence);
  }
}

export interface Listener {
  frame(frame: Frame): void;
  event?(event: { event: string; [more: string]: unknown }): void;
  error?(error: EngineError): void;
}

/** Whether the engine can be asked: a static site has only what was recorded. */
export const online = signal<"connecting" | "on" | "off" | "recorded">("connecting");

interface Pending {
  message: object;
  sent: boolean;
  done(answer: unknown): void;
  failed(error: EngineError): void;
}

const pending = new Map<string, Pending>();
/** `opening` is sent again with each socket: its token, which only this tab knows, stands for the session as it was left. */
const sessions = new Map<number, { opening: object; on: Listener }>();
let socket: WebSocket | undefined;
let last = 0;
let tries = 0;

const LONGEST_WAIT = 5000;
/** So many questions of the page, or messages to one session, are on their way at once; the server takes twice that. */
const ROOM = 8;
const LARGEST = 8 * 2 ** 20; // bytes of a message that the server reads (limits.py)
const random = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The tabs of one browser have their turns as one learner. */
function learner(): string {
  const known = kept<unknown>("learner");
  if (typeof known === "string" && /^[0-9a-f]{32}$/.test(known)) return known;
  const made = random();
  keep("learner", made);
  return made;
}

function address(): string {
  const url = new URL(`engine?learner=${learner()}`, document.baseURI.split("#")[0]);
  return url.href.replace(/^http/, "ws");
}

/** Open the socket, and keep it open. */
export function connect(): void {
  if (socket) return;
  const opened = new WebSocket(address());
  opened.binaryType = "arraybuffer";
  socket = opened;
  opened.onopen = () => {
    tries = 0;
    online.value = "on";
    for (const { opening } of sessions.values()) send(opening);
    for (const one of pending.values()) one.sent = false;
    sendNext();
  };
  opened.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== "string") {
      const frame = read(data);
      sessions.get(frame.id)?.on.frame(frame);
      // Told once it is drawn: a tab that is slow, or that nobody sees, is sent no more than it draws.
      requestAnimationFrame(() => socket === opened && send({ id: frame.id, seen: frame.frame }));
    } else hear(JSON.parse(data) as Heard);
  };
  opened.onclose = () => {
    socket = undefined;
    online.value = "off";
    tries += 1;
    for (const { on } of sessions.values()) on.event?.({ event: "dropped" });
    setTimeout(connect, Math.min(LONGEST_WAIT, 200 * 2 ** Math.min(tries, 6)));
  };
}

interface Heard {
  id: number;
  call?: number;
  answer?: unknown;
  error?: { kind: EngineError["kind"]; sentence: string; fix?: string | null; message?: Message };
  event?: string;
}

function hear(heard: Heard): void {
  const key = heard.call === undefined ? `${heard.id}` : `${heard.id}/${heard.call}`;
  const asked = pending.get(key);
  const session = sessions.get(heard.id);
  if (heard.event !== undefined) session?.on.event?.({ ...heard, event: heard.event });
  else if (heard.error) {
    const error = new EngineError(heard.error.kind, heard.error.sentence, heard.error.fix, heard.error.message);
    answered(key);
    if (asked) asked.failed(error);
    else session?.on.error?.(error);
  } else if (asked) {
    answered(key);
    asked.done(heard.answer);
  }
}

function answered(key: string): void {
  pending.delete(key);
  sendNext();
}

/** Send what waits, in the order in which it was asked, where there is room: a slow engine is not asked all at once. */
function sendNext(): void {
  const busy = new Map<string, number>();
  for (const [key, one] of pending) {
    const [session] = key.includes("/") ? key.split("/") : [""];
    const before = busy.get(session!) ?? 0;
    busy.set(session!, before + 1);
    if (one.sent || before >= ROOM) continue;
    one.sent = true;
    send(one.message);
  }
}

function send(message: object): void {
  if (socket?.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ ...message, language: language.value.code }));
  }
}

/** Sent, it would cost the connection, and be sent again with the next one. */
function tooLarge(message: object): boolean {
  const text = JSON.stringify(message);
  return text.length > LARGEST / 4 && new TextEncoder().encode(text).length > LARGEST - 100;
}

function request<T>(key: string, message: object): Promise<T> {
  return new Promise((done, failed) => {
    if (tooLarge(message)) {
      const args = { megabytes: LARGEST / 2 ** 20 };
      const text = "This is larger than {megabytes} MB, the most that can be sent.";
      failed(new EngineError("limit", text.replace("{megabytes}", String(args.megabytes)), null, { text, args }));
      return;
    }
    pending.set(key, { message, sent: false, done: done as (answer: unknown) => void, failed });
    sendNext();
  });
}

/** Ask the engine something that it answers once. */
export function question<T>(name: string, given: object): Promise<T> {
  last += 1;
  return request<T>(`${last}`, { id: last, ask: name, with: given });
}

export interface SessionHandle {
  tell<T>(what: string, given?: object): Promise<T>;
  stop(): void;
}

/** Begin something that runs in the engine and sends frames until it is stopped. */
export function open(name: string, given: object, on: Listener): SessionHandle {
  connect();
  last += 1;
  const id = last;
  let calls = 0;
  const opening = { id, open: name, with: given, token: random(), seen: 0 };
  sessions.set(id, { opening, on });
  send(opening);
  return {
    tell<T>(what: string, more: object = {}): Promise<T> {
      calls += 1;
      return request<T>(`${id}/${calls}`, { id, tell: what, with: more, call: calls });
    },
    stop() {
      sessions.delete(id);
      for (const key of pending.keys()) if (key.startsWith(`${id}/`)) pending.delete(key);
      send({ id, stop: true });
    },
  };
}
