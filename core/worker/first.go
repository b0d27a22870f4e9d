package worker

import "runtime"

// The first thread of the runtime is nobody's. It is in no sense ended when a locked
// goroutine ends on it, but parked for ever (runtime.mexit), with whatever rights and
// priority the goroutine has given it: the leader of the process, or a thread of the
// host's, would keep those of a task. So the main goroutine is locked to it, which runs
// this; moby's internal/unshare does the same. In a program it is main's from then on. In
// a library main has nothing to do, and the thread is parked as it was made.
func init() { runtime.LockOSThread() }
