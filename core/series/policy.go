package series

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"sluice/core/logformat"
	"sluice/core/logrotate"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// ConfSuffix is what the logger appends to the live file's name for the file that shows
// the policy in force.
const ConfSuffix = logformat.PolicySuffix

// Shown is what the logger shows of a stream in its sandbox.
type Shown struct {
	Policy logrotate.Policy
	// LimitBytes is that of the live file, 0 where it is not shown.
	LimitBytes int64
	// Foreign says that another logger wrote it, as mesos-logrotate-logger does.
	Foreign bool
}

// ShownPolicy reads the policy that the logger shows in the sandbox. The task can have
// written it: it says which names to read and what to expect, and can mislead about nothing
// else. It fails with fs.ErrNotExist where there is none.
func ShownPolicy(dir *sandbox.Dir, live string) (Shown, error) {
	name := live + ConfSuffix
	f, err := openOnce(dir, name)
	if err != nil {
		return Shown{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 2*logrotate.MaxTextBytes))
	if err != nil {
		return Shown{}, fmt.Errorf("read %q: %w", name, err)
	}
	shown, err := ParseShown(string(text))
	if err != nil {
		return Shown{}, fmt.Errorf("read the policy in %q: %w", name, err)
	}
	return shown, nil
}

// errNoSection says that a text is not one that the logger writes.
var errNoSection = errors.New("expected one section in braces")

// ParseShown reads such a text: what stands between the first brace and the last.
func ParseShown(untrusted string) (Shown, error) {
	_, section, opened := strings.Cut(untrusted, " {\n")
	end := strings.LastIndex(section, "}")
	if !opened || end < 0 {
		return Shown{}, errNoSection
	}
	policy, err := ReadPolicy(section[:end])
	shown := Shown{Policy: policy, Foreign: !strings.HasPrefix(untrusted, "# Written by sluice")}
	if size := shownSize.FindAllStringSubmatch(section[:end], -1); len(size) > 0 {
		shown.LimitBytes, _ = strconv.ParseInt(size[len(size)-1][1], 10, 64)
		shown.LimitBytes = policy.LimitBytes(shown.LimitBytes)
	}
	return shown, err
}

// shownSize is the limit of the live file, which the language itself leaves to others.
var shownSize = regexp.MustCompile(`(?m)^ {4}size (\d+)$`)

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
	var names []string
	for _, info := range infos {
		names = append(names, info.Name)
	}
	return GuessFromNames(names, live)
}

// GuessFromNames is GuessPolicy for names from elsewhere.
func GuessFromNames(untrusted []string, live string) (logrotate.Policy, error) {
	var best logrotate.Policy
	most := -1
	for _, text := range guesses {
		policy, err := ReadPolicy(text)
		if err != nil {
			return logrotate.Policy{}, err
		}
		names := seriesname.New(policy, live)
		explained := 0
		for _, name := range untrusted {
			if _, ours := names.Place(name); ours {
				explained++
			}
		}
		if explained > most {
			best, most = policy, explained
		}
	}
	return best, nil
}
