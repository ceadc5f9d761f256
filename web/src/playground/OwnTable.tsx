/** A table of the learner's own: pasted or from a file, read by the engine; which columns are what. */
import { useSignal } from "@preact/signals";
import { t } from "../i18n/t";
import { Choice } from "../ui/Choice";
import type { Playground } from "./model";
import type { Config } from "./types";

const MOST = 400_000; // characters

export function OwnTable({ ground, config }: { ground: Playground; config: Config }) {
  const text = useSignal(config.table.text ?? "");
  const large = useSignal(false);
  const about = ground.scenes.value[0]?.about ?? {};
  const set = (more: Record<string, string>) => ground.change(0, { table: { ...config.table, ...more } });
  const take = (given: string) => {
    large.value = given.length > MOST;
    text.value = large.value ? "" : given;
    if (!large.value && given.trim()) ground.change(0, { table: { text: given } });
  };
  const read = (file: File | undefined) => {
    if (!file) return;
    if (file.size > 4 * MOST) large.value = true;
    else void file.text().then(take);
  };
  const column = (names: readonly string[] | undefined) => (names ?? []).map((name) => ({ value: name, label: name }));
  return (
    <div
      class="pg-table"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        read(event.dataTransfer?.files[0]);
      }}
    >
      <label class="field">
        <span>{t("A table as text: the first line names the columns (CSV)")}</span>
        <textarea
          class="code ltr"
          rows={5}
          value={text.value}
          placeholder={"length,width,kind\n5.1,3.5,apple\n4.9,3.0,pear"}
          data-testid="table"
          onChange={(event) => take(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>{t("or a file from this computer, which stays on it")}</span>
        <input
          type="file"
          accept=".csv,.tsv,.txt,text/csv"
          onChange={(event) => read(event.currentTarget.files?.[0])}
        />
      </label>
      {large.value && <p role="alert">{t("That is too long: at most {n} characters are read.", { n: MOST })}</p>}
      {about.columns && (
        <div class="pg-choices">
          <Choice
            label={t("To be told")}
            value={about.target ?? ""}
            options={column(about.columns)}
            onChange={(target) => set({ target, yes: "", x: "", y: "" })}
          />
          <Choice
            label={t("Across")}
            value={about.x ?? ""}
            options={column(about.numbers)}
            onChange={(x) => set({ x })}
          />
          <Choice
            label={t("Upwards")}
            value={about.y ?? ""}
            options={column(about.numbers)}
            onChange={(y) => set({ y })}
          />
          {about.values && about.values.length > 0 && (
            <Choice
              label={t("Class 1 is")}
              value={about.yes ?? ""}
              options={column(about.values)}
              onChange={(yes) => set({ yes })}
            />
          )}
        </div>
      )}
    </div>
  );
}
