/** How large a volume has to be at least that holds so many bytes of files, as a quantity. */
export const inMebibytes = (bytes: number) => `${Math.max(1, Math.ceil(bytes / 2 ** 20))}Mi`;
