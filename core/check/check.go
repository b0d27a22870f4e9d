// Package check tells what an agent would say of a modules file and the variables of
// a task, before it is restarted: which errors would stop its start or a launch, what
// is legal and unwise, which policy comes out, and how much disk that can take.
//
// What a parameter means is read by package settings, as in the agent; this package
// adds the JSON around it, the library, and advice. It reads files and asks the
// machine for users and file systems. It refuses to load the library, to run anything
// but systemctl, and to change anything.
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
	// Mesos is the agent's version; empty: that of the Mesos on this machine.
	Mesos string
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

	stops stops
}

// stops is what an error keeps from starting.
type stops int

const (
	// agent does not start, or a launch for it.
	agent stops = iota
	// launch of a task with such variables fails.
	launch
	// nothing is stopped, and sluice is not used.
	nothing
)

// Report is what was found.
type Report struct {
	// Source is the file, or <inline>.
	Source   string    `json:"source"`
	Findings []Finding `json:"findings"`
	// Loggers are the modules of ours whose parameters are right, with what holds.
	Loggers []Logger `json:"loggers"`

	stops   stops            // what errors are about now
	told    map[Severity]int // findings, by severity
	dropped int              // those of them that are not in Findings any more
}

// Logger is one module of ours and its effective settings.
type Logger struct {
	Module  string `json:"module"`
	Library string `json:"library"`
	// Version of the library and of the Mesos that it is for, empty where they could not
	// be read.
	Version string `json:"version,omitempty"`
	Mesos   string `json:"mesos,omitempty"`
	// Tree is the name of the tree that this Mesos is of: "Mesos" for Apache's, or a fork.
	Tree     string   `json:"tree,omitempty"`
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

// maxFindings of one severity are told: a file that is no modules file at all has as many
// as it has words.
const maxFindings = 1000

func (r *Report) add(severity Severity, at position, format string, values ...any) {
	if r.told == nil {
		r.told = map[Severity]int{}
	}
	if r.told[severity]++; r.told[severity] > maxFindings {
		r.dropped++
		return
	}
	r.Findings = append(r.Findings, Finding{severity, at.line, at.column, fmt.Sprintf(format, values...), r.stops})
}

// Verdict says what the errors mean; it is empty where there is none.
func (r *Report) Verdict() string {
	worst := stops(-1)
	for _, f := range r.Findings {
		if f.Severity == Error && (worst < 0 || f.stops < worst) {
			worst = f.stops
		}
	}
	switch worst {
	case agent:
		return "the agent would refuse " + r.Source
	case launch:
		return "the launch of such a task would fail"
	case nothing:
		return r.Source + " does not lead to sluice"
	}
	return ""
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
	if len(report.Loggers) > 0 {
		report.limitsOfAgent(request.Containers)
	}
	return report
}

// logger checks the parameters of one module of ours, and what tasks make of them.
func (r *Report) logger(m module, request Request) {
	r.forMesos(m, request.Mesos)
	operator, ok := r.parameters(m)
	if !ok {
		return
	}
	r.keeper(m, operator)
	r.stateDir(operator.StateDir)
	r.stops = launch
	container, ok := r.task(operator, request)
	r.stops = agent
	if !ok {
		return
	}
	logger := Logger{
		Module: m.name, Library: m.library.path, Version: m.library.version, Mesos: m.library.mesos, Tree: m.library.tree,
		Policies: []Policy{describe("stdout", container.Stdout), describe("stderr", container.Stderr)},
		Disk:     diskOf(operator, container, request.Containers),
	}
	r.advise("stdout", container.Stdout)
	r.advise("stderr", container.Stderr)
	r.fits(logger.Disk, request.WorkDir)
	r.Loggers = append(r.Loggers, logger)
}
