/** Values as columns show them. */

/** Bytes as `17B`, `1.2KiB`, `35MiB`. */
export function humanSize(bytes: number | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const number = bytes / 1024 ** power;
  return `${power === 0 || number >= 10 ? Math.round(number) : number.toFixed(1)}${units[power]}`;
}
