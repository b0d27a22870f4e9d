package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/core/logrotate"
)

// Override says what becomes of what a task may not say.
type Override int

// The values of override_policy.
const (
	// Refuse fails the launch.
	Refuse Override = iota
	// Clamp lowers what is over a ceiling and leaves out directives; what makes no
	// sense still fails the launch.
	Clamp
	// Ignore takes a variable that cannot be used as it stands for not given.
	Ignore
)

// Ceilings bound what a task's variables may say. They say nothing about the
// operator's own parameters.
type Ceilings struct {
	// MaxBytes bounds the limit of a live file, MaxRateBytes the bytes per second;
	// 0 is no ceiling.
	MaxBytes, MaxRateBytes int64
	// MinBytes is the least limit of a live file: each file that is full costs a rotation.
	MinBytes int64
	// MaxFiles bounds the rotated files; -1 is no ceiling.
	MaxFiles int
	// Options are the directives that a task may use; nil is all that are safe.
	Options []string
	// Override says what becomes of the rest.
	Override Override
}

// over tells what becomes of a wish that was lowered to `most`, a ceiling of
// `whose`: an error in words that follow the wish, or a line in the stream.
func (c Ceilings) over(s *Stream, from Origin, wish, most, whose string) error {
	if c.Override != Clamp {
		return fmt.Errorf("is more than the operator allows; expected at most %s (%s)", most, whose)
	}
	s.Lowered = append(slices.Clip(s.Lowered), fmt.Sprintf("%s: %s was lowered to %s (%s)", from, quoted(wish), most, whose))
	return nil
}

// floor is the least limit that a task may ask for, where the operator's own is bytes.
func (c Ceilings) floor(bytes int64) int64 {
	least := min(c.MinBytes, bytes)
	if c.MaxBytes > 0 {
		least = min(least, c.MaxBytes)
	}
	return least
}

// under is over for a wish that was raised to `least`, a floor.
func (c Ceilings) under(s *Stream, from Origin, wish, least string) error {
	const whose = "parameter task_min_size"
	if c.Override != Clamp {
		return fmt.Errorf("is less than the operator allows; expected at least %s (%s)", least, whose)
	}
	s.Lowered = append(slices.Clip(s.Lowered), fmt.Sprintf("%s: %s was raised to %s (%s)", from, quoted(wish), least, whose))
	return nil
}

// noneWord takes a ceiling away, or every directive.
const noneWord = "none"

// setCeiling fills a size that a task may not pass, at least a page.
func setCeiling(field func(*Module) *int64) setter {
	fill := setSize(field, pageBytes(), 1<<60)
	return func(m *Module, text string, from Origin) error {
		if text == noneWord {
			*field(m) = 0
			return nil
		}
		if _, err := parseSize(text); err != nil {
			return expected(err, ceilingForm)
		}
		return fill(m, text, from)
	}
}

// setTaskMaxFiles fills the number of rotated files that a task may keep.
func setTaskMaxFiles(m *Module, text string, _ Origin) error {
	if text == noneWord {
		m.Task.MaxFiles = -1
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	switch {
	case text == "":
		return expected(errEmpty, countForm)
	case errors.Is(err, strconv.ErrRange):
		return expected(errors.New("is too large"), countForm)
	case err != nil:
		return expected(errors.New("is not a number of files"), countForm)
	}
	m.Task.MaxFiles = int(n)
	return nil
}

// setTaskOptions fills the directives that a task may use.
func setTaskOptions(m *Module, text string, _ Origin) error {
	switch text {
	case "":
		return expected(errEmpty, directivesForm)
	case "safe":
		m.Task.Options = nil
		return nil
	case noneWord:
		m.Task.Options = []string{}
		return nil
	}
	vocabulary := logrotate.Vocabulary()
	options := []string{}
	for _, name := range strings.Split(text, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(vocabulary, name) {
			near := nearest(name, vocabulary)
			if near != "" {
				near = ", the nearest is " + near
			}
			return fmt.Errorf("names the unknown directive %s%s; expected %s", quoted(name), near, directivesForm)
		}
		options = append(options, name)
	}
	m.Task.Options = options
	return nil
}

// setOverridePolicy fills what becomes of what a task may not say.
func setOverridePolicy(m *Module, text string, _ Origin) error {
	policies := map[string]Override{"refuse": Refuse, "clamp": Clamp, "ignore": Ignore}
	policy, known := policies[text]
	if !known {
		return expected(errors.New("is none of them"), overrideForm)
	}
	m.Task.Override = policy
	return nil
}
