package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Machine knows the names that option texts may mention. A nil member takes every name;
// an error says that nobody answers.
type Machine struct {
	KnownUser, KnownGroup func(name string) (bool, error)
	// Forgive leaves out, with a warning, what is refused of an options text, for those
	// who cannot refuse it.
	Forgive bool
}

// ParseModule reads the module's parameters. The error is of type *Error, or Errors where
// several are wrong, and names the parameter; with it, the Module is of no use. The notes are for the log, once. Names of users and groups are taken
// as they are; Machine.ParseModule looks them up.
func ParseModule(params []Parameter) (Module, []Note, error) {
	return Machine{}.ParseModule(params)
}

// ParseModule is the function of this name for one machine: it refuses, there and in
// what tasks set later, users and groups that the machine does not know.
func (on Machine) ParseModule(params []Parameter) (Module, []Note, error) {
	m := Module{Given: slices.Clone(params), machine: on}
	for i := range definitions {
		d := &definitions[i]
		if d.fallback == "" {
			continue
		}
		if err := d.set(&m, d.fallback, Origin{}); err != nil {
			return m, nil, fmt.Errorf("default of %s: %w", d.name, err)
		}
	}
	var wrong found
	notes, err := m.apply(params)
	wrong.add(err)
	m.spreadTimes()
	m.machine = on.startable(&notes)
	more, err := m.readPolicies("", "")
	m.machine = on
	wrong.add(err)
	if len(wrong) == 0 {
		wrong.add(m.contradiction())
	}
	return m, append(notes, more...), wrong.err()
}

// spreadTimes gives each stream the resolution of its time index.
func (m *Module) spreadTimes() {
	if m.Times {
		m.Stdout.Times, m.Stderr.Times = m.TimeResolution, m.TimeResolution
	}
}

// startable takes names that nobody answers for, with a note: an agent must start while the
// name service is away, and each launch asks again.
func (on Machine) startable(notes *[]Note) Machine {
	taken := func(known func(string) (bool, error), kind string) func(string) (bool, error) {
		if known == nil {
			return nil
		}
		return func(name string) (bool, error) {
			ok, err := known(name)
			if err != nil {
				*notes = append(*notes, Note{Warning, printable(fmt.Sprintf("the %s %q of the options is not checked: %v", kind, name, err))})
			}
			return ok || err != nil, nil
		}
	}
	on.KnownUser, on.KnownGroup = taken(on.KnownUser, "user"), taken(on.KnownGroup, "group")
	return on
}

// apply sets what params say, and tells all that they cannot say.
func (m *Module) apply(params []Parameter) ([]Note, error) {
	var notes []Note
	var wrong found
	seen := map[string]bool{}
	for _, p := range params {
		d := find(p.Key)
		if d == nil {
			wrong.add(unknownParameter(p.Key))
			continue
		}
		from := Origin{Name: d.name}
		if seen[d.name] {
			wrong.add(&Error{From: from, Reason: "is given twice; expected it once"})
			continue
		}
		seen[d.name] = true
		before := *m
		if err := d.set(m, p.Value, from); err != nil {
			*m = before
			wrong.add(&Error{From: from, Value: p.Value, HasValue: true, Reason: err.Error(), cause: err})
			continue
		}
		if d.unused {
			notes = append(notes, Note{Info, fmt.Sprintf("%s is accepted and not used", from)})
		}
	}
	if m.AllowRootScripts && !m.AllowTaskScripts {
		notes = append(notes, Note{
			Warning,
			"parameter allow_root_scripts has no effect without allow_task_scripts=true",
		})
	}
	return notes, wrong.err()
}

// unknownParameter names what was most likely meant.
func unknownParameter(key string) error {
	names := make([]string, len(definitions))
	for i := range definitions {
		names[i] = definitions[i].name
	}
	reason, foreign := fromDCOS(key, func(name string) string { return name })
	if !foreign {
		reason = "there is no such parameter" + nearestHint(key, names, "; docs/parameters.md lists them")
	}
	return &Error{From: Origin{Name: quoted(key)}, Reason: reason}
}

// readPolicies reads the options of both streams. An unknown directive gives a
// warning; in the options of a module parameter, only at the agent's start.
func (m *Module) readPolicies(user, sandbox string) ([]Note, error) {
	var notes []Note
	var wrong found
	for _, s := range []*Stream{&m.Stdout, &m.Stderr} {
		read, err := m.readPolicy(*s, user, sandbox)
		if err != nil {
			wrong.add(err)
			continue
		}
		*s = read
		notes = append(notes, s.notes(sandbox != "")...)
	}
	return notes, wrong.err()
}

// notes are what the log has to tell of a stream's settings. At a launch that is one
// line for all that is without effect in the task's options: a task can write a hundred
// of them, and they stand in stdout.logrotate.conf.
func (s Stream) notes(launch bool) []Note {
	var notes []Note
	for _, lowered := range s.Lowered {
		notes = append(notes, Note{Warning, lowered})
	}
	if launch && !s.OptionsFrom.Task || len(s.Warnings) == 0 {
		return notes
	}
	if !launch {
		for _, warning := range s.Warnings {
			notes = append(notes, Note{Warning, fmt.Sprintf("%s: %s", s.OptionsFrom, warning)})
		}
		return notes
	}
	text := fmt.Sprintf("%s: %s", s.OptionsFrom, s.Warnings[0])
	if more := len(s.Warnings) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more, which the *.logrotate.conf in the sandbox has", more)
	}
	return append(notes, Note{Warning, text})
}

// Changed lists the parameters that params set to something other than their
// defaults, as `name=value`, for the line that the logger writes when it starts.
func Changed(params []Parameter) []string {
	var changed []string
	for _, p := range params {
		if d := find(p.Key); d != nil && !d.unused && p.Value != d.fallback {
			changed = append(changed, p.Key+"="+shown(p.Value))
		}
	}
	return changed
}

// shown is a value bare where it is a plain word, else quoted.
func shown(value string) string {
	if q := quoted(value); q != `"`+value+`"` || strings.ContainsAny(value, " ") {
		return q
	}
	return value
}

// IsInvalid tells whether an error is about what somebody wrote.
func IsInvalid(err error) bool {
	var invalid *Error
	return errors.As(err, &invalid)
}
