/** The worked example. On the first screen a tour: forward, backward, guess, nudge; in its section the whole walk. */
import type { FigureProps } from "./figure";
import type { Content } from "../engine/types";
import { useAnswer } from "./answer";
import { Answered } from "./common";
import { request } from "./data";
import { Again } from "./worked-again";
import { Tour } from "./worked-tour";
import "./worked.css";

export default function Worked({ section, document }: FigureProps) {
  const answer = useAnswer<Content>(request("worked", 0));
  const first = document === "lesson" && section === "";
  return (
    <Answered answer={answer}>
      {(content) => (first ? <Tour content={content} /> : <Again content={content} />)}
    </Answered>
  );
}
