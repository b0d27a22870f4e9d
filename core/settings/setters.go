package settings

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// setter puts a value as written into its field, or says what is wrong with it in
// words that follow the value: `has no unit; expected ...`.
type setter func(m *Module, text string, from Origin) error

// expected adds what would have been right.
func expected(err error, form string) error {
	return fmt.Errorf("%w; expected %s", err, form)
}

// setSize fills a size of at least and at most so many bytes.
func setSize(field func(*Module) *int64, leastBytes, mostBytes int64) setter {
	return func(m *Module, text string, _ Origin) error {
		size, err := parseSize(text)
		if err != nil {
			return expected(err, sizeForm)
		}
		if size < leastBytes {
			return fmt.Errorf("is too small; expected at least %s", leastWords(leastBytes))
		}
		if size > mostBytes {
			return fmt.Errorf("is too large; expected at most %s", FormatSize(mostBytes))
		}
		*field(m) = size
		return nil
	}
}

// pageBytes is the least that a live file may hold, as in the program replaced.
func pageBytes() int64 { return int64(os.Getpagesize()) }

func leastWords(bytes int64) string {
	if bytes == pageBytes() {
		return fmt.Sprintf("one page, %d bytes", bytes)
	}
	return FormatSize(bytes)
}

// setMaxBytes fills the limit of a live file, a task's within its ceiling.
func setMaxBytes(stream func(*Module) *Stream) setter {
	fill := setSize(func(m *Module) *int64 { return &stream(m).MaxBytes }, pageBytes(), 1<<60)
	return func(m *Module, text string, from Origin) error {
		s := stream(m)
		s.MaxBytesFrom = from
		least := m.Task.floor(s.MaxBytes)
		if err := fill(m, text, from); err != nil {
			return err
		}
		if from.Task && s.MaxBytes < least {
			s.MaxBytes = least
			return m.Task.under(s, from, text, FormatSize(least))
		}
		if most := m.Task.MaxBytes; from.Task && most > 0 && s.MaxBytes > most {
			s.MaxBytes = most
			return m.Task.over(s, from, text, FormatSize(most), "parameter task_max_size")
		}
		return nil
	}
}

// setMaxRate fills a rate, which can be off. Without a ceiling a task can only lower
// what the operator set: the module that the task's variables go into is a copy of
// the operator's.
func setMaxRate(stream func(*Module) *Stream) setter {
	return func(m *Module, text string, from Origin) error {
		rate, err := int64(0), error(nil)
		if text != "off" {
			rate, err = parseSize(text)
		}
		s := stream(m)
		if err != nil {
			return expected(err, rateForm)
		}
		if text != "off" && rate < pageBytes() {
			return fmt.Errorf("is too small; expected at least %s", leastWords(pageBytes()))
		}
		most, whose := m.Task.MaxRateBytes, "parameter task_max_rate"
		if most == 0 {
			most, whose = s.MaxRateBytes, s.MaxRateFrom.String()
		}
		s.MaxRateBytes, s.MaxRateFrom = rate, from
		if from.Task && most > 0 && (rate == 0 || rate > most) {
			s.MaxRateBytes = most
			return m.Task.over(s, from, text, FormatSize(most), whose)
		}
		return nil
	}
}

// setOptions keeps the options' text; it is read when all else is known, as what
// it may say depends on other parameters.
func setOptions(stream func(*Module) *Stream) setter {
	return func(m *Module, text string, from Origin) error {
		if len(text) > maxOptionsBytes {
			return fmt.Errorf("is too long; expected at most %s", FormatSize(maxOptionsBytes))
		}
		s := stream(m)
		s.OptionsText, s.OptionsFrom = text, from
		return nil
	}
}

// setDuration fills a duration between least and most.
func setDuration(field func(*Module) *time.Duration, least, most time.Duration) setter {
	return func(m *Module, text string, _ Origin) error {
		d, err := parseDuration(text)
		if err != nil {
			return expected(err, durationForm)
		}
		if d < least || d > most {
			return fmt.Errorf("is out of range; expected %s to %s", FormatDuration(least), FormatDuration(most))
		}
		*field(m) = d
		return nil
	}
}

// setSwitch fills a switch.
func setSwitch(field func(*Module) *bool) setter {
	return func(m *Module, text string, _ Origin) error {
		on, err := parseSwitch(text)
		if err != nil {
			return expected(err, switchForm)
		}
		*field(m) = on
		return nil
	}
}

// setStateDir fills the state directory.
func setStateDir(m *Module, text string, _ Origin) error {
	dir, err := parsePath(text)
	if err != nil {
		return expected(err, pathForm)
	}
	m.StateDir = dir
	return nil
}

// keeperForm is what keeper takes.
const keeperForm = "off or start"

// startWord is the value of keeper that starts one.
const startWord = "start"

// setKeeper fills whether the agent starts a keeper.
func setKeeper(m *Module, text string, _ Origin) error {
	if text != startWord && text != offWord {
		return expected(errors.New("is neither"), keeperForm)
	}
	m.StartKeeper = text == startWord
	return nil
}

// setKeeperCommand fills which program that is.
func setKeeperCommand(m *Module, text string, _ Origin) error {
	path, err := parsePath(text)
	if err != nil {
		return expected(err, pathForm)
	}
	m.KeeperCommand = path
	return nil
}

// setPrefix fills the prefix of the task variables. An empty one would claim every
// variable of every task.
func setPrefix(m *Module, text string, _ Origin) error {
	if text == "" {
		return expected(errEmpty, "the beginning of variable names, such as CONTAINER_LOGGER_")
	}
	m.VariablePrefix = text
	return nil
}

// setNothing is for what the replaced program needed and this one does not.
func setNothing(*Module, string, Origin) error { return nil }
