/** How far something is: a bar that moves where a person looks on, a line for each change otherwise. On standard error. */
import type { Shell } from '../shell.ts';

export interface Progress {
  show(state: State): void;
  /** Takes the bar away. */
  clear(): void;
}

export interface State {
  readonly label: string;
  readonly done: number;
  /** 0 where it is not known. */
  readonly total: number;
  readonly unit: string;
}

const widestBar = 40;
/** Of what stands beside the bar. */
const roomForText = 50;

export function progressOf(shell: Pick<Shell, 'isInteractive' | 'columns' | 'tell' | 'redraw'>): Progress {
  if (shell.isInteractive) return { show: (state) => shell.redraw(barOf(state, shell.columns)), clear: () => shell.redraw('') };
  let last = '';
  return {
    show(state) {
      const line = textOf(state);
      if (line !== last) shell.tell(line);
      last = line;
    },
    clear: () => {},
  };
}

export function barOf(state: State, columns: number): string {
  const width = Math.min(widestBar, columns - roomForText);
  if (width < 1 || state.total <= 0) return textOf(state);
  const filled = Math.round(width * Math.min(1, state.done / state.total));
  return `[${'='.repeat(filled)}${' '.repeat(width - filled)}] ${textOf(state)}`;
}

function textOf({ label, done, total, unit }: State): string {
  if (total > 0) return `${label}: ${done} of ${total} ${unit}`;
  return done > 0 ? `${label}: ${done} ${unit}` : label;
}
