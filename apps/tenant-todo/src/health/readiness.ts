/** Says no from the moment a shutdown begins, before the port closes. */
export class Readiness {
  isDraining = false;
}
