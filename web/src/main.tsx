/** Where it begins: the reader's language first, so that nothing is shown twice. */
import { render } from "preact";
import { Shell } from "./app/shell";
import "./app/theme.css";
import "./app/shell.css";
import "./ui/ui.css";
import { find } from "./engine/engine";
import { start } from "./i18n/t";

find();
void start().then(() => render(<Shell />, document.getElementById("app") as HTMLElement));
