import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { GatesService } from './gates.service';

const LOOK_MS = 1000;
/** Background work has its cap: a crowd that goes quiet at once does not take the platform away from those that wake. */
const STOPS_AT_ONCE = 4;

/** Stops tenants that are quiet. Looks at what is awake, each second; the gate decides. */
@Injectable()
export class IdleStop implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    private readonly gates: GatesService,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.idleStopSeconds > 0) this.timer = setInterval(() => this.stopQuiet(), LOOK_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  stopQuiet(): void {
    const gates = this.gates.all();
    let stopping = gates.filter(({ state }) => state === 'stopping').length;
    for (const gate of gates) {
      if (stopping >= STOPS_AT_ONCE) return;
      if (this.gates.stopIfIdle(gate)) stopping += 1;
    }
  }
}
