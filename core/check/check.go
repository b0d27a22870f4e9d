// Package check tells what an agent would say of a modules file and the variables of
// a task, before it is restarted: which errors would stop its start or a launch, what
// is legal and unwise, which policy comes out, and how much disk that can take.
//
// What a parameter means is read by package settings, as in the agent; this package
// adds the JSON around it, the library, and advice. It reads files and asks the
// machine for users and file systems. It refuses to load the library, to run anything
// and to change anything.
package check

import (
	"fmt"
	"sluice/core/rotation"
	"sluice/core/settings"
)

// Request says what to check.
type Request struct {
	// Modules is a value as --modules of the agent has it: file:///PATH, a path, or
	// the JSON itself.
	Modules string
	// ContainerLogger is the value of --container_logger; empty: not given.
	ContainerLogger string
	// TaskEnv is the environment of a task, User whom it runs as: empty is the
	// agent's own user.
	TaskEnv []settings.Variable
	User    string
	// Containers is how many are on the node at a time, for its disk; 0: not asked.
	Containers int
	// WorkDir is the agent's, whose file system the disk is held against; empty: not
	// asked.
	WorkDir string
}

// Severity of a finding. An error is what stops the agent's start or a launch.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Finding is one thing to say. Its text has no control characters but those that a
// person wrote as the name of the file.
type Finding struct {
	Severity Severity `json:"severity"`
	// Line and Column of the JSON count from 1, columns in bytes; 0 is no place.
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// Report is what was found.
type Report struct {
	// Source is the file, or <inline>.
	Source   string    `json:"source"`
	Findings []Finding `json:"findings"`
	// Loggers are the modules of ours whose parameters are right, with what holds.
	Loggers []Logger `json:"loggers"`
}

// Logger is one module of ours and its effective settings.
type Logger struct {
	Module  string `json:"module"`
	Library string `json:"library"`
	// Version of the library, empty where it could not be read.
	Version  string   `json:"version,omitempty"`
	Policies []Policy `json:"policies"`
	Disk     Disk     `json:"disk"`
}

// Errors is the number of findings that would stop the agent or the launch.
func (r *Report) Errors() int { return r.count(Error) }

// Warnings is the number of warnings.
func (r *Report) Warnings() int { return r.count(Warning) }

func (r *Report) count(of Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == of {
			n++
		}
	}
	return n
}

func (r *Report) add(severity Severity, at position, format string, values ...any) {
	r.Findings = append(r.Findings, Finding{severity, at.line, at.column, fmt.Sprintf(format, values...)})
}

// machine is the one that the files of the options would be made on.
var machine = settings.Machine{KnownUser: rotation.KnownUser, KnownGroup: rotation.KnownGroup}

// Run checks. It never fails: what cannot be read is a finding.
func Run(request Request) *Report {
	report := &Report{Findings: []Finding{}, Loggers: []Logger{}}
	text, ok := report.read(request.Modules)
	if !ok {
		return report
	}
	root, ok := report.parse(text)
	if !ok {
		return report
	}
	modules := report.modules(root)
	for _, m := range report.choose(modules, request.ContainerLogger) {
		report.logger(m, request)
	}
	return report
}

// logger checks the parameters of one module of ours, and what tasks make of them.
func (r *Report) logger(m module, request Request) {
	operator, ok := r.parameters(m)
	if !ok {
		return
	}
	r.stateDir(operator.StateDir)
	container, ok := r.task(operator, request)
	if !ok {
		return
	}
	logger := Logger{
		Module: m.name, Library: m.library.path, Version: m.library.version,
		Policies: []Policy{describe("stdout", container.Stdout), describe("stderr", container.Stderr)},
		Disk:     diskOf(operator, container, request.Containers),
	}
	r.advise("stdout", container.Stdout)
	r.advise("stderr", container.Stderr)
	r.fits(logger.Disk, request.WorkDir)
	r.Loggers = append(r.Loggers, logger)
}
