package check

import (
	"os/user"
	"slices"
	"strconv"
	"strings"

	"sluice/core/logrotate"
	"sluice/core/settings"
)

// parameters reads the parameters of a module as the agent would, and tells all errors,
// each at its place.
func (r *Report) parameters(m module) (operator settings.Module, ok bool) {
	operator, notes, err := machine.ParseModule(plain(m.given))
	if err == nil {
		r.notes(notes, m.at)
		return operator, true
	}
	defer r.notes(notes, m.at)
	for _, one := range settings.All(err) {
		at := m.at
		if i := culprit(m.given, one); i >= 0 {
			at = m.given[i].placeOf(one)
		}
		r.tell(at, one)
	}
	return operator, false
}

// tell adds an error of the settings; what is wrong with an options text line by line.
func (r *Report) tell(at position, err *settings.Error) {
	lines := logrotate.All(err.Unwrap())
	if len(lines) < 2 {
		r.add(Error, at, "%v", err)
		return
	}
	for _, line := range lines {
		r.add(Error, at, "%s: %v", err.From, line)
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
func culprit(given []parameter, invalid *settings.Error) int {
	for i, p := range slices.Backward(given) {
		// A name that is not a parameter's is shown quoted, and cut if it is long.
		if p.Key == invalid.From.Name || strconv.Quote(p.Key) == invalid.From.Name {
			return i
		}
	}
	return -1
}

// placeOf is where the parameter is wrong: its value or its name.
func (p parameter) placeOf(invalid *settings.Error) position {
	if invalid.HasValue || invalid.Unwrap() != nil {
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

// task reads what a task's variables make of the settings, and tells all errors.
func (r *Report) task(operator settings.Module, request Request) (settings.Container, bool) {
	if request.User != "" {
		switch known, err := machine.KnownUser(request.User); {
		case err != nil:
			r.add(Warning, position{}, "--user=%s is not checked: %v", request.User, err)
		case !known:
			r.add(Error, position{}, "--user=%s: this machine does not know that user: the launch would fail", request.User)
			return settings.Container{}, false
		}
	}
	if id, err := user.Lookup(request.User); err == nil {
		if uid, err := strconv.Atoi(id.Uid); err == nil {
			operator = operator.ForUser(uid)
		}
	}
	container, notes, err := operator.ForTask(request.TaskEnv, request.User, anySandbox)
	for _, one := range settings.All(err) {
		r.tell(position{}, one)
	}
	r.notes(notes, position{})
	if err != nil {
		return container, false
	}
	r.replaced("stdout", operator.Stdout, container.Stdout)
	r.replaced("stderr", operator.Stderr, container.Stderr)
	return container, true
}

// replaced tells which of the operator's directives a task's text takes away: it stands
// in the place of the whole text, also where it is empty.
func (r *Report) replaced(stream string, operator, task settings.Stream) {
	if !task.OptionsFrom.Task || task.Discard {
		return
	}
	var gone []string
	for _, line := range operator.Policy.Lines() {
		if line.Source > 0 && !slices.ContainsFunc(task.Policy.Lines(), func(l logrotate.Line) bool {
			return l.Source > 0 && l.Directive == line.Directive
		}) {
			gone = append(gone, line.Directive)
		}
	}
	if len(gone) > 0 {
		r.add(Info, position{}, "%s: the text of %s takes the place of all of the operator's: without effect are %s", stream, task.OptionsFrom, strings.Join(gone, ", "))
	}
}
