/** The same as the pictures, as tables: points with what the network says of them, layers, weights. */
import { useSignal } from "@preact/signals";
import { number, t } from "../i18n/t";
import type { Playground } from "./model";
import { nameOf } from "./Net";
import { placeOf } from "./types";

const MOST = 60;

export function Tables({ ground, side }: { ground: Playground; side: number }) {
  const open = useSignal(false);
  return (
    <details
      class="pg-tables"
      onToggle={(event) => (open.value = event.currentTarget.open)}
      data-testid={`tables-${side}`}
    >
      <summary>{t("The same as tables")}</summary>
      {open.value && <Inside ground={ground} side={side} />}
    </details>
  );
}

function Inside({ ground, side }: { ground: Playground; side: number }) {
  // While it trains the tables stand still, so that they can be read.
  const now = ground.playing.value ? ground.slow.peek()[side] : ground.slow.value[side];
  const scene = ground.scenes.value[side];
  if (!now || !scene) return null;
  const tests = [...scene.held.keys()].filter((i) => scene.held[i]).slice(0, MOST);
  const parameters: { name: string; at: number }[] = [];
  for (let layer = 1; layer < scene.sizes.length; layer++) {
    for (let unit = 0; unit < (scene.sizes[layer] ?? 0); unit++) {
      for (const from of ["bias" as const, ...Array(scene.sizes[layer - 1]).keys()]) {
        parameters.push({
          name: nameOf({ side, layer, unit, from }, scene),
          at: placeOf(scene.sizes, layer, unit, from),
        });
      }
    }
  }
  return (
    <div class="pg-inside">
      <div class="wide" tabIndex={0} role="group" aria-label={t("Test points")}>
        <table>
          <caption>{t("Test points, and what the network gives for them (from −1 to 1)")}</caption>
          <thead>
            <tr>
              <th class="n">x</th>
              <th class="n">y</th>
              <th class="n">{t("wanted")}</th>
              <th class="n">{t("given")}</th>
              {!scene.quantity && <th>{t("right?")}</th>}
            </tr>
          </thead>
          <tbody>
            {tests.map((i) => {
              const [target, given] = [scene.points[3 * i + 2] ?? 0, now.outputs[i] ?? 0];
              return (
                <tr key={i}>
                  <td class="n ltr">{number(scene.points[3 * i] ?? 0, 3)}</td>
                  <td class="n ltr">{number(scene.points[3 * i + 1] ?? 0, 3)}</td>
                  <td class="n ltr">{number(target, 3)}</td>
                  <td class="n ltr">{number(given, 3)}</td>
                  {!scene.quantity && <td>{given > 0 === target > 0 ? t("yes") : t("no")}</td>}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <div class="wide" tabIndex={0} role="group" aria-label={t("Weights and their gradients")}>
        <table>
          <caption>{t("Weights and biases, with their gradients")}</caption>
          <thead>
            <tr>
              <th>{t("Name")}</th>
              <th class="n">{t("value")}</th>
              <th class="n">{t("gradient")}</th>
            </tr>
          </thead>
          <tbody>
            {parameters.slice(0, 4 * MOST).map(({ name, at }) => (
              <tr key={at}>
                <td>{name}</td>
                <td class="n ltr">{number(now.weights[at] ?? 0, 4)}</td>
                <td class="n ltr">{number(now.gradients[at] ?? 0, 3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
