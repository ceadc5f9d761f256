/** HTML that the build made from our own Markdown: no script, no style, nothing of the reader's. */
import type { HTMLAttributes } from "preact";

interface Props extends Omit<HTMLAttributes<HTMLDivElement>, "dangerouslySetInnerHTML"> {
  html: string;
}

export const Html = ({ html, ...rest }: Props) => <div {...rest} dangerouslySetInnerHTML={{ __html: html }} />;

export const Inline = ({ html }: { html: string }) => <span dangerouslySetInnerHTML={{ __html: html }} />;
