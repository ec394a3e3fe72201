/** Which of the packs of a repository a check reads. */

const GiB = 1024 ** 3;
/** Checks in which all are read, one a day. */
const fewest = 30;
/** Of a larger repository no check reads more than so many bytes, while its Pod has time enough and others wait for their turn. */
const mostBytes = 50 * GiB;
/** restic tells shares apart by the first byte of the names of packs. */
const most = 256;

/** As restic takes it, N/T, for the how many-eth check of a repository with so many bytes. https://restic.readthedocs.io/en/stable/045_working_with_repos.html#checking-integrity-and-consistency */
export function shareOf(times: number, bytes: number): string {
  const shares = Math.min(most, Math.max(fewest, Math.ceil(bytes / mostBytes)));
  return `${((times - 1) % shares) + 1}/${shares}`;
}
