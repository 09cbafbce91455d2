import type { Clock } from '@app/common/time/clock';
import { Controller, Get, Headers, Inject, Req, Res } from '@nestjs/common';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { requestContext } from '../http/request-context';
import { CLOCK } from '../tokens';
import { EventStreams } from './event-streams';

@Controller('events')
export class EventsController {
  constructor(
    private readonly streams: EventStreams,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Ends when the token expires: who may go on comes again with a new one, and `Last-Event-ID`. */
  @Get()
  get(
    @Req() request: express.Request,
    @Res() response: express.Response,
    @Headers('last-event-id') lastEventId?: string,
  ): void {
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    this.streams.start(response, lastEventId, requestContext(request).expiresAt - this.clock.now());
  }
}
