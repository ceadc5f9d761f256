/** Losses and gradient norms over the steps so far: thinned out as it grows, so that it stays small. */
import type { Now } from "./types";

const MOST = 1200;

export interface History {
  readonly steps: readonly number[];
  readonly train: readonly number[];
  readonly test: readonly number[];
  /** By layer. */
  readonly norms: readonly (readonly number[])[];
  /** Itself with one more moment: a new object around the same lists. */
  add(now: Pick<Now, "step" | "train" | "test" | "norms">): History;
}

export function createHistory(): History {
  const steps: number[] = [];
  const train: number[] = [];
  const test: number[] = [];
  const norms: number[][] = [];
  let every = 1; // steps between two moments that are kept

  const thin = (list: number[]) => {
    for (let i = 1; 2 * i < list.length; i++) list[i] = list[2 * i] as number;
    list.length = Math.ceil(list.length / 2);
  };
  function clear(): void {
    steps.length = train.length = test.length = norms.length = 0;
    every = 1;
  }
  function add(now: Pick<Now, "step" | "train" | "test" | "norms">): History {
    if (now.step === 0) clear();
    while (steps.length > 0 && (steps.at(-1) as number) > now.step) pop(); // it goes on from an earlier step
    const last = steps.at(-1);
    if (last !== undefined && now.step === last) pop();
    else if (last !== undefined && steps.length > 1 && last - (steps.at(-2) as number) < every) pop();
    steps.push(now.step);
    train.push(now.train);
    test.push(now.test);
    now.norms.forEach((norm, i) => (norms[i] ??= []).push(norm));
    if (steps.length > MOST) {
      [steps, train, test, ...norms].forEach(thin);
      every = Math.max(1, ((steps.at(-1) as number) - (steps[0] as number)) / steps.length);
    }
    return view();
  }
  function pop(): void {
    [steps, train, test, ...norms].forEach((list) => list.pop());
  }
  const view = (): History => ({ steps, train, test, norms, add });
  return view();
}
