/** A small sign for each set of points: a drawing, not data. */
const C = (x: number, y: number) => <circle cx={x} cy={y} r="2.1" class="p" />;
const S = (x: number, y: number) => <rect x={x - 1.9} y={y - 1.9} width="3.8" height="3.8" class="m" />;
const ring = (n: number, r: number) =>
  Array.from(
    { length: n },
    (_, i) => [20 + r * Math.cos((i / n) * 6.283), 20 + r * Math.sin((i / n) * 6.283)] as const,
  );

const arm = (turn: number) =>
  Array.from({ length: 9 }, (_, i) => {
    const r = 2 + 1.75 * i;
    const angle = i * 0.62 + turn;
    return [20 + r * Math.cos(angle), 20 + r * Math.sin(angle)] as const;
  });
const half = (up: boolean) =>
  Array.from({ length: 7 }, (_, i) => {
    const angle = (i / 6) * 3.1416;
    return up
      ? ([15 + 11 * Math.cos(angle), 23 - 11 * Math.sin(angle)] as const)
      : ([25 + 11 * Math.cos(angle), 17 + 11 * Math.sin(angle)] as const);
  });
const corner = [
  [0, 0],
  [4, 3],
  [-3, 4],
  [3, -4],
  [-4, -3],
] as const;
const crowd = (x: number, y: number) => corner.map(([a, b]) => [x + a, y + b] as const);

type Places = readonly (readonly [number, number])[];
const PICTURES: Record<string, { p: Places; m: Places }> = {
  circle: { p: [[20, 20], ...ring(6, 6)], m: ring(14, 15) },
  xor: { p: [...crowd(11, 11), ...crowd(29, 29)], m: [...crowd(29, 11), ...crowd(11, 29)] },
  clouds: { p: crowd(28, 12), m: crowd(12, 28) },
  spiral: { p: arm(0), m: arm(3.14) },
  moons: { p: half(true), m: half(false) },
};

export function Thumb({ of }: { of: string }) {
  const known = PICTURES[of];
  return (
    <svg class="pg-thumb" viewBox="0 0 40 40" aria-hidden="true">
      {known?.p.map(([x, y]) => C(x, y))}
      {known?.m.map(([x, y]) => S(x, y))}
      {of === "plane" && (
        <>
          <path class="m" d="M4 36V18L22 36z" />
          <path class="p" d="M36 4v18L18 4z" />
          <path class="line" d="M6 6l28 28" />
        </>
      )}
      {of === "hills" && (
        <>
          {[0, 2, 4].map((i) => (
            <circle key={i} class="p" cx={20 + 12 * Math.sin(i * 1.047)} cy={20 - 12 * Math.cos(i * 1.047)} r="5" />
          ))}
          {[1, 3, 5].map((i) => (
            <circle key={i} class="m" cx={20 + 12 * Math.sin(i * 1.047)} cy={20 - 12 * Math.cos(i * 1.047)} r="5" />
          ))}
        </>
      )}
      {of === "drawn" && (
        <>
          <path class="line" d="M8 32l2-8L26 8l6 6-16 16z" />
          {C(31, 30)}
          {S(10, 10)}
        </>
      )}
      {of === "table" && <path class="line" d="M5 8h30v24H5zM5 16h30M5 24h30M15 8v24M25 8v24" />}
    </svg>
  );
}
