/** Where the page in one file begins: what is in it is read, and drawn by the pages' own components. */
import { signal } from "@preact/signals";
import { render } from "preact";
import "../app/theme.css";
import "../app/shell.css";
import "../ui/ui.css";
import { adopt } from "../i18n/t";
import { createWalk } from "../walk/walk";
import { embedded } from "./embedded";
import { Page } from "./Page";

void embedded().then(({ language, catalogue, ...content }) => {
  adopt(language, catalogue);
  const walk = createWalk(signal(content), { at: "end" });
  render(<Page title={content.title} walk={walk} />, document.getElementById("app") as HTMLElement);
  document.documentElement.dataset.ready = "1";
});
