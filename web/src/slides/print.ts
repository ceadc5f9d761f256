/** Printing waits until every figure has been fetched and has its numbers. */
const PATIENCE = 20_000;

export async function printWhole(stage: HTMLElement | null): Promise<void> {
  const until = Date.now() + PATIENCE;
  const unfinished = () => stage?.querySelector('[data-ready="false"], .figure .waiting');
  do await new Promise((done) => setTimeout(done, 100));
  while (unfinished() && Date.now() < until);
  window.print();
}
