const NO_CONTAINER = 'skip_launch makes no container, and the start of a machine without one is refused';
const TEXT = 'what is not of the expected shape is refused in plain text, mostly with 422';
const NO_VOLUMES = 'volumes are not stored: none is listed or found, and nothing is checked about one';
const NO_WAIT = 'wait answers at once with whatever the state is, and its bounds are not checked';
const NO_CHECKS = 'names are not checked';

/**
 * Where Minifly 0.1.2 is not what Fly is: the tests of the machines contract that fail on it, each with the reason. So far that is all
 * of them. `minifly-platform.ts` makes up for each, which `10-platform.minifly.ts` shows.
 */
export const KNOWN_DIFFERENCES: Record<string, string> = {
  'apps creates an app, shows it with its network, and lists it in its organisation':
    'create answers 200 with the whole app; the network is dropped, and there is no list of apps',
  'apps answers 422 name_taken for a name that exists': 'a second app of a name overwrites the first',
  'apps refuses a name with a capital': NO_CHECKS,
  'apps refuses no organisation': TEXT,
  'apps refuses a network that begins with a digit': NO_CHECKS,
  'apps deletes an app with its machines and volumes, running ones only with force': NO_CONTAINER,
  'volumes creates, shows, lists and deletes a volume': NO_VOLUMES,
  'volumes refuses to delete a bound volume until its machine is destroyed': NO_VOLUMES,
  'volumes gives a volume to one machine, in its region, and to an app of its own only': NO_VOLUMES,
  'volumes refuses a name with a dash': NO_CHECKS,
  'volumes refuses no region': TEXT,
  'volumes refuses a size of nothing': NO_CHECKS,
  'machines creates a machine that is not launched, and it is found stopped':
    'ids have 15 digits, version is called instance_id only, and a machine that was not launched stays created',
  'machines launches one by default':
    'a launched machine is starting from the beginning, and for ever until it is started again',
  'machines answers a second machine of one name with 409 and the id of the first': 'a name may be given twice',
  'machines starts and stops, and takes a repeat as done': NO_CONTAINER,
  'machines kills a machine that does not stop in time, and refuses to start it before': NO_CONTAINER,
  'machines becomes stopped when its process ends by itself, with the exit code':
    'the end of a process is not noticed: the machine keeps the state that was last asked of it',
  'machines replaces the configuration under the version that was seen':
    'an update changes what is shown and not the container; there are no versions',
  'machines restarts a running machine that is updated, and says so to whoever starts it meanwhile': NO_CONTAINER,
  'machines destroys a running machine only with force, and then knows it no more': NO_CONTAINER,
  'machines lists by region, state and metadata, and destroyed ones when asked':
    'lists are by prefix of the name and by region; state and metadata are ignored, destroyed ones forgotten',
  'machines refuses no configuration': TEXT,
  'machines refuses no image': TEXT,
  'machines refuses an image that nobody registered': TEXT,
  'machines refuses an image outside the registered ones': TEXT,
  'machines refuses an environment that is no map of texts': TEXT,
  'machines refuses two volumes': TEXT,
  'machines answers 404 for an app, machine or volume that is not there':
    'the machines of an app that is not there are an empty list',
  'machines never shows a machine of one app under another': 'a machine is found under any app',
  'wait answers 408 in words after the time': NO_WAIT,
  'wait ends when the state is reached': NO_WAIT,
  'wait refuses a time of 0': NO_WAIT,
  'wait refuses a time of 61': NO_WAIT,
  'wait refuses a time of 0.5': TEXT,
  'wait refuses a time of -1': TEXT,
  'wait refuses a time of x': TEXT,
  'wait ends with 404 for a version that the machine does not have': NO_WAIT,
  'keeps metadata without a new version': 'metadata is not stored',
};
