/** Text from a cluster, shown on a terminal: it moves no cursor and sets no colour, whoever wrote it. */

/** As kubectl writes it: https://github.com/kubernetes/cli-runtime/blob/master/pkg/printers/terminal.go */
export const escaped = (text: string) => text.replaceAll('\u001b', '^[').replaceAll('\r', String.raw`\r`);
