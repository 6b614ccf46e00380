// filters.js - filters as texts, as the API and the command line have them. Several
// values of a key are alternatives: modality=CT|MR. A value that has a bar, two dots, a
// quote, or blanks at its ends stands in quotes, a quote in it twice.

const quoted = (value) =>
  /[|"]|\.\.|^\s|\s$/.test(value) || value === "" ? `"${value.replaceAll('"', '""')}"` : value;

export const filterOf = (key, values) => `${key}=${values.map(quoted).join("|")}`;

/** [key, [values]] of what filterOf() gave; null for filters of another kind, which are
 * shown as they are. */
export function choiceOf(filter) {
  const m = /^([^=<>!~]+)=(.*)$/s.exec(filter);
  if (!m) return null;
  const values = [];
  const value = /\s*(?:"((?:[^"]|"")*)"|([^|]*?))\s*(\||$)/sy;
  for (;;) {
    const v = value.exec(m[2]);
    if (!v) return null;
    if (v[1] === undefined && v[2].includes("..")) return null; // a range
    values.push(v[1]?.replaceAll('""', '"') ?? v[2]);
    if (v[3] === "") return [m[1], values];
  }
}
