package series

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sluice/core/logrotate"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"strings"
)

// ConfSuffix is what the logger appends to the live file's name for the file that shows
// the policy in force.
const ConfSuffix = ".logrotate.conf"

// ShownPolicy reads the policy that the logger shows in the sandbox. The task can have
// written it: it says which names to read, and can mislead about nothing else. It
// fails with fs.ErrNotExist where there is none.
func ShownPolicy(dir *sandbox.Dir, live string) (logrotate.Policy, error) {
	name := live + ConfSuffix
	f, err := openOnce(dir, name)
	if err != nil {
		return logrotate.Policy{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 2*logrotate.MaxTextBytes))
	if err != nil {
		return logrotate.Policy{}, fmt.Errorf("read %q: %w", name, err)
	}
	policy, err := parseConf(string(text))
	if err != nil {
		return logrotate.Policy{}, fmt.Errorf("read the policy in %q: %w", name, err)
	}
	return policy, nil
}

// errNoSection says that a text is not one that the logger writes.
var errNoSection = errors.New("expected one section in braces")

// parseConf reads what stands between the first brace and the last.
func parseConf(untrusted string) (logrotate.Policy, error) {
	_, section, opened := strings.Cut(untrusted, " {\n")
	end := strings.LastIndex(section, "}")
	if !opened || end < 0 {
		return logrotate.Policy{}, errNoSection
	}
	return ReadPolicy(section[:end])
}

// ReadPolicy reads an option text for its names: who may run what is for the logger to
// ask. Where the text has no `rotate`, the policy keeps one file, as the logger does.
func ReadPolicy(untrusted string) (logrotate.Policy, error) {
	policy, _, err := logrotate.Parse(untrusted, logrotate.Rules{AllowScripts: true})
	if err == nil && !policy.RotateSet {
		policy.Rotate = 1
	}
	return policy, err
}

// guesses are policies whose names are tried where nobody says which one is in force.
var guesses = []string{
	"rotate -1\nstart 0\ncompress",
	"rotate -1\nstart 0\ncompress\ncompresscmd zstd",
	"rotate -1\ndateext\ncompress",
	"rotate -1\ndateext\ncompress\ncompresscmd zstd",
}

// GuessPolicy gives the policy that explains most of the names in dir: numbers or dates
// in logrotate's default format, plain, .gz or .zst.
func GuessPolicy(dir *sandbox.Dir, live string) (logrotate.Policy, error) {
	infos, err := dir.List(maxNames, func(name string) bool {
		return name != live && strings.HasPrefix(name, live)
	})
	if err != nil {
		return logrotate.Policy{}, fmt.Errorf("look for the files of %q: %w", live, err)
	}
	var best logrotate.Policy
	most := -1
	for _, text := range guesses {
		policy, err := ReadPolicy(text)
		if err != nil {
			return logrotate.Policy{}, err
		}
		names := rotation.NamesOf(policy, live)
		explained := len(slices.DeleteFunc(slices.Clone(infos), func(info sandbox.Info) bool {
			_, ours := names.Place(info.Name)
			return !ours
		}))
		if explained > most {
			best, most = policy, explained
		}
	}
	return best, nil
}
