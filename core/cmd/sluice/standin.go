package main

import (
	"path/filepath"
	"strings"
)

// standInName is the program whose place `sluice pipe` takes when it is called so.
const standInName = "mesos-logrotate-logger"

// forgiving is a hidden flag: options that are refused are said and left out. The
// container of a stand-in runs already, and would be ended by SIGPIPE for them.
const forgiving = "forgive_options"

// standIn gives the arguments of `sluice pipe` for a command line of the program that it
// stands in for: names in any case, blanks around an argument, and what is no flag
// ignored (stout/flags/flags.hpp). ok is false where the program was called otherwise.
func standIn(commandLine []string) (args []string, ok bool) {
	if len(commandLine) == 0 || filepath.Base(commandLine[0]) != standInName {
		return nil, false
	}
	args = []string{"pipe", "--" + forgiving}
	for _, arg := range commandLine[1:] {
		arg = strings.TrimSpace(arg)
		if arg == "--" {
			break
		}
		if !strings.HasPrefix(arg, "--") {
			continue
		}
		name, value, hasValue := strings.Cut(arg, "=")
		if hasValue {
			value = "=" + value
		}
		args = append(args, strings.ToLower(name)+value)
	}
	return args, true
}
