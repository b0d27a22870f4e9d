package check

import (
	"errors"
	"slices"
	"sluice/core/settings"
	"strconv"
)

// parameters reads the parameters of a module as the agent would. It stops at the
// first error; here the reading goes on without what was wrong, so that all errors
// are told.
func (r *Report) parameters(m module) (operator settings.Module, ok bool) {
	left, ok := m.given, true
	for {
		operator, notes, err := machine.ParseModule(plain(left))
		if err == nil {
			r.notes(notes, m.at)
			return operator, ok
		}
		ok = false
		i := culprit(left, err)
		if i < 0 {
			r.add(Error, m.at, "%v", err)
			return operator, false
		}
		r.add(Error, left[i].placeOf(err), "%v", err)
		left = slices.Delete(slices.Clone(left), i, i+1)
	}
}

func plain(given []parameter) (params []settings.Parameter) {
	for _, p := range given {
		params = append(params, p.Parameter)
	}
	return params
}

// culprit is the parameter that an error is about; the last one where it is given
// twice. -1 is none of them.
func culprit(given []parameter, err error) int {
	var invalid *settings.Error
	if !errors.As(err, &invalid) {
		return -1
	}
	for i, p := range slices.Backward(given) {
		// A name that is not a parameter's is shown quoted, and cut if it is long.
		if p.Key == invalid.From.Name || strconv.Quote(p.Key) == invalid.From.Name {
			return i
		}
	}
	return -1
}

// placeOf is where the parameter is wrong: its value or its name.
func (p parameter) placeOf(err error) position {
	var invalid *settings.Error
	if errors.As(err, &invalid) && (invalid.HasValue || invalid.Unwrap() != nil) {
		return p.value
	}
	return p.key
}

// notes are what the agent would write into its log.
func (r *Report) notes(notes []settings.Note, at position) {
	for _, note := range notes {
		severity := Info
		if note.Severity == settings.Warning {
			severity = Warning
		}
		r.add(severity, at, "%s", note.Text)
	}
}

// anySandbox stands for the sandbox, which nobody knows yet.
const anySandbox = "/mnt/mesos/sandbox"

// task reads what a task's variables make of the settings. As with parameters, all
// errors are told.
func (r *Report) task(operator settings.Module, request Request) (settings.Container, bool) {
	if request.User != "" && !machine.KnownUser(request.User) {
		r.add(Error, position{}, "--user=%s: this machine does not know that user: the launch would fail", request.User)
		return settings.Container{}, false
	}
	left, ok := request.TaskEnv, true
	for {
		container, notes, err := operator.ForTask(left, request.User, anySandbox)
		if err == nil {
			r.notes(notes, position{})
			return container, ok
		}
		ok = false
		r.add(Error, position{}, "%v", err)
		var invalid *settings.Error
		i := -1
		if errors.As(err, &invalid) {
			i = slices.IndexFunc(left, func(v settings.Variable) bool { return v.Name == invalid.From.Name })
		}
		if i < 0 {
			return container, false
		}
		left = slices.Delete(slices.Clone(left), i, i+1)
	}
}
