/** Between the slides and the presenter's window: which slide is shown. Nothing leaves the browser. */
export interface Word {
  at?: number;
  /** The presenter's window asks where the slides are. */
  hello?: boolean;
}

export function channel(hear: (word: Word) => void): { tell(word: Word): void; close(): void } {
  const opened = new BroadcastChannel("upriver-slides");
  opened.onmessage = ({ data }: MessageEvent<Word>) => hear(data);
  return { tell: (word) => opened.postMessage(word), close: () => opened.close() };
}
