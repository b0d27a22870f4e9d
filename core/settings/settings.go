// Package settings turns what people wrote, the module's parameters and the
// variables in a task's environment, into settings that the engine can rely on.
//
// All that a parameter is stands in one table (definitions.go): parsing, the
// nearest name for a misspelt one and docs/parameters.md come from it. A bad
// parameter is an error for the agent's start, a bad task variable for that
// container's launch; the message names the thing, its value and what was
// expected. What a task says can lower what the operator said where the table
// gives a ceiling, never raise it.
//
// The package is pure: it reads no file, no clock and no environment, starts
// nothing and keeps no state. It refuses to guess: a value without a unit, a name
// given twice or a name that is nearly right is an error.
package settings

import (
	"time"

	"sluice/core/logrotate"
)

// Parameter is a module parameter as the operator wrote it.
type Parameter struct{ Key, Value string }

// Variable is a variable of a task's environment: hostile input.
type Variable struct{ Name, Value string }

// Severity says how the agent's log shows a note.
type Severity int

// The severities, numbered as in glog and bridge.h.
const (
	Info Severity = iota
	Warning
)

// Note is a line for the agent's log about settings that were accepted. Its text
// has no control characters.
type Note struct {
	Severity Severity
	Text     string
}

// Origin says where a setting came from, in words that follow "from":
// `default`, `parameter max_stdout_size`, `task variable CONTAINER_LOGGER_...`.
type Origin struct {
	// Task is true where the task's environment said it.
	Task bool
	// Name of the parameter or variable; empty for a default.
	Name string
}

// String is the origin in words.
func (o Origin) String() string {
	switch {
	case o.Name == "":
		return "default"
	case o.Task:
		return "task variable " + printable(o.Name)
	default:
		return "parameter " + o.Name
	}
}

// Module is what the operator set. The zero value is not usable: ParseModule
// makes one. It is a value: copies share nothing that changes, and its methods
// may be called concurrently.
type Module struct {
	machine Machine
	userID  *int // see ForUser
	// Given are the parameters as they were written: what another process needs to
	// come to the same settings.
	Given []Parameter

	// StateDir is an absolute path, cleaned.
	StateDir string
	// StartKeeper has the agent start a keeper, by KeeperCommand, an absolute path; empty:
	// the program that was installed with the library.
	StartKeeper   bool
	KeeperCommand string
	// PipeCapacityBytes is what to ask the kernel for; it may give less.
	PipeCapacityBytes int64
	// MaxDelay is the longest pause between a write and the file.
	MaxDelay time.Duration
	// VariablePrefix begins the names of the task variables; never empty.
	VariablePrefix string

	// AllowScripts lets the operator's options name scripts and external
	// compressors, AllowTaskScripts the task's, AllowRootScripts the task's
	// where the task's user is root.
	AllowScripts, AllowTaskScripts, AllowRootScripts bool
	// ScriptTimeout is when a script's process group is killed.
	ScriptTimeout time.Duration

	// Task bounds what tasks may say.
	Task Ceilings

	// PrepareTimeout is the longest that a launch waits for the disk.
	PrepareTimeout time.Duration
	// MemoryLimitBytes is the soft ceiling of the Go heap beyond what streams need.
	MemoryLimitBytes int64

	// NodeMaxBytes is the most that the series of all containers take together; 0 is no
	// bound. NodeMinFree is what stays free of the file system of the sandboxes.
	NodeMaxBytes int64
	NodeMinFree  Free

	// DebugContainers says what becomes of the output of DEBUG containers.
	DebugContainers Debug

	// CountLines keeps the number of the lines that each stream writes.
	CountLines bool

	// Times keeps a time index of each stream, with one entry for each TimeResolution.
	Times          bool
	TimeResolution time.Duration

	// LogStreams asks for a log line per stream.
	LogStreams bool

	// Stdout and Stderr are what holds where a task says nothing. Their
	// policies are checked without a user and a sandbox: for a container,
	// ForTask gives the ones to use.
	Stdout, Stderr Stream
}

// Container is what holds for one container.
type Container struct{ Stdout, Stderr Stream }

// Stream is what holds for one stdout or stderr.
type Stream struct {
	// MaxBytes is the limit of the live file, at least a page.
	MaxBytes     int64
	MaxBytesFrom Origin

	// Discard says that the container gets /dev/null: nothing is kept or counted.
	Discard     bool
	DiscardFrom Origin

	// FirstBytes, if not 0, is how much is kept from the beginning; what follows is
	// counted and dropped. It is MaxBytes then, and there are no rotated files.
	FirstBytes int64

	// MaxRateBytes is the limit in bytes per second; 0 is none.
	MaxRateBytes int64
	MaxRateFrom  Origin

	// WhenFull is what a failing write leads to.
	WhenFull WhenFull

	// Times is how far the entries of the time index are apart; 0: there is none.
	Times time.Duration

	// OptionsText is the rotation policy as written, OptionsFrom by whom.
	OptionsText string
	OptionsFrom Origin
	// Policy is OptionsText, read; Rotate is 1 where the text does not say.
	Policy logrotate.Policy
	// Warnings are the directives that Policy leaves out, with their lines.
	Warnings []string
	// Withheld says what of a recorded text does not hold any more, and why; empty where
	// all of it does. Warnings and Policy are of what holds instead.
	Withheld string
	// Lowered says what of the task's wishes was lowered to the operator's
	// ceilings. Like Warnings it has no control characters.
	Lowered []string
}
