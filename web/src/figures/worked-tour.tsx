/**
 * The first minute: the loss is there, Step lights the way forward and back, the last number is hidden and asked for,
 * then w is nudged and the gradient turns out to have been right.
 */
import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import type { Content } from "../engine/types";
import { GraphView } from "../graph/GraphView";
import { number, t } from "../i18n/t";
import { Guess } from "../lesson/predict";
import { progress } from "../progress/store";
import { walkKeys } from "../walk/keys";
import { StepSentence } from "../walk/StepSentence";
import { Answered, useWalk } from "./common";
import { useAnswer } from "./answer";
import { labLink, request } from "./data";
import { GridSlider } from "./grid-slider";
import { Compared } from "./nudged";
import { value, type Nudged } from "./types";

/** What is learnt about, and the frames at which the parts of the tour begin. */
const NAME = "w";

const PYTHON = `import upriver as ur
w, x, y = ur.tensor(2.0, requires_grad=True), ur.tensor(3.0), ur.tensor(10.0)
loss = (w * x - y) ** 2
print(ur.explain(loss, wrt=w))`;

type Stage = "look" | "forward" | "backward" | "guess" | "nudge";

export function Tour({ content }: { content: ReadonlySignal<Content> }) {
  const frames = content.value.trace.frames;
  const seed = frames.findIndex((frame) => frame.phase === "seed");
  const last = frames.length - 1;
  // The frame in which the hidden gradient arrives: the last one before the result.
  const asked = last - 1;
  const walk = useWalk(content, { at: seed - 1 });
  const began = useSignal(false);
  const knows = useSignal(false);
  const step = useRef<HTMLButtonElement>(null);
  const guess = useRef<HTMLDivElement>(null);
  const held = useRef(false);
  const stage = useComputed<Stage>(() => {
    if (!began.value) return "look";
    const at = walk.at.value;
    if (at < seed) return "forward";
    if (at < asked) return "backward";
    return knows.value ? "nudge" : "guess";
  });
  const hide = () => (walk.hidden.value = new Set([`g:${NAME}`]));
  const reveal = () => {
    held.current = guess.current?.contains(document.activeElement) ?? false;
    knows.value = true;
    walk.hidden.value = new Set();
    walk.go(last);
  };
  // What was pressed is gone with it; the keyboard goes on with what comes next.
  useLayoutEffect(() => {
    if (held.current) guess.current?.querySelector("input")?.focus({ preventScroll: true });
    held.current = false;
  }, [knows.value]);
  const forward = () => {
    if (!began.value) {
      began.value = true;
      walk.go(1);
    } else if (stage.value === "guess") {
      guess.current?.querySelector("button")?.focus();
    } else {
      if (walk.at.value + 1 >= asked && !knows.value) {
        hide();
        announce(t("What is dL/dw?"));
      }
      walk.forward();
    }
  };
  const back = () => {
    if (walk.at.value <= 1) began.value = false;
    walk.back();
  };
  const again = () => {
    knows.value = false;
    began.value = false;
    walk.hidden.value = new Set();
    walk.go(seed - 1);
    step.current?.focus();
  };
  const keys = walkKeys({ ...walk, forward, back });
  const now = stage.value;
  return (
    <div class="tour" data-stage={now} role="group" aria-label={t("The first example, step by step")} onKeyDown={keys}>
      <p class="tour-question">
        {t("Why is the loss {loss}, and what should {name} do about it?", {
          loss: number(value(content.value, "L")),
          name: NAME,
        })}
      </p>
      <GraphView content={content} walk={walk} compact label={t("L = (w·x − y)², as a graph")} />
      <StepSentence walk={walk} />
      <div class="row tour-steps">
        <button onClick={back} aria-disabled={now === "look"} disabled={now === "look"}>
          {t("verb|Back")}
        </button>
        <button
          ref={step}
          class="main big"
          data-testid="step"
          aria-disabled={now === "guess" || walk.at.value >= last}
          onClick={() => walk.at.value < last && forward()}
        >
          {t("verb|Step")}
        </button>
        <button class="quiet" onClick={again} disabled={now === "look"}>
          {t("verb|Start again")}
        </button>
        <Stages now={now} />
      </div>
      <div class="tour-panel" ref={guess}>
        {now === "look" && <p>{t("Press Step. First the numbers go forward, box by box.")}</p>}
        {now === "forward" && <p>{t("Forward: each box needs only the boxes before it.")}</p>}
        {now === "backward" && <p>{t("Backward: what arrives from the loss, times the box’s own derivative.")}</p>}
        {now === "guess" && (
          <>
            <p class="tour-ask">
              <strong>{t("What is dL/dw?")}</strong>
            </p>
            <Guess name="worked-dw" onRight={reveal} />
            <button class="quiet" onClick={reveal}>
              {t("Show me")}
            </button>
          </>
        )}
        {now === "nudge" && <NudgeIt />}
      </div>
      {(now === "nudge" || progress.value.answers["predict worked-dw"]?.right) && <Doors content={content} />}
    </div>
  );
}

function Stages({ now }: { now: Stage }) {
  const order: Stage[] = ["forward", "backward", "guess", "nudge"];
  const names: Record<string, string> = {
    forward: t("stage|Forward"),
    backward: t("stage|Backward"),
    guess: t("stage|Guess"),
    nudge: t("stage|Nudge"),
  };
  const at = order.indexOf(now);
  return (
    <ol class="stages" aria-label={t("The parts of this tour")}>
      {order.map((one, i) => (
        <li key={one} aria-current={one === now ? "step" : undefined} data-past={i < at}>
          {names[one]}
        </li>
      ))}
    </ol>
  );
}

/** Move w and see what the loss does. */
function NudgeIt() {
  const by = useSignal(0);
  const answer = useAnswer<Nudged>(by.value ? request("worked", 1, { by: by.value }) : null);
  const start = Number((request("worked", 1).with["values"] as Record<string, number>)[NAME]);
  return (
    <div class="nudge-it">
      <GridSlider
        figure="worked"
        index={1}
        path="by"
        fine={0.01}
        rest={0}
        label={t("Nudge it: drag {name}", { name: NAME })}
        shown={`${NAME} = ${number(start + by.value, 5)}`}
        value={by.value}
        onInput={(value) => (by.value = value)}
      />
      {by.value ? (
        <Answered answer={answer}>{(nudged) => <Compared nudged={nudged.value} />}</Answered>
      ) : (
        <Compared nudged={null} />
      )}
    </div>
  );
}

function Doors({ content }: { content: ReadonlySignal<Content> }) {
  return (
    <nav class="doors" aria-label={t("Where to go from here")}>
      <a class="door" href="#/learn/forward">
        <strong>{t("Keep learning")}</strong>
        <span>{t("The whole story, in about a quarter of an hour")}</span>
      </a>
      <a class="door" href="#/playground">
        <strong>{t("Train a network")}</strong>
        <span>{t("And watch its gradients as it learns")}</span>
      </a>
      <a
        class="door"
        href={labLink(content.value.source ?? "", request("worked", 0).with["values"] as Record<string, number>)}
      >
        <strong>{t("Explain my own code")}</strong>
        <span>{t("Type an expression, open any number in it")}</span>
      </a>
      <details class="with-python">
        <summary>{t("The same in Python")}</summary>
        <pre dir="ltr">
          <code>{PYTHON}</code>
        </pre>
      </details>
    </nav>
  );
}
