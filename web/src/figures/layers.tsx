/** The gradient of each layer of a stack, on a logarithmic scale: a river that dries up, runs steadily or floods. */
import { number, t } from "../i18n/t";
import { useWidth } from "./common";
import { finite, type Flow } from "./types";

const LOW = -12;
const HIGH = 6;
const HEIGHT = 220;
const [TOP, BOTTOM, LEFT] = [12, HEIGHT - 34, 46];

const power = (norm: number): number => Math.max(LOW, Math.min(HIGH, Math.log10(norm)));
const y = (exponent: number): number => BOTTOM - ((exponent - LOW) / (HIGH - LOW)) * (BOTTOM - TOP);

export function Layers({ flow, label }: { flow: Flow; label: string }) {
  const [frame, width] = useWidth<HTMLDivElement>(400);
  const { layers } = flow;
  const room = (width - LEFT - 8) / Math.max(1, layers.length);
  const marks = [-12, -9, -6, -3, 0, 3, 6];
  return (
    <div ref={frame} class="layers">
      <svg class="plane" dir="ltr" width={width} height={HEIGHT} role="img" aria-label={label}>
        {marks.map((exponent) => (
          <g key={exponent} class="tick-y">
            <line x1={LEFT} x2={width - 8} y1={y(exponent)} y2={y(exponent)} class={exponent === 0 ? "one" : ""} />
            <text x={LEFT - 6} y={y(exponent) + 4} text-anchor="end">
              {exponent === 0 ? "1" : "10"}
              {exponent !== 0 && (
                <tspan dy="-5" font-size="9">
                  {number(exponent)}
                </tspan>
              )}
            </text>
          </g>
        ))}
        {layers.map((layer, i) => {
          const norm = finite(layer.gradient_norm);
          const broken = !Number.isFinite(norm);
          const top = broken ? TOP : y(power(norm));
          const x = LEFT + i * room + room * 0.15;
          return (
            <g key={layer.name}>
              <rect
                class={broken ? "layer broken" : norm === 0 ? "layer none" : "layer"}
                x={x}
                y={Math.min(top, BOTTOM - 2)}
                width={room * 0.7}
                height={Math.max(2, BOTTOM - top)}
                rx={Math.min(4, room * 0.2)}
              />
              {(i === 0 || i === layers.length - 1 || (room > 26 && i % 5 === 4)) && (
                <text class="tick-x" x={x + room * 0.35} y={BOTTOM + 15} text-anchor="middle">
                  {number(i + 1)}
                </text>
              )}
            </g>
          );
        })}
        <text class="axis-name" x={LEFT} y={HEIGHT - 3} text-anchor="start">
          {t("← input")}
        </text>
        <text class="axis-name" x={width - 8} y={HEIGHT - 3} text-anchor="end">
          {t("loss →")}
        </text>
      </svg>
    </div>
  );
}

/** First layer, last layer, and how much smaller or larger the one is than the other. */
export function Ends({ flow }: { flow: Flow }) {
  const first = finite(flow.layers[0]?.gradient_norm ?? "nan");
  const last = finite(flow.layers.at(-1)?.gradient_norm ?? "nan");
  return (
    <p class="readout">
      <span>
        {t("first layer")} <strong dir="ltr">{number(first, 3)}</strong>
      </span>
      <span>
        {t("last layer")} <strong dir="ltr">{number(last, 3)}</strong>
      </span>
      <span>
        {t("first ÷ last")} <strong dir="ltr">{number(finite(flow.first_over_last), 3)}</strong>
      </span>
    </p>
  );
}

export const rowsOf = (flow: Flow): (number | string)[][] =>
  flow.layers.map((layer, i) => [
    i + 1,
    finite(layer.gradient_norm),
    finite(layer.update_ratio),
    layer.saturated,
    layer.dead,
  ]);

export const headOf = (): string[] => [
  t("layer"),
  t("gradient (norm)"),
  t("update ÷ weight"),
  t("share saturated"),
  t("share dead"),
];

export function activationName(name: string): string {
  switch (name) {
    case "linear":
      return t("none (a line)");
    case "sigmoid":
      return "sigmoid";
    case "tanh":
      return "tanh";
    case "relu":
      return "ReLU";
    case "leaky_relu":
      return t("leaky ReLU");
    default:
      return "GELU";
  }
}
