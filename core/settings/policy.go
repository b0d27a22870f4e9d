package settings

import "sluice/core/logrotate"

// WithPolicy reads the options text of s again, for this user and sandbox: what
// recovery does with a stream's record. The trust follows from OptionsFrom.
// `user` is the name of the user that the container's files belong to (an empty
// one is the agent's own and counts as root), `sandbox` its absolute path. The
// error is of type *Error; with it, s comes back as it was.
func (m Module) WithPolicy(s Stream, user, sandbox string) (Stream, error) {
	rules := m.rules(s.OptionsFrom, user, sandbox)
	policy, warnings, err := logrotate.Parse(s.OptionsText, rules)
	if err != nil {
		reason := err.Error()
		if m.onlyRootForbids(s, rules) {
			reason += "; where the task's user is root, that takes allow_root_scripts as well"
		}
		return s, &Error{From: s.OptionsFrom, Reason: reason, cause: err}
	}
	if !policy.RotateSet {
		policy.Rotate = 1
	}
	s.Policy, s.Warnings = policy, nil
	for _, warning := range warnings {
		s.Warnings = append(s.Warnings, printable(warning.String()))
	}
	return s, nil
}

// rules says what the author of an options text may do.
func (m Module) rules(from Origin, user, sandbox string) logrotate.Rules {
	rules := logrotate.Rules{
		Trust:        logrotate.Operator,
		AllowScripts: m.AllowScripts,
		User:         user,
		Sandbox:      sandbox,
	}
	if from.Task {
		rules.Trust = logrotate.Task
		rules.AllowScripts = m.AllowTaskScripts && (m.AllowRootScripts || !mayBeRoot(user))
	}
	return rules
}

// onlyRootForbids tells whether a refused text would do for another user.
func (m Module) onlyRootForbids(s Stream, rules logrotate.Rules) bool {
	if !s.OptionsFrom.Task || !m.AllowTaskScripts || rules.AllowScripts {
		return false
	}
	rules.AllowScripts = true
	_, _, err := logrotate.Parse(s.OptionsText, rules)
	return err == nil
}

// mayBeRoot is true also for the empty name: the agent's own user, which is root
// on most machines.
func mayBeRoot(user string) bool {
	return user == "" || user == "root" || user == "0"
}
