/** The blocks of a text, one after another. */
import { Figure } from "../figures/figure";
import { runFigure } from "../figures/data";
import { t } from "../i18n/t";
import { Check } from "./check";
import { Html } from "./html";
import { Predict } from "./predict";
import type { Block, DocumentName } from "./prose";
import { Think } from "./think";

interface Props {
  blocks: readonly Block[];
  document: DocumentName;
  section: string;
}

export function Blocks({ blocks, document, section }: Props) {
  return (
    <>
      {blocks.map((block, i) => (
        <One key={`${section} ${i}`} block={block} document={document} section={section} />
      ))}
    </>
  );
}

function One({ block, document, section }: { block: Block; document: DocumentName; section: string }) {
  switch (block.kind) {
    case "text":
      return <Html class="text" html={block.html} />;
    case "figure":
      return <Figure name={block.name} caption={block.html} document={document} section={section} />;
    case "run":
      return <Figure name={runFigure(block.name)} caption={block.html} document={document} section={section} />;
    case "check":
      return <Check {...block} />;
    case "think":
      return <Think {...block} />;
    case "predict":
      return <Predict {...block} />;
    case "takeaways":
      return <Html class="takeaways" html={block.html} />;
    case "aside":
      return <Html class="aside" html={block.html} />;
    case "further":
      return (
        <section class="further" aria-label={t("Further reading")}>
          <h3>{t("Further reading")}</h3>
          <Html html={block.html} />
        </section>
      );
    case "notes":
      return null;
  }
}
