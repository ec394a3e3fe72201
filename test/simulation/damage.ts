/** What happens to an index while no process has it open. */
import type { IndexLoss } from './actions.ts';
import type { Disk } from './disk.ts';

import type { Random } from './random.ts';

export function damageIndex(disk: Disk, how: IndexLoss, amount: number, random: Random): void {
  switch (how) {
    case 'lost':
      return disk.clear();
    case 'power':
      return disk.losePower(amount);
    case 'torn':
      return disk.tear(() => random.chance(amount / 10));
    case 'foreign':
      return disk.replace(disk.entries.map(([key, value]) => [key, key === 'm' ? value.replace(/"store":"./, '"store":"-') : value]));
    case 'damaged':
      disk.generation++;
      disk.isDamaged = true;
  }
}
