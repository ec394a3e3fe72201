/**
 * The express router, without an application around it, which works with HTTP/1.1 only. It has one route, for everything: the path is
 * read once, by machinery/path.ts, and health, authorization and handler follow from that. Express's own matching knows neither upper
 * nor lower case nor trailing slashes, and answers OPTIONS, HEAD and unknown paths in its own way; none of it may decide anything here.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';
import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Log } from '../base/log.ts';
import { messageOf } from '../base/lifetime.ts';
import { internal } from '../machinery/errors.ts';
import { statusAnswer } from './failure.ts';

/** `serve` answers every request, and never rejects. */
export function createApp(serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>, log: Log): RequestListener {
  const router = express.Router();
  router.use((request, response) => serve(request, response));
  router.use(lastResort(log));
  /** Express routes no request in whose target it finds no path, such as `file://`, and would answer it itself, in HTML. */
  return (request, response) => router(request as Request, response as Response, () => void serve(request, response));
}

/** For what goes wrong in express itself: still a Status, no HTML, no stack. */
function lastResort(log: Log): ErrorRequestHandler {
  return (error, _request, response, _next) => {
    log.error('a request failed outside of the pipeline', { error: messageOf(error) });
    const { status, headers, body } = statusAnswer(internal('unforeseen'), false);
    if (response.headersSent) response.destroy();
    else response.writeHead(status, headers).end(body);
  };
}
