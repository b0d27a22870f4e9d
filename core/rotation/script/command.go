package script

import "os"

// Command is one program to run.
type Command struct {
	// Name says what it is for, such as "postrotate" or "compress".
	Name string
	// Args is the program's argument vector; Args[0] is looked up in the fixed
	// search path of the runner unless it is absolute.
	Args []string
	// Env is added to the runner's clean environment, as NAME=VALUE.
	Env []string
	// Stdin and Stdout are borrowed for the run. Without them the program has nothing to read,
	// and its output goes to the log.
	Stdin, Stdout *os.File
}

// Shell gives the command that logrotate makes of a script: the shell with the text,
// $0 = logrotate_script, and the arguments.
func Shell(name, text string, args ...string) Command {
	return Command{Name: name, Args: append([]string{"/bin/sh", "-c", text, "logrotate_script"}, args...)}
}
