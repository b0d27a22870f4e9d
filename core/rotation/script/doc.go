// Package script runs the commands of a rotation policy: scripts and external
// compressors.
//
// A command runs as the task's user, in the sandbox, in a process group of its own, for a limited
// time, with limited resources, and with no descriptor of the host except the three that it is
// given. A few lines of its output go to the log. The package's users decide how many run at once.
//
// The package lives inside a host process that starts many children of its own. It
// waits only for the processes that it started, by their ids, and changes nothing
// of the host: not its descriptors, signals, environment, working directory or core
// dumps, and no thread. No thread is held while a command runs.
//
// It refuses to decide who may run commands; that is up to the policy.
package script
