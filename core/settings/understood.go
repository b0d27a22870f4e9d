package settings

import (
	"errors"
	"slices"
)

// Understood gives the settings of parameters that another version has accepted, and that
// this one may not all know. What it refuses is left out, with the reason; what is left is
// as good as given without it. Given still has all of them, for the version that knows
// them. It never fails: of no parameters there are defaults.
func Understood(params []Parameter) (Module, []error) {
	var refused []error
	rest := slices.Clone(params)
	for {
		m, _, err := ParseModule(rest)
		if err == nil {
			m.Given = slices.Clone(params)
			return m, refused
		}
		refused = append(refused, err)
		at := culprit(rest, err)
		rest = slices.Delete(rest, at, at+1)
	}
}

// culprit is the parameter that an error is about: of two of one name, the second. The
// defaults contradict nothing, so that there is one.
func culprit(params []Parameter, err error) int {
	var about *Error
	for i := len(params) - 1; i >= 0 && errors.As(err, &about); i-- {
		name := quoted(params[i].Key)
		if d := find(params[i].Key); d != nil {
			name = d.name
		}
		if name == about.From.Name {
			return i
		}
	}
	return len(params) - 1
}
