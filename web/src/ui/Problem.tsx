/** Something that went wrong, in a sentence, with what to do about it. */
import type { EngineError } from "../engine/engine";
import { say } from "../i18n/t";

export function Problem({ sentence, fix }: { sentence: string; fix?: string | null }) {
  return (
    <div class="problem" role="alert">
      <p>{sentence}</p>
      {fix && <p class="soft">{fix}</p>}
    </div>
  );
}

/** What the engine could not do. */
export const Failed = ({ error }: { error: EngineError }) => (
  <Problem sentence={error.said ? say(error.said) : error.sentence} fix={error.fix} />
);
