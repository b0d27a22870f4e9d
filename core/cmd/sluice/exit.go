package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// The exit statuses of every subcommand.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	// exitClosed is what a shell shows for a program that SIGPIPE ended, which is how a
	// command ends whose output nobody reads any more, if it is just writing.
	exitClosed = 128 + 13
)

const exitHelp = `Exit status: 0 where all went well; 1 after a failure, or where something is not as it
should be; 2 where the command line cannot be understood; 141 where the reader of the
output has gone, as after "| head".`

// errClosed says that nobody reads the output any more.
var errClosed = errors.New("the output was closed")

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run runs the command, prints its error to stderr and gives the exit status. What fails
// before a subcommand has started is an error of the command line.
func run(ctx context.Context, root *cobra.Command) (status int) {
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	cmd, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errClosed):
		return exitClosed
	case started && !errors.As(err, &usage):
		cmd.PrintErrln("Error:", printableLines(err.Error()))
		return exitFailed
	}
	cmd.PrintErrln("Error:", printableLines(err.Error()))
	cmd.PrintErrf("See %q.\n", cmd.CommandPath()+" --help")
	return exitUsage
}

// underscores lets every flag be written with dashes, too.
func underscores(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(strings.ReplaceAll(name, "-", "_"))
}

// closedOutput is the error of a write to the output.
func closedOutput(err error) error {
	if errors.Is(err, unix.EPIPE) {
		return errClosed
	}
	return err
}
