/** What the process tells its operator: JSON lines on standard error. Never holds a body, a token or a key of a user. */
import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
type Fields = Record<string, unknown>;

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** The same log with fields that every line carries. */
  child(fields: Fields): Log;
}

/** pino: structured, fast, and the most used logger that writes plain JSON lines. */
export function createLog(level: LogLevel): Log {
  return wrap(
    pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: secretPaths }, pino.destination({ fd: 2, sync: true })),
  );
}

const secretPaths = ['token', '*.token', 'password', '*.password', 'authorization', '*.authorization'];

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
