package settings

import (
	"fmt"
	"strings"
)

// ForTask gives the settings of one container: the module's, and over them what
// the variables with the prefix say, within the ceilings. Variables without the
// prefix are nobody's business. `user` is the name of the user that the container's
// files belong to, empty for the agent's own; `sandbox` is the absolute path of its
// directory. The error is of type *Error and names the variable; under Ignore the
// variables can give none.
func (m Module) ForTask(untrustedEnv []Variable, user, sandbox string) (Container, []Note, error) {
	r := taskReader{operator: m, module: m, user: user, sandbox: sandbox, seen: map[string]string{}}
	for _, untrusted := range untrustedEnv {
		before := r.module
		if err := r.variable(untrusted); err != nil {
			if m.Task.Override != Ignore {
				return Container{}, nil, err
			}
			r.module = before
			r.ignore(err)
		}
	}
	if m.Task.Override == Ignore {
		r.ignoreOptions()
	}
	notes, err := r.module.readPolicies(user, sandbox)
	if err == nil {
		err = r.fitNode()
	}
	return Container{Stdout: r.module.Stdout, Stderr: r.module.Stderr}, append(r.notes, notes...), err
}

// taskReader is the state of reading a task's variables into a copy of the module.
type taskReader struct {
	operator, module Module
	user, sandbox    string
	seen             map[string]string // values by the name of the definition
	notes            []Note
	ignored          int
}

// variable reads one variable, if it has the prefix.
func (r *taskReader) variable(untrusted Variable) error {
	rest, ours := strings.CutPrefix(untrusted.Name, r.operator.VariablePrefix)
	if !ours {
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
func (r *taskReader) ignore(why error) {
	r.ignored++
	switch {
	case r.ignored <= maxIgnoredNotes:
		r.notes = append(r.notes, Note{Warning, why.Error() + "; the variable is ignored"})
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
	var names []string
	for i := range definitions {
		if definitions[i].task {
			names = append(names, definitions[i].name)
		}
	}
	name := m.VariablePrefix + strings.ToUpper(nearest(untrustedRest, names))
	return &Error{From: from, Reason: fmt.Sprintf("there is no such variable; the nearest is %s", name)}
}
