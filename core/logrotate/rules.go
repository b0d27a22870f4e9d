package logrotate

import "strings"

// Trust says who wrote a text.
type Trust int

// The authors of option texts.
const (
	// Operator texts come from the module's parameters.
	Operator Trust = iota
	// Task texts come from the environment of a container.
	Task
)

// String names the author as messages do.
func (t Trust) String() string {
	if t == Task {
		return "task"
	}
	return "operator"
}

// Rules bound what a text may say.
type Rules struct {
	Trust Trust
	// AllowScripts permits scripts and external compressors to this author.
	AllowScripts bool
	// Allowed, if not nil, names the only directives that a task may use, each also
	// in its "no" form. It says nothing about operators.
	Allowed []string
	// LeaveOut leaves the other directives out, with a warning, instead of refusing
	// the text.
	LeaveOut bool
	// Forgive leaves out, with a warning, whatever else would make the text refused:
	// each directive that is wrong or not permitted, and no more than that.
	Forgive bool
	// Recorded says that the text was accepted once, for a container that runs. An
	// external compressor that may not be run any more then leaves files plain, and what
	// it has compressed stays part of the series.
	Recorded bool
	// User is the name of the user that the files belong to, for `su` and the owner
	// in `create` and `createolddir`; empty if not known.
	User string
	// Sandbox is the absolute path of the container's directory: an absolute olddir
	// beneath it is accepted. Empty if not known; then only a relative one is.
	Sandbox string
	// KnownUser and KnownGroup, if set, tell whether a name exists, so that a
	// misspelt owner is an error with its line. Their error says that nobody answers.
	KnownUser, KnownGroup func(name string) (bool, error)
}

// leavesOut says that what this author may not say is left out, not refused.
func (r Rules) leavesOut() bool { return r.Trust == Task && r.LeaveOut }

// allowedWords tells which directives a task may use.
func (r Rules) allowedWords() string {
	if len(r.Allowed) == 0 {
		return "no directive at all"
	}
	return "only " + strings.Join(r.Allowed, ", ")
}
