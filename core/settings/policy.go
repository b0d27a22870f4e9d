package settings

import (
	"fmt"
	"strings"

	"sluice/core/logrotate"
)

// WithPolicy reads the options text of s again, for this user and sandbox: what
// recovery does with a stream's record. The trust follows from OptionsFrom. What a
// running container was once granted is not refused any more: over a ceiling it is
// lowered, and what may not be done any more, or cannot be read, is left out; of a text
// that cannot be read at all the limit holds, and one rotated file is kept. Withheld tells
// of that. No name is looked up: the names of users and groups were right once, and
// whoever knows them may be away. `user` is the name of the user that the container's
// files belong to (an empty one is the agent's own and counts as root), `sandbox` its
// absolute path.
func (m Module) WithPolicy(s Stream, user, sandbox string) Stream {
	m.machine = Machine{}
	granted := m.Task.Override != Clamp
	if granted {
		m.Task.Override, m.Task.Options = Clamp, nil
	}
	rules := m.rules(s.OptionsFrom, user, sandbox)
	rules.LeaveOut = !granted
	read, err := m.readUnder(rules, s)
	if err == nil {
		return read
	}
	rules.Forgive, rules.Recorded = true, true
	policy, warnings, unreadable := logrotate.Parse(s.OptionsText, rules)
	if unreadable != nil {
		policy, warnings, _ = logrotate.Parse("", rules)
	}
	read = s
	read.Policy, read.Warnings, read.Withheld = policy, m.told(warnings, s.OptionsFrom), err.Error()
	if why := m.bound(&read); why != nil {
		read.Warnings = append(read.Warnings, "left out: "+printable(why.Error()))
		read.Policy.MaxSizeBytes = 0
		_ = m.bound(&read) // of what else is bounded nothing is refused (Clamp)
	}
	return read
}

// InForce tells in a few words what a stream's policy keeps, for the line in a log that
// says what does not hold any more.
func (s Stream) InForce() string {
	words := []string{"limit " + ShortSize(s.Policy.LimitBytes(s.MaxBytes)), fmt.Sprintf("rotate %d", s.Policy.Rotate)}
	if s.Policy.Compresses() {
		words = append(words, "compress")
	} else {
		words = append(words, "nocompress")
	}
	if !s.Policy.Scripts.Any() {
		words = append(words, "no scripts")
	}
	return strings.Join(words, ", ")
}

// readPolicy reads the options text of s as at a launch.
func (m Module) readPolicy(s Stream, user, sandbox string) (Stream, error) {
	return m.readUnder(m.rules(s.OptionsFrom, user, sandbox), s)
}

func (m Module) readUnder(rules logrotate.Rules, s Stream) (Stream, error) {
	policy, warnings, err := logrotate.Parse(s.OptionsText, rules)
	if err != nil {
		reason := err.Error()
		if m.onlyRootForbids(s, rules) {
			reason += rootsToo
		}
		return s, &Error{From: s.OptionsFrom, Reason: reason, cause: err}
	}
	read := s
	read.Policy, read.Warnings = policy, nil
	if err := m.bound(&read); err != nil {
		return s, &Error{From: s.OptionsFrom, Reason: err.Error(), cause: err}
	}
	read.Warnings = m.told(warnings, s.OptionsFrom)
	return read, nil
}

// told gives the warnings of a text in words for people.
func (m Module) told(warnings []logrotate.Warning, from Origin) (texts []string) {
	for _, warning := range warnings {
		text := warning.String()
		if strings.Contains(text, "allow_task_scripts") && from.Task && m.AllowTaskScripts {
			text += rootsToo
		}
		texts = append(texts, printable(text))
	}
	return texts
}

// rootsToo follows what allow_task_scripts alone does not permit.
const rootsToo = "; where the task's user is root, that takes allow_root_scripts as well"

// DefaultFiles is how many rotated files are kept where no text says.
const DefaultFiles = 1

// bound holds a policy to what every stream must keep, and a task's to its ceilings.
func (m Module) bound(s *Stream) error {
	p, task := &s.Policy, s.OptionsFrom.Task
	if p.MaxSizeBytes > 0 && p.MaxSizeBytes < pageBytes() {
		return fmt.Errorf("line %d: maxsize %d is too small; expected at least %s",
			p.SourceOf("maxsize"), p.MaxSizeBytes, leastWords(pageBytes()))
	}
	if least := m.Task.floor(s.MaxBytes); task && p.MaxSizeBytes > 0 && p.MaxSizeBytes < least {
		asked := fmt.Sprintf("maxsize %d", p.MaxSizeBytes)
		p.MaxSizeBytes = least
		if err := m.Task.under(s, s.OptionsFrom, asked, fmt.Sprintf("maxsize %d", least)); err != nil {
			return fmt.Errorf("line %d: %q %w", p.SourceOf("maxsize"), asked, err)
		}
	}
	most := m.Task.MaxFiles
	if !p.RotateSet {
		p.Rotate = DefaultFiles
		if task && most >= 0 {
			p.Rotate = min(p.Rotate, most)
		}
	}
	if !task || most < 0 || p.Rotate >= 0 && p.Rotate <= most {
		return nil
	}
	asked := fmt.Sprintf("rotate %d", p.Rotate)
	p.Rotate = most
	err := m.Task.over(s, s.OptionsFrom, asked, fmt.Sprintf("rotate %d", most), "parameter task_max_files")
	if err != nil {
		return fmt.Errorf("line %d: %q %w", p.SourceOf("rotate"), asked, err)
	}
	return nil
}

// rules says what the author of an options text may do.
func (m Module) rules(from Origin, user, sandbox string) logrotate.Rules {
	rules := logrotate.Rules{
		Trust:        logrotate.Operator,
		AllowScripts: m.AllowScripts,
		User:         user,
		Sandbox:      sandbox,
		KnownUser:    m.machine.KnownUser,
		KnownGroup:   m.machine.KnownGroup,
		Forgive:      m.machine.Forgive,
	}
	if from.Task {
		rules.Trust = logrotate.Task
		rules.Allowed = m.Task.Options
		rules.LeaveOut = m.Task.Override == Clamp
		rules.AllowScripts = m.AllowTaskScripts && (m.AllowRootScripts || !m.mayBeRoot(user))
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

// mayBeRoot goes by the id, which any name may have. Where it is not known the name has
// to do; the empty one is the agent's own user, which is root on most machines.
func (m Module) mayBeRoot(user string) bool {
	if m.userID != nil && *m.userID != 0 {
		return user == ""
	}
	return m.userID != nil || user == "" || user == "root" || user == "0"
}

// ForUser gives the settings for a container whose user has this id: what root may not
// do nobody with id 0 may.
func (m Module) ForUser(uid int) Module {
	m.userID = &uid
	return m
}
