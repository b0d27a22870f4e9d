package settings

import (
	"errors"
	"fmt"
	"strings"
)

// ForTask gives the settings of one container: the module's, and over them what
// the variables with the prefix say, within the ceilings. Variables without the
// prefix are nobody's business. `user` is the name of the user that the container's
// files belong to, empty for the agent's own; `sandbox` is the absolute path of its
// directory. The error is of type *Error, or Errors where several variables are wrong, and names
// them, and what the notes tell is told all the same; under Ignore the variables can give none.
func (m Module) ForTask(untrustedEnv []Variable, user, sandbox string) (Container, []Note, error) {
	r := taskReader{operator: m, module: m, user: user, sandbox: sandbox, seen: map[string]string{}}
	for _, untrusted := range untrustedEnv {
		before := r.module
		if err := r.variable(untrusted); err != nil {
			r.module = before
			r.refuse(err)
		}
	}
	if m.Task.Override == Ignore {
		r.ignoreOptions()
	}
	notes, err := r.module.readPolicies(user, sandbox)
	r.found.add(err)
	if len(r.found) == 0 {
		r.found.add(r.fitNode())
	}
	if err := r.found.err(); err != nil {
		return Container{}, r.notes, err
	}
	return Container{Stdout: r.module.Stdout, Stderr: r.module.Stderr}, append(r.notes, notes...), nil
}

// taskReader is the state of reading a task's variables into a copy of the module.
type taskReader struct {
	operator, module Module
	user, sandbox    string
	seen             map[string]string // values by the name of the definition
	notes            []Note
	ignored          int
	found            found
}

// refuse takes an error of a variable: for the launch, or as a note where the operator
// wants what a task may not say to be passed over.
func (r *taskReader) refuse(err error) {
	var invalid *Error
	if r.operator.Task.Override == Ignore || r.operator.Task.Override == Clamp && errors.As(err, &invalid) && invalid.foreign {
		r.ignore(err)
		return
	}
	r.found.add(err)
}

// variable reads one variable, if it has the prefix.
func (r *taskReader) variable(untrusted Variable) error {
	rest, ours := strings.CutPrefix(untrusted.Name, r.operator.VariablePrefix)
	if !ours {
		if r.operator.otherCase(untrusted.Name) {
			r.note(fmt.Sprintf("%s: is not read: names begin with %s, letter for letter",
				Origin{Task: true, Name: cut(untrusted.Name, 2*shownBytes)}, printable(r.operator.VariablePrefix)))
		}
		return nil
	}
	from := Origin{Task: true, Name: cut(untrusted.Name, 2*shownBytes)}
	d := find(strings.ToLower(rest))
	if d == nil || !d.task {
		return r.operator.unknownVariable(from, rest)
	}
	if earlier, twice := r.seen[d.name]; twice {
		if earlier != untrusted.Value {
			return &Error{From: from, Reason: "is given twice with different values; expected it once"}
		}
		return nil
	}
	r.seen[d.name] = untrusted.Value
	if err := d.set(&r.module, untrusted.Value, from); err != nil {
		return &Error{From: from, Value: untrusted.Value, HasValue: true, Reason: err.Error(), cause: err}
	}
	return nil
}

// maxIgnoredNotes bounds what a task's junk can put into the agent's log.
const maxIgnoredNotes = 5

// ignore tells of a variable that is taken for not given.
func (r *taskReader) ignore(why error) { r.note(why.Error() + "; the variable is ignored") }

// note adds a line for the agent's log, until there are enough.
func (r *taskReader) note(text string) {
	r.ignored++
	switch {
	case r.ignored <= maxIgnoredNotes:
		r.notes = append(r.notes, Note{Warning, text})
	case r.ignored == maxIgnoredNotes+1:
		r.notes = append(r.notes, Note{Warning, "further task variables are ignored"})
	}
}

// pair is a stream as the task wants it and as the operator has it.
type pair struct{ task, operator *Stream }

func (r *taskReader) pairs() []pair {
	return []pair{
		{&r.module.Stdout, &r.operator.Stdout},
		{&r.module.Stderr, &r.operator.Stderr},
	}
}

// ignoreOptions puts the operator's options where the task's cannot be used.
func (r *taskReader) ignoreOptions() {
	for _, pair := range r.pairs() {
		if !pair.task.OptionsFrom.Task {
			continue
		}
		if _, err := r.module.readPolicy(*pair.task, r.user, r.sandbox); err != nil {
			pair.task.OptionsText, pair.task.OptionsFrom = pair.operator.OptionsText, pair.operator.OptionsFrom
			r.ignore(err)
		}
	}
}

// unknownVariable names what was most likely meant, or says that a task may not
// set what only the operator can.
func (m Module) unknownVariable(from Origin, untrustedRest string) error {
	if d := find(strings.ToLower(untrustedRest)); d != nil {
		return &Error{From: from, Reason: fmt.Sprintf("only the operator can set %s, as a module parameter", d.name)}
	}
	asVariable := func(name string) string { return m.VariablePrefix + strings.ToUpper(name) }
	if instead, known := fromDCOS(untrustedRest, asVariable); known {
		return &Error{From: from, Reason: instead, foreign: true}
	}
	var names []string
	for _, name := range taskNames() {
		names = append(names, strings.ToUpper(name))
	}
	hint := nearestHint(untrustedRest, names, "")
	if before, name, near := strings.Cut(hint, " is "); near {
		hint = before + " is " + asVariable(name)
	} else {
		hint = fmt.Sprintf("; expected %s and %s", m.VariablePrefix, strings.Join(names, ", "))
	}
	return &Error{From: from, Reason: "there is no such variable" + hint}
}
