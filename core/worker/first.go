package worker

import "runtime"

// The first thread of the runtime must not become a worker. When a locked goroutine ends on
// it, the thread does not end but is parked for ever (runtime.mexit), with whatever rights and
// priority the goroutine has given it: the leader of the process, or a thread of the host's,
// would keep those of a task. So the main goroutine, which runs this, is locked to it; moby's
// internal/unshare does the same. In a program the thread is main's from then on. In a library
// main has nothing to do, and the thread is parked as it was made.
func init() { runtime.LockOSThread() }
