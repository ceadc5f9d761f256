/** A figure in its frame: fetched when it comes near, at a height that was kept for it, with its caption. */
import { useSignal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect, useErrorBoundary, useRef } from "preact/hooks";
import { t } from "../i18n/t";
import type { DocumentName } from "../lesson/prose";
import { Problem } from "../ui/Problem";
import "./figures.css";

/** Where a figure stands: the same one may show something else on a slide. */
export interface FigureProps {
  document: DocumentName;
  section: string;
}

type Loader = () => Promise<{ default: FunctionComponent<FigureProps> }>;

const FIGURES: Record<string, Loader> = {
  accumulate: () => import("./accumulate"),
  activations: () => import("./activations"),
  cake: () => import("./cake"),
  chain: () => import("./chain"),
  flow: () => import("./flow"),
  forward: () => import("./forward"),
  loss: () => import("./loss"),
  neuron: () => import("./neuron"),
  nudge: () => import("./nudge"),
  paths: () => import("./paths"),
  remedies: () => import("./remedies"),
  river: () => import("./river"),
  update: () => import("./update"),
  worked: () => import("./worked"),
};

/** How far outside the window a figure begins to load. */
const NEAR = "900px";

interface Props extends FigureProps {
  name: string;
  caption: string;
  eager?: boolean;
}

export function Figure({ name, caption, document, section, eager = false }: Props) {
  const frame = useRef<HTMLElement>(null);
  const shown = useSignal<FunctionComponent<FigureProps> | null>(null);
  const failed = useSignal(false);
  const tries = useSignal(0);
  const [broken] = useErrorBoundary();
  useEffect(() => {
    let gone = false;
    const fetch = () => {
      observer.disconnect();
      if (shown.peek()) return;
      FIGURES[name]?.().then(
        (module) => {
          if (!gone) shown.value = module.default;
        },
        () => {
          if (!gone) failed.value = true;
        },
      );
    };
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && fetch(), { rootMargin: NEAR });
    if (eager) fetch();
    else if (frame.current) observer.observe(frame.current);
    // What is printed is printed whole.
    addEventListener("beforeprint", fetch);
    return () => {
      gone = true;
      observer.disconnect();
      removeEventListener("beforeprint", fetch);
    };
  }, [name, tries.value, eager]);
  const Body = shown.value;
  return (
    <figure class={`figure figure-${name}`} ref={frame} data-figure={name} data-ready={Body !== null}>
      <div class="figure-body">
        {Body && !broken && <Body document={document} section={section} />}
        {(broken || failed.value) && (
          <>
            <Problem sentence={t("This figure could not be shown.")} />
            {failed.value && (
              <button
                onClick={() => {
                  failed.value = false;
                  tries.value += 1;
                }}
              >
                {t("Try again")}
              </button>
            )}
          </>
        )}
      </div>
      {caption && <figcaption dangerouslySetInnerHTML={{ __html: caption }} />}
    </figure>
  );
}
