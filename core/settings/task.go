package settings

import (
	"fmt"
	"strings"
)

// ForTask gives the settings of one container: the module's, and over them what
// the variables with the prefix say. Variables without the prefix are nobody's
// business. `user` is the name of the user that the container's files belong to,
// empty for the agent's own; `sandbox` is the absolute path of its directory.
// The error is of type *Error and names the variable.
func (m Module) ForTask(untrustedEnv []Variable, user, sandbox string) (Container, []Note, error) {
	operator := m
	seen := map[string]string{}
	for _, untrusted := range untrustedEnv {
		rest, ours := strings.CutPrefix(untrusted.Name, m.VariablePrefix)
		if !ours {
			continue
		}
		from := Origin{Task: true, Name: cut(untrusted.Name, 2*shownBytes)}
		d := find(strings.ToLower(rest))
		if d == nil || !d.task {
			return Container{}, nil, operator.unknownVariable(from, rest)
		}
		if earlier, twice := seen[d.name]; twice && earlier != untrusted.Value {
			return Container{}, nil, &Error{From: from, Reason: "is given twice with different values; expected it once"}
		}
		if _, twice := seen[d.name]; twice {
			continue
		}
		seen[d.name] = untrusted.Value
		if err := d.set(&m, untrusted.Value, from); err != nil {
			return Container{}, nil, &Error{
				From: from, Value: untrusted.Value, HasValue: true, Reason: err.Error(), cause: err,
			}
		}
	}
	notes, err := m.readPolicies(user, sandbox)
	return Container{Stdout: m.Stdout, Stderr: m.Stderr}, notes, err
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
