/** Whether rules are needed: a check that finds as much without one does not need it. */
interface Rule {
  says: string;
}

/**
 * Takes each rule out of each list once.
 * @param lists the rules of each kind, as the check of that kind runs over them.
 * @param broken how many of a rule's cases break as they shall, of that kind.
 * @returns the rules without which as many break, and those that break nowhere. What cannot break in one kind does in another.
 */
export function needless<K>(
  lists: ReadonlyMap<K, readonly Rule[]>,
  broken: (kind: K, says: string) => number,
): string[] {
  const found: string[] = [];
  const shown = new Set<string>();
  for (const [kind, rules] of lists) {
    const list = rules as Rule[];
    for (const [i, rule] of [...list].entries()) {
      const before = broken(kind, rule.says);
      if (before === 0) continue;
      shown.add(rule.says);
      list.splice(i, 1);
      try {
        if (broken(kind, rule.says) === before) found.push(`${String(kind)}: ${rule.says}`);
      } finally {
        list.splice(i, 0, rule);
      }
    }
  }
  const all = [...lists.values()].flat().map((rule) => rule.says);
  return [...found, ...new Set(all.filter((says) => !shown.has(says)))];
}
