import { REGIONS, regionName } from '../tenants/regions';
import type { RegionResponse } from '../tenants/tenant-response';
import type { AppStatus } from '../tenants/user-app.entity';
import { failureOf, sinceOf, statusView, stepsView, type FailureView, type StepView, type Tone } from './tenant-view';
import type { TenantStatus } from '../gates/tenant-status.service';
import { homeMap, type MapView } from './world-map';

export interface RegionAppView {
  name: string;
  status: AppStatus;
  statusText: string;
  tone: Tone;
  machineId: string | null;
  machineState: string;
  seenText: string;
  role: string;
  failure: FailureView | null;
  canRetry: boolean;
  since: string | null;
  steps: StepView[] | null;
}

export interface RegionView {
  title: string;
  region: string;
  regionName: string;
  /** The tenant's app there, or null. */
  app: RegionAppView | null;
  /** Where it is instead. */
  home: { region: string; regionName: string } | null;
  /** All regions, with the names of this one and of those that have the app. */
  map: MapView;
  regions: { code: string; name: string; isCurrent: boolean; statusText: string; tone: Tone }[];
}

/** The page of one region: the tenant's app there, or that there is none; and all regions with what is there. */
export function regionView(code: string, status: TenantStatus | null): RegionView {
  const apps = status?.tenant.regions ?? [];
  const here = apps.find(({ region }) => region === code);
  const elsewhere = apps[0];
  return {
    title: regionName(code),
    region: code,
    regionName: regionName(code),
    app: status && here ? appView(status, here) : null,
    home: elsewhere && !here ? { region: elsewhere.region, regionName: regionName(elsewhere.region) } : null,
    map: homeMap(
      apps.map(({ region }) => region),
      code,
    ),
    regions: REGIONS.map((region) => {
      const app = apps.find((candidate) => candidate.region === region.code);
      const { text, tone } = app ? statusView(app.status) : { text: 'no app', tone: 'plain' as const };
      return { code: region.code, name: region.name, isCurrent: region.code === code, statusText: text, tone };
    }),
  };
}

function appView(status: TenantStatus, app: RegionResponse): RegionAppView {
  const { text, tone } = statusView(app.status);
  const steps = stepsView(status);
  return {
    name: status.tenant.appName,
    status: app.status,
    statusText: text,
    tone,
    machineId: app.machineId,
    machineState: app.machineState,
    seenText: app.seenAt
      ? `seen ${app.seenAt.slice(0, 19).replace('T', ' ')} UTC`
      : 'not seen since the service started',
    role: app.role,
    failure: failureOf(status.tenant),
    canRetry: app.status === 'failed',
    since: sinceOf(status.events),
    steps: steps.length > 0 ? steps : null,
  };
}
